// Commands that read the local store, on a store made here.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/store/link_table.h"
#include "libsync/store/store.h"

#include "tests/support/old_store.h"
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
  for (const auto& [wrong, near] : {std::pair("inbx", "INBOX"), std::pair("archive/2026", "Archive/2026"),
                                    std::pair("2026", "Archive/2026"), std::pair("ARCHIVE/2025", "Archive/2026")}) {
    EXPECT_EQ(twinbox(std::string("ls work ") + wrong), 2) << wrong;
    EXPECT_THAT(twinbox.err, HasSubstr(std::string("did you mean \"") + near + "\"?")) << wrong;
  }
  EXPECT_EQ(twinbox("ls work Nowhere/At/All"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("twinbox ls work --folders lists them"));
  EXPECT_EQ(twinbox("ls work --removed"), 0);
  EXPECT_EQ(twinbox.err, "no removed messages are kept\n");
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

TEST_F(StoreCommands, ShowGoesOnPastAWrongId) {
  EXPECT_EQ(twinbox("show work 1 4711 2 4712 --raw"), 2);
  EXPECT_EQ(twinbox.out, std::string(kPlain) + kChinese);
  EXPECT_THAT(twinbox.err, HasSubstr("no message has the id 4711"));
  EXPECT_THAT(twinbox.err, HasSubstr("no message has the id 4712"));
}

TEST_F(StoreCommands, ShowListsWhatItDoesNotShow) {
  {
    const std::string directory = (twinbox.home.path() / ".local/share/twinbox/work").string();
    auto opened = store::Store::open(directory, {.mode = store::StoreMode::ReadWrite});
    ASSERT_TRUE(opened);
    const auto mail = (*opened)->stage(
        "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nA picture:\r\n"
        "--b\r\nContent-Type: image/png\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        "AAAAAAAA\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nxx\r\n--b--\r\n");
    const auto broken = (*opened)->stage("Content-Type: multipart/mixed\r\n\r\nunopened\r\n");
    auto write = (*opened)->begin();
    const auto box = (*write)->create_mailbox({"Pictures"});
    ASSERT_TRUE(mail && broken && box);
    ASSERT_TRUE((*write)->add(*box, *mail, {}, 1'789'600'000));
    ASSERT_TRUE((*write)->add(*box, *broken, {}, 1'789'600'001));
    ASSERT_TRUE((*write)->commit());
  }
  ASSERT_EQ(twinbox("show work 4"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("Part:     2 image/png (6 B)\n"));
  EXPECT_THAT(twinbox.out, HasSubstr("Part:     3 message/rfc822 ("));
  EXPECT_THAT(twinbox.out, HasSubstr("Part:     3.1 text/plain (2 B)\n\nA picture:\n"));
  EXPECT_THAT(twinbox.out, Not(HasSubstr("text/html")));
  ASSERT_EQ(twinbox("show work 5"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "\nunopened\n");
  ASSERT_EQ(twinbox("show work 1"), 0);
  EXPECT_THAT(twinbox.out, Not(HasSubstr("Part:")));
}

TEST_F(StoreCommands, ShowPartsAndJson) {
  ASSERT_EQ(twinbox("show work 2 --part 1"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "你好\r\n");
  EXPECT_EQ(twinbox("show work 2 --part 1 --json"), 2);
  EXPECT_EQ(twinbox.out, "");
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

TEST_F(StoreCommands, ASearchThatFindsNothingSaysWhatMayBeWrong) {
  for (const auto& [query, words] :
       {std::pair("wrok nothingatall",
                  "no account is named \"wrok\", so it was looked for as a word; did you mean work?"),
        std::pair("form:anna nothingatall", "form: is no field, so it was looked for as a word; did you mean from:?"),
        std::pair("work from: nothingatall", "behind from: comes what is looked for")}) {
    ASSERT_EQ(twinbox(std::string("search ") + query), 0) << twinbox.err;
    EXPECT_THAT(twinbox.err, HasSubstr(std::string("nothing found\n") + words)) << query;
  }
  EXPECT_NE(twinbox("search work in:Archive/2025 amount"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("no folder is called Archive/2025\n"));
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean \"Archive/2026\"?"));
  ASSERT_EQ(twinbox("search work https://example.org/nothing 12:30"), 0);
  EXPECT_EQ(twinbox.err, "nothing found\n");
}

TEST_F(StoreCommands, ASnippetFitsTheTerminalWithTheWordInSight) {
  ASSERT_EQ(twinbox("search work amount"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("\n    The amount  [2Jis due.\n")) << "no blank at the end";
  ASSERT_EQ(twinbox("search work invoice"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, Not(HasSubstr("The amount"))) << "it stands in the subject";
  twinbox.around.out.terminal = true;
  for (const size_t columns : {30U, 40U, 60U}) {
    twinbox.around.out.columns = columns;
    ASSERT_EQ(twinbox("search work due --no-color"), 0) << twinbox.err;
    EXPECT_THAT(twinbox.out, HasSubstr("due")) << columns;
    std::istringstream all(twinbox.out);
    for (std::string line; std::getline(all, line);) EXPECT_LE(libsync::display_width(line), columns) << line;
  }
}

TEST_F(StoreCommands, AnAccountAddedAgainIsToldWhatItsStoreHolds) {
  ASSERT_EQ(twinbox("account remove work"), 0);
  ASSERT_EQ(twinbox("account add work me@gmx.de"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("~/.local/share/twinbox/work holds 3 messages already\n"));
  ASSERT_EQ(twinbox("account add other me@gmx.de"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, Not(HasSubstr("holds")));
}

TEST_F(StoreCommands, ExportWritesExactOctetsTwiceTheSame) {
  const std::string directory = twinbox.home / "out";
  ASSERT_EQ(twinbox("export work --eml " + directory), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("3 messages written"));
  const std::string invoice = "20260921-1000-invoice 7-" + libsync::to_hex(libsync::sha256(kPlain)).substr(0, 8);
  const std::string chinese = "undated-发票-" + libsync::to_hex(libsync::sha256(kChinese)).substr(0, 8);
  EXPECT_EQ(contents(directory + "/INBOX/" + invoice + ".eml"), kPlain);
  EXPECT_EQ(contents(directory + "/INBOX/" + chinese + ".eml"), kChinese);
  EXPECT_EQ(contents(directory + "/Archive/2026/" + invoice + ".eml"), kPlain);
  ASSERT_EQ(twinbox("export work --eml " + directory), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("0 messages written, 0 B, 3 there already"));
  std::ofstream(directory + "/INBOX/" + chinese + ".eml") << "mine";
  EXPECT_EQ(twinbox("export work INBOX --eml " + directory), 3);
  EXPECT_THAT(twinbox.err, HasSubstr("1 failed"));
  EXPECT_EQ(contents(directory + "/INBOX/" + chinese + ".eml"), "mine");
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
  EXPECT_THAT(twinbox.err, HasSubstr("twinbox sync work fetches again what is damaged and still on the server"));
  for (const char* line : {"show work 1", "export work --mbox -"}) {
    EXPECT_EQ(twinbox(line), 8) << line;
    EXPECT_THAT(twinbox.err, HasSubstr("\n         the next sync fetches it again, if the server has it\n")) << line;
  }
  EXPECT_EQ(twinbox("status work"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr(" damaged: "));
  EXPECT_THAT(twinbox.out, HasSubstr(": twinbox sync work\n"));
  EXPECT_EQ(twinbox("verify work --rebuild"), 0) << twinbox.err;
}

TEST_F(StoreCommands, ADamagedIndexIsNamedWithWhatMendsIt) {
  const std::string db = twinbox.home / ".local/share/twinbox/work/twin.db";
  std::ofstream(db, std::ios::binary | std::ios::trunc) << std::string(50'000, 'x');
  for (const char* line : {"ls work", "search work x", "compact work", "verify work", "export work --eml out"}) {
    EXPECT_EQ(twinbox(line), 8) << line;
    EXPECT_THAT(twinbox.err, HasSubstr("\n         twinbox verify work --rebuild, then twinbox sync work\n")) << line;
  }
}

TEST_F(StoreCommands, AnOlderIndexIsNamedWithWhatBringsItUpToDate) {
  {
    const auto store = store::Store::open((twinbox.home.path() / ".local/share/twinbox/work").string());
    ASSERT_TRUE((*store)->db().exec(test::undo_version_7()));
    ASSERT_TRUE(
        (*store)->db().exec("DROP INDEX message_keywords; ALTER TABLE message DROP COLUMN saved;"
                            "DROP TABLE damaged; DROP TABLE link_turn; CREATE INDEX content_print ON content(print);"
                            "PRAGMA user_version=2"));
  }
  for (const char* line : {"ls work", "show work 1", "export work --mbox -", "verify work", "status work"}) {
    EXPECT_EQ(twinbox(line), 3) << line;
    const std::string told = twinbox.err + twinbox.out;
    EXPECT_THAT(told, HasSubstr("twin.db: made by an older version of twinbox (format 2; this one needs 7)")) << line;
    EXPECT_THAT(told, HasSubstr("twinbox sync work brings it up to date")) << line;
  }
  EXPECT_EQ(twinbox("search work invoice"), 0) << "who may write brings it up to date";
  EXPECT_THAT(twinbox.out, HasSubstr("invoice 7"));
  EXPECT_EQ(twinbox("ls work"), 0) << twinbox.err;
}

TEST_F(StoreCommands, AWholeIndexIsNotRebuiltUnlessForced) {
  EXPECT_EQ(twinbox("verify work --rebuild"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("there is nothing to rebuild"));
  EXPECT_EQ(twinbox("verify work --rebuild --remote"), 2);
  EXPECT_EQ(twinbox("verify work --force"), 2);
  ASSERT_EQ(twinbox("ls work --json"), 0);
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 3);
  ASSERT_EQ(twinbox("verify work --rebuild --force"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("twin.db.old-20260921-141320\n"));
  ASSERT_EQ(twinbox("verify work --rebuild --force"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("twin.db.old-20260921-141320-2\n"));
}

TEST_F(StoreCommands, AStoreThatMayNotBeEnteredIsNotOneThatIsMissing) {
  const std::string store = twinbox.home / ".local/share/twinbox/work";
  const uid_t before = ::geteuid();
  ASSERT_EQ(::chmod(twinbox.home.path().c_str(), 0755), 0);
  for (const char* part : {".local", ".local/share", ".local/share/twinbox", ".config", ".config/twinbox"}) {
    ASSERT_EQ(::chmod((twinbox.home / part).c_str(), 0755), 0) << part;
  }
  ASSERT_EQ(::chmod(twinbox.config().c_str(), 0644), 0);
  ASSERT_EQ(::chmod(store.c_str(), 0), 0);
  ASSERT_EQ(::seteuid(before == 0 ? 65534 : before), 0);  // root may enter anything
  EXPECT_EQ(twinbox("ls work"), 3);
  ASSERT_EQ(::seteuid(before), 0);
  ASSERT_EQ(::chmod(store.c_str(), 0700), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("Permission denied\n         the store's folder can't be read"));
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
    const auto link = store::open_link((*opened)->db());
    using libsync::sync::At;
    const libsync::sync::Half there{.at = At::Bound, .pair = 1}, gone{.at = At::Gone, .pair = 1};
    const libsync::sync::Row held{.side = {gone, there}, .home = 1, .agreed = true, .dirty = true};
    for (uint64_t i = 1; i <= 3; ++i) {
      libsync::sync::Row row = held;
      row.side[1].key.number = i;
      ASSERT_TRUE(link->put(row));
      row.side[1].key.number = 10 + i;
      row.suspect = true;
      ASSERT_TRUE(link->put(row));
    }
    libsync::sync::Row refused = held;
    refused.side[0] = {.at = At::Bound,
                       .pair = 1,
                       .blocked = libsync::sync::Refusal{.ops = 1, .until = 1, .words = "NO \x1B[2J not mine"}};
    refused.side[1].instance = "m2";
    ASSERT_TRUE(link->put(refused));
    ASSERT_TRUE((*opened)->record_run(
        {.started = 1'789'999'991, .finished = 1'789'999'995, .ok = true, .skipped = 1, .held = 3, .doubtful = 2}));
  }
  ASSERT_EQ(twinbox("status"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("3 held, 3 suspect, 1 refused, 2 folders doubtful, 1 skipped\n"));
  constexpr const char* kHeld =
      "work: 3 held: gone on the server, kept here: twinbox sync work --allow-deletes 6 (twinbox settle work names "
      "them, "
      "and takes other answers)\n";
  for (const char* line : {kHeld, "work: 3 suspect: ", "work: 2 folders doubtful: ", "work: 1 refused: ",
                           ": twinbox settle work refused restore (", "work: message 2: refused by the server: \"NO ",
                           "work: 1 skipped: "}) {
    EXPECT_THAT(twinbox.out, HasSubstr(line));
  }
  EXPECT_EQ(twinbox.out.find('\x1B'), std::string::npos);
  ASSERT_EQ(twinbox("status --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"held\":3,\"suspect\":3,\"doubtful\":2,\"refused\":1,"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"settle\":{\"held\":\"twinbox sync work --allow-deletes 6\""));
  EXPECT_THAT(twinbox.out, Not(HasSubstr("\"error\"")));
}

// An account beside "work", with a store that is made by `make`.
void add_account(test::Fake& twinbox, const std::string& name, const std::function<void(const std::string&)>& make) {
  ASSERT_EQ(twinbox("account add " + name + " me@gmx.de"), 0) << twinbox.err;
  make((twinbox.home.path() / ".local/share/twinbox" / name).string());
}

void damage(const std::string& directory) {
  ASSERT_TRUE(std::filesystem::create_directories(directory));
  std::ofstream(directory + "/twin.db", std::ios::binary) << std::string(50'000, 'x');
}

void make_newer(const std::string& directory) {
  auto made = store::Store::open(directory, {.mode = store::StoreMode::Create});
  ASSERT_TRUE(made) << made.error().what;
  ASSERT_TRUE((*made)->db().exec("PRAGMA user_version=999"));
}

TEST_F(StoreCommands, StatusEndsWithZeroWhateverASyncLeftAndWithTheStoresErrorWhereItCantBeRead) {
  ASSERT_EQ(twinbox("account add fresh me@gmx.de"), 0);
  EXPECT_EQ(twinbox("status"), 0) << "one failed at its last sync, one was never synced";
  EXPECT_THAT(twinbox.out, HasSubstr("never"));
  add_account(twinbox, "hurt", damage);
  EXPECT_EQ(twinbox("status hurt"), 8);
  EXPECT_EQ(twinbox("status hurt --json"), 8);
  EXPECT_THAT(twinbox.out, HasSubstr("\"error\":{\"code\":\"corrupt\""));
  EXPECT_EQ(twinbox("status"), 3) << "some accounts";
  EXPECT_THAT(twinbox.out, HasSubstr("3 msgs")) << "the others are shown";
  add_account(twinbox, "ahead", make_newer);
  EXPECT_EQ(twinbox("status ahead"), 8);
  EXPECT_EQ(twinbox("status ahead hurt"), 8) << "all alike";
  EXPECT_EQ(twinbox("status work fresh"), 0);
}

TEST_F(StoreCommands, StatusSaysAHintOnce) {
  auto opened = store::Store::open((twinbox.home.path() / ".local/share/twinbox/work").string(),
                                   {.mode = store::StoreMode::ReadWrite});
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->record_run(
      {.error = {.code = libsync::Errc::Auth, .what = "login refused by h", .server = "no", .hint = "ask them"}}));
  ASSERT_EQ(twinbox("status"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("– : login refused by h: \"no\"\nwork: ask them\n"));
}

TEST_F(StoreCommands, OneIsSaidOfOne) {
  ASSERT_EQ(twinbox("export work Archive/2026 --eml " + (twinbox.home / "one")), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("work  1 message written, "));
  ASSERT_EQ(twinbox("search work invoice --limit 1"), 0);
  const std::string directory = (twinbox.home.path() / ".local/share/twinbox/other").string();
  add_account(twinbox, "other", [](const std::string& where) {
    auto made = store::Store::open(where, {.mode = store::StoreMode::Create});
    ASSERT_TRUE(made);
    const auto content = (*made)->stage(kPlain);
    auto write = (*made)->begin();
    ASSERT_TRUE(content && write);
    const auto inbox = (*write)->create_mailbox({"INBOX"});
    ASSERT_TRUE(inbox && (*write)->add(*inbox, *content, {}, 1'789'000'000) && (*write)->commit());
  });
  ASSERT_EQ(twinbox("verify other"), 0);
  EXPECT_THAT(twinbox.out, StartsWith("other  1 message, "));
  ASSERT_EQ(twinbox("status other"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("1 msg "));
  const auto content = std::filesystem::directory_iterator(directory + "/content")->path();
  std::fstream(content, std::ios::in | std::ios::out | std::ios::binary).seekp(-20, std::ios::end) << "XXXX";
  EXPECT_EQ(twinbox("verify other"), 8);
  EXPECT_THAT(twinbox.out, HasSubstr("other  1 message, 136 B: 1 problem\n"));
  EXPECT_THAT(twinbox.out, HasSubstr("; message 1\n"));
  ASSERT_EQ(twinbox("account remove other"), 0);
  ASSERT_EQ(twinbox("account add other me@gmx.de"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("holds 1 message already"));
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
