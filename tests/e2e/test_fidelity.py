#!/usr/bin/env python3
"""What came down is octet for octet what Python's imaplib and poplib receive."""

import os
import subprocess

import harness
from harness import sample

from relay import Relay  # noqa: E402  (harness puts tests/support on the path)


def foreign_messages():
    """Messages that nobody here wrote: Debian's libpython3.11-testsuite."""
    listed = subprocess.run(("dpkg", "-L", "libpython3.11-testsuite"), capture_output=True, text=True, check=False)
    found = []
    for path in listed.stdout.splitlines():
        if "test_email/data/" in path and os.path.isfile(path):
            with open(path, "rb") as file:
                found.append(file.read())
    return found


class Fidelity(harness.Case):

    def fill_with_foreign(self):
        messages = foreign_messages()
        self.assertGreaterEqual(len(messages), 60, "libpython3.11-testsuite is missing: tools/dev setup")
        server = self.serve()
        for number, octets in enumerate(messages):
            server.deliver(octets, date=1_600_000_000 + number)
        return server

    def fill_with_sample(self):
        server = self.serve()
        sample.deliver_all(server)
        return server

    def check_imap(self, server):
        self.home.connect("it", server, "imaps")
        self.sync("it")
        self.assert_same_mail("it", self.on_server(server))
        self.run_it("verify", "it")

    def check_pop3(self, server):
        self.home.connect("it", server, "pop3s")
        self.sync("it")
        self.assert_same_mail("it", self.in_maildrop(server))
        self.run_it("verify", "it")

    def test_foreign_messages_by_imap_are_what_imaplib_receives(self):
        self.check_imap(self.fill_with_foreign())

    def test_foreign_messages_by_pop3_are_what_poplib_receives(self):
        self.check_pop3(self.fill_with_foreign())

    def test_the_sample_by_imap_is_what_imaplib_receives(self):
        self.check_imap(self.fill_with_sample())

    def test_the_sample_by_pop3_is_what_poplib_receives(self):
        self.check_pop3(self.fill_with_sample())

    def test_the_sample_by_imap_over_starttls_is_the_same(self):
        server = self.fill_with_sample()
        self.home.connect("it", server, "imap+starttls")
        self.sync("it")
        self.assert_same_mail("it", self.on_server(server))

    def test_the_sample_by_pop3_over_stls_is_the_same(self):
        server = self.fill_with_sample()
        self.home.connect("it", server, "pop3+starttls")
        self.sync("it")
        self.assert_same_mail("it", self.in_maildrop(server))

    def test_the_sample_by_imap_with_compression_is_the_same_and_costs_less(self):
        server = self.serve(compress=True)
        sample.deliver_all(server)
        relay = Relay(server.ports["imaps"])
        self.addCleanup(relay.close)
        self.home.add("it", f"imaps://{server.user}@localhost:{relay.port}", password=server.password,
                      tls_ca=server.ca_file, compress=True)
        self.sync("it")
        expected = self.on_server(server)
        self.assertLess(relay.bytes_in, sum(len(octets) for octets in expected), "COMPRESS=DEFLATE was offered")
        self.assert_same_mail("it", expected)

    def test_sdbox_keeps_what_was_appended(self):
        server = self.serve(mail="sdbox")
        kept = [one for one in sample.messages() if one.folder == "Work"]
        server.append([(one.octets, one.flags + one.keywords, one.date) for one in kept], "Work")
        self.check_imap(server)

    def test_show_raw_prints_the_same_octets(self):
        server = self.serve()
        octets = b"Subject: =?gb2312?B?1tDOxA==?=\r\n\r\n.dot\r\n\x80 high\r\nno end"
        server.deliver(octets)
        self.home.connect("it", server, "imaps")
        self.sync("it")
        (one,) = self.ls("it")
        self.assertEqual(self.run_it("show", "it", str(one["id"]), "--raw").out, octets)

    def test_a_message_of_many_megabytes_passes_through(self):
        server = self.serve()
        octets = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 4 * 40 + b"\r\n"
        octets += (b"x" * 998 + b"\r\n") * 40_000
        server.deliver(octets)
        self.check_imap(server)


if __name__ == "__main__":
    harness.main()
