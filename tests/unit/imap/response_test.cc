#include "libsync/imap/response.h"

#include <chrono>

#include <gtest/gtest.h>

#include "libsync/imap/session.h"

namespace libsync::imap {
namespace {

// Feeds responses to a session that is logged in and keeps the last of each.
class Responses : public Handler {
 public:
  Responses() { EXPECT_TRUE(session.receive("* PREAUTH hi\r\n")); }
  Responses& feed(std::string_view bytes, size_t piece = 0) {
    if (piece == 0) piece = bytes.size();
    for (size_t at = 0; at < bytes.size(); at += piece) status = session.receive(bytes.substr(at, piece));
    return *this;
  }
  uint64_t quirk(Quirk quirk) const { return session.quirks().count(quirk); }

  void on_status(const StatusLine& line) override {
    code = line.code;
    number = line.number;
    from = line.from.text();
    to = line.to.text();
    text = line.text;
  }
  void on_list(const ListData& data) override { list = data; }
  void on_mailbox_status(const StatusData& data) override { mailbox = data; }
  void on_search(const SearchData& data) override { search = data; }
  void on_vanished(const VanishedData& data) override { vanished = data; }
  void on_expunge(uint64_t n) override { expunged = n; }
  void on_exists(uint64_t n) override { exists = n; }
  void on_id(const IdFields& fields) override { id = fields; }
  void on_namespace(const Namespaces& found) override { namespaces = found; }
  void on_fetch(const FetchData& data) override {
    ++fetches;
    has_flags = data.has_flags;
    has_size = data.size.has_value();
    has_date = data.date.has_value();
    last_flags = data.flags.system;
    uid = data.uid.value_or(0);
    size = data.size.value_or(0);
    modseq = data.modseq.value_or(0);
    date = data.date.value_or(0);
    email_id = data.email_id;
    gm_labels = data.gm_labels;
    keywords.assign(data.flags.keywords.begin(), data.flags.keywords.end());
    if (data.envelope) envelope = *data.envelope;
    if (data.structure) structure = std::move(*data.structure);
    sections.clear();
    for (const BodySection& body : data.bodies) sections += std::string(body.section) + ";";
    nil_body = !data.bodies.empty() && data.bodies[0].content.kind == Text::Kind::Nil;
  }
  void on_body_begin(const BodyStart& start) override { bodies += std::to_string(start.uid) + "<"; }
  void on_body_data(std::string_view bytes) override { bodies += bytes; }
  void on_body_end() override { bodies += ">"; }
  void on_unknown(std::string_view line) override { unknown = line; }
  void on_malformed(std::string_view line, std::string_view) override {
    malformed = line;
    ++malformed_count;
  }

  Session session{*this};
  Status status;
  Code code = Code::None;
  uint64_t number = 0, expunged = 0, exists = 0, size = 0, modseq = 0, fetches = 0, malformed_count = 0;
  std::string from, to, text, email_id, sections, bodies, unknown, malformed;
  ListData list;
  StatusData mailbox;
  SearchData search;
  VanishedData vanished;
  IdFields id;
  Namespaces namespaces;
  uint32_t uid = 0, last_flags = 0;
  int64_t date = 0;
  bool nil_body = false, has_flags = false, has_size = false, has_date = false;
  std::vector<std::string> gm_labels, keywords;
  Envelope envelope;
  BodyPart structure;
};

TEST(StatusLines, CarryTheirCodes) {
  Responses r;
  r.feed("* OK [UIDVALIDITY 3857529045] UIDs valid\r\n");
  EXPECT_EQ(r.code, Code::UidValidity);
  EXPECT_EQ(r.number, 3857529045U);
  r.feed("* OK [COPYUID 38505 304,319:320 3956:3958] Done\r\n");
  EXPECT_EQ(r.code, Code::CopyUid);
  EXPECT_EQ(r.from + " " + r.to, "304,319:320 3956:3958");
  r.feed("* NO [NONEXISTENT] gone\r\n");
  EXPECT_EQ(r.code, Code::NonExistent);
  r.feed("* OK [XSOMETHING \"a]b\" c] text\r\n");
  EXPECT_EQ(r.code, Code::Unknown);
  EXPECT_EQ(r.text, "text");
  r.feed("* OK [UIDNEXT nonsense] text\r\n");
  EXPECT_EQ(r.code, Code::Unknown);
}

TEST(StatusLines, MayLackTheirText) {
  Responses r;
  r.feed("* OK [HIGHESTMODSEQ 12]\r\n");
  EXPECT_EQ(r.code, Code::HighestModSeq);
  EXPECT_EQ(r.quirk(Quirk::MissingText), 1U);
  r.feed("* OK\r\n");
  EXPECT_EQ(r.malformed, "");
}

TEST(List, HasItsAttributesNameAndExtensions) {
  Responses r;
  r.feed(
      "* LIST (\\Sent \\HasNoChildren) \"/\" \"a \\\"b\\\\\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (old) X (1 "
      "(2)))\r\n");
  EXPECT_TRUE(r.list.has("\\sent"));
  EXPECT_EQ(r.list.name, "a \"b\\");
  EXPECT_EQ(r.list.old_name, "old");
  EXPECT_EQ(r.list.child_info, std::vector<std::string>{"SUBSCRIBED"});
  r.feed("* LIST () NIL {3}\r\na b\r\n");
  EXPECT_EQ(r.list.delimiter, '\0');
  EXPECT_EQ(r.list.name, "a b");
  EXPECT_EQ(r.malformed, "");
}

TEST(List, TakesRawOctetsButNoNul) {
  Responses r;
  r.feed("* LIST () \"/\" caf\xC3\xA9\r\n");
  EXPECT_EQ(r.list.name, "caf\xC3\xA9");
  EXPECT_EQ(r.quirk(Quirk::RawBytesInName), 1U);
  r.feed({"* LIST () \"/\" {3}\r\na\0b\r\n", 24});
  EXPECT_EQ(r.malformed_count, 1U);
  r.feed("* LIST () \"/\" \"" + std::string(5000, 'x') + "\"\r\n");
  EXPECT_EQ(r.malformed_count, 2U);
  EXPECT_TRUE(r.status);
}

TEST(MailboxStatus, ToleratesExchangesSpace) {
  Responses r;
  r.feed(
      "* STATUS \"a\" (MESSAGES 5 UIDNEXT 6 HIGHESTMODSEQ 18446744073709551615 MAILBOXID (F1) APPENDLIMIT NIL ) \r\n");
  EXPECT_EQ(r.mailbox.messages, 5U);
  EXPECT_EQ(r.mailbox.highest_modseq, UINT64_MAX);
  EXPECT_EQ(r.mailbox.mailbox_id, "F1");
  EXPECT_EQ(r.malformed, "");
  EXPECT_GT(r.quirk(Quirk::ExtraSpace), 0U);
  r.feed("* STATUS inbox (MESSAGES 0 XNEW (1 2) SIZE 9)\r\n");
  EXPECT_EQ(r.mailbox.size, 9U);
}

TEST(Search, InBothForms) {
  Responses r;
  r.feed("* SEARCH 2 3 6 (MODSEQ 917162500)\r\n");
  EXPECT_EQ(r.search.all.text(), "2:3,6");
  EXPECT_EQ(r.search.modseq, 917162500U);
  r.feed("* ESEARCH (TAG \"T9\") UID MIN 1 COUNT 5 ALL 1:4294967295\r\n");
  EXPECT_EQ(r.search.all.count(), 4294967295U);
  EXPECT_EQ(r.search.all.ranges().size(), 1U);
  EXPECT_EQ(r.search.tag, "T9");
  r.feed("* SEARCH\r\n");
  EXPECT_TRUE(r.search.all.empty());
  EXPECT_EQ(r.malformed, "");
}

TEST(Sets, OddOnesAreReadByName) {
  Responses r;
  r.feed("* VANISHED (EARLIER) 41,43:44,,9:5,0,\r\n");
  EXPECT_TRUE(r.vanished.earlier);
  EXPECT_EQ(r.vanished.uids.text(), "5:9,41,43:44");
  EXPECT_GE(r.quirk(Quirk::OddSet), 3U);
  r.feed("* VANISHED 1:*\r\n");
  EXPECT_EQ(r.malformed_count, 1U);
}

TEST(Fetch, ReadsEveryItem) {
  Responses r;
  r.feed(
      "* 5 FETCH (UID 9 FLAGS (\\Seen $Junk \\X) INTERNALDATE \" 1-Feb-2026 03:04:05 +0100\" RFC822.SIZE 44827 "
      "MODSEQ (65402) EMAILID (M1) THREADID NIL X-GM-MSGID 1278455344230334865 X-GM-LABELS (\\Inbox \"a b\") PREVIEW "
      "NIL "
      "SAVEDATE NIL BINARY.SIZE[1] 7 BINARY[2] ~{2}\r\n\r\n BODY[TEXT]<0> \"hi\" XNEW (a (b)))\r\n");
  EXPECT_EQ(r.malformed, "");
  EXPECT_EQ(r.uid, 9U);
  EXPECT_EQ(r.last_flags, uint32_t{kSeen});
  EXPECT_EQ(r.keywords, (std::vector<std::string>{"$Junk", "\\X"}));
  EXPECT_EQ(r.date, 1769911445);
  EXPECT_EQ(r.size, 44827U);
  EXPECT_EQ(r.modseq, 65402U);
  EXPECT_EQ(r.email_id, "M1");
  EXPECT_EQ(r.gm_labels, (std::vector<std::string>{"\\Inbox", "a b"}));
  EXPECT_EQ(r.sections, "2;TEXT;");
  EXPECT_EQ(r.bodies, "9<\r\n>9<hi>");
}

TEST(Fetch, ItemThatCantBeReadCostsNoMessage) {
  for (const char* date : {"NIL", "\"\"", "\"00-Jan-0000 00:00:00 +0000\"", "\"01-Jan-2020 00:00:00 GMT\"",
                           "\" 1-Jan-20 00:00:00 +0000\"", "never", "0", "(1 2)", "{3}\r\nabc"}) {
    Responses r;
    r.feed(std::string("* 2 FETCH (INTERNALDATE ") + date + " FLAGS (\\Seen) RFC822.SIZE 44 UID 9)\r\n");
    EXPECT_EQ(r.malformed, "") << date;
    EXPECT_EQ(r.uid, 9U) << date;
    EXPECT_EQ(r.size, 44U) << date;
    EXPECT_EQ(r.last_flags, uint32_t{kSeen}) << date;
    EXPECT_FALSE(r.has_date) << date;
    EXPECT_EQ(r.quirk(Quirk::OddItem), 1U) << date;
  }
  for (const char* item :
       {"RFC822.SIZE NIL", "RFC822.SIZE 44x", "MODSEQ 5", "MODSEQ (x)", "EMAILID x", "X-GM-MSGID \"1\"", "PREVIEW a",
        "X-GM-LABELS NIL", "SAVEDATE 0", "ENVELOPE NIL", "BODYSTRUCTURE x", "BINARY.SIZE[1] NIL", "BODY[] x"}) {
    Responses r;
    r.feed(std::string("* 2 FETCH (") + item + " UID 9)\r\n");
    EXPECT_EQ(r.malformed, "") << item;
    EXPECT_EQ(r.uid, 9U) << item;
    EXPECT_FALSE(r.has_size) << item;
    EXPECT_EQ(r.quirk(Quirk::OddItem), 1U) << item;
  }
}

TEST(Fetch, FlagsThatAreNoneArePassedOver) {
  for (const char* flags : {"(\\Seen foo%bar $Work)", "(\\Seen \"a b\" $Work)", "(\\Seen \\ $Work)",
                            "(\\Seen (a b) $Work)", "(\\Seen {3}\r\na b $Work)"}) {
    Responses r;
    r.feed(std::string("* 2 FETCH (UID 9 FLAGS ") + flags + ")\r\n");
    EXPECT_EQ(r.malformed, "") << flags;
    EXPECT_EQ(r.last_flags, uint32_t{kSeen}) << flags;
    EXPECT_EQ(r.keywords, std::vector<std::string>{"$Work"}) << flags;
    EXPECT_EQ(r.quirk(Quirk::OddFlag), 1U) << flags;
  }
  Responses r;
  r.feed("* 2 FETCH (UID 9 FLAGS NIL)\r\n");
  EXPECT_EQ(r.uid, 9U);
  EXPECT_FALSE(r.has_flags);
  EXPECT_EQ(r.quirk(Quirk::OddItem), 1U);
}

TEST(Fetch, UidThatCantBeReadIsMalformed) {
  for (const char* line : {"UID NIL FLAGS ()", "UID 99999999999 FLAGS ()", "FLAGS (\"a) UID 3", "FLAGS ((( UID 3"}) {
    Responses r;
    r.feed(std::string("* 2 FETCH (") + line + ")\r\n");
    EXPECT_EQ(r.malformed_count, 1U) << line;
    EXPECT_TRUE(r.status);
  }
}

TEST(Fetch, OddValuesAreReadInLinearTime) {
  for (const char* octet : {"{", "%", "\\", "~{"}) {
    std::string line = "* 2 FETCH (UID 9 INTERNALDATE ";
    for (int i = 0; i < 400'000; ++i) line += octet;
    Responses r;
    r.feed(line + " PREVIEW {3}\r\nabc)\r\n");
    EXPECT_EQ(r.uid, 9U);
    EXPECT_EQ(r.malformed, "");
  }
}

TEST(Fetch, TellsANilBody) {
  Responses r;
  r.feed("* 5 FETCH (UID 9 BODY[] NIL)\r\n");
  EXPECT_TRUE(r.nil_body);
}

TEST(Fetch, ReadsAnEnvelopeWithLiteralsHoweverItIsCut) {
  constexpr std::string_view kLine =
      "* 1 FETCH (ENVELOPE (\"Mon, 7 Feb 1994\" {4}\r\na\r\nb ((\"T\" NIL \"tm\" \"x.org\")) NIL NIL "
      "((NIL NIL \"group\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL \"<m@x>\") UID 3)\r\n";
  for (size_t piece = 1; piece <= kLine.size(); ++piece) {
    Responses r;
    r.feed(kLine, piece);
    EXPECT_EQ(r.envelope.subject, "a\r\nb");
    EXPECT_EQ(r.envelope.from.at(0).host, "x.org");
    EXPECT_EQ(r.envelope.to.size(), 2U);
    EXPECT_EQ(r.envelope.message_id, "<m@x>");
    EXPECT_EQ(r.uid, 3U);
  }
}

TEST(Fetch, EnvelopeMayLackFields) {
  for (const char* text : {"(\"d\" \"s\" ((NIL NIL \"m\" \"h\")))", "(\"d\" \"s\" ((NIL NIL \"m\" \"h\")) x)",
                           "(\"d\" \"s\" ((NIL NIL \"m\" \"h\" \"more\")) NIL NIL \"\" NIL NIL NIL (\"id\"))",
                           "(\"d\" \"s\" ((NIL (x) \"m\" \"h\") \"x\"))"}) {
    Responses r;
    r.feed(std::string("* 1 FETCH (ENVELOPE ") + text + " UID 3)\r\n");
    EXPECT_EQ(r.malformed, "") << text;
    EXPECT_EQ(r.uid, 3U) << text;
    EXPECT_EQ(r.envelope.subject, "s") << text;
    ASSERT_EQ(r.envelope.from.size(), 1U) << text;
    EXPECT_EQ(r.envelope.from[0].host, "h") << text;
    EXPECT_GE(r.quirk(Quirk::EnvelopeDamage), 1U) << text;
  }
}

TEST(BodyStructure, IsATree) {
  Responses r;
  r.feed(
      "* 1 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"UTF-8\") NIL NIL \"7BIT\" 12 3)"
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 99 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
      "(\"TEXT\" \"HTML\" NIL NIL NIL \"8BIT\" 5 1) 7 NIL (\"attachment\" (\"filename\" \"a\")) (\"en\" \"de\") NIL)"
      " \"MIXED\" (\"BOUNDARY\" \"x\") NIL NIL))\r\n");
  ASSERT_EQ(r.structure.parts.size(), 2U);
  EXPECT_EQ(r.structure.subtype, "MIXED");
  EXPECT_EQ(r.structure.parts[0].lines, 3U);
  const BodyPart& message = r.structure.parts[1];
  EXPECT_EQ(message.envelope->subject, "s");
  EXPECT_EQ(message.parts.at(0).subtype, "HTML");
  EXPECT_EQ(message.disposition, "attachment");
  EXPECT_EQ(message.languages.size(), 2U);
  EXPECT_FALSE(r.structure.damaged);
}

TEST(BodyStructure, DamageIsPassedOver) {
  Responses r;
  r.feed("* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 12 -1) UID 1)\r\n");
  EXPECT_EQ(r.structure.lines, 0U);
  EXPECT_EQ(r.quirk(Quirk::NegativeNumber), 1U);
  for (const char* damaged :
       {"(\"TEXT\" \"PLAIN\")", "(\"TEXT\" (\"x\") \"NIL\" NIL NIL \"7BIT\" (1) 3)",
        "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 9)", "NIL", "((\"TEXT\" \"PLAIN\" NIL) NIL)"}) {
    const uint64_t before = r.fetches;
    r.feed(std::string("* 1 FETCH (BODYSTRUCTURE ") + damaged + " UID 77)\r\n");
    EXPECT_EQ(r.fetches, before + 1) << damaged;
    EXPECT_TRUE(r.structure.damaged) << damaged;
    EXPECT_EQ(r.uid, 77U);
  }
  EXPECT_EQ(r.malformed, "");
}

TEST(BodyStructure, TenThousandParenthesesAreMalformedAndNoMore) {
  Responses r;
  for (const char* item : {"BODYSTRUCTURE ", "XNEW "}) {
    r.malformed_count = 0;
    r.feed("* 1 FETCH (" + (item + std::string(10000, '(')) + std::string(10000, ')') + ")\r\n");
    EXPECT_EQ(r.malformed_count, 1U) << item;
  }
  EXPECT_TRUE(r.feed("* 3 EXISTS\r\n").status);
  EXPECT_EQ(r.exists, 3U);
}

TEST(Untagged, UnknownAndMalformedOnesDoNotEndTheConnection) {
  Responses r;
  r.feed("* XFOO (1 2) {3}\r\nabc\r\n");
  EXPECT_EQ(r.unknown, "* XFOO (1 2) {3}\r\nabc");
  for (const char* line : {"* 1 FETCH (UID", "* 1 FETCH (UID x)", "* LIST", "* STATUS x", "* ESEARCH ALL x", "*",
                           "* FLAGS \\Seen", "* NAMESPACE", "* ID (\"a", "* 99999999999 EXISTS"}) {
    const uint64_t before = r.malformed_count;
    r.feed(std::string(line) + "\r\n");
    EXPECT_EQ(r.malformed_count, before + 1) << line;
  }
  EXPECT_TRUE(r.status);
}

TEST(IdAndNamespace, AreRead) {
  Responses r;
  r.feed(
      "* ID (\"name\" \"Dovecot\" \"x\" NIL)\r\n* NAMESPACE ((\"\" \"/\")) NIL ((\"Public/\" \"/\" \"X\" "
      "(\"a\")))\r\n");
  EXPECT_EQ(r.id.at(0).second, "Dovecot");
  EXPECT_EQ(r.namespaces.personal.size(), 1U);
  EXPECT_EQ(r.namespaces.shared.at(0).prefix, "Public/");
  r.feed("* ID ()\r\n* ID (\"a\" \"b\" \"c\")\r\n");
  EXPECT_EQ(r.quirk(Quirk::OddId), 2U);
  EXPECT_EQ(r.malformed, "");
}

TEST(Fetch, OfAHundredThousandMessagesIsQuick) {
  std::string bytes;
  for (int i = 1; i <= 100'000; ++i) {
    bytes += "* " + std::to_string(i) + " FETCH (UID " + std::to_string(i) +
             " FLAGS (\\Seen $Work) RFC822.SIZE 9123 INTERNALDATE \"17-Jul-2026 02:44:25 -0700\" MODSEQ (5))\r\n";
  }
  Responses r;
  const auto start = std::chrono::steady_clock::now();
  r.feed(bytes, size_t{256} << 10);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(r.fetches, 100'000U);
  // A release build on a quiet machine takes some 0.05 s; debug builds and sanitizers on a busy one much longer.
  EXPECT_LT(took.count(), 20.0);
  RecordProperty("seconds", std::to_string(took.count()));
}

}  // namespace
}  // namespace libsync::imap
