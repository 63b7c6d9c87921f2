"""The rows about two-way syncs: what each changes on both sides, what must come of it, and beside what."""

import functools
import json
import os
import random
import re
import time

import contenders as c
import twins
from measure import Failed, Stopwatch, rounds

MESSAGES, OCTETS = 100_000, 1_000
FAR_MESSAGES, FAR_OCTETS, FAR = 1_000, 9_100, 0.05
FLAGS, MOVES, UPLOADS = 100, 1_000, 1_000  # messages changed in one run, on each side
SOCKET = "off the socket"
INFO_LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}


class Twinbox(c.Twinbox):
    settles = 0  # seconds from a change to a sync
    keys = {"mode": "two-way"}

    def prepare(self):
        return super().prepare() + ["--json"]

    def told(self):
        """What the last run says that it did."""
        return json.loads(self.runner.told.splitlines()[0])

    def here(self):
        """(folder, number, flags) of every message."""
        rows, self.ids = [], {}
        for line in self.ask("ls", "it", "--limit", "0", "--json").splitlines():
            row = json.loads(line)
            number = int(row["subject"].removeprefix("number "))
            self.ids[number] = str(row["id"])
            rows.append((row["folder"], number, tuple(sorted("\\" + flag.capitalize() for flag in row["flags"]))))
        return rows

    def flag_here(self, numbers):
        self.ask("flag", "it", *(self.ids[number] for number in numbers), "+answered")

    def move_here(self, numbers):
        self.ask("move", "it", *(self.ids[number] for number in numbers), twins.OTHER)

    def add_here(self, messages):
        place, paths = self.runner.fresh("letters"), []
        for octets in messages:
            paths.append(os.path.join(place, f"{len(paths)}.eml"))
            with open(paths[-1], "wb") as file:
                file.write(octets)
        self.ask("append", "it", "INBOX", *paths)


class Mbsync(c.Mbsync):
    """It waits for a second where a Maildir was changed within the last one: that is no time of a sync."""

    settles = 2.1
    channel = "Sync All\nCreate Both\nExpunge Both"

    def prepare(self):
        self._numbers, self._serial = {}, 0
        return super().prepare()

    def _files(self):
        """(folder, number, flags, path) of every message."""
        for folder in ("INBOX", twins.OTHER):
            for part in ("cur", "new"):
                place = os.path.join(self.folder, "mail", folder, part)
                for name in os.listdir(place) if os.path.isdir(place) else ():
                    letters = name.rpartition(":2,")[2] if ":2," in name else ""
                    path = os.path.join(place, name)
                    yield folder, self._number(path), tuple(sorted(INFO_LETTERS[one] for one in letters)), path

    def _number(self, path):
        unique = re.split("[,:]", os.path.basename(path))[0]
        if unique not in self._numbers:
            with open(path, "rb") as file:
                self._numbers[unique] = int(re.search(rb"\nSubject: number (\d+)", file.read(2000))[1])
        return self._numbers[unique]

    def here(self):
        found = list(self._files())
        self._paths = {number: path for _, number, _, path in found}
        return [row[:3] for row in found]

    def flag_here(self, numbers):
        for number in numbers:
            place, name = os.path.split(self._paths[number])
            unique, _, letters = name.partition(":2,")
            name = f"{unique}:2,{''.join(sorted(set(letters) | {'R'}))}"
            os.rename(self._paths[number], os.path.join(os.path.dirname(place), "cur", name))

    def move_here(self, numbers):
        """As mail programs do: with the UID, that is its old folder's, taken from the name."""
        for number in numbers:
            name = re.sub(r",U=\d+", "", os.path.basename(self._paths[number]))
            name += "" if ":2," in name else ":2,"
            os.rename(self._paths[number], os.path.join(self.folder, "mail", twins.OTHER, "cur", name))

    def add_here(self, messages):
        for octets in messages:
            self._serial += 1
            name = f"{int(time.time())}.{self._serial}_bench.here:2,"
            draft = os.path.join(self.folder, "mail", "INBOX", "tmp", name)
            with open(draft, "wb") as file:
                file.write(octets.replace(b"\r\n", b"\n"))
            os.rename(draft, os.path.join(self.folder, "mail", "INBOX", "cur", name))


class Side:
    """A program, its copy of the mailbox, and what is in both."""

    def __init__(self, bench, place, kind):
        self.place, self.user = place, kind.name
        self.contender = kind(bench.runner, bench.runner.fresh(kind.name), place.end(kind.name))
        bench.closing.callback(self.contender.close)
        bench.progress(f"{kind.name}: its first sync")
        self.contender.run()
        self.there = self.check()

    def check(self):
        """What is on the server, when it is also here."""
        there = self.place.look(self.user)
        if sorted((row.folder, row.number, row.flags) for row in there) != sorted(self.contender.here()):
            raise Failed(f"{self.user}: not the same on both sides after its sync")
        return there


def sides(bench, name, count, size, delay=None):
    """What the rows of one mailbox share: {name: Side}, and its Twins."""
    if name not in bench.twins:
        if bench.at_most:
            count, size = min(count, bench.at_most), min(size, bench.at_most * 1000)
        kinds = [kind for kind in (Twinbox, Mbsync) if kind.there()]
        place = bench.closing.enter_context(twins.Twins([kind.name for kind in kinds] + [SOCKET.replace(" ", "-")], count,
                                                        size, delay))
        bench.twins[name] = {kind.name: Side(bench, place, kind) for kind in kinds}, place
    return bench.twins[name]


class Change:
    """What a row does in each turn. `there` is what is on the server; gives what is on it when all was synced."""

    def __init__(self, count):
        self.count, self.turn = count, 0

    def chosen(self, there, flags=()):
        """The messages of INBOX that this turn is about, with none of these flags: at random, all over it."""
        able = [row for row in there if row.folder == "INBOX" and not set(flags) & set(row.flags)]
        wanted = min(self.count, len(able) // 4)
        if not wanted:
            raise Failed(f"{len(there)} messages are too few")
        return random.Random(len(there) + self.turn).sample(able, 2 * wanted)


class FlagsBoth(Change):
    def make(self, place, side, there):
        self.turn += 1
        rows = self.chosen(there, ("\\Flagged", "\\Answered"))
        on_server, here = rows[::2], rows[1::2]
        with place.line(side.user) as line:
            line.ask("SELECT INBOX", f"UID STORE {uids(on_server)} +FLAGS.SILENT (\\Flagged)")
        side.contender.flag_here([row.number for row in here])
        changed = {row.number: "\\Flagged" for row in on_server} | {row.number: "\\Answered" for row in here}
        return {(row.folder, row.number, tuple(sorted({*row.flags, changed.get(row.number)} - {None}))) for row in there}


class Moves(Change):
    def make(self, place, side, there):
        self.turn += 1
        rows = self.chosen(there)
        rows = rows[:len(rows) // 2]
        self.move(place, side, rows)
        gone = {row.number for row in rows}
        return {(twins.OTHER if row.number in gone else row.folder, row.number, row.flags) for row in there}


class MovesThere(Moves):
    @staticmethod
    def move(place, side, rows):
        with place.line(side.user) as line:
            line.ask("SELECT INBOX", f"UID MOVE {uids(rows)} {twins.OTHER}")


class MovesHere(Moves):
    @staticmethod
    def move(_place, side, rows):
        side.contender.move_here([row.number for row in rows])


class Uploads(Change):
    def __init__(self, count, size):
        super().__init__(count)
        self.size = size

    def make(self, _place, side, there):
        first = max(row.number for row in there) + 1
        side.contender.add_here(twins.numbered(self.count, self.size, first))
        return ({(row.folder, row.number, row.flags) for row in there} |
                {("INBOX", number, ()) for number in range(first, first + self.count)})


def uids(rows):
    return twins.ranges([row.uid for row in rows])


def measure(row, bench, shared, changes, socket):
    """Changes both sides, then times the sync; no time counts of one after which they are not as they must be."""
    programs, place = shared
    told = []

    def action(name, warm):
        side = programs[name]
        must = changes[name].make(place, side, side.there)
        time.sleep(side.contender.settles)
        sample = side.contender.run(warm)
        if isinstance(side.contender, Twinbox):
            told.append(side.contender.told())
        side.there = side.check()
        if {(one.folder, one.number, one.flags) for one in side.there} != must:
            raise Failed(f"{name}: both sides are the same, but not what they must be")
        return sample

    actions = {name: (functools.partial(action, name), None) for name in programs}
    actions[SOCKET] = (lambda _warm: socket(place), None)
    row.notes.append(f"{place.count:,} messages of {place.size:,} octets")
    if "mbsync" not in programs:
        row.notes.append("mbsync is not installed")
    row.results = rounds(actions, bench.runs, bench.warm, bench.progress, row.notes)
    last = told[-1]
    row.notes.append(f"twinbox: {last['bytes_in']:,} bytes in, {last['bytes_out']:,} out, {last['round_trips']} round trips")
    return told


def each(programs, make):
    """A Change of its own for each: they take turns."""
    return {name: make() for name in programs}


class Socket:
    """The commands alone, on a copy of its own, by the user of that name."""

    user = SOCKET.replace(" ", "-")

    def __init__(self, count, tls=True):
        self.count, self.tls, self.turn, self.end = count, tls, 0, None

    def begin(self, place):
        """Some of the messages of INBOX, and where to connect to."""
        self.end = self.end or place.end(self.user, self.tls)
        with place.line(self.user) as line:
            answers = line.ask("EXAMINE INBOX", "UID SEARCH ALL")
        found = [int(uid) for uid in re.search(rb"\* SEARCH([ 0-9]*)\r\n", answers)[1].split()]
        self.turn += 1
        return random.Random(self.turn).sample(found, max(1, min(self.count, len(found) // 4)))

    def known(self, place):
        """What a client remembers of both folders, as QRESYNC has it."""
        words = []
        with place.line(self.user) as line:
            for folder in ("INBOX", twins.OTHER):
                status = line.ask(f"STATUS {folder} (UIDVALIDITY HIGHESTMODSEQ)")
                validity, modseq = (re.search(name + rb" (\d+)", status)[1].decode()
                                    for name in (b"UIDVALIDITY", b"HIGHESTMODSEQ"))
                words.append(f"SELECT {folder} (QRESYNC ({validity} {modseq}))")
        return words

    def timed(self, *commands):
        """Connect, log in, and each of these when the one before it was answered."""
        with Stopwatch() as watch, twins.Line(self.end) as line:
            for command in commands:
                line.ask(command)
        return watch.sample


class SocketFlags(Socket):
    def __call__(self, place):
        chosen = self.begin(place)
        known = self.known(place)
        with place.line(self.user) as line:
            line.ask("SELECT INBOX", f"UID STORE {twins.ranges(chosen[::2])} +FLAGS.SILENT (\\Flagged)")
        mine = twins.ranges(chosen[1::2] or chosen)
        return self.timed("ENABLE QRESYNC", known[0], f"UID STORE {mine} +FLAGS.SILENT (\\Answered)")


class SocketMovesThere(Socket):
    def __call__(self, place):
        chosen = self.begin(place)
        known = self.known(place)
        with place.line(self.user) as line:
            line.ask("SELECT INBOX", f"UID MOVE {twins.ranges(chosen)} {twins.OTHER}")
        return self.timed("ENABLE QRESYNC", *known)


class SocketMovesHere(Socket):
    def __call__(self, place):
        chosen = self.begin(place)
        return self.timed("SELECT INBOX", f"UID MOVE {twins.ranges(chosen)} {twins.OTHER}")


class SocketUploads(Socket):
    """One APPEND of all (RFC 3502), nothing waited for (RFC 7888)."""

    def __init__(self, count, size):
        super().__init__(count)
        self.size, self.first = size, 10_000_000

    def __call__(self, place):
        self.begin(place)
        messages = twins.numbered(self.count, self.size, self.first)
        self.first += self.count
        return self.timed(b"APPEND INBOX" + b"".join(b" {%d+}\r\n" % len(one) + one for one in messages))


def flags(row, bench):
    shared = sides(bench, "large", MESSAGES, OCTETS)
    measure(row, bench, shared, each(shared[0], lambda: FlagsBoth(FLAGS)), SocketFlags(2 * FLAGS))
    row.judge_faster("mbsync", 10)


def moves(row, bench, change, socket):
    shared = sides(bench, "large", MESSAGES, OCTETS)
    told = measure(row, bench, shared, each(shared[0], lambda: change(MOVES)), socket(MOVES))
    row.judge("octets of bodies sent or received", max(one["size"] + one["sent_size"] for one in told), 0)
    row.judge_share(SOCKET, 1.5)
    row.judge_faster("mbsync", 1)


def upload(row, bench):
    count = min(UPLOADS, bench.at_most or UPLOADS)
    shared = sides(bench, "far", FAR_MESSAGES, FAR_OCTETS, FAR)
    size = shared[1].size
    measure(row, bench, shared, each(shared[0], lambda: Uploads(count, size)), SocketUploads(count, size))
    row.judge_faster("mbsync", 5)
