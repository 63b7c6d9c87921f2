#!/usr/bin/env python3
"""What clients say to `twinbox serve` that has no end, or one far away; names that want out of the store."""

import contextlib
import itertools
import os
import zlib

import harness

import rude  # noqa: E402  (harness puts tests/support on the path)
from attacked import LONG, MEGABYTE, Case


class Endless(Case):
    """Lines, literals and lists without an end, or with one that is far away."""

    LINE = 100 * MEGABYTE if LONG else 20 * MEGABYTE

    NOTHING = {"imap": (b"n NOOP\r\n", b"n OK"), "pop3": (b"CAPA\r\n", b"+OK"), "submission": (b"NOOP\r\n", b"250 ")}

    def enter(self, name):
        """Behind the login. The maildrop is free as soon as the server has seen that the last session is over."""
        for again in self.until_it_works():
            with again, contextlib.ExitStack() as stack:
                client = stack.enter_context(rude.Client(self.server, name)).login()
                stack.pop_all()
        return client

    def assert_answered(self, name, rows, login=True):
        """Rows: what is said, as one octet string or as pieces; how the answer begins (a tuple: or so); whether the
        session goes on. A connection each."""
        for said, start, goes_on in rows:
            pieces = (said,) if isinstance(said, bytes) else said
            with self.subTest(name=name, said=pieces[0][:60]), \
                    self.enter(name) if login else rude.Client(self.server, name) as client:
                if client.protocol == "submission" and not login:
                    client.send(b"EHLO here\r\n")
                    client.until(b"250 ")
                for piece in pieces:
                    if not client.push(piece):
                        break
                answer = client.read_line()
                self.assertTrue(answer.startswith(start), answer[:200])
                if goes_on:
                    said, start = self.NOTHING[client.protocol]
                    client.send(said)
                    answer = client.until(start)[-1]
                    self.assertTrue(answer.startswith(start), answer[:200])
                else:
                    self.assertNotIn(b" OK", client.rest())

    def endless(self, begin=b""):
        piece = b"x" * MEGABYTE
        return [begin] + [piece] * (self.LINE // MEGABYTE)

    def test_imap_before_the_login(self):
        rows = [
            (b"a LOGIN {999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a LOGIN {99999999999999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a LOGIN {4294967296+}\r\n", b"* BYE [TOOBIG]", False),
            ([b"a LOGIN {20000+}\r\n", b"x" * 20000, b" x\r\n"], b"a NO [TOOBIG]", True),
            ([b"a LOGIN {20000000+}\r\n"] + self.endless(), b"* BYE [TOOBIG]", False),
            (self.endless(b"a LOGIN "), b"* BYE", False),
            (self.endless(), b"* BYE", False),
            (b"(" * 100_000, b"* BYE", False),
            (b"a SEARCH " + b"(" * 10_000 + b"\r\n", b"a BAD", True),
            (b"a (((((\r\n", b"a BAD", True),
            (b"((((((\r\n", b"* BAD", True),
            (b"a NO\0OP\r\n", b"a BAD", True),
            (b"\0\0\0\r\n", b"* BAD", True),
            (b"a NOOP\rb LOGOUT\r\n", b"a BAD", True),
            (b"a LOGIN \xff\xfe\xfd x\r\n", (b"a BAD", b"a NO"), True)]
        with self.attacked():
            self.assert_answered("imaps", rows, login=False)
            self.assert_answered("imap", rows, login=False)

    def test_imap_behind_the_login(self):
        big = b"x" * (2 * MEGABYTE)
        rows = [
            (b"a APPEND INBOX {999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a APPEND INBOX {4294967296}\r\n", b"a NO [TOOBIG]", True),
            (b"a APPEND INBOX {4294967296+}\r\n", b"* BYE [TOOBIG]", False),
            (b"a APPEND INBOX {-1}\r\n", b"a BAD", True),
            ([b"a APPEND Nowhere {20000000+}\r\n"] + self.endless(), b"* BYE", False),
            ([b"a APPEND Nowhere {%d+}\r\n" % len(big), big, b"\r\n"], b"a NO [TRYCREATE]", True),
            ([b"a SELECT {%d+}\r\n" % len(big), big, b"\r\n"], b"a NO [TOOBIG]", True),
            (b"a SELECT {4294967296}\r\n", b"a NO [TOOBIG]", True),
            (b"a SEARCH TEXT {99999999999999999999}\r\n", b"a NO [TOOBIG]", True),
            (b"a LIST" + b" {0+}\r\n" * 2000 + b"\r\n", b"a NO [TOOBIG]", True),
            (self.endless(b"a NOOP ") + [b"\r\n"], b"a BAD", True),
            (b"a LIST \"\" " + b"*%" * 2000 + b"\r\n", b"a BAD", True),
            (b"a LIST \"\" " + b"*%" * 10 + b"\r\n", (b"* LIST", b"a OK"), True),
            (b"a LIST \"\" (" + b" ".join([b"*%*%"] * 5000) + b")\r\n", b"a BAD", True),
            (b"a LIST \"" + b"%*" * 5000 + b"\" *\r\n", b"a BAD", True),
            (b"a ENABLE" + b" X" * 100_000 + b"\r\n", (b"* ENABLED", b"a OK", b"a BAD"), True),
            (b"a STATUS INBOX (" + b" ".join([b"MESSAGES"] * 50_000) + b")\r\n", (b"* STATUS", b"a BAD"), True),
            (b"a NO\0OP\r\n", b"a BAD", True),
            (b"a NOOP\rb LOGOUT\r\n", b"a BAD", True)]
        with self.attacked() as server:
            self.assert_answered("imaps", rows)
            self.assertEqual(len(server.octets()), 12)

    def test_imap_in_a_mailbox(self):
        ranges = b",".join(b"%d:%d" % (2 * number + 1, 2 * number + 1) for number in range(100_000))
        rows = [
            (b"SEARCH " + b"(" * 100_000 + b"ALL" + b")" * 100_000, b"a BAD"),
            (b"SEARCH " + b"(" * 100_000, b"a BAD"),
            (b"SEARCH " + b"NOT " * 100_000 + b"ALL", b"a BAD"),
            (b"SEARCH " + b"OR " * 100_000 + b"ALL " * 100_000 + b"ALL", b"a BAD"),
            (b"SEARCH " + b"ALL " * 100_000 + b"ALL", b"a BAD"),
            (b"SEARCH " + ranges, (b"a OK", b"a BAD")),
            (b"SEARCH TEXT \xff\xfe", (b"a OK", b"a BAD", b"a NO")),
            (b"FETCH " + ranges + b" FLAGS", (b"a OK", b"a BAD", b"a NO")),
            (b"UID FETCH " + ranges + b" FLAGS", (b"a OK", b"a BAD", b"a NO")),
            (b"UID FETCH 1:4294967295 FLAGS", b"a OK"),
            (b"FETCH 4294967296 FLAGS", b"a BAD"),
            (b"FETCH 0 FLAGS", b"a BAD"),
            (b"FETCH 1:* " + b"(" * 100_000, b"a BAD"),
            (b"FETCH 1 (" + b" ".join([b"BODY.PEEK[]"] * 50_000) + b")", (b"a OK", b"a BAD")),
            (b"FETCH 1 BODY.PEEK[" + b".".join([b"1"] * 100_000) + b"]", (b"a OK", b"a BAD", b"a NO")),
            (b"FETCH 1 BODY.PEEK[HEADER.FIELDS (" + b" ".join([b"X"] * 100_000) + b")]", (b"a OK", b"a BAD")),
            (b"FETCH 1 BODY.PEEK[]<4294967295.4294967295>", (b"a OK", b"a BAD")),
            (b"FETCH 1 BODY.PEEK[]<18446744073709551615.18446744073709551615>", b"a BAD"),
            (b"STORE 1 +FLAGS (" + b" ".join(b"k%d" % number for number in range(100_000)) + b")", (b"a NO", b"a BAD")),
            (b"STORE 1 +FLAGS (" + b"k" * 100_000 + b")", (b"a NO", b"a BAD")),
            (b"COPY 1:* " + b"x/" * 50_000, b"a NO")]
        with self.attacked() as server, rude.Client(server, "imaps").login() as client:
            client.send(b"s SELECT INBOX\r\n")
            client.until(b"s OK")
            for said, start in rows:
                with self.subTest(said=said[:50]):
                    client.send(b"a " + said + b"\r\n")
                    answer = client.until(b"a ")[-1]
                    self.assertTrue(answer.startswith(start), answer[:200])
            client.send(b"l LOGOUT\r\n")
            self.assertTrue(client.until(b"l ")[-1].startswith(b"l OK"))

    def test_pop3(self):
        outside = [
            (self.endless(), b"-ERR", False),
            (self.endless(b"USER "), b"-ERR", False),
            (b"USER " + b"x" * 10_000 + b"\r\n", b"-ERR", False),
            (b"NO\0OP\r\n", b"-ERR", True),
            (b"AUTH \xff\xfe\r\n", b"-ERR", True)]
        wrong = (b"RETR 99999999999999999999999", b"RETR 4294967297", b"RETR -1", b"RETR 0", b"RETR 1 1", b"RETR \xff",
                 b"RETR ../../etc/passwd", b"DELE 18446744073709551617", b"TOP 1 -1", b"TOP 1 99999999999999999999999",
                 b"TOP 0 0", b"LIST 4294967297", b"UIDL -1", b"NO\0OP")
        with self.attacked() as server:
            for name in ("pop3", "pop3s"):
                self.assert_answered(name, outside, login=False)
            self.assert_answered("pop3s", [(self.endless(), b"-ERR", False), (self.endless(b"RETR "), b"-ERR", False)])
            self.assert_answered("pop3s", [(each + b"\r\n", b"-ERR", True) for each in wrong])
            self.assertEqual(len(server.octets()), 12)

    def test_submission(self):
        outside = [
            (self.endless() + [b"\r\n"], b"500 ", True),
            (self.endless(b"MAIL FROM:<") + [b">\r\n"], b"500 ", True),
            (b"AUTH PLAIN " + b"A" * 20_000 + b"\r\n", b"500 ", True),
            (b"AUTH PLAIN \xff\xfe\r\n", (b"501 ", b"503 ", b"538 "), True),
            (b"NO\0OP\r\n", b"500 ", True),
            (b"NOOP \0\r\n", b"501 ", True),
            (b"NOOP\rQUIT\r\n", (b"500 ", b"501 "), True),
            (b"EHLO " + b"x" * 900 + b"\r\n", b"501 ", True)]
        inside = [
            (b"MAIL FROM:<" + b"x" * 900 + b"@example.org>\r\n", b"501 ", True),
            (b"MAIL FROM:<a@example.org> SIZE=99999999999999999999999\r\n", b"552 ", True),
            (b"MAIL FROM:<a@example.org> SIZE=-1\r\n", b"501 ", True),
            (b"MAIL FROM:<a\xff@example.org>\r\n", b"501 ", True)]
        begin = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<work@localhost>\r\nDATA\r\n"
        with self.attacked() as server:
            self.assert_answered("submission", outside, login=False)
            self.assert_answered("submissions", outside + inside)
            for body, start in ((self.endless(b"Subject: x\r\n\r\n"), b"554 "),
                                (self.endless(), b"554 "),
                                ([b"Subject: x\r\n" * 100_000] * (70 * MEGABYTE // 1_200_000), b"552 "),
                                ([b"Subject: x\r\n\r\n\n.\nMAIL FROM:<b@example.org>"], b"550 ")):
                with self.subTest(body=body[0][:40]), self.enter("submissions") as client:
                    client.send(begin)
                    client.until(b"354 ")
                    for piece in body + [b"\r\n.\r\n"]:
                        client.send(piece)
                    answer = client.read_line()
                    self.assertTrue(answer.startswith(start), answer)
            for whom in (b"../../etc/passwd@localhost", b"etc/passwd@localhost", b"|sh@localhost"):
                with self.subTest(whom=whom), self.enter("submissions") as client:
                    client.send(begin.replace(b"work@localhost", whom))
                    self.assertTrue(client.until(b"5")[-1].startswith((b"550 ", b"501 ")))
            self.assertEqual(len(server.octets()), 12)


class Compressed(Case):
    """COMPRESS DEFLATE, and then what it was not made for. The connection ends."""

    MOST = 64 * MEGABYTE  # of what is sent before that

    def assert_ended_by(self, pieces, before=b""):
        with rude.Client(self.server, "imaps").login() as client:
            client.compress()
            if before:
                client.send(before)
            sent = 0
            for piece in pieces:
                if not client.push(piece):
                    break
                sent += len(piece)
                self.assertLess(sent, self.MOST)
            # What was answered before it is there; nothing of what came behind it is.
            self.assertFalse([line for line in client.rest().split(b"\r\n") if line.startswith(b"x OK")])

    @staticmethod
    def zeros(head):
        """A line or literal that begins so and is zeros then, a thousand for each octet that is sent."""
        packer = zlib.compressobj(9, wbits=-15)
        yield packer.compress(head) + packer.flush(zlib.Z_SYNC_FLUSH)
        while True:
            yield packer.compress(bytes(16 * MEGABYTE)) + packer.flush(zlib.Z_SYNC_FLUSH)

    def test_a_stream_that_yields_nothing_ends_the_connection(self):
        with self.attacked():
            # Nothing, stored; nothing, in fixed codes: ten bits, four times (RFC 1951, section 3.2.3).
            for block in (b"\0\0\0\xff\xff", b"\x02\x08\x20\x80\0"):
                with self.subTest(block=block):
                    self.assert_ended_by(itertools.repeat(block * 1000))

    def test_what_is_no_deflate_ends_the_connection(self):
        packer = zlib.compressobj(wbits=-15)
        ended = packer.compress(b"y NOOP\r\n") + packer.flush(zlib.Z_FINISH)
        with self.attacked():
            for octets in (b"\xff" * 100, b"\x07", b"x NOOP\r\n" * 100, b"\0\5\0\5\0abcde", ended):
                with self.subTest(octets=octets[:10]):
                    self.assert_ended_by(itertools.repeat(octets))

    def test_a_bomb_is_never_held_in_memory(self):
        with self.attacked() as server:
            for head in (b"", b"x LOGIN ", b"x APPEND INBOX {250000000+}\r\n", b"x LIST {250000000+}\r\n",
                         b"x APPEND Nowhere {250000000+}\r\n"):
                with self.subTest(head=head):
                    self.assert_ended_by(self.zeros(head))
            self.assertEqual(len(server.octets()), 12)


class Names(Case):
    """Mailboxes whose names want out of the store, or are none."""

    MARK = b"wants-out"

    def tree(self):
        """All that is in the home, but what is in the store."""
        store = os.path.realpath(self.home.store("work"))
        found = set()
        for parent, folders, files in os.walk(self.home.folder):
            folders[:] = [name for name in folders if os.path.realpath(os.path.join(parent, name)) != store]
            found |= {os.path.join(parent, name) for name in folders + files}
        return found

    def above(self):
        """What bears the mark in a folder above the store, up to the root."""
        found, folder = [], os.path.realpath(self.home.store("work"))
        while folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
            with contextlib.suppress(PermissionError):
                found += [os.path.join(folder, name) for name in os.listdir(folder) if self.MARK.decode() in name]
        return found

    def test_no_name_leaves_the_store_and_what_is_none_is_refused(self):
        mark = self.MARK
        data = [b"../" * depth + mark for depth in range(1, 6)]  # names like any other, and no paths
        data += [mark + b"/../../../../" + mark, b"..", b".", b"./" + mark, b"..\\" + mark, b"~/" + mark, b"$HOME",
                 b"`touch " + mark + b"`", b"-rf", b"con:", b"INBOX/../../" + mark]
        none = [b"/" + mark, b"/", b"//", mark + b"//" + mark, b"", b"x" * 10_000, b"x/" * 100 + mark,
                b"../" * 100 + mark,
                mark + b"\0", b"\0", b"../../" + mark + b"\0.eml", mark + b"\r", mark + b"\r\n", b"\x1b]0;x\7", b"\x7f",
                b"\xff\xfe", b"\xc0\xaf" + mark, b"caf\xe9", b"\xed\xa0\x80",  # octets that are no UTF-8
                b"&", b"&AGE", b"&AGE-", b"&2AA-", b"&3AA-", b"&2AAAYQ-", b"&AC8", b"&!-", b"&AA-", b"&AAA-", b"&Jjo!",
                b"&AC8-" + mark, b"&AC4ALg-/" + mark]
        with self.attacked() as server, rude.Client(server, "imaps").login() as client:
            before = self.tree()
            for name in data + none:
                quoted = b"{%d+}\r\n%s" % (len(name), name)
                for number, words in enumerate((b"CREATE %s", b"SUBSCRIBE %s", b"STATUS %s (MESSAGES)", b"SELECT %s",
                                                b"APPEND %s {9+}\r\nA: b\r\n\r\nc", b"LIST %s *", b"UNSELECT",
                                                b"RENAME %s to", b"RENAME to %s")):
                    tag = b"t%d " % number
                    client.send(tag + words.replace(b"%s", quoted) + b"\r\n")
                    answer = client.until(tag)[-1]
                    with self.subTest(name=name[:30], words=words):
                        self.assertTrue(answer.startswith(tuple(tag + each for each in (b"OK", b"NO", b"BAD"))), answer)
                        if number == 0:
                            self.assertEqual(answer.startswith(tag + b"OK"), name in data, answer)
            client.send(b"l LIST \"\" *\r\n")
            self.assertGreaterEqual(len(client.until(b"l ")), len(data))
            self.assertEqual(self.tree(), before)
            self.assertEqual(self.above(), [])


class Nested(Case):

    DEPTH = 5_000 if LONG else 800
    PARTS = 100_000 if LONG else 10_000

    def multiparts(self):
        head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
                        for level in range(self.DEPTH))
        return b"Subject: multiparts\r\n" + head + b"\r\ntext\r\n" + b"".join(
            b"--b%d--\r\n" % level for level in reversed(range(self.DEPTH)))

    def messages(self):
        return b"Subject: messages\r\nContent-Type: message/rfc822\r\n\r\n" * self.DEPTH + b"\r\ntext\r\n"

    def parts(self):
        return (b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                + b"--b\r\nContent-Type: text/html; name=x\r\n\r\n<p>text\r\n" * self.PARTS + b"--b--\r\n")

    def test_messages_of_many_parts_and_levels_are_told_of_or_refused(self):
        made = (self.multiparts(), self.messages(), self.parts())
        with self.attacked(grown=80_000) as server, rude.Client(server, "imaps").login() as client:
            for octets in made:
                client.send(b"a APPEND Work {%d+}\r\n" % len(octets) + octets + b"\r\n")
                self.assertTrue(client.until(b"a ")[-1].startswith(b"a OK"))
            client.send(b"s SELECT Work\r\n")
            client.until(b"s OK")
            deep = b".".join([b"1"] * self.DEPTH)
            for words in (b"FETCH 1:* (BODYSTRUCTURE ENVELOPE PREVIEW)", b"FETCH 1:* (BODY RFC822.SIZE PREVIEW (LAZY))",
                          b"FETCH 1:* (BODY.PEEK[1.1.1.1.1.1.1.1])", b"FETCH 1:* BODY.PEEK[" + deep + b"]",
                          b"FETCH 1:* (BODY.PEEK[%d] BODY.PEEK[%d.MIME])" % (self.PARTS, self.PARTS // 2),
                          b"FETCH 1:* (BINARY.PEEK[1] BINARY.SIZE[1])", b"FETCH 1:* BINARY.PEEK[" + deep + b"]",
                          b"FETCH 3 (" + b" ".join(b"BODY.PEEK[%d]" % number for number in range(1, 2000)) + b")",
                          b"SEARCH BODY text", b"SEARCH TEXT nowhere", b"SEARCH HEADER Subject parts"):
                with self.subTest(words=words[:60]):
                    client.send(b"a " + words + b"\r\n")
                    answer = client.until(b"a ")[-1]
                    self.assertTrue(answer.startswith((b"a OK", b"a NO", b"a BAD")), answer[:200])
            self.assertEqual(list(server.octets("Work").values()), list(made))
            self.neighbour.rounds(1)
            client.send(b"l LOGOUT\r\n")
            self.assertTrue(client.until(b"l ")[-1].startswith(b"l OK"))


if __name__ == "__main__":
    harness.main()
