#!/usr/bin/env python3
"""Every #include in libsync follows the graph in libsync/CMakeLists.txt, and what has no I/O includes none."""

import os
import tree

# Layers whose code sees bytes and the time, never a socket or a database.
WITHOUT_IO = {"mime", "sasl", "imap", "pop3", "smtp", "sync"}
IO_HEADERS = ("boost/asio", "boost/beast", "sqlite3.h", "sys/socket.h", "sys/epoll.h", "sys/select.h", "sys/un.h",
              "poll.h", "netdb.h", "netinet/", "arpa/", "ares.h", "openssl/ssl.h")
# 15 s of compile time a file: in few .cc files, never in a header.
HEAVY_HEADERS = ("boost/asio", "boost/beast")
HEAVY_LAYERS = {"net", "server"}


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
    return complaints


def check_file(root, name, graph):
    parts = name.split("/")
    layer = parts[1] if parts[0] == "libsync" and len(parts) > 2 else None
    if parts[0] == "libsync" and layer not in graph:
        return [f"{name}: not in a layer that libsync/CMakeLists.txt names"]
    complaints = []
    for number, included in tree.includes(root, name):
        where = f"{name}:{number}: includes {included}"
        if included.startswith(HEAVY_HEADERS) and (name.endswith(".h") or (layer and layer not in HEAVY_LAYERS)):
            complaints.append(f"{where}: heavy headers belong in .cc files of {', '.join(sorted(HEAVY_LAYERS))}")
        if layer is None:
            continue
        complaints += check_include(root, name, where, included, layer, graph)
    return complaints


def check_include(root, name, where, included, layer, graph):
    parts = included.split("/")
    if layer in WITHOUT_IO and included.startswith(IO_HEADERS) and not included.startswith(HEAVY_HEADERS):
        return [f"{where}: {layer} has no I/O"]
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
