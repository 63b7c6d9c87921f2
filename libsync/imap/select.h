// SELECT and EXAMINE (RFC 9051, sections 6.3.2 and 6.3.3) with CONDSTORE and QRESYNC (RFC 7162).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libsync/imap/command.h"
#include "libsync/imap/flags.h"
#include "libsync/imap/status_response.h"

namespace libsync::imap {

struct SelectOptions {
  bool read_only = true;  // EXAMINE
  bool condstore = false;
  // With both: QRESYNC, which must be enabled.
  uint32_t uid_validity = 0;
  uint64_t modseq = 0;
};

Result<Command> select(std::string_view wire_name, const SelectOptions& options);

// What a mailbox says of itself when it is opened; fed with the responses that come.
struct SelectData {
  uint64_t exists = 0, recent = 0;
  uint32_t uid_validity = 0;
  std::optional<uint32_t> uid_next{};  // Courier gives none
  std::optional<uint64_t> highest_modseq{};
  bool no_modseq = false;
  bool read_only = false;
  bool uid_not_sticky = false;
  bool told_permanent = false;        // PERMANENTFLAGS; without it all of FLAGS can be kept (RFC 9051, section 6.3.2)
  uint32_t flags = 0, permanent = 0;  // SystemFlag bits
  std::vector<std::string> keywords{}, permanent_keywords{};
  std::string mailbox_id{};

  void take(const StatusLine& line);
  void take(const FlagList& list);
};

}  // namespace libsync::imap
