// What goes out behind the last line of a POP3 login, before its answer: nothing where the server might lose it.
#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/replicas/pop3.h"

#include "tests/support/lent_channel.h"
#include "tests/support/scram.h"
#include "tests/support/scripted_channel.h"

namespace libsync::replicas {
namespace {

using twinbox::test::LentChannel;
using twinbox::test::ScriptedChannel;

const std::string kListings = "CAPA\r\nSTAT\r\nLIST\r\nUIDL\r\n";
const std::string kAnswers =
    "S: +OK\\r\\nTOP\\r\\nUIDL\\r\\nPIPELINING\\r\\n.\nS: +OK 1 9\nS: +OK\\r\\n1 9\\r\\n.\nS: +OK\\r\\n1 a\\r\\n.\n";

std::string hello(const std::string& capabilities, const std::string& greeting = "+OK Dovecot ready.") {
  return "S: " + greeting + "\nC: CAPA\nS: +OK\\r\\n" + capabilities + "\\r\\n.\n";
}

struct Opened {
  Result<std::unique_ptr<sync::Replica>> replica;
  std::shared_ptr<ScriptedChannel> channel;  // there also where no replica is
  bool sent(std::string_view end) const { return channel->sent().ends_with(end); }
};

Opened open(const std::string& script, Pop3Options options = {}, bool tls = true, size_t piece = 0) {
  sasl::Credentials& who = options.credentials;
  if (who.user.empty()) who.user = "joe";
  if (who.token.empty() && who.password.empty()) who.password = Secret("hunter2");
  if (!tls) options.security = Pop3Security::Plain;
  const auto channel = std::make_shared<ScriptedChannel>(
      script, ScriptedChannel::Options{.host = "mail.example.org", .tls = tls, .piece = piece, .info = {}});
  return {open_pop3(std::make_unique<LentChannel>(channel), std::move(options), {}), channel};
}

struct Nobody final : sync::ActionSink {
  Status done(uint64_t, const sync::Outcome&) override { return {}; }
  Status durable() override { return {}; }
};

struct Keys final : sync::ChangeSink {
  Status open(const sync::BoxId&, const sync::BoxState&) override { return {}; }
  Status seen(const sync::MsgRef& ref, const sync::Facts&) override {
    all += ref.key.name + " ";
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
  Status close(const sync::BoxId&, std::string_view, uint64_t) override { return {}; }
  Status missing(const sync::BoxId&) override { return {}; }
  std::string all;
};

std::string keys(sync::Replica& replica) {
  Keys keys;
  const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
  const Status status = replica.changes(cursors, keys, {});
  return status ? keys.all : status.error().text();
}

TEST(Pop3BehindALogin, TheListingsCostNoRoundTrip) {
  Pop3Options options;
  options.mechanism = "PLAIN";
  auto o = open(hello("PIPELINING\\r\\nSASL PLAIN") + "C~ AUTH PLAIN \nS: +OK\n" + kAnswers, options);
  ASSERT_TRUE(o.replica) << o.replica.error().text();
  EXPECT_TRUE(o.sent(kListings));
  EXPECT_EQ(keys(**o.replica), "a ");
  EXPECT_EQ(o.channel->cost().round_trips, 3U) << "greeting, CAPA, and all the rest";
  EXPECT_TRUE(o.channel->sent().ends_with(kListings)) << "once";
}

TEST(Pop3BehindALogin, TheAnswersMayComeInPiecesAndSayThatThereIsNoMorePipelining) {
  const std::string less = "S: +OK\\r\\nUIDL\\r\\n.\nS: +OK 1 9\nS: +OK\\r\\n1 9\\r\\n.\nS: +OK\\r\\n1 a\\r\\n.\n";
  const std::string login = hello("PIPELINING\\r\\nUIDL\\r\\nUSER") + "C: USER joe\nC: PASS hunter2\nS: +OK\nS: +OK\n";
  for (const std::string& answers : {kAnswers, less}) {
    for (const size_t piece : {size_t{1}, size_t{5}, size_t{7}, size_t{0}}) {
      auto o = open(login + "C: CAPA\nC: STAT\nC: LIST\nC: UIDL\n" + answers, {}, true, piece);
      ASSERT_TRUE(o.replica) << o.replica.error().text();
      EXPECT_TRUE((*o.replica)->capabilities().stable_ids) << "half an answer is none";
      EXPECT_EQ(keys(**o.replica), "a ");
      EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
    }
  }
}

TEST(Pop3BehindALogin, UserPassAndTheListingsAreOneFlight) {
  const std::string login = "C: USER joe\nC: PASS hunter2\nS: +OK\nS: +OK\n";
  auto o = open(hello("PIPELINING\\r\\nUSER") + login + kAnswers);
  ASSERT_TRUE(o.replica) << o.replica.error().text();
  EXPECT_EQ(keys(**o.replica), "a ");
  EXPECT_EQ(o.channel->cost().round_trips, 3U);
}

TEST(Pop3BehindALogin, ThePasswordIsKeptBackInPlainTextWhereTheNameIsRefused) {
  auto o = open(hello("PIPELINING\\r\\nUSER") + "C: USER joe\nS: -ERR not in plain text\n", {}, false);
  ASSERT_FALSE(o.replica);
  EXPECT_EQ(o.channel->sent().find("hunter2"), std::string::npos);
}

TEST(Pop3BehindALogin, NothingGoesThereToAServerThatMightLoseIt) {
  // Courier announces PIPELINING, and loses what its login has read.
  for (const std::string& start : {hello("PIPELINING\\r\\nUSER", "+OK Hello there."), hello("USER")}) {
    auto o = open(start + "C: USER joe\nS: +OK\nC: PASS hunter2\nS: -ERR no\n");
    ASSERT_FALSE(o.replica);
    EXPECT_TRUE(o.sent("PASS hunter2\r\n")) << o.channel->sent();
  }
}

TEST(Pop3BehindALogin, NothingGoesBehindATokenWhoseRefusalIsAChallenge) {
  Pop3Options options;
  options.credentials.token = Secret("tok");
  auto o = open(hello("PIPELINING\\r\\nSASL XOAUTH2") + "C~ AUTH XOAUTH2 \nS: + " + base64_encode("{}") +
                    "\nC: \nS: -ERR [AUTH] invalid\n",
                options);
  ASSERT_FALSE(o.replica);
  EXPECT_EQ(o.replica.error().code, Errc::Auth);
  EXPECT_EQ(o.channel->sent().find("STAT"), std::string::npos);
}

TEST(Pop3BehindALogin, ARefusedLoginIsToldInItsOwnWords) {
  Pop3Options options;
  options.mechanism = "PLAIN";
  const std::string start = hello("PIPELINING\\r\\nSASL PLAIN") + "C~ AUTH PLAIN \nS: -ERR [AUTH] wrong password\n";
  // It says no to each of them, shows what it can do, goes away, stops, or speaks in tongues.
  for (const char* rest : {"S: -ERR a\\r\\n-ERR b\\r\\n-ERR c\\r\\n-ERR d\n", "S: +OK\\r\\nUSER\\r\\n.\\r\\n-ERR b\n",
                           "CLOSE\n", "", "S: 500 what\n", "S: +OK 1 9\\r\\n+OK 1 9\\r\\n"}) {
    const auto o = open(start + rest, options);
    ASSERT_FALSE(o.replica) << rest;
    EXPECT_EQ(o.replica.error().code, Errc::Auth) << rest;
    EXPECT_EQ(o.replica.error().server, "[AUTH] wrong password") << rest;
  }
  const auto name =
      open(hello("PIPELINING\\r\\nUSER") + "C: USER joe\nC: PASS hunter2\nS: -ERR who?\\r\\n-ERR [AUTH] first USER\n");
  ASSERT_FALSE(name.replica);
  EXPECT_EQ(name.replica.error().server, "who?");
}

TEST(Pop3BehindALogin, AServerThatThenAsksForMoreIsLeft) {
  Pop3Options options;
  options.mechanism = "PLAIN";
  const auto o = open(hello("PIPELINING\\r\\nSASL PLAIN") + "C~ AUTH PLAIN \nS: + c3VycHJpc2U=\n", options);
  ASSERT_FALSE(o.replica);
  EXPECT_EQ(o.replica.error().code, Errc::Protocol);
  EXPECT_TRUE(o.sent(kListings)) << "nothing was said to that";
}

struct Scram : twinbox::test::ScramScript {
  Scram() {
    options.mechanism = "SCRAM-SHA-1";
    options.credentials = credentials;
    options.random = random;
  }
  std::string login(const std::string& greeting) const {
    return hello("PIPELINING\\r\\nSASL SCRAM-SHA-1", "+OK " + greeting) + "C: AUTH SCRAM-SHA-1 " + client_first +
           "\nS: + " + server_first + "\nC: " + client_final + "\n";
  }
  const std::string listings = "C: CAPA\nC: STAT\nC: LIST\nC: UIDL\n";
  Pop3Options options;
};

TEST(Pop3BehindALogin, ScramsLastEmptyResponseDoesNotWaitForItsChallenge) {
  const Scram s;
  const std::string proof = "S: + " + s.server_final + "\n";
  for (const size_t piece : {size_t{0}, size_t{1}}) {
    auto o = open(s.login("Dovecot") + "C: \n" + s.listings + proof + "S: +OK\n" + kAnswers, s.options, true, piece);
    ASSERT_TRUE(o.replica) << o.replica.error().text() << o.channel->mismatch();
    EXPECT_EQ(keys(**o.replica), "a ");
    EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
    if (piece == 0) {
      EXPECT_EQ(o.channel->cost().round_trips, 4U) << "greeting, CAPA, nonce, and all the rest";
    }
  }
  auto waits = open(s.login("Cyrus") + proof + "C: \nS: +OK\n" + s.listings + kAnswers, s.options);
  ASSERT_TRUE(waits.replica) << waits.replica.error().text() << waits.channel->mismatch();
  EXPECT_EQ(keys(**waits.replica), "a ");
}

TEST(Pop3BehindALogin, AServerThatDoesNotProveItselfIsLeftThoughAllWasSaid) {
  const Scram s;
  const auto refuses = [&](const std::string& rest, Errc code, const std::string& words) {
    const auto o = open(s.login("Dovecot") + "C: \n" + s.listings + rest, s.options);
    ASSERT_FALSE(o.replica) << rest;
    EXPECT_EQ(o.replica.error().code, code) << rest;
    EXPECT_NE(o.replica.error().text().find(words), std::string::npos) << o.replica.error().text();
    EXPECT_EQ(o.channel->sent().find("*\r\n"), std::string::npos) << "the exchange is over";
  };
  refuses("S: + " + s.server_final_of_another + "\nS: +OK\n", Errc::Auth, "could not prove");
  refuses("S: +OK\n", Errc::Auth, "without proving");
  refuses("S: -ERR [AUTH] wrong password\nS: -ERR what\n", Errc::Auth, "wrong password");
  const std::string proof = "S: + " + s.server_final + "\n";
  refuses(proof + proof + "S: +OK\n", Errc::Protocol, "login that is over");
}

TEST(Pop3BehindALogin, NothingGoesThereWhereItGotLostBefore) {
  Pop3Options options;
  options.wait_for_login = true;
  auto o = open(hello("PIPELINING\\r\\nUSER") + "C: USER joe\nC: PASS hunter2\nS: +OK\nS: -ERR no\n", options);
  ASSERT_FALSE(o.replica);
  EXPECT_TRUE(o.sent("PASS hunter2\r\n")) << o.channel->sent();
}

TEST(Pop3BehindALogin, WhetherAllOfItWasAnsweredIsTold) {
  std::string told;
  Pop3Options options;
  options.on_ahead = [&told](bool waiting) { told += waiting ? "waits " : "answered "; };
  const std::string login = hello("PIPELINING\\r\\nUSER") + "C: USER joe\nC: PASS hunter2\nS: +OK\nS: +OK\n";
  auto o = open(login + kAnswers, options);
  ASSERT_TRUE(o.replica) << o.replica.error().text();
  EXPECT_EQ(keys(**o.replica), "a ");
  EXPECT_EQ(told, "waits answered ");
  told.clear();
  auto lost = open(login + "S: +OK 1 9\n", options);
  ASSERT_TRUE(lost.replica) << lost.replica.error().text();
  EXPECT_NE(keys(**lost.replica), "a ");
  EXPECT_EQ(told, "waits ");
}

TEST(Pop3BehindALogin, WhatWasAskedForIsTakenBeforeASessionInWhichNobodyLooksEnds) {
  const std::string login = "C: USER joe\nC: PASS hunter2\nS: +OK\nS: +OK\n";
  auto o =
      open(hello("PIPELINING\\r\\nUSER") + login + "C: CAPA\nC: STAT\nC: LIST\nC: UIDL\n" + kAnswers + "C: QUIT\n");
  ASSERT_TRUE(o.replica) << o.replica.error().text();
  Nobody nobody;
  EXPECT_TRUE((*o.replica)->finish(nobody, {}));
  EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
}

}  // namespace
}  // namespace libsync::replicas
