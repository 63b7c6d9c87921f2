"""Courier IMAP and POP3: couriertcpd, imaplogin, imapd and courierpop3d, as courier-imap and courier-pop have them."""

import os

import unpacked

LIB = "usr/lib/courier/courier/"


class Courier(unpacked.Server):
    """Maildir++; folders are INBOX.Work. Knows no CONDSTORE, ENABLE or MOVE; an opened mailbox does not tell UIDNEXT.

    `capability` is what its administrator has it say (IMAP_CAPABILITY of /etc/courier/imapd, the package's own here).
    """

    NAME = "courier"
    SEPARATOR, PREFIX = ".", "INBOX."
    PROGRAMS = ("usr/sbin/couriertcpd", LIB + "imaplogin", "usr/bin/imapd", LIB + "courierpop3login",
                LIB + "courierpop3d")
    CAPABILITY = ("IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE")

    def commands(self):
        with open(self.certificate, "rb") as certificate, open(self.key, "rb") as key:
            both = self.write("both.pem", (certificate.read() + key.read()).decode("ascii"))
        self.environment.update(
            COURIERTLS=self.program("usr/bin/couriertls"), TLS_CERTFILE=both, IMAP_STARTTLS="YES", POP3_STARTTLS="YES",
            LD_PRELOAD=self.guest(), TWINBOX_GUEST_SOCKET=self.answer("passwords", self._password),
            IMAP_CAPABILITY=self.CAPABILITY, IMAP_KEYWORDS="1", IMAP_ENHANCEDIDLE="0", IMAP_USELOCKS="0",
            IMAP_TRASHFOLDERNAME="Trash", IMAP_EMPTYTRASH="", MAILDIRPATH="Maildir", POP3AUTH="", IMAP_ID_FIELDS="0")
        os.makedirs(os.path.join(self.folder, "home"), exist_ok=True)
        listen = [self.program("usr/sbin/couriertcpd"), "-address=" + self.host, "-nodnslookup", "-noidentlookup",
                  "-maxprocs=40", "-maxperip=40"]
        return [listen + [str(self.ports["imap"]), self.program(LIB + "imaplogin"), self.program("usr/bin/imapd"),
                          "Maildir"],
                listen + [str(self.ports["pop3"]), self.program(LIB + "courierpop3login"),
                          self.program(LIB + "courierpop3d"), "Maildir"]]

    def add_user(self):
        super().add_user()
        for folder in ("INBOX", "Trash"):  # imapd makes the Trash where it is missing
            self.make_maildir(self.maildir(folder))

    def maildir(self, folder):
        root = os.path.join(self.home(), "Maildir")
        if folder == "INBOX":
            return root
        return os.path.join(root, "." + folder.replace("/", "."))  # UTF-8 since version 5

    def _password(self, file):
        """As authdaemond answers "AUTH length" and service, kind, user, password: who that is, a line each."""
        line = file.readline()
        while line and not line.startswith(b"AUTH "):
            line = file.readline()  # who the client is
        _, _, user, password = file.read(int(line.split()[1])).decode().split("\n")[:4]
        if password != self.password:
            return b"FAIL\n"
        home = os.path.join(self.folder, "home", user)
        return (f"ADDRESS={user}\nUID={self.runner.uid}\nGID={self.runner.gid}\nHOME={home}\n"
                f"MAILDIR={home}/Maildir\nNAME=\n.\n").encode()
