#include "libsync/account/config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <span>

#include <sys/stat.h>

#include "libsync/account/toml_tree.h"
#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/proxy.h"
#include "libsync/net/tls_options.h"
#include "libsync/sasl/registry.h"

namespace libsync::account {
namespace {

using Kind = TomlNode::Kind;

constexpr size_t kMaxPatterns = 200;       // each is tried on every mailbox
constexpr size_t kMaxPatternBytes = 1024;  // a mailbox name is no longer
constexpr int64_t kMaxTimeout = 3600;

struct Reader;
using Set = Status (*)(const Reader&, const TomlEntry&, Account&);

struct Reader {
  const std::string& file;
  const Places& places;
  bool private_file;
  bool options = false;  // what is read are options of a command line: there is no place in a file to name

  // What the user wrote it as: "tls_pin" or "--tls-pin".
  std::string name(std::string_view key) const {
    std::string out(key);
    if (!options) return out;
    std::ranges::replace(out, '_', '-');
    return "--" + out;
  }
  std::string folder() const { return std::filesystem::path(file).parent_path().string(); }

  std::unexpected<Error> complain(Position at, std::string_view what, std::string hint = {}) const {
    if (options) return fail(Error{.code = Errc::Usage, .what = std::string(what), .hint = std::move(hint)});
    return fail(config_error(file, at, what, std::move(hint)));
  }
  std::unexpected<Error> not_a(Kind wanted, const TomlEntry& entry) const {
    return complain(entry.value.at,
                    say("{} must be {}, not {}", name(entry.key), kind_name(wanted), kind_name(entry.value.kind)));
  }
  Result<std::string> text(const TomlEntry& entry) const {
    if (entry.value.kind != Kind::Text) return not_a(Kind::Text, entry);
    if (entry.value.text.empty()) return complain(entry.value.at, say("{} is empty", name(entry.key)));
    if (entry.value.text.contains('\0'))
      return complain(entry.value.at, say("{} holds a NUL character", name(entry.key)));
    return entry.value.text;
  }
  Result<int64_t> number(const TomlEntry& entry, int64_t least, int64_t most) const {
    if (entry.value.kind != Kind::Integer) return not_a(Kind::Integer, entry);
    if (entry.value.integer < least || entry.value.integer > most) {
      return complain(entry.value.at, say("{} must be between {} and {}", entry.key, least, most));
    }
    return entry.value.integer;
  }
  Result<bool> boolean(const TomlEntry& entry) const {
    if (entry.value.kind != Kind::Boolean) return not_a(Kind::Boolean, entry);
    return entry.value.boolean;
  }
  Result<std::string> path(const TomlEntry& entry) const {
    TB_ASSIGN(const std::string written, text(entry));
    return expand_path(written, places, folder());
  }
  // One of `allowed`; `later` are values of the design that this version does not have yet.
  Result<std::string> choice(const TomlEntry& entry, std::span<const std::string_view> allowed) const {
    TB_ASSIGN(const std::string value, text(entry));
    if (std::ranges::find(allowed, value) != allowed.end()) return value;
    const auto near = nearest(to_lower(value), allowed);
    return complain(entry.value.at,
                    say("{} \"{}\" is not known in this version", name(entry.key), printable(value, 40)),
                    near.empty() ? say("allowed: {}", fmt::join(allowed, ", ")) : say("did you mean {}?", near));
  }
};

struct Key {
  std::string_view name;
  Set set;
};

Status unknown_key(const Reader& reader, const TomlEntry& entry, std::span<const Key> keys) {
  std::vector<std::string_view> names;
  for (const Key& key : keys) names.push_back(key.name);
  const auto near = nearest(entry.key, names);
  return reader.complain(entry.at, say("unknown key \"{}\"", printable(entry.key, 60)),
                         near.empty() ? say("known here: {}", fmt::join(names, ", ")) : say("did you mean {}?", near));
}

Status read_table(const Reader& reader, const TomlEntry& table, std::span<const Key> keys, Account& account) {
  if (table.value.kind == Kind::List && table.key == "folders") {
    return reader.complain(table.value.at, say("folders must be a table, not a list"),
                           say("write folders.include = […] or folders.exclude = […]"));
  }
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
  static constexpr std::array<std::string_view, 2> kAllowed = {"mirror", "two-way"};
  TB_ASSIGN(const std::string value, reader.choice(entry, kAllowed));
  account.mode = value == "two-way" ? Mode::TwoWay : Mode::Mirror;
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

Status read_patterns(const Reader& reader, const TomlEntry& entry, std::vector<std::string>& patterns) {
  if (entry.value.kind != Kind::List) return reader.not_a(Kind::List, entry);
  if (entry.value.items.size() > kMaxPatterns) {
    return reader.complain(entry.value.at, say("{} holds more than {} patterns", entry.key, kMaxPatterns));
  }
  for (const TomlNode& item : entry.value.items) {
    if (item.kind != Kind::Text || item.text.empty() || item.text.size() > kMaxPatternBytes) {
      return reader.complain(item.at, say("{} is a list of texts like \"Archive/**\"", entry.key));
    }
    patterns.push_back(item.text);
  }
  return {};
}

constexpr std::array<Key, 4> kFolderKeys = {{
    {"include", [](const Reader& r, const TomlEntry& e, Account& a) { return read_patterns(r, e, a.include); }},
    {"exclude", [](const Reader& r, const TomlEntry& e, Account& a) { return read_patterns(r, e, a.exclude); }},
    {"all_mail",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.all_mail, r.boolean(e));
       return {};
     }},
    {"shared",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.shared, r.boolean(e));
       return {};
     }},
}};

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

constexpr std::array<Key, 18> kAccountKeys = {{
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
    {"folders", [](const Reader& r, const TomlEntry& e, Account& a) { return read_table(r, e, kFolderKeys, a); }},
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
  const bool folders = !account.include.empty() || !account.exclude.empty() || account.all_mail || account.shared;
  if (pop3 && (folders || account.compress)) {
    return reader.complain(
        entry.at, say("{} is for IMAP accounts; {} uses POP3", folders ? "folders" : "compress", account.name));
  }
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
