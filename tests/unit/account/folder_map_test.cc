#include "libsync/account/folder_map.h"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/account/folder_rights.h"
#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

using sync::Path;
using sync::Side;

Path path(std::string_view text) { return sync::decode_path(text); }
std::string text(const Path& path) { return sync::encode_path(path); }

Account account(std::vector<FolderRule> rules) {
  Account out;
  out.name = "a";
  uint32_t line = 3;
  for (FolderRule& rule : rules) {
    rule.line = line;
    line += 4;
  }
  out.folder_rules = std::move(rules);
  return out;
}

sync::Pair paired(sync::PairId id, std::string_view there, std::string_view here) {
  sync::Pair pair{.id = id};
  pair.at(Side::A) = {.box = "a" + std::to_string(id), .path = path(there), .base = path(there)};
  pair.at(Side::B) = {.box = "b" + std::to_string(id), .path = path(here), .base = path(here)};
  return pair;
}

// What each folder of a server is called here, in words: "INBOX/Work=Work", or "Work!" for one that takes no part.
std::string shown(const FolderMap& folders, const std::vector<std::string>& server) {
  std::string out;
  for (const std::string& name : server) {
    out += out.empty() ? "" : " ";
    out += folders.takes_part(path(name)) ? name + "=" + text(folders.here(path(name))) : name + "!";
  }
  return out;
}

std::string mapped(const std::vector<FolderRule>& rules, const std::vector<std::string>& server,
                   const std::vector<sync::Pair>& pairs = {}) {
  const Account one = account(rules);
  FolderMap folders(one);
  std::vector<Path> paths;
  for (const std::string& name : server) paths.push_back(path(name));
  folders.know(pairs);
  folders.list(paths);
  return shown(folders, server);
}

const FolderRule kGmail{.match = "[Gmail]/All Mail", .rename = "Archive"};
const FolderRule kCourier{.match = "INBOX/**", .rename = "**"};

TEST(RenamePattern, IsANameOrWhatIsBelowOne) {
  EXPECT_EQ(rename_pattern("[Gmail]/All Mail")->path, (Path{"[Gmail]", "All Mail"}));
  EXPECT_TRUE(rename_pattern("A/B/**")->below);
  EXPECT_TRUE(rename_pattern("**")->path.empty());
  EXPECT_EQ(rename_pattern("inbox/A")->path, (Path{"INBOX", "A"}));
  EXPECT_EQ(rename_pattern("a%2Fb")->path, (Path{"a/b"}));
  for (const char* bad : {"", "*", "A*", "A/*", "A/**/B", "/**", "A//B", "/A", "A/", "A?", "**/A", "A\n"}) {
    EXPECT_FALSE(rename_pattern(bad)) << bad;
  }
}

TEST(FolderMap, WithoutRulesIsEverythingCalledAsItIs) {
  EXPECT_EQ(mapped({}, {"INBOX", "Work", "a%2Fb"}), "INBOX=INBOX Work=Work a%2Fb=a%2Fb");
}

TEST(FolderMap, RenamesOneFolderAndLeavesThoseBelowIt) {
  EXPECT_EQ(mapped({kGmail}, {"INBOX", "[Gmail]/All Mail", "[Gmail]/All Mail/Old", "[Gmail]/Spam"}),
            "INBOX=INBOX [Gmail]/All Mail=Archive [Gmail]/All Mail/Old=[Gmail]/All Mail/Old [Gmail]/Spam=[Gmail]/Spam");
}

TEST(FolderMap, TakesAPrefixAwayOrPutsOneInFront) {
  EXPECT_EQ(mapped({kCourier}, {"INBOX", "INBOX/Work", "INBOX/Work/Old", "Public"}),
            "INBOX=INBOX INBOX/Work=Work INBOX/Work/Old=Work/Old Public=Public");
  EXPECT_EQ(mapped({{.match = "**", .rename = "Uni/**"}}, {"INBOX", "Work", "INBOX/A"}),
            "INBOX=INBOX Work=Uni/Work INBOX/A=Uni/INBOX/A");
  EXPECT_EQ(mapped({{.match = "A/B/**", .rename = "C/**"}}, {"A/B", "A/B/D", "A/BC/D"}),
            "A/B=A/B A/B/D=C/D A/BC/D=A/BC/D");
}

TEST(FolderMap, TheFirstRuleThatSpeaksOfAFolderCounts) {
  EXPECT_EQ(mapped({{.match = "INBOX/Sent", .rename = "Post/Sent"}, kCourier}, {"INBOX/Sent", "INBOX/Work"}),
            "INBOX/Sent=Post/Sent INBOX/Work=Work");
}

// RFC 3501, section 5.1: INBOX is one mailbox, in any letters.
TEST(FolderMap, NothingElseBecomesInbox) {
  EXPECT_EQ(mapped({{.match = "Old/**", .rename = "**"}}, {"INBOX", "Old/INBOX", "Old/inbox", "Old/Inbox/A", "Old/B"}),
            "INBOX=INBOX Old/INBOX=Old/INBOX Old/inbox=Old/inbox Old/Inbox/A=Old/Inbox/A Old/B=B");
  EXPECT_EQ(mapped({{.match = "Old/**", .rename = "INBOX/Old/**"}}, {"Old/A"}), "Old/A=INBOX/Old/A");
}

TEST(FolderMap, CapitalsCount) {
  EXPECT_EQ(mapped({{.match = "Work", .rename = "Jobs"}}, {"Work", "work", "jobs"}), "Work=Jobs work=work jobs=jobs");
}

TEST(FolderMap, OfTwoThatWouldHaveOneNameARuleGoesBeforeTheNameThere) {
  EXPECT_EQ(mapped({kGmail}, {"Archive", "[Gmail]/All Mail"}), "Archive! [Gmail]/All Mail=Archive");
  EXPECT_EQ(mapped({kGmail}, {"Archive"}), "Archive=Archive") << "nobody else wants it";
  EXPECT_EQ(mapped({kCourier}, {"Work", "INBOX/Work"}), "Work! INBOX/Work=Work");
  EXPECT_EQ(mapped({{.match = "A/**", .rename = "C/**"}, {.match = "B", .rename = "C/X"}}, {"A/X", "B"}), "A/X=C/X B!");
}

TEST(FolderMap, TheOtherOneIsNamed) {
  const Account one = account({kGmail});
  FolderMap folders(one);
  const std::vector<Path> server = {path("Archive"), path("[Gmail]/All Mail")};
  folders.list(server);
  EXPECT_EQ(folders.why_skipped(path("Archive")), "it would be Archive here, which is [Gmail]/All Mail of the server");
  EXPECT_TRUE(folders.clashes(path("Archive")));
  EXPECT_FALSE(folders.clashes(path("[Gmail]/All Mail")));
}

TEST(FolderMap, WhatWasSyncedBeforeKeepsItsName) {
  EXPECT_EQ(mapped({kGmail}, {"Archive", "[Gmail]/All Mail"}, {paired(1, "Archive", "Archive")}),
            "Archive=Archive [Gmail]/All Mail!");
  EXPECT_EQ(mapped({kGmail}, {"[Gmail]/All Mail"}, {paired(1, "[Gmail]/All Mail", "[Gmail]/All Mail")}),
            "[Gmail]/All Mail=[Gmail]/All Mail");
}

TEST(FolderMap, WhatIsSkippedLeavesItsNameToOthers) {
  EXPECT_EQ(mapped({{.match = "INBOX/Work", .skip = true}, kCourier}, {"INBOX/Work", "Work"}), "INBOX/Work! Work=Work");
}

TEST(FolderMap, ANewFolderIsMadeWhereTheRulesWouldHaveIt) {
  const Account one = account({kCourier, kGmail});
  FolderMap folders(one);
  const std::vector<Path> server = {path("INBOX"), path("INBOX/Work"), path("Public")};
  folders.list(server);
  EXPECT_EQ(text(folders.there(path("Notes"))), "INBOX/Notes");
  EXPECT_EQ(text(folders.there(path("Public"))), "Public");
  EXPECT_EQ(text(folders.there(path("Work"))), "INBOX/Work");
  EXPECT_EQ(text(folders.there(path("INBOX"))), "INBOX");
}

TEST(FolderMap, ANameThatNoFolderThereCanHaveIsForThisSideAlone) {
  const Account one = account({{.match = "A", .rename = "B"}});
  const FolderMap folders(one);
  EXPECT_TRUE(folders.there(path("A")).empty()) << "A of the server is B here";
  EXPECT_EQ(text(folders.there(path("B"))), "A");
  EXPECT_FALSE(folders.takes_part({}));
}

TEST(FolderMap, PatternsAndSkipSayWhoTakesPart) {
  Account one = account({{.match = "Lists/dear", .skip = false}, {.match = "Lists/**", .skip = true}});
  one.exclude = {"Spam"};
  one.include = {"INBOX", "Lists/**", "Spam"};
  const FolderMap folders(one);
  EXPECT_EQ(folders.why_skipped(path("INBOX")), "");
  EXPECT_EQ(folders.why_skipped(path("Lists/dear")), "");
  EXPECT_EQ(folders.why_skipped(path("Lists/x")), "by the rule in line 7");
  EXPECT_EQ(folders.why_skipped(path("Spam")), "in folders.exclude");
  EXPECT_EQ(folders.why_skipped(path("Work")), "not in folders.include");
}

TEST(FolderMap, TheFirstRuleThatNamesAModeCounts) {
  Account one = account({{.match = "Archive/2026", .mode = Mode::TwoWay},
                         {.match = "Archive/**", .mode = Mode::Archive},
                         {.match = "Archive/**", .rename = "Old/**"}});
  one.mode = Mode::Mirror;
  const FolderMap folders(one);
  EXPECT_EQ(folders.mode(path("Archive/2026")), Mode::TwoWay);
  EXPECT_EQ(folders.mode(path("Archive/2025")), Mode::Archive);
  EXPECT_EQ(folders.mode(path("Archive")), Mode::Mirror);
  EXPECT_TRUE(folders.changes_server());
  EXPECT_TRUE(folders.any(Mode::Archive));
  EXPECT_FALSE(folders.any(Mode::Push));
}

// Whatever rules, folders and history: no two folders have one name, and each name leads back.
TEST(FolderMap, NamesAreOneToOneWhateverTheRules) {
  std::mt19937 choose(20261128);
  const auto pick = [&](const std::vector<std::string>& of) { return of[choose() % of.size()]; };
  const std::vector<std::string> words = {"A", "B", "C", "INBOX", "inbox", "a"};
  const auto name = [&] {
    std::string out = pick(words);
    while (choose() % 2 == 0) out += "/" + pick(words);
    return out;
  };
  uint64_t clashes = 0, renamed = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<FolderRule> rules;
    for (size_t i = choose() % 4 + 1; i > 0; --i) {
      FolderRule rule{.match = name(), .rename = name()};
      if (choose() % 2 == 0) {
        rule.match = choose() % 4 == 0 ? "**" : rule.match + "/**";
        rule.rename = choose() % 4 == 0 ? "**" : rule.rename + "/**";
      } else if (sync::is_inbox(path(rule.match)) || sync::is_inbox(path(rule.rename))) {
        continue;  // the configuration refuses it
      }
      rules.push_back(rule);
    }
    const Account one = account(rules);
    FolderMap folders(one);
    std::set<Path> server = {{"INBOX"}};
    for (size_t i = choose() % 8; i > 0; --i) {
      Path each = path(name());
      if (sync::is_inbox(each) || each.front() == "inbox") each.front() = "INBOX";
      server.insert(each);
      if (choose() % 2 == 0) server.insert(folders.by_rules(each));  // its name here is taken there
    }
    const std::vector<Path> listed(server.begin(), server.end());
    folders.list(listed);
    std::set<Path> here;
    for (const Path& each : listed) {
      if (!folders.takes_part(each)) {
        ++clashes;
        continue;
      }
      const Path local = folders.here(each);
      renamed += local != each ? 1 : 0;
      EXPECT_TRUE(here.insert(local).second) << text(local) << " twice";
      EXPECT_EQ(folders.there(local), each) << text(each) << " is " << text(local);
      EXPECT_EQ(sync::is_inbox(each), sync::is_inbox(local)) << text(each) << " is " << text(local);
    }
    const Path fresh = path(name());
    const Path there = folders.there(fresh);
    if (!there.empty() && !sync::is_inbox(fresh)) {
      EXPECT_EQ(folders.here(there), fresh) << text(fresh) << " is " << text(there);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(clashes, 100U);
  EXPECT_GT(renamed, 100U);
}

TEST(FolderRights, AreThoseOfTheFoldersMode) {
  Account one = account({{.match = "Two/**", .mode = Mode::TwoWay},
                         {.match = "Push", .mode = Mode::Push},
                         {.match = "Old/**", .mode = Mode::Archive},
                         {.match = "Old/**", .rename = "Kept/**"}});
  const std::vector<sync::Pair> pairs = {paired(1, "INBOX", "INBOX"), paired(2, "Old/2025", "Kept/2025")};
  const FolderRights rights(one, pairs);
  EXPECT_EQ(rights.in(path("INBOX")), Right::Nothing);
  EXPECT_EQ(rights.in(path("Two/A")), Right::Carried);
  EXPECT_EQ(rights.in(path("Push")), Right::Carried);
  EXPECT_EQ(rights.in(path("Kept/2025")), Right::Own) << "by its name on the server";
  EXPECT_EQ(rights.most(), Right::Carried);
  EXPECT_TRUE(rights.may_move(path("Two/A"), path("Push")));
  EXPECT_FALSE(rights.may_move(path("Two/A"), path("Kept/2025")));
  EXPECT_FALSE(rights.may_move(path("INBOX"), path("Two/A")));
  EXPECT_TRUE(rights.may_change_folder(path("Two/A")));
  EXPECT_FALSE(rights.may_change_folder(path("Kept/2025"))) << "the server's";
  EXPECT_TRUE(rights.may_change_folder(path("Kept/mine")));
  EXPECT_FALSE(rights.may_change_folder(path("INBOX")));
  one.local_flags = true;
  EXPECT_EQ(FolderRights(one, pairs).in(path("INBOX")), Right::Flags);
  one.remote.protocol = Protocol::Pop3;
  EXPECT_EQ(FolderRights(one, pairs).in(path("INBOX")), Right::Own);
}

}  // namespace
}  // namespace libsync::account
