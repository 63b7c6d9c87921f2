#include "libsync/pop3/session.h"

#include <vector>

#include <gtest/gtest.h>

namespace libsync::pop3 {
namespace {

constexpr Steady::time_point kStart{};

// Writes events down as text.
class Log final : public Events {
 public:
  Status event(const Event& event) override {
    switch (event.kind) {
      case Event::Kind::Greeting:
        text += "greeting ";
        break;
      case Event::Kind::Reply:
        text += std::string(rule(event.verb).word) + (event.status->ok ? " ok" : " err");
        if (!event.status->code.empty()) text += " [" + event.status->code + "]";
        text += event.body_follows ? " { " : "; ";
        break;
      case Event::Kind::Line:
        text += std::string(event.text) + ", ";
        break;
      case Event::Kind::Text:
        text += event.text;
        break;
      case Event::Kind::End:
        text += "}; ";
        break;
      case Event::Kind::Challenge:
        text += "challenge " + std::string(event.text) + "; ";
        break;
    }
    return {};
  }
  std::string text;
};

class TraceLog final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    lines += (kind == TraceKind::Client   ? "C: "
              : kind == TraceKind::Server ? "S: "
                                          : "* ") +
             std::string(text.substr(0, text.find(" ("))) + "\n";
  }
  std::string lines;
};

struct Talk {
  explicit Talk(Limits limits = {}) : session({.host = "pop.example.org", .trace = &trace, .limits = limits}, kStart) {}
  Status feed(std::string_view bytes) { return session.feed(bytes, kStart, log); }
  void send(const Command& command) {
    ASSERT_TRUE(session.send(command, kStart));
    out += session.take_output();
  }
  void log_in() {
    ASSERT_TRUE(feed("+OK\r\n"));
    send(user("joe"));
    ASSERT_TRUE(feed("+OK\r\n"));
    send(pass(Secret("hunter2")));
    ASSERT_TRUE(feed("+OK\r\n"));
    log.text.clear();
  }
  TraceLog trace;
  Session session;
  Log log;
  std::string out;
};

TEST(Session, HoldsTheDialogueOfRfc1939) {
  Talk t;
  t.log_in();
  t.send(stat());
  ASSERT_TRUE(t.feed("+OK 2 320\r\n"));
  t.send(list());
  ASSERT_TRUE(t.feed("+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n"));
  t.send(retr(1, 120));
  ASSERT_TRUE(t.feed("+OK 120 octets\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"));
  t.send(dele(1));
  ASSERT_TRUE(t.feed("+OK\r\n"));
  t.send(quit());
  ASSERT_TRUE(t.feed("+OK bye\r\n"));
  EXPECT_EQ(t.session.state(), State::Update);
  EXPECT_TRUE(t.session.peer_closed());
  EXPECT_EQ(t.out, "USER joe\r\nPASS hunter2\r\nSTAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
  EXPECT_EQ(t.log.text,
            "STAT ok; LIST ok { 1 120, 2 200, }; RETR ok { Subject: x\r\n\r\n.dot\r\n}; DELE ok; QUIT ok; ");
  EXPECT_EQ(t.trace.lines,
            "S: +OK\nC: USER joe\nS: +OK\nC: PASS ***\nS: +OK\nC: STAT\nS: +OK 2 320\nC: LIST\nS: +OK 2 messages\n"
            "S: 1 120\nS: 2 200\nS: .\nC: RETR 1\nS: +OK 120 octets\nS: (20 octets)\nS: .\nC: DELE 1\nS: +OK\n"
            "* tolerated: wrong-size\nC: QUIT\nS: +OK bye\n");
}

TEST(Session, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string wire =
      "+OK\r\n1 10\r\n2 20\r\n.\r\n+OK\n1 a\n2 b\n.\n-ERR [SYS/TEMP] later\r\n+OK\r\nX: "
      "y\r\n\r\n..\r\n.\r\n+OK\r\n.\r\n+OK\r\n";
  const auto result = [&](size_t first, size_t piece) {
    Talk t;
    EXPECT_TRUE(t.feed("+OK\r\n"));
    t.send(capa());
    EXPECT_TRUE(t.feed("+OK\r\nPIPELINING\r\n.\r\n"));
    t.send(user("joe"));
    EXPECT_TRUE(t.feed("+OK\r\n"));
    t.send(pass(Secret("x")));
    EXPECT_TRUE(t.feed("+OK\r\n"));
    for (const Command& command : {list(), uidl(), retr(1, 10), retr(2, 20), top(1, 0), noop()}) t.send(command);
    t.log.text.clear();
    EXPECT_TRUE(t.feed(wire.substr(0, first)));
    for (size_t at = first; at < wire.size(); at += piece) EXPECT_TRUE(t.feed(wire.substr(at, piece)));
    EXPECT_TRUE(t.session.idle());
    return t.log.text;
  };
  const std::string whole = result(wire.size(), 1);
  EXPECT_EQ(whole,
            "LIST ok { 1 10, 2 20, }; UIDL ok { 1 a, 2 b, }; RETR err [SYS/TEMP]; RETR ok { X: y\r\n\r\n.\r\n}; "
            "TOP ok { }; NOOP ok; ");
  EXPECT_EQ(result(0, 1), whole);
  for (size_t cut = 1; cut < wire.size(); ++cut) EXPECT_EQ(result(cut, wire.size()), whole) << cut;
}

TEST(Session, AllowsEachCommandOnlyInItsState) {
  for (const Rule& row : rules()) {
    Talk t;
    EXPECT_FALSE(t.session.can_send(row.verb)) << row.word << " before the greeting";
    ASSERT_TRUE(t.feed("+OK\r\n"));
    EXPECT_EQ(t.session.can_send(row.verb), row.in_authorization) << row.word;
    Talk u;
    u.log_in();
    EXPECT_EQ(u.session.can_send(row.verb), row.in_transaction) << row.word;
    u.send(quit());
    ASSERT_TRUE(u.feed("+OK\r\n"));
    EXPECT_FALSE(u.session.can_send(row.verb)) << row.word << " after QUIT";
  }
}

TEST(Session, SendsNothingAheadWithoutPipelining) {
  Talk t;
  t.log_in();
  t.send(stat());
  EXPECT_FALSE(t.session.can_send(Verb::List));
  EXPECT_EQ(t.session.send(list(), kStart).error().code, Errc::Internal);
  ASSERT_TRUE(t.feed("+OK 0 0\r\n"));
  EXPECT_TRUE(t.session.can_send(Verb::List));
}

TEST(Session, QuitBeforeTheLoginUpdatesNothing) {
  Talk t;
  ASSERT_TRUE(t.feed("+OK\r\n"));
  t.send(quit());
  ASSERT_TRUE(t.feed("+OK\r\n"));
  EXPECT_EQ(t.session.state(), State::Closed);
}

TEST(Session, NamesTheOtherProtocol) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"* OK IMAP4rev1 ready\r\n", "speaks IMAP, not POP3"},
                                                                  {"220 mx ESMTP\r\n", "speaks SMTP"},
                                                                  {"HTTP/1.1 400 Bad Request\r\n", "speaks HTTP"},
                                                                  {"SSH-2.0-x\r\n", "speaks SSH"},
                                                                  {"\x1b[2Jhello\r\n", "not a POP3 server"},
                                                                  {std::string(100'000, 'x'), "not a POP3 server"}};
  for (const auto& [greeting, words] : cases) {
    Talk t;
    const auto status = t.feed(greeting);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::Protocol);
    EXPECT_NE(status.error().text().find(words), std::string::npos) << status.error().text();
    EXPECT_EQ(status.error().text().find('\x1b'), std::string::npos);
    EXPECT_EQ(t.session.state(), State::Closed);
  }
}

TEST(Session, TakesARefusedGreetingAsRefusal) {
  Talk t;
  const auto status = t.feed("-ERR [SYS/TEMP] too busy\r\n");
  EXPECT_EQ(status.error().code, Errc::Refused);
  EXPECT_TRUE(status.error().retry);
}

TEST(Session, EndsOnBytesBehindTheAnswerToStls) {
  Talk t;
  ASSERT_TRUE(t.feed("+OK <1@x>\r\n"));
  EXPECT_EQ(t.session.timestamp(), "<1@x>");
  t.send(stls());
  EXPECT_EQ(t.feed("+OK\r\n+OK forged\r\n").error().code, Errc::Protocol);
  Talk u;
  ASSERT_TRUE(u.feed("+OK <1@x>\r\n"));
  u.send(stls());
  ASSERT_TRUE(u.feed("+OK\r\n"));
  EXPECT_FALSE(u.session.can_send(Verb::Capa)) << "nothing goes out before TLS";
  EXPECT_EQ(u.feed("+").error().code, Errc::Protocol);
}

TEST(Session, ForgetsWhatItLearntBeforeTls) {
  Talk t;
  ASSERT_TRUE(t.feed("+OK <1@x>\r\n"));
  t.send(capa());
  ASSERT_TRUE(t.feed("+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n"));
  t.send(stls());
  ASSERT_TRUE(t.feed("+OK\r\n"));
  t.session.tls_started();
  EXPECT_FALSE(t.session.capabilities().known);
  EXPECT_TRUE(t.session.capabilities().sasl.empty());
  EXPECT_EQ(t.session.timestamp(), "");
  EXPECT_TRUE(t.session.can_send(Verb::Capa));
}

TEST(Session, RefusesAnswersToNothing) {
  Talk t;
  EXPECT_EQ(t.feed("+OK\r\n+OK the answer before the command\r\n").error().code, Errc::Protocol);
  Talk u;
  u.log_in();
  u.send(noop());
  EXPECT_EQ(u.feed("what\r\n").error().code, Errc::Protocol);
  EXPECT_EQ(u.feed("+OK\r\n").error().code, Errc::Protocol) << "an error is for good";
}

TEST(Session, SendsALongInitialResponseWithTheFirstChallenge) {
  Talk t;
  ASSERT_TRUE(t.feed("+OK\r\n"));
  t.send(auth("PLAIN", Secret(std::string(200, 'p'))));
  EXPECT_EQ(t.out, "AUTH PLAIN\r\n");
  ASSERT_TRUE(t.feed("+ \r\n"));
  EXPECT_EQ(t.session.take_output().size(), 268U + 2);
  ASSERT_TRUE(t.feed("+ abcd\r\n"));
  t.session.answer(Secret("x"), kStart);
  EXPECT_EQ(t.session.take_output(), "eA==\r\n");
  ASSERT_TRUE(t.feed("+\r\n"));
  t.session.cancel_auth(kStart);
  EXPECT_EQ(t.session.take_output(), "*\r\n");
  ASSERT_TRUE(t.feed("-ERR\r\n"));
  EXPECT_EQ(t.log.text, "greeting challenge abcd; challenge ; AUTH err; ");
  EXPECT_EQ(t.trace.lines.find("pppp"), std::string::npos);
  EXPECT_EQ(t.trace.lines.find("abcd"), std::string::npos);
  EXPECT_EQ(t.session.state(), State::Authorization);
}

TEST(Session, BoundsLinesAtTheirNumbers) {
  constexpr Limits kLimits{};
  const auto told = [](const Command& command, std::string_view head, size_t size) {
    Talk t;
    EXPECT_TRUE(t.feed("+OK\r\n"));
    t.send(command);
    std::string line(head);
    line.resize(size - 1, 'x');
    const Status status = t.feed(line + "\r\n");
    return status ? Errc::Internal : status.error().code;
  };
  EXPECT_EQ(told(user("joe"), "+OK ", kLimits.line), Errc::Internal) << "its CR is counted";
  EXPECT_EQ(told(user("joe"), "+OK ", kLimits.line + 1), Errc::Limit);
  EXPECT_EQ(told(auth("PLAIN"), "+ ", kLimits.challenge_line), Errc::Internal);
  EXPECT_EQ(told(auth("PLAIN"), "+ ", kLimits.challenge_line + 1), Errc::Limit);
}

TEST(Session, BoundsLinesAndListings) {
  Talk t({.line = 100});
  t.log_in();
  t.send(stat());
  EXPECT_EQ(t.feed("+OK " + std::string(100, 'x')).error().code, Errc::Limit) << "before the line ends";
  Talk u({.listing_lines = 3});
  u.log_in();
  u.send(uidl());
  EXPECT_TRUE(u.feed("+OK\r\n1 a\r\n2 b\r\n3 c\r\n"));
  EXPECT_EQ(u.feed("4 d\r\n").error().code, Errc::Limit);
  Talk v({.listing_octets = 10});
  v.log_in();
  v.send(uidl());
  EXPECT_EQ(v.feed("+OK\r\n1 abcdefghi\r\n").error().code, Errc::Limit);
  Talk w({.message_octets = 1000});
  w.log_in();
  w.send(retr(1, 10));
  EXPECT_TRUE(w.feed("+OK 10 octets\r\n" + std::string(1000, 'x'))) << "more than announced is taken";
  EXPECT_EQ(w.feed("x").error().code, Errc::Limit);
}

TEST(Session, TakesALineOfFiftyMegabytesInAMessage) {
  Talk t;
  t.log_in();
  t.send(retr(1, 50'000'000));
  ASSERT_TRUE(t.feed("+OK\r\n"));
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(t.feed(piece));
  ASSERT_TRUE(t.feed("\r\n.\r\n"));
  EXPECT_TRUE(t.session.idle());
}

TEST(Session, EndsAMessageOnlyWhenTheNextAnswerComes) {
  Talk t;
  t.log_in();
  t.send(retr(1, 3));
  ASSERT_TRUE(t.feed("+OK\r\nx\r\n.\r\n"));
  EXPECT_EQ(t.log.text, "RETR ok { x\r\n");
  EXPECT_TRUE(t.session.holds_end());
  t.send(noop());
  ASSERT_TRUE(t.feed("+OK\r\n"));
  EXPECT_EQ(t.log.text, "RETR ok { x\r\n}; NOOP ok; ");
  EXPECT_FALSE(t.session.holds_end());
}

TEST(Session, NeverEndsAMessageWithSomethingElseBehindIt) {
  for (const char* behind : {"text\r\n.\r\n", "+OKAY\r\n", ".\r\n", "\r\n"}) {
    for (const uint64_t announced : {0U, 3U}) {
      Talk t;
      t.log_in();
      t.send(retr(1, announced));
      ASSERT_TRUE(t.feed("+OK\r\nx\r\n.\r\n"));
      t.send(noop());
      EXPECT_EQ(t.feed(std::string(behind) + "+OK\r\n").error().code, Errc::Protocol) << behind;
      EXPECT_EQ(t.log.text, "RETR ok { x\r\n") << behind;
    }
    Talk unasked;
    unasked.log_in();
    unasked.send(retr(1, 3));
    EXPECT_EQ(unasked.feed("+OK\r\nx\r\n.\r\n+OK\r\n").error().code, Errc::Protocol) << "an answer to nothing";
    EXPECT_EQ(unasked.log.text, "RETR ok { x\r\n");
  }
}

TEST(Session, ReadsAMessageWithUnstuffedDotsWholeByItsSize) {
  // Both messages have lone dots that their server did not stuff; the second is counted as if by CRLF.
  const std::string first = "a\r\n.\r\n.\r\nb\r\n";
  const std::string second = "c\n.\r\n+ not an answer\r\n";
  const std::string wire = "+OK\r\n" + first + ".\r\n+OK\r\n" + second + ".\r\n+OK\r\n";
  for (size_t cut = 0; cut < wire.size(); ++cut) {
    Talk t;
    ASSERT_TRUE(t.feed("+OK\r\n"));
    t.send(capa());
    ASSERT_TRUE(t.feed("+OK\r\nPIPELINING\r\n.\r\n"));
    t.send(user("joe"));
    ASSERT_TRUE(t.feed("+OK\r\n"));
    t.send(pass(Secret("x")));
    ASSERT_TRUE(t.feed("+OK\r\n"));
    t.log.text.clear();
    for (const Command& command : {retr(1, first.size()), retr(2, second.size() + 1), noop()}) t.send(command);
    ASSERT_TRUE(t.feed(wire.substr(0, cut)));
    ASSERT_TRUE(t.feed(wire.substr(cut))) << cut;
    EXPECT_EQ(t.log.text, "RETR ok { " + first + "}; RETR ok { " + second + "}; NOOP ok; ");
  }
}

TEST(Session, GoesOnWithAMessageThatSeemedToBeOverInTheLastFlight) {
  Talk t;
  t.log_in();
  t.send(retr(1, 9));
  ASSERT_TRUE(t.feed("+OK\r\na\r\n.\r\n"));
  t.send(retr(2, 0));  // sent in good faith
  ASSERT_TRUE(t.feed("b\r\n.\r\n-ERR\r\n"));
  EXPECT_EQ(t.log.text, "RETR ok { a\r\n.\r\nb\r\n}; RETR err; ");
}

TEST(Session, BelievesAnUnstuffedDotOnlyIfTheSizeBearsItOut) {
  Talk t;
  t.log_in();
  t.send(retr(1, 10));
  ASSERT_TRUE(t.feed("+OK\r\na\r\n.\r\n"));
  t.send(noop());
  EXPECT_EQ(t.feed("* noise\r\n+OK\r\n.\r\n+OK\r\n").error().code, Errc::Protocol);
  EXPECT_EQ(t.log.text.find("}"), std::string::npos);
}

TEST(Session, GivesUpAServerThatDrips) {
  for (const bool body : {false, true}) {
    Talk t;
    t.log_in();
    t.send(body ? retr(1, 0) : list());
    auto now = kStart;
    ASSERT_TRUE(t.session.feed("+OK\r\n", now, t.log));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(t.session.feed("1", now += std::chrono::seconds(1), t.log));
    EXPECT_EQ(t.session.deadline(), kStart + Timeouts().idle) << "a trickle buys no time";
    const auto enough = static_cast<size_t>(Timeouts().idle.count()) * kLeastRate;
    ASSERT_TRUE(t.session.feed(std::string(enough, '1').replace(enough / 2, 2, "\r\n"), now, t.log));
    EXPECT_EQ(t.session.deadline(), now + Timeouts().idle) << "who sends in earnest is waited for";
  }
}

TEST(Session, EndsALoginThatGoesOnBehindItsCancelling) {
  Talk t;
  ASSERT_TRUE(t.feed("+OK\r\n"));
  t.send(auth("PLAIN"));
  ASSERT_TRUE(t.feed("+ !!\r\n"));
  t.session.cancel_auth(kStart);
  EXPECT_EQ(t.feed("+ !!\r\n").error().code, Errc::Protocol);
}

TEST(Session, GivesUpWaitingInTime) {
  Talk t;
  EXPECT_EQ(t.session.deadline(), kStart + Timeouts().greeting);
  t.log_in();
  EXPECT_FALSE(t.session.deadline());
  const auto later = kStart + std::chrono::hours(1);
  ASSERT_TRUE(t.session.send(retr(1, 0), later));
  EXPECT_EQ(t.session.deadline(), later + Timeouts().reply);
  ASSERT_TRUE(t.session.feed("+O", later + std::chrono::seconds(100), t.log));
  EXPECT_EQ(t.session.deadline(), later + Timeouts().reply) << "a trickle buys no time";
  ASSERT_TRUE(t.session.feed("K\r\nx", later + std::chrono::seconds(110), t.log));
  EXPECT_EQ(t.session.deadline(), later + std::chrono::seconds(110) + Timeouts().idle);
}

TEST(Session, MissesTheEndWhenThePeerCloses) {
  Talk t;
  t.log_in();
  t.send(retr(1, 0));
  ASSERT_TRUE(t.feed("+OK\r\nhalf"));
  const auto status = t.session.peer_closed();
  EXPECT_EQ(status.error().code, Errc::Network);
  EXPECT_TRUE(status.error().retry);
  EXPECT_EQ(t.log.text.find("}"), std::string::npos);
}

}  // namespace
}  // namespace libsync::pop3
