#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/replicas/pop3.h"

#include "tests/support/scripted_channel.h"

namespace libsync::replicas {
namespace {

using twinbox::test::ScriptedChannel;

class TraceLog final : public Trace {
 public:
  void line(TraceKind, std::string_view text) override { lines += std::string(text) + "\n"; }
  std::string lines;
};

Pop3Options joe(Pop3Security security = Pop3Security::Tls) {
  Pop3Options options;
  options.credentials = {.user = "joe", .password = Secret("hunter2"), .token = Secret(), .authzid = ""};
  options.security = security;
  return options;
}

struct Attempt {
  std::optional<Error> error;
  std::string mechanism;
};

// Opens against a script that must be followed to its end.
Attempt run(std::string_view script, Pop3Options options, bool tls) {
  Attempt result;
  options.on_login = [&](std::string_view name) { result.mechanism = name; };
  auto channel = std::make_unique<ScriptedChannel>(
      script, ScriptedChannel::Options{.host = "mail.example.org", .tls = tls, .piece = 0, .info = {}});
  ScriptedChannel* raw = channel.get();
  const auto replica = open_pop3(std::move(channel), std::move(options), {});
  if (!replica)
    result.error = replica.error();
  else
    EXPECT_TRUE(raw->finished()) << raw->mismatch();
  return result;
}

Error refused(std::string_view script, Pop3Options options = joe(), bool tls = true) {
  const Attempt result = run(script, std::move(options), tls);
  EXPECT_TRUE(result.error) << "opened";
  const Error error = result.error.value_or(Error{});
  EXPECT_EQ(error.text().find("hunter2"), std::string::npos);
  EXPECT_EQ(error.text().find("script:"), std::string::npos) << error.text();
  return error;
}

TEST(Pop3Login, StartsTlsFirstAndForgetsWhatCameBefore) {
  const Attempt result = run(R"(
    S: +OK <1@x>
    C: CAPA
    S: +OK\r\nSTLS\r\nPIPELINING\r\nSASL CRAM-MD5\r\n.
    C: STLS
    S: +OK
    TLS
    C: CAPA
    S: +OK\r\nSASL PLAIN\r\n.
    C: AUTH PLAIN AGpvZQBodW50ZXIy
    S: +OK
    C: CAPA
    S: +OK\r\nUIDL\r\n.
  )",
                             joe(Pop3Security::Stls), false);
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.mechanism, "PLAIN");
}

TEST(Pop3Login, SendsNothingWithoutTheTlsItRequires) {
  const std::string start = "S: +OK\nC: CAPA\n";
  // What is said before TLS is anybody's, and not shown as the server's words.
  for (const std::string& script :
       {std::string("S: -ERR [SYS/TEMP] call 0900\n"), start + "S: +OK\\r\\nSTLS\\r\\n.\nC: STLS\nS: -ERR call 0900\n"})
    EXPECT_EQ(refused(script, joe(Pop3Security::Stls), false).server, "") << script;
  EXPECT_EQ(refused("S: -ERR [SYS/TEMP] closed\n").server, "[SYS/TEMP] closed") << "inside TLS they are";
  for (const std::string& script : {start + "S: -ERR\n", start + "S: +OK\\r\\n.\n", start + "S: +OK\\r\\nUSER\\r\\n.\n",
                                    start + "S: +OK\\r\\nSTLS\\r\\n.\nC: STLS\nS: -ERR no\n"})
    EXPECT_EQ(refused(script, joe(Pop3Security::Stls), false).code, Errc::Tls) << script;
  for (const std::string& script :
       {start + "S: +OK\\r\\nSTLS\\r\\n.\nC: STLS\nS: +\n", start + "S: +OK\\r\\nSTLS\\r\\n.\nC: STLS\nS: 502 no\n",
        start + "S: +OK\\r\\nSTLS\\r\\n.\nC: STLS\nS: +OK\\r\\n+OK injected\n",
        start + "S: +OK\\r\\nSTLS\\r\\n.\\r\\n+OK too early\n"})
    EXPECT_EQ(refused(script, joe(Pop3Security::Stls), false).code, Errc::Protocol) << script;
  EXPECT_EQ(refused(start + "CLOSE", joe(Pop3Security::Stls), false).code, Errc::Network);
  EXPECT_EQ(refused("S: +OK\n", joe(Pop3Security::Tls), false).code, Errc::Tls);
}

TEST(Pop3Login, DoesNotUseTheBannersTimeStampBehindTls) {
  Pop3Options options = joe(Pop3Security::Stls);
  options.mechanism = "APOP";
  EXPECT_EQ(refused(R"(
    S: +OK <1@x>
    C: CAPA
    S: +OK\r\nSTLS\r\n.
    C: STLS
    S: +OK
    TLS
    C: CAPA
    S: +OK\r\nUSER\r\n.
  )",
                    options, false)
                .code,
            Errc::Auth);
}

TEST(Pop3Login, SendsPlainTextOnlyWhereAllowed) {
  const std::string script = "S: +OK\nC: CAPA\nS: -ERR\nC: USER joe\nS: +OK\nC: PASS hunter2\nS: +OK\n";
  EXPECT_EQ(run(script, joe(Pop3Security::Plain), false).mechanism, "USER");
}

TEST(Pop3Login, UsesApopOnlyWhenAskedFor) {
  Pop3Options options;
  options.credentials = {.user = "mrose", .password = Secret("tanstaaf"), .token = Secret(), .authzid = ""};
  const std::string start = "S: +OK <1896.697170952@dbc.mtview.ca.us>\nC: CAPA\nS: -ERR\n";
  EXPECT_EQ(run(start + "C: USER mrose\nS: +OK\nC: PASS tanstaaf\nS: +OK\n", options, true).mechanism, "USER");
  options.mechanism = "apop";
  EXPECT_EQ(run(start + "C: APOP mrose c4c9334bac560ecc979e58001b3e22fb\nS: +OK\n", options, true).mechanism, "APOP");
}

TEST(Pop3Login, RefusesWhatIsWeakerThanBefore) {
  Pop3Options options = joe();
  options.pinned_mechanism = "SCRAM-SHA-256";
  EXPECT_EQ(refused("S: +OK\nC: CAPA\nS: +OK\\r\\nSASL PLAIN\\r\\nUSER\\r\\n.\n", options).code, Errc::Auth);
}

TEST(Pop3Login, ObeysACapaWithoutUser) {
  Pop3Options options = joe();
  options.mechanism = "USER";
  EXPECT_EQ(refused("S: +OK\nC: CAPA\nS: +OK\\r\\nSASL XOAUTH2\\r\\n.\n", options).code, Errc::Auth);
}

TEST(Pop3Login, ReportsRefusalsWithTheServersWords) {
  const std::string start =
      "S: +OK\nC: CAPA\nS: +OK\\r\\nUSER\\r\\nLOGIN-DELAY 300\\r\\n.\nC: USER joe\nS: +OK\nC: PASS hunter2\n";
  const Error wrong = refused(start + "S: -ERR Wrong\\x1b[1m password\n");
  EXPECT_EQ(wrong.code, Errc::Auth);
  EXPECT_EQ(wrong.server, "Wrong [1m password");
  EXPECT_FALSE(wrong.retry);
  const Error delay = refused(start + "S: -ERR [LOGIN-DELAY] wait\n");
  EXPECT_TRUE(delay.retry);
  EXPECT_EQ(delay.retry_after, std::chrono::minutes(5));
  EXPECT_EQ(delay.code, Errc::Refused);
  EXPECT_TRUE(refused(start + "S: -ERR [IN-USE] locked\n").retry);
  EXPECT_EQ(refused(start + "CLOSE").code, Errc::Network);
  EXPECT_EQ(refused("S: * OK IMAP4rev1\n").code, Errc::Protocol);
  EXPECT_EQ(refused("S: +OK\nC: CAPA\n").code, Errc::Network) << "hangs";
}

TEST(Pop3Login, AnswersTokenErrorsAndShowsThem) {
  Pop3Options options;
  options.credentials = {.user = "joe", .password = Secret(), .token = Secret("tok"), .authzid = ""};
  const Error error = refused("S: +OK\nC: CAPA\nS: +OK\\r\\nSASL PLAIN XOAUTH2\\r\\n.\nC~ AUTH XOAUTH2 \nS: + " +
                                  base64_encode("{\"status\":\"400\"}") + "\nC: \nS: -ERR [AUTH] invalid\n",
                              options);
  EXPECT_EQ(error.code, Errc::Auth);
  EXPECT_NE(error.server.find("{\"status\":\"400\"}"), std::string::npos);
}

TEST(Pop3Login, CancelsAnExchangeThatGoesWrong) {
  const std::string start = "S: +OK\nC: CAPA\nS: +OK\\r\\nSASL SCRAM-SHA-256\\r\\n.\nC~ AUTH SCRAM-SHA-256 \n";
  const Error not_base64 = refused(start + "S: + ???\nC: *\nS: -ERR cancelled\n");
  EXPECT_EQ(not_base64.code, Errc::Protocol);
  const Error few = refused(start + "S: + " + base64_encode("r=x,s=AAAA,i=1") + "\nC: *\nS: -ERR cancelled\n");
  EXPECT_EQ(few.code, Errc::Limit);
  EXPECT_EQ(refused(start + "S: +OK welcome\n").code, Errc::Auth) << "a success without the server's proof";
}

TEST(Pop3Login, AsksForUtf8BeforeTheLoginWhereOffered) {
  for (const std::string answer : {"+OK", "-ERR not today"}) {
    EXPECT_FALSE(run("S: +OK\nC: CAPA\nS: +OK\\r\\nUTF8 USER\\r\\nUSER\\r\\n.\nC: UTF8\nS: " + answer +
                         "\nC: USER joe\nS: +OK\nC: PASS hunter2\nS: +OK\nC: CAPA\nS: +OK\\r\\n.\n",
                     joe(), true)
                     .error);
  }
}

// RFC 6856, section 2.2.
TEST(Pop3Login, SaysWhatIsOutsideAsciiOnlyWhereTheServerTakesIt) {
  Pop3Options jose = joe(), mot = joe();
  jose.credentials.user = "jos\u00E9";
  mot.credentials.password = Secret("mot\u00A0d\u00E9j\u00E0");
  for (const Pop3Options& options : {jose, mot}) {
    for (const char* capa : {"-ERR", "+OK\\r\\nUSER\\r\\n.", "+OK\\r\\nUSER\\r\\nUTF8\\r\\n."}) {
      const std::string utf8 = std::string(capa).find("UTF8") == std::string::npos ? "" : "C: UTF8\nS: +OK\n";
      const Error error = refused("S: +OK <1@x>\nC: CAPA\nS: " + std::string(capa) + "\n" + utf8, options);
      EXPECT_EQ(error.code, Errc::Auth);
      EXPECT_EQ(error.what, "mail.example.org takes user names and passwords in ASCII alone");
      EXPECT_EQ(error.hint.find("mot"), std::string::npos);
    }
    // SASL takes them, whatever else the server can.
    EXPECT_EQ(run("S: +OK\nC: CAPA\nS: +OK\\r\\nUSER\\r\\nSASL LOGIN\\r\\n.\nC: AUTH LOGIN\nS: +\nC: " +
                      base64_encode(options.credentials.user) + "\nS: +\nC: " +
                      base64_encode(options.credentials.password.reveal()) + "\nS: +OK\nC: CAPA\nS: +OK\\r\\n.\n",
                  options, true)
                  .mechanism,
              "LOGIN");
  }
  const std::string offer = "S: +OK <1@x>\nC: CAPA\nS: +OK\\r\\nUSER\\r\\nUTF8 USER\\r\\n.\nC: UTF8\nS: +OK\n";
  const std::string in = "S: +OK\nC: CAPA\nS: +OK\\r\\n.\n";
  EXPECT_FALSE(run(offer + "C: USER jos\u00E9\nS: +OK\nC: PASS hunter2\n" + in, jose, true).error);
  EXPECT_FALSE(run(offer + "C: USER joe\nS: +OK\nC: PASS mot d\u00E9j\u00E0\n" + in, mot, true).error) << "prepared";
  jose.mechanism = "APOP";
  EXPECT_FALSE(run(offer + "C~ APOP jos\u00E9 \n" + in, jose, true).error);
  mot.credentials.password = Secret("caf\xE9");
  EXPECT_EQ(refused(offer, mot).what, "the password is not valid UTF-8");
}

TEST(Pop3Login, TellsTheDelayThatTheServerWantsBetweenLogins) {
  std::chrono::seconds told{0};
  Pop3Options options = joe();
  options.on_login_delay = [&](std::chrono::seconds delay) { told = delay; };
  EXPECT_FALSE(run("S: +OK\nC: CAPA\nS: +OK\\r\\nLOGIN-DELAY 300 USER\\r\\nUSER\\r\\n.\nC: USER joe\nS: +OK\nC: PASS "
                   "hunter2\nS: +OK\nC: CAPA\nS: +OK\\r\\nLOGIN-DELAY 600\\r\\n.\n",
                   options, true)
                   .error);
  EXPECT_EQ(told, std::chrono::minutes(10)) << "what is told behind the login is for this user";
}

TEST(Pop3Login, EndsAServerThatNeverStopsAsking) {
  const std::string start = "S: +OK\nC: CAPA\nS: +OK\\r\\nSASL SCRAM-SHA-256\\r\\n.\nC~ AUTH SCRAM-SHA-256 \n";
  EXPECT_EQ(refused(start + "S: + !!\nC: *\nS: + !!\n").code, Errc::Protocol) << "cancelled once";
}

TEST(Pop3Login, KeepsThePasswordOutOfTheTrace) {
  TraceLog trace;
  Pop3Options options = joe();
  options.trace = &trace;
  run("S: +OK\nC: CAPA\nS: +OK\\r\\nSASL PLAIN\\r\\n.\nC: AUTH PLAIN AGpvZQBodW50ZXIy\nS: +OK\nC: CAPA\nS: "
      "+OK\\r\\n.\n",
      options, true);
  EXPECT_NE(trace.lines.find("AUTH PLAIN ***"), std::string::npos);
  EXPECT_EQ(trace.lines.find("AGpv"), std::string::npos);
}

}  // namespace
}  // namespace libsync::replicas
