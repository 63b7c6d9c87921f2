#!/usr/bin/env python3
"""What goes wrong gets one clear line and its exit status, and costs no mail."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import time

import harness
from harness import AUTH, DAMAGED, DONE, IN_USE, NETWORK, SOME_FAILED, USAGE

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


class Servers(harness.Case):

    def with_one_message(self, **settings):
        server = self.serve(**settings)
        server.deliver(MESSAGE)
        return server

    def refused(self, status, *words):
        """A sync that fails in one line and leaves nothing behind."""
        done = self.sync("it", status=status)
        self.assert_one_line(done, "it", *words)
        self.assertNotIn("correct horse", done.err)
        return done

    def test_a_wrong_password_is_status_4_by_imap_and_pop3(self):
        server = self.with_one_message()
        for protocol in ("imaps", "pop3s"):
            self.home.connect("it", server, protocol, password="wrong one")
            done = self.refused(AUTH)
            self.assertNotIn("wrong one", done.err)

    def test_a_refused_login_tells_what_to_check_and_no_other_providers_rule(self):
        server = self.with_one_message()
        for protocol in ("imaps", "pop3s"):
            self.home.connect("it", server, protocol, password="wrong one")
            self.home.accounts["it"]["remote"] = self.home.accounts["it"]["remote"].replace("localhost", "127.0.0.1")
            self.home.add("it", **self.home.accounts["it"])
            done = self.refused(AUTH)
            self.assertIn("app password", done.err)
            self.assertNotIn("Bridge", done.err)

    def test_the_trace_of_a_failure_shows_how_far_it_came(self):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        self.home.add("it", f"imaps://me@localhost:{port}", password="secret")
        done = self.home.run("--trace", "sync", "it")
        for words in ("looking up localhost", f"connecting to 127.0.0.1:{port}", f"127.0.0.1:{port}: Connection refused"):
            self.assertIn(words, done.err)
        self.home.add("it", "imaps://me@no-such-host.invalid", password="secret")
        self.assertIn("looking up no-such-host.invalid", self.home.run("--trace", "sync", "it").err)
        server = self.with_one_message(certificate="expired")
        self.home.connect("it", server, "imaps")
        done = self.home.run("--trace", "sync", "it")
        self.assertIn("certificate received: for localhost, 127.0.0.1, issued by twinbox test authority", done.err)
        self.assertIn(server.fingerprint, done.err)

    def test_what_never_was_synced_is_nothing_and_status_says_why(self):
        server = self.serve()
        self.home.connect("it", server, "imaps", password="wrong")
        self.sync("it", status=harness.AUTH)
        (told,) = self.lines("status")
        self.assertEqual((told["last_success"], told["stored"], told["error"]["code"]), (None, False, "auth"))
        self.assertRegex(self.run_it("status").out.decode(), r"it +IMAP +never +✗ .* login refused")
        self.sync("it", "--dry-run", status=harness.AUTH)
        self.assertEqual(self.lines("status")[0]["error"]["code"], "auth", "a dry run leaves that as it is")
        for command in (("ls", "it"), ("export", "it", "--mbox", "-"), ("verify", "it"), ("compact", "it")):
            self.assertIn("nothing is stored of it yet", self.run_it(*command, status=harness.USAGE).err)
        self.assertNotIn("its mail stays", self.run_it("account", "remove", "it").err)
        self.home.connect("it", server, "imaps")
        self.sync("it")
        (told,) = self.lines("status")
        self.assertTrue(told["stored"] and told["last_run"]["ok"] and "error" not in told)

    def test_a_dry_run_leaves_no_store(self):
        server = self.serve()
        self.home.connect("it", server, "imaps")
        (told,) = self.lines("sync", "it", "--dry-run")
        self.assertEqual(told["added"], len(told["actions"]) - told["folders_created"])
        self.assertFalse(os.path.exists(self.home.store("it")))
        self.run_it("ls", "it", status=harness.USAGE)

    def test_a_certificate_for_another_name_is_refused(self):
        server = self.with_one_message(certificate="wrong-name")
        for protocol in ("imaps", "pop3s", "imap+starttls", "pop3+starttls"):
            self.home.connect("it", server, protocol)
            self.refused(NETWORK, "certificate")
        self.assertNotIn("Login:", server.read_log(), "no credentials went out")

    def test_an_expired_certificate_is_refused(self):
        server = self.with_one_message(certificate="expired")
        for protocol in ("imaps", "pop3s", "imap+starttls", "pop3+starttls"):
            self.home.connect("it", server, protocol)
            self.refused(NETWORK, "expired")

    def test_an_unknown_authority_is_refused(self):
        server = self.with_one_message()
        self.home.connect("it", server, "imaps", tls_ca=None)
        self.refused(NETWORK, "certificate")

    def test_a_pinned_certificate_is_accepted_whoever_signed_it(self):
        server = self.with_one_message(certificate="self-signed")
        for number, protocol in enumerate(("imaps", "pop3s", "imap+starttls", "pop3+starttls")):
            name = f"it{number}"
            self.home.connect(name, server, protocol, tls_ca=None, tls_pin=f"sha256:{server.fingerprint}")
            self.sync(name)
            self.assertEqual(len(self.ls(name)), 1)

    def test_another_certificate_than_the_pinned_one_is_refused(self):
        server = self.with_one_message()
        self.home.connect("it", server, "imaps", tls_pin="sha256:" + "0" * 64)
        self.refused(NETWORK, "pin")

    def test_starttls_that_is_not_offered_is_refused_before_the_password(self):
        server = self.with_one_message(ssl="no")
        for protocol in ("imap+starttls", "pop3+starttls"):
            self.home.connect("it", server, protocol)
            self.refused(NETWORK)
        self.assertNotIn("Login:", server.read_log())

    def test_a_refused_connection_is_status_5(self):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        self.home.add("it", f"imaps://me@127.0.0.1:{port}", password="secret")
        self.refused(NETWORK)

    def test_an_unknown_host_is_status_5(self):
        self.home.add("it", "imaps://me@no-such-host.invalid", password="secret")
        self.refused(NETWORK, "no-such-host.invalid")

    def test_one_account_that_fails_does_not_stop_the_others(self):
        server = self.with_one_message()
        self.home.connect("good", server, "imaps")
        self.home.connect("bad", server, "pop3s", password="wrong one")
        done = self.sync(status=SOME_FAILED)
        self.assertIn("bad", done.err)
        self.assertEqual(len(self.ls("good")), 1)


class OneHost(harness.Case):
    """Two servers behind one name: containers, tunnels, a bridge beside a local server."""

    def two_servers(self):
        first, second = self.serve(), self.serve()
        first.deliver(MESSAGE)
        second.deliver(MESSAGE.replace(b"one", b"other"))
        return first, second

    def refuses(self, protocol, server):
        self.home.connect("it", server, protocol)
        done = self.sync("it", status=SOME_FAILED)
        self.assert_one_line(done, "it", "belongs to", str(server.ports[protocol]))
        self.assert_same_mail("it", [MESSAGE])

    def test_another_port_is_another_server_and_its_mail_is_not_mixed_in(self):
        for protocol in ("imaps", "pop3s"):
            first, second = self.two_servers()
            self.home.connect("it", first, protocol)
            self.sync("it")
            self.refuses(protocol, second)
            shutil.rmtree(self.home.store("it"))

    def test_a_store_whose_identity_has_no_port_yet_is_taken_once(self):
        for protocol in ("imaps", "pop3s"):
            first, second = self.two_servers()
            self.home.connect("it", first, protocol)
            self.sync("it")
            with contextlib.closing(sqlite3.connect(os.path.join(self.home.store("it"), "twin.db"))) as store, store:
                store.execute("UPDATE link_identity SET identity = replace(identity, ?, '') WHERE side = 0",
                              (f":{first.ports[protocol]}",))
                store.execute("DELETE FROM meta WHERE name = 'identity_form'")
            self.sync("it")
            self.refuses(protocol, second)
            shutil.rmtree(self.home.store("it"))


class Files(harness.Case):

    def test_a_broken_configuration_names_line_and_column(self):
        self.home.write('[account.work]\nremote = "imaps://me@mail.example.org\n')
        done = self.run_it("sync", status=USAGE)
        self.assert_one_line(done, ":2:")

    def test_an_unknown_key_names_the_nearest(self):
        self.home.write('[account.work]\nremote = "imaps://me@mail.example.org"\npasword = "x"\n')
        done = self.run_it("sync", status=USAGE)
        self.assert_one_line(done, ":3:", "password")

    def test_a_password_in_a_file_that_others_may_read_is_refused(self):
        self.home.write('[account.work]\nremote = "imaps://me@mail.example.org"\npassword = "very secret"\n')
        os.chmod(self.home.config, 0o644)
        done = self.run_it("sync", status=USAGE)
        self.assertNotIn("very secret", done.err)

    def test_an_unknown_account_is_status_2(self):
        self.home.write('[account.work]\nremote = "imaps://me@mail.example.org"\n')
        self.assert_one_line(self.run_it("sync", "wrok", status=USAGE), "wrok", "work")

    def mirrored(self):
        server = self.serve()
        for number in range(20):
            server.deliver(b"Subject: %d\r\n\r\n" % number + b"body\r\n" * 200)
        self.home.connect("it", server, "imaps")
        self.sync("it")
        return server

    def test_a_damaged_content_is_found_and_named(self):
        self.mirrored()
        place = os.path.join(self.home.store("it"), "content")
        segments = sorted(os.path.join(parent, name) for parent, _, names in os.walk(place) for name in names)
        largest = max(segments, key=os.path.getsize)
        with open(largest, "r+b") as file:
            file.seek(os.path.getsize(largest) // 2)
            octet = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([octet ^ 0xff]))
        self.run_it("verify", "it", status=DAMAGED)

    def test_a_lost_index_is_rebuilt_without_fetching_again(self):
        server = self.mirrored()
        for name in os.listdir(self.home.store("it")):
            if name.startswith("twin.db"):
                os.unlink(os.path.join(self.home.store("it"), name))
        self.sync("it")
        self.assertEqual(len(self.ls("it")), 20)
        self.assert_same_mail("it", self.on_server(server))

    def test_a_lost_index_loses_no_mail_that_is_only_here(self):
        server = self.serve()
        for number in range(5):
            server.deliver(b"Subject: %d\r\n\r\nbody\r\n" % number)
        kept = self.in_maildrop(server)
        self.home.connect("it", server, "pop3s", leave="never")
        self.sync("it")
        self.assertEqual(self.in_maildrop(server), [])
        for name in os.listdir(self.home.store("it")):
            if name.startswith("twin.db"):
                os.unlink(os.path.join(self.home.store("it"), name))
        done = self.sync("it")
        self.assertIn("Recovered", done.out.decode())
        self.assertEqual({harness.digest(octets) for octets in kept}, set(self.exported("it")))
        self.run_it("compact", "it")
        self.assertEqual(len(self.ls("it")), 5)

    def test_a_full_disk_is_one_line_and_the_next_sync_goes_on(self):
        server = self.serve()
        harness.sample.deliver_bulk(server, 200)
        self.home.connect("it", server, "imaps")
        for kilobytes in (40, 120, 400, 900):
            # A limit on the size of files stands in for a full disk: writes fail in the same place.
            done = self.home.run("sync", "it", largest_file=kilobytes * 1024)
            self.assertEqual(done.status, SOME_FAILED, done.err)
            self.assert_one_line(done, "it")
            # So full that there is no store yet, or one that is whole.
            self.assertIn(self.home.run("verify", "it").status, (DONE, USAGE))
        self.sync("it")
        self.run_it("verify", "it")
        self.assert_same_mail("it", self.on_server(server))

    def test_a_store_made_by_a_newer_version_is_left_alone(self):
        self.mirrored()
        place = os.path.join(self.home.store("it"), "twin.db")
        with sqlite3.connect(place) as database:
            database.execute("PRAGMA user_version=99")
        database.close()
        before = harness.digest(pathlib.Path(place).read_bytes())
        for command in (("sync",), ("ls",), ("verify",)):
            self.assert_one_line(self.run_it(*command, "it", status=DAMAGED), "newer")
        self.assertEqual(harness.digest(pathlib.Path(place).read_bytes()), before)

    def test_a_file_that_is_no_store_is_status_8(self):
        server = self.mirrored()
        with open(os.path.join(self.home.store("it"), "twin.db"), "wb") as file:
            file.write(b"this is not a database, whatever its name says" * 100)
        for name in ("twin.db-wal", "twin.db-shm"):
            path = os.path.join(self.home.store("it"), name)
            if os.path.exists(path):
                os.unlink(path)
        self.run_it("ls", "it", status=DAMAGED)
        self.assertTrue(server.read_log())

    def test_while_a_sync_has_the_store_others_wait_or_leave_with_7_and_readers_go_on(self):
        self.mirrored()
        with open(os.path.join(self.home.store("it"), "sync.lock"), "r+", encoding="ascii") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            started = time.monotonic()
            done = self.run_it("sync", "it", "--wait", "1", status=IN_USE)
            self.assertGreater(time.monotonic() - started, 0.9)
            self.assert_one_line(done, "it", "in use")
            for command in (("sync", "it", "--wait", "0"), ("compact", "it"), ("verify", "it", "--rebuild", "--force")):
                self.assert_one_line(self.run_it(*command, status=IN_USE), "in use")
            self.assertEqual(len(self.ls("it")), 20)
            self.assertEqual(len(self.lines("search", "it", "body", "--limit", "30")), 20)
            self.run_it("status")
            self.run_it("show", "it", "1")
            self.run_it("verify", "it")
            self.assertEqual(sum(self.exported("it").values()), 20)
            fcntl.flock(held, fcntl.LOCK_UN)
        self.sync("it")

    def test_two_syncs_at_the_same_time_make_one_mirror(self):
        server = self.serve()
        harness.sample.deliver_bulk(server, 2000)
        self.home.connect("it", server, "imaps")
        command = (harness.PROGRAM, "--config", self.home.config, "sync", "it")
        both = [subprocess.Popen(command, env=self.home.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(2)]
        listed = self.home.run("ls", "it", "--json").status  # in the middle, or before there is a store
        ended = [one.communicate(timeout=harness.SECONDS) and one.returncode for one in both]
        self.assertIn(listed, (DONE, USAGE))
        self.assertIn(DONE, ended)
        self.assertLessEqual(set(ended), {DONE, IN_USE})
        self.assertEqual(len(self.ls("it")), 2000)
        self.run_it("verify", "it")

    def test_the_index_of_a_first_mirror_is_left_to_the_first_search_and_then_kept(self):
        server = self.serve()
        harness.sample.deliver_bulk(server, 501, 300)
        self.home.connect("it", server, "imaps")

        def indexed():
            with contextlib.closing(sqlite3.connect(os.path.join(self.home.store("it"), "twin.db"))) as store:
                return store.execute("SELECT count(*) FILTER (WHERE indexed), count(*) FROM content").fetchone()

        self.sync("it")
        self.assertEqual(indexed(), (0, 501))
        self.assertEqual(len(self.lines("search", "it", "larger:1", "-n", "3000")), 501)
        self.assertEqual(indexed(), (501, 501))
        harness.sample.deliver_bulk(server, 5, 900)
        self.sync("it")
        done, every = indexed()
        self.assertEqual(done, every)
        self.assertGreater(every, 501)

    def test_a_sync_killed_in_the_middle_is_finished_by_the_next(self):
        server = self.serve()
        harness.sample.deliver_bulk(server, 1500)
        self.home.connect("it", server, "imaps")
        command = (harness.PROGRAM, "--config", self.home.config, "sync", "it")
        for wait in (0.1, 0.2, 0.3, 0.5):
            one = subprocess.Popen(command, env=self.home.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            time.sleep(wait)
            one.kill()
            one.wait()
        self.sync("it")
        self.assert_same_mail("it", self.on_server(server))
        self.run_it("verify", "it")


if __name__ == "__main__":
    harness.main()
