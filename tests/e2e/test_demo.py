#!/usr/bin/env python3
"""The demo tells what happened: its figures come from the mail, not from the script; inside twinbox and over Dovecot."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

import dovecot_demo as demo
import harness


class Inside(unittest.TestCase):
    """`twinbox demo`: nothing else is needed."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="twinbox-empty-")
        self.addCleanup(shutil.rmtree, self.home, True)
        self.environment = {"HOME": self.home, "PATH": "/nowhere", "LC_ALL": "C.UTF-8", "TMPDIR": self.home}

    def test_it_needs_no_home_no_other_program_and_no_network(self):
        command = [harness.PROGRAM, "demo", "--json"]
        alone = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        environment = self.environment
        if subprocess.run(alone + ["true"], capture_output=True, check=False).returncode == 0:
            # PATH is for unshare and ip; the program itself runs none.
            command, environment = alone + command, {**environment, "PATH": os.environ["PATH"]}
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=60)
        took = time.monotonic() - started
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        rows = {row["what"]: (row["pop3"], row["imap"]) for row in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(rows["first download"], ("241 of 312 messages", "312 of 312 messages"))
        self.assertEqual(rows["folders carried over"], ("1 of 5", "5 of 5"))
        self.assertEqual(rows["you flag 2 here"], ("unknown there", "2 flagged there"))
        self.assertEqual(rows["you file 5 in a new folder here"], ("none moved there", "5 moved there"))
        self.assertEqual(rows["a second computer, after POP3 delete"], ("sees nothing", "saw all 308 before it"))
        self.assertEqual(os.listdir(self.home), [], "it leaves nothing behind")
        self.assertLess(took, 10 * (1 if "ASAN_OPTIONS" not in os.environ else 6))

    def test_it_is_one_screen_that_ends_with_the_difference(self):
        done = subprocess.run([harness.PROGRAM, "demo"], capture_output=True, check=True, env=self.environment,
                              timeout=60)
        lines = done.stdout.decode().splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 120)
        self.assertRegex(lines[0], r"^A mail server with 312 messages in 5 folders is running inside this program")
        self.assertIn("POP3 copies one folder once; IMAP keeps two places the same.", done.stdout.decode())

    def test_a_trace_shows_what_both_say(self):
        done = subprocess.run([harness.PROGRAM, "demo", "--trace"], capture_output=True, check=True,
                              env=self.environment, timeout=60)
        said = done.stderr.decode()
        for line in (r"imaps \d+ C: \w+ EXAMINE INBOX", r"imaps \d+ S: \* \d+ EXISTS", r"pop3s \d+ C: UIDL",
                     r"pop3s \d+ C: QUIT"):
            self.assertRegex(said, line)
        self.assertRegex(said, r"pop3s \d+ C: AUTH \S+ \*\*\*")

    def test_kept_it_can_be_spoken_with(self):
        with subprocess.Popen([harness.PROGRAM, "demo", "--keep"], stdout=subprocess.PIPE, text=True,
                              env=self.environment) as kept:
            self.addCleanup(kept.kill)
            told = ""
            while "openssl s_client" not in told:
                line = kept.stdout.readline()
                self.assertTrue(line, told)
                told += line
            password = re.search(r"user demo, password (\S+)", told)[1]
            port = int(re.search(r"nc -C 127\.0\.0\.1 (\d+)\s+a1 LOGIN", told)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                line.sendall(f"a1 LOGIN demo {password}\r\na2 SELECT INBOX\r\na3 FETCH 1 (FLAGS ENVELOPE)\r\n"
                             "a4 LOGOUT\r\n".encode())
                heard = b""
                while piece := line.recv(65536):
                    heard += piece
            for tag in (b"a1 OK", b"a2 OK", b"a3 OK", b"a4 OK", b" ENVELOPE ("):
                self.assertIn(tag, heard)
            kept.send_signal(signal.SIGTERM)
            self.assertIn(kept.wait(10), (0, 130))
        self.assertEqual(os.listdir(self.home), [])


class OverDovecot(unittest.TestCase):

    def told(self, *more):
        """What the demo says of the sample mailbox and these messages: {line: (POP3, IMAP)}."""
        made = harness.sample.messages() + list(more)
        out = io.StringIO()
        with unittest.mock.patch.object(harness.sample, "messages", lambda: made), contextlib.redirect_stdout(out), \
                unittest.mock.patch.object(sys, "argv", ["dovecot_demo.py", harness.PROGRAM, "--json"]):
            self.assertEqual(demo.main(), 0)
        return {row["what"]: (row["pop3"], row["imap"]) for row in map(json.loads, out.getvalue().splitlines())}

    @staticmethod
    def numbers(cells):
        return [[int(number) for number in re.findall(r"\d+", cell)] for cell in cells]

    def test_one_message_more_changes_the_figures(self):
        usual = self.told()
        total = len(harness.sample.messages())
        self.assertEqual(usual["first download"][1], f"{total} of {total} messages")
        extra = harness.sample.Message("INBOX", "Subject: 会议\r\n\r\nextra\r\n".encode(), ["\\Flagged"], ["later"],
                                       harness.sample.LAST_DATE, "extra")
        changed = self.told(extra)
        self.assertEqual(set(usual), set(changed))
        for line, growth in (("first download", [[1, 1], [1, 1]]), ("same octets as the server sends", [[1, 1], [1, 1]]),
                             ("flags and keywords carried over", [[0, 2], [2, 2]]), ("search 会议", [[1], [1]])):
            before, after = self.numbers(usual[line]), self.numbers(changed[line])
            self.assertEqual([[a - b for a, b in zip(*pair)] for pair in zip(after, before)], growth, line)


if __name__ == "__main__":
    harness.main()
