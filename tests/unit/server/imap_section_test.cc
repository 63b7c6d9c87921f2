// Section specs: read, printed, and what they mean of a message.
#include "libsync/server/imap_section.h"

#include <gtest/gtest.h>

namespace libsync::server {
namespace {

using namespace std::literals;
using Kind = Content::Kind;

struct Parsed {
  std::optional<Section> section;
  std::string why, rest;
};

Parsed parse(const std::string& text, bool binary = false) {
  imap::Quirks quirks;
  // Literals, as the server's reader of commands hands them over: "{n}" CRLF and the octets.
  std::vector<imap::Literal> literals;
  if (const size_t head = text.find("}\r\n"); head != text.npos) {
    literals.push_back({.at = head + 3, .size = std::stoull(text.substr(text.find('{') + 1))});
  }
  const imap::Frame frame{.text = text, .literals = literals};
  imap::Parser in(frame, quirks);
  Section section;
  const bool good = binary ? parse_binary_section(in, section) : parse_section(in, section);
  if (!good) return {.section = {}, .why = in.why(), .rest = {}};
  return {.section = section, .why = {}, .rest = std::string(in.rest())};
}

Section section(const std::string& text) {
  Parsed parsed = parse(text + "]");
  EXPECT_TRUE(parsed.section) << text << ": " << parsed.why;
  return parsed.section.value_or(Section{});
}

std::string printed(const Section& section) {
  std::string out;
  append_section(section, out);
  return out;
}

std::string many(const std::string& word, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += word;
  return out;
}

TEST(ImapSection, IsReadAndPrintedInOneForm) {
  const std::pair<const char*, const char*> forms[] = {
      {"", ""},
      {"header", "HEADER"},
      {"Text", "TEXT"},
      {"1", "1"},
      {"1.2.30", "1.2.30"},
      {"1.2.mime", "1.2.MIME"},
      {"4.HEADER", "4.HEADER"},
      {"4.1.text", "4.1.TEXT"},
      {"header.fields (Subject)", "HEADER.FIELDS (Subject)"},
      {"HEADER.FIELDS (From \"To\" x-y)", "HEADER.FIELDS (From To x-y)"},
      {"3.Header.Fields.Not (DATE nil \"a b\" \"c]\")", "3.HEADER.FIELDS.NOT (DATE \"nil\" \"a b\" \"c]\")"},
      {"HEADER.FIELDS ({7}\r\nSubject \"a\\\"\")", "HEADER.FIELDS (Subject \"a\\\"\")"},
  };
  for (const auto& [text, form] : forms) {
    const Section first = section(text);
    EXPECT_EQ(printed(first), form);
    EXPECT_EQ(section(form), first) << form;
  }
}

TEST(ImapSection, LeavesWhatStandsBehindIt) {
  EXPECT_EQ(parse("1.MIME]<0.10> FLAGS)").rest, "<0.10> FLAGS)");
  EXPECT_EQ(parse("]").rest, "");
}

TEST(ImapSection, RefusesWhatIsNone) {
  for (const char* text : {"0]",
                           "01]",
                           "1.]",
                           "1..2]",
                           ".1]",
                           "1.02]",
                           "4294967296]",
                           "99999999999999999999]",
                           "MIME]",
                           "HEADERS]",
                           "HEADER.]",
                           "TEXT.1]",
                           "1 ]",
                           " 1]",
                           "1",
                           "",
                           "HEADER",
                           "HEADER.FIELDS]",
                           "HEADER.FIELDS ()]",
                           "HEADER.FIELDS (a]",
                           "HEADER.FIELDS(a)]",
                           "HEADER.FIELDS (\"\")]",
                           "HEADER.FIELDS (\"a\x07\")]",
                           "HEADER.FIELDS (\xC3\xA9)]",
                           "HEADER.FIELDS ((a))]",
                           "HEADER.FIELDS ({3}\r\na\rb)]",
                           "HEADER.FIELDS (a) x]",
                           "1.HEADER.FIELDS.NOTE (a)]",
                           "-1]"}) {
    const Parsed parsed = parse(text);
    EXPECT_FALSE(parsed.section) << text;
    EXPECT_NE(parsed.why, "") << text;
  }
}

TEST(ImapSection, IsLimited) {
  EXPECT_TRUE(parse("1" + many(".1", kMaxSectionNumbers - 1) + "]").section);
  EXPECT_EQ(parse("1" + many(".1", kMaxSectionNumbers) + "]").why, "too many numbers of parts");
  EXPECT_TRUE(parse("HEADER.FIELDS (a" + many(" b", kMaxSectionFields - 1) + ")]").section);
  EXPECT_EQ(parse("HEADER.FIELDS (a" + many(" b", kMaxSectionFields) + ")]").why, "too many fields");
  EXPECT_TRUE(parse("HEADER.FIELDS (" + std::string(kMaxSectionField, 'a') + ")]").section);
  EXPECT_EQ(parse("HEADER.FIELDS (" + std::string(kMaxSectionField + 1, 'a') + ")]").why, "not the name of a field");
}

TEST(ImapSection, OfBinaryIsNumbersAlone) {
  EXPECT_EQ(parse("]", true).section, Section{});
  EXPECT_EQ(parse("1.2]<", true).section->part, (std::vector<uint32_t>{1, 2}));
  for (const char* text : {"1.]", "1.MIME]", "HEADER]", "0]", "1"}) EXPECT_FALSE(parse(text, true).section) << text;
}

TEST(ImapSection, MayBeAPieceOnly) {
  const auto partial = [](const char* text) {
    imap::Quirks quirks;
    const imap::Frame frame{.text = text, .literals = {}};
    imap::Parser in(frame, quirks);
    std::optional<Partial> out;
    const bool good = parse_partial(in, out);
    return std::pair(good, out);
  };
  EXPECT_EQ(partial("<0.1>"), std::pair(true, std::optional(Partial{0, 1})));
  EXPECT_EQ(partial("<9223372036854775807.9223372036854775807>").second, (Partial{INT64_MAX, INT64_MAX}));
  EXPECT_EQ(partial(" FLAGS"), std::pair(true, std::optional<Partial>()));
  for (const char* text : {"<>", "<1>", "<1.>", "<.1>", "<1.0>", "<1.2", "<-1.2>", "<9223372036854775808.1>",
                           "<0.18446744073709551616>", "<1.2 >"}) {
    EXPECT_FALSE(partial(text).first) << text;
  }
}

TEST(ImapSection, TellsWhatItNeeds) {
  EXPECT_EQ(needs(section("")), Needs::Size);
  for (const char* text : {"HEADER", "TEXT", "HEADER.FIELDS (a)", "HEADER.FIELDS.NOT (a)"}) {
    EXPECT_EQ(needs(section(text)), Needs::Header) << text;
  }
  for (const char* text : {"1", "1.MIME", "2.HEADER", "2.HEADER.FIELDS (a)"}) {
    EXPECT_EQ(needs(section(text)), Needs::Message) << text;
  }
}

// A multipart with a text, a message with a multipart in it, and a file.
constexpr std::string_view kOctets =
    "Subject: out\r\nTo: a@x,\r\n b@x\r\nX-One: 1\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
    "--o\r\nContent-ID: <1>\r\n\r\none\r\n"
    "--o\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: in\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
    "--i\r\n\r\ninner\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--\r\n"
    "--o\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECA\r\nw==\r\n"
    "--o--\r\n";

std::string text_of(const Content& content, std::string_view octets) {
  switch (content.kind) {
    case Kind::Missing:
      return "missing";
    case Kind::UnknownEncoding:
      return "unknown encoding";
    case Kind::Made:
      return "made " + content.text;
    case Kind::Stored:
      break;
  }
  return std::string(octets.substr(content.stored.offset, content.stored.length));
}

std::string octets_of(const std::string& spec, std::string_view octets = kOctets) {
  return text_of(content_of(section(spec), mime::parse(octets)), octets);
}

TEST(ImapSection, OfPartsIsAStretchOfTheMessage) {
  EXPECT_EQ(octets_of(""), kOctets);
  EXPECT_EQ(octets_of("1"), "one");
  EXPECT_EQ(octets_of("1.MIME"), "Content-ID: <1>\r\n\r\n");
  EXPECT_EQ(octets_of("2.MIME"), "Content-Type: message/rfc822\r\n\r\n");
  EXPECT_EQ(octets_of("2.HEADER"), "Subject: in\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n");
  EXPECT_EQ(octets_of("2.1"), "inner");
  EXPECT_EQ(octets_of("2.2.MIME"), "Content-Type: text/html\r\n\r\n");
  EXPECT_EQ(octets_of("2.TEXT"), "--i\r\n\r\ninner\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--");
  EXPECT_EQ(octets_of("2"), octets_of("2.HEADER") + octets_of("2.TEXT"));
  EXPECT_EQ(octets_of("3"), "AAECA\r\nw==");
  for (const char* text : {"4", "1.1", "1.HEADER", "1.TEXT", "2.3", "2.1.1", "3.HEADER.FIELDS (a)", "4.MIME"}) {
    EXPECT_EQ(octets_of(text), "missing") << text;
  }
  EXPECT_EQ(octets_of("1", "Subject: s\r\n\r\ntext"), "text");
  EXPECT_EQ(octets_of("1.MIME", "Subject: s\r\n\r\ntext"), "Subject: s\r\n\r\n");
}

TEST(ImapSection, OfFieldsIsMadeAndEndsInAnEmptyLine) {
  EXPECT_EQ(octets_of("HEADER.FIELDS (to SUBJECT none)"), "made Subject: out\r\nTo: a@x,\r\n b@x\r\n\r\n");
  EXPECT_EQ(octets_of("HEADER.FIELDS (none)"), "made \r\n");
  EXPECT_EQ(octets_of("HEADER.FIELDS.NOT (To content-type)"), "made Subject: out\r\nX-One: 1\r\n\r\n");
  EXPECT_EQ(octets_of("2.HEADER.FIELDS (subject to)"), "made Subject: in\r\n\r\n");
  // Every one of that name; no line that is no field.
  EXPECT_EQ(octets_of("HEADER.FIELDS (A)", "A: 1\r\nB: 2\r\njunk\r\na : 3\r\n\r\n"), "made A: 1\r\na : 3\r\n\r\n");
  EXPECT_EQ(octets_of("HEADER.FIELDS.NOT (B)", "A: 1\njunk\nB: 2\nC:\n\nx\n"), "made A: 1\nC:\n\n");
  EXPECT_EQ(octets_of("HEADER.FIELDS (A)", "A: 1"), "made A: 1\r\n\r\n");
  EXPECT_EQ(octets_of("HEADER.FIELDS (A)", "A: 1\r\n"), "made A: 1\r\n\r\n");
  EXPECT_EQ(octets_of("HEADER.FIELDS (A)", "B: 1\rA: 2\r\rbody"), "made A: 2\r\r");
  EXPECT_EQ(octets_of("HEADER.FIELDS (A)", ""), "made \r\n");
}

// What BODY[HEADER…] and BODY[TEXT] need is the header, and give the same without the rest.
TEST(ImapSection, OfTheHeaderNeedsNoMore) {
  for (const std::string_view octets : {kOctets, std::string_view("A: 1\n\nbody\n"), "A: 1\r\rbody"sv, "\r\nbody"sv,
                                        ""sv, "A: 1"sv, "A: 1\r\n"sv, "A: 1\r\njunk\r\njunk\r\nB: 2\r\n\r\n"sv,
                                        "junk\r\nA: 1\r\n\r\nx"sv, "A: 1\n\r\nx"sv, "no header\nat all\n"sv}) {
    const mime::Message message = mime::parse(octets);
    EXPECT_EQ(header_length(octets, true), message.root().header.end()) << octets;
    for (size_t known = 0; known <= octets.size(); ++known) {
      const auto length = header_length(octets.substr(0, known), false);
      EXPECT_EQ(length.value_or(message.root().header.end()), message.root().header.end())
          << known << " octets of " << octets;
    }
    const std::string_view header = octets.substr(0, message.root().header.end());
    for (const char* spec : {"", "HEADER", "TEXT", "HEADER.FIELDS (A Subject)", "HEADER.FIELDS.NOT (A)"}) {
      const Section asked = section(spec);
      EXPECT_EQ(text_of(content_of(asked, header, octets.size()), octets), text_of(content_of(asked, message), octets))
          << spec << " of " << octets;
    }
  }
  EXPECT_EQ(header_length("A: 1\r\n\r\n", false), 8U);
  EXPECT_EQ(header_length("A: 1\r\n\r", false), std::nullopt);
  EXPECT_EQ(header_length("junk\r\nmore\r\n", false), 0U);
}

TEST(ImapSection, IsCutToWhatIsAskedFor) {
  const mime::Message message = mime::parse(kOctets);
  const auto piece = [&](const char* spec, uint64_t origin, uint64_t length) {
    Content content = content_of(section(spec), message);
    cut(content, {origin, length});
    return std::pair(content.size(), text_of(content, kOctets));
  };
  using Piece = std::pair<uint64_t, std::string>;
  EXPECT_EQ(piece("2.1", 0, 2), Piece(2, "in"));
  EXPECT_EQ(piece("2.1", 3, 100), Piece(2, "er"));
  EXPECT_EQ(piece("2.1", 5, 1), Piece(0, ""));
  EXPECT_EQ(piece("2.1", INT64_MAX, INT64_MAX), Piece(0, ""));
  EXPECT_EQ(piece("HEADER.FIELDS (subject)", 9, 3), Piece(3, "made out"));
  EXPECT_EQ(piece("HEADER.FIELDS (subject)", 900, 3), Piece(0, "made "));
  EXPECT_EQ(piece("9", 0, 1), Piece(0, "missing"));
}

std::string binary(const char* spec, std::string_view octets = kOctets, const std::optional<Partial>& partial = {}) {
  return text_of(binary_of(section(spec), mime::parse(octets), partial), octets);
}

TEST(ImapSection, OfBinaryIsDecoded) {
  EXPECT_EQ(binary("3"), "made \0\1\2\3"s);
  EXPECT_EQ(binary("3", kOctets, Partial{1, 2}), "made \1\2");
  EXPECT_EQ(binary("3", kOctets, Partial{9, 2}), "made ");
  EXPECT_EQ(binary("1"), "one");
  EXPECT_EQ(binary("1", kOctets, Partial{1, 1}), "n");
  EXPECT_EQ(binary("2"), octets_of("2"));
  EXPECT_EQ(binary(""), kOctets);
  EXPECT_EQ(binary("4"), "missing");
  const std::string_view mine = "Content-Transfer-Encoding: x-mine\r\n\r\n\xFF";
  EXPECT_EQ(binary("1", mine), "unknown encoding");
  EXPECT_EQ(binary("", mine), mine);
  const std::string_view quoted = "Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\nb=3D\r\n";
  EXPECT_EQ(binary("1", quoted), "made ab=\r\n");
}

TEST(ImapSection, OfBinaryHasASizeOfItsOwn) {
  const mime::Message message = mime::parse(kOctets);
  uint64_t size = 99;
  EXPECT_EQ(binary_size(section("3"), message, size), Kind::Made);
  EXPECT_EQ(size, 4U);
  EXPECT_EQ(binary_size(section("2.1"), message, size), Kind::Stored);
  EXPECT_EQ(size, 5U);
  EXPECT_EQ(binary_size(section("7"), message, size), Kind::Missing);
  EXPECT_EQ(binary_size(section("1"), mime::parse("Content-Transfer-Encoding: x\r\n\r\n"), size),
            Kind::UnknownEncoding);
  EXPECT_EQ(size, 0U);
}

// A piece of a large part costs no more memory than the piece.
TEST(ImapSection, OfBinaryDecodesPastWhatIsNotAskedFor) {
  std::string octets = "Content-Transfer-Encoding: base64\r\n\r\n";
  for (int i = 0; i < 100'000; ++i) octets += "QUJD";
  EXPECT_EQ(binary("1", octets, Partial{299'998, 10}), "made BC");
  EXPECT_EQ(binary("1", octets, Partial{0, 4}), "made ABCA");
  EXPECT_EQ(binary("1", octets, Partial{100'000, 3}), "made BCA");
}

}  // namespace
}  // namespace libsync::server
