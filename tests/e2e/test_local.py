#!/usr/bin/env python3
"""Commands that change mail here: what a mail program would do by `twinbox serve`, told to it, kept by a sync."""

import fcntl
import os
import re
import tempfile

import harness
from clients import quoted  # noqa: E402  (harness puts tests/support on the path)
from served import Served  # noqa: E402

SECONDS = 20  # until an idling client has heard of something: it is a second, on a machine that has time
PAGE = os.path.join(harness.HERE, "..", "..", "docs", "json.md")


def message(number):
    return b"From: a@example.org\r\nSubject: number %d\r\n\r\ntext of %d\r\n" % (number, number)


def keys_in(value):
    """Of an object and of those in it."""
    if isinstance(value, list):
        return [key for one in value for key in keys_in(one)]
    if isinstance(value, dict):
        return list(value) + [key for one in value.values() for key in keys_in(one)]
    return []


class Case(harness.Case):

    def mailbox(self, protocol="imaps", inbox=4, **keys):
        """An account `work` of a mailbox with INBOX, Trash and Work/A (POP3: INBOX), mirrored once."""
        self.server = self.serve()
        for number in range(inbox):
            self.server.deliver(message(number), date=1_700_000_000 + number)
        self.server.deliver(message(50), "Work/A", date=1_700_000_050)
        self.server.deliver(message(60), "Trash", date=1_700_000_060)
        self.home.connect("work", self.server, protocol, **keys)
        self.sync("work")

    def change(self, *words, status=harness.DONE, data=None):
        """Says what it did in lines on standard error, and nothing else."""
        done = self.run_it(*words, status=status, data=data)
        self.assertEqual(done.out, b"")
        self.assertNotRegex(done.err, r"[\x00-\x08\x0b-\x1f\x7f]")
        return done.err

    def state(self, account="work"):
        """What is where: everything that the store shows, but for its own numbers."""
        rows = [(row["folder"], row["subject"], tuple(row["flags"]), tuple(row["keywords"]), row["date"], row["size"])
                for row in self.ls(account)]
        folders = [(row["folder"], row["messages"], row["unread"], row["subscribed"])
                   for row in self.lines("ls", account, "--folders")]
        removed = [(row["folder"], row["subject"]) for row in self.lines("ls", account, "--removed")]
        return {"messages": sorted(rows), "folders": sorted(folders), "removed": sorted(removed)}

    def id_of(self, number, account="work"):
        return str(next(row["id"] for row in self.ls(account) if row["subject"] == f"number {number}"))


class AsServed(Case):

    def test_commands_leave_what_a_mail_program_leaves(self):
        self.mailbox(mode="two-way")
        self.home.connect("other", self.server, mode="two-way")
        self.sync("other")
        self.assertEqual(self.state("work"), self.state("other"))
        letter = os.path.join(self.home.folder, "letter.eml")
        with open(letter, "wb") as file:
            file.write(message(70))
        ids = [self.id_of(number) for number in range(4)]
        self.change("flag", "work", ids[0], ids[1], "+flagged", "+$Work", "+seen")
        self.change("flag", "work", ids[1], "-Seen", "-$work")
        self.change("copy", "work", ids[0], "Work/A")
        self.change("move", "work", ids[1], "Work/A")
        self.change("rm", "work", ids[2], "--forever")
        self.change("folder", "create", "work", "报表/\"x\" y")
        self.change("append", "work", "报表/\"x\" y", letter, "--flags", "draft,$x", "--date", "2024-01-02T03:04:05+08:00")
        self.change("folder", "rename", "work", "Work/A", "Job/A")
        self.change("folder", "unsubscribe", "work", "Job/A")
        self.change("folder", "delete", "work", "Trash", "--with-messages")

        served = Served(harness.PROGRAM, self.home, "other")
        self.addCleanup(served.stop)
        imap = served.imap()

        def ok(answer):
            self.assertEqual(answer[0], "OK", answer)
        ok(imap.select("INBOX"))
        ok(imap.uid("STORE", "1:2", "+FLAGS", "(\\Flagged $Work \\Seen)"))
        ok(imap.uid("STORE", "2", "-FLAGS", "(\\Seen $work)"))
        ok(imap.uid("COPY", "1", "Work/A"))
        ok(imap.uid("MOVE", "2", "Work/A"))
        ok(imap.uid("STORE", "3", "+FLAGS", "(\\Deleted)"))
        ok(imap.expunge())
        ok(imap.create(quoted("报表/\"x\" y")))
        ok(imap.append(quoted("报表/\"x\" y"), "(\\Draft $x)", '"02-Jan-2024 03:04:05 +0800"', message(70)))
        ok(imap.rename("Work/A", "Job/A"))
        ok(imap.unsubscribe("Job/A"))
        ok(imap.delete("Trash"))
        imap.logout()
        self.assertEqual(self.state("work"), self.state("other"))
        self.assertEqual(self.exported("work"), self.exported("other"))
        self.run_it("verify", "work")

    def test_an_idling_mail_program_hears_of_a_command(self):
        self.mailbox(mode="two-way")
        served = Served(harness.PROGRAM, self.home, "work")
        self.addCleanup(served.stop)
        idling = served.imap()
        idling.sock.settimeout(SECONDS)
        idling.select("INBOX")
        idling.send(b"I1 IDLE\r\n")
        self.assertTrue(idling.readline().startswith(b"+"))

        def hears(start):
            while not (line := idling.readline()).startswith(start):
                self.assertTrue(line, "the server closed the connection")
            return line
        self.change("flag", "work", self.id_of(1), "+flagged")
        self.assertIn(b"\\Flagged", hears(b"* 2 FETCH"))
        self.change("append", "work", "INBOX", data=message(70))
        hears(b"* 5 EXISTS")
        self.change("rm", "work", self.id_of(0))
        hears(b"* 1 EXPUNGE")
        idling.send(b"DONE\r\n")
        hears(b"I1 OK")
        idling.logout()

    def test_a_sync_that_has_the_store_does_not_keep_them_waiting(self):
        self.mailbox(mode="two-way")
        with open(os.path.join(self.home.store("work"), "sync.lock"), "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.run_it("sync", "work", "--wait", "0", status=harness.IN_USE)
            self.change("flag", "work", self.id_of(0), "+flagged")
            self.change("move", "work", self.id_of(1), "Work/A")
            self.change("append", "work", "INBOX", data=message(70))
            self.change("rm", "work", self.id_of(2))

    def test_a_sync_of_a_two_way_account_undoes_none_of_it(self):
        self.mailbox(mode="two-way")
        self.change("flag", "work", self.id_of(0), "+flagged", "+$Work")
        self.change("move", "work", self.id_of(1), "Work/A")
        self.change("copy", "work", self.id_of(0), "Work/A")
        self.change("rm", "work", self.id_of(2))
        self.change("append", "work", "INBOX", data=message(70))
        self.change("folder", "create", "work", "New")
        before = self.state()
        self.sync("work")
        self.assertEqual(self.state(), before)


class Pop3(Case):
    """What came down is one's own: it may be changed, and no sync brings it back or undoes it."""

    def change_all(self):
        self.change("folder", "create", "work", "Kept/2026")
        self.change("flag", "work", self.id_of(0), self.id_of(1), "+seen", "+flagged", "+$Work")
        self.change("move", "work", self.id_of(1), "Kept/2026")
        self.change("copy", "work", self.id_of(0), "Kept/2026")
        self.assertIn("1 message removed", self.change("rm", "work", self.id_of(2)))
        self.assertIn("undelete", self.change("rm", "work", self.id_of(3), "--forever"))
        self.change("append", "work", "INBOX", data=message(70))
        self.change("folder", "unsubscribe", "work", "Kept/2026")

    def check(self, leave, left):
        self.mailbox("pop3s", leave=leave)
        self.change_all()
        before = self.state()
        self.assertEqual(len(before["messages"]), 4)
        for _ in range(2):
            done = self.sync("work")
            self.assertEqual(done.out + done.err.encode(), b"", "nothing new")
            self.assertEqual(self.state(), before)
        self.server.deliver(message(80), date=1_700_000_080)
        self.assertIn(b"1 new", self.sync("work").out)
        self.assertEqual(len(self.ls("work")), 5)
        self.assertEqual(len(self.in_maildrop(self.server)), left)
        self.change("undelete", "work", *(str(row["id"]) for row in self.lines("undelete", "work")))
        self.change("folder", "rename", "work", "Kept/2026", "Kept/All")
        self.change("folder", "delete", "work", "Kept/All", "--with-messages")
        before = self.state()
        self.assertEqual(len(before["removed"]), 2)
        self.assertEqual(self.sync("work").out, b"")
        self.assertEqual(self.state(), before)
        self.run_it("verify", "work")

    def test_left_on_the_server(self):
        self.check("forever", 5)

    def test_removed_from_the_server(self):
        self.check("never", 0)


class Mirror(Case):

    def test_changes_are_refused_in_one_line_with_what_to_do(self):
        self.mailbox()
        before = self.state()
        number = self.id_of(0)
        for words in (("flag", "work", number, "+seen"), ("move", "work", number, "Work/A"),
                      ("copy", "work", number, "Work/A"), ("rm", "work", number), ("append", "work", "INBOX"),
                      ("folder", "create", "work", "New"), ("folder", "rename", "work", "Work/A", "B"),
                      ("folder", "delete", "work", "Work/A"), ("folder", "unsubscribe", "work", "Work/A")):
            done = self.run_it(*words, status=harness.SOME_FAILED, data=b"x")
            self.assert_one_line(done, "work is a mirror", 'mode = "two-way" ' if words[0] != "flag" else "local_flags")
        self.assertEqual(self.state(), before)

    def test_flags_of_ones_own_stay_until_the_server_changes_the_same(self):
        self.mailbox(local_flags=True)
        self.change("flag", "work", self.id_of(0), "+flagged", "+seen")
        before = self.state()
        self.sync("work")
        self.assertEqual(self.state(), before)

    def test_what_the_server_removed_and_undelete_brought_back_stays_here(self):
        self.mailbox()
        connection = self.server.imap()
        connection.select("INBOX")
        connection.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
        connection.expunge()
        connection.delete('"Work/A"')
        self.sync("work")
        listed = self.lines("undelete", "work")
        self.assertEqual({(row["folder"], row["subject"], row["days_left"]) for row in listed},
                         {("INBOX", "number 0", 30), ("Work/A", "number 50", 30)})
        said = self.change("undelete", "work", *(str(row["id"]) for row in listed))
        self.assertRegex(said, r"^1 message back in INBOX, 1 in Work/A\nwork is a mirror: .* a sync lets it be\n$")
        before = self.state()
        self.assertEqual(len(before["messages"]), 6)
        for _ in range(2):
            self.sync("work")
            self.assertEqual(self.state(), before)
        self.assertEqual(len(self.on_server(self.server, "INBOX")), 3)
        # Mail that comes and goes beside it is mirrored as ever.
        connection.select("INBOX")
        connection.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
        connection.expunge()
        self.server.deliver(message(90))
        connection.logout()
        self.sync("work")
        subjects = [row["subject"] for row in self.ls("work", "INBOX")]
        self.assertEqual(sorted(subjects), ["number 0", "number 2", "number 3", "number 90"])
        self.assertEqual(self.lines("undelete", "work")[0]["subject"], "number 1")


class Json(Case):

    def test_every_command_prints_the_keys_that_the_page_has(self):
        self.mailbox(mode="two-way")
        with open(PAGE, encoding="utf-8") as file:
            rows = {head: set(re.findall("`([a-z_0-9]+)`", keys))
                    for heads, keys in re.findall(r"^\| (`.*?) \| (.*) \|$", file.read(), re.M)
                    for head in re.findall("`([^`]+)`", heads)}
        letter = os.path.join(tempfile.mkdtemp(dir=self.home.folder), "one.eml")
        with open(letter, "wb") as file:
            file.write(message(70))
        one, two, three = (self.id_of(number) for number in range(3))
        rows["undelete"] = rows["undelete"] - {"ls"} | rows["ls"]
        for head, *words in (("flag", one, two, "+seen"), ("move", one, "Work/A"), ("copy", one, "INBOX"), ("rm", one),
                             ("rm", two, "--forever"), ("undelete",), ("undelete ID…", two),
                             ("append", "INBOX", letter), ("folder create", "New"), ("folder rename", "New", "Newer"),
                             ("folder subscribe", "Newer"), ("folder unsubscribe", "Newer"), ("folder delete", "Newer")):
            command = head.removesuffix(" ID…").split()
            printed = self.lines(*command, "work", *words)
            self.assertEqual(len(printed), 1, head)
            self.assertEqual(set(keys_in(printed[0])), rows[head], head)
            if head != "undelete":
                self.assertEqual(printed[0]["account"], "work")
        done = self.run_it("rm", "work", three, "999999", "--json", status=harness.USAGE)
        self.assertEqual(done.out, b"")
        self.assertIn('"code":"not-found","what":"no message has the id 999999"', done.err)
        self.assertIn(three, {str(row["id"]) for row in self.ls("work", "INBOX")})


class Hostile(Case):

    def test_names_and_files_from_anywhere_end_in_one_line(self):
        self.mailbox(mode="two-way")
        number, before = self.id_of(0), self.state()
        endless = os.path.join(self.home.folder, "pipe")
        os.mkfifo(endless)
        escape = "\x1b]0;gotcha\x07"
        for words, status in ((("folder", "create", "work", escape), harness.USAGE),
                              (("folder", "create", "work", "a\nb"), harness.USAGE),
                              (("folder", "create", "work", "x" * 5000), harness.USAGE),
                              (("folder", "create", "work", "inbox"), harness.SOME_FAILED),
                              (("folder", "rename", "work", "Work/A", escape), harness.USAGE),
                              (("folder", "delete", "work", escape), harness.USAGE),
                              (("folder", "delete", "work", "InBox", "--with-messages"), harness.USAGE),
                              (("move", "work", number, escape), harness.USAGE),
                              (("move", "work", escape, "INBOX"), harness.USAGE),
                              (("copy", "work", number, "../../etc"), harness.USAGE),
                              (("flag", "work", number, "+" + escape), harness.USAGE),
                              (("flag", "work", number, "+" + "k" * 101), harness.USAGE),
                              (("undelete", "work", number, "--to", escape), harness.USAGE),
                              (("append", "work", escape), harness.USAGE),
                              (("append", "work", "INBOX", "x" + escape), harness.USAGE),
                              (("append", "work", "INBOX", endless), harness.USAGE),
                              (("append", "work", "INBOX", "/proc/self/mem"), harness.USAGE),
                              (("append", "work", "INBOX", "--date", escape), harness.USAGE)):
            with self.subTest(words=words):
                done = self.home.run(*words, data=b"x")
                self.assertEqual(done.status, status, done.err)
                self.assert_one_line(done)
                self.assertEqual(self.state(), before)

    def test_a_folder_that_a_server_named_oddly_is_named_as_ls_names_it(self):
        self.mailbox(mode="two-way")
        odd = ["50%", "x" * 200, "..", "~root", "$(id)", "a  b", "'q'", "WORK"]
        for name in odd:
            self.server.create(name)
        self.sync("work")
        names = {row["folder"] for row in self.lines("ls", "work", "--folders")}
        self.assertLessEqual({"x" * 200, "$(id)", "a  b", "'q'", "WORK"}, names)
        for name in names:
            self.change("move", "work", self.id_of(0), name)
            self.assertEqual([row["subject"] for row in self.ls("work", name) if row["subject"] == "number 0"], ["number 0"])


if __name__ == "__main__":
    harness.main()
