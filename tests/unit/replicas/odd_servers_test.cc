// Servers that show their mail oddly, between a replica in memory and the engine: nothing is lost,
// nothing comes twice, nothing is removed on a doubtful word.
#include "tests/unit/replicas/odd_servers.h"

namespace libsync::replicas {
namespace {

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
