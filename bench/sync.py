#!/usr/bin/env python3
"""How long a first mirror takes: twinbox, mbsync, and reading the bytes off the socket.

    bench/sync.py PROGRAM [--messages 10000] [--runs 3] [--json]

All on the same private Dovecot on loopback, over TLS, into empty stores on the same file system; each is
the median of the runs, in turn, so that a busy moment of the machine does not fall on one of them alone; shares of
mbsync are taken run by run.
`tools/dev bench sync` calls it.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
for folder in ("support", "sample", "e2e"):
    sys.path.insert(0, os.path.join(TOP, "tests", folder))

MBSYNC = """IMAPAccount it
Host localhost
Port {port}
User {user}
Pass "{password}"
SSLType IMAPS
CertificateFile {ca}
PipelineDepth 50

IMAPStore far
Account it

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel it
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
SyncState *
"""


def twinbox(harness, server, folder, protocol):
    home = harness.Home()
    try:
        home.connect("it", server, protocol, store=os.path.join(folder, "store"))
        started = time.monotonic()
        done = home.run("sync", "it")
        seconds = time.monotonic() - started
        if done.status:
            sys.exit(f"twinbox sync ended with status {done.status}: {done.err.strip()}")
        count = len(home.run("ls", "it", "--json").out.splitlines())
        return seconds, count
    finally:
        home.close()


def mbsync(server, folder):
    os.makedirs(os.path.join(folder, "mail"))
    path = os.path.join(folder, "mbsyncrc")
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(MBSYNC.format(port=server.ports["imaps"], user=server.user, password=server.password,
                                 ca=server.ca_file, folder=folder))
    started = time.monotonic()
    done = subprocess.run(("mbsync", "-q", "-c", path, "it"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(f"mbsync ended with status {done.returncode}: {done.stderr.strip()}")
    count = sum(len(os.listdir(os.path.join(folder, "mail", "INBOX", name))) for name in ("cur", "new"))
    return seconds, count


def read_off(server, _):
    """One FETCH of everything, its bytes thrown away: what the server and TLS alone take."""
    with socket.create_connection((server.host, server.ports["imaps"])) as plain:
        with server.tls_context().wrap_socket(plain, server_hostname="localhost") as line:
            line.recv(65536)
            started = time.monotonic()
            line.sendall(f'a LOGIN {server.user} "{server.password}"\r\nb EXAMINE INBOX\r\n'
                         "c UID FETCH 1:* (BODY.PEEK[])\r\n".encode())
            tail, buffer = b"", bytearray(1 << 20)
            while b"\r\nc OK" not in tail:
                size = line.recv_into(buffer)
                if not size:
                    sys.exit("the server closed the connection")
                tail = tail[-200:] + bytes(buffer[max(0, size - 200):size])
            return time.monotonic() - started, None


def measure(contender, count, results):
    """One more run of one contender."""
    name, action = contender
    folder = tempfile.mkdtemp(prefix="twinbox-bench-")
    try:
        seconds, got = action(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if got is not None and got != count:
        sys.exit(f"{name} brought {got} of {count} messages")
    results.setdefault(name, []).append(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["TWINBOX_PROGRAM"] = os.path.abspath(options.program)
    import harness
    results = {}
    with harness.dovecot.Dovecot() as server:
        octets = harness.sample.deliver_bulk(server, options.messages)
        read_off(server, None)  # Dovecot makes its indexes at the first look
        contenders = [("twinbox, IMAP", lambda folder: twinbox(harness, server, folder, "imaps")),
                      ("twinbox, POP3", lambda folder: twinbox(harness, server, folder, "pop3s")),
                      ("mbsync", lambda folder: mbsync(server, folder)),
                      ("bytes off the socket", lambda folder: read_off(server, folder))]
        for _ in range(options.runs):
            for contender in contenders:
                measure(contender, options.messages, results)
    median = {name: statistics.median(seconds) for name, seconds in results.items()}
    share = {name: statistics.median(one / other for one, other in zip(seconds, results["mbsync"]))
             for name, seconds in results.items()}
    if options.json:
        print(json.dumps({"messages": options.messages, "bytes": octets, "seconds": median, "of_mbsync": share}))
        return 0
    print(f"{options.messages:,} messages, {octets / 1e6:.0f} MB, median of {options.runs}\n")
    for name, seconds in median.items():
        of_mbsync = f"{share[name]:6.2f} of mbsync" if name != "mbsync" else ""
        print(f"{name:22} {seconds:7.2f} s {octets / 1e6 / seconds:7.0f} MB/s {of_mbsync}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
