#!/usr/bin/env python3
"""Bad input: each case has its words and its exit status, keeps nothing half-done, and costs no mail.

What a case leaves behind is looked at, and once the cause is gone the next sync brings everything.
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import re
import socket
import sqlite3
import time

import harness
from harness import AUTH, DAMAGED, DONE, NETWORK, SOME_FAILED, USAGE

import hostile  # noqa: E402  (harness puts tests/support on the path)
from relay import Relay  # noqa: E402

PATIENCE = 2  # seconds that the accounts of these tests wait for a server
HOST = r"(127\.0\.0\.1|localhost)(:\d+)?"
# Kilobytes resident: far less than the 100 MB and 4 GiB that servers send or announce here.
SMALL = 60_000
MESSAGE = hostile.MESSAGE
SANITIZED = any(name.endswith("SAN_OPTIONS") for name in os.environ)


class Case(harness.Case):

    def against(self, behaviour, *arguments, protocol="imap+plain", **keys):
        """The account `probe` on a server that behaves so."""
        self.server = hostile.Hostile(behaviour, *arguments).start()
        self.addCleanup(self.server.close)
        self.account(protocol, self.server.port, timeout=PATIENCE, **keys)

    def account(self, protocol, port, host="127.0.0.1", **keys):
        """Another server is another store: a store belongs to one."""
        self.home.add("probe", f"{protocol}://me@{host}:{port}", store=self.home.store(f"{protocol}-{port}"),
                      **{"password": "very secret", **keys})

    def fails(self, status, pattern, hint=None, seconds=PATIENCE * 3):
        """A sync that ends so, in time, in one line, and keeps nothing."""
        started = time.monotonic()
        done = self.sync("probe", status=status)
        self.assertLess(time.monotonic() - started, seconds)
        self.assert_complaint(done, "probe", pattern, hint)
        self.nothing_kept()
        return done

    def nothing_kept(self):
        """No message, no file, and what there is of a store is whole."""
        self.assertIn(self.home.run("verify", "probe").status, (DONE, USAGE), "whole, or not made yet")
        listed = self.home.run("ls", "probe", "--json")
        self.assertIn(listed.status, (DONE, USAGE))
        if listed.status == DONE:
            self.assertEqual(listed.out, b"")
            self.assertEqual(self.exported("probe"), collections.Counter())

    def comes_good(self, *octets, protocol=None):
        """The same server behaves from now on: all its mail comes, and every octet is as it came."""
        speaks = protocol or self.home.accounts["probe"]["remote"].split("+")[0].split(":")[0]
        self.server.behaviour, self.server.arguments = hostile.pop3 if speaks == "pop3" else hostile.imap, ()
        keys = dict(self.home.accounts["probe"], timeout=30)
        self.home.add("probe", **keys)
        self.sync("probe")
        self.assert_same_mail("probe", list(octets or [MESSAGE]))
        self.run_it("verify", "probe")


class OtherProtocols(Case):

    def test_ssh_and_http_are_named_without_tls(self):
        for behaviour, name in ((hostile.another_protocol, "SSH"), (hostile.web_server, "HTTP")):
            for protocol, wanted in (("imap+plain", "IMAP"), ("pop3+plain", "POP3"), ("imap+starttls", "IMAP"),
                                     ("pop3+starttls", "POP3")):
                with self.subTest(name, protocol=protocol):
                    self.against(behaviour, protocol=protocol)
                    self.fails(SOME_FAILED, rf"{HOST}.*speaks {name}, not {wanted}")
                    if protocol.endswith("plain"):
                        self.comes_good()

    def test_a_server_without_tls_is_named_with_its_port(self):
        for behaviour in (hostile.another_protocol, hostile.web_server):
            for protocol in ("imaps", "pop3s"):
                with self.subTest(protocol):
                    self.against(behaviour, protocol=protocol)
                    self.fails(SOME_FAILED, rf"127\.0\.0\.1:{self.server.port} does not speak TLS", "port")

    def test_imap_on_the_pop3_port_and_the_reverse(self):
        for behaviour, protocol, speaks, wanted in ((hostile.imap, "pop3+plain", "IMAP", "POP3"),
                                                    (hostile.pop3, "imap+plain", "POP3", "IMAP")):
            with self.subTest(protocol):
                self.against(behaviour, protocol=protocol)
                self.fails(SOME_FAILED, rf"{HOST}.*speaks {speaks}, not {wanted}")
                self.comes_good()

    def test_ports_of_a_real_server_that_were_mixed_up(self):
        server = self.serve()
        server.deliver(MESSAGE)
        rows = (("imaps", "imap", SOME_FAILED, "does not speak TLS"), ("pop3s", "pop3", SOME_FAILED, "does not speak TLS"),
                ("imap+plain", "imaps", NETWORK, "did not answer|wants? TLS|speaks TLS"),
                ("pop3+plain", "pop3s", NETWORK, "did not answer|wants? TLS|speaks TLS"),
                ("imap+starttls", "imaps", NETWORK, "did not answer|wants? TLS|speaks TLS"),
                ("imaps", "pop3s", SOME_FAILED, "speaks POP3, not IMAP"),
                ("pop3s", "imaps", SOME_FAILED, "speaks IMAP, not POP3"),
                ("imap+starttls", "pop3", SOME_FAILED, "speaks POP3, not IMAP"),
                ("pop3+starttls", "imap", SOME_FAILED, "speaks IMAP, not POP3"))
        for protocol, port, status, words in rows:
            with self.subTest(protocol, port=port):
                self.account(protocol, server.ports[port], "localhost", password=server.password,
                             tls_ca=server.ca_file, timeout=PATIENCE)
                hint = "port of TLS" if words.startswith("did not answer") else None
                self.fails(status, rf"{HOST}.*({words})", hint)
        self.assertNotIn("Login:", server.read_log(), "no password went to the wrong place")
        self.home.connect("probe", server, "imaps")
        self.sync("probe")
        self.assert_same_mail("probe", [MESSAGE])

    def test_a_refused_connection(self):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        for protocol in ("imaps", "pop3s"):
            self.account(protocol, port)
            self.fails(NETWORK, rf"127\.0\.0\.1:{port} refused the connection", "port")

    def test_an_unknown_host(self):
        for protocol in ("imaps", "pop3s"):
            self.account(protocol, 993, "no-such-host.invalid")
            self.fails(NETWORK, r"unknown host no-such-host\.invalid", "name", seconds=30)

    def test_a_wrong_password(self):
        server = self.serve()
        server.deliver(MESSAGE)
        for protocol in ("imaps", "pop3s", "imap+starttls", "pop3+starttls"):
            with self.subTest(protocol):
                self.home.connect("probe", server, protocol, password="wrong one")
                self.fails(AUTH, r"localhost.*refused|refused.*localhost", seconds=30)
                self.home.connect("probe", server, protocol)
                self.sync("probe")
                self.assertEqual(len(self.ls("probe")), 1)
                self.home.accounts.clear()
                os.rename(self.home.store("probe"), self.home.store(f"was-{protocol}"))


class Hanging(Case):
    """A server that says nothing more, at every stage: the account's timeout ends it."""

    IMAP = (("", b""), ("", b"* O"), (r"CAPABILITY", b""), (r"LOGIN|AUTHENTICATE", b""), (r"NAMESPACE", b""),
            (r"LIST", b""), (r"LIST", b'* LIST () "/" {5}\r\nINB'), (r"STATUS", b""), (r"EXAMINE|SELECT", b""),
            (r"FETCH", b""), (r"FETCH .*PEEK.*", b"* 1 FETCH (UID 1 FLAGS () BODY[] {5000}\r\nSubject: half"))
    POP3 = (("", b""), ("", b"+O"), (r"CAPA", b""), (r"USER", b""), (r"PASS", b""), (r"STAT", b""), (r"LIST", b""),
            (r"LIST", b"+OK\r\n1 4"), (r"UIDL", b""), (r"RETR", b""), (r"RETR", b"+OK 5000 octets\r\nSubject: half"))

    def hang(self, protocol, honest, command, half):
        """One stage, in a home of its own: they wait side by side."""
        case = Hanging()
        case.home = harness.Home()
        try:
            if command:
                case.against(hostile.stops_at, honest, command.encode(), half, protocol=protocol)
            else:
                case.against(hostile.half_a_greeting, half, protocol=protocol)
            case.fails(NETWORK, rf"{HOST}.*(did not answer|too slowly)", seconds=PATIENCE * 4)
            case.comes_good()
        finally:
            case.doCleanups()
            case.home.close()

    def everywhere(self, protocol, honest, stages):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            running = [(stage, pool.submit(self.hang, protocol, honest, *stage)) for stage in stages]
        for stage, one in running:
            with self.subTest(protocol, stage=stage):
                one.result()

    def test_an_imap_server_at_any_stage(self):
        self.everywhere("imap+plain", hostile.imap, self.IMAP)

    def test_a_pop3_server_at_any_stage(self):
        self.everywhere("pop3+plain", hostile.pop3, self.POP3)

    def test_in_the_tls_handshake(self):
        for protocol in ("imaps", "pop3s"):
            self.against(hostile.hang, protocol=protocol)
            self.fails(NETWORK, rf"127\.0\.0\.1:{self.server.port} did not finish the TLS handshake", "port")

    def test_at_logout_all_mail_is_here_already(self):
        self.against(hostile.stops_at, hostile.imap, b"LOGOUT")
        started = time.monotonic()
        done = self.sync("probe")
        self.assertLess(time.monotonic() - started, PATIENCE * 3)
        self.assertEqual(done.err, "")
        self.assert_same_mail("probe", [MESSAGE])
        self.comes_good()

    def test_a_server_that_begins_to_lose_what_comes_behind_a_login_is_asked_behind_its_answer(self):
        losing = []

        def login(line, tag, _words):
            if losing:
                line.lose_what_came()
            line.send(tag + b" OK [CAPABILITY " + hostile.CAPABILITY + b"] in\r\n")

        def imap(line):
            line.send(b"* OK [CAPABILITY " + hostile.CAPABILITY + b"] Dovecot ready.\r\n")
            hostile.imap(line, {b"LOGIN": login}, greeting=False)

        def passed(line):
            if losing:
                line.lose_what_came()
            return b"+OK\r\n"

        def pop3(line):
            line.send(b"+OK Dovecot ready.\r\n")
            hostile.pop3(line, capa=[b"PIPELINING", b"UIDL", b"USER"], passed=passed, greeting=False)

        for protocol, serve in (("imap+plain", imap), ("pop3+plain", pop3)):
            with self.subTest(protocol):
                losing.clear()
                self.against(serve, protocol=protocol)
                self.sync("probe")
                self.sync("probe")  # by IMAP, it knows now what the server can do
                losing.append(True)
                self.assert_complaint(self.sync("probe", status=NETWORK), "probe", rf"{HOST}.*did not answer")
                for _ in range(3):
                    self.sync("probe")
                self.assert_same_mail("probe", [MESSAGE])

    def test_at_quit_the_mail_is_here_and_the_removal_is_not_taken_for_done(self):
        self.against(hostile.stops_at, hostile.pop3, b"QUIT", protocol="pop3+plain", leave="never")
        done = self.sync("probe", status=NETWORK)
        self.assert_complaint(done, "probe", rf"{HOST}.*did not answer")
        self.assert_same_mail("probe", [MESSAGE])
        self.comes_good()


class Closing(Case):

    def test_at_once(self):
        for protocol in ("imap+plain", "pop3+plain"):
            self.against(hostile.close_at_once, protocol=protocol)
            self.fails(NETWORK, rf"{HOST}.*closed the connection|lost the connection to {HOST}")
            self.comes_good()
        self.against(hostile.close_at_once, protocol="imaps")
        self.fails(NETWORK, rf"connection.*{HOST}")

    def test_in_a_literal_and_in_a_message(self):
        self.against(hostile.closes_in_literal)
        self.fails(NETWORK, rf"{HOST}.*closed the connection")
        self.comes_good()
        self.against(hostile.pop3_closes_in_message, protocol="pop3+plain")
        self.fails(NETWORK, rf"{HOST}.*closed the connection")
        self.comes_good()

    def test_in_a_listing(self):
        self.against(hostile.stops_at, hostile.imap, b"LIST", b'* LIST () "/" {5}\r\nINB', True)
        self.fails(NETWORK, rf"{HOST}.*closed the connection")
        self.comes_good()
        self.against(hostile.stops_at, hostile.pop3, b"LIST", b"+OK\r\n1 4", True, protocol="pop3+plain")
        self.fails(NETWORK, rf"{HOST}.*closed the connection")
        self.comes_good()


class Sizes(Case):
    """What is announced or sent without end costs neither memory nor other mail."""

    def setUp(self):
        super().setUp()
        self.home.measures = True

    def assert_small(self, done, bound=SMALL):
        if not SANITIZED:
            self.assertLess(done.peak, bound, "kilobytes resident")

    def test_the_measure_sees_what_a_program_takes(self):
        """The others mean something: a quiet sync is well below the bound."""
        self.against(hostile.imap)
        self.assertGreater(self.sync("probe").peak, 1_000)
        self.assert_small(self.sync("probe"))

    def test_a_literal_of_4_gigabytes_as_a_message(self):
        self.against(hostile.four_gigabyte_literal)
        self.assert_small(self.fails(SOME_FAILED, rf"{HOST}.*literal of 4,294,967,296 octets", seconds=30))
        self.comes_good()

    def test_a_literal_of_4_gigabytes_in_one_folder_among_others(self):
        self.against(hostile.four_gigabytes_in_one_folder)
        done = self.sync("probe", status=SOME_FAILED)
        self.assert_complaint(done, "probe", r"literal of 4,294,967,296 octets")
        self.assert_small(done)
        self.assertLessEqual(set(self.exported("probe")), {harness.digest(MESSAGE)}, "nothing of it is kept")
        self.run_it("verify", "probe")
        self.server.behaviour, self.server.arguments = hostile.folder_names, (b"other",)
        self.sync("probe")
        self.assert_same_mail("probe", [MESSAGE, MESSAGE])

    def test_a_literal_of_4_gigabytes_in_a_listing(self):
        self.against(hostile.gigantic_literal_in_list)
        self.assert_small(self.fails(SOME_FAILED, rf"{HOST}.*literal of 4,294,967,296 octets"))
        self.comes_good()

    def test_100_megabytes_without_a_line_end(self):
        for behaviour, protocol, words in (
                (hostile.endless_greeting, "imap+plain", "a response of more than"),
                (hostile.endless_greeting, "pop3+plain", "not a POP3 server|without a line end"),
                (hostile.line_without_end, "imap+plain", "a response of more than")):
            with self.subTest(behaviour.__name__, protocol=protocol):
                self.against(behaviour, protocol=protocol)
                self.assert_small(self.fails(SOME_FAILED, rf"{HOST}.*({words})", seconds=30))
                self.comes_good()

    def test_a_message_that_is_one_line_of_100_megabytes_is_mail(self):
        self.against(hostile.pop3_line_without_end, protocol="pop3+plain")
        self.home.add("probe", **dict(self.home.accounts["probe"], timeout=30))
        self.assert_small(self.sync("probe"), 95_000)  # the compressor's windows and the words of the index come on top
        self.assert_same_mail("probe", [b"Subject: long\r\n\r\n" + b"x" * 100_000_000 + b"\r\n"])

    def test_10_000_parentheses_cost_no_mail(self):
        for behaviour in (hostile.parentheses, hostile.parentheses_in_fetch):
            with self.subTest(behaviour.__name__):
                self.against(behaviour)
                done = self.sync("probe")
                self.assertEqual(done.err, "")
                self.assert_small(done)
                self.assert_same_mail("probe", [MESSAGE])
                self.run_it("verify", "probe")


class Names(Case):

    def test_a_folder_that_climbs_is_data_and_its_mail_is_here(self):
        self.against(hostile.folder_names, b"../../etc")
        self.assertEqual(self.sync("probe").err, "")
        folders = {harness.path_of(one["folder"]) for one in self.ls("probe")}
        self.assertEqual(folders, {"INBOX", "../../etc"})
        self.assert_same_mail("probe", [MESSAGE, MESSAGE])
        for form in ("--eml", "--maildir", "--mbox"):
            top = os.path.join(self.home.folder, "deep" + form)
            os.makedirs(os.path.join(top, "in"))
            self.run_it("export", "probe", form, os.path.join(top, "in", "side"))
            self.assertEqual(os.listdir(top), ["in"])
            self.assertEqual(os.listdir(os.path.join(top, "in")), ["side"])
        self.assertFalse(os.path.exists(os.path.join(self.home.folder, "etc")))

    def test_a_folder_with_nul_is_named_as_skipped(self):
        self.against(hostile.folder_names, b"a\0b", b"other")
        done = self.sync("probe")
        said = done.out.decode() + done.err
        self.assertNotRegex(said, r"[\x00-\x08\x0b-\x1f\x7f]")
        (line,) = [one for one in said.splitlines() if "can't be read" in one or "NUL" in one]
        self.assertRegex(line, r"a.?b")
        self.assertRegex(said, r"1 skipped")
        self.assert_same_mail("probe", [MESSAGE, MESSAGE])


class Configuration(Case):

    def test_each_mistake_names_its_line_and_column(self):
        rows = (('[account.work]\nremote = "imaps://me@mail.example.org\n', r":2:\d+: ", None),
                ('[account.work]\nremote = "imaps://me@x.org"\npasword = "x"\n', r":3:1: unknown key \"pasword\"", "password"),
                ('jbos = 3\n[account.work]\nremote = "imaps://me@x.org"\n', r":1:1: unknown key \"jbos\"", "jobs"),
                ('[acount.work]\nremote = "imaps://me@x.org"\n', r":1:2: unknown key \"acount\"", "account"),
                ('[account.work]\nremote = 3\n', r":2:10: remote must be text", None),
                ('[account.work]\nremote = "imps://me@x.org"\n', r":2:10: unknown scheme \"imps\"", "imaps"),
                ('[account.work]\nremote = "pop3s://me@x.org"\nleave = "nevr"\n', r":3:9: leave \"nevr\" is not known", "never"),
                ('[account.work]\n', r":1:10: account work has no remote", None),
                ('[account.work]\nremote = "imaps://me@x.org"\ntls_pin = "sha256:zz"\n', r":3:11: \"sha256:zz\"", None))
        for text, pattern, hint in rows:
            with self.subTest(text):
                self.home.write(text)
                done = self.run_it("sync", status=USAGE)
                self.assert_one_line(done)
                line, *rest = done.err.splitlines()
                self.assertRegex(line, r"^twinbox: \S*config\.toml" + pattern)
                if hint:
                    self.assertIn(hint, " ".join(rest))
                self.assertFalse(os.path.exists(os.path.join(self.home.folder, "Mail")), "no store is made")


class Stores(Case):
    """Damage is found and named, the server's mail comes again, and what is whole here is not fetched."""

    COUNT = 20

    def mirrored(self):
        """An account behind a relay that counts, on a server with mail of which no two have a part in common."""
        server = self.serve()
        for number in range(self.COUNT):
            server.deliver(b"Subject: %d\r\n\r\n" % number + os.urandom(1500).hex().encode() + b"\r\n")
        self.relay = Relay(server.ports["imaps"])
        self.addCleanup(self.relay.close)
        self.home.add("probe", f"imaps://{server.user}@localhost:{self.relay.port}", password=server.password,
                      tls_ca=server.ca_file, store=self.home.store(f"probe-{self.relay.port}"))
        self.sync("probe")
        self.whole = self.relay.bytes_in
        self.octets = self.on_server(server)
        self.listed = self.ls("probe")
        return server

    def file(self, *names):
        return os.path.join(self.home.accounts["probe"]["store"], *names)

    def segment(self):
        (name,) = os.listdir(self.file("content"))
        return self.file("content", name)

    def places(self):
        """Where each message's octets are: id → (offset, bytes)."""
        with contextlib.closing(sqlite3.connect(self.file("twin.db"))) as store:
            return {row[0]: row[1:] for row in store.execute(
                "SELECT m.id, c.offset, c.stored FROM content c JOIN message m ON m.content = c.id")}

    def forget_the_log(self):
        for name in ("twin.db-wal", "twin.db-shm"):
            if os.path.exists(self.file(name)):
                os.unlink(self.file(name))

    def is_found(self, commands, pattern):
        """Each of these says what is damaged and ends with 8, without a crash."""
        for command in commands:
            done = self.run_it(*command, status=DAMAGED)
            self.assertRegex(done.out.decode() + done.err, pattern, command)

    def is_mended(self, rebuild=True):
        """As the hint says: rebuild, then sync; all the server's mail is here again, octet by octet."""
        if rebuild:
            self.run_it("verify", "probe", "--rebuild")
        self.sync("probe")
        self.assert_same_mail("probe", self.octets)
        self.assertEqual(len(self.ls("probe")), self.COUNT)
        self.run_it("verify", "probe")

    def is_fetched_again(self, count):
        """What was found damaged comes again with the next sync, and nothing else; every message is the one it was."""
        (status,) = self.lines("status", "probe")
        self.assertEqual((status["damaged"], status["lost"]), (count, 0))
        self.assertRegex(self.run_it("status").out.decode(), rf"probe: {count} damaged: .*: twinbox sync probe\n")
        self.relay.reset()
        (synced,) = self.lines("sync", "probe")
        self.assertEqual((synced["mended"], synced["added"], synced["lost"]), (count, 0, 0))
        self.assertLess(self.relay.bytes_in, self.whole * count // self.COUNT + self.whole // 3)
        self.assertEqual(self.ls("probe"), self.listed, "ids, folders, flags and dates stay")
        self.assert_same_mail("probe", self.octets)
        self.run_it("verify", "probe")
        (status,) = self.lines("status", "probe")
        self.assertEqual(status["damaged"], 0)
        self.run_it("compact", "probe")
        self.assertIn("every octet is as it came", self.run_it("verify", "probe").out.decode())
        self.assert_same_mail("probe", self.octets)

    def change(self, path, offset, octets=None):
        """Flips an octet, or puts others in its place."""
        with open(path, "r+b") as file:
            file.seek(offset)
            old = file.read(1)
            file.seek(offset)
            file.write(octets or bytes([old[0] ^ 0xff]))

    def verify_and_export(self):
        return (("verify", "probe"), ("export", "probe", "--eml", os.path.join(self.home.folder, "out")))

    def test_a_flipped_octet(self):
        self.mirrored()
        self.change(self.segment(), os.path.getsize(self.segment()) // 2)
        self.is_found(self.verify_and_export(), r"(?s)00000001\.seg.*damaged")
        kept = sum(len(files) for _, _, files in os.walk(os.path.join(self.home.folder, "out")))
        self.assertEqual(kept, self.COUNT - 1, "the others are exported")
        self.is_fetched_again(1)

    def test_a_flipped_octet_and_a_rebuild(self):
        self.mirrored()
        self.change(self.segment(), os.path.getsize(self.segment()) // 2)
        self.is_mended()

    def test_a_flipped_octet_that_only_show_or_export_came_upon(self):
        for command in (("show", "probe", "10"), ("show", "probe", "10", "--raw"), ("export", "probe", "--mbox", "-")):
            with self.subTest(command):
                self.mirrored()
                place, size = self.places()[10]
                self.change(self.segment(), place + size // 2)
                self.assertRegex(self.run_it(*command, status=DAMAGED).err, r"\n +the next sync fetches it again")
                self.is_fetched_again(1)

    def test_a_flipped_octet_in_a_maildrop(self):
        server = self.serve()
        for number in range(4):
            server.deliver(b"Subject: %d\r\n\r\n" % number + os.urandom(1500).hex().encode() + b"\r\n")
        self.home.connect("probe", server, "pop3s")
        self.sync("probe")
        before, octets = self.ls("probe"), self.in_maildrop(server)
        self.change(self.segment(), os.path.getsize(self.segment()) // 3)
        self.run_it("verify", "probe", status=DAMAGED)
        (synced,) = self.lines("sync", "probe")
        self.assertEqual((synced["mended"], synced["added"]), (1, 0))
        self.run_it("verify", "probe")
        self.assertEqual(self.ls("probe"), before)
        self.assert_same_mail("probe", octets)

    def test_damage_in_mail_that_the_server_has_no_more_stays_told(self):
        server = self.serve()
        for number in range(3):
            server.deliver(b"Subject: %d\r\n\r\n" % number + os.urandom(1500).hex().encode() + b"\r\n")
        self.home.connect("probe", server, "pop3s", leave="never")
        self.sync("probe")
        self.change(self.segment(), os.path.getsize(self.segment()) // 2)
        self.run_it("verify", "probe", status=DAMAGED)
        done = self.sync("probe")
        self.assertRegex(done.out.decode(), r"1 damaged message is no longer on the server \(twinbox verify probe names")
        self.assertEqual(self.sync("probe").out, b"", "told once")
        (status,) = self.lines("status", "probe")
        self.assertEqual((status["damaged"], status["lost"]), (0, 1))
        self.assertRegex(self.run_it("status").out.decode(), r"probe: 1 lost: .*: twinbox verify probe \(names them\)\n")
        self.assertRegex(self.run_it("verify", "probe", status=DAMAGED).out.decode(),
                         r"damaged: .* \(and no longer on the server\); messages? \d")
        self.run_it("compact", "probe")
        self.assertEqual(len(self.ls("probe")), 3)

    def test_a_segment_cut_in_the_middle(self):
        self.mirrored()
        middle = os.path.getsize(self.segment()) // 2
        os.truncate(self.segment(), middle)
        self.is_found(self.verify_and_export(), r"00000001\.seg")
        self.is_fetched_again(sum(place + size > middle for place, size in self.places().values()))

    def test_a_segment_that_is_gone(self):
        self.mirrored()
        os.unlink(self.segment())
        self.is_found(self.verify_and_export(), r"00000001\.seg.*missing")
        done = self.run_it("verify", "probe", status=DAMAGED)
        self.assertRegex(done.out.decode(), r"\n… and 1 more; twinbox verify probe --json names each\n")
        self.assertEqual(len(self.run_it("verify", "probe", "--json", status=DAMAGED).out.splitlines()), self.COUNT + 2)
        self.is_fetched_again(self.COUNT)

    def test_a_segment_of_which_nothing_can_be_read_and_a_rebuild(self):
        self.mirrored()
        size = os.path.getsize(self.segment())
        with open(self.segment(), "wb") as file:
            file.write(b"x" * size)
        done = self.run_it("verify", "probe", "--rebuild", status=DAMAGED)
        self.assertRegex(done.out.decode(), r"nothing in it can be read: \S+00000001\.seg: .* \([\d.]+ kB\)\n"
                                            r"probe  what was in it is lost unless the server has it: twinbox sync probe")
        self.sync("probe")
        self.assert_same_mail("probe", self.octets)
        said = self.run_it("verify", "probe", status=DAMAGED).out.decode()
        self.assertRegex(said, r"00000001\.seg: .*; the index does not know what was in it: ", "it may have held more")
        _, _, here, there = re.search(r"(move it away: )(mv) (\S+) (\S+)\n", said).groups()
        os.rename(here, there)
        self.run_it("verify", "probe")

    def test_a_damaged_segment_header_costs_no_message(self):
        self.mirrored()
        self.change(self.segment(), 3)
        self.is_found((("verify", "probe"),), r"00000001\.seg.*header")
        self.assertEqual(self.exported("probe"), collections.Counter(map(harness.digest, self.octets)))
        self.relay.reset()
        self.is_mended(rebuild=False)
        self.assertLess(self.relay.bytes_in, self.whole // 2, "what is whole here is not fetched again")
        self.change(self.segment(), 3)
        self.relay.reset()
        self.is_mended()
        self.assertLess(self.relay.bytes_in, self.whole // 2, "nor is it after a rebuild")

    def test_a_database_that_is_none_or_in_pieces(self):
        def head(path):
            self.change(path, 0, os.urandom(100))

        def pages(path):
            for offset in range(4096, os.path.getsize(path), 4096):
                self.change(path, offset, os.urandom(64))

        def half(path):
            os.truncate(path, os.path.getsize(path) // 2)
        # Without its head nothing in it can be used, which a sync mends by itself; in pieces is for a person to see.
        for damage, status in ((head, DONE), (pages, DAMAGED), (half, DAMAGED)):
            with self.subTest(damage.__name__):
                self.mirrored()
                self.forget_the_log()
                damage(self.file("twin.db"))
                self.is_found((("ls", "probe"),), r"twin\.db")
                self.assertRegex(self.sync("probe", status=status).err, r"twin\.db")
                self.is_mended(rebuild=status != DONE)

    def lost(self):
        """No index any more: the next sync makes it again from what is here, and fetches no message."""
        done = self.run_it("ls", "probe", status=DAMAGED)
        self.assertRegex(done.err, r"twin\.db")
        self.relay.reset()
        self.sync("probe")
        self.assertLess(self.relay.bytes_in, self.whole // 2, "nothing is fetched again")
        self.assert_same_mail("probe", self.octets)
        self.run_it("verify", "probe")

    def test_an_index_of_no_octets_is_a_lost_one(self):
        self.mirrored()
        self.forget_the_log()
        os.truncate(self.file("twin.db"), 0)
        self.lost()

    def test_a_lost_index_is_made_again_without_fetching(self):
        self.mirrored()
        self.forget_the_log()
        os.unlink(self.file("twin.db"))
        self.lost()

    def test_a_store_made_by_a_newer_version_is_left_alone(self):
        self.mirrored()
        with sqlite3.connect(self.file("twin.db")) as database:
            database.execute("PRAGMA user_version=99")
        database.close()
        before = pathlib.Path(self.file("twin.db")).read_bytes()
        for command in (("sync",), ("ls",), ("verify",), ("compact",), ("verify", "--rebuild")):
            done = self.run_it(command[0], "probe", *command[1:], status=DAMAGED)
            self.assert_one_line(done)
            self.assertRegex(done.err, r"twin\.db: made by a newer version of twinbox \(format 99; this one knows \d+\)")
        self.assertEqual(pathlib.Path(self.file("twin.db")).read_bytes(), before)

    def test_a_full_disk(self):
        server = self.serve()
        harness.sample.deliver_bulk(server, 200)
        self.home.connect("probe", server, "imaps")
        for kilobytes in (40, 120, 400, 900):
            with self.subTest(kilobytes):
                # A limit on the size of files stands in for a full disk: writes fail in the same place.
                done = self.home.run("sync", "probe", largest_file=kilobytes * 1024)
                self.assertEqual(done.status, SOME_FAILED, done.err)
                self.assert_complaint(done, "probe", rf"{self.home.store('probe')}\S*: .*(full|too large|disk I/O|space)")
                verified = self.home.run("verify", "probe")
                self.assertIn(verified.status, (DONE, USAGE), verified.err)
        self.sync("probe")
        self.run_it("verify", "probe")
        self.assert_same_mail("probe", self.on_server(server))


if __name__ == "__main__":
    harness.main()
