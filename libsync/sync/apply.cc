#include "libsync/sync/apply.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::sync {
namespace {

using std::chrono::milliseconds;

// Asked at once, so that no more than these are in doubt when a connection ends.
constexpr size_t kActionsAtOnce = 1000;
// What a server refuses for now is asked again so often in a run, after pauses that double, or as long as it says.
constexpr int kTries = 3;
constexpr milliseconds kFirstPause{1000};
// What it refuses otherwise is asked again so much later.
constexpr int64_t kAskAgainSeconds = 86'400;
// A server that wants to be left alone for longer is, until the next sync.
constexpr milliseconds kLongestPause{30'000};

bool places(const Todo& todo) { return todo.planned.op == Op::Move || todo.planned.op == Op::Add; }

MsgRef ref_of(Run& run, const Half& half, Side side) {
  const Pair* pair = run.book.find(half.pair);
  if (pair == nullptr) return {};
  return {pair->at(side).box, pair->at(side).epoch, half.key};
}

// What becomes of rows when actions on one of their halves are done.
class Sink final : public ActionSink {
 public:
  Sink(Run& run, Side side, std::span<Todo> todo, std::vector<Half> before)
      : run_(run),
        side_(side),
        todo_(todo),
        before_(std::move(before)),
        at_once_(run.replica(side).capabilities().own_transaction) {}

  Status done(uint64_t token, const Outcome& outcome) override {
    if (token >= todo_.size()) return fail(Errc::Internal, say("an answer to an action never asked: {}", token));
    if (at_once_) return take(token, outcome);
    waiting_.emplace_back(token, outcome);
    return {};
  }
  // Not while the server is waited for, with the database locked.
  Status durable() override {
    if (waiting_.empty()) return {};
    TB_ASSIGN(auto batch, run_.link.begin_later());
    for (const auto& [token, outcome] : std::exchange(waiting_, {})) TB_TRY(take(token, outcome));
    return batch->commit();
  }

  std::vector<size_t> again{};  // indices of what may work later
  milliseconds pause{0};
  std::string words{};

 private:
  Status take(size_t token, const Outcome& outcome) {
    const Todo& todo = todo_[token];
    Row& row = *todo.row;
    Half& half = row.half(side_);
    switch (outcome.did) {
      case Did::Ok: {
        count(todo);
        run_.absorb(side_, before_[token].pair, outcome.source_before, outcome.source);
        run_.absorb(side_, todo.planned.pair, outcome.cursor_before, outcome.cursor);
        TB_ASSIGN(const bool elsewhere,
                  places(todo) ? is_taken(run_, side_, todo.planned.pair, outcome, row.id) : Result<bool>(false));
        return elsewhere ? taken(todo) : ok(todo, outcome);
      }
      case Did::OkNoRef:
        count(todo);
        return places(todo) ? taken(todo) : ok(todo, outcome);
      case Did::Gone:
        return gone(token);
      case Did::NoBox:
        return no_box(token, outcome);
      case Did::Quota:
        run_.not_now.insert(row.id);
        run_.report.skipped.push_back({run_.place(before_[token], side_), outcome.words});
        return put_back(token);
      case Did::Retry:
        again.push_back(token);
        pause = std::max(pause, outcome.retry_after);
        words = outcome.words;
        return put_back(token);
      case Did::Unknown:
        // Where the side itself says so, it said OK: what the next look doesn't show is not to be asked for ever.
        run_.said_ok[row.id] = outcome.words;
        return {};
      case Did::Marked:
        return {};
      default:
        half = before_[token];
        block(run_, row, todo.planned, outcome);
        return save(run_, row);
    }
  }

  Status ok(const Todo& todo, const Outcome& outcome) {
    Row& row = *todo.row;
    Half& half = row.half(side_);
    switch (todo.planned.op) {
      case Op::Flags:
        take_flags(todo, outcome);
        break;
      case Op::Remove:
        half.at = At::Gone;
        if (!run_.removals_accepted && row.answer != Answer::Accept && todo.planned.reason == Reason::Removed) {
          TB_TRY(run_.link.record_removals(todo.planned.pair, run_.clock.unix_seconds(), 1));
        }
        break;
      default: {
        Half there = placed(todo.planned.pair, outcome, half.flags);
        if (there.instance.empty() && todo.planned.op == Op::Move) there.instance = half.instance;
        TB_TRY(note_epoch(run_, side_, todo.planned.pair, outcome.ref));
        if (todo.from) copied(todo, there);
        return arrived(run_, side_, row, there);
      }
    }
    return save(run_, row);
  }

  // Where it is now shows at the next look.
  Status taken(const Todo& todo) {
    Half& half = todo.row->half(side_);
    if (todo.planned.op == Op::Move && run_.replica(side_).capabilities().move) {
      half = {.at = At::Unbound, .pair = todo.planned.pair, .flags = half.flags, .asked_look = half.asked_look};
    }
    half.asked = Asked::Taken;
    return save(run_, *todo.row);
  }

  // It has the flags of the one that it is a copy of; its own are what the other side's are compared with those.
  void copied(const Todo& todo, Half& there) {
    Row& row = *todo.row;
    there.flags = todo.from->flags;
    row.agreed = true;
    row.home = todo.planned.pair;
    row.base = masked(there.flags, run_.context.mask(row.home));
  }

  void take_flags(const Todo& todo, const Outcome& outcome) {
    Half& half = todo.row->half(side_);
    half.asked = Asked::Nothing;
    half.sent = {};
    // They are as on the other side by now: what that shows otherwise from here on is a change.
    todo.row->base = with_changes(todo.row->base, todo.planned.add, todo.planned.del);
    if (outcome.flags) {
      half.flags = *outcome.flags;
      const FlagMask mask = run_.context.mask(half.pair);
      const Flags now = masked(half.flags, mask);
      const bool kept = minus(todo.planned.add, now) == Flags{} && minus(now, minus(now, todo.planned.del)) == Flags{};
      if (!kept) {
        todo.row->base = now;
        block(run_, *todo.row, todo.planned,
              {.did = Did::Refused, .words = std::string(word("it said OK and did not keep the flags"))});
      }
      return;
    }
    half.flags = with_changes(half.flags, todo.planned.add, todo.planned.del);
  }

  Status gone(size_t token) {
    const Todo& todo = todo_[token];
    Row& row = *todo.row;
    row.half(side_) = before_[token];
    // What was to be copied for it is gone, not it.
    if (!todo.from) row.half(side_).at = At::Gone;
    return save(run_, row);
  }

  // What became of its messages, the next look tells.
  Status no_box(size_t token, const Outcome& outcome) {
    const Todo& todo = todo_[token];
    const Pair* pair = run_.book.find(places(todo) ? todo.planned.pair : before_[token].pair);
    if (pair != nullptr) run_.skip(pair->at(side_).path, outcome.words);
    return put_back(token);
  }

  Status put_back(size_t token) {
    Row& row = *todo_[token].row;
    row.half(side_) = before_[token];
    return save(run_, row);
  }

  void count(const Todo& todo) {
    run_.note(*todo.row, todo.planned, Event::What::Done);
    SyncReport::Counts& counts = run_.report.on(side_);
    switch (todo.planned.op) {
      case Op::Add:
        ++counts.added;
        ++counts.copied;
        break;
      case Op::Flags:
        ++counts.flags;
        break;
      case Op::Move:
        ++counts.moved;
        break;
      default:
        if (todo.planned.reason != Reason::Leftover) ++counts.removed;
    }
  }

  Run& run_;
  Side side_;
  std::span<Todo> todo_;
  std::vector<Half> before_;
  bool at_once_;
  std::vector<std::pair<size_t, Outcome>> waiting_{};
};

Action action_of(Run& run, Side side, const Todo& todo, size_t token) {
  const Planned& planned = todo.planned;
  const Pair* target = run.book.find(planned.pair);
  Action action{.token = token,
                .op = planned.op,
                .ref = ref_of(run, todo.from ? *todo.from : todo.row->half(side), side),
                .box = target == nullptr ? BoxId() : target->at(side).box,
                .add = planned.add,
                .del = planned.del};
  const bool copies = todo.from || (planned.op == Op::Move && !run.replica(side).capabilities().move);
  if (copies) action.op = Op::Copy;
  return action;
}

// Written down before it is asked: what was, in the order of `todo`.
Result<std::vector<Half>> intend(Run& run, Side side, std::span<Todo> todo) {
  std::vector<Half> before;
  before.reserve(todo.size());
  for (const Todo& each : todo) before.push_back(each.row->half(side));
  if (run.replica(side).capabilities().own_transaction) return before;
  // With what was seen before: a removal, too, is not asked for on the strength of what a power loss may undo.
  TB_ASSIGN(auto batch, run.link.begin());
  for (const Todo& each : todo) {
    if (!places(each) && each.planned.op != Op::Flags) continue;
    Half& half = each.row->half(side);
    if (each.planned.op == Op::Flags) {
      half.asked = Asked::Flags;
      half.sent = with_changes(half.flags, each.planned.add, each.planned.del);
    } else if (each.from) {
      half = adding(run, each.planned.pair, each.from->flags);
    } else {
      half.asked = Asked::Sent;
      half.asked_look = run.look;
      half.to = each.planned.pair;
    }
    each.row->dirty = true;
    TB_TRY(run.link.put(*each.row));
  }
  TB_TRY(run.close_look());
  TB_TRY(batch->commit());
  return before;
}

Status apply_some(Run& run, Side side, std::span<Todo> todo, std::vector<Todo>& again) {
  std::vector<Action> actions;
  actions.reserve(todo.size());
  // What an action refers to is where it was before it was written down as asked.
  for (size_t i = 0; i < todo.size(); ++i) actions.push_back(action_of(run, side, todo[i], i));
  TB_ASSIGN(auto before, intend(run, side, todo));
  Sink sink(run, side, todo, std::move(before));
  Status status = run.replica(side).apply(actions, sink, run.stop);
  TB_TRY(sink.durable());
  for (const size_t i : sink.again) again.push_back(todo[i]);
  if (!sink.again.empty()) run.note_pause(sink.pause, sink.words);
  return status;
}

// It still is to be done: what came before in this run may have settled, or refused, it.
bool is_wanted(const Todo& todo, Side side, int64_t now) {
  const Half& half = todo.row->half(side);
  if ((half.blocked && half.blocked->stands(todo.planned.op, now)) || half.asked != Asked::Nothing) return false;
  return todo.from ? half.at != At::Bound : half.at == At::Bound;
}

}  // namespace

Half placed(PairId pair, const Outcome& outcome, const Flags& flags) {
  return {.at = outcome.did == Did::Ok ? At::Bound : At::Unbound,
          .pair = pair,
          .key = outcome.ref.key,
          .flags = flags,
          .instance = outcome.instance};
}

Result<bool> is_taken(Run& run, Side side, PairId pair, const Outcome& outcome, RowId row) {
  if (run.replica(side).capabilities().own_transaction) return false;
  TB_ASSIGN(const auto there, run.link.find(side, pair, outcome.ref.key));
  return there && there->id != row;
}

Half adding(const Run& run, PairId to, const Flags& flags) {
  return {.at = At::Unbound, .pair = to, .flags = flags, .asked = Asked::Sent, .asked_look = run.look};
}

Status note_epoch(Run& run, Side side, PairId id, const MsgRef& ref) {
  Pair* pair = run.book.find(id);
  if (pair == nullptr || pair->at(side).epoch != 0 || ref.epoch == 0) return {};
  pair->at(side).epoch = ref.epoch;
  TB_TRY(run.link.put(*pair));
  return {};
}

Status save(Run& run, Row& row) {
  settle(row, run.context);
  TB_TRY(run.write_notes());
  if (plan_row(row, run.context).standing == Standing::Forget) return run.link.erase(row.id);
  TB_TRY(run.link.put(row));
  return {};
}

void block(Run& run, Row& row, const Planned& refused, const Outcome& outcome) {
  Half& half = row.half(refused.on);
  const bool stands = half.blocked && run.context.now < half.blocked->until;
  Refusal refusal = stands ? *half.blocked : Refusal{.until = Refusal::kForGood};
  refusal.ops |= Refusal::bit(refused.op);
  if (outcome.did != Did::Never) refusal.until = std::min(refusal.until, run.context.now + kAskAgainSeconds);
  refusal.words = outcome.words.empty() ? std::string(word("refused")) : outcome.words;
  run.report.skipped.push_back({run.place(half, refused.on), refusal.words});
  run.note(row, refused, Event::What::Refused, refusal.words);
  half.blocked = std::move(refusal);
}

Status arrived(Run& run, Side side, Row& row, const Half& there) {
  const Half was = std::exchange(row.half(side), there);
  const bool moved = was.at == At::Bound && (was.pair != there.pair || was.key != there.key);
  TB_TRY(save(run, row));
  if (!moved || run.replica(side).capabilities().move) return {};
  Row rest;
  rest.half(side) = was;
  rest.half(side).asked = Asked::Nothing;
  rest.half(side).to = 0;
  rest.half(side).blocked.reset();
  rest.agreed = true;
  rest.home = was.pair;
  rest.base = masked(was.flags, run.context.mask(was.pair));
  rest.leftover = true;
  rest.dirty = true;
  rest.size = row.size;
  rest.size_b = row.size_b;
  rest.date = row.date;
  rest.print = row.print;
  TB_TRY(run.link.put(rest));
  return {};
}

Status apply_todo(Run& run, Side side, std::vector<Todo> todo) {
  std::erase_if(todo, [&](const Todo& each) { return !is_wanted(each, side, run.context.now); });
  const bool own = run.replica(side).capabilities().own_transaction;
  milliseconds pause = kFirstPause;
  for (int attempt = 1; !todo.empty(); ++attempt) {
    std::vector<Todo> again;
    for (size_t at = 0; at < todo.size(); at += kActionsAtOnce) {
      const auto some = std::span(todo).subspan(at, std::min(kActionsAtOnce, todo.size() - at));
      if (!own) {
        for (const Todo& each : some) run.touched[index(side)].insert({each.row->half(side).pair, each.planned.pair});
      }
      TB_TRY(apply_some(run, side, some, again));
    }
    todo = std::move(again);
    if (todo.empty()) return {};
    const milliseconds wanted = std::max(pause, run.pause_wanted);
    if (attempt >= kTries || wanted > kLongestPause || !run.options.pause) break;
    TB_TRY(run.options.pause(wanted, run.stop));
    run.pause_wanted = milliseconds(0);
    pause *= 2;
  }
  for (const Todo& each : todo) {
    run.not_now.insert(each.row->id);
    run.report.skipped.push_back({run.place(each.row->half(side), side), run.pause_words});
    run.note(*each.row, each.planned, Event::What::PutOff, run.pause_words);
  }
  return {};
}

}  // namespace libsync::sync
