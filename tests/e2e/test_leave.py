#!/usr/bin/env python3
"""POP3 that leaves nothing, or everything, on the server: what it costs, and what becomes of the rest."""

import time

import harness
from harness import DONE, NETWORK, SOME_FAILED

import hostile  # noqa: E402  (harness puts tests/support on the path)
from relay import Relay  # noqa: E402

MESSAGES = tuple(b"Subject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\ntext %d\r\n" % (n, n, n) for n in range(4))
CAPA = [b"USER", b"TOP", b"UIDL", b"PIPELINING"]


class RoundTrips(harness.Case):
    """Nothing has changed: what a slow line charges for, the TCP connection and the greeting included."""

    DELAY = 0.05  # on the way; the program ends within two of them, before an answer that it does not wait for

    def cost(self, protocol, folders, name="it", **keys):
        server = self.serve()
        for folder in folders:
            server.deliver(b"Subject: one\r\n\r\nhello\r\n", folder)
        relay = Relay(server.ports[protocol.partition("+")[0]], delay=self.DELAY)
        self.addCleanup(relay.close)
        self.home.add(name, f"{protocol}://{server.user}@localhost:{relay.port}", password=server.password, **keys)
        self.sync(name)
        relay.reset()
        self.sync(name)
        self.assertEqual(relay.connections, 1)
        self.hears_goodbye(server, 2)
        return relay.round_trips

    def hears_goodbye(self, server, times):
        """Not waited for, and said all the same: no session was just broken off."""
        for _ in range(50):
            if server.read_log().count("Logged out") == times:
                return
            time.sleep(0.1)
        self.fail(server.read_log())

    def test_five_folders_by_imap_cost_five(self):
        """TCP and the greeting: two; SCRAM: three, with LIST with STATUS and all else behind its last line."""
        self.assertLessEqual(self.cost("imap+plain", ("INBOX", "a", "b", "c", "d")), 5)

    def test_a_maildrop_costs_four_and_two_more_with_scram(self):
        """TCP and the greeting: two; CAPA; login, with CAPA, STAT, LIST and UIDL behind its last line."""
        self.assertLessEqual(self.cost("pop3+plain", ("INBOX",), "plain", auth="PLAIN"), 4)
        self.assertLessEqual(self.cost("pop3+plain", ("INBOX",)), 6)


class Read(harness.Case):
    """A mirror does not mark mail as read: Dovecot does so at the end of a session, however it ends."""

    @staticmethod
    def seen(server):
        connection = server.imap()
        connection.select("INBOX", readonly=True)
        _, rows = connection.fetch("1:*", "(FLAGS)")
        connection.logout()
        return sum(b"\\Seen" in row for row in rows)

    def settled(self, server):
        """Once the server has noticed the end of the connection, and written what it writes then."""
        before = -1
        for _ in range(40):
            now = self.seen(server)
            if now == before:
                return now
            before = now
            time.sleep(0.25)
        self.fail("the server goes on marking mail")

    def test_a_session_that_is_cut_leaves_no_more_than_a_window_as_read(self):
        server = self.serve()
        for number in range(700):
            server.deliver(b"Subject: %d\r\n\r\n" % number + b"x" * 1000 + b"\r\n")
        relay = Relay(server.ports["pop3"], cut_after=600_000)
        self.addCleanup(relay.close)
        self.home.add("it", f"pop3+plain://{server.user}@localhost:{relay.port}", password=server.password, timeout=10)
        self.sync("it", status=NETWORK)
        self.assertGreater(len(self.ls("it")), 400)
        self.assertLessEqual(self.settled(server), 128)
        relay.cut_after = None
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 700)


class EndsInOne(harness.Case):
    """A server that ends the connection each time in one message."""

    def setUp(self):
        super().setUp()
        self.there = list(MESSAGES)
        self.ends_at = None  # a regular expression of commands

        def behaviour(line):
            def honest(line):
                hostile.pop3(line, messages=self.there, capa=CAPA)
            if self.ends_at:
                hostile.stops_at(line, honest, self.ends_at, b"+OK\r\nSubj", closes=True)
            else:
                honest(line)
        server = hostile.Hostile(behaviour).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=5)
        self.sync("it")

    def leave_nothing(self):
        self.home.accounts["it"]["leave"] = "never"
        self.home.add("it", **self.home.accounts["it"])

    def until_removed(self, rest):
        """At most four syncs until only `rest` is on the server; some of them fail."""
        for _ in range(4):
            done = self.home.run("sync", "it")
            self.assertIn(done.status, (DONE, SOME_FAILED, NETWORK), done.err)
            if self.there == rest:
                return
        self.fail(f"{len(self.there)} are still on the server: {done.err}")

    def test_in_its_header_or_anywhere_the_others_are_removed(self):
        self.ends_at = rb"(?:TOP|RETR) 2\b.*"
        self.leave_nothing()
        self.until_removed([MESSAGES[1]])
        self.ends_at = None
        self.until_removed([])
        self.assert_same_mail("it", MESSAGES)

    def test_a_new_one_keeps_no_removal_away(self):
        self.there.append(b"Subject: new\r\n\r\nnew\r\n")
        self.ends_at = rb"RETR 5"
        self.leave_nothing()
        self.until_removed([b"Subject: new\r\n\r\nnew\r\n"])
        self.ends_at = None
        self.until_removed([])
        self.assertEqual(len(self.ls("it")), 5)

    def test_mail_that_comes_each_time_keeps_neither_the_bad_one_nor_removals_away(self):
        """The bad one heals; it is tried although there is always something to remove."""
        self.ends_at = rb"(?:TOP|RETR) 2\b.*"
        self.leave_nothing()
        for _ in range(3):
            self.home.run("sync", "it")
        self.ends_at = None
        for number in range(3):
            self.there.append(b"Subject: late %d\r\n\r\n\r\n" % number)
            self.home.run("sync", "it")
        self.assertEqual(self.there, [])
        self.assertEqual(len(self.ls("it")), 7)


class Numbered(harness.Case):
    """A server whose UIDLs are the messages' numbers, all mail of one size: only headers tell one from another."""

    COUNT = 40

    def setUp(self):
        super().setUp()
        self.there = [self.mail(number) for number in range(self.COUNT)]
        self.heads = 0  # TOPs of the last sync

        def behaviour(line):
            read = line.read

            def counted():
                command = read()
                self.heads += command is not None and command.startswith(b"TOP")
                return command
            line.read = counted
            hostile.pop3(line, messages=self.there, capa=CAPA, uidl="number")
        server = hostile.Hostile(behaviour).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=5)
        self.expected = list(self.there)
        self.sync("it")
        self.assertEqual(self.heads, self.COUNT)

    @staticmethod
    def mail(number, body=0):
        return b"Subject: number %04d\r\n\r\ntext %04d\r\n" % (number, body)

    def again(self, *new):
        self.heads = 0
        self.sync("it")
        self.expected += new
        self.assert_same_mail("it", self.expected)

    def test_where_nothing_has_changed_few_headers_are_asked_for(self):
        for _ in range(3):
            self.again()
            self.assertLessEqual(self.heads, 1 + self.COUNT // 16 + 1)

    def test_new_mail_costs_its_own_headers(self):
        self.there += [self.mail(100), self.mail(101)]
        self.again(*self.there[-2:])
        self.assertLessEqual(self.heads, 3 + self.COUNT // 16 + 1)

    def test_what_takes_the_place_of_another_is_seen(self):
        """One is gone, one is new: as many as before, of the same sizes."""
        self.there[:1] = []
        self.there.append(self.mail(100))
        self.again(self.there[-1])

    def test_one_with_the_header_of_another_is_a_message_all_the_same(self):
        self.there.append(self.mail(3, body=7))
        self.again(self.there[-1])
        self.again()

    def test_where_a_server_adds_mail_in_the_middle_it_is_found_in_time(self):
        """It takes the place of one that went, before the last: seen when its turn comes."""
        self.there[5] = self.mail(100)
        for _ in range(16):
            self.sync("it")
        self.expected.append(self.there[5])
        self.assert_same_mail("it", self.expected)


if __name__ == "__main__":
    harness.main()
