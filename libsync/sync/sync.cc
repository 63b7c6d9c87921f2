#include "libsync/sync/sync.h"

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/observe.h"
#include "libsync/sync/path.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

constexpr int kMaxLooks = 4;

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

// How much was new or changed.
Result<uint64_t> observe(Run& run, Side side) {
  Observer observer(side, run.link, run.book, run.context);
  TB_TRY(run.replica(side).changes(cursors_of(run, side), observer, run.stop));
  if (const auto again = second_look(run, side, observer); !again.empty()) {
    observer.forget_doubts();
    TB_TRY(run.replica(side).changes(again, observer, run.stop));
  }
  if (side == Side::A) {
    TB_TRY(settle_missing(run, observer.missing_pairs()));
    for (const auto& [id, error] : observer.unreadable_pairs()) {
      if (const Pair* pair = run.book.find(id)) {
        run.report.skipped.push_back({printable(encode_path(pair->at(side).path)), error.text()});
      }
    }
    for (const PairId id : observer.doubtful_pairs()) {
      if (const Pair* pair = run.book.find(id))
        run.report.doubtful.push_back(printable(encode_path(pair->at(side).path)));
    }
  }
  return observer.fresh() + observer.changed();
}

// A look goes mailbox by mailbox and is no consistent cut: what is gone from one may have been moved to another
// that was looked at before. Looked at again until nothing new turns up.
Status look_for_moved(Run& run) {
  for (int looks = 1; looks < kMaxLooks; ++looks) {
    TB_ASSIGN(const auto gone, run.link.dirty_gone(0, 1));
    if (gone.empty()) return {};
    TB_TRY(pair_mailboxes(run));
    TB_ASSIGN(const uint64_t news, observe(run, Side::A));
    if (news == 0) return {};
    TB_TRY(rebind(run, Side::A));
  }
  return {};
}

Status observe_both(Run& run) {
  TB_TRY(pair_mailboxes(run));
  TB_TRY(observe(run, Side::B));
  TB_TRY(observe(run, Side::A));
  TB_TRY(rebind(run, Side::B));
  TB_TRY(rebind(run, Side::A));
  TB_TRY(look_for_moved(run));
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

Status act(Run& run) {
  TB_ASSIGN(const auto pending, run.link.pending());
  Mender mender(run);
  TB_TRY(mender.look());
  run.observer.planned(pending.messages + mender.messages(), pending.octets + mender.octets());
  TB_TRY(create_and_rename_mailboxes(run));
  if (!run.options.dry_run) TB_TRY(read_doubtful_again(run));
  TB_TRY(act_on_messages(run));
  if (!run.options.dry_run) TB_TRY(delete_mailboxes(run));
  TB_TRY(mender.mend());
  TB_TRY(leave_and_read_last(run, mender));
  if (run.options.dry_run) return {};
  // Our own changes come back as an observation, where they were not absorbed: seen now, they are no news next time.
  TB_TRY(run.write_absorbed());
  TB_TRY(observe(run, Side::B));
  return {};
}

}  // namespace

Sync::Sync(Replica& a, Replica& b, Link& link, const Clock& clock, SyncOptions options, SyncObserver& observer)
    : a_(a), b_(b), link_(link), clock_(clock), options_(std::move(options)), observer_(observer) {}

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
      .mask = [&](PairId id) { return book.mask(id, options_.policy); },
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
  TB_TRY(observe_both(run));
  return act(run);
}

}  // namespace libsync::sync
