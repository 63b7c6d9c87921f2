// A script of faults, an empty line, and a client's bytes into an IMAP session that does wrong what the script says.
// The first octet says how large the pieces are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "libsync/server/fault_script.h"
#include "libsync/server/faulty_session.h"
#include "libsync/server/imap_session.h"
#include "libsync/server/memory_mail.h"

using namespace libsync;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] % 64 + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = std::min(text.find("\n\n"), text.size());
  const auto script = server::parse_fault_script(text.substr(0, end));
  if (!script) return 0;
  std::string_view rest = text.substr(std::min(text.size(), end + 2));
  const auto mail = std::make_shared<server::MemoryMail>();
  mail->put(mail->make_folder({"INBOX"}), "Subject: x\r\n\r\ny\r\n");
  server::ImapOptions options;
  options.find_password = [](std::string_view user) { return user == "u" ? std::optional(Secret("p")) : std::nullopt; };
  options.open_mail = [&](std::string_view) -> Result<std::shared_ptr<server::Mail>> { return mail; };
  options.plain_allowed = true;
  Steady::time_point now{};
  server::FaultySession session(std::make_unique<server::ImapSession>(options, now), {.script = *script});
  // Each turn takes something in, puts something out, or lets the time pass to where something is due.
  for (int idle = 0; !session.over() && idle < 3;) {
    if (session.wants_tls()) session.tls_started({}, now);
    (void)session.take_deflate();
    if (!session.take_output(now).empty()) continue;
    if (!rest.empty() && session.wants_input()) {
      session.feed(rest.substr(0, piece), now);
      rest.remove_prefix(std::min(piece, rest.size()));
      continue;
    }
    if (session.deadline() > now) {
      ++idle;
      now = session.deadline();
    }
  }
  return 0;
}
