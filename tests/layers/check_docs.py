#!/usr/bin/env python3
"""What the documentation points at is there: relative links, and paths of this repository in backticks."""

import os
import re
import tree

LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:libsync|tools|plugins|bench|tests|docs)/[^`\s]*)`")
PLACEHOLDER = re.compile(r"[*<>…]|[A-Z]{4,}(?!\.md)")  # `tests/unit/LAYER`, `cmd_*.cc`


def check(root):
    complaints = []
    for name in tree.files(root):
        if not name.endswith(".md") or name.startswith("tests/"):
            continue
        for number, line in enumerate(tree.text(root, name).splitlines(), 1):
            here = os.path.dirname(name)
            targets = [(found, os.path.join(here, found.split("#")[0])) for found in LINK.findall(line)
                       if "://" not in found and not found.startswith(("#", "mailto:"))]
            targets += [(found, found) for found in PATH.findall(line) if not PLACEHOLDER.search(found)]
            complaints += [f"{name}:{number}: {shown} is not there" for shown, path in targets
                           if not os.path.exists(os.path.join(root, path))]
    return complaints


if __name__ == "__main__":
    tree.run(check)
