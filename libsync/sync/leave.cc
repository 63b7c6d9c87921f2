// POP3's `leave = "never"`: what is durable here is removed from the server.
//
// A removal is asked for only when the link row says that the content is durable (it was committed
// together with the content), when that content was really downloaded and is not shorter than the server
// announced, and only for a message that has in this session the size it had when it was downloaded: a
// UIDL may have been given again.
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

class MarkSink final : public ActionSink {
 public:
  explicit MarkSink(Run& run) : run_(run) {}
  Status done(uint64_t token, const Outcome& outcome) override {
    any = any || outcome.did == Did::Marked || outcome.did == Did::Ok;
    if (outcome.did != Did::Marked) outcomes_.emplace_back(static_cast<RowId>(token), outcome);
    return {};
  }
  Status durable() override { return {}; }

  // Writes down what the server answered; not while it is waited for, with the database locked.
  Status write() {
    if (outcomes_.empty()) return {};
    TB_ASSIGN(auto batch, run_.link.begin());
    for (const auto& [id, outcome] : outcomes_) TB_TRY(write(id, outcome));
    return batch->commit();
  }

  bool any = false;  // was marked, or removed at once

 private:
  Status write(RowId id, const Outcome& outcome) {
    TB_ASSIGN(auto row, run_.link.get(id));
    if (!row) return {};
    Half& half = row->half(Side::A);
    if (outcome.did == Did::Refused) run_.report.skipped.push_back({run_.place(half, Side::A), outcome.words});
    if (outcome.did != Did::Ok && outcome.did != Did::Gone) return {};
    if (outcome.did == Did::Ok) ++run_.report.left;
    // The row stays, and stays in doubt: a server that shows the message again all the same is known to be that
    // one, once the octets have been compared.
    half.at = At::Gone;
    settle(*row, run_.context);
    TB_TRY(run_.link.put(*row));
    return {};
  }

  Run& run_;
  std::vector<std::pair<RowId, Outcome>> outcomes_;
};

}  // namespace

// A message of the server's that is here.
bool Leaver::ours(const Row& row) { return row.half(Side::A).at == At::Bound && row.agreed && !row.content.empty(); }

// What was not downloaded in this very run may by now be other mail of the same size under the same UIDL: the
// header tells, and where it differs, or can't be had, the octets are compared.
Status Leaver::doubt_by_print(std::vector<Row>& rows) {
  std::vector<Row*> asked;
  for (Row& row : rows) {
    const bool known =
        row.inferred || row.size == 0 || run_.downloaded.contains(row.id) || run_.compared.contains(row.id);
    if (ours(row) && row.doubt == Doubt::None && !known) asked.push_back(&row);
  }
  TB_ASSIGN(const auto prints, fetch_prints(run_, Side::A, asked, Doubt::ReadLast));
  for (size_t i = 0; i < asked.size(); ++i) {
    if (prints[i].empty() || prints[i] != asked[i]->print) {
      asked[i]->inferred = true;
    } else {
      run_.compared.insert(asked[i]->id);
    }
  }
  return {};
}

Status Leaver::look_at(std::vector<Row>& rows) {
  TB_TRY(doubt_by_print(rows));
  return read_again(run_, rows, [&](const Row& row) {
    // What was in doubt when this run began has been read, or could not be.
    const bool doubtful = row.doubt == Doubt::None && (row.inferred || row.size == 0);
    return ours(row) && doubtful && !run_.compared.contains(row.id);
  });
}

// Committed before the removals are asked for: if the answer to QUIT is lost, the UIDLs may by the next session
// stand for other mail.
Status Leaver::doubt_until_acknowledged(const std::vector<Action>& actions) {
  TB_ASSIGN(auto batch, run_.link.begin());
  for (const Action& action : actions) {
    TB_ASSIGN(auto row, run_.link.get(static_cast<RowId>(action.token)));
    if (!row) continue;
    row->inferred = true;
    TB_TRY(run_.link.put(*row));
  }
  return batch->commit();
}

std::optional<std::string> Leaver::why_not(const Row& row) const {
  if (row.doubt != Doubt::None) {
    return say("left on the server: fewer octets came than the {} announced", with_separators(row.size));
  }
  if (!run_.options.verify_stored || run_.downloaded.contains(row.id)) return std::nullopt;
  const Status whole = run_.options.verify_stored(row.content);
  if (whole) return std::nullopt;
  return say("left on the server: the copy here is not whole: {}", whole.error().what);
}

std::vector<Action> Leaver::removals(const std::vector<Row>& rows) {
  std::vector<Action> actions;
  for (const Row& row : rows) {
    if (!ours(row) || row.doubt == Doubt::ReadLast) continue;  // LastOnes tells of those
    const bool certain = run_.compared.contains(row.id) || (run_.downloaded.contains(row.id) && row.size != 0);
    if (!certain && row.doubt == Doubt::None) continue;
    if (auto why = why_not(row)) {
      run_.report.skipped.push_back({run_.place(row.half(Side::A), Side::A), std::move(*why)});
      continue;
    }
    const Pair& pair = *run_.book.find(row.half(Side::A).pair);
    actions.push_back({.token = static_cast<uint64_t>(row.id),
                       .op = Op::Remove,
                       .ref = {pair.at(Side::A).box, pair.at(Side::A).epoch, row.half(Side::A).key},
                       .size_expected = row.size});
  }
  return actions;
}

Status Leaver::mark_rows(const std::vector<Row>& rows) {
  const std::vector<Action> actions = removals(rows);
  if (run_.options.dry_run) {
    run_.report.left += actions.size();
    for (const Action& action : actions) {
      run_.observer.action(
          say("{}: remove on the server ({})", printable(action.ref.key.name, 80), reason_text(Reason::LeaveNever)));
    }
    return {};
  }
  if (actions.empty()) return {};
  TB_TRY(doubt_until_acknowledged(actions));
  MarkSink sink(run_);
  const Status applied = run_.a.apply(actions, sink, run_.stop);
  any_ = any_ || sink.any;
  TB_TRY(sink.write());
  return applied;
}

// All are read before the first is marked: from then on the server can't be told to forget what was read (RSET).
Status Leaver::look_at_all() {
  for (const Pair& pair : run_.book.all()) {
    RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, run_.link.bound(Side::A, pair.id, after, kRowsAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      TB_TRY(look_at(rows));
    }
  }
  return {};
}

Status Leaver::mark() {
  if (run_.options.policy.leave != Leave::Never) return {};
  TB_TRY(look_at_all());
  for (const Pair& pair : run_.book.all()) {
    RowId after = 0;
    while (true) {
      TB_ASSIGN(const auto rows, run_.link.bound(Side::A, pair.id, after, kRowsAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      TB_TRY(mark_rows(rows));
    }
  }
  return {};
}

Status Leaver::mark(const std::vector<RowId>& ids) {
  if (run_.options.policy.leave != Leave::Never) return {};
  std::vector<Row> rows;
  for (const RowId id : ids) {
    TB_ASSIGN(auto row, run_.link.get(id));
    if (row) rows.push_back(std::move(*row));
  }
  TB_TRY(look_at(rows));
  return mark_rows(rows);
}

Status Leaver::finish() {
  MarkSink sink(run_);
  const Status finished = run_.a.finish(sink, run_.stop);
  TB_TRY(sink.write());
  return finished;
}

}  // namespace libsync::sync
