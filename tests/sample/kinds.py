"""The kinds of message in the sample, one function each: Pen → octets.

USUAL are in every folder; BROKEN, each once in INBOX, are what mail programs stumble over.
"""

from parts import CRLF, b_word


def plain(pen):
    return pen.head("Content-Type: text/plain; charset=us-ascii") + CRLF + b"The roof is dry again.\r\n" * 4


def in_own_charset(pen):
    return pen.head() + pen.words_leaf()


def flowed(pen):
    text = "This line is soft and goes on \r\nhere, where it ends.\r\n\r\n> quoted \r\n> and soft\r\n-- \r\nthe sender\r\n"
    return pen.head("Content-Type: text/plain; charset=us-ascii; format=flowed; delsp=no") + CRLF + text.encode()


def alternative(pen):
    html = "<html><body><p>" + pen.text(3).replace("\r\n", "<br>\r\n") + "</p></body></html>\r\n"
    field, body = pen.multipart("alternative", [
        pen.words_leaf(),
        pen.leaf("text/html; charset=utf-8", html.encode(), "quoted-printable")])
    return pen.head(field) + CRLF + body


def html_only(pen):
    html = f"<!doctype html><title>{pen.subject()}</title><p>{pen.text(4)}</p><img src=\"cid:none\">\r\n"
    return pen.head() + pen.leaf("text/html; charset=utf-8", html.encode(), "base64")


def attachment(pen):
    name = pen.chance.choice(["report.pdf", "notes.txt", "picture.png"])
    data = pen.noise(pen.chance.randint(8_000, 60_000))
    field, body = pen.multipart("mixed", [
        pen.words_leaf(),
        pen.leaf(f'application/octet-stream; name="{name}"', data, "base64",
                 f'Content-Disposition: attachment; filename="{name}"')])
    return pen.head(field) + CRLF + body


def attachment_with_a_name_in_rfc2231(pen):
    name = "季度报表 第一部分.xlsx".encode()
    code = "".join(f"%{octet:02X}" for octet in name)
    half = len(code) // 6 * 3
    field, body = pen.multipart("mixed", [
        pen.words_leaf(),
        pen.leaf("application/vnd.ms-excel", pen.noise(3000), "base64",
                 "Content-Disposition: attachment;\r\n"
                 f" filename*0*=utf-8'zh'{code[:half]};\r\n filename*1*={code[half:]}")])
    return pen.head(field) + CRLF + body


def attachment_with_a_name_in_rfc2047(pen):
    name = b_word("議事録.txt", "iso-2022-jp")
    field, body = pen.multipart("mixed", [
        pen.words_leaf(),
        pen.leaf(f'text/plain; charset=iso-2022-jp; name="{name}"', "木曜日の午後\r\n".encode("iso-2022-jp"), "7bit",
                 f'Content-Disposition: attachment; filename="{name}"')])
    return pen.head(field) + CRLF + body


def related(pen):
    html = '<p>A picture:</p><img src="cid:picture@mail.example">\r\n'
    field, body = pen.multipart("related", [
        pen.leaf("text/html; charset=utf-8", html.encode(), "7bit"),
        pen.leaf("image/png", pen.noise(1500), "base64", "Content-ID: <picture@mail.example>",
                 "Content-Disposition: inline")], 'type="text/html"')
    return pen.head(field) + CRLF + body


def nested(pen):
    inner = in_own_charset(pen)
    innermost, body = pen.multipart("digest", [b"Content-Type: message/rfc822\r\n\r\n" + inner])
    middle = pen.head(innermost, subject="Collected") + CRLF + body
    field, body = pen.multipart("mixed", [pen.words_leaf(), b"Content-Type: message/rfc822\r\n\r\n" + middle])
    return pen.head(field) + CRLF + body


def calendar(pen):
    event = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//sample//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
             f"UID:{pen.date}@mail.example\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240104T140000Z\r\n"
             f"SUMMARY:{pen.subject()}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    field, body = pen.multipart("alternative", [
        pen.words_leaf(), pen.leaf("text/calendar; charset=utf-8; method=REQUEST", event.encode(), "base64")])
    return pen.head(field) + CRLF + body


def mailing_list(pen):
    return pen.head("List-Id: Ladders and roofs <ladders.lists.example>", "List-Post: <mailto:ladders@lists.example>",
                    "List-Unsubscribe: <mailto:ladders-request@lists.example?subject=unsubscribe>",
                    "Precedence: list", "Content-Type: text/plain; charset=us-ascii") + CRLF + \
        b"On Tuesday somebody wrote:\r\n> Where is the ladder?\r\n\r\nBehind the shed.\r\n"


def bounce(pen):
    report = ("Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; nobody@example.org\r\n"
              "Action: failed\r\nStatus: 5.1.1\r\n")
    field, body = pen.multipart("report", [
        pen.leaf("text/plain; charset=us-ascii", b"The address is not known here.\r\n", "7bit"),
        pen.leaf("message/delivery-status", report.encode(), "7bit"),
        b"Content-Type: text/rfc822-headers\r\n\r\nSubject: lost\r\nTo: nobody@example.org\r\n"],
        "report-type=delivery-status")
    return pen.head(field) + CRLF + body


def group_address(pen):
    return pen.head("Cc: The neighbours: anna@example.org, (upstairs) ben@example.com;, undisclosed-recipients:;",
                    "Content-Type: text/plain; charset=us-ascii") + CRLF + b"To all of you.\r\n"


# Those that are more frequent in life are here more than once.
USUAL = [(maker.__name__, maker) for maker in (
    plain, in_own_charset, flowed, alternative, attachment, in_own_charset, html_only, mailing_list,
    attachment_with_a_name_in_rfc2231, related, in_own_charset, calendar, nested, attachment_with_a_name_in_rfc2047,
    bounce, group_address)]


# What follows breaks some rule each, or stands at the edge of one.

def dot_lines(pen):
    return pen.head() + CRLF + b".\r\n..\r\n.hidden\r\n. spaced\r\n...\r\nlast line is a dot\r\n.\r\n"


def nul(pen):
    return pen.head() + CRLF + b"before\0after\r\n\0\r\nend\r\n"


def raw_eight_bit(pen):
    return (pen.head() + "X-Raw: Grüße 你好\r\n".encode() + b"X-Latin: \xe9\xe8\r\n\r\n" +
            "没有声明字符集的正文\r\n".encode("gbk") + bytes(range(128, 256)) + CRLF)


def empty(_):
    return b""


def header_only(pen):
    return pen.head()


def header_without_end(pen):
    return pen.head()[:-2]


def body_only(_):
    return b"\r\nThere is no header at all.\r\n"


def no_final_line_end(pen):
    return pen.head() + CRLF + b"This ends in the middle of a li"


def long_lines(pen):
    return pen.head("X-Long: " + "x" * 9000) + CRLF + b"y" * 120_000 + CRLF + b"short\r\n"


def bare_cr(pen):
    return pen.head() + CRLF + b"one\rtwo\r\rthree\r\nfour\r"


def bare_lf(pen):
    return pen.head().replace(CRLF, b"\n") + b"\nonly\nline\nfeeds\n"


def mixed_line_ends(pen):
    return pen.head() + b"\n" + b"feed\nboth\r\nreturn\rend\n"


def from_lines(pen):
    return pen.head() + CRLF + b"From somebody Mon Jan  1 00:00:00 2024\r\n>From quoted\r\nFrom: looks like a field\r\n"


def unclosed_multipart(pen):
    field, body = pen.multipart("mixed", [pen.words_leaf()])
    return pen.head(field) + CRLF + body[:-20]


def multipart_without_boundary(pen):
    return pen.head("Content-Type: multipart/mixed") + CRLF + b"--none\r\n\r\nlost\r\n"


def damaged_base64(pen):
    return pen.head("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64") + CRLF + \
        b"R3LDvMOf!!ZSB\r\naXMgbm90=IGNs\r\n*b3NlZA\r\n"


def damaged_quoted_printable(pen):
    return pen.head("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable") + CRLF + \
        b"=C3=BC =G1 = end=\r\n=\r\ntrailing   \r\n=E4=BD"


def unknown_charset(pen):
    return pen.head("Content-Type: text/plain; charset=x-unheard-of") + CRLF + b"\xff\xfe words\r\n"


def deep_nesting(pen):
    body = b"the kernel\r\n"
    field = "Content-Type: text/plain"
    for level in range(40):
        inner = field.encode() + CRLF + CRLF + body
        mark = f"level{level}"
        field, body = f'Content-Type: multipart/mixed; boundary="{mark}"', \
            b"--" + mark.encode() + CRLF + inner + CRLF + b"--" + mark.encode() + b"--\r\n"
    return pen.head(field) + CRLF + body


def repeated_fields(pen):
    return pen.head("Subject: a second subject", "From: second@example.org", "Date: yesterday, more or less",
                    "Content-Type: text/plain", "Content-Type: text/html") + CRLF + b"Which of them counts?\r\n"


def many_recipients(pen):
    return pen.head("Bcc: " + ",\r\n ".join(f"reader{number}@example.org" for number in range(1500))) + CRLF + b"Hi\r\n"


def strange_dates(pen):
    octets = pen.head("Content-Type: text/plain") + CRLF + b"x\r\n"
    start = octets.index(b"\r\nDate: ") + 8
    return octets[:start] + b"Tue, 29 Feb 00 25:61:61 EST (no such hour)" + octets[octets.index(CRLF, start):]


def header_with_colonless_line(pen):
    return pen.head() + b"this line has no colon\r\nX-After: still a field?\r\n\r\nbody\r\n"


BROKEN = [(maker.__name__, maker) for maker in (
    dot_lines, nul, raw_eight_bit, empty, header_only, header_without_end, body_only, no_final_line_end, long_lines,
    bare_cr, bare_lf, mixed_line_ends, from_lines, unclosed_multipart, multipart_without_boundary, damaged_base64,
    damaged_quoted_printable, unknown_charset, deep_nesting, repeated_fields, many_recipients, strange_dates,
    header_with_colonless_line)]
