// What a person answers to what waits, carried out by whole runs between replicas in memory; and what the log says.
#include "libsync/sync/answer.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/plan.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"

namespace libsync::replicas {
namespace {

using sync::Action;
using sync::Did;
using sync::Event;
using sync::Op;
using sync::Outcome;
using sync::Row;
using sync::Side;
using testing::ElementsAre;
using testing::IsEmpty;

class FixedClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return seconds; }
  int64_t seconds = 1'700'000'000;
};

class Nobody final : public sync::SyncObserver {
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

// A server that refuses one kind of action.
class Stubborn final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  Status apply(std::span<const Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    for (const Action& action : actions) {
      if (refuses && action.op == *refuses) {
        ++refused;
        TB_TRY(sink.done(action.token, Outcome{.did = Did::Refused, .words = "NO [CANNOT] not mine"}));
        TB_TRY(sink.durable());
      } else {
        TB_TRY(LentReplica::apply(std::span(&action, 1), sink, stop));
      }
    }
    return {};
  }
  std::optional<Op> refuses{};
  int refused = 0;
};

MemoryTraits server_traits() {
  MemoryTraits traits;
  traits.instances = false;
  traits.capabilities.own_transaction = false;
  traits.identity = "server";
  return traits;
}

// Sixty messages, m0 to m59, in INBOX, and an empty Work, on both sides.
class Answers : public ::testing::Test {
 protected:
  Answers() : server(server_traits()), local({.objects = true, .identity = "local"}), stubborn(server) {
    db = store::Db::open("", store::DbMode::Memory).value();
    EXPECT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
    server.make_box({"INBOX"}, sync::Role::Inbox);
    server.make_box({"Work"});
    for (int i = 0; i < 60; ++i) server.append({"INBOX"}, octets(i));
    run();
    for (const auto& [uid, message] : local.box({"INBOX"})->messages) instances[message.octets] = message.instance;
  }

  static std::string octets(int i) { return "Subject: m" + std::to_string(i) + "\r\n\r\nbody\r\n"; }
  static uint64_t uid_of(MemoryReplica& replica, int i, const sync::Path& path = {"INBOX"}) {
    for (const auto& [uid, message] : replica.box(path)->messages) {
      if (message.octets == octets(i)) return uid;
    }
    return 0;
  }
  // How many of it are there, in all mailboxes.
  static int count(const MemoryReplica& replica, int i) {
    int found = 0;
    for (const auto& [id, box] : replica.boxes()) {
      for (const auto& [uid, message] : box.messages) found += message.octets == octets(i) ? 1 : 0;
    }
    return found;
  }
  void expunge(MemoryReplica& replica, int from, int to) {
    for (int i = from; i < to; ++i) replica.expunge({"INBOX"}, uid_of(replica, i));
  }

  sync::SyncReport run() {
    sync::SyncOptions options;
    options.policy.can = {sync::Can::everything(), sync::Can::everything()};
    Nobody nobody;
    sync::Sync engine(stubborn, local, *link, clock, options, nobody);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  }

  std::optional<Row> row(int i) {
    for (const bool answered : {false, true}) {
      auto rows = (answered ? link->answered(0, 1000) : link->dirty(0, 1000)).value();
      for (Row& each : rows) {
        if (each.half(Side::B).instance == instances[octets(i)]) return each;
      }
    }
    return std::nullopt;
  }
  sync::Waiting waits(int i) {
    const auto found = row(i);
    return found ? sync::waiting(*found) : sync::Waiting::Nothing;
  }
  Status answer(int i, Status (*give)(Row&)) {
    auto found = row(i);
    if (!found) return fail(Errc::NotFound, "no such row waits");
    TB_TRY(give(*found));
    TB_TRY(link->put(*found));
    return {};
  }

  // "Move server: moved" of a message, or of all.
  std::vector<std::string> log(std::optional<int> i = {}) {
    std::vector<std::string> out;
    const auto events = link->events(i ? instances[octets(*i)] : sync::Id(), 0, 1000).value();
    for (const Event& event : events) {
      const char* what[] = {"", "refused ", "put off ", "command "};
      const char* op = event.op == Op::Add      ? "add "
                       : event.op == Op::Flags  ? "flags "
                       : event.op == Op::Move   ? "move "
                       : event.op == Op::Remove ? "remove "
                                                : "folder ";
      std::string text = std::string(what[static_cast<int>(event.what)]) + op +
                         (event.on == Side::A ? "there" : "here") + ": " + event.folder +
                         (event.to_folder.empty() ? "" : " > " + event.to_folder) + event.flags;
      text += ": " + std::string(event.words.empty() ? sync::reason_text(event.reason) : event.words);
      if (event.times > 1) text += " x" + std::to_string(event.times);
      out.push_back(text);
    }
    return out;
  }

  MemoryReplica server, local;
  Stubborn stubborn;
  std::unique_ptr<store::Db> db;
  std::unique_ptr<sync::Link> link;
  FixedClock clock;
  std::map<std::string, std::string> instances;
};

// --- held ---

TEST_F(Answers, AnAcceptedRemovalIsMadeAndTheFuseForgetsIt) {
  expunge(local, 0, 40);
  EXPECT_EQ(run().held.at(0).removals, 40U);
  ASSERT_EQ(waits(0), sync::Waiting::Removal);
  ASSERT_TRUE(answer(0, sync::accept));
  const auto report = run();
  EXPECT_EQ(report.sent.removed, 1U);
  EXPECT_EQ(report.held.at(0).removals, 39U);
  EXPECT_EQ(link->removals_since(std::nullopt, 0).value(), 0U);
  EXPECT_EQ(server.box({"INBOX"})->messages.size(), 59U);
  EXPECT_EQ(count(server, 0), 0);
  EXPECT_THAT(log(0), ElementsAre("remove there: INBOX: gone on the other side"));
}

TEST_F(Answers, WhatIsGoneThereAndWantedBackIsSentAgain) {
  expunge(server, 0, 40);
  EXPECT_EQ(run().held.size(), 1U);
  ASSERT_TRUE(answer(3, sync::restore));
  const auto report = run();
  EXPECT_EQ(report.sent.added, 1U);
  EXPECT_EQ(report.held.at(0).removals, 39U);
  EXPECT_EQ(count(server, 3), 1);
  EXPECT_EQ(count(local, 3), 1);
  EXPECT_EQ(waits(3), sync::Waiting::Nothing);
  EXPECT_THAT(log(3), ElementsAre("add there: INBOX: brought back, as you answered"));
}

TEST_F(Answers, WhatWasRemovedHereAndIsWantedBackIsFetched) {
  expunge(local, 0, 40);
  run();
  ASSERT_TRUE(answer(3, sync::restore));
  run();
  EXPECT_EQ(count(server, 3), 1);
  EXPECT_EQ(count(local, 3), 1);
  EXPECT_THAT(log(), ElementsAre("add here: INBOX: brought back, as you answered"));
  EXPECT_EQ(run().added, 0U);
}

TEST_F(Answers, WhatIsUnlinkedStaysAsItIsWhateverIsDoneToItHere) {
  expunge(server, 0, 40);
  run();
  ASSERT_TRUE(answer(5, sync::unlink));
  EXPECT_EQ(run().held.at(0).removals, 39U);
  local.set_flags({"INBOX"}, uid_of(local, 5), {.system = sync::kSeen});
  run();
  local.move({"INBOX"}, uid_of(local, 5), {"Work"});
  run();
  EXPECT_EQ(count(local, 5), 1);
  EXPECT_EQ(count(server, 5), 0);
  EXPECT_EQ(waits(5), sync::Waiting::Parted);
  // The same octets, come by another way, are another message.
  server.append({"INBOX"}, octets(5));
  run();
  EXPECT_EQ(count(local, 5), 2);
  EXPECT_EQ(count(server, 5), 1);
  // Removed here: nobody has to know of it any more.
  local.expunge({"Work"}, uid_of(local, 5, {"Work"}));
  run();
  EXPECT_EQ(count(server, 5), 1);
  EXPECT_THAT(link->answered(0, 10).value(), IsEmpty());
  EXPECT_THAT(log(5), IsEmpty());
}

TEST_F(Answers, WhatIsUnlinkedSurvivesANewNumberingAndIsNoSuspect) {
  expunge(server, 0, 40);
  run();
  ASSERT_TRUE(answer(5, sync::unlink));
  server.renumber({"INBOX"});
  local.renumber({"INBOX"});
  const auto report = run();
  EXPECT_EQ(report.suspect, 0U);
  EXPECT_EQ(count(local, 5), 1);
  EXPECT_EQ(count(server, 5), 0);
  EXPECT_EQ(waits(5), sync::Waiting::Parted);
}

TEST_F(Answers, WhatIsUnlinkedCanBeLinkedAgain) {
  expunge(server, 0, 40);
  run();
  ASSERT_TRUE(answer(5, sync::unlink));
  run();
  ASSERT_TRUE(answer(5, sync::restore));
  run();
  EXPECT_EQ(count(server, 5), 1);
  EXPECT_EQ(count(local, 5), 1);
  EXPECT_EQ(waits(5), sync::Waiting::Nothing);
}

TEST_F(Answers, AnAnswerDoesNotOutliveWhatItWasGivenTo) {
  expunge(local, 0, 40);
  run();
  ASSERT_TRUE(answer(0, sync::accept));
  local.append({"INBOX"}, octets(0));  // it is back here, before a sync carried the answer out
  run();
  EXPECT_EQ(count(server, 0), 1);
  EXPECT_EQ(count(local, 0), 1);
  EXPECT_THAT(link->answered(0, 10).value(), IsEmpty());
}

// --- refused ---

TEST_F(Answers, ARefusedChangeOfFlagsIsUndoneWhereTheRefusalIsAccepted) {
  stubborn.refuses = Op::Flags;
  local.set_flags({"INBOX"}, uid_of(local, 1), {.system = sync::kFlagged});
  run();
  run();
  EXPECT_EQ(stubborn.refused, 1) << "not asked again by itself";
  EXPECT_THAT(log(1), ElementsAre("refused flags there: INBOX+flagged: NO [CANNOT] not mine"));
  ASSERT_EQ(waits(1), sync::Waiting::Refused);
  ASSERT_TRUE(answer(1, sync::restore));
  run();
  EXPECT_EQ(stubborn.refused, 2) << "asked again";
  EXPECT_THAT(log(1), ElementsAre("refused flags there: INBOX+flagged: NO [CANNOT] not mine x2"));
  ASSERT_TRUE(answer(1, sync::accept));
  EXPECT_EQ(run().flags, 1U);
  EXPECT_EQ(local.box({"INBOX"})->messages.at(uid_of(local, 1)).flags, sync::Flags());
  EXPECT_EQ(waits(1), sync::Waiting::Nothing);
}

TEST_F(Answers, ARefusedMoveIsTakenBackOrLeftAlone) {
  stubborn.refuses = Op::Move;
  for (const int i : {1, 2}) local.move({"INBOX"}, uid_of(local, i), {"Work"});
  run();
  ASSERT_TRUE(answer(1, sync::accept));
  ASSERT_TRUE(answer(2, sync::unlink));
  run();
  EXPECT_NE(uid_of(local, 1), 0U) << "in INBOX again";
  EXPECT_NE(uid_of(local, 2, {"Work"}), 0U);
  stubborn.refuses.reset();
  server.set_flags({"INBOX"}, uid_of(server, 2), {.system = sync::kSeen});
  run();
  EXPECT_NE(uid_of(server, 2), 0U);
  EXPECT_EQ(local.box({"Work"})->messages.begin()->second.flags, sync::Flags());
  server.expunge({"INBOX"}, uid_of(server, 2));
  run();
  EXPECT_EQ(count(local, 2), 1) << "it stays, whatever becomes of it there";
}

TEST_F(Answers, ARefusedRemovalComesBackWhereTheRefusalIsAccepted) {
  stubborn.refuses = Op::Remove;
  expunge(local, 0, 1);
  run();
  ASSERT_EQ(waits(0), sync::Waiting::Refused);
  ASSERT_TRUE(answer(0, sync::accept));
  run();
  EXPECT_EQ(count(local, 0), 1);
  EXPECT_EQ(count(server, 0), 1);
}

TEST_F(Answers, ARefusedNewMessageIsNotLetGo) {
  stubborn.refuses = Op::Add;
  local.append({"INBOX"}, octets(70));
  instances[octets(70)] = local.box({"INBOX"})->messages.at(uid_of(local, 70)).instance;
  run();
  ASSERT_EQ(waits(70), sync::Waiting::Refused);
  const auto accepted = answer(70, sync::accept);
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error().code, Errc::Refused);
  EXPECT_EQ(waits(70), sync::Waiting::Refused) << "as it was";
  ASSERT_TRUE(answer(70, sync::unlink));
  stubborn.refuses.reset();
  local.set_flags({"INBOX"}, uid_of(local, 70), {.system = sync::kSeen});
  run();
  EXPECT_EQ(count(server, 70), 0);
  EXPECT_EQ(count(local, 70), 1);
}

// --- suspect ---

class Suspects : public Answers {
 protected:
  // The server numbers its mail anew, and three messages are not what they were.
  void SetUp() override {
    for (const int i : {1, 2, 3}) server.box({"INBOX"})->messages.at(uid_of(server, i)).octets = octets(80 + i);
    server.renumber({"INBOX"});
    EXPECT_EQ(run().suspect, 3U);
  }
};

TEST_F(Suspects, AreRemovedKeptOrSentAgain) {
  for (const int i : {1, 2, 3}) ASSERT_EQ(waits(i), sync::Waiting::Suspect) << i;
  ASSERT_TRUE(answer(1, sync::accept));
  ASSERT_TRUE(answer(2, sync::restore));
  ASSERT_TRUE(answer(3, sync::unlink));
  EXPECT_EQ(run().suspect, 0U);
  run();
  EXPECT_EQ(count(local, 1) + count(server, 1), 0);
  EXPECT_EQ(count(local, 2) + count(server, 2), 2);
  EXPECT_EQ(count(local, 3), 1);
  EXPECT_EQ(count(server, 3), 0);
}

TEST_F(Answers, WhatIsNotFoundHereIsNotRemovedThere) {
  local.box({"INBOX"})->messages.at(uid_of(local, 1)).octets = "Subject: other\r\n\r\nbody\r\n";
  for (auto& [uid, message] : local.box({"INBOX"})->messages) message.instance += "x";
  local.renumber({"INBOX"});
  EXPECT_EQ(run().suspect, 1U);
  ASSERT_EQ(waits(1), sync::Waiting::Suspect);
  EXPECT_FALSE(answer(1, sync::accept));
  EXPECT_EQ(waits(1), sync::Waiting::Suspect) << "as it was";
  ASSERT_TRUE(answer(1, sync::restore));
  run();
  EXPECT_EQ(count(local, 1), 1);
  EXPECT_EQ(count(server, 1), 1);
}

// --- the log ---

TEST_F(Answers, WhatComesDownNeedsNoEntryAndAllElseHasOne) {
  EXPECT_THAT(log(), IsEmpty()) << "sixty came down, and a folder";
  server.set_flags({"INBOX"}, uid_of(server, 0), {.system = sync::kSeen});
  server.move({"INBOX"}, uid_of(server, 1), {"Work"});
  server.expunge({"INBOX"}, uid_of(server, 2));
  local.append({"INBOX"}, octets(70));
  local.make_box({"New"});
  server.append({"INBOX"}, octets(71));
  run();
  EXPECT_THAT(log(),
              ElementsAre("folder there: New: new", "add there: INBOX: new", "flags here: INBOX+seen: flags changed",
                          "move here: INBOX > Work: moved", "remove here: INBOX: gone on the other side"));
  clock.seconds += sync::kEventSeconds + 1;
  run();
  EXPECT_THAT(log(), IsEmpty()) << "older than 30 days";
}

}  // namespace
}  // namespace libsync::replicas
