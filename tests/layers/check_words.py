#!/usr/bin/env python3
"""No marks of unfinished work and no paths of one machine, and no notes from elsewhere, in any file of the project."""

import re
import tree

# Put together here so that this file passes its own check. A word in quotes is data, not a mark.
MARKS = ["TO" + "DO", "FIX" + "ME"]
PATHS = ["/wor" + "k/", "/roo" + "t/"]
# Notes that are not in the repository: what a comment needs of them it says itself, or cites docs/.
NOTES = ["DESI" + "GN", "HOSTI" + "LE", "STY" + "LE"]
PATTERNS = [(re.compile(r"(?<!\")\b(?:" + "|".join(MARKS) + r")\b"), "unfinished work is not marked, it is finished or left out"),
            (re.compile(r"(?<![\w.])(?:" + "|".join(PATHS) + ")"), "a path of one machine"),
            (re.compile(r"\b(?:(?:" + "|".join(NOTES) + r")\.md|" + NOTES[0] + r"\s+\d)"), "not in the repository: cite docs/, or say it")]
LONGEST = 500  # what is shown of a line


def check(root):
    complaints = []
    for name in tree.files(root):
        for number, line in enumerate((tree.text(root, name) or "").split("\n"), 1):
            for pattern, reason in PATTERNS:
                found = pattern.search(line[:LONGEST * 100])
                if found:
                    complaints.append(f"{name}:{number}: {found.group(0)}: {reason}")
    return complaints


if __name__ == "__main__":
    tree.run(check)
