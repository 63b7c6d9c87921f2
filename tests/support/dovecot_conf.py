"""The configuration of a private Dovecot, as text."""

import re
import subprocess

# What each kind of mail location is called in Dovecot's words.
MAIL_LOCATIONS = {
    "maildir": "maildir:~/Maildir",
    "sdbox": "sdbox:~/sdbox",
    "mdbox": "mdbox:~/mdbox",
}
COMPRESS = """mail_plugins = zlib
protocol imap {
  mail_plugins = $mail_plugins imap_zlib
}"""
# Services that want to chroot, which only root can.
CHROOTED = ("imap-urlauth-login", "submission-login", "stats", "ipc", "old-stats")

# What Dovecot 2.3.19 announces after login.
FULL_CAPABILITY = ("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
                   "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS "
                   "LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
                   "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY "
                   "SPECIAL-USE")


def text(server, token):
    """dovecot.conf for a Dovecot of dovecot.py; `token` is in the greeting, so that we know it as ours."""
    certificate, key = server.certificate_files
    location = MAIL_LOCATIONS.get(server.mail, server.mail)
    capability = f"imap_capability = {imap_capability(server.capability)}" if server.capability else ""
    pop3 = "".join(f"  {name} = {value}\n" for name, value in server.pop3.items())
    greeting = server.greeting or f"Dovecot {token} ready."
    chroots = "".join(f"service {name} {{\n  chroot =\n}}\n" for name in CHROOTED)
    written = f"""
protocols = imap pop3
listen = {server.host}
base_dir = {server.folder}/run
state_dir = {server.folder}/run
log_path = {server.log}
default_internal_user = {server.runner.user}
default_internal_group = {server.runner.group}
default_login_user = {server.runner.user}
first_valid_uid = 1
first_valid_gid = 1
shutdown_clients = yes
login_greeting = {greeting}
auth_mechanisms = {server.mechanisms}
auth_failure_delay = 0
auth_username_format = %u
disable_plaintext_auth = {"yes" if server.ssl == "required" else "no"}
mail_max_userip_connections = 100
mail_location = {location}
mail_fsync = never
mailbox_list_index = yes
ssl = {server.ssl}
ssl_cert = <{certificate}
ssl_key = <{key}
{capability}
passdb {{
  driver = passwd-file
  args = username_format=%u {server.folder}/passwords
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {server.folder}/passwords
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
    port = {server.ports["imap"]}
  }}
  inet_listener imaps {{
    port = {server.ports["imaps"]}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    port = {server.ports["pop3"]}
  }}
  inet_listener pop3s {{
    port = {server.ports["pop3s"]}
    ssl = yes
  }}
}}
{chroots}
protocol pop3 {{
{pop3}}}
{COMPRESS if server.compress else ""}
{server.extra}
"""
    if server.ssl == "no":
        written = re.sub(r"  inet_listener (imap|pop3)s \{\n    port = \d+\n    ssl = yes\n  \}\n",
                         r"  inet_listener \1s {\n    port = 0\n  }\n", written)
    return written


def passwords(server):
    """The passwd-file: name, password, uid, gid, home."""
    return "".join(f"{user}:{{PLAIN}}{password}:{server.runner.uid}:{server.runner.gid}::{server.home(user)}::\n"
                   for user, password in server.users.items())


def imap_capability(wish):
    """Dovecot adds with "+X" but can't take away: name the whole list instead."""
    if not any(word.startswith("-") for word in wish.split()):
        return wish
    known = subprocess.run(("doveconf", "-c", "/dev/null", "-h", "-d", "imap_capability"), capture_output=True,
                           text=True, check=False).stdout.split() or FULL_CAPABILITY.split()
    words = wish.split()
    drop = {word[1:].upper() for word in words if word.startswith("-")}
    more = [word.lstrip("+") for word in words if not word.startswith("-")]
    return " ".join([word for word in known if word.upper() not in drop] + more)
