#!/usr/bin/env python3
"""The story of `twinbox demo` on a real Dovecot: one mailbox, mirrored by POP3 and by IMAP, and what each brought.

    dovecot_demo.py PROGRAM [--json]

Starts a private Dovecot on loopback with the sample mailbox and runs the real program on it. Every
figure in the table is counted while it runs.
"""

import argparse
import collections
import json
import os
import sys
import time
import unicodedata

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
for folder in ("support", "sample", "e2e"):
    sys.path.insert(0, os.path.join(TOP, "tests", folder))

LABEL, COLUMN = 40, 27  # widths of the table
BOTH = ("pop3s", "imaps")


class Broken(Exception):
    """A step of the story did not work."""


class Story:
    """A server, a relay for each protocol, and a home with an account for each."""

    def __init__(self, harness, server, made):
        self.harness, self.server, self.made = harness, server, made
        self.rows = []
        from relay import Relay
        self.relays = {protocol: Relay(server.ports[protocol]) for protocol in BOTH}
        self.homes = []
        self.first = self.computer()

    def close(self):
        for one in list(self.relays.values()) + self.homes:
            one.close()

    def computer(self, **keys):
        """A home with an account on each protocol, through the relays."""
        home = self.harness.Home()
        self.homes.append(home)
        for protocol in BOTH:
            home.add(protocol, f"{protocol}://{self.server.user}@localhost:{self.relays[protocol].port}",
                     password=self.server.password, tls_ca=self.server.ca_file,
                     **(keys if protocol == "pop3s" else {}))
        return home

    def run(self, home, *arguments):
        done = home.run(*arguments)
        if done.status:
            raise Broken(f"twinbox {' '.join(arguments)} ended with status {done.status}: {done.err.strip()}")
        return done.out

    def sync(self, home, protocol):
        """Seconds, bytes and round trips of one sync."""
        relay = self.relays[protocol]
        relay.reset()
        started = time.monotonic()
        self.run(home, "sync", protocol)
        seconds = time.monotonic() - started
        return {"seconds": round(seconds, 2), "bytes": relay.bytes_in + relay.bytes_out,
                "round_trips": relay.round_trips}

    def ls(self, home, protocol):
        return [json.loads(line) for line in self.run(home, "ls", protocol, "--json").splitlines()]

    def row(self, label, pop3, imap):
        self.rows.append((label, pop3, imap))


def first_download(story):
    costs = {protocol: story.sync(story.first, protocol) for protocol in BOTH}
    listed = {protocol: story.ls(story.first, protocol) for protocol in BOTH}
    total = len(story.made)
    story.row("first download", *(f"{len(listed[one])} of {total} messages" for one in BOTH))
    folders = len({message.folder for message in story.made})
    story.row("folders carried over", *(f"{len({path(row) for row in listed[one]})} of {folders}" for one in BOTH))
    marks = sum(len(message.flags) + len(message.keywords) for message in story.made)
    story.row("flags and keywords carried over", *(f"{carried(story, listed[one])} of {marks}" for one in BOTH))
    story.row("same octets as the server sends", identical(story, "pop3s"), identical(story, "imaps"))
    story.row("bytes, round trips", *(cost(costs[one]) for one in BOTH))
    story.row("time", *(f"{costs[one]['seconds']:.1f} s" for one in BOTH))
    again = {protocol: story.sync(story.first, protocol) for protocol in BOTH}
    story.row("again, with nothing new", *(cost(again[one]) for one in BOTH))


def path(row):
    return "/".join(row["folder"]) if isinstance(row["folder"], list) else row["folder"]


def carried(story, listed):
    """How many marks of the sample are on the same message here."""
    count = 0
    places = collections.defaultdict(list)
    for row in sorted(listed, key=lambda row: row["uid"]):
        places[path(row)].append(row)
    for folder in {message.folder for message in story.made}:
        theirs = [message for message in story.made if message.folder == folder]
        for row, message in zip(places[folder], theirs):
            here = {mark.lstrip("\\").lower() for mark in row["flags"] + row["keywords"]}
            count += len(here & {mark.lstrip("\\").lower() for mark in message.flags + message.keywords})
    return count


def identical(story, protocol):
    """Exported files against what Python's own client receives, by SHA-256."""
    case = story.harness.Case
    theirs = case.on_server(story.server) if protocol == "imaps" else case.in_maildrop(story.server)
    case = case()
    case.home = story.first
    found = case.exported(protocol)
    expected = collections.Counter(story.harness.digest(octets) for octets in theirs)
    return f"{sum((found & expected).values())} of {len(theirs)}"


def someone_changes_the_server(story):
    """Another client marks three messages read and deletes four."""
    before = {one: story.ls(story.first, one) for one in BOTH}
    connection = story.server.imap()
    connection.select("INBOX")
    unread = connection.search(None, "UNSEEN")[1][0].split()[:3]
    connection.store(b",".join(unread).decode(), "+FLAGS", "(\\Seen)")
    deleted = 4
    connection.store(f"200:{199 + deleted}", "+FLAGS", "(\\Deleted)")
    connection.expunge()
    connection.logout()
    marked, gone = [], []
    for protocol in BOTH:
        story.sync(story.first, protocol)
        after = story.ls(story.first, protocol)
        changed = seen(after) - (seen(before[protocol]) & {row["id"] for row in after})
        marked.append(f"{len(changed)} read here" if changed else "unknown here")
        lost = len(before[protocol]) - len(after)
        gone.append(f"{lost} removed here" if lost else f"all {len(after)} kept here")
    story.row(f"someone reads {len(unread)} on the server", *marked)
    story.row(f"someone deletes {deleted} on the server", *gone)


def seen(rows):
    return {row["id"] for row in rows if "seen" in {flag.lstrip("\\").lower() for flag in row["flags"]}}


def second_computer(story):
    """What is left for another computer, once the first has taken its mail."""
    imap = story.computer()
    story.sync(imap, "imaps")
    taker = story.computer(leave="never")
    story.sync(taker, "pop3s")
    pop3 = story.computer()
    story.sync(pop3, "pop3s")
    left, all_of_it = len(story.ls(pop3, "pop3s")), len(story.ls(imap, "imaps"))
    story.row("a second computer, after POP3 delete", f"sees {left or 'nothing'}", f"saw all {all_of_it} before it")


def search(story):
    word = "会议"
    found = [sum(1 for _ in story.run(story.first, "search", one, word, "--json").splitlines()) for one in BOTH]
    story.row(f"search {word}", *(f"{count} found" for count in found))


def cost(one):
    size = one["bytes"]
    text = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
    return f"{text}, {one['round_trips']}"


def width(text):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def padded(text, columns):
    return text + " " * max(1, columns - width(text))


def show(story):
    print(padded("", LABEL) + padded("POP3", COLUMN) + "IMAP")
    for label, pop3, imap in story.rows:
        print(padded(label, LABEL) + padded(pop3, COLUMN) + imap)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--json", action="store_true", help="the table as a line of JSON a row")
    options = parser.parse_args()
    os.environ["TWINBOX_PROGRAM"] = os.path.abspath(options.program)
    import harness
    with harness.dovecot.Dovecot() as server:
        made = harness.sample.deliver_all(server)
        folders = len({message.folder for message in made})
        if not options.json:
            print(f"A mail server with {len(made)} messages in {folders} folders is running on this machine "
                  f"(imaps {server.ports['imaps']}, pop3s {server.ports['pop3s']}).\n")
        story = Story(harness, server, made)
        try:
            for chapter in (first_download, search, someone_changes_the_server, second_computer):
                chapter(story)
        except (Broken, AssertionError) as error:
            show(story)
            print(f"demo: {error}", file=sys.stderr)
            return 1
        finally:
            story.close()
        if options.json:
            for label, pop3, imap in story.rows:
                print(json.dumps({"what": label, "pop3": pop3, "imap": imap}, ensure_ascii=False))
        else:
            show(story)
            print("\nThe server and both mirrors are gone again; your own mail: twinbox account add --help")
    return 0


if __name__ == "__main__":
    sys.exit(main())
