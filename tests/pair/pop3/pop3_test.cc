// The POP3 replica against this program's own server, over a link whose time is virtual.
#include "libsync/replicas/pop3.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/server/link.h"
#include "libsync/server/mail_maildrop.h"
#include "libsync/server/memory_mail.h"
#include "libsync/server/pop3_session.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"
#include "libsync/sync/sync.h"

#include "tests/pair/local.h"

namespace libsync::server {
namespace {

class PairPop3 : public ::testing::Test {
 protected:
  struct Ran {
    Status status{};
    sync::SyncReport report{};
    sync::ReplicaCost cost{};
    Steady::duration time{};
  };

  PairPop3() {
    line.encrypted = true;
    client.credentials = {.user = "joe", .password = Secret("pencil")};
    client.clock = &world;
  }

  Ran run(Local& local) {
    Ran ran;
    const auto begin = world.now();
    auto channel = world.connect(line, [this](Steady::time_point now) {
      Pop3Options serving;
      serving.find_password = [](std::string_view) { return std::optional(Secret("pencil")); };
      serving.open_maildrop = [this](std::string_view) { return open_mail_maildrop(mail); };
      serving.encrypted = line.encrypted;
      serving.has_tls = !line.encrypted;
      if (line.encrypted) serving.bindings = {{.type = "tls-exporter", .data = line.tls.tls_exporter}};
      serving.salt_secret = Secret("salt");
      serving.off = off;
      return std::make_unique<Pop3Session>(std::move(serving), now);
    });
    auto replica = channel ? replicas::open_pop3(std::move(*channel), client, {})
                           : Result<std::unique_ptr<sync::Replica>>(fail(channel.error()));
    if (!replica) {
      ran.status = fail(replica.error());
      return ran;
    }
    NoWatcher watcher;
    sync::SyncOptions options;
    options.policy = sync::mirror_policy((*replica)->capabilities(), sync::Leave::Forever);
    sync::Sync engine(**replica, local.replica, *local.link, clock, options, watcher);
    ran.status = engine.run({});
    ran.report = engine.report();
    ran.cost = (*replica)->cost();
    ran.time = world.now() - begin;
    return ran;
  }

  void fill(int count) {
    mail = std::make_shared<MemoryMail>();
    inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
    for (int i = 0; i < count; ++i) {
      mail->put(inbox, "S: " + std::to_string(100 + i) + "\r\n\r\n.\r\n..\r\nbody\r\n");
    }
  }

  std::vector<std::vector<std::string>> whole(const std::string& what) {
    fill(5);
    Local local;
    std::vector<std::vector<std::string>> shown;
    for (int turn = 0; turn < 2; ++turn) {
      if (turn == 1) mail->put(inbox, "N: 1\r\n\r\nnew\r\n");
      const Ran ran = run(local);
      EXPECT_TRUE(ran.status) << what << ", sync " << turn << ": " << (ran.status ? "" : ran.status.error().text());
      shown.push_back(local.show());
    }
    const Ran again = run(local);
    EXPECT_TRUE(again.status && again.report.nothing_new()) << what;
    return shown;
  }

  LinkWorld world;
  LinkOptions line;
  FixedClock clock;
  replicas::Pop3Options client;
  std::vector<std::string> off;
  std::shared_ptr<MemoryMail> mail;
  FolderId inbox = 0;
};

TEST_F(PairPop3, TheSameMailboxWhateverIsOff) {
  const auto expected = whole("all on");
  ASSERT_EQ(expected[1].size(), 7U);
  for (const char* name : {"CAPA", "USER", "SASL", "UIDL", "TOP", "PIPELINING", "EXPIRE", "LOGIN-DELAY", "UTF8",
                           "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION"}) {
    off = {name};
    EXPECT_EQ(whole(name), expected) << name;
  }
  off.clear();
  line.encrypted = false;
  client.security = replicas::Pop3Security::Stls;
  EXPECT_EQ(whole("STLS"), expected);
}

TEST_F(PairPop3, CutAnywhereTheNextSyncIsWhole) {
  line.encrypted = false;
  client.security = replicas::Pop3Security::Stls;
  line.tls_handshake_in = line.tls_handshake_out = 1;
  client.mechanism = "PLAIN";
  fill(2);
  Local undisturbed;
  const Ran first = run(undisturbed);
  ASSERT_TRUE(first.status) << first.status.error().text();
  uint64_t failed = 0;
  for (const bool in : {false, true}) {
    const uint64_t all = in ? first.cost.bytes_in : first.cost.bytes_out;
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
  EXPECT_GT(failed, first.cost.bytes_in / 2);
}

TEST_F(PairPop3, WhatASyncCosts) {
  line.delay = std::chrono::milliseconds(100);
  fill(100);
  Local local;
  // TCP and the greeting are in the time and are no round trips.
  struct Row {
    const char* what;
    uint64_t round_trips, out, in;
    int milliseconds;
  };
  for (const Row& row : {Row{"first", 8, 2016, 10315, 2000}, Row{"nothing new", 7, 1090, 5983, 1800}}) {
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
