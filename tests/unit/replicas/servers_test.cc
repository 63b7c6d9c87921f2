// What servers other than Dovecot say, as they said it (Cyrus 3.6.1, Courier-IMAP 5.0, GNU mailutils 3.15):
// tests/e2e/test_servers.py runs them where it can, this runs everywhere.
#include <gtest/gtest.h>

#include "libsync/replicas/pop3.h"

#include "tests/unit/replicas/imap_script.h"

namespace libsync::replicas {
namespace {

// A look, in words.
class Words final : public sync::ChangeSink {
 public:
  Status open(const sync::BoxId& box, const sync::BoxState& state) override {
    log += box + " " + std::to_string(state.epoch) + ":";
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    log += " " + (ref.key.name.empty() ? std::to_string(ref.key.number) : ref.key.name) + "/" +
           std::to_string(facts.size) + (facts.object.empty() ? "" : "/" + facts.object);
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
  Status close(const sync::BoxId&, std::string_view next, uint64_t exists) override {
    cursor = next;
    log += " of " + std::to_string(exists) + "\n";
    return {};
  }
  Status missing(const sync::BoxId& box) override {
    log += box + " missing\n";
    return {};
  }
  Status unreadable(const sync::BoxId& box, const Error& error) override {
    log += box + " " + error.what + "\n";
    return {};
  }
  std::string log, cursor;
};

// The path of each mailbox that can be opened, and its id where that is another text.
std::string listed(const std::vector<sync::Mailbox>& boxes) {
  std::string text;
  for (const sync::Mailbox& box : boxes) {
    EXPECT_EQ(box.trouble, "");
    if (!box.selectable) continue;
    std::string path;
    for (const std::string& each : box.path) path += (path.empty() ? "" : "/") + each;
    text += path + (box.id == path ? "" : "=" + box.id) + "\n";
  }
  return text;
}

// All of it, whole and octet by octet: what is listed, seen in `box`, and fetched from it.
void expect_imap(const std::string& script, const std::string& boxes, const sync::BoxId& box, const std::string& seen,
                 const std::string& octets) {
  for (const size_t piece : {0U, 1U}) {
    auto o = open(script, options(), true, piece);
    ASSERT_TRUE(o.replica) << o.replica.error().text() << o.channel->mismatch();
    const auto found = (*o).mailboxes({});
    ASSERT_TRUE(found) << found.error().text() << o.channel->mismatch();
    EXPECT_EQ(listed(*found), boxes);
    Words words;
    const std::vector<sync::BoxCursor> cursors{{box, ""}};
    ASSERT_TRUE((*o).changes(cursors, words, {})) << o.channel->mismatch();
    EXPECT_EQ(words.log, seen);
    Messages messages;
    const uint64_t epoch = std::stoull(words.log.substr(words.log.find(' ') + 1));
    const std::vector<sync::FetchItem> items{{.token = 1, .ref = {box, epoch, {.number = 1}}, .size = octets.size()}};
    ASSERT_TRUE((*o).fetch(items, messages, {})) << o.channel->mismatch();
    EXPECT_EQ(messages.text[1], octets) << o.channel->mismatch();
    EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
  }
}

TEST(Servers, CyrusByImap) {
  expect_imap(
      "S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE AUTH=PLAIN SASL-IR] mail Cyrus IMAP "
      "3.6.1-Debian-3.6.1-4+deb12u5 server ready\n"
      "C: T1 LOGIN \"me\" \"pw\"\n"
      "S: T1 OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE ACL ANNOTATE-EXPERIMENT-1 BINARY CATENATE CHILDREN CONDSTORE "
      "CREATE-SPECIAL-USE ESEARCH ESORT LIST-EXTENDED LIST-MYRIGHTS LIST-STATUS MAILBOX-REFERRALS METADATA MOVE "
      "MULTIAPPEND NAMESPACE OBJECTID PREVIEW QRESYNC QUOTA RIGHTS=kxten SAVEDATE SEARCH=FUZZY SORT SORT=DISPLAY "
      "SPECIAL-USE STATUS=SIZE THREAD=ORDEREDSUBJECT THREAD=REFERENCES UIDPLUS UNSELECT URLAUTH URLAUTH=BINARY WITHIN "
      "DIGEST=SHA1 LIST-METADATA NO_ATOMIC_RENAME SCAN SORT=MODSEQ SORT=UID THREAD=REFS X-CREATEDMODSEQ X-REPLICATION "
      "X-SIEVE-MAILBOX XLIST XMOVE LOGINDISABLED X-QUOTA=STORAGE X-QUOTA=MESSAGE "
      "X-QUOTA=X-ANNOTATION-STORAGE X-QUOTA=X-NUM-FOLDERS IDLE APPENDLIMIT=4294967295] User logged in "
      "SESSIONID=<mail-1795808904-20341-1-3313387832531313094>\n"
      "C: T2 ENABLE QRESYNC\nC: T3 NAMESPACE\n"
      "C: T4 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\n"
      "C: T5 LIST \"\" \"*\" RETURN (STATUS (MAILBOXID))\n"
      "S: * ENABLED CONDSTORE QRESYNC\nS: T2 OK Completed\n"
      "S: * NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared Folders/\" \"/\"))\nS: T3 OK Completed\n"
      "S: * LIST (\\\\Subscribed \\\\HasNoChildren) \"/\" INBOX\n"
      "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1795810566 HIGHESTMODSEQ 2)\n"
      "S: * LIST (\\\\HasNoChildren) \"/\" &YqWIaA-\n"
      "S: * STATUS &YqWIaA- (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1795810567 HIGHESTMODSEQ 1)\n"
      "S: T4 OK Completed (0.000 secs 2 calls)\n"
      "S: * LIST (\\\\HasNoChildren) \"/\" INBOX\nS: * STATUS INBOX (MAILBOXID (tiz7yjpvq2mvkbso53farbrs))\n"
      "S: * LIST (\\\\HasNoChildren) \"/\" &YqWIaA-\nS: * STATUS &YqWIaA- (MAILBOXID (3ne3vi3akmehb1xwon8zz4pl))\n"
      "S: T5 OK Completed (0.000 secs 2 calls)\n"
      "C: T6 EXAMINE INBOX (CONDSTORE)\nC: T7 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE EMAILID)\n"
      "S: * 1 EXISTS\nS: * 1 RECENT\nS: * FLAGS (\\\\Answered \\\\Flagged \\\\Draft \\\\Deleted \\\\Seen)\n"
      "S: * OK [PERMANENTFLAGS ()] Ok\nS: * OK [UIDVALIDITY 1795810566] Ok\nS: * OK [UIDNEXT 2] Ok\n"
      "S: * OK [HIGHESTMODSEQ 2] Ok\nS: * OK [MAILBOXID (tiz7yjpvq2mvkbso53farbrs)] Ok\n"
      "S: * OK [URLMECH INTERNAL] Ok\nS: * OK [ANNOTATIONS 65536] Ok\nS: T6 OK [READ-ONLY] Completed\n"
      "S: * 1 FETCH (FLAGS (\\\\Recent \\\\Seen) UID 1 INTERNALDATE \"13-Sep-2020 12:26:40 +0000\" RFC822.SIZE 12 "
      "EMAILID (Me74aecfd80ff09d770cc0003))\nS: T7 OK Completed (0.000 sec)\n"
      "C: T8 UID FETCH 1 (UID BODY.PEEK[])\n"
      "S= * 1 FETCH (UID 1 BODY[] {12}\\r\\nSubject: 1\\r\\n)\\r\\nT8 OK Completed (0.000 sec)\\r\\n\n",
      "报表=3ne3vi3akmehb1xwon8zz4pl\nINBOX=tiz7yjpvq2mvkbso53farbrs\n", "tiz7yjpvq2mvkbso53farbrs",
      "tiz7yjpvq2mvkbso53farbrs 1795810566: 1/12/emailid:Me74aecfd80ff09d770cc0003 of 1\n", "Subject: 1\r\n");
}

TEST(Servers, CourierByImap) {
  const std::string opened =
      "S: * FLAGS (\\\\Draft \\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Recent)\n"
      "S: * OK [PERMANENTFLAGS (\\\\* \\\\Draft \\\\Answered \\\\Flagged \\\\Deleted \\\\Seen)] Limited\n"
      "S: * 1 EXISTS\nS: * 1 RECENT\nS: * OK [UIDVALIDITY 795810213] Ok\nS: * OK [MYRIGHTS \"acdilrsw\"] ACL\n";
  expect_imap(
      "S: * OK [CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA "
      "IDLE ID ENABLE UTF8=ACCEPT] Courier-IMAP ready. Copyright 1998-2019 Double Precision, Inc.  See COPYING for "
      "distribution information.\n"
      "C: T1 LOGIN \"me\" \"pw\"\nS: T1 OK LOGIN Ok.\n"
      "C: T2 CAPABILITY\n"
      "S: * CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE ID "
      "ENABLE UTF8=ACCEPT\nS: T2 OK CAPABILITY completed\n"
      "C: T3 ENABLE UTF8=ACCEPT\nC: T4 NAMESPACE\nC: T5 LIST \"\" \"*\"\nC: T6 LSUB \"\" \"*\"\n"
      "S: * ENABLED UTF8=ACCEPT\nS: T3 OK Options enabled\n"
      "S: * NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"#shared.\" \".\")(\"shared.\" \".\"))\nS: T4 OK NAMESPACE "
      "completed.\n"
      "S: * LIST (\\\\Noselect \\\\HasChildren) \".\" \"INBOX.Work\"\n"
      "S: * LIST (\\\\Unmarked \\\\HasChildren) \".\" \"INBOX\"\n"
      "S: * LIST (\\\\HasNoChildren) \".\" \"INBOX.Work.报表\"\nS: T5 OK LIST completed\nS: T6 OK LSUB completed\n"
      "C: T7 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nC: T8 STATUS {17}\n"
      "S: * STATUS \"INBOX\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 795810213)\nS: T7 OK STATUS Completed.\nS: + OK\n"
      "C: INBOX.Work.报表 (MESSAGES UIDNEXT UIDVALIDITY)\n"
      "S: * STATUS \"INBOX.Work.报表\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 795810213)\nS: T8 OK STATUS Completed.\n"
      "C: T9 SELECT {17}\nS: + OK\nC: INBOX.Work.报表\n"
      "C: T10 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n" +
          opened +
          "S: T9 OK [READ-WRITE] Ok\n"
          "S: * 1 FETCH (UID 1 FLAGS (\\\\Seen \\\\Recent) RFC822.SIZE 12 INTERNALDATE \"13-Sep-2020 12:26:40 "
          "+0000\")\n"
          "S: T10 OK FETCH completed.\n"
          "C: T11 UID FETCH 1 (UID BODY.PEEK[])\n"
          "S= * 1 FETCH (UID 1 BODY[] {12}\\r\\nSubject: 1\\r\\n)\\r\\nT11 OK FETCH completed.\\r\\n\n",
      "INBOX\nINBOX/Work/报表\n", "INBOX/Work/报表", "INBOX/Work/报表 795810213: 1/12 of 1\n", "Subject: 1\r\n");
}

TEST(Servers, MailutilsByImap) {
  const std::string capabilities =
      "S: * CAPABILITY IMAP4rev1 NAMESPACE ID IDLE LITERAL+ UNSELECT AUTH=GSSAPI AUTH=ANONYMOUS AUTH=EXTERNAL "
      "AUTH=LOGIN AUTH=PLAIN AUTH=SECURID AUTH=DIGEST-MD5 AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-1-PLUS "
      "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS AUTH=SAML20 AUTH=OPENID20 AUTH=GSSAPI AUTH=GS2-KRB5\n";
  expect_imap(
      "S: * OK IMAP4rev1\nC: T1 CAPABILITY\n" + capabilities +
          "S: T1 OK CAPABILITY Completed\nC: T2 LOGIN \"me\" \"pw\"\nS: T2 OK LOGIN Completed\nC: T3 CAPABILITY\n" +
          capabilities +
          "S: T3 OK CAPABILITY Completed\n"
          "C: T4 NAMESPACE\nC: T5 LIST \"\" \"*\"\nC: T6 LSUB \"\" \"*\"\n"
          "S: * NAMESPACE ((\"\" \"/\")) NIL NIL\nS: T4 OK NAMESPACE Completed\n"
          "S: * LIST (\\\\NoInferiors) NIL INBOX\nS: * LIST (\\\\NoSelect) \"/\" Work\n"
          "S: * LIST () \"/\" Work/&YqWIaA-\nS: T5 OK LIST Completed\nS: T6 OK LSUB Completed\n"
          "C: T7 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nC: T8 STATUS Work/&YqWIaA- (MESSAGES UIDNEXT "
          "UIDVALIDITY)\n"
          "S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1795810769)\nS: T7 OK STATUS Completed\n"
          "S: * STATUS Work/&YqWIaA- (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1795810769)\nS: T8 OK STATUS Completed\n"
          "C: T9 SELECT Work/&YqWIaA-\nC: T10 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
          "S: * 1 EXISTS\nS: * 0 RECENT\nS: * OK [UIDVALIDITY 1795810769] UID validity status\n"
          "S: * OK [UIDNEXT 2] Predicted next uid\nS: * OK [UNSEEN 1] first unseen message\n"
          "S: * FLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft)\n"
          "S: * OK [PERMANENTFLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft)] Permanent flags\n"
          "S: T9 OK [READ-WRITE] SELECT Completed\n"
          "S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 12 INTERNALDATE \"29-Nov-2010 06:29:52 +0000\")\n"
          "S: T10 OK UID FETCH Completed\n"
          "C: T11 UID FETCH 1 (UID BODY.PEEK[])\n"
          "S= * 1 FETCH (UID 1 BODY[] {12}\\r\\nSubject: 1\\r\\n)\\r\\nT11 OK UID FETCH Completed\\r\\n\n",
      "INBOX\nWork/报表\n", "Work/报表", "Work/报表 1795810769: 1/12 of 1\n", "Subject: 1\r\n");
}

// Two messages; all that is said of them, and both fetched.
void expect_pop3(const std::string& script, const std::string& seen) {
  for (const size_t piece : {0U, 1U}) {
    auto channel = std::make_shared<ScriptedChannel>(script, ScriptedChannel::Options{.tls = true, .piece = piece});
    Pop3Options options;
    options.credentials = {.user = "me", .password = Secret("pw")};
    options.mechanism = "USER";
    auto replica = open_pop3(std::make_unique<LentChannel>(channel), std::move(options), {});
    ASSERT_TRUE(replica) << replica.error().text() << channel->mismatch();
    ASSERT_TRUE((*replica)->mailboxes({}));
    Words words;
    const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
    ASSERT_TRUE((*replica)->changes(cursors, words, {})) << channel->mismatch();
    EXPECT_EQ(words.log, seen);
    EXPECT_EQ(channel->mismatch(), "");
    EXPECT_TRUE(channel->finished());
  }
}

TEST(Servers, CyrusByPop3) {
  const std::string can =
      "S: EXPIRE NEVER\nS: LOGIN-DELAY 0\nS: TOP\nS: UIDL\nS: PIPELINING\nS: RESP-CODES\nS: AUTH-RESP-CODE\n";
  expect_pop3(
      "S: +OK mail Cyrus POP3 3.6.1-Debian-3.6.1-4+deb12u5 server ready <10285059031491040208.1795809515@mail>\n"
      "C: CAPA\nS: +OK List of capabilities follows\nS: SASL PLAIN\n" +
          can +
          "S: USER\nS: IMPLEMENTATION Cyrus POP3 3.6.1-Debian-3.6.1-4+deb12u5\nS: .\n"
          "C: USER me\nS: +OK Name is a valid mailbox\nC: PASS pw\n"
          "S: +OK Mailbox locked and ready SESSIONID=<mail-1795809515-17123-1-6420551887751956464>\n"
          "C: CAPA\nS: +OK List of capabilities follows\n" +
          can +
          "S: IMPLEMENTATION Cyrus POP3 3.6.1-Debian-3.6.1-4+deb12u5\nS: .\n"
          "C: STAT\nC: LIST\nC: UIDL\nS: +OK 2 42\nS: +OK scan listing follows\nS: 1 21\nS: 2 21\nS: .\n"
          "S: +OK unique-id listing follows\nS: 1 1795809515.1\nS: 2 1795809515.2\nS: .\n",
      "INBOX 0: 1795809515.1/21 1795809515.2/21 of 2\n");
}

TEST(Servers, CourierByPop3) {
  const std::string can =
      "C: CAPA\nS: +OK Here's what I can do:\nS: TOP\nS: USER\nS: LOGIN-DELAY 10\nS: PIPELINING\nS: UIDL\nS: UTF8 "
      "USER\nS: IMPLEMENTATION Courier Mail Server\nS: .\n";
  expect_pop3(
      "S: +OK Hello there.\n" + can +
          "C: UTF8\nS: +OK UTF8 enabled\nC: USER me\nS: +OK Password required.\nC: PASS pw\nS: +OK logged in.\n" + can +
          "C: STAT\nC: LIST\nC: UIDL\nS: +OK 2 42\nS: +OK POP3 clients that break here, they violate STD53.\nS: 1 21\n"
          "S: 2 21\nS: .\nS: +OK\nS: 1 UID1-1795810214\nS: 2 UID2-1795810214\nS: .\n",
      "INBOX 0: UID1-1795810214/21 UID2-1795810214/21 of 2\n");
}

TEST(Servers, MailutilsByPop3) {
  const std::string can =
      "C: CAPA\nS: +OK Capability list follows\nS: TOP\nS: UIDL\nS: RESP-CODES\nS: PIPELINING\nS: AUTH-RESP-CODE\nS: "
      "EXPIRENEVER\nS: USER\n";
  expect_pop3(
      "S: +OK POP3 Ready <9703.1795810219@mail>\n" + can +
          "S: .\nC: USER me\nS: +OK\nC: PASS pw\nS: +OK opened mailbox for me\n" + can +
          "S: IMPLEMENTATION GNU Mailutils 3.15\nS: .\n"
          "C: STAT\nC: LIST\nC: UIDL\nS: +OK 2 42\nS: +OK\nS: 1 21\nS: 2 21\nS: .\nS: +OK\n"
          "S: 1 355f95d3092cc6af1a1abf2e5328f2e6.1795810219.1\nS: 2 571b70adaa62f85d7e38a9a9b63180c9.1795810219.2\n"
          "S: .\n",
      "INBOX 0: 355f95d3092cc6af1a1abf2e5328f2e6.1795810219.1/21 571b70adaa62f85d7e38a9a9b63180c9.1795810219.2/21 of "
      "2\n");
}

}  // namespace
}  // namespace libsync::replicas
