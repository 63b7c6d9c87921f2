// The IMAP replica against this program's own server: each of its commands, whatever the server has or lacks.
#include <algorithm>

#include <gtest/gtest.h>

#include "libsync/sasl/registry.h"

#include "tests/pair/imap/pair.h"

namespace libsync::server {
namespace {

TEST_F(PairImap, EveryLoginIsTakenAndAWrongPasswordIsNot) {
  fill();
  std::vector<std::string> logins = {"USER"};
  for (const auto& row : sasl::server_mechanisms()) logins.emplace_back(row.name);
  for (const auto& login : logins) {
    client.mechanism = login;
    const auto opened = open();
    EXPECT_TRUE(opened) << login << ": " << (opened ? "" : opened.error().text());
    client.credentials.password = Secret("pen");
    const auto refused = open();
    ASSERT_FALSE(refused) << login;
    EXPECT_EQ(refused.error().code, Errc::Auth) << login << ": " << refused.error().text();
    client.credentials.password = Secret("pencil");
  }
}

TEST_F(PairImap, TheSameMailboxWhateverIsOff) {
  const auto expected = whole("all on");
  ASSERT_EQ(expected[0].size(), 12U);
  EXPECT_TRUE(std::ranges::any_of(expected[1], [](const auto& each) { return each.starts_with("play: W"); }));
  EXPECT_FALSE(std::ranges::any_of(expected[1], [](const auto& each) { return each.starts_with("work"); }));
  ASSERT_EQ(names().size(), extensions().size() - 1) << "all but the base";
  for (const auto& name : names()) {
    off = {name};
    EXPECT_EQ(whole(name + " off"), expected) << name;
  }
  off = names();
  EXPECT_EQ(whole("all off"), expected);
  off.clear();
  client.compress_loopback = true;
  EXPECT_EQ(whole("compressed"), expected);
  line.encrypted = false;
  client.security = replicas::ImapSecurity::StartTls;
  EXPECT_EQ(whole("STARTTLS"), expected);
}

TEST_F(PairImap, MailThatMayNotBeChangedIsMirroredTheSame) {
  renames = false;
  const auto expected = whole("writable");
  writable = Writable::Nothing;
  for (const auto& poorer : std::vector<std::vector<std::string>>{{}, {"QRESYNC"}, {"CONDSTORE", "QRESYNC"}, names()}) {
    off = poorer;
    EXPECT_EQ(whole("read-only"), expected) << poorer.size() << " off";
  }
}

TEST_F(PairImap, APasswordThatTakesALiteralCostsARoundTripWhereItMustBeAskedFor) {
  line.delay = std::chrono::milliseconds(100);
  client.mechanism = "USER";
  fill();
  struct Row {
    std::vector<std::string> off;
    size_t octets;
    int waits;  // for "+"
  };
  for (const Row& row : {Row{{}, 10, 0}, Row{{}, 5000, 0}, Row{{"LITERAL+"}, 10, 0}, Row{{"LITERAL+"}, 5000, 1},
                         Row{{"LITERAL+", "LITERAL-"}, 10, 1}}) {
    off = row.off;
    std::vector<uint64_t> trips;
    for (const auto& secret : {std::string("quoted"), std::string(row.octets, '\xff')}) {
      password = client.credentials.password = Secret(secret);
      Local local;
      const Ran ran = run(local);
      ASSERT_TRUE(ran.status) << ran.status.error().text();
      trips.push_back(ran.cost.round_trips);
    }
    EXPECT_EQ(trips[1], trips[0] + row.waits) << row.off.size() << " off, " << row.octets << " octets";
  }
}

TEST_F(PairImap, WhatIsCompressedCostsLess) {
  mail = std::make_shared<MemoryMail>();
  inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  for (int i = 0; i < 100; ++i) mail->put(inbox, "S: 1\r\n\r\n" + std::string(1000, 'x') + "\r\n");
  std::vector<Ran> ran;
  for (const auto& poorer : std::vector<std::vector<std::string>>{{"COMPRESS=DEFLATE"}, {}}) {
    off = poorer;
    client.compress_loopback = true;
    Local local;
    ran.push_back(run(local));
    ASSERT_TRUE(ran.back().status) << ran.back().status.error().text();
    EXPECT_EQ(local.show().size(), 101U);
  }
  EXPECT_GT(ran[0].cost.bytes_in, 100'000U);
  EXPECT_LT(ran[1].cost.bytes_in, 20'000U);
}

TEST_F(PairImap, WaitsUntilSomethingHappens) {
  using namespace std::chrono_literals;
  line.delay = 50ms;
  struct Row {
    std::vector<std::string> off;
    Steady::duration latest;
  };
  for (const Row& row : {Row{{}, 1s}, Row{{"IDLE", "IMAP4rev2"}, client.poll_interval + 1s}}) {
    off = row.off;
    fill();
    const auto replica = open();
    ASSERT_TRUE(replica) << replica.error().text();
    const auto begin = world.now();
    // Longer than a server lets a client be silent, or IDLE without a word.
    auto heard = (*replica)->wait(begin + 2h, {});
    ASSERT_TRUE(heard) << heard.error().text();
    EXPECT_TRUE(heard->empty());
    EXPECT_GE(world.now(), begin + 2h);
    EXPECT_LT(world.now(), begin + 2h + 2min);
    for (const bool more : {true, false}) {
      const auto happens = world.now() + 40min;
      world.at(happens, [&] { more ? (void)mail->put(inbox, "N: 1\r\n\r\nnew\r\n") : mail->remove(inbox, first[0]); });
      heard = (*replica)->wait(world.now() + 2h, {});
      ASSERT_TRUE(heard) << heard.error().text();
      EXPECT_EQ(heard->size(), 1U);
      EXPECT_GE(world.now(), happens);
      EXPECT_LT(world.now(), happens + row.latest) << row.off.size() << " off";
    }
    first.clear();
  }
}

TEST_F(PairImap, CutAnywhereTheNextSyncIsWhole) {
  line.encrypted = false;
  client.security = replicas::ImapSecurity::StartTls;
  line.tls_handshake_in = line.tls_handshake_out = 1;
  client.mechanism = "PLAIN";  // SCRAM's work would be most of the test's time
  mail = std::make_shared<MemoryMail>();
  inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  mail->put(inbox, "A: 1\r\n\r\nbody\r\n");
  mail->put(inbox, "B: )\r\n\r\na OK done\r\n", {.system = sync::kSeen, .keywords = {"todo"}});
  Local undisturbed;
  const Ran whole_run = run(undisturbed);
  ASSERT_TRUE(whole_run.status) << whole_run.status.error().text();
  uint64_t failed = 0;
  for (const bool in : {false, true}) {
    const uint64_t all = in ? whole_run.cost.bytes_in : whole_run.cost.bytes_out;
    for (uint64_t n = 0; n < all; ++n) {
      Local local;
      (in ? line.cut_in : line.cut_out) = n;
      failed += run(local).status ? 0 : 1;
      line.cut_in.reset();
      line.cut_out.reset();
      const Ran next = run(local);
      ASSERT_TRUE(next.status) << n << ": " << next.status.error().text();
      ASSERT_EQ(local.show(), undisturbed.show()) << n << (in ? " in" : " out");
    }
  }
  EXPECT_GT(failed, whole_run.cost.bytes_in / 2);
}

TEST_F(PairImap, WhatASyncCosts) {
  line.delay = std::chrono::milliseconds(100);
  client.compress = false;
  mail = std::make_shared<MemoryMail>();
  inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  for (int i = 100; i < 200; ++i) mail->put(inbox, "S: " + std::to_string(i) + "\r\n\r\nbody\r\n");
  Local local;
  struct Row {
    const char* what;
    uint64_t round_trips, out, in;
    int milliseconds;
  };
  // TCP's way there and back and the greeting's are in the time and are no round trips of the session.
  for (const Row& row : {Row{"first", 7, 1435, 23305, 1800}, Row{"nothing new", 5, 1259, 3984, 1400}}) {
    const Ran ran = run(local);
    ASSERT_TRUE(ran.status) << ran.status.error().text();
    EXPECT_EQ(ran.cost.round_trips, row.round_trips) << row.what;
    EXPECT_EQ(ran.cost.bytes_out, row.out) << row.what;
    EXPECT_EQ(ran.cost.bytes_in, row.in) << row.what;
    EXPECT_EQ(ran.time, std::chrono::milliseconds(row.milliseconds)) << row.what;
  }
}

}  // namespace
}  // namespace libsync::server
