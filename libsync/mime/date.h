// Dates in the forms that occur: RFC 5322 sections 3.3 and 4.3, asctime, ISO 8601 (RFC 3339), and their
// damages: no weekday or a wrong one, no seconds, no zone, two-digit years, dashes, names of zones, German, French
// and Spanish months.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace libsync::mime {

struct Date {
  int64_t unix_seconds = 0;  // UTC
  int32_t zone_minutes = 0;  // east of Greenwich
  bool zone_known = false;   // false: no zone, "-0000" or a name nobody knows; taken as UTC
  bool operator==(const Date&) const = default;
};

// Nothing if no day, month and year can be made out, or if they or the time do not exist.
std::optional<Date> parse_date(std::string_view text);

// "Mon, 02 Jan 2006 15:04:05 +0700": RFC 5322, for fields that twinbox writes.
std::string format_date(const Date& date);
// "2006-01-02T15:04:05+07:00": RFC 3339, for JSON.
std::string format_iso(const Date& date);

}  // namespace libsync::mime
