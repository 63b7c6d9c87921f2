// The POP3 replica against this program's own server, over a link whose time is virtual.
#include "libsync/replicas/pop3.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "libsync/sasl/registry.h"
#include "libsync/server/fault_script.h"
#include "libsync/server/faulty_session.h"
#include "libsync/server/link.h"
#include "libsync/server/mail_maildrop.h"
#include "libsync/server/memory_mail.h"
#include "libsync/server/pop3_session.h"

#include "tests/pair/local.h"

namespace libsync::server {
namespace {

class PairPop3 : public ::testing::Test {
 protected:
  PairPop3() {
    line.encrypted = true;
    client.credentials = {.user = "joe", .password = Secret("pencil")};
    client.clock = &world;
  }

  Result<std::unique_ptr<sync::Replica>> open() {
    TB_ASSIGN(auto channel, world.connect(line, [this](Steady::time_point now) -> std::unique_ptr<Session> {
      Pop3Options serving;
      serving.find_password = [](std::string_view) { return std::optional(Secret("pencil")); };
      serving.open_maildrop = [this](std::string_view) { return open_mail_maildrop(mail); };
      serving.encrypted = line.encrypted;
      serving.has_tls = !line.encrypted;
      serving.bindings = line.encrypted ? bindings : std::vector<sasl::ChannelBinding>();
      serving.salt_secret = Secret("salt");
      serving.off = off;
      serving.asked_for = asked_for;
      std::unique_ptr<Session> session = std::make_unique<Pop3Session>(std::move(serving), now);
      if (faults.empty()) return session;
      FaultySession::Options faulty{.script = faults, .tagged = false, .die = {}};
      return std::make_unique<FaultySession>(std::move(session), std::move(faulty));
    }));
    return replicas::open_pop3(std::move(channel), client, {});
  }

  Ran run(Local& local) {
    return sync_into(local, world, leave, [this] { return open(); });
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
  std::vector<sasl::ChannelBinding> bindings{{.type = "tls-exporter", .data = line.tls.tls_exporter}};
  replicas::Pop3Options client;
  std::vector<std::string> off, asked_for;
  FaultScript faults;
  sync::Leave leave = sync::Leave::Forever;
  std::shared_ptr<MemoryMail> mail;
  FolderId inbox = 0;
};

TEST_F(PairPop3, EveryOctetComesByEveryLoginAndAWrongPasswordIsNone) {
  mail = std::make_shared<MemoryMail>();
  inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  const std::vector<std::string> letters = {"A: 1\r\n\r\n.\r\n..\r\nx\r\n", "B: 2\r\n\r\nbare\n.\nline ends\n..\r\n",
                                            std::string("C: 3\r\n\r\n\0\xff\r\n", 12), "\r\n",
                                            std::string(300'000, '.') + "\r\n"};
  for (const auto& letter : letters) mail->put(inbox, letter);
  std::vector<std::string> logins = {"USER", "APOP"};
  for (const auto& row : sasl::server_mechanisms()) logins.emplace_back(row.name);
  asked_for = {"APOP", "CRAM-MD5"};
  for (const auto& login : logins) {
    client.mechanism = login;
    Local local;
    const Ran ran = run(local);
    ASSERT_TRUE(ran.status) << login << ": " << ran.status.error().text();
    std::vector<std::string> found;
    for (const auto& [id, box] : local.replica.boxes()) {
      for (const auto& [uid, message] : box.messages) found.push_back(message.octets);
    }
    EXPECT_TRUE(std::ranges::is_permutation(found, letters)) << login;
    client.credentials.password = Secret("pen");
    const auto refused = open();
    ASSERT_FALSE(refused) << login;
    EXPECT_EQ(refused.error().code, Errc::Auth) << login << ": " << refused.error().text();
    client.credentials.password = Secret("pencil");
  }
}

TEST_F(PairPop3, WithoutAWordTheBestLoginIsTakenAndNoneWithoutTls) {
  fill(1);
  std::string taken;
  client.on_login = [&](std::string_view mechanism) { taken = mechanism; };
  ASSERT_TRUE(open());
  EXPECT_EQ(taken, "SCRAM-SHA-256-PLUS");
  taken.clear();
  line.encrypted = false;
  client.security = replicas::Pop3Security::Stls;
  ASSERT_TRUE(open());
  EXPECT_EQ(taken, "SCRAM-SHA-256-PLUS");
  off = {"STLS"};
  EXPECT_EQ(open().error().code, Errc::Tls);
}

TEST_F(PairPop3, TheSameMailboxWhateverIsOff) {
  const auto expected = whole("all on");
  ASSERT_EQ(expected[1].size(), 7U);
  const std::vector<std::string> names = {"CAPA", "USER",       "SASL",           "UIDL",
                                          "TOP",  "PIPELINING", "EXPIRE",         "LOGIN-DELAY",
                                          "UTF8", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION"};
  for (const auto& name : names) {
    off = {name};
    EXPECT_EQ(whole(name), expected) << name;
  }
  off = names;
  std::erase(off, "USER");  // one way to log in stays
  EXPECT_EQ(whole("all off"), expected);
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

TEST_F(PairPop3, WhatIsCollectedIsGoneFromTheServerBehindQuit) {
  leave = sync::Leave::Never;
  fill(3);
  Local local;
  faults = parse_fault_script("on QUIT die before").value();
  ASSERT_FALSE(run(local).status && mail->folder(inbox).value()->messages < 3);
  EXPECT_EQ(mail->folder(inbox).value()->messages, 3U) << "the maildrop removes in its update state alone";
  const auto collected = local.show();
  EXPECT_EQ(collected.size(), 4U);
  faults.clear();
  const Ran ran = run(local);
  ASSERT_TRUE(ran.status) << ran.status.error().text();
  EXPECT_EQ(ran.report.added, 0U);
  EXPECT_EQ(mail->folder(inbox).value()->messages, 0U);
  EXPECT_EQ(local.show(), collected);
}

// Whichever answer is wrong: no letter is ever on neither side, and the next sync makes everything good.
TEST_F(PairPop3, WhateverAnswerIsWrongTheNextSyncIsWhole) {
  for (const sync::Leave policy : {sync::Leave::Forever, sync::Leave::Never}) {
    leave = policy;
    fill(3);
    Local undisturbed;
    ASSERT_TRUE(run(undisturbed).status);
    for (const char* fault :
         {"cut", "cut 10", "truncate 0", "truncate 10", "answer -ERR no", "answer -ERR [SYS/TEMP] no",
          "answer -ERR [IN-USE] no", "answer +OK", "answer + go on", "answer what", "lie size +1", "lie size -1",
          "die before", "die after", "delay 50s", "delay 3600s"}) {
      size_t failed = 0;
      Ran last;
      for (int nth = 1; nth <= 20; ++nth) {
        const std::string text = "on * " + std::to_string(nth) + " " + fault;
        fill(3);
        Local local;
        faults = parse_fault_script(text).value();
        const Ran ran = run(local);
        faults.clear();
        failed += ran.status ? 0 : 1;
        const auto here = std::ranges::count_if(local.show(), [](const auto& each) { return each.contains(": S"); });
        EXPECT_GE(static_cast<uint64_t>(here) + mail->folder(inbox).value()->messages, 3U) << text;
        for (int turn = 0; turn == 0 || !last.report.nothing_new(); ++turn) {
          // What may be another's is read again, found to be, and fetched.
          ASSERT_LT(turn, 4) << text;
          last = run(local);
          ASSERT_TRUE(last.status) << text << ": " << last.status.error().text();
        }
        EXPECT_EQ(only_in(undisturbed.show(), local.show()), "") << text << ": missing";
        // What was taken for another letter, or begins with a line that is none of it, stays here beside it.
        const bool may_shift = text.contains("truncate") || text.ends_with("answer +OK");
        if (!may_shift) {
          EXPECT_EQ(only_in(local.show(), undisturbed.show()), "") << text << ": not expected";
        }
        EXPECT_EQ(mail->folder(inbox).value()->messages, policy == sync::Leave::Never ? 0U : 3U) << text;
      }
      const std::string_view what = fault;
      if (what == "cut" || what == "die before") {
        EXPECT_GE(failed, 5U) << what;
      }
      if (what == "delay 50s") {
        EXPECT_EQ(failed, 0U) << what;
      }
    }
  }
}

// One after the other no answer can be another's: a server that falls silent costs the one it owes, and the
// one before, whose end the silence itself confirmed.
TEST_F(PairPop3, WithoutPipeliningNothingIsReadAgainBehindASilence) {
  constexpr size_t kOctets = 20'000;
  mail = std::make_shared<MemoryMail>();
  inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  for (int i = 0; i < 5; ++i)
    mail->put(inbox, "S: " + std::to_string(i) + "\r\n\r\n" + std::string(kOctets, 'x') + "\r\n");
  off = {"PIPELINING"};
  faults = parse_fault_script("on RETR 5 truncate 0").value();
  Local local;
  EXPECT_FALSE(run(local).status);
  faults.clear();
  const Ran next = run(local);
  ASSERT_TRUE(next.status) << next.status.error().text();
  EXPECT_EQ(local.show().size(), 6U);
  EXPECT_LT(next.cost.bytes_in, 3 * kOctets);
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
