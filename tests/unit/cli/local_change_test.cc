// Commands that change mail in the local store, on a store made here.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/store/store.h"
#include "libsync/sync/path.h"

#include "tests/unit/cli/fake_surroundings.h"
#include "tools/twinbox/flag_words.h"

namespace twinbox {
namespace {

namespace store = libsync::store;
namespace sync = libsync::sync;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int64_t kDay = 86400;

std::string mail(int number) {
  return "From: a@example.org\r\nSubject: m" + std::to_string(number) + "\r\n\r\ntext\r\n";
}

// An account "work" of mode two-way: messages 1, 2, 3 in INBOX, 4 in Work/A, 5 in Bin (\Trash).
class LocalChanges : public testing::Test {
 protected:
  void SetUp() override {
    configure("mode = \"two-way\"");
    auto opened = store::Store::open(directory(), {.mode = store::StoreMode::Create});
    ASSERT_TRUE(opened) << opened.error().what;
    store::Store& s = **opened;
    std::vector<store::Staged> staged;
    for (int i = 1; i <= 5; ++i) staged.push_back(s.stage(mail(i)).value());
    auto write = s.begin();
    ASSERT_TRUE(write);
    const auto inbox = (*write)->create_mailbox({"INBOX"}, sync::Role::Inbox);
    const auto folder = (*write)->create_mailbox({"Work", "A"});
    const auto trash = (*write)->create_mailbox({"Bin"}, sync::Role::Trash);
    for (size_t i = 0; i < 3; ++i) ASSERT_TRUE((*write)->add(*inbox, staged[i], {}, 1'789'000'000));
    ASSERT_TRUE((*write)->add(*folder, staged[3], {}, 1'789'000'000));
    ASSERT_TRUE((*write)->add(*trash, staged[4], {}, 1'789'000'000));
    ASSERT_TRUE((*write)->commit());
  }
  std::string directory() const { return twinbox.home / "store"; }
  void configure(const std::string& keys, const std::string& remote = "imaps://me@h") {
    std::filesystem::create_directories(twinbox.home / ".config/twinbox");
    std::ofstream(twinbox.config()) << "[account.work]\nremote = \"" << remote << "\"\nstore = \"" << directory()
                                    << "\"\n"
                                    << keys << "\n";
  }
  std::unique_ptr<store::Store> open() {
    auto opened = store::Store::open(directory(), {.mode = store::StoreMode::ReadOnly});
    EXPECT_TRUE(opened);
    return *std::move(opened);
  }
  // Where a message is: "INBOX", "-INBOX" when it was removed from there.
  std::string place(store::MessageId id) {
    const auto s = open();
    const auto found = s->message(id).value();
    if (!found) return "nowhere";
    if (found->mailbox == 0) return "-" + sync::encode_path(found->removed_from);
    return sync::encode_path(s->mailbox(found->mailbox).value()->path);
  }
  sync::Flags flags(store::MessageId id) { return open()->message(id).value()->flags; }
  std::vector<std::string> folders() {
    std::vector<std::string> names;
    const auto s = open();
    const auto boxes = s->mailboxes().value();
    for (const auto& box : boxes) names.push_back(sync::encode_path(box.path));
    return names;
  }
  // All that a failed command must leave as it was.
  std::string everything() {
    std::ostringstream out;
    const auto s = open();
    const auto boxes = s->mailboxes().value();
    for (const auto& box : boxes) {
      out << sync::encode_path(box.path) << ' ' << box.highestmodseq << ' ' << box.messages << ' ' << box.subscribed
          << '\n';
    }
    for (int id = 1; id <= 10; ++id) out << place(id) << '\n';
    return out.str();
  }
  std::string file(const std::string& name, const std::string& octets) {
    const std::string path = twinbox.home / name;
    std::ofstream(path, std::ios::binary) << octets;
    return path;
  }
  // The command, refused with this status and words, and nothing has changed.
  void refused(const std::vector<std::string>& args, int status, const std::string& words) {
    const std::string before = everything();
    EXPECT_EQ(twinbox.run(args), status) << testing::PrintToString(args) << twinbox.err;
    EXPECT_THAT(twinbox.err, HasSubstr(words)) << testing::PrintToString(args);
    EXPECT_EQ(twinbox.err.find_first_of("\x1B\x07\x7F"), std::string::npos);
    EXPECT_EQ(everything(), before) << testing::PrintToString(args);
  }
  test::Fake twinbox;
};

// --- flag ---

TEST(FlagWords, AreSystemFlagsInAnyFormOrKeywords) {
  for (const char* text : {"seen", "Seen", "\\Seen", "\\sEEN"}) {
    sync::Flags flags;
    ASSERT_TRUE(read_flag(text, flags)) << text;
    EXPECT_EQ(flags, sync::Flags{.system = sync::kSeen}) << text;
  }
  const auto all = read_flag_list("seen, answered,\\Flagged,DELETED,draft,$Work,invoice");
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_EQ(all->system, static_cast<uint32_t>(sync::kAllSystemFlags));
  EXPECT_THAT(all->keywords, ElementsAre("$Work", "invoice"));
}

TEST(FlagWords, ThatNoServerTakesAreRefused) {
  sync::Flags flags;
  EXPECT_TRUE(read_flag(std::string(kMaxKeyword, 'k'), flags));
  for (const std::string& text :
       {std::string(), std::string("\\"), std::string("\\Foo"), std::string("\\Recent"), std::string("recent"),
        std::string("a b"), std::string("a\nb"), std::string("a(b"), std::string("a{1}"), std::string("a\"b"),
        std::string("a\\b"), std::string("a]"), std::string("a%"), std::string("a*"), std::string("报"),
        std::string("\x1B[2J"), std::string("\xFF"), std::string(kMaxKeyword + 1, 'k')}) {
    sync::Flags none;
    EXPECT_FALSE(read_flag(text, none)) << text;
    EXPECT_EQ(none, sync::Flags()) << text;
  }
  EXPECT_FALSE(read_flag_list(""));
  EXPECT_FALSE(read_flag_list("seen,,flagged"));
  std::string many;
  for (size_t i = 0; i <= kMaxFlagsAtOnce; ++i) many += (i > 0 ? "," : "") + ("k" + std::to_string(i));
  EXPECT_FALSE(read_flag_list(many));
}

TEST_F(LocalChanges, FlagSetsAndRemovesOfAllMessagesInOneGo) {
  ASSERT_EQ(twinbox("flag work 1 2 +flagged +Invoice"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "2 messages changed: +flagged +Invoice\n");
  EXPECT_EQ(flags(1).system, static_cast<uint32_t>(sync::kFlagged));
  ASSERT_EQ(twinbox("flag work 1 -flagged +seen -\\Draft --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"messages\":1,\"changed\":1,\"ids\":[1]}\n");
  EXPECT_EQ(flags(1).system, static_cast<uint32_t>(sync::kSeen));
  ASSERT_EQ(twinbox("flag work 1 2 3 3 -flagged"), 0);
  EXPECT_EQ(twinbox.err, "1 of 3 messages changed: -flagged; the others are so already\n");
  ASSERT_EQ(twinbox("flag work 1 -INVOICE"), 0);
  EXPECT_THAT(flags(1).keywords, IsEmpty());
  EXPECT_THAT(flags(2).keywords, ElementsAre("Invoice"));
  const std::string before = everything();
  ASSERT_EQ(twinbox("flag work 2 +invoice"), 0);
  EXPECT_EQ(twinbox.err, "nothing to do in 1 message: +invoice\n");
  EXPECT_EQ(everything(), before) << "no new modseq";
  ASSERT_EQ(twinbox("-q flag work 2 +flagged"), 0);
  EXPECT_EQ(twinbox.err + twinbox.out, "");
}

TEST_F(LocalChanges, AMinusIsNoOption) {
  ASSERT_EQ(twinbox("flag work -seen 1 -q"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "") << "one letter is";
  ASSERT_EQ(twinbox("flag work 1 +vv +q"), 0);
  ASSERT_EQ(twinbox("flag work 1 -vv -- -q"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "1 message changed: -q -vv\n");
  EXPECT_EQ(twinbox("flag work 1 --sen"), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("unknown option --sen"));
  EXPECT_EQ(twinbox("ls work -seen"), 2) << "elsewhere it is one";
}

TEST_F(LocalChanges, FlagSaysWhatIsWrong) {
  refused({"flag", "work", "1"}, 2, "a flag to set or to remove");
  refused({"flag", "work", "+seen"}, 2, "the id of a message");
  refused({"flag", "work", "1", "99", "+seen"}, 2, "no message has the id 99");
  refused({"flag", "work", "1", "0", "+seen"}, 2, "not the id of a message");
  refused({"flag", "work", "1", "10-20", "+seen"}, 2, "not the id of a message");
  refused({"flag", "work", "1", "99999999999999999999", "+seen"}, 2, "not the id of a message");
  refused({"flag", "work", "1", "+seen", "-\\Seen"}, 2, "both");
  refused({"flag", "work", "1", "+Work", "-work"}, 2, "both");
  refused({"flag", "work", "1", "+a b"}, 2, "can't be a keyword");
  refused({"flag", "work", "1", "+\x1B[2J"}, 2, "can't be a keyword");
  refused({"flag", "work", "1", "+"}, 2, "can't be a keyword");
  ASSERT_EQ(twinbox("flag work 1 +flaged"), 0);
  EXPECT_THAT(twinbox.err, HasSubstr("flaged is set as a keyword; the flag is called flagged\n"));
}

// --- move, copy ---

TEST_F(LocalChanges, MoveTakesMessagesToTheLastWord) {
  ASSERT_EQ(twinbox("move work 1 4 2 Work/A"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "2 messages moved to Work/A, 1 there already\n");
  EXPECT_EQ(place(1) + place(2) + place(4), "Work/AWork/AWork/A");
  const std::string before = everything();
  ASSERT_EQ(twinbox("move work 1 2 Work/A/ --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out,
            "{\"account\":\"work\",\"folder\":\"Work/A\",\"messages\":0,\"already_there\":2,\"ids\":[]}\n");
  EXPECT_EQ(everything(), before);
  ASSERT_EQ(twinbox("move work 1 iNbOx --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out,
            "{\"account\":\"work\",\"folder\":\"INBOX\",\"messages\":1,\"already_there\":0,\"ids\":[1]}\n");
}

TEST_F(LocalChanges, CopyGivesNewIdsAlsoWithinAFolder) {
  ASSERT_EQ(twinbox("flag work 1 +flagged"), 0);
  ASSERT_EQ(twinbox("copy work 1 4 Work/A --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"folder\":\"Work/A\",\"messages\":2,\"ids\":[6,7]}\n");
  EXPECT_EQ(place(1) + place(6) + place(7), "INBOXWork/AWork/A");
  EXPECT_EQ(flags(6), flags(1));
  ASSERT_EQ(twinbox("copy work 1 INBOX"), 0);
  EXPECT_EQ(twinbox.err, "1 message copied to INBOX\n");
}

TEST_F(LocalChanges, MoveAndCopySayWhatIsWrongAndChangeNothing) {
  for (const char* command : {"move", "copy"}) {
    refused({command, "work", "1", "99", "Work/A"}, 2, "no message has the id 99");
    refused({command, "work", "1", "work/a"}, 2, "did you mean \"Work/A\"?");
    refused({command, "work", "1", "Nope"}, 2, "no folder named \"Nope\"");
    refused({command, "work", "1", std::string(1000, 'x')}, 2, "no folder named");
    refused({command, "work", "1", "a\x1B[2J\nb"}, 2, "no folder named");
    refused({command, "work", "INBOX", "Work/A"}, 2, "\"INBOX\" is not the id of a message");
    refused({command, "work", "other"}, 2, "needs more words");
  }
  ASSERT_EQ(twinbox("rm work 1 --forever"), 0);
  refused({"move", "work", "2", "1", "Work/A"}, 2,
          "message 1 was removed\n         to bring it back: twinbox undelete work 1");
}

// --- rm, undelete ---

TEST_F(LocalChanges, RmMovesToTrashAndRemovesFromThere) {
  ASSERT_EQ(twinbox("rm work 1 5"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err,
            "1 message moved to Bin\n1 message removed, to be had back for 30 days: twinbox undelete work 5\n");
  EXPECT_EQ(place(1) + place(5), "Bin-Bin");
  ASSERT_EQ(twinbox("rm work 2 4 --forever --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out,
            "{\"account\":\"work\",\"messages\":2,\"folder\":null,\"to_trash\":0,\"to_trash_ids\":[],\"removed\":2,"
            "\"removed_ids\":[2,4]}\n");
  EXPECT_EQ(place(2) + place(4), "-INBOX-Work/A");
  refused({"rm", "work", "3", "2"}, 2, "message 2 was removed");
  refused({"rm", "work", "3", "77"}, 2, "no message has the id 77");
}

TEST_F(LocalChanges, RmWithoutATrashKeepsFor30Days) {
  {
    auto s = store::Store::open(directory());
    auto write = (*s)->begin();
    ASSERT_TRUE((*write)->set_role((*s)->find_mailbox({"Bin"}).value()->id, sync::Role::None));
    ASSERT_TRUE((*write)->commit());
  }
  ASSERT_EQ(twinbox("rm work 1 2 5"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "3 messages removed, to be had back for 30 days: twinbox undelete work\n");
  EXPECT_EQ(place(1) + place(5), "-INBOX-Bin");
}

TEST_F(LocalChanges, UndeleteListsWhatWasRemovedLastFirst) {
  ASSERT_EQ(twinbox("undelete work"), 0);
  EXPECT_EQ(twinbox.err, "no removed messages are kept\n");
  ASSERT_EQ(twinbox("rm work 4 --forever"), 0);
  twinbox.clock.unix += kDay / 2;
  ASSERT_EQ(twinbox("rm work 1 --forever"), 0);
  twinbox.clock.unix += kDay;
  ASSERT_EQ(twinbox("undelete work"), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, testing::ContainsRegex(
                               " 1 .* 29 days  INBOX   a@example.org  m1\n 4 .* 29 days  Work/A  a@example.org  m4\n"));
  ASSERT_EQ(twinbox("undelete work --json --limit 1"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("{\"id\":1,\"uid\":null,\"folder\":\"INBOX\",\"subject\":\"m1\""));
  EXPECT_THAT(twinbox.out, HasSubstr("\"days_left\":29}\n"));
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 1);
  twinbox.clock.unix += 60 * kDay;
  ASSERT_EQ(twinbox("undelete work --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"days_left\":0}\n"));
  EXPECT_EQ(twinbox("undelete work --to INBOX"), 2);
}

TEST_F(LocalChanges, UndeletePutsBackWhereItWasOrElsewhere) {
  ASSERT_EQ(twinbox("rm work 1 2 4 5 --forever"), 0);
  ASSERT_EQ(twinbox("folder delete work Work/A"), 0) << twinbox.err;
  ASSERT_EQ(twinbox("undelete work 1 4 5"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "1 message back in Bin, 1 in INBOX, 1 in Work/A\n");
  EXPECT_EQ(place(1) + place(4) + place(5), "INBOXWork/ABin");
  ASSERT_EQ(twinbox("undelete work 2 --to Work/A --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out,
            "{\"account\":\"work\",\"messages\":1,\"folders\":[{\"folder\":\"Work/A\",\"messages\":1}],\"ids\":[2]}\n");
  EXPECT_EQ(place(2), "Work/A");
  ASSERT_EQ(twinbox("rm work 3"), 0);
  refused({"undelete", "work", "3"}, 2,
          "where it was before is not known\n         name a folder: twinbox move work 3 FOLDER");
  ASSERT_EQ(twinbox("undelete work 3 --to INBOX"), 0) << twinbox.err;
  EXPECT_EQ(place(3), "INBOX");
  ASSERT_EQ(twinbox("rm work 1 --forever"), 0);
  refused({"undelete", "work", "1", "3"}, 2, "message 3 is not removed: it is in INBOX");
  refused({"undelete", "work", "1", "99"}, 2, "no message has the id 99");
  refused({"undelete", "work", "1", "--to", "inbx"}, 2, "did you mean \"INBOX\"?");
}

// --- folder ---

TEST_F(LocalChanges, FoldersAreMadeRenamedAndDeleted) {
  ASSERT_EQ(twinbox("folder create work New/Deep/"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "folder New/Deep made\n");
  EXPECT_THAT(folders(), ElementsAre("INBOX", "Bin", "New/Deep", "Work/A")) << "those above are not made";
  ASSERT_EQ(twinbox("folder create work Work --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"folder\":\"Work\"}\n");
  ASSERT_EQ(twinbox("folder rename work Work Job"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "folder Work is now Job, and so 1 folder below it\n");
  EXPECT_EQ(place(4), "Job/A");
  ASSERT_EQ(twinbox("folder rename work Job Job --json"), 0);
  EXPECT_THAT(twinbox.out, HasSubstr("\"folders_renamed\":0"));
  ASSERT_EQ(twinbox("folder rename work Job inbox/Job --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out,
            "{\"account\":\"work\",\"folder\":\"INBOX/Job\",\"old_folder\":\"Job\",\"folders_renamed\":2}\n");
  ASSERT_EQ(twinbox("folder delete work New/Deep --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"folder\":\"New/Deep\",\"removed\":0}\n");
  refused({"folder", "delete", "work", "INBOX/Job/A"}, 3,
          "1 message in folder INBOX/Job/A: it was not deleted\n         --with-messages");
  ASSERT_EQ(twinbox("folder delete work INBOX/Job/A --with-messages"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err,
            "folder INBOX/Job/A deleted, 1 message removed, to be had back for 30 days: twinbox undelete work\n");
  EXPECT_EQ(place(4), "-INBOX/Job/A");
  EXPECT_THAT(folders(), ElementsAre("INBOX", "Bin", "INBOX/Job"));
}

TEST_F(LocalChanges, InboxStaysAndNoNameIsTakenTwice) {
  for (const char* name : {"INBOX", "inbox", "Inbox/"}) {
    refused({"folder", "delete", "work", name, "--with-messages"}, 2, "INBOX can't be deleted");
    refused({"folder", "rename", "work", name, "Other"}, 2, "INBOX keeps its name");
    refused({"folder", "create", "work", name}, 3, "folder INBOX exists already");
    refused({"folder", "rename", "work", "Bin", name}, 3, "folder INBOX exists already");
  }
  refused({"folder", "rename", "work", "Bin", "Bin/Old"}, 2, "Bin can't go below itself");
  refused({"folder", "rename", "work", "Nope", "Other"}, 2, "no folder named");
  ASSERT_EQ(twinbox("folder create work bin"), 0) << "case makes another name";
  ASSERT_EQ(twinbox("folder create work Work"), 0);
  ASSERT_EQ(twinbox("folder create work Job/A"), 0);
  refused({"folder", "rename", "work", "Work", "Job"}, 3, "folder Job/A exists already");
  refused({"folder", "create", "work", "Bin"}, 3, "folder Bin exists already");
}

TEST_F(LocalChanges, NamesThatCannotBeAreRefusedAndOddOnesAreKept) {
  for (const std::string& name : {std::string("a\nb"), std::string("\x1B[2J"), std::string("a%0Db"),
                                  std::string("\xFF\xFE"), std::string("a\x7F"), std::string("%00")}) {
    refused({"folder", "create", "work", name}, 2, "can't be the name of a folder");
    refused({"folder", "rename", "work", "Bin", name}, 2, "can't be the name of a folder");
  }
  refused({"folder", "create", "work", ""}, 2, "a level of it is empty");
  refused({"folder", "create", "work", "/"}, 2, "a level of it is empty");
  refused({"folder", "create", "work", "a//b"}, 2, "a level of it is empty");
  refused({"folder", "create", "work", "/a"}, 2, "a level of it is empty");
  refused({"folder", "create", "work", std::string(1025, 'x')}, 2, "a level is longer than 1024 bytes");
  std::string deep = "a";
  for (int i = 0; i < 64; ++i) deep += "/a";
  refused({"folder", "create", "work", deep}, 2, "more than 64 levels");
  const std::vector<std::string> odd = {std::string(1000, 'x'), "..", "a b", "50%", "a%2Fb", "~", "\"q\"", "报表", "*"};
  for (const std::string& name : odd) {
    ASSERT_EQ(twinbox.run({"folder", "create", "work", name}), 0) << name << twinbox.err;
    ASSERT_EQ(twinbox.run({"move", "work", "1", name}), 0) << name << twinbox.err;
    EXPECT_EQ(sync::decode_path(place(1)), sync::decode_path(name));
    ASSERT_EQ(twinbox.run({"move", "work", "2", place(1)}), 0) << "as ls names it: " << name << twinbox.err;
    ASSERT_EQ(twinbox.run({"folder", "delete", "work", name, "--with-messages"}), 0) << name << twinbox.err;
    ASSERT_EQ(twinbox("undelete work 1 2 --to INBOX"), 0) << twinbox.err;
  }
}

TEST_F(LocalChanges, SubscriptionsAreSetAndEnded) {
  ASSERT_EQ(twinbox("folder subscribe work Work/A"), 0);
  EXPECT_EQ(twinbox.err, "nothing to do: Work/A is subscribed to already\n");
  ASSERT_EQ(twinbox("folder unsubscribe work Work/A --json"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"folder\":\"Work/A\",\"subscribed\":false,\"changed\":1}\n");
  EXPECT_FALSE(open()->find_mailbox({"Work", "A"}).value()->subscribed);
  ASSERT_EQ(twinbox("folder unsubscribe work Work/A"), 0);
  EXPECT_EQ(twinbox.err, "nothing to do: Work/A is not subscribed to\n");
  ASSERT_EQ(twinbox("folder subscribe work Work/A"), 0);
  EXPECT_TRUE(open()->find_mailbox({"Work", "A"}).value()->subscribed);
}

// --- append ---

TEST_F(LocalChanges, AppendKeepsEveryOctet) {
  std::string odd = "no header, bare LF\n\nNUL _ and\r\n.\r\nFrom here\r";
  odd[odd.find('_')] = '\0';
  const std::string one = file("one.eml", odd), two = file("two.eml", mail(9));
  twinbox.input = "from input\r\n";
  ASSERT_EQ(
      twinbox.run({"append", "work", "Work/A", one, "-", two, "--flags", "Seen,$x", "--date", "1000000000", "--json"}),
      0)
      << twinbox.err;
  EXPECT_EQ(twinbox.out, "{\"account\":\"work\",\"folder\":\"Work/A\",\"messages\":3,\"size\":" +
                             std::to_string(odd.size() + 12 + mail(9).size()) + ",\"ids\":[6,7,8]}\n");
  const auto s = open();
  EXPECT_EQ(s->content(s->message(6).value()->content), odd);
  EXPECT_EQ(s->content(s->message(7).value()->content), twinbox.input);
  EXPECT_EQ(s->message(8).value()->internaldate, 1'000'000'000);
  EXPECT_EQ(flags(8).system, static_cast<uint32_t>(sync::kSeen));
  EXPECT_THAT(flags(8).keywords, ElementsAre("$x"));
  twinbox.input = "Date: Thu, 02 Jan 2020 03:04:05 +0000\r\n\r\n";
  ASSERT_EQ(twinbox("append work inbox"), 0) << twinbox.err;
  EXPECT_EQ(twinbox.err, "1 message stored in INBOX, 41 B: id 9\n");
  EXPECT_EQ(open()->message(9).value()->internaldate, twinbox.clock.unix) << "not what the header says";
}

TEST_F(LocalChanges, AppendTakesAMessageLargerThanAPiece) {
  std::string large = mail(7);
  while (large.size() < 3 << 20) large += "line " + std::to_string(large.size()) + "\r\n";
  ASSERT_EQ(twinbox.run({"append", "work", "INBOX", file("large.eml", large)}), 0) << twinbox.err;
  const auto s = open();
  EXPECT_EQ(s->content(s->message(6).value()->content), large);
}

TEST_F(LocalChanges, AppendReadsDatesInOneForm) {
  for (const auto& [text, seconds] :
       {std::pair("2020-01-02T03:04:05Z", 1'577'934'245), std::pair("2020-01-02T03:04:05+02:00", 1'577'927'045),
        std::pair("2020-01-02t03:04:05.25z", 1'577'934'245), std::pair("0", 0)}) {
    twinbox.input = "x";
    ASSERT_EQ(twinbox.run({"append", "work", "INBOX", "--date", text, "--json"}), 0) << text << twinbox.err;
    const auto last = open()->find_mailbox({"INBOX"}).value()->messages + 2;
    EXPECT_EQ(open()->message(static_cast<int64_t>(last)).value()->internaldate, seconds) << text;
  }
  for (const char* text : {"", "yesterday", "2020-01-02", "2020-13-02T03:04:05Z", "2020-01-02T25:04:05Z", "-1", "1e9",
                           "99999999999999", "Thu, 02 Jan 2020 03:04:05 +0000", "2020-01-02 03:04:05Z"}) {
    refused({"append", "work", "INBOX", "--date", text}, 2, "--date");
  }
}

TEST_F(LocalChanges, AppendStoresAllFilesOrNone) {
  const std::string good = file("good.eml", mail(9));
  refused({"append", "work", "INBOX", good, twinbox.home / "none.eml"}, 2, "none.eml: No such file");
  refused({"append", "work", "INBOX", good, file("empty.eml", "")}, 2, "empty.eml is empty");
  refused({"append", "work", "INBOX", good, twinbox.home.path().string()}, 2, "is a folder");
  refused({"append", "work", "INBOX", good, "/dev/null"}, 2, "is not a file");
  refused({"append", "work", "INBOX", good, "-"}, 2, "standard input is empty");
  refused({"append", "work", "INBX", good}, 2, "did you mean \"INBOX\"?");
  refused({"append", "work", "INBOX", good, "--flags", "seen;draft x"}, 2, "can't be a keyword");
  twinbox.input = "x";
  refused({"append", "work", "INBOX", "-", "-"}, 2, "read once");
  const std::string huge = file("huge.eml", "x");
  std::filesystem::resize_file(huge, store::kMaxWholeContent + 1);
  refused({"append", "work", "INBOX", good, huge}, 3, "is larger than 268 MB");
  EXPECT_TRUE(open()->verify({}, {}).value().ok());
}

// --- who may ---

TEST_F(LocalChanges, AMirrorIsChangedByItsServerAlone) {
  const std::vector<std::string> changes = {"move work 1 Work/A",
                                            "copy work 1 Work/A",
                                            "rm work 1",
                                            "rm work 1 --forever",
                                            "append work INBOX",
                                            "folder create work New",
                                            "folder rename work Bin Other",
                                            "folder delete work Bin --with-messages",
                                            "folder subscribe work Bin",
                                            "folder unsubscribe work Bin"};
  ASSERT_EQ(twinbox("rm work 2 --forever"), 0);
  twinbox.input = "x";
  const std::string hint = "mode = \"two-way\"";
  for (const char* keys : {"", "local_flags = true"}) {
    configure(keys);
    for (const std::string& line : changes) {
      const std::string before = everything();
      EXPECT_EQ(twinbox(line), 3) << line;
      EXPECT_THAT(twinbox.err, HasSubstr("work is a mirror of its server")) << line;
      EXPECT_THAT(twinbox.err, HasSubstr("mode = \"two-way\" under [account.work] in ~/.config/twinbox/config.toml\n"))
          << line;
      EXPECT_EQ(everything(), before) << line;
    }
    refused({"undelete", "work", "5", "--to", "INBOX"}, 3, "work is a mirror of its server");
  }
  ASSERT_EQ(twinbox("flag work 1 +flagged"), 0) << twinbox.err;
  configure("");
  EXPECT_EQ(twinbox("flag work 1 -flagged"), 3);
  EXPECT_THAT(twinbox.err, HasSubstr("or local_flags = true, under [account.work]"));
  ASSERT_EQ(twinbox("undelete work 2"), 0) << twinbox.err;
  EXPECT_EQ(
      twinbox.err,
      "1 message back in INBOX\nwork is a mirror: what came back is on this computer only, and a sync lets it be\n");
  configure("", "pop3s://me@h");
  for (const std::string& line : changes) {
    EXPECT_THAT(std::set<int>({0, 2}), testing::Contains(twinbox(line))) << line << twinbox.err;
    EXPECT_THAT(twinbox.err, Not(HasSubstr("mirror"))) << line;
  }
}

TEST_F(LocalChanges, NothingStoredYetIsToldAsElsewhere) {
  std::filesystem::remove_all(directory());
  for (const char* line : {"flag work 1 +seen", "move work 1 A", "rm work 1", "undelete work", "undelete work 1",
                           "folder create work A", "append work INBOX"}) {
    EXPECT_EQ(twinbox(line), 2) << line;
    EXPECT_THAT(twinbox.err, HasSubstr("nothing is stored of work yet\n         twinbox sync work\n")) << line;
    EXPECT_FALSE(std::filesystem::exists(directory())) << line;
  }
}

TEST_F(LocalChanges, AnotherWritersTurnIsWaitedForAndThenTold) {
  auto other = store::Store::open(directory());
  auto write = (*other)->begin();
  ASSERT_TRUE(write);
  EXPECT_EQ(twinbox("flag work 1 +seen"), 7);
  EXPECT_THAT(twinbox.err, HasSubstr("work: another twinbox is writing to the store; nothing was changed\n"));
  EXPECT_EQ(twinbox("ls work"), 0);
  write->reset();
  EXPECT_EQ(twinbox("flag work 1 +seen"), 0) << twinbox.err;
}

}  // namespace
}  // namespace twinbox
