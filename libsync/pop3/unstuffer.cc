#include "libsync/pop3/unstuffer.h"

namespace libsync::pop3 {

void Unstuffer::start(bool lf_server, uint64_t announced) {
  *this = Unstuffer();
  lf_server_ = lf_server;
  announced_ = announced;
}

}  // namespace libsync::pop3
