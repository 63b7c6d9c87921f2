#include "libsync/account/secrets.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "libsync/account/process.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {
namespace {

std::unexpected<Error> no_secret(std::string what, std::string hint = {}) {
  return fail(Error{.code = Errc::Auth, .what = std::move(what), .hint = std::move(hint)});
}

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

// The first line, without its end; spaces belong to a password.
Result<Secret> first_line(std::string& text, const std::string& from) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  wipe(text);
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return no_secret(say("{} gave no password", from), say("its first line is to be the password"));
  return Secret(std::move(line));
}

std::string last_line(std::string_view text) {
  text = trim(text);
  const size_t at = text.rfind('\n');
  return printable(at == text.npos ? text : text.substr(at + 1), 200);
}

Result<Secret> from_command(const std::string& command, std::string_view key, std::stop_token stop) {
  const ProcessOptions options{.timeout = kCommandTimeout, .max_output = kMaxSecret};
  TB_ASSIGN(ProcessOutcome outcome, run_process({"/bin/sh", "-c", command}, options, stop));
  const std::string name(key);
  if (outcome.timed_out) {
    wipe(outcome.out);
    return no_secret(say("{} gave nothing within {} seconds", name, kCommandTimeout.count()));
  }
  if (outcome.status != 0) {
    wipe(outcome.out);
    const std::string words = last_line(outcome.err);
    return no_secret(words.empty() ? say("{} ended with status {}", name, outcome.status)
                                   : say("{} ended with status {}: {}", name, outcome.status, words),
                     say("try it by hand; it stands in the configuration"));
  }
  return first_line(outcome.out, name);
}

Result<Secret> from_file(const Account& account) {
  const std::string& path = account.password_file;
  // The file that is checked must be the one that is read: one open, then fstat.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return no_secret(say("password_file {}: {}", path, std::strerror(errno)),
                     say("its first line is to be the password; only you may read it (chmod 600)"));
  }
  struct stat st{};
  const bool known = ::fstat(fd, &st) == 0;
  std::string text(kMaxSecret, '\0');
  const ssize_t n = ::read(fd, text.data(), text.size());
  ::close(fd);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  if (!known || !S_ISREG(st.st_mode)) {
    wipe(text);
    return no_secret(say("password_file {} is not a file", path));
  }
  if ((st.st_mode & 077) != 0) {
    wipe(text);
    return no_secret(say("password_file {} can be read by others", path), say("chmod 600 {}", path));
  }
  return first_line(text, say("password_file {}", path));
}

// Reads one line; false: ended by a stop or the end of input.
bool read_line(int tty, std::string& line, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd fd{tty, POLLIN, 0};
    if (::poll(&fd, 1, 100) <= 0) continue;
    std::array<char, 256> buffer;
    const ssize_t n = ::read(tty, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    line.append(buffer.data(), static_cast<size_t>(n));
    OPENSSL_cleanse(buffer.data(), buffer.size());
    if (line.size() > kMaxSecret) return false;
    if (line.ends_with('\n')) {
      line.pop_back();
      return true;
    }
  }
  return false;
}

}  // namespace

bool TerminalPrompt::available() const {
  const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (tty < 0) return false;
  ::close(tty);
  return true;
}

Result<Secret> TerminalPrompt::ask(std::string_view question, std::stop_token stop) {
  const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (tty < 0) return no_secret(say("there is no terminal to ask on"));
  termios before{};
  ::tcgetattr(tty, &before);
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(tty, TCSAFLUSH, &silent);
  const std::string text = std::string(question) + " ";
  bool ok = ::write(tty, text.data(), text.size()) > 0;
  std::string line;
  ok = ok && read_line(tty, line, stop);
  ::tcsetattr(tty, TCSAFLUSH, &before);
  if (::write(tty, "\n", 1) < 0) ok = false;
  ::close(tty);
  Secret secret(std::move(line));
  if (stop.stop_requested()) return fail(Errc::Cancelled, say("stopped"));
  if (!ok) return no_secret(say("no password was given"));
  return secret;
}

Result<Secret> resolve_secret(const Account& account, Prompt& prompt, std::stop_token stop) {
  if (!account.token_command.empty()) return from_command(account.token_command, "token_command", stop);
  if (!account.password_command.empty()) {
    return from_command(account.password_command, "password_command", stop);
  }
  if (!account.password_file.empty()) return from_file(account);
  if (!account.password.empty()) return account.password;
  if (!prompt.available()) {
    return no_secret(say("no password is set and there is no terminal to ask on"),
                     say("set password_command or password_file in the configuration"));
  }
  return prompt.ask(
      say("Password of {} ({} at {}):", account.name, printable(account.remote.user), printable(account.remote.host)),
      stop);
}

}  // namespace libsync::account
