#!/usr/bin/env python3
"""The dialogues of docs/protocols.md and its translation are those that `--trace` prints today.

python3 tests/e2e/test_dialogues.py --write puts today's into both pages.
"""

import os
import re
import socket
import sys

import harness

PAGES = [os.path.join(harness.HERE, "..", "..", "docs", name) for name in ("protocols.md", "protocols.zh.md")]
MAIL = b"""From: Anna Example <anna@example.org>
To: sample@example.org
Date: Mon, 8 Jan 2024 09:30:00 +0100
Subject: %s
Message-ID: <1@example.org>

At noon?
.
"""
# What a reader needs of the long lists; the others are an ellipsis.
SHOWN = {"IMAP4rev1", "SASL-IR", "ID", "ENABLE", "IDLE", "STARTTLS", "AUTH=PLAIN", "AUTH=SCRAM-SHA-256", "CONDSTORE",
         "QRESYNC", "LIST-STATUS", "SPECIAL-USE"}
# What differs from run to run.
CHANGING = [(re.compile(pattern), text) for pattern, text in (
    (r"^\d+\.\d+ ", "0.000 "), (r"<[0-9a-f.]+\.[^>]*@[^>]*>", "<…>"), (r"(127\.0\.0\.1|\[::1\]|::1):\d+", "…"),
    (r"expires [-\d: ]+UTC", "expires …"), (r"\(\d+\.\d+( \+ \d+\.\d+)* secs\)", "(…)"),
    (r"UIDVALIDITY \d+", "UIDVALIDITY …"), (r"^(\S+ S: \d) [0-9a-f]{16}$", r"\1 …"))]


def without_long_lists(line):
    if "CAPABILITY " not in line:
        return line
    before, words = line.split("CAPABILITY ", 1)
    words, bracket, behind = words.partition("]")
    kept = []
    for word in words.split():
        if word in SHOWN:
            kept.append(word)
        elif kept[-1:] != ["…"]:
            kept.append("…")
    return before + "CAPABILITY " + " ".join(kept) + bracket + behind


def blocks(page):
    """The dialogues of a page that --trace printed: those whose lines begin with their times."""
    return [found for found in re.findall(r"^```\n(.*?)^```$", page, re.M | re.S) if re.match(r"\d+\.\d+ ", found)]


def comparable(block):
    """What C said and what S said, each in its order: how the two interleave is a matter of moments."""
    lines = block.splitlines()
    for pattern, text in CHANGING:
        lines = [pattern.sub(text, line) for line in lines]
    return {speaker: [line for line in lines if line.startswith(f"0.000 {speaker}")] for speaker in "CS*"}


class Dialogues(harness.Case):

    def traced(self, protocol, **keys):
        name = protocol[:4]
        with harness.dovecot.Dovecot(greeting="Dovecot ready.") as server:
            for number, subject in enumerate((b"Lunch", b"Re: Lunch")):
                octets = (MAIL % subject).replace(b"\n", b"\r\n")
                server.deliver(octets, flags=["\\Seen"] if number else [], date=1_704_702_600 + 100 * number)
            self.home.connect(name, server, protocol, **keys)
            done = self.run_it("--trace", "sync", name)
            self.assertNotIn(server.password, done.err)
        lines = [line for line in done.err.splitlines() if re.match(r"\d+\.\d+ ", line)]
        return "".join(without_long_lists(line).replace(socket.gethostname(), "mail") + "\n" for line in lines)

    def today(self):
        return [self.traced("pop3s", leave="never", auth="USER"), self.traced("imap+starttls")]

    def test_both_pages_show_what_the_program_prints(self):
        today = self.today()
        for path in PAGES:
            with open(path, encoding="utf-8") as file:
                shown = blocks(file.read())
            self.assertEqual(len(shown), len(today), path)
            for one, other in zip(shown, today):
                self.assertEqual(comparable(one), comparable(other),
                                 f"{path}: python3 tests/e2e/test_dialogues.py --write puts today's in")


def write():
    case = Dialogues()
    case.setUp()
    try:
        today = case.today()
    finally:
        case.doCleanups()
    for path in PAGES:
        with open(path, encoding="utf-8") as file:
            page = file.read()
        for old, new in zip(blocks(page), today):
            page = page.replace(old, new)
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        harness.main()
