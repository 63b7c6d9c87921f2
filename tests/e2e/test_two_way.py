#!/usr/bin/env python3
"""Two-way syncs on a real Dovecot: what is done on two computers and by another mail program is the same everywhere."""

import imaplib
import random
import unittest

import harness

# What Dovecot says it can do, less and less of it.
LESS = {
    "everything": "",
    "without_qresync": "-QRESYNC",
    "without_condstore": "-QRESYNC -CONDSTORE",
    "without_move": "-MOVE",
    "without_uidplus": "-UIDPLUS",
    "without_move_and_uidplus": "-MOVE -UIDPLUS",
    "without_literals_and_lists": "-LITERAL+ -MULTIAPPEND -LIST-STATUS -LIST-EXTENDED -SPECIAL-USE",
}


def message(number, text="text"):
    return (f"From: a@example.org\r\nSubject: number {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
            f"{text} of {number}\r\n").encode()


class Case(harness.Case):

    def begin(self, less="", stores=2, messages=6, **keys):
        self.server = self.serve(capability=less)
        for number in range(messages):
            self.server.deliver(message(number), date=1_700_000_000 + number)
        self.server.deliver(message(100), "Work", date=1_700_000_100)
        self.server.deliver(message(200), "Trash", date=1_700_000_200)
        self.stores = [f"computer{n + 1}" for n in range(stores)]
        for name in self.stores:
            self.home.connect(name, self.server, mode="two-way", **keys)
            self.sync(name)

    def state(self, account):
        rows = [(row["folder"], row["subject"], tuple(sorted(row["flags"])), tuple(sorted(row["keywords"])), row["date"])
                for row in self.ls(account)]
        return sorted(rows), sorted((row["folder"], row["subscribed"]) for row in self.lines("ls", account, "--folders"))

    def there(self):
        """What the server has, asked by somebody else: folder, subject, flags."""
        found = []
        with self.server.imap() as imap:
            for line in imap.list()[1]:
                name = line.decode().rsplit('"/" ', 1)[-1].rsplit('"." ', 1)[-1].strip('"')
                if b"\\Noselect" in line or imap.select(f'"{name}"', readonly=True)[0] != "OK":
                    continue
                for number in imap.search(None, "ALL")[1][0].split():
                    data = imap.fetch(number, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                    subject = data[0][1].decode().split(":", 1)[1].strip()
                    flags = sorted(flag.decode() for flag in imaplib.ParseFlags(data[0][0]) if flag != b"\\Recent")
                    if not flags and len(data) > 1 and b"FLAGS" in data[1]:
                        flags = sorted(flag.decode() for flag in imaplib.ParseFlags(data[1]) if flag != b"\\Recent")
                    found.append((name, subject, tuple(flags)))
        return sorted(found)

    def id_of(self, account, number, folder=None):
        return str(next(row["id"] for row in self.ls(account)
                        if row["subject"] == f"number {number}" and folder in (None, row["folder"])))

    def rest(self):
        """Syncs until nobody has anything more to do."""
        for _ in range(4):
            results = [self.lines("sync", name)[0] for name in self.stores]
            for one in results:
                self.assertEqual(one["skipped_messages"], [])
                self.assertEqual((one["held"], one["suspect"]), (0, 0))
            if not any(self.did(one) for one in results):
                return
        self.fail(f"no rest: {results}")

    @staticmethod
    def did(one):
        return sum(one[key] for key in ("added", "sent", "flags_changed", "flags_changed_on_server", "moved",
                                        "moved_on_server", "removed", "removed_on_server", "folders_created",
                                        "folders_renamed", "folders_deleted", "subscriptions_changed"))

    def assert_all_alike(self):
        first = self.state(self.stores[0])
        for name in self.stores[1:]:
            self.assertEqual(self.state(name), first, name)
        here = sorted((folder, subject, tuple(sorted(["\\" + flag.capitalize() for flag in flags] + list(keywords))))
                      for folder, subject, flags, keywords, _ in first[0])
        self.assertEqual(here, self.there())
        return first


class EveryServer(Case):

    def play(self, less):
        self.begin(less)
        one, two = self.stores
        # On one computer, offline.
        self.run_it("flag", one, self.id_of(one, 0), self.id_of(one, 1), "+seen", "+todo")
        self.run_it("move", one, self.id_of(one, 1), "Work")
        self.run_it("copy", one, self.id_of(one, 2), "Work")
        self.run_it("rm", one, self.id_of(one, 3))
        self.run_it("folder", "create", one, "Archive")
        self.run_it("append", one, "Archive", data=message(300, "a bare\nline end, then text"))
        # On the other.
        self.run_it("flag", two, self.id_of(two, 0), "+flagged")
        self.run_it("move", two, self.id_of(two, 100), "INBOX")
        self.run_it("folder", "rename", two, "Work", "Jobs")
        # And another mail program, on the server.
        with self.server.imap() as imap:
            imap.select("INBOX")
            imap.store("5", "+FLAGS", "(\\Answered)")
            imap.create("Lists")
            imap.subscribe("Lists")
            imap.copy("6", "Lists")
            imap.store("6", "+FLAGS", "(\\Deleted)")
            imap.expunge()
        self.rest()
        rows, folders = self.assert_all_alike()
        places = {(folder, subject) for folder, subject, *_ in rows}
        self.assertEqual(places, {("INBOX", "number 0"), ("Jobs", "number 1"), ("INBOX", "number 2"), ("Jobs", "number 2"),
                                  ("Trash", "number 3"), ("INBOX", "number 4"), ("Lists", "number 5"),
                                  ("INBOX", "number 100"), ("Trash", "number 200"), ("Archive", "number 300")})
        flags = {subject: (set(flags), set(keywords)) for _, subject, flags, keywords, _ in rows}
        self.assertEqual(flags["number 0"], ({"seen", "flagged"}, {"todo"}))
        self.assertEqual(flags["number 1"], ({"seen"}, {"todo"}))
        self.assertIn(("Lists", True), folders)
        # A removal for good, and one that is taken back.
        self.run_it("rm", one, self.id_of(one, 0), "--forever")
        self.run_it("folder", "delete", two, "Archive", "--with-messages")
        self.rest()
        rows, folders = self.assert_all_alike()
        self.assertNotIn("number 0", {subject for _, subject, *_ in rows})
        self.assertNotIn("Archive", {folder for folder, _ in folders})
        self.run_it("undelete", two, str(self.lines("ls", two, "--removed")[0]["id"]))
        self.rest()
        self.assert_all_alike()


for name, words in LESS.items():
    setattr(EveryServer, f"test_{name}", lambda self, words=words: self.play(words))


class Safe(Case):

    def test_a_store_that_is_gone_removes_nothing_on_the_server(self):
        self.begin(stores=1)
        before = self.there()
        self.home.close()
        self.home = harness.Home()
        self.addCleanup(self.home.close)
        self.home.connect("computer1", self.server, mode="two-way")
        self.sync("computer1")
        self.assertEqual(self.there(), before)
        self.assertEqual(len(self.ls("computer1")), len(before))

    def test_the_fuse_holds_what_was_removed_here(self):
        self.begin(stores=1, messages=60)
        ids = [str(row["id"]) for row in self.ls("computer1", "INBOX")][:40]
        self.run_it("rm", "computer1", *ids, "--forever")
        done = self.run_it("sync", "computer1", status=harness.FUSE)
        self.assertIn("40 of 60 messages in INBOX were removed here; nothing was removed on the server", done.err)
        self.assertEqual(len(self.there()), 62)
        dry = self.run_it("sync", "computer1", "--dry-run", status=harness.FUSE)
        self.assertIn("held, not removed on the server", dry.out.decode())
        self.run_it("sync", "computer1", "--allow-deletes", "40")
        self.assertEqual(len(self.there()), 22)

    def test_a_dry_run_tells_what_goes_where_and_changes_nothing(self):
        self.begin(stores=1)
        before = self.there()
        self.run_it("flag", "computer1", self.id_of("computer1", 0), "+seen")
        self.run_it("move", "computer1", self.id_of("computer1", 1), "Work")
        self.run_it("append", "computer1", "INBOX", data=message(300))
        self.run_it("folder", "create", "computer1", "New")
        told = self.run_it("sync", "computer1", "--dry-run").out.decode()
        for words in ("set flags on the server (flags changed)", "move to Work on the server (moved)",
                      "add on the server", "New: make the folder on the server"):
            self.assertIn(words, told)
        self.assertEqual(self.there(), before)
        self.rest()
        self.assert_all_alike()

    def test_a_mirror_changes_nothing_on_the_server(self):
        self.begin(stores=1)
        self.run_it("flag", "computer1", self.id_of("computer1", 0), "+seen")
        self.home.connect("computer1", self.server)
        before = self.there()
        self.sync("computer1")
        self.assertEqual(self.there(), before)


class ByTurns(Case):

    def test_two_computers_and_a_mail_program_at_random(self):
        self.begin(messages=20)
        choose = random.Random(20261128)
        for turn in range(6):
            for name in self.stores:
                for _ in range(6):
                    self.change(choose, name)
                if choose.random() < 0.7:
                    self.sync(name)
            with self.server.imap() as imap:
                imap.select("INBOX")
                count = len(imap.search(None, "ALL")[1][0].split())
                for _ in range(min(count, 3)):
                    number = str(choose.randrange(1, count + 1))
                    imap.store(number, choose.choice(("+FLAGS", "-FLAGS")), choose.choice(("(\\Seen)", "(\\Flagged)", "(later)")))
                imap.copy("1", "Work")
            self.server.deliver(message(1000 + turn))
        self.rest()
        self.assert_all_alike()

    def change(self, choose, name):
        rows = self.ls(name)
        row = choose.choice(rows)
        one = str(row["id"])
        kind = choose.randrange(5)
        if kind == 0:
            self.run_it("move", name, one, choose.choice(("INBOX", "Work", "Trash")))
        elif kind == 1:
            self.run_it("copy", name, one, "Work")
        elif kind == 2 and choose.random() < 0.3:
            self.run_it("rm", name, one)
        else:
            self.run_it("flag", name, one, choose.choice(("+seen", "-seen", "+flagged", "+later", "-later")))


if __name__ == "__main__":
    unittest.main()
