// A mailbox to look at where there is none: some hundred letters in several languages, made anew each time and the same
// each time. For `twinbox demo`, and for comparisons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libsync/server/memory_mail.h"
#include "libsync/sync/replica.h"

namespace libsync::server {

struct SampleMessage {
  sync::Path folder{};
  std::string octets{};
  sync::Flags flags{};
  int64_t date = 0;
};
// In the order in which they came; the same octets on every machine.
std::vector<SampleMessage> sample_messages();

// Puts them in; folders are made as they are met, with their roles.
void fill(MemoryMail& mail, const std::vector<SampleMessage>& messages);

}  // namespace libsync::server
