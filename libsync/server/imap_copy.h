// What COPY and MOVE share. Inside server only.
#pragma once

#include <optional>
#include <string>

#include "libsync/server/imap_core.h"

namespace libsync::server {

struct CopyWhat {
  imap::SequenceSet uids{};
  FolderId to = 0;
};
// Nothing: it was answered.
std::optional<CopyWhat> read_copy(Imap& imap, imap::Parser& in, bool uid);
std::string copy_code(const Imap& imap, const Mail::Copied& copied);  // COPYUID (RFC 4315)

}  // namespace libsync::server
