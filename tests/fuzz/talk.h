// A whole session with a server whose side of it is the input: login, list, look, fetch, look again, end. The first
// octet of the input chooses what the account is like; the rest is the server's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/trace.h"
#include "libsync/replicas/imap.h"
#include "libsync/replicas/pop3.h"

#include "tests/fuzz/bytes_channel.h"

namespace libsync::fuzz {

// Collects the messages that are there, and holds the replica to the order of its calls.
class Look final : public sync::ChangeSink {
 public:
  Status open(const sync::BoxId& box, const sync::BoxState&) override {
    require(!open_);
    open_ = true;
    box_ = box;
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    require(open_ && ref.box == box_);
    if (items.size() < kMostItems) items.push_back({.token = items.size(), .ref = ref, .size = facts.size});
    return {};
  }
  Status vanished(const sync::BoxId& box, uint64_t, const sync::Key&) override {
    require(open_ && box == box_);
    return {};
  }
  Status present(const sync::BoxId& box, std::span<const sync::KeyRange>) override {
    require(open_ && box == box_);
    return {};
  }
  Status close(const sync::BoxId& box, std::string_view next, uint64_t) override {
    require(open_ && box == box_);
    open_ = false;
    cursors.push_back({.box = box, .cursor = std::string(next)});
    return {};
  }
  Status missing(const sync::BoxId&) override {
    require(!open_);
    return {};
  }
  Status unreadable(const sync::BoxId&, const Error&) override { return {}; }

  std::vector<sync::FetchItem> items;
  std::vector<sync::BoxCursor> cursors;

 private:
  static constexpr size_t kMostItems = 1000;  // a seen() a line of input is enough to ask for
  static void require(bool condition) {
    if (!condition) std::abort();
  }
  bool open_ = false;
  sync::BoxId box_;
};

// Counts the octets of messages, which can't be more than the server sent.
class Fetched final : public sync::MessageSink {
 public:
  Status begin(uint64_t token, uint64_t) override {
    if (open_) std::abort();
    open_ = true;
    token_ = token;
    return {};
  }
  Status data(std::string_view bytes) override {
    if (!open_) std::abort();
    octets += bytes.size();
    return {};
  }
  Status end(uint64_t token) override {
    if (!open_ || token != token_) std::abort();
    open_ = false;
    ++whole;
    return {};
  }
  Status failed(uint64_t, const Error&) override {
    open_ = false;
    return {};
  }
  uint64_t octets = 0, whole = 0;

 private:
  bool open_ = false;
  uint64_t token_ = 0;
};

// Holds the replica to one outcome for each action.
class Acted final : public sync::ActionSink {
 public:
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    if (!told_.insert(token).second) std::abort();
    if (outcome.did == sync::Did::Ok) ++ok;
    return {};
  }
  Status durable() override { return {}; }
  uint64_t ok = 0;

 private:
  std::set<uint64_t> told_;
};

struct Talked {
  uint64_t messages = 0, octets = 0;  // fetched whole; octets of all
  uint64_t changed = 0;               // actions that were done
};

// One of each thing that can be done, with messages that were seen.
inline uint64_t change(sync::Replica& replica, const Look& look, const sync::BoxId& box) {
  using sync::Op;
  constexpr size_t kMost = 20;
  sync::StringSource text(std::string("A: 1\n\nb\n"));
  std::vector<sync::Action> actions;
  const auto each = [&](Op op) {
    for (size_t i = 0; i < std::min(kMost, look.items.size()); ++i) {
      actions.push_back({.token = actions.size(), .op = op, .ref = look.items[i].ref, .box = box});
      actions.back().add.system = op == Op::Flags ? uint32_t{sync::kSeen} : 0;
    }
  };
  each(Op::Flags);
  each(Op::Copy);
  actions.push_back({.token = actions.size(), .op = Op::Add, .box = box, .content = &text});
  actions.push_back({.token = actions.size(), .op = Op::CreateBox, .path = {"New"}});
  each(Op::Move);
  each(Op::Remove);
  actions.push_back({.token = actions.size(), .op = Op::RenameBox, .box = "New", .path = {"Old"}});
  actions.push_back({.token = actions.size(), .op = Op::DeleteBox, .box = "Old"});
  Acted acted;
  (void)replica.apply(actions, acted, {});
  return acted.ok;
}

inline Talked use(sync::Replica& replica, bool remove, bool write = false) {
  Talked talked;
  const auto boxes = replica.mailboxes({});
  if (!boxes) return talked;
  std::vector<sync::BoxCursor> cursors;
  for (const sync::Mailbox& box : *boxes) {
    if (box.selectable && cursors.size() < 100) cursors.push_back({.box = box.id});
  }
  for (int round = 0; round < 2; ++round) {  // the second time with the cursors of the first
    Look look;
    if (!replica.changes(cursors, look, {})) break;
    Fetched fetched;
    const auto status = replica.fetch(look.items, fetched, {});
    talked.messages += fetched.whole;
    talked.octets += fetched.octets;
    if (!status) break;
    if (write && round == 0 && !cursors.empty()) talked.changed = change(replica, look, cursors.front().box);
    Acted acted;
    std::vector<sync::Action> actions;
    for (const sync::FetchItem& item : look.items) {
      if (remove)
        actions.push_back({.token = item.token, .op = sync::Op::Remove, .ref = item.ref, .size_expected = item.size});
    }
    if (!actions.empty() && !replica.apply(actions, acted, {})) break;
    if (!look.cursors.empty()) cursors = look.cursors;
  }
  Acted acted;
  (void)replica.finish(acted, {});
  return talked;
}

// PBKDF2 is what its challenge says it costs; the mechanisms have a target of their own.
inline std::vector<std::string> costly_mechanisms() {
  return {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"};
}

// The octet: 1 STARTTLS, 2 namespaces, 4 COMPRESS, 8 no ID, 16 octets in pieces, 32 without 16: changes things.
inline Talked talk_imap(std::string_view input, Trace* trace) {
  if (input.empty()) return {};
  const auto choice = static_cast<uint8_t>(input.front());
  const bool starttls = (choice & 1U) != 0;
  replicas::ImapOptions options{.credentials = {.user = "me", .password = Secret("pw")},
                                .security = starttls ? replicas::ImapSecurity::StartTls : replicas::ImapSecurity::Tls,
                                .forbidden_mechanisms = costly_mechanisms()};
  options.namespaces = (choice & 2U) != 0;
  options.compress = (choice & 4U) != 0;
  options.client_id = (choice & 8U) == 0;
  options.writable = (choice & 48U) == 32;
  // Of use where the greeting names Dovecot.
  options.last_capabilities = "IMAP4REV1 ID ENABLE QRESYNC NAMESPACE LIST-EXTENDED LIST-STATUS COMPRESS=DEFLATE";
  options.trace = trace;
  options.random = [](size_t bytes) { return std::string(bytes, '\0'); };
  auto channel = std::make_unique<BytesChannel>(
      input.substr(1), (choice & 16U) != 0 ? static_cast<size_t>(choice >> 5U) + 1 : 0, !starttls);
  const auto replica = replicas::open_imap(std::move(channel), std::move(options), {});
  return replica ? use(**replica, false, (choice & 48U) == 32) : Talked{};
}

// The octet: 1 STLS, 2 remove what was fetched, 16 octets in pieces.
inline Talked talk_pop3(std::string_view input, Trace* trace) {
  if (input.empty()) return {};
  const auto choice = static_cast<uint8_t>(input.front());
  const bool stls = (choice & 1U) != 0;
  replicas::Pop3Options options{.credentials = {.user = "me", .password = Secret("pw")},
                                .security = stls ? replicas::Pop3Security::Stls : replicas::Pop3Security::Tls,
                                .forbidden_mechanisms = costly_mechanisms()};
  options.trace = trace;
  options.random = [](size_t bytes) { return std::string(bytes, '\0'); };
  auto channel = std::make_unique<BytesChannel>(input.substr(1),
                                                (choice & 16U) != 0 ? static_cast<size_t>(choice >> 5U) + 1 : 0, !stls);
  const auto replica = replicas::open_pop3(std::move(channel), std::move(options), {});
  return replica ? use(**replica, (choice & 2U) != 0) : Talked{};
}

}  // namespace libsync::fuzz
