#include "libsync/account/remote_url.h"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/url/authority_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {
namespace {

struct Scheme {
  std::string_view name;
  Protocol protocol;
  Security security;
  uint16_t port;
};

// RFC 8314, section 3 (implicit TLS first), RFC 3501 and RFC 1939 for the ports of the others.
constexpr std::array<Scheme, 6> kSchemes = {{
    {"imaps", Protocol::Imap, Security::Tls, 993},
    {"imap+starttls", Protocol::Imap, Security::StartTls, 143},
    {"imap+plain", Protocol::Imap, Security::Plain, 143},
    {"pop3s", Protocol::Pop3, Security::Tls, 995},
    {"pop3+starttls", Protocol::Pop3, Security::StartTls, 110},
    {"pop3+plain", Protocol::Pop3, Security::Plain, 110},
}};

constexpr size_t kMaxName = 255;  // of a user; DNS has the same limit for a host
constexpr size_t kMaxUrl = 2048;  // both, each of their bytes as %XX

const Scheme& scheme_of(Protocol protocol, Security security) {
  return *std::ranges::find_if(kSchemes,
                               [&](const Scheme& s) { return s.protocol == protocol && s.security == security; });
}

std::unexpected<Error> wrong(std::string what, std::string hint = {}) {
  return fail(Error{.code = Errc::Config, .what = std::move(what), .hint = std::move(hint)});
}

std::unexpected<Error> unknown_scheme(std::string_view name) {
  std::array<std::string_view, kSchemes.size()> names;
  std::ranges::transform(kSchemes, names.begin(), &Scheme::name);
  // "imap://" alone does not say whether the password may go unencrypted: ask, never guess.
  if (name == "imap" || name == "pop3" || name == "pop") {
    const std::string_view base = name == "imap" ? "imap" : "pop3";
    return wrong(say("\"{}://\" leaves open whether the connection is encrypted", name),
                 say("write {}s://, {}+starttls:// or {}+plain://", base, base, base));
  }
  const auto near = nearest(name, names);
  return wrong(say("unknown scheme \"{}\"", printable(name, 40)),
               near.empty() ? say("known are {}", fmt::join(names, ", ")) : say("did you mean {}://?", near));
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  const auto digit = [](char c) {
    const char l = ascii_lower(c);
    return l >= '0' && l <= '9' ? l - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return out;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Result<std::string> parse_user(std::string_view text) {
  if (text.empty()) return wrong(word("no user name before the @").data());
  if (text.contains(':')) {
    return wrong(say("a password does not belong into the address"),
                 say("use password_command or password_file; write : in a user name as %3A"));
  }
  const auto user = percent_decode(text);
  if (!user) return wrong(say("the user name holds a % without two hexadecimal digits"), say("write % as %25"));
  if (user->size() > kMaxName) return wrong(say("the user name is longer than {} bytes", kMaxName));
  if (has_control(*user) || !is_valid_utf8(*user)) return wrong(say("the user name holds characters it can't have"));
  return *user;
}

Status parse_host(std::string_view text, Remote& remote) {
  if (text.empty()) return wrong(say("no host name in the address"));
  if (const size_t at = text.find_first_of("/?#"); at != text.npos) {
    if (text.substr(at) != "/") return wrong(say("only a host and a port may follow the @"));
    text = text.substr(0, at);
  }
  const auto parsed = boost::urls::parse_authority({text.data(), text.size()});
  // What has to be percent-encoded is in no name that DNS knows.
  if (!parsed || parsed->host().empty() || text.contains('%'))
    return wrong(say("\"{}\" is not a host name", printable(text, 80)));
  const auto& authority = *parsed;
  const std::string host = authority.host_address();
  if (has_control(host) || host.contains(' ') || host.size() > kMaxName)
    return wrong(say("\"{}\" is not a host name", printable(host, 80)));
  remote.host = to_lower(host);
  if (authority.has_port() && !authority.port().empty()) {
    // Not authority.port_number(): Boost.URL 1.81 gives it modulo 65,536.
    const std::string digits = authority.port();
    const auto port = parse_u64(digits);
    if (!port || *port == 0 || *port > 65'535)
      return wrong(say("port {} is not between 1 and 65535", printable(digits, 20)));
    remote.port = static_cast<uint16_t>(*port);
  }
  return {};
}

}  // namespace

Result<Remote> parse_remote(std::string_view url) {
  if (url.size() > kMaxUrl) return wrong(say("the address is longer than {} bytes", kMaxUrl));
  const size_t colon = url.find("://");
  if (colon == url.npos) {
    return wrong(say("\"{}\" is not an address of a server", printable(url, 80)),
                 say("write it like imaps://me@mail.example.org"));
  }
  const std::string name = to_lower(url.substr(0, colon));
  const auto scheme = std::ranges::find(kSchemes, name, &Scheme::name);
  if (scheme == kSchemes.end()) return unknown_scheme(name);
  const std::string_view rest = url.substr(colon + 3);
  const size_t at = rest.rfind('@');
  if (at == rest.npos) {
    return wrong(say("no user name in \"{}\"", printable(url, 80)),
                 say("write {}://USER@{}", name, printable(rest, 80)));
  }
  Remote remote{.protocol = scheme->protocol, .security = scheme->security, .port = scheme->port};
  TB_ASSIGN(remote.user, parse_user(rest.substr(0, at)));
  TB_TRY(parse_host(rest.substr(at + 1), remote));
  return remote;
}

std::string to_url(const Remote& remote) {
  const Scheme& scheme = scheme_of(remote.protocol, remote.security);
  std::string user;
  for (const char c : remote.user) {
    if (boost::urls::unreserved_chars(c) || c == '@' || c == '+' || static_cast<unsigned char>(c) >= 0x80) {
      user += c;  // letters beyond ASCII stay readable
    } else {
      user += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  const std::string host = remote.host.contains(':') ? "[" + remote.host + "]" : remote.host;
  std::string out = fmt::format("{}://{}@{}", scheme.name, user, host);
  if (remote.port != scheme.port && remote.port != 0) out += fmt::format(":{}", remote.port);
  return out;
}

uint16_t default_port(Protocol protocol, Security security) { return scheme_of(protocol, security).port; }

std::string_view protocol_name(Protocol protocol) { return protocol == Protocol::Imap ? "IMAP" : "POP3"; }

}  // namespace libsync::account
