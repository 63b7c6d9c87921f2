#!/usr/bin/env python3
"""tests/planted/bugs.toml: every bug can still be planted, its tests exist, and docs/testing.md lists it."""

import tomllib

import check_hostile
import tree

PLACE = "tests/planted/bugs.toml"
PAGE = "docs/testing.md"
LEAST = 12


def check(root):
    names = tree.files(root)
    if PLACE not in names:
        return [f"{PLACE} is not there"]
    ours, journeys = check_hostile.tests(root)
    files = {name.rsplit("/", 1)[1] for name in names if name.startswith("tests/")}
    page = tree.text(root, PAGE) if PAGE in names else ""
    complaints = []
    bugs = tomllib.loads(tree.text(root, PLACE))
    for name, bug in bugs.items():
        text = tree.text(root, bug["file"]) if bug["file"] in names else ""
        if text.count(bug["before"]) != 1:
            complaints.append(f"{PLACE}: {name}: what it changes stands {text.count(bug['before'])} times in {bug['file']}")
        if f"`{name}`" not in page:
            complaints.append(f"{PAGE}: does not list the bug `{name}`")
        if not bug["tests"]:
            complaints.append(f"{PLACE}: {name} names no test")
        for test in bug["tests"]:
            file, _, case = test.partition(" ")
            known = (file in files if case.startswith("-k ") else (file, case) in journeys) if case else test in ours
            if not known:
                complaints.append(f"{PLACE}: {name}: there is no test {test}")
    if len(bugs) < LEAST:
        complaints.append(f"{PLACE}: holds {len(bugs)} bugs, fewer than {LEAST}")
    return complaints


if __name__ == "__main__":
    tree.run(check)
