#!/usr/bin/env python3
"""Servers that speak the protocol and lie in it: numbers, names, sizes, compressed streams, in pieces of any size."""

import os
import pathlib
import random
import time
import zlib

import harness
from harness import DONE, NETWORK, SOME_FAILED

import hostile  # noqa: E402  (harness puts tests/support on the path)

PATIENCE = 20  # seconds that the accounts of these tests wait for a server; none here makes them wait
SMALL = 60_000  # kilobytes resident
SANITIZED = any(name.endswith("SAN_OPTIONS") for name in os.environ)
MAIL = {uid: b"Subject: %d\r\n\r\nbody %d\r\n" % (uid, uid * 11) for uid in (3, 5, 9)}
QRESYNC = b"IMAP4rev1 ENABLE CONDSTORE QRESYNC ESEARCH UNSELECT"
CONDSTORE = b"IMAP4rev1 ENABLE CONDSTORE ESEARCH UNSELECT"
BARE = b"IMAP4rev1"


class Case(harness.Case):

    def setUp(self):
        super().setUp()
        self.home.measures = True

    def against(self, behaviour, *arguments, protocol="imap+plain", pieces=None, **keys):
        server = hostile.Hostile(behaviour, *arguments, pieces=pieces).start()
        self.addCleanup(server.close)
        # Each server has a store of its own: another port is another server, and its store is refused.
        self.home.add("it", f"{protocol}://me@127.0.0.1:{server.port}",
                      **{"password": "very secret", "timeout": PATIENCE, "store": self.home.store(f"it-{server.port}"), **keys})
        return server

    def cheap(self, *command):
        """In little time and memory."""
        started = time.monotonic()
        done = self.home.run(*command)
        self.assertGreaterEqual(done.status, 0, done.err)
        self.assertLess(time.monotonic() - started, PATIENCE * 3)
        if not SANITIZED:
            self.assertLess(done.peak, SMALL, done.err)
        return done


class Numbers(Case):
    """IMAP: a mailbox of three messages is here; then the server says something else of it."""

    def after(self, *lies, capabilities=(QRESYNC, CONDSTORE, BARE)):
        """Whatever it says, all mail stays here, under its ids; and once the server is honest again, that is all."""
        for capability in capabilities:
            box = hostile.Mailbox(MAIL, capability)
            self.against(box)
            self.sync("it")
            before = self.ids("it")
            for lie in lies:
                truth = {**box.__dict__}
                lie(box)
                done = self.cheap("sync", "it")
                self.assertEqual(done.status, DONE, done.err)
                self.assertEqual(self.ids("it"), before, done.out + done.err.encode())
                truth["modseq"] += 20
                truth["next"] += 5
                box.__dict__.update(truth)
                self.sync("it")
            self.assertEqual(self.ids("it"), before)
            self.assert_same_mail("it", MAIL.values())

    @staticmethod
    def news(box):
        """Something new, so that the mailbox is looked at."""
        box.modseq += 5
        box.next += 1

    def test_a_set_of_four_billion_uids_that_vanished_costs_nothing_and_takes_nothing_that_is_there(self):
        def earlier(box):
            self.news(box)
            box.vanished = b"1:4294967295"

        def now(box):
            self.news(box)
            box.while_fetching = b"* VANISHED 1:4294967295\r\n"

        def many(box):
            self.news(box)
            box.vanished = b",".join(b"%d:%d" % (n * 1000 + 10, n * 1000 + 900) for n in range(100_000))
        self.after(earlier, now, many, capabilities=(QRESYNC,))

    def test_a_search_that_finds_four_billion_or_nothing_is_held_against_what_is_there(self):
        def says(found):
            def lie(box):
                self.news(box)
                box.search = found
            return lie
        self.after(*map(says, (b'* ESEARCH (TAG "$t") UID ALL 1:4294967295\r\n', b'* ESEARCH (TAG "$t") UID\r\n', b"",
                               b'* ESEARCH (TAG "X9") UID ALL 3\r\n', b"* SEARCH\r\n",
                               b'* ESEARCH (TAG "$t") UID ALL 3,5,9,\r\n')), capabilities=(CONDSTORE,))

    def test_numbers_that_go_backwards_remove_nothing(self):
        def modseq(box):
            box.modseq = 1

        def uid_next(box):
            box.modseq += 1
            box.next = 2
        self.after(modseq, uid_next)

    def test_a_count_that_falls_without_expunge_removes_nothing(self):
        def count(box):
            self.news(box)
            box.while_fetching = b"* 1 EXISTS\r\n"

        def messages_too(box):
            count(box)
            box.exists, box.mail = 3, {3: MAIL[3]}

        def expunges(box):
            self.news(box)
            box.while_fetching = b"* 3 EXPUNGE\r\n* 9 EXPUNGE\r\n* 0 EXPUNGE\r\n* 4294967295 EXPUNGE\r\n"
        self.after(count, messages_too, expunges)

    def test_counts_beyond_reason_remove_nothing(self):
        def says(count):
            def lie(box):
                self.news(box)
                box.exists = count
            return lie
        self.after(*map(says, (1, 2, 4294967295, 4294967296, (1 << 64) - 1, 1 << 64)))

    def test_a_uid_validity_that_is_none_or_beyond_32_bits_is_told_and_removes_nothing(self):
        def says(validity):
            def lie(box):
                self.news(box)
                box.validity = validity
            return lie
        self.after(*map(says, (0, 1 << 32, 1 << 64)))

    def test_the_largest_numbers_that_can_be_are_numbers(self):
        for capability in (QRESYNC, CONDSTORE, BARE):
            box = hostile.Mailbox({**MAIL, 4294967295: b"Subject: the last\r\n\r\n"}, capability)
            box.next = 4294967295
            self.against(box)
            for _ in range(2):
                self.sync("it")
                self.assert_same_mail("it", box.mail.values())

    def test_a_size_beyond_what_can_be_is_refused_before_anything_is_allocated(self):
        for size, kept in ((1 << 40, 0), ((1 << 64) - 1, 0), (1 << 64, 3)):
            box = hostile.Mailbox(MAIL, BARE)
            box.lies = {b"RFC822.SIZE": b"%d" % size}
            self.against(box)
            done = self.cheap("sync", "it")
            self.assertEqual(len(self.ls("it")), kept, done.out)
            if not kept:
                self.assertIn("larger than 2.1 GB", done.out.decode())

    def test_a_literal_beyond_64_bits_is_refused_before_anything_is_allocated(self):
        for size in (1 << 64, 10 ** 40):
            self.against(hostile.four_gigabyte_literal, size)
            done = self.cheap("sync", "it")
            self.assertEqual(done.status, SOME_FAILED)
            self.assert_complaint(done, "it", "announces a literal of more than 64 bits")

    def test_flags_ids_and_dates_that_are_none_cost_no_message(self):
        for item, value in ((b"FLAGS", b"(" + b"\\x" * 10_000 + b")"), (b"FLAGS", b"(" + b"k " * 200_000 + b"k)"), (b"FLAGS", b"NIL"),
                            (b"INTERNALDATE", b'"99-Foo-9999 99:99:99 +9999"'), (b"INTERNALDATE", b"NIL"),
                            (b"RFC822.SIZE", b"-1"), (b"RFC822.SIZE", b"NIL"), (b"MODSEQ", b"(99999999999999999999999)"),
                            (b"X-UNKNOWN", b"((((1 {3}\r\nabc) 2)))")):
            box = hostile.Mailbox(MAIL, BARE)
            box.lies = {item: value}
            self.against(box)
            done = self.cheap("sync", "it")
            self.assertEqual(len(self.ls("it")), 3, f"{item[:20]} {value[:20]}: {done.out} {done.err}")


class MaildropNumbers(Case):
    """The same by POP3."""

    def test_sizes_and_counts_beyond_reason_lose_nothing_and_cost_nothing(self):
        messages = [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)]
        for size, words in ((0, b""), ((1 << 32) - 1, b""), (1 << 40, b""), ((1 << 64) - 1, b""), (1 << 64, b"counts other messages")):
            self.against(lambda line, size=size: hostile.pop3(line, messages, sizes=[size] * 3), protocol="pop3+plain")
            for _ in range(2):
                done = self.cheap("sync", "it")
            listed = len(self.ls("it"))
            self.assertEqual(listed, 0 if words else 3)
            self.assertIn(words, done.out)

    def test_a_listing_of_numbers_that_are_none_is_no_listing(self):
        for row in (b"18446744073709551616 5", b"-1 5", b"0 5", b"1", b"x y", b"99999999999 5", b"1 1 1"):
            def behaviour(line, row=row):
                line.send(b"+OK\r\n")
                while (command := line.read()) is not None:
                    name = command.split(b" ")[0].upper()
                    if name in (b"LIST", b"UIDL"):
                        line.send(b"+OK\r\n" + row + b"\r\n.\r\n")
                    elif name == b"CAPA":
                        line.send(b"-ERR\r\n")
                    elif name == b"STAT":
                        line.send(b"+OK 18446744073709551615 18446744073709551615\r\n")
                    elif name in (b"RETR", b"TOP"):
                        line.send(b"-ERR no\r\n")
                    else:
                        line.send(b"+OK\r\n")
            self.against(behaviour, protocol="pop3+plain")
            self.cheap("sync", "it")
            self.assertEqual(self.ls("it") if os.path.exists(self.home.accounts["it"]["store"]) else [], [])


class Names(Case):
    """Names and texts from the server, wherever they are shown or become paths."""

    NAMES = (b"\x1b]0;owned\x07", b"a\x1b[31mred", b"cr\rlf", b"lf\nname", b"tab\tx", b"\x9b31m", "\u009b31m".encode(), b"\x7f\x08\x08",
             "\u202egnp.exe".encode(), b"&AAAAGw-", b"quote\"back\\slash", b"%n%s%1B", b"-rf", b"~root", b"$(id)", b"`id`", b"a;b|c&d")
    HEADER = (b"Subject: =?utf-8?q?=1B]0;owned=07?= \x1b[31m=?utf-8?q?=C2=9B31m?=\r\nFrom: \"\x1b[32mgreen\x07\" <a\x1b@example.org>\r\n"
              b"Message-ID: <\x1b[33m@x>\r\nContent-Type: text/plain; name=\"\x1b[34m\"\r\n\r\nbody \x1b[35m\x07\r\n")

    def commands(self):
        yield from (("sync", "it"), ("--trace", "sync", "it"), ("ls", "it"), ("ls", "it", "--folders"), ("ls", "it", "--json"),
                    ("ls", "it", "--folders", "--json"), ("status",), ("status", "--json"), ("show", "it", "1"),
                    ("show", "it", "1", "--json"), ("search", "it", "body"), ("search", "it", "body", "--json"),
                    ("verify", "it"), ("verify", "it", "--remote"), ("ls", "it", "\x1b[31mno"), ("export", "it", "--mbox", "-"))

    def test_nothing_that_a_terminal_would_obey_is_ever_printed(self):
        def fetch(line, tag):
            line.send(b"* 1 FETCH (UID 1 FLAGS (k\x1b[31m \\S\x07) BODY[] {%d}\r\n%s)\r\n%s OK \x1b[31mred\x07\r\n"
                      % (len(self.HEADER), self.HEADER, tag))

        def namespace(line, tag, _words):
            line.send(b"* OK [ALERT] \x1b]0;owned\x07 \xc2\x9b31m\r\n" + tag + b" NO \x1b[31mno\r\n")
        self.against(hostile.imap, {b"NAMESPACE": namespace}, (b"INBOX", *self.NAMES), fetch)
        for command in self.commands():
            done = self.home.run(*command)
            out = b"" if command[0] == "export" else done.out  # the message's own octets
            for octets in (out, done.err.encode()):
                text = octets.decode("utf-8")
                wrong = [one for one in text if (ord(one) < 32 and one != "\n") or 0x7f <= ord(one) < 0xa0]
                self.assertEqual(wrong, [], f"{command}: {octets}")
        self.assertEqual(len(self.ls("it")), len(self.ids("it")))

    def test_an_export_of_whatever_name_stays_where_it_was_told_to_go(self):
        names = (*self.NAMES, b"../../etc", b"..", b".", b"/etc", b"a/../../b", b"con", b"x" * 300, b"y/" * 60 + b"z")
        self.against(hostile.imap, None, (b"INBOX", *names))
        self.run_it("sync", "it")
        deep = pathlib.Path(self.home.folder, "deep", "inside")
        for kind in ("eml", "maildir", "mbox"):
            place = deep / kind
            self.run_it("export", "it", f"--{kind}", str(place))
            self.assertEqual(sorted(os.listdir(deep)), [kind])
            self.assertEqual(os.listdir(deep.parent), ["inside"])
            for one in [place, *place.rglob("*")]:
                self.assertNotRegex(os.fsencode(one), rb"[\x00-\x1f\x7f]")
                self.assertFalse(one.is_symlink())
            os.rename(place, pathlib.Path(self.home.folder, f"kept-{kind}"))

    def test_links_that_somebody_planted_are_not_followed_by_an_export(self):
        self.against(hostile.imap, None, (b"INBOX", b"Work"))
        self.run_it("sync", "it")
        outside = pathlib.Path(self.home.folder, "outside")
        outside.mkdir()
        for kind, link in (("eml", "Work"), ("maildir", ".Work"), ("maildir", "cur"), ("eml", "INBOX")):
            place = pathlib.Path(self.home.folder, f"export-{kind}-{link}")
            place.mkdir()
            (place / link).symlink_to(outside)
            done = self.home.run("export", "it", f"--{kind}", str(place))
            self.assertEqual(done.status, SOME_FAILED, done.err)
            self.assertIn(f"{link} exists and is something else", done.err)
            self.assertEqual(os.listdir(outside), [])
        # Where the user's own folder is a link, it is the user's word.
        named = pathlib.Path(self.home.folder, "named")
        named.symlink_to(outside)
        self.run_it("export", "it", "--eml", str(named))
        self.assertEqual(sorted(os.listdir(outside)), ["INBOX", "Work"])

    def test_a_link_in_the_place_of_a_file_is_not_written_through(self):
        self.against(hostile.imap)
        self.run_it("sync", "it")
        target = pathlib.Path(self.home.folder, "target")
        target.write_bytes(b"precious")
        place = pathlib.Path(self.home.folder, "box.mbox")
        place.symlink_to(target)
        self.home.run("export", "it", "--mbox", str(place))
        self.assertEqual(target.read_bytes(), b"precious")
        store = pathlib.Path(self.home.accounts["it"]["store"])
        for name in ("sync.lock",):
            (store / name).unlink()
            (store / name).symlink_to(target)
            done = self.home.run("sync", "it")
            self.assertNotEqual(done.status, DONE)
            self.assertEqual(target.read_bytes(), b"precious")
            (store / name).unlink()
        self.run_it("sync", "it")

    def test_a_segment_that_became_a_link_is_not_written_through(self):
        box = hostile.Mailbox(MAIL, BARE)
        self.against(box)
        self.sync("it")
        store = pathlib.Path(self.home.accounts["it"]["store"])
        (segment,) = (one for one in (store / "content").rglob("*") if one.is_file())
        outside = pathlib.Path(self.home.folder, "outside")
        segment.rename(outside)
        segment.symlink_to(outside)
        before = outside.read_bytes()
        box.mail[10] = b"Subject: new\r\n\r\n"
        box.next = 11
        self.home.run("sync", "it")
        self.assertEqual(outside.read_bytes(), before)


class Compressed(Case):
    """COMPRESS=DEFLATE whose stream is a bomb, says nothing, or is none."""

    def behaviour(self, stream):
        def begin(line, tag, _words):
            line.send(tag + b" OK deflate\r\n")
            stream(line)
        return lambda line: hostile.imap(line, {b"COMPRESS": begin}, capability=hostile.CAPABILITY + b" COMPRESS=DEFLATE")

    @staticmethod
    def honest(line):
        out, into = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        line.finish = lambda octets: out.compress(octets) + out.flush(zlib.Z_SYNC_FLUSH)
        line.start = into.decompress

    def test_an_honest_stream_is_mirrored_whatever_the_pieces(self):
        for pieces in (None, 1, random.Random(7)):
            server = self.against(self.behaviour(self.honest), compress=True, pieces=pieces)
            self.sync("it")
            self.assert_same_mail("it", [hostile.MESSAGE])
            self.assertTrue(any(b"COMPRESS DEFLATE" in line for _, line in server.heard))

    def test_a_bomb_is_stopped_in_little_memory(self):
        def bomb(line):
            out = zlib.compressobj(9, wbits=-15)
            line.send(out.compress(b"* OK "))
            for _ in range(2000):
                line.send(out.compress(b"\0" * 1_000_000))
            line.wait_for_close()
        self.against(self.behaviour(bomb), compress=True)
        done = self.cheap("sync", "it")
        self.assertEqual(done.status, SOME_FAILED, done.err)
        self.assert_complaint(done, "it", "more than|expands|compress")

    def test_a_stream_that_yields_nothing_is_stopped(self):
        def nothing(line):
            for _ in range(1000):
                line.send(b"\x00\x00\x00\xff\xff" * 1000)
            line.wait_for_close()
        self.against(self.behaviour(nothing), compress=True)
        done = self.cheap("sync", "it")
        self.assertEqual(done.status, SOME_FAILED, done.err)
        self.assert_complaint(done, "it", "nothing|compress")

    def test_a_stream_that_is_none_or_ends_is_an_error(self):
        for octets in (b"* OK this is plain\r\n" * 10, b"\x03\x00", b"\xff" * 100):
            def wrong(line, octets=octets):
                line.send(octets)
                line.wait_for_close()
            self.against(self.behaviour(wrong), compress=True)
            done = self.cheap("sync", "it")
            self.assertIn(done.status, (SOME_FAILED, NETWORK), done.err)
            self.assert_one_line(done, "it", "compress")


class Pieces(Case):
    """What a server says means the same in whatever pieces it comes."""

    HOW = (None, 1, 7, random.Random(1), random.Random(2))

    def said(self, behaviour, protocol, pieces):
        self.against(behaviour, protocol=protocol, pieces=pieces)
        done = self.home.run("sync", "it")
        port = str(self.home.accounts["it"]["remote"].rsplit(":", 1)[1])
        listed = self.home.run("ls", "it", "--json")
        mail = self.exported("it") if listed.out else None
        return done.status, done.err.replace(port, "PORT"), mail

    def test_every_hostile_imap_dialogue(self):
        self.check("imap+plain", (hostile.another_protocol, hostile.web_server, hostile.escape_in_greeting, hostile.close_at_once,
                                  hostile.closes_in_literal, hostile.gigantic_literal_in_list, hostile.parentheses, hostile.alerts,
                                  hostile.parentheses_in_fetch, hostile.imap, hostile.pop3, hostile.Mailbox(MAIL, QRESYNC),
                                  hostile.Mailbox(MAIL, CONDSTORE),
                                  lambda line: hostile.folder_names(line, b"../../etc", b"a\0b", b"..", b"", b"&AGE", b"\xff\xfe")))

    def test_every_hostile_pop3_dialogue(self):
        dots = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nend\r\n.\r\n"

        def unstuffed(line):
            hostile.pop3(line, (dots,), stuff=False)

        def stuffed(line):
            hostile.pop3(line, (dots, hostile.MESSAGE, b"", b"no header"))
        self.check("pop3+plain", (hostile.another_protocol, hostile.web_server, hostile.close_at_once, hostile.pop3_closes_in_message,
                                  hostile.pop3_escape_in_refusal, hostile.pop3, hostile.imap, unstuffed, stuffed))

    def check(self, protocol, behaviours):
        for behaviour in behaviours:
            outcomes = [self.said(behaviour, protocol, pieces) for pieces in self.HOW]
            for pieces, outcome in zip(self.HOW, outcomes):
                self.assertEqual(outcome, outcomes[0], f"{behaviour} in pieces of {pieces}")


if __name__ == "__main__":
    harness.main()
