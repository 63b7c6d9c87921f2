#include "libsync/account/config_edit.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace libsync::account {
namespace {

using testing::HasSubstr;
using testing::Not;

const Places kPlaces{.home = "/home/me", .config_home = "/home/me/.config", .data_home = "/home/me/.local/share"};
constexpr const char* kPath = "c.toml";

const std::string kThree = R"(# my mail
jobs = 2   # few

# first
[account.a]   # trailing
remote = "imaps://me@a"   # keep
folders.include = [
  "[not.a.header]",
]

# second
[account.b]
remote = "imaps://me@b"
[account.b.fuse]
count = 3

# third
[account.c]
remote = 'imaps://me@c'
# the end
)";

NewAccount added(std::string name) {
  return {.name = std::move(name), .values = {{"remote", toml_quote("imaps://me@n")}}};
}

TEST(ConfigEdit, AddingKeepsEverythingElseAsItIs) {
  const auto text = add_account(kThree, added("n"), kPath, kPlaces);
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_EQ(*text, kThree + "\n[account.n]\nremote = \"imaps://me@n\"\n");
}

TEST(ConfigEdit, AddsToAnEmptyFileAndToOneWithoutALastLineEnd) {
  EXPECT_EQ(*add_account("", added("n"), kPath, kPlaces), "[account.n]\nremote = \"imaps://me@n\"\n");
  EXPECT_EQ(*add_account("jobs = 1", added("n"), kPath, kPlaces),
            "jobs = 1\n\n[account.n]\nremote = \"imaps://me@n\"\n");
  EXPECT_EQ(*add_account("jobs = 1\r\n", added("n"), kPath, kPlaces),
            "jobs = 1\r\n\r\n[account.n]\r\nremote = \"imaps://me@n\"\r\n");
}

TEST(ConfigEdit, ADotInANameIsQuoted) {
  const auto text = add_account("", added("a.b"), kPath, kPlaces);
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_NE(parse_config(*text, kPath, kPlaces, true)->find("a.b"), nullptr);
}

TEST(ConfigEdit, WhatCouldNotBeReadBackIsRefused) {
  EXPECT_FALSE(add_account(kThree, added("a"), kPath, kPlaces));
  EXPECT_FALSE(add_account(kThree, added("../x"), kPath, kPlaces));
  NewAccount wrong = added("n");
  wrong.values.emplace_back("leave", "\"14d\"");
  EXPECT_THAT(add_account("", wrong, kPath, kPlaces).error().what, HasSubstr("leave"));
  EXPECT_FALSE(add_account("account = {}\n", added("n"), kPath, kPlaces)) << "an inline table can't be extended";
  EXPECT_FALSE(add_account("[account.a\n", added("n"), kPath, kPlaces)) << "a broken file is not made worse";
}

TEST(ConfigEdit, QuotingKeepsEveryCharacter) {
  const std::string odd = "a\"b\\c\td\x7F é\n";
  NewAccount account = added("n");
  account.values.emplace_back("password", toml_quote(odd));
  const auto text = add_account("", account, kPath, kPlaces);
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_EQ(parse_config(*text, kPath, kPlaces, true)->accounts[0].password.reveal(), odd);
}

TEST(ConfigEdit, RemovingTakesTheAccountsLinesAndNoOthers) {
  const auto a = remove_account(kThree, "a", kPath, kPlaces);
  ASSERT_TRUE(a) << a.error().what;
  EXPECT_EQ(*a, R"(# my mail
jobs = 2   # few

# first

# second
[account.b]
remote = "imaps://me@b"
[account.b.fuse]
count = 3

# third
[account.c]
remote = 'imaps://me@c'
# the end
)");
  const auto b = remove_account(kThree, "b", kPath, kPlaces);
  ASSERT_TRUE(b) << b.error().what;
  EXPECT_THAT(*b, Not(HasSubstr("count = 3")));
  EXPECT_THAT(*b, HasSubstr("# third\n[account.c]"));
  EXPECT_THAT(*b, HasSubstr("# second"));
  const auto c = remove_account(kThree, "c", kPath, kPlaces);
  ASSERT_TRUE(c) << c.error().what;
  EXPECT_THAT(*c, HasSubstr("count = 3\n"));
  EXPECT_THAT(*c, HasSubstr("# the end"));
}

TEST(ConfigEdit, RemovingWhatIsNoTableOfItsOwnIsRefusedWithItsLine) {
  const std::string inline_table = "jobs = 1\naccount.a = { remote = \"imaps://me@a\" }\n";
  const auto result = remove_account(inline_table, "a", kPath, kPlaces);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().what, HasSubstr("c.toml:2:1: account a is not a table of its own"));
  EXPECT_EQ(remove_account(kThree, "zz", kPath, kPlaces).error().code, Errc::NotFound);
}

TEST(ConfigEdit, AddThenRemoveGivesTheFileBack) {
  for (const std::string& text : {kThree, std::string(), std::string("jobs = 1\n")}) {
    const auto more = add_account(text, added("n"), kPath, kPlaces);
    ASSERT_TRUE(more);
    EXPECT_EQ(*remove_account(*more, "n", kPath, kPlaces), text);
  }
}

std::string contents(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(ConfigEdit, TheFileIsReplacedWithMode0600AndALinkStays) {
  const twinbox::test::TempDir folder;
  RealFileSystem fs;
  std::ofstream(folder / "real.toml") << "jobs = 1\n";
  ::chmod((folder / "real.toml").c_str(), 0644);
  std::filesystem::create_symlink(folder / "real.toml", folder / "link.toml");
  ASSERT_TRUE(
      edit_config(fs, folder / "link.toml", [](std::string_view) { return Result<std::string>("jobs = 2\n"); }));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.toml"));
  EXPECT_EQ(contents(folder / "real.toml"), "jobs = 2\n");
  struct stat st{};
  ASSERT_EQ(::stat((folder / "real.toml").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST(ConfigEdit, AFailedEditWritesNothing) {
  const twinbox::test::TempDir folder;
  RealFileSystem fs;
  EXPECT_FALSE(edit_config(fs, folder / "sub/c.toml",
                           [](std::string_view) -> Result<std::string> { return fail(Errc::Usage, "no"); }));
  EXPECT_FALSE(std::filesystem::exists(folder / "sub"));
  EXPECT_TRUE(
      edit_config(fs, folder / "sub/c.toml", [](std::string_view) { return Result<std::string>("jobs = 1\n"); }));
  EXPECT_EQ(contents(folder / "sub/c.toml"), "jobs = 1\n");
}

}  // namespace
}  // namespace libsync::account
