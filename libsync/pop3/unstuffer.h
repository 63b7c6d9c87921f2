// A message as RETR and TOP send it, taken out of its wrapping while it comes (RFC 1939, section 3).
#pragma once

#include <cstdint>
#include <string_view>

#include "libsync/base/result.h"

namespace libsync::pop3 {

// Removes the doubled dot at the start of lines and finds the line with the lone dot that ends the
// message. What it gives is what the server sent between the status line and that dot, octet for octet:
// lines end as they came, NULs and 8-bit octets stay, no line end is added or taken.
//
// A line that begins with one dot and goes on differently was not stuffed by its server; the dot is kept.
// A dot line behind a bare LF ends the message where the server ends its own lines with LF. On a server
// that ends lines with CRLF it may be text (the server stuffs only behind CRLF, and the sender of the
// mail hopes to end it early): it ends the message only if the octets announced are there, or unknown.
class Unstuffer {
 public:
  // `lf_server`: the status line ended with a bare LF. `announced`: octets of the message; 0: unknown.
  void start(bool lf_server, uint64_t announced);

  // Takes what it can of `bytes`, calls `out(std::string_view)` → Status with pieces of the message
  // (views into `bytes` or into static text), and returns how many were taken: all, unless done().
  template <class Out>
  Result<size_t> feed(std::string_view bytes, Out&& out);

  bool done() const { return state_ == State::Done; }
  uint64_t octets() const { return octets_; }  // given out so far

  // Fewer octets came than were announced. Some servers send bare LF and count CRLF: each may count twice.
  bool fell_short() const { return octets_ + bare_lfs_ < announced_; }
  // As many as were announced, counted in one of the two ways.
  bool as_announced() const { return octets_ == announced_ || octets_ + bare_lfs_ == announced_; }

  // done(), but what follows shows that the dot was text, of a server that does not stuff: the message
  // goes on behind it.
  template <class Out>
  Status go_on(Out&& out);

 private:
  enum class State { LineStart, Dot, DotCr, Text, Done };

  template <class Out>
  Status give(std::string_view bytes, Out& out) {
    octets_ += bytes.size();
    return bytes.empty() ? Status() : out(bytes);
  }
  bool ends_here() const { return !after_bare_lf_ || lf_server_ || announced_ == 0 || octets_ >= announced_; }

  State state_ = State::LineStart;
  bool lf_server_ = false;
  bool after_bare_lf_ = false;  // the line before ended without CR
  char last_ = '\n';            // the last octet of Text, for a CR cut off from its LF
  uint64_t announced_ = 0, octets_ = 0, bare_lfs_ = 0;
};

template <class Out>
Status Unstuffer::go_on(Out&& out) {
  state_ = State::LineStart;
  after_bare_lf_ = last_ != '\r';
  if (after_bare_lf_) ++bare_lfs_;
  return give(after_bare_lf_ ? ".\n" : ".\r\n", out);
}

template <class Out>
Result<size_t> Unstuffer::feed(std::string_view bytes, Out&& out) {
  size_t at = 0, run = 0;  // [run, at) is text not given out yet
  while (at < bytes.size() && state_ != State::Done) {
    switch (state_) {
      case State::LineStart:
        if (bytes[at] == '.') {
          TB_TRY(give(bytes.substr(run, at - run), out));
          run = ++at;
          state_ = State::Dot;
        } else {
          state_ = State::Text;
          last_ = '\n';
        }
        break;
      case State::Dot:
        // The first dot is out of `run`; a second one starts the text of a stuffed line.
        if (bytes[at] == '\r' || (bytes[at] == '\n' && ends_here())) {
          last_ = bytes[at];
          state_ = bytes[at] == '\r' ? State::DotCr : State::Done;
          run = ++at;
        } else {
          if (bytes[at] != '.') TB_TRY(give(".", out));
          state_ = State::Text;
          last_ = '.';
          if (bytes[at] == '.') ++at;
        }
        break;
      case State::DotCr:
        if (bytes[at] == '\n' && ends_here()) {
          run = ++at;
          state_ = State::Done;
        } else {
          TB_TRY(give(".\r", out));
          state_ = State::Text;
          last_ = '\r';
        }
        break;
      case State::Text: {
        const size_t lf = bytes.find('\n', at);
        if (lf == bytes.npos) {
          last_ = bytes.back();
          at = bytes.size();
          break;
        }
        after_bare_lf_ = (lf > at ? bytes[lf - 1] : last_) != '\r';
        if (after_bare_lf_) ++bare_lfs_;
        at = lf + 1;
        state_ = State::LineStart;
        break;
      }
      case State::Done:
        break;
    }
  }
  if (state_ != State::Done) TB_TRY(give(bytes.substr(run, at - run), out));
  return at;
}

}  // namespace libsync::pop3
