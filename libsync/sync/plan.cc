#include "libsync/sync/plan.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::sync {
namespace {

bool has_keyword(const Flags& flags, std::string_view keyword) {
  return std::ranges::any_of(flags.keywords, [&](const std::string& k) { return iequals(k, keyword); });
}

bool is_there(const Half& half) { return half.at == At::Bound; }
// Only the next look can tell where it is, or the user.
bool waits(const Half& half) { return half.at == At::Unbound || half.asked != Asked::Nothing; }
// It was put on side A, which said OK and never showed it: filtered, most likely, and certainly not removed by anybody.
bool is_never_seen(const Row& row) { return row.doubt == Doubt::Unseen && row.half(Side::A).at == At::Gone; }
bool is_away(const Half& half) { return half.at == At::Gone || half.at == At::Absent; }

// A removal here does not count against a message that somebody just marked as wanted there, by a flag that both keep.
bool marked_as_wanted(const Half& half, const Flags& base, const FlagMask& mask) {
  const uint32_t now = half.flags.system & mask.system, before = base.system & mask.system;
  const bool flagged = (now & kFlagged) != 0 && (before & kFlagged) == 0;
  const bool undeleted = (now & kDeleted) == 0 && (before & kDeleted) != 0;
  return flagged || undeleted;
}

bool may_move(const PlanContext& context, Side on, PairId from, PairId to) {
  const Can there = context.can(on, from);
  return there.move && context.can(on, to).move && (there.to_trash || !context.is_trash(to));
}

// Collects actions, each only if the policy allows it on that side.
class Plan {
 public:
  Plan(const Row& row, const PlanContext& context) : row_(row), context_(context) {}

  void add(Side on, PairId pair, Reason reason) {
    const Flags flags = masked(row_.half(other(on)).flags, context_.mask(pair));
    push(context_.can(on, pair).add, {row_.id, on, Op::Add, pair, flags, {}, reason});
  }
  void move(Side on, PairId pair) {
    push(may_move(context_, on, row_.half(on).pair, pair), {row_.id, on, Op::Move, pair, {}, {}, Reason::Moved});
  }
  void remove(Side on, Reason reason) {
    const bool allowed = context_.can(on, row_.half(on).pair).remove;
    push(allowed, {row_.id, on, Op::Remove, row_.half(on).pair, {}, {}, reason});
  }
  void flags(Side on, const Flags& wanted, const FlagMask& mask) {
    const Flags now = masked(row_.half(on).flags, mask);
    if (now == wanted) return;
    push(context_.can(on, row_.half(on).pair).flags,
         {row_.id, on, Op::Flags, row_.half(on).pair, minus(wanted, now), minus(now, wanted), Reason::FlagsChanged});
  }

  Decision decision() && {
    const Standing standing = !actions_.empty() ? Standing::Wants : forbidden_ ? Standing::Forbidden : Standing::Agreed;
    return {standing, std::move(actions_)};
  }

 private:
  void push(bool allowed, Planned planned) {
    if (allowed) {
      actions_.push_back(std::move(planned));
    } else {
      forbidden_ = true;
    }
  }
  const Row& row_;
  const PlanContext& context_;
  std::vector<Planned> actions_;
  bool forbidden_ = false;
};

PairId decide_place(const Row& row, const PlanContext& context) {
  const PairId a = row.half(Side::A).pair;
  const PairId b = row.half(Side::B).pair;
  if (a == b || b == row.home) return a;
  if (a == row.home) return b;
  // Where one of the two can't be moved, its place counts.
  const bool a_moves = may_move(context, Side::A, a, b), b_moves = may_move(context, Side::B, b, a);
  if (a_moves != b_moves) return b_moves ? a : b;
  if (context.is_trash(a) != context.is_trash(b)) return context.is_trash(a) ? b : a;
  return context.policy.wins == Side::A ? a : b;
}

void plan_both_there(const Row& row, const PlanContext& context, Plan& plan) {
  const Half& a = row.half(Side::A);
  const Half& b = row.half(Side::B);
  const PairId place = row.agreed ? decide_place(row, context) : a.pair;
  const FlagMask mask = context.mask(place);
  const Flags fa = masked(a.flags, mask);
  const Flags fb = masked(b.flags, mask);
  // Two messages just found to be one have no base: the winner's flags count.
  const Flags base = row.agreed ? masked(row.base, mask) : (context.policy.wins == Side::A ? fb : fa);
  Flags wanted = merge(base, fa, fb);
  // A side that may not be written to can't be brought round to the other's change: the other follows it.
  if (!context.policy.keeps_flags && !context.can(Side::B, b.pair).keeps_flags) {
    if (!context.can(Side::A, a.pair).flags) {
      wanted = fa;
    } else if (!context.can(Side::B, b.pair).flags) {
      wanted = fb;
    }
  }
  // Flags before the move: the old reference is still good.
  plan.flags(Side::A, wanted, mask);
  plan.flags(Side::B, wanted, mask);
  if (a.pair != place) plan.move(Side::A, place);
  if (b.pair != place) plan.move(Side::B, place);
}

void plan_one_there(const Row& row, Side there, const PlanContext& context, Plan& plan) {
  const Side away = other(there);
  const Half& half = row.half(there);
  // A move to Trash that was not followed is no sign that somebody wants it.
  const Can can = context.can(away, row.home);
  const bool discarded = can.move && !can.to_trash && context.is_trash(half.pair);
  const bool moved = half.pair != row.home && !discarded;
  if (row.answer == Answer::Restore) {
    plan.add(away, half.pair, Reason::Restored);
  } else if (!row.agreed) {
    plan.add(away, half.pair, Reason::New);
  } else if (moved || marked_as_wanted(half, row.base, context.mask(half.pair))) {
    plan.add(away, half.pair, Reason::ChangedAgain);
  } else {
    plan.remove(there, Reason::Removed);
  }
}

// The base of flags that are not all the same: flag by flag what both have now, or had before they differed.
Flags agreed_flags(const Flags& base, const Flags& a, const Flags& b) {
  const uint32_t same = ~(a.system ^ b.system);
  Flags out{.system = (a.system & same) | (base.system & ~same)};
  const auto consider = [&](const Flags& from) {
    for (const auto& keyword : from.keywords) {
      const bool in_a = has_keyword(a, keyword);
      if (in_a == has_keyword(b, keyword) ? in_a : has_keyword(base, keyword)) out.add_keyword(keyword);
    }
  };
  consider(a);
  consider(b);
  return out;
}

}  // namespace

Decision plan_row(const Row& row, const PlanContext& context) {
  const Half& a = row.half(Side::A);
  const Half& b = row.half(Side::B);
  if (row.answer == Answer::Unlink) return {is_away(a) && is_away(b) ? Standing::Forget : Standing::Agreed, {}};
  if (row.suspect || waits(a) || waits(b) || is_never_seen(row)) return {Standing::Held, {}};
  if (is_away(a) && is_away(b)) return {Standing::Forget, {}};
  Plan plan(row, context);
  if (row.leftover) {
    plan.remove(is_there(a) ? Side::A : Side::B, Reason::Leftover);
  } else if (is_there(a) && is_there(b)) {
    plan_both_there(row, context, plan);
  } else {
    plan_one_there(row, is_there(a) ? Side::A : Side::B, context, plan);
  }
  Decision decision = std::move(plan).decision();
  // Which message side A has there is not known: nothing is done to it.
  const bool unsure = row.doubt == Doubt::ReadAgain || row.doubt == Doubt::ReadLast;
  std::erase_if(decision.actions, [&](const Planned& planned) {
    const bool there = planned.on == Side::A && row.half(Side::A).at == At::Bound;
    const auto& blocked = row.half(planned.on).blocked;
    return (blocked && blocked->stands(planned.op, context.now)) || (unsure && there);
  });
  if (decision.standing == Standing::Wants && decision.actions.empty()) decision.standing = Standing::Held;
  return decision;
}

void settle(Row& row, const PlanContext& context) {
  const Half& a = row.half(Side::A);
  const Half& b = row.half(Side::B);
  if (is_there(a) && is_there(b) && row.answer != Answer::Unlink) row.answer = Answer::None;
  if (is_there(a) && is_there(b) && a.pair == b.pair) {
    const FlagMask mask = context.mask(a.pair);
    const Flags fa = masked(a.flags, mask), fb = masked(b.flags, mask);
    if (fa == fb) {
      row.home = a.pair;
      row.base = fa;
      row.agreed = true;
    } else if (row.agreed) {
      row.base = agreed_flags(masked(row.base, mask), fa, fb);
    }
  }
  const Standing standing = plan_row(row, context).standing;
  row.dirty = standing != Standing::Agreed && standing != Standing::Forbidden;
}

void note_taken(Row& row, Side side, const Flags& now) {
  Half& half = row.half(side);
  const Flags added = minus(half.sent, half.flags), removed = minus(half.flags, half.sent);
  row.base = with_changes(row.base, minus(added, minus(added, now)), minus(removed, now));
  half.asked = Asked::Nothing;
  half.sent = {};
}

std::string_view reason_text(Reason reason) {
  switch (reason) {
    case Reason::New:
      return word("new");
    case Reason::FlagsChanged:
      return word("flags changed");
    case Reason::Moved:
      return word("moved");
    case Reason::Removed:
      return word("gone on the other side");
    case Reason::ChangedAgain:
      return word("removed on one side, but wanted on the other");
    case Reason::LeaveNever:
      return word("downloaded, and the account leaves nothing on the server");
    case Reason::Leftover:
      return word("it is where it was moved to");
    case Reason::Restored:
      return word("brought back, as you answered");
  }
  return {};
}

Flags masked(const Flags& flags, const FlagMask& mask) {
  Flags out{.system = flags.system & mask.system};
  if (mask.any_keyword) {
    out.keywords = flags.keywords;
  } else {
    for (const auto& keyword : flags.keywords) {
      if (std::ranges::any_of(mask.keywords, [&](const std::string& k) { return iequals(k, keyword); })) {
        out.keywords.push_back(keyword);
      }
    }
  }
  return out;
}

Flags merge(const Flags& base, const Flags& a, const Flags& b) {
  Flags out;
  // A bit that A changed is A's; else it is B's (changed or not).
  const uint32_t changed_by_a = a.system ^ base.system;
  out.system = (a.system & changed_by_a) | (b.system & ~changed_by_a);
  const auto consider = [&](const Flags& from) {
    for (const auto& keyword : from.keywords) {
      const bool in_a = has_keyword(a, keyword);
      const bool changed = in_a != has_keyword(base, keyword);
      if (changed ? in_a : has_keyword(b, keyword)) out.add_keyword(keyword);
    }
  };
  consider(a);
  consider(b);
  return out;
}

Flags with_changes(const Flags& flags, const Flags& add, const Flags& del) {
  Flags out = minus(flags, del);
  out.system |= add.system;
  for (const auto& keyword : add.keywords) out.add_keyword(keyword);
  return out;
}

Flags minus(const Flags& left, const Flags& right) {
  Flags out{.system = left.system & ~right.system};
  for (const auto& keyword : left.keywords) {
    if (!has_keyword(right, keyword)) out.keywords.push_back(keyword);
  }
  return out;
}

}  // namespace libsync::sync
