#include "libsync/replicas/store_changes.h"

#include <algorithm>
#include <set>
#include <string>

#include "libsync/base/text.h"
#include "libsync/replicas/store.h"
#include "libsync/store/rows.h"

namespace libsync::replicas {
namespace {

using store::MailboxInfo;
using sync::Pair;
using sync::Row;
using sync::Side;

constexpr size_t kRowsAtOnce = 1000;

class Comparison {
 public:
  Comparison(store::Store& store, sync::Link& link, const std::function<bool(const sync::Path&)>& takes_part)
      : store_(store), link_(link), takes_part_(takes_part) {}

  Result<ChangesHere> run() {
    TB_ASSIGN(pairs_, link_.pairs());
    TB_ASSIGN(const auto boxes, store_.mailboxes());
    for (const MailboxInfo& box : boxes) TB_TRY(look(box));
    for (const Pair& pair : pairs_) {
      const std::string& id = pair.at(Side::B).box;
      const bool there = std::ranges::any_of(boxes, [&](const auto& box) { return std::to_string(box.id) == id; });
      if (!id.empty() && !there) TB_TRY(look_at_deleted(pair));
    }
    for (const sync::Id& id : unlinked_) came_.erase(id);
    std::set<sync::Id> moved;
    std::ranges::set_intersection(came_, went_, std::inserter(moved, moved.end()));
    changes_.moved = moved.size();
    changes_.added = came_.size() - moved.size();
    changes_.removed = went_.size() - moved.size();
    return changes_;
  }

 private:
  Status look(const MailboxInfo& box) {
    const auto found =
        std::ranges::find_if(pairs_, [&](const Pair& pair) { return pair.at(Side::B).box == std::to_string(box.id); });
    if (found == pairs_.end()) {
      if (!takes_part_(box.path)) return {};
      ++changes_.folders;
      return look_at_messages(box, 0, 0);
    }
    const Pair::End& end = found->at(Side::B);
    if (!takes_part_(found->at(Side::A).path)) return {};
    if (end.path != box.path || end.subscribed != box.subscribed) ++changes_.folders;
    const uint64_t since = parse_u64(end.cursor).value_or(0);
    if (since >= box.highestmodseq) return {};
    TB_TRY(look_at_messages(box, found->id, since));
    return look_at_vanished(box, found->id, since);
  }

  Status look_at_messages(const MailboxInfo& box, sync::PairId pair, uint64_t since) {
    TB_ASSIGN(auto s, store_.db().prepare("SELECT id, uid, flags, keywords FROM message WHERE mailbox=? AND modseq>?"));
    s.bind(box.id, since);
    while (true) {
      TB_ASSIGN(const bool any, s.step());
      if (!any) return {};
      TB_ASSIGN(const auto row, find(pair, s.integer(1)));
      if (!row) {
        came_.insert(instance_of(s.integer(0)));
      } else if (row->answer != sync::Answer::Unlink &&
                 !(row->half(Side::B).flags == store::read_flags(s.integer(2), s.text(3)))) {
        ++changes_.flags;
      }
    }
  }

  Status look_at_vanished(const MailboxInfo& box, sync::PairId pair, uint64_t since) {
    TB_ASSIGN(auto s, store_.db().prepare("SELECT uid FROM vanished WHERE mailbox=? AND modseq>?"));
    s.bind(box.id, since);
    while (true) {
      TB_ASSIGN(const bool any, s.step());
      if (!any) return {};
      TB_ASSIGN(const auto row, find(pair, s.integer(0)));
      if (row) (row->answer == sync::Answer::Unlink ? unlinked_ : went_).insert(row->half(Side::B).instance);
    }
  }

  Status look_at_deleted(const Pair& pair) {
    ++changes_.folders;
    sync::RowId after = 0;
    while (true) {
      TB_ASSIGN(const auto rows, link_.bound(Side::B, pair.id, after, kRowsAtOnce));
      if (rows.empty()) return {};
      after = rows.back().id;
      for (const Row& row : rows) went_.insert(row.half(Side::B).instance);
    }
  }

  Result<std::optional<Row>> find(sync::PairId pair, int64_t uid) {
    if (pair == 0) return std::nullopt;
    return link_.find(Side::B, pair, {.number = static_cast<uint64_t>(uid)});
  }

  store::Store& store_;
  sync::Link& link_;
  const std::function<bool(const sync::Path&)>& takes_part_;
  std::vector<Pair> pairs_;
  std::set<sync::Id> came_, went_;
  std::set<sync::Id> unlinked_;  // of those that went: for nobody
  ChangesHere changes_;
};

}  // namespace

Result<ChangesHere> changes_here(store::Store& store, sync::Link& link,
                                 const std::function<bool(const sync::Path&)>& takes_part) {
  return Comparison(store, link, takes_part).run();
}

}  // namespace libsync::replicas
