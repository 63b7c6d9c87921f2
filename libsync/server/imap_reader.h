// Cuts what a client sends into commands: lines with the literals in them (RFC 9051, sections 2.2.1 and 4.3; LITERAL+:
// RFC 7888; literal8: RFC 3516).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/framer.h"

namespace libsync::server {

struct AnnouncedLiteral {
  uint64_t size = 0;
  bool synchronising = false;  // the client waits for "+"
  bool binary = false;         // ~{n}
};

// One session's. What it finds it holds until the next(): the owner says what becomes of a literal.
class CommandReader {
 public:
  enum class Found : uint8_t {
    Nothing,  // more octets are needed
    Literal,  // one is announced: literal(), then keep(), stream() or drop() before the next call
    Octets,   // of a streamed literal: octets()
    End,      // of a streamed literal
    Command,  // whole: frame()
    TooLong,  // one that was passed over, all of it now: frame() has its beginning
  };

  // Takes from the front of `bytes`, and moves it on. `limit`: octets of a command without streamed literals.
  Found next(std::string_view& bytes, size_t limit);

  const AnnouncedLiteral& literal() const { return announced_; }
  void keep();    // it becomes part of the frame
  void stream();  // its octets come as they are
  void drop();    // the command ends here if the client waits; else the rest of it is passed over, up to TooLong
  uint64_t dropped() const { return dropped_; }  // octets of literals that are passed over, with those to come
  bool over_long() const { return over_long_; }  // the command at hand is passed over, up to TooLong

  std::string_view octets() const { return octets_; }
  // As far as it came; the announcement of the literal at hand is its end. Valid until the next call.
  imap::Frame frame() const { return {.text = text_, .literals = literals_}; }
  size_t literals() const { return literals_.size(); }
  // Nothing of an unfinished command is held.
  bool idle() const { return done_ || (state_ == State::Line && text_.empty()); }
  // The line is not a command but a continuation's (AUTHENTICATE, DONE): literals are none of its business.
  void expect_plain_line(bool plain) { plain_ = plain; }

 private:
  enum class State : uint8_t { Line, Kept, Streamed, Discarded };
  bool passing_over() const { return dropping_ || over_long_; }
  void add_to_line(std::string_view piece, size_t limit);
  Found line(std::string_view line);
  void begin(State state);
  void reset();

  State state_ = State::Line;
  std::string text_;
  size_t line_at_ = 0;  // of text_, where the line at hand begins
  std::vector<imap::Literal> literals_;
  AnnouncedLiteral announced_;
  uint64_t left_ = 0, dropped_ = 0;
  std::string_view octets_;
  std::string tail_;
  bool dropping_ = false, over_long_ = false, done_ = true, plain_ = false;
};

}  // namespace libsync::server
