// A client's bytes into the POP3 server's session: the first octet says how large the pieces are, and what is switched
// off.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/server/pop3_session.h"

namespace {

using namespace libsync;

constexpr std::array<std::string_view, 3> kMail = {"A: 1\r\n\r\n.dot\r\n..\r\n", "B: 2\n\nbare\n.\n", ""};

class Drop final : public server::Maildrop {
 public:
  Drop() {
    for (size_t i = 0; i < kMail.size(); ++i) entries_.push_back({.size = kMail[i].size(), .uidl = std::to_string(i)});
  }
  std::span<const Entry> entries() const override { return entries_; }
  Result<std::string> read(size_t index, uint64_t offset, size_t most) override {
    if (offset >= kMail[index].size()) return std::string();
    return std::string(kMail[index].substr(offset, most));
  }
  Status remove(std::span<const size_t> indexes) override {
    for (const size_t index : indexes) {
      if (index >= kMail.size()) std::abort();
    }
    return {};
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] % 32 + 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  server::Pop3Options options;
  options.find_password = [](std::string_view user) { return user == "u" ? std::optional(Secret("p")) : std::nullopt; };
  options.open_maildrop = [](std::string_view) -> Result<std::unique_ptr<server::Maildrop>> {
    return std::make_unique<Drop>();
  };
  options.random = [](size_t bytes) { return std::string(bytes, '\0'); };
  options.asked_for = {"APOP", "CRAM-MD5"};
  options.has_tls = (data[0] & 0x80) != 0;
  options.plain_allowed = !options.has_tls;
  const server::Pop3Limits limits;
  Steady::time_point now{};
  server::Pop3Session session(options, now);
  while (!session.over()) {
    if (session.wants_tls()) session.tls_started({{.type = "tls-exporter", .data = "x"}}, now);
    const std::string out = session.take_output(now);
    // What waits to be sent stays small, whatever is asked for.
    if (out.size() > 2 * limits.output + 1024) std::abort();
    if (!out.empty()) continue;
    if (rest.empty()) break;
    if (session.wants_input()) {
      session.feed(rest.substr(0, piece), now);
      rest.remove_prefix(std::min(piece, rest.size()));
    }
    if (session.deadline() < now + limits.login_timeout) now = session.deadline();  // a refusal that is kept back
  }
  return 0;
}
