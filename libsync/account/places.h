// Where files live (XDG Base Directory Specification), from the environment as a parameter.
// Pure but for process_environment(), which reads the process's environment: not beside a setenv(). No errors:
// what is not known stays empty.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace libsync::account {

using Environment = std::function<std::optional<std::string>(const char* name)>;

// getenv; HOME, where it is not set, from the user database, as for a job of the system's that has no login.
Environment process_environment();

struct Places {
  std::string home;         // $HOME; empty when not known
  std::string config_home;  // $XDG_CONFIG_HOME or ~/.config
  std::string data_home;    // $XDG_DATA_HOME or ~/.local/share
};

// Values that are not absolute paths are ignored, as the specification asks.
Places find_places(const Environment& environment);

// The configuration file: `option` (--config) if given, else $TWINBOX_CONFIG, else
// config_home/twinbox/config.toml.
std::string config_path(const Environment& environment, std::string_view option);

// "~" and "~/…" replaced by the home folder; what is still relative is taken from `base`.
std::string expand_path(std::string_view path, const Places& places, std::string_view base);

// For people: the home folder shown as "~".
std::string shorten_path(std::string_view path, const Places& places);

}  // namespace libsync::account
