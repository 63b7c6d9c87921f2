#!/usr/bin/env python3
"""Mail programs that nobody here wrote, at work on `twinbox serve` over TLS; Python's imaplib looks at the end."""

import collections
import imaplib
import json
import os
import poplib
import pwd
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import time

import harness
import unpacked

LETTERS = [f"From: Joe <joe@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: letter {n}\r\n"
           f"Date: Mon, 02 Feb 2026 10:00:{n:02} +0000\r\nMessage-ID: <{n}@example.org>\r\n\r\nbody {n}\r\n"
           .encode() for n in range(12)]
ODD = "From: x@example.org\r\nSubject: =?utf-8?B?5Lya6K6u?=\r\n\r\n.dot\r\n..two\r\n\xfc\r\n".encode("latin-1")


class Served:
    """`twinbox serve` of a home's accounts, on free ports."""

    def __init__(self, home, *options):
        ports = [word for kind in ("imaps", "imap", "pop3s", "pop3", "submissions", "submission")
                 for word in ("--" + kind, "0")]
        self.process = subprocess.Popen([harness.PROGRAM, "--config", home.config, "serve", "--json", *ports, *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=home.environment)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        told = json.loads(line)
        self.ports = {one["name"]: one["port"] for one in told["endpoints"]}
        self.certificate, self.fingerprint = told["certificate"], told["fingerprint"].split(":")[1]
        with open(told["password_file"], encoding="ascii") as file:
            self.password = file.read().strip()
        self.context = ssl.create_default_context(cafile=self.certificate)

    def imap(self, user="work", folder=None):
        connection = imaplib.IMAP4_SSL("localhost", self.ports["imaps"], ssl_context=self.context, timeout=30)
        connection.login(user, self.password)
        if folder:
            connection.select(folder)
        return connection

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


def octets_in(connection, folder):
    """Counter of the octets of every message, as imaplib receives them."""
    connection.select(folder, readonly=True)
    answer = connection.fetch("1:*", "(BODY.PEEK[])")[1]
    return collections.Counter(part[1] for part in answer if isinstance(part, tuple))


def flags_in(connection, folder):
    """{subject: flags} of a mailbox."""
    connection.select(folder, readonly=True)
    found = {}
    for part in connection.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
        if isinstance(part, tuple):
            subject = part[1].decode().split(":", 1)[1].strip()
            found[subject] = set(re.search(rb"FLAGS \(([^)]*)\)", part[0])[1].decode().split())
    return found


class Programs(harness.Case):
    """One two-way account `work` with twelve letters in INBOX."""

    def setUp(self):
        super().setUp()
        server = self.serve()
        server.deliver(b"Subject: from the server\r\n\r\nx\r\n")
        self.home.connect("work", server, mode="two-way")
        self.sync("work")
        self.server = server
        self.served = Served(self.home)
        self.addCleanup(self.served.stop)
        connection = self.served.imap(folder="INBOX")
        connection.store("1", "+FLAGS", "(\\Deleted)")
        connection.expunge()
        for letter in LETTERS:
            self.assertEqual(connection.append("INBOX", None, None, letter)[0], "OK")
        connection.logout()

    def path(self, name, text=None, mode=0o600):
        path = os.path.join(self.home.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
        return path

    def program(self, *command, status=(0,), env=None, data=None):
        self.assertTrue(shutil.which(command[0]), f"{command[0]} is missing: tools/dev setup installs it")
        environment = {**self.home.environment, **(env or {})}
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment, input=data,
                              cwd=self.home.folder)
        self.assertIn(done.returncode, status, f"{command}: {done.stdout[-2000:]!r} {done.stderr[-2000:]!r}")
        return done.stdout

    # --- IMAP ---

    def test_imaplib_does_its_whole_job(self):
        one, other = self.served.imap(folder="INBOX"), self.served.imap(folder="INBOX")
        self.assertEqual(one.create("Work")[0], "OK")
        self.assertIn(b'"Work"', b"".join(one.list()[1]))
        self.assertEqual(one.append("Work", "(\\Flagged later)", None, ODD)[0], "OK")
        self.assertEqual(octets_in(one, "Work"), collections.Counter([ODD]))
        one.select("INBOX")
        self.assertEqual(one.search(None, "SUBJECT", '"letter 3"')[1], [b"4"])
        one.store("1:3", "+FLAGS", "(\\Seen $Label1)")
        one.store("2", "-FLAGS", "(\\Seen)")
        one.copy("1", "Work")
        one.uid("MOVE", "5", "Work")  # letter 3: UID 1 is gone
        one.store("5", "+FLAGS", "(\\Deleted)")
        one.expunge()
        # The other one idles, and hears of what the first does.
        other.send(b"i IDLE\r\n")
        while not other.readline().startswith(b"+"):
            pass
        one.append("INBOX", None, None, b"Subject: news\r\n\r\nx\r\n")
        while not re.fullmatch(rb"\* \d+ EXISTS\r\n", other.readline()):
            pass
        other.send(b"DONE\r\n")
        while not other.readline().startswith(b"i OK"):
            pass
        flags = flags_in(one, "INBOX")
        self.assertEqual(flags["letter 0"], {"\\Seen", "$Label1"})
        self.assertEqual(flags["letter 1"], {"$Label1"})
        self.assertNotIn("letter 3", flags)
        self.assertEqual(set(flags_in(one, "Work")), {"=?utf-8?B?5Lya6K6u?=", "letter 0", "letter 3"})
        self.assertEqual(one.rename("Work", "Play")[0], "OK")
        self.assertEqual(one.delete("Play")[0], "OK")
        for connection in (one, other):
            connection.logout()

    def mbsync(self):
        self.program("mbsync", "-q", "-c", self.path("mbsyncrc"), "it")

    def test_mbsync_keeps_two_sides_the_same(self):
        os.makedirs(self.path("Maildir"))
        self.path("mbsyncrc", f"""
IMAPAccount it
Host localhost
Port {self.served.ports["imaps"]}
User work
Pass {self.served.password}
SSLType IMAPS
CertificateFile {self.served.certificate}

IMAPStore far
Account it

MaildirStore near
Path {self.path("Maildir")}/
Inbox {self.path("Maildir")}/INBOX
SubFolders Verbatim

Channel it
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")
        self.mbsync()
        place = self.path("Maildir/INBOX")
        files = [os.path.join(place, sub, name) for sub in ("new", "cur") for name in os.listdir(os.path.join(place, sub))]
        self.assertEqual(len(files), len(LETTERS))
        by_subject = {}
        for path in files:
            with open(path, "rb") as file:
                by_subject[re.search(rb"Subject: (.*)", file.read())[1].decode().strip()] = path
        # Here: one is flagged, one deleted, one is new. There: the same with others.
        flagged = by_subject["letter 1"]
        os.rename(flagged, os.path.join(place, "cur", os.path.basename(flagged).split(":")[0] + ":2,F"))
        os.remove(by_subject["letter 2"])
        with open(os.path.join(place, "new", "1.new.here"), "wb") as file:
            file.write(b"Subject: made here\n\nx\n")
        connection = self.served.imap(folder="INBOX")
        connection.store("4", "+FLAGS", "(\\Answered)")
        connection.store("5", "+FLAGS", "(\\Deleted)")
        connection.expunge()
        connection.create('"Made there"')
        connection.append('"Made there"', None, None, ODD)
        self.mbsync()
        self.mbsync()
        flags = flags_in(connection, "INBOX")
        self.assertEqual(flags["letter 1"], {"\\Flagged"})
        self.assertEqual(flags["letter 3"], {"\\Answered"})
        self.assertNotIn("letter 2", flags)
        self.assertNotIn("letter 4", flags)
        self.assertIn("made here", flags)
        names = [name for sub in ("new", "cur") for name in os.listdir(os.path.join(place, sub))]
        self.assertEqual(len(names), len(flags))
        self.assertEqual(sum("R" in name.rsplit(",", 1)[-1] for name in names), 1)
        self.assertEqual(sum(len(os.listdir(self.path(f"Maildir/Made there/{sub}"))) for sub in ("new", "cur")), 1)
        connection.logout()

    def test_offlineimap_keeps_two_sides_the_same(self):
        self.path("offlineimaprc", f"""
[general]
accounts = it
ui = quiet
metadata = {self.path("offlineimap")}
[Account it]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {self.path("Offline")}
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {self.served.ports["imaps"]}
remoteuser = work
remotepass = {self.served.password}
ssl = yes
sslcacertfile = {self.served.certificate}
""")
        self.program("offlineimap", "-c", self.path("offlineimaprc"), "-o")
        place = self.path("Offline/INBOX")
        names = [(sub, name) for sub in ("new", "cur") for name in os.listdir(os.path.join(place, sub))]
        self.assertEqual(len(names), len(LETTERS))
        found = set()
        for sub, name in names:
            with open(os.path.join(place, sub, name), "rb") as file:
                octets = file.read()
            found.add(re.search(rb"Subject: (.*)", octets)[1].strip())
            if b"letter 7" in octets:
                os.rename(os.path.join(place, sub, name),
                          os.path.join(place, "cur", re.sub(r":2,.*", "", name) + ":2,FS"))
        self.assertEqual(len(found), len(LETTERS))
        connection = self.served.imap(folder="INBOX")
        connection.store("1", "+FLAGS", "(\\Deleted)")
        connection.expunge()
        self.program("offlineimap", "-c", self.path("offlineimaprc"), "-o")
        flags = flags_in(connection, "INBOX")
        self.assertEqual(flags["letter 7"], {"\\Seen", "\\Flagged"})
        self.assertEqual(sum(len(os.listdir(os.path.join(place, sub))) for sub in ("new", "cur")), len(LETTERS) - 1)
        connection.logout()

    def test_neomutt_reads_flags_moves_and_deletes(self):
        connection = self.served.imap(folder="INBOX")
        connection.create("Kept")
        self.path("muttrc", f"""
set folder = "imaps://work@localhost:{self.served.ports["imaps"]}/"
set spoolfile = "+INBOX"
set imap_pass = "{self.served.password}"
set certificate_file = "{self.served.certificate}"
set header_cache = ""
set confirmappend = no
set delete = yes
set mark_old = no
push "<tag-pattern>~s 'letter 1$'<enter><tag-prefix><flag-message>\\
<untag-pattern>.<enter><tag-pattern>~s 'letter 2$'<enter><tag-prefix><save-message>=Kept<enter>\\
<untag-pattern>.<enter><delete-pattern>~s 'letter 3$'<enter><sync-mailbox><quit>y"
""")
        # It wants a terminal.
        session = f"twinbox-{os.getpid()}"
        self.program("tmux", "-L", session, "new-session", "-d", "-x", "100", "-y", "30",
                     f"neomutt -n -F {self.path('muttrc')}")
        self.addCleanup(subprocess.run, ["tmux", "-L", session, "kill-server"], capture_output=True, check=False)
        wanted = {"letter 2", "letter 3"}
        deadline = time.monotonic() + 30
        while (wanted & set(flags := flags_in(connection, "INBOX"))) and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertFalse(wanted & set(flags))
        self.assertIn("\\Flagged", flags["letter 1"])
        self.assertEqual(set(flags_in(connection, "Kept")), {"letter 2"})
        connection.logout()

    def curl(self, kind, path="", *options, data=None):
        return self.program("curl", "-sS", "--cacert", self.served.certificate, "-u", f"work:{self.served.password}",
                            f"{kind}://localhost:{self.served.ports[kind]}/{path}", *options, data=data)

    def test_curl_speaks_imap_pop3_and_smtp(self):
        self.assertIn(b'"INBOX"', self.curl("imaps"))
        self.assertEqual(self.curl("imaps", "INBOX;MAILINDEX=2"), LETTERS[1])
        self.assertIn(b"* SEARCH 6", self.curl("imaps", "INBOX?SUBJECT%20%22letter%205%22"))
        with open(self.path("odd"), "wb") as file:
            file.write(ODD)
        self.curl("imaps", "INBOX", "-T", self.path("odd"))
        self.curl("imaps", "INBOX", "-X", "STORE 1 +FLAGS (\\Flagged)")
        self.assertRegex(self.curl("pop3s"), rb"13 \d+")
        self.assertEqual(self.curl("pop3s", "3"), LETTERS[2])
        self.curl("pop3s", "4", "-X", "DELE", "-l")
        with open(self.path("letter"), "wb") as file:
            file.write(b"Subject: by curl\r\n\r\nhello\r\n")
        self.program("curl", "-sS", "--cacert", self.served.certificate, "-u", f"work:{self.served.password}",
                     f"smtps://localhost:{self.served.ports['submissions']}", "--mail-from", "me@example.org",
                     "--mail-rcpt", "work@example.org", "-T", self.path("letter"))
        connection = self.served.imap()
        flags = flags_in(connection, "INBOX")
        self.assertIn("\\Flagged", flags["letter 0"])
        self.assertIn("by curl", flags)
        self.assertIn(ODD, octets_in(connection, "INBOX"))
        self.assertNotIn("letter 3", flags)
        connection.logout()

    # --- POP3 ---

    def test_poplib_does_its_whole_job(self):
        maildrop = poplib.POP3_SSL("localhost", self.served.ports["pop3s"], context=self.served.context)
        self.assertIn("UIDL", maildrop.capa())
        maildrop.user("work")
        maildrop.pass_(self.served.password)
        self.assertEqual(maildrop.stat()[0], len(LETTERS))
        uidls = [line.split()[1] for line in maildrop.uidl()[1]]
        self.assertEqual(len(set(uidls)), len(LETTERS))
        self.assertEqual([b"\r\n".join(maildrop.retr(n + 1)[1]) + b"\r\n" for n in range(len(LETTERS))], LETTERS)
        self.assertIn(b"Subject: letter 1", maildrop.top(2, 0)[1])
        maildrop.dele(1)
        maildrop.rset()
        maildrop.dele(2)
        maildrop.quit()
        connection = self.served.imap()
        self.assertEqual(octets_in(connection, "INBOX"), collections.Counter(LETTERS[:1] + LETTERS[2:]))
        connection.logout()
        plain = poplib.POP3("localhost", self.served.ports["pop3"])
        plain.stls(self.served.context)
        plain.user("work")
        plain.pass_(self.served.password)
        self.assertEqual([line.split()[1] for line in plain.uidl()[1]], uidls[:1] + uidls[2:])
        plain.quit()

    def in_maildir(self, path):
        found = collections.Counter()
        for sub in ("new", "cur"):
            for name in os.listdir(os.path.join(path, sub)):
                with open(os.path.join(path, sub, name), "rb") as file:
                    found[re.search(rb"Subject: (.*)", file.read())[1].decode().strip()] += 1
        return found

    def make_maildir(self, name):
        for sub in ("new", "cur", "tmp"):
            os.makedirs(self.path(f"{name}/{sub}"))
        return self.path(name)

    def all_letters(self):
        return collections.Counter(f"letter {n}" for n in range(len(LETTERS)))

    def test_mpop_fetches_and_deletes(self):
        maildir = self.make_maildir("mpop")
        self.path("mpoprc", f"""
account it
host localhost
port {self.served.ports["pop3s"]}
user work
password {self.served.password}
tls on
tls_starttls off
tls_trust_file {self.served.certificate}
delivery maildir {maildir}
keep off
uidls_file {self.path("uidls")}
""")
        self.program("mpop", "-Q", "-C", self.path("mpoprc"), "it")
        self.assertEqual(self.in_maildir(maildir), self.all_letters())
        connection = self.served.imap()
        self.assertEqual(connection.select("INBOX")[1], [b"0"])
        connection.logout()

    def test_fetchmail_fetches_and_deletes(self):
        program = os.path.join(unpacked.folder_of("fetchmail"), "usr", "bin", "fetchmail")
        maildir = self.make_maildir("fetchmail")
        self.path("deliver", f"#!/bin/sh\nexec cat > {maildir}/new/$$\n", mode=0o700)
        self.path("fetchmailrc", f"""
poll localhost protocol pop3 port {self.served.ports["pop3s"]} user "work" password "{self.served.password}"
  ssl sslproto "auto" sslcertck sslcertfile "{self.served.certificate}" no rewrite mda "{self.path("deliver")}" nokeep
""")
        self.program(program, "-s", "-f", self.path("fetchmailrc"), env={"FETCHMAILHOME": self.home.folder})
        self.assertEqual(self.in_maildir(maildir), self.all_letters())
        connection = self.served.imap()
        self.assertEqual(connection.select("INBOX")[1], [b"0"])
        connection.logout()

    def test_getmail_fetches_and_leaves(self):
        maildir = self.make_maildir("getmail")
        self.path("getmailrc", f"""
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {self.served.ports["pop3s"]}
username = work
password = {self.served.password}
ca_certs = {self.served.certificate}
[destination]
type = Maildir
path = {maildir}/
[options]
delete = false
read_all = false
""")
        command = ["getmail", "--getmaildir", self.home.folder, "--rcfile", "getmailrc"]
        if os.getuid() == 0:  # it delivers nothing as root
            nobody = pwd.getpwnam("nobody")
            for parent, folders, files in os.walk(self.home.folder):
                for path in (parent, *(os.path.join(parent, name) for name in folders + files)):
                    os.chown(path, nobody.pw_uid, nobody.pw_gid)
            command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"] + command
        for _ in range(2):  # the second time there is nothing new
            self.program(*command)
        self.assertEqual(self.in_maildir(maildir), self.all_letters())
        connection = self.served.imap()
        self.assertEqual(connection.select("INBOX")[1], [str(len(LETTERS)).encode()])
        connection.logout()

    # --- submission ---

    def test_smtplib_submits_by_tls_and_by_starttls(self):
        by_tls = smtplib.SMTP_SSL("localhost", self.served.ports["submissions"], context=self.served.context)
        by_starttls = smtplib.SMTP("localhost", self.served.ports["submission"])
        by_starttls.starttls(context=self.served.context)
        for number, connection in enumerate((by_tls, by_starttls)):
            connection.login("work", self.served.password)
            connection.sendmail("me@example.org", ["work@example.org"], f"Subject: sent {number}\r\n\r\n.x\r\n")
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                connection.sendmail("me@example.org", ["stranger@example.com"], "Subject: relay\r\n\r\nx\r\n")
            connection.quit()
        connection = self.served.imap()
        self.assertEqual({s for s in flags_in(connection, "INBOX") if s.startswith("sent")}, {"sent 0", "sent 1"})
        connection.logout()

    # --- what else is at work ---

    def test_a_sync_in_another_process_is_told_and_keeps_what_was_changed_here(self):
        idle = self.served.imap(folder="INBOX")
        idle.send(b"i IDLE\r\n")
        while not idle.readline().startswith(b"+"):
            pass
        self.server.deliver(b"Subject: brought by a sync\r\n\r\nx\r\n")
        self.sync("work")
        self.assertRegex(idle.readline(), rb"^\* \d+ EXISTS\r\n$")
        idle.send(b"DONE\r\n")
        connection = self.served.imap()
        self.assertEqual(set(flags_in(connection, "INBOX")), set(self.all_letters()) | {"brought by a sync"})
        connection.logout()
        self.run_it("verify", "work")

    def test_the_end_loses_nothing_that_was_accepted(self):
        accepted = []
        connection = self.served.imap()
        try:
            for number in range(1000):
                octets = f"Subject: to the end {number}\r\n\r\nx\r\n".encode()
                if number == 20:
                    self.served.process.send_signal(signal.SIGTERM)
                if connection.append("INBOX", None, None, octets)[0] != "OK":
                    break
                accepted.append(octets)
        except (OSError, imaplib.IMAP4.error):
            pass
        self.assertEqual(self.served.process.wait(10), 0)
        self.assertLess(len(accepted), 1000)
        kept = self.exported("work", "INBOX")
        for octets in accepted:
            self.assertIn(harness.digest(octets), kept)
        self.run_it("verify", "work")


class Mirrors(harness.Case):
    """Accounts that are mirrors can be read, and say so."""

    def begin(self, **keys):
        server = self.serve()
        for letter in LETTERS[:3]:
            server.deliver(letter)
        self.home.connect("work", server, **keys)
        self.sync("work")
        served = Served(self.home)
        self.addCleanup(served.stop)
        return served

    def test_a_mirror_is_read_only(self):
        served = self.begin()
        self.assertNotIn("submissions", served.ports)
        connection = served.imap()
        connection.select("INBOX", readonly=True)
        self.assertEqual(octets_in(connection, "INBOX"), collections.Counter(LETTERS[:3]))
        with self.assertRaises(imaplib.IMAP4.readonly):
            connection.select("INBOX")
        connection.select("INBOX", readonly=True)
        for change in (lambda: connection.uid("STORE", "1", "+FLAGS", "(\\Seen)"), lambda: connection.create("Mine"),
                       lambda: connection.rename("INBOX", "Mine"), lambda: connection.unsubscribe("INBOX"),
                       lambda: connection.append("INBOX", None, None, LETTERS[3])):
            self.assertEqual(change()[0], "NO")
        connection.logout()
        maildrop = poplib.POP3_SSL("localhost", served.ports["pop3s"], context=served.context)
        maildrop.user("work")
        maildrop.pass_(served.password)
        maildrop.dele(1)
        with self.assertRaises(poplib.error_proto):
            maildrop.quit()
        self.assertEqual(len(self.ls("work")), 3)

    def test_a_mirror_with_flags_of_its_own_keeps_them(self):
        served = self.begin(local_flags=True)
        connection = served.imap(folder="INBOX")
        self.assertEqual(connection.store("1", "+FLAGS", "(\\Flagged mine)")[0], "OK")
        self.assertEqual(connection.append("INBOX", None, None, LETTERS[3])[0], "NO")
        self.assertEqual(connection.expunge()[0], "NO")
        self.sync("work")
        self.assertEqual(flags_in(connection, "INBOX")["letter 0"], {"\\Flagged", "mine"})
        connection.logout()


if __name__ == "__main__":
    harness.main()
