// The POP3 server's session by what it answers, each dialogue in one piece and octet by octet.
#include "libsync/server/pop3_session.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/sasl/crypto.h"

namespace libsync::server {
namespace {

struct Post {
  std::vector<std::string> messages{};
  std::vector<Maildrop::Entry> entries{};
  std::vector<size_t> removed{};
  bool locked = false, broken = false;
  size_t unreadable = SIZE_MAX;  // index
  size_t largest_piece = 0;
};

class MemoryDrop final : public Maildrop {
 public:
  explicit MemoryDrop(Post& post) : post_(post) {
    post_.locked = true;
    post_.entries.clear();
    for (size_t i = 0; i < post_.messages.size(); ++i) {
      post_.entries.push_back({.size = post_.messages[i].size(), .uidl = "u" + std::to_string(i + 1)});
    }
  }
  ~MemoryDrop() override { post_.locked = false; }
  std::span<const Entry> entries() const override { return post_.entries; }
  Result<std::string> read(size_t index, uint64_t offset, size_t most) override {
    if (index == post_.unreadable) return fail(Errc::Corrupt, std::string("damaged\x1b"));
    return offset > post_.messages[index].size() ? "" : post_.messages[index].substr(offset, most);
  }
  Status remove(std::span<const size_t> indexes) override {
    if (post_.broken) return fail(Errc::Disk, std::string("disk full"));
    post_.removed.assign(indexes.begin(), indexes.end());
    return {};
  }

 private:
  Post& post_;
};

class Lines final : public Trace {
 public:
  void line(TraceKind kind, std::string_view text) override {
    all += (kind == TraceKind::Client ? "C: " : "S: ") + std::string(text) + "\n";
  }
  std::string all;
};

struct Talk {
  explicit Talk(Pop3Options options = {}) : o(std::move(options)) {
    if (post.messages.empty()) post.messages = {"A: 1\r\n\r\none\r\n", "B: 2\r\n\r\n.two\r\n..\r\nthree\r\nfour\r\n"};
    o.find_password = [](std::string_view user) {
      return user == "joe" ? std::optional(Secret("pencil")) : std::nullopt;
    };
    o.open_maildrop = [this](std::string_view) -> Result<std::unique_ptr<Maildrop>> {
      if (post.locked) return fail(Errc::Busy, std::string("another session has it"));
      return std::make_unique<MemoryDrop>(post);
    };
    o.plain_allowed = !o.has_tls;
  }

  void start() {
    session = std::make_unique<Pop3Session>(o, now);
    banner = session->take_output(now);
  }
  // What is said to it, lines without their ends.
  std::string say_raw(std::string_view text) {
    if (session == nullptr) start();
    std::string out;
    const size_t step = piece == 0 ? text.size() : piece;
    for (size_t at = 0; at < text.size(); at += step) {
      session->feed(text.substr(at, step), now);
      while (true) {
        const std::string more = session->take_output(now);
        post.largest_piece = std::max(post.largest_piece, more.size());
        if (more.empty()) break;
        out += more;
      }
    }
    return out;
  }
  std::string operator()(const std::string& text) { return say_raw(text + "\r\n"); }
  void log_in() {
    EXPECT_EQ((*this)("USER joe"), "+OK\r\n");
    EXPECT_TRUE((*this)("PASS pencil").starts_with("+OK"));
  }

  Post post;
  Pop3Options o;
  size_t piece = 0;
  Steady::time_point now{};
  std::string banner;
  std::unique_ptr<Pop3Session> session;
};

TEST(Pop3Server, ServesAMaildrop) {
  for (const size_t piece : {size_t{0}, size_t{1}, size_t{3}}) {
    Talk talk;
    talk.piece = piece;
    talk.log_in();
    EXPECT_EQ(talk.banner, "+OK twinbox\r\n");
    EXPECT_EQ(talk("STAT"), "+OK 2 44\r\n");
    EXPECT_EQ(talk("LIST"), "+OK\r\n1 13\r\n2 31\r\n.\r\n");
    EXPECT_EQ(talk("list 2"), "+OK 2 31\r\n");
    EXPECT_EQ(talk("UIDL"), "+OK\r\n1 u1\r\n2 u2\r\n.\r\n");
    EXPECT_EQ(talk("UIDL 1 "), "+OK 1 u1\r\n");
    EXPECT_EQ(talk("RETR 1"), "+OK 13 octets\r\nA: 1\r\n\r\none\r\n.\r\n");
    EXPECT_EQ(talk("RETR 2"), "+OK 31 octets\r\nB: 2\r\n\r\n..two\r\n...\r\nthree\r\nfour\r\n.\r\n");
    EXPECT_EQ(talk("TOP 2 0"), "+OK 31 octets\r\nB: 2\r\n\r\n.\r\n");
    EXPECT_EQ(talk("TOP 2 3"), "+OK 31 octets\r\nB: 2\r\n\r\n..two\r\n...\r\nthree\r\n.\r\n");
    EXPECT_EQ(talk("TOP 2 99"), "+OK 31 octets\r\nB: 2\r\n\r\n..two\r\n...\r\nthree\r\nfour\r\n.\r\n");
    EXPECT_EQ(talk("NOOP"), "+OK\r\n");
    EXPECT_TRUE(talk.post.locked);
    EXPECT_EQ(talk("QUIT"), "+OK\r\n");
    EXPECT_TRUE(talk.session->over());
    EXPECT_FALSE(talk.post.locked);
    EXPECT_TRUE(talk.post.removed.empty());
  }
}

TEST(Pop3Server, RemovesInTheUpdateStateAlone) {
  Talk talk;
  talk.log_in();
  EXPECT_EQ(talk("DELE 1"), "+OK\r\n");
  EXPECT_EQ(talk("DELE 1"), "-ERR no such message\r\n");
  EXPECT_EQ(talk("RETR 1"), "-ERR no such message\r\n");
  EXPECT_EQ(talk("STAT"), "+OK 1 31\r\n");
  EXPECT_EQ(talk("LIST"), "+OK\r\n2 31\r\n.\r\n");
  EXPECT_EQ(talk("RSET"), "+OK\r\n");
  EXPECT_EQ(talk("STAT"), "+OK 2 44\r\n");
  talk("DELE 2");
  EXPECT_TRUE(talk.post.removed.empty());
  EXPECT_EQ(talk("QUIT"), "+OK removed: 1\r\n");
  EXPECT_EQ(talk.post.removed, std::vector<size_t>{1});

  Talk cut;
  cut.log_in();
  cut("DELE 1");
  cut.session.reset();
  EXPECT_TRUE(cut.post.removed.empty()) << "no QUIT, no removal";
  EXPECT_FALSE(cut.post.locked);

  Talk full;
  full.log_in();
  full("DELE 1");
  full.post.broken = true;
  EXPECT_EQ(full("QUIT"), "-ERR [SYS/TEMP] nothing was removed: disk full\r\n");
  EXPECT_TRUE(full.session->over());
}

TEST(Pop3Server, TakesCommandsAheadOfItsAnswers) {
  Talk talk;
  const std::string out =
      talk.say_raw("CAPA\r\nUSER joe\r\nPASS pencil\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nNOOP\r\nQUIT\r\nNOOP\r\n");
  EXPECT_TRUE(out.ends_with("+OK 2 44\r\n+OK 13 octets\r\nA: 1\r\n\r\none\r\n.\r\n+OK\r\n+OK\r\n+OK removed: 1\r\n"))
      << out;
}

TEST(Pop3Server, HandsALargeMessageOutInPiecesAsTheyAreTaken) {
  Talk talk;
  std::string large = "A: 1\r\n\r\n";
  while (large.size() < 3'000'000) large += ".a line that begins with a dot\r\n";
  talk.post.messages = {large, large + "no line end"};
  talk.log_in();
  const std::string one = talk("RETR 1");
  EXPECT_EQ(one.size(), ("+OK " + std::to_string(large.size()) + " octets\r\n").size() + large.size() +
                            static_cast<size_t>(std::ranges::count(large, '\n')) - 2 + 3);
  EXPECT_LT(talk.post.largest_piece, 200'000U);
  EXPECT_TRUE(talk("RETR 2").ends_with("no line end\r\n.\r\n"));
}

TEST(Pop3Server, AMessageThatCannotBeReadIsRefusedOrCutAndNeverPassedForWhole) {
  Talk talk;
  talk.log_in();
  talk.post.unreadable = 0;
  EXPECT_EQ(talk("RETR 1"), "-ERR [SYS/TEMP] damaged \r\n");
  EXPECT_TRUE(talk("RETR 2").starts_with("+OK"));
  talk.post.unreadable = SIZE_MAX;
  talk.post.messages[0] = std::string(1'000'000, 'x');
  talk.session->feed("RETR 1\r\n", talk.now);
  std::string out = talk.session->take_output(talk.now);
  talk.post.unreadable = 0;
  out += talk.session->take_output(talk.now);
  EXPECT_TRUE(talk.session->over());
  EXPECT_FALSE(out.ends_with("\r\n.\r\n"));
}

TEST(Pop3Server, SaysWhatItCanDoAndNothingThatIsSwitchedOff) {
  Talk all;
  const std::string everything = all("CAPA");
  for (const char* name : {"TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8 USER", "EXPIRE NEVER",
                           "IMPLEMENTATION twinbox", "USER", "SASL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"}) {
    EXPECT_NE(everything.find("\r\n" + std::string(name) + "\r\n"), std::string::npos) << name;
    Pop3Options options;
    options.off = {std::string(name).substr(0, std::string_view(name).find(' '))};
    Talk less(options);
    const std::string left = less("CAPA");
    EXPECT_EQ(left.find("\r\n" + std::string(name)), std::string::npos) << name << left;
  }
  Pop3Options options;
  options.off = {"CAPA", "SCRAM-SHA-1"};
  Talk none(options);
  EXPECT_EQ(none("CAPA"), "-ERR no such command\r\n");
  EXPECT_TRUE(none("AUTH SCRAM-SHA-1").starts_with("-ERR"));
  options.off = {"TOP", "UIDL", "UTF8", "USER"};
  Talk poor(options);
  EXPECT_EQ(poor("USER joe"), "-ERR no such command\r\n");
  EXPECT_EQ(poor("UTF8"), "-ERR no such command\r\n");
  EXPECT_TRUE(poor("AUTH PLAIN " + base64_encode(std::string_view("\0joe\0pencil", 11))).starts_with("+OK"));
  EXPECT_EQ(poor("TOP 1 0"), "-ERR no such command\r\n");
  EXPECT_EQ(poor("UIDL"), "-ERR no such command\r\n");
  options = {};
  options.expire_days = 30;
  options.login_delay = 900;
  Talk told(options);
  EXPECT_NE(told("CAPA").find("EXPIRE 30\r\nLOGIN-DELAY 900\r\n"), std::string::npos);
}

TEST(Pop3Server, WithoutTlsNoPasswordIsAskedFor) {
  Pop3Options options;
  options.has_tls = true;
  Talk talk(options);
  const std::string before = talk("CAPA");
  EXPECT_NE(before.find("STLS"), std::string::npos);
  EXPECT_EQ(before.find("USER\r\nSASL"), std::string::npos);
  EXPECT_NE(before.find("SASL SCRAM-SHA-256 SCRAM-SHA-1\r\n"), std::string::npos);
  EXPECT_EQ(talk("USER joe"), "-ERR not without TLS\r\n");
  EXPECT_EQ(talk("AUTH PLAIN"), "-ERR no such mechanism\r\n");
  EXPECT_EQ(talk.say_raw("STLS\r\nUSER joe\r\nPASS pencil\r\n"), "+OK begin TLS\r\n");
  EXPECT_TRUE(talk.session->wants_tls());
  EXPECT_FALSE(talk.session->wants_input());
  EXPECT_EQ(talk("QUIT"), "") << "nothing in the clear counts now";
  talk.session->tls_started({{.type = "tls-exporter", .data = "x"}}, talk.now);
  const std::string behind = talk("CAPA");
  EXPECT_EQ(behind.find("STLS"), std::string::npos);
  EXPECT_NE(behind.find("SASL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n"),
            std::string::npos);
  EXPECT_EQ(talk("STLS"), "-ERR there is no TLS to begin\r\n");
  talk.log_in();
  EXPECT_EQ(Talk()("STLS"), "-ERR there is no TLS to begin\r\n");
}

TEST(Pop3Server, TakesSasl) {
  Talk talk;
  EXPECT_EQ(talk("AUTH PLAIN"), "+ \r\n");
  EXPECT_TRUE(talk(base64_encode(std::string_view("\0joe\0pencil", 11))).starts_with("+OK"));
  Talk login;
  EXPECT_EQ(login("AUTH LOGIN"), "+ " + base64_encode("Username:") + "\r\n");
  EXPECT_EQ(login(base64_encode("joe")), "+ " + base64_encode("Password:") + "\r\n");
  EXPECT_TRUE(login(base64_encode("pencil")).starts_with("+OK"));
  Talk odd;
  EXPECT_EQ(odd("AUTH KERBEROS"), "-ERR no such mechanism\r\n");
  EXPECT_EQ(odd("AUTH CRAM-MD5"), "-ERR no such mechanism\r\n") << "not asked for";
  EXPECT_EQ(odd("AUTH LOGIN " + base64_encode("joe")), "-ERR this mechanism has no initial response\r\n");
  EXPECT_EQ(odd("AUTH PLAIN ="), "-ERR PLAIN: not an authorisation identity, a user name and a password\r\n");
  odd("AUTH PLAIN");
  EXPECT_EQ(odd("*"), "-ERR given up\r\n");
  odd("AUTH PLAIN");
  EXPECT_EQ(odd("!!"), "-ERR that is not base64\r\n");
  odd.log_in();
}

TEST(Pop3Server, TakesApopWhereItIsAskedFor) {
  Pop3Options options;
  options.asked_for = {"APOP"};
  Talk talk(options);
  talk.start();
  const size_t at = talk.banner.find('<');
  ASSERT_NE(at, std::string::npos);
  const std::string stamp = talk.banner.substr(at, talk.banner.find('>') - at + 1);
  const auto proof = [&](const std::string& password) {
    return to_hex(sasl::digest(sasl::Hash::Md5, stamp + password));
  };
  EXPECT_TRUE(talk("APOP joe " + proof("pencil")).starts_with("+OK"));
  EXPECT_EQ(Talk()("APOP joe " + proof("pencil")), "-ERR no such command\r\n");
}

TEST(Pop3Server, KeepsTheAnswerToAWrongPasswordBackAndEndsAfterSome) {
  Talk talk;
  for (const int seconds : {1, 2, 4}) {
    talk("USER joe");
    EXPECT_EQ(talk("PASS wrong"), "");
    EXPECT_EQ(talk("NOOP"), "") << "what comes behind waits too";
    EXPECT_EQ(talk.session->deadline(), talk.now + std::chrono::seconds(seconds));
    talk.now += std::chrono::seconds(seconds);
    EXPECT_TRUE(talk.session->take_output(talk.now).starts_with("-ERR [AUTH] wrong user name or password\r\n"));
  }
  EXPECT_TRUE(talk.session->over());
  Pop3Options options;
  options.off = {"AUTH-RESP-CODE"};
  Talk plain(options);
  plain("USER nobody");
  plain("PASS pencil");
  EXPECT_EQ(plain.session->take_output(plain.now + std::chrono::seconds(1)), "-ERR wrong user name or password\r\n");
}

TEST(Pop3Server, OneSessionHasTheMaildrop) {
  Talk talk;
  talk.post.locked = true;
  talk("USER joe");
  EXPECT_EQ(talk("PASS pencil"), "-ERR [IN-USE] another session has it\r\n");
  talk.post.locked = false;
  talk.log_in();
  Talk soon;
  soon.o.open_maildrop = [](std::string_view) -> Result<std::unique_ptr<Maildrop>> {
    return fail(Error{.code = Errc::Refused, .what = "wait a minute", .retry_after = std::chrono::seconds(60)});
  };
  soon("USER joe");
  EXPECT_EQ(soon("PASS pencil"), "-ERR [LOGIN-DELAY] wait a minute\r\n");
}

TEST(Pop3Server, AnswersWhatIsNoCommandOrComesOutOfTurn) {
  Talk talk;
  EXPECT_EQ(talk("STAT"), "-ERR log in first\r\n");
  EXPECT_EQ(talk("PASS pencil"), "-ERR USER first\r\n");
  EXPECT_EQ(talk("USER"), "-ERR whose?\r\n");
  EXPECT_EQ(talk(""), "-ERR no such command\r\n");
  EXPECT_EQ(talk("LANG"), "-ERR no such command\r\n");
  EXPECT_EQ(talk(std::string("\0\xff\x1b", 3)), "-ERR no such command\r\n");
  talk.log_in();
  EXPECT_EQ(talk("USER joe"), "-ERR not now: you are logged in\r\n");
  for (const char* bad : {"RETR", "RETR 0", "RETR 3", "RETR -1", "RETR 99999999999999999999", "RETR x", "LIST 3",
                          "UIDL 0", "DELE", "TOP 3 1"}) {
    EXPECT_EQ(talk(bad), "-ERR no such message\r\n") << bad;
  }
  EXPECT_EQ(talk("TOP 1"), "-ERR how many lines?\r\n");
  EXPECT_EQ(talk("TOP 1 -1"), "-ERR how many lines?\r\n");
}

TEST(Pop3Server, HasLimits) {
  const Pop3Limits limits;
  Talk longline;
  EXPECT_EQ(longline.say_raw(std::string(limits.line + 1, 'x')), "-ERR the line is too long\r\n");
  EXPECT_TRUE(longline.session->over());
  Talk bad;
  std::string out;
  for (uint64_t i = 0; i <= limits.bad_commands; ++i) out = bad("XYZZY");
  EXPECT_EQ(out, "-ERR too many bad commands\r\n");
  EXPECT_TRUE(bad.session->over());
  Talk never;
  for (uint64_t i = 0; i < limits.commands_before_login; ++i) never("CAPA");
  EXPECT_EQ(never("CAPA"), "-ERR log in first\r\n");
  EXPECT_TRUE(never.session->over());
  Talk full;
  full.log_in();
  full.session->feed("RETR 1\r\n" + std::string(limits.input, ' '), full.now);
  EXPECT_FALSE(full.session->wants_input());
}

TEST(Pop3Server, EndsASessionThatIsLeftAloneAndRemovesNothing) {
  Talk talk;
  talk.start();
  EXPECT_EQ(talk.session->deadline(), talk.now + Pop3Limits{}.login_timeout);
  talk.now += std::chrono::seconds(59);
  EXPECT_EQ(talk.session->take_output(talk.now), "");
  talk.session->feed("US", talk.now);  // an octet now and then is no command
  talk.now += std::chrono::seconds(1);
  EXPECT_EQ(talk.session->take_output(talk.now), "-ERR nothing came for too long\r\n");
  EXPECT_TRUE(talk.session->over());
  Talk in;
  in.log_in();
  in("DELE 1");
  in.now += std::chrono::seconds(599);
  EXPECT_EQ(in("NOOP"), "+OK\r\n");
  in.now += std::chrono::seconds(600);
  EXPECT_EQ(in.session->take_output(in.now), "-ERR nothing came for too long\r\n");
  EXPECT_TRUE(in.post.removed.empty());
  // A message that takes long to be sent is no silence of the client's.
  Talk slow;
  slow.post.messages = {std::string(300'000, 'x')};
  slow.log_in();
  slow.session->feed("RETR 1\r\n", slow.now);
  while (!slow.session->take_output(slow.now).empty()) slow.now += std::chrono::seconds(500);
  EXPECT_FALSE(slow.session->over());
  EXPECT_EQ(slow("NOOP"), "+OK\r\n");
}

TEST(Pop3Server, ShowsNoSecretInATrace) {
  Lines lines;
  Pop3Options options;
  options.trace = &lines;
  options.asked_for = {"APOP"};
  Talk talk(options);
  talk.log_in();
  Talk sasl(options);
  sasl("AUTH PLAIN " + base64_encode(std::string_view("\0joe\0pencil", 11)));
  Talk challenge(options);
  challenge("AUTH LOGIN");
  challenge(base64_encode("joe"));
  challenge(base64_encode("pencil"));
  Talk apop(options);
  apop("APOP joe 0123456789abcdef0123456789abcdef");
  Talk refused(options);
  refused.say_raw("AUTH KERBEROS\r\n" + base64_encode("pencil") + "\r\n");
  for (const char* secret : {"pencil", "cGVuY2ls", "AGpvZQBwZW5jaWw", "0123456789abcdef"}) {
    EXPECT_EQ(lines.all.find(secret), std::string::npos) << secret << "\n" << lines.all;
  }
  EXPECT_NE(lines.all.find("C: PASS ***\n"), std::string::npos);
  EXPECT_NE(lines.all.find("C: AUTH PLAIN ***\n"), std::string::npos);
  EXPECT_NE(lines.all.find("C: APOP joe ***\n"), std::string::npos);
}

}  // namespace
}  // namespace libsync::server
