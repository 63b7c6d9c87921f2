#include "libsync/mime/envelope.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "libsync/base/text.h"
#include "libsync/mime/encoded_word.h"
#include "libsync/mime/message_id.h"

namespace libsync::mime {
namespace {

enum class Slot : uint8_t {
  Date,
  Subject,
  From,
  Sender,
  ReplyTo,
  To,
  Cc,
  Bcc,
  MessageId,
  InReplyTo,
  References,
  ListId
};

struct Name {
  std::string_view name;
  Slot slot;
};
constexpr std::array<Name, 12> kNames = {{{"from", Slot::From},
                                          {"to", Slot::To},
                                          {"cc", Slot::Cc},
                                          {"bcc", Slot::Bcc},
                                          {"date", Slot::Date},
                                          {"subject", Slot::Subject},
                                          {"sender", Slot::Sender},
                                          {"reply-to", Slot::ReplyTo},
                                          {"message-id", Slot::MessageId},
                                          {"in-reply-to", Slot::InReplyTo},
                                          {"references", Slot::References},
                                          {"list-id", Slot::ListId}}};

const Name* slot_of(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name.size() == name.size() && iequals(known.name, name)) return &known;
  }
  return nullptr;
}

class EnvelopeReader {
 public:
  EnvelopeReader(Converters& converters, const Limits& limits, Defects* defects)
      : converters_(converters), limits_(limits), defects_(defects) {}

  void take(const Name& name, std::string_view value) {
    const bool again = (seen_ >> static_cast<unsigned>(name.slot) & 1U) != 0;
    seen_ |= 1U << static_cast<unsigned>(name.slot);
    if (again) note(defects_, Fault::DuplicateField);
    if (auto* list = addresses(name.slot)) return take_addresses(*list, value);
    if (again) return;
    switch (name.slot) {
      case Slot::Date:
        envelope.date = parse_date(value);
        if (!envelope.date) note(defects_, Fault::BadDate);
        break;
      case Slot::Subject:
        envelope.subject = decode_text(value, converters_, defects_);
        break;
      case Slot::MessageId:
        if (auto ids = parse_ids(value, limits_, defects_); !ids.empty()) envelope.message_id = std::move(ids.front());
        break;
      case Slot::InReplyTo:
        envelope.in_reply_to = parse_ids(value, limits_, defects_);
        break;
      case Slot::References:
        envelope.references = parse_ids(value, limits_, defects_);
        break;
      case Slot::ListId:
        take_list_id(value);
        break;
      default:
        break;
    }
  }

  Envelope envelope;

 private:
  std::vector<Address>* addresses(Slot slot) {
    switch (slot) {
      case Slot::From:
        return &envelope.from;
      case Slot::Sender:
        return &envelope.sender;
      case Slot::ReplyTo:
        return &envelope.reply_to;
      case Slot::To:
        return &envelope.to;
      case Slot::Cc:
        return &envelope.cc;
      case Slot::Bcc:
        return &envelope.bcc;
      default:
        return nullptr;
    }
  }

  void take_addresses(std::vector<Address>& list, std::string_view value) {
    Limits left = limits_;
    left.addresses = limits_.addresses - std::min(limits_.addresses, list.size());
    auto more = parse_addresses(value, &converters_, left, defects_);
    if (list.empty()) {
      list = std::move(more);
    } else {
      std::move(more.begin(), more.end(), std::back_inserter(list));
    }
  }

  // "Description <list.example.org>", or the bare id (RFC 2919, section 2).
  void take_list_id(std::string_view value) {
    value = trim(value);
    const size_t open = value.rfind('<');
    if (open != value.npos) value = value.substr(open + 1, value.find('>', open) - open - 1);
    std::string id;
    for (const char c : value) {
      if (c != '\r' && c != '\n' && c != '\0' && c != '\t' && c != ' ') id += c;
    }
    append_valid_utf8(id, envelope.list_id);
  }

  Converters& converters_;
  const Limits& limits_;
  Defects* defects_;
  uint32_t seen_ = 0;
};

}  // namespace

Envelope parse_envelope(std::string_view bytes, Converters& converters, const Limits& limits, Defects* defects) {
  const uint64_t outer_base = defects == nullptr ? 0 : defects->base;
  const auto set_base = [&](uint64_t base) {
    if (defects != nullptr) defects->base = base;
  };
  EnvelopeReader taker(converters, limits, defects);
  FieldReader reader(bytes, nullptr);  // the tree's parser lists what is wrong with the header's lines
  Field field;
  for (size_t fields = 0; reader.next(field); ++fields) {
    if (fields >= limits.header_fields || field.offset >= limits.header_bytes) {
      set_base(outer_base);
      note(defects, Fault::TooManyFields, field.offset);
      break;
    }
    const Name* name = slot_of(field.name);
    if (name == nullptr) continue;
    set_base(outer_base + field.value_offset);
    if (field.value.size() > limits.value_bytes) note(defects, Fault::ValueTooLong);
    taker.take(*name, field.value.substr(0, limits.value_bytes));
  }
  set_base(outer_base);
  return std::move(taker.envelope);
}

}  // namespace libsync::mime
