#include "tools/twinbox/demo_story.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "libsync/account/sync_account.h"
#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/mechanism.h"
#include "libsync/store/store.h"

#include "tools/twinbox/output.h"

namespace twinbox {

namespace account = libsync::account;
namespace server = libsync::server;
namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Secret;
using libsync::Status;

Result<std::unique_ptr<DemoServer>> DemoServer::start(const std::vector<server::SampleMessage>& messages,
                                                      const libsync::Clock& clock, MakeTrace trace) {
  std::unique_ptr<DemoServer> demo(new DemoServer());
  demo->mail_ = std::make_shared<server::MemoryMail>(server::MemoryMailOptions{.clock = &clock});
  server::fill(*demo->mail_, messages);
  constexpr size_t kPasswordOctets = 6;
  demo->password_ = Secret(libsync::to_hex(libsync::sasl::system_random(kPasswordOctets)));
  const std::array<std::string, 2> names = {"localhost", "127.0.0.1"};
  TB_ASSIGN(const auto certificate, libsync::net::make_certificate(names, clock.unix_seconds()));
  TB_ASSIGN(const auto tls, libsync::net::TlsServer::make(certificate));
  demo->fingerprint_ = "sha256:" + libsync::to_hex(tls->fingerprint());
  // It is spoken to by hand, too, and there is nothing in it to be kept from anybody.
  demo->host_ = std::make_unique<server::MailHost>(
      server::MailHostOptions{.users = {{demo->user_, demo->mail_}},
                              .password = demo->password_,
                              .salt = Secret(libsync::to_hex(libsync::sasl::system_random(kPasswordOctets))),
                              .plain_allowed = true,
                              .clock = &clock});
  const auto imap = [host = demo->host_.get()](const server::Peer& peer, libsync::Steady::time_point now) {
    return host->imap(peer, now);
  };
  const auto pop3 = [host = demo->host_.get()](const server::Peer& peer, libsync::Steady::time_point now) {
    return host->pop3(peer, now);
  };
  TB_ASSIGN(demo->service_,
            server::Service::start({.endpoints = {{.name = "imaps", .tls = true, .make = imap},
                                                  {.name = "imap", .make = imap},
                                                  {.name = "pop3s", .tls = true, .make = pop3},
                                                  {.name = "pop3", .make = pop3}},
                                    .tls = tls,
                                    .trace = std::move(trace),
                                    .woken_by = [host = demo->host_.get()](const auto& wake) { host->wake_by(wake); },
                                    .clock = &clock}));
  return demo;
}

uint16_t DemoServer::port(std::string_view endpoint) const {
  const auto& all = service_->endpoints();
  const auto found = std::ranges::find(all, endpoint, &server::Service::Bound::name);
  return found == all.end() ? uint16_t{0} : found->port;
}

namespace {

constexpr std::array<std::string_view, 2> kProtocols = {"pop3s", "imaps"};
constexpr std::string_view kWord = "会议";
constexpr size_t kRead = 3, kDeleted = 4;  // by somebody else, on the server
constexpr size_t kMarked = 2, kFiled = 5;  // by the user, here

class Quiet final : public account::AccountObserver {
 public:
  void connecting() override {}
  void looking() override {}
  void indexing(uint64_t, uint64_t) override {}
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

// A folder that goes with the object.
class TemporaryFolder {
 public:
  static Result<std::unique_ptr<TemporaryFolder>> make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "twinbox-demo-XXXXXX").string();
    if (error || ::mkdtemp(path.data()) == nullptr) return fail(Errc::Disk, say("cannot make a folder in {}", path));
    return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path)));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string cost_text(const sync::ReplicaCost& cost) {
  return fmt::format("{}, {}", libsync::human_size(cost.bytes_in + cost.bytes_out), cost.round_trips);
}

using Listed = std::vector<store::MessageInfo>;

// Somebody's computer: a mirror by one of the protocols.
class Computer {
 public:
  Computer(DemoServer& server, std::string_view protocol, std::string folder, sync::Leave leave,
           const libsync::Clock& clock, std::stop_token stop)
      : server_(server), clock_(clock), stop_(std::move(stop)) {
    account_ = {
        .name = std::string(protocol), .store = std::move(folder), .tls_pin = server.fingerprint(), .leave = leave};
    account_.remote =
        *account::parse_remote(fmt::format("{}://{}@127.0.0.1:{}", protocol, server.user(), server.port(protocol)));
  }

  Result<account::SyncResult> sync() {
    Quiet quiet;
    auto result = account::sync_account(
        account_, [this]() -> Result<Secret> { return server_.password(); }, {.clock = &clock_}, {}, quiet, clock_,
        stop_);
    TB_TRY(result.status);
    return result;
  }

  Result<Listed> messages() {
    Listed all;
    TB_ASSIGN(const auto opened, store::Store::open(account_.store, {.clock = &clock_}));
    TB_TRY(opened->list({.order = store::ListOrder::Uid}, [&](const store::MessageInfo& message) {
      all.push_back(message);
      return true;
    }));
    return all;
  }

  Result<std::map<store::MailboxId, sync::Path>> folders() {
    std::map<store::MailboxId, sync::Path> all;
    TB_ASSIGN(const auto opened, store::Store::open(account_.store, {.clock = &clock_}));
    TB_ASSIGN(const auto boxes, opened->mailboxes());
    for (const auto& box : boxes) all.emplace(box.id, box.path);
    return all;
  }

  // What is done here is done on the server from now on, as far as the protocol can carry it.
  void go_both_ways() { account_.mode = account::Mode::TwoWay; }

  // Flags some messages, and puts some others into a folder of that name.
  Status mark_and_file(const Listed& listed, const sync::Path& name) {
    TB_ASSIGN(const auto opened,
              store::Store::open(account_.store, {.mode = store::StoreMode::ReadWrite, .clock = &clock_}));
    TB_ASSIGN(const auto write, opened->begin());
    TB_ASSIGN(const auto folder, write->create_mailbox(name));
    size_t done = 0;
    for (const auto& message : listed) {
      if ((message.flags.system & sync::kFlagged) != 0) continue;
      if (done >= kMarked + kFiled) break;
      if (done++ < kMarked) {
        TB_TRY(write->change_flags(message.id, {.system = sync::kFlagged}, {}));
      } else {
        TB_TRY(write->move(message.id, folder));
      }
    }
    return write->commit();
  }

  Result<size_t> found(std::string_view query) {
    constexpr uint64_t kAll = 1'000'000;
    TB_ASSIGN(const auto opened, store::Store::open(account_.store, {.clock = &clock_}));
    TB_TRY(opened->index_pending(std::chrono::milliseconds::max(), {}, stop_));
    TB_ASSIGN(const auto result, opened->search(query, {.limit = kAll, .snippets = false}));
    return result.hits.size();
  }

 private:
  DemoServer& server_;
  const libsync::Clock& clock_;
  std::stop_token stop_;
  account::Account account_;
};

size_t marks_of(const sync::Flags& flags) {
  return static_cast<size_t>(std::popcount(flags.system)) + flags.keywords.size();
}

class Story {
 public:
  Story(DemoServer& demo, const std::vector<server::SampleMessage>& made, const std::string& folder,
        const libsync::Clock& clock, const std::stop_token& stop)
      : demo_(demo), made_(made), folder_(folder), clock_(clock), stop_(stop) {
    for (const auto protocol : kProtocols) first_.push_back(computer(protocol));
  }

  Result<std::vector<DemoRow>> tell() {
    TB_TRY(first_download());
    TB_TRY(search());
    TB_TRY(changes_on_the_server());
    TB_TRY(changes_here());
    TB_TRY(second_computer());
    return std::move(rows_);
  }

 private:
  using Pair = std::array<std::string, 2>;

  Computer computer(std::string_view protocol, sync::Leave leave = sync::Leave::Forever) {
    return {demo_, protocol, fmt::format("{}/{}", folder_, ++computers_), leave, clock_, stop_};
  }

  void row(std::string what, Pair cells) {
    rows_.push_back({std::move(what), std::move(cells[0]), std::move(cells[1])});
  }

  Status first_download() {
    Pair messages, folders, marks, octets, costs, times, again;
    std::set<sync::Path> all_folders;
    size_t all_marks = 0;
    std::multiset<libsync::Sha256Digest> sent;
    for (const auto& each : made_) {
      all_folders.insert(each.folder);
      all_marks += marks_of(each.flags);
    }
    for (size_t i = 0; i < kProtocols.size(); ++i) {
      TB_ASSIGN(const auto result, first_[i].sync());
      TB_ASSIGN(const Listed listed, first_[i].messages());
      messages[i] = say("{} of {} messages", listed.size(), made_.size());
      TB_ASSIGN(const size_t carried_folders, folders_with_mail(first_[i], listed));
      folders[i] = say("{} of {}", carried_folders, all_folders.size());
      size_t carried = 0;
      for (const auto& message : listed) carried += marks_of(message.flags);
      marks[i] = say("{} of {}", carried, all_marks);
      octets[i] = say("{} of {}", same_octets(listed), listed.size());
      costs[i] = cost_text(result.cost.value_or(sync::ReplicaCost{}));
      times[i] = libsync::human_duration(result.took);
      TB_ASSIGN(const auto nothing, first_[i].sync());
      again[i] = cost_text(nothing.cost.value_or(sync::ReplicaCost{}));
    }
    row(say("first download"), messages);
    row(say("folders carried over"), folders);
    row(say("flags and keywords carried over"), marks);
    row(say("octet for octet as on the server"), octets);
    row(say("bytes, round trips"), costs);
    row(say("time"), times);
    row(say("again, with nothing new"), again);
    return {};
  }

  static Result<size_t> folders_with_mail(Computer& computer, const Listed& listed) {
    TB_ASSIGN(const auto folders, computer.folders());
    std::set<sync::Path> used;
    for (const auto& message : listed) used.insert(folders.at(message.mailbox));
    return used.size();
  }

  // By SHA-256, each message of the server once.
  size_t same_octets(const Listed& listed) const {
    std::multiset<libsync::Sha256Digest> here, there;
    for (const auto& message : listed) here.insert(message.sha256);
    for (const auto& each : made_) there.insert(libsync::sha256(each.octets));
    std::vector<libsync::Sha256Digest> both;
    std::ranges::set_intersection(here, there, std::back_inserter(both));
    return both.size();
  }

  Status search() {
    Pair found;
    for (size_t i = 0; i < kProtocols.size(); ++i) {
      TB_ASSIGN(const size_t count, first_[i].found(kWord));
      found[i] = say("{} found", count);
    }
    row(say("search {}", kWord), found);
    return {};
  }

  // Another program at work: some are read, some deleted.
  Status changes_on_the_server() {
    server::Mail& mail = demo_.mail();
    TB_ASSIGN(const auto folders, mail.folders());
    const server::FolderId inbox = folders.front().id;
    TB_ASSIGN(const auto view, mail.view(inbox));
    libsync::imap::SequenceSet unread, doomed;
    TB_TRY(mail.rows(inbox, view->uids, server::Want::Flags, [&](const server::MessageRow& row, const auto&) {
      if ((row.flags.system & sync::kSeen) != 0) {
        if (doomed.count() < kDeleted) doomed.add(row.uid);
      } else if (unread.count() < kRead) {
        unread.add(row.uid);
      }
      return doomed.count() < kDeleted || unread.count() < kRead;
    }));
    TB_TRY(mail.change_flags(inbox, unread, server::FlagChange::Add, {.system = sync::kSeen}, std::nullopt));
    TB_TRY(mail.change_flags(inbox, doomed, server::FlagChange::Add, {.system = sync::kDeleted}, std::nullopt));
    TB_TRY(mail.expunge(inbox, doomed));
    Pair read, gone;
    for (size_t i = 0; i < kProtocols.size(); ++i) {
      TB_ASSIGN(const Listed before, first_[i].messages());
      TB_TRY(first_[i].sync());
      TB_ASSIGN(const Listed after, first_[i].messages());
      const size_t changed = newly_seen(before, after);
      read[i] = changed > 0 ? say("{} read here", changed) : say("unknown here");
      const size_t lost = before.size() - after.size();
      gone[i] = lost > 0 ? say("{} removed here", lost) : say("all {} kept here", after.size());
    }
    row(say("someone reads {} on the server", unread.count()), read);
    row(say("someone deletes {} on the server", doomed.count()), gone);
    return {};
  }

  // The user at work, on both computers; what the server then has more of is theirs.
  Status changes_here() {
    const sync::Path folder = {"Done"};
    Pair marked, filed;
    for (size_t i = 0; i < kProtocols.size(); ++i) {
      TB_ASSIGN(const Listed listed, first_[i].messages());
      TB_ASSIGN(const size_t before, count_flagged());
      first_[i].go_both_ways();
      TB_TRY(first_[i].mark_and_file(listed, folder));
      TB_TRY(first_[i].sync());
      TB_ASSIGN(const size_t after, count_flagged());
      TB_ASSIGN(const size_t in_folder, count_in(folder));
      marked[i] = after > before ? say("{} flagged there", after - before) : say("unknown there");
      filed[i] = in_folder > 0 ? say("{} moved there", in_folder) : say("none moved there");
    }
    row(say("you flag {} here", kMarked), marked);
    row(say("you file {} in a new folder here", kFiled), filed);
    return {};
  }

  Result<size_t> count_flagged() {
    size_t flagged = 0;
    server::Mail& mail = demo_.mail();
    TB_ASSIGN(const auto folders, mail.folders());
    for (const auto& folder : folders) {
      TB_ASSIGN(const auto view, mail.view(folder.id));
      TB_TRY(mail.rows(folder.id, view->uids, server::Want::Flags, [&](const server::MessageRow& row, const auto&) {
        flagged += (row.flags.system & sync::kFlagged) != 0 ? 1 : 0;
        return true;
      }));
    }
    return flagged;
  }

  Result<size_t> count_in(const sync::Path& path) {
    TB_ASSIGN(const auto folders, demo_.mail().folders());
    const auto found = std::ranges::find(folders, path, &server::Folder::path);
    if (found == folders.end()) return size_t{0};
    TB_ASSIGN(const auto view, demo_.mail().view(found->id));
    return view ? view->uids.count() : size_t{0};
  }

  static size_t newly_seen(const Listed& before, const Listed& after) {
    std::set<store::MessageId> unseen;
    for (const auto& message : before) {
      if ((message.flags.system & sync::kSeen) == 0) unseen.insert(message.id);
    }
    return static_cast<size_t>(std::ranges::count_if(after, [&](const auto& message) {
      return (message.flags.system & sync::kSeen) != 0 && unseen.contains(message.id);
    }));
  }

  // What is left for another computer, once one has taken its mail by download-and-delete.
  Status second_computer() {
    Computer by_imap = computer("imaps");
    TB_TRY(by_imap.sync());
    TB_ASSIGN(const Listed all, by_imap.messages());
    Computer taker = computer("pop3s", sync::Leave::Never);
    TB_TRY(taker.sync());
    Computer by_pop3 = computer("pop3s");
    TB_TRY(by_pop3.sync());
    TB_ASSIGN(const Listed left, by_pop3.messages());
    row(say("a second computer, after POP3 delete"),
        {left.empty() ? say("sees nothing") : say("sees {}", left.size()), say("saw all {} before it", all.size())});
    return {};
  }

  DemoServer& demo_;
  const std::vector<server::SampleMessage>& made_;
  const std::string& folder_;
  const libsync::Clock& clock_;
  const std::stop_token& stop_;
  int computers_ = 0;
  std::vector<Computer> first_;
  std::vector<DemoRow> rows_;
};

}  // namespace

Result<std::vector<DemoRow>> tell_demo(DemoServer& server, const std::vector<server::SampleMessage>& messages,
                                       const libsync::Clock& clock, std::stop_token stop) {
  TB_ASSIGN(const auto folder, TemporaryFolder::make());
  return Story(server, messages, folder->path(), clock, stop).tell();
}

}  // namespace twinbox
