// LOGIN: never a standard, offered by many. Two challenges, "Username:" and "Password:"; servers word
// them as they like, so that only their order counts.
#include "libsync/base/words.h"
#include "libsync/sasl/makers.h"

namespace libsync::sasl {
namespace {

class Login final : public Mechanism {
 public:
  explicit Login(Context context) : credentials_(std::move(context.credentials)) {}
  std::string_view name() const override { return "LOGIN"; }
  bool done() const override { return step_ == 2; }
  Result<std::optional<Secret>> initial() override { return std::nullopt; }

  Result<Secret> respond(std::string_view) override {
    if (step_ == 2) return fail(Errc::Protocol, say("the server asks for more than {} gives", name()));
    return step_++ == 0 ? Secret(credentials_.user) : credentials_.password;
  }

 private:
  Credentials credentials_;
  int step_ = 0;
};

}  // namespace

std::unique_ptr<Mechanism> make_login(Context context) { return std::make_unique<Login>(std::move(context)); }

}  // namespace libsync::sasl
