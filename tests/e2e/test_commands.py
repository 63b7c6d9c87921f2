#!/usr/bin/env python3
"""The commands that read what came down."""

import mailbox
import os
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
        for command in ("sync", "status", "ls", "show", "search", "export", "verify", "compact", "mime",
                        "account add", "account list", "account remove", "schedule enable", "schedule status"):
            done = self.run_it(*command.split(), "--help")
            self.assertIn(f"twinbox {command}", done.out.decode())

    def test_ls_json_has_the_keys_that_scripts_rely_on(self):
        for row in self.ls("it"):
            for key in ("id", "uid", "folder", "subject", "from", "to", "date", "size", "flags", "keywords"):
                self.assertIn(key, row)

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


if __name__ == "__main__":
    harness.main()
