#include "libsync/server/login.h"

#include <algorithm>
#include <utility>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"

namespace libsync::server {

bool Login::offers(const sasl::ServerMechanismInfo& row, bool may_say_password) const {
  if (names(options_.off, row.name) || (row.needs_tls && !may_say_password)) return false;
  if (row.needs_binding && options_.context.bindings.empty()) return false;
  return row.by_default || names(options_.asked_for, row.name);
}

std::vector<std::string_view> Login::mechanisms(bool may_say_password) const {
  std::vector<std::string_view> found;
  for (const auto& row : sasl::server_mechanisms()) {
    if (offers(row, may_say_password)) found.push_back(row.name);
  }
  return found;
}

Login::Answer Login::begin(std::string_view mechanism, std::optional<std::string_view> initial, bool may_say_password) {
  const auto* row = sasl::find_server_mechanism(mechanism);
  if (row == nullptr || !offers(*row, may_say_password)) return {.step = Step::NoMechanism};
  mechanism_ = row->make(options_.context);
  const auto begins = mechanism_->begin();
  if (!begins) {
    end();
    return {.step = Step::NotNow};
  }
  if (!initial) return {.step = Step::Challenge, .text = base64_encode(begins->value_or(""))};
  if (!*begins) return respond(*initial == "=" ? std::string_view() : *initial);
  end();
  return {.step = Step::Malformed, .text = "this mechanism has no initial response"};
}

Login::Answer Login::respond(std::string_view line) {
  auto mechanism = std::move(mechanism_);
  if (line == "*") return {.step = Step::GivenUp};
  const auto octets = base64_decode(line);
  if (!octets) return {.step = Step::Malformed, .text = "that is not base64"};
  const Secret kept{std::string(*octets)};
  const auto turn = mechanism->take(kept.reveal());
  if (turn && turn->done) return {.step = Step::In, .text = mechanism->user()};
  if (turn) {
    mechanism_ = std::move(mechanism);
    return {.step = Step::Challenge, .text = base64_encode(turn->challenge)};
  }
  if (turn.error().code == Errc::Auth) return {.step = Step::Wrong};
  return {.step = Step::Malformed, .text = turn.error().what};
}

void Login::refuse(Steady::time_point now) {
  answer_at_ = now + options_.failed_login_delay * (1U << std::min<uint64_t>(failed_++, 10));
}

bool Login::take_answer(Steady::time_point now) {
  if (!answer_at_ || now < *answer_at_) return false;
  answer_at_.reset();
  return true;
}

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const std::string& each) { return iequals(each, name); });
}

std::string without_secret(std::string_view line, size_t words) {
  size_t end = 0;
  for (size_t i = 0; i < words && end != line.npos; ++i) end = line.find(' ', end + (i > 0 ? 1 : 0));
  if (end == line.npos || end + 1 >= line.size()) return printable(line);
  return printable(line.substr(0, end)) + " ***";
}

}  // namespace libsync::server
