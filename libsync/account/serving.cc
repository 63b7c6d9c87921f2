#include "libsync/account/serving.h"

#include <array>
#include <string_view>
#include <utility>

#include "libsync/account/secrets.h"
#include "libsync/base/base64.h"
#include "libsync/base/digest.h"
#include "libsync/base/words.h"
#include "libsync/sasl/mechanism.h"

namespace libsync::account {
namespace {

constexpr uint64_t kMaxPem = 1'000'000;  // a chain of some certificates has 10 kB
constexpr size_t kSaltOctets = 32;
// 20 letters and digits without those that look alike: 96 bits, and easy to type.
constexpr std::string_view kLetters = "abcdefghjkmnpqrstuvwxyz23456789";
constexpr size_t kGroups = 4, kGroupLetters = 5;

class NobodyAsked final : public Prompt {
 public:
  bool available() const override { return false; }
  Result<Secret> ask(std::string_view, std::stop_token) override { return fail(Errc::Auth, "nobody is asked"); }
};

Result<Secret> make_password() {
  const std::string random = sasl::system_random(kGroups * kGroupLetters * 2);
  if (random.empty()) return fail(Errc::Internal, say("the system gives no random octets"));
  std::string text;
  size_t used = 0;
  for (size_t i = 0; i < kGroups * kGroupLetters; ++i) {
    if (i > 0 && i % kGroupLetters == 0) text += '-';
    // Two octets a letter: none is likelier than another by more than one in two thousand.
    const size_t number =
        static_cast<unsigned char>(random[used]) * 256U + static_cast<unsigned char>(random[used + 1]);
    used += 2;
    text += kLetters[number % kLetters.size()];
  }
  return Secret(std::move(text));
}

Result<Secret> read_password(const std::string& path) {
  NobodyAsked nobody;
  auto secret = resolve_secret({.name = "serve", .password_file = path}, nobody, {});
  if (!secret) secret.error().code = Errc::Config;
  if (secret && secret->reveal().empty()) return fail(Errc::Config, say("{}: the password is empty", path));
  return secret;
}

Status load_password(FileSystem& fs, const ServingPlaces& places, Serving& serving) {
  serving.password_path = places.password_file.empty() ? places.folder + "/password" : places.password_file;
  if (!places.password_file.empty() || fs.exists(serving.password_path)) {
    TB_ASSIGN(serving.password, read_password(serving.password_path));
    return {};
  }
  TB_ASSIGN(serving.password, make_password());
  serving.made_password = true;
  const Secret line(serving.password.reveal() + "\n");
  return write_file_atomically(fs, serving.password_path, line.reveal());
}

Status load_certificate(FileSystem& fs, const ServingPlaces& places, const Clock& clock, Serving& serving) {
  const bool given = !places.certificate.empty();
  serving.certificate_path = given ? places.certificate : places.folder + "/certificate.pem";
  const std::string key_path = !given               ? places.folder + "/key.pem"
                               : places.key.empty() ? places.certificate
                                                    : places.key;
  if (!given && (!fs.exists(serving.certificate_path) || !fs.exists(key_path))) {
    const std::array<std::string, 3> names = {"localhost", "127.0.0.1", "::1"};
    TB_ASSIGN(serving.certificate, net::make_certificate(names, clock.unix_seconds()));
    // The key first: a certificate without it is made anew.
    TB_TRY(write_file_atomically(fs, key_path, serving.certificate.key.reveal()));
    TB_TRY(write_file_atomically(fs, serving.certificate_path, serving.certificate.chain));
    serving.made_certificate = true;
    return {};
  }
  TB_ASSIGN(serving.certificate.chain, read_file(fs, serving.certificate_path, kMaxPem));
  TB_ASSIGN(auto key, read_file(fs, key_path, kMaxPem));
  serving.certificate.key = Secret(std::move(key));
  return {};
}

Status load_salt(FileSystem& fs, const ServingPlaces& places, Serving& serving) {
  const std::string path = places.folder + "/salt";
  if (fs.exists(path)) {
    TB_ASSIGN(auto salt, read_file(fs, path, kMaxPem));
    serving.salt = Secret(std::move(salt));
    return {};
  }
  serving.salt = Secret(to_hex(sasl::system_random(kSaltOctets)));
  return write_file_atomically(fs, path, serving.salt.reveal());
}

}  // namespace

Result<Serving> load_serving(FileSystem& fs, const ServingPlaces& places, const Clock& clock) {
  Serving serving;
  TB_TRY(fs.make_dirs(places.folder));
  TB_TRY(load_password(fs, places, serving));
  TB_TRY(load_certificate(fs, places, clock, serving));
  TB_TRY(load_salt(fs, places, serving));
  return serving;
}

}  // namespace libsync::account
