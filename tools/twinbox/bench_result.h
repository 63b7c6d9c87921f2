// A measurement's figures: taken, written as --json, read again, compared. Values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/file.h"
#include "libsync/base/result.h"

#include "tools/twinbox/bench_parts.h"
#include "tools/twinbox/json.h"

namespace twinbox {

// Where it was measured: figures of different machines or builds say little beside each other.
struct BenchMachine {
  std::string processor{};  // "" where the system does not tell
  unsigned cores = 0;
  std::string build{};  // "release", "debug"
  bool operator==(const BenchMachine&) const = default;
};
BenchMachine this_machine(libsync::FileSystem& fs);

struct BenchResult {
  std::string name, unit;
  uint64_t units = 0, octets = 0;                // in one repetition
  std::vector<double> seconds{}, cpu_seconds{};  // of each; CPU time is the whole process's
  BenchMachine machine{};
};
double median_of(std::vector<double> values);  // of at least one

// One run that is not counted, then `repetitions` that are, each of as many runs as take a tenth of a second; what is
// kept is the mean of one. `done` hears how many are done. Errc::Cancelled between two.
libsync::Result<BenchResult> measure(const BenchPart& part, const Corpus& corpus, const std::string& folder,
                                     size_t repetitions, const libsync::Clock& clock, const std::stop_token& stop,
                                     const std::function<void(size_t)>& done);

// The keys of docs/json.md that are the measurement's own.
JsonObject bench_json(const BenchResult& result);
// What --json printed, a line a measurement. Errc::Corrupt for anything else.
libsync::Result<std::vector<BenchResult>> read_bench(std::string_view text, const std::string& path);

// Judged by CPU time: the clock also tells what else the machine does. Two figures differ where the ranges of their
// repetitions do not overlap and their medians are kLeastChange apart.
enum class Verdict {
  Faster,
  Slower,
  WaitsLess,    // the same CPU time, but less by the clock: the disk, or other processes
  WaitsLonger,  // the other way round
  Noise,        // neither differs
  TooFew,       // fewer than kLeastRepetitions on one side: their range says nothing
  OtherWork,    // not the same number of units or octets: another corpus
};
inline constexpr size_t kLeastRepetitions = 3;
// The same program on the same mail is up to 6 % apart from run to run, by where its memory happens to lie.
inline constexpr double kLeastChange = 0.08;

struct Comparison {
  Verdict verdict = Verdict::OtherWork;
  double percent = 0, cpu_percent = 0;  // of the old median: 10 takes a tenth longer; 0 if nothing can be said
};
Comparison compare_bench(const BenchResult& old, const BenchResult& now);

}  // namespace twinbox
