// What commands print: lines, tables, errors.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

#include "tools/twinbox/cli.h"
#include "tools/twinbox/json.h"

namespace twinbox {

class ProgressBoard;

// Standard output: buffered, and quiet once nobody reads any more (twinbox ls | head). Any other reason why
// it can't be written is an error of the command: what it printed was to be kept. One thread at a time.
class Output {
 public:
  explicit Output(Stream& stream) : stream_(stream) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { flush(); }

  void text(std::string_view bytes);  // as they are
  void line(std::string_view text);   // and a line end
  void json(const Json& json) { line(to_line(json)); }
  void flush();
  // While a board is up, what goes to a terminal goes past it; null: none is.
  void share(ProgressBoard* board) { board_ = board; }

  bool closed() const { return failure_ != 0; }  // commands stop producing when it is
  // After flush(): OK also when nobody reads any more; Errc::Disk for a full disk and its like.
  libsync::Status status() const;
  bool terminal() const { return stream_.terminal; }
  size_t columns() const { return stream_.columns; }

 private:
  void write(std::string_view bytes);

  Stream& stream_;
  ProgressBoard* board_ = nullptr;
  std::string buffer_;
  std::atomic<int> failure_ = 0;  // errno; what waits for a question's end is written on another thread
};

struct Column {
  std::string title{};
  bool right = false;     // aligned to the right
  bool flexible = false;  // shortened first when the line is too long
  int drop = 0;           // where that is not enough, left out: 1 first, then 2, …; 0: never
};

// Rows under their titles, columns two spaces apart, widths counted as a terminal shows them (East Asian
// characters take two). On a terminal no line is longer than it: flexible columns give way, then whole ones
// are left out, then lines are cut; elsewhere nothing is. An empty `title` of every column leaves the heading out.
void print_table(Output& out, const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

// `text` filled with spaces to `width` columns.
std::string pad(std::string_view text, size_t width, bool right = false);

// "twinbox: what: "server's words"" and, where there is one, the hint on a line below it, in line with the text.
std::string error_text(const libsync::Error& error);
// {"error":{"code":…,"what":…,"server":…,"hint":…,"retry":…}}
Json error_json(const libsync::Error& error);
Json error_body(const libsync::Error& error);    // what stands behind "error"
std::string_view errc_name(libsync::Errc code);  // "auth": stable, for scripts

// "1 folder", "3,212 folders". Both words are English keys of word().
std::string counted(uint64_t count, std::string_view one, std::string_view many);

// Times for people, by the local time zone: "18:04" today, "22 Nov 18:04" this year, else "2025-11-22".
std::string short_time(int64_t unix_seconds, int64_t now);
// "2 min ago", "in 13 min", "now".
std::string relative_time(int64_t unix_seconds, int64_t now);

}  // namespace twinbox
