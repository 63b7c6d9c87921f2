// The plan for messages carried out: flags, then adds, then moves, chunk by chunk; removals last.
#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/apply.h"
#include "libsync/sync/fuse.h"
#include "libsync/sync/path.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

// Messages of the same octets that are looked at for one that both sides have.
constexpr size_t kSameOctets = 8;

// Some of the dirty rows, and what is to be done about them.
struct Chunk {
  std::vector<Row> rows{};
  std::vector<Todo> flags{}, adds{}, moves{};

  // Messages of side A's to fetch, and nothing else.
  bool only_fetches() const {
    return !adds.empty() && flags.empty() && moves.empty() &&
           std::ranges::all_of(adds, [](const Todo& todo) { return todo.planned.on == Side::B; });
  }
};

// Answers that have no names (RETR's) may have been given to the wrong questions before one that fits none, or none at
// all: each of these is read once more, by itself.
Status doubt(Run& run, std::span<const Todo> todo) {
  if (run.a.capabilities().counted_fetch) return {};
  TB_ASSIGN(auto batch, run.link.begin());
  for (const Todo& each : todo) {
    if (!run.downloaded.contains(each.row->id)) continue;
    each.row->doubt = Doubt::ReadLast;
    TB_TRY(run.link.put(*each.row));
  }
  return batch->commit();
}

// Messages of side A's that are fetched.
class AddSink final : public TransferSink {
 public:
  AddSink(Run& run, std::span<const Todo> todo) : run_(run), next_(todo) {}

  // What comes behind those that were given last; those before them are done.
  void follow_with(std::span<const Todo> todo) {
    first_ += todo_.size();
    todo_ = std::exchange(next_, todo);
  }
  std::array<std::span<const Todo>, 2> on_the_way() const { return {todo_, next_}; }

  Status stored(const Received& received, const Outcome& outcome) override {
    const Todo& todo = at(received.item);
    const Planned& planned = todo.planned;
    Row& row = *todo.row;
    row.half(planned.on) = placed(planned.pair, outcome, planned.add);
    row.print = received.print;
    row.content = outcome.content;
    row.size_b = received.octets == row.size ? 0 : received.octets;
    row.inferred = false;
    row.doubt = received.short_of && !run_.a.capabilities().counted_fetch ? Doubt::ReadAgain : Doubt::None;
    run_.downloaded.insert(row.id);
    Pair& pair = *run_.book.find(planned.pair);
    TB_TRY(note_epoch(run_, planned.on, planned.pair, outcome.ref));
    run_.absorb(planned.on, pair, outcome);
    settle(row, run_.context);
    TB_TRY(run_.link.put(row));
    if (planned.reason != Reason::New) run_.note(row, planned, Event::What::Done);
    return run_.write_notes();
  }

  Status durable(uint64_t messages, uint64_t octets) override {
    run_.report.added += messages;
    run_.report.octets += octets;
    run_.observer.carried(messages, octets);
    return {};
  }

  Status failed(size_t item, const Error& error) override {
    const Todo& todo = at(item);
    const Side from = other(todo.planned.on);
    run_.report.skipped.push_back({run_.place(todo.row->half(from), from), error.text()});
    run_.note(*todo.row, todo.planned, Event::What::PutOff, error.text());
    return {};
  }

  Status broke_off(size_t item) override { return sync::broke_off(run_, *at(item).row, Doubt::BrokeOff); }

  Status uncertain(size_t item) override {
    if (item < first_) return {};  // with more messages between than can be on the way
    return doubt(run_, {&at(item), 1});
  }

 private:
  const Todo& at(size_t item) const {
    const size_t index = item - first_;
    return index < todo_.size() ? todo_[index] : next_[index - todo_.size()];
  }
  Run& run_;
  std::span<const Todo> todo_{}, next_;
  size_t first_ = 0;  // the index of todo_'s first
};

// Content that was here already, found by its print: not the server's octets until they are compared.
class KnownSink final : public ActionSink {
 public:
  KnownSink(Run& run, std::span<const Todo> todo) : run_(run), todo_(todo) {}
  Status done(uint64_t token, const Outcome& outcome) override {
    if (outcome.did != Did::Ok) return {};  // fetched by the next run
    const Planned& planned = todo_[token].planned;
    Row& row = *todo_[token].row;
    row.half(planned.on) = placed(planned.pair, outcome, planned.add);
    row.content = outcome.content;
    row.inferred = true;
    row.doubt = Doubt::None;
    run_.absorb(planned.on, *run_.book.find(planned.pair), outcome);
    ++run_.report.added;
    ++run_.report.reused;
    return save(run_, row);
  }
  Status durable() override { return {}; }

 private:
  Run& run_;
  std::span<const Todo> todo_;
};

class Actor {
 public:
  explicit Actor(Run& run) : run_(run) {}

  Status run() {
    TB_TRY(weigh_removals());
    TB_ASSIGN(auto chunk, next_chunk());
    while (chunk) {
      if (!run_.options.dry_run && chunk->only_fetches() && !run_.options.find_known) {
        TB_ASSIGN(chunk, fetch_on(std::move(chunk)));
        continue;
      }
      if (!run_.options.dry_run) TB_TRY(apply(*chunk));
      TB_ASSIGN(chunk, next_chunk());
    }
    return remove();
  }

  Status add_one(RowId id) {
    TB_ASSIGN(auto row, run_.link.get(id));
    if (!row) return {};
    last_ = true;
    Chunk chunk;
    chunk.rows.push_back(std::move(*row));
    TB_TRY(plan(chunk));
    return apply(chunk);
  }

 private:
  // The next of the dirty rows; nothing behind the last.
  Result<std::unique_ptr<Chunk>> next_chunk() {
    const bool first = after_ == 0;
    auto chunk = std::make_unique<Chunk>();
    TB_ASSIGN(chunk->rows, run_.link.dirty(after_, run_.options.find_known ? kRowsAtOnce
                                                   : first                 ? kRowsToBegin
                                                                           : kRowsOnTheWay));
    if (chunk->rows.empty()) return nullptr;
    after_ = chunk->rows.back().id;
    TB_TRY(plan(*chunk));
    if (!run_.options.dry_run && chunk->only_fetches()) TB_TRY(copy(Side::B, chunk->adds));
    return chunk;
  }

  Status apply(Chunk& chunk) {
    for (const Side side : {Side::A, Side::B}) {
      TB_TRY(apply_todo(run_, side, of(chunk.flags, side)));
      TB_TRY(add(side, of(chunk.adds, side)));
      TB_TRY(apply_todo(run_, side, of(chunk.moves, side)));
    }
    return {};
  }

  static std::vector<Todo> of(const std::vector<Todo>& all, Side side) {
    std::vector<Todo> out;
    std::ranges::copy_if(all, std::back_inserter(out), [&](const Todo& each) { return each.planned.on == side; });
    return out;
  }

  // Fetches what the chunk adds and, without a pause, what those behind it add. Gives the first that wants something
  // else, or nothing.
  Result<std::unique_ptr<Chunk>> fetch_on(std::unique_ptr<Chunk> chunk) {
    std::deque<std::unique_ptr<Chunk>> on_the_way;
    on_the_way.push_back(std::move(chunk));
    AddSink sink(run_, on_the_way.back()->adds);
    const auto more = [&]() -> Result<std::vector<TransferItem>> {
      TB_ASSIGN(chunk, next_chunk());
      if (!chunk || !chunk->only_fetches()) return std::vector<TransferItem>();
      on_the_way.push_back(std::move(chunk));
      sink.follow_with(on_the_way.back()->adds);
      if (on_the_way.size() > 2) on_the_way.pop_front();
      return items_of(on_the_way.back()->adds);
    };
    TB_TRY(carry(items_of(on_the_way.back()->adds), sink, more));
    return chunk;
  }

  Status weigh_removals() {
    std::map<PairId, FuseCount> counts;
    std::map<PairId, uint64_t> sent;
    RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, run_.link.dirty_gone(after, kRowsAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      for (const Row& row : rows) {
        for (const Planned& planned : plan_row(row, run_.context).actions) {
          if (planned.op != Op::Remove) continue;
          ++counts[planned.pair].removals;
          if (planned.on == Side::A) ++sent[planned.pair];
        }
      }
    }
    if (counts.empty()) return {};
    const FusePolicy& fuse = run_.options.policy.fuse;
    TB_TRY(weigh(run_.link, run_.book.all(), fuse, run_.clock.unix_seconds(), counts));
    held_ = held_by_fuse(counts, fuse);
    run_.report.held.clear();  // of the pass before
    FusePolicy unasked = fuse;
    unasked.allow = 0;
    // The user answered for these, and so for what went before them: the fuse starts anew.
    run_.removals_accepted = held_.empty() && !held_by_fuse(counts, unasked).empty();
    if (run_.removals_accepted && !run_.options.dry_run) TB_TRY(run_.link.forget_removals());
    for (const PairId id : held_) {
      const Pair& pair = *run_.book.find(id);
      run_.report.held.push_back(
          {printable(encode_path(pair.at(Side::B).path)), counts[id].removals, counts[id].messages, sent[id]});
    }
    return {};
  }

  Status plan(Chunk& chunk) {
    TB_ASSIGN(auto batch, run_.link.begin_later());
    for (Row& row : chunk.rows) {
      Decision decision = plan_row(row, run_.context);
      switch (decision.standing) {
        case Standing::Forget:
          TB_TRY(run_.link.erase(row.id));
          break;
        case Standing::Agreed:
        case Standing::Forbidden:
          settle(row, run_.context);
          TB_TRY(run_.link.put(row));
          break;
        case Standing::Held:
          break;
        case Standing::Wants:
          for (Planned& planned : decision.actions) sort_in(chunk, row, std::move(planned));
      }
    }
    return batch->commit();
  }

  void sort_in(Chunk& chunk, Row& row, Planned planned) {
    if (run_.options.dry_run) tell(row, planned);
    // A mailbox that could not be made takes nothing.
    const Pair* target = run_.book.find(planned.pair);
    if (target == nullptr || target->at(planned.on).box.empty() || run_.not_now.contains(row.id)) return;
    if (!run_.takes_part(target->at(Side::A).path)) return;
    switch (planned.op) {
      case Op::Flags:
        chunk.flags.push_back({&row, std::move(planned)});
        break;
      case Op::Add:
        if (row.doubt == Doubt::BrokeOff && !last_) {
          run_.last.push_back(row.id);
        } else {
          chunk.adds.push_back({&row, std::move(planned)});
        }
        break;
      case Op::Move:
        chunk.moves.push_back({&row, std::move(planned)});
        break;
      default:
        if (row.leftover || !is_held(row, planned)) removals_.push_back(row.id);
    }
  }

  bool is_held(const Row& row, const Planned& planned) const {
    return row.answer != Answer::Accept && held_.contains(planned.pair);
  }

  MsgRef ref(const Half& half, Side side) const {
    const Pair::End& end = run_.book.find(half.pair)->at(side);
    return {end.box, end.epoch, half.key};
  }

  std::vector<TransferItem> items_of(std::span<const Todo> adds) const {
    std::vector<TransferItem> items;
    items.reserve(adds.size());
    for (const Todo& todo : adds) {
      const Row* row = todo.row;
      const Planned& planned = todo.planned;
      const Side from = other(planned.on);
      items.push_back({.fetch = {.ref = ref(row->half(from), from), .size = row->size},
                       .to = run_.book.find(planned.pair)->at(planned.on).box,
                       .flags = planned.add,
                       .date = row->date});
    }
    return items;
  }

  Status add(Side side, std::vector<Todo> todo) {
    TB_TRY(copy(side, todo));
    if (todo.empty()) return {};
    if (!run_.replica(side).capabilities().own_transaction) return upload(run_, side, todo);
    std::vector<TransferItem> items = items_of(todo);
    // The header is what it may have ended in.
    if (run_.options.find_known && !last_) TB_TRY(add_known(todo, items));
    if (items.empty()) return {};
    AddSink sink(run_, todo);
    return carry(std::move(items), sink);
  }

  // Adds what the side has the octets of in another message, and takes it off the list.
  Status copy(Side side, std::vector<Todo>& todo) {
    std::vector<Todo> copies;
    for (Todo& each : todo) {
      TB_ASSIGN(auto source, same_octets(side, *each.row));
      if (!source) continue;
      each.from = source->half(side);
      take_octets(side, *each.row, *source);
      copies.push_back(each);
    }
    if (copies.empty()) return {};
    std::erase_if(todo, [](const Todo& each) { return each.from.has_value(); });
    return apply_todo(run_, side, std::move(copies));
  }

  // A message that both sides have, with the octets of `row`.
  Result<std::optional<Row>> same_octets(Side side, const Row& row) {
    const Side from = other(side);
    const Id& object = row.object_on(from);
    if (object.empty()) return std::nullopt;
    TB_ASSIGN(auto rows, run_.link.same_octets(from, object, kSameOctets));
    for (Row& each : rows) {
      const Half& half = each.half(side);
      const bool there = each.id != row.id && half.at == At::Bound && half.asked == Asked::Nothing && !half.blocked &&
                         each.doubt == Doubt::None;
      if (there) return std::move(each);
    }
    return std::nullopt;
  }

  static void take_octets(Side side, Row& row, const Row& source) {
    if (side == Side::B) {
      row.content = source.content;
      row.inferred = source.inferred;
      row.size_b = source.size_on(Side::B) == row.size ? 0 : source.size_on(Side::B);
    } else {
      const uint64_t size_b = row.size_on(Side::B);
      row.object = source.object;
      row.size = source.size;
      row.size_b = size_b == row.size ? 0 : size_b;
      row.doubt = Doubt::Unseen;
    }
    row.print = source.print;
  }

  Status carry(std::vector<TransferItem> items, AddSink& sink, const MoreItems& more = {}) {
    Status carried = transfer(run_.a, run_.b, std::move(items), run_.options.limits, sink, run_.stop, more);
    if (!carried && carried.error().code == Errc::Protocol) {
      for (const auto& todo : sink.on_the_way()) TB_TRY(doubt(run_, todo));
    }
    return with_end_told(run_, std::move(carried));
  }

  // Adds what side B already has the octets of, and takes it off the lists.
  Status add_known(std::vector<Todo>& todo, std::vector<TransferItem>& items) {
    std::vector<Row*> rows;
    for (const Todo& each : todo) rows.push_back(each.row);
    TB_ASSIGN(const auto prints, fetch_prints(run_, Side::A, rows, Doubt::BrokeOff));
    // Copies of one message have one date; messages that a print can't tell apart are fetched.
    std::map<Id, std::set<std::optional<int64_t>>> dates;
    for (size_t i = 0; i < items.size(); ++i) dates[prints[i]].insert(items[i].date);
    std::vector<Todo> known;
    std::vector<Action> actions;
    std::vector<Todo> rest;
    std::vector<TransferItem> rest_items;
    for (size_t i = 0; i < items.size(); ++i) {
      std::optional<Id> content;
      if (!prints[i].empty() && dates[prints[i]].size() == 1) {
        TB_ASSIGN(content, run_.options.find_known(prints[i]));
      }
      if (!content) {
        rest.push_back(todo[i]);
        rest_items.push_back(std::move(items[i]));
        continue;
      }
      actions.push_back({.token = known.size(),
                         .op = Op::Add,
                         .box = items[i].to,
                         .add = items[i].flags,
                         .date = items[i].date,
                         .known = *content});
      todo[i].row->print = prints[i];
      known.push_back(todo[i]);
    }
    KnownSink sink(run_, known);
    if (!actions.empty()) TB_TRY(run_.b.apply(actions, sink, run_.stop));
    todo = std::move(rest);
    items = std::move(rest_items);
    return {};
  }

  Status remove() {
    if (run_.options.dry_run) return {};
    for (size_t at = 0; at < removals_.size(); at += kRowsAtOnce) {
      const size_t end = std::min(removals_.size(), at + kRowsAtOnce);
      std::vector<Row> rows;
      for (size_t i = at; i < end; ++i) {
        TB_ASSIGN(auto row, run_.link.get(removals_[i]));
        if (row) rows.push_back(std::move(*row));
      }
      std::vector<Todo> todo;
      for (Row& row : rows) {
        // Planned anew: an add in between may have settled it.
        for (Planned& planned : plan_row(row, run_.context).actions) {
          if (planned.op == Op::Remove) todo.push_back({&row, std::move(planned)});
        }
      }
      for (const Side side : {Side::A, Side::B}) TB_TRY(apply_todo(run_, side, of(todo, side)));
    }
    return {};
  }

  void tell(const Row& row, const Planned& planned) {
    const Side there = row.half(Side::A).at == At::Bound ? Side::A : Side::B;
    const std::string where = run_.place(row.half(there), there);
    const std::string_view reason = reason_text(planned.reason);
    const std::string_view side = run_.where(planned.on);
    count_planned(row, planned);
    switch (planned.op) {
      case Op::Add:
        return run_.observer.action(say("{}: add {}, {} ({})", where, side, human_size(row.size), reason));
      case Op::Flags:
        return run_.observer.action(say("{}: set flags {} ({})", where, side, reason));
      case Op::Move:
        return run_.observer.action(say("{}: move to {} {} ({})", where, box_name(planned), side, reason));
      default:
        return run_.observer.action(is_held(row, planned) ? say("{}: held, not removed {} ({})", where, side, reason)
                                                          : say("{}: remove {} ({})", where, side, reason));
    }
  }

  void count_planned(const Row& row, const Planned& planned) {
    SyncReport::Counts& counts = run_.report.on(planned.on);
    if (planned.op == Op::Add) {
      ++counts.added;
      counts.octets += row.size;
    }
    if (planned.op == Op::Flags) ++counts.flags;
    if (planned.op == Op::Move) ++counts.moved;
    if (planned.op == Op::Remove && !is_held(row, planned)) ++counts.removed;
  }

  std::string box_name(const Planned& planned) const {
    return printable(encode_path(run_.book.find(planned.pair)->at(planned.on).path));
  }

  Run& run_;
  std::set<PairId> held_;
  std::vector<RowId> removals_;
  RowId after_ = 0;    // the last row that was planned
  bool last_ = false;  // one of those that come last
};

}  // namespace

Status act_on_messages(Run& run) { return Actor(run).run(); }
Status add_one(Run& run, RowId id) { return Actor(run).add_one(id); }

}  // namespace libsync::sync
