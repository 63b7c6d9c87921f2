"""The programs that are compared, each with a configuration of its own: same server, same mail, empty stores."""

import collections
import hashlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

import harness
from measure import Failed, Stopwatch

# Where a client connects to. `group`: the server's process group, for its CPU time; `context`: TLS of this process.
Endpoint = collections.namedtuple("Endpoint", "port tls user password ca group context relay")

MBSYNC = """IMAPAccount it
Host localhost
Port {end.port}
User {end.user}
Pass "{end.password}"
{tls}
{depth}

IMAPStore far
Account it

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel it
Far :far:
Near :near:
Patterns *
{channel}
SyncState *
"""
MPOP = """account it
host localhost
port {end.port}
user {end.user}
password "{end.password}"
auth user
tls {onoff}
tls_starttls off
{trust}
keep on
received_header off
delivery maildir {folder}/mail
uidls_file {folder}/uidls
"""
FETCHMAIL = """set no syslog
poll localhost protocol POP3 port {end.port} uidl
  user "{end.user}" password "{end.password}" {tls} keep fetchall bsmtp "{folder}/mail"
"""
GETMAIL = """[retriever]
type = {kind}
server = localhost
port = {end.port}
username = {end.user}
password = {end.password}
{trust}
[destination]
type = Maildir
path = {folder}/mail/
[options]
read_all = true
delete = false
delivered_to = false
received = false
verbose = 0
"""


def environment(folder):
    return {"HOME": folder, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "TMPDIR": tempfile.gettempdir()}


def write(path, text):
    """For the eyes of its owner alone: passwords are in it."""
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


def make_maildir(path):
    for name in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(path, name))


def files_below(path):
    """Files in the cur and new of every Maildir below."""
    return sum(len(names) for parent, _, names in os.walk(path) if os.path.basename(parent) in ("cur", "new"))


class Contender:
    """One program with one store. prepare() once, then run() as often as it likes."""

    needs = None  # a program; without it the contender does not take part
    accept = (0,)  # statuses that mean that it did its work

    def __init__(self, runner, folder, end):
        self.runner, self.folder, self.end = runner, folder, end
        self.environment = environment(folder)
        self.command = self.prepare()

    @classmethod
    def there(cls):
        return cls.needs is None or shutil.which(cls.needs) is not None

    def run(self, warm=False):
        return self.runner.run(self.command, self.environment, self.end.group, self.end.relay, self.accept, warm)

    def close(self):
        pass


class Twinbox(Contender):
    name = "twinbox"
    scheme = "imap"
    keys = {}  # of the account, more than an address

    def prepare(self):
        self.home = harness.Home()
        scheme = self.scheme + ("s" if self.end.tls else "+plain")
        self.home.add("it", f"{scheme}://{self.end.user}@localhost:{self.end.port}", password=self.end.password,
                      tls_ca=self.end.ca if self.end.tls else None, store=os.path.join(self.folder, "store"), **self.keys)
        self.environment = self.home.environment
        return [self.runner.program, "--config", self.home.config, "sync", "it"]

    def count(self):
        return len(self.ask("ls", "it", "--json").splitlines())

    def digests(self):
        """Counter of the SHA-256 of every exported message."""
        place = os.path.join(self.folder, "exported")
        self.ask("export", "it", "--eml", place)
        found = collections.Counter()
        for parent, _, names in os.walk(place):
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    found[hashlib.file_digest(file, "sha256").hexdigest()] += 1
        shutil.rmtree(place)
        return found

    def ask(self, *arguments):
        done = subprocess.run((self.runner.program, "--config", self.home.config) + arguments, capture_output=True,
                              check=False, env=self.environment, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Failed(f"twinbox {arguments[0]} ended with status {done.returncode}: {done.stderr.decode()[-400:]}")
        return done.stdout

    def close(self):
        self.home.close()


class TwinboxPop3(Twinbox):
    scheme = "pop3"


class Mbsync(Contender):
    """As it comes: it sends commands for all that is new ahead of the answers."""

    name = needs = "mbsync"
    depth = ""
    channel = "Sync Pull\nCreate Near"

    def prepare(self):
        os.makedirs(os.path.join(self.folder, "mail"))
        path = os.path.join(self.folder, "mbsyncrc")
        tls = f"SSLType IMAPS\nCertificateFile {self.end.ca}" if self.end.tls else "SSLType None\nAuthMechs LOGIN"
        write(path, MBSYNC.format(end=self.end, folder=self.folder, tls=tls, depth=self.depth,
                                  channel=self.channel))
        return ["mbsync", "-q", "-c", path, "it"]

    def count(self):
        return files_below(os.path.join(self.folder, "mail"))


class MbsyncShallow(Mbsync):
    """50 commands on their way at most: less memory and CPU time, more round trips."""

    name = "mbsync, depth 50"
    depth = "PipelineDepth 50"


class Mpop(Contender):
    name = needs = "mpop"

    def prepare(self):
        make_maildir(os.path.join(self.folder, "mail"))
        path = os.path.join(self.folder, "mpoprc")
        trust = f"tls_trust_file {self.end.ca}" if self.end.tls else ""
        write(path, MPOP.format(end=self.end, folder=self.folder, onoff="on" if self.end.tls else "off", trust=trust))
        return ["mpop", "-Q", "-C", path, "it"]

    def count(self):
        return files_below(os.path.join(self.folder, "mail"))


class Fetchmail(Contender):
    """To a file by its bsmtp, which costs it the least; with a mail delivery agent it starts a process a message."""

    name = needs = "fetchmail"
    accept = (0, 1)  # 1: nothing new

    def prepare(self):
        path = os.path.join(self.folder, "fetchmailrc")
        tls = f'ssl sslproto "auto" sslcertfile "{self.end.ca}"' if self.end.tls else 'sslproto ""'
        write(path, FETCHMAIL.format(end=self.end, folder=self.folder, tls=tls))
        self.environment["FETCHMAILHOME"] = self.folder
        return ["fetchmail", "-s", "-f", path]

    def count(self):
        with open(os.path.join(self.folder, "mail"), "rb") as file:
            return sum(line.startswith(b"MAIL FROM:") for line in file)


class Getmail(Contender):
    name = needs = "getmail"

    def prepare(self):
        make_maildir(os.path.join(self.folder, "mail"))
        trust = f"ca_certs = {self.end.ca}" if self.end.tls else ""
        write(os.path.join(self.folder, "getmailrc"),
              GETMAIL.format(end=self.end, folder=self.folder, trust=trust,
                             kind="SimplePOP3SSLRetriever" if self.end.tls else "SimplePOP3Retriever"))
        command = ["getmail", "--getmaildir", self.folder, "--rcfile", "getmailrc"]
        return self._as_nobody() + command if os.getuid() == 0 else command

    def _as_nobody(self):
        """It delivers nothing as root."""
        nobody = pwd.getpwnam("nobody")
        os.chmod(self.runner.folder, 0o711)
        for parent, folders, files in os.walk(self.folder):
            for path in (parent, *(os.path.join(parent, name) for name in folders + files)):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]

    def count(self):
        return files_below(os.path.join(self.folder, "mail"))


def line_to(end):
    plain = socket.create_connection(("127.0.0.1", end.port))
    return end.context.wrap_socket(plain, server_hostname="localhost") if end.tls else plain


def read_until(line, mark):
    """Reads until `mark`; gives the octets read, whose last are it."""
    octets = b""
    while mark not in octets:
        piece = line.recv(65536)
        if not piece:
            raise Failed("the server closed the connection")
        octets += piece
    return octets


def imap_off_the_socket(end):
    """One FETCH of everything, its bytes thrown away: what the server and TLS alone take."""
    with Stopwatch() as watch, line_to(end) as line:
        read_until(line, b"\r\n")
        line.sendall(f'a LOGIN {end.user} "{end.password}"\r\nb EXAMINE INBOX\r\n'
                     "c UID FETCH 1:* (BODY.PEEK[])\r\n".encode())
        tail, buffer = b"", bytearray(1 << 20)
        while b"\r\nc OK" not in tail:
            size = line.recv_into(buffer)
            if not size:
                raise Failed("the server closed the connection")
            tail = tail[-200:] + bytes(buffer[max(0, size - 200):size])
    return watch.sample


def pop3_off_the_socket(end, count, window=1000):
    """RETR of everything, the commands ahead of the answers, the bytes thrown away."""
    with Stopwatch() as watch, line_to(end) as line:
        read_until(line, b"\r\n")
        line.sendall(f"USER {end.user}\r\nPASS {end.password}\r\n".encode())
        read_until(line, b"Logged in.\r\n")
        asked = done = 0
        tail = b""
        while done < count:
            if asked < count and asked - done <= window // 2:
                last = min(count, done + window)
                line.sendall("".join(f"RETR {number}\r\n" for number in range(asked + 1, last + 1)).encode())
                asked = last
            piece = line.recv(1 << 20)
            if not piece:
                raise Failed("the server closed the connection")
            piece = tail + piece
            done += piece.count(b"\r\n.\r\n")
            tail = piece[-4:]
        line.sendall(b"RSET\r\nQUIT\r\n")
    return watch.sample


def imap_look(end):
    """Connect, log in, one LIST with STATUS: the least that shows that nothing changed."""
    with Stopwatch() as watch, line_to(end) as line:
        read_until(line, b"\r\n")
        line.sendall(f'a LOGIN {end.user} "{end.password}"\r\n'.encode())
        read_until(line, b"a OK")
        line.sendall(b'b LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\r\n')
        read_until(line, b"\r\nb OK")
    return watch.sample


def versions():
    """What is compared, as each says it."""
    found = {}
    for name, command in (("dovecot", ("/usr/sbin/dovecot", "--version")), ("mbsync", ("mbsync", "--version")),
                          ("mpop", ("mpop", "--version")), ("fetchmail", ("fetchmail", "--version")),
                          ("getmail", ("getmail", "--version"))):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            lines = (done.stdout or done.stderr).splitlines()
            if lines:
                found[name] = lines[0].strip()
    return found


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {"processor": model, "cores": os.cpu_count(), "kernel": os.uname().release,
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)}


def dumped(value):
    return json.dumps(value, ensure_ascii=False)
