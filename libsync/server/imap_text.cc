#include "libsync/server/imap_text.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/imap/command.h"
#include "libsync/imap/fetch.h"
#include "libsync/server/imap_core.h"

namespace libsync::server {
namespace {

constexpr std::array<std::pair<std::string_view, uint32_t>, 5> kSystemFlags{{{"\\Answered", sync::kAnswered},
                                                                             {"\\Flagged", sync::kFlagged},
                                                                             {"\\Deleted", sync::kDeleted},
                                                                             {"\\Seen", sync::kSeen},
                                                                             {"\\Draft", sync::kDraft}}};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool read_flag(imap::Parser& in, sync::Flags& flags) {
  const std::string_view text = in.flag();
  if (text.empty()) return in.malformed("a flag is missing");
  if (!text.starts_with('\\')) {
    if (!is_keyword(text) || flags.keywords.size() >= kMaxKeywords) return in.malformed("that can't be a keyword");
    flags.add_keyword(text);
    return true;
  }
  if (iequals(text, "\\Recent")) return true;
  const auto found = std::ranges::find_if(kSystemFlags, [&](const auto& row) { return iequals(row.first, text); });
  if (found == kSystemFlags.end()) return in.malformed("no such flag");
  flags.system |= found->second;
  return true;
}

std::optional<uint32_t> read_member(imap::Parser& in, uint32_t last) {
  if (in.ch('*')) return last;
  const auto number = in.number();
  if (!number || *number == 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace

bool is_keyword(std::string_view text) { return text.size() <= kMaxKeywordLength && imap::is_atom(text); }

std::string flag_list(const sync::Flags& flags) {
  std::string out = "(";
  for (const auto& [name, bit] : kSystemFlags) {
    if ((flags.system & bit) != 0) out.append(out.size() > 1 ? " " : "").append(name);
  }
  for (const std::string& keyword : flags.keywords) {
    // What a store has from elsewhere may be no atom.
    if (imap::is_atom(keyword)) out.append(out.size() > 1 ? " " : "").append(keyword);
  }
  return out + ")";
}

std::string flag_list(std::span<const std::string> keywords) {
  sync::Flags flags{.system = sync::kAllSystemFlags};
  flags.keywords.assign(keywords.begin(), keywords.end());
  return flag_list(flags);
}

bool read_flags(imap::Parser& in, sync::Flags& flags, bool bare) {
  if (in.peek() == '(' || !bare) return in.expect_list([&] { return read_flag(in, flags); });
  do {
    if (!read_flag(in, flags)) return false;
  } while (in.space());
  return true;
}

std::optional<imap::SequenceSet> read_set(imap::Parser& in, const SetContext& context) {
  if (in.peek() == '$' && context.saved != nullptr) {
    in.ch('$');
    return *context.saved;
  }
  imap::SequenceSet set;
  do {
    bool star = in.peek() == '*';
    auto first = read_member(in, context.last);
    if (!first) return std::nullopt;
    auto second = first;
    if (in.ch(':')) {
      star = star || in.peek() == '*';
      second = read_member(in, context.last);
    }
    if (!second) return std::nullopt;
    // "*" of an empty mailbox names nothing. "7:*" where 5 is the last is 5:7, and asks for what may have come.
    if (star) first = std::min(*first, context.last), second = std::min(*second, context.last);
    if (*first != 0 && *second != 0) set.add(*first, *second);
  } while (in.ch(','));
  return set;
}

std::optional<imap::SequenceSet> read_messages(Imap& imap, imap::Parser& in, bool uid, imap::SequenceSet* named) {
  const Selected& s = imap.selected();
  const bool saved = in.peek() == '$';
  const std::string_view text = in.rest();
  const auto set = read_set(
      in, {.last = uid ? s.uids.last_uid() : s.uids.count(), .saved = imap.has(Ext::SearchRes) ? &s.saved : nullptr});
  if (!set) {
    imap.bad("not a set of messages");
    return std::nullopt;
  }
  if (named != nullptr) {
    *named = *set;
    // What had the largest UIDs may be gone: "*" is all of these, too.
    const bool star = text.substr(0, text.size() - in.rest().size()).find('*') != text.npos;
    if (star) named->add(std::max(s.uids.last_uid(), 1U), UINT32_MAX);
  }
  if (saved || uid) return s.uids.among(*set);
  // RFC 9051, section 9: a number that no message has.
  if (!set->empty() && set->ranges().back().last > s.uids.count()) {
    imap.bad("there is no such message");
    return std::nullopt;
  }
  return s.uids.uids_of(*set);
}

imap::SequenceSet minus(const imap::SequenceSet& from, const imap::SequenceSet& these) {
  imap::SequenceSet left;
  const auto& cuts = these.ranges();
  auto cut = cuts.begin();
  for (const auto& range : from.ranges()) {
    uint64_t first = range.first;
    while (cut != cuts.end() && cut->last < range.first) ++cut;
    for (auto each = cut; each != cuts.end() && each->first <= range.last; ++each) {
      if (each->first > first) left.add(static_cast<uint32_t>(first), each->first - 1);
      first = uint64_t{each->last} + 1;
    }
    if (first <= range.last) left.add(static_cast<uint32_t>(first), range.last);
  }
  return left;
}

imap::SequenceSet both(const imap::SequenceSet& a, const imap::SequenceSet& b) { return minus(a, minus(a, b)); }

std::string mailbox_string(const Imap& imap, const sync::Path& path) {
  const std::string name = imap.wire_name(path);
  if (std::string quoted = imap::quoted(name); !quoted.empty()) return quoted;
  const bool controls = std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!imap.utf8() || controls || name.size() > 1000) return fmt::format("{{{}}}\r\n{}", name.size(), name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string internal_date(int64_t unix_seconds) {
  // Four digits of a year are all that the grammar has.
  return '"' + imap::format_internal_date(unix_seconds).value_or("01-Jan-1970 00:00:00 +0000") + '"';
}

std::optional<int64_t> read_date(imap::Parser& in) {
  std::string text;
  if (!in.astring(text)) return std::nullopt;
  const size_t first = text.find('-');
  const size_t second = first == text.npos ? first : text.find('-', first + 1);
  if (second == text.npos) return std::nullopt;
  // One or two digits of a day, four of a year.
  if (first > 2 || text.size() - second != 5) return std::nullopt;
  const auto day = parse_u64(std::string_view(text).substr(0, first));
  const auto year = parse_u64(std::string_view(text).substr(second + 1));
  const auto month = std::ranges::find_if(
      kMonths, [&](std::string_view name) { return iequals(name, text.substr(first + 1, second - first - 1)); });
  if (!day || !year || month == kMonths.end() || *day > 31 || *year > 9999) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days(date).time_since_epoch()).count();
}

bool expect_end(Imap& imap, imap::Parser& in) {
  in.stray_space();
  if (in.at_end()) return true;
  imap.bad("more arguments than it takes");
  return false;
}

std::optional<sync::Path> read_mailbox(Imap& imap, imap::Parser& in) {
  std::string name;
  if (!in.space() || !in.astring(name)) {
    imap.bad("a mailbox name is missing");
    return std::nullopt;
  }
  auto path = imap.path_of(name);
  if (!path) imap.no("that can't be a mailbox name", "CANNOT");
  return path;
}

}  // namespace libsync::server
