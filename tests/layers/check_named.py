#!/usr/bin/env python3
"""Every quirk has a test by its name; every limit is named in a test."""

import re
import tree


def quirks(root, names):
    """(header, layer, name of the quirk)"""
    for name in names:
        if match := re.fullmatch(r"libsync/(\w+)/quirks\.h", name):
            rows = re.search(r"enum class Quirk[^{]*\{(.*?)\}", tree.text(root, name), re.S)
            for row in re.findall(r"\b[A-Z]\w*", rows.group(1) if rows else ""):
                yield name, match.group(1), row


def limits(root, names):
    """(header, layer, constant or member of struct Limits that has a number of its own)"""
    for name in names:
        match = re.fullmatch(r"libsync/(\w+)/\w+\.h", name)
        text = tree.text(root, name) if match else ""
        found = set()
        if name.endswith("/limits.h"):
            found |= set(re.findall(r"^inline constexpr [\w:]+ (k\w+) =", text, re.M))
        for body in re.findall(r"^struct Limits \{(.*?)^\};", text, re.M | re.S):
            found |= set(re.findall(r"^  \w[\w:]* (\w+) = (?!k[A-Z])", body, re.M))
        for each in sorted(found):
            yield name, match.group(1), each


def check(root):
    names = tree.files(root)
    tests = {name: tree.text(root, name) or "" for name in names if re.fullmatch(r"tests/unit/\w+/\w+\.cc", name)}
    cases = {match for text in tests.values() for match in re.findall(r"^TEST(?:_F)?\((\w+, \w+)\)", text, re.M)}
    complaints = []
    for header, layer, quirk in quirks(root, names):
        case = f"{layer.capitalize()}Quirks, {quirk}"
        if quirk != "kCount" and case not in cases:
            complaints.append(f"{header}: {quirk} has no TEST({case})")
    for header, layer, limit in limits(root, names):
        word = rf"\b{limit}\b" if limit.startswith("k") else rf"\.{limit}\b"
        if not any(re.search(word, text) for name, text in tests.items() if name.split("/")[2] in (layer, "replicas")):
            complaints.append(f"{header}: no test in tests/unit/{layer} names the limit {limit}")
    return complaints


if __name__ == "__main__":
    tree.run(check)
