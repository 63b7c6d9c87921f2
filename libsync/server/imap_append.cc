#include "libsync/server/imap_append.h"

#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/imap/fetch.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

// The answer where the mailbox is missing tells that CREATE would help (RFC 9051, section 6.3.12).
constexpr LiteralRefused kNoMailbox{.text = "no such mailbox", .code = "TRYCREATE"};

// Tag, APPEND, mailbox: read up to what stands behind them.
bool read_mailbox_name(imap::Parser& in, std::string& name) {
  if (in.atom().empty() || !in.space() || !iequals(in.atom(), "APPEND") || !in.space()) return false;
  return in.astring(name) && in.space();
}

// The one that is announced, and nothing before it; "~" stands before the brace of a literal8.
bool at_literal(const imap::Parser& in, const AnnouncedLiteral& literal) {
  return in.rest().starts_with(literal.binary ? "~{" : "{") && in.rest().find('{') == in.rest().rfind('{');
}

}  // namespace

bool Appending::announces_message(const imap::Frame& frame) {
  imap::Quirks quirks;
  imap::Parser in(frame, quirks);
  std::string name;
  return read_mailbox_name(in, name);
}

std::optional<LiteralRefused> Appending::begin(Imap& imap, const imap::Frame& frame, const AnnouncedLiteral& literal) {
  imap::Quirks quirks;
  imap::Parser in(frame, quirks);
  if (read_to_ == 0) {
    std::string name;
    read_mailbox_name(in, name);
    const auto path = imap.path_of(name);
    if (!path) return LiteralRefused{.text = "that can't be a mailbox name", .code = "CANNOT"};
    auto folder = imap.find_folder(*path);
    if (!folder) return LiteralRefused{.text = "not now", .code = "UNAVAILABLE"};
    if (!*folder) return kNoMailbox;
    if (imap.mail().writable_in(*path) != Writable::All)
      return LiteralRefused{.text = "it can only be read", .code = "NOPERM"};
    folder_ = (*folder)->id;
  } else {
    in.seek(read_to_);
    if (!imap.has(Ext::MultiAppend)) return LiteralRefused{.text = "one message at a time", .is_bad = true};
    if (messages_.size() >= imap.limits().messages) return LiteralRefused{.text = "too many messages", .code = "LIMIT"};
    if (in_utf8_ && !in.ch(')')) return LiteralRefused{.text = "')' is missing", .is_bad = true};
    if (!in.space()) return LiteralRefused{.text = "a space is missing", .is_bad = true};
  }
  if (auto refused = read_options(imap, in, literal)) return refused;
  if (literal.size > imap.limits().message) return LiteralRefused{.text = "the message is too large", .code = "TOOBIG"};
  auto octets = imap.mail().incoming();
  if (!octets) return LiteralRefused{.text = "there is no room for it", .code = "UNAVAILABLE"};
  messages_.back().octets = std::move(*octets);
  return std::nullopt;
}

// [SP flags] [SP date] SP literal, or UTF8 SP "(" literal8 ")".
std::optional<LiteralRefused> Appending::read_options(Imap& imap, imap::Parser& in, const AnnouncedLiteral& literal) {
  NewMessage& message = messages_.emplace_back();
  if (in.peek() == '(') {
    if (!read_flags(in, message.flags) || !in.space()) return LiteralRefused{.text = in.why(), .is_bad = true};
  }
  if (in.peek() == '"') {
    std::string date;
    if (!in.string(date)) return LiteralRefused{.text = "not a date", .is_bad = true};
    message.date = imap::parse_internal_date(date);
    if (!message.date || !in.space()) return LiteralRefused{.text = "not a date", .is_bad = true};
  }
  in_utf8_ = false;
  if (!at_literal(in, literal)) {
    in_utf8_ = imap.has(Ext::Utf8Accept) && iequals(in.atom(), "UTF8") && in.space() && in.ch('(');
    if (!in_utf8_ || !literal.binary || !at_literal(in, literal))
      return LiteralRefused{.text = "a literal is missing", .is_bad = true};
  }
  // RFC 3516, section 4.4. What is in it is kept as it is.
  if (literal.binary && !in_utf8_ && !imap.has(Ext::Binary)) {
    return LiteralRefused{.text = "BINARY was not offered", .code = "UNKNOWN-CTE"};
  }
  return std::nullopt;
}

void Appending::data(std::string_view octets) {
  if (stored_) stored_ = messages_.back().octets->data(octets);
}

void Appending::end(const imap::Frame& frame) { read_to_ = frame.text.size(); }

void Appending::finish(Imap& imap, const imap::Frame& frame) {
  imap::Quirks quirks;
  imap::Parser in(frame, quirks);
  in.seek(read_to_);
  if (in_utf8_ && !in.ch(')')) return imap.bad("')' is missing");
  if (!expect_end(imap, in)) return;
  if (!stored_) return imap.refuse(stored_.error());
  const auto placed = imap.mail().append(*folder_, messages_);
  if (!placed) {
    if (placed.error().code == Errc::NotFound) return imap.no(kNoMailbox.text, kNoMailbox.code);
    return imap.refuse(placed.error());
  }
  imap::SequenceSet uids;
  for (const uint32_t uid : placed->uids) uids.add(uid);
  if (!imap.has(Ext::UidPlus)) return imap.ok("kept");
  imap.ok("kept", fmt::format("APPENDUID {} {}", placed->uidvalidity, uids.text()));
}

// What comes with a literal does not come here (Imap::announced()).
void run_append(Imap& imap, imap::Parser&, bool) { imap.bad("APPEND mailbox (flags) \"date\" {octets}"); }

}  // namespace libsync::server
