// What the scripted tests of the IMAP replica share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/replicas/imap.h"

#include "tests/support/lent_channel.h"
#include "tests/support/scripted_channel.h"

namespace libsync::replicas {

using twinbox::test::LentChannel;
using twinbox::test::ScriptedChannel;

inline ImapOptions options(ImapSecurity security = ImapSecurity::Tls) {
  ImapOptions o{.credentials = {.user = "me", .password = Secret("pw")}, .security = security};
  o.mechanism = "USER";
  o.client_id = false;
  return o;
}

struct Opened {
  Result<std::unique_ptr<sync::Replica>> replica;
  std::shared_ptr<ScriptedChannel> channel;
  sync::Replica& operator*() { return **replica; }
};

inline Opened open(std::string_view script, ImapOptions o = options(), bool tls = true, size_t piece = 0) {
  auto channel = std::make_shared<ScriptedChannel>(script, ScriptedChannel::Options{.tls = tls, .piece = piece});
  return {open_imap(std::make_unique<LentChannel>(channel), std::move(o), {}), channel};
}

inline std::string login(std::string_view capabilities) {
  return "S: * OK [CAPABILITY IMAP4rev1] hi\nC: T1 LOGIN \"me\" \"pw\"\nS: T1 OK [CAPABILITY IMAP4rev1 " +
         std::string(capabilities) + "] in\n";
}

// Logged in, with a list of INBOX and Old.
inline constexpr std::string_view kBare =
    "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: * LIST () \"/\" Old\nS: T2 OK\nS: T3 "
    "OK\n"
    "C: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nC: T5 STATUS Old (MESSAGES UIDNEXT UIDVALIDITY)\n"
    "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 3 UIDVALIDITY 5)\nS: T4 OK\nS: T5 NO not now\n";

class Messages : public sync::MessageSink {
 public:
  Status begin(uint64_t token, uint64_t) override {
    now = token;
    text[token] = "";
    return {};
  }
  Status data(std::string_view bytes) override {
    text[now] += bytes;
    return {};
  }
  Status end(uint64_t token) override {
    ended.push_back(token);
    return {};
  }
  Status failed(uint64_t token, const Error& error) override {
    failures[token] = error;
    return {};
  }
  uint64_t now = 0;
  std::map<uint64_t, std::string> text;
  std::vector<uint64_t> ended;
  std::map<uint64_t, Error> failures;
};

}  // namespace libsync::replicas
