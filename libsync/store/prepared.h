// A whole message made ready for the store: hashed, compressed, its columns read. Needs no store, so that the thread
// that fetches can do it while another one stores.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/base/digest.h"
#include "libsync/store/frame_encoder.h"
#include "libsync/store/mail_text.h"
#include "libsync/store/types.h"
#include "libsync/sync/print.h"

namespace libsync::store {

// A value. For Store::stage().
struct Prepared {
  Sha256Digest sha256{};
  uint64_t size = 0;  // octets of the message
  sync::Id print{};   // print_of_message()
  EnvelopeColumns envelope{};
  Codec codec = Codec::Raw;
  std::string chunks{};  // a frame without its header and trailer (segment_format.h)
};

// One thread at a time.
class Preparer {
 public:
  Prepared prepare(std::string_view octets);

 private:
  FrameEncoder encoder_;
  MailReader mail_;
};

}  // namespace libsync::store
