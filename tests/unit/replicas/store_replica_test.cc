#include <map>

#include <gtest/gtest.h>

#include "libsync/replicas/store.h"

#include "tests/support/temp_dir.h"

namespace libsync::replicas {
namespace {

using sync::Action;
using sync::Did;
using sync::Op;

class Text final : public sync::ContentSource {
 public:
  explicit Text(std::string octets, bool breaks = false) : octets_(std::move(octets)), breaks_(breaks) {}
  decltype(std::declval<const sync::ContentSource&>().size()) size() const override { return octets_.size(); }
  Result<std::string_view> next() override {
    if (breaks_) return fail(Errc::Network, "cut");
    if (std::exchange(given_, true)) return std::string_view();
    return octets_;
  }

 private:
  std::string octets_;
  bool breaks_;
  bool given_ = false;
};

struct Done final : sync::ActionSink {
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    outcomes[token] = outcome;
    if (fails) return fail(Errc::Disk, "no");
    return {};
  }
  Status durable() override {
    ++durables;
    return {};
  }
  std::map<uint64_t, sync::Outcome> outcomes;
  int durables = 0;
  bool fails = false;
};

struct Seen final : sync::ChangeSink {
  Status open(const sync::BoxId&, const sync::BoxState& state) override {
    full = state.full;
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    found[ref.key.number] = facts;
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key& key) override {
    gone.push_back(key.number);
    return {};
  }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
  Status close(const sync::BoxId&, std::string_view next, uint64_t count) override {
    cursor = next;
    exists = count;
    return {};
  }
  Status missing(const sync::BoxId& box) override {
    lost = box;
    return {};
  }
  bool full = false;
  std::map<uint64_t, sync::Facts> found;
  std::vector<uint64_t> gone;
  std::string cursor = "untouched", lost;
  uint64_t exists = 0;
};

class StoreReplicaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store = *store::Store::open(dir / "store", {.mode = store::StoreMode::Create});
    replica = std::make_unique<StoreReplica>(*store);
    inbox = run({.op = Op::CreateBox, .path = {"INBOX"}}).box;
  }
  sync::Outcome run(Action action) {
    Done done;
    action.token = 7;
    EXPECT_TRUE(replica->apply(std::span(&action, 1), done, {}));
    EXPECT_EQ(done.durables, 1);
    return done.outcomes[7];
  }
  sync::Outcome add(const std::string& octets) {
    Text text(octets);
    return run({.op = Op::Add, .box = inbox, .date = 1000, .content = &text});
  }
  Seen look(const sync::BoxId& box, const std::string& cursor = "") {
    Seen seen;
    const sync::BoxCursor at{.box = box, .cursor = cursor};
    EXPECT_TRUE(replica->changes(std::span(&at, 1), seen, {}));
    return seen;
  }

  twinbox::test::TempDir dir;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<StoreReplica> replica;
  sync::BoxId inbox;
};

TEST_F(StoreReplicaTest, ShowsEverythingFirstAndThenOnlyWhatChanged) {
  const auto one = add("Subject: one\r\n\r\nx");
  const auto two = add("Subject: two\r\n\r\ny");
  const Seen first = look(inbox);
  EXPECT_TRUE(first.full);
  EXPECT_EQ(first.exists, 2u);
  EXPECT_EQ(first.found.at(1).instance, one.instance);
  EXPECT_EQ(first.found.at(1).object, one.content);
  EXPECT_EQ(first.found.at(1).size, 17u);
  EXPECT_EQ(look(inbox, first.cursor).cursor, "untouched");

  run({.op = Op::Flags, .ref = two.ref, .add = {.system = sync::kSeen}});
  run({.op = Op::Remove, .ref = one.ref});
  const Seen second = look(inbox, first.cursor);
  EXPECT_FALSE(second.full);
  EXPECT_EQ(second.exists, 1u);
  ASSERT_EQ(second.found.size(), 1u);
  EXPECT_EQ(second.found.at(2).flags.system, sync::kSeen);
  EXPECT_EQ(second.gone, std::vector<uint64_t>{1});
  EXPECT_TRUE(look(inbox, "999999").full);
  EXPECT_TRUE(look(inbox, "nonsense").full);
  EXPECT_EQ(look("12345").lost, "12345");
}

TEST_F(StoreReplicaTest, AMoveKeepsTheInstanceAndAnAddOfKnownOctetsIsAMessageOfItsOwn) {
  const auto other = run({.op = Op::CreateBox, .path = {"Archive"}}).box;
  const auto one = add("Subject: one\r\n\r\nx");
  const auto moved = run({.op = Op::Move, .ref = one.ref, .box = other});
  EXPECT_EQ(moved.instance, one.instance);
  EXPECT_EQ(moved.ref.box, other);
  const auto again = add("Subject: one\r\n\r\nx");
  EXPECT_NE(again.instance, one.instance);
  EXPECT_EQ(again.content, one.content);
  const auto copy = run({.op = Op::Copy, .ref = again.ref, .box = other});
  EXPECT_EQ(look(other).exists, 2u);
  EXPECT_NE(copy.instance, again.instance);
}

TEST_F(StoreReplicaTest, AnswersWithOutcomesWhereTheStoreRefuses) {
  EXPECT_EQ(run({.op = Op::CreateBox, .path = {"INBOX"}}).did, Did::Exists);
  const auto one = add("x");
  EXPECT_EQ(run({.op = Op::DeleteBox, .box = inbox}).did, Did::NotEmpty);
  EXPECT_EQ(run({.op = Op::Remove, .ref = one.ref, .size_expected = 99}).did, Did::Refused);
  EXPECT_EQ(run({.op = Op::Remove, .ref = one.ref, .size_expected = 1}).did, Did::Ok);
  EXPECT_EQ(run({.op = Op::Remove, .ref = one.ref}).did, Did::Gone);
  EXPECT_EQ(run({.op = Op::DeleteBox, .box = inbox}).did, Did::Ok);
  EXPECT_EQ(run({.op = Op::DeleteBox, .box = inbox}).did, Did::NoBox);
  EXPECT_EQ(run({.op = Op::CreateBox, .path = {""}}).did, Did::Never);
  Text text("x");
  EXPECT_EQ(run({.op = Op::Add, .box = "999", .content = &text}).did, Did::NoBox);
}

TEST_F(StoreReplicaTest, AnAddTellsTheCursorsAroundIt) {
  const auto one = add("Subject: one\r\n\r\nx");
  EXPECT_EQ(look(inbox, one.cursor).cursor, "untouched") << "nothing is new behind it";
  const auto two = add("Subject: two\r\n\r\ny");
  EXPECT_EQ(two.cursor_before, one.cursor);
  EXPECT_EQ(look(inbox, two.cursor_before).found.size(), 1u) << "the second one is new before it";
  run({.op = Op::Flags, .ref = one.ref, .add = {.system = sync::kSeen}});
  const auto three = add("Subject: three\r\n\r\nz");
  EXPECT_NE(three.cursor_before, two.cursor) << "somebody's change lies between";
  const auto known = run({.op = Op::Add, .box = inbox, .known = one.content});
  EXPECT_EQ(known.cursor_before, three.cursor);
}

TEST_F(StoreReplicaTest, AnotherEpochIsAnotherMessage) {
  auto one = add("x");
  ++one.ref.epoch;
  EXPECT_EQ(run({.op = Op::Remove, .ref = one.ref}).did, Did::NoBox);
}

TEST_F(StoreReplicaTest, ASourceThatBreaksOrASinkThatFailsLeavesNothingOfTheCall) {
  Text good("Subject: good\r\n\r\n"), bad("Subject: bad\r\n\r\n", true);
  Done done;
  const std::vector<Action> actions = {{.token = 1, .op = Op::Add, .box = inbox, .content = &good},
                                       {.token = 2, .op = Op::Add, .box = inbox, .content = &bad}};
  EXPECT_EQ(replica->apply(actions, done, {}).error().code, Errc::Network);
  EXPECT_TRUE(done.outcomes.empty());
  done.fails = true;
  Text again("Subject: good\r\n\r\n");
  const Action action{.token = 1, .op = Op::Add, .box = inbox, .content = &again};
  EXPECT_EQ(replica->apply(std::span(&action, 1), done, {}).error().code, Errc::Disk);
  EXPECT_EQ(done.durables, 0);
  EXPECT_EQ(look(inbox).exists, 0u);
  EXPECT_EQ(add("Subject: good\r\n\r\n").did, Did::Ok);
  EXPECT_TRUE(store->verify({}, {})->problems.empty());
}

struct Fetched final : sync::MessageSink {
  Status begin(uint64_t, uint64_t) override { return {}; }
  Status data(std::string_view bytes) override {
    octets += bytes;
    return {};
  }
  Status end(uint64_t) override {
    ++ended;
    return {};
  }
  Status failed(uint64_t, const Error& error) override {
    code = error.code;
    return {};
  }
  std::string octets;
  int ended = 0;
  Errc code = Errc::Internal;
};

TEST_F(StoreReplicaTest, FetchesWholeOrHeaderAndNamesWhatIsGone) {
  const auto one = add("Subject: one\r\n\r\nbody");
  const sync::MsgRef nowhere{.box = inbox, .epoch = one.ref.epoch, .key = {.number = 77}};
  Fetched whole, header, gone;
  const sync::FetchItem items[] = {{.token = 1, .ref = one.ref},
                                   {.token = 2, .ref = one.ref, .part = sync::FetchPart::Header},
                                   {.token = 3, .ref = nowhere}};
  ASSERT_TRUE(replica->fetch(std::span(items, 1), whole, {}));
  ASSERT_TRUE(replica->fetch(std::span(items + 1, 1), header, {}));
  ASSERT_TRUE(replica->fetch(std::span(items + 2, 1), gone, {}));
  EXPECT_EQ(whole.octets, "Subject: one\r\n\r\nbody");
  EXPECT_EQ(header.octets, "Subject: one\r\n\r\n");
  EXPECT_EQ(gone.code, Errc::NotFound);
  EXPECT_EQ(gone.ended, 0);
}

}  // namespace
}  // namespace libsync::replicas
