#include "libsync/base/result.h"

namespace libsync {

std::string Error::text() const {
  std::string out = what;
  if (!server.empty()) out += ": \"" + server + "\"";
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

int exit_status(Errc code) {
  switch (code) {
    case Errc::Usage:
    case Errc::Config:
    case Errc::NotFound:
      return 2;
    case Errc::Auth:
      return 4;
    case Errc::Tls:
    case Errc::Network:
      return 5;
    case Errc::Fuse:
      return 6;
    case Errc::Busy:
      return 7;
    case Errc::Corrupt:
    case Errc::Newer:
      return 8;
    case Errc::Protocol:
    case Errc::Limit:
    case Errc::Refused:
    case Errc::Disk:
    case Errc::Internal:
      return 3;
    case Errc::Cancelled:
      return 130;
  }
  return 3;
}

}  // namespace libsync
