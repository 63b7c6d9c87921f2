#include "tools/twinbox/context.h"

#include <algorithm>

#include "libsync/base/words.h"

#include "tools/twinbox/progress.h"

namespace twinbox {

using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::account::Account;
using libsync::account::Config;

std::string Context::config_path() const {
  return libsync::account::config_path(surroundings_.environment, globals_.config);
}

const libsync::account::Places& Context::places() {
  if (!places_) places_ = libsync::account::find_places(surroundings_.environment);
  return *places_;
}

Result<const Config*> Context::config() {
  if (!config_) {
    TB_ASSIGN(config_, libsync::account::load_config(surroundings_.fs, config_path(), places()));
  }
  return &*config_;
}

Result<const Account*> Context::account(std::string_view name) {
  TB_ASSIGN(const Config* const all, config());
  return libsync::account::find_account(*all, name);
}

Result<std::vector<const Account*>> Context::accounts(const std::vector<std::string>& names) {
  TB_ASSIGN(const Config* const all, config());
  std::vector<const Account*> found;
  for (const auto& name : names) {
    TB_ASSIGN(const Account* const account, libsync::account::find_account(*all, name));
    if (std::ranges::find(found, account) == found.end()) found.push_back(account);
  }
  if (!names.empty()) return found;
  for (const Account& account : all->accounts) found.push_back(&account);
  if (found.empty()) {
    return fail(
        Error{.code = Errc::NotFound,
              .what = say("no account is set up in {}", libsync::account::shorten_path(config_path(), places())),
              .hint = say("add one: twinbox account add NAME me@gmail.com")});
  }
  return found;
}

void Context::note(std::string_view text) {
  if (globals_.quiet || globals_.json) return;
  complain(std::string(text) + "\n");
}

void Context::report(const Error& error, std::string_view about, const std::vector<std::string>& tried) {
  Error full = error;
  if (!about.empty()) full.what = fmt::format("{}: {}", about, error.what);
  if (globals_.json) return complain(to_line(error_json(full)) + "\n");
  std::string text = error_text(full);
  if (globals_.verbose) {
    for (const auto& line : tried) text += "         " + line + "\n";
    text += "         " + say("kind of error: {}", errc_name(error.code));
    if (error.retry) text += say("; trying again later may help");
    text += "\n";
  }
  complain(std::move(text));
}

void Context::share(ProgressBoard* board) {
  board_ = board;
  out_.share(board);
}

int combined_status(const std::vector<int>& statuses) {
  if (statuses.empty() || std::ranges::count(statuses, 0) == std::ssize(statuses)) return 0;
  const bool alike = std::ranges::count(statuses, statuses[0]) == std::ssize(statuses);
  return alike ? statuses[0] : exit_status(Errc::Refused);
}

void Context::complain(std::string text) {
  const std::lock_guard lock(err_mutex_);
  if (board_ == nullptr) {
    surroundings_.err.write(text);
  } else {
    board_->aside([this, words = std::move(text)] { surroundings_.err.write(words); });
  }
}

}  // namespace twinbox
