#!/usr/bin/env python3
"""Python's imaplib, poplib and smtplib, which nobody here wrote, do all that they can against `twinbox serve`."""

import collections
import signal
import threading
import time

import harness
from harness import digest

import programs
from programs import COUNT, SECONDS, message

SOON = 8  # for what a sync in another process brought to be told: it is looked for every second


class Libraries(programs.Case):

    def test_imaplib_idles_while_another_changes(self):
        server = self.served()
        idling, other = server.imap(), server.imap()
        self.ok(idling.select("INBOX"))
        self.ok(other.select("INBOX"))
        idling.send(b"I1 IDLE\r\n")
        self.assertTrue(idling.readline().startswith(b"+"))
        self.ok(other.store("2", "+FLAGS", "(\\Flagged)"))
        self.assertIn(b"\\Flagged", self.hears(idling, b"* 2 FETCH"))
        self.ok(other.append("INBOX", None, None, message(100)))
        self.hears(idling, b"* %d EXISTS" % (COUNT + 1))
        self.ok(other.store("1", "+FLAGS", "(\\Deleted)"))
        self.ok(other.expunge())
        self.hears(idling, b"* 1 EXPUNGE")
        idling.send(b"DONE\r\n")
        self.hears(idling, b"I1 OK")
        idling.logout()
        other.logout()

    def test_poplib(self):
        server = self.served()
        connection = server.pop()
        self.assertTrue({"UIDL", "TOP", "PIPELINING"} <= set(connection.capa()))
        names = [line.split()[1] for line in connection.uidl()[1]]
        self.assertEqual(len(set(names)), COUNT)
        self.assertEqual(connection.stat()[0], COUNT)
        for number in range(COUNT):
            self.assertEqual(b"".join(line + b"\r\n" for line in connection.retr(number + 1)[1]), message(number))
        head, _, rest = message(0).partition(b"\r\n\r\n")
        self.assertEqual(b"\r\n".join(connection.top(1, 2)[1]),
                         head + b"\r\n\r\n" + b"\r\n".join(rest.split(b"\r\n")[:2]))
        connection.dele(1)
        connection.rset()
        connection.dele(5)
        connection.quit()
        again = server.pop()
        self.assertEqual([line.split()[1] for line in again.uidl()[1]], names[:4] + names[5:])
        again.quit()
        self.assertEqual(sorted(server.octets()), [uid for uid in range(1, COUNT + 1) if uid != 5])
        self.assert_ends_clean(server)

    def test_smtplib(self):
        server = self.served()
        for number, tls in ((100, True), (101, False)):
            connection = server.smtp(tls)
            connection.login("work", server.password)
            self.assertEqual(connection.sendmail("a@example.org", ["work@example.org"], message(number),
                                                 ["BODY=8BITMIME"]), {})
            connection.quit()
            self.assertTrue(server.octets()[max(server.octets())].endswith(message(number)))
        self.assertEqual(len(server.octets()), COUNT + 2)

    # --- what may not be changed, syncs, ends

    def test_a_mirror_is_read_only(self):
        server = self.served(mode="mirror")
        connection = server.imap()
        self.ok(connection.select("INBOX", readonly=True))
        self.assertEqual(connection.response("READ-ONLY")[0], "READ-ONLY")
        self.ok(connection._simple_command("SELECT", "INBOX"))
        connection.state = "SELECTED"
        self.assertIsNotNone(connection.untagged_responses.get("READ-ONLY"))
        self.no(connection.store("1", "+FLAGS", "(\\Seen)"))
        self.no(connection.append("INBOX", None, None, message(100)))
        self.no(connection.expunge())
        self.no(connection.create("Made"))
        self.no(connection.delete("Work"))
        connection.logout()
        pop = server.pop()
        pop.dele(1)
        with self.assertRaises(harness.clients.poplib.error_proto):
            pop.quit()
        pop.close()
        self.assertEqual(set(server.octets().values()), {message(number) for number in range(COUNT)})
        self.assertFalse({"submission", "submissions"} & set(server.ports))

    def test_with_local_flags_flags_alone_may_be_changed(self):
        server = self.served(mode="mirror", local_flags=True)
        connection = server.imap()
        self.ok(connection.select("INBOX"))
        self.ok(connection.store("1", "+FLAGS", "(\\Flagged later)"))
        self.no(connection.append("INBOX", None, None, message(100)))
        self.no(connection.uid("MOVE", "1", "Work"))
        self.no(connection.delete("Work"))
        connection.logout()
        self.assertEqual(server.marks()[1], {"\\Flagged", "later"})
        self.assertEqual(len(server.octets()), COUNT)

    def test_an_idling_client_is_told_what_a_sync_brings(self):
        source = self.serve()
        source.deliver(message(0))
        server = self.served(source)
        connection = server.imap()
        self.ok(connection.select("INBOX"))
        connection.send(b"I1 IDLE\r\n")
        connection.readline()
        source.deliver(message(1))
        self.sync("work")
        done = time.monotonic()
        connection.sock.settimeout(SOON)
        self.hears(connection, b"* 2 EXISTS")
        self.assertLess(time.monotonic() - done, SOON)
        connection.send(b"DONE\r\n")
        self.hears(connection, b"I1 OK")
        self.assertEqual(set(server.octets().values()), {message(0), message(1)})

    def test_sigterm_during_appends_loses_nothing_that_was_accepted(self):
        server = self.served()
        accepted, begun = [], threading.Event()

        def append(first):
            connection = server.imap()
            try:
                for number in range(first, first + 100_000):
                    if connection.append("Work", None, None, message(number))[0] != "OK":
                        return
                    accepted.append(digest(message(number)))
                    if len(accepted) >= 20:
                        begun.set()
            except (connection.abort, OSError):
                return

        threads = [threading.Thread(target=append, args=(number * 1_000_000,)) for number in range(1, 4)]
        for thread in threads:
            thread.start()
        half = server.imap()
        half.send(b"A1 APPEND Work {1000}\r\n")
        half.readline()
        half.send(b"Subject: never whole\r\n\r\n")
        self.assertTrue(begun.wait(SECONDS))
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        for thread in threads:
            thread.join()
        kept = collections.Counter(digest(octets) for octets in self.again().octets("Work").values())
        self.assertFalse(collections.Counter(accepted) - kept)
        self.assertLessEqual(len(kept) - len(accepted), len(threads))  # whose answer was on its way
        self.assertEqual(set(kept.values()), {1})



if __name__ == "__main__":
    programs.main()
