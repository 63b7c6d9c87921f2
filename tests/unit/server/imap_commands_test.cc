// The commands that IMAP4rev1 and IMAP4rev2 have (RFC 9051, section 6): each in each state, and what it answers.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ImapCommands : public ::testing::Test {
 protected:
  ImapCommands() {
    home.mail->put(home.inbox, kLetter);
    home.mail->make_folder({"box"});
  }
  MailAtHome home;
};

TEST_F(ImapCommands, EachIsForItsStates) {
  // Before the login, logged in, with a mailbox selected.
  struct Row {
    const char* line;
    const char* before;
    const char* inside;
    const char* selected;
  };
  const Row rows[] = {
      {"CAPABILITY", "OK", "OK", "OK"},
      {"NOOP", "OK", "OK", "OK"},
      {"LOGOUT", "OK", "OK", "OK"},
      {"ID NIL", "OK", "OK", "OK"},
      {"LOGIN joe pencil", "OK", "BAD", "BAD"},
      {"AUTHENTICATE PLAIN AGpvZQBwZW5jaWw=", "OK", "BAD", "BAD"},
      {"STARTTLS", "BAD", "BAD", "BAD"},
      {"ENABLE CONDSTORE", "BAD", "OK", "OK"},
      {"NAMESPACE", "BAD", "OK", "OK"},
      {"SELECT INBOX", "BAD", "OK", "OK"},
      {"EXAMINE INBOX", "BAD", "OK", "OK"},
      {"CREATE new", "BAD", "OK", "OK"},
      {"DELETE box", "BAD", "OK", "OK"},
      {"RENAME box other", "BAD", "OK", "OK"},
      {"SUBSCRIBE box", "BAD", "OK", "OK"},
      {"UNSUBSCRIBE box", "BAD", "OK", "OK"},
      {"LIST \"\" *", "BAD", "OK", "OK"},
      {"LSUB \"\" *", "BAD", "OK", "OK"},
      {"STATUS INBOX (MESSAGES)", "BAD", "OK", "OK"},
      {"APPEND INBOX {1+}\r\nx", "BAD", "OK", "OK"},
      {"COMPRESS DEFLATE", "BAD", "OK", "OK"},
      {"CHECK", "BAD", "BAD", "OK"},
      {"CLOSE", "BAD", "BAD", "OK"},
      {"UNSELECT", "BAD", "BAD", "OK"},
      {"EXPUNGE", "BAD", "BAD", "OK"},
      {"UID EXPUNGE 1", "BAD", "BAD", "OK"},
      {"SEARCH ALL", "BAD", "BAD", "OK"},
      {"UID SEARCH ALL", "BAD", "BAD", "OK"},
      {"FETCH 1 UID", "BAD", "BAD", "OK"},
      {"UID FETCH 1 UID", "BAD", "BAD", "OK"},
      {"STORE 1 FLAGS ()", "BAD", "BAD", "OK"},
      {"UID STORE 1 FLAGS ()", "BAD", "BAD", "OK"},
      {"COPY 1 box", "BAD", "BAD", "OK"},
      {"UID COPY 1 box", "BAD", "BAD", "OK"},
      {"MOVE 1 box", "BAD", "BAD", "OK"},
      {"UID MOVE 1 box", "BAD", "BAD", "OK"},
  };
  for (const Row& row : rows) {
    for (int state = 0; state < 3; ++state) {
      MailAtHome fresh;
      fresh.mail->put(fresh.inbox, kLetter);
      fresh.mail->make_folder({"box"});
      ImapTalk talk(fresh.mail, {}, state > 0);
      if (state == 2) talk.say("s SELECT INBOX");
      const char* told = state == 0 ? row.before : state == 1 ? row.inside : row.selected;
      const std::string answer = talk.say("a " + std::string(row.line));
      EXPECT_THAT(answer, AllOf(HasSubstr("a " + std::string(told) + " "), testing::EndsWith("\r\n")))
          << row.line << state;
      EXPECT_EQ(talk.session->over(), std::string_view(row.line) == "LOGOUT") << row.line;
    }
  }
}

TEST_F(ImapCommands, NamesAreWithoutCase) {
  ImapTalk talk(home.mail, {}, false);
  EXPECT_THAT(talk.say("A LogIn joe pencil"), StartsWith("A OK "));
  EXPECT_THAT(talk.say("a select iNbOx"), HasSubstr("a OK [READ-WRITE] "));
  EXPECT_EQ(talk.say("a uid fetch 1 (uid)"), "* 1 FETCH (UID 1)\r\na OK done\r\n");
}

TEST_F(ImapCommands, CapabilityTellsWhatTheStateHas) {
  ImapTalk talk(home.mail, {}, false);
  const std::string before = talk.say("a CAPABILITY");
  EXPECT_THAT(before,
              AllOf(StartsWith("* CAPABILITY IMAP4rev1 IMAP4rev2 "), HasSubstr(" AUTH=PLAIN"), HasSubstr(" LITERAL+"),
                    HasSubstr(" ENABLE"), HasSubstr(" IDLE"), Not(HasSubstr(" MOVE")), Not(HasSubstr("CRAM-MD5"))));
  talk.say("l LOGIN joe pencil");
  EXPECT_THAT(talk.say("b CAPABILITY"), AllOf(Not(HasSubstr("AUTH=")), HasSubstr(" MOVE")));
}

TEST_F(ImapCommands, LoginIsByNameAndPassword) {
  for (const char* line : {"LOGIN joe wrong", "LOGIN ann pencil", "LOGIN \"\" \"\"", "LOGIN joe \"pencil \""}) {
    ImapTalk talk(home.mail, {}, false);
    EXPECT_EQ(talk.say("a " + std::string(line)), "") << line;
    talk.now = talk.session->deadline();
    EXPECT_EQ(talk.hear(), "a NO [AUTHENTICATIONFAILED] wrong user name or password\r\n") << line;
  }
  ImapTalk talk(home.mail, {}, false);
  for (const char* line : {"LOGIN", "LOGIN joe", "LOGIN joe ", "LOGIN (joe) pencil", "LOGIN joe pencil x"}) {
    EXPECT_THAT(talk.say("a " + std::string(line)), StartsWith("a BAD ")) << line;
  }
  EXPECT_THAT(talk.say("b LOGIN \"joe\" {6+}\r\npencil"), StartsWith("b OK [CAPABILITY "));
  ImapTalk off(home.mail, {"LOGIN"}, false);
  EXPECT_THAT(off.greeting, HasSubstr(" LOGINDISABLED"));
  EXPECT_THAT(off.say("a LOGIN joe pencil"), StartsWith("a NO "));
}

TEST_F(ImapCommands, AuthenticateTalksAsItsMechanismHasIt) {
  ImapTalk talk(home.mail, {}, false);
  EXPECT_THAT(talk.say("a AUTHENTICATE"), StartsWith("a BAD "));
  EXPECT_THAT(talk.say("b AUTHENTICATE NOSUCH"), StartsWith("b NO "));
  EXPECT_EQ(talk.say("c AUTHENTICATE PLAIN"), "+ \r\n");
  EXPECT_THAT(talk.say("*"), StartsWith("c BAD "));
  EXPECT_EQ(talk.say("d AUTHENTICATE PLAIN"), "+ \r\n");
  EXPECT_THAT(talk.say("no base64!"), StartsWith("d BAD "));
  EXPECT_THAT(talk.say("e AUTHENTICATE PLAIN !"), StartsWith("e BAD "));
  EXPECT_EQ(talk.say("f AUTHENTICATE PLAIN AGpvZQB3cm9uZw=="), "");
  talk.now = talk.session->deadline();
  EXPECT_THAT(talk.hear(), StartsWith("f NO [AUTHENTICATIONFAILED] "));
  EXPECT_EQ(talk.say("g AUTHENTICATE LOGIN"), "+ VXNlcm5hbWU6\r\n");
  EXPECT_EQ(talk.say("am9l"), "+ UGFzc3dvcmQ6\r\n");
  EXPECT_THAT(talk.say("cGVuY2ls"), StartsWith("g OK [CAPABILITY "));
  ImapTalk off(home.mail, {"PLAIN"}, false);
  EXPECT_THAT(off.greeting, Not(HasSubstr("AUTH=PLAIN")));
  EXPECT_THAT(off.say("a AUTHENTICATE PLAIN AGpvZQBwZW5jaWw="), StartsWith("a NO "));
}

TEST_F(ImapCommands, SelectTellsTheMailbox) {
  home.mail->put(home.inbox, "x", {.keywords = {"$Label", "odd]"}});
  ImapTalk talk(home.mail);
  const std::string answer = talk.say("a SELECT INBOX");
  EXPECT_THAT(answer, StartsWith("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label)\r\n"));
  EXPECT_THAT(answer, HasSubstr("[PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label \\*)]"));
  EXPECT_THAT(answer, AllOf(HasSubstr("* 2 EXISTS\r\n"), HasSubstr("* 0 RECENT\r\n"), HasSubstr("[UIDNEXT 3]"),
                            HasSubstr("[UIDVALIDITY "), HasSubstr("[HIGHESTMODSEQ 3]")));
  EXPECT_EQ(talk.say("b SELECT nowhere"), "b NO [NONEXISTENT] no such mailbox\r\n");
  EXPECT_THAT(talk.say("c CLOSE"), StartsWith("c BAD "));
}

TEST_F(ImapCommands, CloseExpungesAndUnselectDoesNot) {
  home.mail->set_flags(home.inbox, 1, {.system = sync::kDeleted});
  ImapTalk talk(home.mail);
  talk.say("a SELECT INBOX");
  EXPECT_EQ(talk.say("b UNSELECT"), "b OK closed\r\n");
  EXPECT_THAT(talk.say("c STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 1)"));
  talk.say("d SELECT INBOX");
  EXPECT_EQ(talk.say("e CLOSE"), "e OK closed\r\n");
  EXPECT_THAT(talk.say("f STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 0)"));
}

TEST_F(ImapCommands, MailboxesAreMadeRenamedAndDeleted) {
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("a CREATE top/sub/"), StartsWith("a OK "));
  EXPECT_THAT(talk.say("b CREATE top/sub"), StartsWith("b NO [ALREADYEXISTS] "));
  EXPECT_THAT(talk.say("c CREATE inbox"), StartsWith("c NO [ALREADYEXISTS] "));
  EXPECT_THAT(talk.say("d CREATE INBOX/below"), StartsWith("d OK "));
  EXPECT_THAT(talk.say("e RENAME top/sub top/sub/x"), StartsWith("e NO [CANNOT] "));
  EXPECT_THAT(talk.say("f RENAME nowhere x"), StartsWith("f NO [NONEXISTENT] "));
  EXPECT_THAT(talk.say("g RENAME top/sub box"), StartsWith("g NO [ALREADYEXISTS] "));
  talk.say("h CREATE top/sub/leaf");
  EXPECT_THAT(talk.say("i RENAME top/sub moved"), StartsWith("i OK "));
  EXPECT_THAT(talk.say("j LIST \"\" *"),
              AllOf(HasSubstr("\"moved\""), HasSubstr("\"moved/leaf\""), Not(HasSubstr("top"))));
  EXPECT_THAT(talk.say("k DELETE moved"), StartsWith("k OK "));
  EXPECT_THAT(talk.say("l LIST \"\" moved*"),
              AllOf(HasSubstr("(\\Noselect \\HasChildren) \"/\" \"moved\""), HasSubstr("leaf")));
  EXPECT_THAT(talk.say("m SELECT moved"), StartsWith("m NO [NONEXISTENT] "));
  EXPECT_THAT(talk.say("n DELETE moved"), StartsWith("n NO [NONEXISTENT] "));
  EXPECT_THAT(talk.say("o DELETE INBOX"), StartsWith("o NO [CANNOT] "));
  EXPECT_THAT(talk.say("p DELETE inbox"), StartsWith("p NO [CANNOT] "));
  talk.say("q SELECT box");
  EXPECT_THAT(talk.say("r DELETE box"), StartsWith("r OK "));
  EXPECT_THAT(talk.say("s CHECK"), StartsWith("s BAD "));
}

TEST_F(ImapCommands, RenamingInboxMovesItsMessages) {
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("a RENAME INBOX old"), StartsWith("a OK "));
  EXPECT_THAT(talk.say("b STATUS old (MESSAGES)"), HasSubstr("(MESSAGES 1)"));
  EXPECT_THAT(talk.say("c STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 0)"));
}

TEST_F(ImapCommands, ListKnowsItsWildcards) {
  home.mail->make_folder({"a", "b", "c"});
  home.mail->make_folder({"a b"});
  ImapTalk talk(home.mail);
  const auto names = [&](std::string_view arguments) {
    const std::string answer = talk.say("a LIST " + std::string(arguments));
    std::string out;
    for (size_t at = 0; (at = answer.find("\"/\" ", at)) != answer.npos; at += 4) {
      out += answer.substr(at + 4, answer.find('\r', at) - at - 4);
    }
    return out;
  };
  EXPECT_EQ(names("\"\" *"), R"("INBOX""a""a/b""a/b/c""a b""box")");
  EXPECT_EQ(names("\"\" %"), R"("INBOX""a""a b""box")");
  EXPECT_EQ(names("\"\" a/%"), R"("a/b")");
  EXPECT_EQ(names("a/ %"), R"("a/b")");
  EXPECT_EQ(names("a/b /c"), R"("a/b/c")");
  EXPECT_EQ(names("\"\" inbox"), R"("INBOX")");
  EXPECT_EQ(names("\"\" In*"), R"("INBOX")");
  EXPECT_EQ(names("\"\" \"a b\""), R"("a b")");
  EXPECT_EQ(names("\"\" %/%"), R"("a/b")");
  EXPECT_EQ(names("\"\" *c"), R"("a/b/c")");
  EXPECT_EQ(names("\"\" {1+}\r\n%"), R"("INBOX""a""a b""box")");
  EXPECT_EQ(names("\"\" nosuch"), "");
  EXPECT_EQ(talk.say("b LIST \"\" \"\""), "* LIST (\\Noselect) \"/\" \"\"\r\nb OK done\r\n");
}

TEST_F(ImapCommands, LsubTellsWhatIsSubscribed) {
  home.mail->make_folder({"top", "sub"});
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("a UNSUBSCRIBE box"), StartsWith("a OK "));
  EXPECT_EQ(talk.say("b LSUB \"\" *"), "* LSUB () \"/\" \"INBOX\"\r\n* LSUB () \"/\" \"top/sub\"\r\nb OK done\r\n");
  // RFC 3501, section 6.3.9: what "%" hides is told by the name above it.
  EXPECT_EQ(talk.say("c LSUB \"\" %"),
            "* LSUB () \"/\" \"INBOX\"\r\n* LSUB (\\Noselect) \"/\" \"top\"\r\nc OK done\r\n");
  EXPECT_THAT(talk.say("d SUBSCRIBE box"), StartsWith("d OK "));
  EXPECT_THAT(talk.say("e LSUB \"\" box"), HasSubstr("* LSUB () \"/\" \"box\"\r\n"));
  EXPECT_THAT(talk.say("f SUBSCRIBE nowhere"), StartsWith("f NO [NONEXISTENT] "));
  // Mail programs do so behind RENAME and DELETE.
  EXPECT_THAT(talk.say("g UNSUBSCRIBE nowhere"), StartsWith("g OK "));
}

TEST_F(ImapCommands, StatusTellsWhatIsAskedFor) {
  home.mail->put(home.inbox, "x", {.system = sync::kSeen | sync::kDeleted});
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("a STATUS inbox (MESSAGES RECENT UIDNEXT UNSEEN DELETED SIZE)"),
              StartsWith("* STATUS \"INBOX\" (MESSAGES 2 RECENT 0 UIDNEXT 3 UNSEEN 1 DELETED 1 SIZE " +
                         std::to_string(kLetter.size() + 1) + ")\r\na OK "));
  EXPECT_THAT(talk.say("b STATUS nowhere (MESSAGES)"), StartsWith("b NO [NONEXISTENT] "));
}

TEST_F(ImapCommands, AppendKeepsFlagsAndDate) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT box");
  EXPECT_THAT(talk.give("a APPEND box (\\Seen \\Recent $x) \" 1-Feb-2026 10:00:00 +0100\" {3+}\r\nabc\r\n"),
              AllOf(HasSubstr("* 1 EXISTS\r\n"), HasSubstr("a OK [APPENDUID ")));
  EXPECT_THAT(talk.say("b FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])"),
              HasSubstr("* 1 FETCH (FLAGS (\\Seen $x) INTERNALDATE \" 1-Feb-2026 09:00:00 +0000\" BODY[] {3}\r\nabc)"));
  EXPECT_THAT(talk.say("c APPEND nowhere {1}"), StartsWith("c NO [TRYCREATE] "));
  EXPECT_THAT(talk.say("d APPEND nowhere {1+}\r\nx"), StartsWith("d NO [TRYCREATE] "));
  EXPECT_THAT(talk.say("e APPEND box \"yesterday\" {1+}\r\nx"), StartsWith("e BAD "));
  EXPECT_THAT(talk.say("f APPEND box (\\NoSuch) {1+}\r\nx"), StartsWith("f BAD "));
  EXPECT_THAT(talk.say("g APPEND box {1+}\r\nx y"), StartsWith("g BAD "));
  EXPECT_THAT(talk.say("h APPEND box {2+}xx {1+}\r\nx"), StartsWith("h BAD "));
  EXPECT_THAT(talk.say("i APPEND box odd {1+}\r\nx"), StartsWith("i BAD "));
  EXPECT_THAT(talk.say("j APPEND {3+}\r\nbox {1+}\r\nx"), HasSubstr("j OK "));
  EXPECT_THAT(talk.say("k APPEND box UTF8 (~{1+}\r\nx"), StartsWith("k BAD "));
  EXPECT_THAT(talk.say("l APPEND box UTF8 (~{1+}\r\nx)"), HasSubstr("l OK "));
  EXPECT_THAT(talk.say("m STATUS box (MESSAGES)"), HasSubstr("(MESSAGES 3)"));
}

TEST_F(ImapCommands, StoreSetsAddsAndRemoves) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_THAT(talk.say("a STORE 1 FLAGS (\\Seen $a)"), HasSubstr("* 1 FETCH (FLAGS (\\Seen $a))\r\na OK done\r\n"));
  EXPECT_EQ(talk.say("b STORE 1 +FLAGS \\Draft $A"), "* 1 FETCH (FLAGS (\\Seen \\Draft $a))\r\nb OK done\r\n");
  EXPECT_EQ(talk.say("c STORE 1 -flags (\\Seen $A)"), "* 1 FETCH (FLAGS (\\Draft))\r\nc OK done\r\n");
  EXPECT_EQ(talk.say("d STORE 1 Flags.Silent ()"), "d OK done\r\n");
  EXPECT_EQ(talk.say("e FETCH 1 FLAGS"), "* 1 FETCH (FLAGS ())\r\ne OK done\r\n");
  EXPECT_EQ(talk.say("f UID STORE 1,99 +FLAGS (\\Answered)"), "* 1 FETCH (UID 1 FLAGS (\\Answered))\r\nf OK done\r\n");
  EXPECT_EQ(talk.say("g STORE 1 FLAGS (\\Recent)"), "* 1 FETCH (FLAGS ())\r\ng OK done\r\n");
}

TEST_F(ImapCommands, LogoutSaysGoodbye) {
  ImapTalk talk(home.mail);
  EXPECT_EQ(talk.give("a LOGOUT\r\nb NOOP\r\n"), "* BYE until the next time\r\na OK done\r\n");
  EXPECT_TRUE(talk.session->over());
}

TEST_F(ImapCommands, PipelinedCommandsAreAnsweredInOrder) {
  ImapTalk talk(home.mail);
  EXPECT_EQ(talk.give("a NOOP\r\nb CHECK\r\nc LOGOUT\r\n"),
            "a OK done\r\nb BAD select a mailbox first\r\n* BYE until the next time\r\nc OK done\r\n");
}

}  // namespace
}  // namespace libsync::server
