#!/usr/bin/env python3
"""Every #include in libsync follows the graph in libsync/CMakeLists.txt, and what has no I/O includes none."""

import os
import tree

# Layers whose code sees bytes and the time, never a socket, a file or a database.
WITHOUT_IO = {"mime", "sasl", "imap", "pop3", "smtp", "sync"}
# What only some layers may include: (headers, in words, those layers). `tools` stands for all of tools/.
SOCKETS = ("sys/socket.h", "sys/un.h", "sys/epoll.h", "sys/select.h", "netdb.h", "netinet/", "arpa/", "net/if.h", "ares.h",
           "boost/asio", "boost/beast")
FILES = ("fstream", "filesystem", "cstdio", "stdio.h", "unistd.h", "fcntl.h", "dirent.h", "poll.h", "sys/stat.h", "sys/file.h",
         "sys/mman.h", "sys/ioctl.h", "sys/uio.h", "sys/wait.h", "spawn.h", "iostream")
RULES = (
    (SOCKETS, "sockets", {"net"}),
    (("openssl/ssl.h", "openssl/bio.h", "openssl/x509"), "TLS", {"net"}),
    (("openssl/",), "OpenSSL", {"base", "sasl", "net"}),
    (("sqlite3", "SQLiteCpp"), "SQLite", {"store"}),
    (("zstd.h",), "zstd", {"store"}),
    (("zlib.h",), "zlib", {"net"}),
    (FILES, "files and processes", {"base", "net", "store", "account", "tools"}),
)
# 15 s of compile time a file: in few .cc files, never in a header.
HEAVY_HEADERS = ("boost/asio", "boost/beast")


def check(root):
    graph = tree.layers(root)
    complaints = ["libsync/CMakeLists.txt: no twinbox_layer() line found"] if not graph else []
    known = []
    for layer, allowed in graph.items():
        for other in sorted(allowed - set(known)):
            complaints.append(f"libsync/CMakeLists.txt: {layer} depends on {other}, which does not come before it")
        known.append(layer)
    for name in tree.files(root):
        if name.endswith(tree.SOURCES):
            complaints += check_file(root, name, graph)
        elif name.endswith(tree.OTHER_SOURCES) and name.split("/")[0] in tree.CODE:
            complaints.append(f"{name}: sources here end in {' or '.join(tree.SOURCES)}, so that every check and the build see them")
    return complaints


def check_file(root, name, graph):
    parts = name.split("/")
    layer = parts[1] if parts[0] == "libsync" and len(parts) > 2 else None
    if parts[0] == "libsync" and layer not in graph:
        return [f"{name}: not in a layer that libsync/CMakeLists.txt names"]
    complaints = []
    place = layer or parts[0]
    for number, included in tree.includes(root, name):
        where = f"{name}:{number}: includes {included}"
        complaints += check_system(name, where, included, place)
        if layer is not None:
            complaints += check_include(root, name, where, included, layer, graph)
    return complaints


def check_system(name, where, included, place):
    """What the tests include is theirs; the rest is held against the table."""
    if included.startswith(HEAVY_HEADERS) and (name.endswith(".h") or place != "net"):
        return [f"{where}: heavy headers belong in .cc files of net"]
    if place in ("tests", "bench"):
        return []
    for headers, what, allowed in RULES:
        if included.startswith(headers) and place not in allowed:
            if place in WITHOUT_IO:
                return [f"{where}: {place} has no I/O"]
            return [f"{where}: {what}: {', '.join(sorted(allowed))} only, not {place}"]
    return []


def check_include(root, name, where, included, layer, graph):
    parts = included.split("/")
    if parts[0] in ("tools", "tests", "bench", "plugins"):
        return [f"{where}: libsync never includes {parts[0]}"]
    if parts[0] == "libsync":
        if len(parts) < 3 or parts[1] not in graph:
            return [f"{where}: not in a known layer"]
        if parts[1] != layer and parts[1] not in graph[layer]:
            return [f"{where}: {layer} may include {', '.join(sorted(graph[layer])) or 'nothing'}, not {parts[1]}"]
        if not os.path.exists(os.path.join(root, included)):
            return [f"{where}: there is no such file"]
    elif os.path.exists(os.path.join(root, os.path.dirname(name), included)):
        return [f"{where}: write the whole path from the top of the repository"]
    return []


if __name__ == "__main__":
    tree.run(check)
