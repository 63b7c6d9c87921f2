// What was found damaged on side B, read from side A again and put in its place.
#include <algorithm>
#include <iterator>
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
    if (outcome.content == row.content) return mended(received, row);
    if (received.short_of && !run_.a.capabilities().counted_fetch) {
      run_.report.skipped.push_back({run_.place(row.half(Side::A), Side::A), std::string(word("it came short"))});
      return {};
    }
    return outcome.ref.box.empty() ? differs(row) : replaced(received, outcome, row);
  }

  Status durable(uint64_t messages, uint64_t octets) override {
    run_.observer.carried(messages, octets);
    std::ranges::move(replaced_, std::back_inserter(instead));
    replaced_.clear();
    return {};
  }

  Status failed(size_t item, const Error& error) override {
    run_.report.skipped.push_back({run_.place(rows_[item].half(Side::A), Side::A), error.text()});
    return {};
  }

  // What is not the content asked for is none that mends.
  Status uncertain(size_t) override { return {}; }
  Status broke_off(size_t item) override { return sync::broke_off(run_, rows_[item], Doubt::ReadLast); }

  std::vector<Id> whole{};       // contents that are whole again
  std::vector<RowId> instead{};  // damaged, and another message is durable here in their place

 private:
  Status mended(const Received& received, Row& row) {
    row.inferred = false;  // the server's octets: what a match by print left open is settled too
    row.print = received.print;
    row.doubt = received.short_of && !run_.a.capabilities().counted_fetch ? Doubt::Short : Doubt::None;
    run_.downloaded.insert(row.id);
    whole.push_back(row.content);
    ++run_.report.mended;
    settle(row, run_.context);
    TB_TRY(run_.link.put(row));
    return {};
  }

  Status differs(Row& row) {
    row.doubt = Doubt::None;
    TB_TRY(set_apart(run_, row));
    settle(row, run_.context);
    TB_TRY(run_.link.put(row));
    return {};
  }

  // A server that makes its text anew each time it is asked: what came is here already, as a message of its own.
  Status replaced(const Received& received, const Outcome& outcome, Row& row) {
    Row fresh;
    fresh.half(Side::A) = row.half(Side::A);
    fresh.half(Side::B) = {.at = At::Bound,
                           .pair = row.half(Side::A).pair,
                           .key = outcome.ref.key,
                           .flags = masked(row.half(Side::A).flags, run_.context.mask(row.half(Side::A).pair)),
                           .instance = outcome.instance};
    fresh.size = row.size;
    fresh.date = row.date;
    fresh.object = row.object;
    fresh.content = outcome.content;
    fresh.print = received.print;
    settle(fresh, run_.context);
    TB_ASSIGN(const RowId id, run_.link.put(fresh));
    run_.downloaded.insert(id);
    replaced_.push_back(row.id);
    ++run_.report.mended;
    row.doubt = Doubt::None;
    lose_place(row);
    settle(row, run_.context);
    TB_TRY(run_.link.put(row));
    return {};
  }

  Run& run_;
  std::vector<Row>& rows_;
  std::vector<RowId> replaced_;  // in a transaction that is not through yet
};

// Forgets the rows, which are the tokens, of messages that are gone.
class ForgetSink final : public ActionSink {
 public:
  explicit ForgetSink(Link& link) : link_(link) {}
  Status done(uint64_t token, const Outcome& outcome) override {
    const bool gone = outcome.did == Did::Ok || outcome.did == Did::Gone;
    return gone ? link_.erase(static_cast<RowId>(token)) : Status();
  }
  Status durable() override { return {}; }

 private:
  Link& link_;
};

}  // namespace

Status Mender::look() {
  if (!run_.options.damaged) return {};
  TB_ASSIGN(const auto contents, run_.options.damaged());
  if (contents.empty()) return {};
  for (const Id& content : contents) damaged_[content];
  std::set<Id> there;
  RowId after = 0;
  while (true) {
    TB_ASSIGN(const auto rows, run_.link.holding(contents, after, kRowsAtOnce));
    if (rows.empty()) break;
    after = rows.back().id;
    for (const Row& row : rows) {
      there.insert(row.content);
      if (row.doubt == Doubt::ReadLast) continue;  // LastOnes
      auto& who = damaged_[row.content];
      if (who.empty()) {
        ++messages_;
        octets_ += row.size;
      }
      who.push_back(row.id);
    }
  }
  std::ranges::copy_if(contents, std::back_inserter(lost_), [&](const Id& each) { return !there.contains(each); });
  return {};
}

Status Mender::mend() {
  auto waiting = damaged_;
  for (size_t turn = 0; !waiting.empty(); ++turn) {
    std::vector<RowId> ids;
    std::erase_if(waiting, [&](const auto& each) { return each.second.size() <= turn || whole_.contains(each.first); });
    for (const auto& [content, who] : waiting) ids.push_back(who[turn]);
    for (size_t at = 0; at < ids.size(); at += kRowsAtOnce) {
      TB_TRY(mend_some(std::span(ids).subspan(at, std::min(kRowsAtOnce, ids.size() - at))));
    }
    if (run_.options.dry_run) break;
  }
  if (run_.options.dry_run || !run_.options.note_lost || damaged_.empty()) return {};
  TB_ASSIGN(run_.report.lost, run_.options.note_lost(lost_));
  return {};
}

Status Mender::mend(RowId which) { return mend_some(std::span(&which, 1)); }

// Where a damaged message can't come short of its place, what comes instead of it goes into that.
TransferItem Mender::item(const Row& row, const Pair& pair) const {
  const Pair::End& end = pair.at(Side::A);
  TransferItem out{.fetch = {.ref = {end.box, end.epoch, row.half(Side::A).key}, .size = row.size},
                   .mend = row.content};
  if (!run_.a.capabilities().counted_fetch || row.half(Side::B).at != At::Bound) return out;
  out.to = pair.at(Side::B).box;
  out.flags = masked(row.half(Side::A).flags, run_.context.mask(pair.id));
  out.date = row.date;
  return out;
}

Status Mender::mend_some(std::span<const RowId> ids) {
  std::vector<Row> rows;
  std::vector<TransferItem> items;
  for (const RowId id : ids) {
    TB_ASSIGN(auto row, run_.link.get(id));
    const Pair* pair = row ? run_.book.find(row->half(Side::A).pair) : nullptr;
    if (pair == nullptr || row->half(Side::A).at != At::Bound) continue;
    items.push_back(item(*row, *pair));
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
  Status status = transfer(run_.a, run_.b, std::move(items), run_.options.limits, sink, run_.stop);
  whole_.insert(sink.whole.begin(), sink.whole.end());
  TB_TRY(drop_replaced(sink.instead));
  return with_end_told(run_, std::move(status));
}

// Not inferred from absence, so nothing that the fuse weighs: what the server has in its place is here.
Status Mender::drop_replaced(const std::vector<RowId>& ids) {
  if (!run_.context.policy.on(Side::B).remove) return {};
  std::vector<Action> actions;
  for (const RowId id : ids) {
    TB_ASSIGN(auto row, run_.link.get(id));
    const Pair* pair = row ? run_.book.find(row->half(Side::B).pair) : nullptr;
    if (pair == nullptr || row->half(Side::B).at != At::Bound) continue;
    const Pair::End& end = pair->at(Side::B);
    actions.push_back(
        {.token = static_cast<uint64_t>(id), .op = Op::Remove, .ref = {end.box, end.epoch, row->half(Side::B).key}});
  }
  ForgetSink sink(run_.link);
  return actions.empty() ? Status() : run_.b.apply(actions, sink, run_.stop);
}

}  // namespace libsync::sync
