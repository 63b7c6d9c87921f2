#include "libsync/imap/fetch.h"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

// Where an item that can't be read is taken out again, `clear` says how.
using ItemParser = bool (*)(Parser&, FetchData&);
using ItemClear = void (*)(FetchData&);
struct Row {
  std::string_view name;
  ItemParser parse;
  ItemClear clear;
};

bool parse_mod_sequence(Parser& in, FetchData& out) {
  return in.expect_ch('(') && (out.modseq = in.expect_number()) && in.expect_ch(')');
}

std::optional<int64_t> parse_date(Parser& in) {
  std::string text;
  if (in.string(text)) {
    if (const auto date = parse_internal_date(text)) return date;
  }
  in.malformed("not a date");
  return std::nullopt;
}

bool parse_object_id(Parser& in, std::string_view& out) {
  if (in.nil()) return true;
  return in.expect_ch('(') && in.expect_atom(out) && in.expect_ch(')');
}

bool parse_labels(Parser& in, FetchData& out) {
  out.has_gm_labels = true;
  return in.expect_list([&] {
    std::string label;
    const std::string_view flag = in.flag();
    if (flag.empty() && !in.string(label)) return in.malformed("not a label");
    if (!flag.empty()) label = flag;
    if (out.gm_labels.size() < kMaxLabels) out.gm_labels.push_back(std::move(label));
    return true;
  });
}

bool parse_envelope_item(Parser& in, FetchData& out) {
  out.envelope = std::make_unique<Envelope>();
  return parse_envelope(in, *out.envelope);
}
bool parse_structure_item(Parser& in, FetchData& out) {
  out.structure = std::make_unique<BodyPart>();
  return parse_body_structure(in, *out.structure);
}
bool parse_flags_item(Parser& in, FetchData& out) {
  out.has_flags = true;
  return parse_flag_list(in, out.flags);
}
bool parse_size_item(Parser& in, FetchData& out) {
  out.names_size = true;
  return (out.size = in.expect_number()).has_value();
}
bool parse_preview_item(Parser& in, FetchData& out) { return in.expect_nstring(out.preview); }
bool parse_save_date(Parser& in, FetchData& out) { return in.nil() || (out.save_date = parse_date(in)).has_value(); }
bool parse_gm_number(Parser& in, uint64_t& out) {
  const auto number = in.expect_number();
  out = number.value_or(0);
  return number.has_value();
}

// An item that has no section, one row each; the frequent ones first. UID stands apart: without it nothing
// in the line has a place.
constexpr Row kItems[] = {
    {"FLAGS", parse_flags_item,
     [](FetchData& out) {
       out.has_flags = false;
       out.flags.clear();
     }},
    {"RFC822.SIZE", parse_size_item, [](FetchData& out) { out.size.reset(); }},
    {"INTERNALDATE", [](Parser& in, FetchData& out) { return (out.date = parse_date(in)).has_value(); },
     [](FetchData& out) { out.date.reset(); }},
    {"MODSEQ", parse_mod_sequence, [](FetchData& out) { out.modseq.reset(); }},
    {"ENVELOPE", parse_envelope_item, [](FetchData& out) { out.envelope.reset(); }},
    {"BODYSTRUCTURE", parse_structure_item, [](FetchData& out) { out.structure.reset(); }},
    {"BODY", parse_structure_item, [](FetchData& out) { out.structure.reset(); }},
    {"EMAILID", [](Parser& in, FetchData& out) { return parse_object_id(in, out.email_id); },
     [](FetchData& out) { out.email_id = {}; }},
    {"THREADID", [](Parser& in, FetchData& out) { return parse_object_id(in, out.thread_id); },
     [](FetchData& out) { out.thread_id = {}; }},
    {"X-GM-MSGID", [](Parser& in, FetchData& out) { return parse_gm_number(in, out.gm_msgid); },
     [](FetchData& out) { out.gm_msgid = 0; }},
    {"X-GM-THRID", [](Parser& in, FetchData& out) { return parse_gm_number(in, out.gm_thrid); },
     [](FetchData& out) { out.gm_thrid = 0; }},
    {"X-GM-LABELS", parse_labels,
     [](FetchData& out) {
       out.has_gm_labels = false;
       out.gm_labels.clear();
     }},
    {"PREVIEW", parse_preview_item, [](FetchData& out) { out.preview.reset(); }},
    {"SAVEDATE", parse_save_date, [](FetchData& out) { out.save_date.reset(); }},
};

// A value that can't be read costs its item, not the line.
bool parse_tolerantly(Parser& in, const Row& row, FetchData& out) {
  const size_t start = in.offset();
  if (row.parse(in, out) && in.at_value_end()) return true;
  row.clear(out);
  in.seek(start);
  in.note(Quirk::OddItem);
  if (!in.pass_over()) return false;
  in.forgive();
  return true;
}

// Text that is none is as NIL: the server does not give it.
bool message_text(Parser& in, BodySection& body) {
  const size_t start = in.offset();
  if (in.nstring(body.content) && in.at_value_end()) return true;
  body.content = {};
  in.seek(start);
  in.note(Quirk::OddItem);
  return in.pass_over() || in.malformed("not message text");
}

// BODY[…]<n>, BINARY[…]<n>, BINARY.SIZE[…]; the cursor stands at '['.
bool parse_section(Parser& in, std::string_view name, FetchData& out) {
  const std::string_view rest = in.rest();
  // A header field name may be a quoted string with ']' in it; nobody sends one, and then it is malformed.
  const size_t end = rest.find(']');
  if (end == std::string_view::npos) return in.malformed("a section does not end");
  const std::string_view section = rest.substr(1, end - 1);
  in.seek(in.offset() + end + 1);
  if (iequals(name, "BINARY.SIZE")) {
    if (!in.expect_space()) return false;
    const auto size = in.number();
    if (!size || !in.at_value_end()) {
      in.note(Quirk::OddItem);
      return in.pass_over();
    }
    if (out.binary_sizes.size() < kMaxSections) out.binary_sizes.emplace_back(section, *size);
    return true;
  }
  BodySection body{.section = section, .binary = iequals(name, "BINARY")};
  if (!body.binary && !iequals(name, "BODY")) return in.malformed("not a section's name");
  if (in.ch('<')) {
    body.origin = in.expect_number();
    if (!body.origin || !in.expect_ch('>')) return false;
  }
  if (!in.expect_space() || !message_text(in, body)) return false;
  if (out.bodies.size() >= kMaxSections) return in.malformed("too many sections");
  out.bodies.push_back(std::move(body));
  return true;
}

// RFC 3501's names for BODY[], BODY[HEADER] and BODY[TEXT].
bool parse_rfc822(Parser& in, std::string_view name, FetchData& out) {
  BodySection body{.section = name.size() > 7 ? name.substr(7) : std::string_view()};
  if (!message_text(in, body)) return false;
  if (out.bodies.size() >= kMaxSections) return in.malformed("too many sections");
  out.bodies.push_back(std::move(body));
  return true;
}

std::string_view item_name(Parser& in) {
  const std::string_view rest = in.rest();
  size_t n = 0;
  while (n < rest.size() && rest[n] != ' ' && rest[n] != '[' && rest[n] != '(' && rest[n] != ')') ++n;
  in.seek(in.offset() + n);
  return rest.substr(0, n);
}

bool parse_item(Parser& in, FetchData& out) {
  const std::string_view name = item_name(in);
  if (name.empty()) return in.malformed("not a FETCH item");
  if (in.peek() == '[') return parse_section(in, name, out);
  if (!in.expect_space()) return false;
  if (iequals(name, "UID")) return (out.uid = in.expect_number32()).has_value();
  for (const Row& row : kItems) {
    if (iequals(row.name, name)) return parse_tolerantly(in, row, out);
  }
  if (iequals(name, "RFC822") || iequals(name, "RFC822.HEADER") || iequals(name, "RFC822.TEXT")) {
    return parse_rfc822(in, name, out);
  }
  return in.skip_value();
}

int month_number(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (iequals(kMonths[i], name)) return static_cast<int>(i) + 1;
  }
  return 0;
}

// Digits from `at` on; nothing if one of them is none.
std::optional<int> digits(std::string_view text, size_t at, size_t count) {
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

void FetchData::clear() {
  number = 0;
  uid.reset(), size.reset(), modseq.reset(), date.reset(), save_date.reset();
  names_size = has_flags = has_gm_labels = false;
  flags.clear();
  email_id = thread_id = {};
  gm_msgid = gm_thrid = 0;
  gm_labels.clear();
  preview.reset();
  envelope.reset();
  structure.reset();
  bodies.clear();
  binary_sizes.clear();
}

bool parse_fetch(Parser& in, FetchData& out, bool partial) {
  if (!in.expect_space() || !in.expect_ch('(')) return false;
  while (!in.ch(')')) {
    in.stray_space();
    if (!parse_item(in, out)) return false;
    if (partial && in.at_end()) return true;
    if (in.peek() != ')' && !in.expect_space()) return false;
  }
  in.stray_space();
  return in.at_end() || in.malformed("more behind FETCH");
}

std::optional<int64_t> parse_internal_date(std::string_view text) {
  // " 1-Feb-2026 03:04:05 +0100"; some servers leave the pad out.
  std::string padded;
  if (text.size() == 25) text = padded.assign(" ").append(text);
  if (text.size() != 26 || text[2] != '-' || text[6] != '-' || text[11] != ' ' || text[14] != ':' || text[17] != ':' ||
      text[20] != ' ' || (text[21] != '+' && text[21] != '-')) {
    return std::nullopt;
  }
  const auto day = text[0] == ' ' ? digits(text, 1, 1) : digits(text, 0, 2);
  const int month = month_number(text.substr(3, 3));
  const auto year = digits(text, 7, 4), hour = digits(text, 12, 2), minute = digits(text, 15, 2),
             second = digits(text, 18, 2), zone_hours = digits(text, 22, 2), zone_minutes = digits(text, 24, 2);
  if (!day || month == 0 || !year || !hour || !minute || !second || !zone_hours || !zone_minutes) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 24 || *minute > 59 || *second > 60) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t zone = (*zone_hours * 60 + *zone_minutes) * 60 * (text[21] == '-' ? -1 : 1);
  return days * 86400 + *hour * 3600 + *minute * 60 + *second - zone;
}

std::optional<std::string> format_internal_date(int64_t unix_seconds) {
  using namespace std::chrono;
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds time{seconds(unix_seconds)};
  // Calendars end where their days no longer fit; this is far inside.
  if (unix_seconds < -62'135'596'800 || unix_seconds > 253'402'300'799) return std::nullopt;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:2}-{}-{:04} {:02}:{:02}:{:02} +0000", static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Command fetch(std::string_view set, std::string_view items, const FetchOptions& options) {
  std::string text = fmt::format("FETCH {} ({})", set, items);
  if (options.changed_since != 0) {
    text += fmt::format(" (CHANGEDSINCE {}{})", options.changed_since, options.vanished ? " VANISHED" : "");
  }
  return simple_command(CommandKind::Fetch, text);
}

Command uid_fetch(std::string_view set, std::string_view items, const FetchOptions& options) {
  Command command = fetch(set, items, options);
  command.pieces.front().text.insert(0, "UID ");
  return command;
}

}  // namespace libsync::imap
