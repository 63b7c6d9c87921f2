#include "libsync/mime/date.h"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "libsync/base/text.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxDateText = 200;  // a date with its comments; RFC 5322's own has 31

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Zone {
  std::string_view name;
  int hours;
};
// RFC 5322, section 4.3, and the names that still occur. Those that mean several things (IST, BST, CST in
// China) are read as RFC 5322 does, or not at all.
constexpr Zone kZones[] = {{"UT", 0},   {"GMT", 0},  {"UTC", 0},  {"Z", 0},    {"WET", 0},  {"EST", -5}, {"EDT", -4},
                           {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"MET", 1},
                           {"CET", 1},  {"MEZ", 1},  {"MEST", 2}, {"CEST", 2}, {"MESZ", 2}, {"EET", 2},  {"EEST", 3},
                           {"MSK", 3},  {"JST", 9},  {"KST", 9},  {"HKT", 8},  {"SGT", 8},  {"AEST", 10}};

// Collects what the words of a date say, in whatever order they come.
class DateParser {
 public:
  explicit DateParser(std::string_view in) : in_(in) {}

  std::optional<Date> run() {
    if (!read_iso_day()) at_ = 0;
    while (at_ < in_.size()) {
      if (!step()) return std::nullopt;
    }
    return result();
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }

  bool step() {
    const char c = peek();
    if (c == '(') {
      skip_comment();
    } else if (is_digit(c)) {
      return number();
    } else if (is_alpha(c)) {
      return name();
    } else if ((c == '+' || c == '-') && hour_ >= 0 && is_digit(peek(1))) {
      zone_offset();
    } else {
      ++at_;  // separators, and what does not matter
    }
    return true;
  }

  void skip_comment() {
    int depth = 0;
    do {
      if (in_[at_] == '(') ++depth;
      if (in_[at_] == ')') --depth;
      ++at_;
    } while (at_ < in_.size() && depth > 0);
  }

  int digits(size_t most, size_t& count) {
    int value = 0;
    for (count = 0; count < most && is_digit(peek()); ++count) value = value * 10 + (in_[at_++] - '0');
    return value;
  }

  // 2006-01-02, 2006/01/02, 20060102; a 'T' or a space may follow.
  bool read_iso_day() {
    while (peek() == ' ' || peek() == '\t') ++at_;
    size_t count = 0;
    const int year = digits(4, count);
    if (count != 4) return false;
    const char separator = peek();
    const bool compact = is_digit(separator);
    if (!compact && separator != '-' && separator != '/') return false;
    if (!compact) ++at_;
    const int month = digits(2, count);
    if (count == 0 || (!compact && peek() != separator)) return false;
    if (!compact) ++at_;
    const int day = digits(2, count);
    if (count == 0 || is_digit(peek())) return false;
    year_ = year;
    month_ = month;
    day_ = day;
    if (peek() == 'T' || peek() == 't') ++at_;
    return true;
  }

  bool number() {
    const size_t begin = at_;
    size_t count = 0;
    const int value = digits(9, count);
    if (is_digit(peek())) return false;
    if (peek() == ':' || (peek() == '.' && is_digit(peek(1)) && is_digit(peek(2)) && peek(3) == '.' && day_ > 0)) {
      return hour_ < 0 ? time_of_day(value, peek()) : true;
    }
    if (peek() == '/' && day_ < 0 && month_ < 0) return slashes(value);
    if (year_ >= 0 && day_ >= 0 && hour_ < 0 && (count == 4 || count == 6)) {  // ISO 8601's 150405
      at_ = begin;
      return compact_time();
    }
    if (count >= 3 || day_ >= 0) {
      if (year_ < 0) year_ = full_year(value, count);
    } else {
      day_ = value;
    }
    return true;
  }

  // RFC 5322, section 4.3.
  static int full_year(int value, size_t count) {
    if (count == 2) return value < 50 ? value + 2000 : value + 1900;
    return count == 3 ? value + 1900 : value;
  }

  bool time_of_day(int hour, char separator) {
    size_t count = 0;
    hour_ = hour;
    ++at_;
    while (peek() == ' ') ++at_;  // "9: 5" occurs
    minute_ = digits(2, count);
    if (count == 0) return false;
    if (peek() == separator) {
      ++at_;
      while (peek() == ' ') ++at_;
      second_ = digits(2, count);
      fraction();
    }
    return true;
  }

  bool compact_time() {
    size_t count = 0;
    hour_ = digits(2, count);
    minute_ = digits(2, count);
    second_ = digits(2, count);
    fraction();
    return true;
  }

  void fraction() {
    if ((peek() != '.' && peek() != ',') || !is_digit(peek(1))) return;
    ++at_;
    while (is_digit(peek())) ++at_;
  }

  // 12/31/2006, and 31/12/2006 where it can only be that.
  bool slashes(int first) {
    size_t count = 0;
    ++at_;
    const int second = digits(2, count);
    if (count == 0 || peek() != '/') return false;
    ++at_;
    const int year = digits(4, count);
    if (count != 2 && count != 4) return false;
    year_ = full_year(year, count);
    month_ = first > 12 ? second : first;
    day_ = first > 12 ? first : second;
    return true;
  }

  bool name() {
    const size_t begin = at_;
    while (is_alpha(peek())) ++at_;
    const std::string_view word = in_.substr(begin, at_ - begin);
    if (month_ < 0 && word.size() >= 3) {
      for (size_t i = 0; i < kMonths.size(); ++i) {
        if (!istarts_with(kMonths[i], word) && !(i == 8 && iequals(word, "sept"))) continue;
        month_ = static_cast<int>(i) + 1;
        return true;
      }
    }
    if (hour_ < 0) return true;  // a weekday, in whatever language
    if (iequals(word, "am") || iequals(word, "pm")) {
      if (hour_ > 12) return true;
      hour_ = hour_ % 12 + (ascii_lower(word[0]) == 'p' ? 12 : 0);
    } else {
      zone_name(word);
    }
    return true;
  }

  void zone_name(std::string_view word) {
    if (zone_known_) return;
    for (const Zone& zone : kZones) {
      if (!iequals(zone.name, word)) continue;
      zone_ = zone.hours * 60;
      zone_known_ = true;
      // "GMT+0800": the offset counts.
      if ((peek() == '+' || peek() == '-') && is_digit(peek(1))) zone_known_ = false;
      return;
    }
  }

  void zone_offset() {
    const bool negative = in_[at_++] == '-';
    size_t count = 0;
    int hours = digits(4, count);
    int minutes = 0;
    if (count <= 2 && peek() == ':') {
      ++at_;
      size_t more = 0;
      minutes = digits(2, more);
    } else if (count > 2) {
      minutes = hours % 100;
      hours /= 100;
    }
    if (zone_known_ || hours > 15 || minutes > 59 || is_digit(peek())) return;  // no zone is that far east or west
    zone_ = (hours * 60 + minutes) * (negative ? -1 : 1);
    zone_known_ = !negative || zone_ != 0;  // "-0000" says that the zone is not known (RFC 5322, section 3.3)
  }

  std::optional<Date> result() const {
    const int hour = hour_ < 0 ? 0 : hour_;
    if (year_ < 1900 || year_ > 9999 || month_ < 1 || day_ < 1 || hour > 23 || minute_ > 59 || second_ > 60) {
      return std::nullopt;
    }
    const std::chrono::year_month_day day{std::chrono::year(year_), std::chrono::month(static_cast<unsigned>(month_)),
                                          std::chrono::day(static_cast<unsigned>(day_))};
    if (!day.ok()) return std::nullopt;
    const int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
    const int64_t local = days * 86400 + hour * 3600 + minute_ * 60 + (second_ == 60 ? 59 : second_);
    return Date{local - int64_t{zone_} * 60, zone_, zone_known_};
  }

  std::string_view in_;
  size_t at_ = 0;
  int year_ = -1, month_ = -1, day_ = -1;
  int hour_ = -1, minute_ = 0, second_ = 0;
  int zone_ = 0;
  bool zone_known_ = false;
};

struct Civil {
  std::chrono::year_month_day day;
  unsigned weekday;
  int64_t hour, minute, second;
};

Civil civil_of(const Date& date) {
  const std::chrono::sys_seconds local{std::chrono::seconds(date.unix_seconds + int64_t{date.zone_minutes} * 60)};
  const auto days = std::chrono::floor<std::chrono::days>(local);
  const int64_t rest = (local - days).count();
  return {std::chrono::year_month_day(days), std::chrono::weekday(days).c_encoding(), rest / 3600, rest / 60 % 60,
          rest % 60};
}

}  // namespace

std::optional<Date> parse_date(std::string_view text) { return DateParser(trim(text).substr(0, kMaxDateText)).run(); }

std::string format_date(const Date& date) {
  const Civil civil = civil_of(date);
  const int zone = date.zone_minutes < 0 ? -date.zone_minutes : date.zone_minutes;
  const std::string_view month = kMonths[static_cast<unsigned>(civil.day.month()) - 1];
  return fmt::format("{}, {:02} {}{} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays[civil.weekday],
                     static_cast<unsigned>(civil.day.day()), ascii_upper(month[0]), month.substr(1, 2),
                     static_cast<int>(civil.day.year()), civil.hour, civil.minute, civil.second,
                     date.zone_minutes < 0 || !date.zone_known ? '-' : '+', zone / 60, zone % 60);
}

std::string format_iso(const Date& date) {
  const Civil civil = civil_of(date);
  const int zone = date.zone_minutes < 0 ? -date.zone_minutes : date.zone_minutes;
  const std::string suffix =
      zone == 0 ? "Z" : fmt::format("{}{:02}:{:02}", date.zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}", static_cast<int>(civil.day.year()),
                     static_cast<unsigned>(civil.day.month()), static_cast<unsigned>(civil.day.day()), civil.hour,
                     civil.minute, civil.second, suffix);
}

}  // namespace libsync::mime
