#include "libsync/account/places.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <pwd.h>
#include <unistd.h>

namespace libsync::account {
namespace {

std::string absolute_or(const Environment& environment, const char* name, const std::string& otherwise) {
  const auto value = environment(name);
  return value && value->starts_with('/') ? *value : otherwise;
}

std::optional<std::string> home_of_user() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16 * 1024> texts;  // glibc suggests 1 kB; directory services put more into an entry
  if (::getpwuid_r(::geteuid(), &entry, texts.data(), texts.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return found->pw_dir;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value != nullptr) return value;
    return std::string_view(name) == "HOME" ? home_of_user() : std::nullopt;
  };
}

Places find_places(const Environment& environment) {
  Places places;
  places.home = absolute_or(environment, "HOME", "");
  places.config_home = absolute_or(environment, "XDG_CONFIG_HOME", places.home + "/.config");
  places.data_home = absolute_or(environment, "XDG_DATA_HOME", places.home + "/.local/share");
  return places;
}

std::string config_path(const Environment& environment, std::string_view option) {
  if (!option.empty()) return std::string(option);
  if (const auto named = environment("TWINBOX_CONFIG"); named && !named->empty()) return *named;
  return find_places(environment).config_home + "/twinbox/config.toml";
}

std::string expand_path(std::string_view path, const Places& places, std::string_view base) {
  if (path == "~") return places.home;
  if (path.starts_with("~/")) return places.home + std::string(path.substr(1));
  if (path.starts_with('/')) return std::string(path);
  return (std::filesystem::path(base) / path).lexically_normal().string();
}

std::string shorten_path(std::string_view path, const Places& places) {
  if (places.home.size() > 1 && path.starts_with(places.home) &&
      (path.size() == places.home.size() || path[places.home.size()] == '/')) {
    return "~" + std::string(path.substr(places.home.size()));
  }
  return std::string(path);
}

}  // namespace libsync::account
