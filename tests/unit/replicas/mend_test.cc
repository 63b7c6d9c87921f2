// What the store has damaged is read from the server again; and what a dry run locks meanwhile: nothing.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "libsync/replicas/memory.h"
#include "libsync/replicas/store.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"
#include "tests/support/temp_dir.h"

namespace libsync::replicas {
namespace {

using sync::Leave;
using sync::Path;
using sync::SyncReport;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kInbox{"INBOX"};

class Watcher final : public sync::SyncObserver {
 public:
  void planned(uint64_t messages, uint64_t) override { planned_messages = messages; }
  void carried(uint64_t messages, uint64_t) override { carried_messages += messages; }
  void action(const std::string& text) override { actions.push_back(text); }
  uint64_t planned_messages = 0, carried_messages = 0;
  std::vector<std::string> actions;
};

// Counts what is fetched, and calls out while the server is asked.
class Watched final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    if (while_asked) while_asked();
    TB_TRY(LentReplica::changes(cursors, sink, stop));
    if (while_asked) while_asked();
    return {};
  }
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    fetched += items.size();
    return LentReplica::fetch(items, sink, stop);
  }
  size_t fetched = 0;
  std::function<void()> while_asked;
};

class Mending : public ::testing::Test {
 protected:
  void SetUp() override {
    store = *store::Store::open(dir / "store", {.mode = store::StoreMode::Create, .busy_ms = 50});
    server.make_box(kInbox, sync::Role::Inbox);
    for (int i = 0; i < 6; ++i) {
      const std::string body(i == 5 ? 2'000'000 : 2'000, static_cast<char>('a' + i));  // one passes in pieces
      octets.push_back("Subject: " + std::to_string(i) + "\r\n\r\n" + body + "\r\n");
      server.append(kInbox, octets.back(), {.system = i % 2 == 0 ? sync::kSeen : 0U}, 1'600'000'000 + i);
    }
    run();
    EXPECT_EQ(all().size(), octets.size());
    watched.fetched = 0;
  }

  SyncReport run(bool dry_run = false) {
    StoreReplica local(*store);
    const auto link = store::open_link(store->db());
    sync::SyncOptions options{.policy = sync::mirror_policy({.folders = true, .flags = true}, leave),
                              .dry_run = dry_run,
                              .verify_stored = [&](const auto& content) { return verify_content(*store, content); },
                              .damaged = [&] { return damaged_contents(*store); },
                              .note_lost = [&](const auto& contents) { return note_lost(*store, contents); }};
    watcher = {};
    sync::Sync engine(watched, local, *link, clock, options, watcher);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  }

  struct Shown {
    store::MessageId id;
    uint32_t uid;
    uint32_t flags;
    std::string octets;
    bool operator==(const Shown&) const = default;
  };
  std::vector<Shown> all() {
    std::vector<Shown> out;
    EXPECT_TRUE(store->list({.order = store::ListOrder::Uid}, [&](const store::MessageInfo& message) {
      out.push_back(
          {message.id, message.uid, message.flags.system, store->content(message.content).value_or("damaged")});
      return true;
    }));
    return out;
  }

  // Flips an octet in the middle of a message's text, and finds out.
  void damage(size_t which) {
    {
      auto s = *store->db().prepare(
          "SELECT c.segment, c.offset, c.stored FROM content c JOIN message m ON m.content=c.id WHERE m.uid=?");
      ASSERT_TRUE(*s.bind(which + 1).step());
      const std::string name = dir / ("store/content/0000000" + std::to_string(s.integer(0)) + ".seg");
      std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(s.integer(1) + s.integer(2) / 2);
      file.put('\xA5');
    }
    EXPECT_FALSE(store->verify({}, {})->ok());
  }

  twinbox::test::TempDir dir;
  std::unique_ptr<store::Store> store;
  MemoryReplica server;
  Watched watched{server};
  SystemClock clock;
  Watcher watcher;
  Leave leave = Leave::Forever;
  std::vector<std::string> octets;
};

TEST_F(Mending, ADamagedMessageComesAgainAndIsTheSameMessage) {
  const auto before = all();
  damage(1);
  damage(5);
  EXPECT_NE(all(), before);
  const SyncReport report = run();
  EXPECT_EQ(report.mended, 2U);
  EXPECT_EQ(report.added, 0U);
  EXPECT_EQ(watched.fetched, 2U);
  EXPECT_EQ(watcher.planned_messages, 2U);
  EXPECT_EQ(watcher.carried_messages, 2U);
  EXPECT_EQ(all(), before);
  EXPECT_TRUE(store->verify({}, {})->ok());
  EXPECT_TRUE(run().nothing_new());
  EXPECT_EQ(watched.fetched, 2U);
}

TEST_F(Mending, OctetsThatSeveralMessagesShareComeOnce) {
  server.append(kInbox, octets[1]);
  run();
  const auto before = all();
  damage(1);
  watched.fetched = 0;
  EXPECT_EQ(run().mended, 1U);
  EXPECT_EQ(watched.fetched, 1U);
  EXPECT_EQ(all(), before);
}

TEST_F(Mending, WhatTheServerHasNoMoreStaysAndIsToldOnce) {
  leave = Leave::Forever;
  damage(2);
  {
    // It is only here: POP3 keeps what somebody deletes there.
    auto s = *store->db().prepare("UPDATE link_row SET a_at=3 WHERE a_num=3");
    ASSERT_TRUE(s.run());
  }
  server.expunge(kInbox, 3);
  server.append(kInbox, "Subject: next\r\n\r\n");
  const auto policy_keeps = sync::mirror_policy({}, Leave::Forever);
  StoreReplica local(*store);
  const auto link = store::open_link(store->db());
  const auto sync_once = [&] {
    sync::SyncOptions options{.policy = policy_keeps,
                              .damaged = [&] { return damaged_contents(*store); },
                              .note_lost = [&](const auto& contents) { return note_lost(*store, contents); }};
    sync::Sync engine(watched, local, *link, clock, options, watcher);
    EXPECT_TRUE(engine.run({}));
    return engine.report();
  };
  EXPECT_EQ(sync_once().lost, 1U);
  EXPECT_EQ(sync_once().lost, 0U);
  EXPECT_EQ(store->damage()->lost, 1U);
  EXPECT_EQ(all()[2].octets, "damaged") << "it is still listed";
  const auto report = store->verify({}, {});
  ASSERT_EQ(report->problems.size(), 1U);
  EXPECT_TRUE(report->problems[0].lost);
}

TEST_F(Mending, OtherOctetsUnderTheSameKeyAreAMessageOfTheirOwn) {
  damage(1);
  server.box(kInbox)->messages.at(2).octets = "Subject: 1\r\n\r\n" + std::string(2'000, 'B') + "\r\n";
  const auto before = all();
  EXPECT_EQ(run().mended, 1U);
  EXPECT_EQ(watched.fetched, 1U);
  const auto now = all();
  ASSERT_EQ(now.size(), before.size());
  EXPECT_THAT(now.back().octets, HasSubstr("BBBB"));
  EXPECT_NE(now.back().id, before[1].id) << "what was stored is never replaced by something else";
  EXPECT_EQ((*store->message(before[1].id))->mailbox, 0) << "it can be restored for a while";
  const SyncReport next = run();
  EXPECT_EQ(next.added + next.removed + next.mended, 0U);
  EXPECT_EQ(watched.fetched, 1U) << "it came once";
  EXPECT_EQ(all(), now);
}

// Its octets are not the damaged ones, but those of a message that the server has: they are not brought to light again
// by a rebuild.
TEST_F(Mending, WhatComesInsteadLeavesNoOctetsWithoutAMessage) {
  damage(1);
  server.box(kInbox)->messages.at(2).octets = "Subject: 1\r\n\r\n" + std::string(2'000, 'B') + "\r\n";
  run();
  auto s = *store->db().prepare("SELECT max(offset+stored) FROM content WHERE segment=1");
  ASSERT_TRUE(*s.step());
  EXPECT_EQ(static_cast<uint64_t>(s.integer(0)), std::filesystem::file_size(dir / "store/content/00000001.seg"))
      << "what was written last has a row";
}

// A server that makes its text anew each time it is asked: the removal of the damaged ones is inferred from nothing.
TEST_F(Mending, ManyThatTheServerMakesAnewAreNothingForTheFuse) {
  for (int i = 0; i < 60; ++i) server.append(kInbox, "Subject: more\r\n\r\nnumber " + std::to_string(i) + "\r\n");
  run();
  for (size_t i = 6; i < 50; ++i) damage(i);
  for (auto& [uid, message] : server.box(kInbox)->messages) {
    if (uid > 6) message.octets.replace(message.octets.find("number"), 6, "NUMBER");
  }
  const SyncReport report = run();
  EXPECT_EQ(report.mended, 44U);
  EXPECT_THAT(report.held, IsEmpty());
  const SyncReport next = run();
  EXPECT_THAT(next.held, IsEmpty());
  EXPECT_EQ(next.removed + next.added, 0U);
  const auto now = all();
  EXPECT_EQ(now.size(), 66U);
  EXPECT_EQ(std::ranges::count_if(now, [](const Shown& each) { return each.octets == "damaged"; }), 0);
}

// Two messages with the same octets here; the server has other octets for the first by now.
TEST_F(Mending, WhereOneMessageDoesNotBringTheOctetsAnotherDoes) {
  server.append(kInbox, octets[1]);
  run();
  damage(1);
  server.box(kInbox)->messages.at(2).octets = "Subject: 1\r\n\r\n" + std::string(2'000, 'B') + "\r\n";
  watched.fetched = 0;
  EXPECT_EQ(run().mended, 2U);
  EXPECT_EQ(watched.fetched, 2U);
  const auto now = all();
  EXPECT_EQ(std::ranges::count_if(now, [](const Shown& each) { return each.octets == "damaged"; }), 0);
  EXPECT_EQ(std::ranges::count_if(now, [&](const Shown& each) { return each.octets == octets[1]; }), 1);
}

TEST_F(Mending, ADryRunTellsAndFetchesNothing) {
  damage(1);
  const SyncReport report = run(true);
  EXPECT_EQ(report.mended, 1U);
  EXPECT_EQ(watched.fetched, 0U);
  EXPECT_THAT(watcher.actions, ElementsAre("INBOX/2: read again (damaged here)"));
  EXPECT_EQ(store->damage()->waiting, 1U);
}

TEST_F(Mending, AMessageLeftOnTheServerBecauseItIsDamagedHereIsMendedAndThenRemoved) {
  damage(1);
  leave = Leave::Never;
  const SyncReport report = run();
  EXPECT_EQ(report.mended, 1U);
  EXPECT_EQ(report.left, 6U);
  EXPECT_THAT(report.skipped, IsEmpty());
  EXPECT_EQ(all()[1].octets, octets[1]);
  EXPECT_TRUE(server.box(kInbox)->messages.empty());
}

TEST_F(Mending, AContentThatWaitsDamagedInARebuiltStoreIsFetchedAndNotTaken) {
  const auto print = *[&] {
    auto s = *store->db().prepare("SELECT lower(hex(print)) FROM content ORDER BY id LIMIT 1 OFFSET 1");
    (void)s.step();
    return std::optional(std::string(s.text(0)));
  }();
  EXPECT_TRUE(find_known_content(*store, print)->has_value());
  damage(1);
  EXPECT_FALSE(find_known_content(*store, print)->has_value());
}

// --- a dry run ---

TEST_F(Mending, ADryRunLocksNothingWhileItWaitsForTheServer) {
  server.append(kInbox, "Subject: new\r\n\r\n");
  server.expunge(kInbox, 1);
  size_t asked = 0;
  watched.while_asked = [&] {
    ++asked;
    // A search that goes on with the index, and a flag that somebody sets: each waits at most 50 ms for the lock.
    auto other = store::Store::open(dir / "store", {.busy_ms = 50});
    ASSERT_TRUE(other) << other.error().text();
    const auto indexed = (*other)->index_pending(std::chrono::hours(1), {}, {});
    EXPECT_TRUE(indexed) << indexed.error().text();
    EXPECT_TRUE((*other)->search("aaa"));
    auto write = (*other)->begin();
    ASSERT_TRUE(write) << write.error().text();
    EXPECT_TRUE((*write)->change_flags(3, {.system = sync::kFlagged}, {}) && (*write)->commit());
  };
  const auto rows = [&] {
    auto s = *store->db().prepare("SELECT group_concat(id||'.'||a_at||'.'||a_num||'.'||dirty) FROM main.link_row");
    (void)s.step();
    return std::string(s.text(0));
  };
  const std::string before = rows();
  const SyncReport report = run(true);
  EXPECT_GE(asked, 2U);
  EXPECT_EQ(report.added, 1U);
  EXPECT_EQ(report.removed, 1U);
  EXPECT_EQ(rows(), before) << "nothing of it stays in the link";
  auto temporary = *store->db().prepare("SELECT count(*) FROM temp.sqlite_master WHERE name LIKE 'link%'");
  ASSERT_TRUE(*temporary.step());
  EXPECT_EQ(temporary.integer(0), 0);
  watched.while_asked = {};
  EXPECT_EQ(run().added, 1U);
}

}  // namespace
}  // namespace libsync::replicas
