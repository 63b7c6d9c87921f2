#include "libsync/mime/message.h"

#include <gtest/gtest.h>

#include "libsync/mime/body.h"
#include "libsync/mime/describe.h"

namespace libsync::mime {
namespace {

// "1 text/plain 'body' lines" for each part, in order.
std::string tree(const Message& m) {
  std::string out;
  for (uint32_t i = 0; i < m.parts.size(); ++i) {
    const Part& p = m.parts[i];
    out += "[" + section_number(m, i) + "]" + p.type + "/" + p.subtype;
    if (p.kind == PartKind::Leaf) out += "'" + std::string(m.view(p.body)) + "'" + std::to_string(p.body_lines);
    out += ' ';
  }
  return out;
}

// Replaces every LF by the line end that is asked for.
std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string out;
  for (const char c : text) c == '\n' ? void(out += line_end) : void(out += c);
  return out;
}

constexpr std::string_view kMixed =
    "From: a@x\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\n"
    "Content-Type: text/html\n\ntwo\nlines\n\n--b--\nepilogue\n";

TEST(Parse, FindsThePartsOfAMultipart) {
  for (const std::string_view line_end : {"\n", "\r\n", "\r"}) {
    const std::string bytes = with_line_ends(kMixed, line_end);
    const Message m = parse(bytes);
    ASSERT_EQ(m.parts.size(), 3U) << line_end.size();
    EXPECT_EQ(m.root().kind, PartKind::Multipart);
    EXPECT_EQ(m.view(m.parts[1].body), "one");
    EXPECT_EQ(m.parts[1].body_lines, 0U);
    EXPECT_EQ(m.view(m.parts[2].body), with_line_ends("two\nlines\n", line_end));
    EXPECT_EQ(m.parts[2].body_lines, 2U);
    EXPECT_EQ(m.root().body.end(), bytes.size());
    EXPECT_EQ(m.root().body_lines, 12U);
    EXPECT_EQ(m.root().header.end(), m.root().body.offset);
    EXPECT_EQ(m.defects.total(), 0U);
  }
}

TEST(Parse, ReadsMessagesWithNextToNothing) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", "[1]text/plain''0 "},
      {"\n", "[1]text/plain''0 "},
      {"\r\n", "[1]text/plain''0 "},
      {"\r\n\r\n", "[1]text/plain'\r\n'1 "},
      {"A: b", "[1]text/plain''0 "},
      {"A: b\n", "[1]text/plain''0 "},
      {"A: b\n\n", "[1]text/plain''0 "},
      {"\nbody", "[1]text/plain'body'0 "},
      {"body only\nwithout header", "[1]text/plain'body only\nwithout header'1 "},
      {"A: b\nno empty line\nmore", "[1]text/plain'no empty line\nmore'1 "},
      {":", "[1]text/plain':'0 "},
      {" x\n", "[1]text/plain' x\n'1 "},
      {"-", "[1]text/plain'-'0 "},
  };
  for (const auto& [bytes, expected] : table) EXPECT_EQ(tree(parse(bytes)), expected) << bytes;
  const std::string_view nuls("A: b\0c\n\n\0x\0", 11);
  EXPECT_EQ(parse(nuls).root().body.length, 3U);
}

struct Case {
  std::string_view in, out;
  std::optional<Fault> fault{};
};

TEST(Parse, GivesTheBestReadingOfDamage) {
  for (const Case& c : {
           Case{"Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n", "[1]multipart/mixed'--b\n\nx\n--b--\n'4 ",
                Fault::NoBoundaryParameter},
           Case{"Content-Type: multipart/mixed; boundary=b\n\ntext\n", "[]multipart/mixed ", Fault::NoDelimiter},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n", "[]multipart/mixed [1]text/plain'x\n'1 ",
                Fault::NoCloseDelimiter},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b",
                "[]multipart/mixed [1]text/plain'x'0 "
                "[2]text/plain''0 ",
                Fault::NoCloseDelimiter},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b--\nepilogue", "[]multipart/mixed ",
                Fault::NoDelimiter},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b--\n",
                "[]multipart/mixed [1]text/plain''0 [2]text/plain''0 "},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b--\n",
                "[]multipart/mixed [1]text/html''0 "},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\nx\n--b-- \n",
                "[]multipart/mixed [1]text/plain'x'0 "},
           Case{"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bb\n--bx--\n -- b\n--b--\n",
                "[]multipart/mixed [1]text/plain'--bb\n--bx--\n -- b'2 "},
           Case{"Content-Type: foo\n\nx", "[1]text/plain'x'0 ", Fault::BadContentType},
           Case{"Content-Type: text/html\nContent-Type: text/plain\n\nx", "[1]text/html'x'0 ", Fault::DuplicateField},
           Case{"Content-Transfer-Encoding: odd\n\nx", "[1]text/plain'x'0 ", Fault::UnknownEncoding},
           Case{"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdA==",
                "[1]message/rfc822'U3ViamVjdA=='0 ", Fault::EncodedContainer},
           Case{"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\nx\n--b--",
                "[]multipart/mixed [1]text/plain'x'0 ", Fault::EncodedContainer},
       }) {
    const Message m = parse(c.in);
    EXPECT_EQ(tree(m), c.out) << c.in;
    EXPECT_EQ(m.defects.total() > 0, c.fault.has_value()) << c.in;
    if (c.fault) {
      EXPECT_TRUE(m.defects.has(*c.fault)) << c.in;
    }
  }
}

TEST(Parse, GivesADelimiterTheLineEndBeforeItAlsoBehindAHeader) {
  for (const char* line_end : {"\n", "\r\n"}) {
    const std::string bytes = with_line_ends(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: b\n--b\nC: d\n\n--b\nContent-Type: message/rfc822\n\n"
        "Subject: x\n--b\nContent-Type: message/rfc822\n\n--b\n--b--\n",
        line_end);
    const Message m = parse(bytes);
    const auto trimmed = [&](std::string_view spec) {
      const auto span = section(m, spec);
      return span ? m.view(*span) : std::string_view("none");
    };
    EXPECT_EQ(trimmed("1.MIME"), "A: b");
    EXPECT_EQ(trimmed("2.MIME"), std::string("C: d") + line_end);
    EXPECT_EQ(trimmed("3"), "Subject: x");
    EXPECT_EQ(trimmed("3.HEADER"), "Subject: x");
    EXPECT_EQ(trimmed("4.MIME"), std::string("Content-Type: message/rfc822") + line_end);
    EXPECT_EQ(trimmed("4.HEADER"), "");
    EXPECT_EQ(trimmed("5.MIME"), "");
    for (const Part& part : m.parts) {  // no part reaches over its container's end
      EXPECT_EQ(part.header.end(), part.body.offset);
      if (part.parent == kNoPart) continue;
      EXPECT_GE(part.header.offset, m.parts[part.parent].body.offset);
      EXPECT_LE(part.body.end(), m.parts[part.parent].body.end());
    }
  }
}

TEST(Parse, TellsBoundariesApartThatBeginAlike) {
  const Message m = parse(
      "Content-Type: multipart/mixed; boundary=\"b1\"\n\n--b1\nContent-Type: multipart/alternative; boundary=b\n\n"
      "--b\n\ninner\n--b1\n\nouter\n--b1--\n");
  EXPECT_EQ(tree(m), "[]multipart/mixed [1]multipart/alternative [1.1]text/plain'inner'0 [2]text/plain'outer'0 ");
  EXPECT_TRUE(m.defects.has(Fault::NoCloseDelimiter));  // the inner one
}

TEST(Parse, FindsABoundaryInRfc2231Form) {
  const Message m =
      parse("Content-Type: multipart/mixed; boundary*0*=us-ascii''%62; boundary*1=c\n\n--bc\n\nx\n--bc--\n");
  EXPECT_EQ(tree(m), "[]multipart/mixed [1]text/plain'x'0 ");
}

TEST(Parse, ClosesTheInnerOfTwoMultipartsWithOneBoundary) {
  const Message m = parse(
      "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"
      "--b\n\ny\n--b--\n");
  EXPECT_EQ(tree(m), "[]multipart/mixed [1]multipart/mixed [1.1]text/plain'x'0 [2]text/plain'y'0 ");
}

TEST(Parse, GivesADigestItsDefaultType) {
  const Message m = parse(
      "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nbody\n--b\nContent-Type: text/plain\n\n"
      "plain\n--b--\n");
  EXPECT_EQ(tree(m), "[]multipart/digest [1]message/rfc822 [1.1]text/plain'body'0 [2]text/plain'plain'0 ");
  EXPECT_EQ(m.view(m.parts[2].header), "Subject: x\n\n");
  EXPECT_EQ(m.parts[1].body_lines, 2U);
}

constexpr std::string_view kNested =
    "Subject: outer\n"
    "Content-Type: multipart/mixed; boundary=o\n\n"
    "--o\nContent-Type: text/plain\n\nfirst\n"
    "--o\nContent-Type: message/rfc822\n\n"
    "Subject: middle\nContent-Type: multipart/mixed; boundary=i\n\n"
    "--i\n\ninner one\n"
    "--i\nContent-Type: message/rfc822\n\nSubject: deep\n\ndeep body\n"
    "--i--\n"
    "--o--\n";

TEST(Section, NamesPartsAsImapDoes) {
  const Message m = parse(kNested);
  const auto view = [&](std::string_view spec) {
    const auto span = section(m, spec);
    return span ? std::string(m.view(*span)) : "none";
  };
  EXPECT_EQ(view(""), kNested);
  EXPECT_EQ(view("HEADER"), "Subject: outer\nContent-Type: multipart/mixed; boundary=o\n\n");
  EXPECT_EQ(view("text").substr(0, 4), "--o\n");
  EXPECT_EQ(view("1"), "first");
  EXPECT_EQ(view("1.MIME"), "Content-Type: text/plain\n\n");
  EXPECT_EQ(view("2").substr(0, 15), "Subject: middle");
  EXPECT_EQ(view("2.MIME"), "Content-Type: message/rfc822\n\n");
  EXPECT_EQ(view("2.header").substr(0, 15), "Subject: middle");
  EXPECT_EQ(view("2.TEXT").substr(0, 4), "--i\n");
  EXPECT_EQ(view("2.1"), "inner one");
  EXPECT_EQ(view("2.2"), "Subject: deep\n\ndeep body");
  EXPECT_EQ(view("2.2.HEADER"), "Subject: deep\n\n");
  EXPECT_EQ(view("2.2.TEXT"), "deep body");
  EXPECT_EQ(view("2.2.1"), "deep body");
  for (const char* none : {"3", "0", "1.1", "1.HEADER", "1.TEXT", "MIME", "2.2.2", "2.3", "1.", ".1", "1..1", "x", "-1",
                           "99999999999999999999", "2.2.1.1", "1.FOO", "HEADER.FIELDS"}) {
    EXPECT_EQ(view(none), "none") << none;
  }
}

TEST(Section, NumbersLeadBackToTheirParts) {
  const Message m = parse(kNested);
  std::string numbers;
  for (uint32_t i = 0; i < m.parts.size(); ++i) numbers += section_number(m, i) + " ";
  EXPECT_EQ(numbers, " 1 2 2 2.1 2.2 2.2.1 ");
  for (uint32_t i = 0; i < m.parts.size(); ++i) {
    const bool nested_multipart = i == 3;  // shares its container's number
    EXPECT_EQ(part_of(m, section_number(m, i)), nested_multipart ? 2U : i);
  }
}

TEST(Section, OneIsTheBodyOfAPlainMessage) {
  const Message m = parse("A: b\n\nbody");
  EXPECT_EQ(m.view(*section(m, "1")), "body");
  EXPECT_EQ(m.view(*section(m, "1.MIME")), "A: b\n\n");
  EXPECT_FALSE(section(m, "1.1"));
  EXPECT_FALSE(section(m, "2"));
  const Message forwarded = parse("Content-Type: message/rfc822\n\nA: b\n\nbody");
  EXPECT_EQ(forwarded.view(*section(forwarded, "1.1")), "body");
  EXPECT_EQ(forwarded.view(*section(forwarded, "1.HEADER")), "A: b\n\n");
}

std::string nested_multiparts(size_t depth) {
  std::string bytes;
  for (size_t i = 0; i < depth; ++i) {
    const std::string b = "b" + std::to_string(i);
    bytes += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n";
  }
  return bytes + "\nbody\n";
}

TEST(Limits, StopNestingAtADepth) {
  const std::string bytes = nested_multiparts(100'000);
  const Message m = parse(bytes);
  EXPECT_EQ(m.parts.size(), kMaxDepth);
  EXPECT_TRUE(m.defects.has(Fault::TooDeep));
  EXPECT_EQ(m.parts.back().kind, PartKind::Leaf);
  EXPECT_EQ(m.parts.back().body.end(), bytes.size());  // what lies deeper is still there as octets
  std::string messages;
  for (int i = 0; i < 100'000; ++i) messages += "Content-Type: message/rfc822\n\n";
  EXPECT_EQ(parse(messages).parts.size(), kMaxDepth);
  EXPECT_EQ(parse(nested_multiparts(5), {.depth = 3}).parts.size(), 3U);
}

TEST(Limits, StopListingPartsAtANumber) {
  std::string bytes = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 100'000; ++i) bytes += "--b\n\nx\n";
  bytes += "--b--\n";
  const Message m = parse(bytes);
  EXPECT_EQ(m.parts.size(), kMaxParts);
  EXPECT_TRUE(m.defects.has(Fault::TooManyParts));
  EXPECT_FALSE(m.defects.has(Fault::NoCloseDelimiter));
  EXPECT_LE(m.defects.list().size(), kMaxDefects);
}

TEST(Limits, HoldForHeadersAndBoundaries) {
  std::string bytes;
  for (size_t i = 0; i < kMaxHeaderFields + 10; ++i) bytes += "A: b\n";
  bytes += "Content-Type: text/html\n\nbody";
  const Message m = parse(bytes);
  EXPECT_TRUE(m.defects.has(Fault::TooManyFields));
  EXPECT_EQ(m.root().subtype, "plain");
  EXPECT_EQ(m.view(m.root().body), "body");  // the header still ends where it ends
  const std::string far = "A: " + std::string(kMaxHeaderBytes, 'x') + "\nContent-Type: text/html\n\nbody";
  EXPECT_TRUE(parse(far).defects.has(Fault::TooManyFields));
  EXPECT_EQ(parse(far).root().subtype, "plain");
  const std::string wide = "Content-Type: multipart/mixed; boundary=" + std::string(2000, 'b') + "\n\n";
  EXPECT_TRUE(parse(wide).defects.has(Fault::NoBoundaryParameter));
}

TEST(Limits, LinesOf50MegabytesTakeLinearTime) {
  const std::string line(50 << 20, 'x');
  Converters converters;
  for (const std::string_view before :
       {"", "A: ", "A: b\n\n", "--", "Content-Type: ", "Content-Type: multipart/mixed; boundary=",
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x", "\r\n "}) {
    const std::string bytes = std::string(before) + line;
    const Message m = parse(bytes);
    EXPECT_GE(m.parts.size(), 1U);
    EXPECT_LE(text_of(m, converters).size(), kMaxText);
    describe(m, converters);
  }
}

TEST(Limits, ManyDelimiterLinesTakeLinearTime) {
  std::string bytes;
  for (int i = 0; i < 60; ++i) {
    const std::string b(900, static_cast<char>('a' + i % 26));
    bytes += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n";
  }
  bytes += "\n";
  while (bytes.size() < (8 << 20)) bytes += "--" + std::string(899, 'a') + "\n--\n--x\n";
  EXPECT_GE(parse(bytes).parts.size(), 60U);
}

TEST(PartInfo, DecodesWhatTheHeaderSays) {
  Converters converters;
  const Message m = parse(
      "Content-Type: application/pdf; name=\"=?utf-8?B?5L2g?=.pdf\"\nContent-Transfer-Encoding: BASE64\n"
      "Content-Disposition: attachment;\n filename*0*=utf-8''%E4%BD%A0;\n filename*1=\"1.pdf\"\nContent-ID: <1@x>\n"
      "Content-Description: =?utf-8?Q?caf=C3=A9?=\nContent-Location: http://x/\n y\nContent-MD5: abc==\n"
      "Content-Language: en, de\n\nAAAA");
  const PartInfo info = part_info(m, m.root(), converters);
  EXPECT_EQ(info.encoding, "base64");
  ASSERT_TRUE(info.disposition);
  EXPECT_EQ(info.disposition->type, "attachment");
  EXPECT_EQ(info.disposition->raw.front().name, "filename*0*");
  EXPECT_EQ(info.filename, "你1.pdf");
  EXPECT_EQ(find(info.parameters, "name")->value, "你.pdf");
  EXPECT_EQ(info.id, "<1@x>");
  EXPECT_EQ(info.description, "café");
  EXPECT_EQ(info.location, "http://x/ y");
  EXPECT_EQ(info.md5, "abc==");
  EXPECT_EQ(info.languages, (std::vector<std::string>{"en", "de"}));
  EXPECT_TRUE(is_attachment(m.root(), info));
  EXPECT_EQ(decode_body(m, m.root()), std::string(3, '\0'));
}

TEST(PartInfo, KnowsAnUnknownEncodingByItsNameAlone) {
  Converters converters;
  const Message m = parse("Content-Transfer-Encoding: (a comment) Wobbly (another)\n\nx");
  EXPECT_EQ(part_info(m, m.root(), converters).encoding, "wobbly");
}

TEST(PartInfo, TakesTheNameWhereNoFilenameIs) {
  Converters converters;
  const Message m = parse("Content-Type: text/plain; charset=\"utf-8\"; name=a.txt\nContent-Disposition: inline\n\n");
  const PartInfo info = part_info(m, m.root(), converters);
  EXPECT_EQ(info.filename, "a.txt");
  EXPECT_EQ(info.charset, "utf-8");
  EXPECT_EQ(info.encoding, "7bit");
  EXPECT_FALSE(is_attachment(m.root(), info));
}

TEST(Describe, ListsAllThereIs) {
  Converters converters;
  const Message m = parse(kNested);
  const MessageDescription d = describe(m, converters);
  EXPECT_EQ(d.size, kNested.size());
  EXPECT_EQ(d.envelope.subject, "outer");
  ASSERT_EQ(d.parts.size(), 7U);
  EXPECT_EQ(d.parts[3].number, "2");
  EXPECT_EQ(d.parts[3].parent, 2U);
  EXPECT_EQ(d.parts[3].fields[0].text, "middle");
  EXPECT_EQ(d.parts[3].fields[0].offset, kNested.find("Subject: middle"));
  const Message damaged = parse("Subject: =?x?Q?a?=\nContent-Type: multipart/x; boundary=b; b\n\nx");
  const MessageDescription e = describe(damaged, converters);
  std::string faults;
  for (const Defect& defect : e.defects) faults += std::string(name_of(defect.fault)) + " ";
  EXPECT_EQ(faults, "unknown-charset bad-parameter no-delimiter ");
}

TEST(Describe, ListsAHeaderThatIsTooLongOnce) {
  Converters converters;
  const std::string_view bytes = "From: a@x\nSubject: x\nTo: beyond@x\n\n";
  const Limits limits{.header_fields = 2};
  const MessageDescription d = describe(parse(bytes, limits), converters, limits);
  EXPECT_EQ(d.defects, (std::vector<Defect>{{Fault::TooManyFields, bytes.find("To:")}}));
  EXPECT_EQ(d.defects_total, 1U);
}

TEST(Faults, HaveNamesOfTheirOwn) {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Fault::BadUuencode); ++i) {
    const std::string_view name = name_of(static_cast<Fault>(i));
    EXPECT_NE(name, "unknown");
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 0) << name;
    names.push_back(name);
    const std::string_view words = words_of(static_cast<Fault>(i));
    EXPECT_NE(words, name);
    EXPECT_EQ(std::count(names.begin(), names.end(), words), 0) << words;
    names.push_back(words);
  }
}

}  // namespace
}  // namespace libsync::mime
