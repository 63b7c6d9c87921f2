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

    def test_a_crowd_that_says_nothing_is_told_so_and_newcomers_are_served_when_it_leaves(self):
        for limit, count, words in ((LIMIT, CROWD, ()), (40, 400, ("--connections", "40"))):
            with self.subTest(limit=limit), self.attacked(*words, grown=limit * 100 + 20_000):
                kept, told = self.gather(CLEAR, count, limit - 1)
                self.assertEqual((len(kept), len(told)), (limit - 1, count - limit + 1))
                self.assert_told(told)
                self.assertEqual({name for name, _ in told}, set(CLEAR))
                self.neighbour.rounds(1)
                self.leave(kept)
            self.home.close()
            self.home = harness.Home()
            self.addCleanup(self.home.close)

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


if __name__ == "__main__":
    harness.main()
