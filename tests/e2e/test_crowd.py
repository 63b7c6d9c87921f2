#!/usr/bin/env python3
"""Clients of `twinbox serve` that mean no good: they come in thousands, are slow, never read, guess passwords."""

import base64
import contextlib
import itertools
import resource
import selectors
import threading
import time

import harness

import rude  # noqa: E402  (harness puts tests/support on the path)
from attacked import LONG, MEGABYTE, Case, message
from served import NAMES  # noqa: E402

CROWD = 20_000 if LONG else 3_000
WAVE = 150  # connections that are begun together: the system keeps 128 for each port that wait to be accepted
LIMIT = 500  # --connections, if nothing else is said
CLEAR, INSIDE = NAMES[1::2], NAMES[::2]
REFUSALS = {"imap": b"* BYE ", "pop3": b"-ERR ", "submission": b"421 "}
GREETINGS = {"imap": b"* OK ", "pop3": b"+OK", "submission": b"220 "}


class Crowds(Case):
    """Connections, more than the server takes."""

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        self.files = limits[1]

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
                self.wait(lambda there=there: self.listen(selector, kept, told) >= there - free, "not all must go")
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
            self.assertTrue(lines[-2].endswith(b" too many connections"), octets)

    def crowd_that_says_nothing(self, limit, count, *words, most_files=None):
        with self.attacked(*words, grown=limit * 100 + 20_000, most_files=most_files):
            self.assertEqual(self.server.connections, limit)
            kept, told = self.gather(CLEAR, count, limit - 1)
            self.assertEqual((len(kept), len(told)), (limit - 1, count - limit + 1))
            # Where there is no descriptor left to say it with, the end of the connection says it.
            self.assert_told([each for each in told if each[1] or not most_files])
            self.assertEqual({name for name, _ in told}, set(CLEAR))
            self.neighbour.rounds(1)
            self.leave(kept)

    def test_a_crowd_that_says_nothing_is_told_so_and_newcomers_are_served_when_it_leaves(self):
        if self.files != resource.RLIM_INFINITY and self.files < 100 + 6 * LIMIT:
            self.skipTest(f"{self.files} files may be open, which are too few for the server")
        self.crowd_that_says_nothing(LIMIT, CROWD)

    def test_a_smaller_crowd_is_one_where_fewer_are_allowed(self):
        self.crowd_that_says_nothing(40, 400, "--connections", "40")

    def test_where_few_files_may_be_open_a_smaller_crowd_is_one_too(self):
        self.crowd_that_says_nothing(50, 400, most_files=100 + 6 * 50)

    def test_half_a_handshake_takes_a_place_until_it_leaves(self):
        with self.attacked("--connections", "200", grown=50_000) as server:
            hello = rude.client_hello(server)
            for begin in (hello[:len(hello) // 2], hello, b""):
                kept, told = self.gather(INSIDE, CROWD // 3, 199, begin)
                self.assertEqual((len(kept), len(told)), (199, CROWD // 3 - 199))
                self.assertEqual({octets for _, octets in told}, {b""})  # who is not inside yet is told by the end
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
        """Each asks for 24 MB, thousands of times; who reads at last gets what is right. The others are still there,
        with two who never said a word, when the server is to end."""
        with contextlib.ExitStack() as stack, self.attacked(grown=self.READERS * 5_000 + 20_000) as server:
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
            drop.line.close()  # for a newcomer to have the maildrop
            for name in ("imaps", "pop3"):
                stack.callback(rude.connect(server, name).close)

    def test_who_asks_for_a_part_and_never_reads_costs_no_message(self):
        """It is taken apart for each, and then read from where it is stored."""
        part = b"a line of text\r\n" * (30 * MEGABYTE // 16)
        octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + part + b"--b--\r\n"
        with self.attacked(grown=self.READERS * 5_000 + 60_000) as server, contextlib.ExitStack() as stack:
            connection = server.imap()
            self.assertEqual(connection.append("Work", None, None, octets)[0], "OK")
            connection.logout()
            for _ in range(self.READERS):
                client = stack.enter_context(rude.Client(server, "imaps", receive=4096)).login()
                client.send(b"a SELECT Work\r\n")
                self.assertTrue(client.until(b"a ")[-1].startswith(b"a OK"))
                client.send(b"f FETCH 1 BODY.PEEK[1]\r\n")
                head = client.read_line()
                self.assertTrue(head.startswith(b"* 1 FETCH (BODY[1] {%d}" % (len(part) - 2)), head)
            self.neighbour.rounds(2)
            self.assertEqual(client.read(len(part) - 2), part[:-2])  # the last CRLF is the delimiter's


class Injected(Case):

    def test_what_is_said_behind_starttls_in_the_clear_gets_no_answer_inside(self):
        """In the same segment, and in the next. One that comes when the server waits for the handshake ends it."""
        talks = {
            "imap": (b"", b"a STARTTLS\r\n", b"b CAPABILITY\r\nc LOGIN work %s\r\nd SELECT INBOX\r\n", b"a OK",
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


if __name__ == "__main__":
    harness.main()
