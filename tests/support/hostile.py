"""Servers that misbehave, for the tests: each behaviour is a generator of what to send.

    with Hostile(hang) as server: … server.port …
    with Hostile(imap, tls=Tls(folder), implicit=True, pieces=1) as server: …

A behaviour gets a Line object (read a command, send octets, start TLS) and returns when the connection is to be
closed. It serves any number of connections, one thread each, on loopback. Without `tls` it speaks plain text (the
tests connect by imap+plain or pop3+plain, which twinbox allows to loopback when asked by name); with it, TLS from the
first octet (implicit) or when the behaviour calls start_tls(). `pieces` cuts what is sent: a number of octets, or a
random.Random. server.heard holds all that clients sent, and whether it was encrypted.
"""

import contextlib
import hashlib
import re
import socket
import ssl
import threading
import time

import certificates

HOST = "127.0.0.1"
CAPABILITY = b"IMAP4rev1 SASL-IR LITERAL+ NAMESPACE UIDPLUS"
MESSAGE = b"Subject: whole\r\nFrom: a@example.org\r\n\r\nbody\r\n"
HANDSHAKE = b"\x16\x03"  # how a TLS record of the handshake begins
SECONDS = 60  # that a server waits for its client
LARGEST_PIECE = 40  # octets, of random pieces
MOST_PIECES = 20_000  # of one send(); what is longer goes on in larger ones


class Tls:
    """A certificate of an authority of its own, in a folder of the test's; ca_file is what an account trusts."""

    def __init__(self, folder, kind="good"):
        made = certificates.Certificates(folder)
        self.ca_file = made.ca_file
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*made.make(kind))


class Garbler:
    """Changes what a server says, as a seed has it: units are dropped, doubled, swapped, cut short, damaged, or have
    others between them. A unit is a line, a response with its literals, or a POP3 message with its dot; what is inside
    literals and messages stays, or nobody could tell whose octets are wrong. `done` tells what was done.

    `news`: lines that may come between others; `rate`: how many units of a hundred are changed."""

    IMAP_NEWS = (b"* 0 EXISTS", b"* 1 EXISTS", b"* 99 EXISTS", b"* 1 RECENT", b"* 1 EXPUNGE", b"* 7 EXPUNGE", b"* 0 EXPUNGE",
                 b"* VANISHED 1:4294967295", b"* VANISHED (EARLIER) 1:4294967295", b"* VANISHED", b"* SEARCH", b"* SEARCH 1 x",
                 b'* ESEARCH (TAG "T9") UID ALL 1:99', b"* ESEARCH", b"* FLAGS (\\Seen \\Odd)", b"* FLAGS", b"* FOO bar {3}\r\nabc baz",
                 b"* 1 FETCH (FLAGS (\\Deleted))", b"* 3 FETCH (UID 3 FLAGS (\\Deleted \\Seen))", b"* 9 FETCH (UID 4000 FLAGS ())",
                 b"* 1 FETCH ()", b"* 1 FETCH (UID)", b"* 1 FETCH (UID 0 FLAGS ())", b"* 4294967295 FETCH (UID 3 FLAGS ())",
                 b"* OK [UIDNEXT 1] x", b"* OK [HIGHESTMODSEQ 1] x", b"* OK [CLOSED] x", b"* OK [ALERT] x", b"* OK", b"* NO [TRYCREATE] x",
                 b"* BAD x", b"* CAPABILITY", b"* CAPABILITY IMAP4rev1", b"* ENABLED QRESYNC", b'* LIST () "/" other', b"* LIST", b"*",
                 b'* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)', b"* STATUS other (MESSAGES 1)", b"+ go on", b"+", b"", b"\0",
                 b"* BYE x", b"T1 OK x", b"T99 OK x", b"T3 NO x", b"* OK [COPYUID 7 1:4294967295 1:4294967295] x",
                 b"* OK [APPENDUID 7 3] x", b"* OK [READ-ONLY", b"* PREAUTH x", b"* 1 FETCH (UID 3 BODY[] \"\")")
    POP3_NEWS = (b"+OK", b"-ERR", b"-ERR [SYS/TEMP] x", b".", b"", b"1 44", b"1 abc", b"99 1", b"+", b"\0", b"+OK 3 3", b"..")

    def __init__(self, random, news, rate=8):
        self._random, self._news, self._rate = random, news, rate
        self.done = []

    def __call__(self, octets):
        units = []
        for unit in self._units(octets):
            units.append(unit)
            if self._random.randrange(100) < self._rate:
                self._change(units)
        return b"".join(units)

    @staticmethod
    def _units(octets):
        message = octets.startswith(b"+OK") and octets.endswith(b"\r\n.\r\n") and b"\r\n\r\n" in octets
        while octets:
            end = len(octets) if message else octets.find(b"\n") + 1 or len(octets)
            while not message and (literal := re.search(rb"\{(\d+)\}\r\n$", octets[:end])):
                end += int(literal[1])
                end = octets.find(b"\n", end) + 1 or len(octets)
            yield octets[:end]
            octets = octets[end:]

    def _change(self, units):
        how = self._random.choice((self._drop, self._double, self._swap, self._cut, self._damage, self._damage, self._add, self._add))
        self.done.append((how.__name__, units[-1][:60]))
        how(units)

    def _drop(self, units):
        units.pop()

    def _double(self, units):
        units.append(units[-1])

    def _swap(self, units):
        units[-2:] = reversed(units[-2:])

    def _plain(self, unit):
        """How much of it may be changed: up to the first literal, or a POP3 message's status line."""
        return len(unit) if b"{" not in unit and unit.count(b"\n") < 2 else 0

    def _cut(self, units):
        if room := self._plain(units[-1]):
            units[-1] = units[-1][:self._random.randrange(room)] + self._random.choice((b"", b"\r\n"))

    def _damage(self, units):
        if not (room := self._plain(units[-1])) or b"UIDVALIDITY" in units[-1]:
            return
        unit = bytearray(units[-1])
        for _ in range(self._random.randint(1, 3)):
            unit[self._random.randrange(room)] = self._random.choice(b"\0\r\n\" (){}[]*+0129\xff\x80\x1bAOKz\\.")
        units[-1] = bytes(unit)

    def _add(self, units):
        news = self._random.choice(self._news)
        self.done.append(("news", news))
        units.insert(self._random.choice((len(units), len(units) - 1)), news + b"\r\n")


class Line:
    """One connection, in whole lines."""

    def __init__(self, connection, tls=None, pieces=None, heard=None):
        self.connection = connection
        self.pieces = pieces
        self.encrypted = False
        self.literals_waited = 0
        self.garbler = None
        self.finish = lambda octets: octets  # what comes before octets leave: compression
        self.start = lambda octets: octets   # and when they have come
        self._tls, self._heard, self._buffer = tls, [] if heard is None else heard, b""

    @property
    def can_start_tls(self):
        return self._tls is not None and not self.encrypted

    def start_tls(self):
        """What the client sent before and nobody read is lost, as it must be."""
        self._buffer = b""
        self.connection = self._tls.context.wrap_socket(self.connection, server_side=True)
        self.encrypted = True

    def lose_what_came(self):
        """As servers do whose login hands nothing of it to what answers behind it."""
        self._buffer = b""

    def send(self, octets):
        octets = self.finish(octets)
        if self.garbler is not None:
            octets = self.garbler(octets)
        if self.pieces is None:
            self.connection.sendall(octets)
            return
        at, least = 0, len(octets) // MOST_PIECES
        while at < len(octets):
            size = self.pieces if isinstance(self.pieces, int) else self.pieces.randint(1, LARGEST_PIECE)
            size = max(size, least)
            self.connection.sendall(octets[at:at + size])
            at += size
            time.sleep(0)  # lets the client read: most pieces arrive alone

    def _more(self):
        octets = self.connection.recv(65536)
        self._buffer += self.start(octets) if octets else b""
        return bool(octets)

    def _read_line(self):
        while b"\n" not in self._buffer:
            if len(self._buffer) > 1 << 20 or not self._more():
                return b""
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line + b"\n"

    def _read_octets(self, count):
        while len(self._buffer) < count and self._more():
            pass
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def read(self):
        """The next line without its end, or None at the end of the connection. Literals stay in it."""
        line = self._read_line()
        if not line:
            return None
        line = line.rstrip(b"\r\n")
        while literal := re.search(rb"\{(\d+)(\+?)\}$", line):
            if not literal[2]:
                self.literals_waited += 1
                self.send(b"+ go on\r\n")
            octets = self._read_octets(int(literal[1]))
            rest = self._read_line().rstrip(b"\r\n")
            line = line[:literal.start()] + b"{%s}\r\n" % literal[1] + octets + rest
        self._heard.append((self.encrypted, line))
        return line

    def wait_for_octets(self):
        """Until the client has said something, a whole line or not."""
        if not self._buffer:
            self._more()

    def wait_for_close(self):
        """What comes is heard, though not answered; a TLS handshake is not speech."""
        while self._more():
            if not self.encrypted and self._buffer.startswith(HANDSHAKE):
                self._buffer = HANDSHAKE
                continue
            *lines, self._buffer = self._buffer.split(b"\n")
            self._heard += [(self.encrypted, line.rstrip(b"\r")) for line in lines]


class Hostile:
    """Serves one behaviour until closed."""

    def __init__(self, behaviour, *arguments, tls=None, implicit=False, pieces=None):
        self.behaviour, self.arguments = behaviour, arguments
        self.tls, self.implicit, self.pieces = tls, implicit, pieces
        self.connections = 0
        self.heard = []  # (encrypted, line)
        self.garbler = None
        self.patience = SECONDS
        self._open = set()
        self._listener = socket.socket()
        self._listener.bind((HOST, 0))
        self._listener.listen(16)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        return self.__enter__()

    def close(self):
        # shutdown() wakes accept(); close() alone would leave it waiting.
        for one in [self._listener, *(line.connection for line in list(self._open))]:
            with contextlib.suppress(OSError):
                # Of a socket under TLS: its own shutdown() would wait for the other side.
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(self.patience)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(connection, self.tls, self.pieces, self.heard)
            line.garbler = self.garbler
            self._open.add(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        try:
            if self.implicit:
                line.start_tls()
            self.behaviour(line, *self.arguments)
            if line.encrypted:
                line.connection.unwrap()
            line.connection.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass  # the client has had enough, which is what most tests want
        finally:
            self._open.discard(line)
            line.connection.close()

    def in_the_clear(self):
        """What clients said without TLS."""
        return [line for encrypted, line in self.heard if not encrypted]


# Any protocol

def another_protocol(line):
    line.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    line.wait_for_close()


def web_server(line):
    line.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    line.wait_for_close()


def hang(line):
    """Accepts and says nothing."""
    line.wait_for_close()


def close_at_once(_):
    pass


class _Stopping:
    """A connection that goes dead when a command comes: half an answer, and then nothing or the end."""

    def __init__(self, line, command, half, closes):
        self.connection, self.send, self.can_start_tls = line.connection, line.send, False
        self._line, self._half, self._closes = line, half, closes
        self._command = re.compile(rb"(?is)(?:[A-Z]+\d+ (?:UID )?)?(?:%s)(?: .*)?" % command)

    def read(self):
        command = self._line.read()
        if command is None or not self._command.fullmatch(command):
            return command
        self.send(self._half)
        if not self._closes:
            self.wait_for_close()
        return None

    def wait_for_close(self):
        self._line.wait_for_close()


def stops_at(line, behaviour, command, half=b"", closes=False):
    """Behaves, until a command (a regular expression, without tag and UID) comes."""
    behaviour(_Stopping(line, command, half, closes))


def half_a_greeting(line, octets=b"* O"):
    line.send(octets)
    line.wait_for_close()


def endless_greeting(line):
    """100 MB without a line end."""
    line.send(b"* OK ")
    for _ in range(100):
        line.send(b"x" * 1_000_000)
    line.wait_for_close()


def escape_in_greeting(line):
    line.send(b"* BYE \x1b]0;owned\x07\x1b[31m go away\r\n")


def script(line, *steps):
    """Octets are sent ($t is the last tag); a text is a regular expression that the next command must match, without
    its tag; anything else is called with the line: Line.start_tls, Line.wait_for_close, imap, pop3, ….

    A client that says something else is left, as is one that has heard the last step."""
    tag = b"*"
    for step in steps:
        if isinstance(step, bytes):
            line.send(step.replace(b"$t", tag))
        elif callable(step):
            step(line)
        else:
            command = line.read()
            if command is None:
                return
            match = re.fullmatch(rb"(?is)(?:(T\d+) )?(?:%s)" % step.encode("ascii"), command)
            if not match:
                return
            tag = match[1] or tag


def drips_in_the_handshake(line):
    """Begins TLS's answer, an octet at a time, for as long as anybody waits for it."""
    line.wait_for_octets()
    line.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
    for _ in range(1000):
        line.send(b"x")
        time.sleep(0.2)


# IMAP

def imap(line, answers=None, folders=(b"INBOX",), fetch=None, capability=CAPABILITY, greeting=True):
    """A small honest IMAP server, one message in each folder, with replaceable parts; TLS by STARTTLS where it has a
    certificate and does not speak it already.

    answers: {command in capitals: function(line, tag, words)}; fetch: function(line, tag) for any
    FETCH that asks for a body. greeting=False: the dialogue has begun already.
    """
    answers = answers or {}
    before = b"IMAP4rev1 STARTTLS LOGINDISABLED" if line.can_start_tls else capability
    if greeting:
        line.send(b"* OK [CAPABILITY " + before + b"] ready\r\n")
    while (command := line.read()) is not None:
        tag, _, rest = command.partition(b" ")
        name, _, words = rest.partition(b" ")
        name = name.upper()
        if name == b"UID":
            name, _, words = words.partition(b" ")
            name = name.upper()
        if name in answers:
            answers[name](line, tag, words)
            continue
        if name == b"STARTTLS" and line.can_start_tls:
            line.send(tag + b" OK begin\r\n")
            line.start_tls()
            continue
        if name == b"CAPABILITY":
            line.send(b"* CAPABILITY " + (before if line.can_start_tls else capability) + b"\r\n" + tag + b" OK done\r\n")
            continue
        if name == b"FETCH" and b"BODY" in words.upper() and b"PEEK[" in words.upper():
            if fetch:
                fetch(line, tag)
                continue
            line.send(b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n"
                      % (len(MESSAGE), len(MESSAGE), MESSAGE))
        line.send(usual(name, folders, words))
        line.send(tag + b" OK done\r\n")
        if name == b"LOGOUT":
            return


def usual(name, folders, words):
    size = b"%d" % len(MESSAGE)
    if name == b"NAMESPACE":
        return b'* NAMESPACE (("" "/")) NIL NIL\r\n'
    if name == b"LIST":
        return b"".join(b'* LIST () "/" {%d}\r\n%s\r\n' % (len(one), one) for one in folders)
    if name == b"STATUS":
        return b"* STATUS %s (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 UNSEEN 1)\r\n" % (words.split(b" (")[0])
    if name in (b"SELECT", b"EXAMINE"):
        return (b"* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted)\r\n* OK [PERMANENTFLAGS ()] none\r\n"
                b"* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 2] next\r\n")
    if name == b"FETCH" and b"PEEK[" not in words.upper():
        return b'* 1 FETCH (UID 1 FLAGS () RFC822.SIZE ' + size + b' INTERNALDATE "01-Jan-2024 00:00:00 +0000")\r\n'
    if name == b"SEARCH":
        return b"* SEARCH 1\r\n"
    if name == b"LOGOUT":
        return b"* BYE\r\n"
    return b""


class Mailbox:
    """INBOX with these messages (uid: octets), behind imap(): what it tells of itself can be replaced.

    `news`: octets that it sends with the next EXAMINE, before its OK. `lies`: a message's item by its name, for all.
    QRESYNC or CONDSTORE by `capability`; `vanished` is the set that QRESYNC tells."""

    def __init__(self, mail, capability=CAPABILITY, validity=7):
        self.mail, self.capability, self.validity = dict(mail), capability, validity
        self.next, self.modseq, self.exists = max(mail, default=0) + 1, 100, None
        self.vanished = self.news = self.while_fetching = b""
        self.search = None
        self.lies = {}

    def __call__(self, line):
        imap(line, {b"EXAMINE": self._examine, b"SELECT": self._examine, b"FETCH": self._fetch, b"SEARCH": self._search,
                    b"STATUS": self._status, b"ENABLE": self._enable}, capability=self.capability)

    def _count(self):
        return len(self.mail) if self.exists is None else self.exists

    def _status(self, line, tag, words):
        if not words.startswith(b"INBOX"):
            line.send(tag + b" NO [NONEXISTENT] no such mailbox\r\n")
            return
        modseq = b" HIGHESTMODSEQ %d" % self.modseq if b"CONDSTORE" in self.capability else b""
        line.send(b"* STATUS INBOX (MESSAGES %d UIDNEXT %d UIDVALIDITY %d%s)\r\n%s OK\r\n"
                  % (self._count(), self.next, self.validity, modseq, tag))

    @staticmethod
    def _enable(line, tag, words):
        line.send(b"* ENABLED " + words + b"\r\n" + tag + b" OK\r\n")

    def _examine(self, line, tag, words):
        if not words.startswith(b"INBOX"):
            line.send(tag + b" NO [NONEXISTENT] no such mailbox\r\n")
            return
        line.send(b"* %d EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [PERMANENTFLAGS ()] none\r\n"
                  b"* OK [UIDVALIDITY %d] valid\r\n* OK [UIDNEXT %d] next\r\n" % (self._count(), self.validity, self.next))
        if b"CONDSTORE" in self.capability:
            line.send(b"* OK [HIGHESTMODSEQ %d] modseq\r\n" % self.modseq)
        if b"QRESYNC (" in words and self.vanished:
            line.send(b"* VANISHED (EARLIER) " + self.vanished + b"\r\n")
        line.send(self.news + tag + b" OK [READ-ONLY] done\r\n")

    def _search(self, line, tag, words):
        if self.search is not None:
            line.send(self.search.replace(b"$t", tag))
        elif b"RETURN" in words:
            uids = b",".join(b"%d" % uid for uid in sorted(self.mail))
            line.send(b'* ESEARCH (TAG "%s") UID ALL %s\r\n' % (tag, uids))
        else:
            line.send(b"* SEARCH" + b"".join(b" %d" % uid for uid in sorted(self.mail)) + b"\r\n")
        line.send(tag + b" OK\r\n")

    def _fetch(self, line, tag, words):
        asked, _, items = words.partition(b" ")
        line.send(self.while_fetching)
        for number, uid in enumerate(sorted(self.mail), 1):
            if not self._asked(asked, uid):
                continue
            octets = self.mail[uid]
            told = {b"UID": b"%d" % uid, b"FLAGS": b"()", b"RFC822.SIZE": b"%d" % len(octets),
                    b"INTERNALDATE": b'"01-Jan-2024 00:00:00 +0000"', **self.lies}
            if b"PEEK[]" in items.upper():
                told[b"BODY[]"] = b"{%d}\r\n%s" % (len(octets), octets)
            elif header := re.search(rb"BODY\.PEEK(\[HEADER.*?\])", items):
                head = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                told[b"BODY" + header[1]] = b"{%d}\r\n%s" % (len(head), head)
            line.send(b"* %d FETCH (%s)\r\n" % (number, b" ".join(name + b" " + value for name, value in told.items())))
        line.send(tag + b" OK\r\n")

    def _asked(self, asked, uid):
        last = max(self.mail)
        for one in asked.split(b","):
            first, _, end = one.replace(b"*", b"%d" % last).partition(b":")
            if min(int(first), int(end or first)) <= uid <= max(int(first), int(end or first)):
                return True
        return False


def closes_in_literal(line):
    """Announces a message and ends the connection in its middle."""
    def fetch(line, _):
        line.send(b"* 1 FETCH (UID 1 FLAGS () BODY[] {5000}\r\nSubject: half\r\n\r\nhalf of it")
        line.connection.shutdown(socket.SHUT_RDWR)
    imap(line, fetch=fetch)


def four_gigabyte_literal(line, size=4 * 1024 ** 3):
    """Announces a literal that no message is as large as, and begins to send it."""
    def fetch(line, _):
        line.send(b"* 1 FETCH (UID 1 FLAGS () BODY[] {%d}\r\n" % size + b"x" * 100_000)
        line.wait_for_close()
    imap(line, fetch=fetch)


def four_gigabytes_in_one_folder(line, folder=b"INBOX", size=4 * 1024 ** 3):
    """The same, for the message of one folder; the other folders are honest."""
    place = []

    def fetch(line, tag):
        if place and place[-1] == folder:
            line.send(b"* 1 FETCH (UID 1 FLAGS () BODY[] {%d}\r\n" % size + b"x" * 100_000)
            line.wait_for_close()
        line.send(b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n" % (len(MESSAGE), len(MESSAGE), MESSAGE)
                  + tag + b" OK done\r\n")

    def examine(line, tag, words):
        place.append(words.split(b" (")[0].strip(b'"'))
        line.send(usual(b"EXAMINE", (), words) + tag + b" OK done\r\n")
    imap(line, {b"EXAMINE": examine, b"SELECT": examine}, (folder, b"other"), fetch)


def gigantic_literal_in_list(line):
    def listing(line, _tag, _words):
        line.send(b'* LIST () "/" {4294967296}\r\n' + b"x" * 100_000)
        line.wait_for_close()
    imap(line, {b"LIST": listing})


def line_without_end(line):
    """100 MB of an untagged response, after login."""
    def listing(line, _tag, _words):
        line.send(b"* OK ")
        for _ in range(100):
            line.send(b"x" * 1_000_000)
        line.wait_for_close()
    imap(line, {b"LIST": listing})


def parentheses(line, depth=10_000):
    def examine(line, tag, _words):
        line.send(b"* 1 FETCH (UID 1 BODYSTRUCTURE " + b"(" * depth + b")" * depth + b")\r\n")
        line.send(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 2] next\r\n" + tag + b" OK done\r\n")
    imap(line, {b"EXAMINE": examine, b"SELECT": examine})


def drips(line):
    """Lists a folder one octet at a time, each well before any deadline for the next one."""
    def listing(line, _tag, _words):
        for _ in range(1000):
            line.send(b"x")
            time.sleep(0.2)
    imap(line, {b"LIST": listing})


def alerts(line):
    def listing(line, tag, _words):
        for _ in range(2):
            line.send(b"* OK [ALERT] your mailbox moves on \x1b[31mFriday\r\n")
        line.send(b'* LIST () "/" INBOX\r\n' + tag + b" OK done\r\n")
    imap(line, {b"LIST": listing})
def parentheses_in_fetch(line, depth=10_000):
    """The same as the structure of a message that is asked for."""
    def fetch(line, tag):
        line.send(b"* 1 FETCH (UID 1 FLAGS () BODYSTRUCTURE " + b"(" * depth + b")" * depth + b" RFC822.SIZE %d BODY[] {%d}\r\n"
                  % (len(MESSAGE), len(MESSAGE)) + MESSAGE + b")\r\n" + tag + b" OK done\r\n")
    imap(line, fetch=fetch)


def folder_names(line, *names):
    imap(line, folders=(b"INBOX",) + names)


# POP3

def pop3(line, messages=(MESSAGE,), capa=None, uidl=True, top=True, sizes=None, retr=None, stuff=True, passed=None,
         greeting=True):
    """A POP3 server by RFC 1939; without CAPA, UIDL, TOP or dot-stuffing if so wished. passed: the answer to PASS, or
    what gives it.
    TLS by STLS where it has a certificate and does not speak it already.

    uidl="number": each UIDL is the number of the message. greeting=False: the dialogue has begun already."""
    names = [hashlib.sha256(one).hexdigest()[:16].encode("ascii") for one in messages]
    if uidl == "number":
        names = [b"%d" % number for number in range(1, len(messages) + 1)]
    if greeting:
        line.send(b"+OK bare\r\n")
    gone = set()
    while (command := line.read()) is not None:
        name, _, word = command.partition(b" ")
        name = name.upper()
        here = [number for number in range(1, len(messages) + 1) if number not in gone]
        number = int(word.split()[0]) if word.split() and word.split()[0].isdigit() else 0
        if name in (b"RETR", b"TOP", b"DELE", b"LIST", b"UIDL") and number and number not in here:
            line.send(b"-ERR no such message\r\n")
        elif name == b"PASS" and passed:
            answer = passed(line) if callable(passed) else passed
            line.send(answer)
            if not answer.startswith(b"+OK"):
                return
        elif name in (b"USER", b"PASS", b"NOOP", b"RSET"):
            line.send(b"+OK\r\n")
        elif name == b"STAT":
            line.send(b"+OK %d %d\r\n" % (len(here), sum(len(messages[one - 1]) for one in here)))
        elif name == b"LIST":
            size = sizes or [len(one) for one in messages]
            line.send(_listing(here, number, lambda one: b"%d %d" % (one, size[one - 1])))
        elif name == b"UIDL" and uidl:
            line.send(_listing(here, number, lambda one: b"%d %s" % (one, names[one - 1])))
        elif name == b"CAPA" and line.can_start_tls:
            line.send(b"+OK\r\nSTLS\r\n.\r\n")
        elif name == b"STLS" and line.can_start_tls:
            line.send(b"+OK\r\n")
            line.start_tls()
        elif name == b"CAPA" and capa is not None:
            line.send(b"+OK\r\n" + b"".join(one + b"\r\n" for one in capa) + b".\r\n")
        elif name == b"RETR" and retr:
            retr(line, number)
        elif name == b"RETR":
            body = messages[number - 1]
            line.send(b"+OK\r\n" + (_stuffed(body) if stuff else body + b".\r\n"))
        elif name == b"TOP" and top:
            head = messages[number - 1].partition(b"\r\n\r\n")[0]
            line.send(b"+OK\r\n" + _stuffed(head + b"\r\n\r\n"))
        elif name == b"DELE":
            gone.add(number)
            line.send(b"+OK\r\n")
        elif name == b"QUIT":
            line.send(b"+OK\r\n")
            if isinstance(messages, list):
                messages[:] = [one for at, one in enumerate(messages, 1) if at not in gone]
            return
        else:
            line.send(b"-ERR unknown command\r\n")


def _listing(here, number, row):
    if number:
        return b"+OK " + row(number) + b"\r\n"
    return b"+OK\r\n" + b"".join(row(one) + b"\r\n" for one in here) + b".\r\n"


def _stuffed(octets):
    """Dot-stuffed and ended (RFC 1939, section 3)."""
    lines = octets.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + one if one.startswith(b".") else one) + b"\r\n" for one in lines) + b".\r\n"


def pop3_closes_in_message(line):
    def retr(line, _):
        line.send(b"+OK 5000 octets\r\nSubject: half\r\n\r\nhalf of it")
        line.connection.shutdown(socket.SHUT_RDWR)
    pop3(line, retr=retr)


def pop3_drips(line):
    """A listing that never ends, an octet at a time."""
    line.send(b"+OK\r\n")
    while (command := line.read()) is not None:
        if not command.startswith(b"LIST"):
            line.send(b"+OK 1 44\r\n")
            continue
        line.send(b"+OK\r\n")
        for _ in range(300):
            line.send(b"1")
            time.sleep(0.1)


def pop3_endless_challenges(line):
    """AUTH is answered by nonsense for as long as the client cancels it."""
    line.send(b"+OK\r\n")
    while (command := line.read()) is not None:
        if command.startswith(b"CAPA"):
            line.send(b"+OK\r\nSASL SCRAM-SHA-256\r\n.\r\n")
        elif command.startswith(b"QUIT"):
            return
        else:
            time.sleep(0.05)
            line.send(b"+ !!\r\n")


def pop3_line_without_end(line):
    def retr(line, _):
        line.send(b"+OK\r\nSubject: long\r\n\r\n")
        for _ in range(100):
            line.send(b"x" * 1_000_000)
        line.send(b"\r\n.\r\n")
    pop3(line, retr=retr)


def pop3_escape_in_refusal(line):
    line.send(b"+OK\r\n")
    while line.read() is not None:
        line.send(b"-ERR [SYS/PERM] \x1b]0;owned\x07no\r\n")
