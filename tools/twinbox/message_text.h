// Mail shown to a person.
#pragma once

#include <string>
#include <string_view>

namespace twinbox {

// Text of several lines made fit for a terminal: each line through printable(), tabs and line ends kept.
std::string printable_lines(std::string_view text);

// The same for one piece of a longer output: octets that are no text become visible, none is lost silently.
// Used where exact octets were asked for but a terminal would take them as commands.
std::string harmless(std::string_view octets);

}  // namespace twinbox
