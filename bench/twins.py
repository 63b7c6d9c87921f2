"""Mailboxes that several programs change from both sides: each has a copy of its own, on one private Dovecot.

Every message says its number in its subject, by which what is on the two sides is compared.
"""

import collections
import os
import random
import re
import shutil

import harness
import mailboxes
from contenders import Endpoint, line_to
from measure import Failed, complain
from relay import Relay

OTHER = "Other"  # the folder that mail is moved to
LOOK = "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
SEEN = re.compile(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\) BODY\[[^]]*\] \{\d+\}\r\nSubject: number (\d+)\r\n")

# On the server: flags without \Recent, sorted.
There = collections.namedtuple("There", "folder uid number flags")


def numbered(count, size, first=0):
    """Messages of that many octets, the same at each run but for their numbers."""
    words = random.Random(harness.sample.SEED)
    for number in range(first, first + count):
        head = (f"From: anna@example.org\r\nTo: reader@example.org\r\nMessage-ID: <{number}@two-way.example>\r\n"
                f"Date: Mon, 02 Jan 2023 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
                f"Subject: number {number}\r\n\r\n")
        lines = "".join(f"{words.getrandbits(288):072x}\r\n" for _ in range(max(1, (size - len(head)) // 74)))
        yield (head + lines).encode()


class Line:
    """A connection that is logged in; its answers are read whole."""

    def __init__(self, end):
        self._line, self._serial = line_to(end), 0
        self._until(rb"\r\n")
        self.ask(f'LOGIN {end.user} "{end.password}"')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._line.close()

    def ask(self, *commands):
        """Sends all at once; gives the answers to all of them."""
        tags = []
        octets = b""
        for command in commands:
            self._serial += 1
            tags.append(f"x{self._serial}".encode())
            octets += tags[-1] + b" " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n"
        self._line.sendall(octets)
        answers = self._until(rb"(?:^|\r\n)" + tags[-1] + rb" (?:OK|NO|BAD)[^\r\n]*\r\n$")
        for tag in tags:
            if not re.search(rb"(?:^|\r\n)" + tag + rb" OK", answers):
                raise Failed(f"{commands[tags.index(tag)][:60]}: {answers[-200:].decode('latin-1')}")
        return answers

    def _until(self, pattern):
        pieces, tail = [], b""
        while not re.search(pattern, tail):
            piece = self._line.recv(1 << 20)
            if not piece:
                raise Failed("the server closed the connection")
            pieces.append(piece)
            tail = (tail + piece)[-4096:]
        return b"".join(pieces)


class Twins:
    """A context manager: a mailbox of `count` messages in INBOX and none in Other, once for each of the users.

    delay: seconds that a round trip takes for the programs, not for those who look what became of it."""

    def __init__(self, users, count, size, delay=None):
        self.users, self.count, self.size, self.delay = users, count, size, delay
        self._relays = []
        self._server = harness.dovecot.Dovecot(users={user: "correct horse" for user in users}, mail="sdbox",
                                               extra=mailboxes.LARGE_SERVER)

    def __enter__(self):
        self._server.start()
        try:
            self._fill()
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(self, *_):
        for relay in self._relays:
            relay.close()
        self._server.stop()

    def end(self, user, tls=True):
        """Where a program finds it."""
        port, relay = self._server.ports["imaps" if tls else "imap"], None
        if self.delay is not None:
            relay = Relay(port, delay=self.delay / 2)
            self._relays.append(relay)
            port = relay.port
        return self._end(user, port, tls, relay)

    def line(self, user):
        """For what another mail program does, and to see what became of it: in the clear, not delayed."""
        return Line(self._end(user, self._server.ports["imap"], False, None))

    def look(self, user):
        """All that is there."""
        found = []
        with self.line(user) as line:
            for folder in ("INBOX", OTHER):
                exists = int(re.search(rb"\* (\d+) EXISTS", line.ask(f"EXAMINE {folder}"))[1])
                rows = SEEN.findall(line.ask(f"UID FETCH 1:* {LOOK}")) if exists else []
                if len(rows) != exists:
                    raise Failed(f"{folder} has {exists} messages, {len(rows)} of them were read")
                found += [There(folder, int(uid), int(number), flags_of(flags)) for uid, flags, number in rows]
        return found

    def _end(self, user, port, tls, relay):
        server = self._server
        return Endpoint(port, tls, user, server.users[user], server.ca_file, server.info()["pid"], server.tls_context(),
                        relay)

    def _fill(self):
        """One of them; the others are copies of its files."""
        complain(f"filling a mailbox for each of {', '.join(self.users)}: {self.count:,} messages")
        first, *others = self.users
        connection = self._server.imap(first, tls=False)
        try:
            connection.create(OTHER)
            batch = []
            for octets in numbered(self.count, self.size):
                batch.append(octets)
                if len(batch) * self.size > mailboxes.BATCH or len(batch) >= 1000:
                    mailboxes.append(connection, "INBOX", batch)
                    batch = []
            mailboxes.append(connection, "INBOX", batch)
        finally:
            connection.logout()
        self.look(first)  # the server's own cache knows the subjects then
        for user in others:
            place = self._server.home(user)
            shutil.rmtree(place)
            copied = os.spawnlp(os.P_WAIT, "cp", "cp", "-a", self._server.home(first), place)
            if copied:
                raise Failed(f"cp ended with status {copied}")


def flags_of(words):
    """Of a FETCH answer."""
    return tuple(sorted(word for word in words.decode("ascii").split() if word != "\\Recent"))


def ranges(uids):
    """As IMAP writes a set: 1:3,7."""
    pieces, start, last = [], None, None
    for uid in sorted(uids) + [None]:
        if start is not None and uid != last + 1:
            pieces.append(str(start) if start == last else f"{start}:{last}")
            start = None
        if start is None:
            start = uid
        last = uid
    return ",".join(pieces)
