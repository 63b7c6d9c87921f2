#include "libsync/replicas/pop3.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "libsync/replicas/pop3_fetch.h"

#include "tests/support/scripted_channel.h"

namespace libsync::replicas {
namespace {

using sync::Did;
using twinbox::test::ScriptedChannel;

struct Seen : sync::ChangeSink {
  Status open(const sync::BoxId& box, const sync::BoxState& state) override {
    EXPECT_EQ(box, "INBOX");
    full = state.full;
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    keys.push_back(ref.key.name);
    sizes.push_back(facts.size);
    objects.push_back(facts.object);
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
  Status close(const sync::BoxId&, std::string_view, uint64_t n) override {
    exists = n;
    return {};
  }
  Status missing(const sync::BoxId& box) override {
    gone.push_back(box);
    return {};
  }
  bool full = false;
  std::vector<std::string> keys, objects, gone;
  std::vector<uint64_t> sizes;
  uint64_t exists = 0;
};

struct Got : sync::MessageSink {
  Status begin(uint64_t token, uint64_t size) override {
    current = token;
    announced[token] = size;
    return {};
  }
  Status data(std::string_view bytes) override {
    partial[current] += bytes;
    return {};
  }
  Status end(uint64_t token) override {
    whole[token] = partial[token];
    return {};
  }
  Status failed(uint64_t token, const Error& error) override {
    errors[token] = error.text();
    return {};
  }
  uint64_t current = 0;
  std::map<uint64_t, uint64_t> announced;
  std::map<uint64_t, std::string> partial, whole, errors;
};

struct Acted : sync::ActionSink {
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    dids.emplace_back(token, outcome.did);
    words += outcome.words;
    return {};
  }
  Status durable() override {
    ++durables;
    return {};
  }
  std::vector<std::pair<uint64_t, Did>> dids;
  std::string words;
  int durables = 0;
};

struct Opened {
  Result<std::unique_ptr<sync::Replica>> replica;
  ScriptedChannel* channel;  // lives as long as the replica; dangles where opening failed
};

Pop3Options joe() {
  Pop3Options options;
  options.credentials = {.user = "joe", .password = Secret("hunter2"), .token = Secret(), .authzid = ""};
  options.port = 995;
  return options;
}

Opened open(std::string_view script, Pop3Options options = joe(), ScriptedChannel::Options channel_options = {}) {
  auto channel = std::make_unique<ScriptedChannel>(script, channel_options);
  ScriptedChannel* raw = channel.get();
  return {open_pop3(std::move(channel), std::move(options), {}), raw};
}

// A server that has only RFC 1939's commands up to the open maildrop.
const std::string kBareLogin = R"(
  S: +OK hello
  C: CAPA
  S: -ERR what
  C: USER joe
  S: +OK
  C: PASS hunter2
  S: +OK
)";
const std::string kModernInside = R"(
  S: +OK hello
  C: CAPA
  S: +OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nUSER\r\n.
  C: USER joe
  S: +OK
  C: PASS hunter2
  S: +OK
)";
const std::string kModernLogin = kModernInside + R"(
  C: CAPA
  S: +OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nUSER\r\n.
)";
const std::string kTwoMessages = R"(
  C: STAT
  C: LIST
  C: UIDL
  S: +OK 2 300
  S: +OK\r\n1 100\r\n2 200\r\n.
  S: +OK\r\n1 aaa\r\n2 bbb\r\n.
)";

Seen look(sync::Replica& replica) {
  Seen seen;
  const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
  const auto status = replica.changes(cursors, seen, {});
  EXPECT_TRUE(status) << status.error().text();
  return seen;
}

sync::MsgRef ref(std::string key) { return {.box = "INBOX", .epoch = 0, .key = {.number = 0, .name = std::move(key)}}; }

TEST(Pop3Replica, ListsTheMaildropInOneFlight) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages);
  ASSERT_TRUE(replica) << replica.error().text();
  EXPECT_EQ((*replica)->identity(), "pop3://joe@mail.example.org:995");
  const Seen seen = look(**replica);
  EXPECT_TRUE(seen.full);
  EXPECT_EQ(seen.keys, (std::vector<std::string>{"aaa", "bbb"}));
  EXPECT_EQ(seen.sizes, (std::vector<uint64_t>{100, 200}));
  EXPECT_EQ(seen.exists, 2U);
  EXPECT_TRUE(channel->finished()) << channel->mismatch();
  EXPECT_EQ(look(**replica).keys, seen.keys) << "the second look costs nothing";
  const auto capabilities = (*replica)->capabilities();
  EXPECT_TRUE(capabilities.remove && capabilities.removes_at_finish && capabilities.stable_ids);
  EXPECT_FALSE(capabilities.folders || capabilities.flags || capabilities.append || capabilities.push);
  EXPECT_EQ((*replica)->mailboxes({})->size(), 1U);
}

// What CAPA says behind the login costs no round trip where the server takes commands ahead of its answers.
TEST(Pop3Replica, AsksWhatHoldsBehindTheLoginTogetherWithTheListings) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + "C: QUIT\n");
  ASSERT_TRUE(replica) << replica.error().text();
  const uint64_t before = channel->cost().round_trips;
  look(**replica);
  EXPECT_EQ(channel->cost().round_trips - before, 1U);
  Acted acted;
  EXPECT_TRUE((*replica)->finish(acted, {}));
  EXPECT_TRUE(channel->finished()) << channel->mismatch();
}

TEST(Pop3Replica, AsksForNothingAheadWhereTheServerDoesNotOfferIt) {
  const std::string capa = "C: CAPA\nS: +OK\\r\\nTOP\\r\\nUIDL\\r\\nUSER\\r\\n.\n";
  auto [replica, channel] = open("S: +OK\n" + capa + "C: USER joe\nS: +OK\nC: PASS hunter2\nS: +OK\n" + capa);
  ASSERT_TRUE(replica) << replica.error().text();
  EXPECT_TRUE(channel->finished()) << "CAPA was answered before anything else is asked";
  EXPECT_TRUE(channel->sent().ends_with("PASS hunter2\r\nCAPA\r\n")) << channel->sent();
}

TEST(Pop3Replica, ASessionInWhichNothingIsLookedAtEndsWithoutAskingMore) {
  auto [replica, channel] = open(kModernInside + "C: QUIT\n");
  ASSERT_TRUE(replica) << replica.error().text();
  Acted acted;
  EXPECT_TRUE((*replica)->finish(acted, {}));
  EXPECT_TRUE(channel->finished()) << channel->mismatch();
}

TEST(Pop3Replica, WorksOctetByOctet) {
  auto [replica, channel] =
      open(kModernLogin + kTwoMessages, joe(), {.host = "h", .tls = true, .piece = 1, .info = {}});
  ASSERT_TRUE(replica) << replica.error().text();
  EXPECT_EQ(look(**replica).keys.size(), 2U);
}

TEST(Pop3Replica, KnowsOnlyInbox) {
  auto opened = open(kModernLogin);
  Seen seen;
  const std::vector<sync::BoxCursor> cursors = {{.box = "Archive"}};
  ASSERT_TRUE((*opened.replica)->changes(cursors, seen, {}));
  EXPECT_EQ(seen.gone, std::vector<std::string>{"Archive"});
}

TEST(Pop3Replica, FetchesExactOctetsAndGoesOnBehindARefusal) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + R"(
    C: RETR 1
    C: RETR 2
    C: TOP 2 0
    C: RSET
    S= +OK\r\nA: b\r\n\r\n..x\0\xff\r\n.\r\n-ERR [SYS/TEMP] damaged\r\n+OK\r\nH: 2\r\n\r\n.\r\n+OK\r\n
  )");
  ASSERT_TRUE(replica);
  Got got;
  const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("aaa")},
                                              {.token = 8, .ref = ref("bbb")},
                                              {.token = 9, .ref = ref("ccc")},
                                              {.token = 10, .ref = ref("bbb"), .part = sync::FetchPart::Header}};
  const auto status = (*replica)->fetch(items, got, {});
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(got.whole[7], std::string("A: b\r\n\r\n.x\0\xff\r\n", 14));
  EXPECT_EQ(got.announced[7], 100U);
  EXPECT_FALSE(got.whole.contains(8));
  EXPECT_NE(got.errors[8].find("damaged"), std::string::npos);
  EXPECT_TRUE(got.errors.contains(9));
  EXPECT_EQ(got.whole[10], "H: 2\r\n\r\n");
}

TEST(Pop3Replica, AsksOneByOneWithoutPipelining) {
  auto [replica, channel] = open(kBareLogin + R"(
    C: STAT
    S: +OK 2 300
    C: LIST
    S: +OK\r\n1 100\r\n2 200\r\n.
    C: UIDL
    S: +OK\r\n1 aaa\r\n2 bbb\r\n.
    C: TOP 1 0
    S: -ERR unknown
    C: RETR 1
    S: +OK\r\n.
    C: RETR 2
    S: +OK\r\nH: 1\n\r\nbody\r\n.
    C: RSET
    S: +OK
  )");
  ASSERT_TRUE(replica) << replica.error().text();
  Got got;
  const std::vector<sync::FetchItem> items = {{.token = 1, .ref = ref("aaa")},
                                              {.token = 2, .ref = ref("bbb"), .part = sync::FetchPart::Header}};
  const auto status = (*replica)->fetch(items, got, {});
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(got.whole[1], "") << "an empty message is a message";
  EXPECT_TRUE(got.whole.contains(1));
  EXPECT_EQ(got.whole[2], "H: 1\n\r\n") << "the header only, without TOP";
  EXPECT_TRUE(channel->finished()) << channel->mismatch();
}

// However the octets are cut, what is asked for goes out in a few flights, not message by message.
TEST(Pop3Replica, AsksForManyInFewFlights) {
  constexpr size_t kMessages = 2 * kFetchWindowMessages;
  std::string script =
      kModernLogin + "C: STAT\nC: LIST\nC: UIDL\nS: +OK " + std::to_string(kMessages) + " 2560\nS= +OK\\r\\n";
  const auto each = [&](auto&& line) {
    for (size_t i = 1; i <= kMessages; ++i) script += line(std::to_string(i));
  };
  each([](const std::string& n) { return n + " 10\\r\\n"; });
  script += ".\\r\\n+OK\\r\\n";
  each([](const std::string& n) { return n + " u" + n + "\\r\\n"; });
  script += ".\\r\\n\n";
  size_t asked = 0, answered = 0;
  std::set<size_t> resets;  // behind how many messages
  const auto ask = [&](size_t count) {
    for (; count > 0; --count) {
      if (asked > 0 && asked % kForgetMessages == 0) {
        script += "C: RSET\n";
        resets.insert(asked);
      }
      script += "C: RETR " + std::to_string(++asked) + "\n";
    }
  };
  const auto answer = [&](size_t count) {
    script += "S= ";
    for (; count > 0; --count, ++answered) {
      if (resets.contains(answered)) script += "+OK forgotten\\r\\n";
      script += "+OK\\r\\nA: b\\r\\n\\r\\nxx\\r\\n.\\r\\n";
    }
    script += "\n";
  };
  ask(kFetchWindowMessages);
  while (asked < kMessages) {
    answer(kFetchWindowMessages / 2 + 2);  // the End of a message waits for the answer behind it
    ask(std::min(kFetchWindowMessages / 2 + 1, kMessages - asked));
  }
  script += "C: RSET\n";
  answer(kMessages - answered);
  script += "S: +OK\n";
  auto [replica, channel] = open(script, joe(), {.host = "h", .tls = true, .piece = 50, .info = {}});
  ASSERT_TRUE(replica) << replica.error().text();
  look(**replica);
  std::vector<sync::FetchItem> items;
  for (size_t i = 1; i <= kMessages; ++i) items.push_back({.token = i, .ref = ref("u" + std::to_string(i))});
  Got got;
  const uint64_t before = channel->cost().round_trips;
  const auto status = (*replica)->fetch(items, got, {});
  ASSERT_TRUE(status) << status.error().text() << channel->mismatch();
  EXPECT_EQ(got.whole.size(), kMessages);
  EXPECT_LE(channel->cost().round_trips - before, 4U);
}

TEST(Pop3Replica, DoesNotEndAMessageThatTheConnectionCutOff) {
  for (const char* end : {"CUT", "CLOSE"}) {
    auto [replica, channel] =
        open(kModernLogin + kTwoMessages + "C: RETR 1\nC: RETR 2\nC: RSET\nS= +OK\\r\\nA: b\\r\\n\\r\\nhalf\n" + end);
    ASSERT_TRUE(replica);
    Got got;
    const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("aaa")}, {.token = 8, .ref = ref("bbb")}};
    EXPECT_EQ((*replica)->fetch(items, got, {}).error().code, Errc::Network);
    EXPECT_TRUE(got.whole.empty());
    EXPECT_TRUE(got.errors.empty());
    Acted acted;
    EXPECT_FALSE((*replica)->finish(acted, {}));
  }
}

TEST(Pop3Replica, HangsNoLongerThanItsDeadline) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + "C: RETR 1\nC: RSET\nS= +OK\\r\\nhalf\n");
  ASSERT_TRUE(replica);
  Got got;
  const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("aaa")}};
  EXPECT_EQ((*replica)->fetch(items, got, {}).error().code, Errc::Network);
}

TEST(Pop3Replica, HandsOnAMessageOfFewerOctetsThanAnnounced) {
  auto [replica, channel] =
      open(kModernLogin + kTwoMessages + "C: RETR 1\nC: RSET\nS= +OK\\r\\nA: b\\r\\n\\r\\n.\\r\\n+OK\\r\\n\n");
  ASSERT_TRUE(replica);
  Got got;
  const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("aaa")}};
  ASSERT_TRUE((*replica)->fetch(items, got, {}));
  EXPECT_EQ(got.whole[7], "A: b\r\n\r\n") << "in doubt it is kept";
  EXPECT_EQ(got.announced[7], 100U);
}

TEST(Pop3Replica, DoesNotReportAMessageWithMoreTextBehindItsDot) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + "C: RETR 1\nC: RSET\nS= +OK\\r\\n" +
                                 std::string(100, 'x') + "\\r\\n.\\r\\nmore\\r\\n.\\r\\n+OK\\r\\n\n");
  ASSERT_TRUE(replica);
  Got got;
  const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("aaa")}};
  EXPECT_EQ((*replica)->fetch(items, got, {}).error().code, Errc::Protocol);
  EXPECT_TRUE(got.whole.empty());
}

sync::Action remove(uint64_t token, std::string key, uint64_t size) {
  sync::Action action;
  action.token = token;
  action.op = sync::Op::Remove;
  action.ref = ref(std::move(key));
  action.size_expected = size;
  return action;
}

TEST(Pop3Replica, TakesBackWhatReadingNotedDownIfNothingIsRemoved) {
  const std::string fetched = "C: RETR 1\nC: RSET\nS= +OK\\r\\nx\\r\\n.\\r\\n+OK\\r\\n\n";
  const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("aaa")}};
  auto [replica, channel] = open(kModernLogin + kTwoMessages + fetched + "C: QUIT\n");
  Got got;
  Acted acted;
  ASSERT_TRUE((*replica)->fetch(items, got, {}));
  const uint64_t before = channel->cost().round_trips;
  ASSERT_TRUE((*replica)->finish(acted, {}));
  EXPECT_TRUE(channel->finished()) << channel->mismatch();
  EXPECT_EQ(channel->cost().round_trips, before) << "nothing depends on the answer to QUIT";

  auto removing = open(kModernLogin + kTwoMessages + fetched + "C: DELE 1\nS: +OK\nC: QUIT\nS: +OK\n");
  ASSERT_TRUE((*removing.replica)->fetch(items, got, {}));
  const std::vector<sync::Action> actions = {remove(1, "aaa", 100)};
  ASSERT_TRUE((*removing.replica)->apply(actions, acted, {}));
  ASSERT_TRUE((*removing.replica)->finish(acted, {}));
  EXPECT_TRUE(removing.channel->finished()) << "a RSET would take the removals back";
}

TEST(Pop3Replica, ReadsBehindARemovalWithoutTakingItBack) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + "C: DELE 1\nS: +OK\nC: RETR 2\nC: NOOP\n" +
                                 "S= +OK\\r\\nx\\r\\n.\\r\\n+OK\\r\\n\nC: QUIT\nS: +OK\n");
  Got got;
  Acted acted;
  const std::vector<sync::Action> actions = {remove(1, "aaa", 100)};
  ASSERT_TRUE((*replica)->apply(actions, acted, {}));
  const std::vector<sync::FetchItem> items = {{.token = 7, .ref = ref("bbb")}};
  ASSERT_TRUE((*replica)->fetch(items, got, {}));
  ASSERT_TRUE((*replica)->finish(acted, {}));
  EXPECT_TRUE(channel->finished()) << channel->mismatch();
}

TEST(Pop3Replica, RemovesOnlyWhenQuitIsAcknowledged) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + R"(
    C: DELE 1
    S: +OK
    C: QUIT
    S: +OK
    CLOSE
  )");
  ASSERT_TRUE(replica);
  Acted acted;
  const std::vector<sync::Action> actions = {remove(1, "aaa", 100), remove(2, "bbb", 999), remove(3, "ccc", 5),
                                             remove(4, "aaa", 100)};
  ASSERT_TRUE((*replica)->apply(actions, acted, {}));
  EXPECT_EQ(acted.dids, (std::vector<std::pair<uint64_t, Did>>{
                            {1, Did::Marked}, {2, Did::Refused}, {3, Did::Gone}, {4, Did::Marked}}));
  EXPECT_NE(acted.words.find("200"), std::string::npos);
  EXPECT_EQ(acted.durables, 0);
  Acted finished;
  ASSERT_TRUE((*replica)->finish(finished, {}));
  EXPECT_EQ(finished.dids, (std::vector<std::pair<uint64_t, Did>>{{1, Did::Ok}, {4, Did::Ok}}));
  EXPECT_EQ(finished.durables, 1);
  ASSERT_TRUE((*replica)->finish(finished, {}));
  EXPECT_EQ(finished.dids.size(), 2U) << "once";
}

TEST(Pop3Replica, RemovesManyInOneFlight) {
  std::string listing = "C: STAT\nC: LIST\nC: UIDL\nS: +OK 1000 9000\nS= +OK\\r\\n", uidls = "+OK\\r\\n", deles,
              oks = "S= ";
  std::vector<sync::Action> actions;
  for (uint64_t n = 1; n <= 1000; ++n) {
    const std::string number = std::to_string(n);
    listing += number + " 9\\r\\n";
    uidls += number + " u" + number + "\\r\\n";
    deles += "C: DELE " + number + "\n";
    oks += "+OK\\r\\n";
    actions.push_back(remove(n, "u" + number, 9));
  }
  auto [replica, channel] = open(kModernLogin + listing + ".\\r\\n" + uidls + ".\\r\\n\n" + deles + oks + "\n");
  ASSERT_TRUE(replica) << replica.error().text();
  look(**replica);
  const uint64_t before = channel->cost().round_trips;
  Acted acted;
  ASSERT_TRUE((*replica)->apply(actions, acted, {})) << channel->mismatch();
  EXPECT_EQ(acted.dids.size(), 1000U);
  EXPECT_EQ(channel->cost().round_trips - before, 1U);
}

TEST(Pop3Replica, DoesNotClaimRemovalsThatQuitDidNotAcknowledge) {
  for (const char* end : {"S: -ERR some are left", "CUT", "CLOSE", ""}) {
    auto [replica, channel] = open(kModernLogin + kTwoMessages + "C: DELE 1\nS: +OK\nC: QUIT\n" + end);
    ASSERT_TRUE(replica);
    Acted acted;
    const std::vector<sync::Action> actions = {remove(1, "aaa", 0)};
    ASSERT_TRUE((*replica)->apply(actions, acted, {}));
    Acted finished;
    (void)(*replica)->finish(finished, {});
    EXPECT_EQ(finished.dids, (std::vector<std::pair<uint64_t, Did>>{{1, Did::Unknown}})) << end;
    EXPECT_EQ(finished.durables, 0);
  }
}

TEST(Pop3Replica, PassesOnRefusalsOfDeleAndDoesNothingElse) {
  auto [replica, channel] = open(kModernLogin + kTwoMessages + R"(
    C: DELE 1
    C: DELE 2
    S: -ERR no
    S: -ERR [SYS/TEMP] later
  )");
  ASSERT_TRUE(replica);
  std::vector<sync::Action> actions = {remove(1, "aaa", 100), remove(2, "bbb", 200), {}};
  actions[2].token = 3;
  actions[2].op = sync::Op::Flags;
  Acted acted;
  ASSERT_TRUE((*replica)->apply(actions, acted, {}));
  EXPECT_EQ(acted.dids,
            (std::vector<std::pair<uint64_t, Did>>{{1, Did::Refused}, {2, Did::Retry}, {3, Did::ReadOnly}}));
}

const std::string kUidlTwice = R"(
  C: STAT
  C: LIST
  C: UIDL
  S: +OK 3 300
  S: +OK\r\n1 100\r\n2 100\r\n3 100\r\n.
)";

TEST(Pop3Replica, TellsRepeatedUidlsApartByTheirHeaders) {
  const auto top = [](const std::string& header) { return "S: +OK\\r\\nA: " + header + "\\r\\n\\r\\n.\n"; };
  const auto keys = [](const std::string& uidl, const std::string& tops) {
    auto opened = open(kModernLogin + kUidlTwice + "S: +OK\\r\\n" + uidl + "\\r\\n.\n" + tops + "C: RSET\nS: +OK\n");
    EXPECT_TRUE(opened.replica);
    const Seen seen = look(**opened.replica);
    EXPECT_TRUE(opened.channel->finished()) << opened.channel->mismatch();
    return seen.keys;
  };
  const auto first = keys("1 same\\r\\n2 other\\r\\n3 same", "C: TOP 1 0\nC: TOP 3 0\n" + top("1") + top("3"));
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[1], "other");
  EXPECT_TRUE(first[0].starts_with("same#top:"));
  EXPECT_NE(first[0], first[2]);
  const auto second = keys("1 same\\r\\n2 same\\r\\n3 other", "C: TOP 1 0\nC: TOP 2 0\n" + top("3") + top("1"));
  EXPECT_EQ(second[0], first[2]) << "the same message has the same key at another number";
  EXPECT_EQ(second[1], first[0]);
  const auto twins = keys("1 same\\r\\n2 same\\r\\n3 x", "C: TOP 1 0\nC: TOP 2 0\n" + top("1") + top("1"));
  EXPECT_EQ(twins[1], twins[0] + "#2");
}

TEST(Pop3Replica, LivesWithoutUidl) {
  auto [replica, channel] = open(kBareLogin + R"(
    C: STAT
    S: +OK 2 300
    C: LIST
    S: +OK\r\n1 100\r\n2 200\r\n.
    C: UIDL
    S: -ERR unknown
    C: TOP 1 0
    S: +OK\r\nA: 1\r\n\r\n.
    C: RSET
    S: +OK
    C: TOP 1 0
    S: +OK\r\nA: 1\r\n\r\n.
    C: TOP 2 0
    S: +OK\r\nA: 2\r\n\r\n.
    C: RSET
    S: +OK
  )");
  ASSERT_TRUE(replica);
  const Seen seen = look(**replica);
  ASSERT_EQ(seen.keys.size(), 2U);
  EXPECT_TRUE(seen.keys[0].starts_with("top:"));
  EXPECT_NE(seen.keys[0], seen.keys[1]);
  EXPECT_TRUE(seen.full);
  EXPECT_FALSE((*replica)->capabilities().stable_ids);
}

TEST(Pop3Replica, LivesWithoutUidlAndTop) {
  auto [replica, channel] = open(kBareLogin + R"(
    C: STAT
    S: +OK 2 300
    C: LIST
    S: +OK\r\n1 3\r\n2 200\r\n.
    C: UIDL
    S: -ERR unknown
    C: TOP 1 0
    S: -ERR unknown
    C: RETR 1
    S: +OK\r\na\r\n.
    C: RETR 2
    S: -ERR damaged
    C: RSET
    S: +OK
  )");
  ASSERT_TRUE(replica);
  const Seen seen = look(**replica);
  ASSERT_EQ(seen.keys.size(), 1U);
  EXPECT_EQ(seen.objects[0], seen.keys[0]);
  EXPECT_TRUE(seen.keys[0].starts_with("sha256:"));
  EXPECT_FALSE(seen.full) << "what has no key is not gone";
  EXPECT_EQ(seen.exists, 2U);
}

TEST(Pop3Replica, DoesNotTakeATruncatedListingForTheWholeTruth) {
  auto [replica, channel] = open(kModernLogin + R"(
    C: STAT
    C: LIST
    C: UIDL
    S: +OK 3 300
    S: +OK\r\n2 100\r\n2 100\r\n1 50\r\n.
    S: +OK\r\n2 )" + std::string(200, 'u') +
                                 R"(\r\n1 ../../etc\r\n9 none\r\n.
  )");
  ASSERT_TRUE(replica);
  const Seen seen = look(**replica);
  EXPECT_EQ(seen.keys, (std::vector<std::string>{"../../etc", std::string(200, 'u')})) << "UIDLs are data";
  EXPECT_FALSE(seen.full);
  EXPECT_EQ(seen.exists, 3U);
}

TEST(Pop3Replica, ShowsAnEmptyMaildropEvenIfTheServerSaysErr) {
  auto [replica, channel] =
      open(kModernLogin + "C: STAT\nC: LIST\nC: UIDL\nS: +OK 0 0\nS: -ERR empty\nS: -ERR empty\n");
  ASSERT_TRUE(replica);
  const Seen seen = look(**replica);
  EXPECT_TRUE(seen.full);
  EXPECT_EQ(seen.exists, 0U);
}

TEST(Pop3Replica, WaitsAndHearsNothing) {
  auto opened = open(kModernLogin);
  EXPECT_TRUE((*opened.replica)->wait(Steady::now(), {})->empty());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ((*opened.replica)->wait(Steady::now() + std::chrono::hours(1), stop.get_token()).error().code,
            Errc::Cancelled);
}

}  // namespace
}  // namespace libsync::replicas
