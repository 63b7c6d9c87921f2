#!/usr/bin/env python3
"""The table of bench/ can be measured: every row, with ten messages where it has thousands."""

import json
import os
import shutil
import signal
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
        "imap-nothing", "imap-nothing-plain", "imap-nothing-size", "imap-far", "pop3-far", "far-nothing",
        "two-way-flags", "two-way-moved-there", "two-way-moved-here", "two-way-upload", "giant", "million", "store",
        "search"}


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

    def test_a_two_way_sync_that_did_nothing_has_no_time(self):
        for row in ("two-way-flags", "two-way-moved-there", "two-way-moved-here", "two-way-upload"):
            with self.subTest(row), tempfile.TemporaryDirectory() as folder:
                program, synced = os.path.join(folder, "twinbox"), os.path.join(folder, "synced")
                with open(program, "w", encoding="ascii") as file:
                    file.write(f"#!/bin/sh\nif [ \"$3\" = sync ]; then\n  [ ! -e {synced} ] || exec echo '{{}}'\n"
                               f"  touch {synced}\nfi\nexec {harness.PROGRAM} \"$@\"\n")
                os.chmod(program, 0o755)
                done = table("--row", row, "--quick", "--at-most", "10", program=program,
                             environment={"TWINBOX_BENCH_FOLDER": BUILT})
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{row}: twinbox: not the same on both sides after its sync", done.stderr)
                self.assertNotIn("times", done.stdout)


class Parts(unittest.TestCase):
    """`twinbox bench`, with little mail: what it says, never how fast."""

    def setUp(self):
        self.home = harness.Home()
        self.addCleanup(self.home.close)
        self.place = os.path.join(self.home.folder, "work")
        os.mkdir(self.place)
        self.home.environment["TMPDIR"] = self.place
        self.mbox = os.path.join(self.home.folder, "mail.mbox")
        with open(self.mbox, "wb") as file:
            for number in range(5):
                file.write(b"From me@example.org Mon Jun  1 08:00:00 2026\nSubject: %d\n\nText.\n>From me\n\n" % number)

    def bench(self, *arguments, status=harness.DONE):
        done = self.home.run("bench", "--corpus", self.mbox, *arguments)
        self.assertEqual(done.status, status, done.err)
        self.assertEqual(os.listdir(self.place), [], "nothing is left behind")
        return done

    def test_every_part_is_measured(self):
        lines = [json.loads(line) for line in self.bench("--json", "--repetitions", "1").out.decode().splitlines()]
        parts = {line["bench"] for line in lines}
        self.assertLessEqual({"imap-framer", "imap-fetch", "pop3-body", "mime-tree", "plan", "store-add", "store-index"}, parts)
        for line in lines:
            with self.subTest(line["bench"]):
                self.assertEqual(line["messages"], 5)
                self.assertEqual(line["seconds_each"], [line["seconds"]])
                self.assertGreater(line["seconds"], 0)

    def test_a_run_is_compared_with_its_own_output(self):
        old = os.path.join(self.home.folder, "old.json")
        with open(old, "wb") as file:
            file.write(self.bench("--only", "^mime", "--repetitions", "3", "--json").out)
        done = self.bench("--only", "^(mime|imap-body)", "--repetitions", "3", "--compare", old)
        self.assertRegex(done.out.decode(), r"(?m)^mime-tree .* (faster|slower|within the noise|waits less|waits longer)$")
        self.assertRegex(done.out.decode(), r"(?m)^imap-body .* not in the old file$")
        self.assertNotIn("store", done.out.decode())

    def test_generated_mail_is_the_same_each_time(self):
        first, second = (self.home.run("bench", "--only", "^mime-tree$", "--repetitions", "1", "--json") for _ in range(2))
        self.assertEqual(first.status, harness.DONE, first.err)
        first, second = (json.loads(done.out) for done in (first, second))
        self.assertEqual((first["units"], first["size"]), (3000, second["size"]))

    def test_stopped_by_the_keyboard_it_takes_its_folder_along(self):
        with subprocess.Popen((harness.PROGRAM, "--config", self.home.config, "bench", "--only", "store", "--repetitions", "100"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.home.environment) as child:
            deadline = time.monotonic() + harness.SECONDS
            while not os.listdir(self.place) and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertNotEqual(os.listdir(self.place), [])
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=harness.SECONDS)
        self.assertEqual((child.returncode, out), (130, b""))
        self.assertRegex(err.decode(), r"(?m)^twinbox: interrupted$")
        self.assertEqual(os.listdir(self.place), [])

    def test_a_file_of_something_else_is_one_line(self):
        for octets, status in ((b"{}\n", harness.DAMAGED), (b"\x00" * 100, harness.DAMAGED)):
            with open(os.path.join(self.home.folder, "bad.json"), "wb") as file:
                file.write(octets)
            done = self.bench("--compare", os.path.join(self.home.folder, "bad.json"), status=status)
            self.assertRegex(done.err, r"^twinbox: .*bad\.json: line 1 is not what bench --json prints\n")
            self.assertEqual(done.out, b"")


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
