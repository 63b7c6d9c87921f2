// Which mailbox of one side is which of the other; making, renaming and deleting them.
#include <algorithm>
#include <map>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"
#include "libsync/sync/resolve.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

class OneSink final : public ActionSink {
 public:
  explicit OneSink(const std::function<Status(const Outcome&)>& done) : done_(done) {}
  Status done(uint64_t, const Outcome& outcome) override { return done_(outcome); }
  Status durable() override { return {}; }

 private:
  const std::function<Status(const Outcome&)>& done_;
};

void note(Run& run, const Path& path, std::string why) {
  Skipped skipped{.where = printable(encode_path(path)), .why = std::move(why)};
  // Mailboxes are paired more than once a run; each is told once.
  const bool told = std::ranges::any_of(
      run.report.skipped, [&](const Skipped& each) { return each.where == skipped.where && each.why == skipped.why; });
  if (!told) run.report.skipped.push_back(std::move(skipped));
}

bool is_inbox(const Path& path) { return path.size() == 1 && iequals(path[0], "INBOX"); }

bool is_listed(const std::vector<Mailbox>& boxes, const BoxId& id) {
  return std::ranges::find(boxes, id, &Mailbox::id) != boxes.end();
}

// Deleted and made again, a mailbox has another id under its name. To the link it is the old one with all of its keys
// anew, as on a server without ids: else two pairs would want one folder on the other side.
Result<bool> take_over(Run& run, Side side, const Mailbox& box, const std::vector<Mailbox>& boxes) {
  for (Pair& pair : run.book.all()) {
    Pair::End& end = pair.at(side);
    if (end.box.empty() || end.path != box.path || is_listed(boxes, end.box)) continue;
    TB_TRY(run.link.unbind(side, pair.id));
    end = {.box = box.id, .path = box.path};
    if (side == Side::A) pair.role = box.role;
    TB_TRY(run.link.put(pair));
    return true;
  }
  return false;
}

// A mailbox that a side shows and no pair has yet.
Status pair_new(Run& run, Side side, const Mailbox& box) {
  const auto end = Pair::End{.box = box.id, .path = box.path};
  for (Pair& pair : run.book.all()) {
    if (!pair.at(side).box.empty() || pair.at(other(side)).path != box.path) continue;
    // One that was missing and is back: its epoch tells whether it is the same mailbox.
    const uint64_t epoch = pair.at(side).epoch;
    pair.at(side) = end;
    pair.at(side).epoch = epoch;
    TB_TRY(run.link.put(pair));
    return {};
  }
  if (!run.context.policy.on(other(side)).create_box) return {};
  Pair pair{.id = 0, .end = {}, .role = box.role};
  pair.at(side) = end;
  pair.at(other(side)).path = box.path;
  TB_TRY(run.book.add(run.link, std::move(pair)));
  return {};
}

// It is looked at by what was known of it before, and told there if it can't be.
bool is_known(Run& run, Side side, const Path& path) {
  return std::ranges::any_of(
      run.book.all(), [&](const Pair& pair) { return !pair.at(side).box.empty() && pair.at(side).path == path; });
}

Status pair_side(Run& run, Side side, const std::vector<Mailbox>& boxes) {
  for (const Mailbox& box : boxes) {
    if (side == Side::A && !box.trouble.empty() && run.takes_part(box.path) && !is_known(run, side, box.path)) {
      note(run, box.path, box.trouble);
    }
    if (!box.selectable || (side == Side::A && !run.takes_part(box.path))) continue;
    Pair* pair = run.book.find_box(side, box.id);
    if (pair == nullptr) {
      TB_ASSIGN(const bool taken_over, take_over(run, side, box, boxes));
      if (!taken_over) TB_TRY(pair_new(run, side, box));
    } else if (pair->at(side).path != box.path || (side == Side::A && pair->role != box.role)) {
      pair->at(side).path = box.path;
      if (side == Side::A) pair->role = box.role;
      TB_TRY(run.link.put(*pair));
    }
  }
  return {};
}

// The local store answers for its own mailboxes: one that it doesn't list is gone.
Status drop_unlisted(Run& run, Side side, const std::vector<Mailbox>& boxes) {
  for (Pair& pair : run.book.all()) {
    Pair::End& end = pair.at(side);
    if (end.box.empty() || is_listed(boxes, end.box)) continue;
    TB_TRY(run.link.vanish_unseen(side, pair.id, {}));
    end = {.box = {}, .path = end.path};
    TB_TRY(run.link.put(pair));
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
Status absorb(Run& run, Pair& pair, const Pair& fresh, std::vector<Row> old_rows, std::vector<Row> new_rows) {
  TB_ASSIGN(auto batch, run.link.begin());
  std::map<Key, Row*> by_key;
  for (Row& row : new_rows) by_key[row.half(Side::A).key] = &row;
  for (Row& row : old_rows) {
    Half& half = row.half(Side::A);
    const auto found = by_key.find(half.key);
    if (found == by_key.end()) {
      half.at = At::Gone;
    } else {
      half.flags = found->second->half(Side::A).flags;
      TB_TRY(run.link.erase(found->second->id));
      by_key.erase(found);
    }
    settle(row, run.context);
    TB_TRY(run.link.put(row));
  }
  for (auto& [key, row] : by_key) {
    row->half(Side::A).pair = pair.id;
    TB_TRY(run.link.put(*row));
  }
  pair.at(Side::A) = fresh.at(Side::A);
  TB_TRY(run.link.put(pair));
  TB_TRY(run.book.drop(run.link, fresh.id));
  return batch->commit();
}

// The mailbox that `pair` was renamed to, if the server shows one that is new and like it.
Result<bool> find_renamed(Run& run, PairId id) {
  Pair* pair = run.book.find(id);
  TB_ASSIGN(auto old_rows, all_bound(run, Side::A, id));
  if (old_rows.empty()) return false;
  for (const Pair& fresh : run.book.all()) {
    const bool is_new = fresh.id != id && fresh.at(Side::B).box.empty() && !fresh.at(Side::A).box.empty();
    if (!is_new || fresh.at(Side::A).epoch != pair->at(Side::A).epoch || fresh.at(Side::A).epoch == 0) continue;
    TB_ASSIGN(auto new_rows, all_bound(run, Side::A, fresh.id));
    if (!is_renamed(Side::A, new_rows, old_rows)) continue;
    const Pair copy = fresh;
    TB_TRY(absorb(run, *pair, copy, std::move(old_rows), std::move(new_rows)));
    return true;
  }
  return false;
}

Status create_on(Run& run, Side side, Pair& pair) {
  Pair::End& end = pair.at(side);
  if (run.options.dry_run) {
    ++run.report.boxes_created;
    run.observer.action(say("{}: make the folder", printable(encode_path(end.path))));
    return {};
  }
  const Action action{.op = Op::CreateBox, .path = end.path, .role = pair.role};
  return apply_one(run, side, action, [&](const Outcome& outcome) -> Status {
    if (outcome.did != Did::Ok) {
      note(run, end.path, say("cannot make the folder: {}", outcome.words));
      return {};
    }
    end.box = outcome.box;
    end.epoch = 0;
    end.cursor = outcome.cursor;
    ++run.report.boxes_created;
    TB_TRY(run.link.put(pair));
    return {};
  });
}

bool has_prefix(const Path& path, const Path& prefix) {
  return path.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

// RENAME takes children along: what the book says of them follows.
Status move_children(Run& run, Side side, const Path& from, const Path& to) {
  for (Pair& pair : run.book.all()) {
    Path& path = pair.at(side).path;
    if (!has_prefix(path, from)) continue;
    Path moved = to;
    moved.insert(moved.end(), path.begin() + static_cast<std::ptrdiff_t>(from.size()), path.end());
    path = std::move(moved);
    TB_TRY(run.link.put(pair));
  }
  return {};
}

Result<bool> rename_on(Run& run, Side side, Pair& pair, const Path& to) {
  const Path from = pair.at(side).path;
  if (run.options.dry_run) {
    run.observer.action(say("{}: rename to {}", printable(encode_path(from)), printable(encode_path(to))));
    pair.at(side).path = to;
    TB_TRY(run.link.put(pair));  // a copy
    TB_TRY(move_children(run, side, from, to));
    return true;
  }
  bool renamed = false;
  const Action action{.op = Op::RenameBox, .box = pair.at(side).box, .path = to};
  const Status applied = apply_one(run, side, action, [&](const Outcome& outcome) -> Status {
    if (outcome.did == Did::Exists) return {};
    if (outcome.did != Did::Ok) {
      note(run, from, say("cannot rename the folder: {}", outcome.words));
      return {};
    }
    renamed = true;
    if (!outcome.box.empty()) pair.at(side).box = outcome.box;
    pair.at(side).path = to;
    TB_TRY(run.link.put(pair));
    return move_children(run, side, from, to);
  });
  TB_TRY(applied);
  return renamed;
}

// A name that nobody has, at the top so that it is below nothing that moves.
Path aside_of(const Pair& pair, Side side) {
  return {fmt::format("{} (twinbox {})", pair.at(side).path.back(), pair.id)};
}

// The name is taken by a mailbox that is itself to be renamed (a cycle), or that has nothing to do
// with this link: it makes room under a name that nobody has.
Status make_room(Run& run, Side side, const Path& wanted) {
  Pair* blocker = run.book.find_path(side, wanted);
  if (blocker == nullptr || blocker->at(side).box.empty()) return {};
  TB_TRY(rename_on(run, side, *blocker, aside_of(*blocker, side)));
  return {};
}

Status rename_mailboxes(Run& run, Side side) {
  std::vector<PairId> order;
  for (const Pair& pair : run.book.all()) order.push_back(pair.id);
  // Parents first: their children then already are where they belong.
  std::ranges::sort(order, {}, [&](PairId id) { return run.book.find(id)->at(side).path.size(); });
  for (const PairId id : order) {
    Pair& pair = *run.book.find(id);
    const Path target = pair.at(other(side)).path;
    if (pair.at(side).box.empty() || pair.at(other(side)).box.empty() || pair.at(side).path == target) continue;
    if (is_inbox(pair.at(side).path)) continue;  // RENAME INBOX empties it (RFC 3501, section 6.3.5)
    // Nothing can be moved into itself: "Work" on its way to "Work/Old" goes by another name.
    if (has_prefix(target, pair.at(side).path)) TB_TRY(rename_on(run, side, pair, aside_of(pair, side)));
    TB_ASSIGN(bool renamed, rename_on(run, side, pair, target));
    if (!renamed) {
      TB_TRY(make_room(run, side, target));
      TB_ASSIGN(renamed, rename_on(run, side, pair, target));
    }
    if (renamed) ++run.report.boxes_renamed;
  }
  return {};
}

}  // namespace

bool Run::takes_part(const Path& path) const { return !options.takes_part || options.takes_part(path); }

Status apply_one(Run& run, Side side, const Action& action, const std::function<Status(const Outcome&)>& done) {
  OneSink sink(done);
  return run.replica(side).apply(std::span(&action, 1), sink, run.stop);
}

void Run::absorb(Side side, Pair& pair, const Outcome& outcome) {
  std::string& cursor = pair.at(side).cursor;
  if (outcome.cursor.empty() || cursor != outcome.cursor_before) return;
  cursor = outcome.cursor;
  absorbed.insert(pair.id);
}

Status Run::write_absorbed() {
  if (absorbed.empty()) return {};
  TB_ASSIGN(auto batch, link.begin());
  for (const PairId id : absorbed) {
    if (const Pair* pair = book.find(id)) TB_TRY(link.put(*pair));
  }
  absorbed.clear();
  return batch->commit();
}

std::string Run::place(const Half& half, Side side) const {
  const Pair* pair = book.find(half.pair);
  const std::string box = pair == nullptr ? "?" : encode_path(pair->at(side).path);
  const std::string key = half.key.number != 0 ? std::to_string(half.key.number) : half.key.name;
  return printable(box + "/" + key, 200);
}

Status pair_mailboxes(Run& run) {
  TB_ASSIGN(const auto on_a, run.a.mailboxes(run.stop));
  TB_ASSIGN(const auto on_b, run.b.mailboxes(run.stop));
  TB_ASSIGN(auto batch, run.link.begin());
  TB_TRY(drop_unlisted(run, Side::B, on_b));
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

Status settle_missing(Run& run, const std::vector<PairId>& missing) {
  for (const PairId id : missing) {
    TB_ASSIGN(const bool renamed, find_renamed(run, id));
    if (renamed) continue;
    Pair& pair = *run.book.find(id);
    TB_ASSIGN(auto batch, run.link.begin());
    TB_TRY(run.link.vanish_unseen(Side::A, id, {}));
    pair.at(Side::A) = {
        .box = {}, .path = pair.at(Side::A).path, .epoch = pair.at(Side::A).epoch, .cursor = {}, .missing = true};
    TB_TRY(run.link.put(pair));
    TB_TRY(batch->commit());
  }
  return {};
}

Status create_and_rename_mailboxes(Run& run) {
  for (const Side side : {Side::A, Side::B}) {
    const Can& can = run.context.policy.on(side);
    if (can.rename_box) TB_TRY(rename_mailboxes(run, side));
    if (!can.create_box) continue;
    for (Pair& pair : run.book.all()) {
      const bool wanted = pair.at(side).box.empty() && !pair.at(side).missing && !pair.at(other(side)).box.empty();
      if (wanted) TB_TRY(create_on(run, side, pair));
    }
  }
  return {};
}

Status delete_mailboxes(Run& run) {
  std::vector<PairId> ids;
  for (const Pair& pair : run.book.all()) ids.push_back(pair.id);
  for (const PairId id : ids) {
    Pair& pair = *run.book.find(id);
    for (const Side side : {Side::A, Side::B}) {
      const bool gone_there = pair.at(other(side)).missing;
      if (!gone_there || pair.at(side).box.empty() || !run.context.policy.on(side).delete_box) continue;
      if (is_inbox(pair.at(side).path)) continue;
      TB_ASSIGN(const uint64_t left, run.link.count_bound(side, id));
      if (left > 0) continue;  // held, or kept: its messages are still in it
      const Action action{.op = Op::DeleteBox, .box = pair.at(side).box};
      bool deleted = false;
      const Status applied = apply_one(run, side, action, [&](const Outcome& outcome) -> Status {
        deleted = outcome.did == Did::Ok || outcome.did == Did::Gone;
        return deleted ? run.link.drop_pair(id) : Status{};
      });
      TB_TRY(applied);
      if (!deleted) continue;
      ++run.report.boxes_deleted;
      TB_TRY(run.book.drop(run.link, id));
      break;
    }
  }
  return {};
}

}  // namespace libsync::sync
