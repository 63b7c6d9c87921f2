// log, settle, and what status says of changes that were made here: on a store and a link made here.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/store/link_table.h"
#include "libsync/store/store.h"
#include "libsync/sync/plan.h"

#include "tests/unit/cli/fake_surroundings.h"

namespace twinbox {
namespace {

namespace store = libsync::store;
namespace sync = libsync::sync;
using sync::At;
using sync::Event;
using sync::Row;
using sync::Side;
using testing::HasSubstr;
using testing::Not;

// An account "work" of mode two-way, synced: messages 1 to 4 in INBOX, and Work.
class Settled : public testing::Test {
 protected:
  void SetUp() override {
    configure("two-way");
    auto opened = store::Store::open(directory(), {.mode = store::StoreMode::Create});
    ASSERT_TRUE(opened) << opened.error().what;
    store::Store& s = **opened;
    std::vector<store::Staged> staged;
    for (int i = 1; i <= 4; ++i) {
      staged.push_back(s.stage("From: a@b\r\nSubject: m" + std::to_string(i) + "\r\n\r\ntext\r\n").value());
    }
    auto write = s.begin();
    ASSERT_TRUE(write);
    const auto inbox = (*write)->create_mailbox({"INBOX"}, sync::Role::Inbox);
    const auto folder = (*write)->create_mailbox({"Work"});
    for (const auto& one : staged) ASSERT_TRUE((*write)->add(*inbox, one, {}, 1'789'000'000));
    ASSERT_TRUE((*write)->commit());
    const auto link = store::open_link(s.db());
    const auto boxes = s.mailboxes().value();
    for (const auto& box : boxes) {
      const auto end = [&](const std::string& id) {
        return sync::Pair::End{.box = id,
                               .path = box.path,
                               .base = box.path,
                               .epoch = 1,
                               .cursor = std::to_string(box.highestmodseq),
                               .subscribed = box.subscribed};
      };
      sync::Pair pair;
      pair.at(Side::A) = end("there");
      pair.at(Side::B) = end(std::to_string(box.id));
      const auto id = link->put(pair);
      ASSERT_TRUE(id);
      if (box.path == sync::Path{"INBOX"}) inbox_ = *id;
    }
    for (uint64_t i = 1; i <= 4; ++i) {
      const sync::Half half{.at = At::Bound, .pair = inbox_, .key = {.number = i}, .instance = "m" + std::to_string(i)};
      Row row;
      row.side = {half, half};
      row.home = inbox_;
      row.agreed = true;
      ASSERT_TRUE(link->put(row));
    }
    ASSERT_TRUE(s.record_run({.started = 1'789'999'000, .finished = 1'789'999'000, .ok = true}));
  }
  std::string directory() const { return twinbox.home / "store"; }
  void configure(const std::string& mode) {
    std::filesystem::create_directories(twinbox.home / ".config/twinbox");
    std::ofstream(twinbox.config()) << "[account.work]\nremote = \"imaps://me@h\"\nmode = \"" << mode
                                    << "\"\nstore = \"" << directory() << "\"\n";
  }
  std::unique_ptr<store::Store> open() {
    return store::Store::open(directory(), {.mode = store::StoreMode::ReadWrite}).value();
  }
  Row row(sync::RowId id) { return store::open_link(open()->db())->get(id)->value(); }
  // As a sync leaves a row of a message behind.
  void leave(sync::RowId id, const std::function<void(Row&)>& change, uint64_t held = 0) {
    const auto s = open();
    const auto link = store::open_link(s->db());
    Row row = link->get(id)->value();
    change(row);
    row.dirty = true;
    ASSERT_TRUE(link->put(row));
    ASSERT_TRUE(s->record_run({.started = 1'789'999'500, .finished = 1'789'999'500, .ok = true, .held = held}));
  }
  void hold(sync::RowId id) {
    leave(id, [](Row& row) { row.half(Side::A).at = At::Gone; }, 1);
  }
  void refuse(sync::RowId id) {
    leave(id, [](Row& row) {
      row.half(Side::B).flags.system = sync::kSeen;
      row.half(Side::A).blocked = sync::Refusal{.ops = 1, .until = INT64_MAX, .words = "NO \x1B not mine"};
    });
  }
  void record(const Event& event) { ASSERT_TRUE(store::open_link(open()->db())->record(event)); }

  test::Fake twinbox;
  sync::PairId inbox_ = 0;
};

// --- status ---

TEST_F(Settled, StatusCountsWhatWasChangedHereSinceTheLastSync) {
  ASSERT_EQ(twinbox("status work --json"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":0"));
  ASSERT_EQ(twinbox("flag work 1 +seen"), 0) << twinbox.err;
  ASSERT_EQ(twinbox("move work 2 Work"), 0);
  ASSERT_EQ(twinbox("rm work 3 --forever"), 0);
  ASSERT_EQ(twinbox("copy work 4 Work"), 0);
  ASSERT_EQ(twinbox("folder create work New"), 0);
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":5,")) << "flags, a move, a removal, a copy, a folder";
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":\"twinbox sync work\""));
  ASSERT_EQ(twinbox("status work"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("  5 changes to send\nwork: 5 changes to send: made here, not on the server yet: "
                                     "twinbox sync work\n"));
  configure("mirror");
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":0")) << "nobody would send them";
}

TEST_F(Settled, StatusCountsWhatASyncCouldNotSend) {
  leave(1, [](Row& row) { row.half(Side::A).flags.system = row.base.system = sync::kSeen; });
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":1,"));
  leave(2, [](Row& row) { row.half(Side::A).flags.system = sync::kSeen; });
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":1,")) << "what the server changed is not sent";
}

// --- settle ---

TEST_F(Settled, TheListNamesWhatWaitsInWordsThatATerminalTakes) {
  EXPECT_EQ(twinbox("settle work"), 0);
  EXPECT_EQ(twinbox.err, "nothing waits for an answer\n");
  hold(1);
  refuse(2);
  leave(3, [](Row& row) { row.half(Side::A) = {.at = At::Unbound, .pair = row.home}; }, 1);
  ASSERT_EQ(twinbox("settle work"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr(" 1  gone on the server, kept here "));
  EXPECT_THAT(twinbox.out, HasSubstr(" 2  refused by the server: \"NO "));
  EXPECT_THAT(twinbox.out, HasSubstr(" 3  not found again on the server, kept here "));
  EXPECT_EQ(twinbox.out.find('\x1B'), std::string::npos);
  EXPECT_THAT(twinbox.err, HasSubstr("to answer: twinbox settle work ID… and accept ("));
  ASSERT_EQ(twinbox("settle work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"subject\":\"m1\""));
  EXPECT_THAT(twinbox.out, HasSubstr("\"waits\":\"held\",\"on\":\"server\"}"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"waits\":\"refused\",\"on\":\"server\",\"words\":\"NO \\u001b not mine\"}"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"waits\":\"suspect\",\"on\":\"server\"}"));
}

TEST_F(Settled, AnswersAreWrittenDownForTheNextSync) {
  for (const sync::RowId id : {1, 2, 3}) hold(id);
  ASSERT_EQ(twinbox("settle work 1 accept"), 0) << twinbox.err;
  EXPECT_EQ(row(1).answer, sync::Answer::Accept);
  ASSERT_EQ(twinbox("settle work 2 restore"), 0);
  EXPECT_EQ(row(2).answer, sync::Answer::Restore);
  EXPECT_EQ(row(2).half(Side::A).at, At::Absent);
  ASSERT_EQ(twinbox("settle work 3 unlink --json"), 0);
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"answer\":\"unlink\",\"messages\":1,\"ids\":[3]}\n");
  EXPECT_EQ(row(3).answer, sync::Answer::Unlink);
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"held\":0,"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"changes\":1,\"unlinked\":1,")) << "one to be sent again";
  ASSERT_EQ(twinbox("log work 1"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("answered by twinbox settle accept"));
}

TEST_F(Settled, AllOfAKindAreAnsweredAtOnce) {
  for (const sync::RowId id : {1, 2}) hold(id);
  refuse(3);
  leave(4, [](Row&) {}, 2);
  ASSERT_EQ(twinbox("settle work held refused unlink"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("3 messages: unlinked; "));
  EXPECT_EQ(row(4).answer, sync::Answer::None);
  ASSERT_EQ(twinbox("settle work held accept"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("nothing to do"));
  ASSERT_EQ(twinbox("settle work unlinked restore"), 0) << twinbox.err;
  EXPECT_EQ(row(1).answer, sync::Answer::Restore);
}

TEST_F(Settled, WhatWasRemovedHereComesBackAtOnceWithItsId) {
  ASSERT_EQ(twinbox("rm work 1 --forever"), 0);
  leave(1, [](Row& row) { row.half(Side::B).at = At::Gone; }, 1);
  ASSERT_EQ(twinbox("settle work 1 restore"), 0) << twinbox.err;
  EXPECT_NE(open()->message(1).value()->mailbox, 0);
  EXPECT_EQ(row(1).half(Side::B).at, At::Gone) << "the next sync finds it";
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"held\":0,")) << twinbox.out;
}

TEST_F(Settled, AMirrorPutsNothingOnItsServer) {
  configure("mirror");
  hold(1);
  EXPECT_EQ(twinbox("settle work 1 restore"), 3);
  EXPECT_EQ(twinbox.err,
            "twinbox: work is a mirror: nothing is put on its server\n"
            "         \"unlink\" keeps it here; \"accept\" lets it go\n");
  EXPECT_EQ(row(1).answer, sync::Answer::None);
  EXPECT_EQ(twinbox("settle work 1 unlink"), 0) << twinbox.err;
}

TEST_F(Settled, AllOfItOrNothing) {
  hold(1);
  const std::pair<const char*, const char*> kWrong[] = {
      {"settle work 1 2 accept", "message 2 waits for nothing\n         twinbox settle work lists what does\n"},
      {"settle work 1 99 accept", "no message has the id 99"},
      {"settle work 1 x accept", "\"x\" is not the id of a message"},
      {"settle work 1 agree", "\"agree\" is no answer\n         write accept, restore or unlink behind the ids\n"},
      {"settle work accept", "settle needs the id of a message"}};
  for (const auto& [line, words] : kWrong) {
    EXPECT_NE(twinbox(line), 0) << line;
    EXPECT_THAT(twinbox.err, HasSubstr(words)) << line;
    EXPECT_EQ(row(1).answer, sync::Answer::None) << line;
  }
}

TEST_F(Settled, ASyncThatRunsIsNotWrittenOver) {
  hold(1);
  const auto s = open();
  const auto lock = s->lock_for_sync(std::chrono::milliseconds(0), {});
  ASSERT_TRUE(lock);
  twinbox.stop.request_stop();  // not waited for
  EXPECT_NE(twinbox("settle work 1 accept"), 0);
  EXPECT_EQ(row(1).answer, sync::Answer::None);
}

// --- log ---

TEST_F(Settled, TheLogTellsWhatWasDoneAndWhy) {
  const int64_t now = twinbox.clock.unix;
  EXPECT_EQ(twinbox("log work"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("nothing was done about any message in 30 days"));
  record({.time = now - 31 * 86400, .op = sync::Op::Remove, .message = "m1", .folder = "Old"});
  record({.time = now - 60,
          .op = sync::Op::Move,
          .on = Side::B,
          .reason = sync::Reason::Moved,
          .message = "m1",
          .folder = "INBOX",
          .to_folder = "Work"});
  for (int i = 0; i < 3; ++i) {
    record({.time = now - 50 + i,
            .what = Event::What::Refused,
            .op = sync::Op::Flags,
            .reason = sync::Reason::FlagsChanged,
            .row = 2,
            .message = "m2",
            .folder = "INBOX",
            .flags = "+seen",
            .words = "NO not mine"});
  }
  ASSERT_EQ(twinbox("log work"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("1  moved here from INBOX to Work: it was moved on the server"));
  EXPECT_THAT(twinbox.out, HasSubstr("2  refused on the server: flags +seen: \"NO not mine\"; 3 times since "));
  EXPECT_THAT(twinbox.out, Not(HasSubstr("Old"))) << "31 days ago";
  ASSERT_EQ(twinbox("log work 1"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("moved here"));
  EXPECT_THAT(twinbox.out, Not(HasSubstr("refused")));
  EXPECT_THAT(twinbox.out, HasSubstr("message 1, \"m1\": it is in INBOX\n"));
  ASSERT_EQ(twinbox("log work 2 --json"), 0);
  EXPECT_THAT(twinbox.out,
              HasSubstr("\"event\":\"refused\",\"action\":\"flags\",\"on\":\"server\",\"reason\":\"flags-changed\","
                        "\"command\":null,\"id\":2,\"subject\":\"m2\",\"folder\":\"INBOX\",\"to_folder\":null,"
                        "\"key\":null,\"change\":\"+seen\",\"words\":\"NO not mine\",\"times\":3,"));
  ASSERT_EQ(twinbox("log work --limit 1 --json"), 0);
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 1);
  EXPECT_EQ(twinbox("log work 99"), 2);
}

TEST_F(Settled, CommandsAreInTheLogAndFailedOnesAreNot) {
  ASSERT_EQ(twinbox("flag work 1 2 +seen -flagged"), 0);
  ASSERT_EQ(twinbox("move work 2 Work"), 0);
  ASSERT_EQ(twinbox("copy work 3 Work"), 0);
  ASSERT_EQ(twinbox("rm work 4"), 0);
  ASSERT_EQ(twinbox("undelete work 4"), 0);
  EXPECT_NE(twinbox("rm work 1 99"), 0);
  EXPECT_EQ(twinbox("flag work 1 +seen"), 0) << "it is";
  ASSERT_EQ(twinbox("log work"), 0);
  for (const char* line :
       {"1  flags +seen -flagged here, by twinbox flag", "2  moved here from INBOX to Work, by",
        "5  copied here from INBOX to Work, by twinbox copy", "4  removed here from INBOX, by twinbox rm",
        "4  put here into INBOX, by twinbox undelete"}) {
    EXPECT_THAT(twinbox.out, HasSubstr(line));
  }
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 7) << twinbox.out;
}

TEST_F(Settled, TheLogOfAMessageEndsWithHowItStands) {
  hold(1);
  ASSERT_EQ(twinbox("log work 1"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("now: gone on the server, kept here; to answer: twinbox settle work 1 accept, "
                                     "restore or unlink\n"));
  ASSERT_EQ(twinbox("rm work 2 --forever"), 0);
  ASSERT_EQ(twinbox("log work 2"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("message 2, \"m2\": it was removed from INBOX: twinbox undelete work 2\n"));
}

}  // namespace
}  // namespace twinbox
