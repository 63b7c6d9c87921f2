#include "libsync/imap/fetch.h"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

// We ask for one; Gmail's labels of a message stay below 100.
constexpr size_t kMaxSections = 1000;
constexpr size_t kMaxLabels = 10'000;

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

using ItemParser = bool (*)(Parser&, FetchData&);
struct Row {
  std::string_view name;
  ItemParser parse;
};

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
bool parse_preview_item(Parser& in, FetchData& out) { return in.expect_nstring(out.preview); }
bool parse_save_date(Parser& in, FetchData& out) { return in.nil() || (out.save_date = parse_date(in)).has_value(); }

// An item that has no section, one row each; the frequent ones first.
constexpr Row kItems[] = {
    {"UID", [](Parser& in, FetchData& out) { return (out.uid = in.expect_number32()).has_value(); }},
    {"FLAGS", parse_flags_item},
    {"RFC822.SIZE", [](Parser& in, FetchData& out) { return (out.size = in.expect_number()).has_value(); }},
    {"INTERNALDATE", [](Parser& in, FetchData& out) { return (out.date = parse_date(in)).has_value(); }},
    {"MODSEQ", parse_mod_sequence},
    {"ENVELOPE", parse_envelope_item},
    {"BODYSTRUCTURE", parse_structure_item},
    {"BODY", parse_structure_item},
    {"EMAILID", [](Parser& in, FetchData& out) { return parse_object_id(in, out.email_id); }},
    {"THREADID", [](Parser& in, FetchData& out) { return parse_object_id(in, out.thread_id); }},
    {"X-GM-MSGID",
     [](Parser& in, FetchData& out) {
       const auto number = in.expect_number();
       out.gm_msgid = number.value_or(0);
       return number.has_value();
     }},
    {"X-GM-THRID",
     [](Parser& in, FetchData& out) {
       const auto number = in.expect_number();
       out.gm_thrid = number.value_or(0);
       return number.has_value();
     }},
    {"X-GM-LABELS", parse_labels},
    {"PREVIEW", parse_preview_item},
    {"SAVEDATE", parse_save_date},
};

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
    const auto size = in.expect_number();
    if (size && out.binary_sizes.size() < kMaxSections) out.binary_sizes.emplace_back(section, *size);
    return size.has_value();
  }
  BodySection body{.section = section, .binary = iequals(name, "BINARY")};
  if (!body.binary && !iequals(name, "BODY")) return in.malformed("not a section's name");
  if (in.ch('<')) {
    body.origin = in.expect_number();
    if (!body.origin || !in.expect_ch('>')) return false;
  }
  if (!in.expect_space()) return false;
  if (!in.nstring(body.content)) return in.malformed("not message text");
  if (out.bodies.size() >= kMaxSections) return in.malformed("too many sections");
  out.bodies.push_back(std::move(body));
  return true;
}

// RFC 3501's names for BODY[], BODY[HEADER] and BODY[TEXT].
bool parse_rfc822(Parser& in, std::string_view name, FetchData& out) {
  BodySection body{.section = name.size() > 7 ? name.substr(7) : std::string_view()};
  if (!in.nstring(body.content)) return in.malformed("not message text");
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
  for (const Row& row : kItems) {
    if (iequals(row.name, name)) return row.parse(in, out);
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
  has_flags = has_gm_labels = false;
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

Command uid_fetch(std::string_view set, std::string_view items, const FetchOptions& options) {
  std::string text = fmt::format("UID FETCH {} ({})", set, items);
  if (options.changed_since != 0) {
    text += fmt::format(" (CHANGEDSINCE {}{})", options.changed_since, options.vanished ? " VANISHED" : "");
  }
  return simple_command(CommandKind::Fetch, text);
}

}  // namespace libsync::imap
