#!/usr/bin/env python3
"""The table of bench/ can be measured: every row, with ten messages where it has thousands."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import harness
import relay

TABLE = os.path.join(harness.HERE, "..", "..", "bench", "table.py")
BUILT = os.environ.get("TWINBOX_BENCH_FOLDER") or os.path.join(os.path.dirname(harness.PROGRAM), "bench")
ROWS = {"imap-first", "imap-first-plain", "pop3-first", "pop3-first-plain", "imap-small", "imap-small-plain",
        "imap-nothing", "imap-nothing-plain", "imap-nothing-size", "imap-far", "pop3-far", "far-nothing", "giant",
        "million", "store", "search"}


def table(*arguments, program=harness.PROGRAM, environment=None):
    return subprocess.run((sys.executable, "-B", TABLE, program) + arguments, capture_output=True, text=True,
                          check=False, timeout=300, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(environment or {})})


@unittest.skipUnless(os.access(os.path.join(BUILT, "launch"), os.X_OK), "bench/ was not built (TWINBOX_BENCH=OFF)")
class Table(unittest.TestCase):
    def test_every_row_is_measured_and_judged(self):
        with tempfile.TemporaryDirectory(prefix="twinbox-") as folder:
            os.chmod(folder, 0o711)  # the server may run as another user
            done = table("--quick", "--at-most", "10", "--json", environment={"TMPDIR": folder})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.listdir(folder), [], "nothing is left behind")
        facts = json.loads(done.stdout)
        self.assertEqual({row["name"] for row in facts["rows"]}, ROWS)
        for row in facts["rows"]:
            with self.subTest(row["name"]):
                self.assertTrue(row["verdicts"], "something must be reached")
                self.assertTrue(any(name.startswith(("twinbox", "the store", "library")) for name in row["contenders"]))
                for result in row["contenders"].values():
                    self.assertGreater(min(result["seconds"]), 0)

    def test_a_row_alone_as_text_counts_fsyncs_in_a_round_of_its_own(self):
        done = table("--row", "imap-first", "--runs", "1", "--at-most", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^imap-first: .*\(3 messages")
        fsyncs = ", [1-9][0-9]*" if shutil.which("strace") else ""
        self.assertRegex(done.stdout, rf"(?m)^  twinbox  .* 1, [0-9.]+ to [0-9.]+{fsyncs}$")
        self.assertNotIn("pop3-first", done.stdout)

    def test_work_that_was_not_done_has_no_time(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "twinbox")
            with open(program, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\nexit 0\n")
            os.chmod(program, 0o755)
            done = table("--row", "imap-first", "--quick", "--at-most", "3", program=program,
                         environment={"TWINBOX_BENCH_FOLDER": BUILT})
        self.assertEqual(done.returncode, 1)
        self.assertIn("twinbox brought 0 of 3 messages", done.stderr)
        self.assertNotIn("imap-first", done.stdout)


class LongWay(unittest.TestCase):
    """The relay that the rows about a long way go through."""

    DELAY = 0.02

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.relay = relay.Relay(self.listener.getsockname()[1], delay=self.DELAY)
        self.addCleanup(self.relay.close)
        self.listener.settimeout(harness.SECONDS)
        self.started = time.monotonic()
        self.client = socket.create_connection(("127.0.0.1", self.relay.port), timeout=harness.SECONDS)
        self.addCleanup(self.client.close)

    def serve(self):
        server = self.listener.accept()[0]
        self.addCleanup(server.close)
        server.settimeout(harness.SECONDS)
        return server

    def test_a_greeting_comes_after_two_round_trips(self):
        self.serve().sendall(b"hello")
        self.assertEqual(self.client.recv(5), b"hello")
        self.assertGreaterEqual(time.monotonic() - self.started, 4 * self.DELAY)

    def test_what_a_client_says_at_once_comes_with_the_connection(self):
        self.client.sendall(b"hello")
        self.assertEqual(self.serve().recv(5), b"hello")
        self.assertGreaterEqual(time.monotonic() - self.started, 3 * self.DELAY)

    def test_a_goodbye_that_is_not_waited_for_is_no_round_trip(self):
        server = self.serve()
        server.sendall(b"hello")
        for goes, waits in ((b"what?", True), (b"bye", False)):
            self.client.recv(64)
            self.client.sendall(goes)
            if not waits:
                self.client.close()
            server.recv(64)
            server.sendall(b"so be it")
        self.assertEqual(server.recv(64), b"")
        time.sleep(4 * self.DELAY)
        self.assertEqual(self.relay.round_trips, 3)  # TCP, the greeting, what?

    def test_every_octet_passes_and_so_does_the_end(self):
        server, octets = self.serve(), os.urandom(1 << 20)
        server.sendall(octets)
        server.shutdown(socket.SHUT_WR)
        found = b""
        while piece := self.client.recv(1 << 16):
            found += piece
        self.assertEqual(found, octets)
        self.assertEqual(self.relay.bytes_in, len(octets))


if __name__ == "__main__":
    harness.main()
