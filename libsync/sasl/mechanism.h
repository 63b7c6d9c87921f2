// SASL mechanisms (RFC 4422) as pure challenge → response: no sockets, no base64, no protocol framing.
// The session in front (imap, pop3, smtp) carries the messages, base64 included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/base/result.h"
#include "libsync/base/secret.h"

namespace libsync::sasl {

// Who logs in and with what. One of `password` and `token` is set; with both, the token is tried.
struct Credentials {
  std::string user{};
  Secret password{};
  Secret token{};         // OAuth 2.0 access token, for XOAUTH2 and OAUTHBEARER
  std::string authzid{};  // act as this one instead; empty: as `user`
};

// Fills a string of so many random bytes. Must be fit for cryptography outside tests.
using RandomBytes = std::function<std::string(size_t)>;
// OpenSSL's generator.
std::string system_random(size_t bytes);

// What binds a SCRAM-…-PLUS exchange to its TLS connection (RFC 5929, RFC 9266).
struct ChannelBinding {
  std::string type{};  // "tls-exporter" or "tls-server-end-point"
  std::string data{};  // raw bytes
};

// What a mechanism is made from.
struct Context {
  Credentials credentials{};
  RandomBytes random = system_random;
  std::optional<ChannelBinding> binding{};
  // True when the server's list names this mechanism's -PLUS twin: without -PLUS SCRAM then says "n"
  // instead of "y", for "y" claims that the server didn't offer it (RFC 5802, section 6).
  bool server_offers_plus = false;
  std::string host{};  // OAUTHBEARER tells the server both (RFC 7628, section 3.1); may be empty
  uint16_t port = 0;   // 0: not told
};

// One exchange. Used once, by one thread. The session calls initial() first, then respond() for each
// challenge until the server says yes or no. Errors mean: cancel the exchange ("*") and give up. They
// are Errc::Auth (the server could not prove itself, or the credentials can't be sent this way),
// Errc::Protocol (a challenge that does not follow the mechanism) or Errc::Limit. What is returned is
// secret: it must not reach logs or traces.
class Mechanism {
 public:
  virtual ~Mechanism() = default;
  virtual std::string_view name() const = 0;

  // The message that the client sends first; nothing where the server speaks first (LOGIN, CRAM-MD5).
  virtual Result<std::optional<Secret>> initial() = 0;

  virtual Result<Secret> respond(std::string_view challenge) = 0;

  // Whether the client may believe a success now. False while SCRAM has not verified the server's
  // signature: a success that comes before it is an error.
  virtual bool done() const = 0;

  // Whether the next challenge, if it comes, is answered by nothing, whatever it says: respond() only looks whether it
  // is right. The empty response may then go out before it.
  virtual bool only_acknowledges() const { return false; }

  // What the server told the mechanism about a failure (OAUTHBEARER's status), printable; or empty.
  virtual std::string failure() const { return {}; }
};

// The largest challenge that any mechanism reads, decoded: RFC 4422 sets none; SCRAM's take some 100
// octets, an OAuth error document some 1,000.
inline constexpr size_t kMaxChallenge = 16 * 1024;

}  // namespace libsync::sasl
