#include "libsync/replicas/imap_login.h"

#include <utility>

#include <fmt/format.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/authenticate.h"
#include "libsync/imap/enable.h"
#include "libsync/imap/id.h"
#include "libsync/imap/login.h"
#include "libsync/imap/namespace.h"
#include "libsync/sasl/registry.h"

namespace libsync::replicas {
namespace {

using imap::Code;

// Answers AUTHENTICATE's challenges by a mechanism.
class Exchange {
 public:
  // `said`: called when the mechanism has no more to say, with the number of challenges that come all the same.
  Exchange(ImapConversation& conversation, sasl::Mechanism& mechanism, std::optional<Secret> late_initial,
           std::function<void(size_t)> said)
      : c_(conversation), mechanism_(mechanism), initial_(std::move(late_initial)), said_(std::move(said)) {}

  void challenged(std::string_view text) {
    if (error) return;
    auto response = answer(text);
    if (response && ++challenges_ <= kMaxChallenges) {
      if (acknowledged_) return;
      c_.session().respond(*response);
      acknowledged_ = c_.reads_on && mechanism_.only_acknowledges();
      if (acknowledged_) {
        c_.session().respond(Secret());
        c_.went_ahead();
      }
      if (acknowledged_ || mechanism_.done()) said_(acknowledged_ ? 1 : 0);
      return;
    }
    error = response ? Error{.code = Errc::Protocol, .what = say("too many challenges")} : response.error();
    if (!acknowledged_) c_.session().cancel_authentication();
  }

  std::optional<Error> error;  // why the exchange was cancelled

 private:
  // A server may go on for ever; no mechanism here takes more than three.
  static constexpr int kMaxChallenges = 8;

  Result<Secret> answer(std::string_view text) {
    if (initial_) {  // no SASL-IR: the first "+" only asks for it
      Secret first = std::move(*initial_);
      initial_.reset();
      return first;
    }
    const auto bytes = base64_decode(text);
    if (!bytes) return fail(Errc::Protocol, say("a challenge that is not base64"));
    return mechanism_.respond(*bytes);
  }

  ImapConversation& c_;
  sasl::Mechanism& mechanism_;
  std::optional<Secret> initial_;
  std::function<void(size_t)> said_;
  int challenges_ = 0;
  bool acknowledged_ = false;  // the last challenge was answered before it came
};

class Greeting final : public ImapListener {
 public:
  using ImapListener::ImapListener;
  void on_greeting(const imap::StatusLine& line) override {
    ImapListener::on_greeting(line);
    came = true;
    condition = line.condition;
  }
  bool came = false;
  imap::Condition condition = imap::Condition::Ok;
};

class Login {
 public:
  Login(ImapConversation& conversation, const SendAhead& ahead, std::stop_token stop)
      : c_(conversation), ahead_(ahead), stop_(std::move(stop)) {}

  Status run() {
    c_.limit_time(c_.now() + options().login_timeout);
    Status done = steps();
    if (!done || !went_ahead_) c_.listen(nullptr);
    c_.limit_time({});
    if (!done) c_.abandon();
    return done;
  }

 private:
  const ImapOptions& options() const { return c_.options(); }
  const std::string& host() const { return c_.host(); }

  Status steps() {
    if (options().security == ImapSecurity::Tls && c_.channel().tls() == nullptr) {
      return fail(Errc::Tls, say("{}: the connection is not encrypted", host()));
    }
    c_.trust_texts = options().security != ImapSecurity::StartTls;
    TB_TRY(read_greeting());
    if (options().security == ImapSecurity::StartTls) TB_TRY(start_tls());
    c_.trust_texts = true;
    if (c_.session().state() == imap::State::NotAuthenticated) {
      if (c_.can().empty()) TB_TRY(ask_capabilities());
      TB_TRY(authenticate());
    }
    if (c_.can().empty()) TB_TRY(ask_capabilities());
    if (c_.reads_on && options().on_capabilities) {
      options().on_capabilities(fmt::format("{}", fmt::join(c_.can().names(), " ")));
    }
    return went_ahead_ && c_.can().names() == believed_.names() ? Status() : queue_extensions(c_.can());
  }

  // The last line of the login is out, though so many challenges come still: what can go behind it does.
  void said(size_t challenges = 0) {
    if (!c_.reads_on || options().last_capabilities.empty() || !c_.session().login_is_said(challenges)) return;
    const std::string hint = " " + options().last_capabilities;
    imap::Quirks ignored;
    imap::Parser in({.text = hint, .literals = {}}, ignored);
    (void)imap::parse_capability(in, believed_);
    went_ahead_ = true;
    c_.went_ahead();
    ahead_status_ = queue_extensions(believed_);
    if (ahead_status_) ahead_status_ = ahead_(believed_);
  }

  Status read_greeting() {
    Greeting greeting(c_);
    c_.listen(&greeting);
    while (!greeting.came) TB_TRY(c_.step({}, stop_));
    c_.listen(nullptr);
    if (greeting.condition == imap::Condition::Bye) {
      return fail(Error{.code = Errc::Network,
                        .what = say("{} does not want to talk now", host()),
                        .server = c_.trust_texts ? c_.session().bye() : std::string(),
                        .retry = true});
    }
    if (greeting.condition != imap::Condition::Preauth) return {};
    if (options().security == ImapSecurity::StartTls) {
      return no_tls(say("{} says that we are logged in before TLS (PREAUTH)", host()));
    }
    return {};
  }

  // Without the server's words: before TLS they are anybody's.
  Status no_tls(std::string what) {
    return fail(Error{.code = Errc::Tls,
                      .what = std::move(what),
                      .hint = say("nothing was sent to it; use imaps:// if the server has it")});
  }

  Status ask_capabilities() {
    TB_ASSIGN(const ImapAnswer answer, c_.ask(imap::capability(), stop_));
    if (answer.ok() && !c_.can().empty()) return {};
    if (options().security == ImapSecurity::StartTls && c_.channel().tls() == nullptr) {
      return no_tls(say("{} does not say what it can do (CAPABILITY)", host()));
    }
    return fail(c_.error(Errc::Protocol, say("the server does not say what it can do (CAPABILITY)"), answer));
  }

  Status start_tls() {
    if (c_.can().empty()) TB_TRY(ask_capabilities());
    if (!c_.can().has("STARTTLS")) return no_tls(say("{} does not offer TLS (no STARTTLS)", host()));
    const auto answer = c_.ask(imap::starttls(), stop_);
    if (!answer && answer.error().code == Errc::Protocol) return no_tls(say("no TLS: {}", answer.error().what));
    if (!answer) return fail(answer.error());
    if (!answer->ok()) return no_tls(say("{} refuses TLS", host()));
    return c_.start_tls(stop_);
  }

  std::optional<sasl::ChannelBinding> binding() const {
    const net::TlsInfo* info = c_.channel().tls();
    if (info == nullptr) return std::nullopt;
    if (!info->tls_exporter.empty()) return sasl::ChannelBinding{"tls-exporter", info->tls_exporter};
    if (info->tls_server_end_point.empty()) return std::nullopt;
    return sasl::ChannelBinding{"tls-server-end-point", info->tls_server_end_point};
  }

  sasl::Situation situation() const {
    sasl::Situation s{.offered = c_.can().auth()};
    if (!c_.can().has("LOGINDISABLED")) s.offered.emplace_back(sasl::kUser);
    s.has_password = !options().credentials.password.empty();
    s.has_token = !options().credentials.token.empty();
    s.encrypted = c_.channel().tls() != nullptr;
    s.plain_allowed = options().security == ImapSecurity::Plain;
    s.can_bind = binding().has_value();
    s.forced = options().mechanism;
    s.forbidden = options().forbidden_mechanisms;
    s.pinned = options().pinned_mechanism;
    return s;
  }

  Status authenticate() {
    const sasl::Situation s = situation();
    const auto chosen = sasl::choose(s);
    if (!chosen) return c_.at_host(chosen.error());
    const sasl::MechanismInfo& row = **chosen;
    TB_TRY(row.make != nullptr ? by_sasl(row, s) : by_login());
    if (options().on_login) options().on_login(row.name);
    return {};
  }

  Status by_login() {
    const sasl::Credentials& who = options().credentials;
    TB_ASSIGN(const imap::CommandId id, c_.send(imap::login(who.user, who.password)));
    said();
    TB_ASSIGN(const ImapAnswer answer, c_.answer_to(id, stop_));
    return answer.ok() ? ahead_status_ : refused(answer, {});
  }

  Status by_sasl(const sasl::MechanismInfo& row, const sasl::Situation& s) {
    const auto mechanism = row.make({.credentials = options().credentials,
                                     .random = options().random,
                                     .binding = binding(),
                                     .server_offers_plus = sasl::offers_plus(s.offered, row.name),
                                     .host = host(),
                                     .port = options().port});
    auto initial = mechanism->initial();
    if (!initial) return c_.at_host(initial.error());
    const bool at_once = c_.can().has("SASL-IR") || c_.can().has("IMAP4REV2");
    const auto last_said = [this, &row](size_t challenges) {
      // A token is refused by one more challenge, which tells why.
      if (row.proof == sasl::Proof::Password) said(challenges);
    };
    Exchange exchange(c_, *mechanism, at_once ? std::nullopt : *initial, last_said);
    c_.challenged = [&exchange](std::string_view text) { exchange.challenged(text); };
    const auto id = c_.send(imap::authenticate(row.name, at_once ? *initial : std::nullopt));
    if (id && at_once && mechanism->done()) last_said(0);
    const auto answer = id ? c_.answer_to(*id, stop_) : fail(id.error());
    c_.challenged = nullptr;
    if (exchange.error) return c_.at_host(*exchange.error);
    if (!answer) return fail(answer.error());
    if (!answer->ok()) return refused(*answer, mechanism->failure());
    if (mechanism->done()) return ahead_status_;
    return fail(Errc::Auth, say("{}: the server did not prove that it knows the password", host()));
  }

  Status refused(const ImapAnswer& answer, const std::string& detail) {
    Error error = c_.error(Errc::Auth, {}, answer);
    error.what = say("login refused by {}", host());
    if (!detail.empty()) error.server += " (" + detail + ")";
    switch (answer.code) {
      case Code::Unavailable:
      case Code::InUse:
      case Code::Limit:
      case Code::TempFail:
      case Code::ServerBug:
        error.code = Errc::Refused;
        error.retry = true;
        break;
      case Code::PrivacyRequired:
        error.code = Errc::Tls;
        break;
      case Code::Expired:
        error.hint = say("the password has expired");
        break;
      case Code::ContactAdmin:
        error.hint = say("the server's administrator must help");
        break;
      default:
        break;
    }
    return fail(std::move(error));
  }

  Status queue_extensions(const imap::Capabilities& can) {
    if (options().client_id && can.has("ID")) {
      TB_TRY(c_.send(imap::id({{"name", "twinbox"}, {"version", TWINBOX_VERSION}})));
    }
    // One that speaks IMAP4rev2 alone has no other way to write names (RFC 9051, section 5.1).
    if (can.has("IMAP4REV2") && !can.has("IMAP4REV1")) c_.session().set_utf8_names(true);
    std::vector<std::string> wanted;
    if (can.qresync())
      wanted.emplace_back("QRESYNC");
    else if (can.condstore())
      wanted.emplace_back("CONDSTORE");
    if (can.has("UTF8=ACCEPT") || can.has("UTF8=ONLY")) wanted.emplace_back("UTF8=ACCEPT");
    if (can.has("ENABLE") && !wanted.empty()) TB_TRY(c_.send(imap::enable(wanted)));
    if (!options().namespaces && can.has("NAMESPACE")) TB_TRY(c_.send(imap::namespaces()));
    return {};
  }

  ImapConversation& c_;
  const SendAhead& ahead_;
  imap::Capabilities believed_{};  // of the last session
  bool went_ahead_ = false;
  Status ahead_status_{};
  std::stop_token stop_;
};

}  // namespace

Status log_in(ImapConversation& conversation, const SendAhead& ahead, std::stop_token stop) {
  return Login(conversation, ahead, std::move(stop)).run();
}

}  // namespace libsync::replicas
