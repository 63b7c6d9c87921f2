#include "libsync/server/incoming_spool.h"

#include <algorithm>

namespace libsync::server {

Status IncomingSpool::data(std::string_view octets) {
  while (!octets.empty()) {
    if (gathered_.size() == kInMemory) {
      if (file_ == nullptr) {
        TB_ASSIGN(file_, open_nameless(directory_));
      }
      TB_TRY(file_->write_at(written_, gathered_));
      written_ += gathered_.size();
      gathered_.clear();
    }
    const std::string_view piece = octets.substr(0, kInMemory - gathered_.size());
    gathered_ += piece;
    octets.remove_prefix(piece.size());
  }
  return {};
}

Result<std::string_view> IncomingSpool::Source::next() {
  if (at_ < spool_.written_) {
    piece_.resize(std::min<uint64_t>(kInMemory, spool_.written_ - at_));
    TB_ASSIGN(const size_t got, spool_.file_->read_at(at_, piece_));
    if (got != piece_.size())
      return fail(Errc::Disk, "a file for incoming mail is shorter than what was written to it");
    at_ += got;
    return std::string_view(piece_);
  }
  if (at_ > spool_.written_ || spool_.gathered_.empty()) return std::string_view();
  at_ += spool_.gathered_.size();
  return std::string_view(spool_.gathered_);
}

}  // namespace libsync::server
