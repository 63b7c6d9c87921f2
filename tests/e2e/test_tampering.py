#!/usr/bin/env python3
"""Under required TLS: what somebody on the way, or a server that lies, may say, and what comes of it: nothing."""

import re
import shutil
import tempfile
import time

import harness
from harness import AUTH, NETWORK, SOME_FAILED

import hostile  # noqa: E402  (harness puts tests/support on the path)
from hostile import Line  # noqa: E402

PATIENCE = 3  # seconds that the accounts of these tests wait for a server
PASSWORD = "very secret"
# All that twinbox may say before it has TLS.
HARMLESS = re.compile(rb"(T\d+ )?(CAPABILITY|STARTTLS|LOGOUT)|CAPA|STLS|QUIT")

IMAP_OFFER = b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n"
POP3_OFFER = (b"+OK hi\r\n", "CAPA", b"+OK\r\nSTLS\r\n.\r\n")
wait = Line.wait_for_close
start_tls = Line.start_tls


class Case(harness.Case):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="twinbox-certificates-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.tls = hostile.Tls(cls.folder)

    def serve_it(self, behaviour, *arguments, protocol, **keys):
        """The account `it` on a server that behaves so."""
        implicit = protocol in ("imaps", "pop3s")
        self.server = hostile.Hostile(behaviour, *arguments, tls=self.tls, implicit=implicit,
                                      pieces=keys.pop("pieces", None)).start()
        self.addCleanup(self.server.close)
        # Each server has a store of its own: another port is another server, and its store is refused.
        self.home.add("it", f"{protocol}://me@localhost:{self.server.port}",
                      **{"password": PASSWORD, "timeout": PATIENCE, "tls_ca": self.tls.ca_file,
                         "store": self.home.store(f"it-{self.server.port}"), **keys})
        return self.server

    def says(self, protocol, *steps, **keys):
        return self.serve_it(hostile.script, *steps, protocol=protocol, **keys)

    def stays_silent(self):
        """Not a word went out in the clear that anybody could use, and none of the server's was believed."""
        for line in self.server.in_the_clear():
            self.assertTrue(HARMLESS.fullmatch(line), line)
        listed = self.home.run("ls", "it", "--json")
        self.assertEqual(listed.out, b"", "nothing is kept")

    def is_refused(self, protocol, steps, words, status=NETWORK, tries=2, **keys):
        """Twice, for the second try is no kinder; in time, in one line that says this."""
        self.says(protocol, *steps, **keys)
        for _ in range(tries):
            started = time.monotonic()
            done = self.home.run("sync", "it")
            self.assertLess(time.monotonic() - started, PATIENCE * 4)
            self.assertEqual(done.status, status, f"{steps}: {done.err}")
            self.assert_complaint(done, "it", words)
            self.stays_silent()
        return done


class BeforeTls(Case):
    """imap+starttls and pop3+starttls."""

    def test_an_imap_server_that_does_not_offer_starttls_or_does_not_say(self):
        for steps, words in (
                ((b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n", wait), r"does not offer TLS \(no STARTTLS\)"),
                ((b"* OK hi\r\n", "CAPABILITY", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n$t OK\r\n", wait), "does not offer TLS"),
                ((b"* OK hi\r\n", "CAPABILITY", b"$t NO\r\n", wait), r"does not say what it can do \(CAPABILITY\)"),
                ((b"* OK hi\r\n", "CAPABILITY", b"$t BAD\r\n", wait), "does not say what it can do"),
                ((b"* OK hi\r\n", "CAPABILITY", b"$t OK\r\n", wait), "does not say what it can do"),
                ((b"* OK hi\r\n", "CAPABILITY", b"* CAPABILITY\r\n$t OK\r\n", wait), "does not (say what it can do|offer TLS)")):
            self.is_refused("imap+starttls", steps, words)

    def test_an_imap_server_that_refuses_starttls_in_whatever_way(self):
        for answer, words in ((b"$t NO [ALERT] call 0900 1234\r\n", "refuses TLS"), (b"$t BAD no\r\n", "refuses TLS"),
                              (b"+ go on\r\n", "no TLS: .*the server asks for more"),
                              (b"$t YES\r\n", "no TLS: .*neither OK, NO nor BAD"),
                              (b"$t PREAUTH in\r\n", "no TLS: .*neither OK, NO nor BAD"),
                              (b"$t\r\n", "no TLS: .*neither OK, NO nor BAD"),
                              (b"T999 OK\r\n", "no TLS: .*never sent"),
                              (b"* BYE no\r\n", "closed the connection|no TLS")):
            steps = (IMAP_OFFER, "STARTTLS", answer) + (() if answer.startswith(b"* BYE") else (wait,))
            done = self.is_refused("imap+starttls", steps, words)
            self.assertNotIn("0900", done.err, "anybody's words are not the server's")

    def test_a_pop3_server_that_does_not_offer_stls_or_does_not_say(self):
        for capa in (b"-ERR no\r\n", b"+OK\r\n.\r\n", b"+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"):
            self.is_refused("pop3+starttls", (b"+OK hi\r\n", "CAPA", capa, wait), r"does not offer TLS \(no STLS in its CAPA\)")

    def test_a_pop3_server_that_refuses_stls_in_whatever_way(self):
        for answer, status, words in ((b"-ERR [SYS/TEMP] no\r\n", NETWORK, "refuses TLS"),
                                      (b"-ERR call 0900 1234\r\n", NETWORK, "refuses TLS"),
                                      (b"+ go on\r\n", SOME_FAILED, r"an answer to STLS that is neither \+OK nor -ERR"),
                                      (b"454 TLS not available\r\n", SOME_FAILED, r"neither \+OK nor -ERR"),
                                      (b"502 5.5.1 no\r\n", SOME_FAILED, r"neither \+OK nor -ERR"),
                                      (b"\r\n", SOME_FAILED, r"neither \+OK nor -ERR")):
            done = self.is_refused("pop3+starttls", (*POP3_OFFER, "STLS", answer, wait), words, status)
            self.assertNotIn("0900", done.err, "anybody's words are not the server's")

    def test_preauth_is_no_login_whatever_is_advertised(self):
        for capability in (b"IMAP4rev1", b"IMAP4rev1 STARTTLS", b"IMAP4rev2 STARTTLS AUTH=PLAIN", b"IMAP4rev2 IMAP4rev1"):
            greeting = b"* PREAUTH [CAPABILITY " + capability + b"] welcome back\r\n"
            self.is_refused("imap+starttls", (greeting, lambda line: hostile.imap(line, greeting=False)), "PREAUTH|logged in|TLS")
        self.is_refused("imap+starttls", (b"* PREAUTH\r\n", lambda line: hostile.imap(line, greeting=False)), "PREAUTH|logged in|TLS")

    def test_what_comes_behind_the_ok_in_the_same_flight_is_an_injection(self):
        for more in (b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", b"T2 OK\r\n", b"* 1", b"\0", b"\n"):
            self.is_refused("imap+starttls", (IMAP_OFFER, "STARTTLS", b"$t OK begin\r\n" + more, start_tls, hostile.imap),
                            "behind", SOME_FAILED)
        for more in (b"+OK logged in\r\n", b"+", b"\0", b"\n"):
            self.is_refused("pop3+starttls", (*POP3_OFFER, "STLS", b"+OK\r\n" + more, start_tls, hostile.pop3),
                            "behind", SOME_FAILED)

    def test_what_comes_between_the_ok_and_tls_is_never_read_as_the_servers(self):
        def late(line):
            time.sleep(0.1)  # the client has begun its handshake
            line.send(b"T2 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] in\r\n+OK in\r\n")
            line.wait_for_close()
        self.is_refused("imap+starttls", (IMAP_OFFER, "STARTTLS", b"$t OK\r\n", late), "does not speak TLS|behind", SOME_FAILED)
        self.is_refused("pop3+starttls", (*POP3_OFFER, "STLS", b"+OK\r\n", late), "does not speak TLS|behind", SOME_FAILED)

    def test_an_answer_that_comes_before_its_command_is_an_injection(self):
        self.is_refused("imap+starttls", (IMAP_OFFER + b"T1 OK begin\r\n", start_tls, hostile.imap), "never sent", SOME_FAILED)
        self.is_refused("imap+starttls", (b"* OK hi\r\nT1 OK done\r\n", wait), "never sent", SOME_FAILED)
        self.is_refused("pop3+starttls", (b"+OK hi\r\n+OK\r\nSTLS\r\n.\r\n", wait), "without being asked", SOME_FAILED)
        self.is_refused("pop3+starttls", (b"+OK hi\r\n", "CAPA", b"+OK\r\nSTLS\r\n.\r\n+OK begin\r\n", start_tls, hostile.pop3),
                        "without being asked", SOME_FAILED)

    def test_greetings_that_are_no_welcome_are_the_end_and_the_next_try_is_the_same(self):
        for greeting, status, words in ((b"* BYE go away\r\n", NETWORK, "does not want to talk"),
                                        (b"* NO\r\n", SOME_FAILED, "greeting is not IMAP's"),
                                        (b"* BAD\r\n", SOME_FAILED, "greeting is not IMAP's"),
                                        (b"T1 OK hi\r\n", SOME_FAILED, "does not speak IMAP"),
                                        (b"* HI\r\n", SOME_FAILED, "greeting is not IMAP's"),
                                        (b"\r\n", SOME_FAILED, "does not speak IMAP"),
                                        (b"* 1 EXISTS\r\n", SOME_FAILED, "greeting is not IMAP's")):
            self.is_refused("imap+starttls", (greeting, wait), words, status)
        for greeting, status, words in ((b"-ERR go away\r\n", NETWORK, "refuses connections"),
                                        (b"+ OK\r\n", SOME_FAILED, "not a POP3 server"),
                                        (b"OK\r\n", SOME_FAILED, "not a POP3 server"),
                                        (b"\r\n", SOME_FAILED, "not a POP3 server")):
            self.is_refused("pop3+starttls", (greeting, wait), words, status)

    def test_what_was_learnt_before_tls_is_forgotten(self):
        """The mechanisms and extensions before TLS are not those behind it; what they promise there is not believed."""
        seen = []

        def inside(line):
            while (command := line.read()) is not None:
                seen.append(command)
                tag, _, words = command.partition(b" ")
                if words == b"CAPABILITY":
                    line.send(b"* CAPABILITY IMAP4rev1\r\n")
                line.send(tag + b" NO [AUTHENTICATIONFAILED] no\r\n" if words.startswith(b"LOGIN") else tag + b" OK\r\n")
        self.says("imap+starttls", b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=CRAM-MD5 AUTH=PLAIN SASL-IR LITERAL+ ID] hi\r\n",
                  "STARTTLS", b"$t OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR ID] begin\r\n", start_tls, inside)
        self.sync("it", status=AUTH)
        self.assertEqual([each.split(b" ")[1] for each in seen], [b"CAPABILITY", b"LOGIN"])
        self.stays_silent()

        def inside_pop3(line):
            while (command := line.read()) is not None:
                seen.append(command)
                line.send(b"+OK\r\nUSER\r\n.\r\n" if command == b"CAPA" else b"+OK\r\n" if command.startswith(b"USER") else b"-ERR no\r\n")
        seen.clear()
        self.says("pop3+starttls", b"+OK <1.2@example.org>\r\n", "CAPA",
                  b"+OK\r\nSTLS\r\nPIPELINING\r\nUTF8\r\nSASL CRAM-MD5 PLAIN\r\n.\r\n", "STLS", b"+OK\r\n", start_tls, inside_pop3)
        self.sync("it", status=AUTH)
        self.assertEqual([each.split(b" ")[0] for each in seen], [b"CAPA", b"USER", b"PASS"])
        self.stays_silent()

    # What an attacker may want us to believe of the mailbox.
    LIES = (b'* LIST () "/" evil\r\n* LSUB () "/" evil\r\n* STATUS INBOX (MESSAGES 9 UIDNEXT 10 UIDVALIDITY 66)\r\n'
            b"* SEARCH 1 2 3\r\n* ESEARCH (TAG \"T1\") UID ALL 1:9\r\n* FLAGS (\\Evil)\r\n* 9 EXISTS\r\n* 9 RECENT\r\n* 1 EXPUNGE\r\n"
            b"* VANISHED (EARLIER) 1:4294967295\r\n* VANISHED 1:9\r\n* ENABLED QRESYNC UTF8=ACCEPT\r\n"
            b'* NAMESPACE (("evil/" "/")) NIL NIL\r\n* ID ("name" "evil")\r\n* QUOTA "" (STORAGE 1 2)\r\n'
            b"* OK [UIDVALIDITY 66] evil\r\n* OK [ALERT] call 0900 1234\r\n* NO [BADCHARSET (evil)] no\r\n"
            b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 9 BODY[] {9}\r\nevil mail)\r\n* 1 FETCH (BODY[] ~{9}\r\nevil mail)\r\n")

    def believes_nothing(self, protocol, *steps):
        self.says(protocol, *steps)
        done = self.sync("it")
        said = done.out.decode() + done.err
        self.assertNotIn("evil", said)
        self.assertNotIn("0900", said)
        self.assert_same_mail("it", [hostile.MESSAGE])
        self.assertEqual([harness.path_of(one["folder"]) for one in self.ls("it")], ["INBOX"])
        self.run_it("verify", "it")

    def test_untagged_data_before_tls_reaches_neither_store_nor_plan(self):
        self.believes_nothing("imap+starttls", IMAP_OFFER + self.LIES, "STARTTLS", self.LIES + b"$t OK\r\n", start_tls,
                              lambda line: hostile.imap(line, greeting=False))

    def test_untagged_data_before_the_login_reaches_neither_store_nor_plan(self):
        lies = self.LIES.replace(b"* OK [ALERT] call 0900 1234\r\n", b"")  # inside TLS, alerts are the server's

        def login(line, tag, _words):
            line.send(lies + tag + b" OK in\r\n")

        def inside(line):
            hostile.imap(line, {b"LOGIN": login}, greeting=False)
        self.believes_nothing("imap+starttls", IMAP_OFFER, "STARTTLS", b"$t OK\r\n", start_tls, lies, inside)
        self.believes_nothing("imaps", b"* OK [CAPABILITY IMAP4rev1] hi\r\n" + lies, inside)

    def test_an_honest_server_is_mirrored(self):
        """The other tests fail for the right reason."""
        for protocol, behaviour in (("imap+starttls", hostile.imap), ("imaps", hostile.imap),
                                    ("pop3+starttls", hostile.pop3), ("pop3s", hostile.pop3)):
            self.serve_it(behaviour, protocol=protocol)
            self.sync("it")
            self.assert_same_mail("it", [hostile.MESSAGE])
            self.assertTrue(all(HARMLESS.fullmatch(line) for line in self.server.in_the_clear()))
            self.assertTrue(any(PASSWORD.encode() in line for encrypted, line in self.server.heard if encrypted))


class Handshake(Case):

    def test_one_that_never_ends_ends_at_the_deadline(self):
        for protocol, before in (("imap+starttls", (IMAP_OFFER, "STARTTLS", b"$t OK\r\n")),
                                 ("pop3+starttls", (*POP3_OFFER, "STLS", b"+OK\r\n"))):
            self.is_refused(protocol, (*before, hostile.drips_in_the_handshake), "did not finish the TLS handshake in time",
                            tries=1, timeout=1)
        for protocol in ("imaps", "pop3s"):
            server = hostile.Hostile(hostile.drips_in_the_handshake).start()
            self.addCleanup(server.close)
            self.home.add("it", f"{protocol}://me@localhost:{server.port}", password=PASSWORD, timeout=1)
            started = time.monotonic()
            done = self.sync("it", status=NETWORK)
            self.assertLess(time.monotonic() - started, PATIENCE * 3)
            self.assert_complaint(done, "it", "did not finish the TLS handshake in time")

    def test_a_tls_stream_that_ends_without_its_closing_message_is_a_cut(self):
        def cut(line):
            line.connection.shutdown(2)
        self.is_refused("imaps", (b"* OK [CAPABILITY IMAP4rev1] hi\r\n", cut), "cut off|lost the connection|closed the connection")


class Login(Case):

    def test_logindisabled_is_obeyed(self):
        for protocol, steps in (("imaps", (b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\r\n", wait)),
                                ("imap+starttls", (IMAP_OFFER, "STARTTLS", b"$t OK\r\n", start_tls, "CAPABILITY",
                                                   b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n$t OK\r\n", wait))):
            self.says(protocol, *steps)
            done = self.sync("it", status=AUTH)
            self.assert_one_line(done, "it")
            self.assertFalse([line for _, line in self.server.heard if b"LOGIN" in line or PASSWORD.encode() in line])

    def test_referrals_are_not_followed_and_no_credentials_go_elsewhere(self):
        other = hostile.Hostile(hostile.imap).start()
        self.addCleanup(other.close)
        place = b"imap://127.0.0.1:%d/" % other.port

        def refused(line, tag, _words):
            line.send(tag + b" NO [REFERRAL " + place + b"] go there\r\n")
        self.serve_it(hostile.imap, {b"LOGIN": refused}, protocol="imaps")
        done = self.sync("it", status=AUTH)
        self.assert_complaint(done, "it", "login refused by localhost")

        def referred(line, tag, _words):
            line.send(tag + b" OK [REFERRAL " + place + b"] better there\r\n")

        def examine(line, tag, words):
            if words.startswith((b"Far", b'"Far"')):
                line.send(tag + b" NO [REFERRAL " + place + b"Far] go there\r\n")
            else:
                line.send(hostile.usual(b"EXAMINE", (), words) + tag + b" OK done\r\n")
        self.serve_it(hostile.imap, {b"LOGIN": referred, b"EXAMINE": examine, b"SELECT": examine}, (b"INBOX", b"Far"),
                      protocol="imaps")
        done = self.home.run("sync", "it")
        self.assert_same_mail("it", [hostile.MESSAGE])
        self.assertIn("Far", done.out.decode() + done.err)
        self.assertEqual(other.connections, 0)
        self.assertEqual(other.heard, [])

    def test_a_list_of_mechanisms_that_shrinks_is_refused_until_the_user_says_so(self):
        server = self.serve(mechanisms="plain login scram-sha-256")
        server.deliver(hostile.MESSAGE)
        for protocol in ("imaps", "pop3s"):
            server.restart(mechanisms="plain login scram-sha-256")
            self.home.connect("it", server, protocol, store=self.home.store(protocol))
            self.sync("it")
            server.restart(mechanisms="plain login")
            for _ in range(2):
                done = self.sync("it", status=AUTH)
                self.assert_complaint(done, "it", "weaker|SCRAM")
            self.home.connect("it", server, protocol, store=self.home.store(protocol), auth="PLAIN")
            self.sync("it")

    def test_a_server_of_scram_that_cannot_prove_itself_is_refused(self):
        def impostor(line):
            hostile.imap(line, {b"AUTHENTICATE": lambda line, tag, words: line.send(tag + b" OK in\r\n")},
                         capability=b"IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256")
        self.serve_it(impostor, protocol="imaps")
        done = self.sync("it", status=AUTH)
        self.assert_complaint(done, "it", "did not prove that it knows the password")
        self.assertFalse([line for _, line in self.server.heard if PASSWORD.encode() in line])
        self.stays_silent()

    def test_a_token_that_is_refused_is_told_in_the_challenge_and_the_exchange_ends(self):
        challenge = b"+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n"  # {"status":"invalid_token"}
        for mechanism, end in (("OAUTHBEARER", "AQ=="), ("XOAUTH2", "")):
            answers = []

            def refuse(line, tag, _words, answers=answers):
                line.send(challenge)
                answers.append(line.read().decode())
                line.send(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
            capability = b"IMAP4rev1 SASL-IR AUTH=" + mechanism.encode()
            self.serve_it(hostile.imap, {b"AUTHENTICATE": refuse}, (b"INBOX",), None, capability, protocol="imaps",
                          password=None, token_command="echo the-token")
            done = self.sync("it", status=AUTH)
            self.assertEqual(answers, [end], mechanism)
            self.assertIn("invalid_token", done.err)
            self.assertNotIn("the-token", done.err)

    def test_challenges_that_never_end_are_given_up_in_time(self):
        def asks(line, _tag, _words):
            for _ in range(1000):
                line.send(b"+ !!\r\n")
                time.sleep(0.01)
        self.serve_it(hostile.imap, {b"AUTHENTICATE": asks}, (b"INBOX",), None, b"IMAP4rev1 AUTH=SCRAM-SHA-256", protocol="imaps")
        started = time.monotonic()
        done = self.home.run("sync", "it")
        self.assertIn(done.status, (AUTH, NETWORK, SOME_FAILED))
        self.assert_one_line(done, "it")
        self.assertLess(time.monotonic() - started, PATIENCE * 3)

    def test_apop_and_cram_md5_are_off_unless_asked_for(self):
        self.serve_it(hostile.imap, None, (b"INBOX",), None, b"IMAP4rev1 LOGINDISABLED AUTH=CRAM-MD5", protocol="imaps")
        done = self.sync("it", status=AUTH)
        self.assert_one_line(done, "it", "CRAM-MD5")
        self.assertFalse([line for _, line in self.server.heard if b"AUTHENTICATE" in line])
        self.says("pop3s", b"+OK <1.2@example.org>\r\n", "CAPA", b"+OK\r\nSASL CRAM-MD5\r\n.\r\n", wait)
        done = self.sync("it", status=AUTH)
        self.assertFalse([line for _, line in self.server.heard if line.startswith((b"AUTH", b"APOP"))])


class Credentials(Case):
    """CR, LF and NUL in what a user gives."""

    def test_in_a_password_they_are_a_literal_or_refused_and_never_a_command(self):
        for bad in ("x\r\nT9 LOGOUT", "x\nDELE 1", "x\ry"):
            self.serve_it(hostile.imap, protocol="imaps", password=bad)
            self.home.run("sync", "it")
            for _, line in self.server.heard:
                self.assertFalse(line.startswith((b"T9 LOGOUT", b"DELE")), self.server.heard)
            self.serve_it(hostile.pop3, protocol="pop3s", password=bad)
            done = self.home.run("sync", "it")
            self.assertNotEqual(done.status, 0)
            self.assert_one_line(done, "it")
            self.assertFalse([line for _, line in self.server.heard if line.startswith((b"PASS", b"T9", b"DELE"))])

    def test_in_a_user_name_they_are_refused_before_anything_is_said(self):
        for bad in ("me%0d%0aT9 LOGOUT", "me%0aDELE 1", "me%00you"):
            for protocol, behaviour in (("imaps", hostile.imap), ("pop3s", hostile.pop3)):
                server = self.serve_it(behaviour, protocol=protocol)
                self.home.add("it", f"{protocol}://{bad}@localhost:{server.port}", password=PASSWORD, timeout=PATIENCE,
                              tls_ca=self.tls.ca_file, store=self.home.store(f"it-{server.port}"))
                self.home.run("sync", "it")
                for _, line in server.heard:
                    self.assertFalse(line.startswith((b"T9 LOGOUT", b"DELE")), server.heard)

    def test_a_password_that_goes_as_a_literal_stays_within_literal_minus(self):
        """More than 4,096 octets wait for the server's word."""
        for length, waits in ((4096, False), (4097, True)):
            seen = []

            def login(line, tag, words):
                seen.append(line.literals_waited)
                line.send(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
            self.serve_it(hostile.imap, {b"LOGIN": login}, (b"INBOX",), None, b"IMAP4rev1 LITERAL-", protocol="imaps",
                          password="p" * length)
            self.sync("it", status=AUTH)
            self.assertEqual(seen, [1 if waits else 0])


if __name__ == "__main__":
    harness.main()
