#!/usr/bin/env python3
"""tools/dev says what it can do, refuses what it can't, and its table of packages is one of real packages.

Nothing is installed: where packages are missing, what setup says when all are there is not looked at.
"""

import os
import re
import shutil
import subprocess
import tempfile
import tree

SCRIPT = "tools/dev"
SECONDS = 60
# A verb with something that it does not know. `demo` hands its options on, `bench` takes a pattern.
REFUSED = (("nonsense",), ("setup", "--foo"), ("build", "--foo"), ("test", "--foo"), ("test", "-R"), ("fuzz", "--foo"),
           ("threads", "--foo"), ("format", "--foo"), ("lint", "--foo"))
# What setup does around apt-get, on a policy in a folder of the test's.
POLICY = r"""
set -euo pipefail
as_root() { "$@"; }
eval "$(sed -n '/^forbid_services()/,/^}/p; /^allow_services()/,/^}/p' "$1")"
policy=$2 policy_is_ours=
forbid_services
during=0; "$policy" dovecot start || during=$?
allow_services
trap - EXIT INT TERM HUP
echo "$during"
"""


def run(root, *arguments):
    return subprocess.run(("bash", os.path.join(root, SCRIPT)) + arguments, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=SECONDS)


def check(root):
    if not os.path.exists(os.path.join(root, SCRIPT)):
        return []
    text = tree.text(root, SCRIPT)
    return check_verbs(root, text) + check_packages(root, text) + check_policy(root, text)


def check_verbs(root, text):
    block = re.search(r"^case \$verb in\n(.*?)^esac", text, re.M | re.S)
    verbs = re.findall(r"^  ([a-z]+)(?: \|[^)]*)?\)", block.group(1), re.M) if block else []
    if not verbs:
        return [f"{SCRIPT}: no table of verbs"]
    shown = run(root, "help")
    complaints = [f"{SCRIPT}: help ends with status {shown.returncode}"] if shown.returncode else []
    listed = set(re.findall(r"^  ([a-z]+)\b", shown.stdout, re.M))
    complaints += [f"{SCRIPT}: help does not list {verb}" for verb in verbs if verb not in listed]
    complaints += [f"{SCRIPT}: help lists {verb}, which it does not know" for verb in sorted(listed - set(verbs))]
    for arguments in REFUSED:
        if arguments[0] not in verbs and len(arguments) > 1:
            continue
        done = run(root, *arguments)
        if done.returncode == 0 or not done.stderr.startswith("tools/dev: "):
            complaints.append(f"{SCRIPT} {' '.join(arguments)}: not refused (status {done.returncode}): {done.stderr[:200]}")
    return complaints


def check_packages(root, text):
    block = re.search(r"^packages='\n(.*?)^'", text, re.M | re.S)
    if not block:
        return []
    rows = [row.split("|") for row in block.group(1).splitlines()]
    names = [row[0].strip() for row in rows]
    beside = re.search(r"^unpacked='\n(.*?)^'", text, re.M | re.S)
    unpacked = [name for row in beside.group(1).splitlines() for name in row.split("|")[1].split()] if beside else []
    complaints = [f"{SCRIPT}: the row of {row[0].strip()} says no reason" for row in rows if not row[1:] or not row[1].strip()]
    complaints += [f"{SCRIPT}: {name} is in its table twice" for name in sorted({one for one in names if names.count(one) > 1})]
    if not shutil.which("dpkg-query"):
        return complaints
    there = installed()
    missing = [name for name in names if name not in there]
    complaints += [f"{SCRIPT}: {name} is not a package that dpkg or apt knows" for name in missing if not known(name)]
    complaints += [f"{SCRIPT}: {name}, to be unpacked, is not a package that apt knows" for name in unpacked if not known(name)]
    complaints += [f"{SCRIPT}: {name} is installed and need not be unpacked" for name in unpacked if name in names]
    if not missing:
        before = os.path.exists("/usr/sbin/policy-rc.d")
        done = run(root, "setup")
        first, *rest = done.stdout.splitlines() or [""]
        # A machine without network can't unpack the servers, and is told so.
        told = [line for line in rest if not re.match("setup: (unpacked|WITHOUT) ", line)]
        if done.returncode or first != f"setup: all {len(names)} packages are there" or told or done.stderr:
            complaints.append(f"{SCRIPT} setup: status {done.returncode}: {done.stdout}{done.stderr}")
        if os.path.exists("/usr/sbin/policy-rc.d") != before:
            complaints.append(f"{SCRIPT} setup: left or took away /usr/sbin/policy-rc.d")
    return complaints


def installed():
    done = subprocess.run(("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"), capture_output=True, text=True, check=False)
    return {line.split()[1] for line in done.stdout.splitlines() if line.startswith("installed ")}


def known(name):
    """apt's lists may be missing: then nobody can say."""
    if not shutil.which("apt-cache"):
        return True
    listed = subprocess.run(("apt-cache", "pkgnames", name), capture_output=True, text=True, check=False).stdout.split()
    return name in listed or not subprocess.run(("apt-cache", "pkgnames", "g++"), capture_output=True, check=False).stdout


def check_policy(root, text):
    """No service starts while packages go in, whatever policy the machine has; afterwards it has that one again."""
    if "forbid_services()" not in text:
        return []
    complaints = []
    for before in (None, "#!/bin/sh\nexit 101\n", "#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 104\n"):
        with tempfile.TemporaryDirectory() as folder:
            policy = os.path.join(folder, "policy-rc.d")
            if before:
                with open(policy, "w", encoding="ascii") as file:
                    os.fchmod(file.fileno(), 0o755)
                    file.write(before)
            done = subprocess.run(("bash", "-c", POLICY, "check", os.path.join(root, SCRIPT), policy), capture_output=True,
                                  text=True, check=False, timeout=SECONDS)
            names = {name: open(os.path.join(folder, name), encoding="ascii").read() for name in os.listdir(folder)}
            if done.stdout != "101\n":
                complaints.append(f"{SCRIPT}: services may start beside a policy of {before!r}: {done.stdout}{done.stderr}")
            if names != ({"policy-rc.d": before} if before else {}):
                complaints.append(f"{SCRIPT}: a policy of {before!r} is afterwards {names}")
    return complaints


if __name__ == "__main__":
    tree.run(check)
