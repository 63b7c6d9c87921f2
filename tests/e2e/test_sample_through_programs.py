#!/usr/bin/env python3
"""What breaks rules in the sample mailbox comes through mail programs from `twinbox serve` as it is in the store.

One message of each kind, all of INBOX with TWINBOX_LONG. What a program is known to change is said by a function for it.
"""

import collections
import email
import email.policy
import os
import re
import shutil

from harness import sample

import programs
from programs import lf

# Dovecot tells NUL as 0x80 and gives each line CR LF: these come by APPEND, as literal8 (RFC 3516).
APPENDED = ("nul", "bare_lf", "mixed_line_ends")
HEADER_ONLY = ("header_only", "header_without_end", "empty")  # without the empty line behind it
# fetchmail makes another header for what has none or one with a strange line in it, breaks lines of more than 8 kB,
# delivers nothing of nothing, and by IMAP takes the ")" behind a header whose last line does not end.
NOT_BY_FETCHMAIL = ("body_only", "header_with_colonless_line", "long_lines", "empty")


def as_lines(octets):
    """POP3 sends lines: the last one ends, too (RFC 1939, section 3)."""
    return octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"


def by_poplib(octets):
    """It takes any LF for the end of a line."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", as_lines(octets))


def by_mbsync(octets):
    """A Maildir has no CR: it takes out all of them, also one that stands alone."""
    return octets.replace(b"\r", b"")


def by_fetchmail(octets):
    """No CR either; the last line and the header end."""
    octets = octets.replace(b"\r", b"")
    octets += b"" if octets.endswith(b"\n") else b"\n"
    return octets if b"\n\n" in octets else octets + b"\n"


def by_offlineimap(octets):
    """It reads and writes with Python's email package, as a policy of its own says."""
    policy = email.policy.default.clone(cte_type="8bit", utf8=True, refold_source="none")
    return email.message_from_bytes(octets, policy=policy).as_bytes(policy=policy)


def by_getmail(octets, folder=None):
    """Also with Python's email package, with other settings; it takes out Return-Path and says the folder."""
    message = email.message_from_bytes(octets)
    del message["Return-Path"]
    if folder:
        message["X-getmail-retrieved-from-mailbox"] = folder
    return message.as_bytes(policy=message.policy.clone(linesep="\n"))


class Sample(programs.Case):

    @classmethod
    def fill(cls, server):
        cls.made = [one for one in sample.messages() if one.folder == "INBOX"]
        if "TWINBOX_LONG" not in os.environ:
            cls.made = list({one.kind: one for one in cls.made}.values())
        sample.deliver_all(server, [one for one in cls.made if one.kind not in APPENDED])

    def append(self, server):
        connection = server.imap()
        for one in self.made:
            if one.kind in APPENDED:
                connection.send(b"B1 APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(one.octets), one.octets))
                self.assertIn(b" OK ", self.hears(connection, b"B1"))
        connection.logout()

    def all_but(self, *kinds):
        return [one.octets for one in self.made if one.kind not in kinds]

    def same(self, found, wanted):
        found, wanted = collections.Counter(found), collections.Counter(wanted)
        surplus, missing = list((found - wanted).elements()), list((wanted - found).elements())
        starts = [[one[:60] + b" ... " + one[-60:] for one in each] for each in (missing, surplus)]
        self.assertFalse(missing or surplus, f"missing: {starts[0]}\nnot expected: {starts[1]}")

    def has(self, found, count, wanted):
        """So many, and all of these among them."""
        self.assertEqual(len(found), count)
        self.same((collections.Counter(found) & collections.Counter(wanted)).elements(), wanted)

    @staticmethod
    def behind_return_path(found):
        """getmail puts one above all."""
        return [one.partition(b"\n")[2] for one in found if one.startswith(b"Return-Path: ")]

    def taken(self, *command, status=0):
        self.program(*command, status=status)
        found = [self.octets(path) for path in self.files("got")]
        for path in self.files("got"):
            os.remove(path)
        return found

    def by_curl(self, server, scheme, path):
        os.mkdir(self.path(scheme))
        self.curl(server, scheme, path, "-o", self.path(scheme, "#1"))
        return [self.octets(scheme, name) for name in os.listdir(self.path(scheme))]

    def test_it_is_what_the_store_has(self):
        self.assertLessEqual({name for name, _ in sample.kinds.BROKEN}, {one.kind for one in self.made})
        server = self.served()
        self.append(server)
        count = len(self.made)
        everything = self.all_but()
        with self.subTest("the store"):
            self.same([self.run_it("show", "work", str(row["id"]), "--raw").out for row in self.ls("work", "INBOX")],
                      everything)
        with self.subTest("imaplib"):
            self.same(server.octets().values(), everything)
        with self.subTest("poplib"):
            connection = server.pop()
            found = programs.harness.clients.fetch_pop(connection)
            connection.quit()
            self.same(found, map(by_poplib, everything))
        with self.subTest("curl, IMAP"):
            self.same(self.by_curl(server, "imaps", f"INBOX;UID=[1-{count}]"), everything)
        with self.subTest("curl, POP3"):
            # It gives an empty message a line.
            self.same(self.by_curl(server, "pop3s", f"[1-{count}]"), [as_lines(one) or b"\r\n" for one in everything])
        with self.subTest("mpop"):
            self.same(self.taken(*self.mpop(server), "--keep=on"), [lf(as_lines(one)) for one in everything])
        with self.subTest("getmail, POP3"):
            self.same(self.behind_return_path(self.taken(*self.getmail(server, "pop3s"))),
                      [by_getmail(lf(as_lines(one))) for one in everything])
        with self.subTest("getmail, IMAP"):
            # It says that the server is broken (127) when a message is empty.
            self.same(self.behind_return_path(self.taken(*self.getmail(server, "imaps"), status=127)),
                      [by_getmail(one, "INBOX") for one in self.all_but("empty")])
        with self.subTest("fetchmail, POP3"):
            self.has(self.taken(*self.fetchmail(server, "pop3s", "fetchall", "keep"), "-s"), count - 1,
                     [by_fetchmail(as_lines(one)) for one in self.all_but(*NOT_BY_FETCHMAIL)])
        with self.subTest("fetchmail, IMAP"):
            self.has(self.taken(*self.fetchmail(server, "imaps", "fetchall", "keep"), "-s"), count - 1,
                     [by_fetchmail(one) for one in self.all_but("header_without_end", *NOT_BY_FETCHMAIL)])
        with self.subTest("mbsync"):
            self.program(*self.mbsync(server))
            self.same([lf(self.text(path)) for path in self.files("mail", "INBOX")],
                      map(by_mbsync, self.all_but(*HEADER_ONLY)))
        with self.subTest("offlineimap"):
            shutil.rmtree(self.path("mail"))
            self.program(*self.offlineimap(server))
            self.same([self.octets(path) for path in self.files("mail", "INBOX")], map(by_offlineimap, everything))
        self.assert_ends_clean(server)


if __name__ == "__main__":
    programs.main("mbsync", "offlineimap", "getmail", "fetchmail", "mpop", "curl")
