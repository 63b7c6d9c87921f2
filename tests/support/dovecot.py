#!/usr/bin/env python3
"""A private Dovecot on loopback, for tests and demonstrations.

As a library:

    with Dovecot(certificate="expired", mail="sdbox") as server:
        server.deliver(b"Subject: hello\\r\\n\\r\\n", folder="INBOX", flags=["\\\\Seen"])
        with server.imap() as connection: ...

As a program, for tests in other languages:

    python3 tests/support/dovecot.py --run [--certificate expired] [--mail sdbox] [--sample] ...

prints one line of JSON (ports, user, password, CA file, folder …) when the server answers, then takes
one command of JSON per line on stdin ({"do": "deliver", "file": …}, {"do": "doveadm", "args": […]}) and
answers each with a line; it ends, and the server with it, when stdin is closed.

The server needs no privileges: it runs as the user who starts it, or as nobody if that is root. All
that it makes lies in one temporary folder. It serves 127.0.0.1 only, on ports that nobody used.
"""

import argparse
import datetime
import imaplib
import itertools
import json
import os
import poplib
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import certificates  # noqa: E402
import dovecot_conf  # noqa: E402
import private  # noqa: E402
from certificates import CertificateError, Certificates  # noqa: E402
from clients import fetch_imap, fetch_pop, modified_utf7, quoted  # noqa: E402,F401
from private import HOST  # noqa: E402

PROTOCOLS = ("imap", "imaps", "pop3", "pop3s")
START_TRIES = 6  # each with fresh ports: another program may take one between our look and the bind
START_SECONDS = 20.0  # generous: a loaded machine, not a normal start (0.2 s)
DEFAULT_MECHANISMS = "plain login cram-md5 scram-sha-1 scram-sha-256 apop"

SYSTEM_FLAGS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}


class DovecotError(Exception):
    """The server could not be started, or a command to it failed."""


def available():
    """Whether Dovecot is installed, with the path of its program or None."""
    for path in ("/usr/sbin/dovecot", shutil.which("dovecot")):
        if path and os.path.exists(path) and os.path.exists("/usr/lib/dovecot/imap-login"):
            return path
    return None


class Dovecot:
    """One running server. Use as a context manager, or start() and stop().

    users        {name: password}; the first is .user
    mail         maildir, sdbox, mdbox or a mail_location of its own
    certificate  good, wrong-name, expired or self-signed
    mechanisms   Dovecot's auth_mechanisms
    capability   imap_capability after login: "-IDLE -COMPRESS=DEFLATE" takes away, "+X" adds, else the whole list
    ssl          yes, required or no
    plaintext    whether passwords may cross an unencrypted connection ("no" needs ssl=required's refusal too)
    pop3_uidl_format, pop3_lock, pop3_uidl_duplicates …: as Dovecot's settings
    compress     offer COMPRESS=DEFLATE (RFC 4978)
    extra        configuration text appended as it is
    keep         leave the folder (log, mail) behind after stop(), for looking at a failure
    """

    def __init__(self, users=None, mail="maildir", certificate="good", mechanisms=DEFAULT_MECHANISMS, capability="",
                 ssl="yes", pop3_uidl_format="%08Xu%08Xv", pop3_lock=False, pop3_no_flag_updates=False,
                 pop3_uidl_duplicates="allow", compress=False, greeting="", extra="", keep=False):
        self.users = dict(users or {"sample": "correct horse"})
        self.user, self.password = next(iter(self.users.items()))
        self.mail, self.certificate, self.mechanisms = mail, certificate, mechanisms
        self.compress = compress
        self.capability, self.ssl, self.greeting, self.extra, self.keep = capability, ssl, greeting, extra, keep
        self.pop3 = {"pop3_uidl_format": pop3_uidl_format, "pop3_lock_session": "yes" if pop3_lock else "no",
                     "pop3_no_flag_updates": "yes" if pop3_no_flag_updates else "no",
                     "pop3_uidl_duplicates": pop3_uidl_duplicates}
        self.host = HOST
        self.ports = {}
        self._process = None
        self._serial = itertools.count(1)
        self._binary = available()
        if not self._binary:
            raise DovecotError("Dovecot is not installed (packages dovecot-imapd and dovecot-pop3d)")
        self.runner = private.runner()
        self.folder = private.temporary_folder()
        self.config = os.path.join(self.folder, "dovecot.conf")
        self.log = os.path.join(self.folder, "dovecot.log")
        try:
            self.certificates = Certificates(os.path.join(self.folder, "tls"))
            for name in self.users:
                os.makedirs(self.home(name))
            self.ca_file = self.certificates.ca_file
            self.fingerprint = self._make_certificate()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    # Life

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop(failed=kind is not None)

    def start(self):
        """Starts and waits until the server greets. Safe to call again after stop(remove=False)."""
        last = ""
        for _ in range(START_TRIES):
            if not self.ports or last:
                self.ports = dict(zip(PROTOCOLS, private.free_ports(len(PROTOCOLS))))
            token = secrets.token_hex(6)
            self._write_configuration(token)
            self._own(self.folder)
            self._spawn()
            if self._wait_until_greets(self.greeting or token):
                return self
            last = self.read_log() or "no greeting"
            self._end()
            if "ddress already in use" not in last:
                break
        self.stop()
        raise DovecotError(f"Dovecot did not start: {last.strip().splitlines()[-1] if last.strip() else last}")

    def stop(self, failed=False, remove=True):
        """Ends the server and all of its processes; removes the folder unless `keep` or `failed` says otherwise."""
        self._end()
        if failed and self.keep:
            sys.stderr.write(f"Dovecot's log and mail: {self.folder}\n")
        elif remove and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self, **changes):
        """Stops, changes attributes (certificate=…, capability=…), starts on the same ports."""
        self._end()
        for name, value in changes.items():
            if name in self.pop3:
                self.pop3[name] = value
            elif hasattr(self, name):
                setattr(self, name, value)
            else:
                raise TypeError(f"no such setting: {name}")
        self.fingerprint = self._make_certificate()
        return self.start()

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def info(self):
        """What a program in another language needs to know."""
        return {"host": self.host, "ports": self.ports, "user": self.user, "password": self.password,
                "users": self.users, "ca_file": self.ca_file, "fingerprint_sha256": self.fingerprint,
                "folder": self.folder, "home": self.home(), "config": self.config, "log": self.log,
                "pid": self._process.pid if self._process else 0}

    # Clients

    def imap(self, user=None, tls=True):
        """A logged-in imaplib connection."""
        user = user or self.user
        if tls:
            connection = imaplib.IMAP4_SSL(self.host, self.ports["imaps"], ssl_context=self.tls_context())
        else:
            connection = imaplib.IMAP4(self.host, self.ports["imap"])
        connection.login(user, self.users[user])
        return connection

    def pop(self, user=None, tls=True):
        """A logged-in poplib connection."""
        user = user or self.user
        if tls:
            connection = poplib.POP3_SSL(self.host, self.ports["pop3s"], context=self.tls_context())
        else:
            connection = poplib.POP3(self.host, self.ports["pop3"])
        connection.user(user)
        connection.pass_(self.users[user])
        return connection

    def tls_context(self):
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate != "good":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    # Mail

    def home(self, user=None):
        return os.path.join(self.folder, "home", user or self.user)

    def doveadm(self, *arguments, data=None, check=True):
        """Runs doveadm on this server and returns its output (bytes)."""
        done = subprocess.run(("doveadm", "-c", self.config) + arguments, input=data, capture_output=True,
                              check=False, cwd=self.folder, **private.identity(self.runner))
        if check and done.returncode:
            raise DovecotError(f"doveadm {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def save(self, message, folder="INBOX", user=None):
        """Adds a message as a mail program's delivery would (slow: one process a message)."""
        self.create(folder, user)
        self.doveadm("save", "-u", user or self.user, "-m", folder, data=message)

    def create(self, folder, user=None):
        if folder.upper() != "INBOX":
            self.doveadm("mailbox", "create", "-u", user or self.user, "-s", folder, check=False)

    def append(self, messages, folder="INBOX", user=None):
        """Adds (octets, flags, date) triples by IMAP APPEND; date is seconds since 1970 or None."""
        connection = self.imap(user)
        try:
            for octets, flags, date in messages:
                when = imaplib.Time2Internaldate(date) if date is not None else None
                kind, words = connection.append(quoted(folder), "(" + " ".join(flags) + ")" if flags else None, when,
                                                octets)
                if kind == "NO" and b"TRYCREATE" in words[0]:
                    connection.create(quoted(folder))
                    kind, words = connection.append(quoted(folder), "(" + " ".join(flags) + ")" if flags else None,
                                                    when, octets)
                if kind != "OK":
                    raise DovecotError(f"APPEND to {folder}: {words[0].decode(errors='replace')}")
        finally:
            connection.logout()

    def deliver(self, octets, folder="INBOX", flags=(), date=None, user=None):
        """Writes a message file into the Maildir: every octet stays as it is, and nothing is as fast.

        Only with mail="maildir". Keywords get their letters in the folder's dovecot-keywords. Works
        while the server runs; `date` (seconds since 1970) becomes the INTERNALDATE.
        """
        if not self.mail.startswith("maildir"):
            raise DovecotError("deliver() writes Maildir files; use append() or save()")
        place = self.maildir(folder, user)
        fresh = not os.path.isdir(place)
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(place, name), exist_ok=True)
        if fresh and folder.upper() != "INBOX":
            with open(os.path.join(place, "maildirfolder"), "wb"):
                pass
        keywords = [flag for flag in flags if not flag.startswith("\\")]
        letters = "".join(sorted(SYSTEM_FLAGS[flag] for flag in flags if flag.startswith("\\")))
        letters += self._keyword_letters(place, keywords)
        date = int(time.time() if date is None else date)
        name = f"{date}.M{next(self._serial):06d}P{os.getpid()}.twinbox,S={len(octets)}"
        draft = os.path.join(place, "tmp", name)
        with open(draft, "wb") as file:
            file.write(octets)
        os.utime(draft, (date, date))
        if self.runner.uid != os.getuid():
            os.chown(draft, self.runner.uid, self.runner.gid)
            if fresh:
                self._own(self.home(user))
        path = os.path.join(place, "cur", f"{name}:2,{letters}")
        os.rename(draft, path)
        return path

    def maildir(self, folder="INBOX", user=None):
        """The folder of the Maildir++ that holds a mailbox."""
        root = os.path.join(self.home(user), "Maildir")
        if folder.upper() == "INBOX":
            return root
        return os.path.join(root, "." + ".".join(modified_utf7(part) for part in folder.split("/")))

    # Inside

    def _keyword_letters(self, place, keywords):
        if not keywords:
            return ""
        path = os.path.join(place, "dovecot-keywords")
        known = []
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                known = [line.split(" ", 1)[1].strip() for line in file if " " in line]
        for keyword in keywords:
            if keyword not in known:
                known.append(keyword)
        if len(known) > 26:
            raise DovecotError("a Maildir folder holds 26 keywords at most")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{number} {keyword}\n" for number, keyword in enumerate(known))
        if self.runner.uid != os.getuid():
            os.chown(path, self.runner.uid, self.runner.gid)
        return "".join(sorted(chr(ord("a") + known.index(keyword)) for keyword in keywords))

    def _make_certificate(self):
        self.certificate_files = self.certificates.make(self.certificate)
        return Certificates.fingerprint(self.certificate_files[0])

    def _own(self, path):
        private.own(self.runner, path)
        if self.runner.uid != os.getuid():
            os.chmod(self.folder, 0o755)

    def _spawn(self):
        start_log = os.path.join(self.folder, "start.log")
        open(start_log, "wb").close()
        self._process = private.spawn([self._binary, "-F", "-c", self.config], self.runner, self.folder, start_log)

    def _wait_until_greets(self, token):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                with open(os.path.join(self.folder, "start.log"), encoding="utf-8", errors="replace") as file:
                    words = file.read()
                with open(self.log, "a", encoding="utf-8") as log:
                    log.write(words)
                return False
            try:
                with socket.create_connection((self.host, self.ports["imap"]), timeout=2) as one:
                    if token.encode() in one.recv(1024):
                        return True
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def _end(self):
        process, self._process = self._process, None
        if process:
            private.end(process)

    def _write_configuration(self, token):
        for path, text in ((os.path.join(self.folder, "passwords"), dovecot_conf.passwords(self)),
                           (self.config, dovecot_conf.text(self, token))):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


def _answer(server, line):
    """Carries out one line of the program's stdin."""
    command = json.loads(line)
    what = command.get("do")
    if what == "deliver":
        if "file" in command:
            with open(command["file"], "rb") as file:
                octets = file.read()
        else:
            octets = command["text"].encode("utf-8", "surrogateescape")
        path = server.deliver(octets, command.get("folder", "INBOX"), command.get("flags", ()), command.get("date"))
        return {"ok": True, "path": path}
    if what == "doveadm":
        output = server.doveadm(*command["args"], data=command.get("input", "").encode())
        return {"ok": True, "output": output.decode(errors="replace")}
    if what == "restart":
        server.restart(**command.get("with", {}))
        return {"ok": True, **server.info()}
    return {"ok": False, "error": f"unknown command: {what}"}


def _serve(server):
    print(json.dumps(server.info()), flush=True)
    for line in sys.stdin:
        try:
            answer = _answer(server, line)
        except (DovecotError, OSError, ValueError, KeyError, TypeError) as error:
            answer = {"ok": False, "error": str(error)}
        print(json.dumps(answer), flush=True)


def main():
    parser = argparse.ArgumentParser(description="A private Dovecot on loopback, until stdin is closed.")
    parser.add_argument("--run", action="store_true", required=True, help="start, print a line of JSON, wait")
    parser.add_argument("--user", default="sample")
    parser.add_argument("--password", default="correct horse")
    parser.add_argument("--mail", default="maildir", help="maildir, sdbox, mdbox or a mail_location")
    parser.add_argument("--certificate", default="good", choices=certificates.KINDS)
    parser.add_argument("--mechanisms", default=DEFAULT_MECHANISMS)
    parser.add_argument("--capability", default="", help="\"-IDLE -QRESYNC\" takes away, or the whole list")
    parser.add_argument("--ssl", default="yes", choices=("yes", "required", "no"))
    parser.add_argument("--uidl", default="%08Xu%08Xv", help="pop3_uidl_format")
    parser.add_argument("--pop3-lock", action="store_true", help="one session at a time for a maildrop")
    parser.add_argument("--compress", action="store_true", help="offer COMPRESS=DEFLATE")
    parser.add_argument("--greeting", default="")
    parser.add_argument("--extra", default="", help="configuration text to append")
    parser.add_argument("--messages", metavar="FOLDER", help="deliver every file of a folder to INBOX")
    parser.add_argument("--sample", action="store_true", help="deliver the sample mailbox")
    parser.add_argument("--bulk", metavar="N", type=int, default=0, help="deliver N generated messages to INBOX")
    parser.add_argument("--keep", action="store_true", help="leave log and mail behind")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = Dovecot(users={options.user: options.password}, mail=options.mail, certificate=options.certificate,
                         mechanisms=options.mechanisms, capability=options.capability, ssl=options.ssl,
                         pop3_uidl_format=options.uidl, pop3_lock=options.pop3_lock, greeting=options.greeting, compress=options.compress,
                         extra=options.extra, keep=options.keep)
        _fill(server, options)
        with server:
            _serve(server)
    except (DovecotError, CertificateError, private.NoName) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    return 0


def _fill(server, options):
    """Delivers what the options name, before the server starts."""
    if options.messages:
        for name in sorted(os.listdir(options.messages)):
            with open(os.path.join(options.messages, name), "rb") as file:
                server.deliver(file.read(), date=int(datetime.datetime(2024, 1, 2).timestamp()))
    if options.sample or options.bulk:
        sys.path.insert(0, os.path.join(HERE, "..", "sample"))
        import sample
        if options.sample:
            sample.deliver_all(server)
        if options.bulk:
            sample.deliver_bulk(server, options.bulk)


if __name__ == "__main__":
    sys.exit(main())
