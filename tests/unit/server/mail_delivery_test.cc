// What of a submitted message is in whose mailbox.
#include "libsync/server/mail_delivery.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace libsync::server {
namespace {

class FixedClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return 1'700'000'000; }
};
const FixedClock kClock;

// As much of a user's mail as delivery touches.
class FakeMail final : public Mail {
 public:
  struct Message {
    uint32_t uid = 0;
    std::string octets{};
    uint32_t flags = 0;
  };
  class Octets final : public Incoming {
   public:
    explicit Octets(FakeMail& mail) : mail_(mail) {}
    Status data(std::string_view octets) override {
      if (mail_.data_fails) return fail(Errc::Disk, "disk full");
      text += octets;
      return {};
    }
    std::string text;

   private:
    FakeMail& mail_;
  };

  explicit FakeMail(std::vector<sync::Path> paths) {
    for (auto& path : paths) (void)create_folder(path, sync::Role::None);
  }

  Writable writable() const override { return how; }
  Result<std::vector<Folder>> folders() override { return all; }
  Result<std::optional<Folder>> folder(FolderId) override { return std::nullopt; }
  Result<FolderId> create_folder(const sync::Path& path, sync::Role) override {
    if (create_fails) return fail(*create_fails, "not made");
    all.push_back({.id = static_cast<FolderId>(all.size()) + 1, .path = path});
    return all.back().id;
  }
  Status rename_folder(FolderId, const sync::Path&) override { return {}; }
  Status delete_folder(FolderId) override { return {}; }
  Status subscribe(FolderId, bool) override { return {}; }
  Result<std::optional<View>> view(FolderId) override { return std::nullopt; }
  Result<std::optional<Changes>> changes(FolderId, uint64_t) override { return std::nullopt; }
  Status rows(FolderId, const imap::SequenceSet&, Want, const Visit&) override { return {}; }
  Result<std::string> read(ContentId, uint64_t, uint64_t) override { return std::string(); }
  Result<Stored> change_flags(FolderId id, const imap::SequenceSet& uids, FlagChange change, const sync::Flags& flags,
                              std::optional<uint64_t>) override {
    EXPECT_EQ(change, FlagChange::Add);
    for (Message& message : messages[id]) {
      if (uids.contains(message.uid)) message.flags |= flags.system;
    }
    return Stored{};
  }
  Result<std::unique_ptr<Incoming>> incoming() override { return std::make_unique<Octets>(*this); }
  Result<Placed> append(FolderId id, std::span<NewMessage> news) override {
    if (append_fails) return fail(*append_fails, "not kept");
    Placed placed;
    for (NewMessage& message : news) {
      messages[id].push_back({.uid = ++last_uid, .octets = dynamic_cast<Octets&>(*message.octets).text});
      placed.uids.push_back(last_uid);
    }
    return placed;
  }
  Result<Copied> copy(FolderId, const imap::SequenceSet&, FolderId) override { return Copied{}; }
  Result<Copied> move(FolderId, const imap::SequenceSet&, FolderId) override { return Copied{}; }
  Result<imap::SequenceSet> expunge(FolderId id, const imap::SequenceSet& uids) override {
    std::erase_if(messages[id], [&](const Message& message) {
      return (message.flags & sync::kDeleted) != 0 && uids.contains(message.uid);
    });
    return uids;
  }

  // Octets of all messages of a folder.
  std::vector<std::string> in(const sync::Path& path) {
    std::vector<std::string> octets;
    const auto found = std::ranges::find(all, path, &Folder::path);
    if (found == all.end()) return octets;
    for (const Message& message : messages[found->id]) octets.push_back(message.octets);
    return octets;
  }

  Writable how = Writable::All;
  bool data_fails = false;
  std::optional<Errc> append_fails, create_fails;
  std::vector<Folder> all;
  std::map<FolderId, std::vector<Message>> messages;
  uint32_t last_uid = 0;
};

const sync::Path kInbox = {"INBOX"};
const std::string kTrace =
    "Return-Path: <joe@example.org>\r\n"
    "Received: from c.test\r\n\tby localhost with ESMTPSA;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n";

class MailDelivery : public testing::Test {
 protected:
  MailDeliveryOptions options() {
    return {.open_mail = [this](std::string_view user) -> Result<std::shared_ptr<Mail>> {
              const auto found = mail.find(std::string(user));
              if (found == mail.end()) return fail(Errc::Busy, "not to be opened");
              return found->second;
            },
            .clock = &kClock};
  }
  static Envelope to(std::vector<std::string> recipients) {
    return {.user = "joe",
            .sender = "joe@example.org",
            .recipients = std::move(recipients),
            .client = "c.test",
            .protocol = "ESMTPSA"};
  }
  static Status deliver(DeliveryAgent& agent, const Envelope& envelope) {
    TB_ASSIGN(const auto delivery, agent.begin(envelope));
    TB_TRY(delivery->data("A: 1\r\n"));
    TB_TRY(delivery->data("\r\nx\r\n"));
    return delivery->done();
  }
  std::vector<std::string> inbox(const std::string& user) { return mail.at(user)->in(kInbox); }

  std::map<std::string, std::shared_ptr<FakeMail>> mail = {
      {"ann", std::make_shared<FakeMail>(std::vector<sync::Path>{{"Work", "INBOX"}, kInbox})},
      {"bob", std::make_shared<FakeMail>(std::vector<sync::Path>{kInbox})},
      {"joe", std::make_shared<FakeMail>(std::vector<sync::Path>{kInbox})},
  };
  InboxDelivery inboxes{options(), [](std::string_view address) -> std::optional<std::string> {
                          const size_t at = address.find("@example.org");
                          if (at == address.npos) return std::nullopt;
                          return std::string(address.substr(0, std::min(at, address.find('+'))));
                        }};
  SinkDelivery sink{options()};
};

TEST_F(MailDelivery, PutsTheTraceInFrontAndLeavesTheRest) {
  ASSERT_TRUE(deliver(inboxes, to({"ann@example.org"})));
  EXPECT_EQ(inbox("ann"), std::vector<std::string>{kTrace + "A: 1\r\n\r\nx\r\n"});
  EXPECT_TRUE(inbox("bob").empty());
  EXPECT_TRUE(inbox("joe").empty());
  Envelope bounce = to({"bob@example.org"});
  bounce.sender.clear();
  ASSERT_TRUE(deliver(inboxes, bounce));
  EXPECT_TRUE(inbox("bob").at(0).starts_with("Return-Path: <>\r\nReceived: "));
}

TEST_F(MailDelivery, AnEmptyMessageHasItsTraceToo) {
  const auto delivery = inboxes.begin(to({"ann@example.org"}));
  ASSERT_TRUE(delivery && (*delivery)->done());
  EXPECT_EQ(inbox("ann"), std::vector<std::string>{kTrace});
}

TEST_F(MailDelivery, OneUserGetsItOnceWhateverTheAddresses) {
  ASSERT_TRUE(deliver(inboxes, to({"ann@example.org", "bob@example.org", "ann+x@example.org", "ann@example.org"})));
  EXPECT_EQ(inbox("ann").size(), 1U);
  EXPECT_EQ(inbox("bob"), inbox("ann"));
}

TEST_F(MailDelivery, WithoutDoneThereIsNothing) {
  {
    const auto delivery = inboxes.begin(to({"ann@example.org"}));
    ASSERT_TRUE(delivery && (*delivery)->data("A: 1\r\n"));
  }
  EXPECT_TRUE(inbox("ann").empty());
}

TEST_F(MailDelivery, AllGetItOrNone) {
  const Envelope both = to({"ann@example.org", "bob@example.org"});
  ASSERT_TRUE(deliver(inboxes, to({"ann@example.org"})));
  mail["bob"]->append_fails = Errc::Limit;
  const auto full = deliver(inboxes, both);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::Limit);
  EXPECT_EQ(inbox("ann").size(), 1U) << "what came before stays";
  mail["bob"]->append_fails.reset();
  mail["bob"]->data_fails = true;
  EXPECT_FALSE(deliver(inboxes, both));
  mail["bob"]->data_fails = false;
  mail["bob"]->how = Writable::Flags;
  const auto mirror = deliver(inboxes, both);
  ASSERT_FALSE(mirror);
  EXPECT_EQ(mirror.error().code, Errc::Refused);
  mail["bob"]->how = Writable::All;
  mail["bob"]->all.clear();
  EXPECT_FALSE(deliver(inboxes, both)) << "no INBOX";
  mail.erase("bob");
  EXPECT_FALSE(deliver(inboxes, both));
  EXPECT_EQ(inbox("ann").size(), 1U);
  EXPECT_TRUE(deliver(inboxes, to({"ann@example.org"})));
  EXPECT_EQ(inbox("ann").size(), 2U);
}

TEST_F(MailDelivery, TakesNothingForElsewhere) {
  EXPECT_TRUE(inboxes.accepts("joe", "ann@example.org"));
  const auto status = inboxes.accepts("joe", "ann@elsewhere.test");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Refused);
  EXPECT_FALSE(deliver(inboxes, to({"ann@example.org", "ann@elsewhere.test"})));
  EXPECT_TRUE(inbox("ann").empty());
}

TEST_F(MailDelivery, ControlCharactersBeginNoField) {
  Envelope envelope = to({"ann@example.org"});
  envelope.sender = "a\r\nX: 1@b";
  envelope.client = "c\n\x1b\x7f";
  ASSERT_TRUE(deliver(inboxes, envelope));
  EXPECT_TRUE(inbox("ann").at(0).starts_with("Return-Path: <aX: 1@b>\r\nReceived: from c\r\n\tby ")) << inbox("ann")[0];
}

TEST_F(MailDelivery, ASinkTakesAllOfItWhoeverItIsFor) {
  EXPECT_TRUE(sink.accepts("joe", "x@elsewhere.test"));
  ASSERT_TRUE(deliver(sink, to({"ann@example.org", "x@elsewhere.test\r\nY: 1"})));
  ASSERT_TRUE(deliver(sink, to({"ann@example.org"})));
  const auto all = mail.at("joe")->in({"Sink"});
  ASSERT_EQ(all.size(), 2U) << "the folder was made once";
  EXPECT_EQ(all[0].find("Return-Path: <joe@example.org>\r\nX-Envelope-To: <ann@example.org>\r\n"
                        "X-Envelope-To: <x@elsewhere.testY: 1>\r\nReceived: from c.test\r\n"),
            0U)
      << all[0];
  EXPECT_TRUE(all[0].ends_with("+0000\r\nA: 1\r\n\r\nx\r\n"));
  EXPECT_EQ(mail.at("joe")->all.size(), 2U);
  EXPECT_TRUE(inbox("ann").empty());
  EXPECT_TRUE(inbox("joe").empty());
}

TEST_F(MailDelivery, ASinkThatCannotBeMadeIsAnError) {
  mail.at("joe")->create_fails = Errc::Disk;
  const auto status = deliver(sink, to({"ann@example.org"}));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Disk);
}

}  // namespace
}  // namespace libsync::server
