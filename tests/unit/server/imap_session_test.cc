// The server's side of an IMAP session: the commands of IMAP4rev1 and IMAP4rev2.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ImapServer : public ::testing::Test {
 protected:
  MailAtHome home;
};

TEST_F(ImapServer, GreetsWithWhatALoginNeeds) {
  ImapTalk talk(home.mail, {}, false);
  EXPECT_THAT(talk.greeting, StartsWith("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 "));
  EXPECT_THAT(talk.greeting, HasSubstr(" SASL-IR"));
  EXPECT_THAT(talk.greeting, HasSubstr(" AUTH=SCRAM-SHA-256"));
  EXPECT_THAT(talk.greeting, Not(HasSubstr("CONDSTORE")));
  EXPECT_THAT(talk.say("a LOGIN joe pencil"), StartsWith("a OK [CAPABILITY "));
  EXPECT_THAT(talk.say("b CAPABILITY"), HasSubstr("CONDSTORE"));
}

TEST_F(ImapServer, SelectsFetchesStoresAndExpunges) {
  home.mail->put(home.inbox, kLetter, {}, 1770022800);
  home.mail->put(home.inbox, kLetter);
  ImapTalk talk(home.mail);
  const std::string selected = talk.say("s SELECT inbox");
  EXPECT_THAT(selected, HasSubstr("* 2 EXISTS\r\n"));
  EXPECT_THAT(selected, HasSubstr("s OK [READ-WRITE] selected\r\n"));
  EXPECT_EQ(talk.say("f FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)"),
            "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \" 2-Feb-2026 09:00:00 +0000\" RFC822.SIZE " +
                std::to_string(kLetter.size()) + ")\r\nf OK done\r\n");
  EXPECT_EQ(talk.say("g FETCH 1 BODY[TEXT]"),
            "* 1 FETCH (BODY[TEXT] {13}\r\nhello world\r\n FLAGS (\\Seen))\r\ng OK done\r\n");
  EXPECT_EQ(talk.say("h STORE 1 +FLAGS (\\Deleted)"), "* 1 FETCH (FLAGS (\\Deleted \\Seen))\r\nh OK done\r\n");
  EXPECT_EQ(talk.say("i EXPUNGE"), "* 1 EXPUNGE\r\ni OK done\r\n");
  EXPECT_EQ(talk.say("j UID SEARCH ALL"), "* SEARCH 2\r\nj OK done\r\n");
}

TEST_F(ImapServer, AppendsWhatComesInPieces) {
  ImapTalk talk(home.mail);
  EXPECT_EQ(talk.say("a APPEND INBOX (\\Seen) {5}"), "+ ready\r\n");
  EXPECT_EQ(talk.give("abc"), "");
  EXPECT_THAT(talk.give("de\r\n"), StartsWith("a OK [APPENDUID "));
  EXPECT_THAT(talk.say("b APPEND Nowhere {5}"), StartsWith("b NO [TRYCREATE] "));
  EXPECT_THAT(talk.give("c APPEND INBOX {3+}\r\nxyz {2+}\r\nuv\r\n"), StartsWith("c OK [APPENDUID "));
  talk.say("d SELECT INBOX");
  EXPECT_THAT(talk.say("e FETCH 3 BODY[]"), HasSubstr("{2}\r\nuv"));
}

}  // namespace
}  // namespace libsync::server
