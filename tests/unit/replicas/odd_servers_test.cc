// Servers that show their mail oddly, between a replica in memory and the engine: nothing is lost,
// nothing comes twice, nothing is removed on a doubtful word.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/sync.h"
#include "libsync/sync/verify.h"

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
    sync::Sync engine(odd, local, *link, clock, {.policy = policy, .verify_stored = verify_stored}, nobody);
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
  std::function<Status(const sync::Id&)> verify_stored;
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

// Announces each message as so many octets larger than it is.
class Padding final : public twinbox::test::LentReplica {
 public:
  Padding(sync::Replica& real, uint64_t by) : LentReplica(real), by_(by) {}
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    struct Pad final : TwistedSink {
      Pad(sync::ChangeSink& sink, uint64_t octets) : TwistedSink(sink), by(octets) {}
      Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
        auto padded = facts;
        padded.size += by;
        return to_.seen(ref, padded);
      }
      uint64_t by;
    } pad(sink, by_);
    return real_.changes(cursors, pad, stop);
  }

 private:
  uint64_t by_;
};

// A server that cuts messages off.
class Cutting final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  size_t keeps = std::string::npos;  // octets of a message that come through
  int fetched = 0;
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    struct Cut final : sync::MessageSink {
      Cut(Cutting& owner, sync::MessageSink& sink) : cutting(owner), to(sink) {}
      Status begin(uint64_t token, uint64_t size) override {
        left = cutting.keeps;
        return to.begin(token, size);
      }
      Status data(std::string_view bytes) override {
        const std::string_view kept = bytes.substr(0, left);
        left -= kept.size();
        return kept.empty() ? Status{} : to.data(kept);
      }
      Status end(uint64_t token) override { return to.end(token); }
      Status failed(uint64_t token, const Error& error) override { return to.failed(token, error); }
      Cutting& cutting;
      sync::MessageSink& to;
      size_t left = 0;
    } cut(*this, sink);
    fetched += static_cast<int>(items.size());
    return real_.fetch(items, cut, stop);
  }
};

// A POP3 server that gives one answer twice: those behind it go to the questions before theirs, and in the end one is
// left over.
class Doubling final : public twinbox::test::LentReplica {
 public:
  using LentReplica::LentReplica;
  bool doubles = true;
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    if (!doubles) return real_.fetch(items, sink, stop);
    std::vector<sync::FetchItem> shifted(items.begin(), items.end());
    for (size_t i = 1; i < shifted.size(); ++i) shifted[i].ref = items[i - 1].ref;
    TB_TRY(real_.fetch(shifted, sink, stop));
    return fail(Errc::Protocol, "the server speaks without being asked");
  }
};

TEST_F(OddServers, AnswersThatWentToOtherQuestionsAreReadAgain) {
  std::multiset<std::string> all;
  for (const Leave leave : {Leave::Forever, Leave::Never}) {
    policy = sync::mirror_policy({}, leave);
    Maildrop drop(server);
    Doubling doubling(drop);
    for (int i = 0; i < 5; ++i) {
      const std::string one =
          "Subject: " + std::to_string(i) + (leave == Leave::Never ? "n" : "f") + "\r\n\r\nbody\r\n";
      server.append(kInbox, one);
      all.insert(one);
    }
    NullObserver nobody;
    EXPECT_FALSE(sync::Sync(doubling, local, *link, clock, {.policy = policy}, nobody).run({}));
    EXPECT_FALSE(server.box(kInbox)->messages.empty()) << "nothing is removed on such a server's word";
    doubling.doubles = false;
    for (int i = 0; i < 2; ++i) run(doubling);
    const std::multiset<std::string> found = here();
    EXPECT_TRUE(std::ranges::includes(found, all)) << "what came twice may stay, none is missing";
    EXPECT_EQ(server.box(kInbox)->messages.empty(), leave == Leave::Never);
  }
}

TEST_F(OddServers, WhatCameShortIsNotRemovedFromTheServer) {
  policy = sync::mirror_policy({}, Leave::Never);
  Maildrop drop(server);
  Cutting cutting(drop);
  const std::string message = "Subject: long\r\n\r\nfirst line\r\n.\r\nthe rest\r\n";
  server.append(kInbox, message);
  cutting.keeps = 30;
  EXPECT_EQ(run(cutting).skipped.size(), 1U);
  EXPECT_EQ(run(cutting).skipped.size(), 1U);
  EXPECT_EQ(run(cutting).left, 0U);
  EXPECT_EQ(server.box(kInbox)->messages.size(), 1U);
  EXPECT_EQ(here(), std::multiset<std::string>{message.substr(0, 30)});
  EXPECT_EQ(cutting.fetched, 2) << "the same twice is not read a third time";
}

TEST_F(OddServers, WhatCameShortOnceIsReadAgain) {
  for (const Leave leave : {Leave::Forever, Leave::Never}) {
    policy = sync::mirror_policy({}, leave);
    Maildrop drop(server);
    Cutting cutting(drop);
    const std::string message = "Subject: long " + std::to_string(static_cast<int>(leave)) + "\r\n\r\nall of it\r\n";
    drop.names[server.append(kInbox, message)] = "cut" + std::to_string(static_cast<int>(leave));
    cutting.keeps = 25;
    run(cutting);
    cutting.keeps = std::string::npos;
    run(cutting);
    EXPECT_TRUE(here().contains(message));
    EXPECT_EQ(server.box(kInbox)->messages.empty(), leave == Leave::Never);
    const size_t count = here().size();
    EXPECT_TRUE(run(cutting).nothing_new());
    EXPECT_EQ(here().size(), count);
  }
}

TEST_F(OddServers, LinesThatEndInLfAreNotShort) {
  policy = sync::mirror_policy({}, Leave::Never);
  Maildrop drop(server);
  Padding padding(drop, 3);
  server.append(kInbox, "Subject: a\n\nbody\n");
  EXPECT_EQ(run(padding).left, 1U);
  EXPECT_TRUE(server.box(kInbox)->messages.empty());
}

TEST_F(OddServers, AUidlGivenAgainIsNoticedBeforeItsMailIsRemoved) {
  policy = sync::mirror_policy({}, Leave::Forever);
  Maildrop drop(server);
  const std::string monday = "Subject: monday\r\n\r\nall well\r\n";
  const std::string friday = "Subject: friday\r\n\r\nall well\r\n";
  drop.names[server.append(kInbox, monday)] = "1";
  run(drop);
  server.expunge(kInbox, 1);
  drop.names = {{server.append(kInbox, friday), "1"}};
  run(drop);
  policy = sync::mirror_policy({}, Leave::Never);
  for (int i = 0; i < 3; ++i) run(drop);
  EXPECT_EQ(here(), (std::multiset<std::string>{monday, friday}));
  EXPECT_TRUE(server.box(kInbox)->messages.empty());
}

TEST_F(OddServers, TwoMessagesThatAHeaderCannotTellApartBothComeAndGo) {
  policy = sync::mirror_policy({}, Leave::Never);
  Maildrop drop(server);
  const std::string first = "Subject: cron\r\n\r\ndisk 10 %\r\n";
  const std::string second = "Subject: cron\r\n\r\ndisk 99 %\r\n";
  drop.names[server.append(kInbox, first)] = "a";
  run(drop);
  drop.names[server.append(kInbox, second)] = "b";
  for (int i = 0; i < 3; ++i) run(drop);
  EXPECT_EQ(here(), (std::multiset<std::string>{first, second}));
  EXPECT_TRUE(server.box(kInbox)->messages.empty());
}

TEST_F(OddServers, SizesThatAreCountedAnewDoubleNothing) {
  for (const Leave leave : {Leave::Forever, Leave::Never}) {
    policy = sync::mirror_policy({}, leave);
    Maildrop drop(server);
    drop.ignores_removals = true;
    fill(kInbox, 3, leave == Leave::Forever ? "f" : "n");
    run(drop);
    const size_t count = here().size();
    Padding padding(drop, 9);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(run(padding).added, 0U);
    EXPECT_EQ(here().size(), count);
  }
}

TEST_F(OddServers, AUidGivenAgainToMailOfAnotherDateIsFetched) {
  for (int i = 0; i < 3; ++i) {
    server.append(kInbox, "Subject: m" + std::to_string(i) + "\r\n\r\nbody\r\n", {}, 1'600'000'000 + i);
  }
  run(server);
  // Restored from a backup: UIDs and UIDVALIDITY as they were, other mail under them.
  auto& messages = server.box(kInbox)->messages;
  const uint64_t last = messages.rbegin()->first;
  messages[last].octets = "Subject: m2\r\n\r\nBODY\r\n";
  messages[last].date = 1'700'000'000;
  ++server.box(kInbox)->modseq;
  const sync::SyncReport report = run(server);
  EXPECT_EQ(report.added, 1U);
  EXPECT_TRUE(here().contains("Subject: m2\r\n\r\nBODY\r\n"));
  EXPECT_EQ(here().size(), 3U);
  EXPECT_TRUE(run(server).nothing_new());
}

TEST_F(OddServers, ADraftSavedAgainIsFetched) {
  server.make_box({"Drafts"});
  const uint64_t old = server.append({"Drafts"}, "Subject: d\r\n\r\nat 10:00\r\n", {}, 1'600'000'000);
  run(server);
  server.append({"Drafts"}, "Subject: d\r\n\r\nat 16:30\r\n", {}, 1'600'000'060);
  server.expunge({"Drafts"}, old);
  run(server);
  EXPECT_EQ(here({"Drafts"}), std::multiset<std::string>{"Subject: d\r\n\r\nat 16:30\r\n"});
}

TEST_F(OddServers, AListingThatContradictsItsCountStillBringsItsMail) {
  class Counting final : public twinbox::test::LentReplica {
   public:
    using LentReplica::LentReplica;
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      struct Count final : TwistedSink {
        using TwistedSink::TwistedSink;
        Status open(const sync::BoxId& box, const sync::BoxState& state) override {
          auto partial = state;
          partial.full = false;
          return to_.open(box, partial);
        }
        Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
          return to_.close(box, next, exists + 1);
        }
      } count(sink);
      return real_.changes(cursors, count, stop);
    }
  } counting(server);
  fill(kInbox, 2);
  EXPECT_EQ(run(counting).doubtful.size(), 1U);
  EXPECT_EQ(here().size(), 2U);
  fill(kInbox, 1, "new");
  run(counting);
  EXPECT_EQ(here().size(), 3U);
}

TEST_F(OddServers, AMoveSeenHalfIsStillAMove) {
  server.make_box({"Aim"});
  fill(kInbox, 3);
  run(server);
  // "Aim" is looked at, then another program moves a message there, then INBOX is looked at.
  class HalfSeen final : public twinbox::test::LentReplica {
   public:
    explicit HalfSeen(MemoryReplica& real) : LentReplica(real), memory_(real) {}
    Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
      std::vector<sync::BoxCursor> aim, rest;
      for (const auto& cursor : cursors) (cursor.box == "Aim" ? aim : rest).push_back(cursor);
      TB_TRY(real_.changes(aim, sink, stop));
      if (!std::exchange(moved_, true)) memory_.move(kInbox, 2, {"Aim"});
      return real_.changes(rest, sink, stop);
    }

   private:
    MemoryReplica& memory_;
    bool moved_ = false;
  } half(server);
  const sync::SyncReport report = run(half);
  EXPECT_EQ(report.moved, 1U);
  EXPECT_EQ(report.added, 0U);
  EXPECT_EQ(report.removed, 0U);
  EXPECT_EQ(here({"Aim"}).size(), 1U);
}

TEST_F(OddServers, TheFuseStartsAnewWhenTheUserHasAnswered) {
  fill(kInbox, 100);
  run(server);
  for (uint64_t uid = 1; uid <= 40; ++uid) server.expunge(kInbox, uid);
  EXPECT_EQ(run(server).held.size(), 1U);
  EXPECT_EQ(run(server, 40).removed, 40U);
  server.expunge(kInbox, 50);
  const sync::SyncReport report = run(server);
  EXPECT_TRUE(report.held.empty());
  EXPECT_EQ(report.removed, 1U);
}

TEST_F(OddServers, WhatIsDamagedHereIsNotRemovedFromTheServer) {
  policy = sync::mirror_policy({}, Leave::Forever);
  Maildrop drop(server);
  fill(kInbox, 2);
  run(drop);
  policy = sync::mirror_policy({}, Leave::Never);
  verify_stored = [](const sync::Id&) { return fail(Errc::Corrupt, "a chunk's checksum is wrong"); };
  const SyncReport report = run(drop);
  EXPECT_EQ(report.left, 0U);
  EXPECT_EQ(report.skipped.size(), 2U);
  EXPECT_EQ(server.box(kInbox)->messages.size(), 2U);
  verify_stored = nullptr;
  EXPECT_EQ(run(drop).left, 2U);
}

TEST_F(OddServers, WhatIsHeldIsADifference) {
  fill(kInbox, 50);
  run(server);
  EXPECT_EQ(sync::compare_with_remote(server, *link, policy, {})->differences_total, 0U);
  for (uint64_t uid = 1; uid <= 40; ++uid) server.expunge(kInbox, uid);
  EXPECT_EQ(run(server).held.size(), 1U);
  EXPECT_EQ(sync::compare_with_remote(server, *link, policy, {})->differences_total, 40U);
}

TEST_F(OddServers, NothingInsteadOfAMessageIsNotStored) {
  Cutting cutting(server);
  fill(kInbox, 1);
  cutting.keeps = 0;
  EXPECT_EQ(run(cutting).skipped.size(), 1U);
  EXPECT_TRUE(here().empty());
  cutting.keeps = std::string::npos;
  run(cutting);
  EXPECT_EQ(here().size(), 1U);
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

// Ids that survive a rename tell that "Work" is another mailbox now; it is "Work" here all the same.
TEST_F(OddServers, AMailboxMadeAnewUnderItsNameGoesOnInItsFolder) {
  const Path work{"Work"};
  MemoryTraits traits = plain();
  traits.box_ids = true;
  MemoryReplica cyrus(traits);
  cyrus.make_box(kInbox, sync::Role::Inbox);
  cyrus.make_box(work);
  const auto fill_work = [&](int count) {
    for (int i = 0; i < count; ++i) cyrus.append(work, "Subject: w" + std::to_string(i) + "\r\n\r\nbody\r\n");
  };
  fill_work(3);
  run(cyrus);
  cyrus.delete_box(work);
  cyrus.make_box(work);
  fill_work(5);
  const SyncReport report = run(cyrus);
  EXPECT_TRUE(report.skipped.empty());
  EXPECT_EQ(report.boxes_created, 0U);
  EXPECT_EQ(here(work).size(), 5U);
  EXPECT_EQ(run(cyrus).added, 0U);
  EXPECT_EQ(here(work).size(), 5U);
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
  Padding padding(server, 7);
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
