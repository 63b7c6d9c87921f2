"""What the tests of this folder share: mailboxes that cost next to nothing, and a program that ends or fails at a step.

A trial begins from a mailbox and a store made once, as copies of them. What it must end in is what a run ended in that
nobody disturbed.
"""

import collections
import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import harness  # noqa: E402
from harness import dovecot  # noqa: E402
import private  # noqa: E402  (harness puts tests/support on the path)

STEPS = os.environ.get("TWINBOX_STEPS", os.path.join(HERE, "..", "..", "build", "tests", "fault", "libfault_steps.so"))
LONG = bool(os.environ.get("TWINBOX_LONG"))
SEED = int(os.environ.get("TWINBOX_SEED", "20240229"))  # what is sampled, the same each time
KILLED = 86  # steps.cc
USER = "anyone"
ACCOUNT = "it"
WORD = "needle"  # in every message of these tests: search has to find them all

# Every password opens a mailbox of its own: the store knows its account by the user, which stays the same. The
# processes that serve are there beforehand and serve again: to start one would take longer than a sync.
ONE_USER = """
passdb {{
  driver = static
  args = nopassword=y userdb_home={homes}/%w userdb_uid={uid} userdb_gid={gid}
}}
userdb {{
  driver = prefetch
}}
service imap {{
  process_min_avail = 2
  service_count = 500
}}
service pop3 {{
  process_min_avail = 2
  service_count = 500
}}
service pop3-login {{
  process_min_avail = 1
}}
"""


class Mailroom(dovecot.Dovecot):
    """A Dovecot with one user and many mailboxes: deliver(user=NAME), copy(NAME, TO); the password is the NAME."""

    def __init__(self):
        runner = private.runner()
        # What a session read that ended without RSET is no test of ours: Dovecot marks it \\Seen.
        super().__init__(ssl="no", mechanisms="plain login", pop3_no_flag_updates=True)
        self.extra = ONE_USER.format(homes=os.path.join(self.folder, "home"), uid=runner.uid, gid=runner.gid)
        self._read = 0
        self._begun, self._ended = set(), set()

    def copy(self, name, to):
        """Another mailbox with the same messages, UIDs and flags."""
        self._copy(self.home(name), self.home(to))

    def drop(self, name):
        shutil.rmtree(self.home(name), ignore_errors=True)

    def client(self, name):
        """Another client, by imaplib."""
        connection = dovecot.imaplib.IMAP4(self.host, self.ports["imap"])
        connection.login(USER, name)
        return connection

    def contents(self, name):
        """(folder, message, flags) of all that is there, without asking the server: a session could change it."""
        root = os.path.join(self.home(name), "Maildir")
        found = []
        for folder in sorted(os.listdir(root)):
            if folder.startswith(".") or folder in ("cur", "new"):
                place = os.path.join(root, folder) if not folder.startswith(".") else os.path.join(root, folder, "cur")
                for entry in os.listdir(place) if os.path.isdir(place) else ():
                    message, _, flags = entry.partition(":")
                    found.append((folder if folder.startswith(".") else "INBOX", message, flags))
        return sorted(found)

    def settle(self):
        """Waits until the sessions that logged in have ended: a client that was killed leaves one behind."""
        end = dovecot.time.monotonic() + 60
        while True:
            with open(self.log, "rb") as log:
                log.seek(self._read)
                whole = log.read().rpartition(b"\n")[0]
            self._read += len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                match = re.search(r"session=<([^>]+)>|\)<\d+><([^>]+)>", line)
                if not match:
                    continue
                if "-login: Info: Login:" in line:
                    self._begun.add(match.group(1))
                elif "Disconnected" in line or "Logged out" in line:
                    self._ended.add(match.group(2))  # which may be in the log before its login
            if self._begun <= self._ended:
                return
            if dovecot.time.monotonic() > end:
                raise AssertionError(f"sessions that don't end: {self._begun - self._ended}")
            dovecot.time.sleep(0.002)

    def _copy(self, source, to):
        os.mkdir(to, 0o700)
        self._give(to)
        for entry in os.scandir(source):
            target = os.path.join(to, entry.name)
            if entry.is_dir():
                self._copy(entry.path, target)
            elif os.path.basename(source) == "cur":
                os.link(entry.path, target)  # written once, renamed, removed; never changed
            else:
                shutil.copy2(entry.path, target)
                self._give(target)

    def _give(self, path):
        if self.runner.uid != os.getuid():
            os.chown(path, self.runner.uid, self.runner.gid)


def quick_folder():
    """Where temporary files cost least: what a killed process wrote is there whether it was synced or not."""
    memory = "/dev/shm"
    return memory if os.access(memory, os.W_OK | os.X_OK) else tempfile.gettempdir()


HEADER = b"""From: Somebody <some@example.org>\r
Subject: number %d\r
Date: Sun, 13 Sep 2020 12:26:40 +0000\r
Message-ID: <%d@example.org>\r
"""


def message(number):
    return HEADER % (number, number) + b"\r\n%s %d\r\n" % (WORD.encode(), number)


def large_message(number):
    """More than the store writes at once, and nothing to search in but the subject."""
    octets = random.Random(number).randbytes(2_200_000).translate(bytes(byte or 1 for byte in range(256)), b"\r\n")
    lines = b"".join(octets[at:at + 900] + b"\r\n" for at in range(0, len(octets), 900))
    return (HEADER.replace(b"number", WORD.encode()) % (number, number)
            + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + lines)


class Home(harness.Home):
    """A home whose account opens one mailbox after another."""

    def __init__(self, room, protocol, **keys):
        tempfile.tempdir, before = quick_folder(), tempfile.tempdir
        try:
            super().__init__()
        finally:
            tempfile.tempdir = before
        self.room, self.protocol, self.keys = room, protocol, keys
        self.log = os.path.join(self.folder, "steps")
        self.exported = os.path.join(self.folder, "exported")

    def open_mailbox(self, name):
        port = self.room.ports[self.protocol]
        self.add(ACCOUNT, f"{self.protocol}+plain://{USER}@localhost:{port}", password=name, timeout=20, **self.keys)

    def steps(self, *arguments, **orders):
        """Runs the program with its steps counted: Ended, and their lines. orders: kill=N, fail=N, how=WORD."""
        with open(self.log, "w", encoding="utf-8"):
            pass
        told = {f"STEPS_{name.upper()}": str(value) for name, value in orders.items()}
        before = dict(self.environment)
        self.environment.update(told, LD_PRELOAD=STEPS, STEPS_LOG=self.log, STEPS_FOLDER=self.store(ACCOUNT))
        try:
            done = self.run(*arguments)
        finally:
            self.environment = before
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return done, log.read().splitlines()

    def together(self, *commands):
        """Runs commands that only read, all at once."""
        children = [subprocess.Popen((harness.PROGRAM, "--config", self.config) + command, stdout=subprocess.PIPE,
                                     stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment,
                                     cwd=self.folder) for command in commands]
        ended = []
        for child, command in zip(children, commands):
            try:
                out, err = child.communicate(timeout=harness.SECONDS)
            except subprocess.TimeoutExpired:
                for each in children:
                    each.kill()
                raise
            if child.returncode != 0:
                raise AssertionError(f"twinbox {' '.join(command)}: {child.returncode}\n{err.decode()}")
            ended.append(out)
        return ended


def state(home):
    """All that the account's store shows: messages with ids and flags, those removed, octets, what search finds."""
    place = home.exported
    shutil.rmtree(place, ignore_errors=True)
    listed, found, _, _ = home.together(
        ("ls", ACCOUNT, "--json"), ("search", ACCOUNT, WORD, "--limit", "10000", "--json"), ("verify", ACCOUNT),
        ("export", ACCOUNT, "--eml", place))
    octets = collections.Counter()
    for parent, _, names in os.walk(place):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:
                octets[os.path.relpath(parent, place), harness.digest(file.read())] += 1
    return {"messages": sorted((json.loads(line) for line in listed.splitlines()), key=lambda one: one["id"]),
            "octets": sorted(octets.items()), "found": sorted(json.loads(line)["id"] for line in found.splitlines()),
            **tables(home.store(ACCOUNT))}


def tables(store):
    """What is asked of the database itself, which saves a process each."""
    with contextlib.closing(sqlite3.connect(f"file:{store}/twin.db?mode=ro&immutable=1", uri=True)) as database:
        return {
            "folders": database.execute("SELECT path, role, subscribed, messages, unseen, octets FROM mailbox"
                                        " ORDER BY path").fetchall(),
            "removed": database.execute("SELECT m.id, hex(c.sha256), m.flags, m.removed_from FROM message m"
                                        " JOIN content c ON c.id=m.content WHERE m.mailbox IS NULL"
                                        " ORDER BY m.id").fetchall(),
            "in doubt": database.execute("SELECT id FROM link_row WHERE dirty<>0 OR suspect<>0").fetchall()}


# What a sync says it did; nothing of this in one that had nothing to do.
ACTIONS = ("added", "reused", "put_back", "recovered", "index_rebuilt", "flags_changed", "moved", "removed",
           "removed_on_server", "mended", "lost", "folders_created", "folders_renamed", "folders_deleted",
           "subscriptions_changed", "folders", "skipped", "held", "suspect", "doubtful")


def did(done):
    """What a `sync --json` did, as {name: value}, without what is zero."""
    (line,) = done.out.splitlines()
    said = json.loads(line)
    return {name: said[name] for name in ACTIONS if said[name]}


def sampled(numbers, count, *about, always=False):
    """Some of the numbers, the same each time (None: all); all in a long run, unless `always`."""
    numbers = list(numbers)
    if count is None or count >= len(numbers) or (LONG and not always):
        return numbers
    return sorted(random.Random(f"{SEED} {about}").sample(numbers, count))


def main():
    if not os.path.exists(STEPS):
        print(f"SKIPPED: the library {STEPS!r} is not there: set TWINBOX_STEPS or build the target fault_steps (not with sanitizers)")
        sys.exit(77)  # CMakeLists.txt: skipped
    harness.main()
