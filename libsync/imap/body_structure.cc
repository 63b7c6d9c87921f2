#include "libsync/imap/body_structure.h"

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// Reads one part with whatever damage it has: a field of the wrong kind is passed over, missing ones stay
// empty. False only where the parentheses do not fit.
class Reader {
 public:
  explicit Reader(Parser& in) : in_(in) {}

  bool part(BodyPart& out, int depth) {
    if (depth > kMaxDepth) return in_.malformed("too many parentheses");
    if (!in_.expect_ch('(')) return false;
    in_.stray_space();
    const bool multipart = in_.peek() == '(';
    const bool good = multipart ? children(out, depth) : single(out, depth);
    return good && rest_of_list();
  }

 private:
  // A step to the next field; false at the end of the list.
  bool next() {
    in_.space();
    return in_.peek() != ')' && !in_.at_end();
  }
  void damage(BodyPart& part) {
    part.damaged = true;
    in_.note(Quirk::BodyStructureDamage);
  }
  bool skip(BodyPart& part) {
    damage(part);
    return in_.skip_value();
  }

  bool rest_of_list() {
    while (next()) {
      if (!in_.skip_value()) return false;
    }
    return in_.expect_ch(')');
  }

  // Fields that a part must have: missing is damage, the end of the list is not passed.
  bool text(BodyPart& part, std::optional<std::string>& out, bool required) {
    if (!next()) {
      if (required) damage(part);
      return true;
    }
    if (in_.peek() == '(') return skip(part);
    if (in_.nil()) return true;
    std::string value;
    if (!in_.astring(value)) return skip(part);
    out = std::move(value);
    return true;
  }
  bool number(BodyPart& part, uint64_t& out) {
    if (!next()) {
      damage(part);
      return true;
    }
    if (in_.peek() == '-' || (in_.peek() >= '0' && in_.peek() <= '9')) {
      const auto value = in_.expect_number();
      out = value.value_or(0);
      return value.has_value() || skip(part);
    }
    return skip(part);
  }

  bool fields(BodyPart& part, Fields& out, bool required) {
    if (!next()) {
      if (required) damage(part);
      return true;
    }
    if (in_.nil()) return true;
    if (in_.peek() != '(') return skip(part);
    const size_t start = in_.offset();
    const bool good = in_.expect_list([&] {
      std::string key;
      std::string value;
      if (!in_.astring(key) || !in_.space()) return false;
      if (!in_.nil() && !in_.astring(value)) return false;
      if (out.size() < kMaxParts) out.emplace_back(std::move(key), std::move(value));
      return true;
    });
    if (good) return true;
    in_.seek(start);
    return skip(part);
  }

  bool children(BodyPart& out, int depth) {
    out.type = "MULTIPART";
    while (in_.peek() == '(') {
      if (++parts_ > kMaxParts) {
        in_.note(Quirk::LongList);
        if (!in_.skip_value()) return false;
      } else {
        BodyPart& child = out.parts.emplace_back();
        if (!part(child, depth + 1)) return false;
        out.damaged = out.damaged || child.damaged;
      }
      in_.space();
    }
    std::optional<std::string> subtype;
    if (!text(out, subtype, true)) return false;
    out.subtype = to_upper(subtype.value_or(""));
    return fields(out, out.parameters, false) && extension(out);
  }

  bool single(BodyPart& out, int depth) {
    std::optional<std::string> type, subtype;
    if (!text(out, type, true) || !text(out, subtype, true)) return false;
    out.type = to_upper(type.value_or(""));
    out.subtype = to_upper(subtype.value_or(""));
    if (!fields(out, out.parameters, true) || !text(out, out.id, true) || !text(out, out.description, true) ||
        !text(out, out.encoding, true) || !number(out, out.octets)) {
      return false;
    }
    if (out.type == "TEXT" && !number(out, out.lines)) return false;
    const bool message = out.type == "MESSAGE" && (out.subtype == "RFC822" || out.subtype == "GLOBAL");
    if (message && !nested(out, depth)) return false;
    return text(out, out.md5, false) && extension(out);
  }

  bool nested(BodyPart& out, int depth) {
    // Without an envelope it is told as any other attachment (Exchange, for messages it could not read).
    if (!next() || in_.peek() != '(') {
      damage(out);
      return true;
    }
    const size_t start = in_.offset();
    out.envelope = std::make_unique<Envelope>();
    if (!parse_envelope(in_, *out.envelope)) {
      out.envelope.reset();
      in_.seek(start);
      if (!skip(out)) return false;
    }
    if (!next() || in_.peek() != '(') {
      damage(out);
      return true;
    }
    if (!part(out.parts.emplace_back(), depth + 1)) return false;
    out.damaged = out.damaged || out.parts.back().damaged;
    return number(out, out.lines);
  }

  // Disposition, languages, location (body-ext): all optional.
  bool extension(BodyPart& out) {
    if (next() && !in_.nil()) {
      if (in_.peek() != '(' ? !skip(out) : !disposition(out)) return false;
    }
    if (next() && !in_.nil() && !languages(out)) return false;
    return text(out, out.location, false);
  }

  bool disposition(BodyPart& out) {
    const size_t start = in_.offset();
    in_.ch('(');
    if (in_.astring(out.disposition) && fields(out, out.disposition_parameters, false)) {
      in_.space();
      if (in_.ch(')')) return true;
    }
    in_.seek(start);
    return skip(out);
  }

  bool languages(BodyPart& out) {
    std::string one;
    if (in_.peek() != '(') {
      if (!in_.astring(one)) return skip(out);
      out.languages.push_back(std::move(one));
      return true;
    }
    const size_t start = in_.offset();
    const bool good = in_.expect_list([&] {
      if (!in_.astring(one)) return false;
      if (out.languages.size() < kMaxParts) out.languages.push_back(one);
      return true;
    });
    if (good) return true;
    in_.seek(start);
    return skip(out);
  }

  Parser& in_;
  size_t parts_ = 0;
};

}  // namespace

bool parse_body_structure(Parser& in, BodyPart& out) {
  if (in.nil()) {
    out.damaged = true;
    in.note(Quirk::BodyStructureDamage);
    return true;
  }
  return Reader(in).part(out, 1);
}

}  // namespace libsync::imap
