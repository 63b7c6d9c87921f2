#include "libsync/server/imap_structure.h"

#include <optional>
#include <string_view>
#include <vector>

#include "libsync/base/text.h"
#include "libsync/mime/parameter.h"
#include "libsync/server/imap_envelope.h"
#include "libsync/server/imap_parameters.h"
#include "libsync/server/imap_string.h"

namespace libsync::server {
namespace {

using OptionalView = std::optional<std::string_view>;

// The Content- fields of a part, raw; of each the first.
struct Fields {
  OptionalView type{}, encoding{}, id{}, description{}, md5{}, disposition{}, language{}, location{};
};

class Writer {
 public:
  Writer(const mime::Message& message, bool extensible, bool utf8, std::string& out)
      : message_(message), extensible_(extensible), utf8_(utf8), out_(out), begin_(out.size()) {}

  void part(uint32_t index) {
    const mime::Part& part = message_.parts[index];
    const Fields fields = full() ? Fields{} : read(part);
    if (part.kind == mime::PartKind::Multipart) {
      multipart(part, fields);
    } else {
      single(part, fields);
    }
  }

 private:
  bool full() const { return out_.size() - begin_ > kMaxStructure; }

  Fields read(const mime::Part& part) const {
    Fields fields;
    const mime::Limits limits;
    const uint64_t begin = part.header.offset;
    mime::FieldReader reader(message_.bytes.substr(0, part.header.end()), message_.line_end, begin);
    mime::Field field;
    for (size_t count = 0;
         reader.next(field) && count < limits.header_fields && field.offset - begin < limits.header_bytes; ++count) {
      if (!istarts_with(field.name, "content-")) continue;
      keep(field.name.substr(8), field.value.substr(0, limits.value_bytes), fields);
    }
    return fields;
  }

  static void keep(std::string_view name, std::string_view value, Fields& fields) {
    static constexpr std::pair<std::string_view, OptionalView Fields::*> kNames[] = {
        {"type", &Fields::type},
        {"transfer-encoding", &Fields::encoding},
        {"id", &Fields::id},
        {"description", &Fields::description},
        {"md5", &Fields::md5},
        {"disposition", &Fields::disposition},
        {"language", &Fields::language},
        {"location", &Fields::location},
    };
    for (const auto& [known, field] : kNames) {
      if (iequals(name, known) && !(fields.*field)) fields.*field = value;
    }
  }

  void multipart(const mime::Part& part, const Fields& fields) {
    out_ += '(';
    for (const uint32_t child : part.children) this->part(child);
    if (part.children.empty()) empty_text();
    out_ += ' ';
    string(part.subtype);
    if (extensible_) {
      out_ += ' ';
      parameters(fields.type, false);
      extension(fields);
    }
    out_ += ')';
  }

  void single(const mime::Part& part, const Fields& fields) {
    out_ += '(';
    const bool message = part.kind == mime::PartKind::Message;
    const bool text = type(part, message);
    out_ += ' ';
    parameters(fields.type, text);
    for (const auto& value : {fields.id, fields.description}) {
      out_ += ' ';
      optional(value);
    }
    out_ += ' ';
    encoding(part, fields);
    number(part.body.length);
    if (message) nested(part);
    if (message || text) number(part.body_lines);
    if (extensible_) {
      out_ += ' ';
      optional(fields.md5);
      extension(fields);
    }
    out_ += ')';
  }

  void nested(const mime::Part& part) {
    out_ += ' ';
    if (full() || part.children.empty()) {
      append_empty_envelope(out_);
    } else {
      append_envelope(message_, message_.parts[part.children.front()], utf8_, out_);
    }
    out_ += ' ';
    if (part.children.empty()) {
      empty_text();
    } else {
      this->part(part.children.front());
    }
  }

  void empty_text() {
    out_ += R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)";
    out_ += extensible_ ? " NIL NIL NIL NIL)" : ")";
  }

  // Whether it is told as a text.
  bool type(const mime::Part& part, bool message) {
    if (part.type == "multipart") {
      out_ += R"("text" "plain")";
      return true;
    }
    if (!message && part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global")) {
      out_ += R"("application" "octet-stream")";
      return false;
    }
    string(part.type);
    out_ += ' ';
    string(part.subtype);
    return part.type == "text";
  }

  void encoding(const mime::Part& part, const Fields& fields) {
    if (part.encoding == mime::Encoding::Unknown && fields.encoding) {
      append_header_text(mime::encoding_token(*fields.encoding), utf8_, out_);
    } else {
      string(mime::name_of(part.encoding));
    }
  }

  void parameters(const OptionalView& type, bool text) {
    append_parameters(type ? mime::parse_structured(*type).parameters : std::vector<mime::RawParameter>{}, text, utf8_,
                      out_);
  }

  // Disposition, language, location.
  void extension(const Fields& fields) {
    out_ += ' ';
    disposition(fields.disposition);
    out_ += ' ';
    languages(fields.language);
    out_ += ' ';
    optional(fields.location);
  }

  void disposition(const OptionalView& value) {
    const mime::Structured parsed = value ? mime::parse_structured(*value) : mime::Structured{};
    if (parsed.type.empty() && parsed.parameters.empty()) {
      out_ += "NIL";
      return;
    }
    out_ += '(';
    // What is not known is to be treated as an attachment (RFC 2183, section 2.8).
    string(parsed.type.empty() ? "attachment" : parsed.type);
    out_ += ' ';
    append_parameters(parsed.parameters, false, utf8_, out_);
    out_ += ')';
  }

  void languages(const OptionalView& value) {
    const auto tags = value ? mime::parse_languages(*value) : std::vector<std::string>{};
    if (tags.empty()) {
      out_ += "NIL";
      return;
    }
    char before = '(';
    for (const std::string& tag : tags) {
      out_ += before;
      string(tag);
      before = ' ';
    }
    out_ += ')';
  }

  void string(std::string_view text) { append_string(text, utf8_, out_); }
  void optional(const OptionalView& text) {
    if (text) {
      append_header_text(*text, utf8_, out_);
    } else {
      out_ += "NIL";
    }
  }
  void number(uint64_t value) {
    out_ += ' ';
    append_number(value, out_);
  }

  const mime::Message& message_;
  bool extensible_;
  bool utf8_;
  std::string& out_;
  size_t begin_;
};

}  // namespace

void append_body_structure(const mime::Message& message, bool extensible, bool utf8, std::string& out) {
  Writer(message, extensible, utf8, out).part(0);
}

}  // namespace libsync::server
