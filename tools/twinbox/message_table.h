// A table of messages that is printed while it is read: constant memory, however many there are.
#pragma once

#include <string>
#include <vector>

#include "libsync/store/types.h"

#include "tools/twinbox/output.h"

namespace twinbox {

class MessageTable {
 public:
  struct Show {
    bool account = false, folder = false;
  };
  MessageTable(Output& out, int64_t now, Show show);

  // `below` is printed under the row (a snippet), already fit to print.
  void add(const libsync::store::MessageInfo& message, const std::string& account, const std::string& folder,
           std::string below = {});
  void finish();  // prints what is held back; once

 private:
  void flush();

  Output& out_;
  int64_t now_;
  Show show_;
  bool headed_ = false;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::string> below_;
};

// "•" unread, "★" flagged, "↩" answered, a space for each that is not.
std::string flag_marks(const libsync::sync::Flags& flags);

// The name of the first address ("Zhang Wei" of "Zhang Wei <z@x>, …"), else the address.
std::string short_sender(const std::string& from);

}  // namespace twinbox
