// twinbox serve: the local mail as an IMAP, POP3 and submission server.
#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libsync/account/folder_rights.h"
#include "libsync/account/serving.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/server/faulty_session.h"
#include "libsync/server/mail_delivery.h"
#include "libsync/server/mail_host.h"
#include "libsync/server/service.h"
#include "libsync/server/store_mail.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/store_access.h"
#include "tools/twinbox/trace_printer.h"

namespace twinbox {

namespace account = libsync::account;
namespace server = libsync::server;
namespace store = libsync::store;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

// How soon it is seen that another process, a sync, has written.
constexpr std::chrono::milliseconds kLookAgain{1000};
constexpr uint64_t kMostConnections = 10'000;
// A connection's socket and what wakes it, the store's files and a spool for what comes in; and what is open anyway.
constexpr rlim_t kDescriptorsEach = 6;
constexpr rlim_t kDescriptorsBeside = 100;

using Mails = std::map<std::string, std::shared_ptr<server::StoreMail>, std::less<>>;

// What is listened on without a word: TLS from the first octet, and STARTTLS for programs that know nothing else.
struct Kind {
  std::string_view name;
  bool tls;
  uint16_t port;
  enum class Protocol { Imap, Pop3, Submission } protocol;
};
constexpr Kind kKinds[] = {
    {"imaps", true, 1993, Kind::Protocol::Imap},
    {"imap", false, 1143, Kind::Protocol::Imap},
    {"pop3s", true, 1995, Kind::Protocol::Pop3},
    {"pop3", false, 1110, Kind::Protocol::Pop3},
    {"submissions", true, 1465, Kind::Protocol::Submission},
    {"submission", false, 1587, Kind::Protocol::Submission},
};

std::unique_ptr<server::Session> plain_session(server::MailHost& host, Kind::Protocol protocol,
                                               const server::Peer& peer, libsync::Steady::time_point now) {
  switch (protocol) {
    case Kind::Protocol::Imap:
      return host.imap(peer, now);
    case Kind::Protocol::Pop3:
      return host.pop3(peer, now);
    case Kind::Protocol::Submission:
      break;
  }
  return host.submission(peer, now);
}

// With the faults of a script.
std::unique_ptr<server::Session> make_session(server::MailHost& host, const server::FaultScript& script,
                                              Kind::Protocol protocol, const server::Peer& peer,
                                              libsync::Steady::time_point now) {
  auto session = plain_session(host, protocol, peer, now);
  if (script.empty()) return session;
  return std::make_unique<server::FaultySession>(
      std::move(session),
      server::FaultySession::Options{
          .script = script, .tagged = protocol == Kind::Protocol::Imap, .die = [] { std::_Exit(1); }});
}

Result<server::FaultScript> read_script(Context& context, const Arguments& arguments) {
  if (!arguments.has("script")) return server::FaultScript{};
  TB_ASSIGN(const auto text,
            libsync::read_file(context.around().fs, arguments.value("script"), server::kMaxFaultScript));
  auto script = server::parse_fault_script(text);
  if (!script) script.error().what = fmt::format("{}: {}", arguments.value("script"), script.error().what);
  return script;
}

// "--imap 1143", "--imap off".
Result<std::optional<uint16_t>> port_of(const Arguments& arguments, const Kind& kind) {
  if (!arguments.has(kind.name)) return std::optional(kind.port);
  if (arguments.value(kind.name) == "off") return std::nullopt;
  TB_ASSIGN(const auto port, arguments.number(kind.name, 0, 65'535));
  return static_cast<uint16_t>(port.value_or(0));
}

// Sockets that systemd listens on for us, named by FileDescriptorName= (sd_listen_fds(3)). None: it was not systemd.
Result<std::map<std::string, int>> given_sockets(Context& context) {
  const auto& environment = context.around().environment;
  std::map<std::string, int> given;
  if (environment("LISTEN_PID").value_or("") != std::to_string(::getpid())) return given;
  const auto count = libsync::parse_u64(environment("LISTEN_FDS").value_or(""));
  std::string names = environment("LISTEN_FDNAMES").value_or("");
  constexpr int kFirst = 3;
  constexpr uint64_t kMost = 100;
  for (uint64_t i = 0; i < std::min(count.value_or(0), kMost); ++i) {
    const std::string name = names.substr(0, names.find(':'));
    names.erase(0, std::min(names.size(), name.size() + 1));
    const bool known = std::ranges::any_of(kKinds, [&](const Kind& kind) { return kind.name == name; });
    if (!known) {
      return fail(Errc::Config,
                  say("systemd gives a socket named \"{}\": FileDescriptorName= is to be imaps, imap, pop3s,"
                      " pop3, submissions or submission, each once",
                      libsync::printable(name, 40)));
    }
    given[name] = kFirst + static_cast<int>(i);
  }
  return given;
}

Result<std::vector<server::Endpoint>> endpoints(Context& context, const Arguments& arguments, server::MailHost& host,
                                                bool delivers) {
  TB_ASSIGN(const auto given, given_sockets(context));
  TB_ASSIGN(const auto script, read_script(context, arguments));
  std::vector<server::Endpoint> all;
  for (const Kind& kind : kKinds) {
    if (kind.protocol == Kind::Protocol::Submission && !delivers) continue;
    TB_ASSIGN(const auto port, port_of(arguments, kind));
    const auto socket = given.find(std::string(kind.name));
    if (given.empty() ? !port : socket == given.end()) continue;
    server::Endpoint endpoint{.name = std::string(kind.name), .tls = kind.tls, .port = port.value_or(0)};
    if (socket != given.end()) endpoint.descriptor = socket->second;
    if (arguments.has("listen")) endpoint.ip = arguments.value("listen");
    endpoint.make = [&host, script, protocol = kind.protocol](const server::Peer& peer,
                                                              libsync::Steady::time_point now) {
      return make_session(host, script, protocol, peer, now);
    };
    all.push_back(std::move(endpoint));
  }
  if (all.empty()) return fail(Errc::Usage, say("every port is off: there is nothing to serve"));
  return all;
}

server::Writable writable(account::Right right) {
  switch (right) {
    case account::Right::Nothing:
      return server::Writable::Nothing;
    case account::Right::Flags:
      return server::Writable::Flags;
    case account::Right::Own:
    case account::Right::Carried:
      break;
  }
  return server::Writable::All;
}

// What mail programs may do in each folder: what commands may. Of POP3's own mail they are kept out unless it is asked
// for, as the mail of many years is one wrong click away.
Result<server::StoreMailOptions> mail_options(Context& context, const account::Account& account) {
  server::StoreMailOptions options{.clock = &context.around().clock};
  if (account.remote.protocol == account::Protocol::Pop3) {
    options.writable = account.mode != account::Mode::Mirror ? server::Writable::All
                       : account.local_flags                 ? server::Writable::Flags
                                                             : server::Writable::Nothing;
    return options;
  }
  options.writable = writable(account::FolderRights(account, {}).most());
  if (account.folder_rules.empty()) return options;
  TB_ASSIGN(const OpenAccount open, open_account(context, account, store::StoreMode::ReadOnly));
  TB_ASSIGN(const auto pairs, store::open_link(open.store->db())->pairs());
  const auto rights = std::make_shared<const account::FolderRights>(account, pairs);
  options.writable_in = [rights](const libsync::sync::Path& path) { return writable(rights->in(path)); };
  options.may_move = [rights](const libsync::sync::Path& from, const libsync::sync::Path& to) {
    return rights->may_move(from, to);
  };
  return options;
}

// An account's own address, and its name at whatever host.
server::FindUser find_user(Context& context, const Mails& mails) {
  std::map<std::string, std::string, std::less<>> users;
  for (const auto& [name, mail] : mails) {
    if (mail->writable_in({"INBOX"}) != server::Writable::All) continue;
    users.emplace(name, name);
    if (const auto account = context.account(name)) users.emplace(libsync::to_lower((*account)->remote.user), name);
  }
  return [users](std::string_view address) -> std::optional<std::string> {
    const std::string lower = libsync::to_lower(address);
    auto found = users.find(lower);
    if (found == users.end()) found = users.find(lower.substr(0, lower.rfind('@')));
    return found == users.end() ? std::nullopt : std::optional(found->second);
  };
}

std::unique_ptr<server::DeliveryAgent> make_agent(Context& context, const Arguments& arguments, const Mails& mails) {
  server::MailDeliveryOptions options{.clock = &context.around().clock};
  options.open_mail = [mails](std::string_view user) -> Result<std::shared_ptr<server::Mail>> {
    return mails.find(user)->second;
  };
  if (!arguments.has("sink")) return std::make_unique<server::InboxDelivery>(options, find_user(context, mails));
  return std::make_unique<server::SinkDelivery>(options, libsync::sync::decode_path(arguments.value("sink")));
}

Result<Mails> open_mails(Context& context, const Arguments& arguments) {
  Mails mails;
  TB_ASSIGN(const auto accounts, context.accounts(arguments.words()));
  for (const auto* account : accounts) {
    const auto options = mail_options(context, *account);
    if (!options) return fail(with_way_out(options.error(), account->name));
    auto mail = server::StoreMail::open(account->store, *options);
    if (!mail && mail.error().code == Errc::NotFound) {
      mail.error().what = say("{}: no mail was stored there yet", account->name);
      mail.error().hint = say("first: twinbox sync {}", account->name);
    }
    if (!mail) return fail(with_way_out(std::move(mail).error(), account->name));
    mails.emplace(account->name, std::move(*mail));
  }
  return mails;
}

// Many systems allow 1,024 unless a program asks for more. Gives how many connections there are descriptors for: one
// more would wait for ever, and take from the others what they open files with.
size_t allow_descriptors(size_t connections) {
  const rlim_t needed = kDescriptorsBeside + (kDescriptorsEach * static_cast<rlim_t>(connections));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return connections;
  const rlim_t before = std::exchange(limit.rlim_cur, std::min(needed, limit.rlim_max));
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  if (limit.rlim_cur >= needed) return connections;
  const rlim_t room = limit.rlim_cur - std::min(limit.rlim_cur, kDescriptorsBeside);
  return std::max<size_t>(1, static_cast<size_t>(room / kDescriptorsEach));
}

// A message that was taken apart goes back to the system when it is done with: malloc would keep it, for each of many
// threads.
void give_back_large_blocks() {
  constexpr int kLarge = 4 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kLarge);
}

std::string_view security_of(const server::Service::Bound& endpoint) {
  return endpoint.tls ? "TLS" : endpoint.name == "pop3" ? "STLS" : "STARTTLS";
}

// A stranger would wonder why nothing can be changed.
std::string what_may_be_done(const server::Mail& mail) {
  switch (mail.writable()) {
    case server::Writable::Nothing:
      return say(" (read only)");
    case server::Writable::Flags:
      return say(" (read only but for flags)");
    case server::Writable::All:
      break;
  }
  return {};
}

void announce(Context& context, const server::Service& service, const libsync::account::Serving& serving,
              const std::string& fingerprint, const Mails& mails, uint64_t connections) {
  JsonList ports;
  std::string at;
  for (const auto& each : service.endpoints()) {
    ports.push_back(JsonObject{{"name", each.name}, {"ip", each.ip}, {"port", uint64_t{each.port}}, {"tls", each.tls}});
    at += fmt::format("  {:<6} {}:{}  {}\n", each.name, each.ip, each.port, security_of(each));
  }
  JsonList users;
  std::vector<std::string> names;
  for (const auto& [name, mail] : mails) {
    users.emplace_back(name);
    names.push_back(name + what_may_be_done(*mail));
  }
  if (context.json()) {
    context.out().json(JsonObject{{"serving", std::move(users)},
                                  {"endpoints", std::move(ports)},
                                  {"certificate", serving.certificate_path},
                                  {"fingerprint", "sha256:" + fingerprint},
                                  {"password_file", serving.password_path},
                                  {"connections", connections}});
  } else {
    context.out().text(at);
    context.out().line(say("user: {}", fmt::join(names, ", ")));
    context.out().line(
        say("password: the first line of {}", libsync::account::shorten_path(serving.password_path, context.places())));
    context.out().line(say("certificate: sha256:{}", fingerprint));
    context.out().line(say("Ctrl-C ends it"));
  }
  context.out().flush();
}

Result<int> serve(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const auto mails, open_mails(context, arguments));
  const std::filesystem::path config(context.config_path());
  libsync::RealFileSystem fs;
  libsync::account::ServingPlaces places{.folder = (config.parent_path() / "serve").string(),
                                         .certificate = arguments.value("certificate"),
                                         .key = arguments.value("key"),
                                         .password_file = arguments.value("password-file")};
  TB_ASSIGN(auto serving, libsync::account::load_serving(fs, places, context.around().clock));
  TB_ASSIGN(const auto tls, libsync::net::TlsServer::make(serving.certificate));
  TB_ASSIGN(const auto most, arguments.number("connections", 1, kMostConnections));
  const bool delivers =
      std::ranges::any_of(mails, [](const auto& each) { return each.second->writable() == server::Writable::All; });
  server::MailHost host({.users = {mails.begin(), mails.end()},
                         .password = serving.password,
                         .salt = serving.salt,
                         .agent = make_agent(context, arguments, mails),
                         .plain_allowed = arguments.has("plain"),
                         .clock = &context.around().clock});
  TracePrinter printer(context.around().err, context.around().clock);
  server::ServiceOptions options{.tls = tls, .clock = &context.around().clock};
  options.woken_by = [&host](const std::function<void()>& wake) { host.wake_by(wake); };
  if (most) options.connections = static_cast<size_t>(*most);
  const size_t most_connections = allow_descriptors(options.connections);
  if (most_connections < options.connections) {
    context.note(say("takes {} connections at most, not {}, as no more files may be open (ulimit -Hn)",
                     most_connections, options.connections));
  }
  options.connections = most_connections;
  give_back_large_blocks();
  TB_ASSIGN(options.endpoints, endpoints(context, arguments, host, delivers));
  if (context.globals().trace) options.trace = [&](const std::string& name) { return printer.label(name); };
  TB_ASSIGN(const auto service, server::Service::start(std::move(options)));
  announce(context, *service, serving, libsync::to_hex(tls->fingerprint()), mails, most_connections);
  // Until somebody asks for the end.
  std::mutex mutex;
  std::condition_variable_any bell;
  std::unique_lock lock(mutex);
  const std::stop_token stop = context.stop();
  while (!bell.wait_for(lock, stop, kLookAgain, [&] { return stop.stop_requested(); })) {
    // What is wrong with a store its sessions tell.
    for (const auto& [name, mail] : mails) (void)mail->look_for_changes();
  }
  return 0;
}

constexpr Option kOptions[] = {
    {"listen", 0, "IP", "the address to listen on (127.0.0.1)"},
    {"imaps", 0, "PORT", "IMAP inside TLS (1993); off: not at all; 0: any that is free"},
    {"imap", 0, "PORT", "IMAP with STARTTLS (1143)"},
    {"pop3s", 0, "PORT", "POP3 inside TLS (1995)"},
    {"pop3", 0, "PORT", "POP3 with STLS (1110)"},
    {"submissions", 0, "PORT", "submission inside TLS (1465), into accounts of mode two-way"},
    {"submission", 0, "PORT", "submission with STARTTLS (1587)"},
    {"sink", 0, "FOLDER", "put what is submitted there, whoever it is for"},
    {"password-file", 0, "FILE", "its first line is the password, the same for all; mode 0600"},
    {"certificate", 0, "FILE", "a certificate in PEM, instead of one made by twinbox"},
    {"key", 0, "FILE", "its private key, if that is not in the same file"},
    {"plain", 0, {}, "take passwords without TLS, too"},
    {"connections", 0, "N", "at the same time (500)"},
    {"script", 0, "FILE", "do wrong what it says (docs/server.md), to see what a mail program makes of it"},
};

}  // namespace

extern const Command kServe;
const Command kServe{
    .name = "serve",
    .usage = "[ACCOUNT…]",
    .summary = "let mail programs read the local mail, by IMAP and POP3",
    .options = kOptions,
    .least_words = 0,
    .most_words = kAnyNumber,
    .example = "twinbox serve work\ntwinbox serve work home --imap off --pop3 off",
    .run = serve,
};

}  // namespace twinbox
