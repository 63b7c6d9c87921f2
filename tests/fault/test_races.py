#!/usr/bin/env python3
"""What happens beside a sync: a second writer, another command, a clock that jumps, a copy of the store, a second client.

The sync is held at a chosen line of the server's; then the other thing is done; then it goes on.
"""

import errno
import functools
import os
import random
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

import twins
import harness
import hostile
from cutter import Place
from harness import DAMAGED, DONE, IN_USE, clients, sample
from twins import ACCOUNT, KINDS, LONG, SEATS

SEED = 20_260_303
DAY, YEAR = 86_400, 31_536_000
SURROUNDINGS = os.environ.get("TWINBOX_SURROUNDINGS")
UNHEARD = {"imap": 2, "pop3": 1, "pop3-never": 0}  # last lines that nobody waits for
BULK = 400  # messages where a sync must take a while


def message(number):
    return (f"Date: Tue, 2 Jan 2024 10:00:{number % 60:02d} +0000\r\nSubject: n{number}\r\n\r\n"
            + f"line of {number}\r\n" * (number % 7)).encode()


class Races(twins.Case):
    """On a Dovecot with a small mailbox, `filled`, a template."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = twins.anybodys_dovecot()
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        for number in range(12):
            folder = ("INBOX", "INBOX", "Work", "Old")[number % 4]
            cls.server.deliver(message(number), folder, ["\\Seen"] if number % 3 else [], 1_600_000_000 + number, "filled")
        cls.look("filled")
        cls.template = cls.server.maildir(user="filled")

    @classmethod
    def look(cls, user):
        """Has the server give the UIDs, the same for every copy."""
        connection = cls.server.imap(user)
        for folder in harness.folders_of(connection):
            connection.select(clients.quoted(folder), readonly=True)
        connection.logout()

    def seat(self, kind, number=0, **more):
        seat = twins.DovecotSeat(kind, self.server, f"-{self._testMethodName}-{number}", **more)
        self.addCleanup(seat.close)
        seat.put(self.template)
        return seat

    def undisturbed(self, seat):
        """Local state after an undisturbed mirror, and how many lines it had; the seat is as before then."""
        seat.cutter.aim(None)
        done = seat.sync()
        self.assertEqual(done.status, DONE, done.err)
        state, lines = seat.local(), seat.cutter.lines
        seat.put(self.template)
        return state, lines

    def held(self, seat, line, must=True):
        """A sync that waits for what comes behind a line of the server's; if it need not, it may also have ended."""
        seat.cutter.aim(Place("line", line, "after"), "hold")
        child = seat.start("sync")
        self.addCleanup(ended, child)
        if seat.cutter.wait_until_held(lambda: child.poll() is not None) or not must:
            return child
        self.fail(f"line {line} did not come: {child.communicate()}")

    def let_go(self, seat, child, *statuses):
        seat.cutter.go_on()
        out, err = child.communicate(timeout=harness.SECONDS)
        seat.cutter.settle()
        self.assertIn(child.returncode, statuses or (DONE,), (out, err))
        seat.cutter.aim(None)
        return err.decode()


def ended(child):
    if child.poll() is None:
        child.kill()
    child.communicate()


class TwoWriters(Races):

    def places(self, kind, lines, count):
        """Lines behind which a sync waits for more: not for what answers LOGOUT, nor QUIT where nothing was removed."""
        needed = range(1, lines - UNHEARD[kind.name])
        return sorted(random.Random(SEED).sample(needed, len(needed) if LONG else count))

    def test_the_second_of_two_syncs_is_told_who_has_the_store(self):
        for kind in KINDS:
            seat = self.seat(kind)
            expected, lines = self.undisturbed(seat)
            for line in self.places(kind, lines, 6):
                seat.put(self.template)
                child = self.held(seat, line)
                second = seat.home.run("sync", "--wait", "0", ACCOUNT)
                self.assertEqual(second.status, IN_USE, second.err)
                self.assert_one_line(second)
                self.assertRegex(second.err, rf"^twinbox: it: the store is in use by process {child.pid} ")
                self.let_go(seat, child)
                self.assertEqual(seat.local(), expected)
                self.assert_finished(seat)

    def test_many_at_once_are_one_after_the_other(self):
        for kind in KINDS:
            seat = self.seat(kind)
            expected, _ = self.undisturbed(seat)
            for _ in range(20 if LONG else 4):
                seat.put(self.template)
                seat.cutter.aim(None)
                children = [seat.start("sync", "--wait", wait) for wait in ("0", "60", "0", "60", "0")]
                said = [(child.communicate(timeout=harness.SECONDS)[1], child.returncode) for child in children]
                seat.cutter.settle()
                self.assertTrue({status for _, status in said} <= {DONE, IN_USE}, said)
                self.assertEqual([said[1][1], said[3][1]], [DONE, DONE], "those that wait have their turn")
                self.assertEqual(seat.local(), expected)
                self.assert_finished(seat)

    def test_every_other_command_works_beside_a_sync_or_is_told_that_it_runs(self):
        for kind in KINDS:
            seat = self.seat(kind)
            self.assertEqual(seat.sync().status, DONE)
            for number in range(12, 14):
                self.server.deliver(message(number), date=1_600_000_000 + number, user=seat.user)
            before = seat.maildir + ".template", seat.store + ".template"
            twins.copy(seat.maildir, before[0])
            twins.copy(seat.store, before[1])
            seat.cutter.aim(None)
            self.assertEqual(seat.sync().status, DONE)
            expected, lines = seat.local(), seat.cutter.lines
            for line in self.places(kind, lines, 3):
                seat.put(*before)
                self.look_from_beside(seat, line)
                self.assertEqual(seat.local(), expected)
                self.assert_finished(seat)

    def look_from_beside(self, seat, line):
        child = self.held(seat, line)
        for words in (("verify",), ("ls",), ("export", "--eml", tempfile.mkdtemp(dir=seat.home.folder)), ("status",),
                      ("search", "n1"), ("show", "1"), ("compact", "--force"), ("verify", "--rebuild", "--force")):
            command, *rest = words
            around = (ACCOUNT, *rest) if command == "show" else (*rest, ACCOUNT)
            if command == "search":
                around = (ACCOUNT, *rest)
            done = seat.home.run(command, *around)
            allowed = (IN_USE,) if "--force" in words else (DONE,)
            self.assertIn(done.status, allowed, f"{words}: {done.err}")
            if done.status == IN_USE:
                self.assertIn(f"in use by process {child.pid}", done.err)
        self.let_go(seat, child)

    def test_what_commands_change_beside_a_sync_is_what_they_change_behind_it(self):
        for kind in KINDS:
            seat = self.seat(kind, keys={"mode": "two-way"} if kind.protocol == "imap" else None)
            self.assertEqual(seat.sync().status, DONE)
            for number in range(12, 14):
                self.server.deliver(message(number), date=1_600_000_000 + number, user=seat.user)
            before = seat.maildir + ".template", seat.store + ".template"
            twins.copy(seat.maildir, before[0])
            twins.copy(seat.store, before[1])
            seat.cutter.aim(None)
            self.assertEqual(seat.sync().status, DONE)
            lines = seat.cutter.lines
            self.change(seat)
            expected = seat.local()
            for line in self.places(kind, lines, 4):
                seat.put(*before)
                child = self.held(seat, line)
                self.change(seat)
                self.let_go(seat, child)
                self.assertEqual(seat.local(), expected, f"{kind.name}, line {line}")
                self.assertEqual(seat.sync().status, DONE)  # what it did not carry to the server itself
                self.assertEqual(seat.local(), expected, f"{kind.name}, line {line}, carried over")
                self.assert_finished(seat)

    def change(self, seat):
        letter = os.path.join(seat.home.folder, "letter.eml")
        with open(letter, "wb") as file:
            file.write(message(99))
        for command, *rest in (("flag", "1", "2", "+flagged", "+$Work"), ("folder", "create", "Beside"), ("move", "1", "Beside"),
                               ("copy", "2", "Beside"), ("rm", "3", "--forever"),
                               ("append", "Beside", letter, "--date", "1600000099")):
            verb = [rest.pop(0)] if command == "folder" else []
            done = seat.home.run(command, *verb, ACCOUNT, *rest)
            self.assertEqual(done.status, DONE, f"{command} {rest}: {done.err}")

    def test_the_lock_of_a_sync_that_was_killed_holds_nobody_up(self):
        for kind in KINDS:
            seat = self.seat(kind)
            expected, lines = self.undisturbed(seat)
            for line in self.places(kind, lines, 4):
                seat.put(self.template)
                child = self.held(seat, line)
                child.kill()
                child.communicate()
                seat.cutter.go_on()
                seat.cutter.settle()
                self.assertTrue(os.path.exists(os.path.join(seat.store, "sync.lock")), "or this tests nothing")
                seat.cutter.aim(None)
                self.assertEqual(seat.sync("--wait", "0").status, DONE)
                self.assertEqual(seat.local(), expected)

    @unittest.skipUnless(SURROUNDINGS, "SKIPPED, LOUDLY: no TWINBOX_SURROUNDINGS (ctest sets it)")
    def test_a_file_system_without_locks_is_named_and_nothing_is_written(self):
        for kind in KINDS:
            seat = self.seat(kind)
            seat.home.environment.update(LD_PRELOAD=SURROUNDINGS, TWINBOX_NO_LOCKS=str(errno.ENOLCK))
            done = seat.sync()
            self.assertEqual(done.status, harness.SOME_FAILED, done.err)
            self.assert_one_line(done)
            self.assertIn("No locks available", done.err)
            self.assertEqual(seat.local(), ("no store", []))


@unittest.skipUnless(SURROUNDINGS, "SKIPPED, LOUDLY: no TWINBOX_SURROUNDINGS (ctest sets it)")
class Clocks(Races):
    """The clock jumps while a sync runs, and between two."""

    JUMPS = (30 * DAY, -10 * YEAR, 10 * YEAR, 100 * YEAR, -80 * YEAR)

    def clocked(self, kind, number=0, **more):
        seat = self.seat(kind, number, **more)
        self.clock = os.path.join(seat.home.folder, "clock")
        seat.home.environment.update(LD_PRELOAD=SURROUNDINGS, TWINBOX_CLOCK=self.clock)
        self.set_clock(0)
        return seat

    def set_clock(self, seconds):
        with open(self.clock, "w", encoding="ascii") as file:
            file.write(f"{seconds}\n")

    def test_the_clock_of_these_tests_can_be_set(self):
        """Or they would test nothing."""
        seat = self.clocked(KINDS[0])
        self.set_clock(10 * YEAR)
        self.assertEqual(seat.sync().status, DONE)
        (last,) = sqlite3.connect(os.path.join(seat.store, "twin.db")).execute("SELECT started FROM run").fetchone()
        self.assertGreater(last, time.time() + 9 * YEAR)

    def test_a_jump_in_the_midst_of_a_sync_changes_nothing(self):
        for kind in KINDS:
            seat = self.clocked(kind)
            expected, lines = self.undisturbed(seat)
            chance = random.Random(SEED)
            for jump in self.JUMPS:
                for line in [1, *chance.sample(range(2, lines + 1), 30 if LONG else 1)]:
                    seat.put(self.template)
                    self.set_clock(0)
                    child = self.held(seat, line)
                    self.set_clock(jump)
                    self.let_go(seat, child)
                    self.assertEqual(seat.local(), expected)
                    self.assertEqual(seat.home.run("status", ACCOUNT).status, DONE)
                    self.set_clock(0)
                    self.assert_finished(seat)

    def remove_one(self, user):
        connection = self.server.imap(user)
        connection.select("INBOX")
        connection.store("1", "+FLAGS", "(\\Deleted)")
        connection.expunge()
        connection.logout()

    def purged(self, seat):
        done = seat.home.run("compact", "--force", "--json", ACCOUNT)
        self.assertEqual(done.status, DONE, done.err)
        return harness.json.loads(done.out)["messages_purged"]

    def test_removed_mail_stays_for_thirty_days_whatever_the_clock_says_for_a_moment(self):
        for while_removing in (0, *self.JUMPS):
            seat = self.clocked(KINDS[0], while_removing)
            self.assertEqual(seat.sync().status, DONE)
            self.remove_one(seat.user)
            self.set_clock(while_removing)
            self.assertEqual(seat.sync().status, DONE)
            for moment in (0, *self.JUMPS, 0):
                if while_removing > 0 and moment > 0:
                    continue  # that is no moment any more
                self.set_clock(moment)
                self.assertEqual(self.purged(seat), 0, f"removed at {while_removing}, compact at {moment}")
            removed = [row for row in seat.local()[1] if row[0] is None]
            self.assertEqual(len(removed), 1)
            if while_removing <= 0:
                self.set_clock(31 * DAY)
                self.assertEqual(seat.sync().status, DONE)
                self.assertEqual(self.purged(seat), 1, "and goes when a month is over")

    def test_a_pause_that_the_server_asked_for_ends(self):
        """A timer's sync keeps away for as long as it was told; by a clock that was wrong then, not for years."""
        for jump in (0, *self.JUMPS):
            seat = self.clocked(KINDS[1], jump)
            with hostile.Hostile(hostile.pop3, [], None, True, True, None, None, True, b"-ERR [SYS/TEMP] later\r\n") as busy:
                seat.home.add(ACCOUNT, f"pop3+plain://{seat.user}@localhost:{busy.port}", password=twins.PASSWORD)
                self.set_clock(jump)
                self.assertNotEqual(seat.home.run("sync", "-q", ACCOUNT).status, DONE)
                self.set_clock(0)
                seat.home.run("sync", "-q", ACCOUNT)
                self.assertEqual(busy.connections, 1 if jump == 0 else 2, f"asked for at {jump}")


class Copies(Races):
    """A copy of the store, file by file, while a sync writes: it opens, and holds the octets that were durable when it began."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number, (octets, _) in enumerate(sample.bulk(BULK)):
            cls.server.deliver(octets, date=1_600_000_000 + number, user="bulk")
        cls.look("bulk")
        cls.template = cls.server.maildir(user="bulk")

    def test_a_store_copied_while_in_use(self):
        chance = random.Random(SEED)
        for kind in KINDS[:2]:
            seat = self.seat(kind)
            expected, _ = self.undisturbed(seat)
            met = {}
            for number in range(100 if LONG else 10):
                seat.put(self.template)
                start = time.monotonic()
                if number % 2:  # half of it is here already
                    seat.cutter.aim(Place("byte", 2_000_000, "after"))
                    seat.sync()
                    seat.cutter.aim(None)
                child = seat.start("sync")
                self.addCleanup(ended, child)
                time.sleep(chance.random() * 0.15)
                durable = self.durable(seat)
                copy = os.path.join(seat.home.folder, "copy")
                copy_by_files(seat.store, copy, chance)
                child.communicate(timeout=harness.SECONDS)
                seat.cutter.settle()
                self.assertEqual(child.returncode, DONE)
                self.assertEqual(seat.local(), expected, "who is copied is not harmed")
                how = self.use_copy(seat, copy, durable, expected)
                met[how] = met.get(how, 0) + 1
                self.assertLess(time.monotonic() - start, harness.SECONDS)
            print(f"{kind.name}: copies {met}", flush=True)

    @staticmethod
    def durable(seat):
        """What the store holds now; asked again where its log goes at that moment, because the sync ends."""
        for _ in range(5):
            if not os.path.exists(os.path.join(seat.store, "twin.db")):
                return set()
            try:
                return set(twins.hashes(seat.local()))
            except sqlite3.OperationalError:
                time.sleep(0.02)
        raise AssertionError("the store can't be opened")

    def use_copy(self, seat, copy, durable, expected):
        """The copy in the place of the store. Returns what became of it."""
        shutil.rmtree(seat.store, ignore_errors=True)
        if not os.path.exists(copy):
            return "nothing to copy"
        os.rename(copy, seat.store)
        how = "opened"
        looked = seat.home.run("verify", ACCOUNT)
        if looked.status not in (DONE, DAMAGED):
            self.assertFalse(durable, looked.err)
            how = "empty"
        if looked.status == DAMAGED:
            how = "damaged"
            to_rebuild = re.search("verify it --rebuild", looked.err)
            self.assertTrue(looked.out or to_rebuild, looked.err)
            if to_rebuild:
                done = seat.home.run("verify", "--rebuild", ACCOUNT)
                self.assertEqual(done.status, DONE, done.err)
                how = "rebuilt"
        if durable - contents(seat.store):
            # Index and log are of different moments, which no program can help (README: when a store is to be copied):
            # rows are missing, and not one of the octets.
            how += ", rows missing"
            done = seat.home.run("verify", "--rebuild", "--force", ACCOUNT)
            self.assertEqual(done.status, DONE, done.err)
        missing = durable - contents(seat.store)
        self.assertFalse(missing, f"{how}: {len(missing)} of {len(durable)} are not in the copy")
        seat.cutter.aim(None)
        done = seat.sync()
        self.assertEqual(done.status, DONE, done.err)
        self.assertEqual(seat.local(), expected, how)
        self.assert_finished(seat)
        return how


def copy_by_files(source, target, chance):
    """As rsync or a file manager does: one file after the other, in any order, what is there now and what comes."""
    shutil.rmtree(target, ignore_errors=True)
    if chance.random() < 0.3:
        subprocess.run(("cp", "-r", source, target), check=False, stderr=subprocess.DEVNULL)
        return
    done = set()
    while True:
        names = [os.path.relpath(os.path.join(parent, name), source)
                 for parent, _, files in os.walk(source) for name in files]
        names = [name for name in names if name not in done]
        if not names:
            return
        chance.shuffle(names)
        done.add(names[0])
        os.makedirs(os.path.dirname(os.path.join(target, names[0])), exist_ok=True)
        try:
            shutil.copyfile(os.path.join(source, names[0]), os.path.join(target, names[0]))
        except FileNotFoundError:
            pass  # it went meanwhile
        time.sleep(chance.random() * 0.02)


def contents(store):
    """The hashes of the octets that a store has rows for."""
    base = sqlite3.connect(f"file:{store}/twin.db?mode=ro", uri=True, timeout=10)
    try:
        return {row[0].lower() for row in base.execute("SELECT hex(sha256) FROM content")}
    except sqlite3.OperationalError:
        return set()
    finally:
        base.close()


class SecondClient(Races):
    """Another client deletes, adds, marks and moves messages, makes, renames and removes folders while a sync waits."""

    def meddle(self, connection, chance, octets):
        """One thing. Returns what was deleted for good, as hashes."""
        folders = harness.folders_of(connection)
        folder = chance.choice(folders)
        quoted = clients.quoted(folder)
        what = chance.choice(("add", "add", "delete", "delete", "mark", "move", "copy", "rename", "remove", "make"))
        gone = set()
        connection.select(quoted)
        uids = connection.uid("SEARCH", None, "ALL")[1][0].split()
        uid = chance.choice(uids).decode() if uids else None
        serial = chance.randrange(1_000, 1_000_000)
        if what == "add":
            octets.append(message(serial))
            connection.append(quoted, None, None, octets[-1])
        elif what == "make":
            connection.create(f"New{serial}")
            octets.append(message(serial))
            connection.append(f"New{serial}", None, None, octets[-1])
        elif what == "rename" and folder != "INBOX":
            connection.unselect()
            connection.rename(quoted, f"Moved{serial}")
        elif what == "remove" and folder != "INBOX":
            gone = {harness.digest(one) for one in clients.fetch_imap(connection, folder).values()}
            connection.unselect()
            connection.delete(quoted)
        elif uid and what == "delete":
            gone = {harness.digest(clients.fetch_imap(connection, folder)[int(uid)])}
            connection.select(quoted)
            connection.uid("STORE", uid, "+FLAGS", "(\\Deleted)")
            connection.expunge()
        elif uid and what == "mark":
            connection.uid("STORE", uid, chance.choice(("+FLAGS", "-FLAGS")), "(\\Seen \\Flagged)")
        elif uid and what in ("move", "copy"):
            connection.uid(what.upper(), uid, clients.quoted(chance.choice(folders)))
        return gone

    def on_server_by_uid(self, user):
        """{(folder, UID): (hash, whether seen, whether flagged)}, and the folders."""
        connection = self.server.imap(user)
        found, folders = {}, harness.folders_of(connection)
        for folder in folders:
            for uid, octets in clients.fetch_imap(connection, folder).items():
                _, words = connection.uid("FETCH", str(uid), "(FLAGS)")
                found[folder, uid] = (harness.digest(octets), b"\\Seen" in words[0], b"\\Flagged" in words[0])
        connection.logout()
        return found, sorted(folders)

    @staticmethod
    def here_by_uid(store):
        """The same as the store has it: each of the server's UIDs with the octets here that are linked to it."""
        base = sqlite3.connect(f"file:{store}/twin.db?mode=ro", uri=True, timeout=10)
        try:
            rows = base.execute(
                "SELECT a.a_path, r.a_num, hex(c.sha256), m.flags FROM link_row r JOIN link_pair a ON a.id=r.a_pair"
                " JOIN link_pair b ON b.id=r.b_pair JOIN message m ON m.mailbox=CAST(b.b_box AS INTEGER)"
                " AND m.uid=r.b_num JOIN content c ON c.id=m.content WHERE r.a_at=1 AND r.b_at=1").fetchall()
            folders = [row[0] for row in base.execute("SELECT path FROM mailbox ORDER BY path")]
        finally:
            base.close()
        return {(path, uid): (content.lower(), bool(flags & 1), bool(flags & 4)) for path, uid, content, flags in rows}, folders

    def race(self, seat, job, store):
        kind, line, seed = seat.kind, *job
        chance, octets, gone = random.Random(seed), [message(number) for number in range(12)], set()
        seat.put(self.template, store and seat.store + ".template")
        before = {one[2] for one in seat.remote()[1]}
        connection = self.server.imap(seat.user)
        if store:  # something to do for the sync that is held
            for _ in range(6):
                gone |= self.meddle(connection, chance, octets)
        child = self.held(seat, line, must=not store)
        self.met += seat.cutter.cuts
        for _ in range(chance.randrange(1, 6)):
            gone |= self.meddle(connection, chance, octets)
        connection.logout()
        said = self.let_go(seat, child, DONE, harness.SOME_FAILED, harness.NETWORK, harness.FUSE)
        known = {harness.digest(one) for one in octets}
        self.assertFalse(set(twins.hashes(seat.local())) - known, f"octets that nobody sent: {said}")
        again = seat.sync()
        self.assertEqual(again.status, DONE, again.err)
        self.assertFalse(set(twins.hashes(seat.local())) - known, "octets that nobody sent")
        if kind.protocol == "imap":
            self.assertEqual(self.here_by_uid(seat.store), self.on_server_by_uid(seat.user))
        else:
            inbox = {one[2] for one in seat.remote()[1] if not one[0]}
            self.assertFalse(inbox - set(twins.hashes(seat.local())), f"there and not here; it said: {said} {again.err}")
            if kind.leave == "never":
                self.assertFalse(inbox, "all of it was taken")
                lost = before - gone - {one[2] for one in seat.remote()[1]} - set(twins.hashes(seat.local()))
                self.assertFalse(lost, "deleted there and not here")
        self.assert_finished(seat)

    def race_everywhere(self, kind, known):
        """known: a first mirror was made before, and the server has changed since."""
        seats = [self.seat(kind, number) for number in range(SEATS)]
        _, lines = self.undisturbed(seats[0])
        for seat in seats if known else []:
            self.assertEqual(seat.sync().status, DONE)
            twins.copy(seat.store, seat.store + ".template")
        chance = random.Random(f"{SEED}{kind.name}{known}")
        count = lines * 5 if LONG else 60 if kind.protocol == "imap" else 30
        jobs = [(chance.randrange(1, lines + 1), chance.random()) for _ in range(count)]
        self.met, start = 0, time.monotonic()
        self.in_turns(seats, jobs, functools.partial(self.race, store=known))
        print(f"{kind.name}, {'changes' if known else 'first mirror'}: {self.met} syncs held for a second client, "
              f"{time.monotonic() - start:.1f} s", flush=True)
        self.assertGreater(self.met, count // 3)

    def test_during_a_first_mirror(self):
        for kind in KINDS:
            self.race_everywhere(kind, known=False)

    def test_during_a_mirror_of_changes(self):
        for kind in KINDS:
            self.race_everywhere(kind, known=True)


if __name__ == "__main__":
    harness.main()
