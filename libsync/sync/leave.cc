// POP3's `leave = "never"`: what is durable here is removed from the server.
//
// A removal is asked for only when the link row says that the content is durable (it was committed
// together with the content), when that content was really downloaded, and only for a message that has
// in this session the size it had when it was downloaded: a UIDL may have been given again.
#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

// Hashes what the server holds, to compare it with what is stored.
class HashSink final : public MessageSink {
 public:
  explicit HashSink(std::vector<Id>& contents) : contents_(contents) {}
  Status begin(uint64_t, uint64_t) override { return {}; }
  Status data(std::string_view bytes) override {
    hash_.update(bytes);
    return {};
  }
  Status end(uint64_t token) override {
    contents_[token] = "sha256:" + to_hex(hash_.finish());
    return {};
  }
  Status failed(uint64_t, const Error&) override { return {}; }

 private:
  Sha256 hash_;
  std::vector<Id>& contents_;
};

class MarkSink final : public ActionSink {
 public:
  explicit MarkSink(Run& run) : run_(run) {}
  Status done(uint64_t token, const Outcome& outcome) override {
    TB_ASSIGN(auto row, run_.link.get(static_cast<RowId>(token)));
    if (!row) return {};
    Half& half = row->half(Side::A);
    switch (outcome.did) {
      case Did::Ok:
        ++run_.report.left;
        [[fallthrough]];
      case Did::Gone:
        // The row stays: a server that shows the message again all the same is known to be that one.
        half.at = At::Gone;
        settle(*row, run_.context);
        break;
      case Did::Refused:
        run_.report.skipped.push_back({run_.place(half, Side::A), outcome.words});
        return {};
      default:
        return {};
    }
    TB_TRY(run_.link.put(*row));
    return {};
  }
  Status durable() override { return {}; }

 private:
  Run& run_;
};

}  // namespace

// A row bound by its print says "probably the same": before anything is deleted for it, the server's
// octets are read once more. What differs becomes a message of its own again.
Status Leaver::verify_inferred(std::vector<Row>& rows) {
  std::vector<FetchItem> items;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].inferred) continue;
    const Half& half = rows[i].half(Side::A);
    const Pair::End& end = run_.book.find(half.pair)->at(Side::A);
    items.push_back({.token = i, .ref = {end.box, end.epoch, half.key}, .size = rows[i].size});
  }
  if (items.empty()) return {};
  std::vector<Id> contents(rows.size());
  HashSink sink(contents);
  TB_TRY(run_.a.fetch(items, sink, run_.stop));
  TB_ASSIGN(auto batch, run_.link.begin());
  for (const FetchItem& item : items) {
    Row& row = rows[item.token];
    if (contents[item.token].empty()) continue;
    if (contents[item.token] == row.content) {
      row.inferred = false;
    } else {
      Row fresh;
      fresh.half(Side::A) = row.half(Side::A);
      fresh.size = row.size;
      fresh.date = row.date;
      row.half(Side::A).at = At::Gone;
      settle(fresh, run_.context);
      TB_TRY(run_.link.put(fresh));
    }
    settle(row, run_.context);
    TB_TRY(run_.link.put(row));
  }
  return batch->commit();
}

// Committed before the removals are asked for; MarkSink takes it back with the half.
Status Leaver::doubt_until_acknowledged(std::vector<Row>& rows) {
  TB_ASSIGN(auto batch, run_.link.begin());
  for (Row& row : rows) {
    if (row.half(Side::A).at != At::Bound || row.content.empty()) continue;
    row.inferred = true;
    TB_TRY(run_.link.put(row));
  }
  return batch->commit();
}

Status Leaver::mark() {
  if (run_.options.policy.leave != Leave::Never) return {};
  for (const Pair& pair : run_.book.all()) {
    RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, run_.link.bound(Side::A, pair.id, after, kRowsAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      // Before anything is asked: if the answer to QUIT is lost, the UIDLs may by the next session stand
      // for other mail, and the octets are to be compared then.
      for (Row& row : rows) row.inferred = row.inferred || row.size == 0;
      TB_TRY(verify_inferred(rows));
      std::vector<Action> actions;
      for (const Row& row : rows) {
        const bool ours = row.half(Side::A).at == At::Bound && row.agreed && !row.content.empty() && !row.inferred;
        if (!ours) continue;
        actions.push_back({.token = static_cast<uint64_t>(row.id),
                           .op = Op::Remove,
                           .ref = {pair.at(Side::A).box, pair.at(Side::A).epoch, row.half(Side::A).key},
                           .size_expected = row.size});
      }
      if (run_.options.dry_run) {
        run_.report.left += actions.size();
        for (const Action& action : actions) {
          run_.observer.action(say("{}: remove on the server ({})", printable(action.ref.key.name, 80),
                                   reason_text(Reason::LeaveNever)));
        }
        continue;
      }
      TB_TRY(doubt_until_acknowledged(rows));
      MarkSink sink(run_);
      if (!actions.empty()) TB_TRY(run_.a.apply(actions, sink, run_.stop));
    }
  }
  return {};
}

Status Leaver::finish() {
  MarkSink sink(run_);
  TB_ASSIGN(auto batch, run_.link.begin());
  TB_TRY(run_.a.finish(sink, run_.stop));
  return batch->commit();
}

}  // namespace libsync::sync
