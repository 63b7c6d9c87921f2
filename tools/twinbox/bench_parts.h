// What `twinbox bench` and bench/bench_parts.cc measure: one row a part of the library.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "libsync/base/result.h"

#include "tools/twinbox/bench_corpus.h"

namespace twinbox {

// One measurement made ready.
struct BenchWork {
  std::function<libsync::Status()> ready{};  // before each repetition, not timed; may be empty
  // One repetition, timed. It counts what it did: work that was not done is Errc::Internal and has no time.
  std::function<libsync::Status()> run;
  uint64_t units = 0;
  uint64_t octets = 0;  // that went through it; 0: it is not about octets
};

struct BenchPart {
  std::string_view name;  // stable: files of --json are compared by it
  std::string_view unit;  // "messages": English key of word()
  std::string_view what;  // English key of word()
  // `folder` is there, and is the caller's to remove; `corpus` must outlive the work. What takes seconds ends early,
  // with any error, when `stop` asks for it.
  libsync::Result<BenchWork> (*make)(const Corpus& corpus, const std::string& folder, const std::stop_token& stop);
};

// In the order of a message's way: from the wire into the store. A new one is a row in bench_parts.cc.
std::span<const BenchPart* const> bench_parts();

// The most that TLS hands out at once: how a session gets what a server sends (RFC 8446, section 5.1).
inline constexpr size_t kTlsPiece = 16'384;

// For run(): an error unless `done` is what was to be done.
libsync::Status all_done(std::string_view part, uint64_t done, uint64_t wanted);

}  // namespace twinbox
