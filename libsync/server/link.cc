#include "libsync/server/link.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <utility>

#include "libsync/base/words.h"
#include "libsync/net/deflate.h"
#include "libsync/net/socket.h"
#include "libsync/server/connection.h"

namespace libsync::server {
namespace {

constexpr Steady::time_point kNever = Steady::time_point::max();
constexpr size_t kSegment = 1460;     // of Ethernet: what arrives at once where there is a rate
constexpr size_t kRecord = 16 << 10;  // of TLS
constexpr size_t kFeed = 16 << 10;    // as a server's socket is read
// 2026-01-01: wall time at the begin of every world.
constexpr int64_t kBegin = 1'767'225'600;

enum class End { None, Closed, Lost };

// What one side has sent and the other has not read.
struct Way {
  struct Piece {
    Steady::time_point at;
    std::string octets;
    End end = End::None;
    uint64_t wire = 0;  // octets that it took, those of TLS included
  };

  Steady::duration delay{};
  uint64_t rate = 0;
  std::optional<uint64_t> cut{};
  uint64_t passed = 0;
  Steady::time_point free_at{};  // when all that was sent is on its way
  std::deque<Piece> flying{};

  // When the last of so many octets arrives.
  Steady::time_point pass(Steady::time_point now, uint64_t octets) {
    passed += octets;
    free_at = std::max(free_at, now);
    if (rate != 0) free_at += std::chrono::nanoseconds((octets * 1'000'000'000 + rate - 1) / rate);
    return free_at + delay;
  }
  uint64_t left() const { return cut ? *cut - std::min(*cut, passed) : UINT64_MAX; }
  Steady::time_point next() const { return flying.empty() ? kNever : flying.front().at; }
};

// DEFLATE at one end.
struct Packing {
  net::Deflater deflater;
  net::Inflater inflater;

  Status expand(std::string_view input, std::string& out) {
    std::array<char, 4096> piece;
    while (true) {
      TB_ASSIGN(const size_t n, inflater.expand(input, piece));
      out.append(piece.data(), n);
      if (n == 0 && input.empty()) return {};
    }
  }
};

}  // namespace

// A connection with its server's end, which may outlive the client's.
class Line {
 public:
  Line(LinkOptions options, Steady::time_point now) : options_(std::move(options)), begin_(now) {
    out_ = {.delay = options_.delay, .rate = options_.rate_out, .cut = options_.cut_out};
    in_ = {.delay = options_.delay, .rate = options_.rate_in, .cut = options_.cut_in};
  }

  void open(std::unique_ptr<Session> session, Steady::time_point now) {
    session_ = std::move(session);
    in_.free_at = now;
  }

  // The connection's end, for both sides, behind what is on its way.
  void end(End how, Steady::time_point now) {
    if (ended_) return;
    ended_ = true;
    for (Way* way : {&out_, &in_}) {
      way->flying.push_back({.at = std::max(way->free_at, now) + way->delay, .octets = {}, .end = how});
    }
  }

  void send(Way& way, std::string_view octets, Steady::time_point now) {
    const uint64_t more = tls_ ? options_.tls_record : 0;
    const size_t most = tls_ ? kRecord : way.rate != 0 ? kSegment : octets.size();
    while (!octets.empty() && !ended_) {
      auto piece = octets.substr(0, most);
      octets.remove_prefix(piece.size());
      const bool cut = piece.size() + more > way.left();
      const uint64_t passes = cut ? way.left() : piece.size() + more;
      if (cut) piece = piece.substr(0, tls_ ? 0 : passes);
      const auto at = way.pass(now, passes);
      if (!piece.empty()) way.flying.push_back({.at = at, .octets = std::string(piece), .wire = passes});
      if (cut) end(options_.orderly ? End::Closed : End::Lost, now);
    }
  }

  // When the client has the server's part of the handshake; nothing: the connection was cut in it.
  std::optional<Steady::time_point> shake_hands(Steady::time_point now) {
    if (ended_ || out_.left() < options_.tls_handshake_out || in_.left() < options_.tls_handshake_in) {
      out_.pass(now, std::min(out_.left(), options_.tls_handshake_out));
      end(End::Lost, now);
      return std::nullopt;
    }
    const auto there = out_.pass(now, options_.tls_handshake_out);
    tls_ = true;
    return in_.pass(there, options_.tls_handshake_in);
  }

  // What the server does now; whether it did something.
  bool serve(Steady::time_point now) {
    if (options_.cut_at && now >= begin_ + *options_.cut_at) end(options_.orderly ? End::Closed : End::Lost, now);
    bool did = false;
    while (out_.next() <= now) {
      did = true;
      const Way::Piece piece = std::move(out_.flying.front());
      out_.flying.pop_front();
      if (piece.end != End::None) {
        hung_up_ = true;
      } else if (session_ != nullptr) {
        if (!server_) {
          waits_ += piece.octets;
        } else if (!server_->expand(piece.octets, waits_)) {
          end(End::Closed, now);
          leave();
        }
      }
    }
    if (session_ == nullptr) return did;
    more_ = in_.free_at > now;
    if (more_) return did;
    if (!waits_.empty() && session_->wants_input()) {
      const size_t n = std::min(waits_.size(), kFeed);
      session_->feed(std::string_view(waits_).substr(0, n), now);
      waits_.erase(0, n);
      did = true;
    }
    did = say(now) || did;
    // What came before the end is carried out first.
    if (hung_up_ && !did) leave();
    return did;
  }

  bool say(Steady::time_point now) {
    const std::string said = session_->take_output(now);
    if (!said.empty()) {
      more_ = true;
      std::string packed;
      if (server_) server_->deflater.add(said, packed);
      send(in_, server_ ? packed : said, now);
    }
    if (session_->over()) {
      end(End::Closed, now);
      leave();
      return true;
    }
    if (const auto behind = session_->take_deflate()) {
      server_ = std::make_unique<Packing>();
      const std::string compressed = *behind + std::exchange(waits_, {});
      if (!server_->expand(compressed, waits_)) {
        end(End::Closed, now);
        leave();
      }
      return true;
    }
    return !said.empty();
  }

  Steady::time_point next_event() const {
    Steady::time_point next = out_.next();
    if (options_.cut_at && !ended_) next = std::min(next, begin_ + *options_.cut_at);
    if (session_ == nullptr) return next;
    const bool ready = more_ || (!waits_.empty() && session_->wants_input());
    return std::min(next, std::max(in_.free_at, ready ? Steady::time_point{} : session_->deadline()));
  }

  bool gone() const { return session_ == nullptr && ended_ && out_.flying.empty(); }

  void leave() {
    session_.reset();
    waits_.clear();
  }

  const LinkOptions options_;
  const Steady::time_point begin_;
  Way out_, in_;
  bool ended_ = false, tls_ = false;
  std::unique_ptr<Session> session_;

 private:
  bool hung_up_ = false;
  bool more_ = true;   // to be asked as soon as what it said is on its way
  std::string waits_;  // arrived at the server, and not taken yet
  std::unique_ptr<Packing> server_;
};

// The client's end.
class LinkChannel final : public net::Channel {
 public:
  LinkChannel(LinkWorld& world, std::shared_ptr<Line> line) : world_(world), line_(std::move(line)) {}
  // What was written still arrives, and then the end of it.
  ~LinkChannel() override { line_->end(End::Closed, world_.now()); }

  void send(std::string_view bytes) override {
    if (bytes.empty()) return;
    sent_since_wait_ = true;
    queued_ += bytes;
  }

  Result<std::string_view> receive(Deadline deadline, std::stop_token stop) override {
    if (error_) return fail(*error_);
    if (closed_) return std::string_view();
    if (stop.stop_requested()) return fail(net::cancelled());
    bool first = true;
    while (true) {
      if (!first || !sent_since_wait_) write();
      world_.run_due();
      TB_TRY(take_what_came());
      if (first && !given_.empty()) write();
      if (!given_.empty() || closed_) return given_;
      if (error_) return fail(*error_);
      if (first && sent_since_wait_) {
        first = false;
        sent_since_wait_ = false;
        ++round_trips_;
        continue;
      }
      first = false;
      TB_TRY(wait(line_->in_.next(), deadline, stop));
    }
  }

  Status flush(Deadline deadline, std::stop_token stop) override {
    if (error_) return fail(*error_);
    write();
    while (line_->out_.free_at > world_.now()) TB_TRY(wait(line_->out_.free_at, deadline, stop));
    world_.run_due();
    return {};
  }

  Status start_tls(size_t surplus, Deadline deadline, std::stop_token stop) override {
    if (error_) return fail(*error_);
    if (line_->tls_ || packing_) return fail(Errc::Internal, say("TLS must be the first layer"));
    if (!queued_.empty()) return fail(Errc::Internal, say("commands are still queued before TLS"));
    if (surplus != 0 || line_->in_.next() <= world_.now()) {
      return broke({.code = Errc::Protocol, .what = say("{} sent more behind its answer to STARTTLS", host())});
    }
    const bool starts = line_->session_ != nullptr;
    if (starts && !line_->session_->wants_tls()) return fail(Errc::Internal, say("the server does not wait for TLS"));
    TB_TRY(handshake(deadline, stop));
    if (line_->session_ != nullptr) line_->session_->tls_started(bindings_of(*this), world_.now());
    return {};
  }

  Status handshake(Deadline deadline, const std::stop_token& stop) {
    const auto done = line_->shake_hands(world_.now());
    if (!done) return broke(net::lost(host(), 0));
    while (world_.now() < *done) {
      if (auto waited = wait(*done, deadline, stop); !waited) return broke(std::move(waited.error()));
    }
    ++round_trips_;
    return {};
  }

  Status start_deflate(std::string_view surplus) override {
    if (error_) return fail(*error_);
    if (packing_) return fail(Errc::Internal, say("compression is on already"));
    compressed_ = std::string(surplus);
    write();
    packing_ = std::make_unique<Packing>();
    return {};
  }

  void wake() override { woken_ = true; }
  const net::TlsInfo* tls() const override { return line_->tls_ ? &line_->options_.tls : nullptr; }
  net::Cost cost() const override {
    return {.bytes_in = bytes_in_ + (line_->tls_ ? line_->options_.tls_handshake_in : 0),
            .bytes_out = line_->out_.passed,
            .round_trips = round_trips_};
  }
  const std::string& host() const override { return line_->options_.host; }
  bool broken() const override { return error_.has_value(); }

 private:
  std::unexpected<Error> broke(Error error) {
    error_ = error;
    return std::unexpected(std::move(error));
  }

  void write() {
    if (queued_.empty()) return;
    std::string packed;
    if (packing_) packing_->deflater.add(queued_, packed);
    line_->send(line_->out_, packing_ ? packed : queued_, world_.now());
    queued_.clear();
  }

  Status take_what_came() {
    given_ = {};
    text_.clear();
    std::string came = std::exchange(compressed_, {});
    auto& flying = line_->in_.flying;
    while (!flying.empty() && flying.front().at <= world_.now() && !closed_ && !error_) {
      const Way::Piece& piece = flying.front();
      came += piece.octets;
      bytes_in_ += piece.wire;
      if (piece.end == End::Closed) closed_ = true;
      if (piece.end == End::Lost) error_ = net::lost(host(), ECONNRESET);
      flying.pop_front();
    }
    if (!packing_) {
      text_ = std::move(came);
    } else if (auto done = packing_->expand(came, text_); !done) {
      return broke(std::move(done.error()));
    }
    given_ = text_;
    // What came before the end is handed out first, and the end at the next call.
    return {};
  }

  // Moves time on to what happens next, and no further than `mine`.
  Status wait(Steady::time_point mine, Deadline deadline, const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(net::cancelled());
    if (woken_.exchange(false)) return fail(net::timed_out(host()));
    const auto next = std::min(mine, world_.next_event());
    if (next > deadline || next == kNever) {
      if (deadline != kNever) world_.move_to(deadline);
      return fail(net::timed_out(host()));
    }
    world_.move_to(next);
    world_.run_due();
    return {};
  }

  LinkWorld& world_;
  std::shared_ptr<Line> line_;
  std::string queued_, compressed_, text_;
  std::string_view given_;
  std::unique_ptr<Packing> packing_;
  std::optional<Error> error_;
  bool closed_ = false, sent_since_wait_ = false;
  std::atomic<bool> woken_ = false;
  uint64_t round_trips_ = 0, bytes_in_ = 0;
};

LinkWorld::LinkWorld() : now_(std::chrono::hours(1)) {}
LinkWorld::~LinkWorld() = default;

int64_t LinkWorld::unix_seconds() const {
  return kBegin + std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
}

Result<std::unique_ptr<net::Channel>> LinkWorld::connect(LinkOptions options, const MakeSession& make_session) {
  auto line = std::make_shared<Line>(std::move(options), now_);
  const auto delay = line->options_.delay;
  run_until(now_ + 2 * delay);
  auto channel = std::make_unique<LinkChannel>(*this, line);
  if (line->options_.encrypted) TB_TRY(channel->handshake(kNever, {}));
  // The session begins when the client's last word of the handshake is there.
  line->open(make_session(now_), now_ + delay);
  lines_.push_back(std::move(line));
  return channel;
}

void LinkWorld::at(Steady::time_point when, std::function<void()> act) { acts_.emplace(when, std::move(act)); }

void LinkWorld::run_due() {
  for (bool again = true; again;) {
    again = false;
    while (!acts_.empty() && acts_.begin()->first <= now_) {
      const auto act = std::move(acts_.extract(acts_.begin()).mapped());
      act();
    }
    // Every session is asked, as what one did may be news to the others.
    for (const auto& line : lines_) again = line->serve(now_) || line->next_event() <= now_ || again;
  }
  std::erase_if(lines_, [](const auto& line) { return line->gone(); });
}

Steady::time_point LinkWorld::next_event() const {
  Steady::time_point next = acts_.empty() ? kNever : acts_.begin()->first;
  for (const auto& line : lines_) next = std::min(next, line->next_event());
  return next;
}

void LinkWorld::run_until(Steady::time_point when) {
  run_due();
  while (next_event() <= when) {
    move_to(next_event());
    run_due();
  }
  move_to(when);
}

}  // namespace libsync::server
