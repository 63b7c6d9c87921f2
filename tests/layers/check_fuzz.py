#!/usr/bin/env python3
"""Every fuzz target has seeds, every folder of seeds a target, every parser a target by the table parsers.txt."""

import re
import tree

FUZZ = "tests/fuzz/"
TABLE = FUZZ + "parsers.txt"
LAYERS = "account|imap|mime|net|pop3|sasl|server|store"
# A function or method that reads text handed to it.
PARSER = re.compile(r"^[^/\n]*\b(?:parse(?:_\w+)?|decode_\w+|\w+_to_text|feed|receive|respond|take)"
                    r"\((?:std::string_view|Parser&)", re.M)


def reach(root, names, name):
    """The headers that a target includes, through headers and the sources beside them."""
    seen, todo = set(), [name]
    while todo:
        for _, header in tree.includes(root, todo.pop()):
            if header in names and header not in seen:
                seen.add(header)
                todo += [each for each in (header, header[:-2] + ".cc") if each in names]
    return seen


def check_table(root, names, targets):
    rows = [line.split() for line in (tree.text(root, TABLE) if TABLE in names else "").splitlines() if line and not line.startswith("#")]
    table = {row[0]: row[-1] for row in rows}
    parsers = {name for name in names if re.fullmatch(rf"libsync/(?:{LAYERS})/\w+\.h", name)
               and PARSER.search(tree.text(root, name) or "")}
    complaints = [f"{name}: reads text, and has no row in {TABLE}" for name in sorted(parsers - set(table))]
    for header, target in sorted(table.items()):
        if header not in names:
            complaints.append(f"{TABLE}: {header} is not there")
        elif target not in targets:
            complaints.append(f"{TABLE}: there is no {FUZZ}fuzz_{target}.cc")
        elif header not in reach(root, names, f"{FUZZ}fuzz_{target}.cc"):
            complaints.append(f"{TABLE}: fuzz_{target}.cc never comes to {header}")
    return complaints


def check(root):
    names = tree.files(root)
    targets = {match.group(1) for name in names if (match := re.fullmatch(FUZZ + r"fuzz_(\w+)\.cc", name))}
    seeds = {match.group(1) for name in names if (match := re.match(FUZZ + r"seeds/([^/]+)/.", name))}
    complaints = [f"{FUZZ}fuzz_{name}.cc: no seeds in {FUZZ}seeds/{name}/" for name in sorted(targets - seeds)]
    complaints += [f"{FUZZ}seeds/{name}/: there is no {FUZZ}fuzz_{name}.cc" for name in sorted(seeds - targets)]
    for name in sorted(targets):
        if "LLVMFuzzerTestOneInput" not in (tree.text(root, f"{FUZZ}fuzz_{name}.cc") or ""):
            complaints.append(f"{FUZZ}fuzz_{name}.cc: no LLVMFuzzerTestOneInput")
    return complaints + check_table(root, names, targets)


if __name__ == "__main__":
    tree.run(check)
