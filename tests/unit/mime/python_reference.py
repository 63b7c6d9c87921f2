"""Prints what Python's email package reads in the messages of a folder, for python_test.cc to compare."""
import email
import email.header
import email.utils
import glob
import hashlib
import os
import sys



def text_of(part):
    """The text of a text/plain part with LF for line ends; None where it does not fit its charset."""
    try:
        text = part.get_payload(decode=True).decode(part.get_content_charset("ascii"))
    except (LookupError, ValueError):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


for path in sorted(glob.glob(os.path.join(sys.argv[1], "msg_*.txt"))):
    with open(path, "rb") as file:
        message = email.message_from_bytes(file.read())  # from_binary_file would change line ends
    print("file", os.path.basename(path))
    for name, value in message.raw_items():
        octets = value.encode("utf-8", "surrogateescape").replace(b"\r", b"").replace(b"\n", b"").strip()
        print("field", name, octets.hex())
    for part in message.walk():
        leaf = not part.is_multipart() and part.get_content_maintype() != "multipart"
        payload = hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest() if leaf else "-"
        name = part.get_filename() or "-"
        print("part", part.get_content_type(), payload, name.encode("utf-8", "replace").hex())
    for index, part in enumerate(message.walk()):
        text = text_of(part) if part.get_content_type() == "text/plain" and not part.is_multipart() else None
        if text is not None:
            print("text", index, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())
    subject = "".join(str(message.get("subject", "")).splitlines())
    print("subject", str(email.header.make_header(email.header.decode_header(subject))).strip().encode().hex())
    for name in ("from", "to", "cc"):
        for _, spec in email.utils.getaddresses([str(v) for v in message.get_all(name, [])]):
            if spec:
                print("address", name, spec)
    date = message.get("date")
    when = email.utils.parsedate_tz(str(date)) if date else None
    print("date", email.utils.mktime_tz(when) if when else "-")
