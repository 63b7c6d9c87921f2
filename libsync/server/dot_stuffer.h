// A message as RETR and TOP send it: the counterpart of pop3/unstuffer.h (RFC 1939, section 3).
#pragma once

#include <string>
#include <string_view>

namespace libsync::server {

// Doubles the dot at the start of each line, behind a bare LF too: some clients take that for a line's end, and would
// take a lone dot there for the message's.
class DotStuffer {
 public:
  // Appends what is sent for these octets.
  void feed(std::string_view octets, std::string& out);
  // The line that ends the message. A last line without its end gets one, which can't be told from its own.
  void end(std::string& out) const;

 private:
  char last_ = '\n', before_last_ = '\r';
};

}  // namespace libsync::server
