#include "libsync/imap/id.h"

#include "libsync/imap/limits.h"

namespace libsync::imap {

Result<Command> id(const IdFields& fields) {
  CommandBuilder builder(CommandKind::Id, "ID (");
  bool first = true;
  const IdFields fallback{{"name", "twinbox"}};
  for (const auto& [key, value] : fields.empty() ? fallback : fields) {
    std::string text = imap::quoted(key);
    if (!first) builder.raw(" ");
    first = false;
    builder.raw(text.empty() ? "\"\"" : text);
    value ? builder.string(*value) : builder.raw(" NIL");
  }
  builder.raw(")");
  return builder.build();
}

bool parse_id(Parser& in, IdFields& out) {
  if (!in.expect_space()) return false;
  if (in.nil()) return true;
  bool is_value = false;
  const bool good = in.expect_list([&] {
    std::optional<std::string> text;
    if (!in.expect_nstring(text)) return false;
    if (is_value) {
      out.back().second = std::move(text);
    } else if (out.size() < kMaxIdFields) {
      out.emplace_back(text.value_or(""), std::nullopt);
    }
    is_value = !is_value && !out.empty();
    return true;
  });
  if (good && (is_value || out.empty())) in.note(Quirk::OddId);
  return good;
}

}  // namespace libsync::imap
