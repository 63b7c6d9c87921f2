#include "libsync/server/imap_envelope.h"

#include <array>
#include <optional>
#include <vector>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"
#include "libsync/mime/address.h"
#include "libsync/server/imap_string.h"

namespace libsync::server {
namespace {

using Values = std::vector<std::string_view>;

void append_optional(std::string_view text, bool utf8, std::string& out) {
  if (text.empty()) {
    out += "NIL";
  } else {
    append_header_text(text, utf8, out);
  }
}

class Writer {
 public:
  Writer(bool utf8, std::string& out) : utf8_(utf8), out_(out) {}

  void read(mime::FieldReader reader, uint64_t begin) {
    const mime::Limits limits;
    mime::Field field;
    for (size_t fields = 0;
         reader.next(field) && fields < limits.header_fields && field.offset - begin < limits.header_bytes; ++fields) {
      keep(field.name, field.value.substr(0, limits.value_bytes));
    }
  }

  void write() {
    out_ += '(';
    text(date_);
    text(subject_);
    const size_t from = out_.size();
    addresses(from_);
    const size_t length = out_.size() - from;
    for (const Values* values : {&sender_, &reply_to_}) {
      if (!addresses(*values)) {
        out_.resize(out_.size() - kNil.size());
        out_.append(out_, from, length);
      }
    }
    for (const Values* values : {&to_, &cc_, &bcc_}) addresses(*values);
    text(in_reply_to_);
    text(message_id_);
    out_.back() = ')';
  }

 private:
  static constexpr std::string_view kNil = "NIL ";

  void keep(std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 2:
        return keep_in(name, "To", value, to_), keep_in(name, "Cc", value, cc_);
      case 3:
        return keep_in(name, "Bcc", value, bcc_);
      case 4:
        return keep_in(name, "From", value, from_), keep_first(name, "Date", value, date_);
      case 6:
        return keep_in(name, "Sender", value, sender_);
      case 7:
        return keep_first(name, "Subject", value, subject_);
      case 8:
        return keep_in(name, "Reply-To", value, reply_to_);
      case 10:
        return keep_first(name, "Message-ID", value, message_id_);
      case 11:
        return keep_first(name, "In-Reply-To", value, in_reply_to_);
      default:
        return;
    }
  }
  static void keep_first(std::string_view name, std::string_view wanted, std::string_view value,
                         std::optional<std::string_view>& first) {
    if (!first && iequals(name, wanted)) first = value;
  }
  static void keep_in(std::string_view name, std::string_view wanted, std::string_view value, Values& all) {
    if (iequals(name, wanted)) all.push_back(value);
  }

  void text(const std::optional<std::string_view>& value) {
    if (value) {
      append_header_text(*value, utf8_, out_);
    } else {
      out_ += "NIL";
    }
    out_ += ' ';
  }

  // False where there is none: "NIL ".
  bool addresses(const Values& values) {
    mime::Limits limits;
    size_t left = imap::kMaxAddresses;
    const size_t begin = out_.size();
    out_ += '(';
    for (const std::string_view value : values) {
      if (left < 2) break;
      limits.addresses = left - 1;  // a group that is cut off is closed all the same
      const auto list = mime::parse_addresses(value, nullptr, limits);
      for (const mime::Address& each : list) address(each);
      left -= list.size();
    }
    if (out_.size() == begin + 1) {
      out_.resize(begin);
      out_ += kNil;
      return false;
    }
    out_ += ") ";
    return true;
  }

  void address(const mime::Address& each) {
    switch (each.kind) {
      case mime::AddressKind::GroupEnd:
        out_ += "(NIL NIL NIL NIL)";
        return;
      case mime::AddressKind::GroupStart:
        out_ += "(NIL NIL ";
        append_header_text(each.name, utf8_, out_);
        out_ += " NIL)";
        return;
      case mime::AddressKind::Mailbox:
        break;
    }
    out_ += '(';
    append_optional(each.name, utf8_, out_);
    out_ += " NIL ";
    append_header_text(each.local, utf8_, out_);
    out_ += ' ';
    append_header_text(each.domain, utf8_, out_);
    out_ += ')';
  }

  bool utf8_;
  std::string& out_;
  std::optional<std::string_view> date_{}, subject_{}, in_reply_to_{}, message_id_{};
  Values from_{}, sender_{}, reply_to_{}, to_{}, cc_{}, bcc_{};
};

}  // namespace

void append_envelope(std::string_view header, bool utf8, std::string& out) {
  Writer writer(utf8, out);
  writer.read(mime::FieldReader(header), 0);
  writer.write();
}

void append_envelope(const mime::Message& message, const mime::Part& part, bool utf8, std::string& out) {
  Writer writer(utf8, out);
  const uint64_t begin = part.header.offset;
  writer.read(mime::FieldReader(message.bytes.substr(0, part.header.end()), message.line_end, begin), begin);
  writer.write();
}

void append_empty_envelope(std::string& out) { out += "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"; }

}  // namespace libsync::server
