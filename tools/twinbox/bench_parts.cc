#include "tools/twinbox/bench_parts.h"

#include <array>

#include <fmt/format.h>

namespace twinbox {

extern const BenchPart kBenchImapFramer, kBenchImapBody, kBenchImapFetch, kBenchImapEnvelope, kBenchImapList,
    kBenchPop3Body, kBenchPop3Uidl, kBenchMimeEnvelope, kBenchMimeTree, kBenchMimeText, kBenchPlan, kBenchStorePrepare,
    kBenchStoreAdd, kBenchStoreIndex;

std::span<const BenchPart* const> bench_parts() {
  static constexpr auto kParts = std::to_array<const BenchPart*>({
      &kBenchImapFramer, &kBenchImapBody, &kBenchImapFetch, &kBenchImapEnvelope, &kBenchImapList,  // by IMAP
      &kBenchPop3Body, &kBenchPop3Uidl,                                                            // by POP3
      &kBenchMimeEnvelope, &kBenchMimeTree, &kBenchMimeText,                                       // what is in it
      &kBenchPlan,                                                                                 // what to do
      &kBenchStorePrepare, &kBenchStoreAdd, &kBenchStoreIndex,                                     // and kept
  });
  return kParts;
}

libsync::Status all_done(std::string_view part, uint64_t done, uint64_t wanted) {
  if (done == wanted) return {};
  return libsync::fail(libsync::Errc::Internal, fmt::format("{}: {} of {} were done", part, done, wanted));
}

}  // namespace twinbox
