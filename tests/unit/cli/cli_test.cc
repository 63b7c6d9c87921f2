#include "tools/twinbox/cli.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/cli/fake_surroundings.h"
#include "tools/twinbox/command.h"

namespace twinbox {
namespace {

using test::Fake;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(CommandLine, AloneItPrintsShortHelp) {
  Fake twinbox;
  EXPECT_EQ(twinbox(""), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("account add NAME"));
  EXPECT_EQ(twinbox.err, "");
}

TEST(CommandLine, EveryCommandHasHelpWithAnExample) {
  for (const Command* command : commands()) {
    Fake twinbox;
    EXPECT_EQ(twinbox(std::string(command->name) + " --help"), 0) << command->name;
    EXPECT_THAT(twinbox.out, StartsWith("twinbox " + std::string(command->name))) << command->name;
    EXPECT_THAT(twinbox.out, HasSubstr("Example:\n  twinbox " + std::string(command->name))) << command->name;
    EXPECT_EQ(twinbox("help " + std::string(command->name)), 0) << command->name;
    EXPECT_THAT(twinbox.out, HasSubstr("Example:")) << command->name;
    EXPECT_FALSE(command->summary.empty());
  }
}

TEST(CommandLine, GroupsHaveHelpWithExamplesToo) {
  for (const char* group : {"account", "folder", "schedule"}) {
    Fake twinbox;
    EXPECT_EQ(twinbox(std::string(group) + " --help"), 0) << group;
    for (const Command* command : commands()) {
      if (!command->name.starts_with(std::string(group) + " ")) continue;
      EXPECT_THAT(twinbox.out, HasSubstr("\n  twinbox " + std::string(command->name))) << command->name;
    }
  }
}

TEST(CommandLine, WordsStayCalm) {
  for (const Command* command : commands()) {
    Fake twinbox;
    twinbox(std::string(command->name) + " --help");
    for (const char* loud : {"!", "please", "Please", "successfully"}) EXPECT_THAT(twinbox.out, Not(HasSubstr(loud)));
  }
}

TEST(CommandLine, UnknownCommandsNameTheNearestAndEndWithTwo) {
  Fake twinbox;
  EXPECT_EQ(twinbox("acount list"), 2);
  EXPECT_EQ(twinbox.err, "twinbox: unknown command \"acount\"\n         did you mean twinbox account list?\n");
  EXPECT_EQ(twinbox("account lst"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean twinbox account list?"));
  EXPECT_EQ(twinbox("acount add x"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean twinbox account add?"));
  EXPECT_EQ(twinbox("shedule --json enabel"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean twinbox schedule enable?"));
  EXPECT_EQ(twinbox("schedule foo"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("schedule takes one of: enable, disable, status"));
  EXPECT_EQ(twinbox("sycn work"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean twinbox sync?"));
  EXPECT_EQ(twinbox("zzzzzz"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("twinbox --help lists the commands"));
  EXPECT_EQ(twinbox("account"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("twinbox: account needs one of: add, list, remove"));
  EXPECT_EQ(twinbox("\x1B[2J"), 2);
  EXPECT_THAT(twinbox.err, Not(HasSubstr("\x1B")));
}

TEST(CommandLine, AnUnknownCommandIsNamedBehindAnyOption) {
  Fake twinbox;
  EXPECT_EQ(twinbox("--config /x/y acount add x"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean twinbox account add?"));
}

TEST(CommandLine, UnknownOptionsNameTheNearest) {
  Fake twinbox;
  EXPECT_EQ(twinbox("account list --jsn"), 2);
  EXPECT_EQ(twinbox.err, "twinbox: unknown option --jsn\n         did you mean --json?\n");
  EXPECT_EQ(twinbox("ls a --limt 3"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean --limit?"));
  EXPECT_EQ(twinbox("ls a --limit=x"), 2);
  EXPECT_EQ(twinbox("ls a --lim 3"), 2) << "no guessing of beginnings";
  EXPECT_EQ(twinbox("ls a --words 3"), 2) << "the parser's own name for words is no option";
}

TEST(CommandLine, TooFewAndTooManyWordsShowTheForm) {
  Fake twinbox;
  EXPECT_EQ(twinbox("show work"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("write: twinbox show ACCOUNT ID"));
  EXPECT_EQ(twinbox("account list more"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("\"more\" is one word too many"));
}

TEST(CommandLine, GlobalOptionsStandBeforeOrBehindTheCommand) {
  Fake twinbox;
  std::ofstream(twinbox.home / "c.toml") << "[account.a]\nremote = \"imaps://me@h\"\n";
  for (const std::string& line : {"--config " + (twinbox.home / "c.toml") + " --json account list",
                                  "account --json list --config=" + (twinbox.home / "c.toml")}) {
    EXPECT_EQ(twinbox(line), 0) << line;
    EXPECT_THAT(twinbox.out, StartsWith("{\"account\":\"a\",")) << line;
  }
}

TEST(CommandLine, ErrorsAreOneLineOrOneObject) {
  Fake twinbox;
  EXPECT_EQ(twinbox("ls work"), 2);
  EXPECT_EQ(twinbox.err,
            "twinbox: no configuration at ~/.config/twinbox/config.toml\n"
            "         add an account: twinbox account add NAME me@gmail.com\n");
  EXPECT_EQ(twinbox("ls work --json"), 2);
  EXPECT_EQ(twinbox.err,
            "{\"error\":{\"code\":\"not-found\",\"what\":\"no configuration at ~/.config/twinbox/config.toml\","
            "\"hint\":\"add an account: twinbox account add NAME me@gmail.com\",\"retry\":false}}\n");
  EXPECT_EQ(twinbox("ls work --jsn --json"), 2);
  EXPECT_THAT(twinbox.err, StartsWith("{\"error\":{\"code\":\"usage\""));
}

TEST(CommandLine, VersionIsPrinted) {
  Fake twinbox;
  EXPECT_EQ(twinbox("--version"), 0);
  EXPECT_EQ(twinbox.out, "twinbox " TWINBOX_VERSION "\n");
}

std::string contents(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(AccountAdd, FindsTheServersOfAKnownProvider) {
  Fake twinbox;
  ASSERT_EQ(twinbox("account add work me@163.com"), 0) << twinbox.err;
  EXPECT_EQ(contents(twinbox.config()), "[account.work]\nremote = \"imaps://me@163.com@imap.163.com\"\n");
  EXPECT_THAT(twinbox.err, HasSubstr("authorisation code"));
  EXPECT_THAT(twinbox.err, HasSubstr("next: twinbox sync work\n"));
  EXPECT_EQ(twinbox.out, "");
  ASSERT_EQ(twinbox("account add p me@163.com --pop3 --quiet"), 0);
  EXPECT_THAT(contents(twinbox.config()), EndsWith("[account.p]\nremote = \"pop3s://me@163.com@pop.163.com\"\n"));
  EXPECT_EQ(twinbox.err, "");
  struct stat st{};
  ASSERT_EQ(::stat(twinbox.config().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST(AccountAdd, AnUnknownProviderNeedsARemote) {
  Fake twinbox;
  EXPECT_EQ(twinbox("account add w me@example.org"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("--remote imaps://me@example.org@imap.example.org"));
  EXPECT_EQ(twinbox("account add w"), 2);
  EXPECT_EQ(twinbox("account add w not-an-address"), 2);
  EXPECT_EQ(twinbox("account add w me@icloud.com --pop3"), 2);
  EXPECT_EQ(twinbox("account add w me@qq.com --imap --pop3"), 2);
  EXPECT_EQ(twinbox("account add ../w me@qq.com"), 2);
  EXPECT_FALSE(std::filesystem::exists(twinbox.config()));
  EXPECT_EQ(twinbox("account add w me@example.org --remote imaps://mail.example.org"), 0) << twinbox.err;
  EXPECT_THAT(contents(twinbox.config()), HasSubstr("\"imaps://me@example.org@mail.example.org\""));
}

TEST(AccountAdd, KeepsAPasswordOnlyWhenAskedAndNeverShowsIt) {
  Fake twinbox;
  twinbox.input = "hunter2\nrest\n";
  ASSERT_EQ(twinbox("account add w me@qq.com --password --json"), 0) << twinbox.err;
  EXPECT_THAT(contents(twinbox.config()), HasSubstr("password = \"hunter2\"\n"));
  EXPECT_THAT(twinbox.out + twinbox.err, Not(HasSubstr("hunter2")));
  ASSERT_EQ(twinbox("account list"), 0);
  EXPECT_THAT(twinbox.out, Not(HasSubstr("hunter2")));
  EXPECT_EQ(twinbox("account add w me@qq.com"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("already there"));
}

TEST(AccountAdd, AsksForThePasswordInTheWordsOfASync) {
  Fake twinbox;
  twinbox.prompt.answer = "hunter2";
  ASSERT_EQ(twinbox("account add w me@qq.com --password"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.prompt.asked, "Password of w (me@qq.com at imap.qq.com):");
}

TEST(AccountAdd, WrongValuesAreFoundBeforeTheFileIsWritten) {
  Fake twinbox;
  EXPECT_EQ(twinbox("account add w me@qq.com --pop3 --leave 14d"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("allowed: forever, never"));
  EXPECT_FALSE(std::filesystem::exists(twinbox.config()));
  EXPECT_EQ(twinbox("account add w me@qq.com --pop3 --leave never"), 0);
}

TEST(AccountAdd, WhatIsWrongWithAnOptionIsSaidOfTheOption) {
  struct Case {
    std::vector<std::string> options;
    const char* what;
    const char* hint;  // or ""
  };
  const std::vector<Case> cases = {
      {{"--auth", "plan"}, "--auth: unknown mechanism \"plan\"", "did you mean PLAIN?"},
      {{"--auth", "FOO-BAR-BAZ"}, "--auth: unknown mechanism \"FOO-BAR-BAZ\"", "known: "},
      {{"--auth", ""}, "--auth is empty", ""},
      {{"--auth", "XOAUTH2"}, "--auth XOAUTH2 needs a --token-command", ""},
      {{"--auth", "PLAIN", "--token-command", "t"}, "--auth PLAIN does not use a --token-command", ""},
      {{"--auth", "APOP", "--imap"}, "--auth APOP is for POP3 accounts; x uses IMAP", ""},
      {{"--pop3", "--leave", "Never"}, "--leave \"Never\" is not known in this version", "did you mean never?"},
      {{"--pop3", "--leave", "14d"}, "--leave \"14d\" is not known in this version", "allowed: forever, never"},
      {{"--leave", "never"}, "--leave never is for POP3 accounts; x uses IMAP", ""},
      {{"--tls-pin", "abc"}, "--tls-pin: \"abc\" is not a pin", "a pin is sha256: and 64 hexadecimal digits"},
      {{"--proxy", "bad"}, "--proxy: the proxy's address is not understood", "write socks5://host:port or "},
      {{"--store", "maildir:/x"}, "--store: a Maildir as the store is not known in this version", "name a folder"},
      {{"--password-command", ""}, "--password-command is empty", ""},
      {{"--password-command", "a", "--password-file", "b"},
       "account x has more than one of --password-command, --password-file, --password and --token-command",
       ""},
      {{"--remote", "bad"}, "--remote: \"bad\" is not an address of a server", "write it like imaps://me@"},
      {{"--remote", "imap://h"}, "--remote: \"imap://\" leaves open whether ", "write imaps://, "},
      {{"--remote", "imapz://h"}, "--remote: unknown scheme \"imapz\"", "did you mean imaps://?"},
      {{"--remote", "imaps://h:99999"}, "--remote: port 99999 is not between 1 and 65535", ""},
      {{"--store", "~/.local/share/twinbox/other"},
       "~/.local/share/twinbox/other is the store of account other",
       "give this one a folder of its own: --store DIR"},
  };
  for (const Case& each : cases) {
    Fake twinbox;
    ASSERT_EQ(twinbox("account add other me@gmx.de"), 0);
    std::vector<std::string> args = {"account", "add", "x", "me@163.com"};
    args.insert(args.end(), each.options.begin(), each.options.end());
    EXPECT_EQ(twinbox.run(args), 2) << each.what;
    EXPECT_THAT(twinbox.err, StartsWith(std::string("twinbox: ") + each.what));
    EXPECT_THAT(twinbox.err, Not(HasSubstr("config.toml"))) << "no place in a file";
    EXPECT_EQ(std::ranges::count(twinbox.err, '\n'), *each.hint == 0 ? 1 : 2) << twinbox.err;
    EXPECT_THAT(twinbox.err, HasSubstr(each.hint));
    ASSERT_EQ(twinbox("account list --json"), 0) << twinbox.err;
    EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 1) << "nothing was written";
  }
}

TEST(AccountAdd, TakesAProxyAndTellsTheAddressOfAServerFromAPersons) {
  Fake twinbox;
  EXPECT_EQ(twinbox("account add x imaps://me@example.org"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("\n         write --remote before it\n"));
  ASSERT_EQ(twinbox("account add x me@163.com --proxy socks5://127.0.0.1:9050"), 0) << twinbox.err;
  std::ifstream file(twinbox.config());
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(text, HasSubstr("proxy = \"socks5://127.0.0.1:9050\"\n"));
}

TEST(Schedule, AWrongIntervalIsSaidOfItsOption) {
  Fake twinbox;
  ASSERT_EQ(twinbox("account add work me@qq.com"), 0);
  EXPECT_EQ(twinbox("schedule enable --every often"), 2);
  EXPECT_THAT(twinbox.err, StartsWith("twinbox: --every: \"often\" is not an interval\n"));
}

TEST(AccountRemove, NamesTheNearestAndKeepsTheRest) {
  Fake twinbox;
  ASSERT_EQ(twinbox("account add work me@qq.com"), 0);
  ASSERT_EQ(twinbox("account add home me@gmx.de"), 0);
  EXPECT_EQ(twinbox("account remove wrok"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("did you mean work?"));
  EXPECT_EQ(twinbox("account remove work"), 0);
  EXPECT_THAT(contents(twinbox.config()), StartsWith("[account.home]"));
}

TEST(Schedule, WithoutSystemdAndCronItSaysSo) {
  Fake twinbox;
  ASSERT_EQ(twinbox("account add work me@qq.com"), 0);
  EXPECT_EQ(twinbox("schedule enable"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("neither systemd for users nor cron"));
  EXPECT_EQ(twinbox("schedule enable --every never"), 2);
  EXPECT_EQ(twinbox("schedule enable nobody"), 2);
  EXPECT_EQ(twinbox("schedule status --json"), 0);
  EXPECT_EQ(twinbox.out, "{\"schedule\":\"none\"}\n");
  EXPECT_EQ(twinbox("schedule status"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("neither systemd for users nor cron"));
}

// A crontab and nothing else.
void give_cron(Fake& twinbox, std::string& crontab) {
  twinbox.around.run_program = [&crontab](const auto& argv,
                                          std::string_view input) -> libsync::Result<libsync::account::ProcessOutcome> {
    if (argv[0] != "crontab") return libsync::fail(libsync::Errc::NotFound, "not there");
    if (argv[1] == "-") crontab = std::string(input);
    libsync::account::ProcessOutcome outcome;
    outcome.out = crontab;
    return outcome;
  };
}

TEST(Schedule, AnAccountThatIsRemovedIsNotForgottenInTheSchedule) {
  Fake twinbox;
  std::string crontab;
  give_cron(twinbox, crontab);
  ASSERT_EQ(twinbox("account add work me@qq.com --password-command x"), 0);
  ASSERT_EQ(twinbox("account add uni me@gmx.de --password-command x"), 0);
  ASSERT_EQ(twinbox("schedule enable work uni --every 30min"), 0) << twinbox.err;
  ASSERT_EQ(twinbox("account remove work"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("the schedule still names work; to leave it out: "
                                     "twinbox schedule enable uni --every 30min\n"));
  ASSERT_EQ(twinbox("schedule status"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("every run fails for it: work; to leave it out: "
                                     "twinbox schedule enable uni --every 30min\n"));
  ASSERT_EQ(twinbox("schedule status --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"unknown_accounts\":[\"work\"]"));
  ASSERT_EQ(twinbox("account remove uni"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("the schedule still names uni; to leave it out: twinbox schedule disable\n"));
  ASSERT_EQ(twinbox("schedule status"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("work, uni; to leave it out: twinbox schedule disable\n"));
}

TEST(Schedule, CronSaysWhenItTakesAnotherInterval) {
  Fake twinbox;
  std::string crontab;
  give_cron(twinbox, crontab);
  ASSERT_EQ(twinbox("account add work me@qq.com --password-command x"), 0);
  ASSERT_EQ(twinbox("schedule enable --every 45min"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("cron can't do every 45min: 30min is the nearest shorter"));
  ASSERT_EQ(twinbox("schedule enable --every 30min"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "");
}

TEST(AccountList, WithoutAFileIsANoteUnlessTheFileWasNamed) {
  Fake twinbox;
  EXPECT_EQ(twinbox("account list"), 0);
  EXPECT_EQ(twinbox.out, "");
  EXPECT_THAT(twinbox.err, HasSubstr("no account is set up; add one: twinbox account add NAME"));
  EXPECT_EQ(twinbox("account list --json"), 0);
  EXPECT_EQ(twinbox.out + twinbox.err, "");
  EXPECT_EQ(twinbox("account list --config /no/such/file"), 2);
}

TEST(AccountAdd, WarnsOfAPasswordInTheClear) {
  Fake twinbox;
  ASSERT_EQ(twinbox("account add far --remote imap+plain://me@mail.example.org"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.err, HasSubstr("without TLS the password and all mail cross the network"));
  for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
    ASSERT_EQ(twinbox(std::string("account add near --remote imap+plain://me@") + host), 0) << twinbox.err;
    EXPECT_THAT(twinbox.err, Not(HasSubstr("without TLS"))) << host;
    ASSERT_EQ(twinbox("account remove near"), 0);
  }
}

TEST(AccountAdd, OffersAnotherNameInSmallLetters) {
  Fake twinbox;
  EXPECT_EQ(twinbox("account add Work me@qq.com"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("in small letters it can: work\n"));
}

TEST(Mime, TellsDamageInWordsAndScriptsInCodes) {
  Fake twinbox;
  twinbox.input = "junk\nTo: undisclosed-recipients:;\nCc: Friends: a@x, b@x;, c@x\nDate: never\n\n";
  ASSERT_EQ(twinbox("mime -"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("octet 0: a line in the header that is no field\n"));
  EXPECT_THAT(twinbox.out, HasSubstr(": a date that can't be read\n"));
  ASSERT_EQ(twinbox("mime - --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("{\"fault\":\"junk-in-header\",\"offset\":0}"));
  EXPECT_THAT(twinbox.out, HasSubstr("\"to\":[{\"name\":\"\",\"address\":\"\",\"group\":\"undisclosed-recipients\"}]"));
  EXPECT_THAT(twinbox.out, HasSubstr("{\"name\":\"\",\"address\":\"b@x\",\"group\":\"Friends\"},"
                                     "{\"name\":\"\",\"address\":\"c@x\"}]"));
}

TEST(Mime, ShowsTheTreeOfStandardInput) {
  Fake twinbox;
  twinbox.input =
      "Subject: =?utf-8?b?5L2g5aW9?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
      "Content-Type: text/plain; name=\"a\x1B[2J.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\naGkK\r\n--b--\r\n";
  ASSERT_EQ(twinbox("mime -"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("Subject:  你好\n"));
  EXPECT_THAT(twinbox.out, HasSubstr("multipart/mixed"));
  EXPECT_THAT(twinbox.out, Not(HasSubstr("\x1B")));
  ASSERT_EQ(twinbox("mime - --part 2"), 0);
  EXPECT_EQ(twinbox.out, "hi\n");
  EXPECT_EQ(twinbox("mime - --part 3"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("its parts: 1, 2"));
  EXPECT_EQ(twinbox("mime - --part 2 --json"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("--part writes octets"));
  EXPECT_EQ(twinbox.out, "");
  ASSERT_EQ(twinbox("mime - --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"subject\":\"你好\""));
  EXPECT_THAT(twinbox.out, EndsWith("}\n"));
  EXPECT_EQ(twinbox("mime /no/such/file"), 2);
}

}  // namespace
}  // namespace twinbox
