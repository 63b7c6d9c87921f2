// A server's bytes into a POP3 session that asks for whatever its state allows; the first octet says
// how large the pieces are.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/pop3/session.h"

namespace {

using namespace libsync;

class Sink final : public pop3::Events {
 public:
  explicit Sink(pop3::Session& session) : session_(session) {}
  Status event(const pop3::Event& event) override {
    octets += event.text.size();
    if (event.kind == pop3::Event::Kind::Challenge) session_.answer(Secret("x"), {});
    if (event.kind == pop3::Event::Kind::Line) {
      (void)pop3::parse_pair(event.text);
      (void)pop3::parse_uidl(event.text);
    }
    return {};
  }
  size_t octets = 0;

 private:
  pop3::Session& session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] % 32 + 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  pop3::Session session({.host = "fuzz"}, {});
  Sink sink(session);
  const std::array commands = {pop3::capa(),      pop3::auth("PLAIN"), pop3::stat(),  pop3::list(), pop3::uidl(),
                               pop3::retr(1, 40), pop3::top(2, 0),     pop3::dele(1), pop3::quit()};
  size_t next = 0;
  while (!rest.empty()) {
    while (next < commands.size() && session.can_send(commands[next].verb)) {
      if (!session.send(commands[next++], {})) break;
    }
    const std::string_view bytes = rest.substr(0, piece);
    rest.remove_prefix(bytes.size());
    if (!session.feed(bytes, {}, sink)) break;
  }
  (void)session.peer_closed();
  if (sink.octets > size) __builtin_trap();  // nothing may be made out of thin air
  return 0;
}
