"""What every server of the tests needs: a user to run as, a folder, ports, and a process that ends with the test."""

import collections
import ctypes
import grp
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time

HOST = "127.0.0.1"
UNIX_PATH_LIMIT = 50  # of the folder: the servers' sockets lie in it and sun_path holds 108 octets
PR_SET_PDEATHSIG = 1

Runner = collections.namedtuple("Runner", "uid gid user group")


class NoName(Exception):
    """The user who runs the tests has no name, and mail servers need one."""


def runner():
    """Who a server runs as: the user who starts it, or nobody if that is root."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        entry = pwd.getpwnam("nobody")
        uid, gid = entry.pw_uid, entry.pw_gid
    try:
        return Runner(uid, gid, pwd.getpwuid(uid).pw_name, grp.getgrgid(gid).gr_name)
    except KeyError:
        raise NoName(f"uid {uid} or gid {gid} has no name; a mail server needs one") from None


def identity(who):
    """What subprocess has to be told to run as `who`."""
    if who.uid == os.getuid():
        return {}
    return {"user": who.uid, "group": who.gid, "extra_groups": []}


def own(who, path):
    """Gives the tree to the server's user, when root made it."""
    if who.uid == os.getuid():
        return
    for parent, folders, files in os.walk(path):
        os.chown(parent, who.uid, who.gid)
        for name in folders + files:
            os.lchown(os.path.join(parent, name), who.uid, who.gid)


def temporary_folder():
    """A folder short enough for Unix sockets that the server's user can reach."""
    base = tempfile.gettempdir()
    if len(base) > UNIX_PATH_LIMIT - 16 or (os.getuid() == 0 and not reachable(base)):
        base = "/tmp"
    return tempfile.mkdtemp(prefix="twinbox-", dir=base)


def reachable(path):
    """Whether every folder on the way can be entered by anybody."""
    while True:
        if not os.stat(path).st_mode & 0o001:
            return False
        parent = os.path.dirname(path)
        if parent == path:
            return True
        path = parent


def free_ports(count):
    """Ports that were free a moment ago, all held open until the last is known so that they differ."""
    held = []
    try:
        for _ in range(count):
            one = socket.socket()
            one.bind((HOST, 0))
            held.append(one)
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def spawn(command, who, folder, output, **settings):
    """Starts a server as `who`: the head of a group of its own, told to end when this process does."""
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    with open(output, "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                                start_new_session=True, preexec_fn=die_with_parent, **identity(who), **settings)


def end(process):
    """Ends a server that spawn() started, and all of its group."""
    group = process.pid  # spawn() made it the leader
    # To all at once: a master alone takes a second or more to let go of idle sessions.
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        pass
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for _ in range(100):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.02)
