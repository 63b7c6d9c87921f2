#!/usr/bin/env python3
"""Two hundred connections at once to one account: no error, no lost update, little memory."""

import os
import re
import sys
import threading
import time

import harness

from served import Served  # noqa: E402  (harness puts tests/support on the path)

CONNECTIONS = 200
SHARED = 20  # messages that all look at and ten each mark
SECONDS = 60 if "TWINBOX_LONG" in os.environ else 8
MEMORY = 150_000  # kilobytes
OPEN_FILES = 128  # the soft limit: too few for so many, unless the server raises it


def message(number):
    return b"Subject: number %d\r\n\r\ntext of %d\r\n" % (number, number)


class Many(harness.Case):

    def setUp(self):
        super().setUp()
        source = self.serve()
        for number in range(SHARED):
            source.deliver(message(number))
        self.home.connect("work", source, mode="two-way")
        self.sync("work")
        self.server = Served(harness.PROGRAM, self.home, "work", open_files=OPEN_FILES)
        self.addCleanup(self.server.stop)
        self.all_there = threading.Barrier(CONNECTIONS)
        self.all_done = threading.Barrier(CONNECTIONS)
        self.wrong, self.seen, self.changes = [], {}, [0] * CONNECTIONS

    def ok(self, answer):
        if answer[0] != "OK":
            raise OSError(f"refused: {answer}")
        return answer[1]

    def idle(self, connection, seconds):
        tag = connection._new_tag()
        connection.send(tag + b" IDLE\r\n")
        if not connection.readline().startswith(b"+"):
            raise OSError("no IDLE")
        time.sleep(seconds)
        connection.send(b"DONE\r\n")
        while not (line := connection.readline()).startswith(tag):
            if not line:
                raise OSError("closed while idling")
        if not line.startswith(tag + b" OK"):
            raise OSError(line.decode())

    def work(self, me):
        try:
            connection = self.server.imap()
            self.all_there.wait(60)
            end = time.monotonic() + SECONDS
            self.ok(connection.select("INBOX"))
            self.ok(connection.append("INBOX", f"(own{me})", None, message(1000 + me)))
            mine, on = str(me % SHARED + 1), False
            while time.monotonic() < end or not on:
                on = not on
                self.ok(connection.store(mine, "+FLAGS" if on else "-FLAGS", f"(by{me})"))
                self.changes[me] += 1
                self.ok(connection.uid("FETCH", mine, "(FLAGS BODY.PEEK[])"))
                self.idle(connection, SECONDS / 4)
            self.all_done.wait(60)
            self.ok(connection.noop())
            connection.untagged_responses.clear()  # what was told until now
            rows = self.ok(connection.fetch("1:*", "(UID FLAGS MODSEQ)"))
            self.seen[me] = frozenset(self.row(row) for row in rows)
            connection.logout()
        except Exception as error:  # whatever it was, the test tells it
            self.wrong.append(f"{me}: {type(error).__name__} {error}")
            self.all_there.abort()
            self.all_done.abort()

    @staticmethod
    def row(line):
        text = line.decode()
        uid, modseq = re.search(r"UID (\d+)", text), re.search(r"MODSEQ \((\d+)\)", text)
        return int(uid[1]), frozenset(re.search(r"FLAGS \(([^)]*)\)", text)[1].split()), int(modseq[1])

    def test_many(self):
        threads = [threading.Thread(target=self.work, args=(number,)) for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.wrong[:5], [])
        self.assertEqual(len(self.seen), CONNECTIONS)
        self.assertEqual(len(set(self.seen.values())), 1, "not all see the same")
        rows = {uid: flags for uid, flags, _ in self.seen[0]}
        self.assertEqual(sorted(rows), list(range(1, SHARED + CONNECTIONS + 1)))
        for uid in range(1, SHARED + 1):
            self.assertEqual(rows[uid], {f"by{me}" for me in range(CONNECTIONS) if me % SHARED + 1 == uid})
        own = sorted(flag for uid in rows if uid > SHARED for flag in rows[uid])
        self.assertEqual(own, sorted(f"own{me}" for me in range(CONNECTIONS)))
        peak = self.server.status("VmHWM")
        print(f"{CONNECTIONS} connections, {sum(self.changes)} changes of flags: {peak} kB at most", file=sys.stderr)
        if not any(name.endswith("SAN_OPTIONS") for name in os.environ):
            self.assertLess(peak, MEMORY)
        self.assertEqual(self.server.stop(), 0)
        self.run_it("verify", "work")


if __name__ == "__main__":
    harness.main()
