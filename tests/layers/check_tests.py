#!/usr/bin/env python3
"""Every unit test lies in the folder of a known layer and is built; every layer with code has tests."""

import re
import tree

NOT_LAYERS = {"cli"}  # tools/twinbox: a library for the tests' sake


def check(root):
    names = tree.files(root)
    graph = tree.layers(root)
    built = re.search(r"foreach\(layer ([^)]*)\)\s*twinbox_test\(unit", tree.text(root, "tests/CMakeLists.txt") or "")
    built = set(built.group(1).split()) if built else set()
    complaints, tested = [], set()
    for name in names:
        match = re.match(r"tests/unit/([^/]+)(?:/.*)?$", name)
        if not match or not name.endswith(".cc"):
            continue
        layer = match.group(1)
        tested.add(layer)
        if layer not in graph and layer not in NOT_LAYERS:
            complaints.append(f"{name}: {layer} is not a layer of libsync/CMakeLists.txt")
        elif layer not in built:
            complaints.append(f"{name}: tests/CMakeLists.txt builds no unit tests of {layer}")
        if name.count("/") != 3:
            complaints.append(f"{name}: not directly in tests/unit/{layer}/, so it is not built")
        if "TEST" not in (tree.text(root, name) or "") and name.endswith("_test.cc"):
            complaints.append(f"{name}: holds no test")
    with_code = {name.split("/")[1] for name in names if re.fullmatch(r"libsync/[^/]+/[^/]+\.cc", name)}
    complaints += [f"libsync/{layer}: has code but no tests in tests/unit/{layer}/" for layer in sorted(with_code - tested)]
    return complaints


if __name__ == "__main__":
    tree.run(check)
