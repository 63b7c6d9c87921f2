#!/usr/bin/env python3
"""Plants the bugs of bugs.toml, one at a time, in a copy of the tree: each must be caught by its tests.

    tests/planted/plant.py [NAME…]      `tools/dev planted` calls it

The copy and its build (preset dev) are in build/planted and stay there for the next time.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PLACE = os.path.join(TOP, "build", "planted")
TREE = os.path.join(PLACE, "tree")
BUILD = os.path.join(TREE, "build", "dev")
sys.path.insert(0, os.path.join(TOP, "tests", "layers"))

import tree  # noqa: E402  (of tests/layers)

SECONDS = 1800  # for one test: several times what the slowest takes


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def copy_tree():
    """Files that did not change keep their time, so that they are not built again."""
    names = set(tree.files(TOP))
    for name in names:
        source, copy = os.path.join(TOP, name), os.path.join(TREE, name)
        if os.path.islink(source) or not os.path.isfile(source):
            continue
        with open(source, "rb") as file:
            octets = file.read()
        if os.path.exists(copy):
            with open(copy, "rb") as file:
                if file.read() == octets:
                    continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(source, copy)
    for name in tree.files(TREE):
        if name not in names:
            os.remove(os.path.join(TREE, name))


def program_of(test):
    """The program of a GoogleTest: its folder below tests says."""
    suite, case = test.split(".")
    pattern = re.compile(rf"^TEST(_F|_P)?\(\s*{suite},\s*{case}\s*\)", re.M)
    for name in tree.files(TREE):
        if re.fullmatch(r"tests/.*\.cc", name) and pattern.search(read(os.path.join(TREE, name))):
            return "_".join(name.split("/")[1:3])
    sys.exit(f"plant: no test program has {test}")


def python_file(name):
    for path in tree.files(TREE):
        if path.startswith("tests/") and path.endswith("/" + name):
            return path
    sys.exit(f"plant: there is no {name}")


class Test:
    """How one test is built and run."""

    def __init__(self, name):
        self.name = name
        first, _, rest = name.partition(" ")
        if first.endswith(".py"):
            self.targets = {"twinbox", "fault_steps"}
            self.command = [sys.executable, "-B", python_file(first), *rest.split()]
        else:
            program = program_of(name)
            self.targets = {program}
            self.command = [os.path.join(BUILD, "tests", program), f"--gtest_filter={name}:*/{name}/*"]

    def passes(self):
        environment = dict(os.environ, TWINBOX_PROGRAM=os.path.join(BUILD, "twinbox"),
                           TWINBOX_STEPS=os.path.join(BUILD, "tests", "fault", "libfault_steps.so"))
        try:
            done = subprocess.run(self.command, cwd=TREE, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False
        said = done.stdout + done.stderr
        if re.search(r"\b0 tests (from|ran)|Ran 0 tests", said):
            sys.exit(f"plant: no test is called {self.name}")
        return done.returncode == 0


def build(targets):
    done = subprocess.run(["ninja", "-C", BUILD, *sorted(targets)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"plant: the build failed:\n{done.stdout[-3000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    bugs = tomllib.loads(read(os.path.join(TOP, "tests", "planted", "bugs.toml")))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(bugs))
    names = parser.parse_args().names or list(bugs)
    if unknown := [name for name in names if name not in bugs]:
        sys.exit(f"plant: there is no bug {unknown[0]}; the bugs are {', '.join(bugs)}")
    os.makedirs(TREE, exist_ok=True)
    copy_tree()
    subprocess.run(["cmake", "--preset", "dev"], cwd=TREE, check=True, capture_output=True)
    tests = {name: [Test(test) for test in bugs[name]["tests"]] for name in names}
    missed = 0
    for name in names:
        started = time.monotonic()
        targets = set().union(*(test.targets for test in tests[name]))
        build(targets)  # without the bug before it
        bug, path = bugs[name], os.path.join(TREE, bugs[name]["file"])
        for test in tests[name]:
            if not test.passes():
                sys.exit(f"plant: {test.name} fails without any bug")
        sound = read(path)
        if sound.count(bug["before"]) != 1:
            sys.exit(f"plant: {name}: what it changes stands {sound.count(bug['before'])} times in {bug['file']}")
        write(path, sound.replace(bug["before"], bug["after"]))
        try:
            build(targets)
            for test in tests[name]:
                caught = not test.passes()
                missed += not caught
                print(f"{'caught' if caught else 'MISSED'}  {name}  by {test.name}  "
                      f"({time.monotonic() - started:.0f} s)", flush=True)
        finally:
            write(path, sound)
    print(f"{len(names)} bugs planted, {missed} times missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
