"""What the end-to-end tests share: a home of its own for the program, accounts, runs, comparisons."""

import collections
import hashlib
import json
import os
import shutil
import resource
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("support", "sample"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))

import clients  # noqa: E402
import dovecot  # noqa: E402
import sample  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("TWINBOX_PROGRAM", os.path.join(HERE, "..", "..", "build", "twinbox")))
SECONDS = 120  # for one run of the program: ten times what the slowest takes under sanitizers

DONE, USAGE, SOME_FAILED, AUTH, NETWORK, FUSE, IN_USE, DAMAGED = 0, 2, 3, 4, 5, 6, 7, 8

# peak: kilobytes resident at most, if the home measures.
Ended = collections.namedtuple("Ended", "status out err peak")


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


class Home:
    """A user's home with a configuration in it; nothing of the real one shows through."""

    measures = False  # memory of what it runs

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="twinbox-home-")
        self.config = os.path.join(self.folder, "config.toml")
        self.accounts = {}
        self.environment = {"HOME": self.folder, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                            "TZ": "UTC", "TMPDIR": tempfile.gettempdir(),
                            "XDG_CONFIG_HOME": os.path.join(self.folder, ".config"),
                            "XDG_DATA_HOME": os.path.join(self.folder, ".local", "share"),
                            "XDG_STATE_HOME": os.path.join(self.folder, ".local", "state"),
                            "XDG_RUNTIME_DIR": self.folder}
        for name in os.environ:
            if name.endswith("SAN_OPTIONS"):
                self.environment[name] = os.environ[name]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def store(self, account):
        return os.path.join(self.folder, "Mail", account)

    def add(self, name, remote, **keys):
        """Writes [account.NAME] into the configuration (mode 0600: it holds the password)."""
        self.accounts[name] = {"remote": remote, "store": self.store(name), **keys}
        lines = []
        for account, values in self.accounts.items():
            lines.append(f"[account.{account}]")
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()
                      if value is not None]
        self.write("\n".join(lines) + "\n")

    def write(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)

    def connect(self, name, server, protocol="imaps", **keys):
        """Adds an account on a Dovecot; protocol as the scheme of the address."""
        port = server.ports[{"imap+starttls": "imap", "imap+plain": "imap", "pop3+starttls": "pop3",
                             "pop3+plain": "pop3"}.get(protocol, protocol)]
        values = {"password": server.password, "tls_ca": server.ca_file, **keys}
        self.add(name, f"{protocol}://{server.user}@localhost:{port}", **values)

    def run(self, *arguments, data=None, largest_file=None):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        with subprocess.Popen((PROGRAM, "--config", self.config) + arguments, stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL if data is None else subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=limit if largest_file else None, env=self.environment, cwd=self.folder) as child:
            peak = Peak(child.pid) if self.measures else None
            try:
                out, err = child.communicate(data, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                raise
        return Ended(child.returncode, out, err.decode("utf-8", "replace"), peak.kilobytes() if peak else None)


class Peak:
    """The most memory that a program had resident. (What wait4() tells has Python's own in it, from before exec.)"""

    def __init__(self, pid):
        self._status, self._most = f"/proc/{pid}/status", 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def kilobytes(self):
        self._thread.join()
        return self._most

    def _watch(self):
        """The kernel keeps the maximum: the last that was seen is it."""
        while True:
            try:
                with open(self._status, encoding="ascii") as file:
                    lines = [line.split() for line in file if line.startswith("VmHWM")]
            except OSError:
                return
            if not lines:
                return  # it has ended
            self._most = int(lines[0][1])
            time.sleep(0.005)


class Case(unittest.TestCase):
    """A home for each test, and what tests say about a mirror."""

    maxDiff = 4000

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)

    def serve(self, **settings):
        """A Dovecot that ends with the test."""
        server = dovecot.Dovecot(**settings)
        self.addCleanup(server.stop)
        return server.start()

    def run_it(self, *arguments, status=DONE, data=None):
        done = self.home.run(*arguments, data=data)
        self.assertEqual(done.status, status, f"twinbox {' '.join(arguments)}: {done.err}\n{done.out[-2000:]!r}")
        return done

    def sync(self, *accounts, status=DONE):
        return self.run_it("sync", *accounts, status=status)

    def lines(self, *arguments):
        """The objects that a command prints with --json."""
        return [json.loads(line) for line in self.run_it(*arguments, "--json").out.splitlines()]

    def ls(self, account, *folder):
        return self.lines("ls", account, *folder)

    def ids(self, account, *folder):
        return {one["id"] for one in self.ls(account, *folder)}

    def exported(self, account, *folders):
        """Counter of the SHA-256 of every exported message."""
        place = tempfile.mkdtemp(dir=self.home.folder)
        self.run_it("export", account, *folders, "--eml", place)
        found = collections.Counter()
        for parent, _, names in os.walk(place):
            self.assertTrue(os.path.realpath(parent).startswith(os.path.realpath(place)))
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    found[digest(file.read())] += 1
        return found

    def assert_same_mail(self, account, octets):
        """The account's export is exactly these messages, each as often as it is there."""
        expected = collections.Counter(digest(one) for one in octets)
        found = self.exported(account)
        missing, surplus = expected - found, found - expected
        starts = [one[:80] for one in octets if digest(one) in missing][:5]
        self.assertFalse(missing or surplus, f"{sum(missing.values())} missing or altered, {sum(surplus.values())} "
                                             f"not on the server, of {len(octets)}; missing: {starts}")

    def assert_one_line(self, done, *words):
        """All of stderr is one line, with at most a hint below it; in it are these words.

        A word that is the name of an account: the line is about that account. No trace of a crash, nothing
        that could hurt a terminal, never the password.
        """
        self.assertTrue(done.err.endswith("\n"), done.err)
        line, *hint = done.err.split("\n")[:-1]
        self.assertRegex(line, r"^twinbox: \S", done.err)
        self.assertLessEqual(len(hint), 1, done.err)
        for one in hint:
            self.assertRegex(one, r"^ {4,}\S", "a hint is indented")
        self.assertNotRegex(done.err, r"[\x00-\x08\x0b-\x1f\x7f]")
        self.assertLess(len(done.err), 2000)
        for word in words:
            if word in self.home.accounts:
                self.assertTrue(line.startswith(f"twinbox: {word}: "), done.err)
            else:
                self.assertIn(word.lower(), done.err.lower())
        for values in self.home.accounts.values():
            if values.get("password"):
                self.assertNotIn(values["password"], done.err)

    def assert_complaint(self, done, account, pattern, hint=None):
        """The one line is about this account and says this; the hint below it, if one is expected, that."""
        self.assert_one_line(done, account)
        line, *rest = done.err.splitlines()
        self.assertRegex(line.removeprefix(f"twinbox: {account}: "), "(?i)" + pattern)
        if hint:
            self.assertRegex(" ".join(rest), "(?i)" + hint)

    @staticmethod
    def on_server(server, folder=None):
        """The octets that imaplib receives: of a folder, or of all."""
        connection = server.imap()
        try:
            folders = [folder] if folder else folders_of(connection)
            return [octets for one in folders for octets in clients.fetch_imap(connection, one).values()]
        finally:
            connection.logout()

    @staticmethod
    def in_maildrop(server):
        """The octets that poplib receives."""
        connection = server.pop()
        try:
            return clients.fetch_pop(connection)
        finally:
            connection.rset()  # else Dovecot marks as read what was looked at
            connection.quit()


def folders_of(connection):
    """Names of the selectable mailboxes."""
    _, rows = connection.list()
    names = []
    for row in rows:
        marks, name = row.decode("ascii").split(' "/" ', 1)
        if "\\Noselect" not in marks:
            names.append(clients.from_modified_utf7(name.strip('"')))
    return names


def path_of(folder):
    """A folder of `ls --json` as one text, whichever form it has there."""
    return "/".join(folder) if isinstance(folder, list) else folder


def main():
    if not os.access(PROGRAM, os.X_OK):
        sys.exit(f"{PROGRAM} is not there: set TWINBOX_PROGRAM or run tools/dev build")
    if not dovecot.available():
        sys.exit("Dovecot is not installed: run tools/dev setup")
    unittest.main(module="__main__", verbosity=2)
