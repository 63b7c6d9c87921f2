// The Channel over a socket, with TLS and COMPRESS on top as they are switched on. Inside net only. Contract,
// threads and errors: channel.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libsync/base/trace.h"
#include "libsync/net/channel.h"
#include "libsync/net/deflate.h"
#include "libsync/net/socket.h"
#include "libsync/net/tls_options.h"
#include "libsync/net/tls_server.h"
#include "libsync/net/tls_session.h"

namespace libsync::net {

class SocketChannel final : public Channel {
 public:
  SocketChannel(Socket socket, std::string host, uint16_t port, TlsOptions tls, Trace* trace);
  // Of an accepted connection: `client` is its address, start_tls() the server's half. Reads in small pieces.
  SocketChannel(Socket socket, std::string client, uint16_t port, std::shared_ptr<TlsServer> server, Trace* trace);
  ~SocketChannel() override;

  void send(std::string_view bytes) override;
  Result<std::string_view> receive(Deadline deadline, std::stop_token stop) override;
  Status flush(Deadline deadline, std::stop_token stop) override;
  Status start_tls(size_t surplus, Deadline deadline, std::stop_token stop) override;
  Status start_deflate(std::string_view surplus) override;
  void wake() override { socket_.wake(); }
  const TlsInfo* tls() const override;
  Cost cost() const override;
  const std::string& host() const override { return host_; }
  bool broken() const override { return error_.has_value(); }

  // The handshake alone, for implicit TLS.
  Status handshake(Deadline deadline, const std::stop_token& stop);

 private:
  bool output_left() const { return out_done_ < out_.size(); }
  std::unexpected<Error> broke(Error error);
  void queue_compressed();
  void write_what_goes();
  Result<std::string_view> read_what_came();  // empty: nothing came, or closed_
  Result<std::string_view> inflate_what_came();
  IoResult read_wire(std::span<char> out);
  Status wait(bool to_read, Deadline deadline, const std::stop_token& stop);
  void note(std::string_view text);

  Socket socket_;
  const std::string host_;
  const uint16_t port_;
  const TlsOptions tls_options_;
  const bool serves_ = false;
  const std::shared_ptr<TlsServer> tls_server_{};
  Trace* trace_;
  std::unique_ptr<TlsSession> tls_;
  std::unique_ptr<Deflater> deflater_;
  std::unique_ptr<Inflater> inflater_;

  std::string out_;  // ready for TLS or the socket; sent up to out_done_
  size_t out_done_ = 0;
  std::string plain_out_;  // waits for the deflater
  std::vector<char> in_;
  std::vector<char> inflated_;
  std::string_view compressed_;  // in in_: not yet inflated
  bool closed_ = false;
  bool inflate_more_ = false;  // the last expansion filled its buffer
  bool sent_since_wait_ = false;
  uint64_t round_trips_ = 0;
  int write_error_ = 0;  // told only when there is nothing more to read
  std::optional<Error> error_;
};

}  // namespace libsync::net
