// PLAIN (RFC 4616) and LOGIN, as a server hears them.
#include <utility>

#include "libsync/base/words.h"
#include "libsync/sasl/server_makers.h"

namespace libsync::sasl {
namespace {

std::unexpected<Error> refused() { return fail(Errc::Auth, say("wrong user name or password")); }

class Plain final : public ServerMechanism {
 public:
  explicit Plain(ServerContext context) : context_(std::move(context)) {}
  std::string_view name() const override { return "PLAIN"; }
  const std::string& user() const override { return user_; }
  Result<std::optional<std::string>> begin() override { return std::nullopt; }

  Result<Turn> take(std::string_view response) override {
    const bool again = std::exchange(over_, true);
    if (response.size() > kMaxResponse) return fail(Errc::Limit, say("PLAIN: a response too long"));
    const size_t first = response.find('\0');
    const size_t second = first == response.npos ? first : response.find('\0', first + 1);
    if (again || second == response.npos || response.find('\0', second + 1) != response.npos) {
      return fail(Errc::Protocol, say("PLAIN: not an authorisation identity, a user name and a password"));
    }
    const std::string_view authzid = response.substr(0, first);
    const std::string_view name = response.substr(first + 1, second - first - 1);
    const Secret password(std::string(response.substr(second + 1)));
    // Nobody acts for somebody else here.
    if (!is_password_of(context_.find_password, name, password) || !(authzid.empty() || authzid == name)) {
      return refused();
    }
    user_ = name;
    return Turn{.done = true};
  }

 private:
  ServerContext context_;
  std::string user_;
  bool over_ = false;
};

class Login final : public ServerMechanism {
 public:
  explicit Login(ServerContext context) : context_(std::move(context)) {}
  std::string_view name() const override { return "LOGIN"; }
  const std::string& user() const override { return user_; }
  Result<std::optional<std::string>> begin() override { return "Username:"; }

  Result<Turn> take(std::string_view response) override {
    const int step = step_++;
    if (response.size() > kMaxResponse) return fail(Errc::Limit, say("LOGIN: a response too long"));
    switch (step) {
      case 0:
        name_ = response;
        return Turn{.challenge = "Password:"};
      case 1:
        if (!is_password_of(context_.find_password, name_, Secret(std::string(response)))) return refused();
        user_ = name_;
        return Turn{.done = true};
      default:
        return fail(Errc::Protocol, say("LOGIN: more than a user name and a password"));
    }
  }

 private:
  ServerContext context_;
  std::string name_, user_;
  int step_ = 0;
};

}  // namespace

std::unique_ptr<ServerMechanism> serve_plain(ServerContext context) {
  return std::make_unique<Plain>(std::move(context));
}
std::unique_ptr<ServerMechanism> serve_login(ServerContext context) {
  return std::make_unique<Login>(std::move(context));
}

}  // namespace libsync::sasl
