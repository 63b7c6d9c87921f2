#!/usr/bin/env python3
"""kill -9 at random moments of a sync of 2,000 messages, again and again until it is through.

After the last resume the export equals the undisturbed one's, and all that was fetched is at most 110 % of the mailbox
and 1 MB a kill: what came is stored while more comes, so that a kill takes little away. That is measured on a line of
64 Mbit/s. Where mail comes faster than the disk stores it, more of it is in memory; syncs killed there are compared, too,
but what they fetched is not held against them.
"""

import collections
import os
import random
import tempfile
import time

import twins
import harness
from harness import sample
from twins import ACCOUNT, KINDS, LONG

SEED = 20_260_302
MESSAGES = 2000
KILLS = 200 if LONG else 70
SHARE, A_KILL = 1.10, 1_000_000
PACE = 8_000_000  # bytes a second
FAST_EVERY = 4  # syncs, of which one has no pace
MOST_KILLS = 12  # of one sync: each that resumes by POP3 with leave="never" asks for the headers of what came before


class Moment(collections.namedtuple("Moment", "unit amount")):
    """When a run is killed: after so many bytes of the server's, or so many seconds after its start."""

    @staticmethod
    def chosen(chance, left, seconds):
        """Within what is left to fetch, or within the time of an undisturbed run: early ones more often, so that a sync
        is killed many times before it is through, and every fourth anywhere."""
        share = chance.random() ** (1 if chance.random() < 0.25 else 4)
        if chance.random() < 0.5:
            return Moment("bytes", int(left * share))
        return Moment("seconds", seconds * share)


class Kills(twins.Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = twins.anybodys_dovecot()
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.octets = [octets for octets, _ in sample.bulk(MESSAGES)]
        for number, octets in enumerate(cls.octets):
            cls.server.deliver(octets, date=1_600_000_000 + number, user="filled")
        cls.server.imap("filled").logout()
        cls.template = cls.server.maildir(user="filled")

    def export(self, seat):
        place = tempfile.mkdtemp(dir=seat.home.folder)
        done = seat.home.run("export", ACCOUNT, "--eml", place)
        self.assertEqual(done.status, harness.DONE, done.err)
        found = collections.Counter()
        for parent, _, names in os.walk(place):
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    found[harness.digest(file.read())] += 1
        return found

    def killed_at(self, seat, moment):
        """Whether the kill came before the end of the run."""
        child = seat.start("sync")
        seat.cutter.aim(None)
        try:
            if moment.unit == "bytes":
                seat.cutter.watch = lambda passed: child.kill() if passed >= moment.amount else None
            else:
                try:
                    child.wait(moment.amount)
                except harness.subprocess.TimeoutExpired:
                    child.kill()
            _, err = child.communicate(timeout=harness.SECONDS)
        finally:
            seat.cutter.watch = None
            child.kill()
        seat.cutter.settle()
        if child.returncode == -9:
            return True
        self.assertEqual(child.returncode, harness.DONE, err)
        return False

    def undisturbed(self, seat):
        seat.put(self.template)
        start = time.monotonic()
        self.assertEqual(seat.sync().status, harness.DONE)
        seconds = time.monotonic() - start
        exported, state, whole = self.export(seat), seat.local(), seat.cutter.octets
        self.assertEqual(exported, collections.Counter(harness.digest(one) for one in self.octets))
        return exported, state, whole, seconds

    def kill_until_through(self, seat, chance, undisturbed):
        """One sync of all, killed until a run comes to its end. Returns kills and bytes."""
        exported, state, whole, seconds = undisturbed
        if seat.cutter.pace:
            seconds = whole / seat.cutter.pace
        seat.put(self.template)
        kills, fetched, killed = 0, 0, True
        while killed:
            left = max(whole - fetched, whole // 20)
            moment = Moment.chosen(chance, left, seconds)
            killed = self.killed_at(seat, moment if kills < MOST_KILLS else Moment("bytes", 1 << 62))
            fetched += seat.cutter.octets
            kills += killed
            self.assert_nothing_lost(seat, [("", "", one) for one in exported.elements()])
        self.assertEqual(self.export(seat), exported)
        self.assertEqual(seat.local(), state)
        self.assert_finished(seat)
        return kills, fetched

    def kill_again_and_again(self, kind):
        chance = random.Random(f"{SEED}{kind.name}")
        seat = twins.DovecotSeat(kind, self.server, 0)
        self.addCleanup(seat.close)
        start = time.monotonic()
        undisturbed = self.undisturbed(seat)
        whole = undisturbed[2]
        kills = fast = syncs = fetched = allowed = 0
        while kills + fast < KILLS:
            syncs += 1
            seat.cutter.pace = PACE if syncs % FAST_EVERY else None
            here, octets = self.kill_until_through(seat, chance, undisturbed)
            if seat.cutter.pace:
                kills, fetched, allowed = kills + here, fetched + octets, allowed + SHARE * whole + here * A_KILL
            else:
                fast += here
        print(f"{kind.name}: {kills} kills and {fast} without pace, in {syncs} syncs of {MESSAGES} messages; "
              f"{fetched / 1e6:.1f} MB fetched, {allowed / 1e6:.1f} allowed; {time.monotonic() - start:.1f} s", flush=True)
        self.assertLessEqual(fetched, allowed)

    def test_a_mirror_killed_again_and_again(self):
        self.in_turns(KINDS, [0, 1, 2], lambda _, number: self.kill_again_and_again(KINDS[number]))


if __name__ == "__main__":
    harness.main()
