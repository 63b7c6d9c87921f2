#!/usr/bin/env python3
"""What a person at a terminal sees of a sync: the board moves, and when it is gone nothing of it is left and
nothing else is missing. The terminal is a tmux without a client."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import harness
from harness import sample

import relay  # noqa: E402  (harness puts tests/support on the path)

MESSAGES = 1500
OCTETS = 3000  # of each
PACE = 2_500_000  # octets a second: the mirror of 4.5 MB is watched for some two seconds
BOARD = re.compile(r"^\w+ +(connecting|looking|indexing|.*\d+ %)")


class Terminal:
    """A window in which a command runs; `rc=N` stands below what it printed."""

    def __init__(self, home, arguments, columns, rows):
        self.folder = tempfile.mkdtemp(dir=home.folder)
        self._socket = os.path.join(self.folder, "tmux")
        self._log = os.path.join(self.folder, "log")
        words = " ".join(shlex.quote(word) for word in (harness.PROGRAM, "--config", home.config) + arguments)
        environment = {**home.environment, "TERM": "xterm-256color", "SHELL": "/bin/sh"}
        subprocess.run(self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                                  f"trap : INT; {words}; echo rc=$?; exec cat", ";",
                                  "pipe-pane", f"cat > {shlex.quote(self._log)}"), env=environment, cwd=home.folder, check=True)

    def _tmux(self, *words):
        return ["tmux", "-u", "-S", self._socket, *words]

    def _ask(self, *words):
        return subprocess.run(self._tmux(*words), stdout=subprocess.PIPE, check=True).stdout.decode()

    def close(self):
        subprocess.run(self._tmux("kill-server"), check=False, stderr=subprocess.DEVNULL)

    def resize(self, columns, rows):
        # tmux breaks the lines anew a little before it tells the program: what is drawn in between would stay.
        shell = self._ask("display-message", "-p", "#{pane_pid}").strip()
        with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
            program = int(file.read().split()[0])
        os.kill(program, signal.SIGSTOP)
        self._ask("resize-window", "-x", str(columns), "-y", str(rows))
        time.sleep(0.3)
        os.kill(program, signal.SIGCONT)

    def type(self, *keys):
        self._ask("send-keys", *keys)

    def rows(self):
        """The rows of the window and of what scrolled out of it, as they stand."""
        return self._ask("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")

    def all_that_was_written(self):
        with open(self._log, encoding="utf-8") as file:
            return file.read()

    def lines(self):
        """The same, with broken lines whole again."""
        return [line.rstrip() for line in self._ask("capture-pane", "-p", "-J", "-S", "-").rstrip("\n").split("\n")]

    def wait_for(self, pattern, seconds=60):
        """Until a row says this; every distinct screen that was seen up to then."""
        seen, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            rows = self.rows()
            if not seen or rows != seen[-1]:
                seen.append(rows)
            if any(re.search(pattern, row) for row in rows):
                return seen
            time.sleep(0.02)
        raise AssertionError(f"nothing says {pattern}: {self.rows()}")


class Sync(harness.Case):

    @classmethod
    def setUpClass(cls):
        cls.server = harness.dovecot.Dovecot()
        sample.deliver_bulk(cls.server, MESSAGES, OCTETS)
        cls.server.start()
        cls.relay = relay.Relay(cls.server.ports["imaps"], pace=PACE)

    @classmethod
    def tearDownClass(cls):
        cls.relay.close()
        cls.server.stop()

    def setUp(self):
        super().setUp()
        self.add("bulk", self.relay.port)

    def add(self, name, port, **keys):
        self.home.add(name, f"imaps://{self.server.user}@localhost:{port}",
                      **{"password": self.server.password, "tls_ca": self.server.ca_file, **keys})

    def start(self, *arguments, columns=100, rows=20):
        terminal = Terminal(self.home, arguments, columns, rows)
        self.addCleanup(terminal.close)
        return terminal

    def assert_whole(self, terminal, status, *patterns):
        """All that is left on the screen: these lines, each whole, and the exit status."""
        lines = terminal.lines()
        self.assertEqual(len(lines), len(patterns) + 1, lines)
        for line, pattern in zip(lines, patterns + (f"rc={status}",)):
            self.assertRegex(line, f"^{pattern}$", lines)

    def assert_one_row_each(self, screens):
        """No line of the board is broken or there twice."""
        for rows in screens:
            names = [row.split()[0] for row in rows if BOARD.match(row)]
            self.assertEqual(len(names), len(set(names)), rows)
            for row in rows:
                if "%" in row:
                    self.assertRegex(row, BOARD, rows)

    REFUSED = (r"twinbox: bad: login refused by localhost: \"\[AUTHENTICATIONFAILED\] Authentication failed\.\"",
               r" {9}check the user name and the password; .*\(docs/protocols\.md\)")
    DONE = r"bulk +1,500 new, 1 folder made +\d+\.\d s"

    def test_the_error_of_one_account_and_the_result_of_another_stay_whole(self):
        self.add("bad", self.server.ports["imaps"], password="wrong one")
        for columns in (100, 60, 45):
            self.home.accounts["bulk"]["store"] = self.home.store(f"bulk-{columns}")
            self.home.add("bulk", **self.home.accounts["bulk"])
            terminal = self.start("sync", columns=columns)
            screens = terminal.wait_for("^rc=")
            self.assertTrue(any("%" in row for rows in screens for row in rows), "the board was seen")
            self.assert_one_row_each(screens)
            self.assert_whole(terminal, harness.SOME_FAILED, *self.REFUSED, self.DONE)
            self.assertRegex(terminal.rows()[-2], self.DONE, "in one row")

    def test_after_the_mirror_it_says_that_it_indexes(self):
        server = harness.dovecot.Dovecot()
        sample.deliver_bulk(server, 400, OCTETS)  # more than 500 would be left to the first search
        server.start()
        self.addCleanup(server.stop)
        line = relay.Relay(server.ports["imaps"], pace=PACE)
        self.addCleanup(line.close)
        self.home.add("few", f"imaps://{server.user}@localhost:{line.port}", password=server.password, tls_ca=server.ca_file)
        terminal = self.start("sync", "few")
        terminal.wait_for("^rc=")
        written = terminal.all_that_was_written()
        carried, indexed = re.search("few +[█▏▎▍▌▋▊▉]", written), written.find("few   indexing")
        self.assertTrue(carried and carried.start() < indexed, written)

    def test_the_other_commands_leave_nothing_of_their_board(self):
        self.sync("bulk")
        place = os.path.join(self.home.folder, "eml")
        for arguments, *patterns in (
                (("verify", "bulk"), r"bulk  1,500 messages, \d\.\d MB: every octet is as it came"),
                (("export", "bulk", "--eml", place), r"bulk  1,500 messages written, \d\.\d MB"),
                (("compact", "bulk", "--force"), r"bulk  nothing to give back, .*"),
                (("verify", "bulk", "--rebuild", "--force"), r"bulk  1,500 messages found, .*", r"the old index is kept as .*")):
            terminal = self.start(*arguments)
            terminal.wait_for("^rc=")
            self.assert_whole(terminal, harness.DONE, *patterns)

    def test_a_window_that_is_made_narrower_and_wider_keeps_nothing_stale(self):
        self.add("bad", self.server.ports["imaps"], password="wrong one")
        terminal = self.start("sync")
        terminal.wait_for(r"\d %")
        for columns in (60, 33, 90):
            terminal.resize(columns, 20)
            time.sleep(0.2)
        terminal.wait_for("^rc=")
        self.assert_whole(terminal, harness.SOME_FAILED, *self.REFUSED, self.DONE)

    def test_more_accounts_than_the_window_has_rows(self):
        for number in range(9):
            self.add(f"a{number}", self.server.ports["imaps"], password="wrong one")
        terminal = self.start("sync", "--jobs", "10", rows=5)
        terminal.wait_for("^rc=")
        lines = terminal.lines()
        self.assertEqual([line for line in lines if BOARD.match(line)], [], lines)
        self.assertEqual(len([line for line in lines if line.startswith("twinbox: a")]), 9, lines)
        self.assertEqual(len([line for line in lines if re.fullmatch(self.DONE, line)]), 1, lines)

    def test_a_question_is_not_written_over(self):
        self.add("asked", self.server.ports["imaps"], password=None)
        self.add("bad", self.server.ports["imaps"], password="wrong one")
        terminal = self.start("sync", "bulk", "bad", "asked")
        terminal.wait_for("Password of asked")
        question = terminal.lines()
        self.assertRegex(question[-1], r"^Password of asked \(sample at localhost\):$")
        time.sleep(1)  # the failure of one account and the mail of another come meanwhile
        self.assertEqual(terminal.lines(), question)
        terminal.type("-l", "wrong one")
        terminal.type("Enter")
        terminal.wait_for("^rc=")
        lines = terminal.lines()
        self.assertEqual(lines[:len(question)], question)
        self.assertEqual([line for line in lines if BOARD.match(line)], [], lines)
        for pattern in (self.REFUSED[0], r"twinbox: asked: .*refused.*", self.DONE):
            self.assertEqual(len([line for line in lines if re.fullmatch(pattern, line)]), 1, (pattern, lines))

    def test_an_interrupt_leaves_one_line_and_what_came_so_far(self):
        terminal = self.start("sync")
        terminal.wait_for(r"\d\d %")
        terminal.type("C-c")
        terminal.wait_for("^rc=", seconds=20)
        self.assert_whole(terminal, 130, r"twinbox: bulk: stopped")
        kept = len(self.ls("bulk"))
        self.assertLess(kept, MESSAGES)
        terminal = self.start("sync")
        terminal.wait_for("^rc=")
        self.assert_whole(terminal, harness.DONE, rf"bulk +{MESSAGES - kept:,} new.* +\d+\.\d s")
        self.assertEqual(len(self.ls("bulk")), MESSAGES)

    def test_an_interrupt_at_the_question_says_stopped(self):
        self.add("asked", self.server.ports["imaps"], password=None)
        terminal = self.start("sync", "asked")
        terminal.wait_for("Password of asked")
        terminal.type("C-c")
        terminal.wait_for("^rc=", seconds=20)
        self.assert_whole(terminal, 130, r"Password of asked \(sample at localhost\):.*", r"twinbox: asked: stopped")


if __name__ == "__main__":
    if subprocess.run(["tmux", "-V"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit("tmux is not installed: run tools/dev setup")
    harness.main()
