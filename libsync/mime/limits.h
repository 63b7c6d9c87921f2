// What one message may cost. Mail is written by strangers: each number below is far above what occurs
// and far below what hurts. What lies beyond a limit is left out of the reading and listed as a defect;
// the message itself is never refused.
#pragma once

#include <cstddef>

namespace libsync::mime {

inline constexpr size_t kMaxDepth = 64;             // nested parts; forwarding chains of 20 occur
inline constexpr size_t kMaxParts = 10'000;         // digests of some hundreds occur
inline constexpr size_t kMaxHeaderFields = 10'000;  // of one header; gateways leave a few hundred
inline constexpr size_t kMaxHeaderBytes = 4 << 20;  // fields that begin beyond are not read
inline constexpr size_t kMaxValueBytes = 1 << 20;   // of one field's value; 20,000 addresses fit
inline constexpr size_t kMaxParameters = 1'000;     // of one field, RFC 2231 sections apart counted each
inline constexpr size_t kMaxAddresses = 10'000;     // of one field
inline constexpr size_t kMaxCommentDepth = 64;      // parentheses in parentheses
inline constexpr size_t kMaxSections = 1'000;       // RFC 2231 continuations of one parameter
inline constexpr size_t kMaxIds = 10'000;           // of one References field
inline constexpr size_t kMaxDefects = 1'000;        // listed; more are only counted

struct Limits {
  size_t depth = kMaxDepth;
  size_t parts = kMaxParts;
  size_t header_fields = kMaxHeaderFields;
  size_t header_bytes = kMaxHeaderBytes;
  size_t value_bytes = kMaxValueBytes;
  size_t parameters = kMaxParameters;
  size_t addresses = kMaxAddresses;
  size_t comment_depth = kMaxCommentDepth;
  size_t sections = kMaxSections;
  size_t ids = kMaxIds;
};

}  // namespace libsync::mime
