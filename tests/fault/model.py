"""Two small servers that say each time the same bytes, so that a connection can be cut at every one of them.

    with Model(imap, {"INBOX": [Mail(1, "\\\\Seen", octets), …]}) as server: … server.port …
    with Model(pop3, [octets, …]) as server:       the list loses what QUIT removed

They know what twinbox asks for, in as few words as the standards allow.
"""

import collections
import hashlib
import socket

from listener import Listener  # twins.py puts tests/support on the path

Mail = collections.namedtuple("Mail", "uid flags octets")


class Model:
    """Serves one mailbox by one protocol until closed; a thread a connection."""

    def __init__(self, protocol, mailbox):
        self.protocol, self.mailbox = protocol, mailbox
        self._listener = Listener(self._serve)
        self.port, self.close = self._listener.port, self._listener.close

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as file:
            try:
                self.protocol(file, connection.sendall, self.mailbox)
            except OSError:
                pass  # the connection was cut


def commands(file):
    """The client's lines. One whose end never came is none."""
    for line in file:
        if line.endswith(b"\n"):
            yield line.rstrip(b"\r\n").decode("utf-8")


def imap(file, send, folders):
    """IMAP4rev1 without extensions, read-only."""
    send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] .\r\n")
    chosen = []
    for command in commands(file):
        tag, _, rest = command.partition(" ")
        name, _, words = rest.partition(" ")
        name = name.upper()
        if name == "UID":
            name, _, words = words.partition(" ")
        answer = b""
        if name == "CAPABILITY":
            answer = b"* CAPABILITY IMAP4rev1\r\n"
        elif name == "LIST":
            answer = "".join(f'* LIST () "/" {one}\r\n' for one in folders).encode()
        elif name == "STATUS":
            folder = words.split(" (")[0].strip('"')
            mail = folders[folder]
            answer = f"* STATUS {folder} (MESSAGES {len(mail)} UIDNEXT {_next(mail)} UIDVALIDITY 7)\r\n".encode()
        elif name in ("EXAMINE", "SELECT"):
            chosen = folders[words.split(" (")[0].strip('"')]
            answer = (f"* {len(chosen)} EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 7] .\r\n"
                      f"* OK [UIDNEXT {_next(chosen)}] .\r\n").encode()
        elif name == "FETCH":
            answer = b"".join(_fetched(chosen, *words.split(" ", 1)))
        elif name == "LOGOUT":
            answer = b"* BYE\r\n"
        send(answer + tag.encode() + b" OK .\r\n")
        if name == "LOGOUT":
            return


def _next(mail):
    return max((one.uid for one in mail), default=0) + 1


def _fetched(mail, wanted, items):
    for number, one in enumerate(mail, 1):
        if not any(_within(one.uid, part, _next(mail) - 1) for part in wanted.split(",")):
            continue
        if "BODY" in items:
            yield b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (number, one.uid, len(one.octets)) + one.octets + b")\r\n"
        else:
            yield (f"* {number} FETCH (UID {one.uid} FLAGS ({one.flags}) RFC822.SIZE {len(one.octets)} "
                   'INTERNALDATE "01-Jan-2024 00:00:00 +0000")\r\n').encode()


def _within(uid, part, last):
    first, _, end = part.partition(":")
    bounds = [last if one == "*" else int(one) for one in (first, end or first)]
    return min(bounds) <= uid <= max(bounds)


def pop3(file, send, maildrop):
    """RFC 1939 with UIDL, TOP and pipelining."""
    send(b"+OK\r\n")
    mail, gone = list(maildrop), set()
    for command in commands(file):
        name, _, words = command.upper().partition(" ")
        number = int(words.split()[0]) if name in ("RETR", "TOP", "DELE") else 0
        here = [at for at in range(1, len(mail) + 1) if at not in gone]
        answer = b"+OK\r\n"
        if name == "CAPA":
            answer += b"UIDL\r\nTOP\r\nUSER\r\nPIPELINING\r\n.\r\n"
        elif name == "STAT":
            answer = b"+OK %d %d\r\n" % (len(here), sum(len(mail[at - 1]) for at in here))
        elif name == "LIST":
            answer += b"".join(b"%d %d\r\n" % (at, len(mail[at - 1])) for at in here) + b".\r\n"
        elif name == "UIDL":
            answer += b"".join(b"%d %s\r\n" % (at, _name(mail[at - 1])) for at in here) + b".\r\n"
        elif number and number not in here:
            answer = b"-ERR\r\n"
        elif name == "RETR":
            answer += _stuffed(mail[number - 1])
        elif name == "TOP":
            answer += _stuffed(mail[number - 1].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        elif name == "DELE":
            gone.add(number)
        elif name == "RSET":
            gone.clear()
        elif name == "QUIT":
            maildrop[:] = [mail[at - 1] for at in here]
        send(answer)
        if name == "QUIT":
            return


def _name(octets):
    return hashlib.sha256(octets).hexdigest()[:8].encode("ascii")


def _stuffed(octets):
    lines = octets.split(b"\r\n")[:-1]
    return b"".join((b"." + one if one.startswith(b".") else one) + b"\r\n" for one in lines) + b".\r\n"
