"""Servers whose packages can't be installed beside Dovecot: `tools/dev setup` unpacks them, tests run them from there.

    with cyrus.Cyrus() as server:
        server.add_user()
        server.deliver(octets, "Work", ["\\Seen"])
        connection = server.imap()

Each driver (cyrus.py, courier.py, mailutils.py) is a Server. As Dovecot's it needs no privileges, serves 127.0.0.1 on
free ports, keeps all in one temporary folder and ends with the test. It speaks plain text, and TLS by STARTTLS or STLS.
"""

import imaplib
import itertools
import os
import poplib
import shutil
import socket
import subprocess
import sys
import threading
import time

import private
from certificates import Certificates
from clients import modified_utf7, quoted
from private import HOST

START_TRIES = 6  # each with fresh ports: another program may take one between our look and the bind
START_SECONDS = 20.0  # generous: a loaded machine, not a normal start (0.3 s)
SYSTEM_FLAGS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}


class ServerError(Exception):
    """The server could not be started, or a command to it failed."""


def folder_of(name):
    """Where `tools/dev setup` unpacks a server."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.environ.get("TWINBOX_SERVERS") or os.path.join(cache, "twinbox-dev", "servers"), name)


def library_path(root):
    """LD_LIBRARY_PATH for the programs of an unpacked server."""
    return ":".join(sorted({parent for parent, _, names in os.walk(root) if any(".so" in name for name in names)}))


class Refused(ServerError):
    """The server does not take such a message."""


class Server:
    """One running server. Use as a context manager, or start() and stop().

    A subclass says NAME (its folder), PROGRAMS (what has to run, below the folder), SEPARATOR and PREFIX (of the names
    of its folders), and has commands(), which writes the configuration and returns what is to be run.
    """

    NAME, PROGRAMS, SEPARATOR, PREFIX = "", (), "/", ""
    PROTOCOLS = ("imap", "pop3")
    password = "correct horse"

    def __init__(self):
        why = self.missing()
        if why:
            raise ServerError(why)
        self.host, self.user, self.ports = HOST, None, {}
        self.runner = private.runner()
        self.folder = private.temporary_folder()
        os.chmod(self.folder, 0o755)
        self.log = os.path.join(self.folder, "log")
        self._processes, self._serial, self._sockets = [], itertools.count(1), []
        certificates = Certificates(os.path.join(self.folder, "tls"))
        self.ca_file = certificates.ca_file
        self.certificate, self.key = certificates.make("good")  # for STARTTLS and STLS
        self.root = folder_of(self.NAME)
        if self.runner.uid != os.getuid() and not private.reachable(self.root):
            self.root = shutil.copytree(self.root, os.path.join(self.folder, "programs"), symlinks=True)
        self.environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC",
                            "LD_LIBRARY_PATH": library_path(self.root)}

    @classmethod
    def missing(cls):
        """Why it can't be run on this machine, or None."""
        root = folder_of(cls.NAME)
        environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": library_path(root)}
        for program in cls.PROGRAMS:
            path = os.path.join(root, program)
            if not os.path.exists(path):
                return f"{cls.NAME} is not there (tools/dev setup unpacks it)"
            linked = subprocess.run(("ldd", path), capture_output=True, text=True, check=False, env=environment).stdout
            lacks = [line.split()[0] for line in linked.splitlines() if "not found" in line]
            if lacks:
                return f"{cls.NAME} lacks {', '.join(lacks)}"
        return None

    # Life

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for _ in range(START_TRIES):
            self.ports = dict(zip(self.PROTOCOLS, private.free_ports(len(self.PROTOCOLS))))
            commands = self.commands()
            private.own(self.runner, self.folder)
            self._processes = [private.spawn(command, self.runner, self.folder, self.log, env=self.environment)
                               for command in commands]
            if all(self._greets(port) for port in self.ports.values()):
                return self
            self._end()
        words = self.read_log().strip()
        self.stop()
        raise ServerError(f"{self.NAME} did not start: {words[-300:]}")

    def stop(self):
        """Ends the server and all of its processes, and removes the folder."""
        self._end()
        for one in self._sockets:
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    # Clients

    def imap(self):
        """A logged-in imaplib connection."""
        connection = imaplib.IMAP4(self.host, self.ports["imap"])
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # it sends a literal's line end by itself
        connection.login(self.user, self.password)
        return connection

    def pop(self):
        """A logged-in poplib connection."""
        connection = poplib.POP3(self.host, self.ports["pop3"])
        connection.user(self.user)
        connection.pass_(self.password)
        return connection

    # Mail

    def add_user(self):
        """A user without mail; from now on .user."""
        self.user = f"user{next(self._serial)}"
        os.makedirs(self.home())
        private.own(self.runner, self.home())

    def home(self):
        return os.path.join(self.folder, "home", self.user.split("@")[0])

    def name_of(self, folder):
        """How the server calls a folder that is ("Work", "报表") to people, given as Work/报表."""
        return folder if folder == "INBOX" else self.PREFIX + folder.replace("/", self.SEPARATOR)

    def create(self, folder):
        connection = self.imap()
        connection.create(quoted(self.name_of(folder)))
        connection.logout()

    def deliver(self, octets, folder="INBOX", flags=(), date=None):
        """Adds a message; `date` (seconds since 1970) becomes the INTERNALDATE."""
        self.deliver_maildir(self.maildir(folder), octets, flags, date)

    def maildir(self, folder):
        """The Maildir of a folder, for servers that have such."""
        raise NotImplementedError

    def make_maildir(self, place):
        if os.path.isdir(os.path.join(place, "cur")):
            return
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(place, name))
        if os.path.basename(place).startswith("."):
            with open(os.path.join(place, "maildirfolder"), "wb"):
                pass
        private.own(self.runner, place)

    def deliver_maildir(self, place, octets, flags, date):
        self.make_maildir(place)
        date = int(time.time() if date is None else date)
        letters = "".join(sorted(SYSTEM_FLAGS[flag] for flag in flags if flag in SYSTEM_FLAGS))
        name = f"{date}.M{next(self._serial):06d}P{os.getpid()}.twinbox"
        draft = os.path.join(place, "tmp", name)
        with open(draft, "wb") as file:
            # A Maildir of these servers has lines that end with LF; they send CR LF.
            file.write(octets.replace(b"\r\n", b"\n"))
        os.utime(draft, (date, date))
        if self.runner.uid != os.getuid():
            os.chown(draft, self.runner.uid, self.runner.gid)
        os.rename(draft, os.path.join(place, "cur", f"{name}:2,{letters}"))

    # Inside

    def program(self, path):
        return os.path.join(self.root, path)

    def guest(self):
        """A library to preload for servers that expect more than a test has (guest/guest.cc)."""
        made = os.path.join(self.folder, "guest.so")
        if not os.path.exists(made):
            source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest", "guest.cc")
            subprocess.run(("g++", "-std=c++23", "-shared", "-fPIC", "-o", made, source), check=True)
        return made

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def answer(self, name, respond):
        """A Unix socket in the folder, as servers have beside them that ask for passwords: respond(file) → octets."""
        path = os.path.join(self.folder, name)
        if os.path.exists(path):
            return path
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        os.chmod(path, 0o777)
        listening.listen(20)
        self._sockets.append(listening)

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # closed: the test is over
                with connection, connection.makefile("rwb") as file:
                    try:
                        connection.settimeout(START_SECONDS)
                        file.write(respond(file))
                        file.flush()
                    except (OSError, ValueError) as error:
                        sys.stderr.write(f"{self.NAME} asks for a password: {error}\n")

        threading.Thread(target=serve, daemon=True).start()
        return path

    def _greets(self, port):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and all(one.poll() is None for one in self._processes):
            try:
                with socket.create_connection((self.host, port), timeout=2) as one:
                    if one.recv(1024)[:4] in (b"* OK", b"+OK "):
                        return True
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def _end(self):
        for one in self._processes:
            private.end(one)
        self._processes = []


def hashed(password):
    """In a form of crypt(3)."""
    done = subprocess.run(("openssl", "passwd", "-6", "-stdin"), input=password.encode(), capture_output=True,
                          check=True)
    return done.stdout.decode().strip()
