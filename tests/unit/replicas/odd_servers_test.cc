// Servers that show their mail oddly, between a replica in memory and the engine: nothing is lost,
// nothing comes twice, nothing is removed on a doubtful word.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"

namespace libsync::replicas {
namespace {

using sync::Leave;
using sync::Path;
using sync::SyncReport;

const Path kInbox{"INBOX"};

class NullObserver final : public sync::SyncObserver {
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

MemoryTraits plain() {
  MemoryTraits traits;
  traits.instances = false;
  traits.box_ids = false;
  traits.capabilities.change_tokens = false;
  return traits;
}

// Passes a look on, and lets tests twist what is said in it.
class TwistedSink : public sync::ChangeSink {
 public:
  explicit TwistedSink(sync::ChangeSink& to) : to_(to) {}
  Status open(const sync::BoxId& box, const sync::BoxState& state) override { return to_.open(box, state); }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override { return to_.seen(ref, facts); }
  Status vanished(const sync::BoxId& box, uint64_t epoch, const sync::Key& key) override {
    return to_.vanished(box, epoch, key);
  }
  Status present(const sync::BoxId& box, std::span<const sync::KeyRange> ranges) override {
    return to_.present(box, ranges);
  }
  Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
    return to_.close(box, next, exists);
  }
  Status missing(const sync::BoxId& box) override { return to_.missing(box); }

 protected:
  sync::ChangeSink& to_;
};

class OddServers : public ::testing::Test {
 protected:
  void SetUp() override {
    db = store::Db::open("", store::DbMode::Memory).value();
    ASSERT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
    server.make_box(kInbox, sync::Role::Inbox);
  }

  SyncReport run(sync::Replica& odd, uint64_t allow = 0) {
    policy.fuse.allow = allow;
    NullObserver nobody;
    sync::Sync engine(odd, local, *link, clock, {.policy = policy}, nobody);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  }

  void fill(const Path& path, int count, const std::string& stem = "m") {
    for (int i = 0; i < count; ++i) server.append(path, "Subject: " + stem + std::to_string(i) + "\r\n\r\nbody\r\n");
  }
  std::multiset<std::string> here(const Path& path = kInbox) {
    std::multiset<std::string> octets;
    for (const auto& [uid, message] : local.box(path)->messages) octets.insert(message.octets);
    return octets;
  }

  MemoryReplica server{plain()};
  MemoryReplica local{{.identity = "local"}};
  std::unique_ptr<store::Db> db;
  std::unique_ptr<sync::Link> link;
  SystemClock clock;
  sync::Policy policy = sync::mirror_policy({.folders = true, .flags = true}, Leave::Forever);
};

// A POP3 maildrop: messages are known by names that a test may give again to other mail.
class Maildrop final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  std::map<uint64_t, std::string> names;  // by uid; "u1" for those not in it
  bool ignores_removals = false;

  sync::Capabilities capabilities() const override {
    return {.remove = true, .partial_fetch = true, .stable_ids = true};
  }

  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    Naming naming(*this, sink);
    return real_.changes(cursors, naming, stop);
  }
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    std::vector<sync::FetchItem> numbered(items.begin(), items.end());
    for (auto& item : numbered) item.ref = number(item.ref);
    return real_.fetch(numbered, sink, stop);
  }
  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    if (ignores_removals) {
      for (const auto& action : actions) TB_TRY(sink.done(action.token, {}));
      return sink.durable();
    }
    std::vector<sync::Action> numbered(actions.begin(), actions.end());
    for (auto& action : numbered) action.ref = number(action.ref);
    return real_.apply(numbered, sink, stop);
  }

 private:
  std::string name_of(uint64_t uid) const {
    const auto found = names.find(uid);
    return found == names.end() ? "u" + std::to_string(uid) : found->second;
  }
  sync::MsgRef number(const sync::MsgRef& ref) const {
    for (const auto& [uid, epoch] : shown_) {
      if (name_of(uid) == ref.key.name) return {ref.box, epoch, {.number = uid}};
    }
    return {ref.box, 1, {.number = 999'999}};
  }
  struct Naming final : TwistedSink {
    Naming(Maildrop& owner, sync::ChangeSink& sink) : TwistedSink(sink), drop(owner) {}
    Status open(const sync::BoxId& box, const sync::BoxState& state) override {
      drop.shown_.clear();
      auto named = state;
      named.epoch = 0;
      return to_.open(box, named);
    }
    Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
      drop.shown_[ref.key.number] = ref.epoch;
      return to_.seen({ref.box, 0, {.number = 0, .name = drop.name_of(ref.key.number)}}, facts);
    }
    Maildrop& drop;
  };
  std::map<uint64_t, uint64_t> shown_;
};

TEST_F(OddServers, AUidlGivenAgainToOtherMailOfTheSameSizeIsDownloaded) {
  for (const Leave leave : {Leave::Forever, Leave::Never}) {
    policy = sync::mirror_policy({}, leave);
    Maildrop drop(server);
    const std::string mark = leave == Leave::Never ? "N" : "F";
    const std::string first = "Subject: first" + mark + "\r\n\r\nbody one\r\n";
    const std::string second = "Subject: other" + mark + "\r\n\r\nbody two\r\n";
    ASSERT_EQ(first.size(), second.size());
    const uint64_t uid = server.append(kInbox, first);
    drop.names[uid] = "again" + mark;
    run(drop);
    if (server.box(kInbox)->messages.contains(uid)) server.expunge(kInbox, uid);
    run(drop);
    drop.names.erase(uid);
    drop.names[server.append(kInbox, second)] = "again" + mark;
    run(drop);
    EXPECT_TRUE(here().contains(first));
    EXPECT_TRUE(here().contains(second)) << "leave " << mark;
    EXPECT_EQ(server.box(kInbox)->messages.empty(), leave == Leave::Never);
  }
}

TEST_F(OddServers, AServerThatIgnoresRemovalsBringsNothingTwice) {
  policy = sync::mirror_policy({}, Leave::Never);
  Maildrop drop(server);
  drop.ignores_removals = true;
  fill(kInbox, 3);
  for (int i = 0; i < 4; ++i) run(drop);
  EXPECT_EQ(here().size(), 3U);
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

TEST_F(OddServers, WrongSizesAndNewUidsDoubleNothing) {
  class Padding final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      struct Pad final : TwistedSink {
        using TwistedSink::TwistedSink;
        Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
          auto padded = facts;
          padded.size += 7;
          return to_.seen(ref, padded);
        }
      } pad(sink);
      return real_.changes(cursors, pad, stop);
    }
  } padding(server);
  fill(kInbox, 30);
  run(padding);
  server.renumber(kInbox);
  const SyncReport report = run(padding);
  EXPECT_EQ(report.added, 0U);
  EXPECT_EQ(report.suspect, 0U);
  EXPECT_EQ(here().size(), 30U);
}

}  // namespace
}  // namespace libsync::replicas
