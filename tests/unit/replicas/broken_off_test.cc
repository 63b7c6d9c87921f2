// A message in which the connection ends, run after run: the others come all the same.
#include <memory>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "libsync/base/digest.h"
#include "libsync/replicas/memory.h"
#include "libsync/replicas/pop3.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/sync.h"

#include "tests/unit/replicas/imap_script.h"

namespace libsync::replicas {
namespace {

class Nobody final : public sync::SyncObserver {
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

std::string octets(int message) { return fmt::format("Subject: m{}\\r\\n\\r\\n", message); }

class BrokenOff : public testing::Test {
 protected:
  void SetUp() override {
    local = std::make_unique<MemoryReplica>(MemoryTraits{.identity = "local"});
    db = store::Db::open("", store::DbMode::Memory).value();
    ASSERT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
  }

  // One run on what a server says. Returns the error, or nothing.
  std::string run(sync::Replica& server) {
    Nobody nobody;
    sync::SyncOptions options{.policy = policy, .find_known = find_known};
    options.damaged = damaged;
    sync::Sync engine(server, *local, *link, clock, options, nobody);
    const Status status = engine.run({});
    report = engine.report();
    return status ? std::string() : status.error().text();
  }

  // The numbers of the messages that are here.
  std::string here() {
    std::set<std::string> numbers;
    const auto* inbox = local->box({"INBOX"});
    if (inbox == nullptr) return {};
    for (const auto& [uid, message] : inbox->messages) numbers.insert(message.octets.substr(10, 1));
    std::string all;
    for (const std::string& each : numbers) all += each;
    return all;
  }

  std::unique_ptr<MemoryReplica> local;
  std::unique_ptr<store::Db> db;
  std::unique_ptr<sync::Link> link;
  SystemClock clock;
  sync::SyncReport report;
  std::function<Result<std::optional<sync::Id>>(const sync::Id&)> find_known{};
  std::function<Result<std::vector<sync::Id>>()> damaged{};
  sync::Policy policy = sync::mirror_policy({.folders = true, .flags = true}, sync::Leave::Forever);
};

// POP3: four messages of 15 octets.

const std::string kLogin =
    "S: +OK hello\nC: CAPA\nS: +OK\\r\\nTOP\\r\\nUIDL\\r\\nPIPELINING\\r\\nUSER\\r\\n.\nC: USER me\nS: +OK\nC: PASS "
    "pw\nS: +OK\nC: CAPA\nC: STAT\nC: LIST\nC: UIDL\n"
    "S: +OK\\r\\nTOP\\r\\nUIDL\\r\\nPIPELINING\\r\\nUSER\\r\\n.\n";

// What STAT, LIST and UIDL say where these are there, by their UIDL.
std::string listing(std::string_view names = "abcd") {
  std::string list, uidl;
  for (size_t i = 1; i <= names.size(); ++i) {
    list += fmt::format("{} 15\\r\\n", i);
    uidl += fmt::format("{} {}\\r\\n", i, names[i - 1]);
  }
  return fmt::format("S: +OK {} {}\nS: +OK\\r\\n{}.\nS: +OK\\r\\n{}.\n", names.size(), 15 * names.size(), list, uidl);
}

std::string retr(std::initializer_list<int> messages) {
  std::string lines;
  for (const int each : messages) lines += fmt::format("C: RETR {}\n", each);
  return lines + "C: RSET\n";
}
std::string pop3_text(int message) { return "S= +OK\\r\\n" + octets(message) + ".\\r\\n\n"; }

class Pop3BrokenOff : public BrokenOff {
 protected:
  Pop3BrokenOff() { policy = sync::mirror_policy({}, sync::Leave::Forever); }

  std::string run(const std::string& script, std::string_view names = "abcd") {
    auto channel = std::make_shared<ScriptedChannel>(kLogin + listing(names) + script + "C: QUIT\nS: +OK\n");
    Pop3Options options;
    options.credentials = {.user = "me", .password = Secret("pw")};
    auto replica = open_pop3(std::make_unique<LentChannel>(channel), options, {});
    EXPECT_TRUE(replica) << channel->mismatch();
    const std::string error = BrokenOff::run(**replica);
    EXPECT_EQ(channel->mismatch(), "");
    return error;
  }
};

TEST_F(Pop3BrokenOff, IsFetchedLast) {
  EXPECT_NE(run(retr({1, 2, 3, 4}) + pop3_text(1) + "S= +OK\\r\\nSubj\nCUT\n").find("it ended in INBOX/b"),
            std::string::npos);
  EXPECT_EQ(here(), "1");
  EXPECT_NE(run(retr({3, 4}) + pop3_text(3) + pop3_text(4) + "S: +OK\n" + retr({2}) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_EQ(here(), "134");
  EXPECT_EQ(run(retr({2}) + pop3_text(2) + "S: +OK\n"), "");
  EXPECT_EQ(here(), "1234");
}

TEST_F(Pop3BrokenOff, WithoutAWordOfItIsKnownAllTheSame) {
  EXPECT_NE(run(retr({1, 2, 3, 4}) + pop3_text(1) + "CLOSE\n"), "");
  EXPECT_EQ(here(), "1") << "all announced octets came, and the dot";
  EXPECT_NE(run(retr({3, 4}) + pop3_text(3) + pop3_text(4) + "S: +OK\n" + retr({2}) + "CLOSE\n"), "");
  EXPECT_EQ(here(), "134");
}

TEST_F(Pop3BrokenOff, EndingBehindEachMessageBringsOneARun) {
  EXPECT_NE(run(retr({1, 2, 3, 4}) + pop3_text(1) + "CUT\n"), "");
  EXPECT_NE(run(retr({3, 4}) + pop3_text(3) + "CLOSE\n"), "");
  EXPECT_EQ(here(), "13");
}

// Its octets are fewer than LIST said: what came may be all, or not.
TEST_F(Pop3BrokenOff, AnEndBehindAMessageThatCameShortIsThatMessages) {
  EXPECT_NE(run(retr({1, 2, 3, 4}) + "S= +OK\\r\\nShort\\r\\n.\\r\\n\nCLOSE\n").find("it ended in INBOX/a"),
            std::string::npos);
  EXPECT_EQ(here(), "");
}

// One that came short is read again; the connection ends in that.
TEST_F(Pop3BrokenOff, WhatIsReadAgainKeepsNothingAway) {
  EXPECT_EQ(run(retr({1, 2, 3, 4}) + pop3_text(1) + "S= +OK\\r\\nShort\\r\\n.\\r\\n\n" + pop3_text(3) +
                "S= -ERR no\\r\\n\n" + "S: +OK\n"),
            "");
  EXPECT_NE(run(retr({2}) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_NE(run(retr({4}) + pop3_text(4) + "S: +OK\n" + retr({2}) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_EQ(local->box({"INBOX"})->messages.size(), 4U);
}

// One of two ends the connection each time; the other was in it by chance.
TEST_F(Pop3BrokenOff, TwoTakeTurns) {
  EXPECT_NE(run(retr({1, 2, 3, 4}) + pop3_text(1) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_NE(run(retr({3, 4}) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_NE(run(retr({4}) + pop3_text(4) + "S: +OK\n" + retr({2}) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_NE(run(retr({3}) + pop3_text(3) + "S: +OK\n" + retr({2}) + "S= +OK\\r\\nSubj\nCUT\n"), "");
  EXPECT_EQ(here(), "134");
}

// With leave = "never" removals take effect only where the session comes to its end.

const std::string kHalf = "S= +OK\\r\\nSubj\nCUT\n";

std::string top(std::initializer_list<int> messages) {
  std::string lines;
  for (const int each : messages) lines += fmt::format("C: TOP {} 0\n", each);
  return lines + "C: RSET\n";
}
std::string dele(std::initializer_list<int> messages) {
  std::string lines, answers;
  for (const int each : messages) {
    lines += fmt::format("C: DELE {}\n", each);
    answers += "S: +OK\n";
  }
  return lines + answers;
}

class Pop3LeaveBrokenOff : public Pop3BrokenOff {
 protected:
  // All four are here and on the server.
  void SetUp() override {
    Pop3BrokenOff::SetUp();
    EXPECT_EQ(run(retr({1, 2, 3, 4}) + pop3_text(1) + pop3_text(2) + pop3_text(3) + pop3_text(4) + "S: +OK\n"), "");
    policy = sync::mirror_policy({}, sync::Leave::Never);
  }
  std::string skipped() const {
    std::string all;
    for (const auto& each : report.skipped) all += each.where + ": " + each.why + "\n";
    return all;
  }
};

TEST_F(Pop3LeaveBrokenOff, TheHeaderOfOneKeepsTheRemovalOfTheOthersAwayOnlyThrice) {
  EXPECT_NE(run(top({1, 2, 3, 4}) + pop3_text(1) + kHalf).find("it ended in INBOX/b"), std::string::npos);
  EXPECT_NE(run(retr({2}) + kHalf), "") << "before the removals: it may be all that keeps it from going with them";
  EXPECT_NE(run(retr({2}) + kHalf), "") << "once may be chance";
  EXPECT_EQ(run(top({1, 3, 4}) + pop3_text(1) + pop3_text(3) + pop3_text(4) + "S: +OK\n" + dele({1, 3, 4})), "");
  EXPECT_EQ(report.left, 3U);
  EXPECT_EQ(skipped(), "INBOX/b: left on the server: the connection ended in it; it is to be read once more\n");
  EXPECT_NE(run(retr({1}) + kHalf, "b"), "");
  EXPECT_EQ(run(retr({1}) + pop3_text(2) + "S: +OK\n" + dele({1}), "b"), "") << "nothing to remove but it";
  EXPECT_EQ(report.left, 1U);
  EXPECT_EQ(skipped(), "");
  EXPECT_EQ(here(), "1234");
}

TEST_F(Pop3LeaveBrokenOff, OneThatCanBeReadAfterAllGoesWithTheOthers) {
  EXPECT_NE(run(top({1, 2, 3, 4}) + pop3_text(1) + kHalf), "");
  EXPECT_EQ(run(retr({2}) + pop3_text(2) + "S: +OK\n" + top({1, 3, 4}) + pop3_text(1) + pop3_text(3) + pop3_text(4) +
                "S: +OK\n" + dele({1, 2, 3, 4})),
            "")
      << "what was read is not asked for its header again";
  EXPECT_EQ(report.left, 4U);
}

TEST_F(Pop3LeaveBrokenOff, ANewOneKeepsNoRemovalAway) {
  const auto new_one = [&](const std::string& script) { return run(script, "abcde"); };
  EXPECT_NE(new_one(retr({5}) + kHalf).find("it ended in INBOX/e"), std::string::npos);
  EXPECT_NE(new_one(retr({5}) + kHalf), "");
  EXPECT_NE(new_one(retr({5}) + kHalf), "");
  EXPECT_EQ(new_one(top({1, 2, 3, 4}) + pop3_text(1) + pop3_text(2) + pop3_text(3) + pop3_text(4) + "S: +OK\n" +
                    dele({1, 2, 3, 4})),
            "");
  EXPECT_EQ(report.left, 4U);
  EXPECT_EQ(skipped(), "INBOX/e: the connection ended in it; the next sync tries it again\n");
  EXPECT_EQ(run(retr({1}) + pop3_text(5) + "S: +OK\n" + dele({1}), "e"), "");
  EXPECT_EQ(here(), "12345");
}

TEST_F(Pop3LeaveBrokenOff, OneThatIsDamagedHereKeepsNothingAway) {
  const auto* inbox = local->box({"INBOX"});
  const std::string second = inbox->messages.at(2).octets;
  damaged = [second] { return std::vector<sync::Id>{"sha256:" + to_hex(sha256(second))}; };
  const std::string three = pop3_text(1) + pop3_text(3) + pop3_text(4) + "S: +OK\n";
  EXPECT_NE(run(retr({2}) + kHalf).find("it ended in INBOX/b"), std::string::npos);
  EXPECT_NE(run(retr({2}) + kHalf), "") << "last, but before the removals";
  EXPECT_NE(run(retr({2}) + kHalf), "");
  EXPECT_EQ(run(top({1, 3, 4}) + three + dele({1, 3, 4})), "");
  EXPECT_EQ(report.left, 3U);
}

// A store rebuilt from its segments asks for headers first.
TEST_F(Pop3BrokenOff, TheHeaderOfOneKeepsNoNewMailAwayFromARebuiltStore) {
  find_known = [](const sync::Id&) { return std::optional<sync::Id>(); };
  EXPECT_NE(run(top({1, 2, 3, 4}) + pop3_text(1) + kHalf).find("it ended in INBOX/b"), std::string::npos);
  EXPECT_NE(run(top({1, 3, 4, 2}) + pop3_text(1) + pop3_text(3) + pop3_text(4) + kHalf), "")
      << "once may have been an accident";
  EXPECT_EQ(run(top({1, 3, 4}) + pop3_text(1) + pop3_text(3) + pop3_text(4) + "S: +OK\n" + retr({1, 3, 4}) +
                pop3_text(1) + pop3_text(3) + pop3_text(4) + "S: +OK\n" + retr({2}) + pop3_text(2) + "S: +OK\n"),
            "")
      << "it is fetched without its header";
  EXPECT_EQ(here(), "1234");
}

// Each of two ends the connection each time, and a third that is good was in it by chance.
TEST_F(Pop3BrokenOff, NoneOfThoseThatComeLastStandsBeforeWhatIsNew) {
  const auto five = [&](const std::string& script) { return run(script, "abcde"); };
  EXPECT_NE(run(retr({1, 2, 3, 4}) + kHalf), "");
  EXPECT_NE(run(retr({2, 3, 4}) + kHalf), "");
  EXPECT_NE(run(retr({3, 4}) + kHalf), "");
  EXPECT_NE(run(retr({4}) + pop3_text(4) + "S: +OK\n" + retr({1}) + kHalf), "");
  EXPECT_NE(five(retr({5}) + pop3_text(5) + "S: +OK\n" + retr({2}) + kHalf), "") << "the one behind it has its turn";
  EXPECT_EQ(here(), "45");
  EXPECT_NE(five(retr({3}) + pop3_text(3) + "S: +OK\n" + retr({1}) + kHalf), "");
  EXPECT_EQ(here(), "345");
}

// Known again by its header after the server has renamed everything: one ends the connection.
TEST_F(Pop3BrokenOff, TheHeaderOfOneKeepsNoNewMailAwayWhenNamesHaveChanged) {
  const std::string all = pop3_text(1) + pop3_text(2) + pop3_text(3) + pop3_text(4) + "S: +OK\n";
  EXPECT_EQ(run(retr({1, 2, 3, 4}) + all), "");
  EXPECT_NE(run(top({1, 2, 3, 4}) + pop3_text(1) + kHalf, "ABCD").find("it ended in INBOX/B"), std::string::npos);
  EXPECT_NE(run(top({1, 3, 4, 2}) + pop3_text(1) + pop3_text(3) + pop3_text(4) + kHalf, "ABCD"), "");
  EXPECT_EQ(run(top({1, 3, 4, 5}) + pop3_text(1) + pop3_text(3) + pop3_text(4) + pop3_text(5) + "S: +OK\n" + retr({5}) +
                    pop3_text(5) + "S: +OK\n" + retr({2}) + pop3_text(2) + "S: +OK\n",
                "ABCDE"),
            "");
  EXPECT_EQ(here(), "12345");
}

// IMAP

const std::string kLook =
    login("") +
    "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: T2 OK\nS: T3 OK\n"
    "C: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nS: * STATUS INBOX (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 5)\n"
    "S: T4 OK\nC: T5 EXAMINE INBOX\nC: T6 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\nS: * 4 EXISTS\n"
    "S: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 5]\nS: T5 OK in\nS: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 15)\n"
    "S: * 2 FETCH (UID 2 FLAGS () RFC822.SIZE 15)\nS: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 15)\n"
    "S: * 4 FETCH (UID 4 FLAGS () RFC822.SIZE 15)\nS: T6 OK\n";

std::string fetch(int tag, std::string_view uids) {
  return fmt::format("C: T{} UID FETCH {} (UID BODY.PEEK[])\n", tag, uids);
}
std::string imap_text(int message) {
  return fmt::format("S= * {0} FETCH (UID {0} BODY[] {{15}}\\r\\n{1})\\r\\n\n", message, octets(message));
}

class ImapBrokenOff : public BrokenOff {
 protected:
  std::string run(const std::string& script) {
    auto o = open(kLook + script);
    EXPECT_TRUE(o.replica) << o.channel->mismatch();
    const std::string error = BrokenOff::run(*o);
    EXPECT_EQ(o.channel->mismatch(), "");
    return error;
  }
};

TEST_F(ImapBrokenOff, IsFetchedLast) {
  for (const char* end : {"S= * 2 FETCH (UID 2 BODY[] {15}\\r\\nSubj\nCUT\n",
                          "S= * 2 FETCH (UID 2 BODY[] {3000000000}\\r\\n\n", "CLOSE\n"}) {
    SetUp();
    EXPECT_NE(run(fetch(7, "1:4") + imap_text(1) + end).find("it ended in INBOX/2"), std::string::npos);
    EXPECT_EQ(here(), "1");
    EXPECT_NE(run(fetch(7, "3:4") + imap_text(3) + imap_text(4) + "S: T7 OK\n" + fetch(8, "2") + end), "");
    EXPECT_EQ(here(), "134");
    EXPECT_EQ(run(fetch(7, "2") + imap_text(2) + "S: T7 OK\n"), "");
    EXPECT_EQ(here(), "1234");
  }
}

}  // namespace
}  // namespace libsync::replicas
