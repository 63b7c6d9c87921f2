// A table of messages that is printed while it is read: constant memory, however many there are.
#pragma once

#include <array>
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

  // `below` is printed under the row (a snippet), already fit to print and no wider than below_columns().
  void add(const libsync::store::MessageInfo& message, const std::string& account, const std::string& folder,
           std::string below = {});
  void finish();  // prints what is held back; once

  // Columns that a line below a row has; any number where nothing is cut.
  static size_t below_columns(const Output& out);

 private:
  enum Cell : size_t { kAccount, kId, kDate, kFlags, kFolder, kFrom, kSize, kSubject, kCells };
  using Row = std::array<std::string, kCells>;
  using Widths = std::array<size_t, kCells>;  // 0: the column is left out

  Widths layout() const;
  void flush();
  void print(const Row& row, const Widths& widths);

  Output& out_;
  int64_t now_;
  Show show_;
  bool headed_ = false;
  Widths natural_{};       // the widest cells so far
  size_t widest_day_ = 0;  // of the dates without their times
  std::vector<Row> rows_;
  std::vector<std::string> below_;
};

// "•" unread, "★" flagged, "↩" answered, a space for each that is not.
std::string flag_marks(const libsync::sync::Flags& flags);

// The name of the first address ("Zhang Wei" of "Zhang Wei <z@x>, …"), else the address.
std::string short_sender(const std::string& from);

}  // namespace twinbox
