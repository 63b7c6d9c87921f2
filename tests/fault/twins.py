"""What the fault tests share: mailboxes and stores that are put back as they were at the cost of a copy.

A Seat is one account, with a home, a server and a Cutter between the two; several of them work side by side. What is
here and what is there are read from the files, so that a comparison costs no process.
"""

import collections
import concurrent.futures
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import harness  # noqa: E402
from cutter import Cutter  # noqa: E402

LONG = bool(os.environ.get("TWINBOX_LONG"))
SEATS = 3  # side by side; each waits for its server most of the time
ACCOUNT = "it"
PASSWORD = "correct-horse"  # no space: Dovecot's static list would end at it
MOST_FAILURES = 5  # told of in full

Kind = collections.namedtuple("Kind", "name protocol leave")
KINDS = (Kind("imap", "imap", None), Kind("pop3", "pop3", "forever"), Kind("pop3-never", "pop3", "never"))

# Every name is good: a mailbox is a folder under home/. A process serves many sessions, one after the other.
ANYBODY = """
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
service imap {{
  service_count = 1000
}}
service pop3 {{
  service_count = 1000
}}
"""


def in_memory():
    """Puts temporary files where they cost no disk, if there is room: these tests are not about the disk."""
    place = "/dev/shm"
    if os.access(place, os.W_OK | os.X_OK):
        room = os.statvfs(place)
        if room.f_bavail * room.f_frsize > 1 << 30:
            tempfile.tempdir = place


def anybodys_dovecot(**settings):
    """A Dovecot that knows every user, not yet started."""
    server = harness.dovecot.Dovecot(mechanisms="plain login", **settings)
    server.users = collections.defaultdict(lambda: PASSWORD, server.users)
    server.extra += ANYBODY.format(password=PASSWORD, uid=server.runner.uid, gid=server.runner.gid, folder=server.folder)
    return server


def copy(source, target):
    """A copy with owners and times, in the place of what is there."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(("cp", "-a", source, target), check=True)


def local_state(store):
    """What is in a store: its folders, and each message with folder, flags, keywords, date and hash."""
    path = os.path.join(store, "twin.db")
    if not os.path.exists(path):
        return "no store", []
    # One that is closed each time: it must not keep the program out.
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        folders = base.execute("SELECT path, role, messages FROM mailbox ORDER BY path").fetchall()
        messages = base.execute(
            "SELECT b.path, m.removed_from, m.flags, m.keywords, m.internaldate, hex(c.sha256) FROM message m"
            " JOIN content c ON c.id=m.content LEFT JOIN mailbox b ON b.id=m.mailbox").fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return "no tables", []
        raise
    finally:
        base.close()
    return folders, sorted(messages, key=repr)


def hashes(state):
    """How often each content is in a local_state(), removed ones not counted."""
    return collections.Counter(row[5].lower() for row in state[1] if row[0] is not None)


def maildir_state(place):
    """What is in a Maildir++: (folder, flags, hash) of every message, and the folders."""
    folders, messages = [], []
    for name in sorted(os.listdir(place)):
        if name.startswith(".") and os.path.isdir(os.path.join(place, name)):
            folders.append(name)
    for folder in ["", *folders]:
        for part in ("cur", "new"):
            inside = os.path.join(place, folder, part)
            for name in os.listdir(inside) if os.path.isdir(inside) else []:
                with open(os.path.join(inside, name), "rb") as file:
                    octets = file.read()
                # What came by APPEND lies there with LF, and is sent with CRLF.
                sent = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                messages.append((folder, name.partition(":2,")[2], harness.digest(sent)))
    return folders, sorted(messages)


class Seat:
    """One account. aim `cutter`, then sync()."""

    def __init__(self, kind, port, user, keys=None, scheme=None, watch=None):
        self.kind, self.user = kind, user
        self.cutter = Cutter(port, watch)
        self.home = harness.Home()
        self.store = self.home.store(ACCOUNT)
        values = {"password": PASSWORD, "timeout": 20, **(keys or {})}
        if kind.leave:
            values["leave"] = kind.leave
        self.home.add(ACCOUNT, f"{scheme or kind.protocol + '+plain'}://{user}@localhost:{self.cutter.port}", **values)

    def close(self):
        self.cutter.close()
        self.home.close()

    def sync(self, *more):
        done = self.home.run("sync", ACCOUNT, *more)
        self.cutter.settle()
        return done

    def start(self, *arguments):
        """The program, begun and not waited for."""
        return subprocess.Popen((harness.PROGRAM, "--config", self.home.config, *arguments, ACCOUNT),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.home.environment, cwd=self.home.folder)

    def local(self):
        return local_state(self.store)

    def put_store(self, template=None):
        """The store as in `template`; none: no store at all."""
        shutil.rmtree(self.store, ignore_errors=True)
        if template:
            os.makedirs(os.path.dirname(self.store), exist_ok=True)
            copy(template, self.store)


class DovecotSeat(Seat):
    """On a mailbox of anybodys_dovecot(). tls: by implicit TLS."""

    def __init__(self, kind, server, number, tls=False, keys=None, **more):
        port = server.ports[kind.protocol + "s"] if tls else server.ports[kind.protocol]
        keys = {**(keys or {}), **({"tls_ca": server.ca_file} if tls else {})}
        user = f"{kind.name}{number}{'s' if tls else ''}"
        super().__init__(kind, port, user, keys, scheme=kind.protocol + "s" if tls else None, **more)
        self.maildir = os.path.join(server.home(user), "Maildir")
        os.makedirs(server.home(user), exist_ok=True)
        os.chown(server.home(user), server.runner.uid, server.runner.gid)

    def put(self, maildir, store=None):
        copy(maildir, self.maildir)
        self.put_store(store)

    def remote(self):
        folders, messages = maildir_state(self.maildir)
        if self.kind.protocol == "pop3":
            # A session that ends without QUIT and RSET leaves as read what it retrieved: Dovecot's doing.
            messages = sorted((folder, flags.replace("S", ""), content) for folder, flags, content in messages)
        return folders, messages


class ModelSeat(Seat):
    """On a Model of model.py."""

    def __init__(self, kind, model, number):
        self.model = model
        super().__init__(kind, model.port, f"u{number}")

    def put(self, mailbox, store=None):
        if isinstance(mailbox, dict):
            self.model.mailbox.clear()
            self.model.mailbox.update({name: list(mail) for name, mail in mailbox.items()})
        else:
            self.model.mailbox[:] = mailbox
        self.put_store(store)

    def remote(self):
        mailbox = self.model.mailbox
        if isinstance(mailbox, list):
            return [], sorted(("", "", harness.digest(one)) for one in mailbox)
        return sorted(mailbox), sorted((folder, one.flags, harness.digest(one.octets))
                                       for folder, mail in mailbox.items() for one in mail)


class Case(harness.Case):
    """What the fault tests say."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        in_memory()

    def in_turns(self, seats, jobs, work):
        """work(seat, job) for every job, the seats side by side. Failures are told together at the end."""
        queue = collections.deque(jobs)
        failures = []

        def serve(seat):
            while queue and len(failures) < MOST_FAILURES:
                try:
                    job = queue.popleft()
                except IndexError:
                    return
                try:
                    work(seat, job)
                except Exception as error:  # pylint: disable=broad-except
                    failures.append(f"{job}: {type(error).__name__}: {error}")
        with concurrent.futures.ThreadPoolExecutor(len(seats)) as pool:
            for future in [pool.submit(serve, seat) for seat in seats]:
                future.result()
        if failures:
            self.fail("\n".join(failures))

    def assert_told(self, done):
        """One clear line about the account says that the connection failed."""
        self.assertEqual(done.status, harness.NETWORK, done.err)
        self.assert_one_line(done)
        self.assertRegex(done.err, rf"^twinbox: {ACCOUNT}: .*(localhost|connection)")
        self.assertNotIn(PASSWORD, done.err)

    def assert_nothing_lost(self, seat, before):
        """Whatever has gone from the server is here."""
        gone = collections.Counter(one[2] for one in before) - collections.Counter(one[2] for one in seat.remote()[1])
        missing = gone - hashes(seat.local())
        self.assertFalse(missing, f"{sum(missing.values())} deleted on the server and not here")

    def assert_finished(self, seat):
        """One more sync has nothing left to do. And what is here is whole."""
        before = seat.local()
        done = seat.sync("--json")
        self.assertEqual(done.status, harness.DONE, done.err)
        said = json.loads(done.out)
        busy = {name: said[name] for name in said if said[name] and re.fullmatch(
            "added|put_back|recovered|mended|lost|index_rebuilt|flags_changed|moved|removed|removed_on_server"
            "|folders_created|folders_renamed|folders_deleted|subscriptions_changed|folders|skipped|held|suspect"
            "|doubtful", name)}
        self.assertFalse(busy, "a sync after a sync takes no action")
        self.assertEqual(seat.local(), before)
        whole = seat.home.run("verify", ACCOUNT)
        self.assertEqual(whole.status, harness.DONE, whole.err + whole.out.decode())
