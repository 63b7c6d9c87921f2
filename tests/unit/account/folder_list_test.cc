#include "libsync/account/folder_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/account/folder_options.h"
#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

using sync::Path;
using sync::Role;
using sync::Side;
using testing::ElementsAre;
using testing::IsEmpty;

Path path(std::string_view text) { return sync::decode_path(text); }
std::string text(const Path& path) { return path.empty() ? "-" : sync::encode_path(path); }

sync::Mailbox box(std::string_view name, Role role = Role::None) {
  return {.id = std::string(name), .path = path(name), .role = role};
}

store::MailboxInfo box_here(std::string_view name, uint64_t messages = 0, Role role = Role::None) {
  return {.path = path(name), .role = role, .messages = messages};
}

sync::Pair paired(sync::PairId id, std::string_view there, std::string_view here) {
  sync::Pair pair{.id = id};
  pair.at(Side::A) = {.box = "a" + std::to_string(id), .path = path(there), .base = path(there)};
  pair.at(Side::B) = {.box = "b" + std::to_string(id), .path = path(here), .base = path(here)};
  return pair;
}

// "Work = Jobs two-way: is made here".
std::vector<std::string> shown(const Account& account, const KnownFolders& known) {
  std::vector<std::string> out;
  for (const FolderRow& row : list_folders(account, known)) {
    std::string line = text(row.server) + " = " + text(row.here) + " " + std::string(mode_name(row.mode));
    if (!row.skipped.empty()) line += ", skipped: " + row.skipped;
    if (!row.next.empty()) line += ": " + row.next;
    out.push_back(line);
  }
  return out;
}

TEST(FolderList, TellsWhatTheFirstSyncWillDo) {
  Account account;
  account.exclude = {"Spam"};
  account.folder_rules = {{.match = "Old/**", .mode = Mode::Archive},
                          {.match = "Notes", .mode = Mode::Push},
                          {.match = "INBOX/**", .rename = "**"}};
  const KnownFolders known{.server = std::vector{box("Spam"), box("Notes"), box("Old/A"), box("INBOX/Work"),
                                                 box("INBOX", Role::Inbox), box("Work")}};
  EXPECT_THAT(shown(account, known),
              ElementsAre("INBOX = INBOX mirror: is made here", "INBOX/Work = Work mirror: is made here",
                          "Notes = - push: is not made here", "Old/A = Old/A archive: is made here",
                          "Spam = - mirror, skipped: in folders.exclude",
                          "Work = - mirror, skipped: it would be Work here, which is INBOX/Work of the server"));
}

TEST(FolderList, TellsOfFoldersThatAreHereAlone) {
  Account account;
  account.mode = Mode::TwoWay;
  account.folder_rules = {{.match = "Mine/**", .mode = Mode::Mirror}, {.match = "A", .rename = "B"}};
  const KnownFolders known{
      .server = std::vector{box("INBOX")},
      .here = {box_here("INBOX"), box_here("Mine/x"), box_here("New"), box_here("A"), box_here("B")}};
  EXPECT_THAT(
      shown(account, known),
      ElementsAre("INBOX = INBOX two-way", "- = A two-way, skipped: no folder of the server can have this name here",
                  "A = B two-way: is made on the server", "- = Mine/x mirror",
                  "New = New two-way: is made on the server"));
}

TEST(FolderList, WithoutTheServerItIsWhatTheLastSyncLeft) {
  Account account;
  KnownFolders known{.pairs = {paired(1, "INBOX", "INBOX"), paired(2, "Work", "Work (2)")},
                     .here = {box_here("INBOX", 7), box_here("Work (2)", 3)},
                     .kept = {{2, {.here = 2, .there = 1, .flags = 4}}}};
  const auto rows = list_folders(account, known);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].messages, 7U);
  EXPECT_EQ(text(rows[1].here), "Work (2)");
  EXPECT_EQ(rows[1].kept.here, 2U);
  EXPECT_EQ(rows[1].kept.there, 1U);
  EXPECT_EQ(rows[1].kept.flags, 4U);
  EXPECT_THAT(list_folders(account, {}), IsEmpty());
}

TEST(FolderList, ANewRuleRenamesWhatWasSyncedIfTheNameIsFree) {
  Account account;
  account.folder_rules = {{.match = "Work", .rename = "Jobs"}};
  KnownFolders known{.pairs = {paired(1, "Work", "Work")}, .here = {box_here("Work")}};
  EXPECT_THAT(shown(account, known), ElementsAre("Work = Work mirror: is called Jobs here"));
  known.here.push_back(box_here("Jobs"));
  EXPECT_EQ(shown(account, known).front(), "Work = Work mirror: keeps its name, for Jobs can't be had here");
}

TEST(FolderList, FoldersOfOneRoleAreOneWhereThatIsAskedFor) {
  Account account;
  account.mode = Mode::TwoWay;
  const KnownFolders known{.server = std::vector{box("Gesendet", Role::Sent)},
                           .here = {box_here("已发送", 3, Role::Sent)}};
  EXPECT_THAT(shown(account, known), ElementsAre("Gesendet = Gesendet two-way: is made here",
                                                 "已发送 = 已发送 two-way: is made on the server"));
  account.match_roles = true;
  EXPECT_THAT(shown(account, known), ElementsAre("Gesendet = 已发送 two-way"));
}

TEST(FolderOptions, EachFolderIsDoneToWhatItsModeLetsBeDone) {
  Account account;
  account.match_roles = true;
  account.folder_rules = {{.match = "Two", .mode = Mode::TwoWay},
                          {.match = "Push", .mode = Mode::Push},
                          {.match = "Old", .mode = Mode::Archive},
                          {.match = "Far", .rename = "Near"}};
  const FolderMap folders(account);
  sync::SyncOptions options;
  constexpr sync::Capabilities kAll{.folders = true, .flags = true, .append = true, .remove = true};
  set_folder_options(account, folders, kAll, options);
  EXPECT_TRUE(options.match_roles);
  EXPECT_TRUE(options.policy.on(Side::A).add) << "somewhere it may";
  const auto can = [&](Side side, std::string_view name) { return options.can_in(side, paired(1, name, name)); };
  EXPECT_EQ(can(Side::A, "INBOX"), sync::Can::nothing());
  EXPECT_EQ(can(Side::B, "INBOX"), sync::Can::everything());
  EXPECT_EQ(can(Side::A, "Two"), sync::Can::everything());
  EXPECT_EQ(can(Side::A, "Push"), sync::Can::everything());
  EXPECT_EQ(can(Side::B, "Push"), sync::Can::nothing());
  EXPECT_EQ(can(Side::A, "Old"), sync::Can::nothing());
  EXPECT_EQ(can(Side::B, "Old"), sync::Can::no_removals());
  sync::Pair renamed = paired(2, "Push", "Push");
  renamed.at(Side::A).path = path("Stolen");
  EXPECT_EQ(options.can_in(Side::B, renamed), sync::Can::nothing()) << "as long as nobody agreed to that name";
  renamed = paired(3, "Old", "Old");
  renamed.at(Side::A).path = path("Older");
  EXPECT_FALSE(options.can_in(Side::B, renamed).rename_box);
  EXPECT_FALSE(options.can_in(Side::B, renamed).remove);
  EXPECT_EQ(options.translate(Side::A, path("Far")), path("Near"));
  EXPECT_EQ(options.translate(Side::B, path("Near")), path("Far"));
  account.local_flags = true;
  sync::SyncOptions own;
  set_folder_options(account, folders, kAll, own);
  EXPECT_TRUE(own.can_in(Side::B, paired(1, "INBOX", "INBOX")).keeps_flags);
  EXPECT_FALSE(own.can_in(Side::B, paired(2, "Push", "Push")).keeps_flags);
  EXPECT_FALSE(own.policy.keeps_flags);
}

TEST(FolderOptions, WithoutRulesThereIsNothingToAskForEachFolder) {
  Account account;
  account.mode = Mode::Archive;
  const FolderMap folders(account);
  sync::SyncOptions options;
  set_folder_options(account, folders, {.folders = true, .flags = true}, options);
  EXPECT_FALSE(options.can_in);
  EXPECT_FALSE(options.translate);
  EXPECT_EQ(options.policy.on(Side::B), sync::Can::no_removals());
}

}  // namespace
}  // namespace libsync::account
