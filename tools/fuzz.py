#!/usr/bin/env python3
"""Runs the fuzz targets of a build: one a core, each so many minutes, from its seeds and what earlier runs found.

tools/fuzz.py BUILD [MINUTES] [REGEX]

A line a target: how much it was fed, how far it came, what its slowest input cost byte by byte against the average, and
what it found. Finds are in BUILD/fuzz/finds: NAME-crash-…, NAME-timeout-…, NAME-slowest; what was met on the way is in
BUILD/fuzz/met, where the next run goes on. Ends with 1 if there was a find, or an input that costs too much.
"""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "..", "tests", "fuzz")
MINUTES = 5
# Long enough for a table of a thousand rows, short enough that five minutes are not spent on few huge inputs.
LONGEST_INPUT = 16 << 10
# By the clock on the wall, which counts what else the machine does: only what does not end is meant.
SECONDS_AN_INPUT = 120
# A target starts and writes its last words beside its minutes; one that hangs is ended.
SECONDS_BESIDE = 180
FINDS = ("crash", "leak", "timeout", "oom")


def targets(build, pattern):
    folder = os.path.join(build, "tests", "fuzz")
    names = sorted(name[5:] for name in os.listdir(folder) if re.fullmatch(r"fuzz_[a-z0-9_]+", name)
                   and os.access(os.path.join(folder, name), os.X_OK))
    return [name for name in names if re.search(pattern, name)]


class Run:
    """One target at work; its output goes into a file."""

    def __init__(self, build, name, seconds):
        self.name, self.seconds = name, seconds
        base = os.path.join(build, "fuzz")
        self.finds = os.path.join(base, "finds")
        met = os.path.join(base, "met", name)
        for folder in (self.finds, met):
            os.makedirs(folder, exist_ok=True)
        self.before = set(os.listdir(self.finds))
        self.log = os.path.join(base, f"{name}.log")
        command = [os.path.join(build, "tests", "fuzz", f"fuzz_{name}"), met, os.path.join(SOURCES, "seeds", name),
                   f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", "-len_control=20",
                   f"-timeout={SECONDS_AN_INPUT}", f"-report_slow_units={SECONDS_AN_INPUT}",
                   "-print_final_stats=1", f"-artifact_prefix={self.finds}/{name}-"]
        words = os.path.join(SOURCES, f"{name}.dict")
        if os.path.exists(words):
            command.append(f"-dict={words}")
        environment = dict(os.environ, TWINBOX_FUZZ_SLOWEST=os.path.join(self.finds, f"{name}-slowest"))
        self.deadline = time.monotonic() + seconds + SECONDS_BESIDE
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def over(self):
        if self.process.poll() is None and time.monotonic() > self.deadline:
            self.end()
        return self.process.poll() is not None

    def end(self):
        self.process.kill()
        self.process.wait()

    def result(self):
        """Whether it is fine, and its line."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        number = lambda pattern: int((re.findall(pattern, text) or ["0"])[-1])
        inputs = number(r"stat::number_of_executed_units:\s+(\d+)")
        cost = re.findall(r"cost: .* average, ([\d.]+) the slowest of (\d+) bytes, ([\d.]+) times the average(.*)", text)
        found = sorted(name for name in os.listdir(self.finds) if name not in self.before
                       and name.startswith(tuple(f"{self.name}-{kind}" for kind in FINDS)))
        slow = bool(cost and cost[-1][3])
        fine = self.process.returncode == 0 and not found and not slow and inputs > 0
        words = [f"{self.name:<20}", f"{inputs:>11,} inputs", f"{inputs // max(self.seconds, 1):>7,}/s",
                 f"{number(r' cov: ([0-9]+)'):>6,} edges"]
        if cost:
            words.append(f"slowest {float(cost[-1][2]):5.1f} x the average ({int(cost[-1][1]):,} bytes)")
        words.append("TOO SLOW" if slow else "no find" if fine else "finds: " + (", ".join(found) or f"see {self.log}"))
        return fine, "  ".join(words)


def main(arguments):
    build = os.path.abspath(arguments[0])
    rest = arguments[1:]
    minutes = float(rest.pop(0)) if rest and re.fullmatch(r"\d+(\.\d+)?", rest[0]) else MINUTES
    waiting = targets(build, rest.pop(0) if rest else "")
    if rest or not waiting:
        print("tools/dev: no fuzz target matches" if not rest else f"tools/dev: fuzz does not know {rest[0]}", file=sys.stderr)
        return 2
    cores = os.cpu_count() or 1
    print(f"fuzz: {len(waiting)} targets, {minutes:g} minutes each, {cores} at a time", flush=True)
    running, fine = [], True
    try:
        while waiting or running:
            while waiting and len(running) < cores:
                running.append(Run(build, waiting.pop(0), max(1, int(minutes * 60))))
            time.sleep(0.2)
            for run in [each for each in running if each.over()]:
                running.remove(run)
                good, line = run.result()
                fine = fine and good
                print(line, flush=True)
    finally:
        for run in running:
            run.end()
    print(f"fuzz: {'no finds' if fine else 'finds are in ' + os.path.join(build, 'fuzz', 'finds')}")
    return 0 if fine else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
