// How the tables of the configuration are read: keys that set something, and complaints with their place. Internal to
// config*.cc.
#pragma once

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "libsync/account/config.h"
#include "libsync/account/toml_tree.h"
#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {

inline constexpr size_t kMaxPatternBytes = 1024;  // a mailbox name is no longer

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
  std::unexpected<Error> not_a(TomlNode::Kind wanted, const TomlEntry& entry) const {
    return complain(entry.value.at,
                    say("{} must be {}, not {}", name(entry.key), kind_name(wanted), kind_name(entry.value.kind)));
  }
  Result<std::string> text(const TomlEntry& entry) const {
    if (entry.value.kind != TomlNode::Kind::Text) return not_a(TomlNode::Kind::Text, entry);
    if (entry.value.text.empty()) return complain(entry.value.at, say("{} is empty", name(entry.key)));
    if (entry.value.text.contains('\0'))
      return complain(entry.value.at, say("{} holds a NUL character", name(entry.key)));
    return entry.value.text;
  }
  Result<int64_t> number(const TomlEntry& entry, int64_t least, int64_t most) const {
    if (entry.value.kind != TomlNode::Kind::Integer) return not_a(TomlNode::Kind::Integer, entry);
    if (entry.value.integer < least || entry.value.integer > most) {
      return complain(entry.value.at, say("{} must be between {} and {}", entry.key, least, most));
    }
    return entry.value.integer;
  }
  Result<bool> boolean(const TomlEntry& entry) const {
    if (entry.value.kind != TomlNode::Kind::Boolean) return not_a(TomlNode::Kind::Boolean, entry);
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

Status unknown_key(const Reader& reader, const TomlEntry& entry, std::span<const Key> keys);
// Each entry of the table by its key.
Status read_table(const Reader& reader, const TomlEntry& table, std::span<const Key> keys, Account& account);

Result<Mode> read_mode(const Reader& reader, const TomlEntry& entry);

// config_folders.cc: what is below `folders`, and the rules [[account.NAME.folder]].
Status read_folders(const Reader& reader, const TomlEntry& entry, Account& account);
Status read_folder_rules(const Reader& reader, const TomlEntry& entry, Account& account);

}  // namespace libsync::account
