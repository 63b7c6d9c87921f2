// Messages by IMAP: one mailbox, and many in one flight.
#include "libsync/replicas/imap_fetch.h"

#include <map>
#include <stop_token>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "libsync/imap/fetch.h"
#include "libsync/imap/limits.h"
#include "libsync/imap/sequence_set.h"

#include "tests/unit/replicas/imap_script.h"

namespace libsync::replicas {
namespace {

std::vector<sync::FetchItem> items(std::initializer_list<uint64_t> uids) {
  std::vector<sync::FetchItem> all;
  for (const uint64_t uid : uids) all.push_back({.token = uid * 10, .ref = {"INBOX", 5, {.number = uid}}});
  return all;
}

const std::string kExamine = "C: T6 EXAMINE INBOX\nS: * OK [UIDVALIDITY 5]\nS: T6 OK in\n";

TEST(ImapFetch, FetchesMessagesHoweverTheServerOrdersAndTheBytesAreCut) {
  for (const size_t piece : {0, 1, 3, 7}) {
    auto o = open(
        login("") + std::string(kBare) + kExamine +
            "C: T7 UID FETCH 1:4 (UID BODY.PEEK[])\n"
            "S= * 2 FETCH (UID 2 BODY[] {6}\\r\\na\\r\\n)\\r\\n)\\r\\n* 1 FETCH (BODY[] {3}\\r\\nx\\0y UID 1)\\r\\n"
            "* 9 FETCH (FLAGS ())\\r\\n* 1 EXPUNGE\\r\\n* 2 FETCH (UID 4 BODY[] NIL)\\r\\n* 7 FETCH (UID 3 BODY[] "
            "\"q\")\\r\\n"
            "T7 OK done\\r\\n\n",
        options(), true, piece);
    ASSERT_TRUE(o.replica);
    ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
    Messages messages;
    const Status status = (*o).fetch(items({1, 2, 3, 4}), messages, {});
    ASSERT_TRUE(status) << status.error().text() << o.channel->mismatch();
    EXPECT_EQ(messages.text[20], "a\r\n)\r\n");
    EXPECT_EQ(messages.text[10], std::string("x\0y", 3));
    EXPECT_EQ(messages.text[30], "q");
    EXPECT_EQ(messages.ended.size(), 3U);
    EXPECT_EQ(messages.failures.at(40).code, Errc::Refused);
  }
}

TEST(ImapFetch, FindsTheMessageThatTheServerRefuses) {
  auto o = open(login("") + std::string(kBare) + kExamine +
                "C: T7 UID FETCH 1:3 (UID BODY.PEEK[])\nS= * 1 FETCH (UID 1 BODY[] {1}\\r\\na)\\r\\nT7 NO [SERVERBUG] "
                "corrupt\\r\\n\n"
                "C: T8 UID FETCH 2 (UID BODY.PEEK[])\nC: T9 UID FETCH 3 (UID BODY.PEEK[])\n"
                "S: T8 NO [SERVERBUG] corrupt\nS= * 3 FETCH (UID 3 BODY[] {1}\\r\\nc)\\r\\nT9 OK\\r\\n\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1, 2, 3}), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(messages.text[10] + messages.text[30], "ac");
  EXPECT_EQ(messages.failures.at(20).server, "[SERVERBUG] corrupt");
}

TEST(ImapFetch, MessageThatDoesNotComeIsGone) {
  auto o = open(login("") + std::string(kBare) + kExamine + "C: T7 UID FETCH 1 (UID BODY.PEEK[])\nS: T7 OK\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1}), messages, {}));
  EXPECT_EQ(messages.failures.at(10).code, Errc::NotFound);
}

TEST(ImapFetch, ConnectionThatEndsInALiteralLeavesNoMessage) {
  auto o = open(login("") + std::string(kBare) + kExamine +
                "C: T7 UID FETCH 1 (UID BODY.PEEK[])\nS= * 1 FETCH (UID 1 BODY[] {100}\\r\\nabc\nCLOSE\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  const Status status = (*o).fetch(items({1}), messages, {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Network);
  EXPECT_TRUE(messages.ended.empty());
  EXPECT_FALSE((*o).mailboxes({}));  // of no use any more
}

TEST(ImapFetch, UidValidityThatChangedFetchesNothing) {
  auto o = open(login("") + std::string(kBare) +
                "C: T6 EXAMINE INBOX\nC: T7 UID FETCH 1 (UID BODY.PEEK[])\nS: * OK [UIDVALIDITY 9]\nS: T6 OK in\n"
                "S= * 1 FETCH (UID 1 BODY[] {1}\\r\\na)\\r\\nT7 OK\\r\\n\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1}), messages, {}));
  EXPECT_EQ(messages.failures.at(10).code, Errc::NotFound);
  EXPECT_TRUE(messages.text.empty());
}

std::string one_fetch(std::string_view answer) {
  return login("") + std::string(kBare) + kExamine + "C: T7 UID FETCH 1 (UID BODY.PEEK[])\nS= " + std::string(answer) +
         "T7 OK\\r\\n\n";
}

TEST(ImapFetch, EmptyTextOfAMessageThatIsNotEmptyIsARefusal) {
  for (const char* answer : {"* 1 FETCH (UID 1 BODY[] \"\")\\r\\n", "* 1 FETCH (UID 1 BODY[] {0}\\r\\n)\\r\\n",
                             "* 1 FETCH (BODY[] {0}\\r\\n UID 1)\\r\\n", "* 1 FETCH (BODY[] \"\" UID 1)\\r\\n"}) {
    for (const uint64_t size : {uint64_t{82}, uint64_t{0}}) {
      auto o = open(one_fetch(answer));
      ASSERT_TRUE((*o).mailboxes({}));
      Messages messages;
      auto asked = items({1});
      asked.front().size = size;
      ASSERT_TRUE((*o).fetch(asked, messages, {})) << o.channel->mismatch();
      EXPECT_EQ(messages.ended.size(), size == 0 ? 1U : 0U) << answer;
      EXPECT_EQ(messages.failures.contains(10), size != 0) << answer;
      if (size != 0) {
        EXPECT_EQ(messages.failures[10].server, "BODY[] \"\"");
      }
    }
  }
}

TEST(ImapFetch, NotNowSaidOfOneMessageStopsNoOther) {
  auto o = open(login("") + std::string(kBare) + kExamine +
                "C: T7 UID FETCH 1:3 (UID BODY.PEEK[])\nS= * 1 FETCH (UID 1 BODY[] {1}\\r\\na)\\r\\nT7 NO "
                "[UNAVAILABLE] busy\\r\\n\n"
                "C: T8 UID FETCH 2 (UID BODY.PEEK[])\nC: T9 UID FETCH 3 (UID BODY.PEEK[])\n"
                "S: T8 NO [UNAVAILABLE] busy\nS= * 3 FETCH (UID 3 BODY[] {1}\\r\\nc)\\r\\nT9 OK\\r\\n\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1, 2, 3}), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(messages.text[10] + messages.text[30], "ac");
  EXPECT_EQ(messages.failures.at(20).server, "[UNAVAILABLE] busy");
}

TEST(ImapFetch, NotNowSaidOfTwoMessagesIsTheServersWord) {
  auto o = open(login("") + std::string(kBare) + kExamine +
                "C: T7 UID FETCH 1:2 (UID BODY.PEEK[])\nS: T7 NO [UNAVAILABLE] busy\n"
                "C: T8 UID FETCH 1 (UID BODY.PEEK[])\nC: T9 UID FETCH 2 (UID BODY.PEEK[])\n"
                "S: T8 NO [UNAVAILABLE] busy\nS: T9 NO [UNAVAILABLE] busy\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  const Status status = (*o).fetch(items({1, 2}), messages, {});
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().retry);
}

// An answer that can't be read

std::string three(std::string_view answer) {
  return login("") + std::string(kBare) + kExamine +
         "C: T7 UID FETCH 1:3 (UID BODY.PEEK[])\nS= " + std::string(answer) + "T7 OK\\r\\n\n";
}

TEST(ImapFetch, AnswerThatCantBeReadIsCalledSo) {
  auto o =
      open(three("* 1 FETCH (UID 1 BODY[] {1}\\r\\na)\\r\\n* 2 FETCH (UID x BODY[] NIL)\\r\\n"
                 "* 3 FETCH (UID 3 BODY[] {1}\\r\\nc)\\r\\n"));
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1, 2, 3}), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(messages.text[10] + messages.text[30], "ac");
  EXPECT_EQ(messages.failures.at(20).code, Errc::Protocol);
  EXPECT_EQ(messages.failures.at(20).what, "mail.example.org: the server's answer can't be read");
  EXPECT_EQ(messages.failures.at(20).server, "* 2 FETCH (UID x BODY[] NIL) (a number is missing)");
}

TEST(ImapFetch, TextWhoseUidCantBeReadIsNoOtherMessages) {
  auto o =
      open(three("* 1 FETCH (BODY[] {1}\\r\\na UID ?)\\r\\n* 2 FETCH (UID 2 FLAGS ())\\r\\n"
                 "* 3 FETCH (UID 3 BODY[] {1}\\r\\nc)\\r\\n"));
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1, 2, 3}), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(messages.text.size(), 1U);
  EXPECT_EQ(messages.text[30], "c");
  EXPECT_EQ(messages.failures.size(), 2U);
}

// Many mailboxes. The list names none: they are asked for by name all the same.

const std::string kNoList = login("") + "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: T2 OK\nS: T3 OK\n";

// Message 1 of each of the mailboxes F1, F2, …; the token is the mailbox's number.
std::vector<sync::FetchItem> first_of_each(unsigned count) {
  std::vector<sync::FetchItem> all;
  for (unsigned i = 1; i <= count; ++i) {
    all.push_back({.token = i, .ref = {"F" + std::to_string(i), 5, {.number = 1}}, .size = 1});
  }
  return all;
}

// What is sent for F`box`: two commands, from `tag` on.
std::string asks(int tag, unsigned box, std::string_view uids = "1") {
  return fmt::format("C: T{} EXAMINE F{}\nC: T{} UID FETCH {} (UID BODY.PEEK[])\n", tag, box, tag + 1, uids);
}
std::string opened(int tag, int validity = 5) {
  return fmt::format("S: * OK [CLOSED]\nS: * OK [UIDVALIDITY {}]\nS: T{} OK in\n", validity, tag);
}
std::string text(std::string_view octets, unsigned uid = 1) {
  return fmt::format("S= * 1 FETCH (UID {} BODY[] {{{}}}\\r\\n{})\\r\\n\n", uid, octets.size(), octets);
}
std::string ok(int tag) { return fmt::format("S: T{} OK\n", tag); }

std::string all_texts(Messages& messages) {
  std::string all;
  for (const uint64_t token : messages.ended) all += messages.text[token];
  return all;
}

TEST(ImapFetch, TwentyMailboxesTakeTwoFlights) {
  std::string script = kNoList;
  for (const auto& [first, last] :
       {std::pair(size_t{1}, kMailboxesInFlight), std::pair(kMailboxesInFlight + 1, size_t{20})}) {
    const auto tag = [](size_t box) { return static_cast<int>(2 + 2 * box); };
    for (size_t box = first; box <= last; ++box) script += asks(tag(box), static_cast<unsigned>(box));
    for (size_t box = first; box <= last; ++box) {
      script += opened(tag(box)) + text(std::string(1, static_cast<char>('a' + box))) + ok(tag(box) + 1);
    }
  }
  // However the answers are cut: the second flight does not go out mailbox by mailbox.
  for (const size_t piece : {0, 20}) {
    auto o = open(script, options(), true, piece);
    ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
    const uint64_t before = (*o).cost().round_trips;
    Messages messages;
    ASSERT_TRUE((*o).fetch(first_of_each(20), messages, {})) << o.channel->mismatch();
    EXPECT_EQ(all_texts(messages), "bcdefghijklmnopqrstu");
    EXPECT_LE((*o).cost().round_trips - before, 3U);
    EXPECT_TRUE(o.channel->finished());
  }
}

// A server that has opened nothing refuses what is asked behind it, in words or by what was open before.
TEST(ImapFetch, MailboxThatIsRefusedCostsItsOwnMessagesOnly) {
  for (const std::string& answer : {std::string("S: T7 BAD No mailbox selected\n"),
                                    std::string("S: T7 NO [UNAVAILABLE] not now\n"), text("x") + ok(7)}) {
    auto o = open(kNoList + asks(4, 1) + asks(6, 2) + asks(8, 3) + opened(4) + text("a") + ok(5) +
                  "S: T6 NO [NOPERM] no\n" + answer + opened(8) + text("c") + ok(9));
    ASSERT_TRUE((*o).mailboxes({}));
    Messages messages;
    ASSERT_TRUE((*o).fetch(first_of_each(3), messages, {})) << o.channel->mismatch();
    EXPECT_EQ(all_texts(messages), "ac");
    EXPECT_EQ(messages.failures.at(2).code, Errc::Refused);
    EXPECT_EQ(messages.failures.at(2).what, "mail.example.org: F2 can't be opened");
    EXPECT_EQ(messages.failures.size(), 1U);
  }
}

TEST(ImapFetch, MailboxMadeAnewInTheMiddleGivesNothing) {
  auto o = open(kNoList + asks(4, 1) + asks(6, 2) + asks(8, 3) + opened(4) + text("a") + ok(5) + opened(6, 9) +
                text("x") + ok(7) + opened(8) + text("c") + ok(9));
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(first_of_each(3), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(all_texts(messages), "ac");
  EXPECT_EQ(messages.failures.at(2).code, Errc::NotFound);
}

TEST(ImapFetch, TextThatComesBeforeTheMailboxIsOpenIsNotIts) {
  auto o = open(kNoList + asks(4, 1) + asks(6, 2) + text("x") + opened(4) + text("a") + ok(5) +
                "S: * OK [UIDVALIDITY 9]\n" + text("y") + opened(6) + text("b") + ok(7));
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(first_of_each(2), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(all_texts(messages), "ab");
}

TEST(ImapFetch, BatchRefusedInTheMiddleIsAskedForAtASecondVisit) {
  auto o = open(kNoList + asks(4, 1) + asks(6, 2, "1:2") + asks(8, 3) + opened(4) + text("a") + ok(5) + opened(6) +
                "S: T7 NO [SERVERBUG] corrupt\n" + asks(10, 2) + "C: T12 UID FETCH 2 (UID BODY.PEEK[])\n" + opened(8) +
                text("c") + ok(9) + opened(10) + "S: T11 NO [SERVERBUG] corrupt\n" + text("b", 2) + ok(12));
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  auto wanted = first_of_each(3);
  wanted.push_back({.token = 4, .ref = {"F2", 5, {.number = 2}}, .size = 1});
  ASSERT_TRUE((*o).fetch(wanted, messages, {})) << o.channel->mismatch();
  EXPECT_EQ(all_texts(messages), "acb");
  EXPECT_EQ(messages.failures.at(2).server, "[SERVERBUG] corrupt");
  EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
}

TEST(ImapFetch, ConnectionLostInTheMiddleKeepsWhatCame) {
  auto o = open(kNoList + asks(4, 1) + asks(6, 2) + asks(8, 3) + opened(4) + text("a") + ok(5) + opened(6) +
                "S= * 1 FETCH (UID 1 BODY[] {9}\\r\\nab\nCUT\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  const Status status = (*o).fetch(first_of_each(3), messages, {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Network);
  EXPECT_EQ(all_texts(messages), "a");
  EXPECT_TRUE(messages.failures.empty());
  EXPECT_FALSE((*o).mailboxes({}));
}

TEST(ImapFetch, NoMoreIsAskedForThanMayBeUnderWay) {
  class Watching final : public Messages {
   public:
    explicit Watching(const ScriptedChannel& channel) : channel_(channel) {}
    Status end(uint64_t token) override {
      sent_at_end[token] = channel_.sent();
      return Messages::end(token);
    }
    std::map<uint64_t, std::string> sent_at_end;

   private:
    const ScriptedChannel& channel_;
  };
  auto o = open(kNoList + asks(4, 1) + opened(4) + "C: T6 EXAMINE F2\n" + text("a") + ok(5) +
                "C: T7 UID FETCH 1 (UID BODY.PEEK[])\n" + opened(6) + text("b") + ok(7));
  ASSERT_TRUE((*o).mailboxes({}));
  Watching messages(*o.channel);
  auto wanted = first_of_each(2);
  for (auto& item : wanted) item.size = kOctetsInFlight;
  ASSERT_TRUE((*o).fetch(wanted, messages, {})) << o.channel->mismatch();
  EXPECT_EQ(all_texts(messages), "ab");
  EXPECT_EQ(messages.sent_at_end[1].find("T7 "), std::string::npos);
}

TEST(ImapFetch, StopEndsItWithSeveralUnderWay) {
  auto o = open(kNoList + asks(4, 1) + asks(6, 2) + opened(4) + text("a") + ok(5));
  ASSERT_TRUE((*o).mailboxes({}));
  std::stop_source stop;
  class Stopping final : public sync::MessageSink {
   public:
    explicit Stopping(std::stop_source& source) : source_(source) {}
    Status begin(uint64_t, uint64_t) override { return {}; }
    Status data(std::string_view) override { return {}; }
    Status end(uint64_t) override {
      source_.request_stop();
      return {};
    }
    Status failed(uint64_t, const Error&) override { return {}; }

   private:
    std::stop_source& source_;
  } stopping(stop);
  const Status status = (*o).fetch(first_of_each(2), stopping, stop.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Cancelled);
}

TEST(ImapFetch, CommandsAreNoLongerThanServersMustTake) {
  imap::SequenceSet widest;
  for (size_t i = 0; i < kBatchMessages; ++i) widest.add(static_cast<uint32_t>(UINT32_MAX - 2 * i));
  const imap::Command command = imap::uid_fetch(widest.text(), "UID BODY.PEEK[HEADER]");
  EXPECT_LE(std::string("T18446744073709551615 ").size() + command.pieces.at(0).text.size(), imap::kMaxCommandLine);
}

TEST(ImapFetch, TextOfAnotherMessageIsNotTakenForTheOnlyOneAskedFor) {
  auto o =
      open(login("") + std::string(kBare) + kExamine +
           "C: T7 UID FETCH 1 (UID BODY.PEEK[])\n"
           "S= * 2 FETCH (BODY[] {3}\\r\\nxyz UID 7)\\r\\n* 1 FETCH (BODY[] {3}\\r\\nabc UID 1)\\r\\nT7 OK\\r\\n\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Messages messages;
  ASSERT_TRUE((*o).fetch(items({1}), messages, {})) << o.channel->mismatch();
  EXPECT_EQ(messages.text[10], "abc");
}

}  // namespace
}  // namespace libsync::replicas
