// A submission session of this program's own and what it delivered, spoken to line by line.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/server/submission_session.h"

namespace libsync::server {

struct Delivered {
  Envelope envelope{};
  std::string octets{};
};

// Takes what is for example.org, and keeps what was delivered.
class Agent final : public DeliveryAgent {
 public:
  Status accepts(std::string_view, std::string_view recipient) override {
    if (const auto found = refusals.find(std::string(recipient)); found != refusals.end()) {
      return fail(found->second, "as the test says\x1b");
    }
    if (recipient.ends_with("@example.org") || recipient.ends_with("@пример.org")) return {};
    return fail(Errc::Refused, "not here");
  }
  Result<std::unique_ptr<Delivery>> begin(const Envelope& envelope) override {
    if (begin_fails) return fail(*begin_fails, "not to be begun");
    ++begun;
    return std::make_unique<One>(*this, envelope);
  }

  class One final : public Delivery {
   public:
    One(Agent& agent, Envelope envelope) : agent_(agent), now_{.envelope = std::move(envelope)} { ++agent_.open; }
    ~One() override { --agent_.open; }
    Status data(std::string_view octets) override {
      agent_.largest_piece = std::max(agent_.largest_piece, octets.size());
      if (agent_.data_fails) return fail(*agent_.data_fails, "no room");
      now_.octets += octets;
      return {};
    }
    Status done() override {
      if (agent_.done_fails) return fail(*agent_.done_fails, "not kept");
      agent_.mail.push_back(std::move(now_));
      return {};
    }

   private:
    Agent& agent_;
    Delivered now_;
  };

  std::map<std::string, Errc> refusals;
  std::optional<Errc> begin_fails, data_fails, done_fails;
  std::vector<Delivered> mail;
  size_t begun = 0, open = 0, largest_piece = 0;
};

class FixedClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return 1'700'000'000; }
};
inline const FixedClock kClock;

inline const std::string kPlain = base64_encode(std::string_view("\0joe\0pencil", 11));
inline const std::string kHeader = "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@x>\r\n";
inline const std::string kMailAndRcpt = "MAIL FROM:<joe@example.org>\r\nRCPT TO:<ann@example.org>\r\n";

struct Talk {
  explicit Talk(SubmissionOptions options = {}) : o(std::move(options)) {
    o.find_password = [](std::string_view user) {
      return user == "joe" ? std::optional(Secret("pencil")) : std::nullopt;
    };
    o.agent = &agent;
    o.clock = &kClock;
    o.plain_allowed = !o.has_tls;
  }

  void start() {
    session = std::make_unique<SubmissionSession>(o, now);
    banner = session->take_output(now);
  }
  std::string take() {
    std::string out;
    while (true) {
      const std::string more = session->take_output(now);
      if (more.empty()) return out;
      out += more;
    }
  }
  std::string say_raw(std::string_view text) {
    if (session == nullptr) start();
    std::string out;
    const size_t step = piece == 0 ? text.size() : piece;
    for (size_t at = 0; at < text.size(); at += step) {
      session->feed(text.substr(at, step), now);
      out += take();
    }
    return out;
  }
  std::string operator()(const std::string& text) { return say_raw(text + "\r\n"); }
  void log_in() {
    EXPECT_TRUE((*this)("EHLO client.test").ends_with("PLAIN LOGIN\r\n"));
    EXPECT_EQ((*this)("AUTH PLAIN " + kPlain), "235 2.7.0 welcome\r\n");
  }
  // What is answered to a message, dots and end as given.
  std::string submit(const std::string& data) {
    EXPECT_EQ(say_raw(kMailAndRcpt), "250 2.1.0 OK\r\n250 2.1.5 OK\r\n");
    EXPECT_TRUE((*this)("DATA").starts_with("354 "));
    return say_raw(data);
  }

  Agent agent;
  SubmissionOptions o;
  size_t piece = 0;
  Steady::time_point now{};
  std::string banner;
  std::unique_ptr<SubmissionSession> session;
};

}  // namespace libsync::server
