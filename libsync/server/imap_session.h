// The server's side of an IMAP session, without I/O (IMAP4rev1: RFC 3501, IMAP4rev2: RFC 9051, and the extensions in
// imap_extensions.cc): bytes and the time in; bytes to send and the next deadline out. docs/server.md has the table of
// what is spoken and where it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/secret.h"
#include "libsync/base/trace.h"
#include "libsync/sasl/server.h"
#include "libsync/server/mail.h"
#include "libsync/server/session.h"

namespace libsync::server {

struct ImapLimits {
  // A command without its streamed literals: RFC 9051 names none; RFC 7162, section 4, asks for 8192 octets at least,
  // and a set of all UIDs of a large mailbox, or a NOTIFY of a hundred mailboxes, takes more.
  size_t command = size_t{1} << 20;
  size_t command_before_login = 16 * 1024;  // sasl::kMaxResponse in base64, and room
  size_t literals = 1000;                   // in one command
  uint64_t message = 256ULL << 20;          // APPENDLIMIT (RFC 7889)
  uint64_t discard = 16ULL << 20;           // of a literal that is not wanted, read so that the session can go on
  size_t messages = 1000;                   // in one APPEND (RFC 3502)
  size_t depth = 100;                       // of parentheses, NOT and OR in SEARCH
  size_t keys = 10'000;                     // in one SEARCH
  size_t patterns = 100;                    // in one LIST, of at most 20 wildcards each
  size_t output = 64 * 1024;                // commands are carried out while less than this waits to be sent
  size_t input = 64 * 1024;                 // octets that wait to be carried out; no more is read then
  uint64_t commands_before_login = 50;
  uint64_t bad_commands = 50;  // in a row
  uint64_t failed_logins = 3;
  std::chrono::seconds failed_login_delay{1};  // behind the first failed login; twice as long behind each other one
  std::chrono::seconds login_timeout{60};      // from the greeting, or STARTTLS, to the login
  std::chrono::seconds idle_timeout{1800};     // RFC 9051, section 5.4: at least 30 minutes
  std::chrono::seconds command_timeout{300};   // for the rest of a command that has begun
};

struct ImapOptions {
  sasl::FindPassword find_password{};
  OpenMail open_mail{};
  // Switched off, by name: an extension as CAPABILITY tells it (imap_extensions.cc), IMAP4rev2, STARTTLS, LOGIN, or a
  // SASL mechanism.
  std::vector<std::string> off{};
  std::vector<std::string> asked_for{};  // CRAM-MD5 is on offer where it is among them
  bool plain_allowed = false;            // passwords as they are, without TLS
  bool has_tls = false;                  // STARTTLS can be had
  bool encrypted = false;                // TLS runs from the first octet on
  std::vector<sasl::ChannelBinding> bindings{};
  std::string host = "localhost";
  Secret salt_secret{};
  sasl::RandomBytes random = sasl::system_random;
  const Clock* clock = nullptr;  // of the wall, for WITHIN and the dates of messages; null: the machine's
  Trace* trace = nullptr;        // not owned, outlives the session
  ImapLimits limits{};
};

class Imap;

class ImapSession final : public Session {
 public:
  ImapSession(ImapOptions options, Steady::time_point now);
  ~ImapSession() override;

  void feed(std::string_view bytes, Steady::time_point now) override;
  bool wants_input() const override;
  std::string take_output(Steady::time_point now) override;
  bool wants_tls() const override;
  void tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) override;
  std::optional<std::string> take_deflate() override;
  Deadline deadline() const override;
  void shut_down(std::string_view why) override;
  bool over() const override;

 private:
  std::unique_ptr<Imap> imap_;
};

}  // namespace libsync::server
