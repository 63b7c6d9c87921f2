#!/usr/bin/env python3
"""Every fuzz target has seeds, every folder of seeds a target."""

import re
import tree

FUZZ = "tests/fuzz/"


def check(root):
    names = tree.files(root)
    targets = {match.group(1) for name in names if (match := re.fullmatch(FUZZ + r"fuzz_(\w+)\.cc", name))}
    seeds = {match.group(1) for name in names if (match := re.match(FUZZ + r"seeds/([^/]+)/.", name))}
    complaints = [f"{FUZZ}fuzz_{name}.cc: no seeds in {FUZZ}seeds/{name}/" for name in sorted(targets - seeds)]
    complaints += [f"{FUZZ}seeds/{name}/: there is no {FUZZ}fuzz_{name}.cc" for name in sorted(seeds - targets)]
    for name in sorted(targets):
        if "LLVMFuzzerTestOneInput" not in (tree.text(root, f"{FUZZ}fuzz_{name}.cc") or ""):
            complaints.append(f"{FUZZ}fuzz_{name}.cc: no LLVMFuzzerTestOneInput")
    return complaints


if __name__ == "__main__":
    tree.run(check)
