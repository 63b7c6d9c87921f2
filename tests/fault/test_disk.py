#!/usr/bin/env python3
"""A disk that is full, read-only or broken, from any step on: told in a line, and made good by the next sync."""

import random
import re
import sys

import faults
import trial
from faults import ACCOUNT, LONG, SEED
from harness import DONE, SOME_FAILED

HOW = ("full", "read-only", "broken", "once")  # steps.cc

# What the line has to have in it: the system's words, or SQLite's for the same. Where neither is known, the hint says
# where to look.
REASONS = {
    "full": r"No space left on device|disk is full",
    "read-only": r"Read-only file system|readonly database",
    "broken": r"Input/output error|disk I/O error",
    "once": r"Input/output error|disk I/O error",
}


class Disk(trial.Case):

    def failing(self, one, step, how):
        """What is wrong with a sync whose disk fails like this, or with the one after it; "" for nothing."""
        one.begin()
        done, steps = one.home.steps(*one.command, fail=step, how=how)
        if complaint := self.what_is_wrong_with(done, how):
            return complaint
        # What could be done without needs no word; then nothing is missing.
        if done.status == DONE and (left := one.what_is_left()):
            return f"status 0, but {left}"
        return one.what_is_wrong()

    @staticmethod
    def what_is_wrong_with(done, how):
        # That the index was made anew is no complaint.
        said = [line for line in done.err.splitlines() if not line.startswith(f"{ACCOUNT}  its index was lost")]
        if done.status == DONE:
            return f"words on standard error: {said}" if said else ""
        if done.status != SOME_FAILED:
            return f"status {done.status}: {done.err}"
        line, *hint = said or [""]
        if not line.startswith(f"twinbox: {ACCOUNT}: ") or len(hint) > 1:
            return f"not one line: {done.err!r}"
        told = re.search(REASONS[how], line) or hint and "df -h" in hint[0]
        return "" if told else f"not the reason: {done.err}"

    def everywhere(self, kind, again):
        """Every step of the store fails: the store's own in all ways; SQLite's in one each, in a long run in all."""
        one, wrong, failed = self.begin(kind, again), [], 0
        steps = [step for step in one.steps if step.split()[1] != "-"]
        chance = random.Random(f"{SEED} {one.title}")
        chosen = faults.sampled(range(1, len(steps) + 1), kind.sample, one.title)
        for step in chosen:
            told = steps[step - 1]
            for how in HOW if LONG or " /twin.db" not in told else (chance.choice(HOW),):
                failed += 1
                if complaint := self.failing(one, step, how):
                    wrong.append(f"{how} at {told}: {complaint}")
        print(f"\n{one.title}: {failed} failures at {len(chosen)} of {len(steps)} steps of the store", file=sys.stderr)
        self.complain(wrong)

    def test_a_store_on_a_disk_that_is_read_only_from_the_start_is_left_alone_and_so_is_the_server(self):
        for kind in trial.KINDS:
            for again in (False, True):
                with self.subTest(kind=kind.name, again=again):
                    one = self.begin(kind, again)
                    one.begin()
                    before = one.on_server()
                    done, _ = one.home.steps("sync", ACCOUNT, fail=1, how="read-only")
                    self.assertEqual(done.status, SOME_FAILED, done.err)
                    self.assertRegex(done.err, rf"^twinbox: {ACCOUNT}: [^\n]*Read-only file system[^\n]*\n$")
                    self.assertEqual(one.on_server(), before)
                    self.assertEqual(one.what_is_wrong(), "")

    def test_a_disk_that_takes_nothing_keeps_nobody_from_reading(self):
        """Be the store closed as it should, or left behind by a sync that was killed in the middle."""
        one = self.begin(trial.Imap, True)
        for killed in (None, len(one.steps) // 2):
            for how in ("full", "read-only", "broken"):
                with self.subTest(killed=killed, how=how):
                    one.begin()
                    if killed:
                        one.home.steps("sync", ACCOUNT, kill=killed)
                    for command in (("ls", ACCOUNT), ("ls", ACCOUNT, "--folders"), ("show", ACCOUNT, "2"),
                                    ("verify", ACCOUNT), ("search", ACCOUNT, "--limit", "1000", faults.WORD),
                                    ("export", ACCOUNT, "--mbox", "-")):
                        done, _ = one.home.steps(*command, fail=1, how=how)
                        self.assertEqual(done.status, DONE, f"{command}: {done.err}")
                        self.assertTrue(done.out, command)
                    done, _ = one.home.steps("ls", ACCOUNT, "--json", fail=1, how=how)
                    self.assertEqual(done.out, one.home.run("ls", ACCOUNT, "--json").out, "the same as on a good disk")


def add_tests():
    """A test for each kind of account, in its first sync and in a later one."""
    for kind in trial.KINDS + trial.OTHERS:
        for again in kind.times:
            which = trial.words(kind, again)
            setattr(Disk, f"test_a_{which}_whose_disk_fails_at_any_step_says_so_and_loses_nothing",
                    lambda self, kind=kind, again=again: self.everywhere(kind, again))


if __name__ == "__main__":
    add_tests()
    faults.main()
