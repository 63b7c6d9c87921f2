#!/usr/bin/env python3
"""What the documentation shows of commands and configuration is taken by the program."""

import os
import re
import shlex

import harness

TOP = os.path.join(harness.HERE, "..", "..")
ROW = re.compile(r"^\| `([a-z_]+)` \|.*\| `([^`]+)` \|$", re.M)


def page(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


class Commands(harness.Case):

    def test_the_commands_of_the_readme_are_there_with_their_options(self):
        lines = [line for block in re.findall(r"^```\n(.*?)^```$", page("README.md"), re.M | re.S)
                 for line in block.splitlines() if line.startswith("twinbox ")]
        lines += re.findall(r"`(twinbox [^`]+)`", page("README.md"))
        self.assertGreater(len(lines), 8)
        for line in lines:
            words = shlex.split(line.split(" > ")[0])[1:]
            command = words[:2] if words[0] in ("account", "folder", "schedule") else words[:1]
            offered = self.run_it(*command, "--help").out.decode()
            for option in (word for word in words if word.startswith("--")):
                self.assertRegex(offered, rf"\s{option}\b", line)

    def test_every_exit_status_stands_in_the_readme(self):
        stated = re.findall(r"^\| (\d) \|", page("README.md"), re.M)
        known = {harness.DONE, harness.USAGE, harness.SOME_FAILED, harness.AUTH, harness.NETWORK, harness.FUSE,
                 harness.IN_USE, harness.DAMAGED}
        self.assertEqual([int(one) for one in stated], sorted(known))


class Configuration(harness.Case):

    def take(self, text, accounts):
        self.home.write(text)
        self.assertEqual(len(self.lines("account", "list")), accounts, text)

    def test_the_files_that_are_shown_are_taken(self):
        blocks = [block for name in ("README.md", "docs/configuration.md")
                  for block in re.findall(r"^```toml\n(.*?)^```$", page(name), re.M | re.S)]
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            self.take(block, len(re.findall(r"^\[account\.", block, re.M)))

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
