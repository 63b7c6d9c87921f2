#!/usr/bin/env python3
"""Why a message was moved, removed or skipped, what waits, and what a person answers to it, on a real Dovecot."""

import os
import re
import unittest

import harness
from test_two_way import Case, message


ACCESS_CONTROL = "mail_plugins = acl\nplugin {\n  acl = vfile\n}\n"


class Explained(Case):

    def serve(self, **settings):
        return super().serve(extra=ACCESS_CONTROL, **settings)

    def begin_with(self, *less, messages=60, **keys):
        self.begin(*less, stores=1, messages=messages, **keys)
        self.account = self.stores[0]

    def log(self, *which):
        return [(entry["event"], entry["action"], entry["on"], entry["reason"] or entry["command"], entry["id"])
                for entry in self.lines("log", self.account, *which)]

    def waits(self):
        return {row["id"]: row["waits"] for row in self.lines("settle", self.account)}

    def status(self):
        return self.lines("status", self.account)[0]

    def remove_there(self, numbers):
        with self.server.imap() as imap:
            imap.select("INBOX")
            imap.store(numbers, "+FLAGS", "(\\Deleted)")
            imap.expunge()

    def subjects_there(self):
        return [subject for _, subject, _ in self.there()]


class Log(Explained):

    def test_tells_what_each_sync_and_command_did_and_why(self):
        self.begin_with(messages=6)
        self.assertEqual(self.log(), [], "a first download needs no entries")
        one, two, three, four = (int(self.id_of(self.account, number)) for number in range(4))
        self.run_it("flag", self.account, str(one), "+seen")
        self.run_it("move", self.account, str(two), "Work")
        self.sync(self.account)
        with self.server.imap() as imap:
            imap.select("INBOX")
            imap.store("2", "+FLAGS", "(\\Flagged)")
            imap.store("3", "+FLAGS", "(\\Deleted)")
            imap.expunge()
        self.sync(self.account)
        self.assertEqual(self.log(str(one)), [("command", "flags", "here", "flag", one),
                                              ("done", "flags", "server", "flags-changed", one)])
        self.assertEqual(self.log(str(two)), [("command", "move", "here", "move", two),
                                              ("done", "move", "server", "moved", two)])
        self.assertEqual(self.log(str(three)), [("done", "flags", "here", "flags-changed", three)])
        self.assertEqual(self.log(str(four)), [("done", "remove", "here", "removed", four)])
        told = self.run_it("log", self.account, str(four)).out.decode()
        self.assertIn("removed here from INBOX: it is gone on the server", told)
        self.assertIn(f"it was removed from INBOX: twinbox undelete {self.account} {four}\n", told)
        before = self.log()
        self.sync(self.account)
        self.assertEqual(self.log(), before, "a sync that does nothing has nothing to tell")

    def test_what_the_server_refuses_is_told_in_its_words_and_asked_again_when_one_says_so(self):
        self.begin_with(messages=6)
        with self.server.imap() as imap:
            imap.create("Closed")
        self.sync(self.account)
        one, two, three = (self.id_of(self.account, number) for number in range(3))
        self.rights("Closed", "lrs")
        self.run_it("move", self.account, one, two, three, "Closed")
        refused = self.lines("sync", self.account)[0]
        self.assertEqual(refused["moved_on_server"], 0)
        self.assertEqual(self.waits(), {int(each): "refused" for each in (one, two, three)})
        self.assertEqual(self.status()["refused"], 3)
        words = self.lines("settle", self.account)[0]["words"]
        self.assertIn("denied", words)
        self.assertIn(words, self.run_it("status", self.account).out.decode())
        self.assertIn(("refused", "move", "server", "moved", int(one)), self.log(one))
        self.sync(self.account)
        self.assertEqual(len(self.log(one)), 2, "not asked again by itself")
        # Back where it was, left alone, and asked again.
        self.run_it("settle", self.account, one, "accept")
        self.run_it("settle", self.account, two, "unlink")
        self.run_it("settle", self.account, three, "restore")
        self.rights("Closed", "lrwstipekxa")
        self.rest()
        self.assertIn(int(one), self.ids(self.account, "INBOX"))
        self.assertIn(int(two), self.ids(self.account, "Closed"))
        self.assertEqual({folder: subject for folder, subject, _ in self.there() if subject in ("number 1", "number 2")},
                         {"INBOX": "number 1", "Closed": "number 2"})
        self.assertEqual(self.waits(), {int(two): "unlinked"})

    def rights(self, folder, letters):
        """What its owner may do with it; Dovecot's acl plugin reads that from a file in the folder."""
        with open(os.path.join(self.server.maildir(folder), "dovecot-acl"), "w", encoding="ascii") as file:
            file.write(f"owner {letters}\n")


class Answers(Explained):

    def test_json_has_the_keys_that_its_page_tells(self):
        self.begin_with()
        with open(os.path.join(harness.HERE, "..", "..", "docs", "json.md"), encoding="utf-8") as file:
            rows = {head: set(re.findall("`([a-z_0-9]+)`", keys)) for heads, keys
                    in re.findall(r"^\| (`.*?) \| (.*) \|$", file.read(), re.M) for head in re.findall("`([^`]+)`", heads)}
        self.remove_there("1:40")
        self.sync(self.account, status=harness.FUSE)
        one = self.lines("settle", self.account)[0]
        self.assertEqual(set(one), {"waits", "on"} | rows["ls"] - {"removed_at"})
        self.assertLess({"waits", "on"}, rows["settle"])
        answer = self.lines("settle", self.account, str(one["id"]), "accept")[0]
        self.assertEqual(set(answer), rows["settle ID…"])
        self.assertLessEqual(set(self.lines("log", self.account)[0]), rows["log"])
        self.assertLessEqual(set(self.status()), rows["status"])

    def test_what_was_removed_here_is_let_go_brought_back_or_left_alone(self):
        self.begin_with()
        ids = [row["id"] for row in self.ls(self.account, "INBOX")][:40]
        subjects = {row["id"]: row["subject"] for row in self.ls(self.account)}
        self.run_it("rm", self.account, *map(str, ids), "--forever")
        self.assertEqual(self.status()["changes"], 40)
        self.sync(self.account, status=harness.FUSE)
        self.assertEqual((self.status()["held"], self.status()["changes"]), (40, 0))
        self.assertEqual(self.waits(), {one: "held" for one in ids})
        accepted, restored, left = ids[:3]
        self.run_it("settle", self.account, str(accepted), "accept")
        self.run_it("settle", self.account, str(restored), "restore")
        self.run_it("settle", self.account, str(left), "unlink")
        self.assertEqual((self.status()["held"], self.status()["changes"]), (37, 1))
        self.sync(self.account, status=harness.FUSE)
        self.assertNotIn(subjects[accepted], self.subjects_there())
        self.assertIn(subjects[restored], self.subjects_there())
        self.assertIn(restored, self.ids(self.account), "with its id")
        self.assertEqual(self.waits()[left], "unlinked")
        self.run_it("settle", self.account, "held", "restore")
        self.rest()
        self.assertEqual(len(self.ls(self.account)), 60)
        self.assertEqual(len(self.there()), 61, "and the one that was left alone")
        self.run_it("settle", self.account, str(left), "restore")
        self.rest()
        self.assert_all_alike()
        self.assertEqual(self.waits(), {})

    def test_what_is_gone_on_the_server_is_let_go_sent_again_or_kept_here_alone(self):
        self.begin_with()
        self.remove_there("1:40")
        self.sync(self.account, status=harness.FUSE)
        ids = sorted(self.waits())
        self.assertEqual(len(ids), 40)
        subjects = {row["id"]: row["subject"] for row in self.ls(self.account)}
        accepted, kept = ids[:2]
        self.run_it("settle", self.account, str(accepted), "accept")
        self.run_it("settle", self.account, str(kept), "unlink")
        self.run_it("settle", self.account, "held", "restore")
        self.rest()
        there = self.subjects_there()
        self.assertEqual(len(there), 60)
        self.assertNotIn(subjects[accepted], there)
        self.assertNotIn(subjects[kept], there)
        self.assertNotIn(accepted, self.ids(self.account))
        # Whatever is done with it here, the server never has it again.
        self.run_it("flag", self.account, str(kept), "+flagged")
        self.run_it("move", self.account, str(kept), "Work")
        self.assertEqual(self.status()["changes"], 0)
        self.rest()
        self.assertEqual(self.subjects_there(), there)
        self.assertIn(kept, self.ids(self.account, "Work"))
        self.run_it("verify", self.account, "--remote")
        self.run_it("settle", self.account, str(kept), "restore")
        self.rest()
        self.assert_all_alike()

    def test_a_mirror_lets_go_or_keeps_and_puts_nothing_on_the_server(self):
        self.begin_with()
        self.home.connect(self.account, self.server)
        self.remove_there("1:40")
        self.sync(self.account, status=harness.FUSE)
        ids = sorted(self.waits())
        refused = self.run_it("settle", self.account, "held", "restore", status=harness.SOME_FAILED)
        self.assert_one_line(refused, "is a mirror: nothing is put on its server")
        self.run_it("settle", self.account, str(ids[0]), "unlink")
        self.run_it("settle", self.account, "held", "accept")
        self.sync(self.account)
        self.sync(self.account)
        self.assertEqual(len(self.there()), 22)
        self.assertEqual(len(self.ls(self.account)), 23)
        self.assertIn(ids[0], self.ids(self.account))


if __name__ == "__main__":
    unittest.main()
