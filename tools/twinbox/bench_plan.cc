// The planner over a large link in memory: a mirror in which a few of everything happened.
#include <memory>

#include <fmt/format.h>

#include "libsync/sync/plan.h"

#include "tools/twinbox/bench_parts.h"

namespace twinbox {

namespace sync = libsync::sync;
using libsync::Result;
using libsync::Status;

namespace {

constexpr size_t kRows = 100'000;
constexpr sync::PairId kInbox = 1, kArchive = 2, kTrash = 3;

// Half of them agreed; of the others equally many new, marked, moved, removed and gone on both sides.
sync::Row row(size_t i) {
  const sync::Half half{
      .at = sync::At::Bound, .pair = kInbox, .key = {.number = i + 1}, .flags = {.system = sync::kSeen}};
  sync::Row row{.id = static_cast<sync::RowId>(i + 1),
                .side = {half, half},
                .home = kInbox,
                .base = half.flags,
                .agreed = true,
                .size = 4'000,
                .content = fmt::format("sha256:{:064x}", i)};
  auto& server = row.half(sync::Side::A);
  switch (i % 10) {
    case 0:
      row.half(sync::Side::B) = {};
      row.home = 0;
      row.agreed = false;
      break;
    case 2:
      server.flags.system |= sync::kFlagged;
      server.flags.add_keyword("$Work");
      break;
    case 4:
      server.pair = i % 20 == 4 ? kArchive : kTrash;
      break;
    case 6:
      server.at = sync::At::Gone;
      break;
    case 8:
      server.at = sync::At::Gone;
      row.half(sync::Side::B).at = sync::At::Gone;
      break;
    default:
      break;
  }
  row.dirty = i % 2 == 0;
  return row;
}

Result<BenchWork> plan(const Corpus&, const std::string&, const std::stop_token&) {
  struct Rows {
    std::vector<sync::Row> made, now;
  };
  const auto rows = std::make_shared<Rows>();
  for (size_t i = 0; i < kRows; ++i) rows->made.push_back(row(i));
  const auto ready = [rows]() -> Status {
    rows->now = rows->made;
    return {};
  };
  const auto run = [rows]() -> Status {
    const auto policy = sync::mirror_policy({.folders = true, .flags = true}, sync::Leave::Forever);
    const sync::PlanContext context{
        .policy = policy,
        .is_trash = [](sync::PairId pair) { return pair == kTrash; },
        .mask = [](sync::PairId) { return sync::FlagMask{.system = sync::kAllSystemFlags, .any_keyword = true}; }};
    uint64_t actions = 0, forgotten = 0;
    for (sync::Row& each : rows->now) {
      const sync::Decision decision = sync::plan_row(each, context);
      actions += decision.actions.size();
      forgotten += decision.standing == sync::Standing::Forget;
      sync::settle(each, context);
    }
    TB_TRY(all_done("plan", actions, kRows / 10 * 4));
    return all_done("plan", forgotten, kRows / 10);
  };
  return BenchWork{.ready = ready, .run = run, .units = kRows};
}

}  // namespace

extern const BenchPart kBenchPlan;
const BenchPart kBenchPlan{"plan", "rows", "what to do about each message of a large mirror", plan};

}  // namespace twinbox
