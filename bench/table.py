#!/usr/bin/env python3
"""How fast twinbox is beside what people use today, a row for each thing that they wait for.

    bench/table.py PROGRAM [--row NAME]… [--runs 5] [--quick] [--json | --markdown]

All on a private Dovecot on loopback, over TLS unless a row says otherwise, into empty stores on the same file
system. bench/README.md says how each row is measured. `tools/dev bench table` calls it.
"""

import argparse
import contextlib
import os
import signal
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
for folder in ("support", "sample", "e2e"):
    sys.path.insert(0, os.path.join(TOP, "tests", folder))

COLUMNS = (("seconds", "s", "{:.3f}"), ("cpu", "CPU s", "{:.3f}"), ("server", "server", "{:.2f}"),
           ("peak", "MB", "{:.1f}"), ("bytes_in", "bytes", "{:,.0f}"), ("turns", "trips", "{:.0f}"))


class Bench:
    """What the rows share: how often, with what, on which mailboxes."""

    def __init__(self, options, runner, mailboxes, complain):
        self.runs, self.warm = (1, False) if options.quick else (options.runs, True)
        self.runner, self.mailboxes, self.at_most = runner, mailboxes, options.at_most
        self.mirrors = {}  # contenders with a mirror that is up to date, for the rows in which nothing changed
        self.closing = contextlib.ExitStack()  # what rows share and open when one of them first asks for it
        self.twins = {}
        self.progress = complain if options.verbose else lambda words: None

    def close(self):
        for contender in self.mirrors.values():
            contender.close()
        self.closing.close()


def arguments(rows):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="rows:\n" + "\n".join(f"  {row.name:18} {row.title}: {row.must}"
                                                                  for row in rows))
    parser.add_argument("program")
    parser.add_argument("--row", action="append", choices=[row.name for row in rows], metavar="NAME",
                        help="only this row; may be given again (see below)")
    parser.add_argument("--group", choices=sorted({row.group for row in rows}), help="only rows of this kind")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each contender (5); rows of a few ms make "
                                                            "four times as many")
    parser.add_argument("--quick", action="store_true", help="one run each, nothing checked beforehand: a look")
    parser.add_argument("--at-most", type=int, metavar="N", help="no more than N messages in a mailbox, and no message "
                                                                 "of more than N kB: to see that all works")
    parser.add_argument("--json", action="store_true", help="every run of everything, as JSON")
    parser.add_argument("--markdown", action="store_true", help="as the table of bench/README.md")
    parser.add_argument("--profile", metavar="FOLDER", help="every counted run of twinbox under perf record: its time is "
                                                            "none to keep, but perf report -i FILE says where it goes")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is going on")
    return parser.parse_args()


def main():
    import rows as table
    options = arguments(table.ROWS)
    os.environ["TWINBOX_PROGRAM"] = os.path.abspath(options.program)
    import contenders
    import mailboxes
    import measure
    chosen = [row for row in table.ROWS if (not options.row or row.name in options.row)
              and (not options.group or row.group == options.group)]
    facts = {"machine": contenders.machine(), "versions": contenders.versions(), "rows": []}
    try:
        if options.profile:
            os.makedirs(options.profile, exist_ok=True)
        runner = measure.Runner(options.program, options.profile and os.path.abspath(options.profile))
    except measure.Failed as error:
        sys.exit(f"table: {error}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # folders and servers go then too
    wrong = 0
    with mailboxes.Mailboxes(options.at_most) as boxes:
        bench = Bench(options, runner, boxes, measure.complain)
        try:
            for row in chosen:
                try:
                    row.measure(bench)
                except measure.Failed as error:
                    measure.complain(f"table: {row.name}: {error}")
                    wrong = 1
                    continue
                facts["rows"].append(row.facts())
                if not options.json and not options.markdown:
                    show(row)
        finally:
            bench.close()
            runner.close()
    if options.json:
        print(contenders.dumped(facts))
    elif options.markdown:
        show_markdown(chosen, facts)
    return wrong


def show(row):
    """A row as text, as soon as it is measured."""
    notes = "; ".join(row.notes)
    print(f"{row.name}: {row.title}" + (f" ({notes})" if notes else ""))
    columns = [column for column in COLUMNS if any(result.values(column[0]) for result in row.results.values())]
    print(" " * 34 + "".join(f"{head:>9}" for _, head, _ in columns) + "   runs, least to most" +
          (", fsyncs" if any(result.syncs is not None for result in row.results.values()) else ""))
    for result in row.results.values():
        cells = "".join(f"{form.format(result.median(field)) if result.values(field) else '':>9}"
                        for field, _, form in columns)
        seconds = result.values("seconds")
        syncs = f", {result.syncs:,}" if result.syncs is not None else ""
        print(f"  {result.name:32}{cells}   {len(seconds)}, {min(seconds):.3f} to {max(seconds):.3f}{syncs}")
    print(f"  must: {row.must}")
    for verdict in row.verdicts:
        print(f"  {'met' if verdict['met'] else 'NOT MET'}: {verdict['measured']:,.4g} {verdict['what']}")
    print(flush=True)


def show_markdown(rows, facts):
    print("| row | work | measured | must | twinbox |\n|---|---|---|---|---|")
    for row in rows:
        if not row.results:
            continue
        measured = "; ".join(f"{result.name} {result.median('seconds'):.3g} s" +
                             (f", {result.most('peak'):.0f} MB" if result.values("peak") else "")
                             for result in row.results.values())
        reached = "; ".join(f"{verdict['measured']:,.3g} {verdict['what']}{'' if verdict['met'] else ': **not met**'}"
                            for verdict in row.verdicts)
        print(f"| `{row.name}` | {row.title} | {measured} | {row.must} | {reached} |")
    versions = ", ".join(f"{name} {words}" for name, words in facts["versions"].items())
    print(f"\n{', '.join(f'{key} {value}' for key, value in facts['machine'].items())}; {versions}")


if __name__ == "__main__":
    sys.exit(main())
