#include "libsync/imap/session.h"

#include <gtest/gtest.h>

#include "libsync/imap/authenticate.h"
#include "libsync/imap/idle.h"
#include "libsync/imap/list.h"
#include "libsync/imap/login.h"
#include "libsync/imap/noop.h"
#include "libsync/imap/select.h"
#include "libsync/imap/starttls.h"

namespace libsync::imap {
namespace {

class Lines final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    all += (kind == TraceKind::Client ? "C: " : "S: ") + std::string(text) + "\n";
  }
  std::string all;
};

class Recorder : public Handler {
 public:
  void on_done(const Completion& done) override { log += std::to_string(done.id) + (done.ok() ? "+" : "-"); }
  void on_list(const ListData& data) override { log += "L(" + data.name + ")"; }
  void on_exists(uint64_t n) override { log += "E" + std::to_string(n); }
  void on_idling() override { log += "idling"; }
  void on_challenge(std::string_view text) override { log += "?" + std::string(text); }
  std::string log;
};

struct Fixture : Recorder {
  Lines trace;
  Session session{*this, &trace};
};

TEST(Session, PipelinesCommandsAndFindsTheirAnswers) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"));
  ASSERT_TRUE(f.session.submit(noop()));
  ASSERT_TRUE(f.session.submit(list("*", {})));
  EXPECT_EQ(f.session.take_output(), "T1 NOOP\r\nT2 LIST \"\" \"*\"\r\n");
  ASSERT_TRUE(f.session.receive("T2 NO no\r\n* 3 EXISTS\r\nT1 OK\r\n"));
  EXPECT_EQ(f.log, "2-E31+");
}

TEST(Session, WaitsForTheServerBeforeALiteral) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* PREAUTH hi\r\n"));
  ASSERT_TRUE(f.session.submit(select("a\xC3\xA9", {}).value()));
  ASSERT_TRUE(f.session.submit(noop()));
  EXPECT_EQ(f.session.take_output(), "T1 EXAMINE {3}\r\n");
  ASSERT_TRUE(f.session.receive("+ go\r\n"));
  EXPECT_EQ(f.session.take_output(), "a\xC3\xA9\r\nT2 NOOP\r\n");
}

TEST(Session, GoesOnWhenALiteralIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* PREAUTH hi\r\n"));
  ASSERT_TRUE(f.session.submit(select("a\xC3\xA9", {}).value()));
  ASSERT_TRUE(f.session.submit(noop()));
  f.session.take_output();
  ASSERT_TRUE(f.session.receive("T1 NO no\r\n"));
  EXPECT_EQ(f.session.take_output(), "T2 NOOP\r\n");
}

TEST(Session, SendsLiteralsAtOnceOnlyWithinWhatIsOffered) {
  for (const auto& [offer, size, head] :
       {std::tuple("LITERAL+", 9000, "{9000+}"), std::tuple("LITERAL-", 9000, "{9000}"),
        std::tuple("LITERAL-", 4096, "{4096+}")}) {
    Fixture f;
    ASSERT_TRUE(f.session.receive(std::string("* OK [CAPABILITY IMAP4rev1 ") + offer + "] hi\r\n"));
    ASSERT_TRUE(f.session.submit(login("u", Secret(std::string(static_cast<size_t>(size), 'p'))).value()));
    EXPECT_NE(f.session.take_output().find(head), std::string::npos) << offer << size;
  }
}

TEST(Session, HidesCredentialsInTraces) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+] hi\r\n"));
  ASSERT_TRUE(f.session.submit(login("me", Secret("hunter2")).value()));
  EXPECT_EQ(f.session.take_output(), "T1 LOGIN \"me\" \"hunter2\"\r\n");
  ASSERT_TRUE(f.session.receive("T1 NO no\r\n"));
  ASSERT_TRUE(f.session.submit(authenticate("PLAIN", Secret("hunter2")).value()));
  EXPECT_EQ(f.session.take_output(), "T2 AUTHENTICATE PLAIN aHVudGVyMg==\r\n");
  ASSERT_TRUE(f.session.receive("+ aHVudGVyMg==\r\n"));
  f.session.respond(Secret("hunter2"));
  EXPECT_EQ(f.trace.all.find("hunter2"), std::string::npos);
  EXPECT_EQ(f.trace.all.find("aHVudGVyMg"), std::string::npos);
  EXPECT_NE(f.trace.all.find("C: T1 LOGIN \"me\" ***"), std::string::npos);
}

TEST(Session, SumsUpLiteralsInTraces) {
  Fixture f;
  ASSERT_TRUE(
      f.session.receive("* PREAUTH hi\r\n* 1 FETCH (UID 1 BODY[] {5}\r\nabcde)\r\n* LIST () NIL {3}\r\nx y\r\n"));
  EXPECT_NE(f.trace.all.find("S: * 1 FETCH (UID 1 BODY[] {5} (5 octets))\n"), std::string::npos) << f.trace.all;
  EXPECT_NE(f.trace.all.find("S: * LIST () NIL {3} (3 octets)\n"), std::string::npos);
}

TEST(Session, StopsReadingBehindStarttls) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n"));
  ASSERT_TRUE(f.session.submit(starttls()));
  ASSERT_TRUE(f.session.submit(noop()));
  EXPECT_EQ(f.session.take_output(), "T1 STARTTLS\r\n");
  ASSERT_TRUE(f.session.receive("T1 OK go\r\n* CAPABILITY EVIL\r\n"));
  EXPECT_EQ(f.session.surplus(), 19U);
  EXPECT_EQ(f.session.take_output(), "");
  f.session.tls_started();
  EXPECT_TRUE(f.session.capabilities().empty());
  EXPECT_EQ(f.session.take_output(), "T2 NOOP\r\n");
}

TEST(Session, EndsAtATagThatWasNeverSent) {
  for (const char* line : {"T7 OK hm\r\n", "x\r\n", "\r\n", "T1 MAYBE\r\n", "+ go on\r\n"}) {
    Fixture f;
    ASSERT_TRUE(f.session.receive("* OK hi\r\n"));
    ASSERT_TRUE(f.session.submit(noop()));
    const Status status = f.session.receive(line);
    ASSERT_FALSE(status) << line;
    EXPECT_EQ(status.error().code, Errc::Protocol);
  }
}

TEST(Session, DropsMailboxDataBeforeLogin) {
  Fixture f;
  ASSERT_TRUE(
      f.session.receive("* OK hi\r\n* LIST () \"/\" evil\r\n* 5 EXISTS\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n"));
  EXPECT_EQ(f.log, "");
}

TEST(Session, BoundsWhatIsSaidBeforeLogin) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* OK hi\r\n"));
  Status status;
  int lines = 0;
  for (; status && lines < 2000; ++lines) status = f.session.receive("* OK again\r\n");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Limit);
  EXPECT_EQ(lines, 1001);
}

TEST(Session, NamesTheOtherProtocol) {
  for (const auto& [greeting, name] : {std::pair("+OK ready\r\n", "POP3"), std::pair("220 mx ESMTP\r\n", "SMTP"),
                                       std::pair("HTTP/1.1 400 Bad\r\n", "HTTP"), std::pair("SSH-2.0-x\r\n", "SSH")}) {
    Fixture f;
    const Status status = f.session.receive(greeting);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().what, std::string("the server speaks ") + name + ", not IMAP");
  }
  for (const char* bad : {"* NO no\r\n", "* BAD no\r\n", "T1 OK hm\r\n", "* 5 EXISTS\r\n", "\r\n"}) {
    Fixture f;
    EXPECT_FALSE(f.session.receive(bad)) << bad;
  }
}

TEST(Session, IdlesUntilItIsDone) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* PREAUTH hi\r\n"));
  ASSERT_TRUE(f.session.submit(idle()));
  ASSERT_TRUE(f.session.submit(noop()));
  f.session.take_output();
  ASSERT_TRUE(f.session.receive("+ idling\r\n* 4 EXISTS\r\n"));
  f.session.done_idling();
  EXPECT_EQ(f.session.take_output(), "DONE\r\n");
  ASSERT_TRUE(f.session.receive("T1 OK\r\n"));
  EXPECT_EQ(f.log, "idlingE41+");
  EXPECT_EQ(f.session.take_output(), "T2 NOOP\r\n");
}

TEST(Session, BelievesCapabilitiesOfTheLoginAndNotThoseBefore) {
  Fixture f;
  ASSERT_TRUE(f.session.receive("* OK [CAPABILITY OLD] hi\r\n"));
  ASSERT_TRUE(f.session.submit(login("u", Secret("p")).value()));
  ASSERT_TRUE(f.session.receive("T1 OK in\r\n"));
  EXPECT_TRUE(f.session.capabilities().empty());
  Fixture g;
  ASSERT_TRUE(g.session.receive("* OK [CAPABILITY OLD] hi\r\n"));
  ASSERT_TRUE(g.session.submit(login("u", Secret("p")).value()));
  ASSERT_TRUE(g.session.receive("* CAPABILITY NEW\r\nT1 OK in\r\n"));
  EXPECT_TRUE(g.session.capabilities().has("new"));
  EXPECT_FALSE(g.session.capabilities().has("OLD"));
}

TEST(Session, RefusesCommandsThatDoNotBelongIntoItsState) {
  Fixture f;
  EXPECT_FALSE(f.session.submit(noop()));
  ASSERT_TRUE(f.session.receive("* OK hi\r\n"));
  EXPECT_FALSE(f.session.submit(list("*", {})));
  ASSERT_TRUE(f.session.receive("* BYE later\r\n"));
  EXPECT_EQ(f.session.bye(), "later");
}

TEST(Commands, NeverCarryLineEndsOrNulOutsideLiterals) {
  EXPECT_FALSE(login(std::string_view("a\0b", 3), Secret("x")));
  EXPECT_FALSE(authenticate("PL AIN", {}));
  EXPECT_FALSE(authenticate("X\r\nT9", {}));
  const Command command = select("a\r\nT9 LOGOUT", {}).value();
  EXPECT_TRUE(command.pieces.at(1).literal);
  EXPECT_EQ(quoted("a\"\\"), "\"a\\\"\\\\\"");
  EXPECT_EQ(quoted("\xC3\xA9"), "");
  EXPECT_EQ(quoted("a\n"), "");
}

}  // namespace
}  // namespace libsync::imap
