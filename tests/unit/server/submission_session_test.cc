// The submission server's session by what it answers and what it delivers.
#include "libsync/server/submission_session.h"

#include <gtest/gtest.h>

#include "libsync/base/base64.h"

#include "tests/unit/server/submission_talk.h"

namespace libsync::server {
namespace {

using std::chrono::seconds;

TEST(SubmissionServer, TakesAMessage) {
  for (const size_t piece : {size_t{0}, size_t{1}, size_t{3}}) {
    Talk talk;
    talk.piece = piece;
    talk.log_in();
    EXPECT_EQ(talk.banner, "220 localhost ESMTP twinbox\r\n");
    EXPECT_EQ(talk("mail from:<joe@example.org> size=100 body=8BITMIME"), "250 2.1.0 OK\r\n");
    EXPECT_EQ(talk("Rcpt To: <ann@example.org>"), "250 2.1.5 OK\r\n");
    EXPECT_EQ(talk("RCPT TO:<\"b \\\" b\"@example.org>"), "250 2.1.5 OK\r\n");
    EXPECT_EQ(talk("DATA"), "354 end with a dot alone\r\n");
    EXPECT_EQ(talk.say_raw(kHeader + "\r\n..\r\n...two\r\ntwo.\r\n\r\n.\r\n"), "250 2.0.0 delivered\r\n");
    ASSERT_EQ(talk.agent.mail.size(), 1U);
    const auto& [envelope, octets] = talk.agent.mail[0];
    EXPECT_EQ(octets, kHeader + "\r\n.\r\n..two\r\ntwo.\r\n\r\n");
    EXPECT_EQ(envelope.user, "joe");
    EXPECT_EQ(envelope.sender, "joe@example.org");
    EXPECT_EQ(envelope.recipients, (std::vector<std::string>{"ann@example.org", "\"b \\\" b\"@example.org"}));
    EXPECT_EQ(envelope.client, "client.test");
    EXPECT_EQ(envelope.protocol, "ESMTPA");
    EXPECT_EQ(talk("DATA"), "503 5.5.1 MAIL first\r\n") << "a transaction is used up";
    EXPECT_EQ(talk("QUIT"), "221 2.0.0 bye\r\n");
    EXPECT_TRUE(talk.session->over());
    EXPECT_EQ(talk("NOOP"), "");
  }
}

TEST(SubmissionServer, IsTheSameWhereverTheBytesAreCut) {
  const std::string said = "EHLO c\r\nAUTH PLAIN " + kPlain + "\r\n" + kMailAndRcpt +
                           "DATA\r\nA: 1\r\n\r\n..x\r\n.\r\n" + kMailAndRcpt +
                           "DATA\r\nDate: 1\r\nMessage-ID: 2\r\n\r\nx\n.\r\ny\r\n.\r\nNOOP\r\nQUIT\r\n";
  std::string whole;
  for (size_t cut = 0; cut <= said.size(); ++cut) {
    Talk talk;
    talk.o.random = [](size_t bytes) { return std::string(bytes, 'r'); };
    std::string out = talk.say_raw(said.substr(0, cut));
    out += talk.say_raw(said.substr(cut));
    if (cut == 0) whole = out;
    EXPECT_EQ(out, whole) << cut;
    ASSERT_EQ(talk.agent.mail.size(), 1U) << cut;
    EXPECT_TRUE(talk.agent.mail[0].octets.ends_with("\r\n\r\n.x\r\n")) << cut;
    EXPECT_TRUE(talk.session->over());
  }
  EXPECT_NE(whole.find("550 5.6.0"), std::string::npos) << whole;
  EXPECT_TRUE(whole.ends_with("250 2.0.0 OK\r\n221 2.0.0 bye\r\n")) << whole;
}

TEST(SubmissionServer, DeliversNothingOfAMessageThatIsCut) {
  const std::string message = kHeader + "\r\nx\r\n.\r\n";
  for (size_t cut = 0; cut < message.size(); ++cut) {
    Talk talk;
    talk.log_in();
    EXPECT_EQ(talk.submit(message.substr(0, cut)), "");
    EXPECT_EQ(talk.agent.open, 1U);
    talk.session.reset();
    EXPECT_EQ(talk.agent.open, 0U);
    EXPECT_TRUE(talk.agent.mail.empty()) << cut;
  }
}

TEST(SubmissionServer, NothingButADotBetweenTwoCrlfsEndsAMessage) {
  for (const char* odd : {"\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\n\n.\r\n", "\r\n.\r\r\n",
                          "\r\n.\n\r\n", "\r\r\n.\n", "\n\r.\r\n", ".\r\nx\n", "\rx", "x\n"}) {
    for (const size_t piece : {size_t{0}, size_t{1}}) {
      Talk talk;
      talk.piece = piece;
      talk.log_in();
      // What would be smuggled in: commands, if that were the end.
      EXPECT_EQ(talk.submit(kHeader + "\r\nx" + odd + kMailAndRcpt + "DATA\r\nsmuggled\r\n"), "") << odd;
      EXPECT_EQ(talk.say_raw(".\r\n"), "550 5.6.0 a CR or LF by itself: lines end with CRLF\r\n") << odd;
      EXPECT_TRUE(talk.agent.mail.empty()) << odd;
      EXPECT_EQ(talk.agent.begun, 1U) << odd;
      EXPECT_EQ(talk.submit(kHeader + "\r\ny\r\n.\r\n"), "250 2.0.0 delivered\r\n") << "the session goes on";
    }
  }
  Talk empty;
  empty.log_in();
  EXPECT_EQ(empty.submit(".\r\n"), "250 2.0.0 delivered\r\n");
  Talk command;
  command.log_in();
  EXPECT_EQ(command("NOOP\nQUIT"), "500 5.5.1 no such command\r\n");
  EXPECT_EQ(command("NOOP \rQUIT"), "501 5.5.2 a control character\r\n");
  EXPECT_EQ(command("MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>"), "501 5.5.2 a control character\r\n");
  EXPECT_EQ(command.say_raw("NOOP\n"), "") << "no line yet";
}

TEST(SubmissionServer, CompletesAHeaderAndChangesNothingElse) {
  const std::string date = "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n";
  const std::string id = "Message-ID: <61616161616161616161616161616161@localhost>\r\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"A: 1\r\n\r\nbody\r\n", "A: 1\r\n" + date + id + "\r\nbody\r\n"},
      {"date : x\r\n\r\nMessage-ID: y\r\n", "date : x\r\n" + id + "\r\nMessage-ID: y\r\n"},
      {"MESSAGE-Id: x\r\n folded\r\n\r\n", "MESSAGE-Id: x\r\n folded\r\n" + date + "\r\n"},
      {"Subject: a\r\n Date: b\r\n\r\n", "Subject: a\r\n Date: b\r\n" + date + id + "\r\n"},
      {"Dates: a\r\nX-Date: b\r\n", "Dates: a\r\nX-Date: b\r\n" + date + id},
      {"A: 1\r\nno field\r\nDate: x\r\n", "A: 1\r\n" + date + id + "no field\r\nDate: x\r\n"},
      {"\r\nDate: x\r\n", date + id + "\r\nDate: x\r\n"},
      {" Date: x\r\n\r\n", date + id + " Date: x\r\n\r\n"},
      {"", date + id},
      {"Date: x\r\nMessage-ID: y\r\nBcc: z\r\n\r\n\x80\r\n", "Date: x\r\nMessage-ID: y\r\nBcc: z\r\n\r\n\x80\r\n"},
  };
  for (const auto& [sent, kept] : cases) {
    for (const size_t piece : {size_t{0}, size_t{1}, size_t{5}}) {
      Talk talk;
      talk.o.random = [](size_t bytes) { return std::string(bytes, 'a'); };
      talk.piece = piece;
      talk.log_in();
      EXPECT_EQ(talk.submit(sent + ".\r\n"), "250 2.0.0 delivered\r\n");
      ASSERT_EQ(talk.agent.mail.size(), 1U);
      EXPECT_EQ(talk.agent.mail[0].octets, kept);
    }
  }
}

TEST(SubmissionServer, WithoutRandomnessThereIsNoMessageId) {
  Talk talk;
  talk.o.random = [](size_t) { return std::string(); };
  talk.log_in();
  talk.say_raw(kMailAndRcpt);
  EXPECT_EQ(talk("DATA"), "451 4.3.0 not now\r\n");
}

TEST(SubmissionServer, SaysWhatItCanDoAndNothingThatIsSwitchedOff) {
  SubmissionOptions options;
  options.has_tls = true;
  options.limits.message = 1000;
  Talk all(options);
  all.o.plain_allowed = true;
  EXPECT_EQ(all("EHLO c"),
            "250-localhost\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250-STARTTLS\r\n250 AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n");
  for (const std::string name : {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "STARTTLS",
                                 "AUTH", "SCRAM-SHA-1", "PLAIN", "LOGIN"}) {
    SubmissionOptions less = options;
    less.off = {name};
    Talk talk(less);
    talk.o.plain_allowed = true;
    const std::string said = talk("EHLO c");
    EXPECT_EQ(said.find(name), std::string::npos) << name << said;
    EXPECT_NE(said.find("\r\n250 "), std::string::npos) << "a last line";
  }
  EXPECT_EQ(Talk()("HELO c"), "250 localhost\r\n");
}

std::string with_off(const std::string& off, const std::string& said) {
  SubmissionOptions options;
  if (!off.empty()) options.off = {off};
  Talk talk(options);
  talk("EHLO c");
  talk("AUTH PLAIN " + kPlain);
  return talk(said);
}

TEST(SubmissionServer, WhatIsSwitchedOffDoesNotWork) {
  EXPECT_EQ(with_off("", "MAIL FROM:<a@b> SIZE=1"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(with_off("SIZE", "MAIL FROM:<a@b> SIZE=1"), "555 5.5.4 no such parameter\r\n");
  EXPECT_EQ(with_off("", "MAIL FROM:<a@b> BODY=7BIT"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(with_off("8BITMIME", "MAIL FROM:<a@b> BODY=7BIT"), "555 5.5.4 no such parameter\r\n");
  EXPECT_EQ(with_off("", "MAIL FROM:<ä@b> SMTPUTF8"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(with_off("SMTPUTF8", "MAIL FROM:<ä@b> SMTPUTF8"), "555 5.5.4 no such parameter\r\n");
  EXPECT_EQ(with_off("8BITMIME", "MAIL FROM:<ä@b> SMTPUTF8"), "555 5.5.4 no such parameter\r\n");
  EXPECT_EQ(with_off("ENHANCEDSTATUSCODES", "MAIL FROM:<a@b>"), "250 OK\r\n");
  EXPECT_EQ(with_off("", "MAIL FROM:<a@b> AUTH=<>"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(with_off("AUTH", "MAIL FROM:<a@b>"), "530 5.7.0 log in first\r\n");
  EXPECT_EQ(with_off("PLAIN", "MAIL FROM:<a@b>"), "530 5.7.0 log in first\r\n");
  SubmissionOptions options;
  options.has_tls = true;
  options.off = {"STARTTLS"};
  Talk plain(options);
  plain("EHLO c");
  EXPECT_EQ(plain("STARTTLS"), "502 5.5.1 no such command\r\n");
  EXPECT_FALSE(plain.session->wants_tls());
}

TEST(SubmissionServer, WhatIsPipelinedBehindStarttlsIsThrownAwayAndEhloForgotten) {
  SubmissionOptions options;
  options.has_tls = true;
  for (const size_t piece : {size_t{0}, size_t{1}}) {
    Talk talk(options);
    talk.piece = piece;
    const std::string before = talk("EHLO evil");
    EXPECT_TRUE(before.ends_with("250-STARTTLS\r\n250 AUTH SCRAM-SHA-256 SCRAM-SHA-1\r\n")) << before;
    EXPECT_EQ(talk("AUTH PLAIN " + kPlain), "538 5.7.11 not without TLS\r\n");
    EXPECT_EQ(talk("AUTH LOGIN"), "538 5.7.11 not without TLS\r\n");
    EXPECT_EQ(talk("STARTTLS now"), "501 5.5.4 nothing may follow it\r\n");
    EXPECT_EQ(talk.say_raw("STARTTLS\r\nEHLO evil\r\nAUTH PLAIN " + kPlain + "\r\n" + kMailAndRcpt),
              "220 2.0.0 begin TLS\r\n");
    EXPECT_TRUE(talk.session->wants_tls());
    EXPECT_FALSE(talk.session->wants_input());
    EXPECT_EQ(talk("QUIT"), "") << "nothing in the clear counts now";
    talk.session->tls_started({{.type = "tls-exporter", .data = "x"}}, talk.now);
    EXPECT_EQ(talk.take(), "");
    EXPECT_EQ(talk("AUTH PLAIN " + kPlain), "503 5.5.1 EHLO first\r\n");
    const std::string behind = talk("EHLO c");
    EXPECT_EQ(behind.find("STARTTLS"), std::string::npos);
    EXPECT_TRUE(
        behind.ends_with("250 AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n"));
    EXPECT_EQ(talk("STARTTLS"), "503 5.5.1 there is no TLS to begin\r\n");
    EXPECT_EQ(talk("AUTH PLAIN " + kPlain), "235 2.7.0 welcome\r\n");
    EXPECT_EQ(talk.submit(".\r\n"), "250 2.0.0 delivered\r\n");
    EXPECT_EQ(talk.agent.mail.at(0).envelope.protocol, "ESMTPSA");
    EXPECT_EQ(talk.agent.mail.at(0).envelope.client, "c");
  }
  Talk none;
  none("EHLO c");
  EXPECT_EQ(none("STARTTLS"), "503 5.5.1 there is no TLS to begin\r\n");
}

TEST(SubmissionServer, TakesSasl) {
  Talk talk;
  talk("EHLO c");
  EXPECT_EQ(talk("AUTH PLAIN"), "334 \r\n");
  EXPECT_EQ(talk(kPlain), "235 2.7.0 welcome\r\n");
  EXPECT_EQ(talk("AUTH PLAIN"), "503 5.5.1 you are logged in\r\n");
  Talk login;
  login("EHLO c");
  EXPECT_EQ(login("AUTH LOGIN"), "334 " + base64_encode("Username:") + "\r\n");
  EXPECT_EQ(login(base64_encode("joe")), "334 " + base64_encode("Password:") + "\r\n");
  EXPECT_EQ(login(base64_encode("pencil")), "235 2.7.0 welcome\r\n");
  Talk odd;
  EXPECT_EQ(odd("AUTH PLAIN"), "503 5.5.1 EHLO first\r\n");
  odd("HELO c");
  EXPECT_EQ(odd("AUTH PLAIN"), "502 5.5.1 no such command\r\n");
  odd("EHLO c");
  EXPECT_EQ(odd("AUTH"), "501 5.5.4 by which mechanism?\r\n");
  EXPECT_EQ(odd("AUTH KERBEROS"), "504 5.5.4 no such mechanism\r\n");
  EXPECT_EQ(odd("AUTH CRAM-MD5"), "504 5.5.4 no such mechanism\r\n") << "not asked for";
  EXPECT_TRUE(odd("AUTH PLAIN =").starts_with("501 5.5.2 PLAIN: ")) << "empty, and no login";
  odd("AUTH PLAIN");
  EXPECT_EQ(odd("*"), "501 5.7.0 given up\r\n");
  odd("AUTH PLAIN");
  EXPECT_EQ(odd("!!"), "501 5.5.2 that is not base64\r\n");
  EXPECT_EQ(odd("MAIL FROM:<a@b>"), "530 5.7.0 log in first\r\n");
  EXPECT_EQ(odd("AUTH PLAIN " + kPlain), "235 2.7.0 welcome\r\n");
  SubmissionOptions options;
  options.asked_for = {"CRAM-MD5"};
  Talk asked(options);
  EXPECT_NE(asked("EHLO c").find(" CRAM-MD5"), std::string::npos);
  EXPECT_TRUE(asked("AUTH CRAM-MD5").starts_with("334 "));
}

TEST(SubmissionServer, KeepsTheAnswerToAWrongPasswordBackAndEndsAfterSome) {
  Talk talk;
  talk("EHLO c");
  const std::string wrong = base64_encode(std::string_view("\0joe\0wrong", 10));
  for (const int wait : {1, 2, 4}) {
    EXPECT_EQ(talk("AUTH PLAIN " + wrong), "");
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(wait));
    EXPECT_EQ(talk("RSET"), "") << "what comes behind waits too";
    talk.now += seconds(wait);
    EXPECT_TRUE(talk.take().starts_with("535 5.7.8 wrong user name or password\r\n"));
  }
  EXPECT_TRUE(talk.session->over());
}

TEST(SubmissionServer, KeepsTheOrderOfCommands) {
  Talk talk;
  EXPECT_EQ(talk("MAIL FROM:<a@b>"), "503 5.5.1 EHLO first\r\n");
  EXPECT_EQ(talk("STARTTLS"), "503 5.5.1 EHLO first\r\n");
  EXPECT_EQ(talk("NOOP"), "250 2.0.0 OK\r\n");
  EXPECT_EQ(talk("EHLO"), "501 5.5.4 that is no name of a host\r\n");
  EXPECT_EQ(talk("EHLO a b"), "501 5.5.4 that is no name of a host\r\n");
  EXPECT_EQ(talk("HELO (x)"), "501 5.5.4 that is no name of a host\r\n");
  talk("EHLO [IPv6:::1]");
  for (const char* command : {"MAIL FROM:<a@b>", "RCPT TO:<ann@example.org>", "DATA"}) {
    EXPECT_EQ(talk(command), "530 5.7.0 log in first\r\n");
  }
  talk.log_in();
  EXPECT_EQ(talk("RCPT TO:<ann@example.org>"), "503 5.5.1 MAIL first\r\n");
  EXPECT_EQ(talk("DATA"), "503 5.5.1 MAIL first\r\n");
  EXPECT_EQ(talk("MAIL FROM:<>"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(talk("MAIL FROM:<>"), "503 5.5.1 one sender is enough\r\n");
  EXPECT_EQ(talk("DATA"), "554 5.5.1 no recipient was accepted\r\n");
  talk("RCPT TO:<ann@example.org>");
  EXPECT_EQ(talk("DATA now"), "501 5.5.4 nothing may follow it\r\n");
  EXPECT_EQ(talk("RSET"), "250 2.0.0 OK\r\n");
  EXPECT_EQ(talk("RCPT TO:<ann@example.org>"), "503 5.5.1 MAIL first\r\n");
  talk.say_raw(kMailAndRcpt);
  talk("EHLO again");
  EXPECT_EQ(talk("DATA"), "503 5.5.1 MAIL first\r\n") << "EHLO is an RSET";
  EXPECT_EQ(talk("VRFY joe"), "252 2.5.0 send it, and see\r\n");
  EXPECT_EQ(talk("VRFY"), "501 5.5.4 whom?\r\n");
  EXPECT_EQ(talk("EXPN all"), "502 5.5.1 there are no lists\r\n");
  EXPECT_TRUE(talk("HELP me").starts_with("214 2.0.0 "));
  EXPECT_EQ(talk("NOOP x"), "250 2.0.0 OK\r\n");
  EXPECT_EQ(talk("BDAT 1"), "500 5.5.1 no such command\r\n");
  EXPECT_EQ(talk(""), "500 5.5.1 no such command\r\n");
}

TEST(SubmissionServer, ReadsAddresses) {
  const std::string local64(64, 'l');
  const std::vector<std::pair<std::string, std::string>> good = {
      {"<>", ""},
      {"<a@b>", "a@b"},
      {" <a@b> ", "a@b"},
      {"<@one.test,@[1.2.3.4]:a@b>", "a@b"},
      {"<\"a b@\\\\\"@b>", "\"a b@\\\\\"@b"},
      {"<a.b+c/d=e@[IPv6:::1]>", "a.b+c/d=e@[IPv6:::1]"},
      {"<" + local64 + "@b>", local64 + "@b"},
  };
  for (const auto& [path, address] : good) {
    Talk talk;
    talk.log_in();
    EXPECT_EQ(talk("MAIL FROM:" + path), "250 2.1.0 OK\r\n") << path;
    talk("RCPT TO:<ann@example.org>");
    talk("DATA");
    talk(".");
    ASSERT_EQ(talk.agent.mail.size(), 1U);
    EXPECT_EQ(talk.agent.mail[0].envelope.sender, address);
  }
  for (const std::string& path : {std::string("a@b"),
                                  std::string("<a@b"),
                                  std::string("<a>"),
                                  std::string("<@b>"),
                                  std::string("<a@>"),
                                  std::string("<a..b@c>"),
                                  std::string("<.a@c>"),
                                  std::string("<a.@c>"),
                                  std::string("<a b@c>"),
                                  std::string("<a@b>x"),
                                  std::string("<\"a@b>"),
                                  std::string("<\"a\"b@c>"),
                                  std::string("<a@b@c>"),
                                  std::string("<@x:>"),
                                  std::string("<@x a@b>"),
                                  std::string("<a@[]>"),
                                  std::string("<a@[b>"),
                                  std::string("<a@b..c>"),
                                  std::string("<a@b_c>"),
                                  std::string("<<a@b>>"),
                                  std::string(""),
                                  "<" + local64 + "l@b>",
                                  "<a@" + std::string(256, 'd') + ">"}) {
    Talk talk;
    talk.log_in();
    EXPECT_TRUE(talk("MAIL FROM:" + path).starts_with("501 5.1.7 ")) << path;
    talk("MAIL FROM:<>");
    EXPECT_TRUE(talk("RCPT TO:" + path).starts_with("501 5.1.3 ")) << path;
  }
  Talk talk;
  talk.log_in();
  EXPECT_TRUE(talk("MAIL TO:<a@b>").starts_with("501 5.1.7 "));
  talk("MAIL FROM:<a@b>");
  EXPECT_TRUE(talk("RCPT TO:<>").starts_with("501 5.1.3 "));
  EXPECT_EQ(talk("RCPT TO:<Postmaster>"), "550 5.7.1 not here\r\n") << "read, and the agent asked";
}

TEST(SubmissionServer, ReadsParameters) {
  for (const auto& [parameters, answer] : std::vector<std::pair<std::string, std::string>>{
           {"SIZE=1 BODY=8BITMIME  smtputf8 AUTH=joe+2B@b", "250 2.1.0 OK"},
           {"SIZE", "501 5.5.4 SIZE of how many octets?"},
           {"SIZE=-1", "501 5.5.4 SIZE of how many octets?"},
           {"SIZE=99999999999999999999999", "552 5.3.4 the message is too large"},
           {"BODY=BINARYMIME", "501 5.5.4 BODY is 7BIT or 8BITMIME"},
           {"BODY", "501 5.5.4 BODY is 7BIT or 8BITMIME"},
           {"SMTPUTF8=1", "501 5.5.4 SMTPUTF8 has no value"},
           {"AUTH", "501 5.5.4 AUTH=whom?"},
           {"RET=FULL", "555 5.5.4 no such parameter"},
           {"SIZE=1 SIZE=1", "501 5.5.4 these are no parameters"},
           {"=1", "501 5.5.4 these are no parameters"},
           {"-A", "501 5.5.4 these are no parameters"},
           {"A=", "501 5.5.4 these are no parameters"},
           {"A=b=c", "501 5.5.4 these are no parameters"}}) {
    EXPECT_EQ(with_off("", "MAIL FROM:<a@b> " + parameters), answer + "\r\n") << parameters;
  }
  Talk talk;
  talk.log_in();
  EXPECT_EQ(talk("MAIL FROM:<a@b> X=1"), "555 5.5.4 no such parameter\r\n");
  EXPECT_EQ(talk("RCPT TO:<ann@example.org>"), "503 5.5.1 MAIL first\r\n") << "no transaction was begun";
  talk("MAIL FROM:<a@b>");
  EXPECT_EQ(talk("RCPT TO:<ann@example.org> NOTIFY=NEVER"), "555 5.5.4 no such parameter\r\n");
  talk("HELO c");
  EXPECT_EQ(talk("MAIL FROM:<a@b> SIZE=1"), "555 5.5.4 no such parameter\r\n") << "HELO has no extensions";
}

TEST(SubmissionServer, AddressesInUtf8WantSmtputf8) {
  Talk talk;
  talk.log_in();
  EXPECT_EQ(talk("MAIL FROM:<ä@example.org>"), "553 5.6.7 not without SMTPUTF8\r\n");
  talk("MAIL FROM:<a@example.org>");
  EXPECT_EQ(talk("RCPT TO:<ann@пример.org>"), "553 5.6.7 not without SMTPUTF8\r\n");
  talk("RSET");
  EXPECT_EQ(talk("MAIL FROM:<ä@example.org> SMTPUTF8"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(talk("RCPT TO:<ann@пример.org>"), "250 2.1.5 OK\r\n");
  EXPECT_TRUE(talk("RCPT TO:<\xff@example.org>").starts_with("501 5.1.3 ")) << "no UTF-8";
  talk("DATA");
  talk(".");
  EXPECT_EQ(talk.agent.mail.at(0).envelope.protocol, "UTF8SMTPA");
}

TEST(SubmissionServer, RelaysNothingAndSaysWhy) {
  Talk talk;
  talk.agent.refusals = {
      {"gone@example.org", Errc::NotFound}, {"full@example.org", Errc::Limit}, {"busy@example.org", Errc::Busy}};
  talk.log_in();
  talk("MAIL FROM:<joe@example.org>");
  EXPECT_EQ(talk("RCPT TO:<x@elsewhere.test>"), "550 5.7.1 not here\r\n");
  EXPECT_EQ(talk("RCPT TO:<gone@example.org>"), "550 5.1.1 as the test says \r\n");
  EXPECT_EQ(talk("RCPT TO:<full@example.org>"), "552 5.2.2 as the test says \r\n");
  EXPECT_EQ(talk("RCPT TO:<busy@example.org>"), "451 4.3.0 as the test says \r\n");
  EXPECT_EQ(talk("DATA"), "554 5.5.1 no recipient was accepted\r\n");
  EXPECT_EQ(talk.agent.begun, 0U);
}

TEST(SubmissionServer, SaysDeliveredOnlyWhenItIs) {
  const std::string message = kHeader + "\r\nx\r\n.\r\n";
  Talk begin;
  begin.log_in();
  begin.agent.begin_fails = Errc::Busy;
  begin.say_raw(kMailAndRcpt);
  EXPECT_EQ(begin("DATA"), "451 4.3.0 not to be begun\r\n");
  Talk data;
  data.log_in();
  data.agent.data_fails = Errc::Disk;
  EXPECT_EQ(data.submit(message), "451 4.3.0 no room\r\n");
  EXPECT_EQ(data.agent.open, 0U);
  data.agent.data_fails.reset();
  EXPECT_EQ(data.submit(message), "250 2.0.0 delivered\r\n");
  Talk done;
  done.log_in();
  done.agent.done_fails = Errc::Limit;
  EXPECT_EQ(done.submit(message), "552 5.2.2 not kept\r\n");
  EXPECT_TRUE(done.agent.mail.empty());
}

TEST(SubmissionServer, TakesCommandsAheadOfItsAnswers) {
  Talk talk;
  talk.log_in();
  EXPECT_EQ(talk.say_raw(kMailAndRcpt + "RCPT TO:<x@y>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"),
            "250 2.1.0 OK\r\n250 2.1.5 OK\r\n550 5.7.1 not here\r\n250 2.1.5 OK\r\n354 end with a dot alone\r\n");
  EXPECT_EQ(talk.say_raw(kHeader + "\r\nx\r\n.\r\n" + kMailAndRcpt + "RSET\r\nQUIT\r\n"),
            "250 2.0.0 delivered\r\n250 2.1.0 OK\r\n250 2.1.5 OK\r\n250 2.0.0 OK\r\n221 2.0.0 bye\r\n");
  EXPECT_EQ(talk.agent.mail.at(0).envelope.recipients.size(), 2U);
}

TEST(SubmissionServer, ALargeMessagePassesThroughInPieces) {
  Talk talk;
  talk.o.limits.message = 8'000'000;
  talk.piece = 50'000;
  talk.log_in();
  std::string body;
  while (body.size() < 3'000'000) body += ".a line that begins with a dot\r\n";
  std::string stuffed;
  for (const char c : body) stuffed += c == '.' ? ".." : std::string(1, c);
  EXPECT_EQ(talk.submit(kHeader + "\r\n" + stuffed + ".\r\n"), "250 2.0.0 delivered\r\n");
  EXPECT_TRUE(talk.agent.mail.at(0).octets == kHeader + "\r\n" + body);
  EXPECT_LE(talk.agent.largest_piece, 51'000U);
}

}  // namespace
}  // namespace libsync::server
