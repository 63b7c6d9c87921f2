#!/usr/bin/env python3
"""Programs that nobody here wrote do their job against `twinbox serve`, over TLS; imaplib checks what became of it."""

import collections
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import harness
from harness import digest

import dovecot  # noqa: E402  (harness puts tests/support on the path)
import private  # noqa: E402
from served import Served  # noqa: E402

NEEDED = ("mbsync", "offlineimap", "getmail", "fetchmail", "mpop", "neomutt", "script", "curl")
SECONDS = 60  # for one run of a program
SOON = 8  # for what a sync in another process brought to be told: it is looked for every second
COUNT = 12


def message(number):
    """With what mail programs get wrong: dots, "From ", eight bits, blank lines at the end."""
    return (b"From: a@example.org\r\nTo: work@example.org\r\nSubject: number %d\r\nMessage-ID: <%d@example.org>\r\n"
            b"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            b".a dot\r\n..two\r\nFrom here\r\nd\xc3\xa9j\xc3\xa0 vu %d\r\n\r\n\r\n" % (number, number, number))


def lf(octets):
    return octets.replace(b"\r\n", b"\n")


class Programs(harness.Case):
    """Each test has an account of its own, filled by a sync from one Dovecot."""

    @classmethod
    def setUpClass(cls):
        cls.dovecot = dovecot.Dovecot().start()
        for number in range(COUNT):
            cls.dovecot.deliver(message(number))
        cls.dovecot.create("Work")

    @classmethod
    def tearDownClass(cls):
        cls.dovecot.stop()

    def setUp(self):
        super().setUp()
        self.place = private.temporary_folder()
        self.addCleanup(shutil.rmtree, self.place)

    def served(self, source=None, **keys):
        """The server over a new account "work": two-way, if nothing else is said."""
        self.home.connect("work", source or self.dovecot, **{"mode": "two-way", **keys})
        self.sync("work")
        return self.again()

    def again(self):
        server = Served(harness.PROGRAM, self.home, "work")
        self.addCleanup(server.stop)
        shutil.copy(server.certificate, os.path.join(self.place, "ca.pem"))
        return server

    def path(self, *names):
        return os.path.join(self.place, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
        return self.path(name)

    def program(self, *command, status=0, data=b""):
        """Runs it as the user that servers of the tests run as: some deliver nothing as root."""
        who = private.runner()
        private.own(who, self.place)
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, cwd=self.place, check=False,
                              env={"HOME": self.place, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "vt100",
                                   "TZ": "UTC"}, **private.identity(who))
        self.assertEqual(done.returncode, status, f"{command}: {done.stderr[-2000:]!r} {done.stdout[-2000:]!r}")
        return done.stdout

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def no(self, answer):
        self.assertEqual(answer[0], "NO", answer)
        return answer[1]

    def assert_clean(self):
        self.sync("work")
        self.run_it("verify", "work")

    # --- mbsync

    def mbsync_files(self, folder):
        return sorted(self.path("mail", folder, kind, name) for kind in ("cur", "new")
                      for name in os.listdir(self.path("mail", folder, kind)))

    def in_maildir(self, folder):
        """As Served.mail() tells it. What mbsync itself puts in, X-TUID, is not the message's."""
        letters = {"F": "\\Flagged", "S": "\\Seen", "R": "\\Answered", "D": "\\Draft", "T": "\\Deleted"}
        found = collections.Counter()
        for path in self.mbsync_files(folder):
            flags = os.path.basename(path).partition(":2,")[2]
            found[digest(self.octets_of(path)), frozenset(letters[one] for one in flags)] += 1
        return found

    @staticmethod
    def octets_of(path):
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
        return b"\r\n".join(line for line in lines if not line.startswith(b"X-TUID: "))

    def find(self, folder, number):
        wanted = message(number)
        return next(path for path in self.mbsync_files(folder) if self.octets_of(path) == wanted)

    def flag(self, folder, number, letter):
        path = self.find(folder, number)
        name = os.path.basename(path).partition(":2,")
        os.rename(path, self.path("mail", folder, "cur", name[0] + ":2," + "".join(sorted({*name[2], letter}))))

    def test_mbsync(self):
        server = self.served()
        os.mkdir(self.path("mail"))
        self.write("mbsyncrc", f"""IMAPAccount it
Host localhost
Port {server.ports["imaps"]}
User work
Pass {server.password}
SSLType IMAPS
SystemCertificates no
CertificateFile {self.path("ca.pem")}

IMAPStore far
Account it

MaildirStore near
Path {self.place}/mail/
Inbox {self.place}/mail/INBOX
SubFolders Verbatim

Channel it
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
        run = ("mbsync", "-c", self.path("mbsyncrc"), "it")
        self.program(*run)
        self.assertEqual(self.in_maildir("INBOX"), server.mail("INBOX"))
        self.assertEqual(len(self.mbsync_files("INBOX")), COUNT)
        # On the server: a flag, a move, a deletion, a new one. In the Maildir: the same, of others.
        far = server.imap()
        self.ok(far.select("INBOX"))
        self.ok(far.store("1", "+FLAGS", "(\\Flagged)"))
        self.ok(far.uid("MOVE", "2", "Work"))
        self.ok(far.store("2", "+FLAGS", "(\\Deleted)"))
        self.ok(far.expunge())
        self.ok(far.append("INBOX", "(\\Seen)", None, message(100)))
        far.logout()
        self.flag("INBOX", 4, "R")
        self.flag("INBOX", 5, "T")
        moved = self.find("INBOX", 6)
        os.rename(moved, self.path("mail", "Work", "cur", "moved:2,S"))
        with open(self.path("mail", "INBOX", "new", "made"), "wb") as file:
            file.write(lf(message(101)))
        self.program(*run)
        self.program(*run)  # what the first put there is not taken for new
        for folder in ("INBOX", "Work"):
            with self.subTest(folder=folder):
                here = collections.Counter(digest(self.without_tuid(octets)) for octets in server.octets(folder).values())
                there = collections.Counter(one for one, _ in self.in_maildir(folder).elements())
                self.assertEqual(here, there)
                numbers = {"INBOX": (0, 3, 4, 7, 8, 9, 10, 11, 100, 101), "Work": (1, 6)}[folder]
                self.assertEqual(here, collections.Counter(digest(message(one)) for one in numbers))
                flags = collections.Counter(one for _, one in server.mail(folder).elements())
                self.assertEqual(flags, collections.Counter(one for _, one in self.in_maildir(folder).elements()))
        by_digest = {digest(octets): server.marks()[uid] for uid, octets in server.octets().items()}
        self.assertEqual(by_digest[digest(message(0))], {"\\Flagged"})
        self.assertEqual(by_digest[digest(message(4))], {"\\Answered"})
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    @staticmethod
    def without_tuid(octets):
        return b"\r\n".join(line for line in octets.split(b"\r\n") if not line.startswith(b"X-TUID: "))

    # --- offlineimap

    def test_offlineimap(self):
        server = self.served()
        config = self.write("offlineimaprc", f"""[general]
accounts = it
metadata = {self.path("meta")}
ui = basic
[Account it]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {self.path("mail")}
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {server.ports["imaps"]}
remoteuser = work
remotepass = {server.password}
ssl = yes
sslcacertfile = {self.path("ca.pem")}
""")
        run = ("offlineimap", "-o", "-c", config)
        self.program(*run)
        self.assertEqual(self.in_maildir("INBOX"), server.mail("INBOX"))
        far = server.imap()
        self.ok(far.select("INBOX"))
        self.ok(far.store("1", "+FLAGS", "(\\Flagged)"))
        self.ok(far.uid("MOVE", "2", "Work"))
        self.ok(far.append("INBOX", "(\\Seen)", None, message(100)))
        far.logout()
        self.flag("INBOX", 4, "R")
        os.remove(self.find("INBOX", 5))
        os.rename(self.find("INBOX", 6), self.path("mail", "Work", "cur", "moved:2,S"))
        with open(self.path("mail", "INBOX", "new", "made"), "wb") as file:
            file.write(lf(message(101)))
        self.program(*run)
        self.program(*run)
        for folder, numbers in (("INBOX", (0, 2, 3, 4, 7, 8, 9, 10, 11, 100, 101)), ("Work", (1, 6))):
            self.assertEqual(sorted(server.octets(folder).values()), sorted(message(one) for one in numbers))
            self.assertEqual(self.in_maildir(folder), server.mail(folder))
        by_octets = {octets: server.marks()[uid] for uid, octets in server.octets().items()}
        self.assertEqual((by_octets[message(0)], by_octets[message(4)]), ({"\\Flagged"}, {"\\Answered"}))
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    # --- programs that collect mail

    def maildir(self, name="got"):
        for kind in ("cur", "new", "tmp"):
            os.makedirs(self.path(name, kind))
        return self.path(name)

    def collected(self, name="got"):
        found = []
        for kind in ("cur", "new"):
            for each in os.listdir(self.path(name, kind)):
                with open(self.path(name, kind, each), "rb") as file:
                    found.append(file.read().removeprefix(b"Return-Path: <unknown>\n"))  # getmail's own
        return sorted(found)

    def all_of_it(self):
        return sorted(lf(message(number)) for number in range(COUNT))

    def test_getmail(self):
        server = self.served()
        self.write("getmailrc", f"""[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {server.ports["pop3s"]}
username = work
password = {server.password}
ca_certs = {self.path("ca.pem")}
[destination]
type = Maildir
path = {self.maildir()}/
[options]
delivered_to = false
received = false
read_all = false
""")
        run = ("getmail", "--getmaildir", self.place, "--rcfile", "getmailrc")
        for again in ((), (), ("--delete",)):  # what was there is not collected again
            self.program(*run, *again)
            self.assertEqual(self.collected(), self.all_of_it())
        self.assertEqual(server.octets(), {})
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    def test_mpop(self):
        server = self.served()
        config = self.write("mpoprc", f"""account it
host localhost
port {server.ports["pop3"]}
user work
password {server.password}
auth scram-sha-256
tls on
tls_starttls on
tls_trust_file {self.path("ca.pem")}
uidls_file {self.path("uidls")}
received_header off
delivery maildir {self.maildir()}
""")
        for way in ("--keep=on", "--keep=on", "--keep=off"):
            self.program("mpop", "-Q", "-C", config, way, "it")
            self.assertEqual(self.collected(), self.all_of_it())
        self.assertEqual(server.octets(), {})
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    def test_fetchmail(self):
        for protocol in ("pop3s", "imaps"):
            with self.subTest(protocol=protocol):
                self.fetchmail(protocol)

    def fetchmail(self, protocol):
        if os.path.exists(self.path("got")):
            shutil.rmtree(self.path("got"))
        server = self.served()
        if protocol == "imaps":
            connection = server.imap()
            for number in range(COUNT):
                self.ok(connection.append("INBOX", None, None, message(number)))
            connection.logout()
        self.write("take", f"""#!/bin/sh
file=$(mktemp {self.maildir()}/tmp/XXXXXXXX) && cat >"$file" && mv "$file" {self.path("got", "new")}/
""")
        os.chmod(self.path("take"), 0o700)
        config = self.write("fetchmailrc", f"""set invisible
poll localhost protocol {protocol[:4]} port {server.ports[protocol]} username "work" password "{server.password}"
  ssl sslcertck sslcertfile "{self.path("ca.pem")}" no rewrite fetchall nokeep mda "{self.path("take")}"
""")
        self.program("fetchmail", "-s", "-f", config)
        self.assertEqual(self.collected(), self.all_of_it())
        self.assertEqual(server.octets(), {})
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    # --- neomutt

    def test_neomutt(self):
        server = self.served()
        config = self.write("muttrc", f"""set folder = "imaps://work@localhost:{server.ports["imaps"]}/"
set spoolfile = "+INBOX"
set imap_pass = "{server.password}"
set certificate_file = "{self.path("ca.pem")}"
set ssl_ca_certificates_file = "{self.path("ca.pem")}"
set ssl_force_tls
set confirmappend = no
set delete = yes
set quit = yes
set sort = mailbox-order
set header_cache = ""
set wait_key = no
""")
        keys = ("<tag-pattern>~m1-2<enter><tag-prefix><flag-message><untag-pattern>~A<enter>"
                "<jump>3<enter><save-message>=Work<enter><jump>4<enter><delete-message>"
                "<jump>5<enter><set-flag>r<sync-mailbox><quit>")
        self.program("script", "-qec", f"neomutt -n -F {config} -e 'push \"{keys}\"'", "/dev/null")
        by_octets = {octets: server.marks()[uid] for uid, octets in server.octets().items()}
        self.assertEqual(sorted(by_octets), sorted(message(one) for one in range(COUNT) if one not in (2, 3)))
        self.assertEqual(list(server.octets("Work").values()), [message(2)])
        self.assertEqual({octets for octets, marks in by_octets.items() if "\\Flagged" in marks}, {message(0), message(1)})
        self.assertEqual({octets for octets, marks in by_octets.items() if "\\Answered" in marks}, {message(4)})
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    # --- curl

    def curl(self, server, scheme, path="", *more, data=b""):
        config = self.write("curlrc", f'user = "work:{server.password}"\ncacert = "{self.path("ca.pem")}"\n')
        address = f"{scheme}://localhost:{server.ports[{'smtps': 'submissions'}.get(scheme, scheme)]}/{path}"
        return self.program("curl", "-sS", "-K", config, "--ssl-reqd", *more, address, data=data)

    def test_curl_imap(self):
        server = self.served()
        self.assertIn(b"INBOX", self.curl(server, "imaps"))
        for uid, octets in server.octets().items():
            self.assertEqual(self.curl(server, "imaps", f"INBOX;UID={uid}"), octets)
        self.assertEqual(self.curl(server, "imap", "INBOX;UID=3"), message(2))  # STARTTLS
        with open(self.path("new"), "wb") as file:
            file.write(message(100))
        self.curl(server, "imaps", "INBOX", "-T", self.path("new"))
        self.assertIn(b"SEARCH %d" % (COUNT + 1), self.curl(server, "imaps", "INBOX", "-X", "UID SEARCH SUBJECT \"number 100\""))
        self.curl(server, "imaps", "INBOX", "-X", "STORE 1 +FLAGS (\\Flagged later)")
        self.curl(server, "imaps", "", "-X", "CREATE Made")
        self.curl(server, "imaps", "INBOX", "-X", "UID MOVE 2 Made")
        self.curl(server, "imaps", "INBOX", "-X", "UID STORE 3 +FLAGS.SILENT \\Deleted")
        self.curl(server, "imaps", "INBOX", "-X", "EXPUNGE")
        marks = server.marks()
        self.assertEqual(sorted(marks), [1, *range(4, COUNT + 2)])
        self.assertEqual(marks[1], {"\\Seen", "\\Flagged", "later"})  # BODY[] of curl's own reads it
        self.assertEqual(server.octets("Made"), {1: message(1)})
        self.assertEqual(server.octets()[COUNT + 1], message(100))
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    def test_curl_pop3_and_smtp(self):
        server = self.served()
        self.assertEqual(len(self.curl(server, "pop3s").splitlines()), COUNT)
        for number in range(COUNT):
            self.assertEqual(self.curl(server, "pop3s", str(number + 1)), message(number))
        self.curl(server, "pop3s", "2", "-I", "-X", "DELE")
        self.assertEqual(sorted(server.octets()), [1, *range(3, COUNT + 1)])
        with open(self.path("new"), "wb") as file:
            file.write(message(100))
        self.curl(server, "smtps", "", "--mail-from", "a@example.org", "--mail-rcpt", "work@example.org", "-T",
                  self.path("new"))
        self.assertTrue(server.octets()[COUNT + 1].endswith(message(100)))
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    # --- Python's own

    def test_imaplib_idles_while_another_changes(self):
        server = self.served()
        idling, other = server.imap(), server.imap()
        self.ok(idling.select("INBOX"))
        self.ok(other.select("INBOX"))
        idling.send(b"I1 IDLE\r\n")
        self.assertTrue(idling.readline().startswith(b"+"))
        self.ok(other.store("2", "+FLAGS", "(\\Flagged)"))
        self.assertIn(b"\\Flagged", self.hears(idling, b"* 2 FETCH"))
        self.ok(other.append("INBOX", None, None, message(100)))
        self.hears(idling, b"* %d EXISTS" % (COUNT + 1))
        self.ok(other.store("1", "+FLAGS", "(\\Deleted)"))
        self.ok(other.expunge())
        self.hears(idling, b"* 1 EXPUNGE")
        idling.send(b"DONE\r\n")
        self.hears(idling, b"I1 OK")
        idling.logout()
        other.logout()

    def hears(self, connection, start):
        """The next line that begins so; a timeout of the socket ends the wait."""
        while True:
            line = connection.readline()
            self.assertTrue(line, "the server closed the connection")
            if line.startswith(start):
                return line

    def test_poplib(self):
        server = self.served()
        connection = server.pop()
        self.assertTrue({"UIDL", "TOP", "PIPELINING"} <= set(connection.capa()))
        names = [line.split()[1] for line in connection.uidl()[1]]
        self.assertEqual(len(set(names)), COUNT)
        self.assertEqual(connection.stat()[0], COUNT)
        for number in range(COUNT):
            self.assertEqual(b"".join(line + b"\r\n" for line in connection.retr(number + 1)[1]), message(number))
        head, _, rest = message(0).partition(b"\r\n\r\n")
        self.assertEqual(b"\r\n".join(connection.top(1, 2)[1]),
                         head + b"\r\n\r\n" + b"\r\n".join(rest.split(b"\r\n")[:2]))
        connection.dele(1)
        connection.rset()
        connection.dele(5)
        connection.quit()
        again = server.pop()
        self.assertEqual([line.split()[1] for line in again.uidl()[1]], names[:4] + names[5:])
        again.quit()
        self.assertEqual(sorted(server.octets()), [uid for uid in range(1, COUNT + 1) if uid != 5])
        self.assertEqual(server.stop(), 0)
        self.assert_clean()

    def test_smtplib(self):
        server = self.served()
        for number, tls in ((100, True), (101, False)):
            connection = server.smtp(tls)
            connection.login("work", server.password)
            self.assertEqual(connection.sendmail("a@example.org", ["work@example.org"], message(number),
                                                 ["BODY=8BITMIME"]), {})
            connection.quit()
            self.assertTrue(server.octets()[max(server.octets())].endswith(message(number)))
        self.assertEqual(len(server.octets()), COUNT + 2)

    # --- what may not be changed, syncs, ends

    def test_a_mirror_is_read_only(self):
        server = self.served(mode="mirror")
        connection = server.imap()
        self.ok(connection.select("INBOX", readonly=True))
        self.assertEqual(connection.response("READ-ONLY")[0], "READ-ONLY")
        self.ok(connection._simple_command("SELECT", "INBOX"))
        connection.state = "SELECTED"
        self.assertIsNotNone(connection.untagged_responses.get("READ-ONLY"))
        self.no(connection.store("1", "+FLAGS", "(\\Seen)"))
        self.no(connection.append("INBOX", None, None, message(100)))
        self.no(connection.expunge())
        self.no(connection.create("Made"))
        self.no(connection.delete("Work"))
        connection.logout()
        pop = server.pop()
        pop.dele(1)
        with self.assertRaises(harness.clients.poplib.error_proto):
            pop.quit()
        pop.close()
        self.assertEqual(set(server.octets().values()), {message(number) for number in range(COUNT)})
        self.assertFalse({"submission", "submissions"} & set(server.ports))

    def test_with_local_flags_flags_alone_may_be_changed(self):
        server = self.served(mode="mirror", local_flags=True)
        connection = server.imap()
        self.ok(connection.select("INBOX"))
        self.ok(connection.store("1", "+FLAGS", "(\\Flagged later)"))
        self.no(connection.append("INBOX", None, None, message(100)))
        self.no(connection.uid("MOVE", "1", "Work"))
        self.no(connection.delete("Work"))
        connection.logout()
        self.assertEqual(server.marks()[1], {"\\Flagged", "later"})
        self.assertEqual(len(server.octets()), COUNT)

    def test_an_idling_client_is_told_what_a_sync_brings(self):
        source = self.serve()
        source.deliver(message(0))
        server = self.served(source)
        connection = server.imap()
        self.ok(connection.select("INBOX"))
        connection.send(b"I1 IDLE\r\n")
        connection.readline()
        source.deliver(message(1))
        self.sync("work")
        done = time.monotonic()
        connection.sock.settimeout(SOON)
        self.hears(connection, b"* 2 EXISTS")
        self.assertLess(time.monotonic() - done, SOON)
        connection.send(b"DONE\r\n")
        self.hears(connection, b"I1 OK")
        self.assertEqual(set(server.octets().values()), {message(0), message(1)})

    def test_sigterm_during_appends_loses_nothing_that_was_accepted(self):
        server = self.served()
        accepted, begun = [], threading.Event()

        def append(first):
            connection = server.imap()
            try:
                for number in range(first, first + 100_000):
                    if connection.append("Work", None, None, message(number))[0] != "OK":
                        return
                    accepted.append(digest(message(number)))
                    if len(accepted) >= 20:
                        begun.set()
            except (connection.abort, OSError):
                return

        threads = [threading.Thread(target=append, args=(number * 1_000_000,)) for number in range(1, 4)]
        for thread in threads:
            thread.start()
        half = server.imap()
        half.send(b"A1 APPEND Work {1000}\r\n")
        half.readline()
        half.send(b"Subject: never whole\r\n\r\n")
        self.assertTrue(begun.wait(SECONDS))
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        for thread in threads:
            thread.join()
        kept = collections.Counter(digest(octets) for octets in self.again().octets("Work").values())
        self.assertFalse(collections.Counter(accepted) - kept)
        self.assertLessEqual(len(kept) - len(accepted), len(threads))  # whose answer was on its way
        self.assertEqual(set(kept.values()), {1})
        self.assert_clean()


def main():
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        sys.exit(f"{', '.join(missing)} not installed: run tools/dev setup")
    harness.main()


if __name__ == "__main__":
    main()
