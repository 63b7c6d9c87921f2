// What every implementation of Mail promises of folders (libsync/server/mail.h).
#include "tests/contract/mail/subject.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using namespace libsync::server;

std::vector<sync::Path> paths(Mail& mail) {
  std::vector<sync::Path> out;
  const auto folders = mail.folders();
  EXPECT_TRUE(folders);
  for (const Folder& folder : *folders) out.push_back(folder.path);
  return out;
}

TEST_P(MailContract, ListsInboxFirstAndOthersByPath) {
  for (const sync::Path& path : std::vector<sync::Path>{{"work", "b"}, {"Zoo"}, {"archive2"}, {"work"}}) {
    EXPECT_TRUE(mail().create_folder(path, sync::Role::None));
  }
  EXPECT_EQ(paths(mail()),
            (std::vector<sync::Path>{{"INBOX"}, {"Archive"}, {"archive2"}, {"work"}, {"work", "b"}, {"Zoo"}}));
}

TEST_P(MailContract, GivesANewFolderItsRoleAndNumbers) {
  const FolderId id = mail().create_folder({"Gesendet", "a/b"}, sync::Role::Sent).value();
  const Folder made = folder(id);
  EXPECT_EQ(made.id, id);
  EXPECT_EQ(made.path, (sync::Path{"Gesendet", "a/b"}));
  EXPECT_EQ(made.role, sync::Role::Sent);
  EXPECT_EQ(made.uidnext, 1U);
  EXPECT_GE(made.highestmodseq, 1U);
  EXPECT_EQ(made.messages, 0U);
  EXPECT_NE(made.uidvalidity, 0U);
  EXPECT_NE(made.uidvalidity, folder(inbox_).uidvalidity);
}

TEST_P(MailContract, RefusesANameThatIsTaken) {
  const auto made = mail().create_folder({"Archive"}, sync::Role::None);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::Refused);
  EXPECT_FALSE(made.error().hint.empty());
  EXPECT_EQ(paths(mail()).size(), 2U);
}

TEST_P(MailContract, RefusesNamesThatCannotBe) {
  for (const sync::Path& path : {sync::Path{}, sync::Path{""}, sync::Path{"a", ""}, sync::Path{std::string(1025, 'x')},
                                 sync::Path(65, "deep")}) {
    EXPECT_EQ(mail().create_folder(path, sync::Role::None).error().code, Errc::Usage);
    EXPECT_EQ(mail().rename_folder(archive_, path).error().code, Errc::Usage);
  }
  EXPECT_EQ(paths(mail()).size(), 2U);
}

TEST_P(MailContract, RenamesAFolderWithThoseBelowIt) {
  const FolderId child = mail().create_folder({"Archive", "2024"}, sync::Role::None).value();
  const FolderId alike = mail().create_folder({"Archives"}, sync::Role::None).value();
  const uint32_t uid = append(child, mail_named("in it"));
  const uint32_t uidvalidity = folder(child).uidvalidity;
  ASSERT_TRUE(mail().rename_folder(archive_, {"Old", "all"}));
  EXPECT_EQ(folder(archive_).path, (sync::Path{"Old", "all"}));
  EXPECT_EQ(folder(child).path, (sync::Path{"Old", "all", "2024"}));
  EXPECT_EQ(folder(alike).path, (sync::Path{"Archives"}));
  EXPECT_EQ(folder(child).uidvalidity, uidvalidity);
  EXPECT_EQ(row(child, uid).subject, "in it");
}

TEST_P(MailContract, LeavesWhatIsBelowInboxWhereItIs) {
  const FolderId child = mail().create_folder({"INBOX", "x"}, sync::Role::None).value();
  ASSERT_TRUE(mail().rename_folder(inbox_, {"Was inbox"}));
  EXPECT_EQ(folder(child).path, (sync::Path{"INBOX", "x"}));
}

TEST_P(MailContract, RenamesNothingWhereAnyNameIsTaken) {
  const FolderId child = mail().create_folder({"Archive", "2024"}, sync::Role::None).value();
  ASSERT_TRUE(mail().create_folder({"Old", "2024"}, sync::Role::None));
  EXPECT_EQ(mail().rename_folder(archive_, {"Old"}).error().code, Errc::Refused);
  EXPECT_EQ(mail().rename_folder(archive_, {"INBOX"}).error().code, Errc::Refused);
  EXPECT_EQ(mail().rename_folder(archive_, {"Archive"}).error().code, Errc::Refused);
  EXPECT_EQ(mail().rename_folder(archive_, {"Archive", "below"}).error().code, Errc::Usage);
  EXPECT_EQ(folder(archive_).path, (sync::Path{"Archive"}));
  EXPECT_EQ(folder(child).path, (sync::Path{"Archive", "2024"}));
}

TEST_P(MailContract, DeletesAFolderWithItsMessagesAndLeavesThoseBelow) {
  const FolderId child = mail().create_folder({"Archive", "2024"}, sync::Role::None).value();
  append(archive_, mail_named("one"));
  append(archive_, mail_named("two"));
  ASSERT_TRUE(mail().delete_folder(archive_));
  EXPECT_FALSE(mail().folder(archive_).value());
  EXPECT_FALSE(mail().view(archive_).value());
  EXPECT_FALSE(mail().changes(archive_, 0).value());
  EXPECT_EQ(folder(child).path, (sync::Path{"Archive", "2024"}));
}

TEST_P(MailContract, GivesAFolderMadeAgainAnotherIdAndUidvalidity) {
  const uint32_t before = folder(archive_).uidvalidity;
  ASSERT_TRUE(mail().delete_folder(archive_));
  const FolderId again = mail().create_folder({"Archive"}, sync::Role::None).value();
  EXPECT_NE(again, archive_);
  EXPECT_GT(folder(again).uidvalidity, before);
}

TEST_P(MailContract, SubscribesAndUnsubscribes) {
  for (const bool wanted : {false, true, false}) {
    ASSERT_TRUE(mail().subscribe(archive_, wanted));
    EXPECT_EQ(folder(archive_).subscribed, wanted);
  }
}

TEST_P(MailContract, TellsOfAFolderThatIsGone) {
  const FolderId gone = 4711;
  EXPECT_FALSE(mail().folder(gone).value());
  EXPECT_FALSE(mail().view(gone).value());
  EXPECT_FALSE(mail().changes(gone, 0).value());
  const auto visit = [](const MessageRow&, const Columns&) { return true; };
  EXPECT_EQ(mail().rows(gone, set("1"), Want::Flags, visit).error().code, Errc::NotFound);
  EXPECT_EQ(mail().rename_folder(gone, {"x"}).error().code, Errc::NotFound);
  EXPECT_EQ(mail().delete_folder(gone).error().code, Errc::NotFound);
  EXPECT_EQ(mail().subscribe(gone, true).error().code, Errc::NotFound);
  EXPECT_EQ(mail().change_flags(gone, set("1"), FlagChange::Add, {}, {}).error().code, Errc::NotFound);
  EXPECT_EQ(mail().expunge(gone, set("1")).error().code, Errc::NotFound);
  append(inbox_, mail_named("one"));
  EXPECT_EQ(mail().copy(inbox_, set("1"), gone).error().code, Errc::NotFound);
  EXPECT_EQ(mail().copy(gone, set("1"), inbox_).error().code, Errc::NotFound);
  EXPECT_EQ(mail().move(inbox_, set("1"), gone).error().code, Errc::NotFound);
  NewMessage one = message("\r\n");
  EXPECT_EQ(mail().append(gone, {&one, 1}).error().code, Errc::NotFound);
  EXPECT_EQ(uids(inbox_), "1");
}

TEST_P(MailContract, TellsOfEveryChangeToFolders) {
  uint64_t last = mail().generation();
  const auto raised = [&] { return std::exchange(last, mail().generation()) != last; };
  EXPECT_FALSE(raised());
  const FolderId id = mail().create_folder({"x"}, sync::Role::None).value();
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().rename_folder(id, {"y"}));
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().subscribe(id, false));
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().delete_folder(id));
  EXPECT_TRUE(raised());
}

}  // namespace
}  // namespace twinbox::contract
