#include "libsync/replicas/imap_conversation.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/compress.h"
#include "libsync/replicas/reads_on.h"

namespace libsync::replicas {

using imap::Code;

bool ImapAnswer::passing() const {
  return code == Code::Unavailable || code == Code::InUse || code == Code::Limit || code == Code::TempFail;
}

std::string shown_line(std::string_view text, std::string_view why) {
  constexpr size_t kShown = 80;
  return fmt::format("{} ({})", printable(text, kShown), why);
}

void ImapListener::on_greeting(const imap::StatusLine& line) {
  c_.alert(line);
  c_.heard_name(line.text);
  c_.reads_on = !c_.options_.wait_for_login && reads_on_behind_a_login(line.text);
}
void ImapListener::on_status(const imap::StatusLine& line) { c_.alert(line); }

void ImapListener::on_done(const imap::Completion& done) {
  std::string text = printable(done.line.text);
  if (!done.line.code_name.empty()) text = fmt::format("[{}] {}", printable(done.line.code_name), text);
  c_.alert(done.line);
  c_.answers_pace_.begin();
  c_.answers_[done.id] = {.condition = done.line.condition, .code = done.line.code, .text = std::move(text)};
}

void ImapListener::on_enabled(const std::vector<std::string_view>& names) {
  for (const std::string_view name : names) {
    if (iequals(name, "QRESYNC")) c_.qresync = true;
    if (iequals(name, "UTF8=ACCEPT") || iequals(name, "IMAP4REV2")) c_.session_.set_utf8_names(true);
  }
}

void ImapListener::on_id(const imap::IdFields& fields) {
  for (const auto& [key, value] : fields) {
    if (iequals(key, "name") && value) c_.heard_name(*value);
  }
}

void ImapListener::on_challenge(std::string_view text) {
  if (c_.challenged) c_.challenged(text);
}

void ImapListener::on_namespace(const imap::Namespaces& found) { c_.namespaces = found; }

ImapConversation::ImapConversation(std::unique_ptr<net::Channel> channel, ImapOptions options)
    : channel_(std::move(channel)),
      options_(std::move(options)),
      session_(base_, options_.trace, options_.limits),
      response_pace_(options_.timeout),
      answers_pace_(options_.answer_timeout) {
  read_only = !options_.writable;
}

// By what they say in the greeting, and Courier in ID. What another server gains by such words: its \Recent is cleared.
void ImapConversation::heard_name(std::string_view name) {
  const bool forgets = istarts_with(name, "Courier-IMAP") || trim(name) == "IMAP4rev1";  // mailutils' whole greeting
  if (!read_only || !forgets) return;
  read_only = false;
  session_.note(imap::Quirk::UnsavedUids);
}

// Some servers say the same with every answer; each text is told once.
void ImapConversation::alert(const imap::StatusLine& line) {
  constexpr size_t kMaxAlerts = 10;
  if (line.code != Code::Alert || !trust_texts || !options_.on_alert || alerts_.size() >= kMaxAlerts) return;
  std::string text = printable(line.text);
  if (text.empty() || !alerts_.insert(text).second) return;
  options_.on_alert(text);
}

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
  return fail(Error{.code = Errc::Network,
                    .what = say("{} closed the connection", host()),
                    .server = trust_texts ? session_.bye() : std::string(),
                    .retry = true});
}

// A literal that is made while it goes out is not queued behind the octets before it: memory stays as it is.
Status ImapConversation::send_output(const std::stop_token& stop) {
  // Beside what a server needs to answer, messages take the time of a slow line's upload.
  constexpr size_t kShort = size_t{64} << 10;
  constexpr uint64_t kLeastUpload = 4096;  // octets a second
  while (true) {
    if (const std::string out = session_.take_output(); !out.empty()) {
      channel_->send(out);
      if (out.size() > kShort) upload_left_ += std::chrono::seconds(out.size() / kLeastUpload);
    }
    const auto more = session_.stream();
    if (!more) {
      abandoned_ = true;
      return fail(more.error());
    }
    if (!*more) return {};
    if (Status flushed = channel_->flush(now() + options_.timeout + upload_left_, stop); !flushed) {
      abandoned_ = true;
      return flushed;
    }
    upload_left_ = {};
  }
}

Status ImapConversation::step(std::optional<Deadline> deadline, std::stop_token stop) {
  if (abandoned_) return fail(Errc::Network, say("{}: the connection is no longer of use", host()));
  timed_out_ = false;
  TB_TRY(send_output(stop));
  const Deadline begin = now();
  Deadline until = deadline.value_or(begin + options_.timeout + upload_left_);
  if (overall_) until = std::min(until, *overall_);
  if (session_.mid_response()) until = std::min(until, begin + response_pace_.left());
  // A deadline of its own is for what nobody knows when it comes (IDLE).
  if (!deadline) until = std::min(until, begin + answers_pace_.left() + upload_left_);
  const auto bytes = channel_->receive(until, std::move(stop));
  const Steady::duration time = now() - begin, uploading = std::min(time, upload_left_);
  upload_left_ -= uploading;
  if (!deadline) answers_pace_.took(time - uploading, bytes ? bytes->size() : 0);
  if (session_.mid_response()) response_pace_.took(time, bytes ? bytes->size() : 0);
  if (!bytes) {
    const bool slow = (session_.mid_response() && response_pace_.spent()) || answers_pace_.spent();
    timed_out_ = deadline && bytes.error().code == Errc::Network && !channel_->broken() && !slow;
    abandoned_ = !timed_out_;
    if (!slow || bytes.error().code != Errc::Network) return fail(bytes.error());
    return fail(Error{.code = Errc::Network,
                      .what = say("{} sends too slowly: less than {} octets a second", host(), kLeastRate),
                      .retry = true});
  }
  if (bytes->empty()) return closed();
  const uint64_t responses = session_.responses();
  const bool inside = session_.mid_response();
  if (Status taken = session_.receive(*bytes); !taken) {
    abandoned_ = true;
    Error error = taken.error();
    if (!trust_texts) error.server.clear();
    return at_host(std::move(error));
  }
  if (!inside || session_.responses() != responses) response_pace_.begin();
  if (session_.in_flight() == 0) tell_ahead(false);
  return compress_ == 0 ? Status() : answered_compression();
}

void ImapConversation::tell_ahead(bool waiting) {
  if (std::exchange(ahead_, waiting) != waiting && options_.on_ahead) options_.on_ahead(waiting);
}

Status ImapConversation::flush(Deadline deadline, std::stop_token stop) {
  if (const std::string out = session_.take_output(); !out.empty()) channel_->send(out);
  return channel_->flush(deadline, std::move(stop));
}

Status ImapConversation::drain(std::stop_token stop) {
  while (session_.in_flight() > 0) TB_TRY(step({}, stop));
  return {};
}

Result<ImapAnswer> ImapConversation::answer_to(imap::CommandId id, std::stop_token stop) {
  while (!answers_.contains(id)) {
    if (Status status = step({}, stop); !status && !answers_.contains(id)) return std::unexpected(status.error());
  }
  return *take_answer(id);
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
  Deadline until = now() + options_.timeout;
  if (overall_) until = std::min(until, *overall_);
  if (Status done = channel_->start_tls(0, until, stop); !done) {
    abandoned_ = true;
    return done;
  }
  session_.tls_started();
  return {};
}

Status ImapConversation::offer_compression(const imap::Capabilities& can) {
  const bool loopback = host() == "localhost" || host().starts_with("127.") || host() == "::1";
  if (std::exchange(offered_compression_, true) || !options_.compress || (loopback && !options_.compress_loopback) ||
      !can.has("COMPRESS=DEFLATE")) {
    return {};
  }
  TB_ASSIGN(compress_, send(imap::compress()));
  return {};
}

Status ImapConversation::answered_compression() {
  const auto answer = take_answer(compress_);
  if (!answer) return {};
  compress_ = 0;
  if (!answer->ok()) return {};  // a NO only means that it stays as it is
  const std::string surplus = session_.take_surplus();
  if (Status started = channel_->start_deflate(surplus); !started) {
    abandoned_ = true;
    return started;
  }
  session_.deflate_started();
  return {};
}

}  // namespace libsync::replicas
