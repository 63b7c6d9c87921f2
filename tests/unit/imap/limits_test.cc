// Every limit at its own number: what is within passes, one more does not.
#include "libsync/imap/limits.h"

#include <gtest/gtest.h>

#include "libsync/imap/list.h"
#include "libsync/imap/login.h"
#include "libsync/imap/names.h"
#include "libsync/imap/noop.h"
#include "libsync/imap/select.h"
#include "libsync/imap/session.h"

namespace libsync::imap {
namespace {

// A session and what it hears.
class Talk final : private Handler {
 public:
  explicit Talk(std::string_view greeting = "* PREAUTH hi\r\n", Limits limits = {}) : session(*this, nullptr, limits) {
    EXPECT_TRUE(session.receive(greeting));
  }
  Talk& feed(std::string_view bytes) {
    status = session.receive(bytes);
    return *this;
  }
  Errc code() const { return status ? Errc::Internal : status.error().code; }

  Session session;
  Status status;
  uint64_t exists = 0, malformed = 0, done = 0;
  ListData list;
  Namespaces namespaces;
  IdFields id;
  size_t keywords = 0, labels = 0, bodies = 0, sizes = 0, octets = 0;
  SelectData state;

 private:
  void on_exists(uint64_t number) override { exists = number; }
  void on_malformed(std::string_view, std::string_view) override { ++malformed; }
  void on_done(const Completion&) override { ++done; }
  void on_list(const ListData& data) override { list = data; }
  void on_namespace(const Namespaces& data) override { namespaces = data; }
  void on_id(const IdFields& data) override { id = data; }
  void on_flags(const FlagList& data) override { state.take(data); }
  void on_status(const StatusLine& line) override { state.take(line); }
  void on_body_data(std::string_view bytes) override { octets += bytes.size(); }
  void on_fetch(const FetchData& data) override {
    keywords = data.flags.keywords.size();
    labels = data.gm_labels.size();
    bodies = data.bodies.size();
    sizes = data.binary_sizes.size();
  }
};

constexpr std::string_view kBefore = "* OK hi\r\n";

// A line of `size` octets with its line end.
std::string line_of(size_t size) {
  std::string line = "* OK ";
  line.resize(size - 2, 'x');
  return line + "\r\n";
}

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(ImapLimits, LengthOfAResponse) {
  constexpr Limits kLimits{.response = size_t{16} << 20, .response_before_login = size_t{64} << 10};
  EXPECT_TRUE(Talk(kBefore).feed(line_of(kLimits.response_before_login)).status);
  EXPECT_EQ(Talk(kBefore).feed(line_of(kLimits.response_before_login + 1)).code(), Errc::Limit);
  EXPECT_TRUE(Talk().feed(line_of(kLimits.response)).status);
  EXPECT_EQ(Talk().feed(line_of(kLimits.response + 1)).code(), Errc::Limit);
}

TEST(ImapLimits, LiteralsThatAreKept) {
  constexpr Limits kLimits{.small_literal = uint64_t{1} << 20};
  const auto list = [](uint64_t size) { return "* LIST () NIL {" + std::to_string(size) + "}\r\n"; };
  EXPECT_TRUE(Talk().feed(list(kLimits.small_literal)).status);
  EXPECT_EQ(Talk().feed(list(kLimits.small_literal + 1)).code(), Errc::Limit);
}

TEST(ImapLimits, LiteralsThatAreStreamed) {
  constexpr Limits kLimits{.streamed_literal = uint64_t{2} << 30, .literals = 1000};
  const auto body = [](uint64_t size) { return "* 1 FETCH (BODY[] {" + std::to_string(size) + "}\r\n"; };
  EXPECT_TRUE(Talk().feed(body(kLimits.streamed_literal)).status) << "announced, and nothing allocated";
  EXPECT_EQ(Talk().feed(body(kLimits.streamed_literal + 1)).code(), Errc::Limit);
  const auto many = [](size_t count) { return "* 1 FETCH (" + repeated("BODY[] {1}\r\nx ", count) + "UID 7)\r\n"; };
  EXPECT_EQ(Talk().feed(many(kLimits.literals)).octets, kLimits.literals);
  EXPECT_EQ(Talk().feed(many(kLimits.literals + 1)).code(), Errc::Limit);
}

TEST(ImapLimits, UntaggedResponses) {
  constexpr Limits kLimits{};
  const auto lines = [](uint64_t count) { return repeated("* OK more\r\n", count); };
  EXPECT_TRUE(Talk(kBefore).feed(lines(kLimits.untagged_before_login)).status);
  EXPECT_EQ(Talk(kBefore).feed(lines(kLimits.untagged_before_login + 1)).code(), Errc::Limit);
  // 20 million lines take a while: the same with a smaller number.
  EXPECT_EQ(Limits{}.untagged, 20'000'000U);
  constexpr Limits kFew{.untagged = 2000};
  const std::string_view in = "* PREAUTH hi\r\n";
  EXPECT_TRUE(Talk(in, kFew).feed(lines(kFew.untagged)).status);
  Talk more(in, kFew);
  ASSERT_EQ(more.feed(lines(kFew.untagged + 1)).code(), Errc::Limit);
  EXPECT_NE(more.status.error().what.find("2,000 responses"), std::string::npos);
  // A tagged one begins the count anew.
  Talk answered(in, kFew);
  ASSERT_TRUE(answered.session.submit(noop()));
  ASSERT_TRUE(answered.feed(lines(kFew.untagged) + "T1 OK\r\n").status);
  EXPECT_TRUE(answered.feed(lines(kFew.untagged)).status);
}

TEST(ImapLimits, NestedParentheses) {
  const auto nested = [](size_t depth) {
    Talk t;
    t.feed("* 1 FETCH (UID 7 XNEW " + std::string(depth, '(') + std::string(depth, ')') + ")\r\n* 5 EXISTS\r\n");
    EXPECT_EQ(t.exists, 5U) << "it costs the line, not the connection";
    return t.malformed;
  };
  EXPECT_EQ(nested(kMaxDepth), 0U);
  EXPECT_EQ(nested(kMaxDepth + 1), 1U);
  // A part takes one pair, and its children one more each.
  const auto parts = [](size_t depth) {
    Talk t;
    t.feed("* 1 FETCH (BODYSTRUCTURE " + std::string(depth, '(') + "\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1" +
           repeated(") \"MIXED\"", depth - 1) + ") UID 7)\r\n");
    return t.malformed;
  };
  EXPECT_EQ(parts(kMaxDepth), 0U);
  EXPECT_EQ(parts(kMaxDepth + 1), 1U);
}

TEST(ImapLimits, WordsThatAreKept) {
  std::string names, attributes, flags, spaces;
  for (size_t i = 0; i < kMaxCapabilities + 5; ++i) names += " X" + std::to_string(i);
  Talk capable;
  ASSERT_TRUE(capable.feed("* CAPABILITY" + names + "\r\n").status);
  EXPECT_EQ(capable.session.capabilities().names().size(), kMaxCapabilities);

  for (size_t i = 0; i < kMaxAttributes + 5; ++i) attributes += "\\X" + std::to_string(i) + " ";
  Talk listed;
  listed.feed("* LIST (" + attributes + "\\Last) \"/\" a (CHILDINFO (" + repeated("x ", kMaxAttributes + 5) +
              "x))\r\n");
  EXPECT_EQ(listed.list.attributes.size(), kMaxAttributes);
  EXPECT_EQ(listed.list.child_info.size(), kMaxAttributes);
  EXPECT_EQ(listed.list.name, "a");

  Talk spaced;
  spaced.feed("* NAMESPACE (" + repeated("(\"\" \"/\")", kMaxNamespaces + 5) + ") NIL ((\"#\" \".\"))\r\n");
  EXPECT_EQ(spaced.namespaces.personal.size(), kMaxNamespaces);
  EXPECT_EQ(spaced.namespaces.shared.size(), 1U);

  for (size_t i = 0; i < kMaxKeywords + 5; ++i) flags += "k" + std::to_string(i) + " ";
  Talk opened;
  opened.feed("* FLAGS (" + flags + "\\Seen)\r\n* OK [PERMANENTFLAGS (" + flags + "\\Draft)] ok\r\n");
  EXPECT_EQ(opened.state.keywords.size(), kMaxKeywords);
  EXPECT_EQ(opened.state.permanent_keywords.size(), kMaxKeywords);
  EXPECT_EQ(opened.state.flags, uint32_t{kSeen});
  EXPECT_EQ(opened.state.permanent, uint32_t{kDraft});

  Talk labelled;
  labelled.feed("* 1 FETCH (X-GM-LABELS (" + repeated("x ", kMaxLabels + 5) + "x) UID 7)\r\n");
  EXPECT_EQ(labelled.labels, kMaxLabels);

  Talk known;
  known.feed("* ID (" + repeated("\"a\" \"b\" ", kMaxIdFields + 5) + "\"c\" \"d\")\r\n");
  EXPECT_EQ(known.id.size(), kMaxIdFields);
  EXPECT_EQ(known.malformed, 0U);
}

TEST(ImapLimits, SectionsOfOneResponse) {
  Talk t;
  t.feed("* 1 FETCH (" + repeated("BODY[1] NIL ", kMaxSections) + "UID 7)\r\n");
  EXPECT_EQ(t.bodies, kMaxSections);
  t.feed("* 1 FETCH (" + repeated("BINARY.SIZE[1] 5 ", kMaxSections + 5) + "UID 7)\r\n");
  EXPECT_EQ(t.sizes, kMaxSections);
  EXPECT_EQ(t.malformed, 0U);
  t.feed("* 1 FETCH (" + repeated("BODY[1] NIL ", kMaxSections + 1) + "UID 7)\r\n");
  EXPECT_EQ(t.malformed, 1U);
}

TEST(ImapLimits, MailboxNames) {
  for (const char* head : {"* LIST () \"/\" ", "* STATUS "}) {
    const auto malformed = [&](size_t size) {
      Talk t;
      t.feed(head + std::string(size, 'x') + (head[2] == 'S' ? " (MESSAGES 1)\r\n" : "\r\n"));
      return t.malformed;
    };
    EXPECT_EQ(malformed(kMaxMailboxName), 0U) << head;
    EXPECT_EQ(malformed(kMaxMailboxName + 1), 1U) << head;
  }
  EXPECT_TRUE(join_name({std::string(kMaxMailboxName, 'x')}, '/', false));
  EXPECT_FALSE(join_name({std::string(kMaxMailboxName + 1, 'x')}, '/', false));
}

TEST(ImapLimits, WhatWeSend) {
  EXPECT_EQ(imap::quoted(std::string(kMaxQuoted, 'x')).size(), kMaxQuoted + 2);
  EXPECT_EQ(imap::quoted(std::string(kMaxQuoted + 1, 'x')), "");
  EXPECT_TRUE(select(std::string(kMaxQuoted + 1, ' '), {}).value().pieces.at(1).literal);
  const auto sent = [](size_t size) {
    Talk t("* OK [CAPABILITY IMAP4rev1 LITERAL-] hi\r\n");
    EXPECT_TRUE(t.session.submit(login("me", Secret(std::string(size, 'p'))).value()));
    return t.session.take_output();
  };
  EXPECT_NE(sent(kLiteralMinus).find("{4096+}"), std::string::npos);
  EXPECT_NE(sent(kLiteralMinus + 1).find("{4097}"), std::string::npos);
}

}  // namespace
}  // namespace libsync::imap
