#!/usr/bin/env python3
"""The same mirror over servers other than Dovecot: Cyrus, Courier, GNU mailutils, each with its own ideas.

What a machine can't run is skipped; what these servers say is tested everywhere by their transcripts
(tests/unit/replicas/servers_test.cc).
"""

import imaplib
import re
import sys
import time
import unittest

import harness
from harness import clients, path_of, sample

import courier  # noqa: E402
import cyrus  # noqa: E402
import mailutils  # noqa: E402
import unpacked  # noqa: E402

FEW = 60  # of the sample: mailutils takes its time
# mailutils takes the INTERNALDATE from Date; without one it is the time of asking.
PLAIN = b"Subject: number %d\r\nFrom: a@example.org\r\nDate: Mon, 8 Jan 2024 09:%02d:00 +0100\r\n\r\nbody\r\n"
ROW = re.compile(rb'\(([^)]*)\) (?:NIL|"(.)") (?:"(.*)"|(.*))$')


def listed(connection):
    """[wire name] of the mailboxes that can be opened."""
    _, rows = connection.list()
    names = []
    for row in rows:
        marks, _, name, atom = ROW.match(row).groups()
        if b"\\noselect" not in marks.lower():
            names.append((name or atom).decode("ascii"))
    return names


def fetched(connection, name, items):
    """[(octets before the literal, the literal)] of all messages of a mailbox."""
    kind, words = connection.select(f'"{name}"', readonly=True)
    if kind != "OK":
        raise OSError(f"EXAMINE {name}: {words}")
    if int(words[0]) == 0:
        return []
    return connection.uid("FETCH", "1:*", items)[1]


class Servers(harness.Case):
    """One server for a class, a user of his own for each test."""

    DRIVER = None

    @classmethod
    def setUpClass(cls):
        if cls.DRIVER is None:
            raise unittest.SkipTest("a part of the classes below")
        why = cls.DRIVER.missing()
        if why:
            sys.stderr.write(f"\n*** NOT TESTED HERE: {why}\n\n")
            raise unittest.SkipTest(why)
        cls.server = cls.make()
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()

    @classmethod
    def make(cls):
        return cls.DRIVER()

    def setUp(self):
        super().setUp()
        self.server.add_user()

    def fill(self, count, folder="INBOX", first=0):
        for number in range(first, first + count):
            self.server.deliver(PLAIN % (number, number), folder, date=1_600_000_000 + number)

    def delivered(self, *message):
        """Whether the server takes such a message: Cyrus wants no NUL and no line that is not of a header."""
        try:
            self.server.deliver(*message)
        except unpacked.Refused:
            return False
        return True

    def subjects(self):
        return sorted((path_of(one["folder"]), one["subject"]) for one in self.ls("it"))

    def assert_nothing_to_do(self):
        (done,) = self.lines("sync", "it")
        changed = {key: done[key] for key in ("added", "flags_changed", "moved", "removed", "folders_created",
                                              "folders_renamed", "folders_deleted", "skipped", "held")}
        self.assertEqual(changed, dict.fromkeys(changed, 0), done)

    def assert_settled(self):
        """Nothing is missing, doubtful or left to do."""
        self.assertEqual(self.lines("verify", "it", "--remote")[-1]["differences"], 0)
        self.assert_nothing_to_do()


class Imap(Servers):

    KEYWORDS = False  # whether deliver() carries them
    KEYS = {}  # of the account

    def setUp(self):
        super().setUp()
        self.home.connect("it", self.server, "imap+plain", **self.KEYS)

    def name(self, folder):
        return self.server.name_of(folder)

    def path(self, folder):
        return self.name(folder).replace(self.server.SEPARATOR, "/")

    def command(self, *lines, folder="INBOX"):
        """Has another client do something on the server."""
        connection = self.server.imap()
        connection.select(clients.quoted(self.name(folder)))
        for name, *arguments in lines:
            kind, words = getattr(connection, name)(*arguments)
            if name != "delete":  # mailutils says NO to some that it deletes
                self.assertEqual(kind, "OK", (name, arguments, words))
        connection.logout()

    def octets(self):
        """Of all messages, as imaplib receives them."""
        connection = self.server.imap()
        found = [part[1] if isinstance(part, tuple) else b"" for name in listed(connection)
                 for part in fetched(connection, name, "(UID BODY.PEEK[])")
                 if isinstance(part, tuple) or part and b'BODY[] ""' in part]
        connection.logout()
        return found

    def flags(self):
        """[(path, uid, flags and keywords)] of all messages, as imaplib receives them."""
        connection = self.server.imap()
        found = []
        for name in listed(connection):
            path = clients.from_modified_utf7(name).replace(self.server.SEPARATOR, "/")
            for row in fetched(connection, name, "(UID FLAGS)"):
                uid = re.search(rb"UID (\d+)", row).group(1)
                words = re.search(rb"FLAGS \(([^)]*)\)", row).group(1).decode().split()
                found.append((path, int(uid), sorted(one.lstrip("\\").lower() for one in words if one != "\\Recent")))
        connection.logout()
        return sorted(found)

    def flags_here(self):
        return sorted((path_of(one["folder"]), one["uid"], sorted(one["flags"] + [word.lower() for word in one["keywords"]]))
                      for one in self.ls("it"))

    def test_the_first_mirror_carries_every_octet_flag_and_folder(self):
        every = sample.messages()
        taken = 0
        for message in every[::len(every) // FEW]:
            marks = message.flags + (message.keywords if self.KEYWORDS else [])
            taken += self.delivered(message.octets, message.folder, marks, message.date)
        self.sync("it")
        self.assertEqual(len(self.ls("it")), taken)
        self.assert_same_mail("it", self.octets())
        self.assertEqual(self.flags_here(), self.flags())
        self.assertEqual({path_of(one["folder"]) for one in self.ls("it")},
                         {self.path(folder) for folder in sample.COUNTS})
        self.assertGreater(len({tuple(flags) for _, _, flags in self.flags()}), 2)
        self.assert_settled()

    def test_the_same_comes_over_starttls(self):
        self.fill(3)
        self.home.connect("it", self.server, "imap+starttls", **self.KEYS)
        self.sync("it")
        self.assert_same_mail("it", self.octets())
        self.assert_settled()

    def test_what_another_client_does_is_followed(self):
        self.fill(8)
        self.fill(2, "Work", first=8)
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 10)
        self.fill(2, first=10)
        self.command(("store", "1", "+FLAGS", "(\\Flagged \\Seen)"), ("store", "2", "+FLAGS", "(\\Answered)"),
                     ("copy", "3:4", clients.quoted(self.name("Work"))), ("store", "3:5", "+FLAGS", "(\\Deleted)"),
                     ("expunge",))
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 11)
        self.assertEqual(len([one for one in self.ls("it") if path_of(one["folder"]) == self.path("Work")]), 4)
        self.assert_same_mail("it", self.octets())
        self.assertEqual(self.flags_of("number 0"), ["flagged", "seen"])
        self.assertEqual(self.flags_of("number 1"), ["answered"])
        self.assert_settled()
        self.command(("store", "1", "FLAGS", "()"), ("store", "2:3", "+FLAGS", "(\\Deleted)"), ("expunge",))
        self.sync("it")
        self.assertEqual(self.flags_of("number 0"), [])
        self.assert_same_mail("it", self.octets())
        self.assert_settled()

    def flags_of(self, subject):
        (one,) = [one for one in self.ls("it") if one["subject"] == subject]
        return sorted(one["flags"])

    def test_folders_of_any_name_come_and_go_and_are_renamed(self):
        self.fill(1)
        self.fill(2, "报表", first=1)
        self.fill(1, "Old/Brüder & Söhne", first=3)
        self.sync("it")
        self.assertEqual(self.subjects(), sorted(
            [("INBOX", "number 0"), (self.path("报表"), "number 1"), (self.path("报表"), "number 2"),
             (self.path("Old/Brüder & Söhne"), "number 3")]))
        self.command(("rename", clients.quoted(self.name("报表")), clients.quoted(self.name("工作"))),
                     ("delete", clients.quoted(self.name("Old/Brüder & Söhne"))))
        self.sync("it")
        self.assertEqual(self.subjects(), sorted(
            [("INBOX", "number 0"), (self.path("工作"), "number 1"), (self.path("工作"), "number 2")]))
        self.assert_same_mail("it", self.octets())
        self.assert_settled()

    def test_a_folder_made_anew_under_its_old_name_is_neither_lost_nor_doubled(self):
        self.fill(1)
        self.fill(12, "Work", first=1)
        self.sync("it")
        self.command(("delete", clients.quoted(self.name("Work"))))
        time.sleep(1.1)  # their UIDVALIDITY is the second in which the mailbox was made
        self.fill(12, "Work", first=1)
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 13)
        self.assert_same_mail("it", self.octets())
        self.assert_settled()


class Maildirs(Imap):
    """Servers that number the files of a Maildir by their names."""

    def test_mail_that_arrives_with_an_older_name_than_what_was_looked_at_is_not_lost(self):
        """Courier forgets the numbers that it only showed; mailutils gives them to other mail than before."""
        for number, date in enumerate((5, 6, 9, 1, 7)):
            self.server.deliver(PLAIN % (number, number), "INBOX", (), 1_600_000_000 + date)
            self.sync("it")
            self.assertEqual([subject for _, subject in self.subjects()], [f"number {one}" for one in range(number + 1)])
        self.assert_same_mail("it", self.octets())
        self.assert_settled()


class Pop3(Servers):

    def connect(self, **keys):
        self.home.connect("it", self.server, "pop3+plain", **keys)

    def octets(self):
        """Of all messages, as poplib receives them."""
        connection = self.server.pop()
        connection.uidl()  # mailutils writes into the messages what it tells
        found = clients.fetch_pop(connection)
        connection.quit()
        return found

    def fill_with_sample(self):
        taken = [self.delivered(one.octets, "INBOX", (), one.date) for one in sample.messages()[:FEW]]
        found = self.octets()
        self.assertEqual(len(found), sum(taken))
        return found

    def test_the_first_mirror_carries_every_octet_and_leaves_all_on_the_server(self):
        expected = self.fill_with_sample()
        self.connect()
        self.sync("it")
        self.assert_same_mail("it", expected)
        self.assertEqual(len(self.octets()), len(expected))
        self.run_it("verify", "it")
        self.assert_nothing_to_do()

    def test_the_same_comes_over_stls(self):
        self.fill(3)
        self.home.connect("it", self.server, "pop3+starttls")
        self.sync("it")
        self.assert_same_mail("it", self.octets())
        self.assert_nothing_to_do()

    def test_new_messages_come_and_what_goes_on_the_server_stays_here(self):
        self.fill(4)
        self.connect()
        self.sync("it")
        connection = self.server.pop()
        connection.dele(1)
        connection.quit()
        self.fill(2, first=4)
        (done,) = self.lines("sync", "it")
        self.assertEqual(done["added"], 2)
        self.assertEqual(self.subjects(), [("INBOX", f"number {number}") for number in range(6)])

    def test_leave_never_takes_the_mail_and_empties_the_maildrop(self):
        expected = self.fill_with_sample()
        self.connect(leave="never")
        (done,) = self.lines("sync", "it")
        self.assertEqual(done["removed_on_server"], len(expected))
        self.assertEqual(self.octets(), [])
        self.assert_same_mail("it", expected)
        self.fill(2)
        self.sync("it")
        self.assertEqual(len(self.ls("it")), len(expected) + 2)
        self.assertEqual(self.octets(), [])


class CyrusImap(Imap):
    DRIVER = cyrus.Cyrus
    KEYWORDS = True


class CyrusWithOldNames(CyrusImap):
    """As before version 3: folders are INBOX.Work."""

    @classmethod
    def make(cls):
        return cyrus.Cyrus(old_names=True)


class CyrusPop3(Pop3):
    DRIVER = cyrus.Cyrus


class CourierImap(Maildirs):
    DRIVER = courier.Courier


class CourierPop3(Pop3):
    DRIVER = courier.Courier


class MailutilsImap(Maildirs):
    DRIVER = mailutils.Mailutils
    KEYS = {"auth": "USER"}  # it offers SCRAM also where it has nothing to check it by

    def sync(self, *accounts, status=harness.DONE):
        """Its UIDVALIDITY is a second of the clock until a session writes it down: where the second client's session began
        in another second, all is numbered anew, and what that client removed is held until the user says so."""
        done = self.home.run("sync", *accounts)
        held = re.search(r"(\d) messages? (?:is|are) lost on the server \(it numbered its mail anew\)", done.err)
        if done.status == harness.FUSE and held and status == harness.DONE:
            self.assertLessEqual(int(held[1]), 3, "no more than the second client removed")
            return self.run_it("sync", *accounts, "--allow-deletes", held[1])
        self.assertEqual(done.status, status, done.err)
        return done


class MailutilsPop3(Pop3):
    DRIVER = mailutils.Mailutils


def load_tests(loader, standard, pattern):
    """Those of a server alone: what they share is no test."""
    del standard, pattern
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (
        CyrusImap, CyrusPop3, CourierImap, CourierPop3, MailutilsImap, MailutilsPop3))
    suite.addTest(CyrusWithOldNames("test_folders_of_any_name_come_and_go_and_are_renamed"))
    return suite


if __name__ == "__main__":
    imaplib._MAXLINE = 1 << 24
    harness.main()
