// One pass over the lines of a message: entity by entity, with the boundaries of all open multiparts
// in sight.
#include <algorithm>
#include <optional>

#include "libsync/base/text.h"
#include "libsync/mime/message.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxBoundary = 1000;  // RFC 2046, section 5.1.1, has 70; longer ones occur

// Where an entity ends: at a delimiter line of the multipart `level` levels up the stack, or at the end.
struct Stop {
  uint64_t body_end;  // before the line end that belongs to the delimiter
  uint64_t line;      // where the delimiter line begins
  uint64_t lines;     // line ends before it
  uint64_t next;      // behind it
  size_t level;       // index into boundaries_; kEnd at the end of the message
  bool close;
};
constexpr size_t kEnd = SIZE_MAX;

class Parser {
 public:
  Parser(std::string_view bytes, const Limits& limits) : bytes_(bytes), limits_(limits) {
    message_.bytes = bytes;
    message_.line_end = line_end_of(bytes);
  }

  Message run() {
    add_part(kNoPart, 0);
    entity(0, false);
    return std::move(message_);
  }

 private:
  Part& part(uint32_t index) { return message_.parts[index]; }

  uint32_t add_part(uint32_t parent, uint32_t depth) {
    const auto index = static_cast<uint32_t>(message_.parts.size());
    message_.parts.emplace_back();
    message_.parts.back().parent = parent;
    message_.parts.back().depth = depth;
    if (parent != kNoPart) part(parent).children.push_back(index);
    return index;
  }

  void defect(Fault fault, uint64_t at) { message_.defects.add(fault, at); }

  // Reads the entity at pos_, and says what ended it. Recursion is bounded by Limits::depth.
  Stop entity(uint32_t index, bool in_digest) {
    const auto header_stop = header(index, in_digest);
    const uint64_t lines_begin = lines_;
    const Stop stop = header_stop ? *header_stop : body(index);
    Part& done = part(index);
    trim_header(done.header, stop);
    const uint64_t body_begin = done.header.end();
    const uint64_t body_end = std::max(stop.body_end, body_begin);
    const uint64_t lines_end = stop.body_end < stop.line ? stop.lines - 1 : stop.lines;
    done.body = {body_begin, body_end - body_begin};
    done.body_lines = done.body.length > 0 && lines_end > lines_begin ? lines_end - lines_begin : 0;
    return stop;
  }

  // The line end before a delimiter is the delimiter's (RFC 2046, section 5.1.1), also where it ends a header.
  static void trim_header(Span& header, const Stop& stop) {
    const uint64_t end = std::min(header.end(), stop.body_end);
    header.offset = std::min(header.offset, end);
    header.length = end - header.offset;
  }

  Stop body(uint32_t index) {
    switch (part(index).kind) {
      case PartKind::Multipart:
        return multipart(index);
      case PartKind::Message:
        return entity(add_part(index, part(index).depth + 1), false);
      default:
        return skip_to_delimiter();
    }
  }

  // ---- header ----

  // A delimiter may come before the empty line: fields are looked for only up to there.
  std::optional<Stop> header(uint32_t index, bool in_digest) {
    const uint64_t begin = pos_;
    const std::optional<Stop> stop = delimiter_in_header(begin);
    const std::string_view visible = bytes_.substr(0, stop ? stop->line : bytes_.size());
    FieldReader reader(visible, message_.line_end, begin, &message_.defects);
    Field field;
    Field type, encoding;
    size_t fields = 0;
    bool full = false;
    while (reader.next(field)) {
      if (!full && (++fields > limits_.header_fields || field.offset - begin >= limits_.header_bytes)) {
        defect(Fault::TooManyFields, field.offset);
        full = true;
      }
      if (full || ascii_lower(field.name[0]) != 'c') continue;
      keep_first(field, "Content-Type", type);
      keep_first(field, "Content-Transfer-Encoding", encoding);
    }
    pos_ = reader.position();
    lines_ += reader.lines();
    part(index).header = {begin, pos_ - begin};
    classify(index, type, encoding, in_digest);
    // The body may have begun without an empty line: then the delimiter is to be found again behind it.
    if (stop && pos_ == stop->line) {
      take(*stop);
      return stop;
    }
    return std::nullopt;
  }

  void keep_first(const Field& field, std::string_view name, Field& first) {
    if (!iequals(field.name, name)) return;
    if (!first.name.empty()) return defect(Fault::DuplicateField, field.offset);
    first = field;
  }

  std::optional<Stop> delimiter_in_header(uint64_t at) const {
    if (boundaries_.empty()) return std::nullopt;
    uint64_t lines = lines_;
    while (at < bytes_.size()) {
      if (const auto stop = delimiter_at(at, lines)) return stop;
      const char first = bytes_[at];
      const size_t end = bytes_.find(message_.line_end, at);
      if (end == bytes_.npos || end == at || (first == '\r' && end == at + 1)) return std::nullopt;
      at = end + 1;
      ++lines;
    }
    return std::nullopt;
  }

  void classify(uint32_t index, const Field& type, const Field& encoding, bool in_digest) {
    Part& p = part(index);
    p.encoding = encoding_of(encoding.value);
    if (p.encoding == Encoding::Unknown) defect(Fault::UnknownEncoding, encoding.offset);
    p.type = in_digest ? "message" : "text";
    p.subtype = in_digest ? "rfc822" : "plain";
    Structured parsed;
    if (!type.name.empty()) {
      p.content_type = {type.value_offset, type.value.size()};
      parsed = parse_structured(type.value, limits_);
      if (parsed.type.empty() || parsed.subtype.empty()) {
        defect(Fault::BadContentType, type.offset);
      } else {
        p.type = std::move(parsed.type);
        p.subtype = std::move(parsed.subtype);
      }
    }
    const bool multipart = p.type == "multipart";
    const bool message = p.type == "message" && (p.subtype == "rfc822" || p.subtype == "global");
    if (multipart || message) open_container(p, multipart, parsed);
  }

  void open_container(Part& p, bool multipart, const Structured& type) {
    const uint64_t at = p.header.offset;
    if (!is_identity(p.encoding)) {
      // A multipart says so by mistake, its parts are there all the same (RFC 2045, section 6.4); a message
      // may really be in base64, and then its bytes are not here.
      defect(Fault::EncodedContainer, at);
      if (!multipart) return;
    }
    if (p.depth + 1 >= limits_.depth) return defect(Fault::TooDeep, at);
    if (message_.parts.size() >= limits_.parts) return defect(Fault::TooManyParts, at);
    if (multipart) {
      std::string name = boundary_of(type);
      while (name.ends_with(' ') || name.ends_with('\t')) name.pop_back();
      if (name.empty() || name.size() > kMaxBoundary) return defect(Fault::NoBoundaryParameter, at);
      next_boundary_ = std::move(name);
    }
    p.kind = multipart ? PartKind::Multipart : PartKind::Message;
  }

  std::string boundary_of(const Structured& type) const {
    if (const std::string* plain = type.find("boundary")) return *plain;
    Converters converters;  // opens nothing for ASCII; RFC 2231 forms occur ("boundary*=us-ascii''x")
    const auto decoded = decode_parameters(type.parameters, converters, limits_);
    const Parameter* boundary = libsync::mime::find(decoded, "boundary");
    return boundary == nullptr ? std::string() : boundary->value;
  }

  // ---- body ----

  Stop multipart(uint32_t index) {
    const size_t level = boundaries_.size();
    boundaries_.push_back(std::move(next_boundary_));
    const bool digest = part(index).subtype == "digest";
    const uint64_t begin = pos_;
    Stop stop = skip_to_delimiter();  // the preamble
    bool any = false;
    while (stop.level == level && !stop.close) {
      any = true;
      if (message_.parts.size() < limits_.parts) {
        stop = entity(add_part(index, part(index).depth + 1), digest);
      } else {
        if (!full_) defect(Fault::TooManyParts, pos_);
        full_ = true;
        stop = skip_to_delimiter();
      }
    }
    boundaries_.resize(level);
    if (!any) defect(Fault::NoDelimiter, begin);
    if (stop.level == level) return skip_to_delimiter();  // the epilogue
    if (any) defect(Fault::NoCloseDelimiter, stop.body_end);
    return stop;
  }

  Stop skip_to_delimiter() {
    if (boundaries_.empty()) {
      lines_ += static_cast<uint64_t>(
          std::count(bytes_.begin() + static_cast<std::ptrdiff_t>(pos_), bytes_.end(), message_.line_end));
      return end();
    }
    while (pos_ < bytes_.size()) {
      if (const auto stop = delimiter_at(pos_, lines_)) {
        take(*stop);
        return *stop;
      }
      const size_t end_of_line = bytes_.find(message_.line_end, pos_);
      if (end_of_line == bytes_.npos) break;
      pos_ = end_of_line + 1;
      ++lines_;
    }
    return end();
  }

  Stop end() {
    pos_ = bytes_.size();
    return {bytes_.size(), bytes_.size(), lines_, bytes_.size(), kEnd, false};
  }

  void take(const Stop& stop) {
    pos_ = stop.next;
    const bool ended = stop.next > stop.line && bytes_[stop.next - 1] == message_.line_end;
    lines_ = stop.lines + (ended ? 1 : 0);
  }

  // The line at `at`, if it is a delimiter of any open multipart, the innermost first (RFC 2046, section 5.1.1).
  std::optional<Stop> delimiter_at(uint64_t at, uint64_t lines) const {
    if (at + 2 >= bytes_.size() || bytes_[at] != '-' || bytes_[at + 1] != '-') return std::nullopt;
    const size_t newline = bytes_.find(message_.line_end, at);
    const uint64_t next = newline == bytes_.npos ? bytes_.size() : newline + 1;
    const uint64_t line_end = newline == bytes_.npos ? bytes_.size() : newline;
    std::string_view text = bytes_.substr(at + 2, line_end - at - 2);
    for (size_t level = boundaries_.size(); level-- > 0;) {
      if (!text.starts_with(boundaries_[level])) continue;
      std::string_view rest = text.substr(boundaries_[level].size());
      const bool close = rest.starts_with("--");
      if (close) rest.remove_prefix(2);
      if (rest.find_first_not_of(" \t\r") != rest.npos) continue;  // another boundary that begins alike
      return stop_at(at, next, level, close, lines);
    }
    return std::nullopt;
  }

  Stop stop_at(uint64_t at, uint64_t next, size_t level, bool close, uint64_t lines) const {
    uint64_t body_end = at;
    if (body_end > 0) {
      --body_end;
      if (message_.line_end == '\n' && body_end > 0 && bytes_[body_end - 1] == '\r') --body_end;
    }
    return {body_end, at, lines, next, level, close};
  }

  std::string_view bytes_;
  const Limits& limits_;
  Message message_;
  uint64_t pos_ = 0;
  uint64_t lines_ = 0;                   // line ends before pos_
  std::vector<std::string> boundaries_;  // of the open multiparts, outermost first
  std::string next_boundary_;            // of the multipart whose header was just read
  bool full_ = false;
};

}  // namespace

Message parse(std::string_view bytes, const Limits& limits) { return Parser(bytes, limits).run(); }

}  // namespace libsync::mime
