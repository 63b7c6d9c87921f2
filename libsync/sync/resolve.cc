#include "libsync/sync/resolve.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>

namespace libsync::sync {
namespace {

using Groups = std::map<Id, std::vector<const Row*>>;

Id place_and_key(const Half& half, uint64_t size) {
  // A UIDL may have been given again to other mail (of the same size, too): only the print can tell.
  if (half.at == At::Unbound || half.key.number == 0) return {};
  return fmt::format("{}/{}/{}/{}", half.pair, size, half.key.number, half.key.name);
}

// Where it is, or was asked to be put, and what it is.
Id asked_place(const Half& half, const Id& what) {
  const PairId target = half.to != 0 ? half.to : half.pair;
  return what.empty() ? Id() : fmt::format("{}/{}", target, what);
}

// It only waits for its new place to show.
bool is_moving(const Row& row, Side side) {
  return row.half(side).at == At::Bound && row.half(side).asked != Asked::Nothing;
}

// A print says the same of two drafts of one length; a move keeps the date (RFC 3501, section 6.4.7), a new
// message has another one. POP3 has none.
Id print_and_date(const Row& row) {
  return row.print.empty() || !row.date ? Id() : fmt::format("{}/{}", row.print, *row.date);
}
Id print_alone(const Row& row) { return row.date ? Id() : row.print; }

// What is known of both says that they are not one message.
bool is_another(Side side, const Row& one, const Row& other) {
  return one.size_on(side) != other.size_on(side) || (one.date && other.date && *one.date != *other.date) ||
         (!one.object_on(side).empty() && !other.object_on(side).empty() &&
          one.object_on(side) != other.object_on(side)) ||
         (!one.print.empty() && !other.print.empty() && one.print != other.print);
}

class Matcher {
 public:
  Matcher(Side side, std::span<const Row> fresh, std::span<const Row> lost) : side_(side), fresh_(fresh), lost_(lost) {}

  // `id` names what a row is known by in this round; rows of the same name are paired in order. With
  // `equal_counts` only if there are as many on either side.
  template <class IdOf>
  void match(IdOf id, bool equal_counts, bool by_print) {
    match(group(fresh_, id), group(lost_, id), equal_counts, by_print);
  }
  // What names fresh rows is not what names lost ones.
  template <class FreshId, class LostId>
  void match(FreshId fresh, LostId lost) {
    match(group(fresh_, fresh), group(lost_, lost), false, false);
  }

  // What is not to be taken for lost from here on.
  template <class Which>
  void leave_out(Which which) {
    for (const Row& row : lost_) {
      if (which(row)) taken_.insert(row.id);
    }
  }

  std::vector<Binding> bindings() && { return std::move(bindings_); }

 private:
  void match(const Groups& fresh, const Groups& lost, bool equal_counts, bool by_print) {
    for (const auto& [key, rows] : fresh) {
      const auto found = lost.find(key);
      if (found == lost.end()) continue;
      if (equal_counts && rows.size() != found->second.size()) continue;
      for (const Row* known : found->second) {
        const auto one = std::ranges::find_if(
            rows, [&](const Row* row) { return !taken_.contains(row->id) && may_come_of(*row, *known); });
        if (one == rows.end()) continue;
        taken_.insert((*one)->id);
        taken_.insert(known->id);
        bindings_.push_back({(*one)->id, known->id, by_print});
      }
    }
  }

  // What showed before it was asked for is something else.
  bool may_come_of(const Row& row, const Row& known) const {
    const Half& half = known.half(side_);
    return half.asked == Asked::Nothing || row.look > half.asked_look;
  }

  template <class IdOf>
  Groups group(std::span<const Row> rows, IdOf id) const {
    Groups groups;
    for (const Row& row : rows) {
      const Id key = id(row);
      if (!key.empty() && !taken_.contains(row.id)) groups[key].push_back(&row);
    }
    return groups;
  }

  Side side_;
  std::span<const Row> fresh_;
  std::span<const Row> lost_;
  std::set<RowId> taken_;
  std::vector<Binding> bindings_;
};

// It was sent, and may not have come.
bool is_doubtful(const Half& half) { return half.asked == Asked::Sent && half.at == At::Unbound; }

// What of fewer are new than were lost and sent together. Which of them came is not known: what was there before has
// the better claim, for what was sent can be sent again.
template <class IdOf>
std::set<Id> contested(Side side, std::span<const Row> fresh, std::span<const Row> lost, IdOf id) {
  struct Count {
    size_t lost = 0, sent = 0, fresh = 0;
  };
  std::map<Id, Count> counts;
  for (const Row& row : lost) {
    const Half& half = row.half(side);
    if (is_doubtful(half)) ++counts[id(row)].sent;
    if (half.at != At::Bound && half.asked == Asked::Nothing && !row.leftover) ++counts[id(row)].lost;
  }
  for (const Row& row : fresh) {
    if (const auto found = counts.find(id(row)); found != counts.end()) ++found->second.fresh;
  }
  std::set<Id> out;
  for (const auto& [name, count] : counts) {
    if (count.lost > 0 && count.sent > 0 && count.fresh < count.lost + count.sent) out.insert(name);
  }
  return out;
}

}  // namespace

std::vector<Binding> resolve(Side side, std::span<const Row> fresh, std::span<const Row> lost) {
  Matcher matcher(side, fresh, lost);
  // What this program put there itself, and was not told where: in the mailbox that it was to be in.
  const auto there = [&](const Row& row, const Id& what) { return asked_place(row.half(side), what); };
  const auto is_placed = [&](const Row& row) {
    const Asked asked = row.half(side).asked;
    return asked == Asked::Sent || asked == Asked::Taken;
  };
  const auto match_asked = [&](auto id) {
    const std::set<Id> doubts = contested(side, fresh, lost, id);
    const auto asked = [&](const Row& row) {
      const bool claims = is_placed(row) || row.leftover;
      return claims && !(is_doubtful(row.half(side)) && doubts.contains(id(row))) ? there(row, id(row)) : Id();
    };
    matcher.match([&](const Row& row) { return there(row, id(row)); }, asked);
  };
  match_asked([&](const Row& row) { return row.object_on(side); });
  match_asked([](const Row& row) { return row.print; });
  // Of what was put there and taken elsewhere since, one is as good as another. What may not have been put there at all
  // comes behind everything else.
  const auto is_somewhere = [&](const Row& row) {
    return row.half(side).asked == Asked::Taken || (is_placed(row) && row.half(side).at == At::Gone);
  };
  matcher.match([](const Row& row) { return row.print; },
                [&](const Row& row) { return is_somewhere(row) ? row.print : Id(); });
  // Where something was copied from is to be removed: what is like it elsewhere is somebody's.
  matcher.leave_out([&](const Row& row) { return is_moving(row, side) || row.leftover; });
  const auto unless_doubtful = [&](auto id) {
    return [=](const Row& row) { return is_doubtful(row.half(side)) ? Id() : Id(id(row)); };
  };
  // The same key in the same epoch (a changed one has unbound its rows and wiped their keys): a
  // listing that left it out for once.
  matcher.match([&](const Row& row) { return place_and_key(row.half(side), row.size_on(side)); }, false, false);
  matcher.match([&](const Row& row) { return row.half(side).instance; }, false, false);
  matcher.match(unless_doubtful([&](const Row& row) { return row.object_on(side); }), false, false);
  matcher.match(unless_doubtful(print_and_date), false, true);
  matcher.match(unless_doubtful(print_alone), true, true);
  matcher.match([](const Row& row) { return row.print; },
                [&](const Row& row) { return is_doubtful(row.half(side)) ? row.print : Id(); });
  return std::move(matcher).bindings();
}

bool is_renamed(Side side, std::span<const Row> fresh, std::span<const Row> lost) {
  std::map<Key, const Row*> by_key;
  for (const Row& row : fresh) by_key[row.half(side).key] = &row;
  size_t same = 0;
  for (const Row& row : lost) {
    const auto found = by_key.find(row.half(side).key);
    if (found == by_key.end()) continue;
    if (is_another(side, *found->second, row)) return false;
    ++same;
  }
  return same > 0 && same * 2 >= lost.size();
}

}  // namespace libsync::sync
