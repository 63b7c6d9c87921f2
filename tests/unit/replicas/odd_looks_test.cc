// Looks and mailboxes that contradict themselves: nothing is lost, nothing comes twice, nothing is removed on a
// doubtful word.
#include "libsync/sync/verify.h"

#include "tests/unit/replicas/odd_servers.h"

namespace libsync::replicas {
namespace {

TEST_F(OddServers, AUidGivenAgainToMailOfAnotherDateIsFetched) {
  for (int i = 0; i < 3; ++i) {
    server.append(kInbox, "Subject: m" + std::to_string(i) + "\r\n\r\nbody\r\n", {}, 1'600'000'000 + i);
  }
  run(server);
  // Restored from a backup: UIDs and UIDVALIDITY as they were, other mail under them.
  auto& messages = server.box(kInbox)->messages;
  const uint64_t last = messages.rbegin()->first;
  messages[last].octets = "Subject: m2\r\n\r\nBODY\r\n";
  messages[last].date = 1'700'000'000;
  ++server.box(kInbox)->modseq;
  const sync::SyncReport report = run(server);
  EXPECT_EQ(report.added, 1U);
  EXPECT_TRUE(here().contains("Subject: m2\r\n\r\nBODY\r\n"));
  EXPECT_EQ(here().size(), 3U);
  EXPECT_TRUE(run(server).nothing_new());
}

TEST_F(OddServers, ADraftSavedAgainIsFetched) {
  server.make_box({"Drafts"});
  const uint64_t old = server.append({"Drafts"}, "Subject: d\r\n\r\nat 10:00\r\n", {}, 1'600'000'000);
  run(server);
  server.append({"Drafts"}, "Subject: d\r\n\r\nat 16:30\r\n", {}, 1'600'000'060);
  server.expunge({"Drafts"}, old);
  run(server);
  EXPECT_EQ(here({"Drafts"}), std::multiset<std::string>{"Subject: d\r\n\r\nat 16:30\r\n"});
}

TEST_F(OddServers, AListingThatContradictsItsCountStillBringsItsMail) {
  class Counting final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      struct Count final : TwistedSink {
        using TwistedSink::TwistedSink;
        Status open(const sync::BoxId& box, const sync::BoxState& state) override {
          auto partial = state;
          partial.full = false;
          return to_.open(box, partial);
        }
        Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
          return to_.close(box, next, exists + 1);
        }
      } count(sink);
      return real_.changes(cursors, count, stop);
    }
  } counting(server);
  fill(kInbox, 2);
  EXPECT_EQ(run(counting).doubtful.size(), 1U);
  EXPECT_EQ(here().size(), 2U);
  fill(kInbox, 1, "new");
  run(counting);
  EXPECT_EQ(here().size(), 3U);
}

TEST_F(OddServers, AMoveSeenHalfIsStillAMove) {
  server.make_box({"Aim"});
  fill(kInbox, 3);
  run(server);
  // "Aim" is looked at, then another program moves a message there, then INBOX is looked at.
  class HalfSeen final : public twinbox::test::LentReplica {
   public:
    explicit HalfSeen(MemoryReplica& real) : LentReplica(real), memory_(real) {}
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      std::vector<sync::BoxCursor> aim, rest;
      for (const auto& cursor : cursors) (cursor.box == "Aim" ? aim : rest).push_back(cursor);
      TB_TRY(real_.changes(aim, sink, stop));
      if (!std::exchange(moved_, true)) memory_.move(kInbox, 2, {"Aim"});
      return real_.changes(rest, sink, stop);
    }

   private:
    MemoryReplica& memory_;
    bool moved_ = false;
  } half(server);
  const sync::SyncReport report = run(half);
  EXPECT_EQ(report.moved, 1U);
  EXPECT_EQ(report.added, 0U);
  EXPECT_EQ(report.removed, 0U);
  EXPECT_EQ(here({"Aim"}).size(), 1U);
}

TEST_F(OddServers, TheFuseStartsAnewWhenTheUserHasAnswered) {
  fill(kInbox, 100);
  run(server);
  for (uint64_t uid = 1; uid <= 40; ++uid) server.expunge(kInbox, uid);
  EXPECT_EQ(run(server).held.size(), 1U);
  EXPECT_EQ(run(server, 40).removed, 40U);
  server.expunge(kInbox, 50);
  const sync::SyncReport report = run(server);
  EXPECT_TRUE(report.held.empty());
  EXPECT_EQ(report.removed, 1U);
}

TEST_F(OddServers, WhatIsHeldIsADifference) {
  fill(kInbox, 50);
  run(server);
  EXPECT_EQ(sync::compare_with_remote(server, *link, policy, {})->differences_total, 0U);
  for (uint64_t uid = 1; uid <= 40; ++uid) server.expunge(kInbox, uid);
  EXPECT_EQ(run(server).held.size(), 1U);
  EXPECT_EQ(sync::compare_with_remote(server, *link, policy, {})->differences_total, 40U);
}

TEST_F(OddServers, AMessageListedTwiceComesOnce) {
  class Chatty final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      struct Repeat final : TwistedSink {
        using TwistedSink::TwistedSink;
        Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
          TB_TRY(to_.seen(ref, facts));
          auto flagged = facts;
          flagged.flags.system |= sync::kFlagged;
          return ref.key.number == 2 ? to_.seen(ref, flagged) : Status{};
        }
      } repeat(sink);
      return real_.changes(cursors, repeat, stop);
    }
  } chatty(server);
  fill(kInbox, 5);
  EXPECT_TRUE(run(chatty).doubtful.empty());
  EXPECT_EQ(here().size(), 5U);
  run(chatty);
  EXPECT_EQ(here().size(), 5U);
}

TEST_F(OddServers, ALookThatContradictsItselfRemovesNothing) {
  class Liar final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    bool lies = false;
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      for (const auto& cursor : cursors) {
        if (!lies || cursor.cursor.empty()) {
          TB_TRY(real_.changes(std::span(&cursor, 1), sink, stop));
          continue;
        }
        TB_TRY(sink.open(cursor.box, {.epoch = 1}));
        TB_TRY(sink.vanished(cursor.box, 1, {.number = 1}));
        TB_TRY(sink.present(cursor.box, {}));
        TB_TRY(sink.close(cursor.box, "next", 5));
      }
      return {};
    }
  } liar(server);
  fill(kInbox, 5);
  run(liar);
  liar.lies = true;
  EXPECT_EQ(run(liar).removed, 0U);
  EXPECT_EQ(here().size(), 5U);
  liar.lies = false;
  EXPECT_TRUE(run(liar).nothing_new());
}

TEST_F(OddServers, AMailboxThatIsGoneForOneRunGoesOnWhenItIsBack) {
  class Hiding final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    bool hides = false;
    Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override {
      auto all = real_.mailboxes(stop);
      if (hides) std::erase_if(*all, [](const auto& box) { return box.path == Path{"Large"}; });
      return all;
    }
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      std::vector<sync::BoxCursor> rest;
      for (const auto& cursor : cursors) {
        if (hides && cursor.box == "Large") {
          TB_TRY(sink.missing(cursor.box));
        } else {
          rest.push_back(cursor);
        }
      }
      return real_.changes(rest, sink, stop);
    }
  } hiding(server);
  server.make_box({"Large"});
  fill({"Large"}, 60);
  run(hiding);
  hiding.hides = true;
  EXPECT_EQ(run(hiding).held.size(), 1U);
  hiding.hides = false;
  server.append({"Large"}, "after");
  const SyncReport report = run(hiding);
  EXPECT_EQ(report.added, 1U);
  EXPECT_TRUE(report.held.empty());
  EXPECT_EQ(here({"Large"}).size(), 61U);
  EXPECT_TRUE(run(hiding).nothing_new());
}

// Ids that survive a rename tell that "Work" is another mailbox now; it is "Work" here all the same.
TEST_F(OddServers, AMailboxMadeAnewUnderItsNameGoesOnInItsFolder) {
  const Path work{"Work"};
  MemoryTraits traits = plain();
  traits.box_ids = true;
  MemoryReplica cyrus(traits);
  cyrus.make_box(kInbox, sync::Role::Inbox);
  cyrus.make_box(work);
  const auto fill_work = [&](int count) {
    for (int i = 0; i < count; ++i) cyrus.append(work, "Subject: w" + std::to_string(i) + "\r\n\r\nbody\r\n");
  };
  fill_work(3);
  run(cyrus);
  cyrus.delete_box(work);
  cyrus.make_box(work);
  fill_work(5);
  const SyncReport report = run(cyrus);
  EXPECT_TRUE(report.skipped.empty());
  EXPECT_EQ(report.boxes_created, 0U);
  EXPECT_EQ(here(work).size(), 5U);
  EXPECT_EQ(run(cyrus).added, 0U);
  EXPECT_EQ(here(work).size(), 5U);
}

TEST_F(OddServers, AMailboxIsRenamedBelowItselfAndItsNameUsedAgain) {
  server.make_box({"Work"});
  fill({"Work"}, 4);
  run(server);
  server.rename_box({"Work"}, {"Aside"});
  server.rename_box({"Aside"}, {"Work", "Old"});
  server.make_box({"Work"});
  server.append({"Work"}, "new");
  for (int i = 0; i < 3; ++i) run(server);
  EXPECT_EQ(here({"Work"}).size(), 1U);
  EXPECT_EQ(here({"Work", "Old"}).size(), 4U);
  EXPECT_TRUE(run(server).nothing_new());
}

}  // namespace
}  // namespace libsync::replicas
