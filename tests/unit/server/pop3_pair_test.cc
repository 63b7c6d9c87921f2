// The POP3 replica, which mirrors from any server, against the session of this program's own.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "libsync/replicas/pop3.h"
#include "libsync/sasl/registry.h"

#include "tests/support/lent_channel.h"
#include "tests/support/served_channel.h"
#include "tests/unit/server/looks.h"

namespace libsync::server {
namespace {

using twinbox::test::LentChannel;
using twinbox::test::ServedChannel;

class Drop final : public Maildrop {
 public:
  explicit Drop(std::map<std::string, std::string>& mail) : mail_(mail) {
    for (const auto& [uidl, octets] : mail) entries_.push_back({.size = octets.size(), .uidl = uidl});
  }
  std::span<const Entry> entries() const override { return entries_; }
  Result<std::string> read(size_t index, uint64_t offset, size_t most) override {
    const std::string& octets = mail_.at(entries_[index].uidl);
    return offset >= octets.size() ? "" : octets.substr(offset, most);
  }
  Status remove(std::span<const size_t> indexes) override {
    for (const size_t index : indexes) mail_.erase(entries_[index].uidl);
    return {};
  }

 private:
  std::map<std::string, std::string>& mail_;
  std::vector<Entry> entries_;
};

class Pair : public ::testing::Test {
 protected:
  Pair() {
    serving.find_password = [](std::string_view user) {
      return user == "joe" ? std::optional(Secret("pencil")) : std::nullopt;
    };
    serving.open_maildrop = [this](std::string_view) -> Result<std::unique_ptr<Maildrop>> {
      return std::make_unique<Drop>(mail);
    };
    serving.encrypted = true;
    serving.bindings = {{.type = "tls-exporter", .data = "of this connection"}};
    serving.salt_secret = Secret("salt");
    client.credentials = {.user = "joe", .password = Secret("pencil")};
  }

  Result<std::unique_ptr<sync::Replica>> open() {
    channel = std::make_shared<ServedChannel>(serving);
    return replicas::open_pop3(std::make_unique<LentChannel>(channel), client, {});
  }

  // Every octet of every message, under its UIDL.
  std::map<std::string, std::string> all(sync::Replica& replica) {
    Look look;
    const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
    const Status looked = replica.changes(cursors, look, {});
    EXPECT_TRUE(looked) << (looked ? "" : looked.error().text());
    Bodies bodies;
    const Status fetched = replica.fetch(look.items, bodies, {});
    EXPECT_TRUE(fetched) << (fetched ? "" : fetched.error().text());
    std::map<std::string, std::string> found;
    for (const sync::FetchItem& item : look.items) found[item.ref.key.name] = bodies.text[item.token];
    return found;
  }

  std::map<std::string, std::string> mail{{"a", "A: 1\r\n\r\n.\r\n..\r\nx\r\n"},
                                          {"b", "B: 2\r\n\r\nbare\n.\nline ends\n..\r\n"},
                                          {"c", std::string("C: 3\r\n\r\n\0\xff\r\n", 12)},
                                          {"d", "\r\n"},
                                          {"e", std::string(300'000, '.') + "\r\n"}};
  Pop3Options serving;
  replicas::Pop3Options client;
  std::shared_ptr<ServedChannel> channel;
};

TEST_F(Pair, EveryOctetComesByEveryLogin) {
  std::vector<std::string> logins = {"USER"};
  for (const auto& row : sasl::server_mechanisms()) logins.emplace_back(row.name);
  logins.emplace_back("APOP");
  serving.asked_for = {"APOP", "CRAM-MD5"};
  for (const std::string& login : logins) {
    client.mechanism = login;
    auto replica = open();
    ASSERT_TRUE(replica) << login << ": " << replica.error().text();
    EXPECT_EQ(all(**replica), mail) << login;
    client.credentials.password = Secret("pen");
    auto refused = open();
    ASSERT_FALSE(refused) << login;
    EXPECT_EQ(refused.error().code, Errc::Auth) << login << refused.error().text();
    client.credentials.password = Secret("pencil");
  }
}

TEST_F(Pair, WithoutAWordTheBestLoginIsTaken) {
  std::string taken;
  client.on_login = [&](std::string_view mechanism) { taken = mechanism; };
  ASSERT_TRUE(open());
  EXPECT_EQ(taken, "SCRAM-SHA-256-PLUS");
  serving.encrypted = false;
  serving.bindings.clear();
  serving.has_tls = true;
  client.security = replicas::Pop3Security::Stls;
  const auto by_stls = open();
  ASSERT_TRUE(by_stls) << by_stls.error().text();
  EXPECT_EQ(taken, "SCRAM-SHA-256-PLUS");
  serving.off = {"STLS"};
  EXPECT_EQ(open().error().code, Errc::Tls);
}

TEST_F(Pair, APoorerServerServesToo) {
  for (const char* name : {"CAPA", "SASL", "USER", "TOP", "UIDL", "PIPELINING", "UTF8", "RESP-CODES", "EXPIRE"}) {
    serving.off = {name};
    auto replica = open();
    ASSERT_TRUE(replica) << name << ": " << replica.error().text();
    const auto found = all(**replica);
    EXPECT_EQ(found.size(), mail.size()) << name;
    for (const auto& [key, octets] : found) {
      EXPECT_TRUE(std::ranges::any_of(mail, [&](const auto& each) { return each.second == octets; })) << name;
    }
  }
}

TEST_F(Pair, WhatIsRemovedIsGoneBehindQuit) {
  auto replica = open();
  ASSERT_TRUE(replica);
  Look look;
  const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
  ASSERT_TRUE((*replica)->changes(cursors, look, {}));
  std::vector<sync::Action> actions;
  for (const size_t i : {size_t{0}, size_t{3}}) {
    actions.push_back(
        {.token = i, .op = sync::Op::Remove, .ref = look.items[i].ref, .size_expected = look.items[i].size});
  }
  Outcomes sink;
  ASSERT_TRUE((*replica)->apply(actions, sink, {}));
  EXPECT_EQ(mail.size(), 5U);
  ASSERT_TRUE((*replica)->finish(sink, {}));
  EXPECT_EQ(mail.size(), 3U);
  EXPECT_FALSE(mail.contains("a"));
  EXPECT_FALSE(mail.contains("d"));
  EXPECT_EQ(sink.outcomes.back(), sync::Did::Ok);
}

}  // namespace
}  // namespace libsync::server
