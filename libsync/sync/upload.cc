// Messages read from one side and given to the other, batch by batch, on one thread: reading from the local store takes
// no time beside a server's, and must not happen beside what is written to the link.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/apply.h"
#include "libsync/sync/byte_queue.h"
#include "libsync/sync/octet_counter.h"
#include "libsync/sync/print.h"

namespace libsync::sync {
namespace {

// A batch: in memory, and in doubt together when a connection ends.
constexpr uint64_t kBatchOctets = uint64_t{12} << 20;
constexpr size_t kBatchMessages = 1000;
constexpr size_t kPieceBytes = 256 << 10;

// What the other side will have.
struct Expected {
  uint64_t size = 0;
  Id print{};
};

// Messages of a batch, in memory.
class Gather final : public MessageSink {
 public:
  explicit Gather(size_t count) : octets(count), errors(count) {}
  Status begin(uint64_t, uint64_t size) override {
    buffer_.clear();
    buffer_.reserve(std::min(size, kBatchOctets));
    return {};
  }
  Status data(std::string_view bytes) override {
    buffer_.append(bytes);
    return {};
  }
  Status end(uint64_t token) override {
    octets[token] = std::exchange(buffer_, {});
    return {};
  }
  Status failed(uint64_t token, const Error& error) override {
    errors[token] = error;
    return {};
  }

  std::vector<std::optional<std::string>> octets;
  std::vector<std::optional<Error>> errors;

 private:
  std::string buffer_;
};

// A large message, in pieces. It is read on a thread of its own, which nothing else of that replica's runs beside.
class Pulled final : public ContentSource {
 public:
  Pulled(Replica& from, FetchItem item, uint64_t size) : from_(from), item_(std::move(item)), size_(size) {}
  ~Pulled() override { close(); }
  Pulled(const Pulled&) = delete;
  Pulled& operator=(const Pulled&) = delete;

  std::optional<uint64_t> size() const override { return size_; }
  Result<std::string_view> next() override {
    if (!reader_) start();
    auto piece = reader_->queue.pop();
    if (!piece) {
      close();
      if (!status_) return std::unexpected(status_.error());
      return std::string_view();
    }
    piece_ = std::move(*piece);
    return piece_;
  }
  Status rewind() override {
    close();
    return {};
  }
  // Nothing is read any more when this returns.
  void close() {
    if (!reader_) return;
    reader_->queue.close();
    reader_->thread.join();
    status_ = reader_->status;
    reader_.reset();
  }

 private:
  struct Reader final : MessageSink {
    Status begin(uint64_t, uint64_t) override { return {}; }
    Status data(std::string_view bytes) override {
      while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, kPieceBytes);
        bytes.remove_prefix(piece.size());
        if (!queue.push(std::string(piece), piece.size())) return fail(Errc::Cancelled, std::string(word("stopped")));
      }
      return {};
    }
    Status end(uint64_t) override { return {}; }
    Status failed(uint64_t, const Error& error) override { return fail(error); }
    ByteQueue<std::string> queue{4 * kPieceBytes};
    Status status{};
    std::thread thread{};
  };

  void start() {
    status_ = {};
    reader_ = std::make_unique<Reader>();
    reader_->thread = std::thread([this, reader = reader_.get()] {
      reader->status = from_.fetch(std::span(&item_, 1), *reader, {});
      reader->queue.finish();
    });
  }

  Replica& from_;
  FetchItem item_;
  uint64_t size_;
  std::string piece_;
  std::unique_ptr<Reader> reader_;
  Status status_{};
};

class Uploader final : ActionSink {
 public:
  Uploader(Run& run, Side side, std::span<const Todo> todo)
      : run_(run), side_(side), from_(other(side)), todo_(todo), crlf_(run.replica(side).capabilities().crlf) {}

  Status run() {
    for (size_t at = 0; at < todo_.size();) {
      const uint64_t stream_above = run_.options.limits.stream_above;
      if (size_of(at) > stream_above) {
        TB_TRY(one(at++));
        continue;
      }
      size_t end = at;
      uint64_t octets = 0;
      while (end < todo_.size() && end - at < kBatchMessages && octets < kBatchOctets && size_of(end) <= stream_above) {
        octets += size_of(end++);
      }
      TB_TRY(batch(at, end));
      at = end;
    }
    return {};
  }

 private:
  uint64_t size_of(size_t i) const { return todo_[i].row->size_on(from_); }

  FetchItem item(size_t i, uint64_t token) const {
    const Half& half = todo_[i].row->half(from_);
    const Pair::End& end = run_.book.find(half.pair)->at(from_);
    return {.token = token, .ref = {end.box, end.epoch, half.key}, .size = size_of(i)};
  }

  Status batch(size_t begin, size_t end) {
    std::vector<FetchItem> items;
    for (size_t i = begin; i < end; ++i) items.push_back(item(i, i - begin));
    Gather gather(items.size());
    TB_TRY(run_.replica(from_).fetch(items, gather, run_.stop));
    which_.clear();
    octets_.clear();
    std::vector<Expected> expected;
    std::vector<std::unique_ptr<ContentSource>> sources;
    for (size_t i = begin; i < end; ++i) {
      auto& octets = gather.octets[i - begin];
      if (!octets) {
        skip(i, gather.errors[i - begin]);
        continue;
      }
      which_.push_back(i);
      octets_.push_back(octets->size());
      expected.push_back(expect(*octets));
      sources.push_back(run_.replica(side_).prepare(*octets));
      octets.reset();
    }
    return give(expected, sources);
  }

  // Alone, and so that nothing is read beside what is written when it is done.
  Status one(size_t i) {
    auto source = std::make_unique<Pulled>(run_.replica(from_), item(i, 0), size_of(i));
    pulled_ = source.get();
    OctetCounter counter;
    PrintBuilder print;
    while (true) {
      const auto piece = source->next();
      const bool only_this = !piece && (piece.error().code == Errc::NotFound || piece.error().code == Errc::Corrupt ||
                                        piece.error().code == Errc::Refused || piece.error().code == Errc::Limit);
      if (only_this) {
        skip(i, piece.error());
        return {};
      }
      if (!piece) return std::unexpected(piece.error());
      if (piece->empty()) break;
      counter.update(*piece);
      print.update(*piece);
    }
    TB_TRY(source->rewind());
    which_ = {i};
    octets_ = {size_of(i)};
    const uint64_t size = crlf_ ? counter.count() : size_of(i);
    std::vector<std::unique_ptr<ContentSource>> sources;
    sources.push_back(std::move(source));
    const Status status = give({{size, print.finish(size)}}, sources);
    pulled_ = nullptr;
    return status;
  }

  Expected expect(std::string_view octets) const {
    uint64_t size = octets.size();
    if (crlf_) {
      OctetCounter counter;
      counter.update(octets);
      size = counter.count();
    }
    return {size, print_of_message(octets, size)};
  }

  void skip(size_t i, const std::optional<Error>& error) {
    const Half& half = todo_[i].row->half(from_);
    const std::string why = error ? error->text() : std::string(word("can't be read"));
    run_.report.skipped.push_back({run_.place(half, from_), why});
    run_.note(*todo_[i].row, todo_[i].planned, Event::What::PutOff, why);
  }

  Status give(const std::vector<Expected>& expected, const std::vector<std::unique_ptr<ContentSource>>& sources) {
    if (sources.empty()) return {};
    std::vector<Action> actions;
    {
      TB_ASSIGN(auto batch, run_.link.begin());
      before_.clear();
      for (size_t k = 0; k < which_.size(); ++k) {
        const Todo& todo = todo_[which_[k]];
        before_.push_back(*todo.row);
        expect_at(*todo.row, expected[k], octets_[k]);
        todo.row->half(side_) = adding(run_, todo.planned.pair, todo.planned.add);
        todo.row->dirty = true;
        TB_TRY(run_.link.put(*todo.row));
        run_.touched[index(side_)].insert(todo.planned.pair);
        actions.push_back({.token = k,
                           .op = Op::Add,
                           .box = run_.book.find(todo.planned.pair)->at(side_).box,
                           .add = todo.planned.add,
                           .date = todo.row->date,
                           .content = sources[k].get()});
      }
      TB_TRY(run_.close_look());
      TB_TRY(batch->commit());
    }
    const Status status = run_.replica(side_).apply(actions, *this, run_.stop);
    TB_TRY(durable());
    return status;
  }

  void expect_at(Row& row, const Expected& expected, uint64_t octets) const {
    row.print = expected.print;
    const uint64_t size_a = side_ == Side::A ? expected.size : octets;
    const uint64_t size_b = side_ == Side::A ? octets : expected.size;
    row.size = size_a;
    row.size_b = size_b == size_a ? 0 : size_b;
  }

  Status done(uint64_t token, const Outcome& outcome) override {
    if (token >= which_.size()) return fail(Errc::Internal, say("an answer to an action never asked: {}", token));
    waiting_.emplace_back(token, outcome);
    return {};
  }

  Status durable() override {
    if (waiting_.empty()) return {};
    if (pulled_ != nullptr) pulled_->close();
    uint64_t messages = 0, octets = 0;
    TB_ASSIGN(auto batch, run_.link.begin_later());
    for (const auto& [token, outcome] : std::exchange(waiting_, {})) {
      TB_TRY(take(token, outcome));
      if (outcome.did != Did::Ok && outcome.did != Did::OkNoRef) continue;
      ++messages;
      octets += octets_[token];
    }
    TB_TRY(batch->commit());
    run_.report.on(side_).added += messages;
    run_.report.on(side_).octets += octets;
    if (messages > 0) run_.observer.carried(messages, octets);
    return {};
  }

  Status take(size_t token, const Outcome& outcome) {
    const Todo& todo = todo_[which_[token]];
    Row& row = *todo.row;
    Half& half = row.half(side_);
    switch (outcome.did) {
      case Did::Ok: {
        TB_ASSIGN(const bool elsewhere, is_taken(run_, side_, todo.planned.pair, outcome, row.id));
        if (elsewhere) {
          half.asked = Asked::Taken;
          return save(run_, row);
        }
        run_.note(row, todo.planned, Event::What::Done);
        half = placed(todo.planned.pair, outcome, todo.planned.add);
        if (side_ == Side::A) {
          row.doubt = Doubt::Unseen;
        } else if (!outcome.content.empty()) {
          row.content = outcome.content;
        }
        TB_TRY(note_epoch(run_, side_, todo.planned.pair, outcome.ref));
        return save(run_, row);
      }
      case Did::OkNoRef:
        run_.note(row, todo.planned, Event::What::Done);
        half.asked = Asked::Taken;
        return save(run_, row);
      case Did::Unknown:
        return {};
      default:
        return refused(token, outcome);
    }
  }

  Status refused(size_t token, const Outcome& outcome) {
    Row& row = *todo_[which_[token]].row;
    row = before_[token];
    const bool passes = outcome.did == Did::Retry || outcome.did == Did::Quota || outcome.did == Did::NoBox;
    if (!passes) {
      block(run_, row, todo_[which_[token]].planned, outcome);
    } else {
      const Half& half = row.half(from_);
      if (outcome.did != Did::NoBox) run_.not_now.insert(row.id);
      run_.report.skipped.push_back(
          {run_.place(half, from_), outcome.words.empty() ? std::string(word("refused")) : outcome.words});
      run_.note(row, todo_[which_[token]].planned, Event::What::PutOff, outcome.words);
      if (outcome.did == Did::Retry) run_.note_pause(outcome.retry_after, outcome.words);
    }
    return save(run_, row);
  }

  Run& run_;
  Side side_, from_;
  std::span<const Todo> todo_;
  bool crlf_;
  std::vector<size_t> which_;  // of the batch: indices into todo_
  std::vector<uint64_t> octets_;
  std::vector<Row> before_;
  std::vector<std::pair<size_t, Outcome>> waiting_;
  Pulled* pulled_ = nullptr;
};

}  // namespace

Status upload(Run& run, Side side, std::span<const Todo> todo) { return Uploader(run, side, todo).run(); }

}  // namespace libsync::sync
