// NOTIFY: mailboxes, events, and what is told of them.
#include "tests/fuzz/imap_client.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return libsync::fuzz::talk_imap(data, size, "a NOTIFY ");
}
