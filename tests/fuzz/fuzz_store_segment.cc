#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "libsync/store/segment_reader.h"

namespace {

using namespace libsync;

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::string_view bytes) : bytes_(bytes) {}
  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    if (offset >= bytes_.size()) return 0;
    const std::string_view piece = bytes_.substr(offset, out.size());
    std::ranges::copy(piece, out.begin());
    return piece.size();
  }
  Status write_at(uint64_t, std::string_view) override { return fail(Errc::Internal, "read only"); }
  Status sync() override { return {}; }
  Result<uint64_t> size() override { return bytes_.size(); }
  Status truncate(uint64_t) override { return fail(Errc::Internal, "read only"); }

 private:
  std::string_view bytes_;
};

// Reads a frame at `offset` with every checksum; what comes out must fit its trailer.
void read_frame(File& file, uint64_t key, uint64_t offset) {
  store::FrameReader reader(file, "fuzz", key, offset);
  uint64_t octets = 0;
  while (true) {
    const auto next = reader.next();
    if (!next) return;
    if (!*next) break;
    octets += (*next)->size();
  }
  if (octets != reader.trailer().size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  MemoryFile file({reinterpret_cast<const char*>(data), size});
  const auto header = store::read_segment_header(file, "fuzz");
  const store::SegmentHeader used = header.value_or(store::SegmentHeader{.number = 1, .key = 1});
  read_frame(file, used.key, store::kSegmentHeaderBytes);
  store::SegmentScan scan(file, "fuzz", used);
  uint64_t end = store::kSegmentHeaderBytes;
  while (true) {
    const auto frame = scan.next(100);
    if (!frame) std::abort();
    if (!*frame) break;
    if ((*frame)->place.offset < end) std::abort();
    end = (*frame)->place.offset + (*frame)->place.stored;
    if (end > size) std::abort();
  }
  return 0;
}
