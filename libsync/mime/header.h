// Fields of a header (RFC 5322, section 2.2 and 4.5; RFC 6532), found without copying.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/charset.h"
#include "libsync/mime/defect.h"
#include "libsync/mime/limits.h"

namespace libsync::mime {

struct Span {
  uint64_t offset = 0;
  uint64_t length = 0;
  constexpr uint64_t end() const { return offset + length; }
  bool operator==(const Span&) const = default;
};

// Views into the bytes that were read. `value` is what stands behind the colon, folds included, the
// last line end not.
struct Field {
  std::string_view name;
  std::string_view value;
  uint64_t offset = 0;        // of the name, in the bytes that were read
  uint64_t value_offset = 0;  // of the value
};

// The byte that ends lines in `bytes`: LF (with or without CR), or CR where no LF occurs at all.
char line_end_of(std::string_view bytes);

// Reads field after field, up to the empty line or the end. A line that is no field is skipped if
// another field (or its continuation) follows it; else the body begins there, without an empty line.
class FieldReader {
 public:
  // `bytes` begin with the header and may go on with the body.
  explicit FieldReader(std::string_view bytes, Defects* defects = nullptr)
      : FieldReader(bytes, line_end_of(bytes), 0, defects) {}
  FieldReader(std::string_view bytes, char line_end, uint64_t begin, Defects* defects = nullptr)
      : bytes_(bytes), pos_(begin), begin_(begin), defects_(defects), line_end_(line_end) {}

  bool next(Field& field);

  // Where the next line begins: behind the empty line once next() said false.
  uint64_t position() const { return pos_; }
  uint64_t lines() const { return lines_; }  // line ends passed

 private:
  struct Line {
    uint64_t content_end;  // without its line end
    uint64_t next;
  };
  Line line_at(uint64_t at) const;
  bool is_field(uint64_t at, const Line& line) const;
  void pass(const Line& line);
  void take(const Line& line, Field& field);

  std::string_view bytes_;
  uint64_t pos_;
  uint64_t begin_;
  uint64_t lines_ = 0;
  Defects* defects_;
  char line_end_;
};

// All fields of a header, up to the limits. Keeps views into `bytes`.
class Header {
 public:
  Header() = default;
  explicit Header(std::string_view bytes, const Limits& limits = {}, Defects* defects = nullptr);

  const std::vector<Field>& fields() const& { return fields_; }
  void fields() const&& = delete;  // `for (… : Header(bytes).fields())` would outlive its header
  // The nth (from 0) of that name, without regard to case; null if there is none.
  const Field* find(std::string_view name, size_t nth = 0) const;
  size_t count(std::string_view name) const;
  // The first's decoded text (decode_text), or "".
  std::string text(std::string_view name, Converters& converters) const;

 private:
  std::vector<Field> fields_;
};

// The value on one line: line ends go, the spaces behind them stay, those at both ends go
// (RFC 5322, section 2.2.3).
std::string unfold(std::string_view value);

}  // namespace libsync::mime
