"""`twinbox serve` on free ports, and what imaplib, poplib and smtplib need to speak with it."""

import collections
import hashlib
import imaplib
import json
import os
import poplib
import re
import resource
import signal
import smtplib
import ssl
import subprocess

from clients import fetch_imap, quoted

SECONDS = 60  # for one answer, and for the end of the server
NAMES = ("imaps", "imap", "pop3s", "pop3", "submissions", "submission")


class Served:
    """The server over the accounts of a home (tests/e2e/harness.py), until stop().

    open_files  the soft limit that it is started with
    most_files  the hard one
    ports       of the server that it takes the place of
    more        words of its command line
    trace       a file for what the programs say
    """

    def __init__(self, program, home, *accounts, open_files=None, most_files=None, ports=None, more=(), trace=None):
        def limit():
            most = most_files or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files or most, most))
        words = [word for name in NAMES for word in ("--" + name, str((ports or {}).get(name, 0)))]
        words += ["--trace"] if trace else []
        with open(trace or os.devnull, "ab") as file:
            self.process = subprocess.Popen([program, "--config", home.config, "serve", *accounts, "--json", *words, *more],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=home.environment,
                                            stderr=file if trace else None, cwd=home.folder,
                                            preexec_fn=limit if open_files or most_files else None)
        said = json.loads(self.process.stdout.readline())
        self.ports = {each["name"]: each["port"] for each in said["endpoints"]}
        self.certificate, self.fingerprint, self.user = said["certificate"], said["fingerprint"], said["serving"][0]
        self.connections = said["connections"]  # that it takes at most
        with open(said["password_file"], encoding="ascii") as file:
            self.password = file.readline().strip()
        self.context = ssl.create_default_context(cafile=self.certificate)

    def status(self, name):
        """A number of the process, as the kernel counts it: VmHWM (kilobytes resident at most), VmRSS, Threads."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.M)[1])

    @staticmethod
    def announced(program, home, *accounts):
        """What it tells a person when it listens, as lines."""
        words = [word for name in NAMES for word in ("--" + name, "0")]
        with subprocess.Popen([program, "--config", home.config, "serve", *accounts, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, env=home.environment, cwd=home.folder, text=True) as process:
            lines = []
            while not lines or (lines[-1] and lines[-1] != "Ctrl-C ends it\n"):
                lines.append(process.stdout.readline())
            process.send_signal(signal.SIGINT)
        return [line.rstrip("\n") for line in lines]

    def stop(self, how=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()

    def imap(self, user=None):
        connection = imaplib.IMAP4_SSL("localhost", self.ports["imaps"], ssl_context=self.context, timeout=SECONDS)
        connection.login(user or self.user, self.password)
        return connection

    def pop(self):
        connection = poplib.POP3_SSL("localhost", self.ports["pop3s"], context=self.context, timeout=SECONDS)
        connection.user(self.user)
        connection.pass_(self.password)
        return connection

    def smtp(self, tls=True):
        if tls:
            return smtplib.SMTP_SSL("localhost", self.ports["submissions"], context=self.context, timeout=SECONDS)
        connection = smtplib.SMTP("localhost", self.ports["submission"], timeout=SECONDS)
        connection.starttls(context=self.context)
        return connection

    def octets(self, folder="INBOX"):
        """{uid: octets} of a folder."""
        connection = self.imap()
        try:
            return fetch_imap(connection, folder)
        finally:
            connection.logout()

    def marks(self, folder="INBOX"):
        """{uid: its flags} of a folder."""
        connection = self.imap()
        try:
            connection.select(quoted(folder), readonly=True)
            _, rows = connection.uid("FETCH", "1:*", "(UID FLAGS)")
            found = {}
            for row in rows:
                if row is not None:
                    uid = int(row.split(b"UID ")[1].split()[0].rstrip(b")"))
                    found[uid] = {flag.decode() for flag in imaplib.ParseFlags(row)}
            return found
        finally:
            connection.logout()

    def mail(self, folder="INBOX"):
        """Counter of (SHA-256, flags): what is there, whichever UIDs it has."""
        octets, marks = self.octets(folder), self.marks(folder)
        return collections.Counter((hashlib.sha256(octets[uid]).hexdigest(), frozenset(marks[uid])) for uid in octets)
