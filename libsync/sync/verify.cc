#include "libsync/sync/verify.h"

#include <algorithm>
#include <set>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/fuse.h"
#include "libsync/sync/observe.h"
#include "libsync/sync/path.h"
#include "libsync/sync/plan.h"

namespace libsync::sync {
namespace {

constexpr size_t kRowsAtOnce = 4000;

class Comparer final : public ChangeSink {
 public:
  Comparer(Link& link, PairBook& book, const Policy& policy) : link_(link), book_(book), policy_(policy) {}

  Status open(const BoxId& box, const BoxState& state) override {
    pair_ = book_.find_box(Side::A, box);
    renumbered_ = pair_ != nullptr && pair_->at(Side::A).epoch != 0 && pair_->at(Side::A).epoch != state.epoch;
    seen_ = {};
    ++report.mailboxes;
    return {};
  }

  Status seen(const MsgRef& ref, const Facts& facts) override {
    ++report.messages;
    seen_.add(ref.key);
    if (pair_ == nullptr) return {};
    TB_ASSIGN(const auto row, renumbered_ ? std::nullopt : link_.find(Side::A, pair_->id, ref.key));
    if (row && row->answer == Answer::Unlink) return {};
    if (!row || row->half(Side::B).at != At::Bound) {
      // Removed here and kept there: a mirror does not touch the server.
      if (!row || !row->agreed) differ(DifferenceKind::NotHere, ref.key, std::string(word("not downloaded yet")));
      return {};
    }
    if (facts.size != 0 && row->size != 0 && facts.size != row->size) {
      differ(DifferenceKind::Size, ref.key,
             say("its size is {} on the server and was {} when it was downloaded", facts.size, row->size));
    } else if (row->doubt == Doubt::ReadAgain || row->doubt == Doubt::Short) {
      differ(DifferenceKind::Size, ref.key, say("fewer octets came than the {} on the server", facts.size));
    }
    const FlagMask mask = book_.mask(pair_->id, policy_);
    if (facts.knows_flags && !(masked(facts.flags, mask) == masked(row->half(Side::B).flags, mask))) {
      differ(DifferenceKind::Flags, ref.key, std::string(word("the flags differ")));
    }
    return {};
  }

  Status vanished(const BoxId&, uint64_t, const Key&) override { return {}; }
  Status present(const BoxId&, std::span<const KeyRange>) override { return {}; }

  Status close(const BoxId& box, std::string_view, uint64_t exists) override {
    if (pair_ == nullptr) {
      add({DifferenceKind::MailboxNotHere, printable(names_[box]),
           std::string(word("this folder was not synced yet"))});
      return {};
    }
    if (seen_.size() != exists) {
      report.incomplete.push_back(name());
      return {};
    }
    RowId after = 0;
    while (true) {
      TB_ASSIGN(const auto rows, link_.bound(Side::B, pair_->id, after, kRowsAtOnce));
      if (rows.empty()) return {};
      after = rows.back().id;
      for (const Row& row : rows) {
        const Half& half = row.half(Side::A);
        const bool bound = half.at == At::Bound;
        const bool there = bound && !renumbered_ && (half.pair != pair_->id || seen_.contains(half.key));
        // Where removals are not followed (POP3), what the last sync saw go is no difference.
        if (row.answer == Answer::Unlink) continue;
        if (row.agreed && !there && (bound || policy_.on(Side::B).remove)) {
          if (policy_.on(Side::B).remove) ++gone[pair_->id].removals;
          if (policy_.on(Side::B).remove && bound) ++fresh_gone[pair_->id];
          // What a sync saw go and did not remove, the fuse holds.
          differ(DifferenceKind::NotThere, half.key,
                 std::string(bound ? word("no longer on the server") : word("no longer on the server, held here")),
                 !bound);
        }
      }
    }
  }

  Status unreadable(const BoxId& box, const Error& error) override {
    const Pair* pair = book_.find_box(Side::A, box);
    add({DifferenceKind::Unreadable, printable(pair != nullptr ? encode_path(pair->at(Side::A).path) : names_[box]),
         error.text()});
    return {};
  }

  Status missing(const BoxId& box) override {
    if (const Pair* pair = book_.find_box(Side::A, box)) {
      add({DifferenceKind::NotThere, printable(encode_path(pair->at(Side::A).path)),
           std::string(word("this folder is no longer on the server"))});
    }
    return {};
  }

  void cant_compare(const Path& path, const std::string& why) {
    add({DifferenceKind::Unreadable, printable(encode_path(path)), why});
  }
  void name_box(const BoxId& box, const Path& path) { names_[box] = encode_path(path); }

  ComparisonReport report;
  std::set<PairId> look_again;            // mailboxes in which something differs
  std::map<PairId, FuseCount> gone;       // what the next sync will want to remove
  std::map<PairId, uint64_t> fresh_gone;  // of that, what no sync has seen go yet

 private:
  std::string name() const { return printable(encode_path(pair_->at(Side::A).path)); }
  void differ(DifferenceKind kind, const Key& key, std::string text, bool held = false) {
    look_again.insert(pair_->id);
    const std::string message = key.number != 0 ? std::to_string(key.number) : printable(key.name, 80);
    add({kind, name() + "/" + message, std::move(text)}, held);
  }
  void add(Difference difference, bool held = false) {
    ++report.differences_total;
    const bool stays = difference.kind == DifferenceKind::Size || difference.kind == DifferenceKind::Unreadable;
    if (held) {
      ++report.held;
    } else if (!stays) {
      ++report.settled_by_sync;
    }
    if (report.differences.size() < kMaxDifferences) report.differences.push_back(std::move(difference));
  }

  Link& link_;
  PairBook& book_;
  const Policy& policy_;
  std::map<BoxId, std::string> names_;
  Pair* pair_ = nullptr;
  bool renumbered_ = false;
  KeySet seen_;
};

// What the next sync will not remove unasked.
Status weigh_gone(Link& link, PairBook& book, const Policy& policy, int64_t now, Comparer& comparer) {
  if (comparer.fresh_gone.empty()) return {};
  TB_TRY(weigh(link, book.all(), policy.fuse, now, comparer.gone));
  ComparisonReport& report = comparer.report;
  for (const PairId id : held_by_fuse(comparer.gone, policy.fuse)) {
    const auto found = comparer.fresh_gone.find(id);
    if (found == comparer.fresh_gone.end()) continue;
    report.will_be_held += found->second;
    report.settled_by_sync -= std::min(report.settled_by_sync, found->second);
  }
  return {};
}

// A server whose counters did not move while its mail did: the next sync is to look at these mailboxes whole.
Status forget_cursors(Link& link, const std::set<PairId>& pairs) {
  TB_ASSIGN(auto batch, link.begin());
  TB_ASSIGN(auto all, link.pairs());
  for (Pair& pair : all) {
    if (!pairs.contains(pair.id)) continue;
    pair.at(Side::A).cursor.clear();
    TB_TRY(link.put(pair));
  }
  return batch->commit();
}

}  // namespace

Result<ComparisonReport> compare_with_remote(Replica& a, Link& link, const Policy& policy, std::stop_token stop,
                                             const std::function<bool(const Path&)>& takes_part, int64_t now) {
  PairBook book;
  TB_TRY(book.load(link));
  if (!a.capabilities().flags) book.set_flagless(Side::A);
  TB_ASSIGN(const auto boxes, a.mailboxes(stop));
  Comparer comparer(link, book, policy);
  std::vector<BoxCursor> cursors;
  for (const Mailbox& box : boxes) {
    if (takes_part && !takes_part(box.path)) continue;
    if (!box.trouble.empty()) comparer.cant_compare(box.path, box.trouble);
    if (!box.selectable) continue;
    comparer.name_box(box.id, box.path);
    cursors.push_back({box.id});  // no cursor: a full look
  }
  for (const Pair& pair : book.all()) {
    const BoxId& box = pair.at(Side::A).box;
    const bool listed = std::ranges::any_of(boxes, [&](const Mailbox& each) { return each.id == box; });
    if (takes_part && !takes_part(pair.at(Side::A).path)) continue;
    if (!box.empty() && !listed) cursors.push_back({box});
  }
  TB_TRY(a.changes(cursors, comparer, stop));
  TB_TRY(weigh_gone(link, book, policy, now, comparer));
  if (comparer.look_again.empty()) return std::move(comparer.report);
  // A link that can't be written to keeps its cursors; what was found is told all the same.
  const Status forgotten = forget_cursors(link, comparer.look_again);
  if (!forgotten && forgotten.error().code != Errc::Disk) return fail(forgotten.error());
  return std::move(comparer.report);
}

}  // namespace libsync::sync
