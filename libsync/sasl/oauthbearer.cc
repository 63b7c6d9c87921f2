// OAUTHBEARER (RFC 7628).
#include <initializer_list>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/gs2.h"
#include "libsync/sasl/makers.h"

namespace libsync::sasl {
namespace {

class OauthBearer final : public Mechanism {
 public:
  explicit OauthBearer(Context context) : context_(std::move(context)) {}
  std::string_view name() const override { return "OAUTHBEARER"; }
  bool done() const override { return sent_ && !failed_; }
  std::string failure() const override { return failure_; }

  Result<std::optional<Secret>> initial() override {
    const auto& credentials = context_.credentials;
    // The user goes as authorization identity (section 3.1): the token itself says who acts.
    const std::string& user = credentials.authzid.empty() ? credentials.user : credentials.authzid;
    for (const std::string* part :
         std::initializer_list<const std::string*>{&user, &credentials.token.reveal(), &context_.host}) {
      if (part->find('\x01') != part->npos || part->find('\0') != part->npos)
        return fail(Errc::Auth, say("user name or token holds a control character"));
    }
    std::string message = "n,a=" + gs2_name(user) + ",\x01";
    if (!context_.host.empty()) message += "host=" + context_.host + "\x01";
    if (context_.port != 0) message += "port=" + std::to_string(context_.port) + "\x01";
    message += "auth=Bearer " + credentials.token.reveal() + "\x01\x01";
    sent_ = true;
    return Secret(std::move(message));
  }

  // Any challenge is an error document (section 3.2.2); one \x01 ends the exchange (section 3.2.3).
  Result<Secret> respond(std::string_view challenge) override {
    if (failed_) return fail(Errc::Protocol, say("the server asks for more than {} gives", name()));
    failed_ = true;
    failure_ = printable(challenge);
    return Secret("\x01");
  }

 private:
  Context context_;
  std::string failure_;
  bool sent_ = false, failed_ = false;
};

}  // namespace

std::unique_ptr<Mechanism> make_oauthbearer(Context context) {
  return std::make_unique<OauthBearer>(std::move(context));
}

}  // namespace libsync::sasl
