"""The rows of the table: what each measures, beside what, and what must be reached."""

import functools
import json
import os

import contenders as c
import two_way
from measure import Failed, Result, Sample, built, rounds, shares

FAR = 0.05  # seconds of a round trip in the rows about a long way
MEGABYTE = 1e6


class Row:
    """name for --row; title and must for people; measure(bench) fills results and verdicts."""

    def __init__(self, name, title, must, measure, group="sync"):
        self.name, self.title, self.must, self.group = name, title, must, group
        self._measure = measure
        self.results, self.verdicts, self.notes = {}, [], []

    def measure(self, bench):
        self._measure(self, bench)

    def facts(self):
        """What --json prints."""
        return {"name": self.name, "title": self.title, "must": self.must, "notes": self.notes,
                "contenders": {name: result.facts() for name, result in self.results.items()},
                "verdicts": self.verdicts}

    def judge(self, words, value, limit, at_least=False):
        """One number that must be reached."""
        self.verdicts.append({"what": words, "measured": round(value, 4), "limit": limit,
                              "met": value >= limit if at_least else value <= limit})

    def judge_faster(self, other, times, name="twinbox"):
        """`name` is so many times faster than another, run by run."""
        share = shares(self.results[other], self.results[name]) if other in self.results else None
        if share:
            self.judge(f"times faster than {other} ({share[1]:.1f} to {share[2]:.1f})", share[0], times, at_least=True)

    def judge_share(self, other, times, name="twinbox"):
        """`name` takes at most so many times as long as another, run by run."""
        share = shares(self.results[name], self.results[other])
        self.judge(f"times as long as {other} ({share[1]:.2f} to {share[2]:.2f})", share[0], times)


def first_mirror(row, bench, mailbox, protocol, kinds, socket=None, most=None, delay=None, runs=None, tls=True):
    """Into an empty store: checks what came in the first round, so that no time counts of work that was not done."""
    box = bench.mailboxes.get(mailbox)
    end = bench.mailboxes.end(mailbox, protocol, tls, delay)
    row.notes.append(f"{box.count:,} messages, {box.octets / MEGABYTE:.1f} MB")

    def action(kind, warm):
        contender = kind(bench.runner, bench.runner.fresh(kind.name), end)
        kept = False
        try:
            sample = contender.run(warm)
            if contender.count() != box.count:
                raise Failed(f"{kind.name} brought {contender.count():,} of {box.count:,} messages")
            if warm and hasattr(contender, "digests") and contender.digests() != box.digests:
                raise Failed(f"{kind.name} brought other octets than the server has")
            key = (kind, mailbox, protocol, tls, delay)
            kept = bench.mirrors.setdefault(key, contender) is contender
            return sample
        finally:
            if not kept:
                contender.close()

    actions = {kind.name: (functools.partial(action, kind), (most or {}).get(kind.name))
               for kind in kinds if kind.there()}
    row.notes += [f"{kind.name} is not installed" for kind in kinds if not kind.there()]
    if socket:
        actions["off the socket"] = (lambda warm: socket(end, box.count), None)
    row.results = rounds(actions, runs or bench.runs, bench.warm, bench.progress, row.notes)


def imap_first(row, bench, tls=True):
    first_mirror(row, bench, "bulk", "imap", (c.Twinbox, c.Mbsync, c.MbsyncShallow),
                 lambda end, _: c.imap_off_the_socket(end), tls=tls)
    row.judge_faster("mbsync", 10)


def pop3_first(row, bench, tls=True):
    # The slow ones once: they take longer than all else together.
    slow = (c.Fetchmail, c.Getmail) if tls else ()
    first_mirror(row, bench, "bulk", "pop3", (c.TwinboxPop3, c.Mpop, *slow), c.pop3_off_the_socket,
                 most={kind.name: 1 for kind in slow}, tls=tls)
    row.judge_faster("mpop", 6)


def imap_small(row, bench, tls=True):
    first_mirror(row, bench, "small", "imap", (c.Twinbox, c.Mbsync), lambda end, _: c.imap_off_the_socket(end),
                 runs=(bench.runs + 1) // 2, tls=tls)
    row.judge_faster("mbsync", 12)


def imap_far(row, bench):
    first_mirror(row, bench, "far", "imap", (c.Twinbox, c.Mbsync, c.MbsyncShallow), delay=FAR)
    row.judge_faster("mbsync", 5)


def pop3_far(row, bench):
    first_mirror(row, bench, "far", "pop3", (c.TwinboxPop3, c.Mpop), delay=FAR)
    row.judge_faster("mpop", 3)


def mirrored(bench, kind, mailbox, protocol="imap", tls=True, delay=None):
    """A contender whose mirror is up to date: made here, or left by a row that measured how it is made."""
    key = (kind, mailbox, protocol, tls, delay)
    if key not in bench.mirrors:
        box = bench.mailboxes.inbox(mailbox) if protocol == "pop3" else bench.mailboxes.get(mailbox)
        end = bench.mailboxes.end(mailbox, protocol, tls, delay)
        contender = bench.mirrors[key] = kind(bench.runner, bench.runner.fresh(kind.name), end)
        bench.progress(f"{kind.name}: the mirror of `{mailbox}` that nothing changes in")
        contender.run()
        if contender.count() != box.count:
            raise Failed(f"{kind.name} brought {contender.count():,} of {box.count:,} messages")
    return bench.mirrors[key]


def look_again(contender):
    """What a row repeats with a mirror in which nothing changes."""
    return lambda _warm: contender.run(), None


def imap_nothing(row, bench, tls=True):
    box = bench.mailboxes.get("small")
    end = bench.mailboxes.end("small", "imap", tls)
    row.notes.append(f"{box.count:,} messages")
    actions = {kind.name: look_again(mirrored(bench, kind, "small", tls=tls))
               for kind in (c.Twinbox, c.Mbsync) if kind.there()}
    actions["login and LIST"] = (lambda _: c.imap_look(end), None)
    row.results = rounds(actions, bench.runs * 4, bench.warm, bench.progress, row.notes)
    row.judge_faster("mbsync", 10)


def imap_nothing_size(row, bench):
    few, many = bench.mailboxes.get("few"), bench.mailboxes.get("small")
    names = {box.user: f"twinbox, {box.user} ({box.count:,})" for box in (few, many)}
    actions = {names[user]: look_again(mirrored(bench, c.Twinbox, user)) for user in names}
    row.results = rounds(actions, bench.runs * 4, bench.warm, bench.progress, row.notes)
    less, more = row.results[names["few"]], row.results[names["small"]]
    share = shares(more, less)
    row.judge(f"times the seconds of {few.count:,} messages ({share[1]:.2f} to {share[2]:.2f})", share[0], 1.2)
    row.judge(f"times the memory of {few.count:,} messages", shares(more, less, "peak")[0], 1.2)


def far_nothing(row, bench):
    box = bench.mailboxes.get("five")
    row.notes.append(f"{box.count} messages in 5 folders; by POP3 INBOX alone")
    plan = {"twinbox": (c.Twinbox, "imap"), "mbsync": (c.Mbsync, "imap"), "twinbox, POP3": (c.TwinboxPop3, "pop3"),
            "mpop": (c.Mpop, "pop3")}
    actions = {name: look_again(mirrored(bench, kind, "five", protocol, tls=False, delay=FAR))
               for name, (kind, protocol) in plan.items() if kind.there()}
    row.results = rounds(actions, bench.runs, bench.warm, bench.progress, row.notes)
    for name in ("twinbox", "twinbox, POP3"):
        row.judge(f"round trips of {name}", row.results[name].median("turns"), 6)


def giant(row, bench):
    peak_row(row, bench, "giant", 64)


def million(row, bench):
    peak_row(row, bench, "million", 100)


def peak_row(row, bench, mailbox, limit):
    """One run each: memory is the same every time."""
    box = bench.mailboxes.get(mailbox)
    row.notes.append(f"{box.count:,} messages, {box.octets / MEGABYTE:,.0f} MB")
    for name, kind, protocol in (("twinbox, IMAP", c.Twinbox, "imap"), ("twinbox, POP3", c.TwinboxPop3, "pop3")):
        bench.progress(name)
        contender = kind(bench.runner, bench.runner.fresh(name), bench.mailboxes.end(mailbox, protocol))
        try:
            row.results.update(rounds({name: (contender.run, None)}, 1, warm=False))
            if contender.count() != box.count:
                raise Failed(f"{name} brought {contender.count():,} of {box.count:,} messages")
            if box.count < 1000 and contender.digests() != box.digests:
                raise Failed(f"{name} brought other octets than the server has")
            again = rounds({f"{name}, nothing changed": (contender.run, None)}, 1, warm=False)
            row.results.update(again)
        finally:
            contender.close()
    for name, result in row.results.items():
        row.judge(f"MB resident at most: {name}", result.most("peak"), limit)


def micro(bench, program, pattern, repetitions=1):
    """Runs of a program of Google Benchmark: the Sample of the launcher, and {name: [Sample]} by its own clock."""
    folder = bench.runner.fresh(program)
    report = os.path.join(folder, "report.json")
    environment = {**c.environment(folder), "TMPDIR": folder}
    if bench.at_most:
        environment["TWINBOX_BENCH_MESSAGES"] = str(bench.at_most)
    whole = bench.runner.run([built(bench.runner.program, program), f"--benchmark_filter={pattern}",
                              f"--benchmark_repetitions={repetitions}", f"--benchmark_out={report}",
                              "--benchmark_out_format=json"], environment)
    found = {}
    with open(report, encoding="utf-8") as file:
        for one in json.load(file)["benchmarks"]:
            if one.get("error_occurred"):
                raise Failed(f"{one['name']}: {one['error_message']}")
            if one["run_type"] == "iteration":
                scale = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1}[one["time_unit"]]
                name = one["name"].removesuffix("/iterations:1/process_time/real_time")
                found.setdefault(name, []).append(Sample(seconds=one["real_time"] * scale, cpu=one["cpu_time"] * scale))
    if not found:
        raise Failed(f"{program} knows no {pattern}")
    return whole, found


def store(row, bench):
    def action(name, _warm):
        whole, found = micro(bench, "bench_store", f"^{name}")
        return next(iter(found.values()))[0]._replace(peak=whole.peak)

    names = {"the store": "store_add", "bare append": "bare_append"}
    row.results = rounds({words: (functools.partial(action, name), None) for words, name in names.items()}, bench.runs,
                         bench.warm, bench.progress)
    share = shares(row.results["the store"], row.results["bare append"])
    row.judge(f"times the bare append ({share[1]:.2f} to {share[2]:.2f})", share[0], 2)


def search(row, bench):
    bench.progress("the library")
    for name, samples in micro(bench, "bench_store", "^search", bench.runs)[1].items():
        words = f"library, {name.removeprefix('search/')}"
        row.results[words] = Result(words, samples)
    mirror = mirrored(bench, c.Twinbox, "small")
    program, config = mirror.command[0], mirror.home.config

    def action(query, _warm):
        return bench.runner.run([program, "--config", config, "search", "it", query, "-n", "10"],
                                mirror.environment)

    count = bench.mailboxes.get("small").count
    queries = {"one message": f"subject:{count - 1}", "every message": "example", "Han": "会议", "from:": "from:anna"}
    actions = {f"program, {words}": (functools.partial(action, query), None) for words, query in queries.items()}
    actions["program, --version"] = (lambda _: bench.runner.run([program, "--version"], mirror.environment), None)
    row.results.update(rounds(actions, bench.runs * 4, bench.warm, bench.progress))
    worst = max((result for name, result in row.results.items() if name.startswith("library")),
                key=lambda result: result.median("seconds"))
    row.judge(f"ms ({worst.name})", worst.median("seconds") * 1000, 20)
    worst = max((result for name, result in row.results.items() if name.startswith("program")),
                key=lambda result: result.median("seconds"))
    row.judge(f"ms, the start of a process included ({worst.name})", worst.median("seconds") * 1000, 20)


ROWS = [
    Row("imap-first", "IMAP first mirror, 10,000 messages, 91 MB", "≥ 10 times faster than mbsync", imap_first),
    Row("imap-first-plain", "the same without TLS", "≥ 10 times faster than mbsync",
        functools.partial(imap_first, tls=False)),
    Row("pop3-first", "POP3 first mirror of the same, kept on the server", "≥ 6 times faster than mpop", pop3_first),
    Row("pop3-first-plain", "the same without TLS", "≥ 6 times faster than mpop",
        functools.partial(pop3_first, tls=False)),
    Row("imap-small", "IMAP first mirror, 100,000 small messages", "≥ 12 times faster than mbsync", imap_small),
    Row("imap-small-plain", "the same without TLS", "≥ 12 times faster than mbsync",
        functools.partial(imap_small, tls=False)),
    Row("imap-nothing", "IMAP, nothing changed, 100,000 messages", "≥ 10 times faster than mbsync", imap_nothing),
    Row("imap-nothing-plain", "the same without TLS", "≥ 10 times faster than mbsync",
        functools.partial(imap_nothing, tls=False)),
    Row("imap-nothing-size", "the same at 1,000 and at 100,000, with CONDSTORE", "≤ 1.2 times in time and memory",
        imap_nothing_size),
    Row("imap-far", "IMAP first mirror, 1,000 messages, 50 ms round trip", "≥ 5 times faster than mbsync", imap_far),
    Row("pop3-far", "POP3 first mirror, 1,000 messages, 50 ms round trip", "≥ 3 times faster than mpop", pop3_far),
    Row("far-nothing", "nothing changed, 5 folders, 50 ms round trip, no TLS", "≤ 6 round trips in all", far_nothing),
    Row("two-way-flags", "100 flags changed on the server and 100 here, of 100,000 messages",
        "≥ 10 times faster than mbsync", two_way.flags, "two-way"),
    Row("two-way-moved-there", "1,000 of 100,000 messages moved to another folder on the server",
        "no bodies, ≤ 1.5 times the commands alone", functools.partial(two_way.moves, change=two_way.MovesThere,
                                                                       socket=two_way.SocketMovesThere), "two-way"),
    Row("two-way-moved-here", "the same, moved here", "no bodies, ≤ 1.5 times the commands alone",
        functools.partial(two_way.moves, change=two_way.MovesHere, socket=two_way.SocketMovesHere), "two-way"),
    Row("two-way-upload", "1,000 messages that are new here, 50 ms round trip", "≥ 5 times faster than mbsync",
        two_way.upload, "two-way"),
    Row("giant", "one message of 1 GiB", "peak memory ≤ 64 MB", giant),
    Row("million", "1,000,000 messages in one folder", "peak memory ≤ 100 MB", million),
    Row("store", "store: 20,000 messages, 581 MB, hashed, compressed, durable", "≤ 2 times a bare append", store,
        "library"),
    Row("search", "search, 100,000 messages, first ten hits", "≤ 20 ms", search, "library"),
]
