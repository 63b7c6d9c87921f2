#!/usr/bin/env python3
"""docs/configuration.md has a row for every key that the configuration knows, and for no other."""

import os
import re
import tree

SOURCES, PAGE = ("libsync/account/config.cc", "libsync/account/config_folders.cc"), "docs/configuration.md"
# constexpr std::array<Key, 3> kFuseKeys = {{ … }};
TABLE = re.compile(r"constexpr std::array<Key, \d+> k(\w+)Keys = \{\{(.*?)^\s*\}\};|kTopKeys = \{\{(.*?)\}\};", re.M | re.S)
KEY = re.compile(r'\{"(\w+)",')
ROW = re.compile(r"^\| `([\w.]+)` \|(.*)\|$", re.M)


def check(root):
    sources = [source for source in SOURCES if os.path.exists(os.path.join(root, source))]
    if not sources:
        return []
    source, page = "".join(tree.text(root, source) for source in sources), tree.text(root, PAGE) or ""
    known = {key for found in TABLE.finditer(source) for key in KEY.findall(found[0])}
    rows = {name.split(".")[0]: cells for name, cells in ROW.findall(page)}
    complaints = [f"{sources[0]}: no table of keys was found"] if not known else []
    complaints += [f"{PAGE}: no row for the key {key}" for key in sorted(known - set(rows))]
    complaints += [f"{PAGE}: {key} is no key" for key in sorted(set(rows) - known)]
    complaints += [f"{PAGE}: the row of {key} has no example" for key, cells in sorted(rows.items())
                   if not re.search(rf"`[^`]*\b{key}\b[^`]*` $", cells)]
    return complaints


if __name__ == "__main__":
    tree.run(check)
