#include "libsync/account/config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <span>

#include <sys/stat.h>

#include "libsync/account/config_reader.h"
#include "libsync/net/proxy.h"
#include "libsync/net/tls_options.h"
#include "libsync/sasl/registry.h"

namespace libsync::account {
namespace {

using Kind = TomlNode::Kind;

constexpr int64_t kMaxTimeout = 3600;

}  // namespace

Status unknown_key(const Reader& reader, const TomlEntry& entry, std::span<const Key> keys) {
  std::vector<std::string_view> names;
  for (const Key& key : keys) names.push_back(key.name);
  const auto near = nearest(entry.key, names);
  return reader.complain(entry.at, say("unknown key \"{}\"", printable(entry.key, 60)),
                         near.empty() ? say("known here: {}", fmt::join(names, ", ")) : say("did you mean {}?", near));
}

Status read_table(const Reader& reader, const TomlEntry& table, std::span<const Key> keys, Account& account) {
  if (table.value.kind != Kind::Table) return reader.not_a(Kind::Table, table);
  for (const TomlEntry& entry : table.value.entries) {
    const auto key = std::ranges::find(keys, entry.key, &Key::name);
    if (key == keys.end()) return unknown_key(reader, entry, keys);
    Status set = key->set(reader, entry, account);
    if (set) continue;
    const std::string option = reader.name(entry.key);
    if (reader.options && !set.error().what.starts_with(option)) {
      set.error().what = fmt::format("{}: {}", option, set.error().what);
    }
    return set;
  }
  return {};
}

namespace {

Status set_remote(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(const std::string url, reader.text(entry));
  auto remote = parse_remote(url);
  if (!remote) return reader.complain(entry.value.at, remote.error().what, remote.error().hint);
  account.remote = *std::move(remote);
  return {};
}

Status others_may_read(const Reader& reader, const TomlEntry& entry) {
  return reader.complain(entry.at, say("this file holds a password and others may read it"),
                         say("chmod 600 {}", shorten_path(reader.file, reader.places)));
}

Status set_password(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(std::string password, reader.text(entry));
  if (!reader.private_file) return others_may_read(reader, entry);
  account.password = Secret(std::move(password));
  return {};
}

Result<std::string> mechanism_name(const Reader& reader, const std::string& name, Position at) {
  if (const sasl::MechanismInfo* found = sasl::find_mechanism(name)) return std::string(found->name);
  std::vector<std::string_view> names;
  for (const auto& mechanism : sasl::mechanisms()) names.push_back(mechanism.name);
  const auto near = nearest(to_upper(name), names);
  return reader.complain(at, say("unknown mechanism \"{}\"", printable(name, 40)),
                         near.empty() ? say("known: {}", fmt::join(names, ", ")) : say("did you mean {}?", near));
}

Status set_auth(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(const std::string name, reader.text(entry));
  TB_ASSIGN(account.auth, mechanism_name(reader, name, entry.value.at));
  return {};
}

Status set_forbid_auth(const Reader& reader, const TomlEntry& entry, Account& account) {
  if (entry.value.kind != Kind::List) return reader.not_a(Kind::List, entry);
  for (const TomlNode& item : entry.value.items) {
    if (item.kind != Kind::Text) {
      return reader.complain(item.at, say("{} is a list of mechanisms like \"PLAIN\"", entry.key));
    }
    TB_ASSIGN(account.forbid_auth.emplace_back(), mechanism_name(reader, item.text, item.at));
  }
  return {};
}

Status set_store(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(const std::string written, reader.text(entry));
  if (written.starts_with("maildir:")) {
    return reader.complain(entry.value.at, say("a Maildir as the store is not known in this version"),
                           say("name a folder; twinbox export --maildir writes a Maildir"));
  }
  TB_ASSIGN(account.store, reader.path(entry));
  return {};
}

Status set_pin(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(account.tls_pin, reader.text(entry));
  const auto pin = net::parse_pin(account.tls_pin);
  if (!pin) return reader.complain(entry.value.at, pin.error().what, pin.error().hint);
  return {};
}

Status set_leave(const Reader& reader, const TomlEntry& entry, Account& account) {
  static constexpr std::array<std::string_view, 2> kAllowed = {"forever", "never"};
  TB_ASSIGN(const std::string value, reader.choice(entry, kAllowed));
  account.leave = value == "never" ? sync::Leave::Never : sync::Leave::Forever;
  return {};
}

Status set_mode(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(account.mode, read_mode(reader, entry));
  return {};
}

Status set_proxy(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(account.proxy, reader.text(entry));
  const auto proxy = net::parse_proxy(account.proxy);
  if (!proxy) return reader.complain(entry.value.at, proxy.error().what, proxy.error().hint);
  if (!proxy->password.empty() && !reader.private_file) return others_may_read(reader, entry);
  return {};
}

Status set_timeout(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(const int64_t seconds, reader.number(entry, 1, kMaxTimeout));
  account.timeout = std::chrono::seconds(seconds);
  return {};
}

constexpr std::array<Key, 3> kFuseKeys = {{
    {"percent",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(const int64_t value, r.number(e, 0, 100));
       a.fuse.percent = static_cast<unsigned>(value);
       return {};
     }},
    {"count",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(const int64_t value, r.number(e, 0, 1'000'000'000));
       a.fuse.count = static_cast<uint64_t>(value);
       return {};
     }},
    {"days",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(const int64_t value, r.number(e, 1, 365));
       a.fuse.days = static_cast<unsigned>(value);
       return {};
     }},
}};

template <std::string Account::* Member>
Status set_text(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(account.*Member, reader.text(entry));
  return {};
}

template <std::string Account::* Member>
Status set_path(const Reader& reader, const TomlEntry& entry, Account& account) {
  TB_ASSIGN(account.*Member, reader.path(entry));
  return {};
}

constexpr std::array<Key, 19> kAccountKeys = {{
    {"remote", set_remote},
    {"password_command", set_text<&Account::password_command>},
    {"password_file", set_path<&Account::password_file>},
    {"password", set_password},
    {"token_command", set_text<&Account::token_command>},
    {"auth", set_auth},
    {"forbid_auth", set_forbid_auth},
    {"store", set_store},
    {"tls_ca", set_path<&Account::tls_ca>},
    {"tls_pin", set_pin},
    {"leave", set_leave},
    {"mode", set_mode},
    {"local_flags",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.local_flags, r.boolean(e));
       return {};
     }},
    {"proxy", set_proxy},
    {"timeout", set_timeout},
    {"compress",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.compress, r.boolean(e));
       return {};
     }},
    {"folders", read_folders},
    {"folder", read_folder_rules},
    {"fuse", [](const Reader& r, const TomlEntry& e, Account& a) { return read_table(r, e, kFuseKeys, a); }},
}};

// What no single key can tell.
Status check_whole(const Reader& reader, const TomlEntry& entry, const Account& account) {
  if (account.remote.host.empty()) {
    return reader.complain(entry.at, say("account {} has no remote", account.name),
                           say("add remote = \"imaps://me@mail.example.org\""));
  }
  const int ways = !account.password_command.empty() + !account.password_file.empty() + !account.password.empty() +
                   !account.token_command.empty();
  if (ways > 1) {
    return reader.complain(entry.at, say("account {} has more than one of {}, {}, {} and {}", account.name,
                                         reader.name("password_command"), reader.name("password_file"),
                                         reader.name("password"), reader.name("token_command")));
  }
  const sasl::MechanismInfo* mechanism = sasl::find_mechanism(account.auth);
  const bool token = mechanism != nullptr && mechanism->proof == sasl::Proof::Token;
  if (token && account.token_command.empty()) {
    return reader.complain(entry.at,
                           say("{} {} needs a {}", reader.name("auth"), account.auth, reader.name("token_command")));
  }
  if (!token && !account.auth.empty() && !account.token_command.empty()) {
    return reader.complain(
        entry.at, say("{} {} does not use a {}", reader.name("auth"), account.auth, reader.name("token_command")));
  }
  if (std::ranges::find(account.forbid_auth, account.auth) != account.forbid_auth.end()) {
    return reader.complain(entry.at, say("{} {} is forbidden by forbid_auth", reader.name("auth"), account.auth));
  }
  const bool pop3 = account.remote.protocol == Protocol::Pop3;
  if (!pop3 && account.leave == sync::Leave::Never) {
    return reader.complain(entry.at,
                           say("{} never is for POP3 accounts; {} uses IMAP", reader.name("leave"), account.name));
  }
  if (!pop3 && account.auth == sasl::kApop) {
    return reader.complain(
        entry.at, say("{} {} is for POP3 accounts; {} uses IMAP", reader.name("auth"), account.auth, account.name));
  }
  if (!pop3) return {};
  const bool folders =
      !account.include.empty() || !account.exclude.empty() || account.all_mail || account.shared || account.match_roles;
  const auto only_imap = [&](std::string_view what, Position at) {
    return reader.complain(at, say("{} is for IMAP accounts; {} uses POP3", what, account.name));
  };
  if (folders) return only_imap("folders", entry.at);
  if (!account.folder_rules.empty()) return only_imap("folder", {account.folder_rules.front().line, 1});
  if (account.mode == Mode::Push) return only_imap(say("{} push", reader.name("mode")), entry.at);
  if (account.compress) return only_imap("compress", entry.at);
  return {};
}

Status read_account(const Reader& reader, const TomlEntry& entry, Config& config) {
  if (const auto name_ok = check_account_name(entry.key); !name_ok) {
    return reader.complain(entry.at, name_ok.error().what, name_ok.error().hint);
  }
  Account account;
  account.name = entry.key;
  account.line = entry.at.line;
  account.store = reader.places.data_home + "/twinbox/" + entry.key;
  TB_TRY(read_table(reader, entry, kAccountKeys, account));
  TB_TRY(check_whole(reader, entry, account));
  config.accounts.push_back(std::move(account));
  return {};
}

// Two accounts in one store would each take the other's mail for removed.
Status check_stores(const Reader& reader, const Config& config) {
  std::set<std::string> seen;
  for (const Account& account : config.accounts) {
    if (!seen.insert(std::filesystem::path(account.store).lexically_normal().string()).second) {
      return reader.complain({account.line, 1}, say("account {} has the same store as another account", account.name));
    }
  }
  return {};
}

Status read_top(const Reader& reader, const TomlEntry& entry, Config& config) {
  static constexpr std::array<Key, 2> kTopKeys = {{{"account", nullptr}, {"jobs", nullptr}}};
  if (entry.key == "jobs") {
    TB_ASSIGN(const int64_t jobs, reader.number(entry, 1, kMaxJobs));
    config.jobs = static_cast<unsigned>(jobs);
    return {};
  }
  if (entry.key != "account") return unknown_key(reader, entry, kTopKeys);
  if (entry.value.kind != Kind::Table) return reader.not_a(Kind::Table, entry);
  if (entry.value.entries.size() > kMaxAccounts) {
    return reader.complain(entry.at, say("more than {} accounts", kMaxAccounts));
  }
  for (const TomlEntry& account : entry.value.entries) TB_TRY(read_account(reader, account, config));
  return {};
}

}  // namespace

const Account* Config::find(std::string_view name) const {
  const auto found = std::ranges::find(accounts, name, &Account::name);
  return found == accounts.end() ? nullptr : &*found;
}

Result<Config> parse_config(std::string_view text, const std::string& path, const Places& places, bool private_file) {
  if (text.size() > kMaxConfigBytes) {
    return fail(Errc::Limit, say("{}: {} bytes, more than the limit of {}", path, text.size(), kMaxConfigBytes));
  }
  TB_ASSIGN(const TomlNode document, parse_toml(text, path));
  const Reader reader{.file = path, .places = places, .private_file = private_file};
  Config config;
  config.path = path;
  for (const TomlEntry& entry : document.entries) TB_TRY(read_top(reader, entry, config));
  std::ranges::sort(config.accounts, {}, &Account::line);
  TB_TRY(check_stores(reader, config));
  return config;
}

Status check_options(std::string_view text, const std::string& path, const Places& places) {
  TB_ASSIGN(const TomlNode document, parse_toml(text, path));
  const Reader reader{.file = path, .places = places, .private_file = true, .options = true};
  Config config;
  for (const TomlEntry& entry : document.entries) TB_TRY(read_top(reader, entry, config));
  return {};
}

Result<Config> load_config(FileSystem& fs, const std::string& path, const Places& places) {
  auto text = read_file(fs, path, kMaxConfigBytes);
  if (!text) {
    if (text.error().code != Errc::NotFound) return fail(std::move(text).error());
    return fail(Error{.code = Errc::NotFound,
                      .what = say("no configuration at {}", shorten_path(path, places)),
                      .hint = say("add an account: twinbox account add NAME me@gmail.com")});
  }
  struct stat st{};
  const bool private_file = ::stat(path.c_str(), &st) == 0 && (st.st_mode & 077) == 0;
  return parse_config(*text, path, places, private_file);
}

Result<const Account*> find_account(const Config& config, std::string_view name) {
  if (const Account* account = config.find(name)) return account;
  std::vector<std::string_view> names;
  for (const Account& account : config.accounts) names.push_back(account.name);
  const auto near = nearest(name, names);
  std::string hint = near.empty() ? say("twinbox account list shows the accounts") : say("did you mean {}?", near);
  return fail(Error{
      .code = Errc::NotFound, .what = say("no account named \"{}\"", printable(name, 80)), .hint = std::move(hint)});
}

Status check_account_name(std::string_view name) {
  const bool good = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == name.npos;
  if (name.empty() || name.size() > kMaxAccountName || !good || name.front() == '.' || name.front() == '-') {
    const std::string lower = to_lower(name);
    const std::string what = say("\"{}\" can't be the name of an account", printable(name, 80));
    if (lower != name && check_account_name(lower)) {
      return fail(Error{.code = Errc::Usage, .what = what, .hint = say("in small letters it can: {}", lower)});
    }
    return fail(
        Error{.code = Errc::Usage,
              .what = what,
              .hint = say("use a-z, 0-9, '.', '_' and '-', beginning with a letter or digit, at most {} characters",
                          kMaxAccountName)});
  }
  return {};
}

}  // namespace libsync::account
