// Whole runs of the engine between replicas in memory, with the link in a database in memory.
#include "libsync/sync/sync.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"
#include "libsync/sync/verify.h"

#include "tests/support/lent_replica.h"

namespace libsync::replicas {
namespace {

using sync::Flags;
using sync::Leave;
using sync::Path;
using sync::Sync;
using sync::SyncOptions;
using sync::SyncReport;

class FixedClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return 1'700'000'000; }
};

class Watcher final : public sync::SyncObserver {
 public:
  void planned(uint64_t messages, uint64_t) override { planned_messages = messages; }
  void carried(uint64_t messages, uint64_t) override { carried_messages += messages; }
  void action(const std::string& text) override { actions.push_back(text); }
  uint64_t planned_messages = 0, carried_messages = 0;
  std::vector<std::string> actions;
};

MemoryTraits plain_server() {
  MemoryTraits traits;
  traits.instances = false;
  traits.box_ids = false;
  traits.capabilities.change_tokens = false;
  return traits;
}

// A server, a local replica and the link between them.
class Mirror : public ::testing::Test {
 protected:
  explicit Mirror(MemoryTraits server_traits = {}) : server(std::move(server_traits)), local({.identity = "local"}) {
    db = store::Db::open("", store::DbMode::Memory).value();
    EXPECT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
    server.make_box({"INBOX"}, sync::Role::Inbox);
  }

  SyncReport run(SyncOptions options = {}) {
    watcher = {};
    options.policy = policy;
    Sync engine(server, local, *link, clock, options, watcher);
    status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  }

  // "path: octets flags; …" of a replica, in order of the octets: what both sides must show alike.
  static std::string show(const MemoryReplica& replica) {
    std::vector<std::string> lines;
    for (const auto& [id, box] : replica.boxes()) {
      lines.push_back(sync::encode_path(box.path));
      for (const auto& [uid, message] : box.messages) {
        std::string line =
            sync::encode_path(box.path) + ": " + message.octets + " " + std::to_string(message.flags.system);
        for (const auto& keyword : message.flags.keywords) line += " " + keyword;
        lines.push_back(line);
      }
    }
    std::ranges::sort(lines);
    std::string out;
    for (const auto& line : lines) out += line + "\n";
    return out;
  }

  void expect_mirrored() {
    EXPECT_EQ(show(local), show(server));
    const SyncReport again = run();
    EXPECT_TRUE(again.nothing_new()) << "a sync after a sync took an action";
    EXPECT_EQ(show(local), show(server));
  }

  void fill(const Path& path, int count, const std::string& stem = "m") {
    for (int i = 0; i < count; ++i) server.append(path, "Subject: " + stem + std::to_string(i) + "\r\n\r\nbody\r\n");
  }

  MemoryReplica server;
  MemoryReplica local;
  std::unique_ptr<store::Db> db;
  std::unique_ptr<sync::Link> link;
  FixedClock clock;
  Watcher watcher;
  Status status;
  sync::Policy policy = sync::mirror_policy({.folders = true, .flags = true}, Leave::Forever);
};

class PlainMirror : public Mirror {
 protected:
  PlainMirror() : Mirror(plain_server()) {}
};

TEST_F(Mirror, CarriesEverythingOverAndThenNothing) {
  server.make_box({"Work", "二〇二五"});
  Flags flags{.system = sync::kSeen | sync::kFlagged};
  flags.add_keyword("$Forwarded");
  server.append({"INBOX"}, "Subject: one\r\n\r\n", flags, 1'600'000'000);
  server.append({"Work", "二〇二五"}, "");
  fill({"INBOX"}, 50);
  const SyncReport report = run();
  EXPECT_EQ(report.added, 52U);
  EXPECT_EQ(report.boxes_created, 2U);
  EXPECT_EQ(watcher.planned_messages, 52U);
  EXPECT_EQ(watcher.carried_messages, 52U);
  EXPECT_EQ(local.box({"INBOX"})->messages.begin()->second.date, 1'600'000'000);
  expect_mirrored();
}

TEST_F(Mirror, FollowsFlagsMovesAndRemovals) {
  server.make_box({"Work"});
  fill({"INBOX"}, 10);
  run();
  server.set_flags({"INBOX"}, 1, {.system = sync::kSeen});
  server.expunge({"INBOX"}, 2);
  server.move({"INBOX"}, 3, {"Work"});
  server.append({"INBOX"}, "new");
  const SyncReport report = run();
  EXPECT_EQ(report.flags, 1U);
  EXPECT_EQ(report.removed, 1U);
  EXPECT_EQ(report.moved, 1U);
  EXPECT_EQ(report.added, 1U);
  expect_mirrored();
}

TEST_F(PlainMirror, SeesAMoveWithoutIdsByItsHeader) {
  server.make_box({"Work"});
  fill({"INBOX"}, 10);
  run();
  server.move({"INBOX"}, 3, {"Work"});
  server.move({"INBOX"}, 4, {"Work"});
  const SyncReport report = run();
  EXPECT_EQ(report.moved, 2U);
  EXPECT_EQ(report.added, 0U);
  expect_mirrored();
}

TEST_F(PlainMirror, KeepsEverythingWhenUidValidityChanges) {
  fill({"INBOX"}, 100);
  run();
  server.renumber({"INBOX"});
  const SyncReport report = run();
  EXPECT_EQ(report.added, 0U);
  EXPECT_EQ(report.removed, 0U);
  EXPECT_EQ(report.suspect, 0U);
  expect_mirrored();
}

TEST_F(PlainMirror, HoldsWhatAChangedUidValidityLeavesUnmatched) {
  fill({"INBOX"}, 10);
  run();
  server.expunge({"INBOX"}, 4);
  server.renumber({"INBOX"});
  SyncReport report = run();
  EXPECT_EQ(report.suspect, 1U);
  EXPECT_EQ(report.removed, 0U);
  EXPECT_EQ(local.box({"INBOX"})->messages.size(), 10U);
  policy.fuse.allow = 1;
  report = run();
  EXPECT_EQ(report.removed, 1U);
  policy.fuse.allow = 0;
  expect_mirrored();
}

TEST_F(PlainMirror, FollowsARenamedMailboxWithoutFetching) {
  server.make_box({"Old"});
  server.make_box({"Old", "Child"});
  fill({"Old"}, 30);
  fill({"Old", "Child"}, 5, "c");
  run();
  server.rename_box({"Old"}, {"New"});
  server.append({"New"}, "fresh");
  const SyncReport report = run();
  EXPECT_EQ(report.added, 1U);
  EXPECT_EQ(report.removed, 0U);
  EXPECT_GE(report.boxes_renamed, 1U);
  EXPECT_EQ(report.boxes_created, 0U);
  expect_mirrored();
}

TEST_F(Mirror, FollowsNamesThatChangedPlaces) {
  server.make_box({"One"});
  server.make_box({"Two"});
  fill({"One"}, 2, "one");
  fill({"Two"}, 3, "two");
  run();
  server.rename_box({"One"}, {"Aside"});
  server.rename_box({"Two"}, {"One"});
  server.rename_box({"Aside"}, {"Two"});
  const SyncReport report = run();
  EXPECT_EQ(report.added, 0U);
  expect_mirrored();
}

TEST_F(Mirror, RemovesAVanishedMailboxUnlessTheFuseHoldsIt) {
  server.make_box({"Small"});
  server.make_box({"Large"});
  fill({"INBOX"}, 400);
  fill({"Small"}, 10);
  fill({"Large"}, 60);
  run();
  server.delete_box({"Small"});
  SyncReport report = run();
  EXPECT_EQ(report.removed, 10U);
  EXPECT_EQ(report.boxes_deleted, 1U);
  server.delete_box({"Large"});
  report = run();
  ASSERT_EQ(report.held.size(), 1U);
  EXPECT_EQ(report.held[0].mailbox, "Large");
  EXPECT_EQ(report.held[0].removals, 60U);
  EXPECT_EQ(local.box({"Large"})->messages.size(), 60U);
  server.append({"INBOX"}, "goes ahead");
  EXPECT_EQ(run().added, 1U);
  policy.fuse.allow = 60;
  report = run();
  EXPECT_EQ(report.removed, 60U);
  policy.fuse.allow = 0;
  expect_mirrored();
}

TEST_F(Mirror, ADryRunTellsAndChangesNothing) {
  server.make_box({"Work"});
  fill({"INBOX"}, 3);
  const SyncReport report = run({.dry_run = true});
  EXPECT_EQ(report.added, 3U) << "what would be done";
  EXPECT_EQ(report.boxes_created, 2U);
  EXPECT_TRUE(local.boxes().empty());
  EXPECT_EQ(watcher.actions.size(), 5U);  // two mailboxes, three messages
  EXPECT_TRUE(link->pairs()->empty());
  run();
  expect_mirrored();
}

TEST_F(Mirror, LeavesOutMailboxesThatTakeNoPartAndKeepsWhatTheyBroughtBefore) {
  server.make_box({"Spam"});
  fill({"INBOX"}, 2);
  fill({"Spam"}, 3);
  run();
  server.append({"Spam"}, "more");
  server.expunge({"Spam"}, 1);
  SyncOptions options;
  options.takes_part = [](const Path& path) { return path != Path{"Spam"}; };
  EXPECT_TRUE(run(options).nothing_new());
  EXPECT_EQ(local.box({"Spam"})->messages.size(), 3U);
  run();
  expect_mirrored();
}

TEST_F(Mirror, RefusesAnotherMailbox) {
  fill({"INBOX"}, 3);
  run();
  MemoryReplica stranger({.identity = "stranger"});
  stranger.make_box({"INBOX"});
  Sync engine(stranger, local, *link, clock, {.policy = policy}, watcher);
  const Status refused = engine.run({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Config);
  EXPECT_EQ(local.box({"INBOX"})->messages.size(), 3U);
}

TEST_F(Mirror, LargeMessagesPassThroughInPieces) {
  std::string large = "Subject: large\r\n\r\n" + std::string(5 << 20, 'x');
  server.append({"INBOX"}, large);
  fill({"INBOX"}, 3);
  server.append({"INBOX"}, large + "2");
  SyncOptions options;
  options.limits.queue_bytes = 1 << 20;
  EXPECT_EQ(run(options).added, 5U);
  expect_mirrored();
}

TEST_F(PlainMirror, ACountThatDoesNotFitNeverDeletes) {
  fill({"INBOX"}, 30);
  run();
  // A server that leaves messages out of its listing but counts them.
  class Forgetful final : public sync::ChangeSink {
   public:
    explicit Forgetful(sync::ChangeSink& to) : to_(to) {}
    Status open(const sync::BoxId& box, const sync::BoxState& state) override { return to_.open(box, state); }
    Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
      return ref.key.number % 2 == 0 ? Status{} : to_.seen(ref, facts);
    }
    Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
    Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
    Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
      return to_.close(box, next, exists);
    }
    Status missing(const sync::BoxId& box) override { return to_.missing(box); }
    sync::ChangeSink& to_;
  };
  class Server final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      std::vector<sync::BoxCursor> full(cursors.begin(), cursors.end());
      for (auto& cursor : full) cursor.cursor.clear();
      Forgetful forgetful(sink);
      return real_.changes(full, forgetful, stop);
    }
  };
  Server forgetful(server);
  Sync engine(forgetful, local, *link, clock, {.policy = policy}, watcher);
  ASSERT_TRUE(engine.run({}));
  EXPECT_EQ(engine.report().removed, 0U);
  EXPECT_EQ(engine.report().doubtful, std::vector<std::string>{"INBOX"});
  EXPECT_EQ(local.box({"INBOX"})->messages.size(), 30U);
  expect_mirrored();
}

TEST_F(PlainMirror, ComparingDoesNotPromiseWhatTheFuseWillHold) {
  fill({"INBOX"}, 60);
  run();
  for (uint64_t uid = 1; uid <= 30; ++uid) server.expunge({"INBOX"}, uid);
  server.append({"INBOX"}, "new");
  const auto before = sync::compare_with_remote(server, *link, policy, {}, {}, clock.unix_seconds());
  ASSERT_TRUE(before);
  EXPECT_EQ(before->differences_total, 31U);
  EXPECT_EQ(before->settled_by_sync, 1U);
  EXPECT_EQ(before->will_be_held, 30U);
  EXPECT_EQ(run().held.size(), 1U);
  const auto behind = sync::compare_with_remote(server, *link, policy, {}, {}, clock.unix_seconds());
  EXPECT_EQ(behind->held, 30U);
  EXPECT_EQ(behind->will_be_held, 0U);
}

TEST_F(PlainMirror, ComparingNamesEveryDifferenceAndChangesNothing) {
  fill({"INBOX"}, 5);
  run();
  EXPECT_EQ(sync::compare_with_remote(server, *link, policy, {})->differences_total, 0U);
  server.append({"INBOX"}, "new");
  server.set_flags({"INBOX"}, 2, {.system = sync::kSeen});
  server.expunge({"INBOX"}, 3);
  server.make_box({"Other"});
  const auto report = sync::compare_with_remote(server, *link, policy, {});
  ASSERT_TRUE(report);
  std::vector<std::string> lines;
  for (const auto& difference : report->differences) lines.push_back(difference.where + ": " + difference.text);
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (std::vector<std::string>{"INBOX/2: the flags differ", "INBOX/3: no longer on the server",
                                             "INBOX/6: not downloaded yet", "Other: this folder was not synced yet"}));
  EXPECT_EQ(report->messages, 5U);
  EXPECT_EQ(report->settled_by_sync, 4U);
  const auto inbox_alone =
      sync::compare_with_remote(server, *link, policy, {}, [](const Path& path) { return path == Path{"INBOX"}; });
  ASSERT_TRUE(inbox_alone);
  EXPECT_EQ(inbox_alone->differences_total, 3U) << "a folder that no sync looks at is none";
  EXPECT_EQ(run().added, 1U);
  expect_mirrored();
}

TEST_F(Mirror, Pop3LeavesNothingOnTheServerOnceItIsDurable) {
  fill({"INBOX"}, 20);
  policy = sync::mirror_policy({}, Leave::Never);
  const SyncReport report = run();
  EXPECT_EQ(report.added, 20U);
  EXPECT_EQ(report.left, 20U);
  EXPECT_TRUE(server.box({"INBOX"})->messages.empty());
  EXPECT_EQ(local.box({"INBOX"})->messages.size(), 20U);
  EXPECT_TRUE(run().nothing_new());
  EXPECT_EQ(local.box({"INBOX"})->messages.size(), 20U);
}

TEST_F(Mirror, Pop3KeepsHereWhatSomebodyDeletesThere) {
  fill({"INBOX"}, 60);
  policy = sync::mirror_policy({}, Leave::Forever);
  run();
  for (uint64_t uid = 1; uid <= 50; ++uid) server.expunge({"INBOX"}, uid);
  const SyncReport report = run();
  EXPECT_TRUE(report.nothing_new());
  EXPECT_TRUE(report.held.empty());
  EXPECT_EQ(local.box({"INBOX"})->messages.size(), 60U);
}

// A connection that ends after so many lines, wherever that is.
class CutReplica final : public twinbox::test::LentReplica {
 public:
  CutReplica(sync::Replica& real, size_t lines) : LentReplica(real), left_(lines) {}

  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override {
    TB_TRY(line());
    return real_.mailboxes(stop);
  }
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    Changes cut(*this, sink);
    return real_.changes(cursors, cut, stop);
  }
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    Messages cut(*this, sink);
    return real_.fetch(items, cut, stop);
  }
  Status finish(sync::ActionSink& sink, std::stop_token stop) override {
    TB_TRY(line());
    return real_.finish(sink, stop);
  }

 private:
  Status line() {
    if (left_ == 0) return fail(Errc::Network, "the connection ended");
    --left_;
    return {};
  }
  struct Changes final : sync::ChangeSink {
    Changes(CutReplica& owner, sync::ChangeSink& sink) : cut(owner), to(sink) {}
    Status open(const sync::BoxId& box, const sync::BoxState& state) override {
      TB_TRY(cut.line());
      return to.open(box, state);
    }
    Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
      TB_TRY(cut.line());
      return to.seen(ref, facts);
    }
    Status vanished(const sync::BoxId& box, uint64_t epoch, const sync::Key& key) override {
      TB_TRY(cut.line());
      return to.vanished(box, epoch, key);
    }
    Status present(const sync::BoxId& box, std::span<const sync::KeyRange> ranges) override {
      return to.present(box, ranges);
    }
    Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
      TB_TRY(cut.line());
      return to.close(box, next, exists);
    }
    Status missing(const sync::BoxId& box) override {
      TB_TRY(cut.line());
      return to.missing(box);
    }
    CutReplica& cut;
    sync::ChangeSink& to;
  };
  struct Messages final : sync::MessageSink {
    Messages(CutReplica& owner, sync::MessageSink& sink) : cut(owner), to(sink) {}
    Status begin(uint64_t token, uint64_t size) override { return to.begin(token, size); }
    Status data(std::string_view bytes) override {
      TB_TRY(cut.line());
      return to.data(bytes);
    }
    Status end(uint64_t token) override {
      TB_TRY(cut.line());
      return to.end(token);
    }
    Status failed(uint64_t token, const Error& error) override { return to.failed(token, error); }
    CutReplica& cut;
    sync::MessageSink& to;
  };
  size_t left_;
};

TEST_F(PlainMirror, ACutAtEveryLineIsMadeGoodByTheNextRun) {
  for (size_t lines = 0; lines < 60; ++lines) {
    const Path box{"Box" + std::to_string(lines)};
    server.make_box(box);
    fill(box, 3, std::to_string(lines) + "-");
    if (lines > 0) server.rename_box({"Box" + std::to_string(lines - 1)}, {"Renamed" + std::to_string(lines - 1)});
    CutReplica cut(server, lines);
    Sync engine(cut, local, *link, clock, {.policy = policy}, watcher);
    (void)engine.run({});  // ends where it is cut, or not at all
    run();
    ASSERT_EQ(show(local), show(server)) << "cut after " << lines;
  }
  expect_mirrored();
}

// Another client at work on the server between runs, and runs that are cut: after a whole one the mirror shows exactly
// what the server shows, and in the end a further run does nothing.
class RandomHistory : public Mirror, public ::testing::WithParamInterface<int> {
 protected:
  RandomHistory() : Mirror(GetParam() % 2 == 0 ? MemoryTraits{} : plain_server()), random_(GetParam()) {}

  size_t pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }

  Path some_box() {
    auto it = server.boxes().begin();
    std::advance(it, static_cast<std::ptrdiff_t>(pick(server.boxes().size())));
    return it->second.path;
  }

  std::optional<uint64_t> some_uid(const Path& path) {
    const auto& messages = server.box(path)->messages;
    if (messages.empty()) return std::nullopt;
    auto it = messages.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(pick(messages.size())));
    return it->first;
  }

  void step() {
    const Path path = some_box();
    const auto uid = some_uid(path);
    const bool inbox = path == Path{"INBOX"};
    const Path name{"Box" + std::to_string(counter_++)};
    switch (pick(12)) {
      case 0:
        server.make_box(name);
        break;
      case 1:
        if (!inbox) server.rename_box(path, name);
        break;
      case 2:
        if (!inbox) server.delete_box(path);
        break;
      case 3:
        server.renumber(path);
        break;
      case 4:
        if (uid) server.expunge(path, *uid);
        break;
      case 5:
        if (uid) server.move(path, *uid, some_box());
        break;
      case 6:
      case 7:
        if (uid) server.set_flags(path, *uid, {.system = static_cast<uint32_t>(pick(32))});
        break;
      default:
        server.append(path, "Subject: " + std::to_string(counter_++) + "\r\n\r\n" + std::string(pick(50), 'x'));
    }
  }

  std::mt19937_64 random_;
  int counter_ = 0;
};

TEST_P(RandomHistory, EndsWithBothSidesAlike) {
  policy.fuse.allow = 1'000'000;
  for (int round = 0; round < 12; ++round) {
    for (size_t steps = pick(12); steps > 0; --steps) step();
    if (pick(2) == 0) {
      CutReplica cut(server, pick(80));
      Sync engine(cut, local, *link, clock, {.policy = policy}, watcher);
      (void)engine.run({});
      for (size_t steps = pick(4); steps > 0; --steps) step();
    }
    run();
    ASSERT_EQ(show(local), show(server)) << "round " << round;
  }
  expect_mirrored();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHistory, ::testing::Range(1, 201));

TEST_F(Mirror, AStopEndsTheRunAndTheNextOneFinishes) {
  fill({"INBOX"}, 100);
  std::stop_source stop;
  stop.request_stop();
  Sync engine(server, local, *link, clock, {.policy = policy}, watcher);
  const Status stopped = engine.run(stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::Cancelled);
  run();
  expect_mirrored();
}

}  // namespace
}  // namespace libsync::replicas
