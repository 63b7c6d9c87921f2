#include "libsync/sync/transfer.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <variant>

#include "libsync/base/words.h"
#include "libsync/sync/byte_queue.h"
#include "libsync/sync/octet_counter.h"
#include "libsync/sync/print.h"

namespace libsync::sync {
namespace {

// What passes through the queue: NextBlock, then in this order Whole | (Begin Piece… End | Broken) | Failed. `token` is
// the index of the item, over all blocks.
struct NextBlock {};  // the items given last are being fetched
struct Whole {
  Received received;
  std::unique_ptr<ContentSource> content;
};
struct Begin {
  uint64_t token;
  uint64_t size;
};
struct Piece {
  std::string bytes;
};
struct End {
  uint64_t token;
};
struct Failed {
  uint64_t token;
  Error error;
};
using Event = std::variant<NextBlock, Whole, Begin, Piece, End, Failed>;
using Queue = ByteQueue<Event>;

// The way back: what is to be fetched next. One block at a time.
class Handover {
 public:
  void give(std::vector<FetchItem> block) {
    const std::scoped_lock lock(mutex_);
    block_ = std::move(block);
    given_.notify_one();
  }
  // Waits; an empty block is the end.
  std::vector<FetchItem> take() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [&] { return block_.has_value(); });
    return *std::exchange(block_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<std::vector<FetchItem>> block_;
};

std::vector<FetchItem> fetch_items(std::span<const TransferItem> items) {
  std::vector<FetchItem> wanted;
  wanted.reserve(items.size());
  for (const TransferItem& item : items) {
    wanted.push_back(item.fetch);
    wanted.back().token = wanted.size() - 1;
  }
  return wanted;
}

constexpr size_t kPieceBytes = 256 << 10;
// What a message takes in the queue besides its octets: an event, what lists show of its header, what malloc adds.
constexpr size_t kBesideOctets = 1 << 10;

bool falls_short(std::string_view message, uint64_t announced) {
  if (message.size() >= announced) return false;
  OctetCounter counter;
  counter.update(message);
  return counter.count() < announced;
}

// The fetching side: small messages are gathered whole and made ready for the other side, large ones go out in pieces.
class QueueSink final : public MessageSink {
 public:
  QueueSink(Queue& queue, Replica& to, uint64_t stream_above) : queue_(queue), to_(to), stream_above_(stream_above) {}

  // What is fetched from now on; it outlives the fetching.
  Status next_block(std::span<const FetchItem> block) {
    first_ += block_.size();
    block_ = block;
    return push(NextBlock{}, 0);
  }

  Status begin(uint64_t token, uint64_t size) override {
    token_ = first_ + token;
    streaming_ = false;
    buffer_.clear();
    if (size <= stream_above_) buffer_.reserve(size);
    announced_ = size;
    return {};
  }

  Status data(std::string_view bytes) override {
    buffer_.append(bytes);
    if (!streaming_ && buffer_.size() <= stream_above_) return {};
    if (!streaming_) {
      streaming_ = true;
      TB_TRY(push(Begin{token_, announced_}, 0));
    }
    return buffer_.size() >= kPieceBytes ? flush() : Status{};
  }

  Status end(uint64_t token) override {
    if (!streaming_) return push_whole(token);
    TB_TRY(flush());
    return push(End{first_ + token}, 0);
  }

  Status failed(uint64_t token, const Error& error) override {
    return push(Failed{first_ + token, error}, sizeof(Event));
  }
  void broke_off(uint64_t token) override { broke_off_in = first_ + token; }
  void uncertain(uint64_t token) override { uncertain_items.push_back(first_ + token); }

  std::optional<size_t> broke_off_in{};
  std::vector<size_t> uncertain_items{};

 private:
  Status push_whole(uint64_t token) {
    // A print is compared with those of headers alone, for which only the announced size is known.
    const uint64_t announced = block_[token].size, octets = buffer_.size();
    Whole whole{.received = {.item = first_ + token, .octets = octets, .short_of = falls_short(buffer_, announced)},
                .content = nullptr};
    const bool as_announced = announced == 0 || announced == octets;
    if (!as_announced) whole.received.print = print_of_message(buffer_, announced);
    whole.content = to_.prepare(buffer_);
    if (as_announced) whole.received.print = whole.content->print();
    return push(std::move(whole), octets + kBesideOctets);
  }
  Status flush() {
    const uint64_t bytes = buffer_.size();
    return push(Piece{std::exchange(buffer_, {})}, bytes);
  }
  Status push(Event event, uint64_t bytes) {
    if (!queue_.push(std::move(event), bytes)) return fail(Errc::Cancelled, std::string(word("stopped")));
    return {};
  }

  Queue& queue_;
  Replica& to_;
  std::span<const FetchItem> block_{};
  size_t first_ = 0;  // the index of the block's first item
  const uint64_t stream_above_;
  uint64_t token_ = 0;
  uint64_t announced_ = 0;
  bool streaming_ = false;
  std::string buffer_;
};

// A large message, read off the queue piece by piece as the receiving side asks for it.
class QueueSource final : public ContentSource {
 public:
  explicit QueueSource(Queue& queue) : queue_(queue) {}

  std::optional<uint64_t> size() const override { return std::nullopt; }  // what was announced may be wrong

  Result<std::string_view> next() override {
    if (ended_) return std::string_view();
    auto event = queue_.pop();
    if (event && std::holds_alternative<Piece>(*event)) {
      piece_ = std::move(std::get<Piece>(*event).bytes);
      octets_ += piece_.size();
      counted_.update(piece_);
      print_.update(piece_);
      return piece_;
    }
    if (event && std::holds_alternative<End>(*event)) {
      ended_ = true;
      return std::string_view();
    }
    broken_ = true;
    return fail(Errc::Network, std::string(word("the connection ended in the middle of a message")));
  }

  bool ended() const { return ended_; }
  bool broken() const { return broken_; }
  uint64_t octets() const { return octets_; }
  bool falls_short(uint64_t announced) const { return counted_.count() < announced; }
  Id print_as(uint64_t announced) const { return print_.finish(announced); }

 private:
  Queue& queue_;
  std::string piece_;
  PrintBuilder print_;
  OctetCounter counted_;
  uint64_t octets_ = 0;
  bool ended_ = false;
  bool broken_ = false;
};

// The storing side: gathers small messages into batches.
class Receiver final : ActionSink {
 public:
  Receiver(Queue& queue, Handover& handover, Replica& to, std::vector<TransferItem> items, const TransferLimits& limits,
           TransferSink& sink, const MoreItems& more, std::stop_token stop)
      : queue_(queue),
        handover_(handover),
        to_(to),
        newest_(std::move(items)),
        limits_(limits),
        sink_(sink),
        more_(more),
        stop_(std::move(stop)) {}

  Status run() {
    while (true) {
      // Where the disk is faster than the network, what came so far is made durable whenever nothing waits, and after a
      // while however little it is: a transfer that is killed then loses little.
      auto event = gathered_.empty() ? queue_.pop() : queue_.pop_until(ripe_at());
      if (!event && gathered_.empty()) return {};
      if (!event) {
        TB_TRY(flush());
        continue;
      }
      TB_TRY(handle(*event));
    }
  }

 private:
  Status handle(Event& event) {
    if (auto* whole = std::get_if<Whole>(&event)) {
      const Received& received = whole->received;
      if (received.octets == 0 && announced(received.item) > 0) return nothing_came(received.item);
      if (gathered_.empty()) oldest_ = Steady::now();
      gathered_bytes_ += received.octets;
      gathered_.push_back(std::move(*whole));
      const bool full = gathered_.size() >= limits_.batch_messages || gathered_bytes_ >= limits_.batch_bytes;
      return full ? flush() : Status{};
    }
    if (auto* begin = std::get_if<Begin>(&event)) {
      TB_TRY(flush());
      return store_stream(begin->token);
    }
    if (std::holds_alternative<NextBlock>(event)) return next_block();
    if (auto* failed = std::get_if<Failed>(&event)) return sink_.failed(failed->token, failed->error);
    return {};
  }

  // What was being fetched is done with, and what was given behind it is being fetched.
  Status next_block() {
    TB_TRY(flush());
    first_ += items_.size();
    items_ = std::exchange(newest_, {});
    if (more_ && !items_.empty()) {
      TB_ASSIGN(newest_, more_());
    }
    handover_.give(fetch_items(newest_));
    return {};
  }

  // When the batch is stored though more messages would fit: at once, if it is large enough and none waits.
  Steady::time_point ripe_at() const {
    return gathered_bytes_ >= limits_.batch_ripe ? oldest_ : oldest_ + limits_.batch_age;
  }

  Status nothing_came(size_t item) {
    return sink_.failed(
        item, {.code = Errc::Protocol, .what = say("the server announced {} octets and sent none", announced(item))});
  }

  Action add_action(size_t token, size_t item, ContentSource* source) const {
    const TransferItem& what = items_[item - first_];
    Action action{
        .token = token, .op = Op::Add, .box = what.to, .add = what.flags, .date = what.date, .content = source};
    if (!what.mend.empty()) {
      action.op = Op::Mend;
      action.known = what.mend;
    }
    return action;
  }

  // A print is compared with those of headers alone, for which only the announced size is known.
  uint64_t announced(size_t item) const { return items_[item - first_].fetch.size; }

  Status flush() {
    if (gathered_.empty()) return {};
    std::vector<Action> actions;
    actions.reserve(gathered_.size());
    for (Whole& each : gathered_) actions.push_back(add_action(actions.size(), each.received.item, each.content.get()));
    TB_TRY(to_.apply(actions, *this, stop_));
    gathered_.clear();
    gathered_bytes_ = 0;
    return {};
  }

  Status store_stream(size_t item) {
    QueueSource source(queue_);
    stream_ = &source;
    gathered_.push_back({.received = {.item = item}, .content = nullptr});
    const std::vector<Action> actions{add_action(0, item, &source)};
    const Status status = to_.apply(actions, *this, stop_);
    stream_ = nullptr;
    gathered_.clear();
    // A receiver that refused the message has not read it to its end.
    while (status && !source.ended() && !source.broken()) {
      TB_ASSIGN(const std::string_view rest, source.next());
      if (rest.empty()) break;
    }
    return status;
  }

  Status done(uint64_t token, const Outcome& outcome) override {
    if (token >= gathered_.size()) return fail(Errc::Internal, say("an answer to an action never asked: {}", token));
    Received& received = gathered_[token].received;
    if (outcome.did != Did::Ok && outcome.did != Did::OkNoRef) {
      return sink_.failed(received.item,
                          Error{.code = Errc::Refused, .what = say("cannot be stored"), .server = outcome.words});
    }
    if (stream_ != nullptr) {
      received.octets = stream_->octets();
      received.print = stream_->print_as(announced(received.item));
      received.short_of = stream_->falls_short(announced(received.item));
    }
    ++stored_;
    octets_ += received.octets;
    return sink_.stored(received, outcome);
  }

  Status durable() override { return sink_.durable(std::exchange(stored_, 0), std::exchange(octets_, 0)); }

  Queue& queue_;
  Handover& handover_;
  Replica& to_;
  std::vector<TransferItem> items_, newest_;  // those that are coming, and those behind them
  size_t first_ = 0;                          // the index of the first of items_
  const TransferLimits& limits_;
  TransferSink& sink_;
  const MoreItems& more_;
  std::stop_token stop_;
  std::vector<Whole> gathered_;  // by the tokens of their actions; a large one alone, without its octets
  uint64_t gathered_bytes_ = 0;
  Steady::time_point oldest_{};
  QueueSource* stream_ = nullptr;
  uint64_t stored_ = 0;
  uint64_t octets_ = 0;
};

}  // namespace

Status transfer(Replica& from, Replica& to, std::vector<TransferItem> items, const TransferLimits& limits,
                TransferSink& sink, std::stop_token stop, const MoreItems& more) {
  Queue queue(limits.queue_bytes);
  Handover handover;
  // The fetching side ends when the caller asks, and also when the storing side has failed.
  std::stop_source local_stop;
  const std::stop_callback forward(stop, [&] { local_stop.request_stop(); });
  Status fetched;
  QueueSink queue_sink(queue, to, limits.stream_above);
  std::thread fetcher([&, block = fetch_items(items)]() mutable {
    while (fetched && !block.empty()) {
      fetched = queue_sink.next_block(block);
      if (fetched) fetched = from.fetch(block, queue_sink, local_stop.get_token());
      if (fetched) block = handover.take();
    }
    queue.finish();
  });
  Receiver receiver(queue, handover, to, std::move(items), limits, sink, more, stop);
  const Status received = receiver.run();
  if (!received) {
    queue.close();
    local_stop.request_stop();
    handover.give({});
  }
  fetcher.join();
  for (const size_t item : queue_sink.uncertain_items) TB_TRY(sink.uncertain(item));
  if (queue_sink.broke_off_in) TB_TRY(sink.broke_off(*queue_sink.broke_off_in));
  // A connection cut in the middle of a large message fails both sides: the server's side is the cause.
  if (!fetched && (received || received.error().code == Errc::Network)) return fetched;
  return received;
}

}  // namespace libsync::sync
