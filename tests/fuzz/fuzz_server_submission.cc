// A client's bytes into the submission server's session: the first octet says how large the pieces are, whether there
// is TLS, and whether the session begins behind a login. What is delivered is looked at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/server/submission_session.h"

namespace {

using namespace libsync;

constexpr uint64_t kMostOctets = 4096;
constexpr std::string_view kLogin = "EHLO c\r\nAUTH PLAIN AHUAcA==\r\n";

void require(bool condition) {
  if (!condition) std::abort();
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

class One final : public server::Delivery {
 public:
  Status data(std::string_view octets) override {
    require(!octets.empty());
    octets_ += octets;
    return {};
  }
  // Lines end with CRLF alone, the header has what it must, and nothing is over the limit but what was added.
  Status done() override {
    require(octets_.ends_with("\r\n") && octets_.size() < kMostOctets + 200);
    char before = 0;
    for (const char c : octets_) {
      require((before == '\r') == (c == '\n'));
      before = c;
    }
    return {};
  }

 private:
  std::string octets_;
};

class Agent final : public server::DeliveryAgent {
 public:
  Status accepts(std::string_view, std::string_view recipient) override {
    require(!recipient.empty() && !has_control(recipient));
    return recipient.starts_with('x') ? Status(fail(Errc::Refused, "no")) : Status();
  }
  Result<std::unique_ptr<server::Delivery>> begin(const server::Envelope& envelope) override {
    require(envelope.user == "u" && !envelope.recipients.empty() && envelope.recipients.size() <= 100);
    require(!has_control(envelope.sender) && !has_control(envelope.client) && !envelope.client.empty());
    return std::make_unique<One>();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] % 32 + 1;
  const bool logged_in = (data[0] & 0x40) != 0;
  std::string text(logged_in ? kLogin : "");
  text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string_view rest(text);
  Agent agent;
  server::SubmissionOptions options;
  options.find_password = [](std::string_view user) { return user == "u" ? std::optional(Secret("p")) : std::nullopt; };
  options.agent = &agent;
  options.random = [](size_t bytes) { return std::string(bytes, '\0'); };
  options.asked_for = {"CRAM-MD5"};
  options.has_tls = (data[0] & 0x80) != 0;
  options.plain_allowed = !options.has_tls || logged_in;
  options.limits.message = kMostOctets;
  options.limits.text_line = 1000;
  const server::SubmissionLimits limits;
  Steady::time_point now{};
  server::SubmissionSession session(options, now);
  while (!session.over()) {
    if (session.wants_tls()) session.tls_started({{.type = "tls-exporter", .data = "x"}}, now);
    const std::string out = session.take_output(now);
    // What waits to be sent stays small, whatever is asked for, and is whole lines.
    require(out.size() <= limits.output + 1024 && (out.empty() || out.ends_with("\r\n")));
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
