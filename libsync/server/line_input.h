// What a client sent and what of it is not yet carried out, a line at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libsync::server {

class LineInput {
 public:
  enum class End : uint8_t {
    Lf,    // CRLF, and a bare LF too
    CrLf,  // nothing else: a bare CR or LF is part of the line
  };
  enum class Found : uint8_t { Nothing, Line, TooLong };

  void feed(std::string_view bytes);
  void clear();
  size_t size() const { return bytes_.size() - taken_; }
  // Valid until the next feed().
  std::string_view rest() const { return std::string_view(bytes_).substr(taken_); }
  void take(size_t octets) {
    taken_ += octets;
    searched_ = 0;
  }

  // Takes the next line, without its end, into `line`; one of more than `limit` octets (a CR counts) stays where it is,
  // whether its end is there or not.
  Found next(End end, size_t limit, std::string& line);
  // Throws away what is here of the line up to its CRLF; false: that is still to come.
  bool skip_line();

 private:
  std::string bytes_;
  size_t taken_ = 0;
  size_t searched_ = 0;  // of the rest: no line ends there, and a line that comes octet by octet is read once
};

}  // namespace libsync::server
