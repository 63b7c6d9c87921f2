// What every implementation of Mail promises of reading messages, and of those that come (libsync/server/mail.h).
#include <numeric>

#include <gmock/gmock.h>

#include "libsync/base/digest.h"

#include "tests/contract/mail/subject.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using namespace libsync::server;
using ::testing::ElementsAre;

constexpr int64_t kDate = 1'700'000'000;

TEST_P(MailContract, AMessageThatCameIsReadAsItWasSent) {
  const std::string octets = mail_named("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", std::string("\0 and \xff\r\n", 9));
  const uint64_t before = folder(inbox_).highestmodseq;
  const uint32_t uid = append(inbox_, octets, {.system = sync::kSeen, .keywords = {"$Junk"}}, kDate);
  const Row got = row(inbox_, uid);
  EXPECT_EQ(got.row.uid, uid);
  EXPECT_GT(got.row.modseq, before);
  EXPECT_EQ(names(got.row.flags), "\\Seen $Junk");
  EXPECT_EQ(got.row.date, kDate);
  EXPECT_TRUE(got.row.saved);
  EXPECT_GT(got.row.saved.value_or(0), kDate) << "now, not INTERNALDATE";
  EXPECT_EQ(got.row.size, octets.size());
  EXPECT_EQ(got.row.digest, sha256(octets));
  EXPECT_EQ(got.subject, "Grüße");
  EXPECT_EQ(got.from, "Ann <ann@example.org>");
  EXPECT_EQ(got.to, "bob@example.org");
  EXPECT_EQ(got.cc, "") << "known to be empty";
  EXPECT_EQ(mail().read(got.row.content, 0, 1 << 20).value(), octets);
}

TEST_P(MailContract, WithoutADateItIsNow) {
  const std::string octets = "Date: Sat, 01 Jun 2002 08:00:00 +0000\r\n\r\n";
  const Row got = row(inbox_, append(inbox_, octets));
  EXPECT_EQ(got.row.date, got.row.saved) << "not what the message says of itself";
}

TEST_P(MailContract, HandsOutWhatIsWantedAndOnlyThat) {
  append(inbox_, mail_named("one"), {.system = sync::kFlagged}, kDate);
  const Row flags = rows(inbox_, "1", Want::Flags).at(0);
  EXPECT_EQ(names(flags.row.flags), "\\Flagged");
  EXPECT_FALSE(flags.subject);
  const Row facts = rows(inbox_, "1", Want::Facts).at(0);
  EXPECT_EQ(facts.row.date, kDate);
  EXPECT_NE(facts.row.content, 0);
  EXPECT_FALSE(facts.subject);
}

TEST_P(MailContract, AFieldThatIsTooLongIsAbsentAndOthersAreThere) {
  const std::string much(5000, 'x');
  const Row got = row(inbox_, append(inbox_, "From: a@example.org\r\nSubject: " + much + "\r\n\r\n"));
  EXPECT_FALSE(got.subject);
  EXPECT_EQ(got.from, "a@example.org");
}

TEST_P(MailContract, HandsOutRowsInOrderAndPassesOverWhatIsNotThere) {
  for (int i = 1; i <= 60; ++i) append(inbox_, mail_named(std::to_string(i)));
  store_flags(inbox_, "2:3,30", FlagChange::Add, {.system = sync::kDeleted});
  ASSERT_TRUE(mail().expunge(inbox_, set("1:4294967295")));
  const auto list = [&](std::string_view uids) {
    std::string out;
    for (const Row& each : rows(inbox_, uids)) {
      EXPECT_EQ(each.subject, std::to_string(each.row.uid));
      out += (out.empty() ? "" : " ") + std::to_string(each.row.uid);
    }
    return out;
  };
  EXPECT_EQ(list("60,1:5,58"), "1 4 5 58 60");
  EXPECT_EQ(list("1,5,9,55:70,30"), "1 5 9 55 56 57 58 59 60");
  EXPECT_EQ(list("61:4294967295"), "");
  EXPECT_EQ(list("4294967295"), "");
  EXPECT_EQ(list(""), "");
  EXPECT_EQ(rows(inbox_).size(), 57U);
}

TEST_P(MailContract, EndsTheListWhereItIsToldTo) {
  for (int i = 0; i < 5; ++i) append(inbox_, mail_named("x"));
  int seen = 0;
  EXPECT_TRUE(mail().rows(inbox_, set("1:4294967295"), Want::Flags,
                          [&](const MessageRow&, const Columns&) { return ++seen < 3; }));
  EXPECT_EQ(seen, 3);
}

TEST_P(MailContract, ReadsAnyPieceOfAMessage) {
  std::string octets = mail_named("large");
  for (uint32_t state = 1; octets.size() < (3U << 20) + 17;)
    octets += std::to_string(state = state * 1664525 + 1013904223);
  const ContentId id = row(inbox_, append(inbox_, octets)).row.content;
  std::string all;
  while (true) {
    const std::string piece = mail().read(id, all.size(), 1 << 20).value();
    if (piece.empty()) break;
    all += piece;
  }
  EXPECT_TRUE(all == octets);
  for (const uint64_t at : {uint64_t{0}, uint64_t{1}, (uint64_t{1} << 20) - 1, uint64_t{1} << 20, octets.size() - 1}) {
    EXPECT_EQ(mail().read(id, at, 5).value(), octets.substr(at, 5)) << at;
  }
  EXPECT_TRUE(mail().read(id, (1 << 20) - 7, 2 << 20).value() == octets.substr((1 << 20) - 7, 2 << 20));
  EXPECT_EQ(mail().read(id, octets.size(), 5).value(), "");
  EXPECT_EQ(mail().read(id, UINT64_MAX, 5).value(), "");
  EXPECT_EQ(mail().read(id, 0, 0).value(), "");
  EXPECT_EQ(mail().read(4711, 0, 5).error().code, Errc::NotFound);
}

TEST_P(MailContract, TakesAMessageWithoutAnOctet) {
  const Row got = row(inbox_, append(inbox_, ""));
  EXPECT_EQ(got.row.size, 0U);
  EXPECT_EQ(mail().read(got.row.content, 0, 1 << 20).value(), "");
}

TEST_P(MailContract, TakesAMessageInPiecesOfAnySize) {
  for (const size_t size : {size_t{255} << 10, size_t{256} << 10, (size_t{256} << 10) + 1, size_t{1} << 20}) {
    std::string octets(size, 'x');
    std::iota(octets.begin(), octets.end(), static_cast<char>(size));
    NewMessage one{.octets = mail().incoming().value()};
    for (size_t at = 0; at < size; at += 70'001)
      ASSERT_TRUE(one.octets->data(std::string_view(octets).substr(at, 70'001)));
    const uint32_t uid = mail().append(inbox_, {&one, 1}).value().uids.at(0);
    EXPECT_TRUE(mail().read(row(inbox_, uid).row.content, 0, size + 1).value() == octets) << size;
  }
}

TEST_P(MailContract, TakesSeveralMessagesInOrderOrNone) {
  std::vector<NewMessage> messages;
  for (const char* name : {"one", "two", "one"}) messages.push_back(message(mail_named(name)));
  const auto placed = mail().append(archive_, messages).value();
  EXPECT_EQ(placed.uidvalidity, folder(archive_).uidvalidity);
  EXPECT_THAT(placed.uids, ElementsAre(1, 2, 3));
  EXPECT_EQ(row(archive_, 2).subject, "two");
  EXPECT_EQ(row(archive_, 1).row.content, row(archive_, 3).row.content) << "the same octets";

  class Foreign final : public Incoming {
    Status data(std::string_view) override { return {}; }
  };
  std::vector<NewMessage> broken;
  broken.push_back(message(mail_named("three")));
  broken.push_back({.octets = std::make_unique<Foreign>()});
  const uint64_t generation = mail().generation();
  EXPECT_EQ(mail().append(archive_, broken).error().code, Errc::Internal);
  EXPECT_EQ(uids(archive_), "1:3");
  EXPECT_EQ(mail().generation(), generation);
  EXPECT_EQ(append(archive_, mail_named("four")), 4U);
  EXPECT_EQ(row(archive_, 4).subject, "four");
}

TEST_P(MailContract, AMessageThatWasNotAppendedNeverCame) {
  {
    const NewMessage dropped = message(mail_named("dropped"));
  }
  EXPECT_EQ(uids(inbox_), "");
  EXPECT_EQ(append(inbox_, mail_named("one")), 1U);
}

TEST_P(MailContract, CountsWhatIsInAFolder) {
  const std::string one = mail_named("one"), two = mail_named("two and more");
  append(inbox_, one, {.system = sync::kSeen});
  append(inbox_, two);
  const Folder now = folder(inbox_);
  EXPECT_EQ(now.messages, 2U);
  EXPECT_EQ(now.unseen, 1U);
  EXPECT_EQ(now.octets, one.size() + two.size());
  EXPECT_EQ(now.uidnext, 3U);
}

TEST_P(MailContract, ShowsAFolderAsItIsInOneMoment) {
  for (int i = 0; i < 9; ++i) append(inbox_, mail_named("x"), {.keywords = {i % 2 == 0 ? "$Junk" : "b", "Work"}});
  EXPECT_EQ(uids(inbox_), "1:9");
  store_flags(inbox_, "1,4:5", FlagChange::Add, {.system = sync::kDeleted});
  ASSERT_TRUE(mail().expunge(inbox_, set("1:9")));
  const Mail::View view = mail().view(inbox_).value().value();
  EXPECT_EQ(view.uids.text(), "2:3,6:9");
  EXPECT_EQ(view.folder.messages, 6U);
  EXPECT_EQ(view.folder.uidnext, 10U);
  EXPECT_THAT(view.keywords, ElementsAre("$Junk", "b", "Work"));
  EXPECT_EQ(uids(archive_), "");
}

TEST_P(MailContract, TellsWhatAnotherProgramBrought) {
  other().look();
  const uint64_t generation = mail().generation(), since = folder(inbox_).highestmodseq;
  other().look();
  EXPECT_EQ(mail().generation(), generation) << "nothing happened";
  const uint32_t uid = other().deliver(inbox_, mail_named("from elsewhere"), {.system = sync::kAnswered});
  other().look();
  EXPECT_NE(mail().generation(), generation);
  EXPECT_EQ(changed(inbox_, since), "1");
  EXPECT_EQ(row(inbox_, uid).subject, "from elsewhere");
  EXPECT_EQ(append(inbox_, mail_named("here")), uid + 1);
}

}  // namespace
}  // namespace twinbox::contract
