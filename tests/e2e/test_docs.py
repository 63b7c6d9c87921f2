#!/usr/bin/env python3
"""What the documentation shows of the configuration is taken by the program."""

import os
import re

import harness

TOP = os.path.join(harness.HERE, "..", "..")
ROW = re.compile(r"^\| `([a-z_]+)` \|.*\| `([^`]+)` \|$", re.M)


def page(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


class Configuration(harness.Case):

    def take(self, text, accounts):
        self.home.write(text)
        self.assertEqual(len(self.lines("account", "list")), accounts, text)

    def test_the_files_that_are_shown_are_taken(self):
        blocks = [block for name in ("README.md", "docs/configuration.md")
                  for block in re.findall(r"^```toml\n(.*?)^```$", page(name), re.M | re.S)]
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            self.take(block, block.count("[account."))

    def test_the_example_of_every_key_is_taken(self):
        rows = ROW.findall(page("docs/configuration.md"))
        self.assertGreater(len(rows), 20)
        for key, example in rows:
            example = example.replace("0011…", "00112233" * 8)
            if key == "jobs":
                self.take(example + "\n", 0)
                continue
            scheme = "pop3s" if key == "leave" else "imaps"
            remote = "" if key == "remote" else f'remote = "{scheme}://me@mail.example.org"\n'
            self.take(f"[account.a]\n{remote}{example}\n", 1)


if __name__ == "__main__":
    harness.main()
