// PLAIN (RFC 4616).
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/makers.h"

namespace libsync::sasl {
namespace {

class Plain final : public Mechanism {
 public:
  explicit Plain(Context context) : credentials_(std::move(context.credentials)) {}
  std::string_view name() const override { return "PLAIN"; }
  bool done() const override { return sent_; }

  Result<std::optional<Secret>> initial() override {
    const auto& [user, password, token, authzid] = credentials_;
    // NUL separates the three; one inside would make another user or password of it.
    for (const std::string* part : {&user, &password.reveal(), &authzid}) {
      if (part->find('\0') != part->npos) return fail(Errc::Auth, say("user name or password holds a NUL"));
      // In another charset it would be another password.
      if (!is_valid_utf8(*part)) return fail(Errc::Auth, say("user name or password is not UTF-8"));
    }
    sent_ = true;
    std::string message = authzid;
    message.reserve(authzid.size() + user.size() + password.reveal().size() + 2);
    message += '\0';
    message += user;
    message += '\0';
    message += password.reveal();
    return Secret(std::move(message));
  }

  Result<Secret> respond(std::string_view) override {
    return fail(Errc::Protocol, say("the server asks for more than {} gives", name()));
  }

 private:
  Credentials credentials_;
  bool sent_ = false;
};

}  // namespace

std::unique_ptr<Mechanism> make_plain(Context context) { return std::make_unique<Plain>(std::move(context)); }

}  // namespace libsync::sasl
