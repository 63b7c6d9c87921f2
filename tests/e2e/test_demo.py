#!/usr/bin/env python3
"""tools/dev demo tells what happened: its figures come from the mail, not from the script."""

import contextlib
import io
import json
import os
import re
import sys
import unittest
import unittest.mock

import harness

sys.path.insert(0, os.path.join(harness.HERE, "..", "..", "tools"))
import demo  # noqa: E402


class Demo(unittest.TestCase):

    def told(self, *more):
        """What the demo says of the sample mailbox and these messages: {line: (POP3, IMAP)}."""
        made = harness.sample.messages() + list(more)
        out = io.StringIO()
        with unittest.mock.patch.object(harness.sample, "messages", lambda: made), contextlib.redirect_stdout(out), \
                unittest.mock.patch.object(sys, "argv", ["demo.py", harness.PROGRAM, "--json"]):
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
