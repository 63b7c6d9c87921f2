#include <utility>

#include "libsync/base/text.h"
#include "libsync/mime/encoded_word.h"
#include "libsync/mime/message.h"

namespace libsync::mime {
namespace {

class InfoReader {
 public:
  InfoReader(const Message& message, const Part& part, Converters& converters, const Limits& limits, Defects* defects)
      : message_(message), part_(part), converters_(converters), limits_(limits), defects_(defects) {}

  PartInfo run() {
    info_.encoding = "7bit";
    const uint64_t outer_base = defects_ == nullptr ? 0 : defects_->base;
    FieldReader reader(message_.bytes.substr(0, part_.header.end()), message_.line_end, part_.header.offset);
    Field field;
    for (size_t fields = 0; reader.next(field) && fields < limits_.header_fields &&
                            field.offset - part_.header.offset < limits_.header_bytes;
         ++fields) {
      if (!istarts_with(field.name, "content-")) continue;
      if (defects_ != nullptr) defects_->base = outer_base + field.value_offset;
      take(field.name.substr(8), field.value.substr(0, limits_.value_bytes));
    }
    if (defects_ != nullptr) defects_->base = outer_base;
    if (const auto* name = info_.disposition ? find(info_.disposition->parameters, "filename") : nullptr) {
      info_.filename = name->value;
    } else if (const auto* type_name = find(info_.parameters, "name")) {
      info_.filename = type_name->value;
    }
    return std::move(info_);
  }

 private:
  // Of each field the first counts.
  void take(std::string_view name, std::string_view value) {
    if (iequals(name, "type")) {
      if (std::exchange(type_seen_, true)) return;
      info_.raw_parameters = parse_structured(value, limits_, defects_).parameters;
      info_.parameters = decode_parameters(info_.raw_parameters, converters_, limits_, defects_);
      if (const auto* charset = find(info_.parameters, "charset")) info_.charset = charset->value;
    } else if (iequals(name, "transfer-encoding")) {
      if (!std::exchange(encoding_seen_, true)) take_encoding(value);
    } else if (iequals(name, "disposition")) {
      if (!info_.disposition) take_disposition(value);
    } else if (iequals(name, "id")) {
      keep(info_.id, unfold(value));
    } else if (iequals(name, "description")) {
      if (info_.description.empty()) info_.description = decode_text(value, converters_, defects_);
    } else if (iequals(name, "location")) {
      keep(info_.location, unfold(value));
    } else if (iequals(name, "md5")) {
      keep(info_.md5, unfold(value));
    } else if (iequals(name, "language") && info_.languages.empty()) {
      info_.languages = parse_languages(value);
    }
  }

  static void keep(std::string& first, std::string value) {
    if (first.empty()) first = std::move(value);
  }

  void take_encoding(std::string_view value) {
    const Encoding encoding = encoding_of(value);
    info_.encoding = encoding == Encoding::Unknown ? to_lower(encoding_token(value)) : std::string(name_of(encoding));
  }

  void take_disposition(std::string_view value) {
    Structured parsed = parse_structured(value, limits_, defects_);
    Disposition disposition{std::move(parsed.type), std::move(parsed.parameters), {}};
    disposition.parameters = decode_parameters(disposition.raw, converters_, limits_, defects_);
    info_.disposition = std::move(disposition);
  }

  const Message& message_;
  const Part& part_;
  Converters& converters_;
  const Limits& limits_;
  Defects* defects_;
  PartInfo info_;
  bool type_seen_ = false;
  bool encoding_seen_ = false;
};

}  // namespace

PartInfo part_info(const Message& message, const Part& part, Converters& converters, const Limits& limits,
                   Defects* defects) {
  return InfoReader(message, part, converters, limits, defects).run();
}

bool is_attachment(const Part& part, const PartInfo& info) {
  if (part.kind == PartKind::Multipart && !part.children.empty()) return false;
  if (info.disposition && info.disposition->type == "attachment") return true;
  if (part.kind == PartKind::Message) return true;
  if (part.type == "multipart") return false;  // one that could not be opened is read as text
  if (part.type != "text") return !info.disposition || info.disposition->type != "inline" || !info.filename.empty();
  return !info.filename.empty() && (!info.disposition || info.disposition->type != "inline");
}

}  // namespace libsync::mime
