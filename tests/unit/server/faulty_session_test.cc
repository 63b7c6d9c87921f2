// A server that does wrong what a script says.
#include "libsync/server/faulty_session.h"

#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

// A session of a mailbox with one letter, logged in.
struct Faulty {
  explicit Faulty(std::string_view script) {
    home.mail->put(home.inbox, kLetter);
    talk = std::make_unique<ImapTalk>(home.mail, std::vector<std::string>{}, false);
    const auto parsed = parse_fault_script(script);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
    session = std::make_unique<FaultySession>(
        std::move(talk->session),
        FaultySession::Options{.script = parsed.value_or(FaultScript{}), .die = [this] { dead = true; }});
    say("l LOGIN joe pencil");
  }
  std::string say(std::string_view line) {
    session->feed(std::string(line) + "\r\n", now);
    return hear();
  }
  std::string hear() {
    std::string all;
    for (int turns = 0; turns < 1000; ++turns) {
      const std::string more = session->take_output(now);
      all += more;
      if (more.empty() && (session->over() || session->deadline() > now)) break;
    }
    return all;
  }
  MailAtHome home;
  std::unique_ptr<ImapTalk> talk;
  std::unique_ptr<FaultySession> session;
  Steady::time_point now{};
  bool dead = false;
};

TEST(FaultScript, ReadsEveryFault) {
  const auto script = parse_fault_script(
      "# all of them\n\non FETCH delay 1500ms\non fetch 2 cut 100\non SELECT from 3 truncate 7\n"
      "on LOGIN answer NO [UNAVAILABLE] not now\non * lie size -3\non SELECT lie uidvalidity +1\n"
      "on APPEND die before\non APPEND 2 die after\non NOOP cut\n");
  ASSERT_TRUE(script) << script.error().text();
  ASSERT_EQ(script->size(), 9U);
  EXPECT_EQ((*script)[0].delay, 1500ms);
  EXPECT_EQ((*script)[1].command, "FETCH");
  EXPECT_EQ((*script)[1].first, 2U);
  EXPECT_EQ((*script)[1].last, 2U);
  EXPECT_EQ((*script)[2].last, UINT64_MAX);
  EXPECT_EQ((*script)[3].text, "NO [UNAVAILABLE] not now");
  EXPECT_EQ((*script)[4].more, -3);
}

TEST(FaultScript, SaysWhichLineItCannotRead) {
  for (const char* bad : {"on", "on FETCH", "on FETCH explode", "on FETCH delay", "on FETCH delay 5",
                          "on FETCH delay 2h", "on FETCH delay 99999999999s", "on FETCH 0 cut", "on FETCH from cut",
                          "on FETCH truncate", "on FETCH cut x", "on FETCH lie size 3", "on FETCH lie weight +3",
                          "on FETCH die", "on FETCH answer", "on FETCH cut 3 4", "when FETCH cut"}) {
    const auto script = parse_fault_script("\n" + std::string(bad));
    ASSERT_FALSE(script) << bad;
    EXPECT_THAT(script.error().what, StartsWith("line 2: ")) << bad;
  }
  std::string many;
  for (size_t i = 0; i <= kMaxFaults; ++i) many += "on A cut\n";
  EXPECT_FALSE(parse_fault_script(many));
  EXPECT_FALSE(parse_fault_script(std::string(kMaxFaultScript + 1, '#')));
}

TEST(FaultySession, WithoutAScriptItDoesWhatTheOtherDoes) {
  Faulty server("");
  EXPECT_THAT(server.say("a SELECT INBOX"), EndsWith("a OK [READ-WRITE] selected\r\n"));
  EXPECT_EQ(server.say("b APPEND INBOX {3}"), "+ ready\r\n");
  EXPECT_THAT(server.say("xyz"), HasSubstr("b OK [APPENDUID "));
}

TEST(FaultySession, AnswersForTheCommandThatItNames) {
  Faulty server("on SELECT answer NO [UNAVAILABLE] not now\non NOOP 2 answer * BYE enough\n");
  EXPECT_EQ(server.say("a SELECT INBOX"), "a NO [UNAVAILABLE] not now\r\n");
  EXPECT_THAT(server.say("b EXAMINE INBOX"), HasSubstr("b OK"));
  EXPECT_EQ(server.say("c NOOP"), "c OK done\r\n");
  EXPECT_EQ(server.say("d NOOP"), "* BYE enough\r\n");
  EXPECT_TRUE(server.session->over());
}

TEST(FaultySession, CountsCommandsAndNotTheAnswersToChallenges) {
  Faulty server("on * 4 answer BAD the fourth\n");  // behind the login
  EXPECT_EQ(server.say("a AUTHENTICATE PLAIN"), "a BAD not now: you are logged in\r\n");
  EXPECT_EQ(server.say("b IDLE"), "+ ready\r\n");
  EXPECT_EQ(server.say("DONE"), "b OK done\r\n");
  EXPECT_EQ(server.say("c NOOP"), "c BAD the fourth\r\n");
  EXPECT_EQ(server.say("d NOOP"), "d OK done\r\n");
}

TEST(FaultySession, DelaysAnAnswerAndNothingElse) {
  Faulty server("on NOOP 1 delay 2s\n");
  EXPECT_EQ(server.say("a NOOP"), "");
  EXPECT_EQ(server.session->deadline(), server.now + 2s);
  server.now += 1999ms;
  EXPECT_EQ(server.hear(), "");
  server.now += 1ms;
  EXPECT_EQ(server.hear(), "a OK done\r\n");
  EXPECT_EQ(server.say("b NOOP"), "b OK done\r\n");
}

TEST(FaultySession, ADelayLongerThanTheSessionsPatienceIsNoBusyWait) {
  Faulty server("on NOOP delay 3600s\n");
  EXPECT_EQ(server.say("a NOOP"), "");
  server.now += 40min;
  EXPECT_EQ(server.hear(), "");
  EXPECT_GT(server.session->deadline(), server.now);
  server.now += 20min;
  EXPECT_THAT(server.hear(), StartsWith("a OK done\r\n* BYE "));
  EXPECT_TRUE(server.session->over());
}

TEST(FaultySession, CutsAndTruncatesInTheMiddleOfAnAnswer) {
  Faulty cut("on FETCH cut 20\n");
  cut.say("a SELECT INBOX");
  EXPECT_EQ(cut.say("b UID FETCH 1 (BODY.PEEK[])").size(), 20U);
  EXPECT_TRUE(cut.session->over());
  Faulty shorter("on FETCH truncate 20\n");
  shorter.say("a SELECT INBOX");
  EXPECT_EQ(shorter.say("b FETCH 1 (BODY.PEEK[])").size(), 20U);
  EXPECT_FALSE(shorter.session->over());
  EXPECT_EQ(shorter.say("c NOOP"), "c OK done\r\n");
}

TEST(FaultySession, LiesAboutSizesAndUidvalidity) {
  Faulty server("on FETCH 2 lie size +5\non SELECT 2 lie uidvalidity +1\n");
  const std::string first = server.say("a SELECT INBOX");
  const std::string size = std::to_string(kLetter.size()), other = std::to_string(kLetter.size() + 5);
  EXPECT_THAT(server.say("b FETCH 1 (RFC822.SIZE)"), HasSubstr("RFC822.SIZE " + size + ")"));
  EXPECT_THAT(server.say("c FETCH 1 (RFC822.SIZE)"), HasSubstr("RFC822.SIZE " + other + ")"));
  const std::string second = server.say("a SELECT INBOX");
  const size_t at = first.find("[UIDVALIDITY ") + 13;
  EXPECT_NE(first.substr(at, 10), second.substr(at, 10));
}

TEST(FaultySession, DiesBeforeOrBehindTheCommit) {
  Faulty before("on APPEND die before\n");
  before.say("a APPEND INBOX {3}");
  EXPECT_TRUE(before.dead);
  EXPECT_EQ((*before.home.mail->folder(before.home.inbox))->messages, 1U);
  Faulty after("on APPEND die after\n");
  EXPECT_EQ(after.say("a APPEND INBOX {3}"), "+ ready\r\n");
  EXPECT_EQ(after.say("xyz"), "");
  EXPECT_TRUE(after.dead);
  EXPECT_EQ((*after.home.mail->folder(after.home.inbox))->messages, 2U) << "it was kept, and nobody was told";
}

}  // namespace
}  // namespace libsync::server
