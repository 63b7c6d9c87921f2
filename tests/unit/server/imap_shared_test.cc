// Two sessions on one mailbox: what one does is told to the other, at the moments that RFC 9051, section 7, allows.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ImapShared : public ::testing::Test {
 protected:
  ImapShared() {
    for (int i = 0; i < 4; ++i) home.mail->put(home.inbox, kLetter);
    mine.say("s SELECT INBOX");
    theirs.say("s SELECT INBOX");
  }

  MailAtHome home;
  ImapTalk mine{home.mail}, theirs{home.mail};
};

TEST_F(ImapShared, NewMessagesAreToldWithAnyCommand) {
  theirs.give("a APPEND INBOX {1+}\r\nx\r\n");
  EXPECT_EQ(mine.say("a FETCH 1 UID"), "* 1 FETCH (UID 1)\r\n* 5 EXISTS\r\na OK done\r\n");
  theirs.give("b APPEND INBOX {1+}\r\nx\r\n");
  EXPECT_EQ(mine.say("b SEARCH 1"), "* SEARCH 1\r\n* 6 EXISTS\r\nb OK done\r\n");
  theirs.give("c APPEND INBOX {1+}\r\nx\r\n");
  EXPECT_EQ(mine.say("c NOOP"), "* 7 EXISTS\r\nc OK done\r\n");
  EXPECT_EQ(mine.say("d NOOP"), "d OK done\r\n");
  EXPECT_THAT(mine.give("e APPEND INBOX {1+}\r\nx\r\n"), StartsWith("* 8 EXISTS\r\ne OK "));
}

TEST_F(ImapShared, NoExpungeInWhatSpeaksOfNumbers) {
  theirs.say("a STORE 2 +FLAGS.SILENT (\\Deleted)");
  mine.say("z NOOP");
  EXPECT_EQ(theirs.say("b EXPUNGE"), "* 2 EXPUNGE\r\nb OK done\r\n");
  EXPECT_EQ(mine.say("a FETCH 4 UID"), "* 4 FETCH (UID 4)\r\na OK done\r\n");
  EXPECT_EQ(mine.say("b STORE 4 FLAGS (x)"),
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft x)\r\n* 4 FETCH (FLAGS (x))\r\nb OK done\r\n");
  EXPECT_EQ(mine.say("c SEARCH ALL"), "* SEARCH 1 3 4\r\nc OK done\r\n");
  // Numbers are what they were until it is told.
  EXPECT_EQ(mine.say("d FETCH 3 UID"), "* 3 FETCH (UID 3)\r\nd OK done\r\n");
  EXPECT_THAT(mine.say("e FETCH 2 UID"), HasSubstr("e NO [EXPUNGEISSUED] "));
  EXPECT_EQ(mine.say("f UID FETCH 4 UID"), "* 4 FETCH (UID 4)\r\n* 2 EXPUNGE\r\nf OK done\r\n");
  EXPECT_EQ(mine.say("g FETCH 3 UID"), "* 3 FETCH (UID 4)\r\ng OK done\r\n");
}

TEST_F(ImapShared, UidCommandsAndOthersTellExpunges) {
  const char* commands[] = {
      "NOOP",       "CHECK", "UID FETCH 1 FLAGS", "UID SEARCH 1", "UID STORE 1 -FLAGS (x)", "STATUS Sent (MESSAGES)",
      "LIST \"\" x"};
  home.mail->make_folder({"Sent"});
  for (const char* command : commands) {
    const uint32_t uid = home.mail->put(home.inbox, "x");
    mine.say("z NOOP");
    home.mail->remove(home.inbox, uid);
    EXPECT_THAT(mine.say(std::string("a ") + command), HasSubstr("* 5 EXPUNGE\r\na OK ")) << command;
  }
}

TEST_F(ImapShared, FlagsOfOthersAreTold) {
  theirs.say("a STORE 2:3 +FLAGS.SILENT (\\Flagged)");
  EXPECT_EQ(mine.say("a NOOP"), "* 2 FETCH (FLAGS (\\Flagged))\r\n* 3 FETCH (FLAGS (\\Flagged))\r\na OK done\r\n");
  EXPECT_EQ(mine.say("b NOOP"), "b OK done\r\n");
  EXPECT_EQ(theirs.say("b NOOP"), "b OK done\r\n");
}

TEST_F(ImapShared, OwnChangesAreToldOnce) {
  EXPECT_EQ(mine.say("a STORE 1:2 +FLAGS (\\Seen)"),
            "* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS (\\Seen))\r\na OK done\r\n");
  EXPECT_EQ(mine.say("b NOOP"), "b OK done\r\n");
  EXPECT_EQ(mine.say("c STORE 1:2 -FLAGS.SILENT (\\Seen)"), "c OK done\r\n");
  EXPECT_EQ(mine.say("d NOOP"), "d OK done\r\n");
  EXPECT_THAT(mine.say("e FETCH 1 BODY[TEXT]"), HasSubstr(" FLAGS (\\Seen))\r\ne OK"));
  EXPECT_EQ(mine.say("f NOOP"), "f OK done\r\n");
  EXPECT_EQ(theirs.say("g NOOP"), "* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS ())\r\ng OK done\r\n");
}

// RFC 9051, section 6.4.6: whatever .SILENT keeps back, it is not what others did.
TEST_F(ImapShared, SilentHidesNothingOfOthers) {
  theirs.say("a STORE 1 +FLAGS.SILENT (\\Flagged)");
  EXPECT_EQ(mine.say("a STORE 1 +FLAGS.SILENT (\\Seen)"), "* 1 FETCH (FLAGS (\\Flagged))\r\na OK done\r\n");
  EXPECT_EQ(mine.say("b NOOP"), "b OK done\r\n");
  EXPECT_EQ(theirs.say("b NOOP"), "* 1 FETCH (FLAGS (\\Flagged \\Seen))\r\nb OK done\r\n");
}

TEST_F(ImapShared, UnchangedsinceFailsForWhatTheOtherChanged) {
  mine.say("a FETCH 1 MODSEQ");
  theirs.say("a STORE 2 +FLAGS.SILENT (\\Flagged)");
  const std::string answer = mine.say("b STORE 1:2 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)");
  EXPECT_THAT(answer, AllOf(HasSubstr("* 2 FETCH (FLAGS (\\Flagged) MODSEQ (6))\r\n"),
                            HasSubstr("* 1 FETCH (UID 1 MODSEQ (7))\r\nb OK [MODIFIED 2] ")));
}

TEST_F(ImapShared, ComingAndGoingBetweenTwoLooksIsNotTold) {
  const uint32_t uid = home.mail->put(home.inbox, "x");
  home.mail->remove(home.inbox, uid);
  EXPECT_EQ(mine.say("a NOOP"), "a OK done\r\n");
  home.mail->put(home.inbox, "y");
  EXPECT_EQ(mine.say("b NOOP"), "* 5 EXISTS\r\nb OK done\r\n");
  EXPECT_EQ(mine.say("c FETCH 5 UID"), "* 5 FETCH (UID 6)\r\nc OK done\r\n");
}

TEST_F(ImapShared, OwnExpungeTellsThoseOfOthersInOneOrder) {
  home.mail->remove(home.inbox, 1);
  home.mail->set_flags(home.inbox, 3, {.system = sync::kDeleted});
  const std::string answer = mine.say("a EXPUNGE");
  EXPECT_THAT(answer, HasSubstr(" EXPUNGE\r\n* "));
  EXPECT_EQ(mine.say("b FETCH 1:* UID"), "* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 4)\r\nb OK done\r\n");
}

TEST_F(ImapShared, VanishedIsToldWhereQresyncIsEnabled) {
  theirs.say("e ENABLE QRESYNC");
  home.mail->remove(home.inbox, 2);
  home.mail->remove(home.inbox, 3);
  EXPECT_EQ(theirs.say("a NOOP"), "* VANISHED 2:3\r\na OK done\r\n");
  EXPECT_EQ(mine.say("a NOOP"), "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\na OK done\r\n");
}

TEST_F(ImapShared, NewKeywordsAreToldBeforeTheyAreUsed) {
  theirs.say("a STORE 1 +FLAGS.SILENT ($New)");
  EXPECT_EQ(
      mine.say("a NOOP"),
      "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)\r\n* 1 FETCH (FLAGS ($New))\r\na OK done\r\n");
}

TEST_F(ImapShared, DeletedMailboxesEndTheSessionsInThem) {
  const FolderId box = home.mail->make_folder({"box"});
  home.mail->put(box, "x");
  mine.say("a SELECT box");
  theirs.say("a SELECT box");
  EXPECT_THAT(theirs.say("b DELETE box"), StartsWith("b OK "));
  EXPECT_THAT(theirs.say("c FETCH 1 UID"), StartsWith("c BAD "));
  EXPECT_THAT(mine.say("b NOOP"), StartsWith("* BYE "));
  EXPECT_TRUE(mine.session->over());
}

TEST_F(ImapShared, RenamedMailboxesGoOn) {
  const FolderId box = home.mail->make_folder({"box"});
  home.mail->put(box, "x");
  mine.say("a SELECT box");
  theirs.say("a RENAME box other");
  EXPECT_EQ(mine.say("b FETCH 1 UID"), "* 1 FETCH (UID 1)\r\nb OK done\r\n");
}

TEST_F(ImapShared, RenumberedMailboxesEndTheSession) {
  home.mail->renumber(home.inbox);
  EXPECT_THAT(mine.say("a NOOP"), StartsWith("* BYE "));
  EXPECT_TRUE(mine.session->over());
}

TEST_F(ImapShared, RenamedInboxStaysAndIsEmpty) {
  EXPECT_THAT(theirs.say("a RENAME INBOX old"), HasSubstr("a OK "));
  EXPECT_THAT(mine.say("a NOOP"), HasSubstr("* 1 EXPUNGE\r\na OK done\r\n"));
  EXPECT_THAT(mine.say("b STATUS old (MESSAGES)"), HasSubstr("(MESSAGES 4)"));
  EXPECT_THAT(mine.say("c STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 0)"));
}

TEST_F(ImapShared, ExamineNeitherStoresNorSees) {
  EXPECT_THAT(mine.say("a EXAMINE INBOX"), AllOf(HasSubstr("[PERMANENTFLAGS ()]"), HasSubstr("a OK [READ-ONLY] ")));
  EXPECT_THAT(mine.say("b STORE 1 FLAGS (\\Seen)"), StartsWith("b NO [NOPERM] "));
  EXPECT_THAT(mine.say("c EXPUNGE"), StartsWith("c NO [NOPERM] "));
  EXPECT_THAT(mine.say("d UID EXPUNGE 1"), StartsWith("d NO [NOPERM] "));
  home.mail->make_folder({"Sent"});
  EXPECT_THAT(mine.say("e MOVE 1 Sent"), StartsWith("e NO [NOPERM] "));
  EXPECT_THAT(mine.say("f COPY 1 Sent"), StartsWith("f OK "));
  EXPECT_THAT(mine.say("g FETCH 1 BODY[]"), Not(HasSubstr("\\Seen")));
  EXPECT_EQ(mine.say("h FETCH 1 FLAGS"), "* 1 FETCH (FLAGS ())\r\nh OK done\r\n");
  home.mail->set_flags(home.inbox, 1, {.system = sync::kDeleted});
  mine.say("i CLOSE");
  EXPECT_THAT(mine.say("j STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 4)"));
}

TEST(ImapMirror, OnlyWhatMayChangeChanges) {
  for (const Writable writable : {Writable::Nothing, Writable::Flags}) {
    auto mail = std::make_shared<MemoryMail>(MemoryMailOptions{.writable = writable});
    const FolderId inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
    mail->put(inbox, "x", {.system = sync::kDeleted});
    ImapTalk talk(mail);
    const bool flags = writable == Writable::Flags;
    EXPECT_THAT(talk.say("a SELECT INBOX"), HasSubstr(flags ? "[READ-WRITE]" : "[READ-ONLY]"));
    EXPECT_THAT(talk.say("b STORE 1 +FLAGS (\\Seen)"), HasSubstr(flags ? "b OK" : "b NO [NOPERM]"));
    EXPECT_THAT(talk.say("c EXPUNGE"), StartsWith("c NO [NOPERM] "));
    EXPECT_THAT(talk.say("d CREATE x"), StartsWith("d NO [NOPERM] "));
    EXPECT_THAT(talk.say("e DELETE y"), StartsWith("e NO "));
    EXPECT_THAT(talk.say("f APPEND INBOX {1}"), StartsWith("f NO [NOPERM] "));
    EXPECT_THAT(talk.say("g COPY 1 INBOX"), StartsWith("g NO [NOPERM] "));
    EXPECT_THAT(talk.say("h MOVE 1 INBOX"), StartsWith("h NO [NOPERM] "));
    EXPECT_THAT(talk.say("i RENAME INBOX x"), StartsWith("i NO [NOPERM] "));
    EXPECT_THAT(talk.say("j CLOSE"), StartsWith("j OK "));
    EXPECT_THAT(talk.say("k STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 1)"));
  }
}

}  // namespace
}  // namespace libsync::server
