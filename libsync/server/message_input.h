// A message on its way in behind DATA (RFC 5321, sections 4.1.1.4 and 4.5.2), and what a submission server may add to
// it (RFC 6409, section 8).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace libsync::server {

// Takes the dots out that were doubled on the way, and finds the message's end, which is a dot alone between two CRLFs.
// Nothing else is: a bare CR or LF neither ends the message nor a line, whatever stands beside it. Servers that took
// "\n.\n" or "\n.\r\n" for the end could be made to take in messages that nobody submitted (CVE-2023-51764 and others).
class DataReader {
 public:
  // Appends the message's octets to `out`. How many octets of `bytes` were read: all of them until done().
  size_t feed(std::string_view bytes, std::string& out);
  bool done() const { return state_ == State::Done; }
  bool has_bare() const { return bare_; }                  // a CR or LF that is not part of a CRLF
  uint64_t octets() const { return octets_; }              // of the message so far
  uint64_t longest_line() const { return longest_line_; }  // without its CRLF

 private:
  enum class State : uint8_t { LineStart, Dot, DotCr, Text, Cr, Done };
  void put(std::string_view octets, std::string& out);
  void step(char c, std::string& out);

  State state_ = State::LineStart;
  bool bare_ = false;
  uint64_t octets_ = 0, line_ = 0, longest_line_ = 0;
};

// Puts the Date and Message-ID fields that a header lacks at its end (RFC 6409, sections 8.2 and 8.3), and changes
// nothing else. Holds at most the beginning of one line.
class HeaderCompleter {
 public:
  // Whole fields, CRLF included.
  HeaderCompleter(std::string date, std::string message_id)
      : date_(std::move(date)), message_id_(std::move(message_id)) {}
  void feed(std::string_view octets, std::string& out);
  // The message is over, behind a CRLF; it may have been all header.
  void end(std::string& out);

 private:
  bool is_field();
  void end_header(std::string& out);

  std::string date_, message_id_;  // empty: not, or no longer, needed
  std::string start_;              // of a line, up to where it tells what it is
  bool at_start_ = true, in_header_ = true, first_ = true;
};

}  // namespace libsync::server
