// The words of the grammar (RFC 9051, section 9): a cursor on one response. x() tries and leaves the
// cursor where it was when it fails; expect_x() also records why the response is malformed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libsync/imap/framer.h"
#include "libsync/imap/quirks.h"

namespace libsync::imap {

// What nil, a string or a streamed literal can be.
struct Text {
  enum class Kind { Nil, Here, Streamed } kind = Kind::Nil;
  std::string text{};  // Here
  uint64_t size = 0;   // of the text, also when Streamed
};

// Views it returns point into the frame. One thread.
class Parser {
 public:
  Parser(const Frame& frame, Quirks& quirks) : text_(frame.text), literals_(frame.literals), quirks_(quirks) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::string_view rest() const { return text_.substr(at_); }
  size_t offset() const { return at_; }
  void seek(size_t offset) { at_ = offset; }

  bool ch(char c);
  bool expect_ch(char c);
  bool space();             // one or more
  bool expect_space();      // one or more
  void stray_space();       // any number where none belongs
  std::string_view atom();  // ATOM-CHAR and ']' ; empty if there is none
  std::string_view word();  // up to a space, a parenthesis or the end
  std::string_view flag();  // an atom, with '\' before it or "\*"
  bool expect_atom(std::string_view& out);
  std::optional<uint64_t> number();  // any length of digits that fits 64 bits
  std::optional<uint64_t> expect_number();
  std::optional<uint32_t> expect_number32();
  bool nil();
  bool string(std::string& out);  // quoted or literal that is here
  bool astring(std::string& out);
  bool expect_astring(std::string& out);
  bool nstring(Text& out);
  bool expect_nstring(std::optional<std::string>& out);
  // Any one value: atom, string or parenthesised list, however deep up to kMaxDepth.
  bool skip_value();
  // The same for a value that breaks the grammar: with whatever sticks to it up to the next space or
  // parenthesis. False where nothing tells its end: a string or a list that does not end.
  bool pass_over();
  bool at_value_end() const { return at_end() || peek() == ' ' || peek() == ')'; }
  // The items of a list: calls `item` until ')'. False when malformed.
  template <class Item>
  bool expect_list(Item item) {
    if (!expect_ch('(')) return false;
    stray_space();
    while (!ch(')')) {
      if (at_end() || !item()) return malformed("a list does not end");
      if (peek() != ')' && peek() != '(' && !expect_space()) return false;
      if (peek() == ' ') {
        stray_space();
      } else if (peek() == ')' && text_[at_ - 1] == ' ') {
        note(Quirk::ExtraSpace);
      }
    }
    return true;
  }

  // Records the first reason; returns false.
  bool malformed(const char* why) {
    if (why_ == nullptr) why_ = why;
    return false;
  }
  void forgive() { why_ = nullptr; }  // what was recorded cost nothing
  const char* why() const { return why_ == nullptr ? "not the grammar" : why_; }
  void note(Quirk quirk) { quirks_.note(quirk); }
  void note_raw_bytes(std::string_view name);  // Quirk::RawBytesInName, if it has 8-bit octets
  Quirks& quirks() { return quirks_; }

 private:
  bool quoted(std::string& out);
  const Literal* literal();

  std::string_view text_;
  std::span<const Literal> literals_;
  Quirks& quirks_;
  size_t at_ = 0;
  const char* why_ = nullptr;
};

}  // namespace libsync::imap
