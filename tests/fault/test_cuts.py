#!/usr/bin/env python3
"""Connections that end before and after every line of the server's, at every byte, and inside every command.

After each cut: one clear line and status 5 (or nothing was left to do), nothing gone from the server that is not here;
the next sync brings exactly what an undisturbed one brings, and the one after that has nothing to do.
"""

import random
import time

import twins
import harness
import model
from cutter import Place
from twins import LONG, KINDS, SEATS

SEED = 20_260_301
FINISHED_EVERY = 4  # places, of which one has the sync after the next looked at too; in the long run all
DATE = "Date: Tue, 2 Jan 2024 10:00:%02d +0000\r\n"
BODIES = ("short\r\n", ".\r\n..two dots\r\n.end\r\n", "line\r\n" * 5, "")


def message(number):
    return (DATE % (number % 60) + f"Subject: n{number}\r\n\r\n{BODIES[number % len(BODIES)]}").encode()


class Scenario:
    """What is on the server and here before the sync that is cut, and after an undisturbed one."""

    def __init__(self, remote, known=False):
        self.remote, self.known = remote, known  # known: the seat's store template is here before
        self.before = self.after_local = self.after_remote = None
        self.counted = {}

    def put(self, seat):
        seat.put(self.remote, seat.store + ".template" if self.known else None)

    def undisturbed(self, case, seat):
        self.put(seat)
        self.before = seat.remote()
        seat.cutter.aim(None)
        done = seat.sync()
        case.assertEqual(done.status, harness.DONE, done.err)
        self.counted = {"line": seat.cutter.lines, "byte": seat.cutter.octets, "command": seat.cutter.commands}
        self.after_local, self.after_remote = seat.local(), seat.remote()
        case.assert_finished(seat)
        return self


class Cuts(twins.Case):

    def cut_at(self, scenario, made):
        """The work of one cut, for in_turns()."""
        def work(seat, job):
            place, how = job
            scenario.put(seat)
            seat.cutter.aim(place, how)
            done = seat.sync()
            self.assertTrue(seat.cutter.cuts, f"the place was not met: {done.err}")
            if done.status == harness.DONE:
                self.assertEqual(seat.local(), scenario.after_local, "done, it said")
            else:
                self.assert_told(done)
            self.assert_nothing_lost(seat, scenario.before[1])
            seat.cutter.aim(None)
            again = seat.sync()
            self.assertEqual(again.status, harness.DONE, again.err)
            self.assertEqual(seat.local(), scenario.after_local)
            self.assertEqual(seat.remote(), scenario.after_remote)
            if LONG or place.number % FINISHED_EVERY == 0:
                self.assert_finished(seat)
            made.append(place)
        return work

    def cut_everywhere(self, name, seats, scenario, jobs):
        made, start = [], time.monotonic()
        self.in_turns(seats, jobs, self.cut_at(scenario, made))
        print(f"{name}: {len(made)} cuts of {len(jobs)} places, {time.monotonic() - start:.1f} s", flush=True)
        self.assertEqual(len(made), len(jobs))

    @staticmethod
    def lines(scenario):
        return [(Place("line", number, side), "end") for number in range(1, scenario.counted["line"] + 1)
                for side in ("before", "after")]


class OverDovecot(Cuts):
    """A first mirror, and one of changes: what came, went, was moved, marked; a folder made and one removed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = twins.anybodys_dovecot()
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.first = cls.filled()
        cls.changed = cls.changed_since()

    @classmethod
    def filled(cls):
        for number in range(3):
            cls.server.deliver(message(number), flags=["\\Seen", "later"] if number == 1 else [],
                               date=1_600_000_000 + number, user="filled")
        for number in range(3, 5):
            cls.server.deliver(message(number), "Work", date=1_600_000_000 + number, user="filled")
        cls.server.deliver(message(5), "Old/报表", date=1_600_000_005, user="filled")
        connection = cls.server.imap("filled")  # UIDs are given now, the same for all copies
        for folder in ("INBOX", "Work", "Old/报表"):
            connection.select(harness.clients.quoted(folder))
        connection.logout()
        return cls.server.maildir(user="filled")

    @classmethod
    def changed_since(cls):
        """A copy of `first` to which another client has done something of everything."""
        twins.copy(cls.server.home("filled"), cls.server.home("changed"))
        connection = cls.server.imap("changed")
        for folder, *commands in (("INBOX", ("STORE", "2", "-FLAGS", "(\\Seen)"), ("STORE", "3", "+FLAGS", "(\\Flagged)"),
                                   ("MOVE", "3", "Work"), ("STORE", "1", "+FLAGS", "(\\Deleted)"), ("EXPUNGE", "1")),
                                  ("Work", ("STORE", "1", "+FLAGS", "(\\Answered new)"))):
            connection.select(folder)
            for name, *arguments in commands:
                kind, words = connection.uid(name, *arguments)
                assert kind == "OK", words
        connection.delete(harness.clients.quoted("Old/报表"))
        connection.create("New")
        connection.logout()
        for number in range(6, 8):
            cls.server.deliver(message(number), date=1_600_000_000 + number, user="changed")
        cls.server.deliver(message(8), "New", date=1_600_000_008, user="changed")
        return cls.server.maildir(user="changed")

    def seats(self, kind, count=SEATS, **more):
        seats = [twins.DovecotSeat(kind, self.server, f"-{self._testMethodName}-{number}", **more)
                 for number in range(count)]
        for seat in seats:
            self.addCleanup(seat.close)
        return seats

    def mirror_first(self, seat):
        """Makes a template of a store that knows `first`. A store is bound to its account: one for each seat."""
        seat.put(self.first)
        done = seat.sync()
        self.assertEqual(done.status, harness.DONE, done.err)
        twins.copy(seat.store, seat.store + ".template")

    def test_before_and_after_every_line_of_a_first_mirror(self):
        for kind in KINDS:
            seats = self.seats(kind)
            scenario = Scenario(self.first).undisturbed(self, seats[0])
            self.cut_everywhere(f"{kind.name}, first mirror, lines", seats, scenario, self.lines(scenario))

    def test_before_and_after_every_line_of_a_mirror_of_changes(self):
        for kind in KINDS:
            seats = self.seats(kind)
            for seat in seats:
                self.mirror_first(seat)
            scenario = Scenario(self.changed, known=True).undisturbed(self, seats[0])
            self.cut_everywhere(f"{kind.name}, changes, lines", seats, scenario, self.lines(scenario))

    def test_resets_at_some_lines(self):
        chance = random.Random(SEED)
        for kind in KINDS:
            seats = self.seats(kind)
            scenario = Scenario(self.first).undisturbed(self, seats[0])
            places = [place for place, _ in self.lines(scenario)]
            jobs = [(place, "reset") for place in (places if LONG else chance.sample(places, 12))]
            self.cut_everywhere(f"{kind.name}, resets", seats, scenario, jobs)

    def test_silence_ends_with_the_time_that_the_account_allows(self):
        chance = random.Random(SEED)
        for kind in KINDS:
            # The sync behind it has the same time, and a busy machine may take a second for an answer.
            seats = self.seats(kind, 4, keys={"timeout": 3})
            scenario = Scenario(self.first).undisturbed(self, seats[0])
            places = [place for place, _ in self.lines(scenario)]
            jobs = [(place, "silence") for place in chance.sample(places, 40 if LONG else 8)]
            self.cut_everywhere(f"{kind.name}, silences", seats, scenario, jobs)

    def test_inside_every_command(self):
        """The server never gets the second half of what the client says."""
        for kind in KINDS:
            seats = self.seats(kind)
            scenario = Scenario(self.first).undisturbed(self, seats[0])
            jobs = [(Place("command", number, "half"), "end") for number in range(1, scenario.counted["command"] + 1)]
            self.cut_everywhere(f"{kind.name}, commands", seats, scenario, jobs)

    def test_inside_tls_an_end_without_close_notify_is_the_end_of_nothing(self):
        chance = random.Random(SEED)
        for kind in KINDS:
            seats = self.seats(kind, tls=True)
            scenario = Scenario(self.first).undisturbed(self, seats[0])
            # The last bytes are close_notify, and a handshake takes some bytes more or less each time; before them stands
            # the goodbye, which only a sync that removes waits for.
            octets = scenario.counted["byte"] - (100 if kind.leave == "never" else 300)
            jobs = [(Place("byte", number, "after"), how) for number, how in
                    zip(chance.sample(range(octets), 400 if LONG else 40), ["end", "end", "end", "reset"] * 100)]
            self.cut_everywhere(f"{kind.name}, TLS, bytes", seats, scenario, jobs)


class EveryByte(Cuts):
    """Of a small session with a server that says little, so that every byte has its turn."""

    MAIL = {"INBOX": [model.Mail(1, "\\Seen", message(0)), model.Mail(3, "", message(1))]}

    def test_every_byte_of_a_small_session(self):
        for kind in KINDS:
            mailbox = self.MAIL if kind.protocol == "imap" else [one.octets for one in self.MAIL["INBOX"]]
            seats = []
            for number in range(SEATS):
                server = model.Model(getattr(model, kind.protocol), {} if kind.protocol == "imap" else [])
                self.addCleanup(server.close)
                seats.append(twins.ModelSeat(kind, server, number))
                self.addCleanup(seats[-1].close)
            scenario = Scenario(mailbox).undisturbed(self, seats[0])
            jobs = [(Place("byte", number, "after"), "end") for number in range(scenario.counted["byte"])]
            self.cut_everywhere(f"{kind.name}, bytes", seats, scenario, jobs)


if __name__ == "__main__":
    harness.main()
