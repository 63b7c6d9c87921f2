// Transfer: messages fetched from one replica, and made ready for the other (Replica::prepare()), on a thread of its
// own while the other stores them, with a queue between the two that is bounded in bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/sync/replica.h"

namespace libsync::sync {

// A message to carry over, and where to.
struct TransferItem {
  FetchItem fetch{};  // `token` is the transfer's own
  BoxId to{};
  Flags flags{};
  std::optional<int64_t> date{};
  Id mend{};  // the octets of this damaged content again (Op::Mend); where something else comes, a new message if `to`
              // says where to
};

// What the transfer knows of a message when the receiving side has it.
struct Received {
  size_t item = 0;        // index into the items, counted on over what MoreItems gave
  uint64_t octets = 0;    // as they came
  bool short_of = false;  // fewer than were announced, a bare LF counted as CRLF
  Id print{};             // print_of() what came
};

// Called on the thread that called transfer().
class TransferSink {
 public:
  virtual ~TransferSink() = default;
  // Inside the receiver's transaction: what the sink writes there commits with the message.
  virtual Status stored(const Received& received, const Outcome& outcome) = 0;
  virtual Status durable(uint64_t messages, uint64_t octets) = 0;
  virtual Status failed(size_t item, const Error& error) = 0;
  // The connection ended in this one (MessageSink::broke_off); transfer() gives the error next.
  virtual Status broke_off(size_t item) = 0;
  // Stored, and may be another's octets (MessageSink::uncertain); transfer() gives the error next.
  virtual Status uncertain(size_t item) = 0;
};

// Limits on what is in memory at once.
struct TransferLimits {
  uint64_t queue_bytes = 4 << 20;  // fetched and not yet stored
  uint64_t batch_bytes = 8 << 20;  // stored in one transaction
  size_t batch_messages = 4000;
  uint64_t batch_ripe = 512 << 10;  // stored as soon as nothing more waits: it costs no time then, and a transfer that
                                    // is killed loses no more than came while one such batch was stored
  std::chrono::milliseconds batch_age{1000};
  uint64_t stream_above = 1 << 20;  // a larger message passes through in pieces, in a batch of its own
};

// What is carried behind the items given last; none: that was all, and it is not called again. Called on the thread
// that called transfer(), outside the receiver's transaction, when those before the last given are stored or failed
// and the last given are being fetched: who looks for more meanwhile lets neither side wait.
using MoreItems = std::function<Result<std::vector<TransferItem>>()>;

// Carries `items` from `from` to `to`, and what `more` gives. Returns when all are stored or failed, or with the first
// error of either side, or of `more` (what was stored until then stays stored).
Status transfer(Replica& from, Replica& to, std::vector<TransferItem> items, const TransferLimits& limits,
                TransferSink& sink, std::stop_token stop, const MoreItems& more = {});

}  // namespace libsync::sync
