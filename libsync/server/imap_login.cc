// STARTTLS, LOGIN and AUTHENTICATE (RFC 9051, section 6.2; SASL-IR: RFC 4959).
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

// True: the exchange is over, and was answered.
bool answer(Imap& imap, const Login::Answer& turn) {
  switch (turn.step) {
    case Login::Step::Challenge:
      imap.proceed_with(turn.text);
      return false;
    case Login::Step::In:
      imap.log_in(turn.text);
      return true;
    case Login::Step::Wrong:
      imap.login().refuse(imap.now());
      return true;
    case Login::Step::GivenUp:
      imap.bad("given up");
      return true;
    case Login::Step::Malformed:
      imap.bad(turn.text);
      return true;
    case Login::Step::NoMechanism:
      imap.no("no such mechanism");
      return true;
    case Login::Step::NotNow:
      imap.no("not now", "UNAVAILABLE");
      return true;
  }
  return true;
}

class Exchange final : public Imap::Dialogue {
 public:
  bool secret() const override { return true; }
  bool line(Imap& imap, std::string_view text) override { return answer(imap, imap.login().respond(text)); }
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
  if (!imap.login().is_password_of(user, kept)) return imap.login().refuse(imap.now());
  imap.log_in(user);
}

void run_authenticate(Imap& imap, imap::Parser& in, bool) {
  if (!in.space()) return imap.bad("AUTHENTICATE mechanism");
  const std::string_view mechanism = in.atom();
  std::optional<std::string_view> initial;
  if (in.space()) initial = in.rest();
  if (initial && !imap.has(Ext::SaslIr)) return imap.bad("an initial response was not offered");
  if (answer(imap, imap.login().begin(mechanism, initial, imap.may_say_password()))) return;
  imap.dialogue(std::make_unique<Exchange>());
}

}  // namespace libsync::server
