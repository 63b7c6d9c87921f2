"""Clients of `twinbox serve` that misbehave, octet by octet, and a neighbour who does not while they do.

    with rude.Client(server, "imaps") as client:
        client.login()
        client.send(b"a FETCH 1:* BODY[]\\r\\n")
        lines = client.until(b"a ")
"""

import base64
import contextlib
import socket
import ssl
import struct
import threading
import zlib

from clients import fetch_imap, quoted

HOST = "127.0.0.1"
SECONDS = 60  # for one answer
PIECE = 1 << 16
RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: no farewell


def connect(server, name, receive=None):
    """A socket to one of its ports; `receive`: octets that the system holds for a client that does not read."""
    line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    line.settimeout(SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    try:
        line.connect((HOST, server.ports[name]))
    except OSError:
        line.close()
        raise
    return line


def reset(line):
    """Closes it as nobody should."""
    with contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    line.close()


def client_hello(server):
    """What begins a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        server.context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


class Client:
    """One connection: inside TLS from the first octet on, where the port's name ends with an s."""

    def __init__(self, server, name, receive=None):
        self.server, self.protocol = server, name.removesuffix("s")
        self.line = connect(server, name, receive)
        self.compresses = False
        self._came, self._inflate, self._deflate = b"", None, None
        if name.endswith("s"):
            self.handshake()
        self.greeting = self.read_line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.line.close()

    def handshake(self):
        self.line = self.server.context.wrap_socket(self.line, server_hostname="localhost")

    def send(self, octets):
        self.line.sendall(self._deflate(octets) if self._deflate else octets)

    def push(self, octets):
        """Sends them, compressed already where there is compression; false: the server has ended the connection."""
        try:
            self.line.sendall(octets)
            return True
        except (ConnectionError, ssl.SSLError):
            return False

    def push_until_full(self, octets, most):
        """Sends them again and again until there is no room any more; how many octets that were, `most` at most."""
        self.line.settimeout(0)
        sent = 0
        try:
            while sent < most:
                sent += self.line.send(octets)  # cut anywhere it is a client's that misbehaves
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        finally:
            self.line.settimeout(SECONDS)
        return sent

    def _receive(self):
        try:
            came = self.line.recv(PIECE)
        except (ConnectionError, ssl.SSLError):
            return b""
        while came and self._inflate:
            text = self._inflate.decompress(came)
            if text:
                return text
            came = self.line.recv(PIECE)
        return came

    def read_line(self):
        """With its end; what is left, where the connection has ended."""
        while b"\n" not in self._came:
            more = self._receive()
            if not more:
                break
            self._came += more
        line, end, self._came = self._came.partition(b"\n")
        return line + end

    def read(self, count):
        """So many octets, or fewer where the connection has ended."""
        while len(self._came) < count:
            more = self._receive()
            if not more:
                break
            self._came += more
        octets, self._came = self._came[:count], self._came[count:]
        return octets

    def until(self, start):
        """Lines, up to one that begins so; up to the end of the connection, where none does."""
        lines = [self.read_line()]
        while lines[-1] and not lines[-1].startswith(start):
            lines.append(self.read_line())
        return lines

    def rest(self):
        """All up to the end of the connection, which the server makes."""
        came = [self._came]
        while more := self._receive():
            came.append(more)
        self._came = b""
        return b"".join(came)

    def login(self):
        user, password = self.server.user, self.server.password
        proof = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        for words, start in {"imap": ((f"in LOGIN {user} {password}", b"in "),),
                             "pop3": ((f"USER {user}", b"+OK"), (f"PASS {password}", b"+OK")),
                             "submission": (("EHLO here", b"250 "), (f"AUTH PLAIN {proof}", b"235 "))}[self.protocol]:
            self.send(words.encode() + b"\r\n")
            if not (last := self.until(start)[-1]).startswith((b"in OK", b"+OK", b"2")):
                raise OSError(f"no login: {last}")
        return self

    def compress(self):
        """IMAP alone. What push() sends is to be a deflate stream, or what passes for one."""
        self.send(b"z COMPRESS DEFLATE\r\n")
        if not self.until(b"z ")[-1].startswith(b"z OK"):
            raise OSError("no COMPRESS")
        packer, self._inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        self._deflate = lambda octets: packer.compress(octets) + packer.flush(zlib.Z_SYNC_FLUSH)
        self.compresses = True
        return self

    @staticmethod
    def stored(octets):
        """A block of deflate that holds them as they are (RFC 1951, section 3.2.4)."""
        return b"\0" + struct.pack("<HH", len(octets), len(octets) ^ 0xFFFF) + octets


class Neighbour:
    """Goes on as if nothing were: a thread with imaplib that selects a mailbox, reads all that is in it, marks a
    message, stores a new one, removes an old one, and looks whether it is all as it should be."""

    OWN = 3  # of the messages that it stores stay so many

    def __init__(self, server, folder, messages):
        self._folder, self._there, self._own = folder, list(messages), 0
        self._kept = len(messages)
        self._connection = server.imap()
        self._change = threading.Condition()
        self._rounds, self._wrong, self._ends = 0, None, False
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        try:
            while not self._ends:
                self._round()
                with self._change:
                    self._rounds += 1
                    self._change.notify_all()
                    self._change.wait_for(lambda: self._ends, 0.01)
            self._connection.logout()
        except Exception as error:  # whatever it was, the test tells it
            self._connection.shutdown()
            with self._change:
                self._wrong = f"{type(error).__name__}: {error}"
                self._change.notify_all()

    @staticmethod
    def _ok(answer):
        if answer[0] != "OK":
            raise OSError(f"refused: {answer}")
        return answer[1]

    def _round(self):
        if list(fetch_imap(self._connection, self._folder).values()) != self._there:
            raise OSError("not the octets that were stored")
        self._ok(self._connection.select(quoted(self._folder)))
        for sign, flagged in (("+", True), ("-", False)):
            rows = self._ok(self._connection.store("1", sign + "FLAGS", "(\\Flagged)"))
            if (b"\\Flagged" in rows[-1]) != flagged:
                raise OSError(f"not marked: {rows}")
        self._own += 1
        octets = b"Subject: own %d\r\n\r\nown %d\r\n" % (self._own, self._own)
        self._ok(self._connection.append(quoted(self._folder), None, None, octets))
        self._there.append(octets)
        if len(self._there) > self._kept + self.OWN:
            self._ok(self._connection.store(str(self._kept + 1), "+FLAGS.SILENT", "(\\Deleted)"))
            self._ok(self._connection.expunge())
            del self._there[self._kept]

    def rounds(self, count):
        """Waits until it has made so many more. What went wrong is told by an exception."""
        with self._change:
            last = self._rounds + count + 1  # one has begun already
            self._change.wait_for(lambda: self._wrong or self._rounds >= last, SECONDS)
            if self._wrong or self._rounds < last:
                raise AssertionError("the neighbour was disturbed: " + (self._wrong or "it was not answered"))

    def done(self):
        """How many rounds it has made."""
        with self._change:
            return self._rounds

    def end(self):
        with self._change:
            self._ends = True
            self._change.notify_all()
        self._thread.join()
