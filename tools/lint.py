#!/usr/bin/env python3
"""The parts of `tools/dev lint` that a shell does badly.

    lint.py --python FILE…     every Python file parses
    lint.py --tidy BUILD       clang-tidy over BUILD/compile_commands.json, in parallel

clang-tidy takes seconds a file, so a clean result is remembered in BUILD/tidy under the hash of all that
it depends on: the file, the project's headers that it includes, the command, the checks.
"""

import ast
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import subprocess
import sys

TIDY = "clang-tidy-19"
# The analyzer walks every path of every GoogleTest macro: minutes for nothing.
NOT_FOR_TESTS = "-clang-analyzer-*,-bugprone-throwing-static-initialization,-bugprone-use-after-move"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.M)


def check_python(files):
    wrong = 0
    for name in files:
        try:
            with open(name, "rb") as file:
                ast.parse(file.read(), name)
        except SyntaxError as error:
            print(f"{name}:{error.lineno}: {error.msg}")
            wrong = 1
    return wrong


@functools.lru_cache(maxsize=None)
def own_headers(path):
    """(digest of the file, the project's files that it includes)."""
    with open(path, "rb") as file:
        octets = file.read()
    found = [name.decode() for name in INCLUDE.findall(octets)]
    return hashlib.sha256(octets).hexdigest(), tuple(name for name in found if os.path.exists(name))


def key(entry, version):
    """Hash of everything that clang-tidy's verdict on a file depends on, system headers apart."""
    digest = hashlib.sha256()
    for part in (version, entry.get("command", ""), NOT_FOR_TESTS, open(".clang-tidy", encoding="utf-8").read()):
        digest.update(part.encode() + b"\0")
    seen, pending = set(), [os.path.relpath(entry["file"])]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        pending += own_headers(path)[1]
    for path in sorted(seen):
        digest.update(f"{path} {own_headers(path)[0]}\n".encode())
    return digest.hexdigest()


def tidy_one(build, entry, mark):
    name = os.path.relpath(entry["file"])
    command = [TIDY, "--quiet", "-p", build]
    if name.startswith(("tests/", "bench/")):
        command.append(f"--checks={NOT_FOR_TESTS}")
    done = subprocess.run(command + [name], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        with open(mark, "w", encoding="ascii"):
            pass
        return ""
    words = done.stdout.strip() or done.stderr.strip() or f"{name}: clang-tidy failed"
    return words + "\n"


def check_tidy(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = {entry["file"]: entry for entry in json.load(file)}.values()
    version = subprocess.run((TIDY, "--version"), capture_output=True, text=True, check=True).stdout
    marks = os.path.join(build, "tidy")
    os.makedirs(marks, exist_ok=True)
    current = {os.path.join(marks, key(entry, version)): entry for entry in entries if os.path.exists(entry["file"])}
    for name in os.listdir(marks):
        if os.path.join(marks, name) not in current:
            os.unlink(os.path.join(marks, name))
    todo = {mark: entry for mark, entry in current.items() if not os.path.exists(mark)}
    if todo:
        print(f"clang-tidy: {len(todo)} of {len(current)} files", flush=True)
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for words in pool.map(lambda item: tidy_one(build, item[1], item[0]), todo.items()):
            if words:
                print(words, end="", flush=True)
                wrong = 1
    return wrong


def main():
    if len(sys.argv) >= 2 and sys.argv[1] == "--python":
        return check_python(sys.argv[2:])
    if len(sys.argv) == 3 and sys.argv[1] == "--tidy":
        return check_tidy(sys.argv[2])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
