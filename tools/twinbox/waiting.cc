#include "tools/twinbox/waiting.h"

#include <algorithm>

#include "libsync/account/folder_filter.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/store.h"
#include "libsync/replicas/store_changes.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/observe.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Result;
using libsync::say;
using libsync::Status;
using sync::Row;
using sync::Side;

namespace {

constexpr size_t kRowsAtOnce = 1000;

Matter matter_of(const Row& row, bool fuse_held) {
  switch (sync::waiting(row)) {
    case sync::Waiting::Nothing:
      return Matter::Nothing;
    case sync::Waiting::Change:
      return Matter::Change;
    case sync::Waiting::Removal:
      return fuse_held ? Matter::Held : Matter::Change;
    case sync::Waiting::Suspect:
      return Matter::Suspect;
    case sync::Waiting::Refused:
      return Matter::Refused;
    case sync::Waiting::Parted:
      return Matter::Unlinked;
  }
  return Matter::Nothing;
}

// Changes to be made on the server that a sync knows of, and that are not through.
class ToServer {
 public:
  Status load(sync::Link& link) {
    policy_.can = {sync::Can::everything(), sync::Can::everything()};
    return book_.load(link);
  }
  bool wants(const Row& row) const {
    for (const sync::Planned& planned : sync::plan_row(row, context_).actions) {
      if (planned.on == Side::A && planned.reason != sync::Reason::Leftover) return true;
    }
    return false;
  }

 private:
  sync::Policy policy_;
  mutable sync::PairBook book_;
  sync::PlanContext context_{.policy = policy_,
                             .is_trash =
                                 [this](sync::PairId id) {
                                   const sync::Pair* pair = book_.find(id);
                                   return pair != nullptr && pair->role == sync::Role::Trash;
                                 },
                             .mask = [this](sync::PairId id) { return book_.mask(id, policy_); }};
};

}  // namespace

std::string_view matter_name(Matter matter) {
  switch (matter) {
    case Matter::Nothing:
      return "";
    case Matter::Change:
      return "change";
    case Matter::Held:
      return "held";
    case Matter::Suspect:
      return "suspect";
    case Matter::Refused:
      return "refused";
    case Matter::Unlinked:
      return "unlinked";
  }
  return "";
}

std::string matter_text(const Row& row, Matter matter) {
  const Side side = sync::side_of(row);
  const bool there = side == Side::A;
  switch (matter) {
    case Matter::Nothing:
      return {};
    case Matter::Change:
      return say("the next sync carries it out");
    case Matter::Held:
      return there ? say("gone on the server, kept here") : say("removed here, kept on the server");
    case Matter::Suspect:
      return there ? say("not found again on the server, kept here") : say("not found again here, kept on the server");
    case Matter::Refused: {
      const auto& refusal = row.half(side).blocked;
      const std::string words = libsync::printable(refusal ? refusal->words : std::string(), 300);
      return there ? say("refused by the server: \"{}\"", words) : say("refused here: \"{}\"", words);
    }
    case Matter::Unlinked:
      return say("unlinked: it stays as it is, here and on the server");
  }
  return {};
}

store::MessageId message_of(const Row& row) {
  return libsync::replicas::message_of_instance(row.half(Side::B).instance);
}

Status each_waiting(store::Store& from, sync::Link& link, const std::function<Status(Row&, Matter)>& visit) {
  TB_ASSIGN(const auto last, from.runs(1));
  const bool fuse_held = !last.empty() && last.front().held > 0;
  for (const bool answered : {false, true}) {
    sync::RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, answered ? link.answered(after, kRowsAtOnce) : link.dirty(after, kRowsAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      for (Row& row : rows) {
        // Answers that wait for the next sync are among the dirty ones.
        if (answered && row.dirty) continue;
        TB_TRY(visit(row, matter_of(row, fuse_held)));
      }
    }
  }
  return {};
}

Result<WaitCounts> count_waiting(const account::Account& account, store::Store& from) {
  WaitCounts out;
  const auto link = store::open_link(from.db());
  const bool two_way = account.mode == account::Mode::TwoWay;
  ToServer to_server;
  TB_TRY(to_server.load(*link));
  uint64_t back_here = 0;  // put back by an answer, which looks like new mail until the next sync
  TB_TRY(each_waiting(from, *link, [&](Row& row, Matter matter) -> Status {
    if (matter == Matter::Held) ++(sync::side_of(row) == Side::A ? out.held_here : out.held_there);
    if (matter == Matter::Suspect) ++out.suspect;
    if (matter == Matter::Unlinked) ++out.unlinked;
    if (matter == Matter::Change && row.answer == sync::Answer::Restore && row.half(Side::A).at == sync::At::Bound) {
      ++back_here;
    }
    if (matter == Matter::Change && two_way && to_server.wants(row)) ++out.changes;
    if (matter != Matter::Refused) return {};
    if (++out.refused <= kRefusalsNamed) out.refusals.push_back(std::move(row));
    return {};
  }));
  if (!two_way) return out;
  const auto takes_part = [&](const sync::Path& path) {
    return account::wanted(path, account.include, account.exclude) && path != sync::Path{"Recovered"};
  };
  TB_ASSIGN(const auto here, libsync::replicas::changes_here(from, *link, takes_part));
  out.changes += here.all() - std::min(here.added, back_here);
  return out;
}

}  // namespace twinbox
