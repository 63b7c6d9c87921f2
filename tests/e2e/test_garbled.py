#!/usr/bin/env python3
"""Dialogues garbled by the hundred: whatever comes, mail is neither lost nor mixed up, and the next honest sync is whole.

A seed garbles one sync of a store that holds half of the mail: lines dropped, doubled, swapped, cut short, damaged, with
others between them. It must end in time, in little memory, with a status of its own. What it took is what the server
has under that UID or UIDL; what it removed on the server is here. TWINBOX_SEED=N runs one seed alone.
"""

import concurrent.futures
import os
import random
import resource
import shutil
import subprocess
import time

import harness
from harness import AUTH, DONE, FUSE, NETWORK, SOME_FAILED

import hostile  # noqa: E402  (harness puts tests/support on the path)

LONG = "TWINBOX_LONG" in os.environ
SEEDS = 2500 if LONG else 85  # of each kind of server
ONLY = os.environ.get("TWINBOX_SEED")
WORKERS = 4
HONEST = 3  # syncs within which all must be here
SILENCE = 0.25  # seconds after which the server takes its client for one that waits for an answer that never comes
SECONDS = 30  # for one sync; the largest took 2
MEMORY = 400 << 20  # of data
SANITIZED = any(name.endswith("SAN_OPTIONS") for name in os.environ)
QRESYNC = b"IMAP4rev1 ENABLE CONDSTORE QRESYNC ESEARCH UNSELECT"
CONDSTORE = b"IMAP4rev1 ENABLE CONDSTORE ESEARCH UNSELECT"


def mail(number):
    return b"Subject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\n" % (number, number) + b"%d\r\n" % number * number


def mail_of_one_size(number):
    return b"Subject: number %03d\r\n\r\nbody\r\n" % number


class Run(harness.Home):
    """A home whose program may take little memory, with a store to begin from each time."""

    def sync(self):
        def limit():
            if not SANITIZED:
                resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        done = subprocess.run((harness.PROGRAM, "--config", self.config, "sync", "it"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder, preexec_fn=limit,
                              timeout=SECONDS, check=False)
        return done.returncode, done.stdout + done.stderr

    def exported(self):
        place = os.path.join(self.folder, "exported")
        shutil.rmtree(place, ignore_errors=True)
        done = self.run("export", "it", "--eml", place)
        if done.status != DONE:
            return None
        found = []
        for parent, _, names in os.walk(place):
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    found.append(file.read())
        return sorted(found)


class Kind:
    """A kind of server: what it has before, and what at the time of the garbled sync."""

    # Exactly what the server has, and each as often as it has it.
    strict = True

    def must_be_here(self):
        """Whatever is said: what is here and there stays here, and what is there no more is here."""
        raise NotImplementedError

    def __init__(self, protocol, news, **keys):
        self.protocol, self.news, self.keys = protocol, news, keys

    def work(self, seeds):
        """One worker: its own home, server and store. Complaints, each of one seed."""
        home = Run()
        self.begin()
        with hostile.Hostile(self) as server:
            home.add("it", f"{self.protocol}://me@127.0.0.1:{server.port}", password="secret", timeout=5, **self.keys)
            try:
                assert home.sync()[0] == DONE
                kept = home.store("it") + "-kept"
                os.rename(home.store("it"), kept)
                return [f"seed {seed}: {wrong}" for seed in seeds for wrong in self.one(home, server, kept, seed)]
            finally:
                home.close()

    def one(self, home, server, kept, seed):
        shutil.rmtree(home.store("it"), ignore_errors=True)
        shutil.copytree(kept, home.store("it"))
        self.go_on()
        rng = random.Random(seed)
        server.garbler, server.patience = hostile.Garbler(rng, self.news, rng.choice((1, 4, 10, 30))), SILENCE
        server.pieces = rng.choice((None, None, 1, rng))
        try:
            status, said = home.sync()
        except subprocess.TimeoutExpired:
            status, said = None, b"it hangs"
        how = server.garbler.done
        server.garbler, server.patience, server.pieces = None, hostile.SECONDS, None
        if status not in (DONE, SOME_FAILED, AUTH, NETWORK, FUSE):
            yield f"ended with {status}: {said.decode(errors='replace')} {how}"
        if b"removed here" in said and not self.strict:
            yield f"removed what is on the server: {said.decode()} {how}"
        safe = home.exported() or []
        if missing := [one[:20] for one in self.must_be_here() if not self.is_in(one, safe)]:
            yield f"is not here: {missing} {said.decode()} {how}"
        found, expected = self.after_honest_syncs(home)
        if found != expected:
            lost = [one[:20] for one in expected if one not in found]
            more = [one[:20] for one in found if one not in expected]
            yield f"in the end lost {lost}, more {more}, {len(found)} of {len(expected)}; {said.decode()} {how}"

    def is_in(self, message, found):
        """By POP3 a status line too many becomes a message's first line: nothing says that it is none of it."""
        return message in found or not self.strict and any(one.endswith(b"\r\n" + message) for one in found)

    def after_honest_syncs(self, home):
        """Some doubts are settled one after the other."""
        for _ in range(HONEST):
            home.sync()
            found, expected = home.exported() or [], sorted(self.all())
            if not self.strict:
                found = [one for one in expected if self.is_in(one, found)]
            if found == expected:
                break
        return found, expected


class Imap(Kind):

    def __init__(self, capability):
        super().__init__("imap+plain", hostile.Garbler.IMAP_NEWS)
        self.capability = capability

    def begin(self):
        self.box = hostile.Mailbox({uid: mail(uid) for uid in (1, 3, 4, 8)}, self.capability)
        self.before = {**self.box.__dict__}

    def go_on(self):
        self.box.__dict__.update(self.before)
        self.box.mail = {uid: mail(uid) for uid in (3, 4, 8, 9, 10, 12)}
        self.box.next, self.box.modseq, self.box.vanished = 13, 130, b"1"

    def __call__(self, line):
        self.box(line)

    def must_be_here(self):
        return [mail(uid) for uid in (3, 4, 8)]

    def all(self):
        return self.box.mail.values()


class Pop3(Kind):

    # A message to which a garbled listing gave another UIDL comes once more under its own, and what the server sent as
    # a message stays: more than there is is not lost.
    strict = False

    def __init__(self, leave, mail=mail, **settings):
        super().__init__("pop3+plain", hostile.Garbler.POP3_NEWS, leave=leave)
        self.settings = settings
        self.leave, self.mail = leave, mail

    def begin(self):
        self.there = [self.mail(number) for number in (1, 3, 4)]
        self.ever = list(self.there)

    def go_on(self):
        self.ever = [self.mail(number) for number in (1, 3, 4, 9, 10, 12)]
        self.there = self.ever[1:] if self.leave == "forever" else self.ever[3:]

    def __call__(self, line):
        hostile.pop3(line, self.there, **self.settings)

    def must_be_here(self):
        return [one for one in self.ever if one not in self.there]

    def all(self):
        return self.ever


class Garbled(harness.Case):

    def check(self, make, first):
        seeds = [int(ONLY)] if ONLY else range(first, first + SEEDS)
        if ONLY and int(ONLY) // 1_000_000 != first // 1_000_000:
            self.skipTest("another kind's seed")
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            shares = [share for share in (seeds[number::WORKERS] for number in range(WORKERS)) if share]
            wrong = [one for found in pool.map(lambda share: make().work(share), shares) for one in found]
        print(f"{len(seeds)} seeds in {time.monotonic() - started:.0f} s", end=" ", flush=True)
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_imap_with_qresync(self):
        self.check(lambda: Imap(QRESYNC), 1_000_000)

    def test_imap_with_condstore(self):
        self.check(lambda: Imap(CONDSTORE), 2_000_000)

    def test_imap_without_extensions(self):
        self.check(lambda: Imap(b"IMAP4rev1"), 3_000_000)

    def test_pop3_that_leaves_all_on_the_server(self):
        self.check(lambda: Pop3("forever"), 4_000_000)

    def test_pop3_that_takes_all(self):
        self.check(lambda: Pop3("never", capa=[b"UIDL", b"TOP", b"PIPELINING"]), 5_000_000)

    def test_pop3_that_takes_all_messages_of_one_size(self):
        self.check(lambda: Pop3("never", mail_of_one_size, capa=[b"UIDL", b"TOP", b"PIPELINING"]), 6_000_000)


if __name__ == "__main__":
    harness.main()
