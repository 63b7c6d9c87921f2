// Where an account's password comes from.
#pragma once

#include <stop_token>
#include <string_view>

#include "libsync/account/config.h"
#include "libsync/base/result.h"
#include "libsync/base/secret.h"

namespace libsync::account {

// Asks a person. One implementation is the terminal; tests have their own. One thread at a time calls it.
class Prompt {
 public:
  virtual ~Prompt() = default;
  virtual bool available() const = 0;
  // Without echo. Errc::Cancelled on a stop, Errc::Auth when the person types nothing (end of file).
  virtual Result<Secret> ask(std::string_view question, std::stop_token stop) = 0;
};

// /dev/tty, so that it works with redirected input; echo is put back whatever happens.
class TerminalPrompt final : public Prompt {
 public:
  bool available() const override;
  Result<Secret> ask(std::string_view question, std::stop_token stop) override;
};

inline constexpr std::chrono::seconds kCommandTimeout{60};  // time to type a passphrase; a hang ends
inline constexpr size_t kMaxSecret = 64 * 1024;             // access tokens reach some kB

// The password, or the token where account.token_command is set: the first line of what the command
// prints (run by /bin/sh -c) or of the file (mode 0600 demanded), the text of the configuration, or what a person
// types. Errc::Auth with what failed where: the command's exit status and the last line it wrote to
// its standard error; who asks puts the account's name before it. Never logs what it found.
Result<Secret> resolve_secret(const Account& account, Prompt& prompt, std::stop_token stop);

}  // namespace libsync::account
