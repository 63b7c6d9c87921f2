// Changes to the configuration file that leave everything else in it as its owner wrote it: comments,
// order, spacing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/account/config.h"

namespace libsync::account {

// What goes into a new [account.NAME]: keys and TOML text values, in this order.
struct NewAccount {
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;
};

// `text` with the account's table added at the end. Refused with Errc::Usage when it is already there.
// The values come from a command line: what is wrong with one is said of its option (check_options()).
Result<std::string> add_account(std::string_view text, const NewAccount& account, const std::string& path,
                                const Places& places);

// `text` without the account's tables; comments above and below them stay. Refused with Errc::NotFound
// when there is no such account, with Errc::Config when it is written in a way that can't be cut out (inline
// tables): the line is named.
Result<std::string> remove_account(std::string_view text, std::string_view name, const std::string& path,
                                   const Places& places);

// Reads the file (missing: empty), applies `edit`, and replaces it atomically with mode 0600; a symbolic
// link stays one. Folders are made. Nothing is written when `edit` fails.
Status edit_config(FileSystem& fs, const std::string& path,
                   const std::function<Result<std::string>(std::string_view text)>& edit);

// A TOML basic string, quotes included.
std::string toml_quote(std::string_view text);

}  // namespace libsync::account
