#include "libsync/net/socket_channel.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::net {
namespace {
// What one receive() hands out at most: large enough that a fast server costs few calls, small enough
// to stay in the processor's cache.
constexpr size_t kReadBuffer = 256 << 10;
// Clients say little, and there may be hundreds of them.
constexpr size_t kServerReadBuffer = 16 << 10;
// Past this a queue that has drained gives its memory back (an APPEND of a large message).
constexpr size_t kKeepOutput = 1 << 20;
}  // namespace

SocketChannel::SocketChannel(Socket socket, std::string host, uint16_t port, TlsOptions tls, Trace* trace)
    : socket_(std::move(socket)),
      host_(std::move(host)),
      port_(port),
      tls_options_(std::move(tls)),
      trace_(trace),
      in_(kReadBuffer) {}

SocketChannel::SocketChannel(Socket socket, std::string client, uint16_t port, std::shared_ptr<TlsServer> server,
                             Trace* trace)
    : socket_(std::move(socket)),
      host_(std::move(client)),
      port_(port),
      serves_(true),
      tls_server_(std::move(server)),
      trace_(trace),
      in_(kServerReadBuffer) {}

SocketChannel::~SocketChannel() {
  if (tls_) tls_->close_notify();
}

std::unexpected<Error> SocketChannel::broke(Error error) {
  error_ = error;
  return std::unexpected(std::move(error));
}

void SocketChannel::note(std::string_view text) {
  if (trace_ != nullptr) trace_->line(TraceKind::Note, text);
}

void SocketChannel::send(std::string_view bytes) {
  if (bytes.empty()) return;
  sent_since_wait_ = true;
  (deflater_ ? plain_out_ : out_).append(bytes);
}

void SocketChannel::queue_compressed() {
  if (!deflater_ || plain_out_.empty()) return;
  deflater_->add(plain_out_, out_);
  plain_out_.clear();
  if (plain_out_.capacity() > kKeepOutput) plain_out_.shrink_to_fit();
}

void SocketChannel::write_what_goes() {
  while (output_left() && write_error_ == 0) {
    const auto rest = std::string_view(out_).substr(out_done_);
    const auto result = tls_ ? tls_->write_some(rest) : socket_.write_some(rest);
    if (result.io == Io::WouldBlock) return;
    if (result.io == Io::Failed) write_error_ = result.error;
    out_done_ += result.bytes;
  }
  if (output_left()) return;
  out_.clear();
  out_done_ = 0;
  if (out_.capacity() > kKeepOutput) out_.shrink_to_fit();
}

IoResult SocketChannel::read_wire(std::span<char> out) { return tls_ ? tls_->read_some(out) : socket_.read_some(out); }

Result<std::string_view> SocketChannel::inflate_what_came() {
  TB_ASSIGN(const size_t n, inflater_->expand(compressed_, inflated_));
  inflate_more_ = n == inflated_.size();
  return std::string_view(inflated_.data(), n);
}

Result<std::string_view> SocketChannel::read_what_came() {
  for (;;) {
    if (inflater_ && (inflate_more_ || !compressed_.empty())) {
      TB_ASSIGN(const auto text, inflate_what_came());
      if (!text.empty()) return text;
      continue;
    }
    const auto result = read_wire(in_);
    if (result.io == Io::Failed) return fail(tls_ ? tls_->failure() : lost(host_, result.error));
    if (result.io == Io::Closed) closed_ = true;
    if (result.io != Io::Done) return std::string_view();
    const std::string_view came(in_.data(), result.bytes);
    if (!inflater_) return came;
    compressed_ = came;
  }
}

Status SocketChannel::wait(bool to_read, Deadline deadline, const std::stop_token& stop) {
  const bool to_write = (output_left() && write_error_ == 0) || (tls_ && tls_->read_wants_write());
  switch (socket_.wait(to_read, to_write, deadline, stop, to_read)) {
    case Socket::Ready::Yes:
      return {};
    case Socket::Ready::Cancelled:
      return fail(cancelled());
    case Socket::Ready::TimedOut:
      break;
  }
  return fail(timed_out(host_));
}

Result<std::string_view> SocketChannel::receive(Deadline deadline, std::stop_token stop) {
  if (error_) return fail(*error_);
  if (closed_) return std::string_view();
  if (stop.stop_requested()) return fail(cancelled());
  queue_compressed();
  // What was there before our bytes left is no answer to them: it costs no round trip.
  bool first = true;
  for (;;) {
    if (!first || !sent_since_wait_) write_what_goes();
    auto came = read_what_came();
    if (!came) return broke(std::move(came.error()));
    if (!came->empty() && first) write_what_goes();
    if (!came->empty() || closed_) return came;
    if (first && sent_since_wait_) {
      first = false;
      sent_since_wait_ = false;
      ++round_trips_;
      continue;
    }
    first = false;
    if (write_error_ != 0) return broke(lost(host_, write_error_));
    TB_TRY(wait(true, deadline, stop));
  }
}

Status SocketChannel::flush(Deadline deadline, std::stop_token stop) {
  if (error_) return fail(*error_);
  if (stop.stop_requested()) return fail(cancelled());
  queue_compressed();
  for (;;) {
    write_what_goes();
    if (write_error_ != 0) return broke(lost(host_, write_error_));
    if (!output_left()) return {};
    TB_TRY(wait(false, deadline, stop));
  }
}

Status SocketChannel::start_tls(size_t surplus, Deadline deadline, std::stop_token stop) {
  if (error_) return fail(*error_);
  if (tls_ || inflater_) return fail(Errc::Internal, say("TLS must be the first layer on the connection to {}", host_));
  if (output_left()) return fail(Errc::Internal, say("commands to {} are still queued before TLS", host_));
  // A client may begin the handshake as soon as it has our OK; what else it said is thrown away by the session.
  if (!serves_ && (surplus != 0 || socket_.has_input())) {
    return broke({.code = Errc::Protocol,
                  .what = say("{} sent more behind its answer to STARTTLS than it may", host_),
                  .hint = say("someone on the way may be inserting commands; the connection was closed")});
  }
  return handshake(deadline, stop);
}

Status SocketChannel::handshake(Deadline deadline, const std::stop_token& stop) {
  if (serves_ && tls_server_ == nullptr) return fail(Errc::Internal, say("there is no certificate to serve TLS with"));
  auto session = serves_ ? TlsSession::serve(socket_, tls_server_, host_, port_, kServerReadBuffer)
                         : TlsSession::make(socket_, tls_options_, host_, port_, trace_);
  if (!session) return broke(std::move(session.error()));
  if (auto done = (*session)->handshake(deadline, stop); !done) return broke(std::move(done.error()));
  tls_ = std::move(*session);
  ++round_trips_;
  const auto& info = tls_->info();
  const auto version = info.version.starts_with("TLSv") ? "TLS " + info.version.substr(4) : info.version;
  note(say("{}, {}, certificate {} expires {}", version, info.cipher, info.subject, info.expires));
  return {};
}

Status SocketChannel::start_deflate(std::string_view surplus) {
  if (error_) return fail(*error_);
  if (inflater_) return fail(Errc::Internal, say("compression is on already for {}", host_));
  // The surplus may be a view into in_, which stays untouched until it is used up.
  const std::string copy(surplus);
  if (copy.size() > in_.size()) in_.resize(copy.size());
  std::ranges::copy(copy, in_.begin());
  compressed_ = std::string_view(in_.data(), copy.size());
  inflated_.resize(in_.size());
  deflater_ = std::make_unique<Deflater>();
  inflater_ = std::make_unique<Inflater>();
  note(say("compression on (DEFLATE)"));
  return {};
}

const TlsInfo* SocketChannel::tls() const { return tls_ ? &tls_->info() : nullptr; }

Cost SocketChannel::cost() const {
  return {.bytes_in = socket_.bytes_in(), .bytes_out = socket_.bytes_out(), .round_trips = round_trips_};
}

}  // namespace libsync::net
