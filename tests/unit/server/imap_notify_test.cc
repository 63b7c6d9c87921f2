// NOTIFY (RFC 5465), with somebody else at work on the same mail.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ImapNotify : public ::testing::Test {
 protected:
  MailAtHome home;
  FolderId lists = home.mail->make_folder({"Lists"});
  FolderId deep = home.mail->make_folder({"Lists", "deep"});
  ImapTalk talk{home.mail};
};

TEST_F(ImapNotify, NewMailOfOtherMailboxesIsTold) {
  ASSERT_EQ(talk.say("a NOTIFY SET (personal (MessageNew MessageExpunge))"), "a OK done\r\n");
  home.mail->put(lists, kLetter);
  EXPECT_EQ(talk.hear(), "* STATUS \"Lists\" (MESSAGES 1 UIDNEXT 2)\r\n");
  EXPECT_EQ(talk.hear(), "");
  home.mail->remove(lists, 1);
  EXPECT_EQ(talk.hear(), "* STATUS \"Lists\" (MESSAGES 0 UIDNEXT 2)\r\n");
  ASSERT_EQ(talk.say("b NOTIFY NONE"), "b OK done\r\n");
  home.mail->put(lists, kLetter);
  EXPECT_EQ(talk.hear(), "");
}

TEST_F(ImapNotify, StatusTellsWhereItStandsAtFirst) {
  home.mail->put(lists, kLetter);
  talk.say("s SELECT INBOX");
  const std::string told = talk.say(
      "a NOTIFY SET STATUS (selected (MessageNew MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))");
  EXPECT_THAT(told, StartsWith("* STATUS \"Lists\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "));
  EXPECT_THAT(told, HasSubstr("* STATUS \"Lists/deep\" "));
  EXPECT_THAT(told, Not(HasSubstr("INBOX")));
}

TEST_F(ImapNotify, TheSelectedMailboxIsToldAtOnce) {
  home.mail->put(home.inbox, kLetter);
  home.mail->put(home.inbox, kLetter);
  talk.say("s SELECT INBOX");
  home.mail->put(home.inbox, kLetter);
  EXPECT_EQ(talk.hear(), "") << "without NOTIFY a command or IDLE is waited for";
  EXPECT_THAT(
      talk.say(
          "a NOTIFY SET (selected (MessageNew (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange))"),
      HasSubstr("* 3 EXISTS"));
  home.mail->put(home.inbox, kLetter);
  EXPECT_EQ(talk.hear(),
            "* 4 EXISTS\r\n* 4 FETCH (UID 4 FLAGS () BODY[HEADER.FIELDS (Subject)] {25}\r\n"
            "Subject: first letter\r\n\r\n)\r\n");
  home.mail->remove(home.inbox, 2);
  EXPECT_EQ(talk.hear(), "* 2 EXPUNGE\r\n");
  home.mail->set_flags(home.inbox, 1, {.system = sync::kSeen});
  EXPECT_EQ(talk.hear(), "* 1 FETCH (FLAGS (\\Seen))\r\n");
}

TEST_F(ImapNotify, DelayedExpungesWaitForACommandThatLetsThem) {
  home.mail->put(home.inbox, kLetter);
  talk.say("s SELECT INBOX");
  talk.say("a NOTIFY SET (selected-delayed (MessageNew MessageExpunge))");
  home.mail->put(home.inbox, kLetter);
  home.mail->remove(home.inbox, 1);
  EXPECT_EQ(talk.hear(), "* 2 EXISTS\r\n");
  EXPECT_EQ(talk.say("b NOOP"), "* 1 EXPUNGE\r\nb OK done\r\n");
}

TEST_F(ImapNotify, NamesAndSubscriptionsAreTold) {
  talk.say("a NOTIFY SET (personal (MailboxName SubscriptionChange))");
  const FolderId made = *home.mail->create_folder({"New"}, sync::Role::None);
  EXPECT_THAT(talk.hear(), HasSubstr(") \"/\" \"New\"\r\n"));
  ASSERT_TRUE(home.mail->rename_folder(made, {"Newer"}));
  EXPECT_THAT(talk.hear(), HasSubstr("\"Newer\" (\"OLDNAME\" (\"New\"))\r\n"));
  const bool subscribed = (*home.mail->folder(made))->subscribed;
  ASSERT_TRUE(home.mail->subscribe(made, !subscribed));
  EXPECT_THAT(talk.hear(), HasSubstr(subscribed ? "LIST () \"/\" \"Newer\"" : "LIST (\\Subscribed) \"/\" \"Newer\""));
  ASSERT_TRUE(home.mail->delete_folder(made));
  EXPECT_EQ(talk.hear(), "* LIST (\\NonExistent) \"/\" \"Newer\"\r\n");
}

TEST_F(ImapNotify, WhatMakesNoSenseIsRefused) {
  for (const char* bad :
       {"NOTIFY", "NOTIFY SET", "NOTIFY SET (personal)", "NOTIFY SET (personal (MessageNew))",
        "NOTIFY SET (personal (FlagChange))", "NOTIFY SET (nobody NONE)", "NOTIFY SET (selected (MailboxName))",
        "NOTIFY SET (personal (MessageNew (FLAGS) MessageExpunge))", "NOTIFY NONE x", "NOTIFY SET (personal NONE) x"}) {
    EXPECT_THAT(talk.say(std::string("a ") + bad), StartsWith("a BAD ")) << bad;
  }
  EXPECT_THAT(talk.say("a NOTIFY SET (personal (AnnotationChange))"), StartsWith("a NO [BADEVENT (MessageNew "));
  ImapTalk without(home.mail, {"NOTIFY"});
  EXPECT_THAT(without.say("a NOTIFY NONE"), StartsWith("a BAD "));
}

}  // namespace
}  // namespace libsync::server
