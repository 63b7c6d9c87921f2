// The IMAP replica against a real server.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "libsync/net/connect.h"
#include "libsync/replicas/imap.h"

#include "tests/support/dovecot.h"

namespace libsync::replicas {
namespace {

using twinbox::test::Dovecot;

// Keeps what a mailbox shows, as the engine would.
class Mirror final : public sync::ChangeSink {
 public:
  struct Box {
    std::map<uint64_t, sync::Facts> messages{};
    uint64_t epoch = 0;
    std::string cursor{};
    bool missing = false;
  };
  Status open(const sync::BoxId& id, const sync::BoxState& state) override {
    box = &boxes[id];
    opened += state.full ? "full " : "part ";
    if (state.full || box->epoch != state.epoch) box->messages.clear();
    box->epoch = state.epoch;
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    ++sightings;
    const auto [at, fresh] = box->messages.try_emplace(ref.key.number, facts);
    if (!fresh) at->second.flags = facts.flags;
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key& key) override {
    box->messages.erase(key.number);
    return {};
  }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange> ranges) override {
    std::erase_if(box->messages, [&](const auto& each) {
      return std::ranges::none_of(ranges, [&](const auto& r) { return each.first >= r.first && each.first <= r.last; });
    });
    return {};
  }
  Status close(const sync::BoxId&, std::string_view next, uint64_t exists) override {
    EXPECT_EQ(box->messages.size(), exists);
    box->cursor = next;
    return {};
  }
  Status missing(const sync::BoxId& id) override {
    boxes[id].missing = true;
    return {};
  }
  std::map<sync::BoxId, Box> boxes;
  Box* box = nullptr;
  std::string opened;
  int sightings = 0;
};

class Texts final : public sync::MessageSink {
 public:
  Status begin(uint64_t token, uint64_t) override {
    now = &text[token];
    return {};
  }
  Status data(std::string_view bytes) override {
    now->append(bytes);
    return {};
  }
  Status end(uint64_t) override { return {}; }
  Status failed(uint64_t, const Error& error) override {
    ADD_FAILURE() << error.text();
    return {};
  }
  std::map<uint64_t, std::string> text;
  std::string* now = nullptr;
};

class Nobody final : public sync::ActionSink {
 public:
  Status done(uint64_t, const sync::Outcome&) override { return {}; }
  Status durable() override { return {}; }
};

class ImapOnDovecot : public testing::Test {
 protected:
  void SetUp() override {
    if (!Dovecot::available()) GTEST_SKIP() << "NOT TESTED: no Dovecot here (tools/dev setup)";
    server = std::make_unique<Dovecot>();
  }

  std::unique_ptr<sync::Replica> open(ImapSecurity security) {
    const bool tls = security == ImapSecurity::Tls;
    net::ConnectOptions connect;
    connect.tls.ca_file = server->ca_file();
    auto channel = net::connect({.host = server->host(),
                                 .port = server->port(tls ? "imaps" : "imap"),
                                 .security = tls ? net::Security::ImplicitTls : net::Security::StartTls},
                                connect, {});
    EXPECT_TRUE(channel) << channel.error().text();
    auto replica = open_imap(
        std::move(*channel),
        {.credentials = {.user = server->user(), .password = Secret(server->password())}, .security = security}, {});
    EXPECT_TRUE(replica) << replica.error().text();
    return std::move(*replica);
  }

  // One session: what changed goes into the mirror.
  void look(Mirror& mirror, ImapSecurity security = ImapSecurity::Tls) {
    const auto replica = open(security);
    const auto boxes = replica->mailboxes({});
    ASSERT_TRUE(boxes) << boxes.error().text();
    std::vector<sync::BoxCursor> cursors;
    for (const auto& each : *boxes) {
      if (each.selectable) cursors.push_back({each.id, mirror.boxes[each.id].cursor});
    }
    for (const auto& [id, box] : mirror.boxes) {
      if (std::ranges::find(cursors, id, &sync::BoxCursor::box) == cursors.end()) cursors.push_back({id, box.cursor});
    }
    mirror.opened.clear();
    mirror.sightings = 0;
    const Status status = replica->changes(cursors, mirror, {});
    ASSERT_TRUE(status) << status.error().text();
    round_trips = replica->cost().round_trips;
    Nobody nobody;
    EXPECT_TRUE(replica->finish(nobody, {}));
  }

  std::unique_ptr<Dovecot> server;
  uint64_t round_trips = 0;
};

TEST_F(ImapOnDovecot, EveryOctetComes) {
  const std::vector<std::string> octets{"Subject: a\r\n\r\n.\r\n..x\r\n", "Subject: b\n\nbare line feeds\n",
                                        std::string("Subject: c\r\n\r\nn\0l \xFF\xFE no end", 27), "x",
                                        "Subject: d\r\n\r\n" + std::string(3'000'000, 'y') + "\r\n"};
  for (const std::string& each : octets) server->deliver(each);
  const auto replica = open(ImapSecurity::Tls);
  ASSERT_TRUE(replica->mailboxes({}));
  Mirror mirror;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
  ASSERT_TRUE(replica->changes(cursors, mirror, {}));
  std::vector<sync::FetchItem> items;
  for (const auto& [uid, facts] : mirror.boxes["INBOX"].messages) {
    items.push_back({.token = uid, .ref = {"INBOX", mirror.boxes["INBOX"].epoch, {.number = uid}}, .size = facts.size});
  }
  ASSERT_EQ(items.size(), octets.size());
  Texts texts;
  const Status status = replica->fetch(items, texts, {});
  ASSERT_TRUE(status) << status.error().text();
  for (const auto& [uid, text] : texts.text) {
    EXPECT_EQ(text.size(), mirror.boxes["INBOX"].messages[uid].size);
  }
  const auto came = [&](std::string_view text) {
    return std::ranges::any_of(texts.text, [&](const auto& each) { return each.second == text; });
  };
  EXPECT_TRUE(came(octets[0]));
  EXPECT_TRUE(came("Subject: b\r\n\r\nbare line feeds\r\n"));
  EXPECT_TRUE(came(octets[4]));
}

TEST_F(ImapOnDovecot, ManyMailboxesComeInFewRoundTrips) {
  constexpr int kMailboxes = 20;
  const auto name = [](int i) { return "Box" + std::to_string(i); };
  for (int i = 0; i < kMailboxes; ++i) server->deliver("Subject: " + name(i) + "\r\n\r\n", name(i));
  const auto replica = open(ImapSecurity::Tls);
  ASSERT_TRUE(replica->mailboxes({}));
  Mirror mirror;
  std::vector<sync::BoxCursor> cursors;
  for (int i = 0; i < kMailboxes; ++i) cursors.push_back({name(i), ""});
  ASSERT_TRUE(replica->changes(cursors, mirror, {}));
  const uint64_t after_look = replica->cost().round_trips;
  std::vector<sync::FetchItem> items;
  for (const auto& [id, box] : mirror.boxes) {
    for (const auto& [uid, facts] : box.messages) {
      items.push_back({.token = items.size(), .ref = {id, box.epoch, {.number = uid}}, .size = facts.size});
    }
  }
  ASSERT_EQ(items.size(), size_t{kMailboxes});
  Texts texts;
  const Status status = replica->fetch(items, texts, {});
  ASSERT_TRUE(status) << status.error().text();
  for (const auto& item : items) EXPECT_EQ(texts.text[item.token], "Subject: " + item.ref.box + "\r\n\r\n");
  EXPECT_LE(replica->cost().round_trips - after_look, 4U);
}

TEST_F(ImapOnDovecot, SecondLookSeesOnlyWhatChanged) {
  for (int i = 0; i < 5; ++i) server->deliver("Subject: m\r\n\r\n" + std::to_string(i) + "\r\n");
  server->deliver("Subject: s\r\n\r\nx\r\n", "Work");
  Mirror mirror;
  look(mirror);
  EXPECT_EQ(mirror.boxes["INBOX"].messages.size(), 5U);
  look(mirror, ImapSecurity::StartTls);
  EXPECT_EQ(mirror.opened, "");
  look(mirror);
  EXPECT_EQ(mirror.opened, "");
  // TLS, two for SCRAM-SHA-256, one for LIST with STATUS and all that goes with it.
  EXPECT_LE(round_trips, 4U);

  const std::string user = server->user();
  server->doveadm({"flags", "add", "-u", user, "\\Flagged", "mailbox", "INBOX", "uid", "2"});
  server->doveadm({"expunge", "-u", user, "mailbox", "INBOX", "uid", "4"});
  server->deliver("Subject: n\r\n\r\nnew\r\n");
  look(mirror);
  EXPECT_EQ(mirror.opened, "part ");
  EXPECT_LE(mirror.sightings, 3);
  const auto& inbox = mirror.boxes["INBOX"].messages;
  EXPECT_EQ(inbox.size(), 5U);
  EXPECT_FALSE(inbox.contains(4));
  EXPECT_TRUE(inbox.at(2).flags.system & sync::kFlagged);
  EXPECT_GT(inbox.rbegin()->second.size, 0U);

  server->doveadm({"mailbox", "delete", "-u", user, "Work"});
  look(mirror);
  EXPECT_TRUE(mirror.boxes["Work"].missing);
}

}  // namespace
}  // namespace libsync::replicas
