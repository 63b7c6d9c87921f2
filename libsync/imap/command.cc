#include "libsync/imap/command.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

bool is_atom_char(char c) {
  return c > 0x20 && c < 0x7F && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

}  // namespace

std::string tag_of(CommandId id) { return fmt::format("T{}", id); }

std::optional<CommandId> id_of(std::string_view tag) {
  if (!tag.starts_with('T') || tag.starts_with("T0")) return std::nullopt;
  return parse_u64(tag.substr(1));
}

bool is_atom(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_atom_char); }

std::string quoted(std::string_view text) {
  if (text.size() > kMaxQuoted) return {};
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet >= 0x7F) return {};
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

void CommandBuilder::add(std::string text, bool literal, bool secret) {
  auto& pieces = command_.pieces;
  if (!literal && !secret && !pieces.empty() && !pieces.back().literal && !pieces.back().secret) {
    pieces.back().text += text;
    return;
  }
  pieces.push_back({.text = std::move(text), .literal = literal, .secret = secret});
}

CommandBuilder& CommandBuilder::raw(std::string_view text) {
  add(std::string(text), false, false);
  return *this;
}

CommandBuilder& CommandBuilder::atom(std::string_view text) {
  if (!is_atom(text)) error_ = say("\"{}\" can't be sent as an atom", printable(text));
  raw(" ");
  return raw(text);
}

CommandBuilder& CommandBuilder::put_string(std::string_view text, bool secret) {
  if (text.find('\0') != std::string_view::npos) error_ = word("a string with NUL in it can't be sent");
  raw(" ");
  std::string as_quoted = quoted(text);
  const bool literal = as_quoted.empty();
  add(literal ? std::string(text) : std::move(as_quoted), literal, secret);
  return *this;
}

CommandBuilder& CommandBuilder::string(std::string_view text) { return put_string(text, false); }

CommandBuilder& CommandBuilder::astring(std::string_view text) {
  // NIL is an atom that means something else.
  return is_atom(text) && !iequals(text, "NIL") ? atom(text) : string(text);
}

CommandBuilder& CommandBuilder::secret(const Secret& text) { return put_string(text.reveal(), true); }

CommandBuilder& CommandBuilder::literal(Piece piece) {
  piece.literal = true;
  command_.pieces.push_back(std::move(piece));
  return *this;
}

CommandBuilder& CommandBuilder::exclusive() {
  command_.exclusive = true;
  return *this;
}

Result<Command> CommandBuilder::build() {
  if (!error_.empty()) return fail(Errc::Usage, error_);
  return std::move(command_);
}

Command simple_command(CommandKind kind, std::string_view text, bool exclusive) {
  return {.kind = kind, .pieces = {{.text = std::string(text)}}, .exclusive = exclusive};
}

}  // namespace libsync::imap
