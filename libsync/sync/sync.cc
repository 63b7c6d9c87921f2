#include "libsync/sync/sync.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/observe.h"
#include "libsync/sync/path.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

constexpr int kMaxLooks = 4;
constexpr int kMaxPasses = 3;

Status check_identity(Run& run) {
  for (const Side side : {Side::A, Side::B}) {
    const std::string now = run.replica(side).identity();
    TB_ASSIGN(const std::string before, run.link.identity(side));
    if (before == now) continue;
    if (!before.empty()) {
      return fail(Error{.code = Errc::Config,
                        .what = say("this store belongs to {}, not to {}; nothing was changed", before, now),
                        .hint = std::string(word("give the account a store of its own"))});
    }
    TB_TRY(run.link.set_identity(side, now));
  }
  return {};
}

// Mailboxes whose last look was not to be believed, whole.
std::vector<BoxCursor> second_look(const Run& run, Side side, const Observer& first) {
  std::vector<BoxCursor> cursors;
  for (const PairId id : first.doubtful_pairs()) {
    if (const Pair* pair = run.book.find(id)) cursors.push_back({.box = pair->at(side).box, .cursor = {}});
  }
  return cursors;
}

// How many messages were new, or gone, and mailboxes missing: halves of moves, as far as one look can tell.
Result<uint64_t> observe(Run& run, Side side, const std::vector<BoxCursor>& cursors) {
  Observer observer(side, run.link, run.book, run.context, run.look);
  TB_TRY(run.replica(side).changes(cursors, observer, run.stop));
  if (const auto again = second_look(run, side, observer); !again.empty()) {
    observer.forget_doubts();
    TB_TRY(run.replica(side).changes(again, observer, run.stop));
  }
  if (!observer.resized().empty()) TB_TRY(renew_prints(run, observer.resized()));
  TB_TRY(settle_missing(run, side, observer.missing_pairs()));
  auto& unreliable = run.unreliable[index(side)];
  for (const BoxCursor& cursor : cursors) {
    if (const Pair* pair = run.book.find_box(side, cursor.box)) unreliable.erase(pair->id);
  }
  for (const auto& [id, error] : observer.unreadable_pairs()) {
    unreliable.insert(id);
    if (const Pair* pair = run.book.find(id)) {
      run.report.skipped.push_back({printable(encode_path(pair->at(side).path)), error.text()});
    }
  }
  for (const PairId id : observer.doubtful_pairs()) {
    unreliable.insert(id);
    if (const Pair* pair = run.book.find(id))
      run.report.doubtful.push_back(printable(encode_path(pair->at(side).path)));
  }
  // One that is missing was there when the mailboxes were listed: there may be another name to look for.
  run.boxes_missing = run.boxes_missing || !observer.missing_pairs().empty();
  return observer.fresh() + observer.gone() + observer.missing_pairs().size();
}

Result<uint64_t> observe(Run& run, Side side) { return observe(run, side, cursors_of(run, side)); }

std::vector<BoxCursor> cursors_in(const Run& run, Side side, const std::set<PairId>& pairs) {
  std::vector<BoxCursor> cursors = cursors_of(run, side);
  std::erase_if(cursors, [&](const BoxCursor& cursor) {
    const Pair* pair = run.book.find_box(side, cursor.box);
    return pair == nullptr || !pairs.contains(pair->id);
  });
  return cursors;
}

// What this run did itself comes back as an observation: it tells where messages are now, and is no news next time.
// Where nothing else shows, that is seen where it was done, and needs no new list. What went meanwhile may be in any
// mailbox.
Status look_again(Run& run, Side side) {
  const auto touched = std::exchange(run.touched[index(side)], {});
  if (touched.empty()) return {};
  TB_ASSIGN(const uint64_t news, observe(run, side, cursors_in(run, side, touched)));
  for (int looks = 0; looks < kMaxLooks; ++looks) {
    TB_TRY(rebind(run, side));
    TB_ASSIGN(const auto asked, run.link.asked(side, 0, 1));
    TB_ASSIGN(const auto gone, run.link.dirty_gone(0, 1));
    if (asked.empty() && (looks > 0 || (news == 0 && gone.empty()))) return {};
    TB_TRY(pair_mailboxes(run));
    TB_TRY(observe(run, side));
  }
  TB_TRY(rebind(run, side));
  return settle_asked(run, side);
}

// A look goes mailbox by mailbox and is no consistent cut: what is gone from one may have been moved to another
// that was looked at before, and what is new in one may be gone from another since that was looked at. Looked at again
// until nothing new turns up: in a mirror only where something is gone, for the other costs it no more than a copy.
// Where each that is gone was found, and each that is new was one of those, every move was seen whole.
Status look_for_moved(Run& run, uint64_t news) {
  const bool careful = run.context.policy.on(Side::A).add;
  for (int looks = 1; looks < kMaxLooks; ++looks) {
    const bool boxes_missing = std::exchange(run.boxes_missing, false);
    TB_ASSIGN(const auto gone, run.link.dirty_gone(0, 1));
    if (gone.empty() && !(careful && boxes_missing)) {
      if (!careful || news == 0) return {};
      TB_ASSIGN(const auto pending, run.link.pending());
      if (pending.messages == 0) return {};
    }
    TB_TRY(pair_mailboxes(run));
    TB_ASSIGN(news, observe(run, Side::A));
    if (careful) {
      // Commands and mail programs move mail here, too, while it is looked at.
      TB_ASSIGN(const uint64_t here, observe(run, Side::B));
      TB_TRY(rebind(run, Side::B));
      news += here;
    }
    if (news == 0) return {};
    TB_TRY(rebind(run, Side::A));
  }
  return {};
}

Status observe_both(Run& run) {
  TB_TRY(pair_mailboxes(run));
  TB_ASSIGN(uint64_t news, observe(run, Side::B));
  TB_ASSIGN(const uint64_t there, observe(run, Side::A));
  news += there;
  TB_TRY(rebind(run, Side::B));
  TB_TRY(rebind(run, Side::A));
  TB_TRY(look_for_moved(run, news));
  for (const Side side : {Side::A, Side::B}) TB_TRY(settle_asked(run, side));
  TB_TRY(adopt(run));
  TB_ASSIGN(run.report.suspect, run.link.count_suspect());
  if (run.report.suspect > 0 && run.report.suspect <= run.options.policy.fuse.allow) {
    TB_TRY(release_suspects(run));
    run.report.suspect = 0;
  }
  return {};
}

// A message in which the server ends the connection each time keeps nothing away: neither what is new nor, as removals
// take effect only when the session has come to its end, those.
Status leave_and_read_last(Run& run, Mender& mender) {
  Leaver leaver(run);
  LastOnes last(run, mender);
  TB_TRY(last.look());
  const bool removals_first = last.removals_first();
  if (!removals_first) TB_TRY(last.read());
  TB_TRY(leaver.mark());
  const bool passed_over = removals_first && leaver.any();
  if (removals_first && !passed_over) {
    TB_TRY(last.read());
    TB_TRY(leaver.mark(last.came()));
  }
  TB_TRY(last.tell_left(passed_over));
  TB_TRY(leaver.finish());
  return leaver.any() ? last.removals_done() : Status();
}

// Whether a message waits for something that became possible, or known, only by what was done.
Result<bool> anything_left(Run& run) {
  RowId after = 0;
  while (true) {
    TB_ASSIGN(const auto rows, run.link.dirty(after, kRowsAtOnce));
    if (rows.empty()) return false;
    after = rows.back().id;
    for (const Row& row : rows) {
      const Decision decision = plan_row(row, run.context);
      const bool only_removals =
          std::ranges::all_of(decision.actions, [](const Planned& p) { return p.op == Op::Remove; });
      const bool now = !decision.actions.empty() && !run.not_now.contains(row.id);
      if (now && (!only_removals || row.leftover)) return true;
    }
  }
}

// A message that was put somewhere without being told where shows at the next look, and may then want more (its flags,
// the removal of what it was copied from).
Status act_until_done(Run& run) {
  for (int pass = 1;; ++pass) {
    TB_TRY(act_on_messages(run));
    if (run.options.dry_run) return {};
    const bool looked = !run.touched[0].empty() || !run.touched[1].empty();
    for (const Side side : {Side::A, Side::B}) TB_TRY(look_again(run, side));
    if (!looked || pass >= kMaxPasses) return {};
    TB_ASSIGN(const bool more, anything_left(run));
    if (!more) return {};
    // What others did meanwhile may have been seen half.
    TB_TRY(look_for_moved(run, 1));
  }
}

Status act(Run& run) {
  TB_ASSIGN(const auto pending, run.link.pending());
  Mender mender(run);
  TB_TRY(mender.look());
  run.observer.planned(pending.messages + mender.messages(), pending.octets + mender.octets());
  TB_TRY(create_and_rename_mailboxes(run));
  if (!run.options.dry_run) TB_TRY(read_doubtful_again(run));
  TB_TRY(act_until_done(run));
  TB_TRY(delete_mailboxes(run));
  TB_TRY(mender.mend());
  TB_TRY(leave_and_read_last(run, mender));
  if (run.options.dry_run) return {};
  // Our own changes come back as an observation, where they were not absorbed: seen now, they are no news next time.
  TB_TRY(run.write_absorbed());
  TB_TRY(observe(run, Side::B));
  return {};
}

Status look_and_act(Run& run) {
  TB_TRY(observe_both(run));
  return act(run);
}

}  // namespace

Sync::Sync(Replica& a, Replica& b, Link& link, const Clock& clock, SyncOptions options, SyncObserver& observer)
    : a_(a), b_(b), link_(link), clock_(clock), options_(std::move(options)), observer_(observer) {}

Can Sync::can_in(Side side, const Pair* pair) const {
  if (pair == nullptr) return options_.policy.on(side);
  Can can = options_.can_in ? options_.can_in(side, *pair) : options_.policy.on(side);
  // A mailbox that may only be read can still be renamed or deleted by those who own it.
  if (pair->at(side).read_only) can.add = can.flags = can.move = can.remove = false;
  return can;
}

Status Sync::run(std::stop_token stop) {
  PairBook book;
  for (const Side side : {Side::A, Side::B}) {
    if (!(side == Side::A ? a_ : b_).capabilities().flags) book.set_flagless(side);
  }
  const PlanContext context{
      .policy = options_.policy,
      .is_trash =
          [&](PairId id) {
            const Pair* pair = book.find(id);
            return pair != nullptr && pair->role == Role::Trash;
          },
      .mask =
          [&](PairId id) {
            const Pair* pair = options_.can_in ? book.find(id) : nullptr;
            if (pair == nullptr) return book.mask(id, options_.policy);
            Policy here = options_.policy;
            for (const Side side : {Side::A, Side::B}) here.can[index(side)] = options_.can_in(side, *pair);
            return book.mask(id, here);
          },
      .can_in = [&](Side side, PairId id) { return can_in(side, book.find(id)); },
      .now = clock_.unix_seconds(),
  };
  // A dry run does everything that a run does, on a copy of the link. (A transaction that is undone in the end would
  // lock the database for as long as the server takes to answer.)
  std::unique_ptr<Link> copy;
  if (options_.dry_run) {
    TB_ASSIGN(copy, link_.copy());
  }
  Link& link = copy ? *copy : link_;
  Run run{a_, b_, link, book, context, options_, clock_, observer_, report_, std::move(stop)};
  TB_TRY(book.load(link));
  TB_TRY(check_identity(run));
  TB_ASSIGN(run.look, link.look());
  ++run.look;
  if (options_.policy.on(Side::A).add) TB_TRY(link.index_contents());
  Status status = look_and_act(run);
  Status logged = run.close_log();
  return status ? logged : status;
}

}  // namespace libsync::sync
