#!/usr/bin/env python3
"""A private Dovecot on loopback, for tests and demonstrations.

As a library:

    with Dovecot(certificate="expired", mail="sdbox") as server:
        server.deliver(b"Subject: hello\\r\\n\\r\\n", folder="INBOX", flags=["\\\\Seen"])
        with server.imap() as connection: ...

As a program, for tests in other languages:

    python3 tests/support/dovecot.py --run [--certificate expired] [--mail sdbox] [--sample] ...

prints one line of JSON (ports, user, password, CA file, folder …) when the server answers, then takes
one command of JSON per line on stdin ({"do": "deliver", "file": …}, {"do": "doveadm", "args": […]}) and
answers each with a line; it ends, and the server with it, when stdin is closed.

The server needs no privileges: it runs as the user who starts it, or as nobody if that is root. All
that it makes lies in one temporary folder. It serves 127.0.0.1 only, on ports that nobody used.
"""

import argparse
import base64
import ctypes
import datetime
import hashlib
import imaplib
import itertools
import json
import os
import poplib
import pwd
import grp
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

PROTOCOLS = ("imap", "imaps", "pop3", "pop3s")
HOST = "127.0.0.1"
START_TRIES = 6  # each with fresh ports: another program may take one between our look and the bind
START_SECONDS = 20.0  # generous: a loaded machine, not a normal start (0.2 s)
UNIX_PATH_LIMIT = 50  # of the folder: Dovecot's sockets lie in it and sun_path holds 108 octets
PR_SET_PDEATHSIG = 1
poplib._MAXLINE = 1 << 27  # its 2,048 octets refuse real mail
DEFAULT_MECHANISMS = "plain login cram-md5 scram-sha-1 scram-sha-256 apop"
CERTIFICATES = ("good", "wrong-name", "expired", "self-signed")

# What each kind of mail location is called in Dovecot's words.
MAIL_LOCATIONS = {
    "maildir": "maildir:~/Maildir",
    "sdbox": "sdbox:~/sdbox",
    "mdbox": "mdbox:~/mdbox",
}
SYSTEM_FLAGS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}


class DovecotError(Exception):
    """The server could not be started, or a command to it failed."""


def available():
    """Whether Dovecot is installed, with the path of its program or None."""
    for path in ("/usr/sbin/dovecot", shutil.which("dovecot")):
        if path and os.path.exists(path) and os.path.exists("/usr/lib/dovecot/imap-login"):
            return path
    return None


def _runner():
    """(uid, gid, user, group) that the server runs as."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        entry = pwd.getpwnam("nobody")
        uid, gid = entry.pw_uid, entry.pw_gid
    try:
        return uid, gid, pwd.getpwuid(uid).pw_name, grp.getgrgid(gid).gr_name
    except KeyError:
        raise DovecotError(f"uid {uid} or gid {gid} has no name; Dovecot needs one") from None


def _temporary_folder():
    """A folder short enough for Unix sockets that the server's user can reach."""
    base = tempfile.gettempdir()
    if len(base) > UNIX_PATH_LIMIT - 16 or (os.getuid() == 0 and not _reachable(base)):
        base = "/tmp"
    return tempfile.mkdtemp(prefix="twinbox-", dir=base)


def _reachable(path):
    """Whether every folder on the way can be entered by anybody."""
    while True:
        if not os.stat(path).st_mode & 0o001:
            return False
        parent = os.path.dirname(path)
        if parent == path:
            return True
        path = parent


def _free_ports(count):
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


class Certificates:
    """A certificate authority of its own and leaves of every kind, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca_file = os.path.join(folder, "ca.pem")
        self._ca_key = os.path.join(folder, "ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-days", "30", "-subj", "/CN=twinbox test authority", "-keyout", self._ca_key,
                      "-out", self.ca_file, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def make(self, kind):
        """Returns (certificate file, key file) of a leaf for localhost and 127.0.0.1."""
        certificate = os.path.join(self.folder, f"{kind}.pem")
        key = os.path.join(self.folder, f"{kind}.key")
        if os.path.exists(certificate):
            return certificate, key
        names = "DNS:mail.other.example" if kind == "wrong-name" else "DNS:localhost,IP:127.0.0.1"
        subject = "/CN=mail.other.example" if kind == "wrong-name" else "/CN=localhost"
        if kind == "self-signed":
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-days", "30", "-subj", subject, "-keyout", key, "-out", certificate,
                          "-addext", f"subjectAltName={names}")
            return certificate, key
        request = os.path.join(self.folder, f"{kind}.csr")
        extensions = os.path.join(self.folder, f"{kind}.ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\n"
                       "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", subject, "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._ca_key,
                      "-CAcreateserial", "-days", "-1" if kind == "expired" else "30",
                      "-extfile", extensions, "-out", certificate)
        return certificate, key

    @staticmethod
    def fingerprint(certificate):
        """SHA-256 of the certificate's DER form in lower-case hex, as a pin names it."""
        with open(certificate, encoding="ascii") as file:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(("openssl",) + arguments, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise DovecotError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")


class Dovecot:
    """One running server. Use as a context manager, or start() and stop().

    users        {name: password}; the first is .user
    mail         maildir, sdbox, mdbox or a mail_location of its own
    certificate  good, wrong-name, expired or self-signed
    mechanisms   Dovecot's auth_mechanisms
    capability   imap_capability after login: "-IDLE -COMPRESS=DEFLATE" takes away, "+X" adds, else the whole list
    ssl          yes, required or no
    plaintext    whether passwords may cross an unencrypted connection ("no" needs ssl=required's refusal too)
    pop3_uidl_format, pop3_lock, pop3_uidl_duplicates …: as Dovecot's settings
    extra        configuration text appended as it is
    keep         leave the folder (log, mail) behind after stop(), for looking at a failure
    """

    def __init__(self, users=None, mail="maildir", certificate="good", mechanisms=DEFAULT_MECHANISMS, capability="",
                 ssl="yes", pop3_uidl_format="%08Xu%08Xv", pop3_lock=False, pop3_no_flag_updates=True,
                 pop3_uidl_duplicates="allow", greeting="", extra="", keep=False):
        self.users = dict(users or {"sample": "correct horse"})
        self.user, self.password = next(iter(self.users.items()))
        self.mail, self.certificate, self.mechanisms = mail, certificate, mechanisms
        self.capability, self.ssl, self.greeting, self.extra, self.keep = capability, ssl, greeting, extra, keep
        self.pop3 = {"pop3_uidl_format": pop3_uidl_format, "pop3_lock_session": "yes" if pop3_lock else "no",
                     "pop3_no_flag_updates": "yes" if pop3_no_flag_updates else "no",
                     "pop3_uidl_duplicates": pop3_uidl_duplicates}
        self.host = HOST
        self.ports = {}
        self._process = None
        self._serial = itertools.count(1)
        self._binary = available()
        if not self._binary:
            raise DovecotError("Dovecot is not installed (packages dovecot-imapd and dovecot-pop3d)")
        self._uid, self._gid, self._user, self._group = _runner()
        self.folder = _temporary_folder()
        self.config = os.path.join(self.folder, "dovecot.conf")
        self.log = os.path.join(self.folder, "dovecot.log")
        try:
            self.certificates = Certificates(os.path.join(self.folder, "tls"))
            for name in self.users:
                os.makedirs(self.home(name))
            self.ca_file = self.certificates.ca_file
            self.fingerprint = self._make_certificate()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    # Life

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop(failed=kind is not None)

    def start(self):
        """Starts and waits until the server greets. Safe to call again after stop(remove=False)."""
        last = ""
        for _ in range(START_TRIES):
            if not self.ports or last:
                self.ports = dict(zip(PROTOCOLS, _free_ports(len(PROTOCOLS))))
            token = secrets.token_hex(6)
            self._write_configuration(token)
            self._own(self.folder)
            self._spawn()
            if self._wait_until_greets(self.greeting or token):
                return self
            last = self.read_log() or "no greeting"
            self._end()
            if "ddress already in use" not in last:
                break
        self.stop()
        raise DovecotError(f"Dovecot did not start: {last.strip().splitlines()[-1] if last.strip() else last}")

    def stop(self, failed=False, remove=True):
        """Ends the server and all of its processes; removes the folder unless `keep` or `failed` says otherwise."""
        self._end()
        if failed and self.keep:
            sys.stderr.write(f"Dovecot's log and mail: {self.folder}\n")
        elif remove and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self, **changes):
        """Stops, changes attributes (certificate=…, capability=…), starts on the same ports."""
        self._end()
        for name, value in changes.items():
            if name in self.pop3:
                self.pop3[name] = value
            elif hasattr(self, name):
                setattr(self, name, value)
            else:
                raise TypeError(f"no such setting: {name}")
        self.fingerprint = self._make_certificate()
        return self.start()

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def info(self):
        """What a program in another language needs to know."""
        return {"host": self.host, "ports": self.ports, "user": self.user, "password": self.password,
                "users": self.users, "ca_file": self.ca_file, "fingerprint_sha256": self.fingerprint,
                "folder": self.folder, "home": self.home(), "config": self.config, "log": self.log,
                "pid": self._process.pid if self._process else 0}

    # Clients

    def imap(self, user=None, tls=True):
        """A logged-in imaplib connection."""
        user = user or self.user
        if tls:
            connection = imaplib.IMAP4_SSL(self.host, self.ports["imaps"], ssl_context=self.tls_context())
        else:
            connection = imaplib.IMAP4(self.host, self.ports["imap"])
        connection.login(user, self.users[user])
        return connection

    def pop(self, user=None, tls=True):
        """A logged-in poplib connection."""
        user = user or self.user
        if tls:
            connection = poplib.POP3_SSL(self.host, self.ports["pop3s"], context=self.tls_context())
        else:
            connection = poplib.POP3(self.host, self.ports["pop3"])
        connection.user(user)
        connection.pass_(self.users[user])
        return connection

    def tls_context(self):
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate != "good":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    # Mail

    def home(self, user=None):
        return os.path.join(self.folder, "home", user or self.user)

    def doveadm(self, *arguments, data=None, check=True):
        """Runs doveadm on this server and returns its output (bytes)."""
        done = subprocess.run(("doveadm", "-c", self.config) + arguments, input=data, capture_output=True,
                              check=False, cwd=self.folder, **self._identity())
        if check and done.returncode:
            raise DovecotError(f"doveadm {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def save(self, message, folder="INBOX", user=None):
        """Adds a message as a mail program's delivery would (slow: one process a message)."""
        self.create(folder, user)
        self.doveadm("save", "-u", user or self.user, "-m", folder, data=message)

    def create(self, folder, user=None):
        if folder.upper() != "INBOX":
            self.doveadm("mailbox", "create", "-u", user or self.user, "-s", folder, check=False)

    def append(self, messages, folder="INBOX", user=None):
        """Adds (octets, flags, date) triples by IMAP APPEND; date is seconds since 1970 or None."""
        connection = self.imap(user)
        try:
            for octets, flags, date in messages:
                when = imaplib.Time2Internaldate(date) if date is not None else None
                kind, words = connection.append(_quoted(folder), "(" + " ".join(flags) + ")" if flags else None, when,
                                                octets)
                if kind == "NO" and b"TRYCREATE" in words[0]:
                    connection.create(_quoted(folder))
                    kind, words = connection.append(_quoted(folder), "(" + " ".join(flags) + ")" if flags else None,
                                                    when, octets)
                if kind != "OK":
                    raise DovecotError(f"APPEND to {folder}: {words[0].decode(errors='replace')}")
        finally:
            connection.logout()

    def deliver(self, octets, folder="INBOX", flags=(), date=None, user=None):
        """Writes a message file into the Maildir: every octet stays as it is, and nothing is as fast.

        Only with mail="maildir". Keywords get their letters in the folder's dovecot-keywords. Works
        while the server runs; `date` (seconds since 1970) becomes the INTERNALDATE.
        """
        if not self.mail.startswith("maildir"):
            raise DovecotError("deliver() writes Maildir files; use append() or save()")
        place = self.maildir(folder, user)
        fresh = not os.path.isdir(place)
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(place, name), exist_ok=True)
        if fresh and folder.upper() != "INBOX":
            with open(os.path.join(place, "maildirfolder"), "wb"):
                pass
        keywords = [flag for flag in flags if not flag.startswith("\\")]
        letters = "".join(sorted(SYSTEM_FLAGS[flag] for flag in flags if flag.startswith("\\")))
        letters += self._keyword_letters(place, keywords)
        date = int(time.time() if date is None else date)
        name = f"{date}.M{next(self._serial):06d}P{os.getpid()}.twinbox,S={len(octets)}"
        draft = os.path.join(place, "tmp", name)
        with open(draft, "wb") as file:
            file.write(octets)
        os.utime(draft, (date, date))
        if self._uid != os.getuid():
            os.chown(draft, self._uid, self._gid)
            if fresh:
                self._own(self.home(user))
        path = os.path.join(place, "cur", f"{name}:2,{letters}")
        os.rename(draft, path)
        return path

    def maildir(self, folder="INBOX", user=None):
        """The folder of the Maildir++ that holds a mailbox."""
        root = os.path.join(self.home(user), "Maildir")
        if folder.upper() == "INBOX":
            return root
        return os.path.join(root, "." + ".".join(modified_utf7(part) for part in folder.split("/")))

    # Inside

    def _keyword_letters(self, place, keywords):
        if not keywords:
            return ""
        path = os.path.join(place, "dovecot-keywords")
        known = []
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                known = [line.split(" ", 1)[1].strip() for line in file if " " in line]
        for keyword in keywords:
            if keyword not in known:
                known.append(keyword)
        if len(known) > 26:
            raise DovecotError("a Maildir folder holds 26 keywords at most")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{number} {keyword}\n" for number, keyword in enumerate(known))
        if self._uid != os.getuid():
            os.chown(path, self._uid, self._gid)
        return "".join(sorted(chr(ord("a") + known.index(keyword)) for keyword in keywords))

    def _make_certificate(self):
        self._certificate_files = self.certificates.make(self.certificate)
        return Certificates.fingerprint(self._certificate_files[0])

    def _identity(self):
        if self._uid == os.getuid():
            return {}
        return {"user": self._uid, "group": self._gid, "extra_groups": []}

    def _own(self, path):
        """Gives the tree to the server's user, when root made it."""
        if self._uid == os.getuid():
            return
        for parent, folders, files in os.walk(path):
            os.chown(parent, self._uid, self._gid)
            for name in folders + files:
                os.lchown(os.path.join(parent, name), self._uid, self._gid)
        os.chmod(self.folder, 0o755)

    def _spawn(self):
        libc = ctypes.CDLL(None, use_errno=True)

        def die_with_parent():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        with open(os.path.join(self.folder, "start.log"), "wb") as output:
            self._process = subprocess.Popen([self._binary, "-F", "-c", self.config], stdin=subprocess.DEVNULL,
                                             stdout=output, stderr=output, cwd=self.folder, start_new_session=True,
                                             preexec_fn=die_with_parent, **self._identity())

    def _wait_until_greets(self, token):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                with open(os.path.join(self.folder, "start.log"), encoding="utf-8", errors="replace") as file:
                    words = file.read()
                with open(self.log, "a", encoding="utf-8") as log:
                    log.write(words)
                return False
            try:
                with socket.create_connection((self.host, self.ports["imap"]), timeout=2) as one:
                    if token.encode() in one.recv(1024):
                        return True
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def _end(self):
        process, self._process = self._process, None
        if not process:
            return
        group = process.pid  # start_new_session made it the leader
        # To all at once: the master alone takes a second or more to let go of idle sessions.
        os.killpg(group, signal.SIGTERM)
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

    def _write_configuration(self, token):
        certificate, key = self._certificate_files
        location = MAIL_LOCATIONS.get(self.mail, self.mail)
        capability = f"imap_capability = {self._imap_capability()}\n" if self.capability else ""
        pop3 = "".join(f"  {name} = {value}\n" for name, value in self.pop3.items())
        passwords = os.path.join(self.folder, "passwords")
        with open(passwords, "w", encoding="utf-8") as file:
            for user, password in self.users.items():
                file.write(f"{user}:{{PLAIN}}{password}:{self._uid}:{self._gid}::{self.home(user)}::\n")
        greeting = self.greeting or f"Dovecot {token} ready."
        run = os.path.join(self.folder, "run")
        ports = self.ports
        chroots = "".join(f"service {name} {{\n  chroot =\n}}\n" for name in
                          ("imap-urlauth-login", "submission-login", "stats", "ipc", "old-stats"))
        text = f"""
protocols = imap pop3
listen = {HOST}
base_dir = {run}
state_dir = {run}
log_path = {self.log}
default_internal_user = {self._user}
default_internal_group = {self._group}
default_login_user = {self._user}
first_valid_uid = 1
first_valid_gid = 1
shutdown_clients = yes
login_greeting = {greeting}
auth_mechanisms = {self.mechanisms}
auth_failure_delay = 0
auth_username_format = %u
disable_plaintext_auth = {"yes" if self.ssl == "required" else "no"}
mail_max_userip_connections = 100
mail_location = {location}
mail_fsync = never
mailbox_list_index = yes
ssl = {self.ssl}
ssl_cert = <{certificate}
ssl_key = <{key}
{capability}
passdb {{
  driver = passwd-file
  args = username_format=%u {passwords}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {passwords}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {ports["imap"]}
  }}
  inet_listener imaps {{
    port = {ports["imaps"]}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    port = {ports["pop3"]}
  }}
  inet_listener pop3s {{
    port = {ports["pop3s"]}
    ssl = yes
  }}
}}
{chroots}
protocol pop3 {{
{pop3}}}
{self.extra}
"""
        if self.ssl == "no":
            text = re.sub(r"  inet_listener (imap|pop3)s \{\n    port = \d+\n    ssl = yes\n  \}\n",
                          r"  inet_listener \1s {\n    port = 0\n  }\n", text)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def _imap_capability(self):
        """Dovecot adds with "+X" but can't take away: name the whole list instead."""
        if not any(word.startswith("-") for word in self.capability.split()):
            return self.capability
        known = subprocess.run(("doveconf", "-c", "/dev/null", "-h", "-d", "imap_capability"), capture_output=True,
                               text=True, check=False).stdout.split() or FULL_CAPABILITY.split()
        words = self.capability.split()
        drop = {word[1:].upper() for word in words if word.startswith("-")}
        more = [word.lstrip("+") for word in words if not word.startswith("-")]
        return " ".join([word for word in known if word.upper() not in drop] + more)


# What Dovecot 2.3.19 announces after login.
FULL_CAPABILITY = ("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
                   "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS "
                   "LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
                   "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY "
                   "SPECIAL-USE")


def modified_utf7(text):
    """A mailbox name as IMAP writes it (RFC 3501, section 5.1.3)."""
    out, pending = [], []

    def flush():
        if pending:
            code = "".join(pending).encode("utf-16-be")
            out.append("&" + base64.b64encode(code).decode().rstrip("=").replace("/", ",") + "-")
            pending.clear()

    for character in text:
        if " " <= character <= "~":
            flush()
            out.append("&-" if character == "&" else character)
        else:
            pending.append(character)
    flush()
    return "".join(out)


def _quoted(folder):
    return '"' + modified_utf7(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'


def fetch_imap(connection, folder="INBOX"):
    """{uid: octets} of a mailbox, as imaplib receives them."""
    kind, words = connection.select(_quoted(folder), readonly=True)
    if kind != "OK":
        raise DovecotError(f"EXAMINE {folder}: {words}")
    found = {}
    if int(words[0]) == 0:
        return found
    _, parts = connection.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
    for part in parts:
        if isinstance(part, tuple):
            found[int(re.search(rb"UID (\d+)", part[0]).group(1))] = part[1]
        elif part and b'""' in part and (match := re.search(rb"UID (\d+)", part)):
            found[int(match.group(1))] = b""
        elif part and b"NIL" in part and (match := re.search(rb"UID (\d+)", part)):
            found[int(match.group(1))] = b""
    return found


def fetch_pop(connection):
    """[octets] of a maildrop, as poplib receives them, line ends being CR LF."""
    found = []
    for number in range(1, connection.stat()[0] + 1):
        _, lines, _ = connection.retr(number)
        found.append(b"".join(line + b"\r\n" for line in lines))
    return found


def _answer(server, line):
    """Carries out one line of the program's stdin."""
    command = json.loads(line)
    what = command.get("do")
    if what == "deliver":
        if "file" in command:
            with open(command["file"], "rb") as file:
                octets = file.read()
        else:
            octets = command["text"].encode("utf-8", "surrogateescape")
        path = server.deliver(octets, command.get("folder", "INBOX"), command.get("flags", ()), command.get("date"))
        return {"ok": True, "path": path}
    if what == "doveadm":
        output = server.doveadm(*command["args"], data=command.get("input", "").encode())
        return {"ok": True, "output": output.decode(errors="replace")}
    if what == "restart":
        server.restart(**command.get("with", {}))
        return {"ok": True, **server.info()}
    return {"ok": False, "error": f"unknown command: {what}"}


def _serve(server):
    print(json.dumps(server.info()), flush=True)
    for line in sys.stdin:
        try:
            answer = _answer(server, line)
        except (DovecotError, OSError, ValueError, KeyError, TypeError) as error:
            answer = {"ok": False, "error": str(error)}
        print(json.dumps(answer), flush=True)


def main():
    parser = argparse.ArgumentParser(description="A private Dovecot on loopback, until stdin is closed.")
    parser.add_argument("--run", action="store_true", required=True, help="start, print a line of JSON, wait")
    parser.add_argument("--user", default="sample")
    parser.add_argument("--password", default="correct horse")
    parser.add_argument("--mail", default="maildir", help="maildir, sdbox, mdbox or a mail_location")
    parser.add_argument("--certificate", default="good", choices=CERTIFICATES)
    parser.add_argument("--mechanisms", default=DEFAULT_MECHANISMS)
    parser.add_argument("--capability", default="", help="\"-IDLE -QRESYNC\" takes away, or the whole list")
    parser.add_argument("--ssl", default="yes", choices=("yes", "required", "no"))
    parser.add_argument("--uidl", default="%08Xu%08Xv", help="pop3_uidl_format")
    parser.add_argument("--pop3-lock", action="store_true", help="one session at a time for a maildrop")
    parser.add_argument("--greeting", default="")
    parser.add_argument("--extra", default="", help="configuration text to append")
    parser.add_argument("--messages", metavar="FOLDER", help="deliver every file of a folder to INBOX")
    parser.add_argument("--sample", action="store_true", help="deliver the sample mailbox")
    parser.add_argument("--bulk", metavar="N", type=int, default=0, help="deliver N generated messages to INBOX")
    parser.add_argument("--keep", action="store_true", help="leave log and mail behind")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = Dovecot(users={options.user: options.password}, mail=options.mail, certificate=options.certificate,
                         mechanisms=options.mechanisms, capability=options.capability, ssl=options.ssl,
                         pop3_uidl_format=options.uidl, pop3_lock=options.pop3_lock, greeting=options.greeting,
                         extra=options.extra, keep=options.keep)
        _fill(server, options)
        with server:
            _serve(server)
    except DovecotError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    return 0


def _fill(server, options):
    """Delivers what the options name, before the server starts."""
    if options.messages:
        for name in sorted(os.listdir(options.messages)):
            with open(os.path.join(options.messages, name), "rb") as file:
                server.deliver(file.read(), date=int(datetime.datetime(2024, 1, 2).timestamp()))
    if options.sample or options.bulk:
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sample"))
        import sample
        if options.sample:
            sample.deliver_all(server)
        if options.bulk:
            sample.deliver_bulk(server, options.bulk)


if __name__ == "__main__":
    sys.exit(main())
