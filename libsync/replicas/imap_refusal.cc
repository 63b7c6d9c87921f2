#include "libsync/replicas/imap_refusal.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace libsync::replicas {

using imap::Code;
using sync::Did;

std::optional<std::chrono::milliseconds> suggested_backoff(std::string_view text) {
  static constexpr std::string_view kWords = "suggested backoff time:";
  constexpr uint64_t kMost = 3'600'000;
  const std::string lower = to_lower(text);
  const size_t at = lower.find(kWords);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view rest = trim(std::string_view(lower).substr(at + kWords.size()));
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits == 0) return std::nullopt;
  return std::chrono::milliseconds(std::min(parse_u64(rest.substr(0, digits)).value_or(kMost), kMost));
}

sync::Outcome refusal(const ImapAnswer& answer) {
  sync::Outcome outcome{.did = Did::Refused, .words = answer.text};
  switch (answer.code) {
    case Code::OverQuota:
      outcome.did = Did::Quota;
      break;
    case Code::TryCreate:
    case Code::NonExistent:
      outcome.did = Did::NoBox;
      break;
    case Code::Cannot:
    case Code::TooBig:
      outcome.did = Did::Never;
      break;
    // Rights may be given another day.
    case Code::NoPerm:
    case Code::ReadOnly:
      outcome.did = Did::ReadOnly;
      break;
    // "The server encountered a bug in itself" (RFC 5530) is mostly over when it is asked again.
    case Code::ServerBug:
    case Code::Throttled:
    case Code::Unavailable:
    case Code::InUse:
    case Code::Limit:
    case Code::TempFail:
    case Code::ExpungeIssued:
      outcome.did = Did::Retry;
      break;
    default:
      break;
  }
  if (const auto pause = suggested_backoff(answer.text)) {
    outcome.did = Did::Retry;
    outcome.retry_after = *pause;
  }
  return outcome;
}

bool concerns_all(const ImapAnswer& answer) {
  // A full account may take the smaller half; that one message can't be taken is not the others' fault.
  const Did did = refusal(answer).did;
  return did == Did::NoBox || did == Did::ReadOnly || did == Did::Retry;
}

}  // namespace libsync::replicas
