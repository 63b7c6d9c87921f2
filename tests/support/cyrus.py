"""Cyrus IMAP: master, imapd and pop3d, as the packages cyrus-common, cyrus-imapd and cyrus-pop3d have them."""

import imaplib
import os
import struct

import unpacked
from clients import quoted

BIN = "usr/lib/cyrus/bin/"


class Cyrus(unpacked.Server):
    """All extensions, mail in a format of its own. `old_names`: folders are INBOX.Work, not Work (before version 3)."""

    NAME = "cyrus"
    PROGRAMS = (BIN + "master", BIN + "imapd", BIN + "pop3d", BIN + "ctl_cyrusdb")

    def __init__(self, old_names=False):
        super().__init__()
        self._connection = None
        self.old_names = old_names
        if old_names:
            self.SEPARATOR, self.PREFIX = ".", "INBOX."

    def commands(self):
        passwords = self.answer("mux", self._password)
        for name in ("conf/proc", "conf/socket", "conf/log", "spool"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        modern = "no" if self.old_names else "yes"
        settings = self.write("imapd.conf", f"""
configdirectory: {self.folder}/conf
defaultpartition: default
partition-default: {self.folder}/spool
cyrus_user: {self.runner.user}
unixhierarchysep: {modern}
altnamespace: {modern}
allowplaintext: yes
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {passwords}
sasl_mech_list: PLAIN
autocreate_quota: 0
tls_server_cert: {self.certificate}
tls_server_key: {self.key}
delete_mode: immediate
expunge_mode: immediate
""")
        services = "\n".join(
            f'  {protocol} cmd="{self.program(BIN + program)} -C {settings}" listen="{self.host}:{self.ports[protocol]}"'
            f' proto="tcp4" prefork=0' for protocol, program in zip(self.PROTOCOLS, ("imapd", "pop3d")))
        recover = f'  recover cmd="{self.program(BIN + "ctl_cyrusdb")} -C {settings} -r"'
        table = self.write("cyrus.conf", f"START {{\n{recover}\n}}\nSERVICES {{\n{services}\n}}\n")
        self.environment["LD_PRELOAD"] = self.guest()
        self.environment["SASL_PATH"] = self.program("usr/lib/x86_64-linux-gnu/sasl2")
        return [[self.program(BIN + "master"), "-D", "-C", settings, "-M", table,
                 "-p", os.path.join(self.folder, "master.pid")]]

    def add_user(self):
        self._hang_up()
        super().add_user()

    def stop(self):
        self._hang_up()
        super().stop()

    def deliver(self, octets, folder="INBOX", flags=(), date=None):
        """By APPEND, all on one connection: its files are nobody's but its own."""
        if self._connection is None:
            self._connection = self.imap()
        name = quoted(self.name_of(folder))
        when = imaplib.Time2Internaldate(date) if date is not None else None
        message = (name, "(" + " ".join(flags) + ")" if flags else None, when, octets)
        kind, words = self._connection.append(*message)
        if kind == "NO" and b"TRYCREATE" in words[0]:
            self._connection.create(name)
            kind, words = self._connection.append(*message)
        if kind != "OK":
            raise unpacked.Refused(f"APPEND to {folder}: {words[0].decode(errors='replace')}")

    def _hang_up(self):
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.logout()

    @staticmethod
    def _password(file):
        """As saslauthd answers: four counted words come (user, password, service, realm), one goes back."""
        for _ in range(4):
            file.read(struct.unpack(">H", file.read(2))[0])
        return struct.pack(">H", 2) + b"OK"
