// Cuts a server's bytes into responses (RFC 9051, sections 2.2.2 and 4.3): lines with the literals in
// them. Literals that carry message text are streamed, the others stay in the response.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/imap/limits.h"
#include "libsync/imap/quirks.h"

namespace libsync::imap {

struct Literal {
  size_t at = 0;  // offset in the response of its first octet, behind "{n}" CRLF
  uint64_t size = 0;
  bool streamed = false;  // then its octets are not in the response
  bool binary = false;    // literal8: ~{n}
};

// One whole response without the line end that ends it. Views are valid during the call only.
struct Frame {
  std::string_view text;
  std::span<const Literal> literals;
};

// Takes what the framer finds. A streamed literal comes as begin, data…, end before the frame it is in.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void frame(const Frame& frame) = 0;
  // `prefix`: the response up to and with "{n}" CRLF.
  virtual void literal_begin(std::string_view prefix, std::span<const Literal> literals) = 0;
  virtual void literal_data(std::string_view bytes) = 0;
  virtual void literal_end() = 0;
};

// One connection, one thread. Lines inside the caller's bytes are handed out without a copy.
class Framer {
 public:
  Framer(const Limits& limits, Quirks& quirks) : limits_(limits), quirks_(quirks), max_(limits.response_before_login) {}

  // Consumes bytes until they end or pause() is called from the sink; returns how many were consumed.
  // Errors: Errc::Limit, Errc::Protocol; after one the framer is of no use.
  Result<size_t> feed(std::string_view bytes, FrameSink& sink);
  void pause() { paused_ = true; }  // feed() returns behind the frame at hand

  void logged_in() { max_ = limits_.response; }
  // Nothing of an unfinished response is held.
  bool idle() const { return !in_literal_ && text_.empty(); }
  bool in_streamed_literal() const { return in_literal_ && literals_.back().streamed; }

 private:
  Status line(std::string_view line, FrameSink& sink);
  Status begin_literal(std::string_view announced, FrameSink& sink);
  size_t take_literal(std::string_view bytes, FrameSink& sink);
  void end_literal(FrameSink& sink);
  Status too_long() const;
  size_t line_begin() const;  // where the response's last line begins: behind its last literal

  const Limits& limits_;
  Quirks& quirks_;
  size_t max_;
  std::string text_;  // of the response at hand, when it did not come in one piece
  std::vector<Literal> literals_;
  size_t streamed_ = 0;
  bool in_literal_ = false;
  uint64_t left_ = 0;
  bool paused_ = false;
};

}  // namespace libsync::imap
