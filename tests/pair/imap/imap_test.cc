// The IMAP replica against this program's own server, over a link whose time is virtual.
#include "libsync/replicas/imap.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/sasl/registry.h"
#include "libsync/server/imap_extension.h"
#include "libsync/server/imap_session.h"
#include "libsync/server/link.h"
#include "libsync/server/memory_mail.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"
#include "libsync/sync/sync.h"

#include "tests/pair/local.h"

namespace libsync::server {
namespace {

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Extension* each : extensions()) {
    if (each != extensions().front()) all.emplace_back(each->name);
  }
  return all;
}

class PairImap : public ::testing::Test {
 protected:
  struct Ran {
    Status status{};
    sync::SyncReport report{};
    sync::ReplicaCost cost{};
    Steady::duration time{};
  };

  PairImap() {
    line.encrypted = true;
    client.credentials = {.user = "joe", .password = Secret("pencil")};
  }

  Result<std::unique_ptr<sync::Replica>> open() {
    client.clock = &world;
    TB_ASSIGN(auto channel, world.connect(line, [this](Steady::time_point now) {
      ImapOptions serving;
      serving.find_password = [](std::string_view user) {
        return user == "joe" ? std::optional(Secret("pencil")) : std::nullopt;
      };
      serving.open_mail = [this](std::string_view) -> Result<std::shared_ptr<Mail>> { return mail; };
      serving.encrypted = line.encrypted;
      serving.has_tls = !line.encrypted;
      if (line.encrypted) serving.bindings = {{.type = "tls-exporter", .data = line.tls.tls_exporter}};
      serving.salt_secret = Secret("salt");
      serving.asked_for = {"CRAM-MD5"};
      serving.clock = &world;
      serving.off = off;
      return std::make_unique<ImapSession>(std::move(serving), now);
    }));
    return replicas::open_imap(std::move(channel), client, {});
  }

  Ran run(Local& local) {
    Ran ran;
    const auto begin = world.now();
    auto replica = open();
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

  void fill() {
    mail = std::make_shared<MemoryMail>();
    inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
    work = mail->make_folder({"work"});
    old = mail->make_folder({"old", "deep"});
    for (const std::string& octets :
         {std::string("A: 1\r\n\r\nbody\r\n"), std::string("A: 2\r\n\r\nno line end"), std::string("\r\n"),
          std::string("B: )\r\n\r\na OK done\r\n* 3 EXPUNGE\r\n"), "C: 8bit\r\n\r\n\xff\xfe\x80\r\n" + std::string("x"),
          "D: long\r\n\r\n" + std::string(100'000, 'x') + "\r\n", std::string("E: bare\n\nline\nends\n")}) {
      first.push_back(mail->put(inbox, octets));
    }
    mail->put(work, "W: 1\r\n\r\nw\r\n", {.system = sync::kSeen, .keywords = {"todo"}});
    mail->put(old, "O: 1\r\n\r\no\r\n");
  }

  void change() {
    mail->put(inbox, "N: 1\r\n\r\nnew\r\n");
    mail->set_flags(inbox, first[0], {.system = sync::kSeen, .keywords = {"todo"}});
    mail->remove(inbox, first[1]);
    mail->remove(inbox, first[3]);
    mail->put(work, "B: )\r\n\r\na OK done\r\n* 3 EXPUNGE\r\n");
    EXPECT_TRUE(mail->rename_folder(work, {"play"}));
    EXPECT_TRUE(mail->delete_folder(old));
  }

  // Three syncs, with changes before the second and new UIDs before the third.
  std::vector<std::vector<std::string>> whole(const std::string& what) {
    first.clear();
    fill();
    Local local;
    std::vector<std::vector<std::string>> shown;
    for (int turn = 0; turn < 3; ++turn) {
      if (turn == 1) change();
      if (turn == 2) mail->renumber(inbox);
      const Ran ran = run(local);
      EXPECT_TRUE(ran.status) << what << ", sync " << turn << ": " << (ran.status ? "" : ran.status.error().text());
      shown.push_back(local.show());
    }
    const Ran again = run(local);
    EXPECT_TRUE(again.status && again.report.nothing_new()) << what;
    EXPECT_TRUE(again.report.skipped.empty() && again.report.doubtful.empty()) << what;
    return shown;
  }

  LinkWorld world;
  LinkOptions line;
  FixedClock clock;
  replicas::ImapOptions client;
  std::vector<std::string> off;
  std::shared_ptr<MemoryMail> mail;
  FolderId inbox = 0, work = 0, old = 0;
  std::vector<uint32_t> first;
};

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
  for (const Row& row : {Row{"first", 7, 1435, 23293, 1800}, Row{"nothing new", 5, 1259, 3972, 1400}}) {
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
