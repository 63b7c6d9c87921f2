#include "libsync/sync/answer.h"

#include <algorithm>

#include "libsync/base/words.h"

namespace libsync::sync {
namespace {

bool is_there(const Half& half) { return half.at == At::Bound; }
bool is_asked(const Half& half) { return half.asked != Asked::Nothing; }
bool is_refused(const Half& half) { return half.blocked.has_value(); }
bool is_never_seen(const Row& row) { return row.doubt == Doubt::Unseen && row.half(Side::A).at == At::Gone; }
bool is_lost(const Half& half) { return half.at == At::Unbound && !is_asked(half); }

Status no_answer(std::string_view why, std::string_view hint = {}) {
  return fail(Error{.code = Errc::Refused, .what = std::string(why), .hint = std::string(hint)});
}

Status nothing_to_answer() { return no_answer(word("it waits for no answer")); }

// As if it never had been on `side`: the plan brings it there.
void bring_to(Row& row, Side side) {
  row.half(side) = {};
  row.agreed = false;
  row.home = 0;
  row.base = {};
  row.doubt = Doubt::None;
  row.answer = Answer::Restore;
}

Status accept_absence(Row& row) {
  // Where its octets may be is not known: the server's copy may be the only one.
  if (is_lost(row.half(Side::B)) && is_there(row.half(Side::A))) {
    return no_answer(word("it is not here, and accepting that would leave it nowhere"),
                     word("\"restore\" brings it here again"));
  }
  for (Half& half : row.side) {
    if (is_lost(half)) half.at = At::Gone;
  }
  if (is_never_seen(row)) row.doubt = Doubt::None;
  row.suspect = false;
  row.answer = Answer::Accept;
  const Half& there = row.half(is_there(row.half(Side::A)) ? Side::A : Side::B);
  if (row.agreed || !is_there(there)) return {};
  // One that never was agreed on would be brought over anew.
  row.agreed = true;
  row.home = there.pair;
  row.base = there.flags;
  return {};
}

Status accept_refusal(Row& row) {
  const Side by = side_of(row);
  Half& half = row.half(by);
  Half& rest = row.half(other(by));
  if (!is_there(half)) {
    return no_answer(word("it is refused there, and accepting that would leave it nowhere"),
                     word("\"unlink\" keeps it here alone; rm removes it"));
  }
  half.blocked.reset();
  if (is_there(rest)) {
    // What differs is then a change of the side that refused.
    row.agreed = true;
    row.home = rest.pair;
    row.base = rest.flags;
  } else {
    bring_to(row, other(by));
  }
  return {};
}

}  // namespace

Waiting waiting(const Row& row) {
  if (row.answer == Answer::Unlink) return Waiting::Parted;
  if (!row.dirty) return Waiting::Nothing;
  if (row.suspect || is_never_seen(row) || std::ranges::any_of(row.side, is_lost)) return Waiting::Suspect;
  if (std::ranges::any_of(row.side, is_refused)) return Waiting::Refused;
  if (std::ranges::any_of(row.side, is_asked) || !row.agreed || row.leftover) return Waiting::Change;
  if (row.answer != Answer::None) return Waiting::Change;
  const Half& a = row.half(Side::A);
  const Half& b = row.half(Side::B);
  const bool removal = (a.at == At::Gone && is_there(b) && b.pair == row.home) ||
                       (b.at == At::Gone && is_there(a) && a.pair == row.home);
  return removal ? Waiting::Removal : Waiting::Change;
}

Side side_of(const Row& row) {
  const Half& b = row.half(Side::B);
  if (is_refused(row.half(Side::A))) return Side::A;
  if (is_refused(b)) return Side::B;
  return is_there(row.half(Side::A)) && !is_there(b) ? Side::B : Side::A;
}

Status accept(Row& row) {
  switch (waiting(row)) {
    case Waiting::Removal:
      row.answer = Answer::Accept;
      break;
    case Waiting::Suspect:
      TB_TRY(accept_absence(row));
      break;
    case Waiting::Refused:
      TB_TRY(accept_refusal(row));
      break;
    default:
      return nothing_to_answer();
  }
  row.dirty = true;
  return {};
}

Status restore(Row& row) {
  const Side away = side_of(row);
  const bool one_there = is_there(row.half(Side::A)) != is_there(row.half(Side::B));
  switch (waiting(row)) {
    case Waiting::Refused:
      for (Half& half : row.side) half.blocked.reset();
      break;
    case Waiting::Parted:
      row.answer = Answer::None;
      if (one_there) bring_to(row, away);
      break;
    case Waiting::Removal:
    case Waiting::Suspect:
      if (!one_there) return no_answer(word("it is on neither side"));
      row.suspect = false;
      bring_to(row, away);
      break;
    default:
      return nothing_to_answer();
  }
  row.dirty = true;
  return {};
}

Status unlink(Row& row) {
  const Waiting what = waiting(row);
  if (what == Waiting::Nothing || what == Waiting::Parted || row.leftover) return nothing_to_answer();
  if (std::ranges::any_of(row.side, is_asked)) {
    return no_answer(word("what became of it on the server is not known yet"), word("the next sync finds out"));
  }
  // Where it is not, nothing that comes later is taken for it; what was removed here may be brought back.
  Half& a = row.half(Side::A);
  Half& b = row.half(Side::B);
  if (!is_there(a)) a = {.at = At::Gone};
  if (b.at == At::Absent) b = {.at = At::Gone};
  for (Half& half : row.side) half.blocked.reset();
  row.suspect = false;
  if (row.doubt == Doubt::Unseen) row.doubt = Doubt::None;
  row.answer = Answer::Unlink;
  row.dirty = false;
  return {};
}

}  // namespace libsync::sync
