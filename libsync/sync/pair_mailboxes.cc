// Which mailbox of one side is which of the other.
#include <algorithm>
#include <iterator>
#include <map>

#include "libsync/base/text.h"
#include "libsync/sync/path.h"
#include "libsync/sync/resolve.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

bool is_listed(const std::vector<Mailbox>& boxes, const BoxId& id) {
  return std::ranges::find(boxes, id, &Mailbox::id) != boxes.end();
}

// Deleted and made again, a mailbox has another id under its name. To the link it is the old one with all of its keys
// anew, as on a server without ids: else two pairs would want one folder on the other side. What the local store says
// is gone is so.
Result<bool> take_over(Run& run, Side side, const Mailbox& box, const std::vector<Mailbox>& boxes) {
  for (Pair& pair : run.book.all()) {
    Pair::End& end = pair.at(side);
    if (end.box.empty() || end.path != box.path || is_listed(boxes, end.box)) continue;
    if (run.replica(side).capabilities().own_transaction) TB_TRY(run.link.vanish_unseen(side, pair.id, {}));
    TB_TRY(run.link.unbind(side, pair.id));
    end = {.box = box.id, .path = box.path, .base = end.base, .subscribed = box.subscribed};
    if (side == Side::A) pair.role = box.role;
    TB_TRY(run.link.put(pair));
    return true;
  }
  return false;
}

// The pair that waits for such a mailbox on `side`: by its name, which may be what the other side has been renamed to,
// else by its role where that is asked for.
Pair* waiting_for(Run& run, Side side, const Mailbox& box, const std::vector<Mailbox>& boxes) {
  const auto waits = [&](const Pair& pair) { return pair.at(side).box.empty() && !pair.at(other(side)).box.empty(); };
  for (Pair& pair : run.book.all()) {
    if (pair.at(side).box.empty() && pair.at(side).path == box.path) return &pair;
  }
  for (Pair& pair : run.book.all()) {
    const Pair::End& there = pair.at(other(side));
    if (there.box.empty() || there.path == there.base || is_listed(boxes, pair.at(side).box)) continue;
    if (run.translate(other(side), there.path) == box.path) return &pair;
  }
  if (!run.options.match_roles || box.role == Role::None || box.role == Role::Inbox) return nullptr;
  for (Pair& pair : run.book.all()) {
    if (waits(pair) && !pair.at(side).missing && pair.role == box.role) return &pair;
  }
  return nullptr;
}

// This program asked for that name and was not told what came of it, or of the children of the one it was asked for.
Result<bool> take_renamed(Run& run, Side side, const Mailbox& box, const std::vector<Mailbox>& boxes) {
  for (Pair& pair : run.book.all()) {
    Pair::End& end = pair.at(side);
    if (end.renaming != box.path || is_listed(boxes, end.box)) continue;
    end.box = box.id;
    end.path = box.path;
    end.renaming.clear();
    end.subscribed = box.subscribed;
    follow_name(run, side, pair);
    // That was the other side's name when it was asked for: one that it has by now is a change.
    Pair::End& there = pair.at(other(side));
    if (!there.box.empty() && !there.base.empty() && !is_aside(pair, side)) {
      end.base = end.path;
      there.base = run.translate(side, end.path);
    }
    TB_TRY(run.link.put(pair));
    return true;
  }
  return false;
}

// A mailbox that a side shows and no pair has yet.
Status pair_new(Run& run, Side side, const Mailbox& box, const std::vector<Mailbox>& boxes) {
  if (Pair* pair = waiting_for(run, side, box, boxes)) {
    // One that was missing and is back: its epoch tells whether it is the same mailbox.
    const Pair::End was = pair->at(side);
    pair->at(side) = {
        .box = box.id, .path = box.path, .base = was.base, .epoch = was.epoch, .subscribed = box.subscribed};
    if (was.base.empty() || run.translate(side, box.path) == pair->at(other(side)).path) agree_on_names(*pair);
    TB_TRY(run.link.put(*pair));
    return {};
  }
  // It may be what one that is not listed any more has been renamed to, which only its messages tell.
  const bool renamed = side == Side::A && std::ranges::any_of(run.book.all(), [&](const Pair& each) {
                         return !each.at(side).box.empty() && !is_listed(boxes, each.at(side).box);
                       });
  if (!run.context.policy.on(other(side)).create_box && !renamed) return {};
  Pair pair{.id = 0, .end = {}, .role = box.role};
  pair.at(side) = {.box = box.id, .path = box.path, .subscribed = box.subscribed};
  pair.at(other(side)).path = run.translate(side, box.path);
  TB_TRY(run.book.add(run.link, std::move(pair)));
  return {};
}

// It is looked at by what was known of it before, and told there if it can't be.
bool is_known(Run& run, Side side, const Path& path) {
  return std::ranges::any_of(
      run.book.all(), [&](const Pair& pair) { return !pair.at(side).box.empty() && pair.at(side).path == path; });
}

Status take_listed(Run& run, Side side, const Mailbox& box, Pair& pair) {
  Pair::End& end = pair.at(side);
  const bool same_role = side == Side::B || pair.role == box.role;
  if (end.path == box.path && end.subscribed == box.subscribed && same_role && end.renaming.empty()) return {};
  end.renaming.clear();
  if (end.path != box.path) {
    end.path = box.path;
    follow_name(run, side, pair);
  }
  end.subscribed = box.subscribed;
  if (side == Side::A) pair.role = box.role;
  TB_TRY(run.link.put(pair));
  return {};
}

Status pair_side(Run& run, Side side, const std::vector<Mailbox>& boxes) {
  for (const Mailbox& box : boxes) {
    const Path on_a = side == Side::A ? box.path : run.translate(Side::B, box.path);
    if (side == Side::A && !box.trouble.empty() && run.takes_part(on_a) && !is_known(run, side, box.path)) {
      run.skip(box.path, box.trouble);
    }
    Pair* pair = run.book.find_box(side, box.id);
    const bool known = pair != nullptr && side == Side::B;
    if (!box.selectable || (!known && !run.takes_part(on_a))) continue;
    if (pair != nullptr) {
      TB_TRY(take_listed(run, side, box, *pair));
      continue;
    }
    TB_ASSIGN(const bool renamed, take_renamed(run, side, box, boxes));
    if (renamed) continue;
    TB_ASSIGN(const bool taken_over, take_over(run, side, box, boxes));
    if (!taken_over) TB_TRY(pair_new(run, side, box, boxes));
  }
  return {};
}

Result<std::vector<Row>> all_bound(Run& run, Side side, PairId pair) {
  std::vector<Row> rows;
  while (true) {
    TB_ASSIGN(auto more, run.link.bound(side, pair, rows.empty() ? 0 : rows.back().id, kRowsAtOnce));
    if (more.empty()) return rows;
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
}

// `fresh` is `pair` under another name: its rows keep their history and take over the new places.
Status absorb(Run& run, Side side, Pair& pair, const Pair& fresh, std::vector<Row> old_rows,
              std::vector<Row> new_rows) {
  TB_ASSIGN(auto batch, run.link.begin_later());
  std::map<Key, Row*> by_key;
  for (Row& row : new_rows) by_key[row.half(side).key] = &row;
  for (Row& row : old_rows) {
    Half& half = row.half(side);
    const auto found = by_key.find(half.key);
    if (found == by_key.end()) {
      half.at = At::Gone;
    } else {
      half.flags = found->second->half(side).flags;
      TB_TRY(run.link.erase(found->second->id));
      by_key.erase(found);
    }
    settle(row, run.context);
    TB_TRY(run.link.put(row));
  }
  for (auto& [key, row] : by_key) {
    row->half(side).pair = pair.id;
    TB_TRY(run.link.put(*row));
  }
  const Path base = pair.at(side).base;
  pair.at(side) = fresh.at(side);
  pair.at(side).base = base;
  follow_name(run, side, pair);
  TB_TRY(run.link.put(pair));
  TB_TRY(run.book.drop(run.link, fresh.id));
  return batch->commit();
}

struct Renamed {
  Path from{}, to{};
};

// Whether `fresh`, which the side shows, may be what `pair` was renamed to: it keeps its UIDVALIDITY (RFC 9051, section
// 6.3.6).
bool may_be(const Pair& fresh, const Pair& pair, Side side) {
  const bool is_new = fresh.id != pair.id && fresh.at(other(side)).box.empty() && !fresh.at(side).box.empty();
  return is_new && fresh.at(side).epoch == pair.at(side).epoch && fresh.at(side).epoch != 0;
}

// The mailbox that a missing one was renamed to, if the side shows one that is new and like it.
Result<std::optional<Renamed>> find_renamed(Run& run, Side side, PairId id) {
  Pair* pair = run.book.find(id);
  TB_ASSIGN(auto old_rows, all_bound(run, side, id));
  if (old_rows.empty()) return std::nullopt;
  for (const Pair& fresh : run.book.all()) {
    if (!may_be(fresh, *pair, side)) continue;
    TB_ASSIGN(auto new_rows, all_bound(run, side, fresh.id));
    if (!is_renamed(side, new_rows, old_rows)) continue;
    const Pair copy = fresh;
    Renamed renamed{pair->at(side).path, copy.at(side).path};
    TB_TRY(absorb(run, side, *pair, copy, std::move(old_rows), std::move(new_rows)));
    return renamed;
  }
  return std::nullopt;
}

// One that went along with its parent, and which nothing in it tells.
Result<bool> went_along(Run& run, Side side, PairId id, const std::vector<Renamed>& parents) {
  Pair* pair = run.book.find(id);
  const Path path = pair->at(side).path;
  for (const auto& [from, to] : parents) {
    if (!has_prefix(path, from)) continue;
    const Pair* fresh = run.book.find_path(side, moved_along(path, from, to));
    if (fresh == nullptr || !may_be(*fresh, *pair, side)) continue;
    const Pair copy = *fresh;
    TB_ASSIGN(auto old_rows, all_bound(run, side, id));
    TB_ASSIGN(auto new_rows, all_bound(run, side, copy.id));
    TB_TRY(absorb(run, side, *pair, copy, std::move(old_rows), std::move(new_rows)));
    return true;
  }
  return false;
}

Status settle_as_missing(Run& run, Side side, PairId id) {
  TB_ASSIGN(auto batch, run.link.begin());
  TB_TRY(run.link.vanish_unseen(side, id, {}));
  Pair& pair = *run.book.find(id);
  Pair::End& end = pair.at(side);
  end = {.box = {}, .path = end.path, .base = end.base, .epoch = end.epoch, .missing = true};
  TB_TRY(run.link.put(pair));
  return batch->commit();
}

}  // namespace

void agree_on_names(Pair& pair) {
  if (pair.at(Side::A).box.empty() || pair.at(Side::B).box.empty()) return;
  for (Pair::End& end : pair.end) end.base = end.path;
}

void follow_name(const Run& run, Side side, Pair& pair) {
  Pair::End& there = pair.at(other(side));
  if (there.box.empty() && there.base.empty()) there.path = run.translate(side, pair.at(side).path);
}

bool Run::takes_part(const Path& path) const { return !options.takes_part || options.takes_part(path); }

Path Run::translate(Side from, const Path& path) const {
  return options.translate ? options.translate(from, path) : path;
}

Status pair_mailboxes(Run& run) {
  TB_ASSIGN(const auto on_a, run.a.mailboxes(run.stop));
  TB_ASSIGN(const auto on_b, run.b.mailboxes(run.stop));
  TB_ASSIGN(auto batch, run.link.begin_later());
  TB_TRY(pair_side(run, Side::A, on_a));
  TB_TRY(pair_side(run, Side::B, on_b));
  return batch->commit();
}

std::vector<BoxCursor> cursors_of(const Run& run, Side side) {
  std::vector<BoxCursor> cursors;
  for (const Pair& pair : run.book.all()) {
    if (!pair.at(side).box.empty() && run.takes_part(pair.at(Side::A).path))
      cursors.push_back({pair.at(side).box, pair.at(side).cursor});
  }
  return cursors;
}

Status settle_missing(Run& run, Side side, const std::vector<PairId>& missing) {
  std::vector<Renamed> parents;
  std::vector<PairId> left;
  for (const PairId id : missing) {
    // It may have been what another one was renamed to, and deleted since.
    if (run.book.find(id) == nullptr) continue;
    TB_ASSIGN(const auto renamed, find_renamed(run, side, id));
    if (renamed) {
      parents.push_back(*renamed);
    } else {
      left.push_back(id);
    }
  }
  for (const PairId id : left) {
    if (run.book.find(id) == nullptr) continue;
    TB_ASSIGN(const bool along, went_along(run, side, id, parents));
    if (!along) TB_TRY(settle_as_missing(run, side, id));
  }
  return {};
}

}  // namespace libsync::sync
