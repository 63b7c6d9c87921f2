// twinbox account add: writes an account into the configuration file.
#include <array>
#include <filesystem>

#include "libsync/account/config_edit.h"
#include "libsync/account/providers.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/link_table.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace account = libsync::account;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::word;

namespace {

constexpr std::array kOptions = std::to_array<Option>({
    {"imap", 0, "", "use IMAP (the default where the provider has it)"},
    {"pop3", 0, "", "use POP3"},
    {"remote", 0, "URL", "the server, as imaps://USER@HOST; needed where the provider is not known"},
    {"password-command", 0, "COMMAND", "a command that prints the password"},
    {"password-file", 0, "FILE", "a file with the password on its first line, mode 0600"},
    {"password", 0, "", "ask for the password now and keep it in the configuration file, mode 0600"},
    {"token-command", 0, "COMMAND", "a command that prints an OAuth 2.0 access token"},
    {"auth", 0, "MECHANISM", "log in by this mechanism and no other"},
    {"store", 0, "DIR", "folder of the local store"},
    {"tls-ca", 0, "FILE", "trust the authorities in this PEM file"},
    {"tls-pin", 0, "PIN", "trust the certificate with this sha256:… fingerprint"},
    {"proxy", 0, "URL", "connect through socks5://HOST:PORT or http://HOST:PORT"},
    {"leave", 0, "forever|never", "POP3: leave messages on the server, or delete them once they are here"},
});

std::unexpected<Error> usage(std::string what, std::string hint = {}) {
  return fail(Error{.code = Errc::Usage, .what = std::move(what), .hint = std::move(hint)});
}

struct Found {
  std::string url;
  const account::Provider* provider = nullptr;
};

// The remote by the provider's table.
Result<Found> look_up(const std::string& address, const Arguments& arguments) {
  const size_t at = address.rfind('@');
  if (at == address.npos || at == 0 || at + 1 == address.size()) {
    return usage(say("\"{}\" is not an address", libsync::printable(address, 80)), say("write it like me@example.org"));
  }
  if (address.contains("://")) {
    return usage(say("\"{}\" is the address of a server", libsync::printable(address, 80)),
                 say("write --remote before it"));
  }
  const account::Provider* provider = account::find_provider(address);
  if (provider == nullptr) {
    const std::string domain = libsync::printable(address.substr(at + 1), 80);
    return usage(say("the servers of {} are not known here", domain),
                 say("name one: --remote imaps://{}@imap.{}", libsync::printable(address, 80), domain));
  }
  const bool pop3 = arguments.has("pop3") || (!arguments.has("imap") && provider->imap.host.empty());
  const auto remote = account::remote_for(*provider, address, pop3 ? account::Protocol::Pop3 : account::Protocol::Imap);
  if (!remote) return usage(say("{} offers no {} that is known here", provider->name, pop3 ? "POP3" : "IMAP"));
  return Found{.url = account::to_url(*remote), .provider = provider};
}

Result<Found> find_remote(const Arguments& arguments) {
  if (arguments.has("imap") && arguments.has("pop3")) return usage(say("--imap and --pop3 exclude each other"));
  const bool address_given = arguments.words().size() > 1;
  if (!arguments.has("remote")) {
    if (!address_given) return usage(say("account add needs an address or --remote URL"));
    return look_up(arguments.word(1), arguments);
  }
  if (arguments.has("imap") || arguments.has("pop3")) return usage(say("--remote already says the protocol"));
  std::string url = arguments.value("remote");
  // imaps://host with the address beside it is what people write.
  const size_t scheme = url.find("://");
  if (address_given && scheme != url.npos && !url.contains('@')) url.insert(scheme + 3, arguments.word(1) + "@");
  const auto remote = account::parse_remote(url);
  if (!remote) return usage(say("--remote: {}", remote.error().what), remote.error().hint);
  return Found{.url = account::to_url(*remote),
               .provider = address_given ? account::find_provider(arguments.word(1)) : nullptr};
}

Result<libsync::Secret> ask_password(Context& context, const std::string& name, const std::string& url) {
  auto& around = context.around();
  if (around.prompt.available()) {
    TB_ASSIGN(const account::Remote remote, account::parse_remote(url));
    // As a sync asks for it.
    return around.prompt.ask(
        say("Password of {} ({} at {}):", name, libsync::printable(remote.user), libsync::printable(remote.host)),
        context.stop());
  }
  TB_ASSIGN(std::string text, around.read_input(account::kMaxSecret));
  if (const size_t end = text.find_first_of("\r\n"); end != text.npos) text.resize(end);
  if (text.empty())
    return usage(say("no password came on standard input"),
                 say("without a terminal, give it there, or use --password-command or --password-file"));
  return libsync::Secret(std::move(text));
}

Result<account::NewAccount> new_account(Context& context, const Arguments& arguments, const std::string& url) {
  account::NewAccount out{.name = arguments.word(0), .values = {{"remote", account::toml_quote(url)}}};
  constexpr std::array<std::pair<std::string_view, const char*>, 9> kTexts = {{{"password-command", "password_command"},
                                                                               {"password-file", "password_file"},
                                                                               {"token-command", "token_command"},
                                                                               {"auth", "auth"},
                                                                               {"store", "store"},
                                                                               {"tls-ca", "tls_ca"},
                                                                               {"tls-pin", "tls_pin"},
                                                                               {"proxy", "proxy"},
                                                                               {"leave", "leave"}}};
  for (const auto& [option, key] : kTexts) {
    if (!arguments.has(option)) continue;
    std::string value = arguments.value(option);
    const bool path = option == "password-file" || option == "store" || option == "tls-ca";
    // A path on the command line counts from here, one in the file from the file's folder.
    if (path && !value.empty() && value[0] != '/' && value[0] != '~' && !value.starts_with("maildir:")) {
      const std::string here = std::filesystem::current_path().string();
      value = account::expand_path(value, context.places(), here);
    }
    out.values.emplace_back(key, account::toml_quote(value));
  }
  if (arguments.has("password")) {
    for (const char* other : {"password-command", "password-file", "token-command"}) {
      if (arguments.has(other)) return usage(say("--password goes not with --{}", other));
    }
    TB_ASSIGN(const libsync::Secret secret, ask_password(context, out.name, url));
    out.values.emplace_back("password", account::toml_quote(secret.reveal()));
  }
  return out;
}

bool stays_here(const std::string& host) {
  return libsync::iequals(host, "localhost") || host.starts_with("127.") || host == "::1";
}

// What is there already under this account's name, of an account that was removed or of another server.
void tell_old_mail(Context& context, const std::string& name) {
  auto config = account::load_config(context.around().fs, context.config_path(), context.places());
  const account::Account* added = config ? config->find(name) : nullptr;
  if (added == nullptr || !context.around().fs.exists(added->store)) return;
  const auto open = open_account(context, *added, libsync::store::StoreMode::ReadOnly);
  const std::string where = account::shorten_path(added->store, context.places());
  if (!open) {
    if (open.error().code != Errc::NotFound) context.report(open.error());
    return;
  }
  const auto mailboxes = open->store->mailboxes();
  const auto identity = libsync::store::open_link(open->store->db())->identity(libsync::sync::Side::A);
  if (!mailboxes || !identity) return;
  uint64_t messages = 0;
  for (const auto& mailbox : *mailboxes) messages += mailbox.messages;
  if (messages == 0 && identity->empty()) return;
  const std::string count = counted(messages, "message", "messages");
  context.note(identity->empty() ? say("{} holds {} already", where, count)
                                 : say("{} holds {} of {} already; mail of another place needs another folder: "
                                       "--store DIR",
                                       where, count, libsync::printable(*identity)));
}

void say_next(Context& context, const Arguments& arguments, const Found& found) {
  const std::string& name = arguments.word(0);
  const bool has_secret = arguments.has("password") || arguments.has("password-command") ||
                          arguments.has("password-file") || arguments.has("token-command");
  context.note(say("{}  {}  in {}", name, found.url, account::shorten_path(context.config_path(), context.places())));
  if (found.provider != nullptr && !found.provider->note.empty()) {
    context.note(say("{}: {}", found.provider->name, word(found.provider->note)));
  }
  const auto remote = account::parse_remote(found.url);
  if (remote && remote->security == account::Security::Plain && !stays_here(remote->host)) {
    context.note(say("without TLS the password and all mail cross the network readable to anyone on the way"));
  }
  tell_old_mail(context, name);
  if (!has_secret) {
    context.note(say("the password will be asked for at each sync; a timer needs password_command or password_file"));
  }
  context.note(say("next: twinbox sync {}", name));
}

Result<int> account_add(Context& context, const Arguments& arguments) {
  TB_TRY(account::check_account_name(arguments.word(0)));
  TB_ASSIGN(const Found found, find_remote(arguments));
  const std::string path = context.config_path();
  // What can be wrong is found before a password is asked for.
  if (context.around().fs.exists(path)) {
    TB_ASSIGN(const account::Config* const before, context.config());
    if (before->find(arguments.word(0)) != nullptr) {
      return usage(say("account {} is already there", arguments.word(0)),
                   say("twinbox account remove {} takes it out of {}", arguments.word(0),
                       account::shorten_path(path, context.places())));
    }
  }
  TB_ASSIGN(const account::NewAccount added, new_account(context, arguments, found.url));
  TB_TRY(account::edit_config(context.around().fs, path, [&](std::string_view text) {
    return account::add_account(text, added, path, context.places());
  }));
  if (context.json()) {
    context.out().json(JsonObject{{"account", added.name}, {"remote", found.url}, {"config", path}});
  }
  say_next(context, arguments, found);
  return 0;
}

}  // namespace

extern const Command kAccountAdd;
const Command kAccountAdd{
    .name = "account add",
    .usage = "NAME [ADDRESS]",
    .summary = "add an account to the configuration",
    .options = kOptions,
    .least_words = 1,
    .most_words = 2,
    .example =
        "twinbox account add work me@gmail.com --password-command 'pass show mail/work'\n"
        "twinbox account add uni --remote pop3s://me@pop.example.org --password",
    .run = account_add,
};

}  // namespace twinbox
