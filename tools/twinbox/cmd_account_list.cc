// twinbox account list: what is configured.
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"

namespace twinbox {

namespace account = libsync::account;
using libsync::Result;
using libsync::say;
using libsync::word;

namespace {

// How the password is had, for people and, in English, for scripts; never the password.
std::string_view secret_kind(const account::Account& a) {
  if (!a.password_command.empty()) return "password_command";
  if (!a.password_file.empty()) return "password_file";
  if (!a.token_command.empty()) return "token_command";
  return a.password.empty() ? "asked" : "password";
}

JsonObject to_json(const account::Account& a) {
  return {{"account", a.name},
          {"protocol", account::protocol_name(a.remote.protocol)},
          {"remote", account::to_url(a.remote)},
          {"store", a.store},
          {"secret", secret_kind(a)},
          {"leave", a.leave == libsync::sync::Leave::Never ? "never" : "forever"}};
}

Result<int> account_list(Context& context, const Arguments&) {
  const auto nothing = [&] {
    if (!context.json()) context.note(say("no account is set up; add one: twinbox account add NAME me@gmail.com"));
    return 0;
  };
  // Before the first account there is no file; one that was named and is not there is a mistake.
  if (context.globals().config.empty() && !context.around().fs.exists(context.config_path())) return nothing();
  TB_ASSIGN(const account::Config* const config, context.config());
  std::vector<std::vector<std::string>> rows;
  for (const account::Account& a : config->accounts) {
    if (context.json()) {
      context.out().json(to_json(a));
      continue;
    }
    rows.push_back({a.name, account::to_url(a.remote), account::shorten_path(a.store, context.places()),
                    std::string(word(secret_kind(a)))});
  }
  if (config->accounts.empty()) return nothing();
  if (!context.json()) {
    print_table(context.out(),
                {{.title = std::string(word("account"))},
                 {.title = std::string(word("remote")), .flexible = true},
                 {.title = std::string(word("store")), .flexible = true, .drop = 2},
                 {.title = std::string(word("password by")), .drop = 1}},
                rows);
  }
  return 0;
}

}  // namespace

extern const Command kAccountList;
const Command kAccountList{
    .name = "account list",
    .usage = "",
    .summary = "list the accounts",
    .options = {},
    .least_words = 0,
    .most_words = 0,
    .example = "twinbox account list",
    .run = account_list,
};

}  // namespace twinbox
