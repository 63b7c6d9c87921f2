// BODY and BODYSTRUCTURE (RFC 9051, section 7.5.2).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libsync/imap/envelope.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

struct BodyPart {
  std::string type{}, subtype{};
  std::vector<std::pair<std::string, std::string>> parameters{};
  std::optional<std::string> id, description, encoding, md5, location;
  uint64_t octets = 0, lines = 0;
  std::string disposition{};
  std::vector<std::pair<std::string, std::string>> disposition_parameters{};
  std::vector<std::string> languages{};
  std::unique_ptr<Envelope> envelope{};  // message/rfc822, message/global
  std::vector<BodyPart> parts{};         // of a multipart; of message/rfc822 the one in it
  bool damaged = false;                  // some of it could not be read (Quirk::BodyStructureDamage)
};

// Fails only where not even the parentheses fit, or past kMaxDepth.
bool parse_body_structure(Parser& in, BodyPart& out);

}  // namespace libsync::imap
