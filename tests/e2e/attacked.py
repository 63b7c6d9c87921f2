"""A running `twinbox serve` that is attacked, with a neighbour in it who goes on as if nothing were."""

import contextlib
import imaplib
import os
import poplib
import smtplib
import sys
import time

import harness

import dovecot  # noqa: E402  (harness puts tests/support on the path)
import rude  # noqa: E402
from served import Served  # noqa: E402

LONG = "TWINBOX_LONG" in os.environ
SECONDS = 60  # until something that must happen has happened
GROWN = 40_000  # kilobytes that a server may need for whatever is done to it, if nothing else is said
MEGABYTE = 1 << 20


def message(number):
    return b"Subject: number %d\r\n\r\n.a dot\r\nFrom here\r\ntext of %d\r\n" % (number, number)


class Case(harness.Case):

    @classmethod
    def setUpClass(cls):
        cls.dovecot = dovecot.Dovecot().start()
        cls.dovecot.create("Quiet")
        cls.dovecot.create("Work")
        for number in range(12):
            cls.dovecot.deliver(message(number))
            cls.dovecot.deliver(message(100 + number), "Quiet")

    @classmethod
    def tearDownClass(cls):
        cls.dovecot.stop()

    @contextlib.contextmanager
    def attacked(self, *words, grown=GROWN, most_files=None):
        """The server, over a store of its own, with a neighbour in it. Behind what is done to it: the neighbour goes
        on, others are served, the server is the same process, no larger than said, and SIGTERM ends it."""
        self.home.connect("work", self.dovecot, mode="two-way")
        self.sync("work")
        self.server = Served(harness.PROGRAM, self.home, "work", more=words, most_files=most_files)
        self.addCleanup(self.server.stop)
        self.alone = self.server.status("Threads")
        self.neighbour = rude.Neighbour(self.server, "Quiet", self.server.octets("Quiet").values())
        self.addCleanup(self.neighbour.end)
        self.neighbour.rounds(1)
        before = self.server.status("VmRSS")
        yield self.server
        self.neighbour.rounds(2)
        self.assert_newcomers_are_served()
        self.neighbour.end()
        peak, now = self.server.status("VmHWM"), self.server.status("VmRSS")
        print(f"{self.id().split('.', 1)[1]}: {before} kB, at most {peak}, then {now}", file=sys.stderr)
        if not any(name.endswith("SAN_OPTIONS") for name in os.environ):
            self.assertLess(peak - before, grown)
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(self.server.stop(), 0)
        self.run_it("verify", "work")

    def assert_newcomers_are_served(self):
        """As soon as the server has seen that others are gone."""
        for come in (self.server.imap, self.server.pop, self.server.smtp):
            for again in self.until_it_works():
                with again:
                    visitor = come()
                    visitor.noop()
                    visitor.logout() if come == self.server.imap else visitor.quit()

    def wait(self, is_so, complaint):
        end = time.monotonic() + SECONDS
        while not is_so():
            self.assertLess(time.monotonic(), end, complaint)
            time.sleep(0.01)

    def until_it_works(self):
        """for again in …: with again: what may fail for some time."""
        end, done = time.monotonic() + SECONDS, []
        errors = (OSError, EOFError, imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException)

        @contextlib.contextmanager
        def again():
            try:
                yield
                done.append(True)
            except errors:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        while not done:
            yield again()
