// STARTTLS, LOGIN and AUTHENTICATE (RFC 9051, section 6.2; SASL-IR: RFC 4959).
#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

class Exchange final : public Imap::Dialogue {
 public:
  explicit Exchange(std::unique_ptr<sasl::ServerMechanism> mechanism) : mechanism_(std::move(mechanism)) {}
  bool secret() const override { return true; }

  bool line(Imap& imap, std::string_view text) override {
    if (text == "*") {
      imap.bad("given up");
      return true;
    }
    const auto octets = base64_decode(text);
    if (!octets) {
      imap.bad("that is not base64");
      return true;
    }
    const Secret kept{std::string(*octets)};
    const auto turn = mechanism_->take(kept.reveal());
    if (turn && !turn->done) {
      imap.proceed_with(turn->challenge);
      return false;
    }
    if (turn) {
      imap.log_in(mechanism_->user());
    } else if (turn.error().code == Errc::Auth) {
      imap.refuse_login();
    } else {
      imap.bad(turn.error().what);
    }
    return true;
  }

 private:
  std::unique_ptr<sasl::ServerMechanism> mechanism_;
};

}  // namespace

void run_starttls(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  if (!imap.can_begin_tls()) return imap.bad("there is no TLS to begin");
  imap.begin_tls();
}

void run_login(Imap& imap, imap::Parser& in, bool) {
  std::string user, password;
  if (!in.space() || !in.astring(user) || !in.space() || !in.astring(password)) return imap.bad("LOGIN user password");
  const Secret kept(std::move(password));
  if (!expect_end(imap, in)) return;
  if (imap.names_off("LOGIN")) return imap.no("not by LOGIN");
  if (!imap.may_say_password()) return imap.no("not without TLS", "PRIVACYREQUIRED");
  if (!sasl::is_password_of(imap.options().find_password, user, kept)) return imap.refuse_login();
  imap.log_in(user);
}

void run_authenticate(Imap& imap, imap::Parser& in, bool) {
  if (!in.space()) return imap.bad("AUTHENTICATE mechanism");
  const std::string_view name = in.atom();
  const auto* row = sasl::find_server_mechanism(name);
  if (row == nullptr || !imap.offers(*row)) return imap.no("no such mechanism");
  const bool initial = in.space();
  const std::string_view response = initial ? in.rest() : std::string_view();
  if (initial && !imap.has(Ext::SaslIr)) return imap.bad("an initial response was not offered");
  auto mechanism = row->make({.find_password = imap.options().find_password,
                              .random = imap.options().random,
                              .bindings = imap.bindings(),
                              .host = imap.options().host,
                              .salt_secret = imap.options().salt_secret});
  const auto begins = mechanism->begin();
  if (!begins) return imap.no("not now", "UNAVAILABLE");
  if (initial && *begins) return imap.bad("this mechanism has no initial response");
  auto exchange = std::make_unique<Exchange>(std::move(mechanism));
  if (initial) {
    // RFC 4959, section 3: an empty one is a "=".
    if (!exchange->line(imap, response == "=" ? std::string_view() : response)) imap.dialogue(std::move(exchange));
    return;
  }
  imap.proceed_with(begins->value_or(""));
  imap.dialogue(std::move(exchange));
}

}  // namespace libsync::server
