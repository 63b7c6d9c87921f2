// Where a submitted message goes: into mailboxes of this server. There is no other way out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync::server {

// Of a message (RFC 5321, section 2.3.1). Addresses without their brackets, as the client wrote them, of octets above
// 0x1F that are no DEL, and UTF-8.
struct Envelope {
  std::string user{};                     // who submits, and has proved who it is
  std::string sender{};                   // empty: the null sender, "<>"
  std::vector<std::string> recipients{};  // in the order in which they came; may be twice the same
  std::string client{};                   // as it named itself behind EHLO: believe nothing of it
  std::string protocol{};                 // for the Received field: ESMTPA, ESMTPSA, UTF8SMTPA, UTF8SMTPSA
};

// One message on its way into the mailboxes of all its recipients, or none. Gone without done(): nothing was delivered.
// Used by one thread; once data() failed nothing else is called.
class Delivery {
 public:
  virtual ~Delivery() = default;
  // Octets of the message, in pieces of any size, CRLF at each line's end.
  virtual Status data(std::string_view octets) = 0;
  // That was all of it. OK: it is durable in every mailbox, and the client may forget it.
  virtual Status done() = 0;
};

// Thread-safe; outlives the deliveries. What errors mean to the client: Errc::NotFound no such mailbox, Errc::Refused
// not allowed (to relay, for one), Errc::Limit the mailbox is full: none of them passes by itself. All others do.
class DeliveryAgent {
 public:
  virtual ~DeliveryAgent() = default;
  // Whether that user's mail to this address would be taken.
  virtual Status accepts(std::string_view user, std::string_view recipient) = 0;
  // Of a message for recipients that were accepted, at least one.
  virtual Result<std::unique_ptr<Delivery>> begin(const Envelope& envelope) = 0;
};

}  // namespace libsync::server
