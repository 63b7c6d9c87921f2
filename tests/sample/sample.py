#!/usr/bin/env python3
"""The sample mailbox: 312 messages in 5 folders, the same octets on every machine and every run.

    sample.py --list            a line a message
    sample.py --eml FOLDER      writes each message as a file
    sample.py --bulk N FOLDER   writes N messages of about 9.1 kB each, as the measurements use them

As a library: messages(), bulk(), deliver_all(), deliver_bulk(). What the messages are made of is in
parts.py, the kinds of message in kinds.py.
"""

import argparse
import collections
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import kinds  # noqa: E402
import parts  # noqa: E402

SEED = 20240229
NESTED = "Work/报表"
COUNTS = {"INBOX": 241, "Work": 30, NESTED: 14, "Sent": 19, "Archive": 8}
BULK_BYTES = 9100  # 10,000 messages are then about 91 MB
FIRST_DATE, LAST_DATE = 1104537600, 1735689600  # 2005 to 2025

# `date` is the INTERNALDATE, seconds since 1970; `kind` says which maker it came from.
Message = collections.namedtuple("Message", "folder octets flags keywords date kind")


def messages(seed=SEED):
    """All messages, folder by folder, oldest first."""
    chance = random.Random(seed)
    made = []
    for folder, count in COUNTS.items():
        dates = sorted(chance.randrange(FIRST_DATE, LAST_DATE) for _ in range(count))
        every = kinds.BROKEN if folder == "INBOX" else []
        usual = kinds.USUAL
        places = {number * 11 % count: kind for number, kind in enumerate(every, 5)}
        thread = parts.Thread(chance, folder)
        for number, date in enumerate(dates):
            name, maker = places.get(number) or usual[(number * 7 + len(folder)) % len(usual)]
            octets = maker(parts.Pen(chance, thread, date, f"{folder}-{number}"))
            flags, keywords = _marks(chance, folder, number)
            made.append(Message(folder, octets, flags, keywords, date, name))
    return made


def _marks(chance, folder, number):
    flags = []
    if chance.random() < 0.42 or folder in ("Sent", "Archive"):
        flags.append("\\Seen")
    if chance.random() < 0.08:
        flags.append("\\Answered")
    if number % 23 == 4:
        flags.append("\\Flagged")
    keywords = []
    if chance.random() < 0.06:
        keywords.append(chance.choice(["$Forwarded", "$NotJunk", "later", "family"]))
    return flags, keywords


def bulk(count, size=BULK_BYTES, seed=SEED):
    """`count` messages of about `size` octets on average, as (octets, date); sizes as unequal as in life."""
    chance = random.Random(seed)
    stock = parts.Stock(chance, 4 * 1024 * 1024)
    start = 1420070400
    for number in range(count):
        date = start + number * 3600 + chance.randrange(3600)
        # Most mail is small, some is large; the mean of this is 1.
        share = min(chance.expovariate(1) * 0.55 if number % 10 else 5.05, 12)
        yield stock.message(number, date, int(size * share)), date


def deliver_all(server, made=None):
    """Puts the sample into a Dovecot of tests/support; returns the messages."""
    made = messages() if made is None else made
    for message in made:
        server.deliver(message.octets, message.folder, message.flags + message.keywords, message.date)
    return made


def deliver_bulk(server, count, size=BULK_BYTES):
    """Returns how many octets were delivered."""
    total = 0
    for octets, date in bulk(count, size):
        server.deliver(octets, date=date)
        total += len(octets)
    return total


def main():
    parser = argparse.ArgumentParser(description="The sample mailbox of the tests and the demonstration.")
    parser.add_argument("--list", action="store_true", help="a line a message")
    parser.add_argument("--eml", metavar="FOLDER", help="write each message as a file")
    parser.add_argument("--bulk", nargs=2, metavar=("N", "FOLDER"), help="write N messages for measurements")
    parser.add_argument("--size", type=int, default=BULK_BYTES, help="mean size of those, in octets")
    options = parser.parse_args()
    if options.bulk:
        os.makedirs(options.bulk[1], exist_ok=True)
        for number, (octets, _) in enumerate(bulk(int(options.bulk[0]), options.size), 1):
            with open(os.path.join(options.bulk[1], f"{number:06d}.eml"), "wb") as file:
                file.write(octets)
        return
    for number, message in enumerate(messages(), 1):
        if options.eml:
            os.makedirs(options.eml, exist_ok=True)
            with open(os.path.join(options.eml, f"{number:03d}-{message.kind}.eml"), "wb") as file:
                file.write(message.octets)
        if options.list or not options.eml:
            print(number, message.folder, message.kind, len(message.octets), *message.flags, *message.keywords)


if __name__ == "__main__":
    main()
