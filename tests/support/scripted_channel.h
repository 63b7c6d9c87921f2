// A connection whose other end is a script: what the client must send, what the server answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/net/channel.h"

namespace twinbox::test {

struct ScriptStep {
  enum class Kind {
    Client,   // the client must send this line (its CRLF comes off)
    Prefix,   // the client must send a line that begins so
    Octets,   // the client must send exactly these octets: no line
    Server,   // the server sends these octets
    Tls,      // the client must call start_tls() here
    Deflate,  // the client must call start_deflate() here; the octets go on as they are
    Close,    // the server closes in an orderly way
    Cut,      // the connection breaks
  };
  Kind kind;
  std::string text{};
};

// One line a step; lines before the first and empty ones are skipped, leading spaces don't count:
//   "C: LINE"   Client        "C~ TEXT"  Prefix       "C= TEXT"  Octets
//   "S: LINE"   Server, CRLF added                    "S= TEXT"  Server, as it is
//   "TLS", "DEFLATE", "CLOSE", "CUT"
// In S=, C= and S: \r \n \0 \t \\ and \xHH stand for the octets.
std::vector<ScriptStep> parse_script(std::string_view script);

// Where the script waits for the client and the client waits too, or the script is over, receive()
// fails at once as if its deadline had passed. A client that sends something else than the script says
// gets an error, and mismatch() tells.
class ScriptedChannel final : public libsync::net::Channel {
 public:
  struct Options {
    std::string host = "mail.example.org";
    bool tls = true;   // encrypted from the start
    size_t piece = 0;  // the most octets a receive() hands out; 0: all there are up to the next client step
    libsync::net::TlsInfo info{};
  };
  explicit ScriptedChannel(std::string_view script) : ScriptedChannel(parse_script(script), Options{}) {}
  ScriptedChannel(std::string_view script, Options options) : ScriptedChannel(parse_script(script), options) {}
  ScriptedChannel(std::vector<ScriptStep> steps, Options options);

  void send(std::string_view bytes) override;
  libsync::Result<std::string_view> receive(libsync::Deadline deadline, std::stop_token stop) override;
  libsync::Status flush(libsync::Deadline deadline, std::stop_token stop) override;
  libsync::Status start_tls(size_t surplus, libsync::Deadline deadline, std::stop_token stop) override;
  libsync::Status start_deflate(std::string_view surplus) override;
  const libsync::net::TlsInfo* tls() const override { return encrypted_ ? &options_.info : nullptr; }
  libsync::net::Cost cost() const override { return cost_; }
  const std::string& host() const override { return options_.host; }
  bool broken() const override { return broken_.has_value(); }

  // Everything the client has sent.
  const std::string& sent() const { return sent_; }
  // Empty, or what the client did that the script doesn't say.
  const std::string& mismatch() const { return mismatch_; }
  // True when every step was taken.
  bool finished() const { return at_ == steps_.size(); }
  size_t steps_taken() const { return at_; }

 private:
  bool advance();  // takes client steps; false: a mismatch
  bool take_client_step(const ScriptStep& step);
  libsync::Status break_off(libsync::Errc code, std::string what);

  std::vector<ScriptStep> steps_;
  Options options_;
  size_t at_ = 0;
  size_t server_at_ = 0;  // octets of the current Server step already handed out
  std::string sent_;
  size_t matched_ = 0;  // octets of sent_ that steps have taken
  std::string piece_;
  bool encrypted_;
  bool waiting_ = false, closed_ = false;
  std::string mismatch_;
  std::optional<libsync::Error> broken_;
  libsync::net::Cost cost_;
};

}  // namespace twinbox::test
