"""What the checks of this folder share: the files of the tree, the graph of layers, the way to report."""

import os
import re
import subprocess
import sys

SKIPPED = {"build", "node_modules", "__pycache__"}  # never part of the project, whatever git says
SOURCES = (".h", ".cc")
OTHER_SOURCES = (".hpp", ".hxx", ".hh", ".H", ".inl", ".ipp", ".tpp", ".cpp", ".cxx", ".c++", ".C", ".c")
CODE = {"libsync", "tools", "plugins", "bench", "tests"}  # where sources may lie


def files(root):
    """Paths of the project's files relative to the root: as git sees them, else as they lie there."""
    if os.path.exists(os.path.join(root, ".git")):
        done = subprocess.run(("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
                              capture_output=True, check=False)
        if done.returncode == 0:
            names = {name.decode() for name in done.stdout.split(b"\0") if name}
            return sorted(name for name in names if os.path.lexists(os.path.join(root, name)))
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED and name != ".git"]
        found += [os.path.relpath(os.path.join(parent, name), root) for name in names]
    return sorted(found)


def text(root, name):
    """The file's text, or None if it is not text."""
    path = os.path.join(root, name)
    if os.path.islink(path):
        return None
    with open(path, "rb") as file:
        octets = file.read()
    if b"\0" in octets:
        return None
    return octets.decode("utf-8", "replace")


def layers(root):
    """{layer: set of the layers it may include}, from libsync/CMakeLists.txt."""
    graph = {}
    for match in re.finditer(r"^twinbox_layer\(([^)]*)\)", text(root, "libsync/CMakeLists.txt"), re.M):
        words = match.group(1).split()
        allowed, key = set(), None
        for word in words[1:]:
            if word in ("DEPS", "LINK"):
                key = word
            elif key == "DEPS":
                allowed.add(word)
        graph[words[0]] = allowed
    return graph


def includes(root, name):
    """(line number, included name) of every #include."""
    for number, line in enumerate((text(root, name) or "").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(2)


def run(check):
    """Calls check(root) -> list of complaints; prints them; ends the program."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} SOURCE_FOLDER")
    complaints = check(os.path.abspath(sys.argv[1]))
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
