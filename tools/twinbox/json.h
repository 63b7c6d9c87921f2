// JSON for --json: values as plain data, written as one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace twinbox {

class Json;
using JsonList = std::vector<Json>;
using JsonObject = std::vector<std::pair<std::string, Json>>;  // keys in this order

class Json {
 public:
  using Value = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, JsonList, JsonObject>;

  Json() : value_(nullptr) {}
  Json(std::nullptr_t) : value_(nullptr) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(unsigned value) : value_(uint64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(uint64_t value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(JsonList list) : value_(std::move(list)) {}
  Json(JsonObject object) : value_(std::move(object)) {}
  Json(const std::vector<std::string>& texts);
  template <class T>
  Json(const std::optional<T>& value) : Json(value ? Json(*value) : Json()) {}

  const Value& value() const { return value_; }

 private:
  Value value_;
};

// On one line, without the line's end. Bytes in strings that are not UTF-8 become U+FFFD, so that the
// line is always valid JSON; what a terminal would obey is escaped.
std::string to_line(const Json& json);

// Seconds since 1970 as "2026-11-22T18:04:05Z".
std::string iso_time(int64_t unix_seconds);

}  // namespace twinbox
