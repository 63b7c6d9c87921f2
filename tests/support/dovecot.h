// A private Dovecot for C++ tests: tests/support/dovecot.py as a child process, ended with the object.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace twinbox::test {

// One thread at a time. The constructor throws std::runtime_error with the reason when the server
// can't be started.
class Dovecot {
 public:
  explicit Dovecot(const std::vector<std::string>& options = {});
  ~Dovecot();
  Dovecot(const Dovecot&) = delete;
  Dovecot& operator=(const Dovecot&) = delete;

  // Whether Debian's package is here at all; tools/dev setup installs it.
  static bool available();

  const std::string& host() const { return host_; }
  uint16_t port(const std::string& protocol) const { return ports_.at(protocol); }  // imap imaps pop3 pop3s
  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }
  const std::string& ca_file() const { return ca_file_; }
  const std::string& fingerprint() const { return fingerprint_; }

  // Puts a message file into a Maildir, every octet as it is.
  void deliver(const std::string& octets, const std::string& folder = "INBOX",
               const std::vector<std::string>& flags = {}, int64_t date = 1'700'000'000);
  // A doveadm command, as the server's user where it names one ("-u" is the caller's).
  std::string doveadm(const std::vector<std::string>& arguments);

 private:
  std::string ask(const std::string& line);

  int to_ = -1;
  std::FILE* from_ = nullptr;
  int pid_ = -1;
  std::string host_, user_, password_, ca_file_, fingerprint_;
  std::map<std::string, uint16_t> ports_;
};

}  // namespace twinbox::test
