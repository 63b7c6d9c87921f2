// Random histories: a server and two devices, what people do on all three, syncs that end anywhere, and in the end
// what must hold whatever happened. tests/plan/world.h is what they are played in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/plan/world.h"

namespace twinbox::plan {

enum class What : uint8_t { New, Flag, Move, Copy, Delete, MakeBox, RenameBox, DeleteBox, Subscribe, Renumber, Sync };

// One thing that happens. What it is done to is chosen by the numbers among what is there then, so that a history
// stays one when others of its steps are taken away.
struct Event {
  What what = What::New;
  size_t site = 0;  // 0: the server; else the device
  uint64_t a = 0, b = 0, c = 0;
  // Sync: where it ends, and how; what happens on the server while it runs.
  uint64_t end_at = Steps::kNever;
  End how = End::Crash;
  bool of_questions = false;
  std::vector<Event> meanwhile{};
  uint64_t meanwhile_at = 0;
};

struct History {
  const Abilities* can = nullptr;
  std::vector<Event> events{};
};

// The same for the same seed, on every machine. At least kLeastChanges changes and kLeastSyncs syncs.
inline constexpr size_t kLeastChanges = 40, kLeastSyncs = 6;
History make_history(uint64_t seed);

// What does not hold in the end; nothing: all does. With `story`, every step is told there.
std::optional<std::string> play(const History& history, std::string* story = nullptr);

// The history with as many steps taken away as it fails without.
History shrink(History history);

}  // namespace twinbox::plan
