// The configuration: one TOML file, read into plain values. docs of the keys: `kAccountKeys`
// in config.cc is the list of what is allowed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/account/places.h"
#include "libsync/account/remote_url.h"
#include "libsync/base/file.h"
#include "libsync/base/result.h"
#include "libsync/base/secret.h"
#include "libsync/sync/policy.h"

namespace libsync::account {

inline constexpr uint64_t kMaxConfigBytes = 1'000'000;  // a person's file; a larger one is a mistake
inline constexpr unsigned kMaxJobs = 64;                // accounts at the same time
inline constexpr unsigned kDefaultJobs = 4;
inline constexpr size_t kMaxAccounts = 1000;
inline constexpr size_t kMaxAccountName = 64;  // it becomes a folder name and part of every message

// Whose word counts.
enum class Mode : uint8_t {
  Mirror,   // the server's alone
  TwoWay,   // both sides': what is changed here is changed there, where the protocol can carry it
  Push,     // this computer's alone: the server follows, nothing here is changed
  Archive,  // the server's, but for what takes mail away; what is here is one's own
};
std::string_view mode_name(Mode mode);          // "two-way"
bool changes_server(Mode mode);                 // a sync carries there what was changed here
inline constexpr size_t kMaxFolderRules = 200;  // each is tried on every folder

// One [[account.NAME.folder]]: what is said of the folders of the server that `match` fits.
struct FolderRule {
  std::string match{};  // a pattern as in Account::include
  std::optional<Mode> mode{};
  std::optional<bool> skip{};
  // What they are called here: a name for `match` a name; "PREFIX/**" or "**" for one that ends so. Empty: as there.
  std::string rename{};
  uint32_t line = 0;
};

// One [account.NAME]. A plain value.
struct Account {
  std::string name;
  Remote remote{};
  // At most one of these four is set; none: the user is asked on the terminal.
  std::string password_command{};
  std::string password_file{};  // absolute
  Secret password{};
  std::string token_command{};  // OAuth 2.0 access token for XOAUTH2 or OAUTHBEARER
  std::string auth{};           // mechanism to use and no other, in capitals ("SCRAM-SHA-256", "APOP"); "": best one
  std::vector<std::string> forbid_auth{};  // mechanisms never to use, in capitals
  std::string store{};                     // folder of the local store, absolute
  std::string tls_ca{};                    // PEM file, absolute; "": the system's
  std::string tls_pin{};                   // "sha256:" and hex digits; "": none
  sync::Leave leave = sync::Leave::Forever;
  Mode mode = Mode::Mirror;
  bool local_flags = false;  // of a mirror: flags may be changed here all the same
  // Patterns of mailbox paths: '*' within a component, "**" across; see folder_filter.h. Empty include: all.
  std::vector<std::string> include{}, exclude{};
  std::vector<FolderRule> folder_rules{};         // folder_map.h says what they come to
  bool match_roles = false;                       // Sent is Gesendet, where no name fits
  bool all_mail = false;                          // Gmail's All Mail too
  bool shared = false;                            // other users' and shared namespaces too
  std::string proxy{};                            // socks5://… or http://…; may hold a password: never printed
  std::optional<std::chrono::seconds> timeout{};  // for each wait on the server; nothing: the protocols' own
  std::optional<bool> compress{};                 // nothing: where it is offered, but not to this machine
  sync::FusePolicy fuse{};
  uint32_t line = 0;  // where [account.NAME] stands in the file
};

struct Config {
  std::string path;               // of the file
  unsigned jobs = kDefaultJobs;   // accounts synced at the same time
  std::vector<Account> accounts;  // in the order of the file

  const Account* find(std::string_view name) const;
};

// Text to values; pure. `path` is for messages and relative paths. Every complaint is Errc::Config with
// "path:line:column: …" and, for an unknown key, the nearest known one. `private_file`: the file's mode
// keeps others out; a password inside is refused otherwise.
Result<Config> parse_config(std::string_view text, const std::string& path, const Places& places, bool private_file);

// The same of one table that is made of options of a command line: Errc::Usage, and what is wrong is said of the option
// (--tls-pin for tls_pin).
Status check_options(std::string_view text, const std::string& path, const Places& places);

// Reads and parses the file. Missing: Errc::NotFound with the hint to add an account.
Result<Config> load_config(FileSystem& fs, const std::string& path, const Places& places);

// The account, or Errc::NotFound naming the nearest.
Result<const Account*> find_account(const Config& config, std::string_view name);

// [a-z0-9._-], 1 to kMaxAccountName characters, no leading dot or dash.
Status check_account_name(std::string_view name);

}  // namespace libsync::account
