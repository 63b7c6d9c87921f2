// Two-way syncs with servers that do otherwise than they say, and with people at work meanwhile.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plan/world.h"
#include "tests/support/twisted_sink.h"

namespace twinbox::plan {
namespace {

using libsync::Status;
using libsync::replicas::MemoryReplica;
using sync::Action;
using sync::Outcome;

class Last final : public sync::ActionSink {
 public:
  Status done(uint64_t, const Outcome& outcome) override {
    last = outcome;
    return {};
  }
  Status durable() override { return {}; }
  Outcome last{};
};

// What a server says otherwise.
struct Odd {
  std::function<std::optional<Outcome>(const Action&)> instead{};  // of doing it
  std::function<void(sync::BoxState&)> state{};
  std::function<void(sync::Facts&)> facts{};
  std::function<void(const Action&)> before{};
};

class OddSink final : public test::TwistedSink {
 public:
  OddSink(sync::ChangeSink& real, const Odd& odd) : TwistedSink(real), odd_(odd) {}
  Status open(const sync::BoxId& box, const sync::BoxState& state) override {
    sync::BoxState told = state;
    if (odd_.state) odd_.state(told);
    return TwistedSink::open(box, told);
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    sync::Facts told = facts;
    if (odd_.facts) odd_.facts(told);
    return TwistedSink::seen(ref, told);
  }

 private:
  const Odd& odd_;
};

class OddSession final : public test::LentReplica {
 public:
  OddSession(sync::Replica& real, const Odd& odd) : LentReplica(real), odd_(odd) {}
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    OddSink odd(sink, odd_);
    return LentReplica::changes(cursors, odd, std::move(stop));
  }
  Status apply(std::span<const Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    for (const Action& each : actions) {
      if (odd_.before) odd_.before(each);
      std::optional<Outcome> outcome = odd_.instead ? odd_.instead(each) : std::nullopt;
      if (!outcome) {
        Last last;
        TB_TRY(LentReplica::apply(std::span(&each, 1), last, stop));
        outcome = last.last;
      }
      TB_TRY(sink.done(each.token, *outcome));
    }
    return sink.durable();
  }

 private:
  const Odd& odd_;
};

// The store, in which somebody does something behind the first mailbox of a look.
class Busy final : public test::LentReplica {
 public:
  using LentReplica::LentReplica;
  std::function<void()> meanwhile{};
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    for (size_t i = 0; i < cursors.size(); ++i) {
      TB_TRY(LentReplica::changes(cursors.subspan(i, 1), sink, stop));
      if (i == 0 && meanwhile) std::exchange(meanwhile, nullptr)();
    }
    return {};
  }
};

class OddServers : public ::testing::Test {
 protected:
  sync::SyncReport run(uint64_t allow = 0) {
    OddSession session(server, odd);
    Busy store(here);
    store.meanwhile = std::exchange(meanwhile_here, nullptr);
    const FixedClock clock;
    Nobody nobody;
    options.policy = world.policy;
    options.policy.fuse.allow = allow;
    sync::Sync engine(session, store, *world.devices[0]->link, clock, options, nobody);
    world.devices[0]->steps.begin();
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  }
  sync::SyncReport settle() {
    run();
    return run();
  }
  void be_mirror() { world.policy.can = {sync::Can::nothing(), sync::Can::everything()}; }
  void be_two_way() { world.policy.can = {sync::Can::everything(), sync::Can::everything()}; }

  World world{abilities("no_object_ids"), 1};
  MemoryReplica& server = world.server;
  MemoryReplica& here = world.devices[0]->store;
  Odd odd;
  std::function<void()> meanwhile_here{};
  sync::SyncOptions options{};
};

TEST_F(OddServers, WhatAServerSaidOkToAndNeverShowedIsKeptAndTold) {
  make(server, "INBOX: a");
  run();
  odd.instead = [&](const Action& action) -> std::optional<Outcome> {
    if (action.op != sync::Op::Add) return std::nullopt;
    auto* box = server.box({"INBOX"});
    ++box->modseq;
    return Outcome{.ref = {action.box, box->uidvalidity, {box->uidnext++}}};
  };
  act(here, "new x INBOX");
  EXPECT_EQ(settle().suspect, 1U);
  EXPECT_EQ(show(here), "INBOX: a x");
  EXPECT_EQ(run(1).suspect, 0U) << "the user lets it go";
  EXPECT_EQ(show(here), "INBOX: a");
}

TEST_F(OddServers, AFlagThatTheServerCanNotKeepDoesNotBringAMessageBack) {
  odd.state = [](sync::BoxState& state) { state.storable.system &= ~uint32_t{sync::kFlagged}; };
  make(server, "INBOX: a b");
  run();
  act(here, "flag a +flagged");
  run();
  act(server, "del a");
  settle();
  EXPECT_EQ(show(server), "INBOX: b");
  EXPECT_EQ(show(here), "INBOX: b");
}

TEST_F(OddServers, AMirrorThatBecomesTwoWayCarriesWhatIsDoneFromThenOn) {
  be_mirror();
  odd.state = [](sync::BoxState& state) { state.rights.read_only = true; };
  make(server, "INBOX: a b c; Work: d");
  run();
  be_two_way();
  odd.state = nullptr;
  EXPECT_TRUE(run().nothing_new());
  act(here, "flag b +seen; del d; new y INBOX");
  settle();
  EXPECT_EQ(show(server), "INBOX: a b+seen c y; Work:");
  EXPECT_EQ(show(here), show(server));
}

TEST_F(OddServers, NewMailInAMailboxThatCouldOnlyBeReadGoesOutOnceItCanBeWrittenTo) {
  make(server, "INBOX: a");
  odd.state = [](sync::BoxState& state) { state.rights.read_only = true; };
  run();
  act(here, "new x INBOX");
  run();
  EXPECT_EQ(show(server), "INBOX: a");
  odd.state = nullptr;
  act(server, "flag a +seen");
  settle();
  EXPECT_EQ(show(server), "INBOX: a+seen x");
}

TEST_F(OddServers, AMessageThatIsMovedHereWhereTheServerLetsNobodyWriteStaysOnBothSides) {
  make(server, "INBOX: a b; Shared: s");
  const uint64_t epoch = server.box({"Shared"})->uidvalidity;
  odd.state = [epoch](sync::BoxState& state) { state.rights.read_only = state.epoch == epoch; };
  run();
  act(here, "move a Shared");
  settle();
  EXPECT_EQ(show(server), "INBOX: a b; Shared: s");
  EXPECT_EQ(show(here), "INBOX: b; Shared: a s");
}

TEST_F(OddServers, InAMirrorAMessageThatIsMovedHereIsStillThatOfTheServer) {
  be_mirror();
  make(server, "INBOX: a b; Work: w");
  run();
  act(here, "move a Work");
  run();
  act(server, "flag a +seen");
  run();
  EXPECT_EQ(show(here), "INBOX: b; Work: a+seen w");
  act(server, "del a");
  run();
  EXPECT_EQ(show(server), "INBOX: b; Work: w");
}

TEST_F(OddServers, AMessageThatIsMovedHereDuringTheLookIsMovedThere) {
  make(server, "INBOX: a; Work: c+seen");
  run();
  uint64_t others = 0;
  odd.before = [&](const Action& action) { others += action.op == sync::Op::Move ? 0 : 1; };
  meanwhile_here = [&] { act(here, "move c INBOX"); };
  run();
  run();
  EXPECT_EQ(show(server), "INBOX: a c+seen; Work:");
  EXPECT_EQ(others, 0U) << "neither removed nor sent";
}

TEST_F(OddServers, WhatOneThingWasRefusedForKeepsNothingElseAway) {
  make(server, "INBOX: a b; Work: w");
  run();
  int asked = 0;
  odd.instead = [&](const Action& action) -> std::optional<Outcome> {
    if (action.op != sync::Op::Flags) return std::nullopt;
    ++asked;
    return Outcome{.did = sync::Did::Refused, .words = "no such keyword"};
  };
  act(here, "flag a +todo; flag b +todo");
  ASSERT_EQ(run().skipped.size(), 2U);
  act(here, "move a Work; del b");
  run();
  run();
  EXPECT_EQ(show(server), "INBOX:; Work: a w");
  EXPECT_EQ(show(here), "INBOX:; Work: a+todo w");
  EXPECT_EQ(asked, 3) << "once each, and once more when it had changed";
}

TEST_F(OddServers, AFullAccountIsAskedAgainNextTime) {
  make(server, "INBOX: a; Work: w");
  run();
  odd.instead = [](const Action& action) -> std::optional<Outcome> {
    if (action.op == sync::Op::Flags) return std::nullopt;
    return Outcome{.did = sync::Did::Quota, .words = "over quota"};
  };
  act(here, "copy a Work; new x Work");
  EXPECT_EQ(run().skipped.size(), 2U);
  odd.instead = nullptr;
  run();
  EXPECT_EQ(show(server), "INBOX: a; Work: a w x");
}

TEST_F(OddServers, AMailboxThatWasRestoredFromABackupTakesNothingAwayHere) {
  make(server, "INBOX: a b c");
  run();
  act(server, "del c");
  odd.state = [](sync::BoxState& state) {
    state.rewound = true;
    state.full = true;
  };
  server.box({"INBOX"})->expunged.clear();
  EXPECT_EQ(run().suspect, 1U);
  odd.state = nullptr;
  EXPECT_EQ(run().suspect, 1U);
  EXPECT_EQ(show(here), "INBOX: a b c");
  EXPECT_EQ(run(1).suspect, 0U) << "the user lets it go";
  EXPECT_EQ(show(here), "INBOX: a b");
}

// Gmail gives the UID of the message that it has already.
TEST_F(OddServers, TheSameUidForTwoMessagesTakesNoneFromTheOther) {
  make(server, "INBOX: a");
  run();
  odd.instead = [&](const Action& action) -> std::optional<Outcome> {
    if (action.op != sync::Op::Add && action.op != sync::Op::Copy) return std::nullopt;
    return Outcome{.ref = {action.box, server.box({"INBOX"})->uidvalidity, {1}}};
  };
  act(here, "new x INBOX; copy a INBOX");
  settle();
  act(server, "flag a +seen");
  settle();
  EXPECT_EQ(show(server), "INBOX: a+seen");
  EXPECT_EQ(show(here), "INBOX: a a+seen x");
}

TEST_F(OddServers, AMessageOfWhichTheServerCountsOtherOctetsIsKnownWhenItIsMovedThere) {
  make(server, "INBOX: a; Work: w");
  odd.facts = [](sync::Facts& facts) { facts.size += 2; };
  run();
  act(here, "new x INBOX");
  run();
  act(server, "move x Work");
  const auto report = run();
  EXPECT_EQ(report.moved, 1U);
  EXPECT_EQ(report.added + report.removed, 0U);
  EXPECT_EQ(show(here), "INBOX: a; Work: w x");
}

// The connection ends behind what the server was asked first, and before its answer.
void cut_answer(World& world) { EXPECT_FALSE(world.sync(0, 0, End::CutAfter, 0, true).status); }

TEST(Unanswered, AFlagThatIsTakenBackStaysTakenBack) {
  World world(abilities("full"), 1);
  MemoryReplica& here = world.devices[0]->store;
  make(world.server, "INBOX: a");
  world.sync();
  act(here, "flag a +seen");
  cut_answer(world);
  ASSERT_EQ(show(world.server), "INBOX: a+seen");
  act(here, "flag a -seen");
  world.sync();
  EXPECT_EQ(show(world.server), "INBOX: a");
  EXPECT_EQ(show(here), "INBOX: a");
}

TEST(Unanswered, AFlagThatIsTakenBackStaysTakenBackWhereverTheMessageIsByThen) {
  World world(abilities("no_object_ids"), 1);
  MemoryReplica& here = world.devices[0]->store;
  make(world.server, "INBOX: a; Work:");
  world.sync();
  act(here, "flag a +seen");
  cut_answer(world);
  act(here, "flag a -seen");
  act(world.server, "move a Work");
  world.sync();
  EXPECT_EQ(show(world.server), "INBOX:; Work: a");
  EXPECT_EQ(show(here), "INBOX:; Work: a");
}

TEST(Unanswered, AnEmptyMailboxThatIsRenamedOnceMoreIsTheSame) {
  World world(abilities("names_as_folder_ids"), 1);
  MemoryReplica& here = world.devices[0]->store;
  make(world.server, "INBOX: a; Work:");
  world.sync();
  act(here, "renbox Work Job");
  cut_answer(world);
  ASSERT_EQ(show(world.server), "INBOX: a; Job:");
  act(here, "renbox Job Final");
  world.sync();
  world.sync();
  EXPECT_EQ(show(world.server), "Final:; INBOX: a");
  EXPECT_EQ(show(here), show(world.server));
}

TEST(Unanswered, AnEmptyMailboxThatMakesRoomIsNoNewOne) {
  World world(abilities("names_as_folder_ids"), 1);
  MemoryReplica& here = world.devices[0]->store;
  make(world.server, "INBOX: a; Job:; Work:");
  world.sync();
  act(here, "renbox Work Other; renbox Job Work; renbox Other Job");
  // The first name is taken; the cut is behind the one that makes room.
  EXPECT_FALSE(world.sync(0, 1, End::CutAfter, 0, true).status);
  world.sync();
  world.sync();
  EXPECT_EQ(show(world.server), "INBOX: a; Job:; Work:");
  EXPECT_EQ(show(here), show(world.server));
}

TEST(Copies, WhatWasChangedOfOneBeforeItWasMadeThereIsChangedThere) {
  World world(abilities("full"), 1);
  MemoryReplica& here = world.devices[0]->store;
  make(world.server, "INBOX: a+seen; Work:");
  world.sync();
  act(here, "copy a Work; flag a@Work -seen +flagged");
  world.sync();
  EXPECT_EQ(show(world.server), "INBOX: a+seen; Work: a+flagged");
  EXPECT_EQ(show(here), show(world.server));
}

TEST(Adopting, AMessageWithBareLineFeedsHereIsTheOneThere) {
  Abilities can = abilities("no_object_ids");
  can.traits.capabilities.crlf = true;
  World world(can, 1);
  MemoryReplica& here = world.devices[0]->store;
  here.make_box({"INBOX"}, sync::Role::Inbox);
  for (const char* name : {"a", "b"}) {
    std::string octets = octets_of(name);
    world.server.append({"INBOX"}, octets);
    std::erase(octets, '\r');
    here.append({"INBOX"}, octets);
  }
  world.server.append({"INBOX"}, octets_of("c"));
  const Ran ran = world.sync();
  ASSERT_TRUE(ran.status);
  EXPECT_EQ(ran.fetched, 1U) << "the one that is not here";
  EXPECT_EQ(ran.uploaded, 0U);
  EXPECT_EQ(world.server.box({"INBOX"})->messages.size(), 3U);
  EXPECT_EQ(here.box({"INBOX"})->messages.size(), 3U);
}

TEST_F(OddServers, AMailboxThatIsLeftOutFromNowOnIsNotWrittenToAnyMore) {
  make(server, "INBOX: a; Work: w");
  run();
  odd.instead = [](const Action& action) -> std::optional<Outcome> {
    if (action.op == sync::Op::Add) return Outcome{.did = sync::Did::Retry, .words = "later"};
    return std::nullopt;
  };
  act(here, "new x Work");
  run();
  odd.instead = nullptr;
  options.takes_part = [](const sync::Path& path) { return path != sync::Path{"Work"}; };
  run();
  EXPECT_EQ(show(server), "INBOX: a; Work: w");
}

}  // namespace
}  // namespace twinbox::plan
