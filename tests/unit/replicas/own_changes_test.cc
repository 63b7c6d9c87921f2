// What a sync stores itself is no news to its own next look; what somebody else changes meanwhile is.
#include <functional>

#include "libsync/replicas/store.h"

#include "tests/support/temp_dir.h"
#include "tests/unit/replicas/odd_servers.h"

namespace libsync::replicas {
namespace {

// Counts the messages that a look shows, or shows to be gone.
class Counting final : public TwistedSink {
 public:
  Counting(sync::ChangeSink& real, size_t& count) : TwistedSink(real), count_(count) {}
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    ++count_;
    return TwistedSink::seen(ref, facts);
  }
  Status vanished(const sync::BoxId& box, uint64_t epoch, const sync::Key& key) override {
    ++count_;
    return TwistedSink::vanished(box, epoch, key);
  }

 private:
  size_t& count_;
};

class Local final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    Counting counting(sink, shown);
    return LentReplica::changes(cursors, counting, std::move(stop));
  }
  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    const bool adds = actions.front().op == sync::Op::Add;
    if (adds && before_add) before_add();
    TB_TRY(LentReplica::apply(actions, sink, std::move(stop)));
    if (adds && behind_add) behind_add();
    return {};
  }
  size_t shown = 0;
  std::function<void()> before_add, behind_add;
};

class OwnChanges : public ::testing::Test {
 protected:
  void SetUp() override {
    store = *store::Store::open(dir / "store", {.mode = store::StoreMode::Create});
    server.make_box({"INBOX"}, sync::Role::Inbox);
    add(5);
  }
  void add(int count) {
    for (int i = 0; i < count; ++i) server.append({"INBOX"}, "Subject: " + std::to_string(++made) + "\r\n\r\n");
  }
  // Messages that the looks at the store showed.
  size_t run() {
    StoreReplica real(*store);
    Local local(real);
    local.before_add = before_add;
    local.behind_add = behind_add;
    const auto link = store::open_link(store->db());
    const sync::SyncOptions options{.policy =
                                        sync::mirror_policy({.folders = true, .flags = true}, sync::Leave::Forever)};
    NullObserver observer;
    sync::Sync engine(server, local, *link, clock, options, observer);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return local.shown;
  }

  twinbox::test::TempDir dir;
  std::unique_ptr<store::Store> store;
  MemoryReplica server;
  SystemClock clock;
  std::function<void()> before_add, behind_add;  // somebody else's doing
  int made = 0;
};

TEST_F(OwnChanges, AreNoNewsInTheSameRunNorInTheNext) {
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run(), 0U);
  add(3);
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run(), 0U);
}

TEST_F(OwnChanges, OfWhatIsThereAlreadyAreNoNewsEither) {
  server.make_box({"Work"});
  run();
  server.set_flags({"INBOX"}, 1, {.system = sync::kFlagged});
  server.set_flags({"INBOX"}, 2, {.system = sync::kFlagged});
  server.move({"INBOX"}, 3, {"Work"});
  server.move({"INBOX"}, 4, {"Work"});
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run(), 0U);
  server.set_flags({"INBOX"}, 1, {});
  server.expunge({"INBOX"}, 5);
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ((*store->mailboxes()).size(), 2U);
}

TEST_F(OwnChanges, HideNothingThatSomebodyChangesMeanwhile) {
  run();
  add(3);
  const auto flag = [&] {
    auto write = *store->begin();
    EXPECT_TRUE(write->change_flags(2, {.system = sync::kFlagged}, {}) && write->commit());
  };
  behind_add = flag;
  EXPECT_EQ(run(), 1U) << "the changed one";
  behind_add = {};
  EXPECT_EQ(run(), 0U) << "a mirror sets its flags back";
  add(3);
  before_add = flag;
  EXPECT_EQ(run(), 4U) << "the changed one, and what was added behind it";
}

// Counts what a server is asked for.
class Remote final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  sync::Capabilities capabilities() const override {
    auto can = LentReplica::capabilities();
    can.own_transaction = false;
    return can;
  }
  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override {
    ++lists;
    return LentReplica::mailboxes(std::move(stop));
  }
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    ++looks;
    return LentReplica::changes(cursors, sink, std::move(stop));
  }
  int lists = 0, looks = 0;
};

class TwoWayLooks : public OwnChanges {
 protected:
  // Lists and looks that a sync takes.
  std::pair<int, int> two_way() {
    Remote remote(server);
    StoreReplica local(*store);
    const auto link = store::open_link(store->db());
    const sync::SyncOptions options{.policy = sync::two_way_policy(remote.capabilities(), sync::Leave::Forever)};
    NullObserver observer;
    sync::Sync engine(remote, local, *link, clock, options, observer);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return {remote.lists, remote.looks};
  }
  void change(const std::function<Status(store::Write&)>& what) {
    auto write = *store->begin();
    EXPECT_TRUE(what(*write) && write->commit());
  }
};

TEST_F(TwoWayLooks, AreNoMoreThanWhatIsNewAsksFor) {
  server.make_box({"Work"});
  two_way();
  const store::MailboxId work = (*store->find_mailbox({"Work"}))->id;
  EXPECT_EQ(two_way(), std::pair(1, 1)) << "nothing";
  server.set_flags(kInbox, 1, {.system = sync::kFlagged});
  EXPECT_EQ(two_way(), std::pair(1, 1)) << "flags there: no half of a move";
  server.move(kInbox, 2, {"Work"});
  EXPECT_EQ(two_way(), std::pair(1, 1)) << "a move there, seen whole";
  change([](store::Write& write) { return write.change_flags(3, {.system = sync::kSeen}, {}); });
  EXPECT_EQ(two_way(), std::pair(1, 2)) << "flags here: looked at once more where they were changed";
  change([&](store::Write& write) -> Status {
    TB_TRY(write.move(4, work));
    return {};
  });
  EXPECT_EQ(two_way(), std::pair(1, 2)) << "a move here";
  add(1);
  EXPECT_EQ(two_way(), std::pair(2, 2)) << "what is new may be half of a move";
}

}  // namespace
}  // namespace libsync::replicas
