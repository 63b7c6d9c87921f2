#!/usr/bin/env python3
"""The visible top-level folders are these six and no others, and few files lie beside them."""

import tree

FOLDERS = {"libsync", "tools", "plugins", "bench", "tests", "docs"}
FILES = {"CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md", "LICENSE"}


def check(root):
    names = [name for name in tree.files(root) if not name.startswith(".")]
    folders = {name.split("/")[0] for name in names if "/" in name}
    complaints = [f"{name}/: a top-level folder that the design does not know" for name in sorted(folders - FOLDERS)]
    complaints += [f"{name}/: missing" for name in sorted(FOLDERS - folders)]
    complaints += [f"{name}: does not belong at the top" for name in names if "/" not in name and name not in FILES]
    return complaints


if __name__ == "__main__":
    tree.run(check)
