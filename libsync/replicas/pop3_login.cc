#include "libsync/replicas/pop3_login.h"

#include <algorithm>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/registry.h"
#include "libsync/sasl/saslprep.h"

namespace libsync::replicas {
namespace {

using pop3::Event;

// Takes the answer to a login. What went behind it is the maildrop's.
class LoginAnswer : public pop3::Events {
 public:
  LoginAnswer(Pop3Conversation& conversation, Pop3Maildrop& drop) : conversation_(conversation), drop_(drop) {}

  Status event(const Event& event) override {
    if (came && !status.ok) return {};  // behind a login that was refused
    const bool ours = event.verb == pop3::Verb::User || pop3::rule(event.verb).on_ok == pop3::State::Transaction;
    if (!ours) return drop_.answers().event(event);
    if (event.kind == Event::Kind::Challenge) return challenge(event.text);
    status = *event.status;
    came = event.verb != pop3::Verb::User || !status.ok;
    return {};
  }

  // The login's last line goes out, though so many challenges come still, and what may go behind it.
  Status last_line_said(size_t challenges = 0) {
    if (!conversation_.reads_on()) return {};
    conversation_.session().login_is_said(challenges);
    TB_TRY(drop_.ask(conversation_));
    if (drop_.asked()) conversation_.went_ahead();
    return {};
  }

  bool came = false;
  pop3::StatusLine status;

 protected:
  virtual Status challenge(std::string_view) { return {}; }  // none is asked for but by AUTH

  Pop3Conversation& conversation_;

 private:
  Pop3Maildrop& drop_;
};

// Answers AUTH's challenges by a mechanism.
class Exchange final : public LoginAnswer {
 public:
  Exchange(Pop3Conversation& conversation, Pop3Maildrop& drop, const sasl::MechanismInfo& row,
           sasl::Mechanism& mechanism)
      : LoginAnswer(conversation, drop), row_(row), mechanism_(mechanism) {}

  // A server refuses a token by one more challenge, which tells why.
  Status said() {
    if (row_.proof != sasl::Proof::Password) return {};
    if (mechanism_.done()) return last_line_said();
    acknowledged_ = conversation_.reads_on() && mechanism_.only_acknowledges();
    if (!acknowledged_) return {};
    conversation_.session().answer(Secret(), conversation_.now());
    conversation_.went_ahead();
    return last_line_said(1);
  }

  std::optional<Error> error;  // why the exchange was cancelled

 private:
  // RFC 4954's and RFC 5034's servers may go on for ever; no mechanism here takes more than three.
  static constexpr int kMaxChallenges = 8;

  Status challenge(std::string_view text) override {
    auto response = respond(text);
    if (response && ++challenges_ <= kMaxChallenges) {
      if (acknowledged_) return {};
      conversation_.session().answer(*response, conversation_.now());
      return said();
    }
    error = response ? Error{.code = Errc::Protocol, .what = say("too many challenges")} : response.error();
    if (!acknowledged_) conversation_.session().cancel_auth(conversation_.now());
    return {};
  }

  Result<Secret> respond(std::string_view text) {
    if (error) return fail(*error);
    const auto bytes = base64_decode(text);
    if (!bytes) return fail(Errc::Protocol, say("a challenge that is not base64"));
    return mechanism_.respond(*bytes);
  }

  const sasl::MechanismInfo& row_;
  sasl::Mechanism& mechanism_;
  int challenges_ = 0;
  bool acknowledged_ = false;  // the last challenge was answered before it came
};

class Login {
 public:
  Login(Pop3Conversation& conversation, const Pop3Options& options, Pop3Maildrop& drop, std::stop_token stop)
      : c_(conversation), options_(options), drop_(drop), stop_(std::move(stop)) {}

  Status run() {
    if (options_.security == Pop3Security::Tls && c_.channel().tls() == nullptr)
      return fail(Errc::Tls, say("{}: the connection is not encrypted", host()));
    Status status = within_time();
    c_.limit_time({});
    // What is said before TLS is anybody's, and not shown as the server's words.
    const bool before_tls = options_.security == Pop3Security::Stls && c_.channel().tls() == nullptr;
    if (!status && before_tls) status.error().server.clear();
    return status;
  }

 private:
  Status within_time() {
    c_.limit_time(c_.now() + options_.login_timeout);
    TB_TRY(c_.read_greeting(stop_));
    TB_TRY(ask_capabilities());
    if (options_.security == Pop3Security::Stls) TB_TRY(start_tls());
    // RFC 6856: without it a server shows such messages changed, or not at all ([UTF8]); with it every
    // message comes as it is stored. It has to come before the login, so it is asked for wherever it is
    // offered; a server that says no to it goes on as if it had none.
    if (capabilities().utf8) TB_TRY(c_.ask(pop3::utf8(), stop_));
    TB_TRY(authenticate());
    // A server without CAPA before the login has none behind it either. With PIPELINING, which is the same before and
    // behind it (RFC 2449, section 6.6), it goes out with the listings (Pop3Maildrop::ask()).
    if (capabilities().known && !capabilities().pipelining && !drop_.asked()) TB_TRY(ask_capabilities());
    tell_login_delay(c_.session(), options_);
    return {};
  }

  const std::string& host() const { return c_.channel().host(); }
  const pop3::Capabilities& capabilities() const { return c_.session().capabilities(); }

  Status ask_capabilities() {
    const auto status = c_.ask(pop3::capa(), stop_);
    return status ? Status() : fail(status.error());
  }

  Status start_tls() {
    if (!capabilities().stls) return fail(no_tls(say("{} does not offer TLS (no STLS in its CAPA)", host())));
    TB_ASSIGN(const auto status, c_.ask(pop3::stls(), stop_));
    if (!status.ok) return fail(no_tls(say("{} refuses TLS", host())));
    TB_TRY(c_.start_tls(stop_));
    return ask_capabilities();
  }

  static Error no_tls(std::string what) {
    return {.code = Errc::Tls, .what = std::move(what), .hint = say("nothing was sent to it")};
  }

  std::optional<sasl::ChannelBinding> binding() const {
    const net::TlsInfo* info = c_.channel().tls();
    if (info == nullptr) return std::nullopt;
    if (!info->tls_exporter.empty()) return sasl::ChannelBinding{"tls-exporter", info->tls_exporter};
    if (!info->tls_server_end_point.empty())
      return sasl::ChannelBinding{"tls-server-end-point", info->tls_server_end_point};
    return std::nullopt;
  }

  sasl::Situation situation() const {
    sasl::Situation s{.offered = capabilities().sasl};
    // RFC 2449, section 6.3: without USER in it, a CAPA that names mechanisms means that USER is off.
    const bool user = !capabilities().known || capabilities().user || capabilities().sasl.empty();
    if (user && may_be_said()) s.offered.emplace_back(sasl::kUser);
    if (!c_.session().timestamp().empty() && may_be_said()) s.offered.emplace_back(sasl::kApop);
    s.has_password = !options_.credentials.password.empty();
    s.has_token = !options_.credentials.token.empty();
    s.encrypted = c_.channel().tls() != nullptr;
    s.plain_allowed = options_.security == Pop3Security::Plain;
    s.can_bind = binding().has_value();
    s.forced = options_.mechanism;
    s.forbidden = options_.forbidden_mechanisms;
    s.pinned = options_.pinned_mechanism;
    return s;
  }

  // RFC 6856, section 2.2: USER, PASS and APOP are in ASCII unless CAPA says UTF8 USER. SASL has no such bounds.
  bool may_be_said() const {
    const sasl::Credentials& who = options_.credentials;
    return capabilities().utf8_user || (is_ascii(who.user) && is_ascii(who.password.reveal()));
  }

  Status authenticate() {
    const sasl::Situation s = situation();
    auto chosen = sasl::choose(s);
    if (!chosen && s.has_password && !may_be_said()) {
      return fail(
          Error{.code = Errc::Auth,
                .what = say("{} takes user names and passwords in ASCII alone", host()),
                .hint = say("nothing of them was sent; ask for a password without other letters, or use IMAP")});
    }
    if (!chosen) {
      chosen.error().what = host() + ": " + chosen.error().what;
      return fail(std::move(chosen).error());
    }
    const sasl::MechanismInfo& row = **chosen;
    TB_TRY(row.make != nullptr ? by_sasl(row, s) : row.name == sasl::kApop ? by_apop() : by_user());
    if (options_.on_login) options_.on_login(row.name);
    return {};
  }

  Status by_sasl(const sasl::MechanismInfo& row, const sasl::Situation& s) {
    const auto mechanism = row.make({.credentials = options_.credentials,
                                     .random = options_.random,
                                     .binding = binding(),
                                     .server_offers_plus = sasl::offers_plus(s.offered, row.name),
                                     .host = host(),
                                     .port = options_.port});
    TB_ASSIGN(const auto initial, mechanism->initial());
    TB_TRY(c_.send(initial ? pop3::auth(row.name, *initial) : pop3::auth(row.name)));
    Exchange exchange(c_, drop_, row, *mechanism);
    TB_TRY(exchange.said());
    TB_TRY(wait_for(exchange));
    if (exchange.error) {
      exchange.error->what = host() + ": " + exchange.error->what;
      return fail(*exchange.error);
    }
    if (!exchange.status.ok) return refused(exchange.status, mechanism->failure());
    if (mechanism->done()) return {};
    return fail(Errc::Auth, say("{} accepted the login without proving that it knows the password", host()));
  }

  // The name and the password as USER, PASS and APOP take them (RFC 6856, section 2.2).
  Result<sasl::Credentials> prepared() const {
    sasl::Credentials who = options_.credentials;
    if (is_ascii(who.user) && is_ascii(who.password.reveal())) return who;
    TB_ASSIGN(who.user, sasl::saslprep(who.user, word("user name")));
    TB_ASSIGN(std::string password, sasl::saslprep(who.password.reveal(), word("password")));
    who.password = Secret(std::move(password));
    return who;
  }

  Status by_apop() {
    TB_ASSIGN(const auto who, prepared());
    TB_TRY(c_.send(pop3::apop(who.user, c_.session().timestamp(), who.password)));
    return password_said();
  }

  Status by_user() {
    TB_ASSIGN(const auto who, prepared());
    TB_TRY(c_.send(pop3::user(who.user)));
    // Where others might read the password, it is kept back from a server that does not want to know it.
    if (!c_.session().can_send(pop3::Verb::Pass) || c_.channel().tls() == nullptr) {
      LoginAnswer answer(c_, drop_);
      TB_TRY(c_.drain(answer, stop_));
      if (!answer.status.ok) return refused(answer.status, {});
    }
    TB_TRY(c_.send(pop3::pass(who.password)));
    return password_said();
  }

  Status password_said() {
    LoginAnswer answer(c_, drop_);
    TB_TRY(answer.last_line_said());
    TB_TRY(wait_for(answer));
    return answer.status.ok ? Status() : refused(answer.status, {});
  }

  // No longer than that: what went behind it may be answered later, or in any way where the login was refused.
  Status wait_for(LoginAnswer& answer) {
    while (!answer.came) {
      if (Status status = c_.pump(answer, stop_); !status && !answer.came) return status;
    }
    return {};
  }

  Status refused(const pop3::StatusLine& status, std::string failure) const {
    Error error = pop3::refusal(say("login refused by {}", host()), status, capabilities(), Errc::Auth);
    if (!failure.empty()) error.server += (error.server.empty() ? "" : " ") + failure;
    return fail(std::move(error));
  }

  Pop3Conversation& c_;
  const Pop3Options& options_;
  Pop3Maildrop& drop_;
  std::stop_token stop_;
};

}  // namespace

void tell_login_delay(const pop3::Session& session, const Pop3Options& options) {
  const std::chrono::seconds delay(std::min(session.capabilities().login_delay.value_or(0), pop3::kMaxPause));
  if (delay.count() > 0 && options.on_login_delay) options.on_login_delay(delay);
}

Status log_in(Pop3Conversation& conversation, const Pop3Options& options, Pop3Maildrop& drop, std::stop_token stop) {
  return Login(conversation, options, drop, std::move(stop)).run();
}

}  // namespace libsync::replicas
