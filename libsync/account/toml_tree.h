// A TOML document as a plain tree with positions: what the configuration is read from. The library
// behind it (toml++) shows in toml_tree.cc alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync::account {

// Lines and columns count from 1; columns in code points.
struct Position {
  uint32_t line = 0, column = 0;
};

struct TomlEntry;

struct TomlNode {
  enum class Kind { Text, Integer, Float, Boolean, Date, List, Table };
  Kind kind = Kind::Table;
  Position at{};
  std::string text{};              // Text
  int64_t integer = 0;             // Integer
  bool boolean = false;            // Boolean
  std::vector<TomlNode> items{};   // List
  std::vector<TomlEntry> entries;  // Table, in the order of the file
  bool is_inline = false;          // Table written as { … }

  const TomlNode* find(std::string_view key) const;
};

struct TomlEntry {
  std::string key;
  Position at{};  // of the key
  TomlNode value;
};

// For messages: "a text", "a number", …
std::string_view kind_name(TomlNode::Kind kind);

// Errc::Config with `name`, line and column when the text is no TOML; never fails otherwise.
Result<TomlNode> parse_toml(std::string_view text, std::string_view name);

// "NAME:line:column: what", the form of every complaint about a configuration file.
Error config_error(std::string_view name, Position at, std::string_view what, std::string hint = {});

}  // namespace libsync::account
