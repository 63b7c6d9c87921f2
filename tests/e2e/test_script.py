#!/usr/bin/env python3
"""`twinbox serve --script`: a server that does wrong, and a sync that makes everything good behind it."""

import imaplib
import os
import shutil

import harness

import private  # noqa: E402  (harness puts tests/support on the path)
from served import Served  # noqa: E402

COUNT = 5


def message(number):
    return b"Subject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\nbody %d\r\n" % (number, number, number)


class Script(harness.Case):
    """"work" is what is served; "copy" an account on that server."""

    def setUp(self):
        super().setUp()
        source = self.serve()
        for number in range(COUNT):
            source.deliver(message(number))
        self.home.connect("work", source, mode="two-way")
        self.sync("work")
        self.place = private.temporary_folder()
        self.addCleanup(shutil.rmtree, self.place)
        self.server = None

    def tearDown(self):
        if self.server is not None:
            self.server.stop()
        super().tearDown()

    def served(self, script, protocol="imaps"):
        """It does what the script says; the account "copy" is on it."""
        ports = None
        if self.server is not None:
            self.server.stop()
            ports = self.server.ports
        path = os.path.join(self.place, "script")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        self.server = Served(harness.PROGRAM, self.home, "work", ports=ports, more=("--script", path))
        self.home.add("copy", f"{protocol}://work@localhost:{self.server.ports[protocol]}",
                      password=self.server.password, tls_ca=self.server.certificate)

    def assert_whole(self, protocol="imaps"):
        self.served("", protocol)
        self.sync("copy")
        self.assert_same_mail("copy", [message(number) for number in range(COUNT)])

    def test_each_wrong_is_told_in_a_line_and_the_next_sync_is_whole(self):
        for protocol, script, status in (
                ("imaps", "on FETCH cut 100", harness.NETWORK),
                ("imaps", "on LIST answer NO [UNAVAILABLE] later", harness.NETWORK),
                ("imaps", "on * 4 answer * BYE enough", harness.NETWORK),
                ("imaps", "on FETCH lie size +7", harness.DONE),
                ("imaps", "on EXAMINE lie uidvalidity +1", harness.DONE),
                ("pop3s", "on RETR 2 cut 30", harness.NETWORK),
                ("pop3s", "on UIDL answer -ERR no", harness.DONE),
                ("pop3s", "on RETR delay 300ms", harness.DONE)):
            with self.subTest(script=script):
                shutil.rmtree(self.home.store("copy"), ignore_errors=True)
                self.served(script, protocol)
                ended = self.sync("copy", status=status)
                if status != harness.DONE:
                    self.assert_one_line(ended, "copy")
                self.assert_whole(protocol)

    def test_it_goes_down_before_and_behind_the_commit(self):
        for when, kept in (("before", COUNT), ("after", COUNT + 1)):
            with self.subTest(when=when):
                self.served(f"on APPEND die {when}")
                connection = self.server.imap()
                with self.assertRaises((imaplib.IMAP4.abort, OSError)):
                    connection.append("INBOX", None, None, message(100))
                connection.shutdown()
                self.server.process.wait(harness.SECONDS)
                self.served("")
                self.assertEqual(len(self.server.octets()), kept)

    def test_a_script_that_cannot_be_read_is_an_error_that_names_the_line(self):
        path = os.path.join(self.place, "script")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# wrong\non FETCH explode\n")
        ended = self.run_it("serve", "work", "--script", path, status=harness.USAGE)
        self.assert_one_line(ended, "line 2")


if __name__ == "__main__":
    harness.main()
