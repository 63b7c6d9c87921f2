#!/usr/bin/env python3
"""tools/dev bench server: how fast `twinbox serve` hands mail out, beside Dovecot in the same run.

    server.py PROGRAM [--runs N] [--json]

The mailboxes are those of the table: 10,000 messages of 90 MB for bodies, 100,000 small ones for SELECT and SEARCH. Both
servers have the same octets; runs alternate, medians count. All in the clear, on loopback.
"""

import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("support", "sample", "e2e"):
    sys.path.insert(0, os.path.join(HERE, "..", "tests", folder))

# What is asked, of which mailbox, and what must be reached: a share of Dovecot's speed, or milliseconds.
Row = collections.namedtuple("Row", "name mailbox command most_ms share")
ROWS = (
    Row("bodies", "bulk", "UID FETCH 1:* (BODY.PEEK[])", None, 0.5),
    Row("flags", "small", "FETCH 1:* (UID FLAGS)", None, None),
    Row("envelopes", "bulk", "FETCH 1:* (ENVELOPE)", None, None),
    Row("structures", "bulk", "FETCH 1:* (BODYSTRUCTURE)", None, None),
    Row("select", "small", "SELECT INBOX", 10, None),
    Row("search-flag", "small", "SEARCH UNFLAGGED SEEN", 100, None),
    Row("search-keyword", "small", "SEARCH KEYWORD later", 100, None),
    Row("search-subject", "small", "SEARCH SUBJECT nowhere", 100, None),
    Row("search-from", "small", "SEARCH FROM nobody@nowhere", 100, None),
)


TAIL = 4096  # octets of an answer in which its last line is whole, capabilities and all


class Line:
    """A connection that has a mailbox open."""

    def __init__(self, contenders, end, examine=True):
        self.contenders, self.line, self.serial = contenders, contenders.line_to(end), 0
        contenders.read_until(self.line, b"\r\n")
        self.ask(f'LOGIN {end.user} "{end.password}"')
        if examine:
            self.ask("EXAMINE INBOX")

    def ask(self, command):
        """Milliseconds until the tagged answer, and octets of all that came."""
        self.serial += 1
        tag = f"x{self.serial}".encode()
        started = time.perf_counter()
        self.line.sendall(tag + b" " + command.encode() + b"\r\n")
        tail, octets, buffer = b"", 0, bytearray(1 << 20)
        while not re.search(rb"(^|\r\n)" + tag + rb" (OK|NO|BAD)[^\r\n]*\r\n$", tail):
            size = self.line.recv_into(buffer)
            if not size:
                raise self.contenders.Failed("the server closed the connection")
            octets += size
            tail = tail[-TAIL:] + bytes(buffer[max(0, size - TAIL):size])
        if b" OK" not in tail.rsplit(b"\r\n", 2)[-2]:
            raise self.contenders.Failed(tail[-200:].decode("latin-1"))
        return (time.perf_counter() - started) * 1000, octets

    def close(self):
        self.line.close()


class Served:
    """The mailbox of a user, mirrored and served by twinbox."""

    def __init__(self, contenders, runner, end):
        self.twinbox = contenders.Twinbox(runner, runner.fresh("served"), end)
        subprocess.run(self.twinbox.prepare(), env=self.twinbox.environment, check=True, capture_output=True)
        self.process = subprocess.Popen(
            [runner.program, "--config", self.twinbox.home.config, "serve", "it", "--json", "--plain", "--imap", "0",
             "--imaps", "off", "--pop3", "off", "--pop3s", "off"],
            stdout=subprocess.PIPE, text=True, env=self.twinbox.environment)
        told = json.loads(self.process.stdout.readline())
        with open(told["password_file"], encoding="ascii") as file:
            password = file.read().strip()
        self.end = contenders.Endpoint(told["endpoints"][0]["port"], False, "it", password, None, None, None, None)

    def peak(self):
        """Megabytes resident at most."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.twinbox.close()


def measure(row, ends, contenders, runs):
    """Milliseconds of each run, by server; the connections are new each time, as a client's are."""
    times, octets = {name: [] for name in ends}, {}
    for turn in range(runs + 1):
        for name, end in ends.items():
            line = Line(contenders, end, examine=not row.command.startswith("SELECT"))
            took, octets[name] = line.ask(row.command)
            line.close()
            if turn:  # the first one warms both up
                times[name].append(took)
    return times, octets


def verdict(row, medians):
    """What must be reached, whether it is, and by how much."""
    if row.share:
        reached = medians["dovecot"] / medians["twinbox"]
        return f"{reached:.2f} of Dovecot's speed, {row.share} wanted", reached >= row.share
    if row.most_ms:
        return f"{medians['twinbox']:.1f} ms, at most {row.most_ms} wanted", medians["twinbox"] <= row.most_ms
    return "", True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="a line of JSON a row")
    options = parser.parse_args()
    os.environ["TWINBOX_PROGRAM"] = os.path.abspath(options.program)
    import contenders
    import mailboxes
    from measure import Runner
    runner, wrong = Runner(options.program), 0
    with mailboxes.Mailboxes() as boxes:
        served = {}
        try:
            for user in ("bulk", "small"):
                boxes.get(user)
                served[user] = Served(contenders, runner, boxes.end(user, "imap", tls=False))
            for row in ROWS:
                ends = {"twinbox": served[row.mailbox].end, "dovecot": boxes.end(row.mailbox, "imap", tls=False)}
                times, octets = measure(row, ends, contenders, options.runs)
                medians = {name: statistics.median(values) for name, values in times.items()}
                words, met = verdict(row, medians)
                wrong |= not met
                if options.json:
                    print(json.dumps({"row": row.name, "command": row.command, "ms": times, "octets": octets,
                                      "met": met}), flush=True)
                    continue
                cells = ", ".join(f"{name} {medians[name]:.1f} ms ({min(values):.1f} to {max(values):.1f})"
                                  for name, values in times.items())
                print(f"{row.name:16}{cells}{'' if not words else '; ' + ('met' if met else 'NOT MET') + ': ' + words}",
                      flush=True)
            for user, one in served.items():
                print(f"{user}: serve had {one.peak():.0f} MB at most", file=sys.stderr)
        finally:
            for one in served.values():
                one.close()
            runner.close()
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
