#include "libsync/net/deflate.h"

#include <random>

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

using libsync::net::Deflater;
using libsync::net::Inflater;

std::string mail_like(size_t size, std::mt19937& random) {
  std::string text;
  while (text.size() < size) {
    text += "Received: from mail.example.org by ";
    for (int i = 0; i < 20; ++i) text += static_cast<char>(random() % 256);
  }
  text.resize(size);
  return text;
}

// All that the input gives through a buffer of `room` bytes, or the first error.
libsync::Result<std::string> expand_all(Inflater& inflater, std::string_view input, size_t room) {
  std::string all;
  std::vector<char> out(room);
  for (;;) {
    TB_ASSIGN(const size_t n, inflater.expand(input, out));
    all.append(out.data(), n);
    if (n == 0 && input.empty()) return all;
  }
}

TEST(Deflate, RandomPiecesComeBackWholeAtEveryFlush) {
  std::mt19937 random(7);
  Deflater deflater;
  Inflater inflater;
  for (int i = 0; i < 200; ++i) {
    const auto text = mail_like(1 + random() % 5000, random);
    std::string packed, back;
    deflater.add(text, packed);
    for (size_t at = 0; at < packed.size();) {
      const size_t piece = 1 + random() % 300;
      const auto got = expand_all(inflater, std::string_view(packed).substr(at, piece), 1 + random() % 700);
      ASSERT_TRUE(got) << got.error().text();
      back += *got;
      at += piece;
    }
    ASSERT_EQ(back, text);
  }
}

TEST(Deflate, ABombIsStoppedAndNeverHeldInMemory) {
  Deflater deflater;
  std::string packed;
  deflater.add(std::string(libsync::net::kInflateAllowance * 2, '\0'), packed);
  Inflater inflater;
  std::string_view input = packed;
  std::vector<char> out(65536);
  uint64_t total = 0;
  libsync::Result<size_t> got = size_t{0};
  do {
    got = inflater.expand(input, out);
    if (got) total += *got;
  } while (got && *got != 0);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::Limit);
  EXPECT_GE(total, libsync::net::kInflateAllowance);
  EXPECT_LT(total, libsync::net::kInflateAllowance * 3 / 2);
}

TEST(Deflate, MailThatShrinksAHundredfoldIsNeverTakenForABomb) {
  Deflater deflater;
  Inflater inflater;
  uint64_t total = 0, packed_total = 0;
  while (total < libsync::net::kInflateAllowance * 2) {
    std::string text, packed;
    for (int i = 0; i < 100; ++i) text += std::to_string(total + i) + std::string(1500, '=') + "\r\n";
    deflater.add(text, packed);
    ASSERT_TRUE(expand_all(inflater, packed, 1 << 18));
    total += text.size();
    packed_total += packed.size();
  }
  EXPECT_GT(total / packed_total, 80U);
}

TEST(Deflate, InputThatYieldsNothingIsBounded) {
  std::string empty_blocks;
  while (empty_blocks.size() < libsync::net::kMaxBarrenInput + 10) empty_blocks += std::string("\0\0\0\xff\xff", 5);
  Inflater inflater;
  const auto got = expand_all(inflater, empty_blocks, 100);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::Limit);
}

TEST(Deflate, DamageAndAnEndedStreamAreProtocolErrors) {
  Inflater damaged, ended;
  EXPECT_EQ(expand_all(damaged, "\xff\xff\xff\xff", 100).error().code, Errc::Protocol);
  EXPECT_EQ(expand_all(ended, std::string_view("\x03\x00", 2), 100).error().code, Errc::Protocol);
}

class Compress : public NetTest {};

// The server's half, with the same classes the other way round.
TEST_F(Compress, BothDirectionsOverTlsAndTheSurplusBelongsToTheStream) {
  const auto certificate = authority_.issue_local();
  std::mt19937 random(3);
  const auto mail = mail_like(3 << 20, random);
  LoopbackServer server([&](Peer& peer) {
    if (!peer.start_tls({.certificate = certificate})) return;
    Deflater deflater;
    Inflater inflater;
    std::string packed, said;
    deflater.add("first", packed);
    peer.read_line();
    peer.write("OK\r\n" + packed);
    while (!said.ends_with('\n')) {
      const auto bytes = peer.read();
      if (bytes.empty()) return;
      said += expand_all(inflater, bytes, 4096).value_or("?\n");
    }
    packed.clear();
    deflater.add(said + mail, packed);
    peer.write(packed);
  });
  auto made = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_TRUE(made) << made.error().text();
  auto& channel = **made;
  channel.send("COMPRESS\n");
  const auto answer = channel.receive(soon(), {});
  ASSERT_TRUE(answer && answer->starts_with("OK\r\n"));
  ASSERT_TRUE(channel.start_deflate(answer->substr(4)));
  EXPECT_EQ(read_up_to(channel, 5), "first");
  channel.send("one ");
  channel.send("two\n");
  EXPECT_EQ(read_up_to(channel, 8 + mail.size()), "one two\n" + mail);
  EXPECT_LT(channel.cost().bytes_in, mail.size());
  EXPECT_NE(trace_.lines.find("compression on"), std::string::npos);
  EXPECT_EQ(channel.start_tls(0, soon(), {}).error().code, Errc::Internal);
}

TEST_F(Compress, ADamagedStreamBreaksTheConnection) {
  ScriptedServer server({say("OK\r\n"), expect_bytes(1), say("\xff\xff\xff\xff"), hang()});
  auto made = connect_to(server.port(), Security::Plain);
  ASSERT_TRUE((*made)->receive(soon(), {}));
  ASSERT_TRUE((*made)->start_deflate(""));
  (*made)->send("x");
  EXPECT_EQ((*made)->receive(soon(), {}).error().code, Errc::Protocol);
  EXPECT_TRUE((*made)->broken());
}

}  // namespace
}  // namespace twinbox::test
