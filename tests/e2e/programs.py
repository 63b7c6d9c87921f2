"""What the tests of mail programs share: accounts that `twinbox serve` serves, and the programs' configurations."""

import collections
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time

import harness
from harness import digest

import private  # noqa: E402  (harness puts tests/support on the path)
from served import Served  # noqa: E402

SECONDS = 240  # for one run of a program, which writes each message through to the disk, beside whatever else runs
COUNT = 12


def message(number):
    """With what mail programs get wrong: dots, "From ", eight bits, blank lines at the end."""
    return (b"From: a@example.org\r\nTo: work@example.org\r\nSubject: number %d\r\nMessage-ID: <%d@example.org>\r\n"
            b"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            b".a dot\r\n..two\r\nFrom here\r\nd\xc3\xa9j\xc3\xa0 vu %d\r\n\r\n\r\n" % (number, number, number))


def lf(octets):
    return octets.replace(b"\r\n", b"\n")


class Case(harness.Case):
    """Each test has an account of its own, filled by a sync from a Dovecot of its own: what it changes is carried there."""

    @classmethod
    def fill(cls, server):
        for number in range(COUNT):
            server.deliver(message(number))
        server.create("Work")

    def setUp(self):
        super().setUp()
        self.dovecot = self.serve()
        self.fill(self.dovecot)
        self.place = private.temporary_folder()
        self.addCleanup(shutil.rmtree, self.place)

    def served(self, source=None, protocol="imaps", **keys):
        """The server over a new account "work": two-way, if nothing else is said."""
        self.home.connect("work", source or self.dovecot, protocol, **{"mode": "two-way", **keys})
        self.sync("work")
        return self.again()

    def again(self):
        self.trace = os.path.join(self.home.folder, "trace")
        server = Served(harness.PROGRAM, self.home, "work", trace=self.trace)
        self.addCleanup(server.stop)
        shutil.copy(server.certificate, self.path("ca.pem"))
        return server

    def path(self, *names):
        return os.path.join(self.place, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
        return self.path(name)

    def octets(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def program(self, *command, data=b"", status=0):
        """What it prints."""
        done = self.ended(*command, data=data)
        self.assertEqual(done.returncode, status, f"{command}: {done.stderr[-2000:]!r} {done.stdout[-2000:]!r}")
        return done.stdout

    def ended(self, *command, data=b""):
        """Runs it as the user that servers of the tests run as: some deliver nothing as root."""
        with self.running(*command) as process:
            try:
                out, err = process.communicate(data, timeout=SECONDS)
            except subprocess.TimeoutExpired as error:
                self.fail(f"{command} does not end: {(error.stderr or b'')[-2000:]!r} {(error.stdout or b'')[-2000:]!r}")
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    @contextlib.contextmanager
    def running(self, *command):
        """Ended with the block, if it has not ended by itself."""
        who = private.runner()
        private.own(who, self.place)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=self.place, env={"HOME": self.place, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                                                        "TERM": "vt100", "TZ": "UTC"}, **private.identity(who))
        try:
            yield process
        finally:
            process.terminate()
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
            process.wait(SECONDS)

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def no(self, answer):
        self.assertEqual(answer[0], "NO", answer)
        return answer[1]

    def hears(self, connection, start):
        """imaplib's next line that begins so; a timeout of the socket ends the wait."""
        while True:
            line = connection.readline()
            self.assertTrue(line, "the server closed the connection")
            if line.startswith(start):
                return line

    def said(self, word):
        """Whether a program has sent this command."""
        with open(self.trace, "rb") as file:
            return re.search(rb" C: \S+ " + word + rb"\b", file.read())

    def idling(self):
        """Whether IDLE is the last that a connection has said."""
        with open(self.trace, "rb") as file:
            last = dict(re.findall(rb" (imaps \d+) C: (.*)", file.read()))
        return any(line.endswith(b" IDLE") for line in last.values())

    def until(self, done):
        end = time.monotonic() + SECONDS
        while not done():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def assert_ends_clean(self, server):
        """The server ends by itself; a sync undoes nothing, and all is whole."""
        self.assertEqual(server.stop(), 0)
        self.sync("work")
        self.run_it("verify", "work")

    # Configurations. Each gives the command; `trust` takes the place of the certificate file.

    def mbsync(self, server, trust=None):
        os.makedirs(self.path("mail"), exist_ok=True)
        trust = trust or f"CertificateFile {self.path('ca.pem')}"
        config = self.write("mbsyncrc", f"""IMAPAccount it
Host localhost
Port {server.ports["imaps"]}
User work
Pass {server.password}
SSLType IMAPS
SystemCertificates no
{trust}

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
Remove Both
Expunge Both
SyncState {self.place}/state/
""")
        return "mbsync", "-c", config, "it"

    def offlineimap(self, server, trust=None):
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
{trust or f"sslcacertfile = {self.path('ca.pem')}"}
""")
        return "offlineimap", "-o", "-c", config

    def taker(self):
        """A program that takes one message, into a Maildir. getmail (6.18) overlooks the end of a child that comes before
        it waits for it, and then stands still for minutes: it ends when its parent sleeps."""
        self.write("take", f"""#!/bin/sh
file=$(mktemp {self.maildir()}/tmp/XXXXXXXX) && cat >"$file" && mv "$file" {self.path("got", "new")}/ || exit 1
until grep -q '^State:.S' /proc/$PPID/status; do :; done
""")
        os.chmod(self.path("take"), 0o700)
        return self.path("take")

    def getmail(self, server, protocol, *lines):
        retriever = {"pop3s": "SimplePOP3SSLRetriever", "imaps": "SimpleIMAPSSLRetriever"}[protocol]
        more = "\n".join(lines)
        self.write("getmailrc", f"""[retriever]
type = {retriever}
server = localhost
port = {server.ports[protocol]}
username = work
password = {server.password}
ca_certs = {self.path("ca.pem")}
{more}
[destination]
type = MDA_external
path = {self.taker()}
allow_root_commands = true
[options]
delivered_to = false
received = false
read_all = false
""")
        return "getmail", "--getmaildir", self.place, "--rcfile", "getmailrc"

    def mpop(self, server, protocol="pop3", trust=None):
        config = self.write("mpoprc", f"""account it
host localhost
port {server.ports[protocol]}
user work
password {server.password}
auth scram-sha-256
tls on
tls_starttls {"on" if protocol == "pop3" else "off"}
{trust or f"tls_trust_file {self.path('ca.pem')}"}
uidls_file {self.path("uidls")}
received_header off
delivery maildir {self.maildir()}
""")
        return "mpop", "-Q", "-C", config, "it"

    def fetchmail(self, server, protocol, *words, trust=None):
        taker = self.taker()
        trust = trust or f'sslcertck sslcertfile "{self.path("ca.pem")}"'
        port = f"{'uidl ' if protocol == 'pop3s' else ''}port {server.ports[protocol]}"
        config = self.write("fetchmailrc", f"""set invisible
poll localhost protocol {protocol[:4]} {port} username "work" password "{server.password}"
  ssl {trust} no rewrite {" ".join(words)} mda "{taker}"
""")
        return "fetchmail", "-f", config

    def neomutt(self, server, keys, *lines, words=""):
        """In a terminal, since it is nothing without one."""
        more = "\n".join(lines)
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
{more}
""")
        self.write("keys", f"push \"{keys}\"\n")
        return "script", "-qec", f"neomutt -n -F {config} -e 'source {self.path('keys')}' {words}", "/dev/null"

    def curl(self, server, scheme, path="", *more, data=b""):
        config = self.write("curlrc", f'user = "work:{server.password}"\ncacert = "{self.path("ca.pem")}"\n')
        address = f"{scheme}://localhost:{server.ports[scheme.replace('smtp', 'submission')]}/{path}"
        return self.program("curl", "-sS", "-K", config, "--ssl-reqd", *more, address, data=data)

    # What a program put into a Maildir

    def maildir(self, name="got"):
        for kind in ("cur", "new", "tmp"):
            os.makedirs(self.path(name, kind), exist_ok=True)
        return self.path(name)

    def files(self, *names):
        return sorted(self.path(*names, kind, name) for kind in ("cur", "new")
                      for name in os.listdir(self.path(*names, kind)))

    def collected(self):
        """By a program that collects mail, getmail's own header fields taken off."""
        return sorted(self.octets(path).removeprefix(b"Return-Path: <unknown>\n").replace(
            b"X-getmail-retrieved-from-mailbox: INBOX\n", b"") for path in self.files("got"))

    def in_maildir(self, folder):
        """As Served.mail() tells it, of one that is kept the same."""
        letters = {"F": "\\Flagged", "S": "\\Seen", "R": "\\Answered", "D": "\\Draft", "T": "\\Deleted"}
        found = collections.Counter()
        for path in self.files("mail", folder):
            flags = os.path.basename(path).partition(":2,")[2]
            found[digest(self.text(path)), frozenset(letters[one] for one in flags)] += 1
        return found

    def text(self, path):
        """With the lines' ends of IMAP, without mbsync's own header field."""
        return self.without_tuid(self.octets(path).replace(b"\n", b"\r\n"))

    @staticmethod
    def without_tuid(octets):
        return b"\r\n".join(line for line in octets.split(b"\r\n") if not line.startswith(b"X-TUID: "))


def main(*needed):
    missing = [name for name in needed if not shutil.which(name)]
    if missing:
        sys.exit(f"{', '.join(missing)} not installed: run tools/dev setup")
    harness.main()
