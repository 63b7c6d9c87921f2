// What goes out behind the last line of an IMAP login, before its answer, and what becomes of it.
#include <gtest/gtest.h>

#include "libsync/base/base64.h"

#include "tests/support/scram.h"
#include "tests/unit/replicas/imap_script.h"

namespace libsync::replicas {
namespace {

const std::string kHello = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] Dovecot ready.\n";
const std::string kCould = "IMAP4REV1 ENABLE QRESYNC NAMESPACE LIST-EXTENDED LIST-STATUS";
const std::string kLogin = "C: T1 LOGIN \"me\" \"pw\"\n";
const std::string kItems = "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)";

std::string yes(const std::string& can = kCould) { return "S: T1 OK [CAPABILITY " + can + "] in\n"; }

// ENABLE, NAMESPACE and LIST from this tag on.
std::string begins(int tag) {
  const auto t = [&](int n) { return "C: T" + std::to_string(tag + n); };
  return t(0) + " ENABLE QRESYNC\n" + t(1) + " NAMESPACE\n" + t(2) + " LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS " +
         kItems + ")\n";
}

std::string answers(int tag) {
  const auto t = [&](int n) { return "S: T" + std::to_string(tag + n); };
  return "S: * ENABLED QRESYNC\n" + t(0) + " OK\nS: * NAMESPACE ((\"\" \"/\")) NIL NIL\n" + t(1) +
         " OK\nS: * LIST () \"/\" INBOX\nS: * STATUS INBOX (MESSAGES 2 UIDNEXT 8 UIDVALIDITY 5 HIGHESTMODSEQ 40)\n" +
         t(2) + " OK\n";
}

ImapOptions hinted(const std::string& hint = kCould) {
  ImapOptions o = options();
  o.last_capabilities = hint;
  return o;
}

std::string names(Opened& o) {
  if (!o.replica) return o.replica.error().text();
  const auto boxes = (*o).mailboxes({});
  if (!boxes) return boxes.error().text() + o.channel->mismatch();
  std::string all;
  for (const sync::Mailbox& each : *boxes) all += each.id + " ";
  return all;
}

TEST(ImapBehindALogin, TheListCostsNoRoundTrip) {
  for (const size_t piece : {size_t{0}, size_t{1}}) {
    std::string told;
    ImapOptions with = hinted();
    with.on_capabilities = [&told](std::string_view text) { told = text; };
    auto o = open(kHello + kLogin + begins(2) + yes() + answers(2), with, true, piece);
    EXPECT_EQ(names(o), "INBOX ");
    EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
    EXPECT_EQ(told, kCould);
    if (piece == 0) {
      EXPECT_EQ(o.channel->cost().round_trips, 2U) << "the greeting, and all the rest";
    }
  }
}

TEST(ImapBehindALogin, NothingGoesThereWhereItMightBeLostOrIsNotKnownToBeUnderstood) {
  const std::string courier = "S: * OK [CAPABILITY IMAP4rev1] Courier-IMAP ready.\n";
  std::string told;
  ImapOptions with = hinted();
  with.on_capabilities = [&told](std::string_view text) { told = text; };
  auto o = open(courier + kLogin + yes(), with);
  EXPECT_EQ(told, "") << "of no use there";
  EXPECT_TRUE(o.channel->sent().ends_with(" \"pw\"\r\n"));
  with.last_capabilities.clear();
  auto first = open(kHello + kLogin + yes() + begins(2) + answers(2), with);
  EXPECT_EQ(told, kCould);
  EXPECT_TRUE(first.channel->sent().ends_with(" \"pw\"\r\n"));
  EXPECT_EQ(names(first), "INBOX ");
}

TEST(ImapBehindALogin, AnotherServerThanLastTimeIsAskedAnew) {
  auto less = open(kHello + kLogin + begins(2) + yes("IMAP4REV1") + answers(2) +
                       "C: T5 LIST \"\" \"*\"\nC: T6 LSUB \"\" \"*\"\nS: * LIST () \"/\" Other\nS: T5 OK\nS: T6 OK\n"
                       "C: T7 STATUS Other (MESSAGES UIDNEXT UIDVALIDITY)\nS: T7 NO later\n",
                   hinted());
  EXPECT_EQ(names(less), "Other ") << "what was said to the first LIST counts no more";
  auto more = open(kHello + kLogin + begins(2) + yes(kCould + " X") + answers(2) +
                       "C: T5 ENABLE QRESYNC\nC: T6 NAMESPACE\nS: T5 OK\nS: T6 OK\nC: T7 LIST \"\" \"*\" RETURN "
                       "(SUBSCRIBED STATUS " +
                       kItems + ")\nS: * LIST () \"/\" Other\nS: T7 OK\n",
                   hinted());
  EXPECT_EQ(names(more), "Other ");
  EXPECT_TRUE(more.channel->finished()) << more.channel->mismatch();
}

TEST(ImapBehindALogin, AListThatIsRefusedIsAskedForAgain) {
  const std::string bad = "S: T2 BAD what\nS: T3 BAD what\nS: T4 BAD what\n";
  const std::string list = "C: T5 LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS " + kItems + ")\n";
  auto o = open(kHello + kLogin + begins(2) + yes() + bad + list + "S: * LIST () \"/\" INBOX\nS: T5 OK\n", hinted());
  EXPECT_EQ(names(o), "INBOX ");
}

TEST(ImapBehindALogin, ARefusedLoginIsToldInItsOwnWords) {
  // It says no to each of them, goes away, stops, or speaks in tongues.
  for (const char* rest :
       {"S: T2 BAD a\\r\\nT3 BAD b\\r\\nT4 NO c\n", "CLOSE\n", "", "S: T99 OK what\n", "S: + more\n"}) {
    const auto o =
        open(kHello + kLogin + begins(2) + "S: T1 NO [AUTHENTICATIONFAILED] wrong password\n" + rest, hinted());
    ASSERT_FALSE(o.replica) << rest;
    EXPECT_EQ(o.replica.error().code, Errc::Auth) << rest;
    EXPECT_EQ(o.replica.error().server, "[AUTHENTICATIONFAILED] wrong password") << rest;
  }
}

TEST(ImapBehindALogin, AServerThatAnswersOutOfTurnIsLeft) {
  for (const char* turn : {"S: * LIST () \"/\" INBOX\nS: T4 OK\n", "S: + more\n"}) {
    const auto o = open(kHello + kLogin + begins(2) + turn + yes(), hinted());
    ASSERT_FALSE(o.replica) << turn;
    EXPECT_EQ(o.replica.error().code, Errc::Protocol) << turn;
  }
}

TEST(ImapBehindALogin, ByAuthenticateItGoesBehindTheLastResponse) {
  ImapOptions plain = hinted();
  plain.mechanism = "PLAIN";
  const std::string initial = base64_encode(std::string_view("\0me\0pw", 6));
  auto at_once = open(kHello + "C: T1 AUTHENTICATE PLAIN " + initial + "\n" + begins(2) + yes() + answers(2), plain);
  EXPECT_EQ(names(at_once), "INBOX ");
  const std::string hello = "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Dovecot ready.\n";
  auto asked =
      open(hello + "C: T1 AUTHENTICATE PLAIN\nS: + \nC: " + initial + "\n" + begins(2) + yes() + answers(2), plain);
  EXPECT_EQ(names(asked), "INBOX ");
  EXPECT_TRUE(asked.channel->finished()) << asked.channel->mismatch();
}

TEST(ImapBehindALogin, NothingGoesBehindATokenOrALiteralThatWaits) {
  ImapOptions token = hinted();
  token.mechanism = "XOAUTH2";
  token.credentials = {.user = "me", .password = Secret(), .token = Secret("tok"), .authzid = ""};
  const auto o =
      open("S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] Dovecot ready.\nC~ T1 AUTHENTICATE XOAUTH2 \nS: + " +
               base64_encode("{}") + "\nC: \nS: T1 NO invalid\n",
           token);
  EXPECT_EQ(o.replica.error().code, Errc::Auth);
  EXPECT_EQ(o.channel->sent().find("LIST"), std::string::npos);

  ImapOptions literal = hinted();
  literal.credentials.password = Secret("pä");
  auto waits =
      open(kHello + "C: T1 LOGIN \"me\" {3}\nS: + go on\nC: p\xC3\xA4\n" + yes() + begins(2) + answers(2), literal);
  EXPECT_EQ(names(waits), "INBOX ");
  EXPECT_TRUE(waits.channel->finished()) << waits.channel->mismatch();
}

struct Scram : twinbox::test::ScramScript {
  explicit Scram(const std::string& hint = kCould) : o(hinted(hint)) {
    o.mechanism = "SCRAM-SHA-1";
    o.credentials = credentials;
    o.random = random;
  }
  std::string hello(const std::string& name) const {
    return "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-1] " + name +
           " ready.\nC: T1 AUTHENTICATE SCRAM-SHA-1 " + client_first + "\nS: + " + server_first +
           "\nC: " + client_final + "\n";
  }
  ImapOptions o;
};

TEST(ImapBehindALogin, ScramsLastEmptyResponseDoesNotWaitForItsChallenge) {
  for (const size_t piece : {size_t{0}, size_t{1}}) {
    const Scram s;
    const std::string proof = "S: + " + s.server_final + "\n";
    auto all = open(s.hello("Dovecot") + "C: \n" + begins(2) + proof + yes() + answers(2), s.o, true, piece);
    EXPECT_EQ(names(all), "INBOX ");
    EXPECT_TRUE(all.channel->finished()) << all.channel->mismatch();
    if (piece == 0) {
      EXPECT_EQ(all.channel->cost().round_trips, 3U) << "greeting, nonce, and all the rest";
    }
    const Scram first("");
    auto alone = open(s.hello("Dovecot") + "C: \n" + proof + yes() + begins(2) + answers(2), first.o, true, piece);
    EXPECT_EQ(names(alone), "INBOX ") << "without a hint too";
    EXPECT_TRUE(alone.channel->finished()) << alone.channel->mismatch();
  }
  // Cyrus throws away what comes with AUTHENTICATE.
  const Scram s;
  auto waits = open(s.hello("Cyrus") + "S: + " + s.server_final + "\nC: \n" + yes() + begins(2) + answers(2), s.o);
  EXPECT_EQ(names(waits), "INBOX ");
  EXPECT_TRUE(waits.channel->finished()) << waits.channel->mismatch();
}

TEST(ImapBehindALogin, AServerThatDoesNotProveItselfIsLeftThoughAllWasSaid) {
  for (const std::string& hint : {kCould, std::string()}) {
    const Scram s(hint);
    const std::string sent = s.hello("Dovecot") + "C: \n" + (hint.empty() ? "" : begins(2));
    const auto refuses = [&](const std::string& rest, Errc code, const std::string& words) {
      const auto o = open(sent + rest, s.o);
      ASSERT_FALSE(o.replica) << rest;
      EXPECT_EQ(o.replica.error().code, code) << rest;
      EXPECT_NE(o.replica.error().text().find(words), std::string::npos) << o.replica.error().text();
      EXPECT_EQ(o.channel->sent().find("*\r\n"), std::string::npos) << "the exchange is over";
      EXPECT_EQ(o.channel->mismatch(), "");
    };
    refuses("S: + " + s.server_final_of_another + "\n" + yes(), Errc::Auth, "could not prove");
    refuses(yes(), Errc::Auth, "did not prove");
    refuses("S: T1 NO [AUTHENTICATIONFAILED] wrong password\nS: * BAD what\nS: T2 BAD what\n", Errc::Auth,
            "wrong password");
    const std::string proof = "S: + " + s.server_final + "\n";
    refuses(proof + proof + yes(), Errc::Protocol, hint.empty() ? "more than" : "login that is over");
  }
}

TEST(ImapBehindALogin, NothingGoesThereWhereItGotLostBefore) {
  ImapOptions with = hinted();
  with.wait_for_login = true;
  auto o = open(kHello + kLogin + yes() + begins(2) + answers(2), with);
  EXPECT_EQ(names(o), "INBOX ");
  Scram s;
  s.o.wait_for_login = true;
  auto scram = open(s.hello("Dovecot") + "S: + " + s.server_final + "\nC: \n" + yes() + begins(2) + answers(2), s.o);
  EXPECT_EQ(names(scram), "INBOX ");
  EXPECT_TRUE(scram.channel->finished()) << scram.channel->mismatch();
}

TEST(ImapBehindALogin, WhetherAllOfItWasAnsweredIsTold) {
  std::string told;
  ImapOptions with = hinted();
  with.on_ahead = [&told](bool waiting) { told += waiting ? "waits " : "answered "; };
  auto o = open(kHello + kLogin + begins(2) + yes() + answers(2), with, true, 1);
  EXPECT_EQ(told, "waits ");
  EXPECT_EQ(names(o), "INBOX ");
  EXPECT_EQ(told, "waits answered ");
  told.clear();
  Scram first("");
  first.o.on_ahead = with.on_ahead;
  auto hangs = open(first.hello("Dovecot") + "C: \n", first.o);  // the empty response got lost
  EXPECT_FALSE(hangs.replica);
  EXPECT_EQ(told, "waits ");
  told.clear();
  auto lost = open(kHello + kLogin + begins(2) + yes() + "S: T3 OK\n", with);  // the first of them got lost
  EXPECT_NE(names(lost), "INBOX ");
  EXPECT_EQ(told, "waits ");
}

TEST(ImapBehindALogin, CompressionBeginsBehindTheList) {
  ImapOptions o = hinted(kCould + " COMPRESS=DEFLATE");
  auto on = open(kHello + kLogin + begins(2) + "C: T5 COMPRESS DEFLATE\n" + yes(kCould + " COMPRESS=DEFLATE") +
                     answers(2) + "S: T5 OK\nDEFLATE\n",
                 o);
  EXPECT_EQ(names(on), "INBOX ");
  EXPECT_TRUE(on.channel->finished()) << on.channel->mismatch();
}

}  // namespace
}  // namespace libsync::replicas
