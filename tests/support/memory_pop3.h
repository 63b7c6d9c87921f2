// A POP3 server without sockets: a maildrop in memory, and sessions on it (RFC 1939; CAPA, TOP, UIDL, PIPELINING).
// Where scripted_channel.h says what a script says, this one answers whatever is asked.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "libsync/net/channel.h"

namespace twinbox::test {

struct Maildrop {
  struct Message {
    std::string uidl, octets;  // lines end in CRLF, the last one too
  };
  std::vector<Message> messages{};
};

// One session. What was marked by DELE goes at QUIT, after `at_quit` was told of it; where that says false, the
// connection ends there and nothing goes.
class Pop3Session final : public libsync::net::Channel {
 public:
  using AtQuit = std::function<bool(const std::vector<Maildrop::Message>& told_to_remove)>;
  // `drop` outlives it.
  explicit Pop3Session(Maildrop& drop, AtQuit at_quit = {});

  void send(std::string_view bytes) override;
  libsync::Result<std::string_view> receive(libsync::Deadline deadline, std::stop_token stop) override;
  libsync::Status flush(libsync::Deadline, std::stop_token) override { return {}; }
  libsync::Status start_tls(size_t, libsync::Deadline, std::stop_token) override { return not_offered(); }
  libsync::Status start_deflate(std::string_view) override { return not_offered(); }
  const libsync::net::TlsInfo* tls() const override { return &tls_; }
  libsync::net::Cost cost() const override { return {}; }
  const std::string& host() const override { return host_; }

 private:
  static libsync::Status not_offered() { return libsync::fail(libsync::Errc::Internal, "not offered"); }
  void answer(const std::string& line);
  void listing(bool uidls);
  void message(size_t number, const std::string& lines);
  void quit();

  Maildrop& drop_;
  AtQuit at_quit_;
  std::string host_ = "pop.example.org";
  libsync::net::TlsInfo tls_{};
  std::string in_, out_, given_;
  std::set<size_t> marked_;
  bool over_ = false;
};

}  // namespace twinbox::test
