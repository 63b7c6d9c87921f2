#!/usr/bin/env python3
"""The commands that read what came down."""

import mailbox
import os
import re
import sqlite3
import tempfile

import harness
from harness import sample


class Commands(harness.Case):

    @classmethod
    def setUpClass(cls):
        """One server and one mirror for all: these tests only read."""
        cls.server = harness.dovecot.Dovecot()
        cls.made = sample.deliver_all(cls.server)
        cls.server.start()
        cls.shared = harness.Home()
        cls.shared.connect("it", cls.server, "imaps")
        cls.first = cls.shared.run("sync", "it")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.shared.close()

    def setUp(self):
        self.home = self.shared
        self.assertEqual(self.first.status, harness.DONE, self.first.err)

    def one(self, kind):
        """The listed message that the sample made so."""
        number = [message.kind for message in self.made if message.folder == "INBOX"].index(kind)
        inbox = sorted((row for row in self.ls("it", "INBOX")), key=lambda row: row["uid"])
        return inbox[number], [message for message in self.made if message.folder == "INBOX"][number]

    def test_every_command_has_help_with_an_example(self):
        for command in ("sync", "status", "ls", "show", "search", "export", "verify", "compact", "mime", "bench",
                        "account add", "account list", "account remove", "schedule enable", "schedule status"):
            done = self.run_it(*command.split(), "--help")
            self.assertIn(f"twinbox {command}", done.out.decode())

    def test_json_has_the_keys_that_its_page_tells_each_of_one_type_everywhere(self):
        page = os.path.join(harness.HERE, "..", "..", "docs", "json.md")
        with open(page, encoding="utf-8") as file:
            rows = {head: set(re.findall("`([a-z_0-9]+)`", keys))
                    for heads, keys in re.findall(r"^\| (`.*?) \| (.*) \|$", file.read(), re.M)
                    for head in re.findall("`([^`]+)`", heads)}
        for head in ("search", "show"):
            rows[head] |= rows["ls"]
        place = tempfile.mkdtemp(dir=self.home.folder)
        row, _ = self.one("plain")
        with open(os.path.join(place, "one.eml"), "wb") as file:
            file.write(self.run_it("show", "it", str(row["id"]), "--raw").out)
        types = {}
        for head, *words in (("ls", "it"), ("ls --folders", "it"), ("search", "会议"), ("show", "it", str(row["id"])),
                             ("mime", os.path.join(place, "one.eml")), ("sync",), ("sync", "--dry-run"), ("status",),
                             ("export", "it", "--eml", os.path.join(place, "eml")), ("verify", "it"),
                             ("verify --remote", "it"), ("compact", "it"), ("account list",), ("schedule status",),
                             ("bench", "it", "--only", "mime", "--repetitions", "1")):
            printed = self.lines(*head.split(), *words)
            self.assertGreater(len(printed), 0, head)
            for key, value in (pair for line in printed for pair in line.items()):
                self.assertIn(key, rows[head] | (rows["verify"] if head == "verify --remote" else set()), head)
                kind = "number" if type(value) in (int, float) else type(value).__name__
                if value is not None:
                    self.assertEqual(types.setdefault(key, kind), kind, f"{key} of {head}")
        for key in rows["ls"] - {"removed_at"}:
            self.assertIn(key, types)

    def test_ls_of_one_folder_lists_that_folder(self):
        self.assertEqual(len(self.ls("it", sample.NESTED)), sample.COUNTS[sample.NESTED])

    def test_show_prints_the_text_in_utf8(self):
        row, _ = self.one("plain")
        self.assertIn("The roof is dry again.", self.run_it("show", "it", str(row["id"])).out.decode())

    def test_show_raw_gives_the_octets_of_every_broken_message(self):
        for kind, _ in sample.kinds.BROKEN:
            row, message = self.one(kind)
            if kind in ("nul", "bare_lf", "mixed_line_ends"):
                continue  # Dovecot itself hands these out changed
            self.assertEqual(self.run_it("show", "it", str(row["id"]), "--raw").out, message.octets, kind)

    def test_search_finds_chinese_and_japanese_words_of_one_and_two_characters(self):
        for word in ("山", "会议", "木曜", "資料"):
            self.assertGreater(len(self.lines("search", "it", word)), 0, word)
        self.assertEqual(self.lines("search", "it", "鯨鯢"), [])

    def test_export_to_mbox_and_maildir_holds_every_message(self):
        place = tempfile.mkdtemp(dir=self.home.folder)
        self.run_it("export", "it", "INBOX", "--mbox", os.path.join(place, "inbox.mbox"))
        self.assertEqual(len(mailbox.mbox(os.path.join(place, "inbox.mbox"))), sample.COUNTS["INBOX"])
        self.run_it("export", "it", "--maildir", os.path.join(place, "maildir"))
        files = [name for parent, _, names in os.walk(os.path.join(place, "maildir")) for name in names
                 if os.path.basename(parent) in ("new", "cur")]
        self.assertEqual(len(files), sum(sample.COUNTS.values()))

    def test_verify_locally_and_against_the_server(self):
        self.run_it("verify", "it")
        self.run_it("verify", "it", "--remote")

    def test_a_comparison_with_the_server_ends_in_an_orderly_way(self):
        self.assertIn("LOGOUT", self.run_it("--trace", "verify", "it", "--remote").err)
        with_pop = harness.Home()
        self.addCleanup(with_pop.close)
        with_pop.connect("pop", self.server, "pop3s")
        with_pop.run("sync")
        self.assertIn("C: QUIT", with_pop.run("--trace", "verify", "pop", "--remote").err)

    def test_status_json_names_the_account(self):
        (row,) = self.lines("status")
        self.assertEqual(row["account"], "it")

    def test_mime_shows_the_tree_of_any_file(self):
        _, message = self.one("nested")
        done = self.run_it("mime", "-", data=message.octets)
        self.assertIn("message/rfc822", done.out.decode())

    def test_compact_keeps_every_message(self):
        before = self.exported("it")
        self.run_it("compact", "it")
        self.assertEqual(self.exported("it"), before)

    def test_the_trace_shows_the_dialogue_and_hides_the_password(self):
        done = self.run_it("--trace", "sync", "it")
        words = done.err + done.out.decode()
        self.assertIn("C: ", words)
        self.assertIn("S: ", words)
        self.assertNotIn(self.server.password, words)
        self.assertNotIn("AHNhbXBsZQBjb3JyZWN0IGhvcnNl", words, "SASL PLAIN in base64")


class Comparison(harness.Case):
    """What verify --remote says of what differs."""

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        for number in range(40):
            self.server.deliver(b"Subject: %d\r\n\r\nbody\r\n" % number)
        self.home.connect("it", self.server, "imaps")
        self.sync()

    def compared(self):
        return self.run_it("verify", "it", "--remote", status=harness.SOME_FAILED).out.decode().splitlines()

    def test_what_a_sync_settles_is_said_and_is_settled_by_it(self):
        self.server.deliver(b"Subject: new\r\n\r\n", folder="Later")
        self.server.deliver(b"Subject: new\r\n\r\n")
        self.assertEqual(self.compared()[1:], [
            "INBOX/41: not downloaded yet", "Later: this folder was not synced yet",
            "it  42 messages in 2 folders on the server: 2 differences; twinbox sync it settles that"])
        self.sync()
        self.run_it("verify", "it", "--remote")

    def test_what_the_fuse_holds_is_not_said_to_be_settled(self):
        self.server.doveadm("expunge", "-u", self.server.user, "mailbox", "INBOX", "uid", "2:*")
        self.sync(status=harness.FUSE)
        said = self.compared()
        self.assertEqual(said[1], "INBOX/2: no longer on the server, held here")
        self.assertEqual(said[-1], "it  1 message in 1 folder on the server: 39 differences; 39 held: twinbox status it "
                                   "says what settles that")
        self.assertIn("--allow-deletes 39", self.run_it("status").out.decode())

    def test_a_folder_that_is_left_out_is_no_difference(self):
        self.server.deliver(b"Subject: new\r\n\r\n", folder="Later")
        self.home.accounts["it"]["folders.exclude"] = ["Later"]
        self.home.add("it", **self.home.accounts["it"])
        self.assertIn(b"40 messages in 1 folder on the server: what is there is here",
                      self.run_it("verify", "it", "--remote").out)

    def test_an_error_begins_with_the_account_like_all_others(self):
        self.home.accounts["it"]["password"] = "wrong one"
        self.home.add("it", **self.home.accounts["it"])
        self.assert_one_line(self.run_it("verify", "it", "--remote", status=harness.AUTH), "it", "login refused")


class Repair(harness.Case):
    """A store whose index is damaged, and what brings it back."""

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.octets = [b"Subject: %d\r\nDate: Mon, 8 Jan 2024 09:30:00 +0100\r\n\r\nbody %d\r\n" % (n % 9, n % 9)
                       for n in range(12)]  # three of them twice
        for octets in self.octets:
            self.server.deliver(octets, flags=["\\Flagged"])
        self.home.connect("it", self.server, "imaps")
        self.home.connect("pop", self.server, "pop3s")
        self.sync()

    def damage(self, account, octets):
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.home.store(account) + "/twin.db" + suffix):
                os.remove(self.home.store(account) + "/twin.db" + suffix)
        with open(self.home.store(account) + "/twin.db", "wb") as file:
            file.write(octets)

    def test_a_sync_makes_an_index_of_which_nothing_can_be_read_anew_and_says_so(self):
        for octets in (b"", b"no database" * 5000):
            self.damage("it", octets)
            self.assertIn("twinbox verify it --rebuild, then twinbox sync it",
                          self.run_it("ls", "it", status=harness.DAMAGED).err)
            done = self.sync("it")
            self.assertRegex(done.err, r"^it +nothing could be read of its index; it was made anew from 9 stored messages, "
                                       r"the old one is kept as \S+twin\.db\.old-\S+\n$")
            self.assertEqual([row["flags"] for row in self.ls("it", "INBOX")], [["flagged"]] * len(self.octets))
            self.assert_same_mail("it", self.octets)
            self.run_it("verify", "it", "--remote")
            self.assertEqual(self.sync("it").err, "")

    def test_a_damaged_index_is_left_to_the_person_with_the_commands_that_mend_it(self):
        with open(self.home.store("it") + "/twin.db", "r+b") as file:
            size = os.path.getsize(file.name)
            file.seek(4096)
            file.write(b"x" * (size - 4096))
        hint = "\n         twinbox verify it --rebuild, then twinbox sync it\n"
        for command in ("ls", "sync", "verify"):
            self.assertIn(hint, self.run_it(command, "it", status=harness.DAMAGED).err)
        self.run_it("verify", "it", "--rebuild")
        self.sync("it")
        self.assert_same_mail("it", self.octets)
        self.run_it("verify", "it", "--remote")

    def test_an_account_added_anew_is_told_whose_mail_its_store_holds(self):
        self.run_it("account", "remove", "it")
        done = self.run_it("account", "add", "it", "--remote", "imaps://other@localhost", "--store", self.home.store("it"))
        self.assertRegex(done.err, r"Mail/it holds 12 messages of imap://sample@localhost\S* already; mail of another "
                                   r"place needs another folder: --store DIR\n")

    def test_a_newer_index_is_never_replaced(self):
        with sqlite3.connect(self.home.store("it") + "/twin.db") as db:
            db.execute("PRAGMA user_version=999")
        db.close()
        for words in (("sync", "it"), ("verify", "it", "--rebuild"), ("verify", "it", "--rebuild", "--force")):
            self.assertIn("newer version", self.run_it(*words, status=harness.DAMAGED).err)
        with sqlite3.connect(self.home.store("it") + "/twin.db") as db:
            self.assertEqual(db.execute("SELECT count(*) FROM message").fetchone(), (len(self.octets),))
        db.close()

    def test_an_export_goes_on_where_it_was_after_a_rebuild(self):
        for account in ("it", "pop"):
            for form in ("--eml", "--maildir"):
                place = os.path.join(self.home.folder, account + form)
                self.run_it("export", account, form, place)
            self.damage(account, b"")
            self.server.deliver(b"Subject: later\r\n\r\nlater\r\n", date=1_500_000_000)
            self.sync(account)
            for form in ("--eml", "--maildir"):
                place = os.path.join(self.home.folder, account + form)
                done = self.run_it("export", account, form, place, "--json")
                self.assertRegex(done.out.decode(), r'"written":[12],"already_there":1[23],"failed":0')
                files = [name for _, _, names in os.walk(place) for name in names if name != "maildirfolder"]
                self.assertEqual(len(files), len(self.ls(account)))


if __name__ == "__main__":
    harness.main()
