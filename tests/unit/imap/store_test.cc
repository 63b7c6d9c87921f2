// Commands that change mail, and what their answers tell.
#include "libsync/imap/store.h"

#include <deque>

#include <gtest/gtest.h>

#include "libsync/imap/append.h"
#include "libsync/imap/copy.h"
#include "libsync/imap/create.h"
#include "libsync/imap/delete_mailbox.h"
#include "libsync/imap/expunge.h"
#include "libsync/imap/fetch.h"
#include "libsync/imap/move.h"
#include "libsync/imap/noop.h"
#include "libsync/imap/rename.h"
#include "libsync/imap/session.h"
#include "libsync/imap/subscribe.h"

namespace libsync::imap {
namespace {

std::string text(Result<Command> command) {
  if (!command) return command.error().what;
  std::string all;
  for (const Piece& piece : command->pieces) all += piece.literal ? "{" + piece.text + "}" : piece.text;
  return all;
}

TEST(Commands, ThatChangeMailHaveTheirStringsInTheFormTheyNeed) {
  EXPECT_EQ(text(uid_store("1:3", StoreHow::Add, "(\\Seen x)")), "UID STORE 1:3 +FLAGS (\\Seen x)");
  EXPECT_EQ(text(uid_store("1", StoreHow::Remove, "(\\Seen)", true)), "UID STORE 1 -FLAGS.SILENT (\\Seen)");
  EXPECT_EQ(text(uid_copy("1,3", "a b")), "UID COPY 1,3 \"a b\"");
  EXPECT_EQ(text(uid_move("1,3", "nil")), "UID MOVE 1,3 \"nil\"");
  EXPECT_EQ(text(expunge()), "EXPUNGE");
  EXPECT_EQ(text(uid_expunge("7")), "UID EXPUNGE 7");
  EXPECT_EQ(text(create("Sent", "\\Sent")), "CREATE Sent (USE (\\Sent))");
  EXPECT_EQ(text(create("a\r\nT9 DELETE b")), "CREATE {a\r\nT9 DELETE b}");
  EXPECT_EQ(text(rename("a", "b\"c")), "RENAME a \"b\\\"c\"");
  EXPECT_EQ(text(delete_mailbox("INBOX")), "DELETE INBOX");
  EXPECT_EQ(text(subscribe("a")) + text(unsubscribe("b")), "SUBSCRIBE aUNSUBSCRIBE b");
  std::vector<AppendMessage> two(2);
  two[0] = {.flags = "(\\Seen)", .date = "14-Nov-2023 22:13:20 +0000", .utf8 = true, .octets = {.text = "x"}};
  two[1].octets.text = "y";
  EXPECT_EQ(text(append("a", two)), "APPEND a (\\Seen) \"14-Nov-2023 22:13:20 +0000\" UTF8 ({x}) {y}");
}

TEST(InternalDate, GoesBackAndForth) {
  for (const int64_t at : {int64_t{0}, int64_t{1'700'000'000}, int64_t{-1}, int64_t{253'402'300'799}}) {
    EXPECT_EQ(parse_internal_date(format_internal_date(at).value_or("")), at);
  }
  EXPECT_EQ(format_internal_date(951'782'400), "29-Feb-2000 00:00:00 +0000");
  EXPECT_EQ(format_internal_date(1'709'251'200), " 1-Mar-2024 00:00:00 +0000");
  EXPECT_EQ(format_internal_date(253'402'300'800), std::nullopt);
  EXPECT_EQ(format_internal_date(INT64_MIN), std::nullopt);
}

TEST(NumbersInOrder, AreThoseOfTheSetAsItNamesThem) {
  using Numbers = std::vector<uint32_t>;
  EXPECT_EQ(numbers_in_order("5,3:4,9", 10), (Numbers{5, 3, 4, 9}));
  EXPECT_EQ(numbers_in_order("4:3", 10), (Numbers{3, 4}));
  EXPECT_EQ(numbers_in_order("4294967295", 1), (Numbers{4294967295}));
  for (const char* bad :
       {"", "0", "1:*", "*", "1,", ",1", "1,,2", "1:", ":1", "a", "4294967296", "1:2:3", "-1", "1 2"}) {
    EXPECT_EQ(numbers_in_order(bad, 10), std::nullopt) << bad;
  }
  EXPECT_TRUE(numbers_in_order("1:10", 10));
  for (const char* many : {"1:11", "1:4294967295", "1:5,6:11", "1,1,1,1,1,1,1,1,1,1,1"}) {
    EXPECT_EQ(numbers_in_order(many, 10), std::nullopt) << many;
  }
}

// A large literal, and what a server says while it goes out.
class Streamed final : public LiteralSource {
 public:
  explicit Streamed(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<std::string_view> next() override {
    if (pieces_.empty()) return std::string_view();
    now_ = pieces_.front();
    pieces_.pop_front();
    if (now_ == "fail") return fail(Errc::Disk, "can't be read");
    return now_;
  }

 private:
  std::deque<std::string> pieces_;
  std::string now_;
};

Command streamed(uint64_t size, std::deque<std::string> pieces) {
  std::vector<AppendMessage> one(1);
  one[0].octets.size = size;
  one[0].octets.source = std::make_shared<Streamed>(std::move(pieces));
  return append("a", one).value();
}

struct Heard : Handler {
  void on_done(const Completion& done) override { log += std::to_string(done.id) + (done.ok() ? "+" : "-"); }
  std::string log;
};

// All that goes out, stretch by stretch.
std::string out(Session& session) {
  std::string all = session.take_output();
  for (auto more = session.stream(); more && *more; more = session.stream()) all += "|" + session.take_output();
  return all;
}

TEST(Session, StreamsALiteralAndSendsNothingBesideIt) {
  Heard heard;
  Session session(heard);
  ASSERT_TRUE(session.receive("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n"));
  ASSERT_TRUE(session.submit(noop()));
  ASSERT_TRUE(session.submit(streamed(5, {"ab", "cde"})));
  ASSERT_TRUE(session.submit(noop()));
  EXPECT_EQ(out(session), "T1 NOOP\r\n");
  ASSERT_TRUE(session.receive("T1 OK\r\n"));
  EXPECT_EQ(out(session), "T2 APPEND a {5+}\r\n|ab|cde\r\n");
  ASSERT_TRUE(session.receive("T2 OK\r\n"));
  EXPECT_EQ(out(session), "T3 NOOP\r\n");
  EXPECT_EQ(heard.log, "1+2+");
}

TEST(Session, ALiteralToStreamWaitsForItsPlusAndMayBeRefused) {
  Heard heard;
  Session session(heard);
  ASSERT_TRUE(session.receive("* PREAUTH hi\r\n"));
  ASSERT_TRUE(session.submit(streamed(5, {"abcde"})));
  EXPECT_EQ(out(session), "T1 APPEND a {5}\r\n");
  ASSERT_TRUE(session.receive("T1 NO full\r\n"));
  ASSERT_TRUE(session.submit(streamed(5, {"abcde"})));
  EXPECT_EQ(out(session), "T2 APPEND a {5}\r\n");
  ASSERT_TRUE(session.receive("+ go\r\n"));
  EXPECT_EQ(out(session), "|abcde\r\n");
  EXPECT_EQ(heard.log, "1-");
}

TEST(Session, AStreamThatIsNotWhatWasAnnouncedEndsTheSession) {
  for (const auto& pieces : {std::deque<std::string>{"abc", "def"}, {"abc"}, {"abc", "fail"}}) {
    Heard heard;
    Session session(heard);
    ASSERT_TRUE(session.receive("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n"));
    ASSERT_TRUE(session.submit(streamed(5, pieces)));
    (void)session.take_output();
    ASSERT_TRUE(session.stream());
    const auto more = session.stream();
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code, pieces.back() == "fail" ? Errc::Disk : Errc::Internal);
    EXPECT_FALSE(session.receive("T1 OK\r\n"));
  }
}

TEST(Session, AnAnswerOrAPlusInTheMiddleOfAStreamEndsTheSession) {
  for (const char* said : {"+ more\r\n", "T1 OK\r\n", "T1 NO\r\n"}) {
    Heard heard;
    Session session(heard);
    ASSERT_TRUE(session.receive("* PREAUTH hi\r\n"));
    ASSERT_TRUE(session.submit(streamed(5, {"abcde"})));
    EXPECT_FALSE(session.receive(std::string("+ go\r\n") + said)) << said;
  }
}

}  // namespace
}  // namespace libsync::imap
