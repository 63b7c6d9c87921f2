#include "tests/plan/world.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/sync/path.h"
#include "libsync/sync/plan.h"

namespace twinbox::plan {

using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::Status;
using libsync::replicas::MemoryReplica;
using libsync::replicas::MemoryTraits;

namespace {

Status cut() { return fail(Errc::Network, "cut"); }

// Keeps what a replica answers, for somebody to decide whether it arrives.
class Answers final : public sync::ActionSink {
 public:
  Status done(uint64_t, const sync::Outcome& outcome) override {
    last = outcome;
    return {};
  }
  Status durable() override { return {}; }
  sync::Outcome last{};
};

void tell(std::string* story, std::string_view where, const sync::Action& action, const sync::Outcome& outcome) {
  if (story == nullptr) return;
  constexpr std::string_view kOps[] = {"create", "rename", "subscribe", "flags",  "add",
                                       "mend",   "copy",   "move",      "remove", "delete"};
  constexpr std::string_view kDids[] = {"ok",      "ok, no ref", "marked",    "gone",  "no box", "exists", "not empty",
                                        "refused", "never",      "read only", "quota", "retry",  "unknown"};
  *story += fmt::format("      {}: {} {}/{} {}{}: {}\n", where, kOps[static_cast<size_t>(action.op)], action.ref.box,
                        action.ref.key.number, action.box, sync::encode_path(action.path),
                        kDids[static_cast<size_t>(outcome.did)]);
}

// Tells what is answered.
class Telling final : public sync::ActionSink {
 public:
  Telling(std::string* story, std::span<const sync::Action> actions, ActionSink& sink)
      : story_(story), actions_(actions), sink_(sink) {}
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    const auto action = std::ranges::find(actions_, token, &sync::Action::token);
    if (action != actions_.end()) tell(story_, "here", *action, outcome);
    return sink_.done(token, outcome);
  }
  Status durable() override { return sink_.durable(); }

 private:
  std::string* story_;
  std::span<const sync::Action> actions_;
  ActionSink& sink_;
};

// A server at the end of a line.
class ServerSession final : public test::LentReplica {
 public:
  ServerSession(sync::Replica& real, const Abilities& can, Steps& steps, Ran& ran, std::string* story)
      : LentReplica(real), can_(can), steps_(steps), ran_(ran), story_(story) {}

  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override {
    if (!steps_.take(true)) return std::unexpected(cut().error());
    return LentReplica::mailboxes(std::move(stop));
  }

  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    for (const sync::BoxCursor& each : cursors) {
      if (!steps_.take(true)) return cut();
      TB_TRY(LentReplica::changes(std::span(&each, 1), sink, stop));
    }
    return {};
  }

  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    for (const sync::FetchItem& each : items) {
      if (!steps_.take(true)) return cut();
      if (each.part == sync::FetchPart::Whole) ++ran_.fetched;
      TB_TRY(LentReplica::fetch(std::span(&each, 1), sink, stop));
    }
    return {};
  }

  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    for (const sync::Action& each : actions) {
      if (!steps_.take_question()) return cut();
      Answers answers;
      TB_TRY(LentReplica::apply(std::span(&each, 1), answers, stop));
      if (each.op == sync::Op::Add) ++ran_.uploaded;
      tell(story_, "server", each, answers.last);
      if (!steps_.answered()) return cut();
      sync::Outcome& outcome = answers.last;
      const bool places = each.op == sync::Op::Add || each.op == sync::Op::Copy || each.op == sync::Op::Move;
      if (!can_.refs && places && outcome.did == sync::Did::Ok) {
        outcome.did = sync::Did::OkNoRef;
        outcome.ref = {};
        outcome.instance.clear();
      }
      TB_TRY(sink.done(each.token, outcome));
    }
    return sink.durable();
  }

 private:
  const Abilities& can_;
  Steps& steps_;
  Ran& ran_;
  std::string* story_;
};

// The store of a device: what is done in one call is done with the link's rows, or not at all.
class StoreSession final : public test::LentReplica {
 public:
  StoreSession(sync::Replica& real, MortalLink& link, Steps& steps, std::string* story)
      : LentReplica(real), link_(link), steps_(steps), story_(story) {}

  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    if (!steps_.take(false)) return fail(Errc::Internal, "the process has ended");
    link_.hold(true);
    Telling telling(story_, actions, sink);
    const Status status = LentReplica::apply(actions, telling, std::move(stop));
    link_.hold(false);
    return status;
  }

 private:
  MortalLink& link_;
  Steps& steps_;
  std::string* story_;
};

MemoryTraits traits(bool tokens, bool objects, bool box_ids, bool move) {
  MemoryTraits out;
  out.capabilities.change_tokens = tokens;
  out.capabilities.move = move;
  out.capabilities.own_transaction = false;
  out.instances = false;
  out.objects = objects;
  out.box_ids = box_ids;
  out.identity = "server";
  return out;
}

MemoryTraits with_instances() {
  MemoryTraits out = traits(true, false, true, true);
  out.instances = true;
  return out;
}

}  // namespace

const std::vector<Abilities>& abilities() {
  static const std::vector<Abilities> all = {
      {.name = "full", .traits = traits(true, true, true, true)},
      {.name = "instances", .traits = with_instances()},
      {.name = "no_object_ids", .traits = traits(true, false, true, true)},
      {.name = "names_as_folder_ids", .traits = traits(true, false, false, true)},
      {.name = "no_change_tokens", .traits = traits(false, false, false, true)},
      {.name = "no_move", .traits = traits(true, false, true, false)},
      {.name = "no_move_with_object_ids", .traits = traits(true, true, true, false)},
      {.name = "no_refs", .traits = traits(true, false, true, true), .refs = false},
      {.name = "content_ids_only", .traits = traits(false, true, false, true), .refs = false},
      {.name = "header_digests_only", .traits = traits(false, false, false, false), .refs = false},
  };
  return all;
}

const Abilities& abilities(std::string_view name) {
  const auto found = std::ranges::find(abilities(), name, &Abilities::name);
  if (found == abilities().end()) throw std::invalid_argument(std::string(name));
  return *found;
}

// MortalLink

class MortalLink::CountedBatch final : public Batch {
 public:
  CountedBatch(MortalLink& link, std::unique_ptr<Batch> inner) : link_(link), inner_(std::move(inner)) {
    ++link_.depth_;
  }
  ~CountedBatch() override { --link_.depth_; }
  CountedBatch(const CountedBatch&) = delete;
  CountedBatch& operator=(const CountedBatch&) = delete;
  Status commit() override {
    if (link_.depth_ == 1 && !link_.held_ && !link_.steps_.take(false)) return fail(Errc::Internal, "ended");
    return inner_->commit();
  }

 private:
  MortalLink& link_;
  std::unique_ptr<Batch> inner_;
};

Status MortalLink::write() {
  if (held_) return {};
  const bool on = depth_ > 0 ? !steps_.crashed() : steps_.take(false) || !steps_.crashed();
  return on ? Status() : fail(Errc::Internal, "the process has ended");
}

Result<std::unique_ptr<sync::Link::Batch>> MortalLink::begin() {
  TB_ASSIGN(auto inner, MemoryLink::begin());
  return std::make_unique<CountedBatch>(*this, std::move(inner));
}

Result<sync::PairId> MortalLink::put(const sync::Pair& pair) {
  TB_TRY(write());
  return MemoryLink::put(pair);
}

Result<sync::RowId> MortalLink::put(const sync::Row& row) {
  TB_TRY(write());
  return MemoryLink::put(row);
}

Status MortalLink::erase(sync::RowId id) {
  TB_TRY(write());
  return MemoryLink::erase(id);
}

// World

World::World(const Abilities& abilities, size_t count) : server(abilities.traits), abilities_(abilities) {
  policy.can = {sync::Can::everything(), sync::Can::everything()};
  server.make_box({"INBOX"}, sync::Role::Inbox);
  for (size_t i = 0; i < count; ++i) devices.push_back(std::make_unique<Device>(fmt::format("device {}", i + 1)));
}

Ran World::sync(size_t device) { return sync(device, Steps::kNever, End::Crash); }

Ran World::sync(size_t which, uint64_t end_at, End how, uint64_t allow, bool of_questions) {
  Device& device = *devices[which];
  device.steps.begin(end_at, how, of_questions);
  Ran ran;
  ServerSession session(server, abilities_, device.steps, ran, story);
  StoreSession store(device.store, *device.link, device.steps, story);
  const FixedClock clock;
  Nobody nobody;
  sync::SyncOptions options{.policy = policy, .match_roles = match_roles};
  options.policy.fuse.allow = allow;
  sync::Sync engine(session, store, *device.link, clock, options, nobody);
  ran.status = engine.run({});
  ran.report = engine.report();
  return ran;
}

// Text

std::string name_of(std::string_view octets) {
  constexpr std::string_view kBefore = "Subject: ";
  const size_t at = octets.find(kBefore) + kBefore.size();
  return std::string(octets.substr(at, octets.find('\r', at) - at));
}

std::string octets_of(std::string_view name) {
  return fmt::format("From: a@example.org\r\nSubject: {}\r\n\r\nThe text of {}.\r\n", name, name);
}

namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(at);
    if (const auto part = libsync::trim(text.substr(0, end)); !part.empty()) parts.push_back(part);
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

constexpr std::pair<sync::Flag, std::string_view> kFlagNames[] = {{sync::kSeen, "seen"},
                                                                  {sync::kAnswered, "answered"},
                                                                  {sync::kFlagged, "flagged"},
                                                                  {sync::kDeleted, "deleted"},
                                                                  {sync::kDraft, "draft"}};

std::string flags_text(const sync::Flags& flags) {
  std::string out;
  for (const auto& [flag, name] : kFlagNames) {
    if ((flags.system & flag) != 0) out += fmt::format("+{}", name);
  }
  for (const auto& keyword : flags.keywords) out += "+" + keyword;
  return out;
}

}  // namespace

sync::Role role_of(std::string_view name) {
  const std::map<std::string_view, sync::Role> roles = {{"INBOX", sync::Role::Inbox}, {"Trash", sync::Role::Trash},
                                                        {"Sent", sync::Role::Sent},   {"Gesendet", sync::Role::Sent},
                                                        {"Junk", sync::Role::Junk},   {"Drafts", sync::Role::Drafts}};
  const auto found = roles.find(name);
  return found == roles.end() ? sync::Role::None : found->second;
}

std::string show(const MemoryReplica& replica, bool subscribed) {
  std::vector<std::string> lines;
  for (const auto& [id, box] : replica.boxes()) {
    std::vector<std::string> messages;
    for (const auto& [uid, message] : box.messages) {
      messages.push_back(name_of(message.octets) + flags_text(message.flags));
    }
    std::ranges::sort(messages);
    std::string line = sync::encode_path(box.path) + (subscribed && box.subscribed ? "*" : "") + ":";
    for (const std::string& each : messages) line += " " + each;
    lines.push_back(std::move(line));
  }
  std::ranges::sort(lines);
  return fmt::format("{}", fmt::join(lines, "; "));
}

std::string show_dirty(sync::Link& link) {
  constexpr std::string_view kAts[] = {"absent", "bound", "unbound", "gone"};
  const auto half = [&](const sync::Half& each) {
    return fmt::format("{} {}/{}{} asked {} to {}{}", kAts[static_cast<size_t>(each.at)], each.pair, each.key.number,
                       flags_text(each.flags), static_cast<int>(each.asked), each.to,
                       each.blocked ? " blocked: " + each.blocked->words : "");
  };
  std::string out;
  const auto rows = link.dirty(0, 1000);
  if (!rows) return rows.error().text();
  for (const sync::Row& row : *rows) {
    out += fmt::format("      row {}: server {}; here {}; home {} base {}{}{}{} doubt {} look {}\n", row.id,
                       half(row.half(sync::Side::A)), half(row.half(sync::Side::B)), row.home, flags_text(row.base),
                       row.agreed ? " agreed" : "", row.suspect ? " suspect" : "", row.leftover ? " leftover" : "",
                       static_cast<int>(row.doubt), row.look);
  }
  return out;
}

sync::Flags flags_from(std::string_view text) {
  sync::Flags flags;
  while (!text.empty()) {
    text.remove_prefix(1);  // '+'
    const size_t end = std::min(text.find('+'), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    const auto* found = std::ranges::find(kFlagNames, word, &std::pair<sync::Flag, std::string_view>::second);
    if (found == std::end(kFlagNames)) {
      flags.add_keyword(word);
    } else {
      flags.system |= found->first;
    }
  }
  return flags;
}

void make(MemoryReplica& replica, std::string_view text) {
  for (const std::string_view part : split(text, ';')) {
    const size_t colon = part.find(':');
    const sync::Path path = sync::decode_path(part.substr(0, colon));
    if (replica.box(path) == nullptr) replica.make_box(path, role_of(path.back()));
    for (const std::string_view word : split(part.substr(colon + 1), ' ')) {
      const std::string_view name = word.substr(0, word.find('+'));
      replica.append(path, octets_of(name), flags_from(word.substr(name.size())),
                     1'600'000'000 + static_cast<int64_t>(name.back()));
    }
  }
}

// What people do

namespace {

struct Found {
  MemoryReplica::Box* box = nullptr;
  uint64_t uid = 0;
};

// The first message of that name; "b@Work": the one in that mailbox.
Found find(MemoryReplica& replica, std::string_view name) {
  const size_t at = name.find('@');
  for (const auto& [id, box] : replica.boxes()) {
    if (at != name.npos && box.path != sync::decode_path(name.substr(at + 1))) continue;
    for (const auto& [uid, message] : box.messages) {
      if (name_of(message.octets) == name.substr(0, at)) return {replica.box(box.path), uid};
    }
  }
  throw std::invalid_argument(fmt::format("there is no message {}", name));
}

void change_flags(MemoryReplica& replica, const Found& found, std::span<const std::string_view> changes) {
  sync::Flags flags = found.box->messages.at(found.uid).flags;
  for (const std::string_view change : changes) {
    const sync::Flags one = flags_from(fmt::format("+{}", change.substr(1)));
    if (change.front() == '+') {
      flags.system |= one.system;
      for (const auto& keyword : one.keywords) flags.add_keyword(keyword);
    } else {
      flags = sync::minus(flags, one);
    }
  }
  replica.set_flags(found.box->path, found.uid, flags);
}

void do_one(MemoryReplica& replica, std::string_view text) {
  const auto words = split(text, ' ');
  const std::string_view verb = words[0];
  const auto path = [&](size_t i) { return sync::decode_path(words.at(i)); };
  if (verb == "new") {
    make(replica, fmt::format("{}: {}", words.at(2), words.at(1)));
  } else if (verb == "move") {
    const Found found = find(replica, words.at(1));
    replica.move(found.box->path, found.uid, path(2));
  } else if (verb == "copy") {
    const Found found = find(replica, words.at(1));
    const MemoryReplica::Message message = found.box->messages.at(found.uid);
    replica.append(path(2), message.octets, message.flags, message.date);
  } else if (verb == "del") {
    const Found found = find(replica, words.at(1));
    replica.expunge(found.box->path, found.uid);
  } else if (verb == "flag") {
    change_flags(replica, find(replica, words.at(1)), std::span(words).subspan(2));
  } else if (verb == "mkbox") {
    replica.make_box(path(1), role_of(words.at(1)));
  } else if (verb == "rmbox") {
    replica.delete_box(path(1));
  } else if (verb == "renbox") {
    replica.rename_box(path(1), path(2));
  } else if (verb == "sub" || verb == "unsub") {
    replica.box(path(1))->subscribed = verb == "sub";
  } else if (verb == "renumber") {
    replica.renumber(path(1));
  } else {
    throw std::invalid_argument(std::string(verb));
  }
}

}  // namespace

void act(MemoryReplica& replica, std::string_view text) {
  for (const std::string_view one : split(text, ';')) do_one(replica, one);
}

}  // namespace twinbox::plan
