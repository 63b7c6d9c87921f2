#include "libsync/imap/envelope.h"

#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

// Reads the ten fields with whatever damage they have: a missing one is absent, one of the wrong kind is
// passed over. False only where the parentheses do not fit.
class Reader {
 public:
  explicit Reader(Parser& in) : in_(in) {}

  bool envelope(Envelope& out) {
    return in_.expect_ch('(') && text(out.date) && text(out.subject) && addresses(out.from) && addresses(out.sender) &&
           addresses(out.reply_to) && addresses(out.to) && addresses(out.cc) && addresses(out.bcc) &&
           text(out.in_reply_to) && text(out.message_id) && rest_of_list();
  }

 private:
  // A step to the next field; false, and damage, at the end of the list.
  bool next() {
    in_.space();
    if (in_.peek() != ')' && !in_.at_end()) return true;
    in_.note(Quirk::EnvelopeDamage);
    return false;
  }

  bool pass_over() {
    in_.note(Quirk::EnvelopeDamage);
    return in_.pass_over();
  }

  bool rest_of_list() {
    in_.space();
    while (!in_.at_end() && in_.peek() != ')') {
      if (!pass_over()) return false;
      in_.space();
    }
    return in_.expect_ch(')');
  }

  bool text(std::optional<std::string>& out) {
    if (!next()) return true;
    std::string value;
    if (in_.nil()) return true;
    if (!in_.string(value)) return pass_over();
    out = std::move(value);
    return true;
  }

  bool address(std::vector<Address>& out) {
    Address one;
    in_.ch('(');
    if (!text(one.name) || !text(one.route) || !text(one.mailbox) || !text(one.host) || !rest_of_list()) return false;
    if (out.size() < kMaxAddresses) {
      out.push_back(std::move(one));
    } else {
      in_.note(Quirk::LongList);
    }
    return true;
  }

  bool addresses(std::vector<Address>& out) {
    if (!next() || in_.nil()) return true;
    if (in_.peek() != '(') return pass_over();
    in_.ch('(');
    while (!in_.ch(')')) {
      in_.stray_space();
      if (in_.at_end()) return in_.malformed("a list does not end");
      if (in_.peek() == ')') continue;
      if (in_.peek() == '(' ? !address(out) : !pass_over()) return false;
    }
    return true;
  }

  Parser& in_;
};

}  // namespace

bool parse_envelope(Parser& in, Envelope& out) { return Reader(in).envelope(out); }

}  // namespace libsync::imap
