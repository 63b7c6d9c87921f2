#include "tools/twinbox/help.h"

#include <fmt/format.h>

#include "libsync/base/words.h"

namespace twinbox {

using libsync::say;
using libsync::word;

namespace {

void print_options(Output& out, std::span<const Option> options) {
  std::vector<std::vector<std::string>> rows;
  for (const Option& option : options) {
    std::string name = option.letter != 0 ? fmt::format("  -{}, --{}", option.letter, option.name)
                                          : fmt::format("      --{}", option.name);
    if (!option.value.empty()) name += fmt::format(" {}", option.value);
    rows.push_back({std::move(name), std::string(word(option.help))});
  }
  print_table(out, {Column{}, Column{}}, rows);
}

void print_lines(Output& out, std::string_view lines) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    out.line(fmt::format("  {}", lines.substr(0, end)));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

void print_commands(Output& out, std::string_view prefix) {
  std::vector<std::vector<std::string>> rows;
  for (const Command* command : commands()) {
    if (!command->name.starts_with(prefix)) continue;
    rows.push_back({fmt::format("  {} {}", command->name, command->usage), std::string(word(command->summary))});
  }
  print_table(out, {Column{}, Column{.flexible = true}}, rows);
}

}  // namespace

void print_overview(Output& out, bool with_options) {
  out.line(word("twinbox keeps a local twin of a mailbox, by POP3 or IMAP."));
  out.line("");
  print_commands(out, "");
  out.line("");
  if (with_options) {
    out.line(word("Options of every command:"));
    print_options(out, kGlobalOptions);
  } else {
    out.line(word("twinbox COMMAND --help tells more; to begin: twinbox account add NAME me@gmail.com"));
  }
}

void print_group(Output& out, std::string_view group) {
  const std::string prefix = fmt::format("{} ", group);
  print_commands(out, prefix);
  out.line("");
  out.line(word("Examples:"));
  for (const Command* command : commands()) {
    if (command->name.starts_with(prefix)) print_lines(out, command->example);
  }
}

void print_help(Output& out, const Command& command) {
  out.line(say("twinbox {} {}", command.name, command.usage));
  out.line(word(command.summary));
  if (!command.notes.empty()) {
    out.line("");
    print_lines(out, command.notes);
  }
  if (!command.options.empty()) {
    out.line("");
    print_options(out, command.options);
  }
  out.line("");
  out.line(word("Options of every command:"));
  print_options(out, kGlobalOptions);
  out.line("");
  out.line(word("Example:"));
  print_lines(out, command.example);
}

}  // namespace twinbox
