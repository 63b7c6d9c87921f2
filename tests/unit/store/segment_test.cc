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

// Counts what is read of a file.
class CountingFile final : public File {
 public:
  explicit CountingFile(File& file) : file_(file) {}
  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    auto got = file_.read_at(offset, out);
    read += got.value_or(0);
    return got;
  }
  Status write_at(uint64_t, std::string_view) override { return fail(Errc::Internal, "written"); }
  Status sync() override { return {}; }
  Result<uint64_t> size() override { return file_.size(); }
  Status truncate(uint64_t) override { return fail(Errc::Internal, "cut"); }
  uint64_t read = 0;

 private:
  File& file_;
};

TEST_F(SegmentTest, APieceOfALargeMessageIsReadWithoutWhatIsBeforeIt) {
  std::string octets;
  for (uint32_t state = 1; octets.size() < 8 * kChunkBytes + 5;) {
    octets.push_back(static_cast<char>((state = state * 1664525 + 1013904223) >> 24));
  }
  const FramePlace place = append(octets);
  ASSERT_TRUE(writer->sync());
  auto file = fs.open(path, OpenMode::Read);
  for (const uint64_t octet : {uint64_t{0}, uint64_t{5}, kChunkBytes - 1, kChunkBytes, 7 * kChunkBytes + 1,
                               8 * kChunkBytes, octets.size() - 1}) {
    CountingFile counted(**file);
    Unpacker unpacker;
    FrameReader reader(counted, path, header.key, place.offset, kChunkBytes, &unpacker);
    const auto at = reader.skip_to(octet);
    ASSERT_TRUE(at);
    EXPECT_EQ(*at, octet - octet % kChunkBytes);
    const auto next = reader.next();
    ASSERT_TRUE(next);
    EXPECT_TRUE(**next == std::string_view(octets).substr(*at, kChunkBytes));
    EXPECT_LT(counted.read, 5 * kChunkBytes / 2);
  }
  FrameReader reader(**file, path, header.key, place.offset);
  EXPECT_EQ(reader.skip_to(octets.size()).value(), octets.size());
  EXPECT_FALSE(reader.next().value());
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
