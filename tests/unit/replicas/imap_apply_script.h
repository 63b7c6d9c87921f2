// What the scripted tests of the IMAP replica's writing share.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/replicas/imap.h"

#include "tests/unit/replicas/imap_script.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Op;

class Done final : public sync::ActionSink {
 public:
  Status done(uint64_t token, const sync::Outcome& outcome) override {
    EXPECT_TRUE(of.emplace(token, outcome).second) << "done twice: " << token;
    ++since_durable;
    EXPECT_LE(since_durable, 500U);
    if (of.size() >= refuse_at) return fail(Errc::Disk, "full");
    return {};
  }
  Status durable() override {
    ++durables;
    since_durable = 0;
    return {};
  }
  // "1:ok 2:gone", with the UID or the flags behind it.
  std::string text() const {
    static constexpr std::array kNames = {"ok",      "noref", "marked",   "gone",  "nobox", "exists", "notempty",
                                          "refused", "never", "readonly", "quota", "retry", "unknown"};
    std::string out;
    for (const auto& [token, outcome] : of) {
      out += (out.empty() ? "" : " ") + std::to_string(token) + ":" + kNames.at(static_cast<size_t>(outcome.did));
      if (outcome.ref.key.number != 0) {
        out += "=" + outcome.ref.box + "/" + std::to_string(outcome.ref.epoch) + "/";
        out += std::to_string(outcome.ref.key.number);
      }
      if (outcome.flags) {
        out += "=" + std::to_string(outcome.flags->system);
        for (const auto& keyword : outcome.flags->keywords) out += "+" + keyword;
      }
    }
    return out;
  }
  std::map<uint64_t, sync::Outcome> of;
  size_t durables = 0, since_durable = 0, refuse_at = SIZE_MAX;
};

// One dialogue: a login to a server that has `capabilities`, with INBOX (UIDVALIDITY 5) and Old; T6 is what comes next.
struct Writing {
  explicit Writing(std::string_view capabilities, std::string_view script, size_t piece = 0)
      : opened(open(login(capabilities) + std::string(kBare) + std::string(script), writable(), true, piece)) {
    EXPECT_TRUE(opened.replica) << (opened.replica ? "" : opened.replica.error().text());
    if (opened.replica) {
      EXPECT_TRUE((*opened).mailboxes({})) << opened.channel->mismatch();
    }
  }
  static ImapOptions writable() {
    ImapOptions o = options();
    o.writable = true;
    return o;
  }

  // The outcomes; with " !" and the error, if there is one.
  std::string apply(const std::vector<Action>& actions) {
    done = {};
    const Status status = (*opened).apply(actions, done, {});
    EXPECT_EQ(opened.channel->mismatch(), "");
    EXPECT_TRUE(!status || done.durables >= 1);
    error = status ? Errc::Internal : status.error().code;
    return done.text() + (status ? "" : " !" + status.error().text());
  }
  bool finished() const { return opened.channel->finished(); }

  Opened opened;
  Done done;
  Errc error{};
};

inline constexpr std::string_view kInbox =
    "C: T6 SELECT INBOX\nS: * 9 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: T6 OK [READ-WRITE] in\n";

inline sync::MsgRef in_inbox(uint64_t uid, uint64_t epoch = 5) {
  return {.box = "INBOX", .epoch = epoch, .key = {.number = uid}};
}
inline Action flags(uint64_t token, uint64_t uid, sync::Flags add, sync::Flags del = {}) {
  return {.token = token, .op = Op::Flags, .ref = in_inbox(uid), .add = std::move(add), .del = std::move(del)};
}
inline Action seen(uint64_t token, uint64_t uid) { return flags(token, uid, {.system = sync::kSeen}); }
inline Action place(Op op, uint64_t token, uint64_t uid, std::string box = "Old") {
  return {.token = token, .op = op, .ref = in_inbox(uid), .box = std::move(box)};
}
inline Action removal(uint64_t token, uint64_t uid) { return {.token = token, .op = Op::Remove, .ref = in_inbox(uid)}; }

}  // namespace libsync::replicas
