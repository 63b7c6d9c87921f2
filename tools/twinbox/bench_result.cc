#include "tools/twinbox/bench_result.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace twinbox {

namespace bj = boost::json;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

constexpr size_t kMaxRepetitionsRead = 10'000;
constexpr size_t kMaxLines = 10'000;
constexpr double kMaxSeconds = 1e9;
constexpr double kLeastSeconds = 0.1, kMostTimes = 10'000;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::unexpected<libsync::Error> interrupted() { return fail(Errc::Cancelled, say("interrupted")); }

double percent(const std::vector<double>& old, const std::vector<double>& now) {
  const double before = median_of(old);
  return before > 0 ? (median_of(now) - before) / before * 100 : 0;
}

bool differ(const std::vector<double>& old, const std::vector<double>& now) {
  const bool apart = std::ranges::min(now) > std::ranges::max(old) || std::ranges::max(now) < std::ranges::min(old);
  return apart && std::abs(percent(old, now)) >= kLeastChange * 100;
}

struct Taken {
  double seconds = 0, cpu_seconds = 0;
};

// The mean of so many runs, each made ready outside of its time.
Result<Taken> run_work(const BenchWork& work, size_t times, const libsync::Clock& clock) {
  Taken out;
  for (size_t i = 0; i < times; ++i) {
    if (work.ready) TB_TRY(work.ready());
    const double cpu = cpu_seconds();
    const auto begun = clock.now();
    TB_TRY(work.run());
    out.seconds += std::chrono::duration<double>(clock.now() - begun).count();
    out.cpu_seconds += cpu_seconds() - cpu;
  }
  const auto count = static_cast<double>(times);
  return Taken{.seconds = out.seconds / count, .cpu_seconds = out.cpu_seconds / count};
}

// How often a work is run in one repetition: until it is long enough that a moment's disturbance is small in it.
size_t times_for(double seconds) {
  if (seconds <= 0) return 1;  // a clock that stands still
  return static_cast<size_t>(std::clamp(std::ceil(kLeastSeconds / seconds), 1.0, kMostTimes));
}

Json as_list(const std::vector<double>& values) {
  JsonList list;
  for (const double value : values) list.emplace_back(value);
  return list;
}

// What the reader finds in an object; nothing where it is not there or of another type.
std::optional<std::string> text_of(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}
std::optional<uint64_t> number_of(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  if (value == nullptr || !(value->is_uint64() || value->is_int64())) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<uint64_t>(error);
  return error ? std::nullopt : std::optional(number);
}
std::optional<std::vector<double>> seconds_of(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return std::nullopt;
  const bj::array& list = value->get_array();
  if (list.empty() || list.size() > kMaxRepetitionsRead) return std::nullopt;
  std::vector<double> out;
  for (const bj::value& each : list) {
    if (!each.is_number()) return std::nullopt;
    boost::system::error_code error;
    const double seconds = each.to_number<double>(error);
    if (error || !(seconds >= 0 && seconds < kMaxSeconds)) return std::nullopt;
    out.push_back(seconds);
  }
  return out;
}

std::optional<BenchResult> read_line(std::string_view line) {
  boost::system::error_code error;
  const bj::value value = bj::parse(bj::string_view(line.data(), line.size()), error);
  if (error || !value.is_object()) return std::nullopt;
  const bj::object& object = value.get_object();
  const auto name = text_of(object, "bench"), unit = text_of(object, "unit");
  const auto units = number_of(object, "units"), octets = number_of(object, "size");
  auto seconds = seconds_of(object, "seconds_each"), cpu = seconds_of(object, "cpu_seconds_each");
  if (!name || name->empty() || !unit || !units || *units == 0 || !octets || !seconds || !cpu) return std::nullopt;
  return BenchResult{.name = *name,
                     .unit = *unit,
                     .units = *units,
                     .octets = *octets,
                     .seconds = *std::move(seconds),
                     .cpu_seconds = *std::move(cpu),
                     .machine = {.processor = text_of(object, "processor").value_or(""),
                                 .cores = static_cast<unsigned>(number_of(object, "cores").value_or(0)),
                                 .build = text_of(object, "build").value_or("")}};
}

}  // namespace

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

BenchMachine this_machine(libsync::FileSystem& fs) {
#ifdef NDEBUG
  BenchMachine machine{.processor = {}, .cores = std::thread::hardware_concurrency(), .build = "release"};
#else
  BenchMachine machine{.processor = {}, .cores = std::thread::hardware_concurrency(), .build = "debug"};
#endif
  const auto file = fs.open("/proc/cpuinfo", libsync::OpenMode::Read);
  if (!file) return machine;
  std::string text(8'192, '\0');  // the first processor's lines, and more
  const auto got = (*file)->read_at(0, text);
  text.resize(got.value_or(0));
  static constexpr std::string_view kName = "model name";
  if (const size_t at = text.find(kName); at != text.npos) {
    const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
    machine.processor = libsync::printable(libsync::trim(line.substr(std::min(line.find(':') + 1, line.size()))), 200);
  }
  return machine;
}

Result<BenchResult> measure(const BenchPart& part, const Corpus& corpus, const std::string& folder, size_t repetitions,
                            const libsync::Clock& clock, const std::stop_token& stop,
                            const std::function<void(size_t)>& done) {
  if (stop.stop_requested()) return interrupted();
  TB_ASSIGN(const BenchWork work, part.make(corpus, folder, stop));
  BenchResult result{
      .name = std::string(part.name), .unit = std::string(part.unit), .units = work.units, .octets = work.octets};
  auto taken = run_work(work, 1, clock);  // cold caches and memory: not counted
  const size_t times = taken ? times_for(taken->seconds) : 1;
  for (size_t i = 0; taken && i < repetitions && !stop.stop_requested(); ++i) {
    taken = run_work(work, times, clock);
    if (!taken) break;
    result.seconds.push_back(taken->seconds);
    result.cpu_seconds.push_back(taken->cpu_seconds);
    done(i + 1);
  }
  if (stop.stop_requested()) return interrupted();
  TB_TRY(taken);
  return result;
}

JsonObject bench_json(const BenchResult& result) {
  return {{"bench", result.name},
          {"unit", result.unit},
          {"units", result.units},
          {"size", result.octets},
          {"seconds", median_of(result.seconds)},
          {"seconds_each", as_list(result.seconds)},
          {"cpu_seconds", median_of(result.cpu_seconds)},
          {"cpu_seconds_each", as_list(result.cpu_seconds)},
          {"processor", result.machine.processor},
          {"cores", result.machine.cores},
          {"build", result.machine.build}};
}

Result<std::vector<BenchResult>> read_bench(std::string_view text, const std::string& path) {
  std::vector<BenchResult> out;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = libsync::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    auto result = number <= kMaxLines ? read_line(line) : std::nullopt;
    if (!result) {
      return fail(libsync::Error{.code = Errc::Corrupt,
                                 .what = say("{}: line {} is not what bench --json prints", path, number),
                                 .hint = say("a file to compare with: twinbox bench --json > old.json")});
    }
    out.push_back(*std::move(result));
  }
  if (!out.empty()) return out;
  return fail(libsync::Error{.code = Errc::Corrupt,
                             .what = say("{}: empty", path),
                             .hint = say("a file to compare with: twinbox bench --json > old.json")});
}

Comparison compare_bench(const BenchResult& old, const BenchResult& now) {
  if (old.unit != now.unit || old.units != now.units || old.octets != now.octets) return {};
  Comparison out{.verdict = Verdict::Noise,
                 .percent = percent(old.seconds, now.seconds),
                 .cpu_percent = percent(old.cpu_seconds, now.cpu_seconds)};
  for (const auto* list : {&old.seconds, &now.seconds, &old.cpu_seconds, &now.cpu_seconds}) {
    if (list->size() < kLeastRepetitions) return {Verdict::TooFew, out.percent, out.cpu_percent};
  }
  if (differ(old.cpu_seconds, now.cpu_seconds)) {
    out.verdict = out.cpu_percent < 0 ? Verdict::Faster : Verdict::Slower;
  } else if (differ(old.seconds, now.seconds)) {
    out.verdict = out.percent < 0 ? Verdict::WaitsLess : Verdict::WaitsLonger;
  }
  return out;
}

}  // namespace twinbox
