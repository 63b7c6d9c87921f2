// CRAM-MD5 (RFC 2195). Off unless asked for: who hears the exchange can guess the password quickly.
#include "libsync/base/digest.h"
#include "libsync/base/words.h"
#include "libsync/sasl/crypto.h"
#include "libsync/sasl/makers.h"

namespace libsync::sasl {
namespace {

class CramMd5 final : public Mechanism {
 public:
  explicit CramMd5(Context context) : credentials_(std::move(context.credentials)) {}
  std::string_view name() const override { return "CRAM-MD5"; }
  bool done() const override { return answered_; }
  Result<std::optional<Secret>> initial() override { return std::nullopt; }

  Result<Secret> respond(std::string_view challenge) override {
    if (answered_) return fail(Errc::Protocol, say("the server asks for more than {} gives", name()));
    if (challenge.empty() || challenge.size() > kMaxChallenge)
      return fail(Errc::Protocol, say("a CRAM-MD5 challenge of {} octets", challenge.size()));
    answered_ = true;
    return Secret(credentials_.user + ' ' + to_hex(hmac(Hash::Md5, credentials_.password.reveal(), challenge)));
  }

 private:
  Credentials credentials_;
  bool answered_ = false;
};

}  // namespace

std::unique_ptr<Mechanism> make_cram_md5(Context context) { return std::make_unique<CramMd5>(std::move(context)); }

}  // namespace libsync::sasl
