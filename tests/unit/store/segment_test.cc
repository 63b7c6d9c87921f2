#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "libsync/base/file.h"
#include "libsync/store/crc32c.h"
#include "libsync/store/segment_reader.h"
#include "libsync/store/segment_writer.h"

#include "tests/support/temp_dir.h"

namespace libsync::store {
namespace {

class SegmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = SegmentWriter::create(fs, dir.path().string(), path, header);
    ASSERT_TRUE(made) << made.error().text();
    writer = std::move(*made);
  }
  FramePlace append(const std::string& octets) {
    auto place = writer->append(Preparer().prepare(octets));
    EXPECT_TRUE(place);
    return *place;
  }
  std::vector<std::string> scan(uint64_t* damaged = nullptr, uint64_t* end = nullptr) {
    auto file = fs.open(path, OpenMode::Read);
    SegmentScan all(**file, path, header);
    std::vector<std::string> found;
    while (true) {
      auto frame = all.next(SIZE_MAX);
      EXPECT_TRUE(frame);
      if (!*frame) break;
      found.push_back((*frame)->head);
    }
    if (damaged != nullptr) *damaged = all.damaged();
    if (end != nullptr) *end = all.valid_end();
    return found;
  }
  std::string bytes() { return *read_file(fs, path, 1 << 30); }
  void put(const std::string& content) { std::ofstream(path, std::ios::binary | std::ios::trunc) << content; }

  twinbox::test::TempDir dir;
  RealFileSystem fs;
  std::string path = dir / "00000001.seg";
  SegmentHeader header{.number = 1, .key = 0x1122334455667788};
  std::unique_ptr<SegmentWriter> writer;
};

TEST(Crc32c, GivesTheCheckValueAndContinues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283u);
}

TEST_F(SegmentTest, GivesBackWhatWasAppended) {
  const std::vector<std::string> messages = {"", "a", std::string(5000, 'x'), std::string("\0\r\n.\r\n\xFF", 7)};
  for (const auto& each : messages) append(each);
  ASSERT_TRUE(writer->sync());
  EXPECT_EQ(scan(), messages);
}

TEST_F(SegmentTest, CompressesOnlyWhatGetsSmaller) {
  EXPECT_EQ(append(std::string(100'000, 'x')).codec, Codec::Zstd);
  std::string noise;
  for (uint32_t i = 0; noise.size() < 100'000; ++i) noise += to_hex(sha256(std::to_string(i))).substr(0, 3);
  std::string random;
  for (uint32_t i = 0; random.size() < 100'000; ++i) {
    const auto digest = sha256(std::to_string(i));
    random.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  const FramePlace place = append(random);
  EXPECT_EQ(place.codec, Codec::Raw);
  EXPECT_LT(place.stored, random.size() + 200);
}

TEST_F(SegmentTest, ATailTornAtAnyByteLosesOnlyTheMessageItIsIn) {
  append("first message");
  const FramePlace second = append("second message, " + std::string(600, 'y'));
  ASSERT_TRUE(writer->sync());
  const std::string whole = bytes();
  for (uint64_t cut = second.offset; cut < whole.size(); ++cut) {
    put(whole.substr(0, cut));
    uint64_t end = 0;
    ASSERT_EQ(scan(nullptr, &end), std::vector<std::string>{"first message"}) << cut;
    ASSERT_EQ(end, second.offset) << cut;
  }
}

TEST_F(SegmentTest, AFlippedBitAnywhereIsFoundAndTheFramesAroundItAreNotLost) {
  append("first message");
  const FramePlace second = append("second message");
  append("third message");
  ASSERT_TRUE(writer->sync());
  const std::string whole = bytes();
  for (uint64_t at = second.offset; at < second.offset + second.stored; ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    put(bad);
    uint64_t damaged = 0;
    ASSERT_EQ(scan(&damaged), (std::vector<std::string>{"first message", "third message"})) << at;
    ASSERT_GE(damaged, 1u);
  }
}

TEST_F(SegmentTest, AMessageHoldingAFrameOfAnotherSegmentIsNotTakenForOne) {
  append("inner message");
  ASSERT_TRUE(writer->sync());
  const std::string smuggled = bytes();
  header.key = 99;
  path = dir / "00000002.seg";
  writer = *SegmentWriter::create(fs, dir.path().string(), path, header);
  const FramePlace place = append(smuggled);
  ASSERT_TRUE(writer->sync());
  std::string bad = bytes();
  bad[place.offset] = 'X';  // the outer frame's magic: the scan must look for the next one
  put(bad);
  EXPECT_TRUE(scan().empty());
}

TEST_F(SegmentTest, ALargeMessagePassesThroughInPieces) {
  writer->begin_frame();
  Sha256 hash;
  std::string piece(300'000, '\0');
  for (int i = 0; i < 40; ++i) {
    piece[static_cast<size_t>(i)] = static_cast<char>(i);
    hash.update(piece);
    ASSERT_TRUE(writer->add(piece));
  }
  const auto ended = writer->end_frame();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->size, 12'000'000u);
  EXPECT_EQ(ended->sha256, hash.finish());
  ASSERT_TRUE(writer->sync());
  auto file = fs.open(path, OpenMode::Read);
  FrameReader reader(**file, path, header.key, ended->place.offset);
  uint64_t octets = 0;
  while (true) {
    const auto next = reader.next();
    ASSERT_TRUE(next);
    if (!*next) break;
    EXPECT_LE((*next)->size(), kChunkBytes);
    octets += (*next)->size();
  }
  EXPECT_EQ(octets, 12'000'000u);
}

TEST_F(SegmentTest, AnAnnouncedChunkLargerThanTheLimitIsDamageNotAnAllocation) {
  std::string frame = encode_frame_header(header.key, Codec::Raw);
  frame += std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0", 12);
  put(bytes() + frame);
  EXPECT_TRUE(scan().empty());
}

TEST_F(SegmentTest, TheFormatOfANewerVersionIsRefused) {
  put(encode(SegmentHeader{.version = 2, .number = 1, .key = 1}));
  auto file = fs.open(path, OpenMode::Read);
  EXPECT_EQ(read_segment_header(**file, path).error().code, Errc::Newer);
  put("something else");
  file = fs.open(path, OpenMode::Read);
  EXPECT_EQ(read_segment_header(**file, path).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace libsync::store
