// A command: its row in the table, and what it is called with.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace twinbox {

class Context;

struct Option {
  std::string_view name;     // without dashes
  char letter = 0;           // 0: none
  std::string_view value{};  // what it takes, for the help ("N"); empty: a switch
  std::string_view help{};   // English key of word()
};

// The options and words that a command was given, checked against its row.
class Arguments {
 public:
  bool has(std::string_view option) const { return values_.contains(option); }
  // The last value given, or "".
  const std::string& value(std::string_view option) const;
  // A whole number in range; nothing if the option was not given; Errc::Usage for anything else.
  libsync::Result<std::optional<uint64_t>> number(std::string_view option, uint64_t least, uint64_t most) const;
  const std::vector<std::string>& words() const { return words_; }
  const std::string& word(size_t n) const { return words_.at(n); }

  void add(std::string option, std::string value) { values_[std::move(option)] = std::move(value); }
  void add_word(std::string text) { words_.push_back(std::move(text)); }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> words_;
};

inline constexpr size_t kAnyNumber = std::numeric_limits<size_t>::max();

struct Command {
  std::string_view name;     // "ls", "account add"
  std::string_view usage;    // what follows the name: "ACCOUNT [FOLDER]"
  std::string_view summary;  // one line; English key of word()
  std::span<const Option> options;
  size_t least_words;
  size_t most_words;
  std::string_view example;  // one or more lines, each a command
  // The exit status, or the error that run() reports.
  libsync::Result<int> (*run)(Context& context, const Arguments& arguments);
  bool signed_words =
      false;                 // "-seen" is a word; one letter behind the dash, or two dashes, are an option all the same
  std::string_view notes{};  // what its words mean, in lines below the summary; "" for most
};

// All commands, in the order of the help. A new one is a file cmd_*.cc and a row in command.cc.
std::span<const Command* const> commands();
const Command* find_command(std::string_view name);

}  // namespace twinbox
