#include "libsync/store/segment_writer.h"

#include <algorithm>

namespace libsync::store {

SegmentWriter::SegmentWriter(std::unique_ptr<File> file, const SegmentHeader& header, uint64_t length)
    : file_(std::move(file)), header_(header), written_(length) {
  buffer_.reserve(kWriteBytes + kChunkBytes);
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(FileSystem& fs, const std::string& folder,
                                                             const std::string& path, const SegmentHeader& header) {
  TB_ASSIGN(auto file, fs.open(path, OpenMode::CreateNew));
  const auto begin = [&]() -> Status {
    TB_TRY(file->write_at(0, encode(header)));
    TB_TRY(file->sync());
    return fs.sync_dir(folder);
  };
  if (auto begun = begin(); !begun) {
    file.reset();
    (void)fs.remove(path);  // a disk that is full: the error to tell is the first one
    return fail(begun.error());
  }
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(file), header, kSegmentHeaderBytes));
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::resume(FileSystem& fs, const std::string& path,
                                                             const SegmentHeader& header, uint64_t length) {
  TB_ASSIGN(auto file, fs.open(path, OpenMode::ReadWrite));
  TB_ASSIGN(const uint64_t size, file->size());
  if (size > length) TB_TRY(file->truncate(length));
  std::unique_ptr<SegmentWriter> writer(new SegmentWriter(std::move(file), header, length));
  writer->dirty_ = true;  // who wrote what is there may have died before syncing it
  return writer;
}

Status SegmentWriter::flush() {
  if (buffer_.empty()) return {};
  dirty_ = true;
  TB_TRY(file_->write_at(written_, buffer_));
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

Status SegmentWriter::truncate(uint64_t length) {
  if (length >= written_) {
    buffer_.resize(length - written_);
    return {};
  }
  buffer_.clear();
  dirty_ = true;
  TB_TRY(file_->truncate(length));
  written_ = length;
  return {};
}

Status SegmentWriter::sync() {
  TB_TRY(flush());
  if (!dirty_) return {};
  TB_TRY(file_->sync());
  dirty_ = false;
  return {};
}

Status SegmentWriter::write_chunk(std::string_view octets) {
  const bool first = !encoder_.decided();
  const std::string_view stored = encoder_.pack(octets);
  if (first) buffer_ += encode_frame_header(header_.key, encoder_.codec());
  append_chunk_header(buffer_, static_cast<uint32_t>(octets.size()), stored);
  buffer_ += stored;
  return buffer_.size() >= kWriteBytes ? flush() : Status{};
}

Status SegmentWriter::finish(uint64_t size, const Sha256Digest& sha256) {
  if (!encoder_.decided()) buffer_ += encode_frame_header(header_.key, encoder_.codec());
  return trailer(size, sha256);
}

Status SegmentWriter::trailer(uint64_t size, const Sha256Digest& sha256) {
  buffer_ += encode(Trailer{.size = size, .stored = length() - frame_ + kTrailerBytes, .sha256 = sha256});
  return buffer_.size() >= kWriteBytes ? flush() : Status{};
}

void SegmentWriter::begin_frame() {
  frame_ = length();
  encoder_.begin();
  chunk_.clear();
  size_ = 0;
  hash_ = Sha256();
}

Result<FramePlace> SegmentWriter::append(const Prepared& message) {
  frame_ = length();
  buffer_ += encode_frame_header(header_.key, message.codec);
  buffer_ += message.chunks;
  TB_TRY(trailer(message.size, message.sha256));
  return place(message.codec);
}

Status SegmentWriter::add(std::string_view octets) {
  hash_.update(octets);
  size_ += octets.size();
  while (!octets.empty()) {
    const size_t take = std::min(octets.size(), kChunkBytes - chunk_.size());
    chunk_ += octets.substr(0, take);
    octets.remove_prefix(take);
    if (chunk_.size() < kChunkBytes) break;
    TB_TRY(write_chunk(chunk_));
    chunk_.clear();
  }
  return {};
}

Result<SegmentWriter::Ended> SegmentWriter::end_frame() {
  if (!chunk_.empty()) TB_TRY(write_chunk(chunk_));
  chunk_.clear();
  const Sha256Digest digest = hash_.finish();
  TB_TRY(finish(size_, digest));
  return Ended{.place = place(encoder_.codec()), .sha256 = digest, .size = size_};
}

Status SegmentWriter::begin_raw(Codec codec) {
  frame_ = length();
  raw_codec_ = codec;
  return add_raw(encode_frame_header(header_.key, codec));
}

Status SegmentWriter::add_raw(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() >= kWriteBytes ? flush() : Status{};
}

FramePlace SegmentWriter::end_raw() { return place(raw_codec_); }

FramePlace SegmentWriter::place(Codec codec) const {
  return {.segment = header_.number, .offset = frame_, .stored = length() - frame_, .codec = codec};
}

}  // namespace libsync::store
