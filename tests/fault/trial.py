"""The syncs that the tests of this folder disturb, and what each must end in all the same."""

import contextlib
import itertools
import os
import shutil
import sqlite3
import unittest

import faults
from faults import ACCOUNT, large_message, message


SERIAL = itertools.count(1)


SHOWN = 8  # complaints of a test
FEWEST_STEPS = 20  # fewer are none: what counts them was not loaded


class Case(unittest.TestCase):
    """Tests of trials: a mailroom for all of them."""

    @classmethod
    def setUpClass(cls):
        cls.room = faults.Mailroom().start()
        cls.addClassCleanup(cls.room.stop)

    def begin(self, kind, again):
        one = kind(self.room, again)
        self.addCleanup(one.close)
        return one

    def complain(self, wrong):
        self.assertFalse(wrong, f"{len(wrong)} times wrong:\n" + "\n".join(wrong[:SHOWN]))


class Trial:
    """A command that begins the same each time: mailbox and store are copies. Subclasses say what is in them.

    `again`: the account was mirrored once, and much has changed on the server since. Else it is the first sync.
    """

    protocol = "imap"
    keys = {}
    command = ("sync", ACCOUNT)
    times = (False, True)  # what `again` can be
    sample = None          # so many of its steps, in a run that is not long; None: all

    def __init__(self, room, again):
        self.room, self.again = room, again
        self.home = faults.Home(room, self.protocol, **self.keys)
        self.store = self.home.store(ACCOUNT)
        self._name = f"{self.title.replace(' ', '-')}-{next(SERIAL)}"  # a mailbox of its own, whoever uses the room too
        self._count = 0
        self._begin_with = None
        self.fill(self._name)
        if again:
            self.home.open_mailbox(self._name)
            self._run("sync", ACCOUNT)
            self.room.settle()
            self.prepare(self._name)
            self._begin_with = os.path.join(self.home.folder, "before")
            shutil.copytree(self.store, self._begin_with)
            self.change(self._name)
            self.room.settle()
        self.home.keys = {**self.keys, **self.keys_then}
        self.begin()
        done, self.steps = self.home.steps(*self.command)
        if done.status != 0:
            raise AssertionError(f"{self.title}: {done.status} {done.err} {done.out}")
        if len(self.steps) < FEWEST_STEPS:
            raise AssertionError(f"{self.title}: {len(self.steps)} steps: is {os.environ.get('TWINBOX_STEPS')} loaded?")
        self.end = self.outcome()

    @property
    def title(self):
        return f"{self.name} {'again' if self.again else 'first'}"

    keys_then = {}  # of the sync that is disturbed

    def prepare(self, mailbox):
        """What becomes of the store before the server changes."""

    def close(self):
        self.home.close()

    def begin(self):
        """Back to the start."""
        if self._count:
            self.room.drop(f"{self._name}-{self._count}")
        self._count += 1
        mailbox = f"{self._name}-{self._count}"
        self.room.copy(self._name, mailbox)
        shutil.rmtree(os.path.dirname(self.store), ignore_errors=True)
        if self._begin_with:
            shutil.copytree(self._begin_with, self.store)
        self.home.open_mailbox(mailbox)

    def on_server(self):
        self.room.settle()
        return self.room.contents(f"{self._name}-{self._count}")

    def outcome(self):
        return {**faults.state(self.home), "on the server": self.on_server()}

    def what_is_wrong(self):
        """Once more, undisturbed, and says how that differs from a run nobody disturbed; "" for not at all."""
        self.room.settle()
        done = self.home.run(*self.command)
        if done.status != 0:
            return f"the next {self.command[0]} fails: {done.status} {done.err} {done.out.decode()}"
        try:
            end = self.outcome()
        except AssertionError as error:
            return str(error)
        wrong = [f"{name}: {difference(end[name], self.end[name])}" for name in self.end if end[name] != self.end[name]]
        if wrong:
            return "; ".join(wrong)
        return self.what_is_left()

    def what_is_left(self):
        """What the next sync does, which ought to be nothing."""
        done = self.home.run("sync", ACCOUNT, "--json")
        if done.status != 0:
            return f"the sync after it fails: {done.status} {done.err}"
        more = faults.did(done)
        return f"not all was done: {more}" if more else ""

    def _run(self, *arguments):
        done = self.home.run(*arguments)
        if done.status != 0:
            raise AssertionError(f"twinbox {' '.join(arguments)}: {done.err}")


def difference(found, expected):
    surplus = [one for one in found if one not in expected]
    missing = [one for one in expected if one not in found]
    return f"missing {missing[:3]}, instead {surplus[:3]} ({len(missing)} and {len(surplus)})"


class Imap(Trial):
    name = "imap"

    def fill(self, mailbox):
        for number in range(8):
            self.room.deliver(message(number), flags=["\\Seen"] if number % 3 == 0 else [],
                              date=1_600_000_000 + number, user=mailbox)
        for number in range(10, 14):
            self.room.deliver(message(number), "Work", ["\\Answered", "later"], date=1_600_000_000 + number, user=mailbox)
        self.room.deliver(message(1), "Work", date=1_600_000_001, user=mailbox)  # the same octets twice
        for number in range(20, 23):
            self.room.deliver(message(number), "Old/工作", date=1_600_000_000 + number, user=mailbox)
        self.room.deliver(message(30), "Gone", date=1_600_000_030, user=mailbox)

    def change(self, mailbox):
        """New mail in several folders, flags, a move, removals, a folder renamed, one deleted, one new."""
        client = self.room.client(mailbox)
        for folder, *commands in (
                ("INBOX", ("store", "2", "+FLAGS", "(\\Flagged later)"), ("store", "1", "-FLAGS", "(\\Seen)"),
                 ("uid", "MOVE", "3", "Work"), ("uid", "STORE", "5:6", "+FLAGS", "(\\Deleted)"), ("expunge",)),
                ("Work", ("uid", "STORE", "1", "+FLAGS", "(\\Seen)"), ("uid", "COPY", "2", "INBOX"))):
            client.select(folder)
            for name, *arguments in commands:
                kind, words = getattr(client, name)(*arguments)
                assert kind == "OK", words
        client.unselect()
        client.delete("Gone")
        client.rename("Old", "Older")
        client.logout()
        self.room.deliver(message(40), date=1_600_000_040, user=mailbox)
        self.room.deliver(large_message(41), date=1_600_000_041, user=mailbox)
        self.room.deliver(message(42), "Work", ["\\Flagged"], date=1_600_000_042, user=mailbox)
        self.room.deliver(message(43), "New", date=1_600_000_043, user=mailbox)


class Pop3(Trial):
    """leave="forever"."""

    name = "pop3-forever"
    protocol = "pop3"

    def fill(self, mailbox):
        for number in range(8):
            self.room.deliver(message(number), date=1_600_000_000 + number, user=mailbox)

    def change(self, mailbox):
        """New mail; some of what is here was removed by another client."""
        client = self.room.client(mailbox)
        client.select()
        client.store("2:3", "+FLAGS", "(\\Deleted)")
        client.expunge()
        client.logout()
        for number in range(40, 44):
            self.room.deliver(message(number), date=1_600_000_000 + number, user=mailbox)
        self.room.deliver(large_message(44), date=1_600_000_044, user=mailbox)


class Pop3Never(Pop3):
    """leave="never": on the server goes what is here. What an earlier sync left there goes too."""

    name = "pop3-never"
    keys_then = {"leave": "never"}


class Rebuilt(Imap):
    """The index is lost: the sync makes it anew from the segments. Then all has changed on the server."""

    name = "index-lost"
    times = (True,)
    sample = 120

    def prepare(self, mailbox):
        os.unlink(os.path.join(self.store, "twin.db"))


class RebuiltNever(Pop3Never):
    """The same where the store alone has the mail that came before."""

    name = "index-lost-pop3-never"
    keys = {"leave": "never"}
    times = (True,)
    sample = 120
    prepare = Rebuilt.prepare

    def change(self, mailbox):
        for number in range(40, 44):
            self.room.deliver(message(number), date=1_600_000_000 + number, user=mailbox)


class Compact(Imap):
    """compact, of a store in which messages were removed long ago; a sync behind it has nothing to do."""

    name = "compact"
    command = ("compact", ACCOUNT, "--force")
    times = (True,)

    def prepare(self, mailbox):
        client = self.room.client(mailbox)
        client.select()
        client.store("2:4", "+FLAGS", "(\\Deleted)")
        client.expunge()
        client.logout()
        self._run("sync", ACCOUNT)
        self.room.settle()
        with contextlib.closing(sqlite3.connect(os.path.join(self.store, "twin.db"))) as database:
            database.execute("UPDATE message SET removed_at=1 WHERE removed_at IS NOT NULL")
            database.commit()

    def change(self, mailbox):
        pass


KINDS = (Imap, Pop3, Pop3Never)
OTHERS = (Rebuilt, RebuiltNever, Compact)


def words(kind, again):
    """For the name of a test."""
    what = kind.command[0] if kind.command[0] != "sync" else "sync_with_changes" if again else "first_sync"
    return f"{kind.name.replace('-', '_')}_{what}".replace("compact_compact", "compact")
