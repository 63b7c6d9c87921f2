// Help texts, made from the table of commands.
#pragma once

#include <array>
#include <string_view>

#include "tools/twinbox/command.h"
#include "tools/twinbox/output.h"

namespace twinbox {

// Options that every command takes, before or behind its name.
inline constexpr std::array<Option, 8> kGlobalOptions = {{
    {"config", 0, "FILE", "the configuration file, instead of the usual one"},
    {"json", 0, "", "one JSON object a line, errors as one on standard error; help stays text"},
    {"quiet", 'q', "", "print nothing but what was asked for and errors"},
    {"verbose", 'v', "", "say more: what was tried before an error, what each folder got"},
    {"trace", 0, "", "show the dialogue with the server, passwords hidden"},
    {"no-color", 0, "", "no colours"},
    {"version", 0, "", "print the version"},
    {"help", 'h', "", "print help, with an example"},
}};

void print_overview(Output& out, bool with_options);
void print_group(Output& out, std::string_view group);
void print_help(Output& out, const Command& command);

}  // namespace twinbox
