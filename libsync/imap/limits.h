// How much a server may send before it is cut off. Every limit has its reason; tests hold each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace libsync::imap {

struct Limits {
  // One response without its streamed literals. The longest honest ones are SEARCH results: two million
  // UIDs of seven digits.
  size_t response = size_t{16} << 20;
  // The same before login: greetings and capability lists take some hundred octets.
  size_t response_before_login = size_t{64} << 10;
  // A literal that is not a message: a mailbox name, a subject, an address.
  uint64_t small_literal = uint64_t{1} << 20;
  // A literal that is streamed. Servers take messages of 25 to 150 MB; nothing is allocated by it.
  uint64_t streamed_literal = uint64_t{2} << 30;
  // Streamed literals in one response: we ask for one.
  size_t literals = 1000;
  // Untagged responses between two tagged ones: a mailbox of ten million messages, each told twice.
  uint64_t untagged = 20'000'000;
  uint64_t untagged_before_login = 1000;
};

// Nested parentheses in one response: a BODYSTRUCTURE of 50 nested messages takes 100.
inline constexpr int kMaxDepth = 128;
// Children of one multipart, addresses of one header field: what is beyond is passed over.
inline constexpr size_t kMaxParts = 10'000;
inline constexpr size_t kMaxAddresses = 10'000;
// Words of the server's that are kept; what is beyond is passed over. Real servers list some 40 capabilities, some
// 20 attributes of a mailbox, a handful of namespaces, some hundred keywords and labels.
inline constexpr size_t kMaxCapabilities = 500;
inline constexpr size_t kMaxAttributes = 100;
inline constexpr size_t kMaxNamespaces = 1000;
inline constexpr size_t kMaxKeywords = 10'000;
inline constexpr size_t kMaxLabels = 10'000;
// Pairs of ID (RFC 2971, section 3.3).
inline constexpr size_t kMaxIdFields = 30;
// BODY[…], BINARY[…] and BINARY.SIZE[…] in one FETCH response; more of the first two make it malformed.
inline constexpr size_t kMaxSections = 1000;
// A mailbox name on the wire. Servers stop at 255 to 1,000.
inline constexpr size_t kMaxMailboxName = 4096;
// Longer strings of ours go as literals: old servers have short line buffers.
inline constexpr size_t kMaxQuoted = 1000;
// RFC 7888, section 5.
inline constexpr size_t kLiteralMinus = 4096;
// The length of a command line up to which servers must cope (RFC 7162, section 4).
inline constexpr size_t kMaxCommandLine = 8000;

}  // namespace libsync::imap
