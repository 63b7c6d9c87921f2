// LIST and LSUB (RFC 9051, section 6.3.9 and 7.3.1; RFC 5258 LIST-EXTENDED, 5819 LIST-STATUS, 6154
// SPECIAL-USE, 3348 CHILDREN).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/command.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

struct ListData {
  bool lsub = false;
  std::vector<std::string> attributes{};  // as the server wrote them, with backslash
  char delimiter = '\0';                  // none
  std::string name{};                     // as on the wire
  std::optional<std::string> old_name{};  // OLDNAME
  std::vector<std::string> child_info{};  // CHILDINFO
  bool has(std::string_view attribute) const;
};

struct ListOptions {
  bool subscribed = false;     // RETURN (SUBSCRIBED); CHILDREN comes by itself
  bool special_use = false;    // RETURN (SPECIAL-USE)
  std::string status_items{};  // RETURN (STATUS (…))
};

// LIST "" pattern [RETURN …]; patterns are our own words.
Command list(std::string_view pattern, const ListOptions& options);
// Of one name alone. Where '%' or '*' is in it, more may be listed than that one.
Result<Command> list_name(std::string_view wire_name);
Command lsub(std::string_view pattern);
bool parse_list(Parser& in, ListData& out);

}  // namespace libsync::imap
