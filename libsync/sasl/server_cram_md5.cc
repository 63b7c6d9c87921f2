// CRAM-MD5 (RFC 2195), as a server hears it. Off unless asked for.
#include <utility>

#include "libsync/base/digest.h"
#include "libsync/base/words.h"
#include "libsync/sasl/crypto.h"
#include "libsync/sasl/server_makers.h"

namespace libsync::sasl {
namespace {

constexpr size_t kRandomBytes = 16;
constexpr size_t kDigest = 32;  // of MD5, in hexadecimal digits

class CramMd5 final : public ServerMechanism {
 public:
  explicit CramMd5(ServerContext context) : context_(std::move(context)) {}
  std::string_view name() const override { return "CRAM-MD5"; }
  const std::string& user() const override { return user_; }

  Result<std::optional<std::string>> begin() override {
    const std::string random = context_.random(kRandomBytes);
    if (random.size() != kRandomBytes) return fail(Errc::Internal, say("no random bytes from the system"));
    challenge_ = "<" + to_hex(random) + "@" + context_.host + ">";
    return challenge_;
  }

  Result<Turn> take(std::string_view response) override {
    // A user name may hold spaces: the digest is what follows the last.
    const size_t space = response.rfind(' ');
    const std::string challenge = std::exchange(challenge_, {});
    if (response.size() > kMaxResponse) return fail(Errc::Limit, say("CRAM-MD5: a response too long"));
    if (challenge.empty() || space == response.npos || response.size() - space - 1 != kDigest) {
      return fail(Errc::Protocol, say("CRAM-MD5: not a user name and a digest"));
    }
    const std::string_view name = response.substr(0, space);
    const std::optional<Secret> password = context_.find_password(name);
    const std::string wanted = to_hex(hmac(Hash::Md5, password ? password->reveal() : "", challenge));
    if (!equal(response.substr(space + 1), wanted) || !password) {
      return fail(Errc::Auth, say("wrong user name or password"));
    }
    user_ = name;
    return Turn{.done = true};
  }

 private:
  ServerContext context_;
  std::string challenge_, user_;
};

}  // namespace

std::unique_ptr<ServerMechanism> serve_cram_md5(ServerContext context) {
  return std::make_unique<CramMd5>(std::move(context));
}

}  // namespace libsync::sasl
