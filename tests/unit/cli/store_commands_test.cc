// Commands that read the local store, on a store made here.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/store/store.h"

#include "tests/unit/cli/fake_surroundings.h"

namespace twinbox {
namespace {

namespace store = libsync::store;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kPlain =
    "From: Anna <anna@example.org>\r\nTo: me@example.org\r\nSubject: invoice 7\r\n"
    "Date: Mon, 21 Sep 2026 10:00:00 +0000\r\n\r\nThe amount \x1B[2Jis due.\r\n";
constexpr const char* kChinese =
    "From: =?utf-8?b?5byg5Lyf?= <zw@example.org>\r\nSubject: =?utf-8?b?5Y+R56Wo?=\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xE4\xBD\xA0\xE5\xA5\xBD\r\n";

std::string contents(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// An account "work" with INBOX (two messages) and Archive/2026 (one of them again).
class StoreCommands : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(twinbox("account add work me@qq.com"), 0) << twinbox.err;
    const std::string directory = (twinbox.home.path() / ".local/share/twinbox/work").string();
    auto opened = store::Store::open(directory, {.mode = store::StoreMode::Create});
    ASSERT_TRUE(opened) << opened.error().what;
    store::Store& s = **opened;
    const auto plain = s.stage(kPlain);
    const auto chinese = s.stage(kChinese);
    ASSERT_TRUE(plain && chinese);
    auto write = s.begin();
    ASSERT_TRUE(write) << write.error().what;
    const auto inbox = (*write)->create_mailbox({"INBOX"});
    const auto archive = (*write)->create_mailbox({"Archive", "2026"});
    ASSERT_TRUE(inbox && archive);
    libsync::sync::Flags flags{.system = libsync::sync::kSeen};
    flags.add_keyword("$Work");
    ASSERT_TRUE((*write)->add(*inbox, *plain, flags, 1'789'000'000));
    ASSERT_TRUE((*write)->add(*inbox, *chinese, {}, 1'789'500'000));
    ASSERT_TRUE((*write)->add(*archive, *plain, {}, 1'700'000'000));
    ASSERT_TRUE((*write)->commit());
    ASSERT_TRUE(s.record_run({.started = 1'789'999'000, .finished = 1'789'999'880, .ok = true, .added = 3}));
    ASSERT_TRUE(s.record_run({.started = 1'789'999'900,
                              .finished = 1'789'999'990,
                              .error = {.code = libsync::Errc::Network, .what = "no answer", .retry = true},
                              .skipped = 1}));
  }
  test::Fake twinbox;
};

TEST_F(StoreCommands, LsListsNewestFirst) {
  ASSERT_EQ(twinbox("ls work"), 0) << twinbox.err;
  const size_t chinese = twinbox.out.find("发票"), invoice = twinbox.out.find("invoice 7");
  ASSERT_NE(chinese, std::string::npos) << twinbox.out;
  EXPECT_LT(chinese, invoice);
  EXPECT_THAT(twinbox.out, HasSubstr("Archive/2026"));
  ASSERT_EQ(twinbox("ls work Archive/2026 --json"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, StartsWith("{\"id\":"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"folder\":\"Archive/2026\",\"subject\":\"invoice 7\""));
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 1);
  ASSERT_EQ(twinbox("ls work inbox --limit 1 --json"), 0) << twinbox.err;
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 1);
}

TEST_F(StoreCommands, JsonHasFlagsAndKeywords) {
  ASSERT_EQ(twinbox("ls work INBOX --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"flags\":[\"seen\"],\"keywords\":[\"$Work\"]"));
}

TEST_F(StoreCommands, LsFoldersCounts) {
  ASSERT_EQ(twinbox("ls work --folders"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("INBOX"));
  ASSERT_EQ(twinbox("ls work --folders --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"folder\":\"INBOX\",\"path\":[\"INBOX\"],\"messages\":2,\"unread\":1"));
}

TEST_F(StoreCommands, AWrongFolderOrIdIsNamed) {
  EXPECT_EQ(twinbox("ls work Archive/2025"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean \"Archive/2026\"?"));
  EXPECT_EQ(twinbox("show work 4711"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("no message has the id 4711"));
  EXPECT_EQ(twinbox("show work x"), 2);
  EXPECT_EQ(twinbox("ls wrok"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean work?"));
}

TEST_F(StoreCommands, ShowGivesTextThatATerminalMayHaveAndExactOctetsOtherwise) {
  ASSERT_EQ(twinbox("show work 1"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("Subject:  invoice 7\n"));
  EXPECT_THAT(twinbox.out, HasSubstr("The amount  [2Jis due.\n"));
  ASSERT_EQ(twinbox("show work 1 --raw"), 0);
  EXPECT_EQ(twinbox.out, kPlain);
  ASSERT_EQ(twinbox("show work 1 2 --raw"), 0);
  EXPECT_EQ(twinbox.out, std::string(kPlain) + kChinese);
  twinbox.around.out.terminal = true;
  ASSERT_EQ(twinbox("show work 1 --raw"), 0);
  EXPECT_THAT(twinbox.out, Not(HasSubstr("\x1B")));
  EXPECT_EQ(twinbox("show work 1 --raw --json"), 2);
}

TEST_F(StoreCommands, ShowPartsAndJson) {
  ASSERT_EQ(twinbox("show work 2 --part 1"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "你好\r\n");
  ASSERT_EQ(twinbox("show work 2 --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"text\":\"你好\\n\""));
}

TEST_F(StoreCommands, SearchFindsChineseAndNeedsNoAccount) {
  ASSERT_EQ(twinbox("search 发票"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("发票"));
  ASSERT_EQ(twinbox("search work invoice --json"), 0) << twinbox.err;
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 2);
  EXPECT_THAT(twinbox.out, StartsWith("{\"account\":\"work\","));
  ASSERT_EQ(twinbox("search nothingatall"), 0);
  EXPECT_EQ(twinbox.err, "nothing found\n");
}

TEST_F(StoreCommands, ExportWritesExactOctetsTwiceTheSame) {
  const std::string directory = twinbox.home / "out";
  ASSERT_EQ(twinbox("export work --eml " + directory), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("3 messages written"));
  EXPECT_EQ(contents(directory + "/INBOX/1-invoice 7.eml"), kPlain);
  EXPECT_EQ(contents(directory + "/INBOX/2-发票.eml"), kChinese);
  EXPECT_EQ(contents(directory + "/Archive/2026/1-invoice 7.eml"), kPlain);
  ASSERT_EQ(twinbox("export work --eml " + directory), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("3 were there already"));
  std::ofstream(directory + "/INBOX/2-发票.eml") << "mine";
  EXPECT_EQ(twinbox("export work INBOX --eml " + directory), 3);
  EXPECT_THAT(twinbox.err, HasSubstr("1 failed"));
  EXPECT_EQ(contents(directory + "/INBOX/2-发票.eml"), "mine");
  EXPECT_EQ(twinbox("export work"), 2);
  EXPECT_EQ(twinbox("export work --eml a --mbox b"), 2);
}

TEST_F(StoreCommands, ExportToStandardOutputIsAnMbox) {
  ASSERT_EQ(twinbox("export work INBOX --mbox -"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, StartsWith("From anna@example.org "));
  EXPECT_EQ(twinbox.out.find('\r'), std::string::npos);
}

TEST_F(StoreCommands, VerifyAndCompactSayWhatTheyFound) {
  ASSERT_EQ(twinbox("verify work"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("every octet is as it came"));
  ASSERT_EQ(twinbox("compact work --json"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, StartsWith("{\"account\":\"work\""));
}

TEST_F(StoreCommands, ADamagedStoreEndsWithEight) {
  const auto content = twinbox.home.path() / ".local/share/twinbox/work/content";
  for (const auto& entry : std::filesystem::directory_iterator(content)) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(entry.file_size() / 3));
    file << "XXXXXXXXXXXXXXXX";
  }
  EXPECT_EQ(twinbox("verify work"), 8) << twinbox.out << twinbox.err;
}

TEST_F(StoreCommands, StatusTellsLastSuccessAndWhatFailedSince) {
  ASSERT_EQ(twinbox("status"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("2 min ago  ✗"));
  EXPECT_THAT(twinbox.out, HasSubstr("3 msgs"));
  EXPECT_THAT(twinbox.out, HasSubstr("1 skipped : no answer"));
  ASSERT_EQ(twinbox("status work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"protocol\":\"IMAP\""));
  EXPECT_THAT(twinbox.out, HasSubstr("\"error\":{\"code\":\"network\",\"what\":\"no answer\",\"retry\":true}"));
}

TEST_F(StoreCommands, StatusNamesTheCommandThatSettlesWhatIsOpen) {
  const std::string directory = (twinbox.home.path() / ".local/share/twinbox/work").string();
  {
    auto opened = store::Store::open(directory, {.mode = store::StoreMode::ReadWrite});
    ASSERT_TRUE(opened);
    ASSERT_TRUE((*opened)->record_run({.started = 1'789'999'991,
                                       .finished = 1'789'999'995,
                                       .ok = true,
                                       .skipped = 1,
                                       .held = 150,
                                       .suspect = 3000,
                                       .doubtful = 2,
                                       .refused = 4}));
  }
  ASSERT_EQ(twinbox("status"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("150 held, 3,000 suspect, 2 folders doubtful, 4 refused, 1 skipped\n"));
  for (const char* line : {"work: 150 held: gone on the server, kept here: twinbox sync work --allow-deletes 3150",
                           "work: 3,000 suspect: ", "work: 2 folders doubtful: ", "work: 4 refused: ",
                           ": twinbox verify work --remote\n", "work: 1 skipped: "}) {
    EXPECT_THAT(twinbox.out, HasSubstr(line));
  }
  ASSERT_EQ(twinbox("status --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"suspect\":3000,\"doubtful\":2,\"refused\":4,\"skipped\":1"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"settle\":{\"held\":\"twinbox sync work --allow-deletes 3150\""));
  EXPECT_THAT(twinbox.out, Not(HasSubstr("\"error\"")));
}

TEST_F(StoreCommands, AReaderThatLeavesIsNoError) {
  twinbox.out_fails = std::make_error_code(std::errc::broken_pipe);
  for (const char* line : {"ls work", "show work 1 --raw", "export work --mbox -", "account list", "--help"}) {
    EXPECT_EQ(twinbox(line), 0) << line;
    EXPECT_THAT(twinbox.err, Not(HasSubstr("twinbox:"))) << line;
  }
}

TEST_F(StoreCommands, WhatCouldNotBeWrittenIsAnError) {
  twinbox.out_fails = std::make_error_code(std::errc::no_space_on_device);
  for (const char* line : {"ls work", "ls work --json", "show work 1 --raw", "show work 2 --part 1", "search invoice",
                           "export work --mbox -", "account list", "status", "sync --help"}) {
    EXPECT_EQ(twinbox(line), 3) << line;
    EXPECT_THAT(twinbox.err, HasSubstr("standard output: No space left on device")) << line;
  }
}

}  // namespace
}  // namespace twinbox
