#include "libsync/mime/date.h"

#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxDateText = 200;  // a date with its comments; RFC 5322's own has 31

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_eight_bit(char c) { return static_cast<uint8_t>(c) >= 0x80; }
bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};

struct MonthName {
  std::string_view name;
  int month;
};
// German, French and Spanish names that are no beginning of the English ones. '?' stands for letters outside
// ASCII, in whatever charset they came.
constexpr MonthName kMoreMonths[] = {
    {"janvier", 1},   {"enero", 1},     {"f?vrier", 2},    {"fevrier", 2},   {"febrero", 2},    {"m?rz", 3},
    {"maerz", 3},     {"mrz", 3},       {"mars", 3},       {"marzo", 3},     {"avril", 4},      {"abril", 4},
    {"mai", 5},       {"mayo", 5},      {"juin", 6},       {"junio", 6},     {"juillet", 7},    {"julio", 7},
    {"ao?t", 8},      {"aout", 8},      {"agosto", 8},     {"septembre", 9}, {"septiembre", 9}, {"setiembre", 9},
    {"oktober", 10},  {"octobre", 10},  {"octubre", 10},   {"novembre", 11}, {"noviembre", 11}, {"dezember", 12},
    {"d?cembre", 12}, {"decembre", 12}, {"diciembre", 12},
};

// The month that begins with `word`; 0 if there is none, or more than one ("jui").
int month_of(std::string_view word) {
  if (word.size() < 3) return 0;
  int found = 0;
  const auto look = [&](std::string_view name, int month) {
    if (!istarts_with(name, word)) return true;
    const bool same = found == 0 || found == month;
    found = month;
    return same;
  };
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (!look(kMonths[i], static_cast<int>(i) + 1)) return 0;
  }
  for (const MonthName& more : kMoreMonths) {
    if (!look(more.name, more.month)) return 0;
  }
  return found;
}

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
    } else if (is_letter(c)) {
      name();
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

  // A month's name before the day may have been a weekday's: in "mar 03 ene 2006" the later one counts.
  bool wants_month() const { return month_ < 0 || (month_first_ && year_ < 0 && hour_ < 0); }
  // Names of months have letters outside ASCII; behind the month such bytes only separate.
  bool is_letter(char c) const { return is_alpha(c) || (is_eight_bit(c) && wants_month()); }

  void name() {
    std::string word;
    while (is_letter(peek())) {
      const char c = in_[at_++];
      if (!is_eight_bit(c)) {
        word += c;
      } else if (!word.ends_with('?')) {
        word += '?';
      }
    }
    const bool first = day_ < 0 && year_ < 0 && hour_ < 0;
    // "Mar, 3 Jan", "mar., 3 ene": a weekday, in whatever language.
    if (first && (peek() == ',' || (peek() == '.' && peek(1) == ','))) return;
    if (const int month = wants_month() ? month_of(word) : 0; month > 0) {
      month_ = month;
      month_first_ = first;
      return;
    }
    if (hour_ < 0) return;  // a weekday without its comma
    if (iequals(word, "am") || iequals(word, "pm")) {
      if (hour_ <= 12) hour_ = hour_ % 12 + (ascii_lower(word[0]) == 'p' ? 12 : 0);
    } else {
      zone_name(word);
    }
  }

  void zone_name(std::string_view word) {
    if (zone_known_) return;
    for (const Zone& zone : kZones) {
      if (!iequals(zone.name, word)) continue;
      zone_ = zone.hours * 60;
      zone_known_ = true;
      // "GMT+0800": the offset counts, if it is one.
      offset_counts_ = (peek() == '+' || peek() == '-') && is_digit(peek(1));
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
    const bool counts = !zone_known_ || std::exchange(offset_counts_, false);
    if (!counts || hours > 15 || minutes > 59 || is_digit(peek())) return;  // no zone is that far east or west
    zone_ = (hours * 60 + minutes) * (negative ? -1 : 1);
    zone_known_ = !negative || zone_ != 0;  // "-0000" says that the zone is not known (RFC 5322, section 3.3)
  }

  std::optional<Date> result() const {
    const int hour = hour_ < 0 ? 0 : hour_;
    if (year_ < 1900 || year_ > 9999 || month_ < 1 || day_ < 1 || minute_ > 59 || second_ > 60) return std::nullopt;
    // 24:00:00 is the midnight at the day's end (ISO 8601).
    if (hour > 23 && (hour > 24 || minute_ > 0 || second_ > 0)) return std::nullopt;
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
  bool month_first_ = false;  // the month stood before the day
  int hour_ = -1, minute_ = 0, second_ = 0;
  int zone_ = 0;
  bool zone_known_ = false;
  bool offset_counts_ = false;  // behind the zone's name
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
