// One test for each row of the table of POP3 quirks.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "libsync/pop3/quirks.h"
#include "libsync/pop3/session.h"
#include "libsync/replicas/pop3.h"
#include "libsync/replicas/pop3_conversation.h"
#include "libsync/replicas/pop3_maildrop.h"
#include "libsync/sync/policy.h"

#include "tests/support/scripted_channel.h"

namespace libsync::replicas {
namespace {

using pop3::Quirk;
using twinbox::test::ScriptedChannel;

// Puts down what comes of the bodies that are over.
class Bodies final : public pop3::Events {
 public:
  Status event(const pop3::Event& event) override {
    if (event.kind == pop3::Event::Kind::Reply) piece_.clear();
    if (event.kind == pop3::Event::Kind::Text || event.kind == pop3::Event::Kind::Line) piece_ += event.text;
    if (event.kind == pop3::Event::Kind::End) whole += piece_ + "|";
    return {};
  }
  std::string whole;

 private:
  std::string piece_;
};

class Notes final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    if (kind == TraceKind::Note) all += std::string(text) + "\n";
  }
  std::string all;
};

// A session behind its login.
struct Talk {
  explicit Talk(const std::string& script)
      : conversation(std::make_unique<ScriptedChannel>("S: +OK\nC: USER joe\nS: +OK\nC: PASS x\nS: +OK\n" + script),
                     {.host = "pop.example.org", .trace = &trace}, clock) {
    EXPECT_TRUE(conversation.read_greeting({}));
    EXPECT_TRUE(conversation.ask(pop3::user("joe"), {}));
    EXPECT_TRUE(conversation.ask(pop3::pass(Secret("x")), {}));
  }
  Status ask(const pop3::Command& command) {
    const auto answer = conversation.ask(command, {}, &bodies);
    return answer ? Status() : fail(answer.error());
  }
  uint64_t count(Quirk quirk) const { return conversation.session().quirks().count(quirk); }

  SystemClock clock;
  Notes trace;
  Pop3Conversation conversation;
  Bodies bodies;
};

TEST(Pop3QuirksTable, EachHasARowThatSaysWhereItWasSeen) {
  for (size_t i = 0; i < pop3::kQuirks.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(pop3::kQuirks[i].quirk), i);
    EXPECT_FALSE(pop3::kQuirks[i].name.empty() || pop3::kQuirks[i].seen.empty());
  }
}

TEST(Pop3QuirksTable, EachIsTracedOnce) {
  Talk t("C: CAPA\nS: +OK\\r\\nEXPIRENEVER\\r\\n.\nC: CAPA\nS: +OK\\r\\nEXPIRENEVER\\r\\n.\n");
  ASSERT_TRUE(t.ask(pop3::capa()));
  ASSERT_TRUE(t.ask(pop3::capa()));
  EXPECT_EQ(t.count(Quirk::ExpireNever), 2U);
  EXPECT_EQ(t.trace.all, "tolerated: expire-never (mailutils: EXPIRENEVER in CAPA is EXPIRE NEVER)\n")
      << "and a bare +OK is none";
}

TEST(Pop3Quirks, LfOnly) {
  Talk t("C: RETR 1\nS= +OK\\na\\n..b\\n.\\n\nC: RSET\nS= +OK\\n\n");
  EXPECT_EQ(t.count(Quirk::LfOnly), 0U);
  ASSERT_TRUE(t.ask(pop3::retr(1, 5)));
  EXPECT_EQ(t.bodies.whole, "a\n.b\n|");
  EXPECT_EQ(t.count(Quirk::LfOnly), 2U) << "the two status lines";
}

TEST(Pop3Quirks, MissingText) {
  Talk t("C: STAT\nS: -ERR\n");
  const auto before = t.count(Quirk::MissingText);
  EXPECT_EQ(before, 2U) << "USER and PASS were answered by a bare +OK";
  ASSERT_TRUE(t.ask(pop3::stat()));
  EXPECT_EQ(t.count(Quirk::MissingText), 3U);
}

TEST(Pop3Quirks, ExpireNever) {
  Talk t("C: CAPA\nS: +OK\\r\\nEXPIRENEVER\\r\\n.\n");
  ASSERT_TRUE(t.ask(pop3::capa()));
  EXPECT_EQ(t.count(Quirk::ExpireNever), 1U);
  EXPECT_TRUE(t.conversation.session().capabilities().expire_never);
}

TEST(Pop3Quirks, RepeatedMechanism) {
  Talk t("C: CAPA\nS: +OK\\r\\nSASL PLAIN LOGIN\\r\\nSASL plain\\r\\n.\n");
  ASSERT_TRUE(t.ask(pop3::capa()));
  EXPECT_EQ(t.count(Quirk::RepeatedMechanism), 1U);
  EXPECT_EQ(t.conversation.session().capabilities().sasl, (std::vector<std::string>{"PLAIN", "LOGIN"}));
}

TEST(Pop3Quirks, WrongSize) {
  for (const uint64_t announced : {1U, 100U}) {
    Talk t("C: RETR 1\nS: +OK\\r\\nabc\\r\\n.\nC: RSET\nS: +OK\n");
    ASSERT_TRUE(t.ask(pop3::retr(1, announced)));
    EXPECT_EQ(t.bodies.whole, "abc\r\n|") << "every octet up to the dot";
    EXPECT_EQ(t.count(Quirk::WrongSize), 1U);
  }
}

TEST(Pop3Quirks, UnstuffedDot) {
  Talk t("C: RETR 1\nS: +OK\\r\\na\\r\\n.\\r\\nb\\r\\n.\nC: RSET\nS: +OK\n");
  ASSERT_TRUE(t.ask(pop3::retr(1, 9)));
  EXPECT_EQ(t.bodies.whole, "a\r\n.\r\nb\r\n|");
  EXPECT_EQ(t.count(Quirk::UnstuffedDot), 1U);
}

TEST(Pop3Quirks, RepeatedUidl) {
  Talk t(R"(
    C: STAT
    S: +OK 2 20
    C: LIST
    S: +OK\r\n1 10\r\n2 10\r\n.
    C: UIDL
    S: +OK\r\n1 same\r\n2 same\r\n.
    C: TOP 1 0
    S: +OK\r\nA: 1\r\n\r\n.
    C: RSET
    S: +OK
    C: TOP 1 0
    S: +OK\r\nA: 1\r\n\r\n.
    C: TOP 2 0
    S: +OK\r\nA: 2\r\n\r\n.
    C: RSET
    S: +OK
  )");
  Pop3Maildrop drop(t.conversation.session().quirks());
  const Status loaded = drop.load(t.conversation, {}, {});
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(t.count(Quirk::RepeatedUidl), 2U);
  EXPECT_NE(drop.key(drop.entries()[0]), drop.key(drop.entries()[1]));
}

TEST(Pop3Quirks, NumberForUidl) {
  const auto keys = [](const std::string& tops, const std::string& uidls) {
    Talk t("C: STAT\nS: +OK 2 20\nC: LIST\nS: +OK\\r\\n1 10\\r\\n2 10\\r\\n.\nC: UIDL\nS: +OK\\r\\n" + uidls +
           "\\r\\n.\nC: TOP 1 0\nS: +OK\\r\\nA: probe\\r\\n\\r\\n.\nC: RSET\nS: +OK\n" + tops);
    Pop3Maildrop drop(t.conversation.session().quirks());
    const Status loaded = drop.load(t.conversation, {}, {});
    EXPECT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ(drop.has_uidl(), t.count(Quirk::NumberForUidl) == 0);
    return std::pair(std::string(drop.key(drop.entries()[0])), std::string(drop.key(drop.entries()[1])));
  };
  const auto tops = [](const std::string& first, const std::string& second) {
    return "C: TOP 1 0\nS: +OK\\r\\nA: " + first + "\\r\\n\\r\\n.\nC: TOP 2 0\nS: +OK\\r\\nA: " + second +
           "\\r\\n\\r\\n.\nC: RSET\nS: +OK\n";
  };
  const auto monday = keys(tops("mon", "tue"), "1 1\\r\\n2 2");
  const auto tuesday = keys(tops("tue", "wed"), "1 1\\r\\n2 2");
  EXPECT_EQ(tuesday.first, monday.second) << "the same message, whatever its number";
  EXPECT_NE(tuesday.second, monday.first);
  EXPECT_EQ(keys("", "1 1\\r\\n2 7"), std::pair(std::string("1"), std::string("7"))) << "one that is not its number";
}

// A maildrop whose messages go by their digests is not read anew each time.
TEST(Pop3Quirks, NumberForUidlAsksForWhatMayHaveChanged) {
  const auto load = [](const std::string& sizes, const std::string& uidls, const std::string& tops,
                       std::string_view token) {
    const auto count = std::to_string(std::ranges::count(sizes, ' '));
    Talk t("C: STAT\nS: +OK " + count + " 20\nC: LIST\nS: +OK\\r\\n" + sizes + ".\nC: UIDL\nS: +OK\\r\\n" + uidls +
           ".\nC: TOP 1 0\nS: +OK\\r\\nA: probe\\r\\n\\r\\n.\nC: RSET\nS: +OK\n" + tops + "C: RSET\nS: +OK\n");
    auto drop = std::make_unique<Pop3Maildrop>(t.conversation.session().quirks());
    const Status loaded = drop->load(t.conversation, token, {});
    EXPECT_TRUE(loaded) << loaded.error().text();
    return drop;
  };
  const auto top = [](int number, const std::string& header) {
    const std::string n = std::to_string(number);
    return "C: TOP " + n + " 0\nS: +OK\\r\\nA: " + header + "\\r\\n\\r\\n.\n";
  };
  const std::string sizes = "1 10\\r\\n2 10\\r\\n3 10\\r\\n", uidls = "1 1\\r\\n2 2\\r\\n3 3\\r\\n";
  const auto first = load(sizes, uidls, top(1, "a") + top(2, "b") + top(3, "c"), {});
  EXPECT_FALSE(first->partial());
  ASSERT_FALSE(first->token().empty());
  const auto same = load(sizes, uidls, top(2, "b") + top(3, "c"), first->token());  // 2 because it is its turn
  EXPECT_TRUE(same->partial());
  EXPECT_EQ(same->key(same->entries()[2]), first->key(first->entries()[2]));
  EXPECT_EQ(same->entries()[0].key_size, 0U);
  EXPECT_NE(same->token(), first->token()) << "another has its turn";
  const auto more =
      load(sizes + "4 10\\r\\n", uidls + "4 4\\r\\n", top(2, "b") + top(3, "c") + top(4, "d"), first->token());
  EXPECT_TRUE(more->partial());
  EXPECT_TRUE(more->is_new(more->entries()[3]) && !more->is_new(more->entries()[2]));
  const auto moved = load(sizes, uidls, top(2, "c") + top(3, "d") + "C: RSET\nS: +OK\n" + top(1, "b"), first->token());
  EXPECT_FALSE(moved->partial()) << "the last is another one: all are asked for";
  EXPECT_EQ(moved->key(moved->entries()[0]), first->key(first->entries()[1]));
  const auto other =
      load("1 10\\r\\n2 11\\r\\n3 10\\r\\n", uidls, top(1, "a") + top(2, "x") + top(3, "c"), first->token());
  EXPECT_FALSE(other->partial()) << "another size";
  for (const char* nonsense : {"1:0::", "1:3:x", "x", "1:99:a:b", "1:3:a:b:c"}) {
    EXPECT_FALSE(load(sizes, uidls, top(1, "a") + top(2, "b") + top(3, "c"), nonsense)->partial()) << nonsense;
  }
}

TEST(Pop3Quirks, LongUidl) {
  const std::string name = std::string(69, 'u') + " \x7f";
  Talk t("C: STAT\nS: +OK 2 20\nC: LIST\nS: +OK\\r\\n1 10\\r\\n2 10\\r\\n.\nC: UIDL\nS: +OK\\r\\n1 " +
         std::string(300, 'v') + "\\r\\n2 " + name + "\\r\\n.\nC: TOP 1 0\nS: -ERR\n");
  Pop3Maildrop drop(t.conversation.session().quirks());
  const Status loaded = drop.load(t.conversation, {}, {});
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(t.count(Quirk::LongUidl), 2U);
  EXPECT_EQ(drop.key(drop.entries()[0]), std::string(300, 'v'));
  EXPECT_EQ(drop.key(drop.entries()[1]), name);
}

TEST(Pop3Quirks, PartialMaildrop) {
  const auto policy = sync::mirror_policy({.remove = true, .removes_at_finish = true}, sync::Leave::Forever);
  EXPECT_FALSE(policy.on(sync::Side::B).remove) << "what a maildrop does not show is not gone";
}

TEST(Pop3Quirks, WaitInWords) {
  for (const char* words :
       {"-ERR Login fail. Account is abnormal, service is not open, login frequency limited",
        "-ERR Account exceeded command or bandwidth limits. (Failure)", "-ERR [LIMIT] Rate limit hit"}) {
    const Error error = pop3::refusal("login refused", *pop3::parse_status(words), {}, Errc::Auth);
    EXPECT_EQ(error.code, Errc::Refused) << words;
    EXPECT_TRUE(error.retry);
    EXPECT_EQ(error.retry_after, pop3::kPauseOfLimits);
  }
  EXPECT_EQ(
      pop3::refusal("login refused", *pop3::parse_status("-ERR [AUTH] too many login failures"), {}, Errc::Auth).code,
      Errc::Auth)
      << "a code says more than words";
}

}  // namespace
}  // namespace libsync::replicas
