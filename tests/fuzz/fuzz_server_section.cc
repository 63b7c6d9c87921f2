// What a client writes behind "BODY[" and "BINARY[": the first octet says which of them, which message it is asked of,
// and how much of that is missing. A section that is read is printed, read again and resolved; what needs the header
// alone gives the same without the rest.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/text.h"
#include "libsync/server/imap_section.h"

namespace {

using namespace libsync;
using server::Content;

constexpr std::array<std::string_view, 4> kMail = {
    "Subject: a\r\nTo: b@x,\r\n c@x\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\none\r\n--o\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n"
    "inner\r\n--i--\r\n--o\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--o--\r\n",
    "A: 1\njunk\nB: 2\n\nbody\n", "A: 1\rB: 2\r\rbody\r", "Content-Transfer-Encoding: quoted-printable\r\nA: 1"};

// As the server's reader hands a command over: octets behind "{n}" CRLF are a literal's.
std::vector<imap::Literal> literals_in(std::string_view text) {
  std::vector<imap::Literal> all;
  for (size_t at = text.find("}\r\n"); at != text.npos; at = text.find("}\r\n", at + 3)) {
    constexpr size_t kDigits = 20;
    const std::string_view before = text.substr(0, at).substr(at - std::min(at, kDigits));
    const size_t open = before.rfind('{');
    const auto size = open == before.npos ? std::nullopt : parse_u64(before.substr(open + 1));
    if (!size || *size > text.size() - at - 3) continue;
    all.push_back({.at = at + 3, .size = *size});
    at += *size;
  }
  return all;
}

bool same(const Content& a, const Content& b) { return a.kind == b.kind && a.stored == b.stored && a.text == b.text; }

void check_in(const server::Section& section, std::string_view octets, const server::Partial& partial) {
  const mime::Message message = mime::parse(octets);
  Content content = server::content_of(section, message);
  const std::string_view header = octets.substr(0, server::header_length(octets, true).value_or(0));
  if (server::needs(section) != server::Needs::Message &&
      !same(content, server::content_of(section, header, octets.size()))) {
    std::abort();
  }
  if (content.kind == Content::Kind::Stored && content.stored.end() > octets.size()) std::abort();
  server::cut(content, partial);
  if (content.size() > partial.length || content.stored.end() > octets.size()) std::abort();
  if (section.text != server::SectionText::Whole) return;
  Content whole = server::binary_of(section, message);
  uint64_t size = 0;
  const Content::Kind kind = server::binary_size(section, message, size);
  if (kind != whole.kind || size != whole.size()) std::abort();
  server::cut(whole, partial);
  if (!same(whole, server::binary_of(section, message, partial))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<imap::Literal> literals = literals_in(text);
  imap::Quirks quirks;
  imap::Parser in({.text = text, .literals = literals}, quirks);
  server::Section section;
  const bool binary = (data[0] & 1U) != 0;
  if (!(binary ? server::parse_binary_section(in, section) : server::parse_section(in, section))) return 0;
  if (section.part.size() > server::kMaxSectionNumbers || section.fields.size() > server::kMaxSectionFields) {
    std::abort();
  }
  std::optional<server::Partial> partial;
  if (!server::parse_partial(in, partial)) partial = {3, 5};

  std::string printed;
  server::append_section(section, printed);
  printed += ']';
  imap::Parser again({.text = printed, .literals = {}}, quirks);
  server::Section same_section;
  if (!server::parse_section(again, same_section) || !again.at_end() || same_section != section) std::abort();

  const std::string_view octets = kMail[(data[0] >> 1U) % kMail.size()];
  check_in(section, octets.substr(0, octets.size() - (data[0] >> 3U) % octets.size()),
           partial.value_or(server::Partial{0, 2}));
  return 0;
}
