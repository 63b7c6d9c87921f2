#include "libsync/server/mail_host.h"

#include "libsync/server/imap_session.h"
#include "libsync/server/mail_maildrop.h"
#include "libsync/server/pop3_session.h"
#include "libsync/server/submission_session.h"

namespace libsync::server {
namespace {

const SystemClock kMachineClock;

// What sessions of all protocols are told alike.
template <class Options>
Options common(const MailHostOptions& host, const Peer& peer, sasl::FindPassword find_password) {
  Options options;
  options.find_password = std::move(find_password);
  options.off = host.off;
  options.plain_allowed = host.plain_allowed;
  options.has_tls = true;
  options.encrypted = peer.encrypted;
  options.bindings = peer.bindings;
  options.salt_secret = host.salt;
  options.trace = peer.trace;
  return options;
}

}  // namespace

MailHost::MailHost(MailHostOptions options)
    : options_(std::move(options)), maildrops_(options_.clock == nullptr ? kMachineClock : *options_.clock, {}) {}

sasl::FindPassword MailHost::find_password() const {
  return [this](std::string_view user) -> std::optional<Secret> {
    return options_.users.contains(user) ? std::optional(options_.password) : std::nullopt;
  };
}

void MailHost::wake_by(const std::function<void()>& wake) {
  for (const auto& [name, mail] : options_.users) mail->on_change(wake);
}

std::unique_ptr<Session> MailHost::imap(const Peer& peer, Steady::time_point now) {
  auto options = common<ImapOptions>(options_, peer, find_password());
  options.clock = options_.clock;
  options.open_mail = [this](std::string_view user) -> Result<std::shared_ptr<Mail>> {
    return options_.users.find(user)->second;
  };
  return std::make_unique<ImapSession>(std::move(options), now);
}

std::unique_ptr<Session> MailHost::pop3(const Peer& peer, Steady::time_point now) {
  auto options = common<Pop3Options>(options_, peer, find_password());
  options.open_maildrop = [this](std::string_view user) {
    return maildrops_.open(
        user, [this](std::string_view name) { return open_mail_maildrop(options_.users.find(name)->second); });
  };
  return std::make_unique<Pop3Session>(std::move(options), now);
}

std::unique_ptr<Session> MailHost::submission(const Peer& peer, Steady::time_point now) {
  auto options = common<SubmissionOptions>(options_, peer, find_password());
  options.agent = options_.agent.get();
  return std::make_unique<SubmissionSession>(std::move(options), now);
}

}  // namespace libsync::server
