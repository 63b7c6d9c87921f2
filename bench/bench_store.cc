// The store: adding durable mail in batches, beside a bare append of the same octets; search.
//
// TWINBOX_BENCH_MESSAGES=N makes all of it with no more than N messages, to see that it works.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "libsync/base/digest.h"
#include "libsync/base/file.h"
#include "libsync/store/store.h"

namespace {

using namespace libsync;

constexpr size_t kMessages = 20'000;
constexpr size_t kSearched = 100'000;
constexpr size_t kBatch = 1'000;
constexpr size_t kBytes = 29'000;

size_t at_most(size_t count) {
  const char* wish = std::getenv("TWINBOX_BENCH_MESSAGES");
  return wish == nullptr ? count : std::clamp<size_t>(std::strtoull(wish, nullptr, 10), 1, count);
}

std::string folder() {
  return (std::filesystem::temp_directory_path() / ("bench_store." + std::to_string(getpid()))).string();
}

// Half text, half what base64 of compressed data looks like.
std::string message(size_t i) {
  std::string octets = "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: message " + std::to_string(i) +
                       "\r\nDate: Sat, 01 Jun 2024 08:00:00 +0000\r\nMessage-ID: <" + std::to_string(i) +
                       "@example.org>\r\n\r\n";
  while (octets.size() < kBytes / 2)
    octets += "The numbers of the quarter are word" + std::to_string(i % 997) + ".\r\n";
  uint64_t state = i * 0x9E3779B97F4A7C15 + 1;
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (octets.size() < kBytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    octets += kAlphabet[state >> 58];
  }
  return octets;
}

void bare_append(benchmark::State& state) {
  for (auto _ : state) {
    std::filesystem::create_directories(folder());
    RealFileSystem fs;
    auto file = *fs.open(folder() + "/bare", OpenMode::CreateNew);
    uint64_t at = 0;
    const size_t count = at_most(kMessages);
    for (size_t i = 0; i < count; ++i) {
      state.PauseTiming();
      const std::string octets = message(i);
      state.ResumeTiming();
      if (!file->write_at(at, octets)) state.SkipWithError("write");
      at += octets.size();
      if ((i % kBatch == kBatch - 1 || i + 1 == count) && !file->sync()) state.SkipWithError("sync");
    }
    state.PauseTiming();
    std::filesystem::remove_all(folder());
    state.ResumeTiming();
  }
}
BENCHMARK(bare_append)->Iterations(1)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

void store_add(benchmark::State& state) {
  for (auto _ : state) {
    auto store = *store::Store::open(folder(), {.mode = store::StoreMode::Create});
    auto write = *store->begin();
    const auto box = *write->create_mailbox({"INBOX"});
    if (!write->commit()) state.SkipWithError("commit");
    const size_t count = at_most(kMessages);
    for (size_t i = 0; i < count; i += kBatch) {
      state.PauseTiming();
      std::vector<std::string> batch;
      for (size_t k = 0; k < std::min(kBatch, count - i); ++k) batch.push_back(message(i + k));
      state.ResumeTiming();
      std::vector<store::Staged> staged;
      for (const auto& octets : batch) staged.push_back(*store->stage(octets));
      write = *store->begin();
      for (const auto& each : staged) {
        if (!write->add(box, each, {}, {})) state.SkipWithError("add");
      }
      if (!write->commit()) state.SkipWithError("commit");
    }
    write.reset();
    state.PauseTiming();
    store.reset();
    std::filesystem::remove_all(folder());
    state.ResumeTiming();
  }
}
BENCHMARK(store_add)->Iterations(1)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

// 100,000 small messages.
class Indexed {
 public:
  Indexed() {
    store = *store::Store::open(folder() + ".search", {.mode = store::StoreMode::Create});
    auto write = *store->begin();
    const auto box = *write->create_mailbox({"INBOX"});
    (void)write->commit();
    const size_t count = at_most(kSearched);
    for (size_t i = 0; i < count; i += kBatch) {
      std::vector<store::Staged> staged;
      for (size_t k = i; k < std::min(count, i + kBatch); ++k) {
        staged.push_back(
            *store->stage("Subject: 会议 " + std::to_string(k % 1000) +
                          "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n今天的会议改到明天下午 common word" +
                          std::to_string(k) + "\r\n"));
      }
      write = *store->begin();
      for (const auto& each : staged) (void)write->add(box, each, {}, static_cast<int64_t>(each.size));
      (void)write->commit();
    }
    (void)store->index_pending(std::chrono::hours(1), {}, {});
  }
  ~Indexed() { std::filesystem::remove_all(folder() + ".search"); }
  std::unique_ptr<store::Store> store;
};

void search(benchmark::State& state, const char* query) {
  static Indexed indexed;
  for (auto _ : state) {
    const auto result = indexed.store->search(query, {.limit = 10});
    if (!result || result->hits.empty()) state.SkipWithError("no hits");
  }
}
BENCHMARK_CAPTURE(search, one_message, "word7")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, every_message, "common")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, every_message_two_han, "会议")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, phrase_of_five_han, "改到明天下")->Unit(benchmark::kMillisecond);

}  // namespace
