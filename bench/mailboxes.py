"""The mailboxes of the measurements, each filled when a row first asks for it, on private Dovecots.

sdbox, not Maildir: with Maildir, Dovecot's own STATUS of 100,000 messages takes 90 ms. The million lie in an mdbox,
a few files instead of a million.
"""

import collections
import hashlib
import random
import re

import harness
import parts
from contenders import Endpoint
from measure import Failed, complain
from relay import Relay

BATCH = 1 << 22  # octets in one APPEND of many messages
LARGE_SERVER = "default_vsz_limit = 4G\n"  # a million messages; else 256 MB
# user: (kind of mailbox, messages, octets of each on average, folders)
KINDS = {
    "bulk": ("sdbox", 10_000, 9_100, ("INBOX",)),
    "small": ("sdbox", 100_000, 1_000, ("INBOX",)),
    "few": ("sdbox", 1_000, 1_000, ("INBOX",)),
    "far": ("sdbox", 1_000, 9_100, ("INBOX",)),
    "five": ("sdbox", 50, 2_000, ("INBOX", "Drafts", "Sent", "Archive", "Work")),
    "giant": ("mdbox", 1, 1 << 30, ("INBOX",)),
    "million": ("mdbox", 1_000_000, 400, ("INBOX",)),
}

# count and octets; digests: Counter of the SHA-256 of every message.
Mailbox = collections.namedtuple("Mailbox", "user count octets digests")


class Mailboxes:
    """Use as a context manager. at_most: no mailbox has more messages, and no message more than that many kilobytes."""

    def __init__(self, at_most=None):
        self.at_most = at_most
        self._servers, self._filled, self._relays = {}, {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for relay in self._relays:
            relay.close()
        for server in self._servers.values():
            server.stop()

    def get(self, user):
        """The mailbox of that user, filled."""
        if user not in self._filled:
            kind, count, size, folders = KINDS[user]
            if self.at_most:
                count, size = min(count, self.at_most), min(size, self.at_most * 1000)
            complain(f"filling the mailbox `{user}`: {count:,} messages")
            self._filled[user] = self._fill(self._server(kind), user, count, size, folders)
        return self._filled[user]

    def inbox(self, user):
        """What POP3 shows of a mailbox of several folders: their messages are spread evenly."""
        box = self.get(user)
        return box._replace(count=box.count // len(KINDS[user][3]))

    def end(self, user, protocol, tls=True, delay=None):
        """Where to find it; delay: seconds that a round trip takes."""
        server = self._server(KINDS[user][0])
        port = server.ports[protocol + "s" * tls]
        relay = None
        if delay is not None:
            relay = Relay(port, delay=delay / 2)
            self._relays.append(relay)
            port = relay.port
        return Endpoint(port, tls, user, server.users[user], server.ca_file, server.info()["pid"], server.tls_context(),
                        relay)

    def _server(self, kind):
        if kind not in self._servers:
            users = {user: "correct horse" for user, row in KINDS.items() if row[0] == kind}
            server = harness.dovecot.Dovecot(users=users, mail=kind, extra=LARGE_SERVER)
            self._servers[kind] = server
            server.start()
        return self._servers[kind]

    @staticmethod
    def _fill(server, user, count, size, folders):
        connection = server.imap(user, tls=False)
        digests, total = collections.Counter(), 0
        try:
            for folder in folders:
                connection.create(folder)
            each = count // len(folders) or 1
            for folder in folders:
                batch = []
                for octets in messages(each, size):
                    digests[hashlib.sha256(octets).digest().hex()] += 1
                    total += len(octets)
                    batch.append(octets)
                    if sum(map(len, batch)) > BATCH or len(batch) >= 1000:
                        append(connection, folder, batch)
                        batch = []
                append(connection, folder, batch)
                connection.status(folder, "(MESSAGES UIDNEXT)")
        finally:
            connection.logout()
        return Mailbox(user, each * len(folders), total, digests)


def messages(count, size):
    """Messages of that many octets on average, the same at each run."""
    if size >= 1 << 20:
        head = b"From: anna@example.org\r\nTo: reader@example.org\r\nSubject: large\r\nMIME-Version: 1.0\r\n" \
               b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        block = parts.base64_lines(random.Random(harness.sample.SEED).randbytes(min(size, 8 << 20))) + b"\r\n"
        for _ in range(count):
            octets = bytearray(head)
            while len(octets) < size:
                octets += block
            yield octets
    elif size < 500:
        for number in range(count):
            yield (f"From: anna@example.org\r\nTo: reader@example.org\r\nMessage-ID: <{number}@small.example>\r\n"
                   f"Date: Mon, 02 Jan 2023 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
                   f"Subject: number {number}\r\n\r\nWords of message {number}.\r\n").encode()
    else:
        for octets, _ in harness.sample.bulk(count, size):
            yield octets


def append(connection, folder, batch):
    """Many messages in one command (RFC 3502), their literals not waited for (RFC 7888)."""
    if not batch:
        return
    line = connection.socket()
    command = [f"fill APPEND {folder}".encode()]
    for octets in batch:
        command += [f" {{{len(octets)}+}}\r\n".encode(), octets]
    command.append(b"\r\n")
    for piece in command if len(batch) == 1 else [b"".join(command)]:  # a gigabyte need not be there twice
        line.sendall(piece)
    answer = b""
    while not re.search(rb"^fill [A-Z].*\r\n", answer, re.M):
        piece = line.recv(65536)
        if not piece:
            break
        answer += piece
    if b"fill OK" not in answer:
        raise Failed(f"APPEND: {answer[-200:]!r}")
