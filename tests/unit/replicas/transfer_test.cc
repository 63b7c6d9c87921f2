// Messages carried between replicas in memory, and what is asked for while they are on their way.
#include "libsync/sync/transfer.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/base/text.h"
#include "libsync/replicas/memory.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"

namespace libsync::replicas {
namespace {

using sync::TransferItem;
using testing::ElementsAre;
using testing::IsEmpty;
using twinbox::test::LentReplica;

const sync::Path kInbox{"INBOX"};

std::string octets_of(uint64_t number) { return "Subject: " + std::to_string(number) + "\r\n\r\nbody\r\n"; }

class Sink final : public sync::TransferSink {
 public:
  Status stored(const sync::Received& received, const sync::Outcome&) override {
    done.push_back(received.item);
    return {};
  }
  Status durable(uint64_t, uint64_t) override { return {}; }
  Status failed(size_t item, const Error&) override {
    failures.push_back(item);
    return {};
  }
  Status broke_off(size_t item) override {
    ended_in.push_back(item);
    return {};
  }
  Status uncertain(size_t) override { return {}; }
  std::vector<size_t> done{}, failures{}, ended_in{};
};

// Its connection ends in the message with that UID.
class BreaksOff final : public LentReplica {
 public:
  BreaksOff(sync::Replica& real, uint64_t uid) : LentReplica(real), uid_(uid) {}
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    for (const sync::FetchItem& item : items) {
      if (item.ref.key.number == uid_) {
        sink.broke_off(item.token);
        return fail(Errc::Network, "the line is dead");
      }
      TB_TRY(real_.fetch({&item, 1}, sink, stop));
    }
    return {};
  }

 private:
  uint64_t uid_;
};

class Nobody final : public sync::SyncObserver {
 public:
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

class Transfer : public ::testing::Test {
 protected:
  Transfer() {
    from_box = from.make_box(kInbox);
    to_box = to.make_box(kInbox);
    for (uint64_t i = 1; i <= 30; ++i) from.append(kInbox, octets_of(i));
  }

  // The messages with UIDs first to last.
  std::vector<TransferItem> items(uint64_t first, uint64_t last) {
    std::vector<TransferItem> out;
    for (uint64_t uid = first; uid <= last; ++uid) {
      const sync::MsgRef ref{.box = from_box, .epoch = from.box(kInbox)->uidvalidity, .key = {.number = uid}};
      out.push_back({.fetch = {.ref = ref, .size = octets_of(uid).size()}, .to = to_box});
    }
    return out;
  }

  std::vector<std::string> carried() {
    std::vector<std::string> out;
    for (const auto& [uid, message] : to.box(kInbox)->messages) out.push_back(message.octets);
    return out;
  }

  MemoryReplica from, to;
  sync::BoxId from_box, to_box;
  Sink sink;
};

TEST_F(Transfer, WhatIsGivenLaterIsCarriedInOrderAndCountedOn) {
  std::vector<size_t> done_before;  // at each question, how many were done with
  uint64_t given = 10;
  const auto more = [&]() -> Result<std::vector<TransferItem>> {
    done_before.push_back(sink.done.size());
    if (given == 30) return std::vector<TransferItem>();
    given += 10;
    return items(given - 9, given);
  };
  ASSERT_TRUE(transfer(from, to, items(1, 10), {}, sink, {}, more));
  std::vector<std::string> whole;
  std::vector<size_t> indexes;
  for (uint64_t i = 1; i <= 30; ++i) {
    whole.push_back(octets_of(i));
    indexes.push_back(i - 1);
  }
  EXPECT_EQ(carried(), whole);
  EXPECT_EQ(sink.done, indexes);
  // Asked when those before the last given were stored; and no more after the empty answer.
  EXPECT_THAT(done_before, ElementsAre(0, 10, 20));
}

TEST_F(Transfer, AMessageThatIsGoneInALaterLotIsNamedByItsIndexOverAll) {
  from.expunge(kInbox, 13);
  bool given = false;
  const auto more = [&]() -> Result<std::vector<TransferItem>> {
    if (std::exchange(given, true)) return std::vector<TransferItem>();
    return items(11, 15);
  };
  ASSERT_TRUE(transfer(from, to, items(1, 10), {}, sink, {}, more));
  EXPECT_THAT(sink.failures, ElementsAre(12));
  EXPECT_EQ(carried().size(), 14u);
}

TEST_F(Transfer, AConnectionThatEndsInALaterLotNamesTheMessageAndKeepsWhatCame) {
  BreaksOff dying(from, 13);
  bool given = false;
  const auto more = [&]() -> Result<std::vector<TransferItem>> {
    if (std::exchange(given, true)) return std::vector<TransferItem>();
    return items(11, 15);
  };
  const Status status = transfer(dying, to, items(1, 10), {}, sink, {}, more);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, "the line is dead");
  EXPECT_THAT(sink.ended_in, ElementsAre(12));
  EXPECT_EQ(carried().size(), 12u);
}

TEST_F(Transfer, WhoCanNotSayWhatComesNextEndsItWithItsOwnError) {
  const auto more = []() -> Result<std::vector<TransferItem>> { return fail(Errc::Disk, "the link can't be read"); };
  const Status status = transfer(from, to, items(1, 10), {}, sink, {}, more);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, "the link can't be read");
}

TEST_F(Transfer, NothingToCarryAsksForNothing) {
  int asked = 0;
  const auto more = [&]() -> Result<std::vector<TransferItem>> {
    ++asked;
    return items(1, 3);
  };
  ASSERT_TRUE(transfer(from, to, {}, {}, sink, {}, more));
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(carried(), IsEmpty());
}

// More than two lots of the engine's, with flags to set and a message that is gone in between.
TEST(LongTransfer, NewMailInManyLotsWithOtherWorkInBetweenIsMirroredWhole) {
  constexpr uint64_t kFirst = 500, kAll = 10'500;
  MemoryReplica server, local({.identity = "local"});
  const auto db = store::Db::open("", store::DbMode::Memory).value();
  ASSERT_TRUE(store::create_link_tables(*db));
  const auto link = store::open_link(*db);
  SystemClock clock;
  Nobody watcher;
  const auto run = [&] {
    const sync::SyncOptions options{.policy =
                                        sync::mirror_policy({.folders = true, .flags = true}, sync::Leave::Forever)};
    sync::Sync engine(server, local, *link, clock, options, watcher);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  };
  const auto same = [&] {
    std::map<std::string, uint32_t> there, here;
    for (const auto& [uid, message] : server.box(kInbox)->messages) there[message.octets] = message.flags.system;
    for (const auto& [uid, message] : local.box(kInbox)->messages) here[message.octets] = message.flags.system;
    return there == here && here.size() == local.box(kInbox)->messages.size();
  };
  server.make_box(kInbox, sync::Role::Inbox);
  for (uint64_t i = 1; i <= kFirst; ++i) server.append(kInbox, octets_of(i));
  EXPECT_EQ(run().added, kFirst);
  for (uint64_t i = kFirst + 1; i <= kAll; ++i) server.append(kInbox, octets_of(i));
  server.set_flags(kInbox, 3, {.system = sync::kSeen});
  server.set_flags(kInbox, 400, {.system = sync::kFlagged});
  const sync::SyncReport report = run();
  EXPECT_EQ(report.added, kAll - kFirst);
  EXPECT_EQ(report.flags, 2u);
  EXPECT_TRUE(same());
  EXPECT_TRUE(run().nothing_new());
  for (uint64_t i = kAll + 1; i <= kAll + 9'000; ++i) server.append(kInbox, octets_of(i));
  EXPECT_EQ(run().added, 9'000u);
  EXPECT_TRUE(same());
}

}  // namespace
}  // namespace libsync::replicas
