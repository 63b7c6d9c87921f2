#!/usr/bin/env python3
"""Connections that break anywhere: the next sync finishes, nothing is lost and nothing twice."""

import harness
from harness import DONE, NETWORK, SOME_FAILED, sample

from relay import Relay  # noqa: E402  (harness puts tests/support on the path)

# Octets from the server before the line goes dead: in the greeting, the handshake, the login, the
# listing, and in the middle of the mail.
CUTS = (1, 700, 2_500, 4_000, 6_000, 15_000, 60_000, 250_000, 600_000)


class Cut(harness.Case):

    def through_a_relay(self, protocol, **keys):
        """The sample behind a connection that can be cut."""
        server = self.serve()
        sample.deliver_all(server)
        relay = Relay(server.ports[protocol])
        self.addCleanup(relay.close)
        self.home.add("it", f"{protocol}://{server.user}@localhost:{relay.port}", password=server.password,
                      tls_ca=server.ca_file, timeout=10, **keys)
        return server, relay

    def cut_again_and_again(self, relay):
        cuts = 0
        for cut in CUTS:
            relay.cut_after = cut
            done = self.home.run("sync", "it")
            self.assertIn(done.status, (DONE, SOME_FAILED, NETWORK), done.err)
            cuts += done.status != DONE
        self.assertGreater(cuts, 4, "the cuts were felt")
        relay.cut_after = None

    def test_an_imap_mirror_cut_anywhere_is_finished_by_the_next(self):
        server, relay = self.through_a_relay("imaps")
        self.cut_again_and_again(relay)
        self.sync("it")
        self.assert_same_mail("it", self.on_server(server))
        self.run_it("verify", "it")

    def test_a_pop3_mirror_cut_anywhere_is_finished_by_the_next(self):
        server, relay = self.through_a_relay("pop3s")
        self.cut_again_and_again(relay)
        self.sync("it")
        self.assert_same_mail("it", self.in_maildrop(server))
        self.run_it("verify", "it")

    def test_pop3_with_leave_never_deletes_nothing_that_is_not_here(self):
        server, relay = self.through_a_relay("pop3s", leave="never")
        expected = self.in_maildrop(server)
        self.cut_again_and_again(relay)
        self.sync("it")
        self.assertEqual(self.in_maildrop(server), [])
        self.assert_same_mail("it", expected)

    def test_the_second_half_costs_no_more_than_a_half(self):
        """What came before the cut is kept: it is not carried again."""
        server, relay = self.through_a_relay("imaps")
        whole = sum(len(octets) for octets in self.on_server(server))
        relay.cut_after = whole * 3 // 4
        self.home.run("sync", "it")
        relay.cut_after = None
        relay.reset()
        self.sync("it")
        self.assertLess(relay.bytes_in, whole * 3 // 4)


if __name__ == "__main__":
    harness.main()
