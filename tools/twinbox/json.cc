#include "tools/twinbox/json.h"

#include <ctime>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "libsync/base/text.h"

namespace twinbox {
namespace {

namespace bj = boost::json;

std::string valid_utf8(const std::string& text) {
  if (libsync::is_valid_utf8(text)) return text;
  std::string out;
  // printable() repairs UTF-8 but also replaces controls, which JSON can carry: only broken runs go through it.
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && static_cast<unsigned char>(text[i]) >= 0x20) continue;
    out += libsync::printable(std::string_view(text).substr(begin, i - begin), text.size() * 3 + 1);
    if (i < text.size()) out += text[i];
    begin = i + 1;
  }
  return out;
}

bj::value convert(const Json& json);

struct Convert {
  bj::value operator()(std::nullptr_t) const { return nullptr; }
  bj::value operator()(bool value) const { return value; }
  bj::value operator()(int64_t value) const { return value; }
  bj::value operator()(uint64_t value) const { return value; }
  bj::value operator()(double value) const { return value; }
  bj::value operator()(const std::string& text) const { return bj::value(bj::string(valid_utf8(text))); }
  bj::value operator()(const JsonList& list) const {
    bj::array out;
    for (const Json& item : list) out.push_back(convert(item));
    return out;
  }
  bj::value operator()(const JsonObject& object) const {
    bj::object out;
    for (const auto& [key, value] : object) out.emplace(valid_utf8(key), convert(value));
    return out;
  }
};

bj::value convert(const Json& json) { return std::visit(Convert{}, json.value()); }

}  // namespace

Json::Json(const std::vector<std::string>& texts) {
  JsonList list;
  for (const auto& text : texts) list.emplace_back(text);
  value_ = std::move(list);
}

std::string to_line(const Json& json) {
  // JSON lets DEL, the C1 controls (U+009B begins an escape sequence as ESC [ does) and overrides of direction stand
  // as they are; a terminal would obey them. What isn't ASCII is inside a string, so it may be escaped.
  const std::string line = bj::serialize(convert(json));
  std::string out;
  for (size_t at = 0; at < line.size();) {
    const auto lead = static_cast<unsigned char>(line[at]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view character = std::string_view(line).substr(at, length);
    at += length;
    if ((lead < 0x7F) || length == 4 || libsync::printable(character) == character) {
      out += character;
      continue;
    }
    unsigned code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (const char next : character.substr(1)) code = (code << 6) | (static_cast<unsigned char>(next) & 0x3FU);
    out += fmt::format("\\u{:04x}", code);
  }
  return out;
}

std::string iso_time(int64_t unix_seconds) {
  const std::time_t t = unix_seconds;
  std::tm utc{};
  if (::gmtime_r(&t, &utc) == nullptr) return "1970-01-01T00:00:00Z";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace twinbox
