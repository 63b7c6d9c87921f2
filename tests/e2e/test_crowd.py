#!/usr/bin/env python3
"""What clients of `twinbox serve` do that mean no good, in a crowd, while a neighbour goes on as if nothing were."""

import base64
import contextlib
import imaplib
import itertools
import os
import poplib
import resource
import selectors
import smtplib
import socket
import ssl
import sys
import threading
import time
import zlib

import harness

import dovecot  # noqa: E402  (harness puts tests/support on the path)
import rude  # noqa: E402
from served import NAMES, Served  # noqa: E402

LONG = "TWINBOX_LONG" in os.environ
SECONDS = 60  # until something that must happen has happened
CROWD = 20_000 if LONG else 3_000
WAVE = 150  # connections that are begun together: the system keeps 128 for each port that wait to be accepted
LIMIT = 500  # --connections, if nothing else is said
GROWN = 40_000  # kilobytes that a server may need for whatever is done to it, if nothing else is said
CLEAR, INSIDE = NAMES[1::2], NAMES[::2]
REFUSALS = {"imap": b"* BYE ", "pop3": b"-ERR ", "submission": b"421 "}
GREETINGS = {"imap": b"* OK ", "pop3": b"+OK", "submission": b"220 "}
MEGABYTE = 1 << 20


def message(number):
    return b"Subject: number %d\r\n\r\n.a dot\r\nFrom here\r\ntext of %d\r\n" % (number, number)


class Case(harness.Case):

    @classmethod
    def setUpClass(cls):
        cls.dovecot = dovecot.Dovecot().start()
        cls.dovecot.create("Quiet")
        cls.dovecot.create("Work")
        for number in range(12):
            cls.dovecot.deliver(message(number))
            cls.dovecot.deliver(message(100 + number), "Quiet")

    @classmethod
    def tearDownClass(cls):
        cls.dovecot.stop()

    @contextlib.contextmanager
    def attacked(self, *words, grown=GROWN):
        """The server, over a store of its own, with a neighbour in it. Behind what is done to it: the neighbour goes on,
        others are served, the server is the same process, no larger than said, and SIGTERM ends it."""
        self.home.connect("work", self.dovecot, mode="two-way")
        self.sync("work")
        self.server = Served(harness.PROGRAM, self.home, "work", more=words)
        self.addCleanup(self.server.stop)
        self.alone = self.server.status("Threads")
        self.neighbour = rude.Neighbour(self.server, "Quiet", self.server.octets("Quiet").values())
        self.addCleanup(self.neighbour.end)
        self.neighbour.rounds(1)
        before = self.server.status("VmRSS")
        yield self.server
        self.neighbour.rounds(2)
        self.assert_newcomers_are_served()
        self.neighbour.end()
        peak, now = self.server.status("VmHWM"), self.server.status("VmRSS")
        print(f"{self.id().split('.', 1)[1]}: {before} kB, at most {peak}, then {now}", file=sys.stderr)
        if not any(name.endswith("SAN_OPTIONS") for name in os.environ):
            self.assertLess(peak - before, grown)
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(self.server.stop(), 0)
        self.run_it("verify", "work")

    def assert_newcomers_are_served(self):
        """As soon as the server has seen that others are gone."""
        for come in (self.server.imap, self.server.pop, self.server.smtp):
            for again in self.until_it_works():
                with again:
                    visitor = come()
                    visitor.noop()
                    visitor.logout() if come == self.server.imap else visitor.quit()

    def wait(self, is_so, complaint):
        end = time.monotonic() + SECONDS
        while not is_so():
            self.assertLess(time.monotonic(), end, complaint)
            time.sleep(0.01)

    def until_it_works(self):
        """for again in …: with again: what may fail for some time."""
        end, done = time.monotonic() + SECONDS, []
        errors = (OSError, EOFError, imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException)

        @contextlib.contextmanager
        def again():
            try:
                yield
                done.append(True)
            except errors:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        while not done:
            yield again()


class Crowds(Case):
    """Connections, more than the server takes."""

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        if limits[1] != resource.RLIM_INFINITY and limits[1] < LIMIT + WAVE + 100:
            self.skipTest(f"{limits[1]} files may be open, which is no crowd")

    def gather(self, names, count, free, begin=b""):
        """Opens so many connections, in waves, each of which says `begin` and waits; `free` of them are to be kept.
        ([a socket] of those, [(port, what it was told)] of the others)"""
        kept, told = {}, []
        self.wait(lambda: self.server.status("Threads") == self.alone + 1, "somebody is still there")
        with selectors.DefaultSelector() as selector:
            for begun in range(0, count, WAVE):
                there = min(begun + WAVE, count)
                for name in itertools.islice(itertools.cycle(names), begun, there):
                    line = rude.connect(self.server, name)
                    self.addCleanup(line.close)
                    kept[line] = [name, b""]
                    selector.register(line, selectors.EVENT_READ)
                    with contextlib.suppress(ConnectionError):
                        line.sendall(begin)
                self.wait(lambda there=there: self.listen(selector, kept, told) >= there - free, "not all were told to go")
        return list(kept), told

    @staticmethod
    def listen(selector, kept, told):
        """How many connections the server has ended."""
        for key, _ in selector.select(0.05):
            try:
                came = key.fileobj.recv(4096)
            except ConnectionError:
                came = b""
            kept[key.fileobj][1] += came
            if not came:
                selector.unregister(key.fileobj)
                told.append(tuple(kept.pop(key.fileobj)))
                key.fileobj.close()
        return len(told)

    def leave(self, lines):
        """One with a farewell, one without, and so on."""
        for number, line in enumerate(lines):
            line.close() if number % 2 else rude.reset(line)

    def assert_told(self, told):
        """In the clear: the greeting, and that it is the end."""
        for name, octets in told:
            lines = octets.split(b"\r\n")
            self.assertTrue(lines[0].startswith(GREETINGS[name]), octets)
            self.assertTrue(lines[-2].startswith(REFUSALS[name]), octets)

    def crowd_that_says_nothing(self, limit, count, *words):
        with self.attacked(*words, grown=limit * 100 + 20_000):
            kept, told = self.gather(CLEAR, count, limit - 1)
            self.assertEqual((len(kept), len(told)), (limit - 1, count - limit + 1))
            self.assert_told(told)
            self.assertEqual({name for name, _ in told}, set(CLEAR))
            self.neighbour.rounds(1)
            self.leave(kept)

    def test_a_crowd_that_says_nothing_is_told_so_and_newcomers_are_served_when_it_leaves(self):
        self.crowd_that_says_nothing(LIMIT, CROWD)

    def test_a_smaller_crowd_is_one_where_fewer_are_allowed(self):
        self.crowd_that_says_nothing(40, 400, "--connections", "40")

    def test_half_a_handshake_takes_a_place_until_it_leaves(self):
        with self.attacked("--connections", "200", grown=50_000) as server:
            hello = rude.client_hello(server)
            for begin in (hello[:len(hello) // 2], hello, b""):
                kept, told = self.gather(INSIDE, CROWD // 3, 199, begin)
                self.assertEqual((len(kept), len(told)), (199, CROWD // 3 - 199))
                self.assertEqual({octets for _, octets in told}, {b""})  # who is not inside yet is told by the end of it
                self.neighbour.rounds(1)
                self.leave(kept)
                self.assert_newcomers_are_served()

    def test_who_leaves_at_once_takes_no_place(self):
        with self.attacked(grown=80_000) as server:
            begins = itertools.cycle((b"", b"a NOOP\r\n", rude.client_hello(server), b"\x16\x03"))
            for number in range(CROWD):
                line = rude.connect(server, NAMES[number % len(NAMES)])
                with contextlib.suppress(ConnectionError):
                    line.sendall(next(begins))
                line.close() if number // len(NAMES) % 2 else rude.reset(line)
                if number % WAVE == 0:  # not faster than they are accepted
                    self.neighbour.rounds(1)


class Slow(Case):

    COPIES = 20 if LONG else 4

    def proof(self):
        return base64.b64encode(f"\0work\0{self.server.password}".encode())

    def test_an_octet_at_a_time_is_what_it_is_and_half_of_it_has_no_effect(self):
        """Whole commands are answered; of what is cut nothing is done."""
        with self.attacked() as server:
            body = b"an octet\r\nat a time\r\n"
            own = b"Subject: slow\r\n\r\n" + body
            enter = b"a LOGIN work " + server.password.encode() + b"\r\nb SELECT INBOX\r\n"
            append = b"c APPEND INBOX (\\Flagged) {%d+}\r\n" % len(own)
            submit = (b"EHLO here\r\nAUTH PLAIN %s\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<work@localhost>\r\nDATA\r\n"
                      % self.proof())
            maildrop = b"USER work\r\nPASS " + server.password.encode() + b"\r\nDELE 1\r\n"
            talks = [  # port, what is said, how the last line begins that comes before the end of the saying
                ("imaps", enter + append + own + b"\r\nd NOOP\r\n", b"d OK"),
                ("imaps", enter + append + own[:-9], b"b OK"),
                ("imaps", enter + append + own, b"b OK"),
                ("imaps", enter + b"c UID STORE 1:* +FLAGS (\\Deleted)", b"b OK"),
                ("imaps", enter + b"c DELETE Work", b"b OK"),
                ("imaps", enter[:20], None),
                ("imap", b"a CAPABILITY\r\nb NOOP\r\nc STARTTLS", b"b OK"),
                ("imap", b"a LOGIN {4+}\r\nwork {1000+}\r\n" + b"x" * 99, None),
                ("pop3", b"CAPA\r\nSTL", b"."),
                ("submission", b"EHLO here\r\nNOOP\r\nQUI", b"250 2.0.0 "),
                ("submissions", submit + own + b".\r\n", b"250 2.0.0 "),
                ("submissions", submit + own + b".\r", b"354 ")]
            talks = talks * self.COPIES + [("pop3s", maildrop + b"QUIT", b"+OK")]  # one alone may have the maildrop
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(rude.Client(server, name)) for name, _, _ in talks]
                for octets in itertools.zip_longest(*(said for _, said, _ in talks)):
                    for client, octet in zip(clients, octets):
                        if octet is not None:
                            client.send(bytes([octet]))
                    time.sleep(0.002)
                for client, (name, said, last) in zip(clients, talks):
                    if last:
                        answers = client.until(last)
                        self.assertTrue(answers[-1].startswith(last), f"{name} {said}: {answers}")
            there = list(server.octets().values())
            self.assertEqual(len(there), 12 + 2 * self.COPIES)
            self.assertEqual(there.count(own), self.COPIES)
            self.assertEqual(sum(octets.endswith(b"\r\n\r\n" + body) for octets in there), 2 * self.COPIES)
            self.assertFalse(any("\\Deleted" in marks for marks in server.marks().values()))
            self.assertEqual(server.octets("Work"), {})


class Deaf(Case):

    READERS = 60 if LONG else 12
    COUNT, OCTETS = 24, MEGABYTE  # of what nobody takes

    def fill(self):
        connection = self.server.imap()
        text = b"".join(b"line %9d\r\n" % line for line in range(self.OCTETS // 16))
        for number in range(self.COUNT):
            self.assertEqual(connection.append("INBOX", None, None, message(number) + text)[0], "OK")
        connection.logout()

    def test_who_asks_and_never_reads_costs_a_piece_and_not_the_mailbox(self):
        """Each asks for 24 MB, thousands of times; who reads at last gets what is right."""
        with self.attacked(grown=100_000) as server, contextlib.ExitStack() as stack:
            self.fill()
            deaf = []
            for number in range(self.READERS):
                client = stack.enter_context(rude.Client(server, "imaps", receive=4096)).login()
                client.send(b"a SELECT INBOX\r\n")
                self.assertTrue(client.until(b"a ")[-1].startswith(b"a OK"))
                deaf.append(client.compress() if number % 3 == 0 else client)
            drop = stack.enter_context(rude.Client(server, "pop3s", receive=4096)).login()
            for client in deaf + [drop]:
                octets = b"f FETCH 13:* BODY.PEEK[]\r\n" * 2000
                if client is drop:
                    octets = b"".join(b"RETR %d\r\n" % (13 + number) for number in range(self.COUNT)) * 200
                if client.compresses:
                    octets = client.stored(octets)
                # No more is read from it once it takes nothing: what the system keeps for both of them, and no more.
                self.assertLess(client.push_until_full(octets, 64 * MEGABYTE), 32 * MEGABYTE)
            self.neighbour.rounds(3)
            first = server.octets()[13]
            for client in deaf[:2]:
                head = client.read_line()
                self.assertTrue(head.startswith(b"* 13 FETCH "), head)
                octets = client.read(int(head.rpartition(b"{")[2].rstrip(b"}\r\n")))
                self.assertEqual(octets, first)


class Compressed(Case):
    """COMPRESS DEFLATE, and then what it was not made for. The connection ends."""

    MOST = 64 * MEGABYTE  # of what is sent before that

    def assert_ended_by(self, pieces, before=b""):
        with rude.Client(self.server, "imaps").login() as client:
            client.compress()
            if before:
                client.send(before)
            sent = 0
            for piece in pieces:
                if not client.push(piece):
                    break
                sent += len(piece)
                self.assertLess(sent, self.MOST)
            # What was answered before it is there; nothing of what came behind it is.
            self.assertFalse([line for line in client.rest().split(b"\r\n") if line.startswith(b"x OK")])

    @staticmethod
    def zeros(head):
        """A line or literal that begins so and is zeros then, a thousand for each octet that is sent."""
        packer = zlib.compressobj(9, wbits=-15)
        yield packer.compress(head) + packer.flush(zlib.Z_SYNC_FLUSH)
        while True:
            yield packer.compress(bytes(16 * MEGABYTE)) + packer.flush(zlib.Z_SYNC_FLUSH)

    def test_a_stream_that_yields_nothing_ends_the_connection(self):
        with self.attacked():
            # Nothing, stored; nothing, in fixed codes: ten bits, four times (RFC 1951, section 3.2.3).
            for block in (b"\0\0\0\xff\xff", b"\x02\x08\x20\x80\0"):
                with self.subTest(block=block):
                    self.assert_ended_by(itertools.repeat(block * 1000))

    def test_what_is_no_deflate_ends_the_connection(self):
        packer = zlib.compressobj(wbits=-15)
        ended = packer.compress(b"y NOOP\r\n") + packer.flush(zlib.Z_FINISH)
        with self.attacked():
            for octets in (b"\xff" * 100, b"\x07", b"x NOOP\r\n" * 100, b"\0\5\0\5\0abcde", ended):
                with self.subTest(octets=octets[:10]):
                    self.assert_ended_by(itertools.repeat(octets))

    def test_a_bomb_is_never_held_in_memory(self):
        with self.attacked() as server:
            for head in (b"", b"x LOGIN ", b"x APPEND INBOX {250000000+}\r\n", b"x LIST {250000000+}\r\n",
                         b"x APPEND Nowhere {250000000+}\r\n"):
                with self.subTest(head=head):
                    self.assert_ended_by(self.zeros(head))
            self.assertEqual(len(server.octets()), 12)


class Injected(Case):

    def test_what_is_said_behind_starttls_in_the_clear_gets_no_answer_inside(self):
        """In the same segment, and in the next. One that comes when the server waits for the handshake ends it."""
        secret = b" work " + b"%s"
        talks = {
            "imap": (b"", b"a STARTTLS\r\n", b"b CAPABILITY\r\nc LOGIN" + secret + b"\r\nd SELECT INBOX\r\n", b"a OK",
                     b"e SELECT INBOX\r\n", b"e BAD"),
            "pop3": (b"", b"STLS\r\n", b"CAPA\r\nUSER work\r\nPASS %s\r\n", b"+OK", b"STAT\r\n", b"-ERR"),
            "submission": (b"EHLO here\r\n", b"STARTTLS\r\n", b"EHLO there\r\nAUTH PLAIN %s\r\n", b"220 ",
                           b"MAIL FROM:<a@example.org>\r\n", b"503 ")}
        with self.attacked() as server:
            proof = base64.b64encode(f"\0work\0{server.password}".encode())
            for name, (before, begin, behind, yes, question, no) in talks.items():
                with self.subTest(name=name), rude.Client(server, name) as client:
                    if before:
                        client.send(before)
                        client.until(b"250 ")
                    behind = behind % (proof if name == "submission" else server.password.encode())
                    client.send(begin + behind)
                    answer = client.read_line()
                    self.assertTrue(answer.startswith(yes), answer)
                    client.handshake()
                    client.send(question)
                    first = client.read_line()  # and so nothing came before it
                    self.assertTrue(first.startswith(no), first)
                    client.login()
                with self.subTest(name=name, again=True), rude.Client(server, name) as client:
                    if before:
                        client.send(before)
                        client.until(b"250 ")
                    client.send(begin)
                    self.assertTrue(client.read_line().startswith(yes))
                    client.push(behind)  # where a handshake is awaited
                    self.assertNotIn(b"OK", client.rest())


class Guesses(Case):

    def guess(self, name, took, last):
        wrong = base64.b64encode(b"\0work\0wrong")
        said = {"imap": b"g LOGIN work wrong\r\n", "pop3": b"USER work\r\nPASS wrong\r\n",
                "submission": b"AUTH PLAIN " + wrong + b"\r\n"}[name.removesuffix("s")]
        with rude.Client(self.server, name) as client:
            if client.protocol == "submission":
                client.send(b"EHLO here\r\n")
                client.until(b"250 ")
            for _ in range(3):
                begun = time.monotonic()
                client.send(said)
                client.until({"imap": b"g NO ", "pop3": b"-ERR [AUTH]", "submission": b"535 "}[client.protocol])
                took[name].append((time.monotonic() - begun, self.neighbour.done()))
            last[name] = client.rest()

    def test_guesses_are_answered_later_each_time_and_the_third_ends_it_and_nobody_else_waits(self):
        with self.attacked() as server:
            took, last = {name: [] for name in INSIDE}, {}
            threads = [threading.Thread(target=self.guess, args=(name, took, last)) for name in INSIDE]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self.assert_newcomers_are_served()
                self.neighbour.rounds(1)
            for name in INSIDE:
                with self.subTest(name=name):
                    for (seconds, _), least in zip(took[name], (1, 2, 4), strict=True):
                        self.assertGreaterEqual(seconds, least)
                    # While the last answer was kept back, the neighbour went on.
                    self.assertGreater(took[name][2][1], took[name][1][1])
                    self.assertTrue(last[name].startswith(REFUSALS[name.removesuffix("s")]), last[name])
            self.assertEqual(server.octets("Work"), {})


class Endless(Case):
    """Lines, literals and lists without an end, or with one that is far away."""

    LINE = 100 * MEGABYTE if LONG else 20 * MEGABYTE

    NOTHING = {"imap": (b"n NOOP\r\n", b"n OK"), "pop3": (b"CAPA\r\n", b"+OK"), "submission": (b"NOOP\r\n", b"250 ")}

    def enter(self, name):
        """Behind the login. The maildrop is free as soon as the server has seen that the last session is over."""
        for again in self.until_it_works():
            with again, contextlib.ExitStack() as stack:
                client = stack.enter_context(rude.Client(self.server, name)).login()
                stack.pop_all()
        return client

    def assert_answered(self, name, rows, login=True):
        """Rows: what is said, as one octet string or as pieces; how the answer begins (a tuple: or so); whether the
        session goes on. A connection each."""
        for said, start, goes_on in rows:
            pieces = (said,) if isinstance(said, bytes) else said
            with self.subTest(name=name, said=pieces[0][:60]), \
                    self.enter(name) if login else rude.Client(self.server, name) as client:
                if client.protocol == "submission" and not login:
                    client.send(b"EHLO here\r\n")
                    client.until(b"250 ")
                for piece in pieces:
                    if not client.push(piece):
                        break
                answer = client.read_line()
                self.assertTrue(answer.startswith(start), answer[:200])
                if goes_on:
                    said, start = self.NOTHING[client.protocol]
                    client.send(said)
                    answer = client.until(start)[-1]
                    self.assertTrue(answer.startswith(start), answer[:200])
                else:
                    self.assertNotIn(b" OK", client.rest())

    def endless(self, begin=b""):
        piece = b"x" * MEGABYTE
        return [begin] + [piece] * (self.LINE // MEGABYTE)

    def test_imap_before_the_login(self):
        rows = [
            (b"a LOGIN {999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a LOGIN {99999999999999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a LOGIN {4294967296+}\r\n", b"* BYE [TOOBIG]", False),
            ([b"a LOGIN {20000+}\r\n", b"x" * 20000, b" x\r\n"], b"a NO [TOOBIG]", True),
            ([b"a LOGIN {20000000+}\r\n"] + self.endless(), b"* BYE [TOOBIG]", False),
            (self.endless(b"a LOGIN ") + [b"\r\n"], b"* BYE", False),
            (self.endless() + [b"\r\n"], b"* BYE", False),
            (b"(" * 100_000 + b"\r\n", b"* BYE", False),
            (b"a SEARCH " + b"(" * 10_000 + b"\r\n", b"a BAD", True),
            (b"a (((((\r\n", b"a BAD", True),
            (b"((((((\r\n", b"* BAD", True),
            (b"a NO\0OP\r\n", b"a BAD", True),
            (b"\0\0\0\r\n", b"* BAD", True),
            (b"a NOOP\rb LOGOUT\r\n", b"a BAD", True),
            (b"a LOGIN \xff\xfe\xfd x\r\n", (b"a BAD", b"a NO"), True)]
        with self.attacked():
            self.assert_answered("imaps", rows, login=False)
            self.assert_answered("imap", rows, login=False)

    def test_imap_behind_the_login(self):
        big = b"x" * (2 * MEGABYTE)
        rows = [
            (b"a APPEND INBOX {999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a APPEND INBOX {4294967296}\r\n", b"a NO [TOOBIG]", True),
            (b"a APPEND INBOX {4294967296+}\r\n", b"* BYE [TOOBIG]", False),
            (b"a APPEND INBOX {-1}\r\n", b"a BAD", True),
            ([b"a APPEND Nowhere {20000000+}\r\n"] + self.endless(), b"* BYE", False),
            ([b"a APPEND Nowhere {%d+}\r\n" % len(big), big, b"\r\n"], b"a NO [TRYCREATE]", True),
            ([b"a SELECT {%d+}\r\n" % len(big), big, b"\r\n"], b"a NO [TOOBIG]", True),
            (b"a SELECT {4294967296}\r\n", b"a NO [TOOBIG]", True),
            (b"a SEARCH TEXT {99999999999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a LIST" + b" {0+}\r\n" * 2000 + b"\r\n", b"a NO [TOOBIG]", True),
            (self.endless(b"a NOOP ") + [b"\r\n"], b"a BAD", True),
            (b"a LIST \"\" " + b"*%" * 2000 + b"\r\n", b"a BAD", True),
            (b"a LIST \"\" " + b"*%" * 10 + b"\r\n", (b"* LIST", b"a OK"), True),
            (b"a LIST \"\" (" + b" ".join([b"*%*%"] * 5000) + b")\r\n", b"a BAD", True),
            (b"a LIST \"" + b"%*" * 5000 + b"\" *\r\n", b"a BAD", True),
            (b"a ENABLE" + b" X" * 100_000 + b"\r\n", (b"* ENABLED", b"a OK", b"a BAD"), True),
            (b"a STATUS INBOX (" + b" ".join([b"MESSAGES"] * 50_000) + b")\r\n", (b"* STATUS", b"a BAD"), True),
            (b"a NO\0OP\r\n", b"a BAD", True),
            (b"a NOOP\rb LOGOUT\r\n", b"a BAD", True)]
        with self.attacked() as server:
            self.assert_answered("imaps", rows)
            self.assertEqual(len(server.octets()), 12)

    def test_imap_in_a_mailbox(self):
        ranges = b",".join(b"%d:%d" % (2 * number + 1, 2 * number + 1) for number in range(100_000))
        rows = [
            (b"SEARCH " + b"(" * 100_000 + b"ALL" + b")" * 100_000, b"a BAD"),
            (b"SEARCH " + b"(" * 100_000, b"a BAD"),
            (b"SEARCH " + b"NOT " * 100_000 + b"ALL", b"a BAD"),
            (b"SEARCH " + b"OR " * 100_000 + b"ALL " * 100_000 + b"ALL", b"a BAD"),
            (b"SEARCH " + b"ALL " * 100_000 + b"ALL", b"a BAD"),
            (b"SEARCH " + ranges, (b"a OK", b"a BAD")),
            (b"SEARCH TEXT \xff\xfe", (b"a OK", b"a BAD", b"a NO")),
            (b"FETCH " + ranges + b" FLAGS", (b"a OK", b"a BAD", b"a NO")),
            (b"UID FETCH " + ranges + b" FLAGS", (b"a OK", b"a BAD", b"a NO")),
            (b"UID FETCH 1:4294967295 FLAGS", b"a OK"),
            (b"FETCH 4294967296 FLAGS", b"a BAD"),
            (b"FETCH 0 FLAGS", b"a BAD"),
            (b"FETCH 1:* " + b"(" * 100_000, b"a BAD"),
            (b"FETCH 1 (" + b" ".join([b"BODY.PEEK[]"] * 50_000) + b")", (b"a OK", b"a BAD")),
            (b"FETCH 1 BODY.PEEK[" + b".".join([b"1"] * 100_000) + b"]", (b"a OK", b"a BAD", b"a NO")),
            (b"FETCH 1 BODY.PEEK[HEADER.FIELDS (" + b" ".join([b"X"] * 100_000) + b")]", (b"a OK", b"a BAD")),
            (b"FETCH 1 BODY.PEEK[]<4294967295.4294967295>", (b"a OK", b"a BAD")),
            (b"FETCH 1 BODY.PEEK[]<18446744073709551615.18446744073709551615>", b"a BAD"),
            (b"STORE 1 +FLAGS (" + b" ".join(b"k%d" % number for number in range(100_000)) + b")", (b"a NO", b"a BAD")),
            (b"STORE 1 +FLAGS (" + b"k" * 100_000 + b")", (b"a NO", b"a BAD")),
            (b"COPY 1:* " + b"x/" * 50_000, b"a NO")]
        with self.attacked() as server, rude.Client(server, "imaps").login() as client:
            client.send(b"s SELECT INBOX\r\n")
            client.until(b"s OK")
            for said, start in rows:
                with self.subTest(said=said[:50]):
                    client.send(b"a " + said + b"\r\n")
                    answer = client.until(b"a ")[-1]
                    self.assertTrue(answer.startswith(start), answer[:200])
            client.send(b"l LOGOUT\r\n")
            self.assertTrue(client.until(b"l ")[-1].startswith(b"l OK"))

    def test_pop3(self):
        outside = [
            (self.endless(), b"-ERR", False),
            (self.endless(b"USER "), b"-ERR", False),
            (b"USER " + b"x" * 10_000 + b"\r\n", b"-ERR", False),
            (b"NO\0OP\r\n", b"-ERR", True),
            (b"AUTH \xff\xfe\r\n", b"-ERR", True)]
        wrong = (b"RETR 99999999999999999999999", b"RETR 4294967297", b"RETR -1", b"RETR 0", b"RETR 1 1", b"RETR \xff",
                 b"RETR ../../etc/passwd", b"DELE 18446744073709551617", b"TOP 1 -1", b"TOP 1 99999999999999999999999",
                 b"TOP 0 0", b"LIST 4294967297", b"UIDL -1", b"NO\0OP")
        with self.attacked() as server:
            for name in ("pop3", "pop3s"):
                self.assert_answered(name, outside, login=False)
            self.assert_answered("pop3s", [(self.endless(), b"-ERR", False), (self.endless(b"RETR "), b"-ERR", False)])
            self.assert_answered("pop3s", [(each + b"\r\n", b"-ERR", True) for each in wrong])
            self.assertEqual(len(server.octets()), 12)

    def test_submission(self):
        outside = [
            (self.endless() + [b"\r\n"], b"500 ", True),
            (self.endless(b"MAIL FROM:<") + [b">\r\n"], b"500 ", True),
            (b"AUTH PLAIN " + b"A" * 20_000 + b"\r\n", b"500 ", True),
            (b"AUTH PLAIN \xff\xfe\r\n", (b"501 ", b"503 ", b"538 "), True),
            (b"NO\0OP\r\n", b"500 ", True),
            (b"NOOP \0\r\n", b"501 ", True),
            (b"NOOP\rQUIT\r\n", (b"500 ", b"501 "), True),
            (b"EHLO " + b"x" * 900 + b"\r\n", b"501 ", True)]
        inside = [
            (b"MAIL FROM:<" + b"x" * 900 + b"@example.org>\r\n", b"501 ", True),
            (b"MAIL FROM:<a@example.org> SIZE=99999999999999999999999\r\n", b"552 ", True),
            (b"MAIL FROM:<a@example.org> SIZE=-1\r\n", b"501 ", True),
            (b"MAIL FROM:<a\xff@example.org>\r\n", b"501 ", True)]
        begin = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<work@localhost>\r\nDATA\r\n"
        with self.attacked() as server:
            self.assert_answered("submission", outside, login=False)
            self.assert_answered("submissions", outside + inside)
            for body, start in ((self.endless(b"Subject: x\r\n\r\n"), b"554 "),
                                (self.endless(), b"554 "),
                                ([b"Subject: x\r\n" * 100_000] * (70 * MEGABYTE // 1_200_000), b"552 "),
                                ([b"Subject: x\r\n\r\n\n.\nMAIL FROM:<b@example.org>"], b"550 ")):
                with self.subTest(body=body[0][:40]), self.enter("submissions") as client:
                    client.send(begin)
                    client.until(b"354 ")
                    for piece in body + [b"\r\n.\r\n"]:
                        client.send(piece)
                    answer = client.read_line()
                    self.assertTrue(answer.startswith(start), answer)
            for whom in (b"../../etc/passwd@localhost", b"etc/passwd@localhost", b"|sh@localhost"):
                with self.subTest(whom=whom), self.enter("submissions") as client:
                    client.send(begin.replace(b"work@localhost", whom))
                    self.assertTrue(client.until(b"5")[-1].startswith((b"550 ", b"501 ")))
            self.assertEqual(len(server.octets()), 12)


class Names(Case):
    """Mailboxes whose names want out of the store, or are none."""

    MARK = b"wants-out"

    def tree(self):
        """All that is in the home, but what is in the store."""
        store = os.path.realpath(self.home.store("work"))
        found = set()
        for parent, folders, files in os.walk(self.home.folder):
            folders[:] = [name for name in folders if os.path.realpath(os.path.join(parent, name)) != store]
            found |= {os.path.join(parent, name) for name in folders + files}
        return found

    def above(self):
        """What bears the mark in a folder above the store, up to the root."""
        found, folder = [], os.path.realpath(self.home.store("work"))
        while folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
            with contextlib.suppress(PermissionError):
                found += [os.path.join(folder, name) for name in os.listdir(folder) if self.MARK.decode() in name]
        return found

    def test_no_name_leaves_the_store_and_what_is_none_is_refused(self):
        mark = self.MARK
        data = [b"../" * depth + mark for depth in range(1, 6)]  # names like any other, and no paths
        data += [mark + b"/../../../../" + mark, b"..", b".", b"./" + mark, b"..\\" + mark, b"~/" + mark, b"$HOME",
                 b"`touch " + mark + b"`", b"-rf", b"con:", b"INBOX/../../" + mark]
        none = [b"/" + mark, b"/", b"//", mark + b"//" + mark, b"", b"x" * 10_000, b"x/" * 100 + mark, b"../" * 100 + mark,
                mark + b"\0", b"\0", b"../../" + mark + b"\0.eml", mark + b"\r", mark + b"\r\n", b"\x1b]0;x\7", b"\x7f",
                b"\xff\xfe", b"\xc0\xaf" + mark, b"caf\xe9", b"\xed\xa0\x80",  # octets that are no UTF-8
                b"&", b"&AGE", b"&AGE-", b"&2AA-", b"&3AA-", b"&2AAAYQ-", b"&AC8", b"&!-", b"&AA-", b"&AAA-", b"&Jjo!",
                b"&AC8-" + mark, b"&AC4ALg-/" + mark]
        with self.attacked() as server, rude.Client(server, "imaps").login() as client:
            before = self.tree()
            for name in data + none:
                quoted = b"{%d+}\r\n%s" % (len(name), name)
                for number, words in enumerate((b"CREATE %s", b"SUBSCRIBE %s", b"STATUS %s (MESSAGES)", b"SELECT %s",
                                                b"APPEND %s {9+}\r\nA: b\r\n\r\nc", b"LIST %s *", b"UNSELECT", b"RENAME %s to",
                                                b"RENAME to %s")):
                    tag = b"t%d " % number
                    client.send(tag + words.replace(b"%s", quoted) + b"\r\n")
                    answer = client.until(tag)[-1]
                    with self.subTest(name=name[:30], words=words):
                        self.assertTrue(answer.startswith(tuple(tag + each for each in (b"OK", b"NO", b"BAD"))), answer)
                        if number == 0:
                            self.assertEqual(answer.startswith(tag + b"OK"), name in data, answer)
            client.send(b"l LIST \"\" *\r\n")
            self.assertGreaterEqual(len(client.until(b"l ")), len(data))
            self.assertEqual(self.tree(), before)
            self.assertEqual(self.above(), [])


class Nested(Case):

    DEPTH = 5_000 if LONG else 800
    PARTS = 100_000 if LONG else 10_000

    def multiparts(self):
        head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
                        for level in range(self.DEPTH))
        return b"Subject: multiparts\r\n" + head + b"\r\ntext\r\n" + b"".join(
            b"--b%d--\r\n" % level for level in reversed(range(self.DEPTH)))

    def messages(self):
        return b"Subject: messages\r\nContent-Type: message/rfc822\r\n\r\n" * self.DEPTH + b"\r\ntext\r\n"

    def parts(self):
        return (b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                + b"--b\r\nContent-Type: text/html; name=x\r\n\r\n<p>text\r\n" * self.PARTS + b"--b--\r\n")

    def test_messages_of_many_parts_and_levels_are_told_of_or_refused(self):
        made = (self.multiparts(), self.messages(), self.parts())
        with self.attacked(grown=80_000) as server, rude.Client(server, "imaps").login() as client:
            for octets in made:
                client.send(b"a APPEND Work {%d+}\r\n" % len(octets) + octets + b"\r\n")
                self.assertTrue(client.until(b"a ")[-1].startswith(b"a OK"))
            client.send(b"s SELECT Work\r\n")
            client.until(b"s OK")
            deep = b".".join([b"1"] * self.DEPTH)
            for words in (b"FETCH 1:* (BODYSTRUCTURE ENVELOPE PREVIEW)", b"FETCH 1:* (BODY RFC822.SIZE PREVIEW (LAZY))",
                          b"FETCH 1:* (BODY.PEEK[1.1.1.1.1.1.1.1])", b"FETCH 1:* BODY.PEEK[" + deep + b"]",
                          b"FETCH 1:* (BODY.PEEK[%d] BODY.PEEK[%d.MIME])" % (self.PARTS, self.PARTS // 2),
                          b"FETCH 1:* (BINARY.PEEK[1] BINARY.SIZE[1])", b"FETCH 1:* BINARY.PEEK[" + deep + b"]",
                          b"FETCH 3 (" + b" ".join(b"BODY.PEEK[%d]" % number for number in range(1, 2000)) + b")",
                          b"SEARCH BODY text", b"SEARCH TEXT nowhere", b"SEARCH HEADER Subject parts"):
                with self.subTest(words=words[:60]):
                    client.send(b"a " + words + b"\r\n")
                    answer = client.until(b"a ")[-1]
                    self.assertTrue(answer.startswith((b"a OK", b"a NO", b"a BAD")), answer[:200])
            self.assertEqual(list(server.octets("Work").values()), list(made))
            self.neighbour.rounds(1)
            client.send(b"l LOGOUT\r\n")
            self.assertTrue(client.until(b"l ")[-1].startswith(b"l OK"))


if __name__ == "__main__":
    harness.main()
