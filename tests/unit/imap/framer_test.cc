#include "libsync/imap/framer.h"

#include <gtest/gtest.h>

namespace libsync::imap {
namespace {

// Writes down what the framer tells.
class Log final : public FrameSink {
 public:
  void frame(const Frame& frame) override {
    text += "[" + std::string(frame.text) + "]";
    if (pause_at != nullptr && frame.text == pause_at) framer->pause();
  }
  void literal_begin(std::string_view, std::span<const Literal> literals) override {
    text += "<" + std::to_string(literals.back().size) + ":";
  }
  void literal_data(std::string_view bytes) override {
    text += bytes;
    largest = std::max(largest, bytes.size());
  }
  void literal_end() override { text += ">"; }
  std::string text;
  size_t largest = 0;
  const char* pause_at = nullptr;
  Framer* framer = nullptr;
};

std::string frames(std::string_view bytes, size_t piece) {
  Limits limits;
  Quirks quirks;
  Framer framer(limits, quirks);
  Log log;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (auto fed = framer.feed(bytes.substr(at, piece), log); !fed) return log.text + "!" + fed.error().text();
  }
  return log.text + (framer.idle() ? "" : "…");
}

constexpr std::string_view kTranscript =
    "* OK [CAPABILITY IMAP4rev1] hi {5}\r\n"
    "* 1 FETCH (UID 7 BODY[] {5}\r\na\r\n)b FLAGS ())\r\n"
    "* LIST () \"/\" {6}\r\nab\r\ncd\r\n"
    "* 2 FETCH (BODY[HEADER.FIELDS (\"To\")]<0> {0}\r\n RFC822 ~{3}\r\n\r\n) X 1)\n"
    "T1 OK done {3}\r\n";

TEST(Framer, StreamsMessageTextAndKeepsOtherLiterals) {
  EXPECT_EQ(frames(kTranscript, 100000),
            "[* OK [CAPABILITY IMAP4rev1] hi {5}]"
            "<5:a\r\n)b>[* 1 FETCH (UID 7 BODY[] {5}\r\n FLAGS ())]"
            "[* LIST () \"/\" {6}\r\nab\r\ncd]"
            "<0:><3:\r\n)>[* 2 FETCH (BODY[HEADER.FIELDS (\"To\")]<0> {0}\r\n RFC822 ~{3}\r\n X 1)]"
            "[T1 OK done {3}]");
}

TEST(Framer, GivesTheSameHoweverTheBytesAreCut) {
  const std::string whole = frames(kTranscript, 100000);
  for (size_t piece = 1; piece < kTranscript.size(); ++piece) EXPECT_EQ(frames(kTranscript, piece), whole) << piece;
}

TEST(Framer, RefusesALiteralOfFourGigabytesBeforeAllocating) {
  EXPECT_NE(frames("* 1 FETCH (BODY[] {4294967296}\r\n", 1000).find("!the server announces a literal"),
            std::string::npos);
  EXPECT_NE(frames("* 1 FETCH (BODY[] {99999999999999999999999}\r\n", 1000).find("more than 64 bits"),
            std::string::npos);
  EXPECT_NE(frames("* LIST () NIL {1048577}\r\n", 1000).find("!the server announces"), std::string::npos);
}

TEST(Framer, CutsOffALineWithoutEnd) {
  Limits limits;
  Quirks quirks;
  Framer framer(limits, quirks);
  framer.logged_in();
  Log log;
  const std::string block(size_t{1} << 20, 'x');
  size_t taken = 0;
  Result<size_t> fed = 0;
  for (; taken < 100 && fed; ++taken) fed = framer.feed(block, log);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, Errc::Limit);
  EXPECT_EQ(taken, 17U);  // 16 MiB and no more
}

TEST(Framer, AllowsLittleBeforeLogin) {
  EXPECT_NE(frames("* OK " + std::string(70000, 'x') + "\r\n", 5000).find("!the server sends a response of more"),
            std::string::npos);
}

TEST(Framer, TakesNoOctetOfALiteralForTheLineBehindIt) {
  EXPECT_EQ(frames("* LIST () NIL {3}\r\nab\r\nT1 OK\r\n", 1000), "[* LIST () NIL {3}\r\nab\r][T1 OK]")
      << "its last octet is CR, and LF alone ends the line";
  EXPECT_EQ(frames("* LIST () NIL {4}\r\na{5}\r\nT1 OK\r\n", 1000), "[* LIST () NIL {4}\r\na{5}][T1 OK]")
      << "a mailbox that is named like a literal";
  EXPECT_EQ(frames("* LIST () NIL {4}\r\na{5}{2}\r\nxy\r\n", 1000), "[* LIST () NIL {4}\r\na{5}{2}\r\nxy]");
}

TEST(Framer, BoundsTheLiteralsOfOneResponse) {
  std::string bytes = "* 1 FETCH (";
  for (int i = 0; i < 1001; ++i) bytes += "BODY[] {0}\r\n ";
  EXPECT_NE(frames(bytes, 100000).find("more than 1000 literals"), std::string::npos);
}

TEST(Framer, StopsWhereItIsPaused) {
  Limits limits;
  Quirks quirks;
  Framer framer(limits, quirks);
  Log log;
  log.framer = &framer;
  log.pause_at = "T1 OK go";
  EXPECT_EQ(framer.feed("T1 OK go\r\nsurplus\r\n", log).value(), 10U);
  EXPECT_EQ(log.text, "[T1 OK go]");
}

}  // namespace
}  // namespace libsync::imap
