#!/usr/bin/env python3
"""Modes and names folder by folder, on a real Dovecot: one account with a folder that is renamed, one that is pushed and
one that is an archive."""

import os

import harness
from served import Served  # noqa: E402  (harness puts tests/support on the path)
from test_two_way import message

RULES = """
[[account.work.folder]]
match = "Old"
mode = "archive"

[[account.work.folder]]
match = "Notes"
mode = "push"

[[account.work.folder]]
match = "Seen"
mode = "mirror"

[[account.work.folder]]
match = "Lists/**"
skip = true

[[account.work.folder]]
match = "Projects/**"
rename = "**"
"""


class Case(harness.Case):

    def begin(self, rules=RULES, mode="two-way"):
        """INBOX: 0 to 2; Old: 10, 11; Notes: 20; Seen: 30; Projects/Big: 40; Lists/x: 50; Trash: 60."""
        self.server = self.serve()
        for number, folder in ((0, "INBOX"), (1, "INBOX"), (2, "INBOX"), (10, "Old"), (11, "Old"), (20, "Notes"),
                               (30, "Seen"), (40, "Projects/Big"), (50, "Lists/x"), (60, "Trash")):
            self.server.deliver(message(number), folder, date=1_700_000_000 + number)
        self.home.connect("work", self.server, mode=mode)
        self.add_rules(rules)

    def add_rules(self, rules):
        with open(self.home.config, "a", encoding="utf-8") as file:
            file.write(rules)

    def there(self):
        """Folder: the numbers of its messages, with '+' for \\Seen and '!' for \\Flagged."""
        found = {}
        with self.server.imap() as imap:
            for line in imap.list()[1]:
                name = line.decode().rsplit('"/" ', 1)[-1].rsplit('"." ', 1)[-1].strip('"').replace(".", "/")
                if b"\\Noselect" in line or imap.select(f'"{name}"', readonly=True)[0] != "OK":
                    continue
                found[name] = []
                for number in imap.search(None, "ALL")[1][0].split():
                    data = imap.fetch(number, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                    flags = b"".join(part if isinstance(part, bytes) else part[0] for part in data)
                    subject = data[0][1].decode().split("number ", 1)[1].strip()
                    found[name].append(subject + "+" * (b"\\Seen" in flags) + "!" * (b"\\Flagged" in flags))
        return {name: " ".join(sorted(rows)) for name, rows in found.items()}

    def here(self):
        found = {row["folder"]: [] for row in self.lines("ls", "work", "--folders")}
        for row in self.ls("work"):
            number = row["subject"].split("number ", 1)[1]
            found[row["folder"]].append(number + "+" * ("seen" in row["flags"]) + "!" * ("flagged" in row["flags"]))
        return {name: " ".join(sorted(rows)) for name, rows in found.items()}

    def by_another(self, folder, number, what, *arguments):
        """What a mail program does on the server to the message of that number."""
        with self.server.imap() as imap:
            imap.select(f'"{folder}"')
            found = imap.search(None, f'SUBJECT "number {number}"')[1][0].split()[0]
            if what == "move":
                imap.copy(found, arguments[0])
                what, arguments = "store", ("+FLAGS", "\\Deleted")
            imap.store(found, *arguments)
            imap.expunge()

    def id_of(self, number):
        return str(next(row["id"] for row in self.ls("work") if row["subject"] == f"number {number}"))

    def folders(self, *words):
        return {row["server"] or row["here"]: row for row in self.lines("folders", "work", *words)}


class Folders(Case):

    def test_what_maps_to_what_is_shown_before_anything_moves(self):
        self.begin()
        self.assertIn("nothing is known of work yet", self.run_it("folders", "work", "--offline", status=2).err)
        shown = {name: (row["here"], row["mode"], row["skipped"], row["next"]) for name, row in self.folders().items()}
        self.assertEqual(shown, {
            "INBOX": ("INBOX", "two-way", None, "is made here"),
            "Lists/x": (None, "two-way", f"by the rule in line {self.line_of('Lists')}", None),
            "Notes": (None, "push", None, "is not made here"),
            "Old": ("Old", "archive", None, "is made here"),
            "Projects/Big": ("Big", "two-way", None, "is made here"),
            "Seen": ("Seen", "mirror", None, "is made here"),
            "Trash": ("Trash", "two-way", None, "is made here")})
        self.assertFalse(os.path.exists(self.home.store("work")), "nothing moved")
        told = self.run_it("folders", "work").out.decode()
        for words in ("Projects/Big  ↔  Big", "Old           →  Old", "Notes         ←  –", "skipped: by the rule in line"):
            self.assertIn(words, told)
        self.sync("work")
        self.assertEqual(self.folders("--offline")["Notes"]["only_there"], 1)
        self.server.stop()
        away = self.run_it("folders", "work", status=harness.NETWORK)
        self.assertIn("Projects/Big  ↔  Big", away.out.decode(), "as the last sync left it")
        self.assertIn("the server was not asked", away.err)

    def line_of(self, folder):
        with open(self.home.config, encoding="utf-8") as file:
            lines = file.read().splitlines()
        return next(n for n, line in enumerate(lines, 1) if f'match = "{folder}' in line) - 1


class Modes(Case):

    def test_in_one_account_each_folder_is_synced_by_its_own(self):
        self.begin()
        self.sync("work")
        self.assertEqual(self.here(), {"INBOX": "0 1 2", "Old": "10 11", "Seen": "30", "Big": "40", "Trash": "60"})
        # Somebody else on the server.
        self.by_another("Old", 10, "store", "+FLAGS", "\\Deleted")
        self.by_another("Old", 11, "store", "+FLAGS", "\\Seen")
        self.by_another("Seen", 30, "store", "+FLAGS", "\\Flagged")
        self.by_another("Projects/Big", 40, "store", "+FLAGS", "\\Seen")
        # And here.
        self.run_it("folder", "create", "work", "Notes")
        self.run_it("append", "work", "Notes", data=message(21))
        self.run_it("append", "work", "Big", data=message(41))
        self.run_it("append", "work", "Old", data=message(12))
        self.run_it("flag", "work", self.id_of(11), "+flagged")
        self.run_it("flag", "work", self.id_of(0), "+seen")
        self.sync("work")
        self.assertEqual(self.there(), {"INBOX": "0+ 1 2", "Lists/x": "50", "Notes": "20 21", "Old": "11+",
                                        "Projects/Big": "40+ 41", "Seen": "30!", "Trash": "60"})
        self.assertEqual(self.here(), {"INBOX": "0+ 1 2", "Notes": "21", "Old": "10 11+! 12", "Seen": "30!",
                                       "Big": "40+ 41", "Trash": "60"})
        rest = self.lines("sync", "work")[0]
        self.assertEqual((rest["added"], rest["sent"], rest["removed"], rest["skipped"]), (0, 0, 0, 0))
        kept = {name: (row["only_here"], row["only_there"], row["flags_differ"])
                for name, row in self.folders("--offline").items()}
        self.assertEqual(kept["Old"], (2, 0, 1))
        self.assertEqual(kept["Notes"], (0, 1, 0))
        self.assertEqual(kept["INBOX"], (0, 0, 0))

    def test_the_pushed_folder_is_put_right_on_the_server_and_never_here(self):
        self.begin()
        self.sync("work")
        self.run_it("folder", "create", "work", "Notes")
        for number in (21, 22, 23):
            self.run_it("append", "work", "Notes", data=message(number))
        self.sync("work")
        self.by_another("Notes", 21, "store", "+FLAGS", "\\Seen")
        self.by_another("Notes", 22, "store", "+FLAGS", "\\Deleted")
        self.run_it("rm", "work", self.id_of(23), "--forever")
        self.sync("work")
        self.assertEqual((self.here()["Notes"], self.there()["Notes"]), ("21 22", "20 21"))
        with self.server.imap() as imap:
            imap.rename("Notes", "Stolen")
        self.sync("work")
        self.assertEqual((self.here()["Notes"], self.there()["Notes"]), ("21 22", "20 21"))

    def test_what_leaves_an_archive_on_the_server_stays_in_it_here(self):
        self.begin()
        self.sync("work")
        self.by_another("Old", 10, "move", "Trash")
        self.by_another("Old", 11, "move", "Seen")
        self.sync("work")
        self.assertEqual(self.there()["Trash"], "10 60")
        self.assertEqual((self.here()["Old"], self.here()["Trash"], self.here()["Seen"]), ("10", "60", "11 30"))
        with self.server.imap() as imap:
            imap.rename("Old", "Elsewhere")
        self.sync("work")
        self.assertEqual(self.here()["Old"], "10", "an archive is not taken to where it would be none")
        with self.server.imap() as imap:
            imap.delete("Elsewhere")
        self.by_another("Trash", 10, "store", "+FLAGS", "\\Deleted")
        self.sync("work")
        self.assertEqual(self.here()["Old"], "10")
        self.assertNotIn("Elsewhere", self.here())

    def test_a_whole_account_can_be_an_archive_and_is_ones_own(self):
        self.begin(rules="", mode="archive")
        before = self.there()
        self.sync("work")
        self.run_it("rm", "work", self.id_of(0))
        self.run_it("move", "work", self.id_of(1), "Old")
        self.sync("work")
        self.assertEqual(self.there(), before)
        self.assertEqual((self.here()["INBOX"], self.here()["Old"], self.here()["Trash"]), ("2", "1 10 11", "0 60"))


class Names(Case):

    def test_a_folder_that_is_made_or_renamed_here_is_so_where_the_rules_lead_back_to(self):
        self.begin()
        self.sync("work")
        self.run_it("folder", "create", "work", "New")
        self.run_it("folder", "rename", "work", "Big", "Huge")
        self.sync("work")
        self.assertEqual(self.there()["Projects/Huge"], "40")
        self.assertIn("Projects/New", self.there())
        with self.server.imap() as imap:
            imap.rename("Projects/Huge", "Projects/Large")
        self.sync("work")
        self.assertEqual(self.here()["Large"], "40")

    def test_two_folders_that_would_have_one_name_are_told_of_and_never_merged(self):
        self.begin()
        self.server.deliver(message(70), "Big")
        self.assertEqual(self.folders()["Big"]["skipped"], "it would be Big here, which is Projects/Big of the server")
        done = self.lines("sync", "work")[0]
        self.assertEqual(done["skipped_messages"],
                         [{"where": "Big", "why": "it would be Big here, which is Projects/Big of the server"}])
        self.assertEqual(self.here()["Big"], "40")
        self.sync("work")
        self.assertEqual(self.there()["Big"], "70")

    def test_one_that_was_synced_before_keeps_its_name(self):
        self.begin()
        self.sync("work")
        self.server.deliver(message(70), "Large")
        self.sync("work")
        self.server.deliver(message(71), "Projects/Large")
        done = self.lines("sync", "work")[0]
        self.assertEqual([one["where"] for one in done["skipped_messages"]], ["Projects/Large"])
        self.assertEqual(self.here()["Large"], "70")

    def test_a_new_rule_renames_here_what_was_synced_before_and_nothing_on_the_server(self):
        self.begin(rules="")
        self.server.deliver(message(42), "Projects/Big/Sub")
        self.sync("work")
        before = self.there()
        self.add_rules('[[account.work.folder]]\nmatch = "Projects/Big"\nrename = "Jobs"\n')
        self.assertEqual(self.folders("--offline")["Projects/Big"]["next"], "is called Jobs here")
        self.sync("work")
        self.assertEqual((self.here()["Jobs"], self.here()["Projects/Big/Sub"]), ("40", "42"))
        self.assertNotIn("Projects/Big", self.here())
        self.sync("work")
        self.assertEqual(self.there(), before)


class Refused(Case):

    def test_commands_do_what_the_folders_mode_lets_them(self):
        self.begin()
        self.sync("work")
        for words, said in (
                (("flag", self.id_of(30), "+seen"), "Seen is a mirror of the server's, which would not hear of a change"),
                (("rm", self.id_of(30)), "Seen is a mirror of the server's"),
                (("move", self.id_of(0), "Seen"), "Seen is a mirror of the server's"),
                (("copy", self.id_of(0), "Seen"), "Seen is a mirror of the server's"),
                (("append", "Seen"), "Seen is a mirror of the server's"),
                (("folder", "rename", "Seen", "Looked"), "Seen is a mirror of the server's"),
                (("folder", "delete", "Seen", "--with-messages"), "Seen is a mirror of the server's"),
                (("folder", "subscribe", "Old"), "Old is an archive of the server's folder, which it follows"),
                (("folder", "rename", "Old", "Older"), "Old is an archive of the server's folder, which it follows"),
                (("folder", "delete", "Old", "--with-messages"), "Old is an archive of the server's folder"),
                (("move", self.id_of(0), "Old"), "INBOX is two-way and Old is archive: the server would not hear of a move"),
                (("rm", self.id_of(10)), "Old is archive and Trash is two-way: the server would not hear of a move")):
            count = 2 if words[0] == "folder" else 1
            words = (*words[:count], "work", *words[count:])
            done = self.run_it(*words, status=3, data=message(99))
            self.assertIn(said, done.err, words)
            self.assertEqual(len(done.err.splitlines()), 2, done.err)
        before = self.here()
        self.run_it("rm", "work", self.id_of(10), "--forever")
        self.run_it("copy", "work", self.id_of(0), "Old")
        self.sync("work")
        self.assertEqual(self.here(), {**before, "Old": "0 11"})
        self.assertEqual(self.there()["Old"], "10 11")

    def test_serve_lets_mail_programs_do_the_same(self):
        self.begin()
        self.sync("work")
        served = Served(harness.PROGRAM, self.home, "work")
        self.addCleanup(served.stop)
        mirror = served.imap()
        self.addCleanup(mirror.shutdown)
        with self.assertRaises(mirror.readonly):
            mirror.select("Seen")
        with served.imap() as imap:
            self.assertEqual(imap.append("Seen", None, None, message(31))[0], "NO")
            self.assertEqual(imap.append("Old", None, None, message(13))[0], "OK")
            imap.select("INBOX")
            self.assertEqual(imap._simple_command("MOVE", "1", "Old")[0], "NO")
            self.assertEqual(imap._simple_command("MOVE", "1", "Big")[0], "OK")
            self.assertEqual(imap.copy("1", "Seen")[0], "NO")
            self.assertEqual(imap.copy("1", "Old")[0], "OK")
            self.assertEqual(imap.rename("Seen", "Looked")[0], "NO")
            self.assertEqual(imap.delete("Seen")[0], "NO")
        self.sync("work")
        self.assertEqual((self.there()["Projects/Big"], self.there()["Old"], self.there()["Seen"]), ("0 40", "10 11", "30"))
        self.assertEqual(self.here()["Old"], "1 10 11 13")


if __name__ == "__main__":
    harness.main()
