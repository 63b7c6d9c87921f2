#include "tests/plan/histories/history.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libsync/sync/path.h"

namespace twinbox::plan {
namespace {

using libsync::replicas::MemoryReplica;

// The fuse holds more than this; fewer it must let through.
constexpr uint64_t kFuseCount = 3;
constexpr int kQuietRounds = 8;
constexpr uint64_t kFew = 2;

// splitmix64.
class Random {
 public:
  // The states of one seed are not those of the next.
  explicit Random(uint64_t seed) : state_(seed * 0xD6E8FEB86659FD93ULL) { state_ = next(); }
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t end) { return next() % end; }

 private:
  uint64_t state_;
};

struct Chance {
  What what;
  uint64_t weight;
};
constexpr Chance kChances[] = {{What::New, 22},      {What::Flag, 22},   {What::Move, 20},     {What::Copy, 6},
                               {What::Delete, 10},   {What::MakeBox, 4}, {What::RenameBox, 3}, {What::DeleteBox, 1},
                               {What::Subscribe, 2}, {What::Renumber, 1}};

// What people mostly do in a history: bugs show where much of one thing meets.
enum class Mood : uint8_t { Mixed, NothingDeleted, Flags, Copies, Folders };
constexpr uint64_t kMoods = 5;

uint64_t weight(const Chance& chance, Mood mood) {
  const What what = chance.what;
  const bool of_folders = what == What::MakeBox || what == What::RenameBox || what == What::Subscribe;
  switch (mood) {
    case Mood::NothingDeleted:
      return what == What::Delete || what == What::DeleteBox || what == What::Renumber ? 0 : chance.weight;
    case Mood::Flags:
      return what == What::Flag ? 4 * chance.weight : chance.weight;
    case Mood::Copies:
      return what == What::Copy ? 6 * chance.weight : what == What::New ? chance.weight / 3 : chance.weight;
    case Mood::Folders:
      return of_folders ? 5 * chance.weight : chance.weight;
    case Mood::Mixed:
      break;
  }
  return chance.weight;
}

What choose(Random& random, Mood mood) {
  uint64_t sum = 0;
  for (const Chance& each : kChances) sum += weight(each, mood);
  uint64_t at = random.below(sum);
  for (const Chance& each : kChances) {
    if (at < weight(each, mood)) return each.what;
    at -= weight(each, mood);
  }
  return What::New;
}

Event change(Random& random, Mood mood, std::optional<size_t> site) {
  Event event{.what = choose(random, mood), .a = random.next(), .b = random.next(), .c = random.next()};
  event.site = site ? *site : random.below(3);
  if (event.what == What::Renumber) event.site = 0;
  return event;
}

Event make_sync(Random& random, Mood mood) {
  Event event{.what = What::Sync, .site = 1 + random.below(2)};
  if (random.below(2) == 0) {
    event.how = static_cast<End>(random.below(3));
    // Every other cut is where the server is asked to do something.
    event.of_questions = event.how != End::Crash && random.below(2) == 0;
    event.end_at = random.below(event.of_questions ? 6 : 70);
  }
  if (random.below(3) == 0) {
    event.meanwhile_at = random.below(30);
    for (uint64_t i = 0; i <= random.below(3); ++i) event.meanwhile.push_back(change(random, mood, 0));
  }
  return event;
}

// What is known of a message by what was done to it, wherever.
struct Life {
  uint64_t made = 0;     // new, or a copy
  uint64_t deleted = 0;  // at most: a mailbox with it counts
  std::set<size_t> moved_by{};
  std::map<size_t, uint64_t> copied_by{};
  std::map<uint32_t, std::pair<size_t, bool>> flags{};  // the last word on a flag, and whose
  std::set<uint32_t> disputed{};                        // flags that more than one site changed
};

class Player {
 public:
  Player(const History& history, std::string* story) : history_(history), story_(story), world_(*history.can, 2) {
    world_.story = story;
    world_.policy.fuse = {.percent = 25, .count = kFuseCount, .days = 7, .allow = 0};
    for (const char* name : {"Work", "Trash"}) world_.server.make_box({name}, role_of(name));
  }

  std::optional<std::string> play() {
    for (const Event& event : history_.events) {
      if (!failed_) happen(event);
    }
    if (!failed_) rest();
    if (!failed_) check();
    return failed_;
  }

 private:
  MemoryReplica& site(size_t i) { return i == 0 ? world_.server : world_.devices[i - 1]->store; }

  void tell(const std::string& text) {
    if (story_ != nullptr) *story_ += text + "\n";
  }
  void fail(std::string why) {
    if (!failed_) failed_ = std::move(why);
  }

  void tell_state() {
    if (story_ == nullptr) return;
    for (size_t i = 0; i < 3; ++i) tell(fmt::format("    {}: {}", kSites[i], show(site(i), true)));
  }

  void happen(const Event& event) {
    if (event.what == What::Sync) {
      sync(event);
    } else {
      change(event);
    }
    tell_state();
    if (story_ != nullptr && event.what == What::Sync) tell(show_dirty(*world_.devices[event.site - 1]->link));
  }

  void sync(const Event& event) {
    Steps& steps = world_.devices[event.site - 1]->steps;
    if (!event.meanwhile.empty()) {
      steps.meanwhile_at = event.meanwhile_at;
      steps.meanwhile = [&] {
        for (const Event& each : event.meanwhile) change(each);
      };
    }
    const char* const how = event.end_at == Steps::kNever ? "whole" : kEnds[static_cast<size_t>(event.how)];
    tell(fmt::format("device {} syncs, {} {}", event.site, how, event.end_at == Steps::kNever ? 0 : event.end_at));
    run(event.site, event.end_at, event.how, 0, event.of_questions);
    steps.meanwhile = nullptr;
  }

  Ran run(size_t device, uint64_t end_at, End how, uint64_t allow, bool of_questions = false) {
    Ran ran = world_.sync(device - 1, end_at, how, allow, of_questions);
    if (!ran.status) tell("    " + ran.status.error().text());
    for (const auto& each : ran.report.skipped) tell(fmt::format("    skipped {}: {}", each.where, each.why));
    for (const auto& each : ran.report.held) tell(fmt::format("    held in {}: {}", each.mailbox, each.removals));
    if (ran.report.suspect > 0) tell(fmt::format("    suspect: {}", ran.report.suspect));
    const bool ended = world_.devices[device - 1]->steps.ended();
    if (!ran.status && !ended) fail("a sync fails: " + ran.status.error().text());
    const bool innocent = moves_in_one() && deletions_ <= kFuseCount;
    if (!ran.report.held.empty() && innocent) fail("the fuse holds what was not deleted");
    return ran;
  }

  // Else somebody may see both, and then one gone.
  bool moves_in_one() const { return history_.can->traits.capabilities.move; }

  // A message of a site, by number.
  struct Place {
    MemoryReplica::Box* box = nullptr;
    uint64_t uid = 0;
    MemoryReplica::Message& message() const { return box->messages.at(uid); }
    std::string name() const { return name_of(message().octets); }
  };
  std::optional<Place> message(MemoryReplica& replica, uint64_t number) {
    uint64_t count = 0;
    for (const auto& [id, box] : replica.boxes()) count += box.messages.size();
    if (count == 0) return std::nullopt;
    // Every other time one of a few, so that there is more than one thing done to them.
    number = number % 2 == 0 ? (number / 2) % std::min(count, kFew) : (number / 2) % count;
    for (const auto& [id, box] : replica.boxes()) {
      if (number >= box.messages.size()) {
        number -= box.messages.size();
        continue;
      }
      const auto at = std::next(box.messages.begin(), static_cast<std::ptrdiff_t>(number));
      return Place{replica.box(box.path), at->first};
    }
    return std::nullopt;
  }

  std::optional<Place> message(MemoryReplica& replica, const std::string& name) {
    for (const auto& [id, box] : replica.boxes()) {
      for (const auto& [uid, message] : box.messages) {
        if (name_of(message.octets) == name) return Place{replica.box(box.path), uid};
      }
    }
    return std::nullopt;
  }

  static int64_t count(const MemoryReplica& replica, const std::string& name) {
    int64_t sum = 0;
    for (const auto& [id, box] : replica.boxes()) {
      sum += std::ranges::count_if(box.messages, [&](const auto& each) { return name_of(each.second.octets) == name; });
    }
    return sum;
  }

  static MemoryReplica::Box* mailbox(MemoryReplica& replica, uint64_t number) {
    const auto at = std::next(replica.boxes().begin(), static_cast<std::ptrdiff_t>(number % replica.boxes().size()));
    return replica.box(at->second.path);
  }

  void change(const Event& event) {
    MemoryReplica& replica = site(event.site);
    if (replica.boxes().empty()) return;  // a device before its first sync
    switch (event.what) {
      case What::New:
        return make_new(event, replica);
      case What::Flag:
        return flag(event, replica);
      case What::Move:
        return move(event, replica);
      case What::Copy:
        return copy(event, replica);
      case What::Delete:
        return remove(event, replica);
      case What::MakeBox:
      case What::RenameBox:
      case What::DeleteBox:
      case What::Subscribe:
      case What::Renumber:
        return change_mailbox(event, replica);
      case What::Sync:
        return;
    }
  }

  void make_new(const Event& event, MemoryReplica& replica) {
    MemoryReplica::Box* box = mailbox(replica, event.a);
    const std::string name = fmt::format("m{:04}", ++last_);
    tell(fmt::format("{}: new {} in {}", kSites[event.site], name, sync::encode_path(box->path)));
    lives_[name].made = 1;
    replica.append(box->path, octets_of(name), {}, 1'600'000'000 + static_cast<int64_t>(last_));
  }

  void flag(const Event& event, MemoryReplica& replica) {
    // Every third time somebody thinks better of it.
    const auto& last = last_flag_[event.site];
    const bool back = event.c % 3 == 0 && !last.first.empty();
    const auto at = back ? message(replica, last.first) : message(replica, event.a);
    if (!at) return;
    constexpr uint32_t kChanged[] = {sync::kSeen, sync::kFlagged, sync::kAnswered, sync::kDeleted};
    const uint32_t bit = back ? last.second : kChanged[event.b % 4];
    last_flag_[event.site] = {at->name(), bit};
    sync::Flags flags = at->message().flags;
    flags.system ^= bit;
    Life& life = lives_[at->name()];
    const bool on = (flags.system & bit) != 0;
    tell(fmt::format("{}: {} {}{:x}", kSites[event.site], at->name(), on ? "+" : "-", bit));
    const bool one_of_several = count(replica, at->name()) > 1;
    if (one_of_several || (life.flags.contains(bit) && life.flags[bit].first != event.site)) life.disputed.insert(bit);
    life.flags[bit] = {event.site, on};
    replica.set_flags(at->box->path, at->uid, flags);
  }

  void move(const Event& event, MemoryReplica& replica) {
    const auto at = message(replica, event.a);
    if (!at) return;
    const MemoryReplica::Box* to = mailbox(replica, event.b);
    if (to->path == at->box->path) return;
    tell(fmt::format("{}: {} from {} to {}", kSites[event.site], at->name(), sync::encode_path(at->box->path),
                     sync::encode_path(to->path)));
    lives_[at->name()].moved_by.insert(event.site);
    replica.move(at->box->path, at->uid, to->path);
  }

  void copy(const Event& event, MemoryReplica& replica) {
    const auto at = message(replica, event.a);
    if (!at) return;
    const MemoryReplica::Box* to = mailbox(replica, event.b);
    tell(fmt::format("{}: {} copied to {}", kSites[event.site], at->name(), sync::encode_path(to->path)));
    ++lives_[at->name()].made;
    ++lives_[at->name()].copied_by[event.site];
    const MemoryReplica::Message message = at->message();
    replica.append(to->path, message.octets, message.flags, message.date);
  }

  void note_deleted(const std::string& name) {
    ++lives_[name].deleted;
    ++deletions_;
  }

  void remove(const Event& event, MemoryReplica& replica) {
    const auto at = message(replica, event.a);
    if (!at) return;
    tell(fmt::format("{}: {} removed", kSites[event.site], at->name()));
    note_deleted(at->name());
    replica.expunge(at->box->path, at->uid);
  }

  void change_mailbox(const Event& event, MemoryReplica& replica) {
    static const sync::Path kNames[] = {{"Work"}, {"Old"}, {"Work", "Deep"}, {"New"}, {"Old", "Deep"}, {"Lists"}};
    const sync::Path name = kNames[event.b % std::size(kNames)];
    if (event.what == What::MakeBox) {
      if (replica.box(name) != nullptr) return;
      tell(fmt::format("{}: make {}", kSites[event.site], sync::encode_path(name)));
      replica.make_box(name);
      return;
    }
    MemoryReplica::Box* box = mailbox(replica, event.a);
    if (event.what == What::Subscribe) {
      tell(fmt::format("{}: subscribe {} {}", kSites[event.site], sync::encode_path(box->path), !box->subscribed));
      box->subscribed = !box->subscribed;
      return;
    }
    if (event.what == What::Renumber) {
      tell(fmt::format("{}: new UIDVALIDITY in {}", kSites[event.site], sync::encode_path(box->path)));
      replica.renumber(box->path);
      return;
    }
    if (box->path == sync::Path{"INBOX"} || box->path == sync::Path{"Trash"}) return;
    if (event.what == What::DeleteBox) {
      tell(fmt::format("{}: delete {}", kSites[event.site], sync::encode_path(box->path)));
      for (const auto& [uid, message] : box->messages) note_deleted(name_of(message.octets));
      replica.delete_box(sync::Path(box->path));
    } else if (!below(name, box->path) && replica.box(name) == nullptr && !has_children_at(replica, name)) {
      tell(fmt::format("{}: rename {} to {}", kSites[event.site], sync::encode_path(box->path),
                       sync::encode_path(name)));
      replica.rename_box(sync::Path(box->path), name);
    }
  }

  static bool below(const sync::Path& path, const sync::Path& top) {
    return path.size() >= top.size() && std::equal(top.begin(), top.end(), path.begin());
  }
  static bool has_children_at(const MemoryReplica& replica, const sync::Path& name) {
    return std::ranges::any_of(replica.boxes(), [&](const auto& each) { return below(each.second.path, name); });
  }

  // Nobody does anything any more: a few syncs, and the user's word where it is asked for.
  void rest() {
    for (int round = 0; round < kQuietRounds; ++round) {
      bool quiet = true;
      for (size_t device = 1; device <= 2; ++device) {
        tell(fmt::format("device {} syncs, quiet", device));
        const Ran ran = run(device, Steps::kNever, End::Crash, 0);
        if (failed_) return;
        if (story_ != nullptr) tell(show_dirty(*world_.devices[device - 1]->link));
        quiet = quiet && ran.report.nothing_new();
        if (!ran.report.held.empty() || ran.report.suspect > 0) {
          tell("    the user lets it go");
          run(device, Steps::kNever, End::Crash, 1'000'000);
          quiet = false;
        }
      }
      tell_state();
      if (quiet) return;
    }
    fail("the syncs do not come to rest");
  }

  void check() {
    const std::string there = show(world_.server, true);
    for (size_t i = 1; i <= 2; ++i) {
      if (show(site(i), true) != there) {
        return fail(fmt::format("device {} is not as the server:\n  {}\n  {}", i, show(site(i), true), there));
      }
    }
    for (size_t i = 0; i < 2; ++i) {
      const Ran again = world_.sync(i);
      if (!again.status || !again.report.nothing_new() || again.fetched + again.uploaded > 0) {
        return fail(fmt::format("device {} has something to do when nothing happened", i + 1));
      }
    }
    std::map<std::string, uint64_t> counts;
    std::map<std::string, uint32_t> flags;
    for (const auto& [id, box] : world_.server.boxes()) {
      for (const auto& [uid, message] : box.messages) {
        ++counts[name_of(message.octets)];
        flags[name_of(message.octets)] = message.flags.system;
      }
    }
    for (const auto& [name, life] : lives_) check_life(name, life, counts[name], flags[name]);
  }

  void check_life(const std::string& name, const Life& life, uint64_t count, uint32_t flags) {
    // Without MOVE a message is in two places for a moment, and who then moves the one has two.
    const bool may_be_doubled = !moves_in_one() && life.moved_by.size() > 1;
    if (count > life.made && !may_be_doubled)
      return fail(fmt::format("{} is there {} times, and was made {} times", name, count, life.made));
    // The same copied on two sides is one; so is what one copied and another moved there, where a move is a copy.
    uint64_t least = 1;
    for (const auto& [site, copies] : life.copied_by) {
      const bool others_move = life.moved_by.size() > life.moved_by.count(site);
      if (moves_in_one() || !others_move) least = std::max(least, copies + 1);
    }
    if (life.deleted == 0 && count < least) {
      return fail(fmt::format("{} is lost: {} of {}, and nobody deleted it", name, count, life.made));
    }
    // Of one that was removed somewhere and kept somewhere else, the flags are those of where it was kept.
    if (life.made != 1 || count != 1 || life.deleted > 0 || (!life.moved_by.empty() && !moves_in_one())) return;
    for (const auto& [bit, word] : life.flags) {
      const bool on = (flags & bit) != 0;
      if (!life.disputed.contains(bit) && on != word.second) {
        return fail(fmt::format("{}: flag {:x} is not as its only writer left it", name, bit));
      }
    }
  }

  static constexpr const char* kSites[] = {"server", "device 1", "device 2"};
  static constexpr const char* kEnds[] = {"crash at", "cut before", "cut after"};
  const History& history_;
  std::string* story_;
  World world_;
  uint64_t last_ = 0, deletions_ = 0;
  std::array<std::pair<std::string, uint32_t>, 3> last_flag_{};
  std::map<std::string, Life> lives_;
  std::optional<std::string> failed_;
};

}  // namespace

History make_history(uint64_t seed) {
  Random random(seed);
  History history{.can = &abilities()[seed % abilities().size()]};
  history.events.push_back({.what = What::Sync, .site = 1});
  history.events.push_back({.what = What::Sync, .site = 2});
  const auto mood = static_cast<Mood>(random.below(kMoods));
  size_t changes = 0, syncs = 0;
  while (changes < kLeastChanges || syncs < kLeastSyncs) {
    if (random.below(4) == 0) {
      history.events.push_back(make_sync(random, mood));
      ++syncs;
      // A flag that was sent, and whose answer did not come, is taken back.
      const Event& sync = history.events.back();
      if (mood == Mood::Flags && sync.of_questions && random.below(2) == 0) {
        history.events.push_back({.what = What::Flag, .site = sync.site});
      }
    } else {
      history.events.push_back(change(random, mood, std::nullopt));
      ++changes;
    }
  }
  return history;
}

std::optional<std::string> play(const History& history, std::string* story) { return Player(history, story).play(); }

History shrink(History history) {
  for (size_t length = history.events.size() / 2; length > 0; length /= 2) {
    for (size_t at = 0; at + length <= history.events.size();) {
      History shorter = history;
      const auto begin = shorter.events.begin() + static_cast<std::ptrdiff_t>(at);
      shorter.events.erase(begin, begin + static_cast<std::ptrdiff_t>(length));
      if (plan::play(shorter)) {
        history = std::move(shorter);
      } else {
        at += length;
      }
    }
  }
  for (Event& event : history.events) {
    for (const auto& simpler : {Event{.what = event.what, .site = event.site, .a = event.a, .b = event.b}}) {
      const Event was = event;
      event = simpler;
      if (!plan::play(history)) event = was;
    }
  }
  return history;
}

}  // namespace twinbox::plan
