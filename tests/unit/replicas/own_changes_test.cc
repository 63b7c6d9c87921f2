// What a sync stores itself is no news to its own next look; what somebody else changes meanwhile is.
#include <functional>

#include "libsync/replicas/store.h"

#include "tests/support/temp_dir.h"
#include "tests/unit/replicas/odd_servers.h"

namespace libsync::replicas {
namespace {

// Counts the messages that a look shows.
class Counting final : public TwistedSink {
 public:
  Counting(sync::ChangeSink& real, size_t& count) : TwistedSink(real), count_(count) {}
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    ++count_;
    return TwistedSink::seen(ref, facts);
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
  EXPECT_EQ(run(), 1U) << "a mirror sets its flags back";
  EXPECT_EQ(run(), 0U);
  add(3);
  before_add = flag;
  EXPECT_EQ(run(), 4U) << "the changed one, and what was added behind it";
}

}  // namespace
}  // namespace libsync::replicas
