// One test for each row of the table of IMAP quirks: by its name, as tests/layers/check_named.py wants it.
#include <algorithm>

#include <gtest/gtest.h>

#include "libsync/imap/limits.h"
#include "libsync/imap/quirks.h"
#include "libsync/imap/session.h"
#include "libsync/replicas/imap.h"

#include "tests/support/lent_channel.h"
#include "tests/support/scripted_channel.h"

namespace libsync::replicas {
namespace {

using imap::Quirk;
using twinbox::test::LentChannel;
using twinbox::test::ScriptedChannel;

class Lines final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    if (kind == TraceKind::Note) notes.emplace_back(text);
  }
  // How often the trace names the quirk.
  size_t named(Quirk quirk) const {
    const std::string name = "tolerated: " + std::string(imap::kQuirks.at(static_cast<size_t>(quirk)).name) + " (";
    return static_cast<size_t>(std::ranges::count_if(notes, [&](const auto& each) { return each.starts_with(name); }));
  }
  std::vector<std::string> notes;
};

// A session that is logged in, and what it hears.
class Talk final : private imap::Handler {
 public:
  explicit Talk(std::string_view bytes, std::string_view greeting = "* PREAUTH hi\r\n") {
    EXPECT_TRUE(session.receive(greeting));
    EXPECT_TRUE(session.receive(bytes));
    EXPECT_EQ(malformed, "");
  }
  uint64_t count(Quirk quirk) const {
    const uint64_t met = session.quirks().count(quirk);
    EXPECT_EQ(trace.named(quirk), met > 0 ? 1U : 0U) << "the trace tells each once";
    return met;
  }

  uint64_t exists = 0;
  imap::StatusData status;
  imap::ListData list;
  imap::SequenceSet vanished;
  std::string malformed;
  uint32_t uid = 0;
  bool has_date = true;
  uint32_t flags = 0;
  imap::Envelope envelope;
  imap::BodyPart structure;

 private:
  void on_exists(uint64_t number) override { exists = number; }
  void on_mailbox_status(const imap::StatusData& data) override { status = data; }
  void on_list(const imap::ListData& data) override { list = data; }
  void on_vanished(const imap::VanishedData& data) override { vanished = data.uids; }
  void on_malformed(std::string_view text, std::string_view) override { malformed = text; }
  void on_fetch(const imap::FetchData& data) override {
    uid = data.uid.value_or(0);
    has_date = data.date.has_value();
    flags = data.flags.system;
    if (data.envelope) envelope = *data.envelope;
    if (data.structure) structure = std::move(*data.structure);
  }

 public:
  Lines trace;
  imap::Session session{*this, &trace};
};

TEST(ImapQuirksTable, HasARowForEachThatSaysWhereItWasSeen) {
  for (size_t i = 0; i < imap::kQuirks.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(imap::kQuirks[i].quirk), i);
    EXPECT_FALSE(imap::kQuirks[i].name.empty() || imap::kQuirks[i].seen.empty());
  }
}

TEST(ImapQuirks, LfOnly) {
  EXPECT_EQ(Talk("* 3 EXISTS\r\n").count(Quirk::LfOnly), 0U);
  const Talk t("* 3 EXISTS\n* 1 FETCH (UID 7 FLAGS ())\n");
  EXPECT_EQ(t.exists, 3U);
  EXPECT_EQ(t.uid, 7U);
  EXPECT_EQ(t.count(Quirk::LfOnly), 2U);
}

TEST(ImapQuirks, ExtraSpace) {
  const Talk t("* STATUS a (MESSAGES 5  UIDNEXT 6 ) \r\n");
  EXPECT_EQ(t.status.messages, 5U);
  EXPECT_EQ(t.status.uid_next, 6U);
  EXPECT_EQ(t.count(Quirk::ExtraSpace), 3U) << "between the items, before the parenthesis, at the end";
}

TEST(ImapQuirks, MissingText) { EXPECT_EQ(Talk("* OK [HIGHESTMODSEQ 12]\r\n* OK\r\n").count(Quirk::MissingText), 2U); }

TEST(ImapQuirks, NegativeNumber) {
  const Talk t("* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 12 -1) UID 1)\r\n");
  EXPECT_EQ(t.structure.octets, 12U);
  EXPECT_EQ(t.structure.lines, 0U);
  EXPECT_EQ(t.count(Quirk::NegativeNumber), 1U);
}

TEST(ImapQuirks, BodyStructureDamage) {
  for (const char* damaged :
       {"(\"TEXT\" \"PLAIN\")", "(\"TEXT\" \"PLAIN\" \"charset\" NIL NIL \"7BIT\" 9 3)", "NIL",
        "(\"TEXT\" \"PLAIN\" NIL NIL (1) \"7BIT\" 9 3)", "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 9 3))"}) {
    const Talk t(std::string("* 1 FETCH (BODYSTRUCTURE ") + damaged + " UID 7)\r\n");
    EXPECT_EQ(t.uid, 7U) << damaged;
    EXPECT_TRUE(t.structure.damaged) << damaged;
    EXPECT_GE(t.count(Quirk::BodyStructureDamage), 1U) << damaged;
  }
}

TEST(ImapQuirks, RawBytesInName) {
  const Talk t("* LIST () \"/\" caf\xC3\xA9\r\n");
  EXPECT_EQ(t.list.name, "caf\xC3\xA9");
  EXPECT_EQ(t.count(Quirk::RawBytesInName), 1U);
  const Talk id("* STATUS a (MESSAGES 1 MAILBOXID (F\xE9))\r\n");
  EXPECT_EQ(id.status.mailbox_id, "F\xE9");
  EXPECT_EQ(id.count(Quirk::RawBytesInName), 1U);
}

TEST(ImapQuirks, OddSet) {
  for (const char* set : {"41,43:44,", "41,,43:44", "0,41,43:44", ",41,43:44"}) {
    const Talk t(std::string("* VANISHED (EARLIER) ") + set + "\r\n");
    EXPECT_EQ(t.vanished.text(), "41,43:44") << set;
    EXPECT_EQ(t.count(Quirk::OddSet), 1U) << set;
  }
}

TEST(ImapQuirks, OddId) {
  EXPECT_EQ(Talk("* ID NIL\r\n* ID (\"a\" \"b\")\r\n").count(Quirk::OddId), 0U);
  EXPECT_EQ(Talk("* ID ()\r\n* ID (\"a\" \"b\" \"c\")\r\n").count(Quirk::OddId), 2U);
}

TEST(ImapQuirks, RepeatedCapability) {
  const Talk t("", "* PREAUTH [CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE AUTH=plain] hi\r\n");
  EXPECT_EQ(t.session.capabilities().auth(), std::vector<std::string>{"PLAIN"});
  EXPECT_EQ(t.count(Quirk::RepeatedCapability), 1U);
}

TEST(ImapQuirks, LongList) {
  std::string addresses, parts;
  for (size_t i = 0; i < imap::kMaxAddresses + 2; ++i) addresses += "(NIL NIL \"a\" \"b\")";
  for (size_t i = 0; i < imap::kMaxParts + 3; ++i) parts += "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)";
  const Talk a("* 1 FETCH (ENVELOPE (NIL \"s\" NIL NIL NIL (" + addresses + ") NIL NIL NIL \"<i>\") UID 7)\r\n");
  EXPECT_EQ(a.envelope.to.size(), imap::kMaxAddresses);
  EXPECT_EQ(a.envelope.message_id, "<i>");
  EXPECT_EQ(a.uid, 7U);
  EXPECT_EQ(a.count(Quirk::LongList), 2U);
  const Talk p("* 1 FETCH (BODYSTRUCTURE (" + parts + " \"MIXED\") UID 7)\r\n");
  EXPECT_EQ(p.structure.parts.size(), imap::kMaxParts);
  EXPECT_EQ(p.structure.subtype, "MIXED");
  EXPECT_EQ(p.count(Quirk::LongList), 3U);
}

TEST(ImapQuirks, EnvelopeDamage) {
  for (const char* text :
       {"(\"d\" \"s\" ((NIL NIL \"m\" \"h\")))", "(7 \"s\" ((NIL NIL \"m\" \"h\")) NIL NIL NIL NIL NIL NIL NIL)",
        "(\"d\" \"s\" ((NIL NIL \"m\" \"h\")) NIL NIL \"\" NIL NIL NIL NIL)"}) {
    const Talk t(std::string("* 1 FETCH (ENVELOPE ") + text + " UID 7)\r\n");
    EXPECT_EQ(t.envelope.subject, "s") << text;
    ASSERT_EQ(t.envelope.from.size(), 1U) << text;
    EXPECT_EQ(t.uid, 7U) << text;
    EXPECT_GE(t.count(Quirk::EnvelopeDamage), 1U) << text;
  }
}

TEST(ImapQuirks, OddItem) {
  for (const char* date : {"NIL", "\"00-Jan-0000 00:00:00 +0000\""}) {
    const Talk t(std::string("* 1 FETCH (UID 7 INTERNALDATE ") + date + " FLAGS (\\Seen))\r\n");
    EXPECT_EQ(t.uid, 7U);
    EXPECT_FALSE(t.has_date);
    EXPECT_EQ(t.flags, uint32_t{imap::kSeen});
    EXPECT_EQ(t.count(Quirk::OddItem), 1U);
  }
}

TEST(ImapQuirks, OddFlag) {
  for (const char* odd : {"a%b", "\"a b\""}) {
    const Talk t(std::string("* 1 FETCH (UID 7 FLAGS (\\Seen ") + odd + " \\Draft))\r\n");
    EXPECT_EQ(t.flags, uint32_t{imap::kSeen | imap::kDraft});
    EXPECT_EQ(t.count(Quirk::OddFlag), 1U);
  }
}

// What only the replica can see, on a scripted server; the trace tells.

class Nobody final : public sync::ChangeSink {
 public:
  Status open(const sync::BoxId&, const sync::BoxState&) override { return {}; }
  Status seen(const sync::MsgRef&, const sync::Facts&) override { return {}; }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
  Status close(const sync::BoxId&, std::string_view next, uint64_t) override {
    cursor = next;
    return {};
  }
  Status missing(const sync::BoxId&) override { return {}; }
  std::string cursor;
};

class Octets final : public sync::MessageSink {
 public:
  Status begin(uint64_t, uint64_t) override { return {}; }
  Status data(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  Status end(uint64_t) override { return {}; }
  Status failed(uint64_t, const Error& error) override { return fail(error); }
  std::string text;
};

struct Server {
  explicit Server(std::string_view script, const std::string& greeting = "hi")
      : channel(std::make_shared<ScriptedChannel>("S: * OK [CAPABILITY IMAP4rev1] " + greeting +
                                                  "\nC: T1 LOGIN \"me\" \"pw\"\nS: T1 OK [CAPABILITY IMAP4rev1] in\n"
                                                  "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\n" +
                                                  std::string(script))) {
    ImapOptions options{.credentials = {.user = "me", .password = Secret("pw")}, .security = ImapSecurity::Tls};
    options.client_id = false;
    options.trace = &trace;
    replica = open_imap(std::make_unique<LentChannel>(channel), std::move(options), {}).value();
    boxes = replica->mailboxes({}).value();
  }
  Lines trace;
  std::shared_ptr<ScriptedChannel> channel;
  std::unique_ptr<sync::Replica> replica;
  std::vector<sync::Mailbox> boxes;
};

constexpr const char* kInbox =
    "S: * LIST () \"/\" INBOX\nS: T2 OK in\nS: T3 OK in\nC: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nS: T4 OK "
    "in\n";

TEST(ImapQuirks, NameNotCanonical) {
  const Server server("S: * LIST (\\\\Noselect) \"/\" \"a&AGE-\"\nS: T2 OK in\nS: T3 OK in\n");
  ASSERT_EQ(server.boxes.size(), 1U);
  EXPECT_EQ(server.boxes[0].path, sync::Path{"a&AGE-"});
  EXPECT_EQ(server.trace.named(Quirk::NameNotCanonical), 1U);
}

TEST(ImapQuirks, NoUidNext) {
  Server server(std::string(kInbox) +
                "C: T5 EXAMINE INBOX\nC: T6 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\nS: * 1 EXISTS\n"
                "S: * OK [UIDVALIDITY 5] ok\nS: T5 OK in\nS: * 1 FETCH (UID 7 FLAGS () RFC822.SIZE 3)\nS: T6 OK in\n");
  Nobody nobody;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
  ASSERT_TRUE(server.replica->changes(cursors, nobody, {})) << server.channel->mismatch();
  EXPECT_EQ(nobody.cursor, "1 5 8 0 1 INBOX") << "the last UID tells what comes next";
  EXPECT_EQ(server.trace.named(Quirk::NoUidNext), 1U);
}

TEST(ImapQuirks, UnsavedUids) {
  for (const char* greeting : {"Courier-IMAP ready. Copyright 1998-2019 Double Precision, Inc.", "IMAP4rev1"}) {
    Server server(std::string(kInbox) +
                      "C: T5 SELECT INBOX\nC: T6 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\nS: * 1 EXISTS\n"
                      "S: * OK [UIDVALIDITY 5] ok\nS: * OK [UIDNEXT 8] ok\nS: T5 OK [READ-WRITE] in\n"
                      "S: * 1 FETCH (UID 7 FLAGS () RFC822.SIZE 3)\nS: T6 OK in\n",
                  greeting);
    Nobody nobody;
    const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
    ASSERT_TRUE(server.replica->changes(cursors, nobody, {})) << greeting << server.channel->mismatch();
    EXPECT_EQ(nobody.cursor, "1 5 8 0 1 INBOX");
    EXPECT_EQ(server.trace.named(Quirk::UnsavedUids), 1U);
  }
}

TEST(ImapQuirks, WrongSize) {
  for (const uint64_t announced : {3U, 99U}) {
    Server server(std::string(kInbox) +
                  "C: T5 EXAMINE INBOX\nS: * OK [UIDVALIDITY 5] ok\nS: T5 OK in\nC: T6 UID FETCH 7 (UID BODY.PEEK[])\n"
                  "S= * 1 FETCH (UID 7 BODY[] {3}\\r\\nabc)\\r\\nT6 OK in\\r\\n\n");
    Octets octets;
    const std::vector<sync::FetchItem> items{{.token = 1, .ref = {"INBOX", 5, {.number = 7}}, .size = announced}};
    ASSERT_TRUE(server.replica->fetch(items, octets, {})) << server.channel->mismatch();
    EXPECT_EQ(octets.text, "abc");
    EXPECT_EQ(server.trace.named(Quirk::WrongSize), announced == 3 ? 0U : 1U);
  }
}

}  // namespace
}  // namespace libsync::replicas
