"""What the sample's messages are made of: people, words, encodings, threads."""

import base64
import random
import time

CRLF = b"\r\n"

# (name, address, charset that this person's program writes)
PEOPLE = [
    ("Anna Example", "anna@example.org", "us-ascii"),
    ("Ben O'Sample", "ben@example.com", "us-ascii"),
    ("Zoë Müßig", "zoe@example.net", "iso-8859-1"),
    ("王小明", "wang@example.cn", "gb2312"),
    ("李雷", "lilei@example.cn", "gb18030"),
    ("陳大文", "chan@example.hk", "big5"),
    ("山田太郎", "taro@example.jp", "iso-2022-jp"),
    ("山田花子", "hanako@example.jp", "shift_jis"),
    ("홍길동", "hong@example.kr", "euc-kr"),
    ("سارة", "sara@example.ae", "utf-8"),
    ("דנה", "dana@example.il", "iso-8859-8"),
    ("Иван Примеров", "ivan@example.ru", "koi8-r"),
    ("Łukasz Wzór", "lukasz@example.pl", "iso-8859-2"),
]

SUBJECTS = {
    "us-ascii": ["Minutes of Tuesday", "Invoice 2041", "Where is the ladder?", "Lunch", "Re-reading chapter 4"],
    "iso-8859-1": ["Grüße aus Köln", "Façade à rénover", "Größe der Tür"],
    "gb2312": ["会议纪要", "周末去爬山吗", "关于报销的说明"],
    "gb18030": ["项目进度㐂", "请查收附件", "春节安排"],
    "big5": ["會議記錄", "請查收附件", "週末爬山"],
    "iso-2022-jp": ["会議の議事録", "お見積りの件", "来週の予定"],
    "shift_jis": ["ご確認ください", "資料の送付", "写真ができました"],
    "euc-kr": ["회의록", "주말 계획", "첨부 파일을 확인해 주세요"],
    "utf-8": ["محضر الاجتماع", "رحلة نهاية الأسبوع", "الفاتورة"],
    "iso-8859-8": ["סיכום הפגישה", "תמונות מהטיול"],
    "koi8-r": ["Протокол встречи", "Фотографии"],
    "iso-8859-2": ["Żółta łódź", "Zdjęcia z gór"],
}

SENTENCES = {
    "us-ascii": ["The roof is dry again.", "Bring the long ladder on Thursday.", "I counted the chairs twice.",
                 "The train leaves at nine.", "Nobody has asked for the key so far."],
    "iso-8859-1": ["Die Tür klemmt noch immer.", "Nous irons à la mer en été.", "Mañana será otro día."],
    "gb2312": ["我们星期四下午开会。", "请把文件放在桌子上。", "山上的风很大。"],
    "gb18030": ["新的报表已经做好了。", "请在月底以前回复。", "北京下雪了。"],
    "big5": ["我們星期四下午開會。", "請把文件放在桌子上。", "山上的風很大。"],
    "iso-2022-jp": ["木曜日の午後に会議があります。", "資料を机の上に置いてください。", "東京は雨です。"],
    "shift_jis": ["写真を送ります。", "来週の月曜日に伺います。", "よろしくお願いします。"],
    "euc-kr": ["목요일 오후에 회의가 있습니다.", "서울에는 눈이 옵니다.", "자료를 보내 드립니다."],
    "utf-8": ["سنلتقي يوم الخميس.", "المطر شديد اليوم.", "أرسلت لك الصور."],
    "iso-8859-8": ["ניפגש ביום חמישי.", "יורד גשם בתל אביב."],
    "koi8-r": ["Встреча в четверг.", "Сегодня идёт дождь."],
    "iso-8859-2": ["Spotkamy się w czwartek.", "W górach pada śnieg."],
}


def q_word(text, charset):
    """An encoded word in Q (RFC 2047, section 4.2)."""
    code = "".join(chr(octet) if chr(octet).isalnum() and octet < 128 else "_" if octet == 32 else f"={octet:02X}"
                   for octet in text.encode(charset))
    return f"=?{charset}?Q?{code}?="


def b_word(text, charset):
    """An encoded word in B (RFC 2047, section 4.1)."""
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def encoded(text, charset, chance):
    """Text as a header holds it: as it is, or as encoded words split where a line would be too long."""
    if text.isascii():
        return text
    pieces = [text[start:start + 8] for start in range(0, len(text), 8)]
    word = q_word if charset.startswith("iso-8859") and chance.random() < 0.7 else b_word
    return "\r\n ".join(word(piece, charset) for piece in pieces)


def quoted_printable(octets):
    """RFC 2045, section 6.7, by hand so that no version of Python changes a byte."""
    out = []
    for line in octets.split(CRLF):
        current = ""
        for position, octet in enumerate(line):
            last = position + 1 == len(line)
            plain = (33 <= octet <= 126 and octet != 61) or (octet in (9, 32) and not last)
            piece = chr(octet) if plain else f"={octet:02X}"
            if len(current) + len(piece) > 75:
                out.append(current + "=")
                current = ""
            current += piece
        out.append(current)
    return "\r\n".join(out).encode()


def base64_lines(octets):
    code = base64.b64encode(octets)
    return CRLF.join(code[start:start + 76] for start in range(0, len(code), 76))


def date_header(seconds, zone="+0000"):
    offset = int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
    moment = time.gmtime(seconds + offset)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.tm_wday]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[moment.tm_mon - 1]
    return (f"{day}, {moment.tm_mday} {month} {moment.tm_year} "
            f"{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d} {zone}")


class Thread:
    """The conversations of a folder: sometimes a message answers an earlier one."""

    def __init__(self, chance, folder):
        self.chance, self.folder, self.past = chance, folder, []

    def next(self, identifier, subject):
        """(subject, In-Reply-To, References) of the next message."""
        if self.past and self.chance.random() < 0.3:
            parent, words, references = self.chance.choice(self.past[-12:])
            references = references + [parent]
            self.past.append((identifier, words, references))
            return "Re: " + words, parent, references[-6:]
        self.past.append((identifier, subject, []))
        return subject, None, []


class Pen:
    """Writes one message: its header, and the words of the one who writes."""

    def __init__(self, chance, thread, date, name):
        self.chance, self.thread, self.date, self.name = chance, thread, date, name
        self.sender = chance.choice(PEOPLE)
        self.charset = self.sender[2]
        self.id = f"<{name.encode().hex()}.{date}@mail.example>"
        self.zone = chance.choice(["+0000", "+0100", "+0800", "+0900", "-0500", "+0530"])

    def subject(self):
        return self.chance.choice(SUBJECTS[self.charset])

    def person(self, who=None):
        name, address, charset = who or self.sender
        if name.isascii():
            return f'"{name}" <{address}>' if "'" in name else f"{name} <{address}>"
        return f"{encoded(name, charset, self.chance)} <{address}>"

    def text(self, lines=None):
        """Some lines of the sender's language, with CR LF."""
        count = lines or self.chance.randint(3, 14)
        return "\r\n".join(self.chance.choice(SENTENCES[self.charset]) for _ in range(count)) + "\r\n"

    def head(self, *extra, subject=None, mime=True):
        """The header's octets up to and with its last line end; `extra` are whole fields."""
        words, parent, references = self.thread.next(self.id, subject or self.subject())
        # The subject of a reply may be in another person's charset.
        charset = self.charset
        try:
            words.encode(charset)
        except UnicodeEncodeError:
            charset = "utf-8"
        to = [self.person(one) for one in self.chance.sample(PEOPLE, self.chance.choice([1, 1, 1, 2, 3]))]
        fields = ["Return-Path: <" + self.sender[1] + ">",
                  f"Received: from mail.example ([192.0.2.{self.chance.randrange(1, 250)}])\r\n"
                  f"\tby mx.example.org with ESMTPS; {date_header(self.date)}",
                  "Message-ID: " + self.id,
                  "Date: " + date_header(self.date - 7, self.zone),
                  "From: " + self.person(),
                  "To: " + ",\r\n ".join(to),
                  "Subject: " + encoded(words, charset, self.chance)]
        if parent:
            fields += ["In-Reply-To: " + parent, "References: " + "\r\n ".join(references)]
        if mime:
            fields.append("MIME-Version: 1.0")
        return "\r\n".join(fields + list(extra)).encode("utf-8") + CRLF

    def leaf(self, kind, octets, encoding, *extra):
        """A part: header and body, without a boundary."""
        body = {"base64": base64_lines, "quoted-printable": quoted_printable}.get(encoding, bytes)(octets)
        fields = [f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}", *extra]
        return "\r\n".join(fields).encode() + CRLF + CRLF + body + CRLF

    def words_leaf(self):
        """A text/plain part in the sender's charset."""
        encoding = self.chance.choice(["base64", "quoted-printable", "8bit"])
        if self.charset == "us-ascii" or self.charset == "iso-2022-jp":
            encoding = "7bit"
        return self.leaf(f"text/plain; charset={self.charset}", self.text().encode(self.charset), encoding)

    def multipart(self, subtype, pieces, *parameters):
        """(Content-Type field, body octets)."""
        boundary = f"=_{self.chance.randrange(16 ** 12):012x}"
        field = "; ".join([f'Content-Type: multipart/{subtype}', *parameters]) + f';\r\n boundary="{boundary}"'
        mark = boundary.encode()
        body = b"".join(b"--" + mark + CRLF + piece + CRLF for piece in pieces) + b"--" + mark + b"--" + CRLF
        return field, body

    def noise(self, count):
        return self.chance.randbytes(count)


class Stock:
    """Material for messages made by the thousand: cut from one block, so that 91 MB take seconds."""

    def __init__(self, chance, size):
        self.chance = chance
        self.base64 = base64_lines(chance.randbytes(size * 3 // 4))
        lines = [" ".join(chance.choice(SENTENCES["us-ascii"]) for _ in range(2)) for _ in range(2000)]
        self.text = "\r\n".join(lines).encode()

    def _cut(self, block, size):
        """About `size` octets in whole lines."""
        start = block.index(CRLF, self.chance.randrange(max(1, len(block) - size - 200))) + 2
        end = block.rfind(CRLF, start, start + size)
        return block[start:end + 2] if end > start else CRLF

    def message(self, number, date, size):
        name, address, charset = PEOPLE[number % len(PEOPLE)]
        subject = encoded(f"{SUBJECTS[charset][number % 2]} {number}", charset, random.Random(number))
        sender = encoded(name, charset, random.Random(number))
        head = (f"Received: from mail.example ([192.0.2.{number % 250}])\r\n\tby mx.example.org; {date_header(date)}\r\n"
                f"Message-ID: <bulk.{number}.{date}@mail.example>\r\nDate: {date_header(date)}\r\n"
                f"From: {sender} <{address}>\r\nTo: reader@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n")
        room = max(200, size - len(head) - 200)
        if room < 6000:
            text = self._cut(self.text, room)
            return head.encode() + b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + text
        boundary = f"=_bulk{number}".encode()
        return b"".join([
            head.encode(), b'Content-Type: multipart/mixed; boundary="', boundary, b'"\r\n\r\n--', boundary,
            b"\r\nContent-Type: text/plain\r\n\r\n", self._cut(self.text, min(3000, room // 3)), b"--", boundary,
            b'\r\nContent-Type: application/octet-stream; name="data.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n',
            self._cut(self.base64, room - min(3000, room // 3)), b"--", boundary, b"--\r\n"])
