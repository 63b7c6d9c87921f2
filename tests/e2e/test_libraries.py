#!/usr/bin/env python3
"""Python's imaplib, poplib and smtplib, which nobody here wrote, do all that they can against `twinbox serve`."""

import collections
import imaplib
import poplib
import re
import signal
import threading
import time

import harness
from harness import digest

import programs
from programs import COUNT, SECONDS, message
from served import Served

PARTS = (b"From: Anna <a@example.org>\r\nTo: b@example.org\r\nSubject: parts\r\nDate: Wed, 01 Jan 2020 00:00:00 +0000\r\n"
         b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         b"--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n\r\n"
         b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
         b"Content-Disposition: attachment; filename=a.bin\r\n\r\naGVsbG8=\r\n\r\n--b--\r\n")
SOON = 8  # for what a sync in another process brought to be told: it is looked for every second


class Libraries(programs.Case):

    # imaplib

    def logins(self, server):
        """Unauthenticated connections: inside TLS from the start, and by STARTTLS."""
        yield imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=server.context, timeout=SECONDS)
        connection = imaplib.IMAP4("localhost", server.ports["imap"], timeout=SECONDS)
        self.assertIn("STARTTLS", connection.capabilities)
        self.assertIn("LOGINDISABLED", connection.capabilities)
        with self.assertRaises(imaplib.IMAP4.error):
            connection.login("work", server.password)
        self.ok(connection.starttls(server.context))
        self.assertNotIn("STARTTLS", connection.capabilities)
        yield connection

    def test_imaplib_logs_in_each_way_it_knows(self):
        server = self.served()
        ways = [lambda one: one.login("work", server.password),
                lambda one: one.authenticate("PLAIN", lambda _: b"\0work\0" + server.password.encode())]
        for way in ways:
            for connection in self.logins(server):
                self.assertIn("AUTH=PLAIN", connection.capabilities)
                self.assertNotIn("AUTH=CRAM-MD5", connection.capabilities)
                self.ok(way(connection))
                self.assertEqual(self.ok(connection.select("INBOX")), [b"%d" % COUNT])
                self.assertEqual(connection.logout()[0], "BYE")
        for connection in self.logins(server):
            with self.assertRaises(imaplib.IMAP4.error):
                connection.authenticate("PLAIN", lambda _: b"\0work\0wrong")
            self.ok(connection.login("work", server.password))  # it may try again
            connection.logout()

    def names(self, answer):
        """Of rows of LIST and LSUB."""
        return {row.rpartition(b' "/" ')[2].strip(b'"') for row in self.ok(answer) if row}

    def test_imaplib_keeps_folders(self):
        server = self.served()
        it = server.imap()
        self.assertEqual(self.ok(it.namespace()), [b'(("" "/")) NIL NIL'])
        self.assertEqual(self.names(it.list()), {b"INBOX", b"Work"})
        for name in ("Made", "Made/Below", "Made/Below/Far", '"&ZeVnLIqe-"'):
            self.ok(it.create(name))
        self.no(it.create("Made"))
        self.assertEqual(self.names(it.list()), {b"INBOX", b"Work", b"Made", b"Made/Below", b"Made/Below/Far", b"&ZeVnLIqe-"})
        self.assertEqual(self.names(it.list('""', "%")), {b"INBOX", b"Work", b"Made", b"&ZeVnLIqe-"})
        self.assertEqual(self.names(it.list("Made/", "*")), {b"Made/Below", b"Made/Below/Far"})
        self.ok(it.unsubscribe("Made"))
        self.ok(it.subscribe("Made/Below"))
        subscribed = self.names(it.lsub())
        self.assertIn(b"Made/Below", subscribed)
        self.assertNotIn(b"Made", subscribed)
        self.ok(it.append("Made/Below/Far", None, None, message(100)))
        self.ok(it.rename("Made", "Other"))
        self.assertEqual(self.names(it.list("Other", "*")), {b"Other", b"Other/Below", b"Other/Below/Far"})
        self.ok(it.delete("Other/Below"))
        self.no(it.select("Other/Below"))
        self.ok(it.rename("Other/Below/Far", "Near"))
        self.ok(it.delete("Other"))
        self.no(it.delete("Other"))
        self.no(it.delete("INBOX"))
        self.assertEqual({name for name in self.names(it.list()) if not name.startswith(b"Other")},
                         {b"INBOX", b"Work", b"Near", b"&ZeVnLIqe-"})
        it.logout()
        self.assertEqual(server.octets("Near"), {1: message(100)})
        self.assertEqual(server.octets("日本語"), {})
        self.assert_ends_clean(server)

    def test_imaplib_enables_utf8(self):
        server = self.served()
        it = server.imap()
        self.ok(it.create('"Gr&APwA3w-e"'))
        octets = "Subject: Grüße\r\n\r\nDéjà vu\r\n".encode()
        # Behind ENABLE it would make "UTF8 (" a part of the message (3.11).
        self.ok(it.append('"Gr&APwA3w-e"', None, None, octets))
        self.ok(it.enable("UTF8=ACCEPT"))
        self.assertIn("Grüße".encode(), self.names(it.list()))
        self.ok(it.rename('"Grüße"', '"Größe"'))
        self.ok(it.select('"Größe"'))
        self.assertEqual(self.ok(it.fetch("1", "(BODY.PEEK[])"))[0][1], octets)
        self.assertEqual(self.ok(it.search(None, 'SUBJECT "Grüße"')), [b"1"])
        it.logout()
        self.assertEqual(server.octets("Größe"), {1: octets})

    def test_imaplib_tells_the_state_of_a_folder(self):
        server = self.served()
        it = server.imap()
        self.ok(it.append("Work", "(\\Seen)", None, message(1)))
        self.ok(it.append("Work", None, None, message(2)))
        self.ok(it.append("Work", "(\\Deleted)", None, message(3)))
        (row,) = self.ok(it.status("Work", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ "
                                           "APPENDLIMIT MAILBOXID)"))
        found = dict(re.findall(rb"([A-Z]+) (\d+|\(\S+\))", row.partition(b"(")[2]))
        size = sum(len(message(number)) for number in (1, 2, 3))
        self.assertEqual({name: int(found[name]) for name in (b"MESSAGES", b"RECENT", b"UIDNEXT", b"UNSEEN", b"DELETED",
                                                              b"SIZE")},
                         {b"MESSAGES": 3, b"RECENT": 0, b"UIDNEXT": 4, b"UNSEEN": 2, b"DELETED": 1, b"SIZE": size})
        self.assertEqual(self.ok(it.select("Work")), [b"3"])
        self.assertEqual(it.response("UIDVALIDITY")[1], [found[b"UIDVALIDITY"]])
        self.assertEqual(it.response("UIDNEXT")[1], [b"4"])
        self.assertEqual(it.response("READ-WRITE")[0], "READ-WRITE")
        self.assertIn(b"\\*", it.response("PERMANENTFLAGS")[1][0])
        self.ok(it.check())
        self.ok(it.noop())
        self.ok(it.unselect())  # removes nothing
        self.assertEqual(self.ok(it.select("Work", readonly=True)), [b"3"])
        self.no(it.store("1", "+FLAGS", "(\\Flagged)"))
        self.ok(it.close())  # nor does this, where nothing may be changed
        self.assertEqual(self.ok(it.select("Work")), [b"3"])
        self.ok(it.close())
        self.assertEqual(self.ok(it.select("Work")), [b"2"])
        self.no(it.select("Nowhere"))
        it.logout()
        self.assertEqual(list(server.octets("Work").values()), [message(1), message(2)])
        self.assert_ends_clean(server)

    def test_imaplib_searches(self):
        server = self.served()
        it = server.imap()
        self.ok(it.select("INBOX"))
        self.ok(it.append("INBOX", "(\\Seen \\Answered later)", '"02-Feb-2020 10:00:00 +0000"', message(100)))
        self.ok(it.append("INBOX", "(\\Draft \\Flagged \\Deleted)", '"03-Feb-2020 10:00:00 +0000"',
                          b"From: z@example.net\r\nCc: c@example.org\r\nDate: Tue, 04 Feb 2020 00:00:00 +0000\r\n"
                          b"Subject: =?utf-8?B?w5xiZXI=?=\r\nX-Odd: peculiar\r\n\r\nshort\r\n"))
        last, first = COUNT + 2, COUNT + 1
        wanted = {"ALL": range(1, last + 1), "SEEN": [first], "UNSEEN": [*range(1, first), last], "ANSWERED": [first],
                  "FLAGGED": [last], "DRAFT": [last], "DELETED": [last], "UNDELETED": range(1, last), "KEYWORD later": [first],
                  "UNKEYWORD later": [*range(1, first), last], "FROM z@example": [last], "TO work@": range(1, last),
                  "CC c@example": [last], "SUBJECT \"number 3\"": [4], "BODY short": [last], "TEXT peculiar": [last],
                  "HEADER X-Odd \"\"": [last], "HEADER Message-ID <5@example.org>": [6], "SMALLER 150": [last],
                  "LARGER 150": range(1, last), "BEFORE 3-Feb-2020": [first], "ON 3-Feb-2020": [last],
                  "SINCE 4-Feb-2020": range(1, first), "SENTON 4-Feb-2020": [last], "SENTSINCE 1-Jan-2024": range(1, last),
                  "SENTBEFORE 1-Jan-2024": [last], "UID 2:4": [2, 3, 4], "3,5:6": [3, 5, 6], "NOT 2:*": [1],
                  "OR SEEN DRAFT": [first, last], "UNSEEN (OR FLAGGED SUBJECT \"number 1\") NOT 11:12": [2, last],
                  "OLDER 31536000": [first, last], "YOUNGER 31536000": range(1, first), "SUBJECT nowhere": []}
        for key, numbers in wanted.items():
            with self.subTest(key=key):
                expected = " ".join(map(str, numbers)).encode()
                self.assertEqual(self.ok(it.search(None, key))[0] or b"", expected)
                self.assertEqual(self.ok(it.uid("SEARCH", key))[0] or b"", expected)
        it.literal = "ÜBER".encode()
        self.assertEqual(self.ok(it.search("UTF-8", "SUBJECT")), [b"%d" % last])
        it.literal = "Déjà".encode("latin-1")
        self.assertEqual(len(self.ok(it.search("ISO-8859-1", "BODY"))[0].split()), first)
        it.literal = b"x"
        self.no(it.search("X-UNHEARD-OF", "BODY"))
        self.assertRaises(imaplib.IMAP4.error, it.search, None, "NONSENSE")
        it.logout()

    def test_imaplib_fetches(self):
        server = self.served()
        it = server.imap()
        self.ok(it.append("Work", "(\\Flagged)", '"02-Feb-2020 10:00:00 +0100"', PARTS))
        self.ok(it.select("Work"))
        head, _, body = PARTS.partition(b"\r\n\r\n")
        for item, wanted in (("BODY.PEEK[]", PARTS), ("RFC822.HEADER", head + b"\r\n\r\n"),
                             ("BODY.PEEK[HEADER]", head + b"\r\n\r\n"), ("BODY.PEEK[TEXT]", body),
                             ("BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]", b"From: Anna <a@example.org>\r\nSubject: parts\r\n\r\n"),
                             ("BODY.PEEK[HEADER.FIELDS.NOT (FROM TO DATE MIME-VERSION CONTENT-TYPE)]", b"Subject: parts\r\n\r\n"),
                             ("BODY.PEEK[1]", b"words\r\n"), ("BODY.PEEK[1.MIME]", b"Content-Type: text/plain\r\n\r\n"),
                             ("BODY.PEEK[2]", b"aGVsbG8=\r\n"), ("BINARY.PEEK[2]", b"hello"),
                             ("BODY.PEEK[]<5.7>", PARTS[5:12]), ("BODY.PEEK[2]<4.100>", b"bG8=\r\n")):
            with self.subTest(item=item):
                self.assertEqual(self.ok(it.fetch("1", f"({item})"))[0][1], wanted)
                self.assertEqual(self.ok(it.uid("FETCH", "1", f"({item})"))[0][1], wanted)
        for item, wanted in (
                ("RFC822.SIZE", b"RFC822.SIZE %d" % len(PARTS)), ("FLAGS", b"FLAGS (\\Flagged)"), ("UID", b"UID 1"),
                ("INTERNALDATE", b'INTERNALDATE " 2-Feb-2020 09:00:00 +0000"'), ("BINARY.SIZE[2]", b"BINARY.SIZE[2] 5"),
                ("ENVELOPE", b'ENVELOPE ("Wed, 01 Jan 2020 00:00:00 +0000" "parts" (("Anna" NIL "a" "example.org")) '
                             b'(("Anna" NIL "a" "example.org")) (("Anna" NIL "a" "example.org")) '
                             b'((NIL NIL "b" "example.org")) NIL NIL NIL NIL)'),
                ("BODY", b'BODY (("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 7 1)("APPLICATION" "OCTET-STREAM" NIL NIL NIL "BASE64" 10) '
                         b'"MIXED")'),
                ("BODYSTRUCTURE", b'"attachment" ("filename" "a.bin")'), ("FAST", b"RFC822.SIZE"), ("ALL", b"ENVELOPE"),
                ("FULL", b"BODY (")):
            with self.subTest(item=item):
                row = self.ok(it.fetch("1", item))[0]
                self.assertIn(wanted.lower(), row.lower())
        moment = imaplib.Internaldate2tuple(self.ok(it.fetch("1", "INTERNALDATE"))[0])
        self.assertEqual(time.mktime(moment), 1580634000)  # 09:00:00 UTC
        self.assertEqual(imaplib.ParseFlags(self.ok(it.fetch("1", "FLAGS"))[0]), (b"\\Flagged",))
        self.ok(it.fetch("1", "(RFC822)"))
        self.assertEqual(set(imaplib.ParseFlags(self.ok(it.fetch("1", "FLAGS"))[0])), {b"\\Flagged", b"\\Seen"})
        it.logout()

    def flags(self, connection, number):
        return {flag.decode() for flag in imaplib.ParseFlags(self.ok(connection.fetch(number, "(FLAGS)"))[0])}

    def test_imaplib_marks_copies_moves_and_removes(self):
        server = self.served()
        it = server.imap()
        self.ok(it.select("INBOX"))
        for how, what, wanted in (("+FLAGS", "(\\Seen later)", {"\\Seen", "later"}),
                                  ("-FLAGS", "(\\Seen)", {"later"}), ("FLAGS", "(\\Draft)", {"\\Draft"}),
                                  ("+FLAGS.SILENT", "($Forwarded)", {"\\Draft", "$Forwarded"}),
                                  ("-FLAGS.SILENT", "(\\Draft)", {"$Forwarded"}),
                                  ("FLAGS.SILENT", "(\\Answered)", {"\\Answered"}), ("FLAGS", "()", set())):
            with self.subTest(how=how, what=what):
                it.response("FETCH")
                told = self.ok(it.store("2", how, what))
                self.assertEqual(told == [None], how.endswith("SILENT"))
                self.assertEqual(self.flags(it, "2"), wanted)
                self.ok(it.uid("STORE", "3", how, what))
                self.assertEqual(self.flags(it, "3"), wanted)
        self.ok(it.store("4", "+FLAGS", "(\\Flagged later)"))
        dated = self.ok(it.fetch("4", "(INTERNALDATE)"))[0]
        self.ok(it.copy("4", "Work"))
        self.ok(it.uid("COPY", "5:6", "Work"))
        self.no(it.copy("1", "Nowhere"))
        self.ok(it.uid("MOVE", "7", "Work"))
        self.ok(it._simple_command("MOVE", "1", "Work"))  # it has no method for it
        self.ok(it.uid("STORE", "8:10", "+FLAGS", "(\\Deleted)"))
        self.ok(it.uid("EXPUNGE", "9"))
        self.assertEqual([row.split()[0] for row in self.ok(it.uid("SEARCH", "DELETED"))[0].split()], [b"8", b"10"])
        it.response("EXPUNGE")
        self.assertEqual(self.ok(it.expunge()), [b"6", b"6"])
        self.ok(it.append("INBOX", "(\\Seen kept)", imaplib.Time2Internaldate(1_234_567_890), message(100)))
        self.ok(it.noop())
        self.assertEqual(imaplib.Internaldate2tuple(self.ok(it.uid("FETCH", str(COUNT + 1), "INTERNALDATE"))[0]),
                         time.localtime(1_234_567_890))
        self.ok(it.select("Work"))
        self.assertEqual(imaplib.Internaldate2tuple(self.ok(it.fetch("1", "INTERNALDATE"))[0]),
                         imaplib.Internaldate2tuple(dated))
        self.assertEqual(self.flags(it, "1"), {"\\Flagged", "later"})
        it.logout()
        self.assertEqual(list(server.octets("Work").values()), [message(number) for number in (3, 4, 5, 6, 0)])
        self.assertEqual(list(server.octets().values()), [message(number) for number in (1, 2, 3, 4, 5, 10, 11, 100)])
        self.assertEqual(server.marks()[COUNT + 1], {"\\Seen", "kept"})
        self.assert_ends_clean(server)

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

    def test_poplib_by_stls(self):
        server = self.served()
        it = poplib.POP3("localhost", server.ports["pop3"], timeout=SECONDS)
        self.assertIn("STLS", it.capa())
        with self.assertRaises(poplib.error_proto):
            it.user("work")
            it.pass_(server.password)
        it.stls(server.context)
        self.assertNotIn("STLS", it.capa())
        it.utf8()
        it.user("work")
        it.pass_(server.password)
        self.assertEqual(it.list(3), b"+OK 3 %d" % len(message(2)))
        self.assertEqual(len(it.list()[1]), COUNT)
        self.assertEqual(it.uidl(3).split()[:2], [b"+OK", b"3"])
        it.noop()
        it.quit()

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

    def test_it_says_what_may_be_changed_and_where_the_password_is(self):
        self.home.connect("changed", self.dovecot, mode="two-way")
        self.home.connect("flagged", self.dovecot, local_flags=True)
        self.home.connect("looked-at", self.dovecot)
        self.sync()
        lines = Served.announced(harness.PROGRAM, self.home)
        self.assertIn("user: changed, flagged (read only but for flags), looked-at (read only)", lines)
        # Beside the configuration, which is in the home itself here.
        self.assertIn("password: the first line of ~/serve/password", lines)

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
