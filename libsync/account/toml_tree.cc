#include "libsync/account/toml_tree.h"

#include <algorithm>
#include <tuple>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_ENABLE_FORMATTERS 0
// toml++ 3.3 asserts, and without assertions assumes, what hostile text can break (an inline table with
// a key that begins with a dot). It throws instead, and parse_toml() makes an error of that.
// clang-format off: the order matters.
namespace libsync::account {
struct TomlDefect {};
[[noreturn]] static void toml_defect() { throw TomlDefect{}; }
}  // namespace libsync::account
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expr)                             \
  do {                                                \
    if (!(expr)) libsync::account::toml_defect();     \
  } while (false)
#define TOML_ASSERT_ASSUME(expr) TOML_ASSERT(expr)
#include <toml++/toml.h>
// clang-format on

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {
namespace {

Position position(const toml::source_position& at) {
  return {static_cast<uint32_t>(at.line), static_cast<uint32_t>(at.column)};
}

TomlNode convert(const toml::node& node);

TomlNode convert_table(const toml::table& table) {
  TomlNode out;
  out.at = position(table.source().begin);
  out.is_inline = table.is_inline();
  for (const auto& [key, value] : table) {
    out.entries.push_back(
        TomlEntry{.key = std::string(key.str()), .at = position(key.source().begin), .value = convert(value)});
  }
  // toml++ sorts by key; a person reads, and is told of mistakes, from the top.
  std::ranges::sort(out.entries, {}, [](const TomlEntry& e) { return std::tuple(e.at.line, e.at.column); });
  return out;
}

TomlNode convert(const toml::node& node) {
  using Kind = TomlNode::Kind;
  if (const auto* table = node.as_table()) return convert_table(*table);
  TomlNode out;
  out.kind = Kind::Date;
  out.at = position(node.source().begin);
  if (const auto* list = node.as_array()) {
    out.kind = Kind::List;
    for (const auto& item : *list) out.items.push_back(convert(item));
  } else if (const auto* text = node.as_string()) {
    out.kind = Kind::Text;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = Kind::Integer;
    out.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = Kind::Boolean;
    out.boolean = boolean->get();
  } else if (node.is_floating_point()) {
    out.kind = Kind::Float;
  }
  return out;
}

}  // namespace

const TomlNode* TomlNode::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &TomlEntry::key);
  return found == entries.end() ? nullptr : &found->value;
}

std::string_view kind_name(TomlNode::Kind kind) {
  switch (kind) {
    case TomlNode::Kind::Text:
      return word("text in quotes");
    case TomlNode::Kind::Integer:
      return word("a whole number");
    case TomlNode::Kind::Float:
      return word("a number with a fraction");
    case TomlNode::Kind::Boolean:
      return word("true or false");
    case TomlNode::Kind::Date:
      return word("a date or time");
    case TomlNode::Kind::List:
      return word("a list");
    case TomlNode::Kind::Table:
      return word("a table");
  }
  return {};
}

Error config_error(std::string_view name, Position at, std::string_view what, std::string hint) {
  return Error{.code = Errc::Config,
               .what = fmt::format("{}:{}:{}: {}", name, at.line, at.column, what),
               .hint = std::move(hint)};
}

// Keys in keys (a.a.a = 1) are read and freed by recursion, a step a dot; a key stands on one line. Returns the number
// of a line that has too many, or 0.
static uint32_t line_of_too_many_dots(std::string_view text) {
  constexpr size_t kMaxDots = 1000;  // of one line: a list of hundreds of folders may have some, no key has ten
  uint32_t line = 1;
  size_t dots = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
    } else if (c == '.' && ++dots > kMaxDots) {
      return line;
    }
  }
  return 0;
}

Result<TomlNode> parse_toml(std::string_view text, std::string_view name) try {
  if (const uint32_t line = line_of_too_many_dots(text); line > 0) {
    return fail(config_error(name, {line, 1}, word("too many dots in one line")));
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(config_error(name, position(error.source().begin), printable(error.description(), 300)));
  }
  return convert_table(parsed.table());
} catch (const TomlDefect&) {
  return fail(config_error(name, {1, 1}, word("this is not TOML")));
}

}  // namespace libsync::account
