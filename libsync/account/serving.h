// What `twinbox serve` keeps from one run to the next, in a folder beside the configuration: its certificate, the
// password of those who log in, and a secret of its own.
#pragma once

#include <string>

#include "libsync/base/clock.h"
#include "libsync/base/file.h"
#include "libsync/base/result.h"
#include "libsync/base/secret.h"
#include "libsync/net/tls_server.h"

namespace libsync::account {

struct ServingPlaces {
  std::string folder{};         // for what is made and kept
  std::string certificate{};    // PEM of somebody else's making; empty: one of our own
  std::string key{};            // of that; empty: it stands in the same file
  std::string password_file{};  // mode 0600, its first line; empty: one is made, once
};

struct Serving {
  net::ServerCertificate certificate{};
  Secret password{};
  Secret salt{};
  bool made_certificate = false, made_password = false;  // now
  std::string certificate_path{}, password_path{};
};

// Reads what is there, and makes what is not, with mode 0600 and whole before it is used. Errc::Config: a password file
// that others may read or that is empty, a certificate that can't be read.
Result<Serving> load_serving(FileSystem& fs, const ServingPlaces& places, const Clock& clock);

}  // namespace libsync::account
