// What `twinbox bench` measures, on its generated mail, by Google Benchmark.
//
// TWINBOX_BENCH_MESSAGES=N makes no more than N messages, to see that it works.
#include "tools/twinbox/bench_parts.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

namespace {

using twinbox::BenchPart;

const twinbox::Corpus& corpus() {
  static const twinbox::Corpus kCorpus = [] {
    const char* wish = std::getenv("TWINBOX_BENCH_MESSAGES");
    const size_t most = twinbox::kMadeMessages;
    return twinbox::made_corpus(wish == nullptr ? most : std::clamp<size_t>(std::strtoull(wish, nullptr, 10), 1, most));
  }();
  return kCorpus;
}

// For stores; goes at the end.
class Folder {
 public:
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string path =
      (std::filesystem::temp_directory_path() / ("bench_parts." + std::to_string(getpid()))).string();
};

void run(benchmark::State& state, const BenchPart& part) {
  const Folder folder;
  const auto work = part.make(corpus(), folder.path, {});
  if (!work) return state.SkipWithError(work.error().what.c_str());
  for (auto _ : state) {
    state.PauseTiming();
    const auto ready = work->ready ? work->ready() : libsync::Status();
    state.ResumeTiming();
    const auto done = ready ? work->run() : ready;
    if (!done) state.SkipWithError(done.error().what.c_str());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * work->units));
  if (work->octets > 0) state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * work->octets));
}

const bool kRegistered = [] {
  for (const BenchPart* const part : twinbox::bench_parts()) {
    benchmark::RegisterBenchmark(std::string(part->name).c_str(),
                                 [part](benchmark::State& state) { run(state, *part); })
        ->MeasureProcessCPUTime()
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
