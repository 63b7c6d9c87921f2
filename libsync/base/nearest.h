// "Did you mean …": the known word nearest to a mistyped one.
#pragma once

#include <span>
#include <string_view>

namespace libsync {

// The candidate with the smallest edit distance to `word` (insert, remove, change, swap neighbours),
// or an empty view when none is near enough to be worth naming. The view is the candidate's own.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace libsync
