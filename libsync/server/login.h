// A login by SASL over whichever protocol is served, and the answer to a failed one, which is kept back. How either is
// said on the wire is the session's; so is what a trace shows of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/sasl/server.h"

namespace libsync::server {

struct LoginOptions {
  sasl::ServerContext context{};
  // Mechanisms by name: not to be had, and to be had though they are not by default.
  std::vector<std::string> off{}, asked_for{};
  uint64_t failed_logins = 3;
  std::chrono::seconds failed_login_delay{1};  // behind the first failed login; twice as long behind each other one
};

// One thread at a time.
class Login {
 public:
  enum class Step : uint8_t {
    Challenge,    // `text` goes to the client, in base64 already; what it answers goes to respond()
    In,           // `text` is the user, who has proved who it is
    Wrong,        // the password is; refuse() says when that may be told
    GivenUp,      // by the client
    Malformed,    // `text` says how
    NoMechanism,  // there is none of that name, or not here
    NotNow,       // nothing of the client's doing
  };
  struct Answer {
    Step step = Step::NotNow;
    std::string text{};
  };

  explicit Login(LoginOptions options) : options_(std::move(options)) {}

  // TLS has begun.
  void bind(std::vector<sasl::ChannelBinding> bindings) { options_.context.bindings = std::move(bindings); }
  // Best first. Those that send the password as it is: where it `may_say_password`.
  std::vector<std::string_view> mechanisms(bool may_say_password) const;

  // An exchange; each step but Challenge ends it. The initial response, if one came, is in base64, or "=" where it is
  // empty (RFC 4954 and 5034, section 4; RFC 4959, section 3).
  Answer begin(std::string_view mechanism, std::optional<std::string_view> initial, bool may_say_password);
  bool in_exchange() const { return mechanism_ != nullptr; }
  Answer respond(std::string_view line);
  void end() { mechanism_.reset(); }

  bool is_password_of(std::string_view user, const Secret& password) const {
    return sasl::is_password_of(options_.context.find_password, user, password);
  }

  // A failed login. The answer to it, and to whatever comes behind it, waits until answer_at(), twice as long each
  // time: guessing is to take long.
  void refuse(Steady::time_point now);
  const std::optional<Steady::time_point>& answer_at() const { return answer_at_; }
  // Whether it is time; once.
  bool take_answer(Steady::time_point now);
  // The session is to end behind the answer.
  bool too_many() const { return failed_ >= options_.failed_logins; }

 private:
  bool offers(const sasl::ServerMechanismInfo& row, bool may_say_password) const;

  LoginOptions options_;
  std::unique_ptr<sasl::ServerMechanism> mechanism_;
  uint64_t failed_ = 0;
  std::optional<Steady::time_point> answer_at_;
};

// Whether it is among them, without regard to ASCII case.
bool names(const std::vector<std::string>& list, std::string_view name);

// What a trace shows of a command whose first `words` hold no secret.
std::string without_secret(std::string_view line, size_t words);

}  // namespace libsync::server
