// Clients that err or mean harm: every one is answered in a line, held to limits, and takes nothing that is not its
// own.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Lines final : public Trace {
 public:
  void line(TraceKind, std::string_view text) override { all.append(text).append("\n"); }
  std::string all;
};

class ImapHostile : public ::testing::Test {
 protected:
  ImapHostile() { home.mail->put(home.inbox, kLetter); }
  MailAtHome home;
};

TEST_F(ImapHostile, BrokenCommandsAreBad) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  for (const char* line : {"", " ", "a", "* NOOP", "+ NOOP", "(a NOOP", "\"a\" NOOP", "a\tNOOP", "NOOP"}) {
    EXPECT_THAT(talk.say(line), StartsWith("* BAD ")) << line;
  }
  for (const char* line : {"",
                           "x",
                           "NOOPS",
                           "NOOP 1",
                           "UID",
                           "UID NOOP",
                           "UID FETCH",
                           "UID UID FETCH 1 UID",
                           "FETCH",
                           "FETCH 1",
                           "FETCH 1 ",
                           "FETCH 1 ()",
                           "FETCH 1 (UID",
                           "FETCH 1 UID)",
                           "FETCH 1 NOSUCH",
                           "FETCH 1 (FLAGS NOSUCH)",
                           "FETCH FLAGS",
                           "FETCH 1 BODY[",
                           "FETCH 1 BODY[]<0>",
                           "FETCH 1 BODY[]<0.0>",
                           "FETCH 1 BODY[]<x.1>",
                           "FETCH 1 BODY[0]",
                           "FETCH 1 BODY[1.]",
                           "FETCH 1 BODY[MIME]",
                           "FETCH 1 BODY[HEADER.FIELDS]",
                           "FETCH 1 BODY[HEADER.FIELDS ()]",
                           "FETCH 1 (ALL)",
                           "STORE 1",
                           "STORE 1 FLAGS",
                           "STORE 1 FLAGS (\\NoSuch)",
                           "STORE 1 FLAGS (\\*)",
                           "STORE 1 *FLAGS ()",
                           "STORE 1 FLAGS.LOUD ()",
                           "STORE 1 FLAGS (x",
                           "STORE 1 FLAGS x)",
                           "SEARCH",
                           "SEARCH NOSUCH",
                           "SEARCH (ALL",
                           "SEARCH ALL)",
                           "SEARCH ()",
                           "SEARCH NOT",
                           "SEARCH OR ALL",
                           "SEARCH BEFORE 32-Feb-2026",
                           "SEARCH BEFORE x",
                           "SEARCH BEFORE 1-Feb-26",
                           "SEARCH LARGER",
                           "SEARCH LARGER x",
                           "SEARCH HEADER x",
                           "SEARCH SUBJECT",
                           "SEARCH UID 0",
                           "SEARCH KEYWORD",
                           "COPY 1",
                           "COPY x INBOX",
                           "MOVE 1",
                           "SELECT",
                           "SELECT INBOX x",
                           "EXAMINE",
                           "CREATE",
                           "DELETE",
                           "RENAME a",
                           "RENAME",
                           "SUBSCRIBE",
                           "LIST",
                           "LIST \"\"",
                           "LIST \"\" \"",
                           "LSUB \"\"",
                           "STATUS INBOX",
                           "STATUS INBOX ()",
                           "STATUS INBOX (NOSUCH)",
                           "STATUS INBOX MESSAGES",
                           "APPEND",
                           "APPEND INBOX",
                           "APPEND INBOX x",
                           "CHECK x",
                           "CLOSE x",
                           "EXPUNGE 1",
                           "LOGOUT x",
                           "CAPABILITY x",
                           "ID",
                           "IDLE x",
                           "NAMESPACE x",
                           "UNSELECT x",
                           "LOGIN joe pencil",
                           "AUTHENTICATE PLAIN",
                           "STARTTLS"}) {
    EXPECT_THAT(talk.say(std::string("a ") + line), StartsWith("a BAD ")) << line;
    EXPECT_EQ(talk.say("n NOOP"), "n OK done\r\n") << line;
  }
}

TEST_F(ImapHostile, SetsAreHeldToTheGrammar) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  for (const char* set : {"0",
                          "0:1",
                          "1:0",
                          "1:",
                          ":1",
                          ",1",
                          "1,",
                          "1,,1",
                          "1:*:2",
                          "**",
                          "1*",
                          "-1",
                          "+1",
                          "1:2:3",
                          "4294967296",
                          "1:4294967296",
                          "99999999999999999999",
                          "1;2",
                          "2",
                          "1:2",
                          "1:4294967295",
                          "4294967295:1"}) {
    EXPECT_THAT(talk.say(std::string("a FETCH ") + set + " UID"), StartsWith("a BAD ")) << set;
  }
  for (const char* set : {"1", "*", "1:*", "*:1", "1,1", "1:1", "*:*", "7:*", "*:7"}) {
    EXPECT_EQ(talk.say(std::string("a FETCH ") + set + " UID"), "* 1 FETCH (UID 1)\r\na OK done\r\n") << set;
  }
  for (const char* set : {"1:4294967295", "4294967295:1", "*:4294967295", "1,4294967295"}) {
    EXPECT_EQ(talk.say(std::string("a UID FETCH ") + set + " UID"), "* 1 FETCH (UID 1)\r\na OK done\r\n") << set;
  }
  talk.say("c CREATE empty");
  talk.say("t SELECT empty");
  for (const char* set : {"*", "1:*", "*:9"}) {
    EXPECT_EQ(talk.say(std::string("a FETCH ") + set + " UID"), "a OK done\r\n") << set;
  }
  EXPECT_THAT(talk.say("a FETCH 1 UID"), StartsWith("a BAD "));
}

TEST_F(ImapHostile, LongLinesAreBadAfterTheLogin) {
  ImapOptions options;
  options.limits.command = 1000;
  ImapTalk talk(home.mail, {}, true, options);
  EXPECT_THAT(talk.say("a NOOP " + std::string(5000, 'x')), StartsWith("a BAD [LIMIT] "));
  EXPECT_EQ(talk.say("b NOOP"), "b OK done\r\n");
  EXPECT_THAT(talk.say(std::string(5000, 'x')), StartsWith("* BAD [LIMIT] "));
  // In pieces, cut within the announcement of a literal, and the literal's octets are no command.
  EXPECT_EQ(talk.give("c SELECT " + std::string(985, 'x') + " {8"), "");
  EXPECT_EQ(talk.give("+}\r\nd LOGO"), "");
  EXPECT_THAT(talk.give("UT\r\n"), StartsWith("c BAD [LIMIT] "));
  EXPECT_EQ(talk.say("e NOOP"), "e OK done\r\n");
}

TEST_F(ImapHostile, LongLinesEndTheSessionBeforeTheLogin) {
  for (const char* end : {"", "\r\n"}) {
    ImapTalk talk(home.mail, {}, false);
    EXPECT_THAT(talk.give("a LOGIN " + std::string(20'000, 'x') + end), StartsWith("* BYE "));
    EXPECT_TRUE(talk.session->over());
  }
}

TEST_F(ImapHostile, TooManyBadCommandsEndTheSession) {
  ImapTalk talk(home.mail);
  for (int i = 0; i < 50; ++i) EXPECT_THAT(talk.say("a x"), StartsWith("a BAD "));
  EXPECT_THAT(talk.say("a x"), HasSubstr("* BYE "));
  ImapTalk good(home.mail);
  for (int i = 0; i < 200; ++i) EXPECT_THAT(good.say(i % 2 == 0 ? "a x" : "a NOOP"), StartsWith("a ")) << i;
}

TEST_F(ImapHostile, TooManyCommandsBeforeTheLoginEndTheSession) {
  ImapTalk talk(home.mail, {}, false);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(talk.say("a NOOP"), "a OK done\r\n");
  EXPECT_THAT(talk.say("a LOGIN joe pencil"), StartsWith("* BYE "));
}

TEST_F(ImapHostile, FailedLoginsAreDelayedAndCounted) {
  ImapTalk talk(home.mail, {}, false);
  for (int i = 0; i < 3; ++i) {
    const auto began = talk.now;
    EXPECT_EQ(talk.say("a LOGIN joe wrong"), "");
    EXPECT_EQ(talk.session->deadline(), began + seconds(1 << i));
    EXPECT_EQ(talk.say("b LOGIN joe pencil"), "") << "nothing overtakes a refusal";
    talk.now = talk.session->deadline();
    if (i < 2) {
      EXPECT_THAT(talk.hear(), AllOf(StartsWith("a NO [AUTHENTICATIONFAILED] "), HasSubstr("b OK ")));
      talk = ImapTalk(home.mail, {}, false);
      for (int k = 0; k <= i; ++k) {
        talk.say("c LOGIN ann wrong");
        talk.now = talk.session->deadline();
        EXPECT_THAT(talk.hear(), StartsWith("c NO [AUTHENTICATIONFAILED] "));
      }
    } else {
      EXPECT_THAT(talk.hear(), AllOf(StartsWith("a NO [AUTHENTICATIONFAILED] "), HasSubstr("* BYE ")));
      EXPECT_TRUE(talk.session->over());
    }
  }
}

TEST_F(ImapHostile, LiteralsAreHeldToLimits) {
  ImapOptions options;
  options.limits.command = 10'000;
  options.limits.literals = 3;
  options.limits.discard = 50'000;
  ImapTalk talk(home.mail, {}, true, options);
  EXPECT_THAT(talk.say("a SELECT {10001}"), StartsWith("a NO [TOOBIG] "));
  EXPECT_THAT(talk.say("b SELECT {99999999999999999999}"), StartsWith("b NO [TOOBIG] "));
  EXPECT_THAT(talk.say("c SELECT {10001+}\r\n" + std::string(10'001, 'x')), StartsWith("c NO [TOOBIG] "));
  EXPECT_THAT(talk.say("d SEARCH {1+}\r\na {1+}\r\na {1+}\r\na {1+}\r\na"), StartsWith("d NO [TOOBIG] "));
  EXPECT_EQ(talk.say("e NOOP"), "e OK done\r\n");
  EXPECT_THAT(talk.say("f APPEND INBOX {99999999999999999999}"), StartsWith("f NO [TOOBIG] "));
  EXPECT_THAT(talk.say("g APPEND INBOX {99999999999999999999+}"), StartsWith("* BYE [TOOBIG] "));
  EXPECT_TRUE(talk.session->over());
}

TEST_F(ImapHostile, AThousandAndOneLiteralsAreTooMany) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  std::string line = "a SEARCH";
  for (int i = 0; i < 1000; ++i) line += " TEXT {1+}\r\no";
  EXPECT_EQ(talk.say(line), "* SEARCH 1\r\na OK done\r\n");
  EXPECT_THAT(talk.say(line + " TEXT {1+}\r\no"), StartsWith("a NO [TOOBIG] "));
}

TEST_F(ImapHostile, LiteralMinusIsUpTo4096) {
  ImapTalk talk(home.mail, {"LITERAL+"});
  EXPECT_THAT(talk.say("a APPEND INBOX {4096+}\r\n" + std::string(4096, 'x')), StartsWith("a OK "));
  EXPECT_THAT(talk.say("b APPEND INBOX {4097+}\r\n" + std::string(4097, 'x')), StartsWith("b BAD "));
  EXPECT_THAT(talk.say("c APPEND INBOX {4097}"), StartsWith("+ "));
  ImapTalk stranger(home.mail, {"LITERAL+", "LITERAL-"}, false);
  EXPECT_THAT(stranger.say("a LOGIN {3+}\r\njoe pencil"), StartsWith("a BAD "));
  EXPECT_THAT(stranger.say("b LOGIN joe pencil"), StartsWith("b OK "));
}

TEST_F(ImapHostile, SynchronisingLiteralsWaitForThePlus) {
  ImapTalk talk(home.mail, {}, false);
  EXPECT_EQ(talk.say("a LOGIN {3}"), "+ ready\r\n");
  EXPECT_EQ(talk.say("joe {6}"), "+ ready\r\n");
  EXPECT_THAT(talk.say("pencil"), StartsWith("a OK "));
}

TEST_F(ImapHostile, SilenceEndsASessionWhenItsTimeIsUp) {
  ImapTalk talk(home.mail, {}, false);
  const auto began = talk.now;
  EXPECT_EQ(talk.session->deadline(), began + seconds(60));
  // An octet a second changes nothing before the login.
  for (int i = 0; i < 59; ++i) {
    talk.now += seconds(1);
    EXPECT_EQ(talk.give("a"), "");
  }
  EXPECT_EQ(talk.session->deadline(), began + seconds(60));
  talk.now += seconds(1);
  EXPECT_THAT(talk.give("a"), StartsWith("* BYE "));

  ImapTalk inside(home.mail);
  EXPECT_EQ(inside.session->deadline(), inside.now + seconds(1800));
  inside.give("a NOO");
  EXPECT_EQ(inside.session->deadline(), inside.now + seconds(300));
  inside.now += seconds(299);
  EXPECT_EQ(inside.give("P\r\n"), "a OK done\r\n");
  EXPECT_EQ(inside.session->deadline(), inside.now + seconds(1800));
  inside.say("b APPEND INBOX {10}");
  for (int i = 0; i < 9; ++i) {
    inside.now += seconds(299);
    EXPECT_EQ(inside.give("x"), "");
    EXPECT_EQ(inside.session->deadline(), inside.now + seconds(300)) << "a message that comes slowly comes";
  }
  inside.now += seconds(300);
  EXPECT_THAT(inside.hear(), StartsWith("* BYE "));
  EXPECT_TRUE(inside.session->over());
}

TEST_F(ImapHostile, WhatComesBehindStarttlsIsThrownAway) {
  ImapOptions options;
  options.has_tls = true;
  ImapTalk talk(home.mail, {}, false, options);
  // The helper has TLS at once: another session without.
  options.find_password = [](std::string_view) { return std::optional(Secret("pencil")); };
  options.open_mail = [&](std::string_view) -> Result<std::shared_ptr<Mail>> { return home.mail; };
  talk.session = std::make_unique<ImapSession>(options, talk.now);
  EXPECT_THAT(talk.hear(), AllOf(HasSubstr(" STARTTLS"), HasSubstr(" LOGINDISABLED")));
  EXPECT_THAT(talk.say("a LOGIN joe pencil"), StartsWith("a NO [PRIVACYREQUIRED] "));
  EXPECT_EQ(talk.give("b STARTTLS\r\nc LOGIN joe pencil\r\n"), "b OK begin TLS\r\n");
  EXPECT_TRUE(talk.session->wants_tls());
  EXPECT_EQ(talk.give("d LOGIN joe pencil\r\n"), "");
  talk.session->tls_started({}, talk.now);
  EXPECT_EQ(talk.hear(), "");
  EXPECT_THAT(talk.say("e CAPABILITY"), AllOf(Not(HasSubstr("STARTTLS")), Not(HasSubstr("LOGINDISABLED"))));
  EXPECT_THAT(talk.say("f STARTTLS"), StartsWith("f BAD "));
  EXPECT_THAT(talk.say("g LOGIN joe pencil"), StartsWith("g OK "));
  options.off = {"STARTTLS"};
  talk.session = std::make_unique<ImapSession>(options, talk.now);
  EXPECT_THAT(talk.hear(), Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(talk.say("a STARTTLS"), StartsWith("a BAD "));
}

TEST_F(ImapHostile, NamesStayWithinTheAccount) {
  ImapTalk talk(home.mail);
  std::string deep = "a";
  for (int i = 0; i < 70; ++i) deep += "/a";
  for (const std::string& name :
       {std::string("\"\""), std::string("/"), std::string("//"), std::string("a//b"), std::string("/a"),
        std::string("{3+}\r\na\0b", 8), std::string("{4+}\r\na\r\nb"), std::string("{3+}\r\na\rb"), deep,
        "{5000+}\r\n" + std::string(5000, 'x'), std::string("\"a\x7F\""), std::string("&AGE-"), std::string("&AC8-"),
        std::string("&"), std::string("a&b"), std::string("&AAA-"), std::string("&2AA-"),
        std::string("\"\xC3\xBC\"")}) {
    EXPECT_THAT(talk.say("a CREATE " + name),
                AnyOf(StartsWith("a NO [CANNOT] "), StartsWith("a NO [LIMIT] "), StartsWith("a BAD ")))
        << name.substr(0, 40);
    EXPECT_THAT(talk.say("b SELECT " + name), StartsWith("b NO ")) << name.substr(0, 40);
  }
  talk.say("e ENABLE UTF8=ACCEPT");
  for (const char* name : {"\"\xFF\"", "\"\xC3\"", "\"\xED\xA0\x80\"", "\"\xC0\xAF\""}) {
    EXPECT_THAT(talk.say(std::string("a CREATE ") + name), StartsWith("a NO [CANNOT] ")) << name;
  }
  EXPECT_EQ(talk.say("l LIST \"\" *"), "* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\nl OK done\r\n");
  // A name like any other: what stores mail has its own names for files.
  EXPECT_THAT(talk.say("c CREATE ../x"), StartsWith("c OK "));
  EXPECT_THAT(talk.say("d LIST \"\" *"), HasSubstr("\"../x\""));
}

TEST_F(ImapHostile, ASelectThatFailsLeavesNothingSelected) {
  for (const char* name : {"nowhere", "a//b", "&AGE-"}) {
    ImapTalk talk(home.mail);
    talk.say("s SELECT INBOX");
    EXPECT_THAT(talk.say(std::string("a SELECT ") + name), StartsWith("a NO ")) << name;
    EXPECT_THAT(talk.say("b FETCH 1 UID"), StartsWith("b BAD ")) << name;
  }
}

TEST_F(ImapHostile, SearchIsNotNestedBeyondLimits) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  const auto nested = [](size_t depth) { return std::string(depth, '(') + "ALL" + std::string(depth, ')'); };
  EXPECT_EQ(talk.say("a SEARCH " + nested(99)), "* SEARCH 1\r\na OK done\r\n");
  EXPECT_THAT(talk.say("b SEARCH " + nested(100)), StartsWith("b BAD "));
  EXPECT_THAT(talk.say("c SEARCH " + std::string(500'000, '(')), StartsWith("c BAD "));
  std::string nots = "d SEARCH", ors = "e SEARCH", keys = "f SEARCH";
  for (int i = 0; i < 200; ++i) nots += " NOT", ors += " OR ALL";
  for (int i = 0; i < 10'001; ++i) keys += " ALL";
  EXPECT_THAT(talk.say(nots + " ALL"), StartsWith("d BAD "));
  EXPECT_THAT(talk.say(ors + " ALL"), StartsWith("e BAD "));
  EXPECT_THAT(talk.say(keys), StartsWith("f BAD "));
}

TEST_F(ImapHostile, ParenthesesBeforeTheLoginLeadNowhere) {
  ImapTalk talk(home.mail, {}, false);
  const std::string many(15'000, '(');
  for (const char* name :
       {"ID", "LOGIN", "AUTHENTICATE", "LIST", "SEARCH", "FETCH 1", "STATUS INBOX", "APPEND INBOX"}) {
    EXPECT_THAT(talk.say("a " + std::string(name) + " " + many), AnyOf(StartsWith("a BAD "), StartsWith("a NO ")))
        << name;
  }
  EXPECT_THAT(talk.say(many), StartsWith("* BAD "));
  EXPECT_THAT(talk.say("b APPEND INBOX {99999+}\r\n" + std::string(99'999, 'x')), StartsWith("b NO [TOOBIG] "));
  EXPECT_THAT(talk.say("c LOGIN joe pencil"), StartsWith("c OK "));
}

TEST_F(ImapHostile, PatternsAreHeldToLimits) {
  home.mail->make_folder({std::string(200, 'a'), std::string(200, 'a'), std::string(200, 'a')});
  ImapTalk talk(home.mail);
  std::string stars;
  for (int i = 0; i < 20; ++i) stars += "*a";
  EXPECT_THAT(talk.say("a LIST \"\" " + stars + "b"), "a OK done\r\n");
  EXPECT_THAT(talk.say("b LIST \"\" " + stars + "*"), StartsWith("b BAD "));
  EXPECT_THAT(talk.say("c LIST \"\" " + std::string(21, '%')), StartsWith("c BAD "));
  EXPECT_THAT(talk.say("d LIST " + stars + " *"), StartsWith("d BAD "));
  EXPECT_THAT(talk.say("e LIST \"\" " + std::string(4097, 'a')), StartsWith("e BAD "));
  std::string many;
  for (int i = 0; i < 101; ++i) many += " x";
  EXPECT_THAT(talk.say("f LIST \"\" (" + many.substr(1) + ")"), StartsWith("f BAD "));
}

TEST_F(ImapHostile, LongTextsAreFoundInLinearTime) {
  home.mail->put(home.inbox, "Subject: x\r\n\r\n" + std::string(400'000, 'a'));
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  // Some 10^11 steps, if each place were tried.
  EXPECT_EQ(talk.say("a SEARCH BODY {200001+}\r\n" + std::string(200'000, 'a') + "b"), "* SEARCH\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b SEARCH BODY {200000+}\r\n" + std::string(200'000, 'A')), "* SEARCH 2\r\nb OK done\r\n");
}

TEST_F(ImapHostile, ManyItemsOfALargeMessageAreNotHeldAtOnce) {
  home.mail->put(home.inbox, "Subject: x\r\n\r\n" + std::string(1'000'000, 'a'));
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  std::string line = "a FETCH 2 (BODYSTRUCTURE";
  for (int i = 0; i < 20; ++i) line += " BODY.PEEK[]";
  talk.session->feed(line + ")\r\n", talk.now);
  size_t most = 0, all = 0;
  while (true) {
    const std::string piece = talk.session->take_output(talk.now);
    if (piece.empty()) break;
    most = std::max(most, piece.size());
    all += piece.size();
  }
  EXPECT_GT(all, 20'000'000U);
  EXPECT_LT(most, 2'000'000U);
}

TEST_F(ImapHostile, OctetByOctetIsAnsweredTheSame) {
  const std::string input =
      "a CAPABILITY\r\nb LOGIN {3+}\r\njoe pencil\r\nc SELECT INBOX\r\nd FETCH 1 (UID BODY.PEEK[] ENVELOPE)\r\n"
      "e APPEND INBOX (\\Seen) {5+}\r\nabc\r\n UTF8 (~{1+}\r\nx)\r\nf SEARCH TEXT {5+}\r\nhello\r\n\r\n g\r\n"
      "h IDLE\r\nDONE\r\ni STORE 1 (\r\nj {99999+\r\nk CREATE {1+}\r\n\r\r\nl UID FETCH 1:* (FLAGS)\r\nm LOGOUT\r\n";
  const auto answers = [&](size_t piece) {
    MailAtHome fresh;
    fresh.mail->put(fresh.inbox, kLetter);
    ImapTalk talk(fresh.mail, {}, false);
    std::string all;
    for (size_t at = 0; at < input.size(); at += piece) all += talk.give(input.substr(at, piece));
    const size_t uidvalidity = all.find("[APPENDUID ");
    if (uidvalidity != all.npos) all.erase(uidvalidity + 11, 10);
    const size_t told = all.find("[UIDVALIDITY ");
    if (told != all.npos) all.erase(told + 13, 10);
    return all;
  };
  const std::string whole = answers(input.size());
  EXPECT_THAT(whole, EndsWith("m OK done\r\n"));
  for (const size_t piece : {1, 2, 3, 7, 64}) EXPECT_EQ(answers(piece), whole) << piece;
}

TEST_F(ImapHostile, CutAnywhereItEnds) {
  const std::string input =
      "b AUTHENTICATE PLAIN\r\nAGpvZQBwZW5jaWw=\r\nc SELECT INBOX\r\nd FETCH 1 (BODY[])\r\ne APPEND INBOX "
      "{5+}\r\nabc\r\n "
      "{1+}\r\nx\r\nf SEARCH TEXT {5+}\r\nhello\r\nh IDLE\r\nDONE\r\n";
  for (size_t length = 0; length <= input.size(); ++length) {
    ImapTalk talk(home.mail, {}, false);
    talk.give(input.substr(0, length));
    talk.session->shut_down("enough");
    EXPECT_THAT(talk.hear(), StartsWith("* BYE [UNAVAILABLE] enough")) << length;
    EXPECT_TRUE(talk.session->over());
    EXPECT_EQ(talk.give("n NOOP\r\n"), "");
  }
}

TEST_F(ImapHostile, PasswordsAreInNoTrace) {
  for (const std::string& said : {std::string("a LOGIN joe pencil"),
                                  std::string("a login \"joe\" \"pencil\""),
                                  std::string("a  LOGIN  joe  pencil"),
                                  std::string("a LOGIN {3+}\r\njoe {6+}\r\npencil"),
                                  std::string("a LOGIN joe {6}\r\npencil"),
                                  std::string("a AUTHENTICATE PLAIN AGpvZQBwZW5jaWw="),
                                  std::string("a AUTHENTICATE PLAIN\r\nAGpvZQBwZW5jaWw="),
                                  std::string("a AUTHENTICATE LOGIN\r\nam9l\r\ncGVuY2ls"),
                                  std::string("a AUTHENTICATE NOSUCH AGpvZQBwZW5jaWw="),
                                  std::string("a AUTHENTICATE NOSUCH\r\nAGpvZQBwZW5jaWw="),
                                  std::string("LOGIN joe pencil"),
                                  std::string("a UID LOGIN joe pencil"),
                                  std::string("a\tLOGIN joe pencil"),
                                  std::string("a LOGIN(joe pencil"),
                                  std::string("a {5+}\r\nLOGIN joe pencil"),
                                  std::string("a LOGIN joe {99999999}\r\npencil"),
                                  std::string("joe\r\npencil"),
                                  std::string("a LOGIN joe {99999999+}\r\npencil"),
                                  std::string("a LOGIN joe pencil more"),
                                  std::string("a AUTHENTICATE PLAIN AGpvZQBwZW5jaWw= more"),
                                  "a LOGIN joe pencil" + std::string(20'000, ' ')}) {
    Lines trace;
    ImapOptions options;
    options.trace = &trace;
    {
      ImapTalk talk(home.mail, {}, false, options);
      talk.say(said);
      talk.say("b LOGIN joe pencil");
      talk.say("LOGIN joe pencil");
      talk.session.reset();
    }
    for (const char* secret : {"pencil", "AGpvZQBwZW5jaWw", "cGVuY2ls"}) {
      EXPECT_THAT(trace.all, Not(HasSubstr(secret))) << said.substr(0, 100);
    }
    EXPECT_THAT(trace.all, HasSubstr("* OK ")) << "there is a trace";
  }
}

TEST_F(ImapHostile, MessagesAreCountedInTraces) {
  Lines trace;
  ImapOptions options;
  options.trace = &trace;
  ImapTalk talk(home.mail, {}, true, options);
  talk.say("s SELECT INBOX");
  talk.say("a FETCH 1 (BODY[] ENVELOPE PREVIEW)");
  talk.say("b APPEND INBOX {11+}\r\nhello there");
  talk.session.reset();
  EXPECT_THAT(trace.all,
              AllOf(HasSubstr("BODY[] ("), HasSubstr(" octets)"), HasSubstr("b APPEND INBOX {11+} (11 octets)")));
  EXPECT_THAT(trace.all, AllOf(Not(HasSubstr("hello")), Not(HasSubstr("first letter"))));
}

}  // namespace
}  // namespace libsync::server
