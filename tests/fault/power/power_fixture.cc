#include "tests/fault/power/power_fixture.h"

#include <cstdlib>

#include "libsync/replicas/store.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"

namespace twinbox::test {

using namespace libsync;
namespace stdfs = std::filesystem;

namespace {

constexpr uintmax_t kRoom = 64 << 20;

std::string flags_of(const sync::Flags& flags) {
  std::string out = std::to_string(flags.system);
  for (const auto& keyword : flags.keywords) out += " " + keyword;
  return out;
}

// Tells of each report that what was done is durable.
class Telling final : public LentReplica {
 public:
  Telling(sync::Replica& real, const std::function<void()>& told) : LentReplica(real), told_(told) {}
  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    struct Sink final : sync::ActionSink {
      Sink(sync::ActionSink& to, const std::function<void()>& told) : to_(to), told_(told) {}
      Status done(uint64_t token, const sync::Outcome& outcome) override { return to_.done(token, outcome); }
      Status durable() override {
        if (told_) told_();
        return to_.durable();
      }
      sync::ActionSink& to_;
      const std::function<void()>& told_;
    } telling(sink, told_);
    return real_.apply(actions, telling, std::move(stop));
  }

 private:
  const std::function<void()>& told_;
};

class Nobody final : public sync::SyncObserver {
 public:
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

}  // namespace

Shown show(store::Store& store) {
  Shown shown;
  std::map<store::MailboxId, std::string> paths;
  const auto boxes = store.mailboxes();
  EXPECT_TRUE(boxes);
  for (const auto& box : boxes.value_or(std::vector<store::MailboxInfo>())) {
    paths[box.id] = sync::encode_path(box.path);
    shown.insert(paths[box.id]);
  }
  for (const bool removed : {false, true}) {
    EXPECT_TRUE(store.list({.removed = removed, .order = store::ListOrder::Uid}, [&](const store::MessageInfo& each) {
      const std::string place =
          removed ? "- " + sync::encode_path(each.removed_from) : paths[each.mailbox] + " " + std::to_string(each.uid);
      shown.insert(place + " " + flags_of(each.flags) + " " + to_hex(each.sha256));
      return true;
    }));
  }
  return shown;
}

Shown without_uids(const Shown& shown) {
  Shown out;
  for (const std::string& line : shown) {
    const size_t uid = line.find(' ');
    const bool message = uid != line.npos && !line.starts_with("- ");
    out.insert(message ? line.substr(0, uid) + line.substr(line.find(' ', uid + 1)) : line);
  }
  return out;
}

Status run_sync(const SyncParts& parts, const std::function<void()>& told) {
  store::Store& store = parts.store;
  replicas::StoreReplica local(store);
  Telling telling(local, told);
  const auto link = store::open_link(store.db());
  sync::SyncOptions options{
      .policy = sync::mirror_policy(parts.remote.capabilities(), parts.leave),
      // By count alone: how much passes at once must not depend on the time.
      .limits = {.batch_messages = kSmallBatch, .batch_age = std::chrono::hours(1), .stream_above = 3'000}};
  TB_ASSIGN(const auto unclaimed, store.unclaimed_since());
  if (unclaimed) {
    options.find_known = [&](const sync::Id& print) { return replicas::find_known_content(store, print); };
  }
  options.verify_stored = [&](const sync::Id& content) { return replicas::verify_content(store, content); };
  options.damaged = [&] { return replicas::damaged_contents(store); };
  options.note_lost = [&](const auto& contents) { return replicas::note_lost(store, contents); };
  store.restore_headers();
  Nobody nobody;
  sync::Sync engine(parts.remote, telling, *link, parts.clock, std::move(options), nobody);
  TB_TRY(engine.run({}));
  EXPECT_TRUE(engine.report().skipped.empty()) << engine.report().skipped.front().why;
  return {};
}

void Promises::keep(Shown now) {
  for (const Shown& ahead : ahead_) EXPECT_EQ(ahead, now) << "a power loss showed what was never there";
  ahead_.clear();
  last_ = std::move(now);
}

void Promises::hold_against(const Shown& found) {
  if (found != last_) ahead_.insert(found);
}

std::filesystem::path quick_folder() {
  const char* memory = "/dev/shm";
  std::error_code failed;
  const auto space = stdfs::space(memory, failed);
  if (!failed && space.available > kRoom && ::access(memory, W_OK) == 0) return memory;
  return stdfs::temp_directory_path();
}

bool long_run() { return std::getenv("TWINBOX_LONG") != nullptr; }

PowerTest::PowerTest() : disk((stdfs::create_directory(dir / "disk"), dir / "disk")) {}

void PowerTest::TearDown() {
  stop_watching();
  if (looks_ == 0) return;
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::cout << "power: " << info->test_suite_name() << "." << info->name() << ": " << disk.syncs()
            << " syncs, looked at " << looks_ << " moments, " << outcomes_ << " outcomes, " << different_
            << " of them different\n";
}

void PowerTest::expect_sound(store::Store& store) {
  const auto report = store.verify({}, {});
  ASSERT_TRUE(report && report->ok()) << report->problems[0].text;
}

void PowerTest::expect_whole(store::Store& store) {
  const auto report = store.verify({}, {});
  ASSERT_TRUE(report && report->problems.empty()) << report->problems[0].text;
}

void PowerTest::expect_clean(store::Store& store) {
  const auto compacted = store.compact({}, {}, {});
  ASSERT_TRUE(compacted) << compacted.error().text();
  expect_whole(store);
}

void PowerTest::look(const std::string& moment) {
  if (HasFailure()) return;  // one platter is enough to think about
  ++looks_;
  std::vector<Loss> losses{{Luck::NothingStays}, {Luck::EverythingStays}, {Luck::NamesStay},
                           {Luck::BytesStay},    {Luck::OddStay},         {Luck::EvenStay}};
  const uint64_t seeds = long_run() ? 50 : 5;
  for (uint64_t seed = 1; seed <= seeds; ++seed) losses.push_back({Luck::HalfStays, looks_ * 1000 + seed});
  for (const Loss& loss : losses) {
    ++outcomes_;
    const Platter platter = disk.after(loss);
    size_t hash = 0;
    for (const auto& [path, bytes] : platter) {
      hash = hash * 31 + std::hash<std::string>()(path);
      hash = hash * 31 + (bytes ? std::hash<std::string>()(*bytes) + 1 : 0);
    }
    const auto [seen, fresh] = seen_.try_emplace(hash, promises_);
    if (!fresh && seen->second == promises_) continue;
    seen->second = promises_;
    ++different_;
    look_at(platter, moment, loss);
    if (HasFailure()) return;
  }
}

void PowerTest::look_at(const Platter& platter, const std::string& moment, const Loss& loss) {
  SCOPED_TRACE(moment + " (moment " + std::to_string(looks_) + "), " + name_of(loss));
  const std::string folder = dir / "platter";
  stdfs::remove_all(folder);
  stdfs::create_directory(folder);
  write_platter(platter, folder);
  check_(folder);
}

}  // namespace twinbox::test
