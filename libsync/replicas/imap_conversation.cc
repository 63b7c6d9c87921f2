#include "libsync/replicas/imap_conversation.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::replicas {

using imap::Code;

bool ImapAnswer::passing() const {
  return code == Code::Unavailable || code == Code::InUse || code == Code::Limit || code == Code::TempFail;
}

void ImapListener::on_status(const imap::StatusLine& line) {
  if (line.code == Code::Alert && c_.trust_alerts && c_.options_.on_alert) c_.options_.on_alert(printable(line.text));
}

void ImapListener::on_done(const imap::Completion& done) {
  std::string text = printable(done.line.text);
  if (!done.line.code_name.empty()) text = fmt::format("[{}] {}", printable(done.line.code_name), text);
  if (done.line.code == Code::Alert) on_status(done.line);
  c_.answers_[done.id] = {.condition = done.line.condition, .code = done.line.code, .text = std::move(text)};
}

void ImapListener::on_enabled(const std::vector<std::string_view>& names) {
  for (const std::string_view name : names) {
    if (iequals(name, "QRESYNC")) c_.qresync = true;
    if (iequals(name, "UTF8=ACCEPT") || iequals(name, "IMAP4REV2")) c_.session_.set_utf8_names(true);
  }
}

void ImapListener::on_namespace(const imap::Namespaces& found) { c_.namespaces = found; }

ImapConversation::ImapConversation(std::unique_ptr<net::Channel> channel, ImapOptions options)
    : channel_(std::move(channel)), options_(std::move(options)), session_(base_, options_.trace, options_.limits) {}

Error ImapConversation::error(Errc code, std::string what, const ImapAnswer& answer) const {
  return {.code = code, .what = host() + ": " + what, .server = answer.text, .retry = answer.passing()};
}

Status ImapConversation::at_host(Error error) {
  error.what = host() + ": " + error.what;
  return fail(std::move(error));
}

Result<imap::CommandId> ImapConversation::send(Result<imap::Command> command) {
  if (abandoned_) return fail(Errc::Network, say("{}: the connection is no longer of use", host()));
  if (!command) return std::unexpected(std::move(command).error());
  return session_.submit(std::move(*command));
}

Status ImapConversation::closed() {
  abandoned_ = true;
  return fail(Error{
      .code = Errc::Network, .what = say("{} closed the connection", host()), .server = session_.bye(), .retry = true});
}

Status ImapConversation::step(std::optional<Deadline> deadline, std::stop_token stop) {
  if (abandoned_) return fail(Errc::Network, say("{}: the connection is no longer of use", host()));
  timed_out_ = false;
  if (const std::string out = session_.take_output(); !out.empty()) channel_->send(out);
  Deadline until = deadline.value_or(Steady::now() + options_.timeout);
  if (overall_) until = std::min(until, *overall_);
  const auto bytes = channel_->receive(until, stop);
  if (!bytes) {
    timed_out_ = deadline && bytes.error().code == Errc::Network && !channel_->broken();
    abandoned_ = !timed_out_;
    return fail(bytes.error());
  }
  if (bytes->empty()) return closed();
  if (Status taken = session_.receive(*bytes); !taken) {
    abandoned_ = true;
    return at_host(taken.error());
  }
  return {};
}

Status ImapConversation::drain(std::stop_token stop) {
  while (session_.in_flight() > 0) TB_TRY(step({}, stop));
  return {};
}

Result<ImapAnswer> ImapConversation::ask(Result<imap::Command> command, std::stop_token stop) {
  TB_ASSIGN(const imap::CommandId id, send(std::move(command)));
  TB_TRY(drain(stop));
  return take_answer(id).value_or(ImapAnswer{});
}

std::optional<ImapAnswer> ImapConversation::take_answer(imap::CommandId id) {
  const auto found = answers_.find(id);
  if (found == answers_.end()) return std::nullopt;
  ImapAnswer answer = std::move(found->second);
  answers_.erase(found);
  return answer;
}

Status ImapConversation::start_tls(std::stop_token stop) {
  if (session_.surplus() > 0) {
    abandoned_ = true;
    return fail(Errc::Protocol,
                say("{}: somebody put bytes behind the answer to STARTTLS: the connection is not safe", host()));
  }
  Deadline until = Steady::now() + options_.timeout;
  if (overall_) until = std::min(until, *overall_);
  if (Status done = channel_->start_tls(0, until, stop); !done) {
    abandoned_ = true;
    return done;
  }
  session_.tls_started();
  return {};
}

Status ImapConversation::start_deflate() {
  const std::string surplus = session_.take_surplus();
  TB_TRY(channel_->start_deflate(surplus));
  session_.deflate_started();
  return {};
}

}  // namespace libsync::replicas
