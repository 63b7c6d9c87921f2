#include "libsync/account/config.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libsync/account/toml_tree.h"

#include "tests/support/temp_dir.h"

namespace libsync::account {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Places kPlaces{.home = "/home/me", .config_home = "/home/me/.config", .data_home = "/home/me/.local/share"};

Result<Config> parse(std::string_view text, bool private_file = true) {
  return parse_config(text, "/etc/c.toml", kPlaces, private_file);
}

// The error for a whole file, on one line: what and hint.
std::string complaint(std::string_view text, bool private_file = true) {
  const auto config = parse(text, private_file);
  if (config) return "no complaint";
  EXPECT_EQ(config.error().code, Errc::Config) << config.error().what;
  return config.error().what + " | " + config.error().hint;
}

std::string with_remote(std::string_view rest) {
  return "[account.a]\nremote = \"pop3s://me@h\"\n" + std::string(rest) + "\n";
}

std::string with_rules(std::string_view rules) {
  return "[account.a]\nremote = \"imaps://me@h\"\n" + std::string(rules) + "\n";
}
std::string rule(std::string_view lines) { return "[[account.a.folder]]\n" + std::string(lines) + "\n"; }

TEST(Config, KeysInKeysWithoutEndAreAnErrorWithTheirLine) {
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) deep += ".a";
  for (const std::string& text : {deep + " = 1", "[" + deep + "]", "a = {" + deep + " = 1}"}) {
    EXPECT_THAT(complaint(with_remote(text)), testing::AllOf(HasSubstr("too many dots"), HasSubstr(":3:")));
  }
}

TEST(Config, ALetterThatTheLibraryTakesForNoneIsNotTomlOutsideOfTexts) {
  for (const char* letter : {"\uFE86", "\uFEBB", "\uFEFE", "\u2603"}) {
    const std::string table = std::string("[acc") + letter + "t]\n";
    EXPECT_FALSE(parse_toml(table, "c.toml")) << letter;
    const auto text = parse_toml(std::string("a = \"") + letter + "\" # " + letter + "\n", "c.toml");
    ASSERT_TRUE(text) << text.error().text();
    EXPECT_EQ(text->find("a")->text, letter);
  }
}

TEST(Config, ReadsAnAccountWithItsDefaults) {
  const auto config = parse("[account.work]\nremote = \"imaps://me@mail.example.org\"\n");
  ASSERT_TRUE(config) << config.error().what;
  ASSERT_EQ(config->accounts.size(), 1U);
  const Account& a = config->accounts[0];
  EXPECT_EQ(a.name, "work");
  EXPECT_EQ(a.remote.host, "mail.example.org");
  EXPECT_EQ(a.remote.port, 993);
  EXPECT_EQ(a.store, "/home/me/.local/share/twinbox/work");
  EXPECT_EQ(a.leave, sync::Leave::Forever);
  EXPECT_EQ(a.fuse.percent, 25U);
  EXPECT_EQ(config->jobs, kDefaultJobs);
}

TEST(Config, ReadsEveryKey) {
  const auto config = parse(R"(jobs = 2
[account.uni]
remote = "pop3+starttls://me@example.org@pop.example.org:1110"
password_command = "pass show uni"
auth = "scram-sha-256"
store = "~/Mail/uni"
tls_ca = "ca.pem"
tls_pin = "sha256:00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
leave = "never"
mode = "two-way"
local_flags = true
proxy = "socks5://127.0.0.1:9050"
timeout = 10
[account.uni.fuse]
percent = 10
count = 5
days = 3
[account.work]
remote = "imaps://me@example.org"
compress = false
folders.include = ["INBOX", "Archive/**"]
folders.exclude = ["Spam"]
folders.all_mail = true
folders.shared = true
)");
  ASSERT_TRUE(config) << config.error().what;
  const Account& a = config->accounts.at(0);
  EXPECT_EQ(config->jobs, 2U);
  EXPECT_EQ(a.remote.user, "me@example.org");
  EXPECT_EQ(a.remote.port, 1110);
  EXPECT_EQ(a.auth, "SCRAM-SHA-256");
  EXPECT_EQ(a.store, "/home/me/Mail/uni");
  EXPECT_EQ(a.tls_ca, "/etc/ca.pem") << "relative paths count from the file";
  EXPECT_EQ(a.leave, sync::Leave::Never);
  EXPECT_EQ(a.mode, Mode::TwoWay);
  EXPECT_TRUE(a.local_flags);
  EXPECT_EQ(a.timeout, std::chrono::seconds(10));
  EXPECT_EQ(a.fuse.count, 5U);
  EXPECT_EQ(a.fuse.days, 3U);
  const Account& work = config->accounts.at(1);
  EXPECT_EQ(work.compress, false);
  EXPECT_EQ(work.include.size(), 2U);
  EXPECT_TRUE(work.all_mail && work.shared);
}

TEST(Config, UnknownKeysNameTheNearestWithLineAndColumn) {
  EXPECT_EQ(complaint(with_remote("pasword_command = \"x\"")),
            "/etc/c.toml:3:1: unknown key \"pasword_command\" | did you mean password_command?");
  EXPECT_EQ(complaint("jobz = 3\n"), "/etc/c.toml:1:1: unknown key \"jobz\" | did you mean jobs?");
  EXPECT_THAT(complaint(with_remote("fuse.percnt = 3")), StartsWith("/etc/c.toml:3:6: unknown key \"percnt\""));
  EXPECT_THAT(complaint("[acount.a]\nremote = \"imaps://a@b\"\n"), HasSubstr("did you mean account?"));
  EXPECT_THAT(complaint(with_remote("zzzzzzzz = 1")), HasSubstr("known here: remote, "));
}

TEST(Config, WrongTypesAndValuesAreNamedWhereTheyStand) {
  EXPECT_EQ(complaint(with_remote("folders = [\"INBOX\"]")),
            "/etc/c.toml:3:11: folders must be a table, not a list | write folders.include = […] or "
            "folders.exclude = […]");
  EXPECT_EQ(complaint("[account.a]\nremote = 3\n"),
            "/etc/c.toml:2:10: remote must be text in quotes, not a whole number | ");
  EXPECT_THAT(complaint(with_remote("timeout = \"60\"")),
              StartsWith("/etc/c.toml:3:11: timeout must be a whole number"));
  EXPECT_THAT(complaint(with_remote("timeout = 0")), HasSubstr("between 1 and 3600"));
  EXPECT_THAT(complaint(with_remote("leave = \"14d\"")), HasSubstr("allowed: forever, never"));
  EXPECT_THAT(complaint(with_remote("mode = \"both\"")), HasSubstr("allowed: mirror, two-way, push, archive"));
  EXPECT_THAT(complaint(with_remote("auth = \"SCRAM-SHA-265\"")), HasSubstr("did you mean SCRAM-SHA-256?"));
  EXPECT_THAT(complaint(with_remote("tls_pin = \"sha256:12\"")), StartsWith("/etc/c.toml:3:11: "));
  EXPECT_THAT(complaint(with_remote("folders.include = \"INBOX\"")), HasSubstr("include must be a list"));
  EXPECT_THAT(complaint(with_remote("folders.include = [3]")), HasSubstr("/etc/c.toml:3:20"));
  EXPECT_THAT(complaint(with_remote("compress = 1")), HasSubstr("compress must be true or false"));
  EXPECT_THAT(complaint(with_remote("store = \"\"")), HasSubstr("store is empty"));
  EXPECT_THAT(complaint(with_remote("password_file = \"a\\u0000b\"")), HasSubstr("NUL"));
  EXPECT_THAT(complaint("account = 3\n"), HasSubstr("account must be a table"));
  EXPECT_THAT(complaint("jobs = 65\n"), HasSubstr("between 1 and 64"));
}

TEST(Config, ReadsModesAndRulesInTheirOrder) {
  const auto config = parse(R"([account.work]
remote = "imaps://me@example.org"
mode = "archive"
folders.match_roles = true

[[account.work.folder]]
match = "Notes/**"
mode = "push"

[[account.work.folder]]
match = "[Gmail]/All Mail"
rename = "Archive"
skip = false

[[account.work.folder]]
match = "Lists/**"
skip = true
)");
  ASSERT_TRUE(config) << config.error().what;
  const Account& work = config->accounts.at(0);
  EXPECT_EQ(work.mode, Mode::Archive);
  EXPECT_TRUE(work.match_roles);
  ASSERT_EQ(work.folder_rules.size(), 3U);
  EXPECT_EQ(work.folder_rules[0].match, "Notes/**");
  EXPECT_EQ(work.folder_rules[0].mode, Mode::Push);
  EXPECT_EQ(work.folder_rules[0].line, 6U);
  EXPECT_EQ(work.folder_rules[1].rename, "Archive");
  EXPECT_EQ(work.folder_rules[1].skip, false);
  EXPECT_FALSE(work.folder_rules[1].mode);
  EXPECT_EQ(work.folder_rules[2].skip, true);
  for (const auto& [text, mode] :
       {std::pair("mirror", Mode::Mirror), std::pair("two-way", Mode::TwoWay), std::pair("archive", Mode::Archive)}) {
    const auto one = parse(with_remote(std::string("mode = \"") + text + "\""));
    ASSERT_TRUE(one) << one.error().what;
    EXPECT_EQ(one->accounts.at(0).mode, mode);
    EXPECT_EQ(mode_name(mode), text);
  }
}

TEST(Config, WrongRulesAreNamedWhereTheyStand) {
  const std::string both = "with rename, both are names, or both end in /**: \"INBOX/**\" and \"**\"";
  const std::pair<std::string, std::string> kCases[] = {
      {"folder = \"Work\"",
       "3:10: folder must be a list of tables, not text in quotes | write [[account.a.folder]] above"
       " each rule"},
      {"folder.Work = 1",
       "3:1: folder must be a list of tables, not a table | write [[account.a.folder]] above each rule"},
      {"folder = [1]", "3:11: folder must be a table, not a whole number | "},
      {rule("mode = \"push\""),
       "3:1: this rule does not say for which folders it is | add match = \"Archive/**\", or the name of a folder"},
      {rule("match = \"Work\""), "3:1: this rule says nothing of \"Work\" | add mode, rename or skip"},
      {rule("match = \"Work\"\nmode = \"pull\""),
       "5:8: mode \"pull\" is not known in this version | allowed: mirror, two-way, push, archive"},
      {rule("match = \"Work\"\nmod = \"push\""), "5:1: unknown key \"mod\" | did you mean mode?"},
      {rule("match = 3"), "4:9: match must be text in quotes, not a whole number | "},
      {rule("match = \"\""), "4:9: match is empty | "},
      {rule("match = \"Work\"\nskip = \"yes\""), "5:8: skip must be true or false, not text in quotes | "},
      {rule("match = \"A*\"\nrename = \"B\""), "3:1: \"A*\" can't be renamed to \"B\" | " + both},
      {rule("match = \"A/**\"\nrename = \"B/*\""), "3:1: \"A/**\" can't be renamed to \"B/*\" | " + both},
      {rule("match = \"A/**\"\nrename = \"B\""), "3:1: \"B\" is one folder and \"A/**\" are those below one | " + both},
      {rule("match = \"A\"\nrename = \"**\""), "3:1: \"A\" is one folder and \"**\" are those below one | " + both},
      {rule("match = \"Inbox\"\nrename = \"B\""), "3:1: INBOX is called INBOX on both sides | "},
      {rule("match = \"A\"\nrename = \"inbox\""), "3:1: INBOX is called INBOX on both sides | "},
      {rule("match = \"A\"\nrename = \"C\"") + rule("match = \"B\"\nrename = \"C\""),
       "6:1: \"C\" is what \"A\" is renamed to in line 3 | two folders can't have one name here"},
      {rule("match = \"A/**\"\nrename = \"**\"") + rule("match = \"B/**\"\nrename = \"**\""),
       "6:1: \"**\" is what \"A/**\" is renamed to in line 3 | two folders can't have one name here"},
      {rule("match = \"A\"\nrename = \"C\"") + rule("match = \"A\"\nrename = \"D\""),
       "6:1: \"A\" is renamed in line 3 already | "},
  };
  for (const auto& [rules, said] : kCases) EXPECT_EQ(complaint(with_rules(rules)), "/etc/c.toml:" + said) << rules;
}

TEST(Config, RulesHaveLimits) {
  std::string many;
  for (size_t i = 0; i <= kMaxFolderRules; ++i) many += rule("match = \"a\"\nskip = true");
  EXPECT_THAT(complaint(with_rules(many)), HasSubstr("folder holds more than 200 rules"));
  EXPECT_THAT(complaint(with_rules(rule("match = \"" + std::string(1025, 'a') + "\"\nskip = true"))),
              HasSubstr("match is longer than 1024 bytes"));
  EXPECT_EQ(complaint(with_rules(rule("match = \"" + std::string(1024, 'a') + "\"\nskip = true"))), "no complaint");
}

TEST(Config, SyntaxErrorsHaveLineAndColumn) {
  EXPECT_THAT(complaint("[account.a]\nremote = \"imaps://\n"), StartsWith("/etc/c.toml:2:"));
  EXPECT_THAT(complaint("[account.a\n"), StartsWith("/etc/c.toml:1:"));
  EXPECT_THAT(complaint("a = 1\na = 2\n"), StartsWith("/etc/c.toml:2:"));
  EXPECT_THAT(complaint("a = \xFF\n"), StartsWith("/etc/c.toml:1:"));
}

TEST(Config, TextThatBreaksTheParsersOwnAssumptionsIsAnErrorToo) {
  for (const char* text :
       {"a = { .x = 1 }\n", "a = { x = 1, . = 2 }\n", "[.a]\n", "a. = 1\n", "a = {.\n", ".a = 1\n"}) {
    EXPECT_THAT(complaint(text), StartsWith("/etc/c.toml:1:")) << text;
  }
}

TEST(Config, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_THAT(complaint("[account.a]\n"), HasSubstr("account a has no remote"));
  EXPECT_THAT(complaint(with_remote("password = \"x\"\npassword_command = \"y\"")), HasSubstr("more than one of"));
  EXPECT_THAT(complaint(with_remote("auth = \"XOAUTH2\"")), HasSubstr("needs a token_command"));
  EXPECT_THAT(complaint("[account.a]\nremote=\"imaps://a@b\"\nleave=\"never\"\n"), HasSubstr("is for POP3 accounts"));
  for (const char* key : {"compress = true", "folders.exclude = [\"Spam\"]", "folders.shared = true"}) {
    EXPECT_THAT(complaint(std::string("[account.a]\nremote=\"pop3s://a@b\"\n") + key + "\n"),
                HasSubstr("for IMAP accounts; a uses POP3"));
  }
  EXPECT_EQ(complaint(with_remote("mode = \"push\"")),
            "/etc/c.toml:1:10: mode push is for IMAP accounts; a uses POP3 | ");
  EXPECT_EQ(complaint(with_remote(rule("match = \"a\"\nskip = true"))),
            "/etc/c.toml:3:1: folder is for IMAP accounts; a uses POP3 | ");
  EXPECT_EQ(complaint(with_remote("folders.match_roles = true")),
            "/etc/c.toml:1:10: folders is for IMAP accounts; a uses POP3 | ");
  EXPECT_THAT(complaint("[account.a]\nremote=\"imaps://a@b\"\n[account.b]\nremote=\"imaps://a@b\"\nstore = "
                        "\"~/.local/share/twinbox/../twinbox/a\"\n"),
              HasSubstr("same store"));
}

TEST(Config, APasswordInsideDemandsAPrivateFile) {
  EXPECT_TRUE(parse(with_remote("password = \"x\""), true));
  EXPECT_THAT(complaint(with_remote("password = \"hunter2\""), false), HasSubstr("chmod 600 /etc/c.toml"));
  EXPECT_THAT(complaint(with_remote("proxy = \"http://me:hunter2@h:1\""), false), HasSubstr("chmod 600"));
  EXPECT_TRUE(parse(with_remote("proxy = \"http://h:1\""), false));
  EXPECT_THAT(complaint(with_remote("proxy = \"ftp://me:hunter2@h:1\"")), testing::Not(HasSubstr("hunter2")));
}

TEST(Config, TheFilesModeCounts) {
  const twinbox::test::TempDir folder;
  const std::string path = folder / "config.toml";
  std::ofstream(path) << with_remote("password = \"x\"");
  RealFileSystem fs;
  ::chmod(path.c_str(), 0644);
  EXPECT_FALSE(load_config(fs, path, kPlaces));
  ::chmod(path.c_str(), 0600);
  EXPECT_TRUE(load_config(fs, path, kPlaces));
}

TEST(Config, AMissingFileSaysHowToBegin) {
  RealFileSystem fs;
  const auto config = load_config(fs, "/home/me/none.toml", kPlaces);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::NotFound);
  EXPECT_EQ(config.error().what, "no configuration at ~/none.toml");
  EXPECT_THAT(config.error().hint, HasSubstr("twinbox account add"));
}

TEST(Config, TooLargeATextIsRefused) {
  const auto config = parse(std::string(kMaxConfigBytes + 1, '#'));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::Limit);
  EXPECT_TRUE(parse(std::string(kMaxConfigBytes, '#')));
}

TEST(Config, ManyAccountsPatternsAndDeepNestingHaveLimits) {
  std::string many;
  for (size_t i = 0; i <= kMaxAccounts; ++i) many += "[account.a" + std::to_string(i) + "]\nremote=\"imaps://a@b\"\n";
  EXPECT_THAT(complaint(many), HasSubstr("more than 1000 accounts"));
  std::string patterns = "folders.include = [";
  for (int i = 0; i < 201; ++i) patterns += "\"x\",";
  EXPECT_THAT(complaint(with_remote(patterns + "]")), HasSubstr("more than 200 patterns"));
  EXPECT_THAT(complaint("a = " + std::string(10'000, '[')), StartsWith("/etc/c.toml:1:"));
}

TEST(AccountName, IsSafeAsAFolder) {
  for (const char* good : {"work", "a", "my.mail-2_x", "0"}) EXPECT_TRUE(check_account_name(good)) << good;
  for (const char* bad : {"", ".x", "..", "a/b", "Work", "a b", "-x", "é"})
    EXPECT_FALSE(check_account_name(bad)) << bad;
  EXPECT_TRUE(check_account_name(std::string(kMaxAccountName, 'a')));
  EXPECT_FALSE(check_account_name(std::string(kMaxAccountName + 1, 'a')));
  EXPECT_THAT(complaint("[account.\"../x\"]\nremote=\"imaps://a@b\"\n"), StartsWith("/etc/c.toml:1:10: "));
}

TEST(FindAccount, NamesTheNearest) {
  const auto config = parse("[account.work]\nremote=\"imaps://a@b\"\n");
  ASSERT_TRUE(config);
  EXPECT_TRUE(find_account(*config, "work"));
  const auto missing = find_account(*config, "wrok");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().hint, "did you mean work?");
}

TEST(Places, FollowXdgAndIgnoreRelativePaths) {
  const auto environment = [](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "HOME") return "/h";
    if (std::string_view(name) == "XDG_CONFIG_HOME") return "relative";
    if (std::string_view(name) == "XDG_DATA_HOME") return "/data";
    return std::nullopt;
  };
  const Places places = find_places(environment);
  EXPECT_EQ(places.config_home, "/h/.config");
  EXPECT_EQ(places.data_home, "/data");
  EXPECT_EQ(config_path(environment, ""), "/h/.config/twinbox/config.toml");
  EXPECT_EQ(config_path(environment, "x.toml"), "x.toml");
  EXPECT_EQ(expand_path("~/a", places, "/b"), "/h/a");
  EXPECT_EQ(expand_path("../a", places, "/b/c"), "/b/a");
  EXPECT_EQ(shorten_path("/h/a", places), "~/a");
  EXPECT_EQ(shorten_path("/hx/a", places), "/hx/a");
}

TEST(Places, TheVariableNamesTheFileUnlessAnOptionDoes) {
  const auto environment = [](const char* name) -> std::optional<std::string> {
    return std::string_view(name) == "TWINBOX_CONFIG" ? std::optional<std::string>("/v.toml") : std::nullopt;
  };
  EXPECT_EQ(config_path(environment, ""), "/v.toml");
  EXPECT_EQ(config_path(environment, "/o.toml"), "/o.toml");
}

TEST(Config, ForbidsMechanismsByName) {
  const auto config = parse(with_remote("forbid_auth = [\"plain\", \"USER\"]"));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->accounts[0].forbid_auth, (std::vector<std::string>{"PLAIN", "USER"}));
  EXPECT_THAT(complaint(with_remote("forbid_auth = [\"PLIAN\"]")), HasSubstr("did you mean PLAIN?"));
  EXPECT_THAT(complaint(with_remote("forbid_auth = \"PLAIN\"")), HasSubstr("must be"));
  EXPECT_THAT(complaint(with_remote("forbid_auth = [1]")), HasSubstr("list of mechanisms"));
  EXPECT_THAT(complaint(with_remote("auth = \"PLAIN\"\nforbid_auth = [\"PLAIN\"]")), HasSubstr("forbidden"));
}

}  // namespace
}  // namespace libsync::account
