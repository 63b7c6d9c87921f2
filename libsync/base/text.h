// Small text helpers: ASCII case, safe printing of foreign text, numbers and sizes for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace libsync {

// ASCII only: protocols compare keywords without regard to the locale.
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
std::string_view trim(std::string_view text);  // spaces, tabs, CR and LF at both ends

// Decimal digits only, no sign, no spaces, the whole of `text`; nothing if it does not fit 64 bits.
std::optional<uint64_t> parse_u64(std::string_view text);

// Foreign text made fit to print: C0 and C1 controls, DEL, ESC sequences' introducer and bidirectional
// overrides become spaces, invalid UTF-8 becomes U+FFFD, at most `max_bytes` bytes and then "…".
// Everything that came from a server or a message passes through here before a person sees it.
std::string printable(std::string_view text, size_t max_bytes = 512);

bool is_valid_utf8(std::string_view text);
bool is_ascii(std::string_view text);

// Columns that UTF-8 `text` takes on a terminal: wide East Asian characters take two, combining none.
size_t display_width(std::string_view text);
// Cut to at most `columns`, ending in "…" when something was cut off.
std::string fit_width(std::string_view text, size_t columns);

std::string with_separators(uint64_t n);                  // 12,345
std::string human_size(uint64_t bytes);                   // 4.9 MB, 300 B (decimal units)
std::string human_duration(std::chrono::milliseconds d);  // 0.2 s, 4.1 s, 2 min, 3 h, 5 days

}  // namespace libsync
