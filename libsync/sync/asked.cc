// What a side was asked and gave no answer to, or none that says where a message is now: settled by what the next look
// shows. rebind() has found those that are where they were asked to be.
#include "libsync/base/words.h"
#include "libsync/sync/apply.h"

namespace libsync::sync {
namespace {

// What is known of it, of a message that is not where it was asked to be.
void settle_one(Run& run, Side side, Row& row) {
  Half& half = row.half(side);
  const Asked asked = std::exchange(half.asked, Asked::Nothing);
  const PairId to = std::exchange(half.to, 0);
  const auto said_ok = run.said_ok.find(row.id);
  switch (half.at) {
    case At::Unbound:
      // An add that was not answered did not happen. One that was taken may have been removed since, or the side keeps
      // something else than it was given: adding it again could go on for ever. Of a move the message is gone.
      if (row.agreed) {
        half.at = At::Gone;
      } else if (asked == Asked::Sent) {
        half = {};
      } else {
        row.suspect = true;
      }
      return;
    case At::Bound:
      half.sent = {};
      if (asked == Asked::Flags) return;  // they are as the look shows them
      // It was not moved. Where the side said OK, it is not asked again so soon.
      if (asked == Asked::Taken || said_ok != run.said_ok.end()) {
        const bool has_words = said_ok != run.said_ok.end() && !said_ok->second.empty();
        const Planned move{.row = row.id, .on = side, .op = Op::Move, .pair = to, .reason = Reason::Moved};
        std::string words = has_words ? said_ok->second : std::string(word("it said OK and did not do it"));
        block(run, row, move, {.did = Did::Refused, .words = std::move(words)});
      }
      return;
    default:
      return;  // gone, and not found where it was to be
  }
}

}  // namespace

Status settle_asked(Run& run, Side side) {
  TB_ASSIGN(auto batch, run.link.begin_later());
  RowId after = 0;
  while (true) {
    TB_ASSIGN(auto rows, run.link.asked(side, after, kRowsAtOnce));
    if (rows.empty()) return batch->commit();
    after = rows.back().id;
    for (Row& row : rows) {
      const Half& half = row.half(side);
      const PairId target = half.to != 0 ? half.to : half.pair;
      const auto& unreliable = run.unreliable[index(side)];
      if (unreliable.contains(target) || unreliable.contains(half.pair)) continue;
      settle_one(run, side, row);
      TB_TRY(save(run, row));
    }
  }
}

}  // namespace libsync::sync
