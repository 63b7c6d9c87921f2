#include "libsync/imap/envelope.h"

#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

bool parse_address(Parser& in, std::vector<Address>& out) {
  Address one;
  if (!in.expect_ch('(') || !in.expect_nstring(one.name) || !in.expect_space() || !in.expect_nstring(one.route) ||
      !in.expect_space() || !in.expect_nstring(one.mailbox) || !in.expect_space() || !in.expect_nstring(one.host) ||
      !in.expect_ch(')')) {
    return false;
  }
  if (out.size() < kMaxAddresses) {
    out.push_back(std::move(one));
  } else {
    in.note(Quirk::LongList);
  }
  return true;
}

bool parse_addresses(Parser& in, std::vector<Address>& out) {
  if (!in.expect_space()) return false;
  if (in.nil()) return true;
  if (!in.expect_ch('(')) return false;
  while (!in.ch(')')) {
    in.stray_space();
    if (in.peek() == ')') continue;
    if (!parse_address(in, out)) return false;
  }
  return true;
}

bool parse_text(Parser& in, std::optional<std::string>& out) { return in.expect_space() && in.expect_nstring(out); }

}  // namespace

bool parse_envelope(Parser& in, Envelope& out) {
  return in.expect_ch('(') && in.expect_nstring(out.date) && parse_text(in, out.subject) &&
         parse_addresses(in, out.from) && parse_addresses(in, out.sender) && parse_addresses(in, out.reply_to) &&
         parse_addresses(in, out.to) && parse_addresses(in, out.cc) && parse_addresses(in, out.bcc) &&
         parse_text(in, out.in_reply_to) && parse_text(in, out.message_id) && in.expect_ch(')');
}

}  // namespace libsync::imap
