// How often each value of an enumeration with kCount at its end was met. A value; one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libsync/base/trace.h"
#include "libsync/base/words.h"

namespace libsync {

template <class Enum>
class Counts {
 public:
  void note(Enum what) { ++met_[static_cast<size_t>(what)]; }
  uint64_t count(Enum what) const { return met_[static_cast<size_t>(what)]; }

 private:
  std::array<uint64_t, static_cast<size_t>(Enum::kCount)> met_{};
};

// What a server does against the grammar, or against what one would expect, and is tolerated by name.
template <class Enum>
struct QuirkRow {
  Enum quirk;
  std::string_view name;
  std::string_view seen;  // where it was met, and what we do
  bool is_lesson = true;  // worth a line in the trace
};

// A line in the trace for each row met since the last call; `told` keeps which have had theirs.
template <class Enum, class Rows>
void trace_quirks(const Counts<Enum>& met, Counts<Enum>& told, const Rows& rows, Trace* trace) {
  if (trace == nullptr) return;
  for (const QuirkRow<Enum>& row : rows) {
    if (!row.is_lesson || met.count(row.quirk) == 0 || told.count(row.quirk) > 0) continue;
    told.note(row.quirk);
    trace->line(TraceKind::Note, say("tolerated: {} ({})", row.name, word(row.seen)));
  }
}

}  // namespace libsync
