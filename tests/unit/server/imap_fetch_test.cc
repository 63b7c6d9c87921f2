// FETCH of the IMAP server (RFC 9051, section 6.4.5): items, sections, macros, and what sets \Seen.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kParts =
    "Subject: parts\r\nX-A: 1\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\npreamble\r\n--q\r\n"
    "Content-Type: text/plain\r\n\r\none\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\nX-B: "
    "2\r\n\r\n"
    "inner\r\n--q--\r\n";

class ImapFetch : public ::testing::Test {
 protected:
  ImapFetch() {
    home.mail->put(home.inbox, kLetter, {}, 1770022800);
    home.mail->put(home.inbox, kParts, {.system = sync::kSeen, .keywords = {"$L"}}, 1770022800);
    talk.say("s SELECT INBOX");
  }

  // Of message 2, without the frame.
  std::string fetch(std::string_view items, std::string_view number = "2") {
    const std::string answer = talk.say("a FETCH " + std::string(number) + " " + std::string(items));
    const std::string head = "* " + std::string(number) + " FETCH (", tail = ")\r\na OK done\r\n";
    if (!answer.starts_with(head) || !answer.ends_with(tail)) return answer;
    return answer.substr(head.size(), answer.size() - head.size() - tail.size());
  }

  MailAtHome home;
  ImapTalk talk{home.mail};
};

TEST_F(ImapFetch, EveryItemIsTold) {
  const std::string size = std::to_string(kParts.size());
  const std::string header = kParts.substr(0, kParts.find("preamble"));
  const std::string text = kParts.substr(header.size());
  const auto literal = [](std::string_view octets) {
    return "{" + std::to_string(octets.size()) + "}\r\n" + std::string(octets);
  };
  const std::pair<std::string, std::string> rows[] = {
      {"UID", "UID 2"},
      {"FLAGS", "FLAGS (\\Seen $L)"},
      {"INTERNALDATE", "INTERNALDATE \" 2-Feb-2026 09:00:00 +0000\""},
      {"RFC822.SIZE", "RFC822.SIZE " + size},
      {"ENVELOPE", "ENVELOPE (NIL \"parts\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
      {"(uid flags)", "UID 2 FLAGS (\\Seen $L)"},
      {"( UID  FLAGS )", "UID 2 FLAGS (\\Seen $L)"},
      {"BODY[]", "BODY[] " + literal(kParts)},
      {"RFC822", "RFC822 " + literal(kParts)},
      {"RFC822.HEADER", "RFC822.HEADER " + literal(header)},
      {"RFC822.TEXT", "RFC822.TEXT " + literal(text)},
      {"BODY[HEADER]", "BODY[HEADER] " + literal(header)},
      {"BODY[TEXT]", "BODY[TEXT] " + literal(text)},
      {"BODY.PEEK[TEXT]", "BODY[TEXT] " + literal(text)},
      {"BODY[1]", "BODY[1] {3}\r\none"},
      {"BODY[1.MIME]", "BODY[1.MIME] {28}\r\nContent-Type: text/plain\r\n\r\n"},
      {"BODY[2]", "BODY[2] {32}\r\nSubject: within\r\nX-B: 2\r\n\r\ninner"},
      {"BODY[2.HEADER]", "BODY[2.HEADER] {27}\r\nSubject: within\r\nX-B: 2\r\n\r\n"},
      {"BODY[2.TEXT]", "BODY[2.TEXT] {5}\r\ninner"},
      {"BODY[2.1]", "BODY[2.1] {5}\r\ninner"},
      {"BODY[2.HEADER.FIELDS (x-b)]", "BODY[2.HEADER.FIELDS (x-b)] {10}\r\nX-B: 2\r\n\r\n"},
      {"BODY[HEADER.FIELDS (Subject \"X-A\")]",
       "BODY[HEADER.FIELDS (Subject X-A)] {26}\r\nSubject: parts\r\nX-A: 1\r\n\r\n"},
      {"BODY[HEADER.FIELDS (No)]", "BODY[HEADER.FIELDS (No)] {2}\r\n\r\n"},
      {"BODY[HEADER.FIELDS.NOT (Subject Content-Type)]",
       "BODY[HEADER.FIELDS.NOT (Subject Content-Type)] {10}\r\nX-A: 1\r\n\r\n"},
      {"BODY[9]", "BODY[9] NIL"},
      {"BODY[]<0.7>", "BODY[]<0> {7}\r\nSubject"},
      {"BODY[]<9.5>", "BODY[]<9> {5}\r\nparts"},
      {"BODY[1]<2.100>", "BODY[1]<2> {1}\r\ne"},
      {"BODY[1]<3.1>", "BODY[1]<3> {0}\r\n"},
      {"BODY[]<99999999999.1>", "BODY[]<99999999999> {0}\r\n"},
      {"BODY[]<0.9223372036854775807>", "BODY[]<0> " + literal(kParts)},
      {"(BODY[1] UID BODY[1]<0.1>)", "BODY[1] {3}\r\none UID 2 BODY[1]<0> {1}\r\no"},
      {"BODY.PEEK[HEADER.FIELDS ({7+}\r\nSubject)]", "BODY[HEADER.FIELDS (Subject)] {18}\r\nSubject: parts\r\n\r\n"},
  };
  for (const auto& [items, told] : rows) EXPECT_EQ(fetch(items), told) << items;
  EXPECT_THAT(fetch("BODY"), AllOf(StartsWith("BODY (("), HasSubstr("\"mixed\""), Not(HasSubstr("boundary"))));
  EXPECT_THAT(fetch("BODYSTRUCTURE"), AllOf(StartsWith("BODYSTRUCTURE (("), HasSubstr("(\"boundary\" \"q\")")));
}

TEST_F(ImapFetch, MacrosAreItemsTogether) {
  EXPECT_THAT(fetch("FAST"), AllOf(StartsWith("FLAGS ("), HasSubstr(" INTERNALDATE \""), HasSubstr(" RFC822.SIZE "),
                                   Not(HasSubstr("ENVELOPE"))));
  EXPECT_THAT(fetch("all"), AllOf(HasSubstr("ENVELOPE ("), Not(HasSubstr("BODY"))));
  EXPECT_THAT(fetch("Full"), AllOf(HasSubstr("ENVELOPE ("), HasSubstr(" BODY ((")));
  EXPECT_THAT(talk.say("b FETCH 1 (FAST)"), StartsWith("b BAD "));
  EXPECT_THAT(talk.say("c FETCH 1 FAST UID"), StartsWith("c BAD "));
}

TEST_F(ImapFetch, WhatIsReadIsSeenAndToldSo) {
  for (const char* items :
       {"BODY[]", "BODY[TEXT]", "BODY[HEADER]", "BODY[1]<0.1>", "RFC822", "RFC822.TEXT", "BINARY[1]"}) {
    home.mail->set_flags(home.inbox, 1, {});
    talk.say("n NOOP");
    EXPECT_THAT(fetch(items, "1"), HasSubstr(" FLAGS (\\Seen)")) << items;
    EXPECT_THAT(fetch(items, "1"), Not(HasSubstr("FLAGS"))) << items;
    EXPECT_EQ(talk.say("n NOOP"), "n OK done\r\n");
  }
  for (const char* items : {"BODY.PEEK[]", "BODY.PEEK[1]", "BINARY.PEEK[1]", "BINARY.SIZE[1]", "RFC822.HEADER",
                            "ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE", "PREVIEW"}) {
    home.mail->set_flags(home.inbox, 1, {});
    talk.say("n NOOP");
    fetch(items, "1");
    EXPECT_EQ(fetch("FLAGS", "1"), "FLAGS ()") << items;
  }
  EXPECT_THAT(fetch("(FLAGS BODY[1]<0.1>)", "1"), StartsWith("FLAGS (\\Seen) BODY[1]<0> {1}"));
}

TEST_F(ImapFetch, UidFetchTellsUids) {
  EXPECT_EQ(talk.say("a UID FETCH 2 FLAGS"), "* 2 FETCH (UID 2 FLAGS (\\Seen $L))\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b UID FETCH 2 (FLAGS UID)"), "* 2 FETCH (FLAGS (\\Seen $L) UID 2)\r\nb OK done\r\n");
  EXPECT_EQ(talk.say("c UID FETCH 3:9 UID"), "c OK done\r\n");
}

// A line that is no field ends a header: in each item at the same octet, whether the message was taken apart or not.
TEST_F(ImapFetch, HeaderAndTextAreAlwaysTheSame) {
  for (const std::string& octets :
       {std::string("Subject: x\r\nno field\r\n\r\nbody\r\n"), std::string("A: b\nbare\n\nbody\n"), std::string(),
        std::string("\r\nbody"), std::string("Subject: end"), std::string("A: b\r\n"),
        "Subject: " + std::string(300'000, 'x') + "\r\n\r\nbody", std::string("X: y\r\n\r\n")}) {
    const std::string number = std::to_string(home.mail->put(home.inbox, octets));
    talk.say("n NOOP");
    const std::string apart = fetch("(BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[TEXT])", number);
    const std::string alone = fetch("(BODY.PEEK[HEADER] BODY.PEEK[TEXT])", number);
    EXPECT_EQ(apart.substr(apart.find("BODY[HEADER]")), alone) << octets.substr(0, 40);
    EXPECT_THAT(fetch("BODY.PEEK[]", number), HasSubstr("{" + std::to_string(octets.size()) + "}\r\n" + octets));
  }
}

TEST_F(ImapFetch, NulInAHeaderIsNoLiteral8) {
  const uint32_t uid = home.mail->put(home.inbox, std::string("Subject: a\0b\r\n\r\n", 16));
  talk.say("n NOOP");
  EXPECT_THAT(fetch("BODY.PEEK[HEADER.FIELDS (Subject)]", std::to_string(uid)), HasSubstr(" {16}\r\nSubject: a"));
}

TEST_F(ImapFetch, TooManyItemsAreBad) {
  std::string items = "(";
  for (int i = 0; i < 1001; ++i) items += "UID ";
  EXPECT_THAT(talk.say("a FETCH 1 " + items + ")"), StartsWith("a BAD "));
}

// The octets are gone from under the session: what can't be read is refused, what was said already is not continued.
class Unreadable final : public Mail {
 public:
  explicit Unreadable(std::shared_ptr<MemoryMail> mail) : mail_(std::move(mail)) {}
  uint64_t readable = 0;
  Writable writable() const override { return mail_->writable(); }
  Result<std::vector<Folder>> folders() override { return mail_->folders(); }
  Result<std::optional<Folder>> folder(FolderId id) override { return mail_->folder(id); }
  Result<FolderId> create_folder(const sync::Path& path, sync::Role role) override {
    return mail_->create_folder(path, role);
  }
  Status rename_folder(FolderId id, const sync::Path& path) override { return mail_->rename_folder(id, path); }
  Status delete_folder(FolderId id) override { return mail_->delete_folder(id); }
  Status subscribe(FolderId id, bool subscribed) override { return mail_->subscribe(id, subscribed); }
  Result<std::optional<View>> view(FolderId id) override { return mail_->view(id); }
  Result<std::optional<Changes>> changes(FolderId id, uint64_t since) override { return mail_->changes(id, since); }
  Status rows(FolderId id, const imap::SequenceSet& uids, Want want, const Visit& visit) override {
    return mail_->rows(id, uids, want, visit);
  }
  Result<std::string> read(ContentId content, uint64_t offset, uint64_t most) override {
    if (offset >= readable) return fail(Errc::Disk, "the disk is broken\r\n* BYE");
    return mail_->read(content, offset, std::min(most, readable - offset));
  }
  Result<Stored> change_flags(FolderId id, const imap::SequenceSet& uids, FlagChange change, const sync::Flags& flags,
                              std::optional<uint64_t> since) override {
    return mail_->change_flags(id, uids, change, flags, since);
  }
  Result<std::unique_ptr<Incoming>> incoming() override { return mail_->incoming(); }
  Result<Placed> append(FolderId id, std::span<NewMessage> messages) override { return mail_->append(id, messages); }
  Result<Copied> copy(FolderId from, const imap::SequenceSet& uids, FolderId to) override {
    return mail_->copy(from, uids, to);
  }
  Result<Copied> move(FolderId from, const imap::SequenceSet& uids, FolderId to) override {
    return mail_->move(from, uids, to);
  }
  Result<imap::SequenceSet> expunge(FolderId id, const imap::SequenceSet& uids) override {
    return mail_->expunge(id, uids);
  }

 private:
  std::shared_ptr<MemoryMail> mail_;
};

TEST_F(ImapFetch, APartNeverPassesForTheWhole) {
  auto broken = std::make_shared<Unreadable>(home.mail);
  ImapTalk odd(broken);
  odd.say("s SELECT INBOX");
  EXPECT_EQ(odd.say("a FETCH 1:2 (UID ENVELOPE)"), "a NO [UNAVAILABLE] the disk is broken  * BYE\r\n");
  EXPECT_EQ(odd.say("b FETCH 1 UID"), "* 1 FETCH (UID 1)\r\nb OK done\r\n");
  EXPECT_THAT(odd.say("c SEARCH TEXT x"), StartsWith("c NO "));
  broken->readable = 20;
  const std::string answer = odd.say("d FETCH 1 BODY.PEEK[]");
  EXPECT_EQ(answer, "* 1 FETCH (BODY[] {" + std::to_string(kLetter.size()) + "}\r\n" + kLetter.substr(0, 20));
  EXPECT_TRUE(odd.session->over());
}

}  // namespace
}  // namespace libsync::server
