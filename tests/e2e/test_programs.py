#!/usr/bin/env python3
"""Programs that nobody here wrote do their job against `twinbox serve`, over TLS; imaplib checks what became of it."""

import collections
import hashlib
import os
import shutil
import ssl
import time

from harness import digest

import programs
from programs import COUNT, SECONDS, lf, message

ALL = [message(number) for number in range(COUNT)]


class Mirrors(programs.Case):
    """They keep a Maildir the same: in the same run one of each kind of change comes from either side."""

    def find(self, folder, number):
        return next(path for path in self.files("mail", folder) if self.text(path) == message(number))

    def flag(self, folder, number, letter):
        path = self.find(folder, number)
        name = os.path.basename(path).partition(":2,")
        os.rename(path, self.path("mail", folder, "cur", name[0] + ":2," + "".join(sorted({*name[2], letter}))))

    def change_both(self, server):
        """On the server: a flag, a move, a removal, a new one, a folder. In the Maildir: the same, of others."""
        far = server.imap()
        self.ok(far.select("INBOX"))
        self.ok(far.store("1", "+FLAGS", "(\\Flagged)"))
        self.ok(far.uid("MOVE", "2", "Work"))
        self.ok(far.store("2", "+FLAGS", "(\\Deleted)"))
        self.ok(far.expunge())
        self.ok(far.append("INBOX", "(\\Seen)", None, message(100)))
        self.ok(far.create("There"))
        self.ok(far.append("There", "(\\Draft)", None, message(102)))
        far.logout()
        self.flag("INBOX", 4, "R")
        self.remove(5)
        os.rename(self.find("INBOX", 6), self.path("mail", "Work", "cur", "moved:2,S"))
        self.put("INBOX", 101)
        self.maildir("mail/Here")
        self.put("Here", 103)

    def put(self, folder, number):
        with open(self.path("mail", folder, "new", f"made{number}"), "wb") as file:
            file.write(lf(message(number)))

    def check_both(self, server):
        """Both have the same, and it is what the changes say."""
        wanted = {"INBOX": (0, 3, 4, 7, 8, 9, 10, 11, 100, 101), "Work": (1, 6), "There": (102,), "Here": (103,)}
        for folder, numbers in wanted.items():
            with self.subTest(folder=folder):
                there = {uid: self.without_tuid(octets) for uid, octets in server.octets(folder).items()}
                self.assertEqual(sorted(there.values()), sorted(message(one) for one in numbers))
                marks = server.marks(folder)
                self.assertEqual(self.in_maildir(folder),
                                 collections.Counter((digest(there[uid]), frozenset(marks[uid])) for uid in there))
        marks = server.marks()
        by_octets = {self.without_tuid(octets): marks[uid] for uid, octets in server.octets().items()}
        self.assertEqual((by_octets[message(0)], by_octets[message(4)]), ({"\\Flagged"}, {"\\Answered"}))
        self.assertEqual(by_octets[message(100)], {"\\Seen"})

    def folders(self, server):
        connection = server.imap()
        try:
            return set(programs.harness.folders_of(connection))
        finally:
            connection.logout()

    def test_mbsync(self):
        self.remove = lambda number: self.flag("INBOX", number, "T")
        server = self.served()
        run = self.mbsync(server)
        self.program(*run)
        self.assertEqual(self.in_maildir("INBOX"), server.mail("INBOX"))
        self.assertEqual(len(self.files("mail", "INBOX")), COUNT)
        self.change_both(server)
        self.program(*run)
        self.program(*run)  # what the first put there is not taken for new
        self.check_both(server)
        # Folders: mbsync removes one whose other half has gone, where it is empty.
        far = server.imap()
        for folder in ("Here", "There"):
            self.ok(far.select(folder))
            self.ok(far.store("1", "+FLAGS", "(\\Deleted)"))
            self.ok(far.close())
        self.program(*run)
        self.ok(far.delete("Here"))
        far.logout()
        shutil.rmtree(self.path("mail", "There"))
        self.program(*run)
        self.assertEqual(sorted(os.listdir(self.path("mail"))), ["INBOX", "Work"])
        self.assertEqual(self.folders(server), {"INBOX", "Work"})
        self.assert_ends_clean(server)

    def test_offlineimap(self):
        self.remove = lambda number: os.remove(self.find("INBOX", number))
        server = self.served()
        run = self.offlineimap(server)
        self.program(*run)
        self.assertEqual(self.in_maildir("INBOX"), server.mail("INBOX"))
        self.change_both(server)
        self.program(*run)
        self.program(*run)
        self.check_both(server)
        self.assert_ends_clean(server)


class Collectors(programs.Case):
    """They take what they have not taken yet, and remove it where they are told to."""

    def check_taken(self, numbers=range(COUNT)):
        self.assertEqual(self.collected(), sorted(lf(message(number)) for number in numbers))

    def test_getmail_by_pop3(self):
        self.getmails("pop3s")

    def test_getmail_by_imap(self):
        self.getmails("imaps")

    def getmails(self, protocol):
        server = self.served()
        run = self.getmail(server, protocol)
        for again in ((), (), ("--delete",)):  # what was there is not collected again
            self.program(*run, *again)
            self.check_taken()
        self.assertEqual(server.octets(), {})
        self.assert_ends_clean(server)

    def test_getmail_that_moves_what_it_took(self):
        server = self.served()
        run = self.getmail(server, "imaps", "move_on_delete = Work")
        self.program(*run, "--delete")
        self.check_taken()
        self.assertEqual(server.octets(), {})
        self.assertEqual(list(server.octets("Work").values()), ALL)
        connection = server.imap()
        self.ok(connection.append("INBOX", None, None, message(100)))
        connection.logout()
        self.program(*run, "--delete")
        self.check_taken([*range(COUNT), 100])
        self.assertEqual(list(server.octets("Work").values()), [*ALL, message(100)])
        self.assert_ends_clean(server)

    def test_mpop(self):
        server = self.served()
        for protocol, way in (("pop3", "--keep=on"), ("pop3s", "--keep=on"), ("pop3s", "--keep=off")):
            self.program(*self.mpop(server, protocol), way)
            self.check_taken()
        self.assertEqual(server.octets(), {})
        self.assert_ends_clean(server)

    def test_fetchmail_by_pop3(self):
        self.fetchmails("pop3s")

    def test_fetchmail_by_imap(self):
        self.fetchmails("imaps")

    def fetchmails(self, protocol):
        server = self.served()
        # Of what it has to leave there it takes again what it does not know (POP3), what is not read (IMAP).
        for status in (0, 1):  # 1: there was nothing
            self.program(*self.fetchmail(server, protocol, "keep"), "-s", status=status)
            self.check_taken()
        self.assertEqual(len(server.octets()), COUNT)
        if protocol == "imaps":
            self.assertEqual(set(map(frozenset, server.marks().values())), {frozenset({"\\Seen"})})
        shutil.rmtree(self.path("got"))
        self.program(*self.fetchmail(server, protocol, "fetchall", "nokeep"), "-s")
        self.check_taken()
        self.assertEqual(server.octets(), {})
        self.assert_ends_clean(server)

    def test_fetchmail_that_idles(self):
        server = self.served()
        with self.running(*self.fetchmail(server, "imaps", "idle", "fetchall", "nokeep")):
            self.until(lambda: len(self.collected()) == COUNT and server.octets() == {})
            connection = server.imap()
            for count, number in enumerate((100, 101), COUNT + 1):
                self.until(self.idling)  # what came earlier it would overlook
                self.ok(connection.append("INBOX", None, None, message(number)))
                self.until(lambda: len(self.collected()) == count and server.octets() == {})
            connection.logout()
        self.check_taken([*range(COUNT), 100, 101])
        self.assert_ends_clean(server)


class Neomutt(programs.Case):

    def test_it_marks_moves_copies_removes_and_sends(self):
        server = self.served()
        keys = ("<tag-pattern>~m1-2<enter><tag-prefix><flag-message><untag-pattern>~A<enter>"
                "<jump>3<enter><save-message>=Work<enter><jump>4<enter><delete-message>"
                "<jump>5<enter><set-flag>r<jump>6<enter><copy-message>=Made<enter>"
                "<sync-mailbox><quit>")
        self.program(*self.neomutt(server, keys, "set confirmcreate = no"))
        self.write("text", "déjà\n")
        sending = ("set editor = true", "set abort_unmodified = no", "set sendmail = true", "set record = +Made",
                   "set fast_reply = yes", "set from = work@example.org", "set send_charset = utf-8",
                   "send2-hook ~A 'push <send-message>'")  # what is pushed before is dropped when the editor ends
        self.program(*self.neomutt(server, "", *sending, words="-s written -i text b@example.org"))
        by_octets = {octets: server.marks()[uid] for uid, octets in server.octets().items()}
        self.assertEqual(sorted(by_octets), sorted(message(one) for one in range(COUNT) if one not in (2, 3)))
        self.assertEqual(list(server.octets("Work").values()), [message(2)])
        copied, sent = server.octets("Made").values()
        self.assertEqual(copied, message(5))
        self.assertIn(b"Subject: written\r\n", sent)
        self.assertTrue(sent.endswith(b"\r\n\r\nd\xc3\xa9j\xc3\xa0\r\n"), sent)
        self.assertEqual(server.marks("Made")[2], {"\\Seen"})
        self.assertEqual({octets for octets, marks in by_octets.items() if "\\Flagged" in marks}, {message(0), message(1)})
        self.assertEqual({octets for octets, marks in by_octets.items() if "\\Answered" in marks}, {message(4)})
        self.assert_ends_clean(server)

    def test_it_idles(self):
        server = self.served()
        run = self.neomutt(server, "", "set imap_idle", "set mail_check = 3600", "set timeout = 1")
        with self.running(*run):
            self.until(self.idling)
            connection = server.imap()
            self.ok(connection.append("INBOX", None, None, message(100)))
            connection.logout()
            self.until(lambda: self.said(b"FETCH %d:%d" % (COUNT + 1, COUNT + 1)))
        self.assertFalse(self.said(b"NOOP"), "it did not have to ask")
        self.assert_ends_clean(server)


class Curl(programs.Case):

    def test_by_imap(self):
        server = self.served()
        self.assertEqual(self.listed(server), {b'"INBOX"', b'"Work"'})
        for uid, octets in server.octets().items():
            self.assertEqual(self.curl(server, "imaps", f"INBOX;UID={uid}"), octets)
        self.assertEqual(self.curl(server, "imap", "INBOX;UID=3"), message(2))  # STARTTLS
        self.assertEqual(self.curl(server, "imaps", "INBOX;MAILINDEX=5"), message(4))
        self.assertEqual(self.curl(server, "imaps", "INBOX;UID=3;SECTION=TEXT"), message(2).partition(b"\r\n\r\n")[2])
        self.assertEqual(self.curl(server, "imaps", "INBOX;UID=3;PARTIAL=3.20"), message(2)[3:23])
        with open(self.path("new"), "wb") as file:
            file.write(message(100))
        self.curl(server, "imaps", "INBOX", "-T", self.path("new"))
        self.assertEqual(self.curl(server, "imaps", "INBOX?SUBJECT%20%22number%20100%22").strip(), b"* SEARCH 13")
        for folder, command in (("INBOX", "STORE 1 +FLAGS (\\Flagged later)"), ("", "CREATE Made"),
                                ("INBOX", "UID MOVE 2 Made"), ("INBOX", "UID COPY 4 Made"),
                                ("INBOX", "UID STORE 3 +FLAGS.SILENT \\Deleted"), ("INBOX", "EXPUNGE"),
                                ("", "RENAME Work Job"), ("", "DELETE Job")):
            self.curl(server, "imaps", folder, "-X", command)
        marks = server.marks()
        self.assertEqual(sorted(marks), [1, *range(4, COUNT + 2)])
        self.assertEqual(marks[1], {"\\Seen", "\\Flagged", "later"})  # BODY[] of curl's own reads it
        self.assertEqual(server.octets("Made"), {1: message(1), 2: message(3)})
        self.assertEqual(server.octets()[COUNT + 1], message(100))
        self.assertEqual(self.listed(server), {b'"INBOX"', b'"Made"'})
        self.assert_ends_clean(server)

    def listed(self, server):
        return {line.rpartition(b" ")[2] for line in self.curl(server, "imaps").splitlines()}

    def test_by_pop3(self):
        server = self.served()
        for scheme in ("pop3s", "pop3"):
            self.assertEqual(len(self.curl(server, scheme).splitlines()), COUNT)
        for number in range(COUNT):
            self.assertEqual(self.curl(server, "pop3s", str(number + 1)), message(number))
        self.assertEqual(self.curl(server, "pop3s", "", "-X", "TOP 3 0"), message(2).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        self.assertEqual(len(set(self.curl(server, "pop3s", "", "-X", "UIDL").splitlines())), COUNT)
        self.curl(server, "pop3s", "2", "-I", "-X", "DELE")
        self.assertEqual(sorted(server.octets()), [1, *range(3, COUNT + 1)])
        self.assert_ends_clean(server)

    def test_by_smtp(self):
        server = self.served()
        for number, scheme in ((100, "smtps"), (101, "smtp")):
            with open(self.path("new"), "wb") as file:
                file.write(message(number))
            self.curl(server, scheme, "", "--mail-from", "a@example.org", "--mail-rcpt", "work@example.org", "-T",
                      self.path("new"))
            self.assertTrue(server.octets()[max(server.octets())].endswith(message(number)))
        self.assertEqual(len(server.octets()), COUNT + 2)
        self.assert_ends_clean(server)


class Fingerprints(programs.Case):
    """A certificate that no authority has signed is taken by its fingerprint, and no other one is."""

    def setUp(self):
        super().setUp()
        self.server = self.served()
        self.der = ssl.PEM_cert_to_DER_cert(self.octets(self.server.certificate).decode())
        self.assertEqual(self.server.fingerprint, "sha256:" + hashlib.sha256(self.der).hexdigest())

    def fingerprint(self, kind):
        return hashlib.new(kind, self.der).hexdigest()

    @staticmethod
    def colons(text):
        return ":".join(text[at:at + 2] for at in range(0, len(text), 2)).upper()

    @staticmethod
    def other(text):
        return ("1" if text[0] == "0" else "0") + text[1:]

    def check(self, run, fingerprint, refusal):
        """run(fingerprint) is a command; of one that is refused no command behind the greeting is said."""
        refused = self.ended(*run(self.other(fingerprint)))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(refusal, (refused.stderr + refused.stdout).decode().lower())
        self.assertNotIn(self.server.password.encode(), refused.stderr + refused.stdout)
        self.assertFalse(self.said(b"(LOGIN|AUTHENTICATE|SCRAM-SHA-256)"))
        self.program(*run(fingerprint))
        self.assertTrue(self.said(b"(LOGIN|AUTHENTICATE|SCRAM-SHA-256)"))

    def test_mpop(self):
        self.check(lambda one: self.mpop(self.server, trust=f"tls_fingerprint {one}"),
                   self.colons(self.server.fingerprint.removeprefix("sha256:")), "fingerprint")
        self.assertEqual(self.collected(), [lf(one) for one in sorted(ALL)])

    def test_fetchmail(self):
        # MD5 is the only one that it has (6.4).
        self.check(lambda one: self.fetchmail(self.server, "imaps", "keep",
                                              trust=f'no sslcertck sslfingerprint "{one}"'),
                   self.colons(self.fingerprint("md5")), "fingerprint")
        self.assertEqual(self.collected(), [lf(one) for one in sorted(ALL)])

    def test_offlineimap(self):
        for kind in ("sha1", "sha256"):
            with self.subTest(kind=kind):
                shutil.rmtree(self.path("mail"), ignore_errors=True)
                shutil.rmtree(self.path("meta"), ignore_errors=True)
                open(self.trace, "w", encoding="ascii").close()
                self.check(lambda one: self.offlineimap(self.server, trust=f"cert_fingerprint = {one}"),
                           self.fingerprint(kind), "fingerprint")
                self.assertEqual(self.in_maildir("INBOX"), self.server.mail("INBOX"))


if __name__ == "__main__":
    programs.main("mbsync", "offlineimap", "getmail", "fetchmail", "mpop", "neomutt", "script", "curl")
