// Making, renaming, subscribing and deleting mailboxes.
#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

// Names that are tried where the one that is wanted is another mailbox's: "Work (2)" and so on.
constexpr int kMaxNames = 20;

class OneSink final : public ActionSink {
 public:
  OneSink(Run& run, Side side, const Action& action, const std::function<Status(const Outcome&)>& done)
      : run_(run), side_(side), action_(action), done_(done) {}
  Status done(uint64_t, const Outcome& outcome) override {
    run_.note(side_, action_, outcome);
    TB_TRY(done_(outcome));
    return run_.write_notes();
  }
  Status durable() override { return {}; }

 private:
  Run& run_;
  Side side_;
  const Action& action_;
  const std::function<Status(const Outcome&)>& done_;
};

std::string shown(const Path& path) { return printable(encode_path(path)); }

Status created(Run& run, Side side, Pair& pair, const Outcome& outcome, bool subscribed) {
  Pair::End& end = pair.at(side);
  end.box = outcome.box;
  // What was in one of this name before has no key any more: a new message may have the same.
  TB_TRY(run.link.unbind(side, pair.id));
  end.epoch = 0;
  end.cursor = outcome.cursor;
  end.missing = false;
  end.subscribed = subscribed;
  end.mask.reset();
  end.read_only = false;
  agree_on_names(pair);
  ++run.report.boxes_created;
  TB_TRY(run.link.put(pair));
  return {};
}

// RENAME takes children along: what the book says of them follows.
Status move_children(Run& run, Side side, const Path& from, const Path& to) {
  for (Pair& pair : run.book.all()) {
    Path& path = pair.at(side).path;
    if (pair.at(side).box.empty() || !has_prefix(path, from)) continue;
    path = moved_along(path, from, to);
    run.children_renamed = !run.options.dry_run && !run.replica(side).capabilities().own_transaction;
    follow_name(run, side, pair);
    TB_TRY(run.link.put(pair));
  }
  return {};
}

// Written down before it is asked: should the answer not come, the next list shows it under the new name.
Status intend_rename(Run& run, Side side, const Path& from, const Path& to) {
  TB_ASSIGN(auto batch, run.link.begin());
  for (Pair& pair : run.book.all()) {
    Pair::End& end = pair.at(side);
    if (end.box.empty() || (end.path != from && !has_prefix(end.path, from))) continue;
    end.renaming = moved_along(end.path, from, to);
    TB_TRY(run.link.put(pair));
  }
  return batch->commit();
}

Result<bool> rename_on(Run& run, Side side, Pair& pair, const Path& to) {
  const Path from = pair.at(side).path;
  if (run.options.dry_run) {
    run.observer.action(say("{}: rename to {} {}", shown(from), shown(to), run.where(side)));
    pair.at(side).path = to;
    TB_TRY(run.link.put(pair));  // a copy
    TB_TRY(move_children(run, side, from, to));
    return true;
  }
  if (!run.replica(side).capabilities().own_transaction) TB_TRY(intend_rename(run, side, from, to));
  bool renamed = false;
  const Action action{.op = Op::RenameBox, .box = pair.at(side).box, .path = to};
  const Status applied = apply_one(run, side, action, [&](const Outcome& outcome) -> Status {
    if (outcome.did == Did::Exists) return {};
    if (outcome.did != Did::Ok) {
      run.skip(from, say("cannot rename the folder: {}", outcome.words));
      return {};
    }
    renamed = true;
    if (!outcome.box.empty()) pair.at(side).box = outcome.box;
    pair.at(side).path = to;
    pair.at(side).renaming.clear();
    TB_TRY(run.link.put(pair));
    return move_children(run, side, from, to);
  });
  TB_TRY(applied);
  return renamed;
}

Status create_on(Run& run, Side side, Pair& pair) {
  Pair::End& end = pair.at(side);
  if (run.options.dry_run) {
    ++run.report.boxes_created;
    run.observer.action(say("{}: make the folder {}", shown(end.path), run.where(side)));
    return {};
  }
  const Path wanted = end.path;
  for (int attempt = 2; end.box.empty() && attempt <= kMaxNames; ++attempt) {
    const bool subscribed = pair.at(other(side)).subscribed;
    const Action action{.op = Op::CreateBox, .path = end.path, .role = pair.role, .subscribed = subscribed};
    bool taken = false;
    const Status applied = apply_one(run, side, action, [&](const Outcome& outcome) -> Status {
      // Somebody made it since the folders were listed; one that is another pair's is another matter.
      const bool ours =
          outcome.did == Did::Exists && !outcome.box.empty() && run.book.find_box(side, outcome.box) == nullptr;
      if (outcome.did == Did::Ok || ours) return created(run, side, pair, outcome, subscribed);
      taken = outcome.did == Did::Exists;
      if (!taken) run.skip(end.path, say("cannot make the folder: {}", outcome.words));
      return {};
    });
    TB_TRY(applied);
    if (!taken) break;
    end.path = wanted;
    end.path.back() += fmt::format(" ({})", attempt);
  }
  if (end.box.empty()) {
    end.path = wanted;
  } else if (end.path != wanted && run.context.can(other(side), pair.id).rename_box) {
    // One name for both; not done, it is as if somebody had renamed this one.
    end.base = wanted;
    TB_ASSIGN(const bool renamed, rename_on(run, other(side), pair, run.translate(side, end.path)));
    if (renamed) agree_on_names(pair);
    TB_TRY(run.link.put(pair));
  }
  return {};
}

// The name is taken by a mailbox that is itself to be renamed (a cycle), or that has nothing to do
// with this link: it makes room under a name that nobody has. So does one below this one that would take another's
// name.
Status make_room(Run& run, Side side, const Path& from, const Path& wanted) {
  const auto there = [&](const Path& path) {
    Pair* pair = run.book.find_path(side, path);
    return pair == nullptr || pair->at(side).box.empty() ? nullptr : pair;
  };
  if (Pair* blocker = there(wanted)) {
    TB_TRY(rename_on(run, side, *blocker, aside_of(*blocker, side)));
    return {};
  }
  for (Pair& pair : run.book.all()) {
    const Path& path = pair.at(side).path;
    if (pair.at(side).box.empty() || !has_prefix(path, from)) continue;
    const Pair* taken = there(moved_along(path, from, wanted));
    if (taken != nullptr && !has_prefix(taken->at(side).path, from)) {
      TB_TRY(rename_on(run, side, pair, aside_of(pair, side)));
    }
  }
  return {};
}

Status rename_to(Run& run, Side side, Pair& pair, const Path& target) {
  // A parent took it along already.
  bool renamed = pair.at(side).path == target;
  if (!renamed) {
    // Nothing can be moved into itself: "Work" on its way to "Work/Old" goes by another name.
    if (has_prefix(target, pair.at(side).path)) TB_TRY(rename_on(run, side, pair, aside_of(pair, side)));
    TB_ASSIGN(renamed, rename_on(run, side, pair, target));
    if (!renamed) {
      TB_TRY(make_room(run, side, pair.at(side).path, target));
      TB_ASSIGN(renamed, rename_on(run, side, pair, target));
    }
    if (renamed) ++run.report.boxes_renamed;
  }
  if (!renamed) return {};
  agree_on_names(pair);
  TB_TRY(run.link.put(pair));
  return {};
}

Status subscribe_on(Run& run, Side side, Pair& pair, bool subscribed) {
  if (run.options.dry_run) {
    if (!pair.subscribed) return {};  // never compared before: nobody's change
    ++run.report.boxes_subscribed;
    run.observer.action(subscribed ? say("{}: subscribe {}", shown(pair.at(side).path), run.where(side))
                                   : say("{}: unsubscribe {}", shown(pair.at(side).path), run.where(side)));
    return {};
  }
  const Action action{.op = Op::Subscribe, .box = pair.at(side).box, .subscribed = subscribed};
  return apply_one(run, side, action, [&](const Outcome& outcome) -> Status {
    if (outcome.did != Did::Ok) return {};  // a matter of taste: asked again next time
    pair.at(side).subscribed = subscribed;
    ++run.report.boxes_subscribed;
    TB_TRY(run.link.put(pair));
    return {};
  });
}

// Names and subscriptions that are the same on both sides, or as they should be, are what both agreed on.
Status note_agreed(Run& run) {
  TB_ASSIGN(auto batch, run.link.begin_later());
  for (Pair& pair : run.book.all()) {
    const Pair::End &a = pair.at(Side::A), &b = pair.at(Side::B);
    if (a.box.empty() || b.box.empty()) continue;
    Pair now = pair;
    if (run.translate(Side::A, a.path) == b.path) agree_on_names(now);
    if (a.subscribed == b.subscribed) now.subscribed = a.subscribed;
    if (now.at(Side::A).base == a.base && now.at(Side::B).base == b.base && now.subscribed == pair.subscribed) continue;
    pair = std::move(now);
    TB_TRY(run.link.put(pair));
  }
  return batch->commit();
}

// Mailboxes that messages are to be put into and that are gone there: asked only where one is.
Result<WantedBoxes> wanted_boxes(Run& run) {
  WantedBoxes wanted;
  const bool any_missing = std::ranges::any_of(
      run.book.all(), [](const Pair& pair) { return pair.at(Side::A).missing || pair.at(Side::B).missing; });
  RowId after = 0;
  while (any_missing) {
    TB_ASSIGN(const auto rows, run.link.dirty(after, kRowsAtOnce));
    if (rows.empty()) break;
    after = rows.back().id;
    for (const Row& row : rows) {
      for (const Planned& planned : plan_row(row, run.context).actions) {
        if (planned.op == Op::Add || planned.op == Op::Move) wanted.insert({planned.pair, planned.on});
      }
    }
  }
  return wanted;
}

// Gone, or never there, on both sides.
Status drop_gone(Run& run) {
  std::vector<PairId> gone;
  for (const Pair& pair : run.book.all()) {
    const bool any = !pair.at(Side::A).box.empty() || !pair.at(Side::B).box.empty();
    if (!any) gone.push_back(pair.id);
  }
  for (const PairId id : gone) TB_TRY(run.book.drop(run.link, id));
  return {};
}

Status delete_one(Run& run, const PlannedBox& planned) {
  Pair& pair = *run.book.find(planned.pair);
  TB_ASSIGN(const bool left, run.link.any_bound(planned.on, pair.id));
  if (left) return {};  // held, or kept: its messages are still in it
  if (run.options.dry_run) {
    ++run.report.boxes_deleted;
    run.observer.action(say("{}: delete the folder {}", shown(planned.path), run.where(planned.on)));
    return {};
  }
  const Action action{.op = Op::DeleteBox, .box = pair.at(planned.on).box};
  return apply_one(run, planned.on, action, [&](const Outcome& outcome) -> Status {
    if (outcome.did != Did::Ok && outcome.did != Did::NoBox) {
      // Somebody put mail into it meanwhile: that is new, and the next look shows it.
      if (outcome.did != Did::NotEmpty) run.skip(planned.path, say("cannot delete the folder: {}", outcome.words));
      return {};
    }
    ++run.report.boxes_deleted;
    pair.at(planned.on) = {.box = {}, .path = pair.at(planned.on).path, .missing = true};
    TB_TRY(run.link.put(pair));
    return {};
  });
}

}  // namespace

Status apply_one(Run& run, Side side, const Action& action, const std::function<Status(const Outcome&)>& done) {
  OneSink sink(run, side, action, done);
  return run.replica(side).apply(std::span(&action, 1), sink, run.stop);
}

void Run::skip(const Path& path, std::string why) {
  Skipped skipped{.where = shown(path), .why = std::move(why)};
  // Mailboxes are paired more than once a run; each is told once.
  const bool told = std::ranges::any_of(
      report.skipped, [&](const Skipped& each) { return each.where == skipped.where && each.why == skipped.why; });
  if (!told) report.skipped.push_back(std::move(skipped));
}

void Run::absorb(Side side, Pair& pair, const Outcome& outcome) {
  absorb(side, pair.id, outcome.cursor_before, outcome.cursor);
}

void Run::absorb(Side side, PairId id, const std::string& before, const std::string& now) {
  Pair* pair = now.empty() ? nullptr : book.find(id);
  if (pair == nullptr || pair->at(side).cursor != before) return;
  pair->at(side).cursor = now;
  absorbed.insert(id);
}

Status Run::write_absorbed() {
  if (absorbed.empty()) return {};
  TB_ASSIGN(auto batch, link.begin_later());
  for (const PairId id : absorbed) {
    if (const Pair* pair = book.find(id)) TB_TRY(link.put(*pair));
  }
  absorbed.clear();
  return batch->commit();
}

Status Run::close_look() { return link.set_look(look++); }

void Run::note_pause(std::chrono::milliseconds wanted, const std::string& words) {
  pause_wanted = std::max(pause_wanted, wanted);
  report.retry_after = std::max(report.retry_after, wanted);
  pause_words = words;
}

std::string Run::place(const Half& half, Side side) const {
  const Pair* pair = book.find(half.pair);
  const std::string box = pair == nullptr ? "?" : encode_path(pair->at(side).path);
  const std::string key = half.key.number != 0 ? std::to_string(half.key.number) : half.key.name;
  return printable(box + "/" + key, 200);
}

std::string_view Run::where(Side side) const { return side == Side::A ? word("on the server") : word("here"); }

namespace {

Status do_planned(Run& run, const PlannedBox& planned) {
  Pair* pair = run.book.find(planned.pair);
  if (pair == nullptr || !run.takes_part(pair->at(Side::A).path)) return {};
  if (planned.op == Op::RenameBox) return rename_to(run, planned.on, *pair, planned.path);
  if (planned.op == Op::CreateBox) {
    if (pair->at(planned.on).missing) pair->at(planned.on).path = planned.path;
    return create_on(run, planned.on, *pair);
  }
  return subscribe_on(run, planned.on, *pair, planned.subscribed);
}

}  // namespace

Status create_and_rename_mailboxes(Run& run) {
  TB_TRY(note_agreed(run));
  TB_ASSIGN(const WantedBoxes wanted, wanted_boxes(run));
  const Translate translate = [&run](Side from, const Path& path) { return run.translate(from, path); };
  // A rename takes others along, which are then to be called otherwise than it was planned.
  std::vector<PlannedBox> tried;
  while (true) {
    const auto plan = plan_mailboxes(run.book.all(), run.context, translate, wanted);
    const auto next = std::ranges::find_if(plan, [&](const PlannedBox& each) {
      return each.op == Op::RenameBox && std::ranges::find(tried, each) == tried.end();
    });
    if (next == plan.end()) break;
    tried.push_back(*next);
    TB_TRY(do_planned(run, *next));
    if (std::exchange(run.children_renamed, false)) TB_TRY(pair_mailboxes(run));
  }
  for (const PlannedBox& planned : plan_mailboxes(run.book.all(), run.context, translate, wanted)) {
    if (planned.op != Op::RenameBox) TB_TRY(do_planned(run, planned));
  }
  return run.options.dry_run ? Status() : note_agreed(run);
}

Status delete_mailboxes(Run& run) {
  for (const PlannedBox& planned : plan_deletions(run.book.all(), run.context)) TB_TRY(delete_one(run, planned));
  return run.options.dry_run ? Status() : drop_gone(run);
}

}  // namespace libsync::sync
