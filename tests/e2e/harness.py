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

Ended = collections.namedtuple("Ended", "status out err")


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


class Home:
    """A user's home with a configuration in it; nothing of the real one shows through."""

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
        done = subprocess.run((PROGRAM, "--config", self.config) + arguments, input=data, capture_output=True,
                              preexec_fn=limit if largest_file else None,
                              env=self.environment, cwd=self.folder, timeout=SECONDS, check=False,
                              stdin=subprocess.DEVNULL if data is None else None)
        return Ended(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


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
        """An error is one line for each account, without a trace of a crash, and never the password."""
        lines = [line for line in done.err.splitlines() if line and not line.startswith(" ")]
        self.assertEqual(len(lines), 1, done.err)
        self.assertTrue(lines[0].startswith("twinbox: "), done.err)
        for word in words:
            self.assertIn(word.lower(), done.err.lower())

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
