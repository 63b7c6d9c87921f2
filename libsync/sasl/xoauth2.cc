// XOAUTH2, as Google and Microsoft document it. An error comes as a challenge with a JSON document; it
// is answered with nothing, then the server says no.
#include <initializer_list>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/makers.h"

namespace libsync::sasl {
namespace {

class Xoauth2 final : public Mechanism {
 public:
  explicit Xoauth2(Context context) : credentials_(std::move(context.credentials)) {}
  std::string_view name() const override { return "XOAUTH2"; }
  bool done() const override { return sent_ && !failed_; }
  std::string failure() const override { return failure_; }

  Result<std::optional<Secret>> initial() override {
    for (const std::string* part :
         std::initializer_list<const std::string*>{&credentials_.user, &credentials_.token.reveal()}) {
      if (part->find('\x01') != part->npos || part->find('\0') != part->npos)
        return fail(Errc::Auth, say("user name or token holds a control character"));
    }
    sent_ = true;
    return Secret("user=" + credentials_.user + "\x01" + "auth=Bearer " + credentials_.token.reveal() + "\x01\x01");
  }

  Result<Secret> respond(std::string_view challenge) override {
    if (failed_) return fail(Errc::Protocol, say("the server asks for more than {} gives", name()));
    failed_ = true;
    failure_ = printable(challenge);
    return Secret();
  }

 private:
  Credentials credentials_;
  std::string failure_;
  bool sent_ = false, failed_ = false;
};

}  // namespace

std::unique_ptr<Mechanism> make_xoauth2(Context context) { return std::make_unique<Xoauth2>(std::move(context)); }

}  // namespace libsync::sasl
