#!/usr/bin/env python3
"""A first mirror, and the ones after it: what is new, changed, moved or gone on the server."""

import collections
import re
import time

import harness
from harness import sample
from harness import path_of

PLAIN = b"Subject: number %d\r\nFrom: a@example.org\r\n\r\nbody %d\r\n"


def totals(server, protocol):
    """What Dovecot counted in all sessions of a protocol so far (imap: body_count …; pop3: retr …)."""
    end = time.monotonic() + 5
    while True:
        log = server.read_log()
        ended = re.findall(rf" {protocol}\([^)]*\).*Disconnected.*", log)
        # It writes the line after the client has gone.
        if len(ended) >= log.count(f"{protocol}-login: Info: Login:") or time.monotonic() > end:
            break
        time.sleep(0.02)
    counted = collections.Counter()
    for row in ended:
        for name, number in re.findall(r"(\w+)=(\d+)", row):
            counted[name] += int(number)
    return counted


class Imap(harness.Case):

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.home.connect("it", self.server, "imaps")

    def fill(self, count, folder="INBOX", first=0):
        for number in range(first, first + count):
            self.server.deliver(PLAIN % (number, number), folder, date=1_600_000_000 + number)

    def command(self, *lines, folder="INBOX"):
        """Has another client do something on the server."""
        connection = self.server.imap()
        connection.select(harness.clients.quoted(folder))
        for name, *arguments in lines:
            kind, words = getattr(connection, name)(*arguments)
            self.assertEqual(kind, "OK", words)
        connection.logout()

    def bodies_since(self, before):
        return (totals(self.server, "imap") - before)["body_count"]

    def folders(self):
        return collections.Counter(path_of(one["folder"]) for one in self.ls("it"))

    def test_the_first_mirror_carries_every_folder_flag_keyword_and_date(self):
        made = sample.deliver_all(self.server)
        self.sync("it")
        self.assertEqual(self.folders(), sample.COUNTS)
        listed = self.ls("it")
        for folder in sample.COUNTS:
            ours = sorted((one for one in listed if path_of(one["folder"]) == folder), key=lambda one: one["uid"])
            theirs = [one for one in made if one.folder == folder]
            self.assertEqual([sorted(flag.lstrip("\\").lower() for flag in one["flags"]) for one in ours],
                             [sorted(flag.lstrip("\\").lower() for flag in one.flags) for one in theirs])
            self.assertEqual([sorted(one["keywords"]) for one in ours], [sorted(one.keywords) for one in theirs])

    def test_subjects_in_many_charsets_are_listed_in_utf8(self):
        for charset, subject in (("gb2312", "会议纪要"), ("iso-2022-jp", "議事録"), ("koi8-r", "Протокол"),
                                 ("big5", "會議"), ("utf-8", "محضر الاجتماع"), ("euc-kr", "회의록")):
            self.server.deliver(f"Subject: {sample.parts.b_word(subject, charset)}\r\n\r\nx\r\n".encode())
        self.sync("it")
        self.assertEqual({one["subject"] for one in self.ls("it")},
                         {"会议纪要", "議事録", "Протокол", "會議", "محضر الاجتماع", "회의록"})

    def test_a_second_mirror_of_an_unchanged_account_fetches_nothing(self):
        sample.deliver_all(self.server)
        self.sync("it")
        before, cost = self.ls("it"), totals(self.server, "imap")
        self.assertEqual(cost["body_count"], len(before))
        self.sync("it")
        self.assertEqual(self.ls("it"), before)
        self.assertEqual(self.bodies_since(cost), 0)

    def test_the_server_is_never_changed(self):
        self.fill(5)
        self.server.deliver(b"Subject: read\r\n\r\n", flags=["\\Seen", "later"])
        before = self.server.doveadm("fetch", "-u", self.server.user, "uid flags", "mailbox", "INBOX")
        self.sync("it")
        self.run_it("verify", "it", "--remote")
        self.assertEqual(self.server.doveadm("fetch", "-u", self.server.user, "uid flags", "mailbox", "INBOX"), before)

    def test_new_messages_come_and_old_ones_keep_their_ids(self):
        self.fill(3)
        self.sync("it")
        before, cost = self.ids("it"), totals(self.server, "imap")
        self.fill(2, first=3)
        self.sync("it")
        self.assertLess(before, self.ids("it"))
        self.assertEqual(len(self.ids("it")), 5)
        self.assertEqual(self.bodies_since(cost), 2)

    def test_flags_changed_on_the_server_change_here(self):
        self.fill(3)
        self.sync("it")
        self.command(("store", "2", "+FLAGS", "(\\Seen \\Flagged later)"))
        self.sync("it")
        (changed,) = [one for one in self.ls("it") if one["subject"] == "number 1"]
        self.assertEqual({flag.lstrip("\\").lower() for flag in changed["flags"]}, {"seen", "flagged"})
        self.assertEqual(changed["keywords"], ["later"])
        self.command(("store", "2", "FLAGS", "()"))
        self.sync("it")
        (changed,) = [one for one in self.ls("it") if one["subject"] == "number 1"]
        self.assertEqual((changed["flags"], changed["keywords"]), ([], []))

    def test_what_is_expunged_on_the_server_goes_here(self):
        self.fill(5)
        self.sync("it")
        self.command(("store", "1:2", "+FLAGS", "(\\Deleted)"), ("expunge",))
        self.sync("it")
        self.assertEqual({one["subject"] for one in self.ls("it")}, {"number 2", "number 3", "number 4"})

    def test_a_message_moved_on_the_server_is_not_fetched_again(self):
        self.fill(3)
        self.fill(1, "Work", first=3)
        self.sync("it")
        self.command(("uid", "MOVE", "2", "Work"))
        cost = totals(self.server, "imap")
        self.sync("it")
        self.assertEqual(self.bodies_since(cost), 0)
        self.assertEqual(self.folders(), {"INBOX": 2, "Work": 2})
        self.assert_same_mail("it", self.on_server(self.server))

    def test_a_new_folder_comes_with_its_mail(self):
        self.fill(1)
        self.sync("it")
        self.fill(2, "工作/报表", first=1)
        self.sync("it")
        self.assertEqual(self.folders(), {"INBOX": 1, "工作/报表": 2})

    def test_a_vanished_folder_goes_with_its_mail(self):
        self.fill(2)
        self.fill(2, "Old", first=2)
        self.sync("it")
        self.command(("delete", "Old"))
        self.sync("it")
        self.assertEqual(self.folders(), {"INBOX": 2})

    def test_a_renamed_folder_has_its_mail_under_the_new_name(self):
        self.fill(1)
        self.fill(3, "Old", first=1)
        self.sync("it")
        self.fill(1, "Old/Below", first=4)
        self.sync("it")
        self.command(("rename", "Old", "New"))
        (said,) = self.lines("sync", "it", "--dry-run")
        (done,) = self.lines("sync", "it")
        self.assertEqual(said["folders_renamed"], done["folders_renamed"])
        self.assertEqual(self.folders(), {"INBOX": 1, "New": 3, "New/Below": 1})
        self.assert_same_mail("it", self.on_server(self.server))

    def test_a_changed_uidvalidity_neither_loses_nor_doubles_mail(self):
        self.fill(30)
        self.sync("it")
        self.server.doveadm("mailbox", "update", "-u", self.server.user, "--uid-validity", "777", "INBOX")
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 30)
        self.assert_same_mail("it", self.on_server(self.server))

    def test_a_mass_deletion_is_held_until_the_user_says_so(self):
        self.fill(100)
        self.sync("it")
        self.command(("store", "1:60", "+FLAGS", "(\\Deleted)"), ("expunge",))
        self.fill(1, first=100)
        held = self.sync("it", status=harness.FUSE)
        self.assertIn("60", held.err + held.out.decode())
        self.assertEqual(len(self.ls("it")), 101, "nothing is removed, and what is new comes all the same")

    def test_servers_without_extensions_are_mirrored_the_same(self):
        self.server.restart(capability="IMAP4rev1")
        sample.deliver_all(self.server)
        self.sync("it")
        self.assertEqual(self.folders(), sample.COUNTS)
        self.command(("store", "1", "+FLAGS", "(\\Flagged)"), ("store", "2", "+FLAGS", "(\\Deleted)"), ("expunge",))
        self.sync("it")
        self.assertEqual(self.folders()["INBOX"], sample.COUNTS["INBOX"] - 1)
        self.assert_same_mail("it", self.on_server(self.server))


class Pop3(harness.Case):

    def fill(self, server, count, first=0):
        for number in range(first, first + count):
            server.deliver(PLAIN % (number, number), date=1_600_000_000 + number)

    def subjects(self):
        return sorted(one["subject"] for one in self.ls("it"))

    def test_the_first_mirror_brings_inbox_and_leaves_all_on_the_server(self):
        server = self.serve()
        sample.deliver_all(server)
        self.home.connect("it", server, "pop3s")
        self.sync("it")
        self.assertEqual(len(self.ls("it")), sample.COUNTS["INBOX"])
        self.assertEqual(len(self.in_maildrop(server)), sample.COUNTS["INBOX"])

    def test_the_server_is_never_changed(self):
        """Dovecot, as it comes, marks what POP3 clients have read; a mirror is no reader."""
        server = self.serve(pop3_no_flag_updates=False)
        self.fill(server, 3)
        server.deliver(b"Subject: read\r\n\r\n", flags=["\\Seen", "later"])

        def flags():
            told = server.doveadm("fetch", "-u", server.user, "uid flags", "mailbox", "INBOX")
            return told.replace(b"\\Recent", b"").replace(b" ", b"")  # the mark of who came first; none can leave it
        before = flags()
        self.assertEqual(before.count(b"Seen"), 1)
        self.home.connect("it", server, "pop3s")
        for _ in range(2):
            self.sync("it")
            self.assertEqual(flags(), before)
        self.fill(server, 1, first=3)
        self.sync("it")
        self.assertEqual(flags().count(b"Seen"), 1)

    def test_a_second_mirror_retrieves_nothing(self):
        server = self.serve()
        self.fill(server, 5)
        self.home.connect("it", server, "pop3s")
        self.sync("it")
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 5)
        self.assertEqual(totals(server, "pop3")["retr"], 5, "five in both sessions together")

    def test_new_messages_come_and_what_goes_on_the_server_stays_here(self):
        server = self.serve()
        self.fill(server, 4)
        self.home.connect("it", server, "pop3s")
        self.sync("it")
        connection = server.pop()
        connection.dele(1)
        connection.quit()
        self.fill(server, 1, first=4)
        self.sync("it")
        self.assertEqual(self.subjects(), [f"number {number}" for number in range(5)])

    def test_leave_never_takes_the_mail_and_empties_the_maildrop(self):
        server = self.serve()
        sample.deliver_all(server)
        expected = self.in_maildrop(server)
        self.home.connect("it", server, "pop3s", leave="never")
        self.sync("it")
        self.assertEqual(self.in_maildrop(server), [])
        self.assert_same_mail("it", expected)
        self.sync("it")
        self.assertEqual(len(self.ls("it")), len(expected), "gone from the server is not gone from here")

    def test_uidls_that_are_all_the_same_lose_nothing(self):
        server = self.serve(pop3_uidl_format="%v")
        self.fill(server, 6)
        self.home.connect("it", server, "pop3s")
        self.sync("it")
        self.fill(server, 2, first=6)
        self.sync("it")
        self.assertEqual(self.subjects(), [f"number {number}" for number in range(8)])

    def test_a_maildrop_in_use_is_said_so_and_tried_later(self):
        server = self.serve(pop3_lock=True)
        self.fill(server, 1)
        other = server.pop()
        self.addCleanup(other.close)
        self.home.connect("it", server, "pop3s", timeout=5)
        done = self.home.run("sync", "it")
        self.assertNotEqual(done.status, harness.DONE)
        self.assertNotEqual(done.status, harness.AUTH, "a lock is no reason to ask for another password")


if __name__ == "__main__":
    harness.main()
