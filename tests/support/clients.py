"""What Python's own imaplib and poplib make of a mailbox: the yardstick of the fidelity tests."""

import base64
import poplib
import re

poplib._MAXLINE = 1 << 27  # its 2,048 octets refuse real mail


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


def quoted(folder):
    return '"' + modified_utf7(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'


def fetch_imap(connection, folder="INBOX"):
    """{uid: octets} of a mailbox, as imaplib receives them."""
    kind, words = connection.select(quoted(folder), readonly=True)
    if kind != "OK":
        raise OSError(f"EXAMINE {folder}: {words}")
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


def from_modified_utf7(text):
    """The inverse of modified_utf7()."""
    return re.sub(r"&([^-]*)-", lambda found: "&" if not found.group(1) else base64.b64decode(
        found.group(1).replace(",", "/") + "===").decode("utf-16-be"), text)
