// A message in which the connection ends, run after run: the others come all the same.
#include <memory>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

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
    sync::Sync engine(server, *local, *link, clock, {.policy = policy}, nobody);
    const Status status = engine.run({});
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
  sync::Policy policy = sync::mirror_policy({.folders = true, .flags = true}, sync::Leave::Forever);
};

// POP3: four messages of 15 octets.

const std::string kMaildrop =
    "S: +OK hello\nC: CAPA\nS: +OK\\r\\nTOP\\r\\nUIDL\\r\\nPIPELINING\\r\\nUSER\\r\\n.\nC: USER me\nS: +OK\nC: PASS "
    "pw\nS: +OK\nC: CAPA\nS: +OK\\r\\nTOP\\r\\nUIDL\\r\\nPIPELINING\\r\\nUSER\\r\\n.\nC: STAT\nC: LIST\nC: UIDL\n"
    "S: +OK 4 60\nS: +OK\\r\\n1 15\\r\\n2 15\\r\\n3 15\\r\\n4 15\\r\\n.\n"
    "S: +OK\\r\\n1 a\\r\\n2 b\\r\\n3 c\\r\\n4 d\\r\\n.\n";

std::string retr(std::initializer_list<int> messages) {
  std::string lines;
  for (const int each : messages) lines += fmt::format("C: RETR {}\n", each);
  return lines + "C: NOOP\n";
}
std::string pop3_text(int message) { return "S= +OK\\r\\n" + octets(message) + ".\\r\\n\n"; }

class Pop3BrokenOff : public BrokenOff {
 protected:
  Pop3BrokenOff() { policy = sync::mirror_policy({}, sync::Leave::Forever); }

  std::string run(const std::string& script) {
    auto channel = std::make_shared<ScriptedChannel>(kMaildrop + script + "C: RSET\nS: +OK\nC: QUIT\nS: +OK\n");
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
