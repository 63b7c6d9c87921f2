// The one place that every word a user sees passes through, so that it can be translated: say() for
// sentences with values in them, word() for fixed text. The English text is the key of the catalogue.
// Protocol text, JSON keys and configuration keys are not words.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace libsync {

// Maps English text to the user's language; an empty answer means "not translated". Set once, before
// any thread starts; the returned view must stay valid for the life of the program.
using Catalogue = std::function<std::string_view(std::string_view english)>;
void set_catalogue(Catalogue catalogue);

std::string_view word(std::string_view english);

// say("{} new", 5). Checked against its arguments at compile time; a translation that does not fit
// the arguments falls back to the English.
template <class... Args>
std::string say(fmt::format_string<Args...> english, Args&&... args) {
  const fmt::string_view key = english;
  const std::string_view translated = word({key.data(), key.size()});
  try {
    return fmt::vformat(fmt::string_view(translated.data(), translated.size()), fmt::make_format_args(args...));
  } catch (const fmt::format_error&) {
    return fmt::vformat(key, fmt::make_format_args(args...));
  }
}

}  // namespace libsync
