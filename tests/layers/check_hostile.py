#!/usr/bin/env python3
"""docs/hostile.md: every row names the tests that show it, and each of them exists."""

import ast
import re
import tree

PAGE = "docs/hostile.md"
CPP = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", re.M)
# `Suite.Name`, or `test_file.py Class.test_name`
NAME = re.compile(r"`(?:(test_\w+\.py) )?(\w+\.\w+)`")


def tests(root):
    """{name of a GoogleTest}, {(file, Class.test_name)} of the Python tests."""
    ours, journeys = set(), set()
    for name in tree.files(root):
        if not name.startswith("tests/"):
            continue
        if name.endswith(".cc"):
            ours |= {".".join(match) for match in CPP.findall(tree.text(root, name) or "")}
        elif re.search(r"/test_\w+\.py$", name):
            for each in ast.parse(tree.text(root, name)).body:
                if isinstance(each, ast.ClassDef):
                    journeys |= {(name.rsplit("/", 1)[1], f"{each.name}.{one.name}") for one in each.body
                                 if isinstance(one, ast.FunctionDef) and one.name.startswith("test")}
    return ours, journeys


def rows(page):
    """(line number, cells) of each row of a table, without its head."""
    head = True
    for number, line in enumerate(page.splitlines(), 1):
        if not line.startswith("|"):
            head = True
        elif re.fullmatch(r"[|\- ]+", line):
            head = False
        elif not head:
            yield number, [cell.strip() for cell in line.strip("|").split("|")]


def check(root):
    page = tree.text(root, PAGE) if PAGE in tree.files(root) else None
    if page is None:
        return [f"{PAGE} is not there"]
    ours, journeys = tests(root)
    complaints, found = [], False
    for number, cells in rows(page):
        found = True
        names = NAME.findall(cells[-1]) if len(cells) == 3 else []
        if not names:
            complaints.append(f"{PAGE}:{number}: the row names no test: {cells[0][:60]}")
        for file, name in names:
            if (file, name) not in journeys if file else name not in ours:
                complaints.append(f"{PAGE}:{number}: there is no test {file} {name}".replace("  ", " "))
    return complaints if found else complaints + [f"{PAGE}: holds no row"]


if __name__ == "__main__":
    tree.run(check)
