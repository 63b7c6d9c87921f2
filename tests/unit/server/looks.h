// What a replica shows, kept: for tests that mirror from this program's own server.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "libsync/sync/replica.h"

namespace libsync::server {

class Look final : public sync::ChangeSink {
 public:
  Status open(const sync::BoxId&, const sync::BoxState&) override { return {}; }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    items.push_back({.token = items.size(), .ref = ref, .size = facts.size});
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
  Status close(const sync::BoxId&, std::string_view, uint64_t) override { return {}; }
  Status missing(const sync::BoxId&) override { return {}; }
  std::vector<sync::FetchItem> items;
};

class Bodies final : public sync::MessageSink {
 public:
  Status begin(uint64_t token, uint64_t) override {
    text.resize(std::max<size_t>(text.size(), token + 1));
    now = token;
    return {};
  }
  Status data(std::string_view bytes) override {
    text[now] += bytes;
    return {};
  }
  Status end(uint64_t) override { return {}; }
  Status failed(uint64_t, const Error& error) override { return fail(error); }
  size_t now = 0;
  std::vector<std::string> text;
};

struct Outcomes final : sync::ActionSink {
  Status done(uint64_t, const sync::Outcome& outcome) override {
    words += outcome.words;
    outcomes.push_back(outcome.did);
    return {};
  }
  Status durable() override { return {}; }
  std::string words;
  std::vector<sync::Did> outcomes;
};

}  // namespace libsync::server
