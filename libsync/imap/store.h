// UID STORE (RFC 9051, sections 6.4.6 and 6.4.9).
#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "libsync/imap/command.h"

namespace libsync::imap {

enum class StoreHow : uint8_t { Add, Remove };

// `set` and `flags` are our own words: "1:3", "(\Seen todo)". With `silent` the server need not tell what became of
// the flags.
inline Command uid_store(std::string_view set, StoreHow how, std::string_view flags, bool silent = false) {
  return simple_command(
      CommandKind::Store,
      fmt::format("UID STORE {} {}FLAGS{} {}", set, how == StoreHow::Add ? "+" : "-", silent ? ".SILENT" : "", flags));
}

}  // namespace libsync::imap
