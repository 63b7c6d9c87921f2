// CAPABILITY (RFC 9051, sections 6.1.1 and 7.2.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/command.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

// What a server says it can do; without regard to case.
class Capabilities {
 public:
  void add(std::string_view name, Quirks& quirks);
  bool has(std::string_view name) const;
  bool empty() const { return names_.empty(); }
  void clear() { names_.clear(); }
  std::vector<std::string> auth() const;  // mechanisms of AUTH=, in capitals
  const std::vector<std::string>& names() const { return names_; }

  bool condstore() const { return has("CONDSTORE") || qresync(); }
  bool qresync() const { return has("QRESYNC"); }
  bool esearch() const { return has("ESEARCH") || has("IMAP4REV2"); }
  bool list_extended() const { return has("LIST-EXTENDED") || has("IMAP4REV2"); }
  bool list_status() const { return has("LIST-STATUS") || has("IMAP4REV2"); }
  bool special_use() const { return has("SPECIAL-USE") || has("IMAP4REV2"); }
  bool literal8() const { return has("BINARY"); }
  bool uidplus() const { return has("UIDPLUS") || has("IMAP4REV2"); }
  bool move() const { return has("MOVE") || has("IMAP4REV2"); }
  bool unselect() const { return has("UNSELECT") || has("IMAP4REV2"); }
  std::optional<uint64_t> append_limit() const;  // APPENDLIMIT=n (RFC 7889, section 3)
  bool gmail() const { return has("X-GM-EXT-1"); }

 private:
  std::vector<std::string> names_;  // capitals, in the server's order
};

inline Command capability() { return simple_command(CommandKind::Capability, "CAPABILITY"); }
bool parse_capability(Parser& in, Capabilities& out);

}  // namespace libsync::imap
