#include "libsync/sync/plan_mailboxes.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include <fmt/format.h>

#include "libsync/sync/path.h"

namespace libsync::sync {
namespace {

bool is_on_both(const Pair& pair) { return !pair.at(Side::A).box.empty() && !pair.at(Side::B).box.empty(); }

std::string aside_mark(const Pair& pair) { return fmt::format(" (twinbox {})", pair.id); }

}  // namespace

bool is_aside(const Pair& pair, Side side) {
  const Path& path = pair.at(side).path;
  return path.size() == 1 && path[0].ends_with(aside_mark(pair));
}

namespace {

bool renamed(const Pair& pair, Side side) {
  const Pair::End& end = pair.at(side);
  return !end.base.empty() && end.path != end.base && !is_aside(pair, side);
}

// Which side's name both are to have; nothing: they are as they should be, or it is for nobody to say.
std::optional<Side> name_giver(const Pair& pair, const PlanContext& context, const Translate& translate) {
  for (const Side side : {Side::A, Side::B}) {
    if (is_aside(pair, side)) return other(side);
  }
  const bool a = renamed(pair, Side::A), b = renamed(pair, Side::B);
  if (!a && !b) return std::nullopt;
  if (translate(Side::A, pair.at(Side::A).path) == pair.at(Side::B).path) return std::nullopt;
  const Side changed = a && b ? context.policy.wins : a ? Side::A : Side::B;
  if (context.can(other(changed), pair.id).rename_box) return changed;
  // The other side may not be changed: this one is called as it was.
  return context.can(changed, pair.id).rename_box ? std::optional(other(changed)) : std::nullopt;
}

void plan_name(const Pair& pair, const PlanContext& context, const Translate& translate, std::vector<PlannedBox>& out) {
  if (!is_on_both(pair)) return;
  const auto giver = name_giver(pair, context, translate);
  if (!giver) return;
  const Side on = other(*giver);
  Path target = translate(*giver, pair.at(*giver).path);
  // A name that is put back need not be the other side's.
  const bool put_back = !renamed(pair, *giver) && !is_aside(pair, on) && !pair.at(on).base.empty();
  if (put_back) target = pair.at(on).base;
  if (pair.at(on).path == target || is_inbox(pair.at(on).path) || is_inbox(target)) return;
  out.push_back({.pair = pair.id, .on = on, .op = Op::RenameBox, .path = std::move(target)});
}

// What both sides are to have. Of two that were never compared, the server's word counts.
bool subscription(const Pair& pair, const PlanContext& context) {
  const bool a = pair.at(Side::A).subscribed, b = pair.at(Side::B).subscribed;
  if (!pair.subscribed) return context.policy.wins == Side::A ? a : b;
  if (!context.can(Side::A, pair.id).create_box) return a;
  if (!context.can(Side::B, pair.id).create_box) return b;
  return a != *pair.subscribed ? a : b;
}

void plan_subscription(const Pair& pair, const PlanContext& context, std::vector<PlannedBox>& out) {
  if (!is_on_both(pair)) return;
  const bool wanted = subscription(pair, context);
  for (const Side side : {Side::A, Side::B}) {
    if (pair.at(side).subscribed == wanted || !context.can(side, pair.id).create_box) continue;
    out.push_back({.pair = pair.id, .on = side, .op = Op::Subscribe, .path = {}, .subscribed = wanted});
  }
}

}  // namespace

Path aside_of(const Pair& pair, Side side) {
  const Pair::End& end = pair.at(side);
  const Path& name = end.base.empty() ? end.path : end.base;
  return {(name.empty() ? std::string() : name.back()) + aside_mark(pair)};
}

std::vector<PlannedBox> plan_mailboxes(const std::vector<Pair>& pairs, const PlanContext& context,
                                       const Translate& translate, const WantedBoxes& wanted) {
  std::vector<PlannedBox> out;
  for (const Pair& pair : pairs) plan_name(pair, context, translate, out);
  // Parents first: their children then already are where they belong.
  std::ranges::sort(out, {}, [](const PlannedBox& each) { return std::tuple(each.path.size(), each.pair, each.on); });
  for (const Pair& pair : pairs) {
    for (const Side side : {Side::A, Side::B}) {
      const Pair::End& end = pair.at(side);
      if (!end.box.empty() || pair.at(other(side)).box.empty() || !context.can(side, pair.id).create_box) continue;
      const bool again = wanted.contains({pair.id, side}) || !context.can(other(side), pair.id).delete_box;
      if (end.missing && !again) continue;
      // One that is made again is called as the other is by now.
      const bool called_otherwise = end.missing && (renamed(pair, side) || renamed(pair, other(side)));
      Path path = called_otherwise ? translate(other(side), pair.at(other(side)).path) : end.path;
      out.push_back({.pair = pair.id, .on = side, .op = Op::CreateBox, .path = std::move(path)});
    }
  }
  for (const Pair& pair : pairs) plan_subscription(pair, context, out);
  return out;
}

std::vector<PlannedBox> plan_deletions(const std::vector<Pair>& pairs, const PlanContext& context) {
  std::vector<PlannedBox> out;
  for (const Pair& pair : pairs) {
    for (const Side side : {Side::A, Side::B}) {
      const Pair::End& end = pair.at(side);
      if (end.box.empty() || !pair.at(other(side)).missing || !context.can(side, pair.id).delete_box) continue;
      if (is_inbox(end.path)) continue;
      out.push_back({.pair = pair.id, .on = side, .op = Op::DeleteBox, .path = end.path});
    }
  }
  std::ranges::sort(out, std::greater(), [](const PlannedBox& each) { return std::pair(each.path.size(), each.pair); });
  return out;
}

}  // namespace libsync::sync
