// Section specs of IMAP's BODY[…] (RFC 9051, section 6.4.5.1).
#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/mime/message.h"

namespace libsync::mime {
namespace {

// Takes "1.2." off the front of `spec`. False for a number that is none.
bool take_numbers(std::string_view& spec, std::vector<uint64_t>& numbers) {
  while (!spec.empty() && spec.front() >= '0' && spec.front() <= '9') {
    const size_t dot = spec.find('.');
    const auto number = parse_u64(spec.substr(0, dot));
    if (!number || *number == 0 || numbers.size() >= kMaxDepth * 2) return false;
    numbers.push_back(*number);
    if (dot == spec.npos) {
      spec = {};
    } else {
      spec.remove_prefix(dot + 1);
      if (spec.empty()) return false;
    }
  }
  return true;
}

std::optional<uint32_t> resolve(const Message& message, const std::vector<uint64_t>& numbers) {
  uint32_t at = 0;
  bool whole = true;  // `at` is the root of a message, whose body is its part 1 if it is no multipart
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && message.parts[at].kind == PartKind::Message) {
      if (message.parts[at].children.empty()) return std::nullopt;
      at = message.parts[at].children.front();
      whole = true;
    }
    const Part& part = message.parts[at];
    if (part.kind == PartKind::Multipart) {
      if (numbers[i] > part.children.size()) return std::nullopt;
      at = part.children[numbers[i] - 1];
    } else if (!whole || numbers[i] != 1) {
      return std::nullopt;
    }
    whole = false;
  }
  return at;
}

}  // namespace

std::optional<uint32_t> part_of(const Message& message, std::string_view number) {
  std::vector<uint64_t> numbers;
  if (!take_numbers(number, numbers) || !number.empty()) return std::nullopt;
  return resolve(message, numbers);
}

std::optional<Span> section(const Message& message, std::string_view spec) {
  std::vector<uint64_t> numbers;
  if (!take_numbers(spec, numbers)) return std::nullopt;
  const auto index = resolve(message, numbers);
  if (!index) return std::nullopt;
  const Part* part = &message.parts[*index];
  if (spec.empty()) return numbers.empty() ? Span{0, message.bytes.size()} : part->body;
  if (iequals(spec, "MIME")) return numbers.empty() ? std::nullopt : std::optional(part->header);
  if (!numbers.empty()) {
    if (part->kind != PartKind::Message || part->children.empty()) return std::nullopt;
    part = &message.parts[part->children.front()];
  }
  if (iequals(spec, "HEADER")) return part->header;
  if (iequals(spec, "TEXT")) return part->body;
  return std::nullopt;
}

std::string section_number(const Message& message, uint32_t index) {
  std::string number;
  for (uint32_t at = index; at != kNoPart; at = message.parts[at].parent) {
    const Part& part = message.parts[at];
    std::string step;
    if (part.parent != kNoPart && message.parts[part.parent].kind == PartKind::Multipart) {
      const auto& siblings = message.parts[part.parent].children;
      step = std::to_string(std::ranges::lower_bound(siblings, at) - siblings.begin() + 1);
    } else if (part.kind != PartKind::Multipart) {
      step = "1";  // the body of a message, or of a message inside
    }
    if (step.empty()) continue;
    number = number.empty() ? step : step + "." + number;
  }
  return number;
}

}  // namespace libsync::mime
