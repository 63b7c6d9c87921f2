// What a connection ended in: remembered, and read behind everything else.
#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/run.h"

namespace libsync::sync {

Status broke_off(Run& run, Row& row, Doubt doubt) {
  run.ended_in = row.id;
  row.doubt = doubt;
  TB_TRY(run.link.put(row));
  return {};
}

Status with_end_told(const Run& run, Status status) {
  if (status || run.ended_in == 0 || !status.error().hint.empty()) return status;
  TB_ASSIGN(const auto row, run.link.get(run.ended_in));
  if (!row) return status;
  status.error().hint = say("it ended in {}, which the next sync fetches last", run.place(row->half(Side::A), Side::A));
  return status;
}

Status LastOnes::look() {
  if (run_.options.dry_run) return {};
  rows_ = run_.last;
  RowId after = 0;
  while (true) {
    TB_ASSIGN(const auto rows, run_.link.doubtful(Doubt::ReadLast, after, kRowsAtOnce));
    if (rows.empty()) break;
    after = rows.back().id;
    for (const Row& row : rows) rows_.push_back(row.id);
  }
  TB_ASSIGN(turn_, run_.link.turn());
  std::ranges::sort(rows_);
  std::ranges::rotate(rows_, std::ranges::upper_bound(rows_, turn_.after));
  return {};
}

Status LastOnes::set_turn(Link::Turn turn) {
  if (turn_ == turn) return {};
  turn_ = turn;
  return run_.link.set_turn(turn);
}

Status LastOnes::read() {
  for (const RowId id : rows_) {
    const Status status = read_one(id);
    if (!status && run_.ended_in == id) TB_TRY(set_turn({.after = id, .ended = turn_.ended + 1}));
    TB_TRY(status);
    if (run_.downloaded.contains(id) || run_.compared.contains(id)) came_.push_back(id);
  }
  return set_turn({});
}

Status LastOnes::read_one(RowId id) {
  TB_ASSIGN(auto row, run_.link.get(id));
  if (!row) return {};
  if (row->doubt == Doubt::BrokeOff) return add_one(run_, id);
  if (row->doubt != Doubt::ReadLast) return {};  // it was settled meanwhile
  if (mender_.damaged(row->content)) return mender_.mend(id);
  std::vector<Row> rows{std::move(*row)};
  return read_again(run_, rows, [](const Row&) { return true; });
}

Status LastOnes::tell_left(bool passed_over) {
  if (run_.options.policy.leave != Leave::Never) return {};
  for (const RowId id : rows_) {
    TB_ASSIGN(const auto row, run_.link.get(id));
    if (!row || row->half(Side::A).at != At::Bound) continue;
    const bool here = row->doubt == Doubt::ReadLast;
    if (!here && !(passed_over && row->doubt == Doubt::BrokeOff)) continue;
    run_.report.skipped.push_back(
        {run_.place(row->half(Side::A), Side::A),
         std::string(here ? word("left on the server: the connection ended in it; it is to be read once more")
                          : word("the connection ended in it; the next sync tries it again"))});
  }
  return {};
}

Status LastOnes::removals_done() {
  return set_turn({.after = turn_.after, .ended = std::min(turn_.ended, kEndsBeforeRemovals - 1)});
}

}  // namespace libsync::sync
