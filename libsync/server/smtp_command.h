// What stands behind SMTP's verbs (RFC 5321, sections 4.1.1 to 4.1.3; addresses in UTF-8: RFC 6531, section 3.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace libsync::server {

// The first word; the rest is what follows the space behind it.
std::string_view take_word(std::string_view& rest);

// A path, "<" and ">" and all, with what follows it.
struct SmtpPath {
  std::string_view address{};  // local part and domain; empty: "<>". A source route is left out (appendix F.2)
  bool ascii = true;
  bool too_long = false;    // of the sizes that section 4.5.3.1 allows
  std::string_view rest{};  // the parameters
};

// "MAIL FROM:" and "RCPT TO:" without the verb: `word` is "FROM" or "TO". Spaces behind the colon are tolerated.
// Nothing: that is no path. Without a domain only "<Postmaster>" is one. Views are into `text`.
std::optional<SmtpPath> parse_path(std::string_view text, std::string_view word);

struct SmtpParameter {
  std::string_view keyword{};
  std::optional<std::string_view> value{};
};
// Nothing: that is no list of them, or one is there twice.
std::optional<std::vector<SmtpParameter>> parse_parameters(std::string_view text);

// What a client may call itself behind EHLO: a domain or an address in brackets, and the underscores of names that are
// neither. Nothing else: it goes into a field of the message.
bool is_client_name(std::string_view text);

}  // namespace libsync::server
