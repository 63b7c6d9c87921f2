// What the contract's tests need of a kind of replica: a way to make one, and another client that
// changes the mail behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "libsync/sync/replica.h"

namespace twinbox::contract {

class Subject {
 public:
  virtual ~Subject() = default;
  // A new session with the same mail.
  virtual libsync::Result<std::unique_ptr<libsync::sync::Replica>> open() = 0;
  // Another client at work. `octets` have CRLF line ends.
  virtual void deliver(const std::string& octets, uint32_t system_flags = 0) = 0;  // to INBOX
  virtual void expunge_first() = 0;                                                // of INBOX
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Subject>()> make;
  std::string skip{};     // why it can't run here; empty: it can
  bool writable = false;  // takes messages: the tests of writing are for it
};
inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

std::vector<Kind> kinds();

// The kinds of kinds_dovecot.cc; kinds() holds them all.
std::vector<Kind> dovecot_kinds();

}  // namespace twinbox::contract
