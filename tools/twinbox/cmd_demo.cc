// twinbox demo: what POP3 and IMAP do with the same mailbox, shown on a server inside this program.
#include <condition_variable>
#include <mutex>
#include <set>

#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/demo_story.h"
#include "tools/twinbox/trace_printer.h"

namespace twinbox {

namespace server = libsync::server;
using libsync::Result;
using libsync::say;

namespace {

size_t folders_in(const std::vector<server::SampleMessage>& messages) {
  std::set<libsync::sync::Path> folders;
  for (const auto& each : messages) folders.insert(each.folder);
  return folders.size();
}

void print_rows(Context& context, const std::vector<DemoRow>& rows) {
  if (context.json()) {
    for (const DemoRow& row : rows) {
      context.out().json(JsonObject{{"what", row.what}, {"pop3", row.pop3}, {"imap", row.imap}});
    }
    return;
  }
  std::vector<std::vector<std::string>> cells;
  for (const DemoRow& row : rows) cells.push_back({row.what, row.pop3, row.imap});
  print_table(context.out(), {{.title = " "}, {.title = "POP3"}, {.title = "IMAP"}}, cells);
}

// The ways in, for programs and by hand.
void print_ways_in(Context& context, const DemoServer& demo) {
  auto& out = context.out();
  out.line("");
  out.line(say("A server with the mailbox as it was at first goes on until Ctrl-C."));
  out.line(say("  user {}, password {}", demo.user(), demo.password().reveal()));
  out.line(say("  IMAP 127.0.0.1 port {} (TLS) or {} (STARTTLS, or nothing)", demo.port("imaps"), demo.port("imap")));
  out.line(say("  POP3 127.0.0.1 port {} (TLS) or {} (STLS, or nothing)", demo.port("pop3s"), demo.port("pop3")));
  out.line(say("  certificate {}", demo.fingerprint()));
  out.line("");
  out.line(say("A mail program:  mutt -f imaps://{}@127.0.0.1:{}/", demo.user(), demo.port("imaps")));
  out.line(say("By hand, IMAP:   nc -C 127.0.0.1 {}     a1 LOGIN {} {}", demo.port("imap"), demo.user(),
               demo.password().reveal()));
  out.line(say("                 then  a2 SELECT INBOX    a3 FETCH 1 (FLAGS ENVELOPE)    a4 LOGOUT"));
  out.line(say("By hand, POP3:   nc -C 127.0.0.1 {}     USER {}    PASS {}", demo.port("pop3"), demo.user(),
               demo.password().reveal()));
  out.line(say("                 then  STAT    TOP 1 0    QUIT"));
  out.line(say("Inside TLS:      openssl s_client -crlf -quiet -connect 127.0.0.1:{}", demo.port("imaps")));
  out.flush();
}

Result<int> demo(Context& context, const Arguments& arguments) {
  const auto& clock = context.around().clock;
  const auto messages = server::sample_messages();
  TracePrinter printer(context.around().err, clock);
  DemoServer::MakeTrace trace;
  if (context.globals().trace) trace = [&](const std::string& name) { return printer.label(name); };
  TB_ASSIGN(auto server, DemoServer::start(messages, clock, trace));
  if (!context.json()) {
    context.out().line(
        say("A mail server with {} messages in {} folders is running inside this program (imaps {}, pop3s {}).",
            messages.size(), folders_in(messages), server->port("imaps"), server->port("pop3s")));
    context.out().line("");
    context.out().flush();
  }
  TB_ASSIGN(const auto rows, tell_demo(*server, messages, clock, context.stop()));
  print_rows(context, rows);
  if (!arguments.has("keep")) {
    if (!context.json()) {
      context.out().line("");
      context.out().line(
          say("POP3 copies one folder once; IMAP keeps two places the same. Server and mirrors are gone again."));
      context.out().line(say("To look around in it: twinbox demo --keep. Your own mail: twinbox account add --help"));
    }
    return 0;
  }
  // The story has emptied INBOX.
  TB_ASSIGN(server, DemoServer::start(messages, clock, trace));
  print_ways_in(context, *server);
  std::mutex mutex;
  std::condition_variable_any bell;
  std::unique_lock lock(mutex);
  const std::stop_token stop = context.stop();
  bell.wait(lock, stop, [&] { return stop.stop_requested(); });
  return 0;
}

constexpr Option kOptions[] = {
    {"keep", 0, {}, "leave the server running, and tell how to speak with it"},
};

}  // namespace

extern const Command kDemo;
const Command kDemo{
    .name = "demo",
    .usage = "",
    .summary = "what POP3 and IMAP make of the same mailbox; needs no account",
    .options = kOptions,
    .least_words = 0,
    .most_words = 0,
    .example = "twinbox demo\ntwinbox demo --keep",
    .run = demo,
};

}  // namespace twinbox
