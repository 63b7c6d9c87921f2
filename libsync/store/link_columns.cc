#include "libsync/store/link_columns.h"

#include <algorithm>
#include <array>
#include <string>

#include "libsync/base/text.h"
#include "libsync/sync/path.h"

namespace libsync::store {

using sync::At;
using sync::Flags;
using sync::Half;
using sync::Pair;
using sync::Row;
using sync::Side;

namespace {

// Empty text is kept as NULL: most of these columns are empty in most rows.
std::optional<Lent> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return Lent{text};
}

std::string join(const std::vector<std::string>& keywords) {
  std::string out;
  for (const auto& keyword : keywords) {
    if (!out.empty()) out += ' ';
    out += keyword;
  }
  return out;
}

Flags flags_from(int64_t system, std::string_view keywords) {
  Flags flags{.system = static_cast<uint32_t>(system)};
  while (!keywords.empty()) {
    const size_t space = keywords.find(' ');
    flags.add_keyword(keywords.substr(0, space));
    keywords.remove_prefix(space == keywords.npos ? keywords.size() : space + 1);
  }
  return flags;
}

void bind_flags(Statement& statement, int at, const Flags& flags) {
  statement.bind_at(at, flags.system);
  if (flags.keywords.empty()) {
    statement.bind_at(at + 1, nullptr);
  } else {
    statement.bind_at(at + 1, join(flags.keywords));
  }
}

// "5 one two"; NULL for none.
void bind_sent(Statement& statement, int at, const Flags& flags) {
  if (flags == Flags{}) {
    statement.bind_at(at, nullptr);
  } else {
    statement.bind_at(at, std::to_string(flags.system) + ' ' + join(flags.keywords));
  }
}

Flags read_sent(const Statement& s, int at) {
  const std::string_view text = s.text(at);
  const size_t space = std::min(text.find(' '), text.size());
  return flags_from(static_cast<int64_t>(parse_u64(text.substr(0, space)).value_or(0)),
                    text.substr(std::min(space + 1, text.size())));
}

// "4 1700000000 the server's words"; empty: nothing was refused.
std::string refusal_text(const std::optional<sync::Refusal>& refusal) {
  if (!refusal) return {};
  return std::to_string(refusal->ops) + ' ' + std::to_string(refusal->until) + ' ' + refusal->words;
}

// What an older version wrote has only the words: that is asked again.
std::optional<sync::Refusal> refusal_from(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const size_t ops_end = std::min(text.find(' '), text.size());
  const size_t until_end = std::min(text.find(' ', std::min(ops_end + 1, text.size())), text.size());
  const auto ops = parse_u64(text.substr(0, ops_end));
  const auto until = ops_end < until_end ? parse_u64(text.substr(ops_end + 1, until_end - ops_end - 1)) : std::nullopt;
  if (!ops || !until || *ops > UINT32_MAX || *until > INT64_MAX) return sync::Refusal{.words = std::string(text)};
  return sync::Refusal{.ops = static_cast<uint32_t>(*ops),
                       .until = static_cast<int64_t>(*until),
                       .words = std::string(text.substr(std::min(until_end + 1, text.size())))};
}

void bind_half(Statement& statement, int at, const Half& half) {
  statement.bind_at(at, static_cast<int>(half.at));
  statement.bind_at(at + 1, half.pair);
  statement.bind_at(at + 2, half.key.number);
  statement.bind_at(at + 3, or_null(half.key.name));
  bind_flags(statement, at + 4, half.flags);
  statement.bind_at(at + 6, or_null(half.instance));
  // Made here: it must be copied.
  if (half.blocked) {
    statement.bind_at(at + 7, refusal_text(half.blocked));
  } else {
    statement.bind_at(at + 7, nullptr);
  }
}

Half read_half(const Statement& s, int at) {
  return {.at = static_cast<At>(s.integer(at)),
          .pair = s.integer(at + 1),
          .key = {static_cast<uint64_t>(s.integer(at + 2)), std::string(s.text(at + 3))},
          .flags = flags_from(s.integer(at + 4), s.text(at + 5)),
          .instance = std::string(s.text(at + 6)),
          .blocked = refusal_from(s.text(at + 7))};
}

// "31 * one two": the system flags, whether any keyword can be kept, those that can.
std::string mask_text(const sync::FlagMask& mask) {
  std::string out = std::to_string(mask.system);
  if (mask.any_keyword) out += " *";
  for (const std::string& keyword : mask.keywords) out += ' ' + keyword;
  return out;
}

sync::FlagMask mask_from(std::string_view text) {
  const size_t space = text.find(' ');
  sync::FlagMask mask{.system = static_cast<uint32_t>(parse_u64(text.substr(0, space)).value_or(0))};
  Flags words = flags_from(0, space == text.npos ? std::string_view() : text.substr(space + 1));
  mask.any_keyword = std::erase(words.keywords, "*") > 0;
  mask.keywords = std::move(words.keywords);
  return mask;
}

std::string update_text(bool same_on_a, bool same_on_b, bool same_octets) {
  std::string text =
      "UPDATE link_row SET home=?2, agreed=?3, dirty=?4, suspect=?5, inferred=?6, size=?7, date=?8, base_flags=?9,"
      " base_keywords=?10, print=?12, a_flags=?18, a_keywords=?19, a_instance=?20, a_blocked=?21,"
      " b_flags=?26, b_keywords=?27, b_instance=?28, b_blocked=?29, doubt=?30, size_b=?31, leftover=?32,"
      " a_asked=?33, a_to=?34, a_asked_look=?35, b_asked=?36, b_to=?37, b_asked_look=?38, look=?39, a_sent=?40,"
      " b_sent=?41, answer=?42";
  if (!same_on_a) text += ", a_at=?14, a_pair=?15, a_num=?16, a_name=?17";
  if (!same_on_b) text += ", b_at=?22, b_pair=?23, b_num=?24, b_name=?25";
  if (!same_octets) text += ", object=?11, content=?13";
  return text + " WHERE id=?1";
}

std::array<std::string, 8> update_texts() {
  std::array<std::string, 8> texts;
  for (size_t i = 0; i < texts.size(); ++i) texts[i] = update_text((i & 1) != 0, (i & 2) != 0, (i & 4) != 0);
  return texts;
}

bool same_place(const Half& one, const Half& other) {
  return one.at == other.at && one.pair == other.pair && one.key == other.key;
}

}  // namespace

Row read_indexed(const Statement& s) {
  Row row;
  for (const Side side : {Side::A, Side::B}) {
    const int at = side == Side::A ? 0 : 4;
    Half& half = row.half(side);
    half.at = static_cast<At>(s.integer(at));
    half.pair = s.integer(at + 1);
    half.key = {static_cast<uint64_t>(s.integer(at + 2)), std::string(s.text(at + 3))};
  }
  row.object = s.text(8);
  row.content = s.text(9);
  return row;
}

std::string_view update_of(const Row& indexed, const Row& row) {
  static const std::array<std::string, 8> texts = update_texts();
  const bool same_on_a = same_place(indexed.half(Side::A), row.half(Side::A));
  const bool same_on_b = same_place(indexed.half(Side::B), row.half(Side::B));
  const bool same_octets = indexed.object == row.object && indexed.content == row.content;
  return texts[(same_on_a ? 1U : 0U) | (same_on_b ? 2U : 0U) | (same_octets ? 4U : 0U)];
}

void bind_row(Statement& statement, const Row& row) {
  if (row.id == 0) {
    statement.bind_at(0, nullptr);
  } else {
    statement.bind_at(0, row.id);
  }
  statement.bind_at(1, row.home);
  statement.bind_at(2, row.agreed ? 1 : 0);
  statement.bind_at(3, row.dirty ? 1 : 0);
  statement.bind_at(4, row.suspect ? 1 : 0);
  statement.bind_at(5, row.inferred ? 1 : 0);
  statement.bind_at(6, row.size);
  statement.bind_at(7, row.date);
  bind_flags(statement, 8, row.base);
  statement.bind_at(10, or_null(row.object));
  statement.bind_at(11, or_null(row.print));
  statement.bind_at(12, or_null(row.content));
  bind_half(statement, 13, row.half(Side::A));
  bind_half(statement, 21, row.half(Side::B));
  statement.bind_at(29, static_cast<int>(row.doubt));
  statement.bind_at(30, row.size_b);
  statement.bind_at(31, row.leftover ? 1 : 0);
  for (const Side side : {Side::A, Side::B}) {
    const int at = side == Side::A ? 32 : 35;
    statement.bind_at(at, static_cast<int>(row.half(side).asked));
    statement.bind_at(at + 1, row.half(side).to);
    statement.bind_at(at + 2, row.half(side).asked_look);
  }
  statement.bind_at(38, row.look);
  for (const Side side : {Side::A, Side::B}) bind_sent(statement, side == Side::A ? 39 : 40, row.half(side).sent);
  statement.bind_at(41, static_cast<int>(row.answer));
}

Row read_row(const Statement& s) {
  Row row;
  row.id = s.integer(0);
  row.home = s.integer(1);
  row.agreed = s.integer(2) != 0;
  row.dirty = s.integer(3) != 0;
  row.suspect = s.integer(4) != 0;
  row.inferred = s.integer(5) != 0;
  row.size = static_cast<uint64_t>(s.integer(6));
  if (!s.is_null(7)) row.date = s.integer(7);
  row.base = flags_from(s.integer(8), s.text(9));
  row.object = s.text(10);
  row.print = s.text(11);
  row.content = s.text(12);
  row.half(Side::A) = read_half(s, 13);
  row.half(Side::B) = read_half(s, 21);
  row.doubt = static_cast<sync::Doubt>(s.integer(29));
  row.size_b = static_cast<uint64_t>(s.integer(30));
  row.leftover = s.integer(31) != 0;
  for (const Side side : {Side::A, Side::B}) {
    const int at = side == Side::A ? 32 : 35;
    row.half(side).asked = static_cast<sync::Asked>(s.integer(at));
    row.half(side).to = s.integer(at + 1);
    row.half(side).asked_look = static_cast<uint64_t>(s.integer(at + 2));
  }
  row.look = static_cast<uint64_t>(s.integer(38));
  for (const Side side : {Side::A, Side::B}) row.half(side).sent = read_sent(s, side == Side::A ? 39 : 40);
  row.answer = static_cast<sync::Answer>(s.integer(41));
  return row;
}

void bind_end(Statement& s, int at, const Pair::End& end) {
  s.bind_at(at, end.box);
  s.bind_at(at + 1, sync::encode_path(end.path));
  s.bind_at(at + 2, end.epoch);
  s.bind_at(at + 3, end.cursor);
  s.bind_at(at + 4, end.missing ? 1 : 0);
  s.bind_at(at + 5, sync::encode_path(end.base));
  s.bind_at(at + 6, end.subscribed ? 1 : 0);
  if (end.mask) {
    s.bind_at(at + 7, mask_text(*end.mask));
  } else {
    s.bind_at(at + 7, nullptr);
  }
  s.bind_at(at + 8, end.read_only ? 1 : 0);
  s.bind_at(at + 9, sync::encode_path(end.renaming));
}

namespace {

// A path of no components is none; decode_path() would give it an empty one.
sync::Path read_path(std::string_view text) { return text.empty() ? sync::Path() : sync::decode_path(text); }

}  // namespace

Pair::End read_end(const Statement& s, int at) {
  Pair::End end{.box = std::string(s.text(at)),
                .path = read_path(s.text(at + 1)),
                .base = read_path(s.text(at + 5)),
                .renaming = read_path(s.text(at + 9)),
                .epoch = static_cast<uint64_t>(s.integer(at + 2)),
                .cursor = std::string(s.text(at + 3)),
                .missing = s.integer(at + 4) != 0,
                .subscribed = s.integer(at + 6) != 0,
                .read_only = s.integer(at + 8) != 0};
  if (!s.is_null(at + 7)) end.mask = mask_from(s.text(at + 7));
  return end;
}

}  // namespace libsync::store
