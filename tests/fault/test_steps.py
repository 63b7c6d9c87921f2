#!/usr/bin/env python3
"""A sync that is killed before any of its steps is finished by the next one: as if nobody had disturbed it."""

import itertools
import sys

import faults
import trial
from faults import KILLED


class Killed(trial.Case):

    def kill(self, one, step):
        """Whether the sync came to that step, and its steps until then."""
        done, steps = one.home.steps(*one.command, kill=step)
        self.assertIn(done.status, (0, KILLED), done.err)
        if done.status == KILLED:
            self.assertEqual(len(steps), step - 1, "nothing behind the step was done")
        return done.status == KILLED, steps

    def everywhere(self, kind, again):
        """Killed at step 1, 2, 3 … until it comes to its end; or at a sample of them."""
        one, wrong, killed = self.begin(kind, again), [], 0
        chosen = faults.sampled(range(1, len(one.steps) + 1), kind.sample, one.title)
        every = len(chosen) == len(one.steps)
        for step in itertools.count(1) if every else chosen + [len(one.steps) + 100]:
            one.begin()
            was_killed, steps = self.kill(one, step)
            if complaint := one.what_is_wrong():
                wrong.append(f"killed before step {step}, behind {steps[-1:]}: {complaint}")
            if not was_killed:
                break
            killed += 1
        passed = f"{len(steps)} steps passed" + ("" if every else ", a sample")
        print(f"\n{one.title}: {killed} steps killed of {passed}", file=sys.stderr)
        self.complain(wrong)
        self.assertEqual(killed, len(steps) if every else len(chosen))

    def twice(self, kind, again):
        """The sync that finishes a killed one is killed too; the third finishes both."""
        one, wrong, killed = self.begin(kind, again), [], 0
        for first in faults.sampled(range(1, len(one.steps) + 1), 12, one.title, always=True):
            one.begin()
            self.kill(one, first)
            self.room.settle()
            _, steps = one.home.steps(*one.command)
            for second in faults.sampled(range(1, len(steps) + 1), 2, one.title, first):
                one.begin()
                self.kill(one, first)
                self.room.settle()
                was_killed, _ = self.kill(one, second)
                self.assertTrue(was_killed, f"{second} of {len(steps)} steps behind {first}")
                killed += 1
                if complaint := one.what_is_wrong():
                    wrong.append(f"killed before step {first}, then before step {second}: {complaint}")
        print(f"\n{one.title}: {killed} steps of the recovery killed", file=sys.stderr)
        self.complain(wrong)


def add_tests():
    """Two tests for each kind of account, in its first sync and in a later one."""
    for kind in trial.KINDS + trial.OTHERS:
        for again in kind.times:
            which = trial.words(kind, again)
            setattr(Killed, f"test_a_{which}_killed_at_any_step_is_finished_by_the_next",
                    lambda self, kind=kind, again=again: self.everywhere(kind, again))
            setattr(Killed, f"test_a_{which}_killed_twice_is_finished_by_the_third",
                    lambda self, kind=kind, again=again: self.twice(kind, again))


if __name__ == "__main__":
    add_tests()
    faults.main()
