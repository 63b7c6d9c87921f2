// POP3: the corpus as answers to RETR, and the listing of a large maildrop.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "libsync/pop3/session.h"

#include "tools/twinbox/bench_parts.h"

namespace twinbox {

namespace pop3 = libsync::pop3;
using libsync::Result;
using libsync::Status;

namespace {

constexpr size_t kListed = 100'000;

// RFC 1939, section 3: a line that begins with a dot gets another; a lone dot ends it all.
std::string stuffed(const std::string& message) {
  std::string out = "+OK\r\n";
  out.reserve(message.size() + message.size() / 64 + 16);
  for (size_t at = 0; at < message.size();) {
    const size_t end = std::min(message.find('\n', at), message.size() - 1) + 1;
    if (message[at] == '.') out += '.';
    out.append(message, at, end - at);
    at = end;
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out + ".\r\n";
}

class Counted final : public pop3::Events {
 public:
  Status event(const pop3::Event& event) override {
    if (event.kind == pop3::Event::Kind::End) ++ended;
    if (event.kind == pop3::Event::Kind::Line && pop3::parse_uidl(event.text)) ++lines;
    return {};
  }
  uint64_t ended = 0, lines = 0;
};

Status feed(pop3::Session& session, std::string_view bytes, pop3::Events& events) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kTlsPiece, bytes.size()))) {
    TB_TRY(session.feed(bytes.substr(0, kTlsPiece), {}, events));
  }
  return {};
}

Status ask(pop3::Session& session, const pop3::Command& command, std::string_view answer, pop3::Events& events) {
  TB_TRY(session.send(command, {}));
  (void)session.take_output();
  return feed(session, answer, events);
}

Status log_in(pop3::Session& session, pop3::Events& events) {
  TB_TRY(feed(session, "+OK ready\r\n", events));
  TB_TRY(ask(session, pop3::user("me"), "+OK\r\n", events));
  return ask(session, pop3::pass(libsync::Secret("none")), "+OK\r\n", events);
}

Result<BenchWork> bodies(const Corpus& corpus, const std::string&, const std::stop_token&) {
  auto answers = std::make_shared<std::vector<std::string>>();
  uint64_t octets = 0;
  for (const std::string& message : corpus.messages) octets += answers->emplace_back(stuffed(message)).size();
  const auto run = [answers, &corpus]() -> Status {
    pop3::Session session({.host = "bench"}, {});
    Counted events;
    TB_TRY(log_in(session, events));
    for (size_t i = 0; i < answers->size(); ++i) {
      TB_TRY(ask(session, pop3::retr(i + 1, corpus.messages[i].size()), (*answers)[i], events));
    }
    TB_TRY(ask(session, pop3::noop(), "+OK\r\n", events));  // the last message's end shows here
    return all_done("pop3-body", events.ended, answers->size());
  };
  return BenchWork{.run = run, .units = answers->size(), .octets = octets};
}

Result<BenchWork> listing(const Corpus&, const std::string&, const std::stop_token&) {
  std::string text = "+OK\r\n";
  for (size_t i = 0; i < kListed; ++i) text += fmt::format("{} {:016x}{:08x}\r\n", i + 1, i * 0x9E3779B97F4A7C15, i);
  const auto answer = std::make_shared<const std::string>(text + ".\r\n");
  const auto run = [answer]() -> Status {
    pop3::Session session({.host = "bench"}, {});
    Counted events;
    TB_TRY(log_in(session, events));
    TB_TRY(ask(session, pop3::uidl(), *answer, events));
    return all_done("pop3-uidl", events.lines, kListed);
  };
  return BenchWork{.run = run, .units = kListed, .octets = answer->size()};
}

}  // namespace

extern const BenchPart kBenchPop3Body, kBenchPop3Uidl;
const BenchPart kBenchPop3Body{"pop3-body", "messages", "answers to RETR through a session", bodies};
const BenchPart kBenchPop3Uidl{"pop3-uidl", "lines", "the UIDL listing of a large maildrop", listing};

}  // namespace twinbox
