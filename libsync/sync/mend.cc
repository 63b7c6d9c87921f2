// What was found damaged on side B, read from side A again and put in its place.
#include <algorithm>
#include <set>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

class MendSink final : public TransferSink {
 public:
  MendSink(Run& run, std::vector<Row>& rows) : run_(run), rows_(rows) {}

  Status stored(const Received& received, const Outcome& outcome) override {
    Row& row = rows_[received.item];
    if (outcome.content != row.content && received.short_of && !run_.a.capabilities().counted_fetch) {
      run_.report.skipped.push_back({run_.place(row.half(Side::A), Side::A), std::string(word("it came short"))});
      return {};
    }
    if (outcome.content == row.content) {
      row.inferred = false;  // the server's octets: what a match by print left open is settled too
      row.print = received.print;
      run_.downloaded.insert(row.id);
      ++run_.report.mended;
    } else {
      row.doubt = Doubt::None;
      TB_TRY(set_apart(run_, row));
    }
    settle(row, run_.context);
    TB_TRY(run_.link.put(row));
    return {};
  }

  Status durable(uint64_t messages, uint64_t octets) override {
    run_.observer.carried(messages, octets);
    return {};
  }

  Status failed(size_t item, const Error& error) override {
    run_.report.skipped.push_back({run_.place(rows_[item].half(Side::A), Side::A), error.text()});
    return {};
  }

  Status broke_off(size_t) override { return {}; }

 private:
  Run& run_;
  std::vector<Row>& rows_;
};

}  // namespace

Status Mender::look() {
  if (!run_.options.damaged) return {};
  TB_ASSIGN(const auto contents, run_.options.damaged());
  if (contents.empty()) return {};
  std::set<Id> found;
  RowId after = 0;
  while (true) {
    TB_ASSIGN(const auto rows, run_.link.holding(contents, after, kRowsAtOnce));
    if (rows.empty()) break;
    after = rows.back().id;
    for (const Row& row : rows) {
      if (!found.insert(row.content).second) continue;
      rows_.push_back(row.id);
      octets_ += row.size;
    }
  }
  std::ranges::copy_if(contents, std::back_inserter(lost_), [&](const Id& each) { return !found.contains(each); });
  return {};
}

Status Mender::mend() {
  for (size_t at = 0; at < rows_.size(); at += kRowsAtOnce) {
    TB_TRY(mend_some(std::span(rows_).subspan(at, std::min(kRowsAtOnce, rows_.size() - at))));
  }
  if (run_.options.dry_run || !run_.options.note_lost || (rows_.empty() && lost_.empty())) return {};
  TB_ASSIGN(run_.report.lost, run_.options.note_lost(lost_));
  return {};
}

Status Mender::mend_some(std::span<const RowId> ids) {
  std::vector<Row> rows;
  std::vector<TransferItem> items;
  for (const RowId id : ids) {
    TB_ASSIGN(auto row, run_.link.get(id));
    const Pair* pair = row ? run_.book.find(row->half(Side::A).pair) : nullptr;
    if (pair == nullptr || row->half(Side::A).at != At::Bound) continue;
    const Pair::End& end = pair->at(Side::A);
    items.push_back(
        {.fetch = {.ref = {end.box, end.epoch, row->half(Side::A).key}, .size = row->size}, .mend = row->content});
    rows.push_back(std::move(*row));
  }
  if (run_.options.dry_run) {
    for (const Row& row : rows) {
      ++run_.report.mended;
      run_.observer.action(say("{}: read again ({})", run_.place(row.half(Side::A), Side::A), word("damaged here")));
    }
    return {};
  }
  if (items.empty()) return {};
  MendSink sink(run_, rows);
  return transfer(run_.a, run_.b, items, run_.options.limits, sink, run_.stop);
}

}  // namespace libsync::sync
