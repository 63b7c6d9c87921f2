// The submission server's session: what bounds it, and what nobody is to see.
#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/server/submission_session.h"

#include "tests/unit/server/submission_talk.h"

namespace libsync::server {
namespace {

using std::chrono::seconds;

class Lines final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    all += (kind == TraceKind::Client ? "C: " : "S: ") + std::string(text) + "\n";
  }
  std::string all;
};

TEST(SubmissionServer, HasLimits) {
  const SubmissionLimits limits;
  Talk longline;
  EXPECT_EQ(longline.say_raw(std::string(limits.line + 1, 'x')), "500 5.5.2 the line is too long\r\n");
  EXPECT_EQ(longline.say_raw(std::string(100'000, 'x')), "");
  EXPECT_EQ(longline.say_raw("\r"), "");
  EXPECT_EQ(longline.say_raw("\nNOOP\r\n"), "250 2.0.0 OK\r\n") << "read to its end";
  longline("EHLO c");
  EXPECT_TRUE(longline("AUTH PLAIN " + std::string(12'000, 'A')).starts_with("501 "));
  EXPECT_EQ(longline("AUTH PLAIN " + std::string(12'288, 'A')), "500 5.5.6 the line is too long\r\n");
  longline("AUTH PLAIN");
  EXPECT_EQ(longline(std::string(12'289, 'A')), "500 5.5.6 the line is too long\r\n");
  EXPECT_EQ(longline("NOOP"), "250 2.0.0 OK\r\n") << "the exchange is over";

  Talk bad;
  std::string out;
  for (uint64_t i = 0; i <= limits.bad_commands; ++i) out = bad("XYZZY");
  EXPECT_EQ(out, "421 4.7.0 too many bad commands\r\n");
  EXPECT_TRUE(bad.session->over());
  Talk never;
  for (uint64_t i = 0; i < limits.commands_before_login; ++i) never("NOOP");
  EXPECT_EQ(never("NOOP"), "421 4.7.0 log in first\r\n");
  EXPECT_TRUE(never.session->over());

  Talk many;
  many.log_in();
  many("MAIL FROM:<>");
  for (uint64_t i = 0; i < limits.recipients; ++i) many("RCPT TO:<ann@example.org>");
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(many("RCPT TO:<ann@example.org>").starts_with("452 4.5.3 "));
  EXPECT_TRUE(many("DATA").starts_with("354"));
  many(".");
  EXPECT_EQ(many.agent.mail.at(0).envelope.recipients.size(), limits.recipients);

  Talk names;
  names.log_in();
  names("MAIL FROM:<>");
  for (uint64_t i = 0; i < limits.refused_recipients; ++i) out = names("RCPT TO:<a@b>");
  EXPECT_EQ(out, "550 5.7.1 not here\r\n");
  EXPECT_EQ(names("RCPT TO:<a@b>"), "421 4.7.0 too many wrong recipients\r\n");

  Talk often;
  often.o.limits.transactions = 2;
  often.log_in();
  often.submit(".\r\n");
  often.submit(".\r\n");
  EXPECT_EQ(often("MAIL FROM:<>"), "421 4.7.0 enough for one session\r\n");

  Talk full;
  full.log_in();
  full.session->feed(std::string(limits.input, ' '), full.now);
  EXPECT_FALSE(full.session->wants_input());
}

TEST(SubmissionServer, AMessageThatIsTooLargeIsReadToItsEndAndNotKept) {
  Talk talk;
  const std::string small = "Date: 1\r\nMessage-ID: 1\r\n\r\n";
  talk.o.limits.message = 1000;
  talk.o.limits.text_line = 2000;
  talk.log_in();
  EXPECT_EQ(talk("MAIL FROM:<> SIZE=1000"), "250 2.1.0 OK\r\n");
  talk("RSET");
  EXPECT_EQ(talk("MAIL FROM:<> SIZE=1001"), "552 5.3.4 the message is too large\r\n");
  const std::string fits = small + std::string(1000 - small.size() - 2, 'x') + "\r\n";
  EXPECT_EQ(talk.submit(fits + ".\r\n"), "250 2.0.0 delivered\r\n");
  EXPECT_EQ(talk.submit("x" + fits), "");
  EXPECT_EQ(talk.agent.open, 0U) << "gone as soon as it is known";
  EXPECT_EQ(talk.say_raw(std::string(100'000, 'y') + "\r\n.\r\n"), "552 5.3.4 the message is too large\r\n");
  EXPECT_EQ(talk.agent.mail.size(), 1U);
  Talk line;
  line.log_in();
  const std::string longest(line.o.limits.text_line, 'x');
  EXPECT_EQ(line.submit("\r\n" + longest + "\r\n.\r\n"), "250 2.0.0 delivered\r\n");
  EXPECT_EQ(line.submit("\r\n" + longest + "x\r\n.\r\n"), "554 5.6.0 a line is too long\r\n");
}

TEST(SubmissionServer, EndsASessionThatIsLeftAloneAndDeliversNothing) {
  Talk talk;
  talk.start();
  EXPECT_EQ(talk.session->deadline(), talk.now + SubmissionLimits{}.login_timeout);
  talk.now += seconds(59);
  EXPECT_EQ(talk("NOOP"), "250 2.0.0 OK\r\n");
  talk.now += seconds(1);
  EXPECT_EQ(talk.take(), "421 4.4.2 nothing came for too long\r\n") << "that is no login";
  EXPECT_TRUE(talk.session->over());

  Talk in;
  in.log_in();
  in.now += seconds(299);
  EXPECT_EQ(in("NOOP"), "250 2.0.0 OK\r\n");
  in.now += seconds(299);
  EXPECT_EQ(in.say_raw("NO"), "") << "an octet now and then is no command";
  in.now += seconds(1);
  EXPECT_EQ(in.take(), "421 4.4.2 nothing came for too long\r\n");

  // An octet a second, for ever, is not.
  Talk drip;
  drip.log_in();
  drip.submit("A: 1\r\n\r\n");
  int lasted = 0;
  for (; lasted < 10'000 && !drip.session->over(); ++lasted) {
    drip.now += seconds(1);
    drip.say_raw("x");
  }
  EXPECT_EQ(lasted, 180);
  EXPECT_EQ(drip.agent.open, 0U);
  EXPECT_TRUE(drip.agent.mail.empty());

  // A slow line is.
  Talk slow;
  slow.log_in();
  slow.submit("\r\n");
  for (int i = 0; i < 100; ++i) {
    slow.now += seconds(179);
    EXPECT_EQ(slow.say_raw(std::string(4096, 'x') + "\r\n"), "");
  }
  EXPECT_EQ(slow.say_raw(".\r\n"), "250 2.0.0 delivered\r\n");
  slow.now += seconds(299);
  EXPECT_EQ(slow("NOOP"), "250 2.0.0 OK\r\n");
}

TEST(SubmissionServer, ShowsNoSecretInATrace) {
  Lines lines;
  SubmissionOptions options;
  options.trace = &lines;
  Talk sasl(options);
  sasl("EHLO c");
  sasl("AUTH PLAIN " + kPlain);
  sasl.submit("Subject: nobody's business\r\n\r\n.\r\n");
  Talk challenge(options);
  challenge("EHLO c");
  challenge("AUTH LOGIN");
  challenge(base64_encode("joe"));
  challenge(base64_encode("pencil"));
  Talk refused(options);
  refused.o.off = {"LOGIN"};
  refused("EHLO c");
  refused.say_raw("AUTH LOGIN\r\n" + base64_encode("joe") + "\r\n" + base64_encode("pencil") + "\r\n");
  for (const char* secret : {"pencil", "cGVuY2ls", "AGpvZQBwZW5jaWw", "business"}) {
    EXPECT_EQ(lines.all.find(secret), std::string::npos) << secret << "\n" << lines.all;
  }
  EXPECT_NE(lines.all.find("C: AUTH PLAIN ***\n"), std::string::npos);
  EXPECT_NE(lines.all.find("C: RCPT TO:<ann@example.org>\n"), std::string::npos);
  EXPECT_NE(lines.all.find("C: (30 octets)\n"), std::string::npos) << lines.all;
}

}  // namespace
}  // namespace libsync::server
