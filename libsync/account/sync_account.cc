#include "libsync/account/sync_account.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "libsync/account/folder_map.h"
#include "libsync/account/folder_options.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/store.h"
#include "libsync/store/link_table.h"
#include "libsync/store/store.h"
#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

constexpr std::string_view kCapabilities = "imap_capabilities";  // of the last session, behind the login
constexpr std::string_view kWaitForLogin = "wait_for_login";     // there: the server lost what came behind a login
constexpr std::string_view kIdentityForm = "identity_form";      // "port": ports of one's own are in it
constexpr std::string_view kNotBefore = "not_before";            // Unix seconds; when the server may be asked again
constexpr std::chrono::seconds kLongestPause{86'400};
// A refusal that passes, without a time: mail programs ask again after so long, and no server minds.
constexpr std::chrono::seconds kDefaultPause{300};
constexpr int64_t kRecoverAfter = 7 * 86400;  // a server that is out of order for a day or two is waited for
// At the end of a run the index may take a tenth of the run's time, and so long in any case.
constexpr int kIndexingShare = 10;
constexpr std::chrono::milliseconds kLeastIndexing{100};
// If more wait for it than it can take in that time, as after a first mirror, they are left to the first search.
constexpr uint64_t kMostIndexed = 500;
constexpr std::string_view kRecovered = "Recovered";  // a mailbox of the local store, not the server's

// Until the time is over or it is stopped.
Status wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  if (stopped.wait_for(lock, stop, time, [&] { return stop.stop_requested(); })) {
    return fail(Errc::Cancelled, std::string(word("stopped")));
  }
  return {};
}

class Job {
 public:
  Job(const Account& account, const std::function<Result<Secret>()>& secret, const RemoteOptions& remote,
      const SyncSettings& settings, AccountObserver& observer, const Clock& clock, std::stop_token stop)
      : account_(account),
        secret_(secret),
        remote_options_(remote),
        settings_(settings),
        observer_(observer),
        clock_(clock),
        stop_(std::move(stop)) {}

  SyncResult run() {
    began_ = clock_.now();
    run_.started = clock_.unix_seconds();
    result_.status = locked();
    result_.took = since(began_);
    return std::move(result_);
  }

 private:
  std::chrono::milliseconds since(Steady::time_point then) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - then);
  }

  Status locked() {
    std::error_code ignored;
    const bool no_folder = !std::filesystem::exists(account_.store, ignored);
    // The lock before anything is opened: whoever had it may have put another twin.db in its place.
    TB_ASSIGN(auto lock, store::lock_store(account_.store, settings_.lock_wait, stop_));
    // Nothing is there that a rebuild could overwrite; the sync then finds every message's place again.
    const bool lost = store::database_is_lost(account_.store);
    if (lost && !settings_.dry_run) {
      TB_ASSIGN(result_.rebuilt, store::rebuild_store(account_.store, *lock, {.clock = &clock_}, {}, stop_));
    }
    const Status status = with_store();
    // A dry run leaves no traces. A failure does: when and why it failed is written down in the store, be it empty.
    if (!status || settings_.dry_run) store_.reset();
    if (settings_.dry_run) store::remove_empty_store(account_.store, *lock, no_folder);
    // The mirror is whole: the next sync need not wait for the index.
    lock.reset();
    if (store_) result_.indexed = index(since(began_));
    return status;
  }

  Status with_store() {
    TB_ASSIGN(store_, store::Store::open(account_.store, {.mode = store::StoreMode::Create, .clock = &clock_}));
    if (settings_.scheduled) TB_TRY(keep_away());
    TB_ASSIGN(const auto before, store_->mailboxes());
    const Status status = sync();
    TB_TRY(note_lost_commands(status));
    TB_TRY(record(status));
    TB_TRY(note_pause(status));
    if (status) TB_TRY(recover());
    TB_TRY(compare(before));
    return status;
  }

  Status sync() {
    TB_ASSIGN(auto remote, connect());
    observer_.looking();
    replicas::StoreReplica local(*store_);
    const auto link = store::open_link(store_->db());
    TB_TRY(adopt_identity(*link, remote->identity()));
    FolderMap folders(account_);
    TB_TRY(map_folders(*remote, *link, folders));
    sync::SyncOptions options{.dry_run = settings_.dry_run};
    set_folder_options(account_, folders, remote->capabilities(), options);
    options.pause = [](std::chrono::milliseconds time, const std::stop_token& stop) { return wait(time, stop); };
    options.policy.fuse = account_.fuse;
    options.policy.fuse.allow = settings_.allow_deletes;
    // What a rebuilt store has without knowing where it belongs may have been removed on purpose: it stays here.
    options.takes_part = [takes_part = std::move(options.takes_part), &folders](const sync::Path& path) {
      const bool recovered = path == sync::Path{std::string(kRecovered)};
      return takes_part(path) && !(recovered && changes_server(folders.mode(path)));
    };
    TB_TRY(offer_known_content(options));
    options.verify_stored = [this](const sync::Id& content) { return replicas::verify_content(*store_, content); };
    options.damaged = [this] { return replicas::damaged_contents(*store_); };
    options.note_lost = [this](const auto& contents) { return replicas::note_lost(*store_, contents); };
    if (!settings_.dry_run) store_->restore_headers();
    sync::Sync engine(*remote, local, *link, clock_, options, observer_);
    const Status status = engine.run(stop_);
    result_.report = engine.report();
    for (const auto& [path, why] : clashes_) {
      result_.report.skipped.push_back({printable(sync::encode_path(path)), why});
    }
    if (options.find_known) result_.put_back = result_.report.reused;
    result_.cost = remote->cost();
    return status;
  }

  // Where folders are called otherwise here, both sides' names must be known before the first is made.
  Status map_folders(sync::Replica& remote, sync::Link& link, FolderMap& folders) {
    if (!folders.renames()) return {};
    TB_ASSIGN(const auto boxes, remote.mailboxes(stop_));
    std::vector<sync::Path> listed;
    for (const sync::Mailbox& box : boxes) {
      if (box.selectable) listed.push_back(box.path);
    }
    if (!settings_.dry_run) TB_TRY(take_new_names(folders, *store_, link));
    TB_ASSIGN(const auto pairs, link.pairs());
    folders.know(pairs);
    folders.list(listed);
    for (const sync::Path& path : listed) {
      if (folders.clashes(path)) clashes_.emplace_back(path, folders.why_skipped(path));
    }
    return {};
  }

  // What the server wanted last time is kept to by those who don't stand before it.
  Status keep_away() {
    TB_ASSIGN(const auto written, store_->meta(kNotBefore));
    const auto until = static_cast<int64_t>(parse_u64(written.value_or("")).value_or(0));
    const int64_t left = until - clock_.unix_seconds();
    // A clock that was wrong and has been set since must not close the account.
    if (left <= 0 || left > kLongestPause.count()) return {};
    return fail(Error{
        .code = Errc::Refused,
        .what = say("{} asked for a pause, {} of it are left", account_.remote.host,
                    human_duration(std::chrono::seconds(left))),
        .hint = say("twinbox sync {} asks it all the same; schedule it less often if this comes again", account_.name),
        .retry = true,
        .retry_after = std::chrono::seconds(left)});
  }

  Status note_pause(const Status& status) {
    if (settings_.dry_run) return {};
    std::chrono::seconds pause = login_delay_;
    pause = std::max(pause, std::chrono::ceil<std::chrono::seconds>(result_.report.retry_after));
    if (!status && status.error().retry &&
        (status.error().code == Errc::Refused || status.error().code == Errc::Auth)) {
      pause = std::max({pause, status.error().retry_after, kDefaultPause});
    }
    pause = std::min(pause, kLongestPause);
    TB_ASSIGN(const auto before, store_->meta(kNotBefore));
    if (pause.count() == 0 && (!before || before->empty())) return {};
    return store_->set_meta(kNotBefore,
                            pause.count() == 0 ? std::string() : std::to_string(clock_.unix_seconds() + pause.count()));
  }

  // Stores of before had no port in the identity of their server; such a one is the account's own, once. From
  // then on another port is another server.
  Status adopt_identity(sync::Link& link, const std::string& now) {
    TB_ASSIGN(const auto form, store_->meta(kIdentityForm));
    if (form) return {};
    TB_ASSIGN(const std::string before, link.identity(sync::Side::A));
    if (!before.empty() && before + ":" + std::to_string(account_.remote.port) == now) {
      TB_TRY(link.set_identity(sync::Side::A, now));
    }
    return store_->set_meta(kIdentityForm, "port");
  }

  // A server that once took a strong mechanism is not given a password by a weaker one (a stripped list
  // of mechanisms); the user's word, `auth` in the configuration, goes before.
  Result<std::unique_ptr<sync::Replica>> connect() {
    observer_.connecting();
    TB_ASSIGN(const Secret secret, secret_());
    TB_ASSIGN(const auto pinned, store_->meta(kLoginMechanism));
    TB_ASSIGN(const auto could, store_->meta(kCapabilities));
    if (account_.auth.empty()) remote_options_.pinned_mechanism = pinned.value_or("");
    std::string accepted;
    remote_options_.on_login = [&](std::string_view mechanism) { accepted = mechanism; };
    std::string can;
    remote_options_.last_capabilities = could.value_or("");
    remote_options_.on_capabilities = [&](std::string_view capabilities) { can = capabilities; };
    TB_ASSIGN(const auto waits, store_->meta(kWaitForLogin));
    remote_options_.wait_for_login = waits.has_value();
    remote_options_.on_ahead = [this](bool waiting) { ahead_waits_ = waiting; };
    remote_options_.on_login_delay = [&](std::chrono::seconds delay) { login_delay_ = delay; };
    remote_options_.on_alert = [this](std::string_view text) { observer_.alert(text); };
    TB_ASSIGN(auto remote, open_remote(account_, secret, remote_options_, stop_));
    if (!settings_.dry_run && !accepted.empty() && accepted != pinned) {
      TB_TRY(store_->set_meta(kLoginMechanism, accepted));
    }
    if (!settings_.dry_run && can != could.value_or("")) TB_TRY(store_->set_meta(kCapabilities, can));
    return remote;
  }

  // A server that was given commands behind its login and did not answer them may have lost them, and would do so each
  // time: from now on its login is waited for. A line that broke just then costs the account a round trip or two.
  Status note_lost_commands(const Status& status) {
    if (status || !ahead_waits_ || settings_.dry_run) return {};
    const Errc code = status.error().code;
    return code == Errc::Network || code == Errc::Protocol ? store_->set_meta(kWaitForLogin, "1") : Status();
  }

  // A store rebuilt from its segments has contents and no messages: what the server shows is compared
  // with them first. Otherwise the question would cost a header for every new message.
  Status offer_known_content(sync::SyncOptions& options) {
    TB_ASSIGN(const auto since, store_->unclaimed_since());
    if (!since) return {};
    options.find_known = [this](const sync::Id& print) { return replicas::find_known_content(*store_, print); };
    return {};
  }

  // Everything the server has was gone through and found its content: what is left is mail that only this
  // store has (removed on the server, or taken from it by POP3). Where one message can never be had, it is shown
  // all the same after a while.
  Status recover() {
    const sync::SyncReport& report = result_.report;
    const bool complete =
        report.skipped.empty() && report.held.empty() && report.doubtful.empty() && report.suspect == 0;
    if (settings_.dry_run) return {};
    TB_ASSIGN(const auto since, store_->unclaimed_since());
    if (!since || (!complete && clock_.unix_seconds() - *since < kRecoverAfter)) return {};
    TB_ASSIGN(result_.recovered, store_->recover_unclaimed({std::string(kRecovered)}));
    return {};
  }

  // UIDs are given once and in order: what came and what went shows in the counts.
  Status compare(const std::vector<store::MailboxInfo>& before) {
    TB_ASSIGN(const auto after, store_->mailboxes());
    for (const auto& now : after) {
      const auto old = std::ranges::find(before, now.id, &store::MailboxInfo::id);
      const bool known = old != before.end();
      const uint64_t added = now.uidnext - (known ? old->uidnext : 1);
      const uint64_t had = (known ? old->messages : 0) + added;
      const uint64_t gone = had > now.messages ? had - now.messages : 0;
      if (added + gone > 0) {
        result_.folders.push_back({.path = now.path, .added = added, .gone = gone, .messages = now.messages});
      }
    }
    return {};
  }

  Status record(const Status& status) {
    if (settings_.dry_run) return {};
    const sync::SyncReport& report = result_.report;
    run_.finished = clock_.unix_seconds();
    run_.ok = status.has_value();
    if (!status) {
      run_.error = status.error();
    }
    run_.added = report.added + report.sent.added;
    run_.flags = report.flags + report.sent.flags;
    run_.moved = report.moved + report.sent.moved;
    run_.removed = report.removed + report.sent.removed;
    run_.skipped = report.skipped.size();
    for (const sync::Held& held : report.held) run_.held += held.removals;
    run_.suspect = report.suspect;
    run_.doubtful = report.doubtful.size();
    TB_ASSIGN(run_.refused, store::count_refused(store_->db()));
    run_.octets = report.octets;
    if (const auto& cost = result_.cost) {
      run_.bytes_in = cost->bytes_in;
      run_.bytes_out = cost->bytes_out;
      run_.round_trips = cost->round_trips;
    }
    return store_->record_run(run_);
  }

  // The words of much new mail would take longer than the mail: what is left is for the next sync that brings some, or
  // for the first search.
  Status index(std::chrono::milliseconds mirrored) {
    if (result_.report.added == 0 && !result_.rebuilt) return {};
    TB_ASSIGN(const uint64_t waiting, store_->unindexed());
    if (waiting > kMostIndexed) return {};
    const auto tell = [this](const store::Progress& progress) { observer_.indexing(progress.done, progress.total); };
    TB_TRY(store_->index_pending(std::max(kLeastIndexing, mirrored / kIndexingShare), tell, stop_));
    return {};
  }

  const Account& account_;
  const std::function<Result<Secret>()>& secret_;
  RemoteOptions remote_options_;
  const SyncSettings& settings_;
  AccountObserver& observer_;
  const Clock& clock_;
  std::stop_token stop_;
  Steady::time_point began_{};
  std::unique_ptr<store::Store> store_;
  store::Run run_;
  std::chrono::seconds login_delay_{0};
  std::vector<std::pair<sync::Path, std::string>> clashes_;  // folders whose name here is another's
  bool ahead_waits_ = false;  // commands that went out behind the login have no answer yet
  SyncResult result_;
};

}  // namespace

SyncResult sync_account(const Account& account, const std::function<Result<Secret>()>& secret,
                        const RemoteOptions& remote, const SyncSettings& settings, AccountObserver& observer,
                        const Clock& clock, std::stop_token stop) {
  return Job(account, secret, remote, settings, observer, clock, std::move(stop)).run();
}

}  // namespace libsync::account
