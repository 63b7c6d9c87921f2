"""imap4d and pop3d of GNU mailutils, as the packages mailutils-imap4d and mailutils-pop3d have them."""

import os

import private
import unpacked

DOMAIN = "example.org"  # its users of a password file have one


class Mailutils(unpacked.Server):
    """Keeps Maildirs: every folder is one below the home. Knows no keywords, CONDSTORE, UIDPLUS or MOVE."""

    NAME = "mailutils"
    PROGRAMS = ("usr/sbin/imap4d", "usr/sbin/pop3d")

    def commands(self):
        self.environment["LD_PRELOAD"] = self.guest()  # pop3d ends where it can't join the group mail
        self._write_passwords([])
        os.makedirs(os.path.join(self.folder, "home"), exist_ok=True)
        return [[self.program(program), "--config-file=" + self._configuration(protocol)]
                for program, protocol in zip(self.PROGRAMS, self.PROTOCOLS)]

    def add_user(self):
        super().add_user()
        self.user += "@" + DOMAIN
        self._write_passwords(sorted(os.listdir(os.path.join(self.folder, "home"))))

    def maildir(self, folder):
        return os.path.join(self.home(), *(unpacked.modified_utf7(part) for part in folder.split("/")))

    def _write_passwords(self, names):
        """A file in the form of /etc/passwd; the password in a form of crypt(3)."""
        who = self.runner
        os.makedirs(os.path.join(self.folder, "passwords"), exist_ok=True)
        self.write(os.path.join("passwords", DOMAIN), "".join(
            f"{name}:{self._hashed()}:{who.uid}:{who.gid}::{self.folder}/home/{name}:/bin/sh\n" for name in names))
        private.own(who, os.path.join(self.folder, "passwords"))

    def _hashed(self):
        if not hasattr(self, "_hash"):
            self._hash = unpacked.hashed(self.password)
        return self._hash

    def _configuration(self, protocol):
        locks = os.path.join(self.folder, "locks")
        os.makedirs(locks, exist_ok=True)
        return self.write(f"{protocol}.conf", f"""
mode daemon;
foreground yes;
auth {{
  authentication clear; authentication "virtdomain:generic";
  authorization clear; authorization "virtdomain:system";
}}
virtdomain {{ passwd-dir {self.folder}/passwords; }}
logging {{ syslog no; }}
mailbox {{ mailbox-type maildir; }}
mandatory-locking {{ enable yes; lock-directory {locks}; }}
tcp-wrappers {{ enable no; }}
pidfile {self.folder}/{protocol}.pid;
tls {{ ssl-certificate-file {self.certificate}; ssl-key-file {self.key}; }}
server {self.host}:{self.ports[protocol]} {{ tls-mode ondemand; }}
""")
