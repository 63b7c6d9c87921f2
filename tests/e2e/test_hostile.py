#!/usr/bin/env python3
"""Hostile and broken servers: one clear line, in time, no crash, no partial message."""

import os
import resource
import time

import harness
from harness import NETWORK, SOME_FAILED

import hostile  # noqa: E402  (harness puts tests/support on the path)

PATIENCE = 2  # seconds that the accounts of these tests wait for a server


class Hostile(harness.Case):

    def against(self, behaviour, *arguments, protocol="imap+plain"):
        """An account `it` on a server that behaves so."""
        server = hostile.Hostile(behaviour, *arguments).start()
        self.addCleanup(server.close)
        # Each server has a store of its own: another port is another server, and its store is refused.
        self.home.add("it", f"{protocol}://me@127.0.0.1:{server.port}", password="very secret", timeout=PATIENCE,
                      store=self.home.store(f"it-{server.port}"))
        return server

    def fails(self, behaviour, status, words, *arguments, protocol="imap+plain", seconds=30):
        """The sync fails in time with this status and a line that says this; it can't hurt a terminal.

        NETWORK: later it may work. SOME_FAILED: it won't, until something is changed."""
        self.against(behaviour, *arguments, protocol=protocol)
        started = time.monotonic()
        done = self.home.run("sync", "it")
        self.assertLess(time.monotonic() - started, seconds)
        self.assertEqual(done.status, status, done.err)
        self.assert_complaint(done, "it", words)
        self.assertNotIn("\x1b", done.err)
        self.assertNotIn("very secret", done.err)
        self.assertLess(len(done.err), 2000)
        self.assertEqual(self.stored(), [], "nothing half-done is kept")
        return done

    def stored(self):
        done = self.home.run("ls", "it", "--json")
        return done.out.splitlines()

    def test_a_server_that_speaks_another_protocol(self):
        for behaviour, name in ((hostile.another_protocol, "SSH"), (hostile.web_server, "HTTP")):
            for protocol, wanted in (("imap+plain", "IMAP"), ("pop3+plain", "POP3")):
                done = self.fails(behaviour, SOME_FAILED, rf"127\.0\.0\.1: the server speaks {name}, not {wanted}",
                                  protocol=protocol)
                self.assertIn("check the port", done.err)

    def test_the_other_mail_protocol_tells_the_scheme_to_write(self):
        done = self.fails(hostile.imap, SOME_FAILED, "speaks IMAP, not POP3", protocol="pop3+plain")
        self.assertIn("imaps://", done.err)
        done = self.fails(hostile.pop3, SOME_FAILED, "speaks POP3, not IMAP", protocol="imap+plain")
        self.assertIn("pop3s://", done.err)

    def test_a_server_that_speaks_no_tls(self):
        for protocol in ("imaps", "pop3s"):
            self.fails(hostile.another_protocol, SOME_FAILED, "does not speak TLS on this port", protocol=protocol)

    def test_a_server_that_hangs(self):
        for protocol, words in (("imap+plain", "did not answer in time"), ("pop3+plain", "did not answer in time"),
                                ("imaps", "did not finish the TLS handshake in time"),
                                ("pop3s", "did not finish the TLS handshake in time")):
            self.fails(hostile.hang, NETWORK, words, protocol=protocol, seconds=PATIENCE * 5)

    def test_a_server_that_closes_at_once(self):
        for protocol, words in (("imap+plain", "closed the connection"), ("pop3+plain", "closed the connection"),
                                ("imaps", "closed the connection|lost the connection")):
            self.fails(hostile.close_at_once, NETWORK, words, protocol=protocol)

    def test_a_greeting_of_100_megabytes_without_a_line_end(self):
        self.fails(hostile.endless_greeting, SOME_FAILED, "the server sends a response of more than 66 kB")
        self.fails(hostile.endless_greeting, SOME_FAILED, "not a POP3 server: it greets without a line end",
                   protocol="pop3+plain")

    def test_control_characters_in_what_the_server_says(self):
        self.fails(hostile.escape_in_greeting, NETWORK, r"does not want to talk now: \".*go away\"")

    def test_a_connection_closed_in_mid_literal(self):
        self.fails(hostile.closes_in_literal, NETWORK, "closed the connection")

    def test_a_message_cut_in_the_middle_by_pop3(self):
        self.fails(hostile.pop3_closes_in_message, NETWORK, "closed the connection in RETR", protocol="pop3+plain")

    def test_a_literal_of_4_gigabytes(self):
        self.fails(hostile.gigantic_literal_in_list, SOME_FAILED, "announces a literal of 4,294,967,296 octets, more than 1.0 MB")
        self.fails(hostile.four_gigabyte_literal, SOME_FAILED, "announces a literal of 4,294,967,296 octets, more than 2.1 GB")

    def test_an_untagged_response_of_100_megabytes_without_a_line_end(self):
        self.fails(hostile.line_without_end, SOME_FAILED, "the server sends a response of more than 17 MB")

    def test_memory_stays_small_whatever_the_server_sends(self):
        """The largest of the children so far, all of this file's runs included."""
        self.home.run("--version")
        self.fails(hostile.line_without_end, SOME_FAILED, "the server sends a response of more than 17 MB")
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if "ASAN_OPTIONS" not in os.environ:
            self.assertLess(largest, 150_000, "kilobytes resident")

    def test_ten_thousand_parentheses_cost_at_most_that_response(self):
        self.against(hostile.parentheses)
        done = self.sync("it")
        self.assertIn("too many parentheses", done.out.decode())
        self.assert_same_mail("it", [hostile.MESSAGE])

    def test_folder_names_from_the_server_stay_inside_the_store_and_the_export(self):
        names = (b"../../etc", b"a\0b", b"/absolute", b"..", b"", b"x" * 5000, b"con/aux/../../..", b"\xff\xfe", b"&AGE")
        self.against(hostile.folder_names, *names)
        before = set(os.listdir(os.path.dirname(self.home.folder)))
        done = self.sync("it")
        self.assertNotIn("\0", done.err)
        # What can't be mirrored is named, each once.
        said = done.out.decode() + done.err
        skipped = [line for line in said.splitlines() if "can't be read" in line]
        self.assertEqual(len(skipped), 3, said)
        self.assertIn("a b", "".join(skipped))
        self.assertEqual(set(self.exported("it")) - {harness.digest(hostile.MESSAGE)}, set())
        place = os.path.join(self.home.folder, "deep", "inside", "export")
        self.run_it("export", "it", "--maildir", place)
        self.assertFalse(os.path.exists(os.path.join(self.home.folder, "deep", "etc")))
        self.assertEqual(os.listdir(os.path.join(self.home.folder, "deep")), ["inside"])
        self.assertEqual(os.listdir(os.path.join(self.home.folder, "deep", "inside")), ["export"])
        created = {name for name in set(os.listdir(os.path.dirname(self.home.folder))) - before
                   if not name.startswith(("twinbox-", "tmp"))}
        self.assertNotIn("etc", created)

    def test_a_server_that_drips_is_left(self):
        self.fails(hostile.drips, NETWORK, "sends too slowly", seconds=PATIENCE * 5)

    def test_what_the_server_wants_its_user_to_read_is_told_once(self):
        self.against(hostile.alerts)
        done = self.sync("it")
        said = done.out.decode() + done.err
        self.assertEqual(said.count("Friday"), 1, said)
        self.assertNotIn("\x1b", said)

    def test_an_honest_small_server_is_mirrored(self):
        """The other tests fail for the right reason: the server they are built on works."""
        self.against(hostile.imap)
        self.sync("it")
        self.assert_same_mail("it", [hostile.MESSAGE])


class BarePop3(harness.Case):
    """Servers of RFC 1939 and not a word more."""

    MESSAGES = tuple(b"Subject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\n.dot %d\r\n" % (n, n, n)
                     for n in range(5))

    def connect(self, keys=None, **settings):
        server = hostile.Hostile(lambda line: hostile.pop3(line, **settings)).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=5, **(keys or {}))

    def check(self, messages=MESSAGES, **settings):
        there = list(messages)
        self.connect(messages=there, **settings)
        self.sync("it")
        self.assert_same_mail("it", there)
        there.append(b"Subject: new\r\n\r\n")
        self.sync("it")
        self.assert_same_mail("it", there)

    def test_without_capa_uidl_and_top_nothing_is_lost_or_doubled(self):
        self.check(uidl=False, top=False)

    def test_without_uidl_nothing_is_lost_or_doubled(self):
        self.check(uidl=False)

    def test_without_capa_and_top(self):
        self.check(top=False)

    def test_sizes_that_are_not_the_size(self):
        self.check(sizes=[1] * 6)

    def test_dots_that_the_server_does_not_stuff_are_the_messages_own(self):
        messages = (b"Subject: dots\r\n\r\nbefore\r\n.\r\nafter\r\n.\r\n", self.MESSAGES[0])
        self.check(messages, stuff=False)

    def test_a_message_is_never_removed_on_the_server_for_half_of_it(self):
        """The server does not stuff dots and does not tell sizes: where the message ends can't be known."""
        there = [b"Subject: dots\r\n\r\nbefore\r\n.\r\nafter\r\n"]
        self.connect({"leave": "never"}, messages=there, stuff=False, sizes=[0])
        for _ in range(2):
            done = self.home.run("sync", "it")
            self.assertEqual(done.status, SOME_FAILED, done.err)
            self.assertEqual(self.ls("it"), [], "what is not known to be whole is not stored")
        self.assertEqual(len(there), 1)

    def test_a_server_that_sends_an_octet_now_and_then_is_given_up(self):
        server = hostile.Hostile(hostile.pop3_drips).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=PATIENCE)
        started = time.monotonic()
        done = self.home.run("sync", "it")
        self.assertEqual(done.status, NETWORK, done.err)
        self.assertLess(time.monotonic() - started, PATIENCE * 4)

    def test_a_login_with_endless_challenges_is_given_up(self):
        server = hostile.Hostile(hostile.pop3_endless_challenges).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=PATIENCE)
        started = time.monotonic()
        done = self.home.run("sync", "it")
        self.assertEqual(done.status, SOME_FAILED, done.err)
        self.assert_complaint(done, "it", "goes on with a login that was given up")
        self.assertLess(time.monotonic() - started, PATIENCE * 4)

    def test_a_pause_that_the_server_asks_for_is_kept_by_scheduled_syncs(self):
        answers = [b"-ERR [LOGIN-DELAY] minimum time between mail checks violation\r\n"]
        logins = []

        def behaviour(line):
            logins.append(1)
            hostile.pop3(line, capa=[b"USER", b"TOP", b"UIDL", b"RESP-CODES", b"LOGIN-DELAY 900"],
                         passed=answers.pop() if answers else b"+OK\r\n")
        server = hostile.Hostile(behaviour).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=5)
        done = self.run_it("sync", "it", status=NETWORK)
        self.assertIn("15 min between logins", done.err)
        done = self.run_it("sync", "--quiet", "it", status=NETWORK)
        self.assert_one_line(done, "it", "pause")
        self.assertEqual(len(logins), 1, "a timer leaves it alone")
        self.sync("it")
        self.assertEqual(len(logins), 2, "a person is obeyed")
        self.run_it("sync", "--quiet", "it", status=NETWORK)
        self.assertEqual(len(logins), 2, "CAPA names the time between any two logins")

    def test_a_maildrop_in_use_is_status_5_and_left_alone_by_the_next_timer(self):
        logins = []

        def behaviour(line):
            logins.append(1)
            hostile.pop3(line, passed=b"-ERR [IN-USE] locked\r\n" if len(logins) == 1 else b"+OK\r\n")
        server = hostile.Hostile(behaviour).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=5)
        self.run_it("sync", "it", status=NETWORK)
        self.run_it("sync", "--quiet", "it", status=NETWORK)
        self.sync("it")
        self.sync("--quiet", "it")
        self.assertEqual(len(logins), 3)

    def test_what_a_maildrop_does_not_show_is_not_gone(self):
        """Gmail shows some hundred messages at a time."""
        there = list(self.MESSAGES)
        self.connect(messages=there)
        self.sync("it")
        there[:3] = []
        self.sync("it")
        self.assert_same_mail("it", self.MESSAGES)

    def test_numbers_for_uidls_stand_for_other_mail_each_day(self):
        monday, tuesday = (b"Subject: cron %s\r\n\r\ndone\r\n" % day for day in (b"mon", b"tue"))
        there = [monday]
        self.connect(messages=there, uidl="number")
        self.sync("it")
        there[:] = [tuesday]
        self.home.accounts["it"]["leave"] = "never"
        self.home.add("it", **self.home.accounts["it"])
        self.sync("it")
        self.assert_same_mail("it", [monday, tuesday])
        self.assertEqual(there, [], "taken, as leave says")

    def test_a_line_of_100_megabytes_in_a_message_is_one_outcome_not_a_crash(self):
        server = hostile.Hostile(hostile.pop3_line_without_end).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=10)
        self.sync("it")
        self.assertEqual([one["size"] for one in self.ls("it")], [100_000_019])

    def test_control_characters_in_a_refusal_never_reach_the_terminal(self):
        server = hostile.Hostile(hostile.pop3_escape_in_refusal).start()
        self.addCleanup(server.close)
        self.home.add("it", f"pop3+plain://me@127.0.0.1:{server.port}", password="secret", timeout=5)
        done = self.run_it("sync", "it", status=SOME_FAILED)
        self.assert_complaint(done, "it", r"login refused by 127\.0\.0\.1: \"\[SYS/PERM\].*no\"", "operator has to mend this")


if __name__ == "__main__":
    harness.main()
