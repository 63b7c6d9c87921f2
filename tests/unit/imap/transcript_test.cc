// Whole dialogues, however the bytes come.
#include "tests/support/transcript.h"

#include "libsync/imap/authenticate.h"
#include "libsync/imap/id.h"
#include "libsync/imap/idle.h"
#include "libsync/imap/list.h"
#include "libsync/imap/login.h"
#include "libsync/imap/logout.h"
#include "libsync/imap/namespace.h"
#include "libsync/imap/noop.h"
#include "libsync/imap/search.h"
#include "libsync/imap/select.h"
#include "libsync/imap/session.h"
#include "libsync/imap/starttls.h"
#include "libsync/imap/status.h"
#include "libsync/imap/unselect.h"

namespace libsync::imap {
namespace {

using testing::Talker;
using testing::Transcript;

using Act = std::function<void(Session&)>;

// Every event as text; octets of a message as they come, so that pieces make no difference.
class Talk final : public Talker, private Handler {
 public:
  explicit Talk(const std::vector<Act>& acts) : acts_(acts) {}

  void act(size_t turn) override {
    if (turn < acts_.size() && acts_[turn]) acts_[turn](session_);
    said_ += session_.take_output();
  }
  Status feed(std::string_view bytes) override {
    const Status status = session_.receive(bytes);
    said_ += session_.take_output();
    return status;
  }
  // The session hears nothing of the end of a connection: the conversation asks what is left open.
  Status closed() override {
    if (session_.state() == State::Greeting || session_.in_flight() > 0) return fail(Errc::Network, "cut off");
    return {};
  }
  std::string heard() const override { return heard_; }
  std::string said() const override { return said_; }

 private:
  void on_greeting(const StatusLine& line) override { heard_ += "greeting(" + std::string(line.text) + ")"; }
  void on_status(const StatusLine& line) override {
    heard_ += "status(" + std::string(line.code_name) + " " + std::string(line.text) + ")";
  }
  void on_done(const Completion& done) override { heard_ += std::to_string(done.id) + (done.ok() ? "+" : "-"); }
  void on_challenge(std::string_view text) override {
    heard_ += "?" + std::string(text);
    session_.respond(Secret("answer"));
  }
  void on_idling() override {
    heard_ += "idling";
    session_.done_idling();
  }
  void on_capability(const Capabilities&) override { heard_ += "capability"; }
  void on_enabled(const std::vector<std::string_view>& names) override {
    for (const auto name : names) heard_ += "enabled(" + std::string(name) + ")";
  }
  void on_id(const IdFields& fields) override { heard_ += "id" + std::to_string(fields.size()); }
  void on_namespace(const Namespaces&) override { heard_ += "namespace"; }
  void on_list(const ListData& data) override { heard_ += "list(" + data.name + ")"; }
  void on_mailbox_status(const StatusData& data) override { heard_ += "box(" + data.name + ")"; }
  void on_flags(const FlagList& flags) override { heard_ += "flags" + std::to_string(flags.keywords.size()); }
  void on_exists(uint64_t number) override { heard_ += "exists" + std::to_string(number); }
  void on_expunge(uint64_t number) override { heard_ += "expunge" + std::to_string(number); }
  void on_vanished(const VanishedData& data) override { heard_ += data.earlier ? "vanished-earlier" : "vanished"; }
  void on_search(const SearchData& data) override { heard_ += data.extended ? "esearch" : "search"; }
  void on_body_begin(const BodyStart& start) override { heard_ += "body" + std::to_string(start.size) + "<"; }
  void on_body_data(std::string_view octets) override { heard_ += octets; }
  void on_body_end() override { heard_ += ">"; }
  void on_fetch(const FetchData& data) override { heard_ += "fetch" + std::to_string(data.uid.value_or(0)); }
  void on_unknown(std::string_view text) override { heard_ += "unknown(" + std::string(text) + ")"; }
  void on_malformed(std::string_view text, std::string_view) override { heard_ += "bad(" + std::string(text) + ")"; }

  std::vector<Act> acts_;
  std::string heard_, said_;
  Session session_{*this};
};

void holds(std::vector<std::string> turns, std::vector<Act> acts, std::string_view expected) {
  const Transcript transcript{.turns = std::move(turns), .make = [&] { return std::make_unique<Talk>(acts); }};
  transcript.check(expected);
}

// And what the client says to it.
void holds(std::vector<std::string> turns, std::vector<Act> acts, std::string_view expected, std::string_view said) {
  holds(turns, acts, expected);
  const Transcript transcript{.turns = std::move(turns), .make = [&] { return std::make_unique<Talk>(acts); }};
  EXPECT_EQ(transcript.feed(transcript.size(), [](size_t) { return false; })->said(), said);
}

Act sends(Command command) {
  auto shared = std::make_shared<Command>(std::move(command));
  return [shared](Session& session) { EXPECT_TRUE(session.submit(*shared)); };
}
Act sends(Result<Command> command) { return sends(std::move(command).value()); }

TEST(Transcript, LoginAndListing) {
  holds({"* OK [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n", "* CAPABILITY IMAP4rev1 IDLE\r\nT1 OK [READ-WRITE] in\r\n",
         "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n* ID (\"name\" \"x\")\r\n* LIST (\\HasNoChildren) \"/\" INBOX\r\n"
         "* LIST () \"/\" {4}\r\na\"bc\r\n* LIST () NIL \"q\\\"uoted\"\r\n* STATUS INBOX (MESSAGES 2)\r\n"
         "T2 OK\r\nT3 NO no\r\nT4 OK\r\nT5 OK\r\n",
         "* BYE see you\r\nT6 OK\r\n"},
        {sends(login("me", Secret("hunter2")).value()),
         [](Session& session) {
           EXPECT_TRUE(session.submit(namespaces()));
           EXPECT_TRUE(session.submit(id({}).value()));
           EXPECT_TRUE(session.submit(list("*", {})));
           EXPECT_TRUE(session.submit(status("INBOX", "MESSAGES").value()));
         },
         sends(logout())},
        "greeting(hello)capability1+namespaceid1list(INBOX)list(a\"bc)list(q\"uoted)box(INBOX)2+3-4+5+"
        "status( see you)6+");
}

TEST(Transcript, MailboxAndMail) {
  holds({"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n",
         "* 3 EXISTS\r\n* FLAGS (\\Seen later)\r\n* OK [UIDVALIDITY 7] valid\r\nT1 OK [READ-ONLY] open\r\n",
         "* SEARCH 1 3\r\n* ESEARCH (TAG \"T2\") UID ALL 1:3\r\nT2 OK\r\n",
         "* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[] {12}\r\nSubject:\r\n\r\n)\r\n"
         "* 2 FETCH (BODY[] \"q\\\\x\" UID 6)\r\n* 2 EXPUNGE\r\n* 3 FETCH (UID 8 BODY[] {0}\r\n)\r\n"
         "* VANISHED (EARLIER) 41:43\r\n* 4 FETCH (UID 9 BODY[HEADER] NIL)\r\n* XODD thing\r\n* 5 FETCH (UID\r\nT3 "
         "OK\r\n"},
        {sends(select("INBOX", {}).value()),
         sends(uid_search("ALL", false)),
         sends(uid_fetch("1:*", "(BODY.PEEK[])")),
         {}},
        "greeting(hi)exists3flags1status(UIDVALIDITY "
        "valid)1+searchesearch2+body12<Subject:\r\n\r\n>fetch5body3<q\\x>fetch6"
        "expunge2body0<>fetch8vanished-earlierfetch9unknown(* XODD thing)bad(* 5 FETCH (UID)3+");
}

TEST(Transcript, LiteralsThatWaitOrAreRefused) {
  const auto act = [](Session& session) {
    EXPECT_TRUE(session.submit(select("a\xC3\xA9", {}).value()));
    EXPECT_TRUE(session.submit(noop()));
  };
  holds({"* PREAUTH hi\r\n", "+ go\r\nT1 OK\r\nT2 OK\r\n"}, {act, {}}, "greeting(hi)1+2+");
  holds({"* PREAUTH hi\r\n", "T1 NO no\r\n", "T2 OK\r\n"}, {act, {}, {}}, "greeting(hi)1-2+");
}

TEST(Transcript, FetchOfEveryItem) {
  holds(
      {"* PREAUTH hi\r\n",
       "* 1 FETCH (FLAGS (\\Seen) INTERNALDATE \" 1-Feb-2026 03:04:05 +0100\" RFC822.SIZE 9 ENVELOPE (NIL {1}\r\ns NIL "
       "NIL NIL NIL NIL NIL NIL NIL) BODY (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 9 1) BODYSTRUCTURE (\"TEXT\" "
       "\"PLAIN\" NIL NIL NIL \"7BIT\" 9 1 NIL NIL NIL NIL) UID 5 MODSEQ (7) EMAILID (M1) THREADID NIL)\r\n"
       "T1 OK\r\n",
       "* 2 FETCH (UID 6 BODY[1.2.MIME]<3> {4}\r\na\r\nb BODY[HEADER.FIELDS (TO CC)] {2}\r\n\r\n)\r\nT2 OK\r\n"
       "* 2 FETCH (UID 6 BINARY.SIZE[1] 5 BINARY[1]<0> ~{3}\r\na" +
           std::string(1, '\0') + "b)\r\nT3 OK\r\n"},
      {sends(fetch("1:*", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE UID MODSEQ EMAILID THREADID",
                   {.changed_since = 4})),
       [](Session& session) {
         EXPECT_TRUE(session.submit(uid_fetch("6", "BODY.PEEK[1.2.MIME]<3.4> BODY.PEEK[HEADER.FIELDS (TO CC)]")));
         EXPECT_TRUE(session.submit(uid_fetch("6", "BINARY.SIZE[1] BINARY.PEEK[1]<0.3>")));
       },
       {}},
      "greeting(hi)fetch51+body4<a\r\nb>body2<\r\n>fetch62+body3<" + std::string("a\0b", 3) + ">fetch63+",
      "T1 FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE UID MODSEQ EMAILID THREADID) "
      "(CHANGEDSINCE 4)\r\n"
      "T2 UID FETCH 6 (BODY.PEEK[1.2.MIME]<3.4> BODY.PEEK[HEADER.FIELDS (TO CC)])\r\n"
      "T3 UID FETCH 6 (BINARY.SIZE[1] BINARY.PEEK[1]<0.3>)\r\n");
}

TEST(Transcript, SearchForStrings) {
  const std::vector<SearchTerm> terms{{"UNSEEN"}, {"SUBJECT", "\u53f0"}, {"FROM", "a \"b\""}};
  holds({"* PREAUTH hi\r\n", "+ go\r\n* SEARCH 1 3\r\nT1 OK\r\n"}, {sends(search(terms, {})), {}},
        "greeting(hi)search1+", "T1 UID SEARCH CHARSET UTF-8 UNSEEN SUBJECT {3}\r\n\u53f0 FROM \"a \\\"b\\\"\"\r\n");
  holds({"* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH LITERAL-] hi\r\n",
         "* ESEARCH (TAG \"T1\") MIN 2 MAX 7 COUNT 3\r\nT1 OK\r\n"},
        {sends(search(terms, {.uid = false, .results = "MIN MAX COUNT", .utf8 = true})), {}}, "greeting(hi)esearch1+",
        "T1 SEARCH RETURN (MIN MAX COUNT) UNSEEN SUBJECT {3+}\r\n\u53f0 FROM \"a \\\"b\\\"\"\r\n");
  holds({"* PREAUTH hi\r\n", "T1 NO [BADCHARSET (US-ASCII)] no\r\n"},
        {sends(search(std::vector<SearchTerm>{{"TEXT", "x\r\ny"}}, {})), {}}, "greeting(hi)1-",
        "T1 UID SEARCH TEXT {4}\r\n");
  EXPECT_FALSE(search(std::vector<SearchTerm>{{"TEXT", "caf\xE9"}}, {}));
  EXPECT_FALSE(search(std::vector<SearchTerm>{{"TEXT", std::string_view("a\0b", 3)}}, {}));
}

TEST(Transcript, MailboxesOpenedAndClosed) {
  std::vector<State> states;
  const auto then = [&states](Act act) {
    return [&states, act](Session& session) {
      states.push_back(session.state());
      act(session);
    };
  };
  holds({"* PREAUTH hi\r\n", "* 2 EXISTS\r\nT1 OK [READ-WRITE] open\r\n", "T2 OK unselected\r\n",
         "* 3 EXISTS\r\nT3 OK [READ-ONLY] open\r\n", "T4 NO not now\r\n", "T5 OK closed\r\n"},
        {then(sends(select("a b", {.read_only = false}))), then(sends(unselect())), then(sends(select("c", {}))),
         then(sends(close_mailbox())), then(sends(close_mailbox())), then([](Session&) {})},
        "greeting(hi)exists21+2+exists33+4-5+",
        "T1 SELECT \"a b\"\r\nT2 UNSELECT\r\nT3 EXAMINE c\r\nT4 CLOSE\r\nT5 CLOSE\r\n");
  ASSERT_GE(states.size(), 6U);
  states.resize(6);
  EXPECT_EQ(states, (std::vector{State::Authenticated, State::Selected, State::Authenticated, State::Selected,
                                 State::Selected, State::Authenticated}));
}

TEST(Transcript, ChallengesAndIdling) {
  holds({"* OK [CAPABILITY IMAP4rev1 SASL-IR] hi\r\n", "+ Zmlyc3Q=\r\n+ \r\nT1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n",
         "+ idling\r\n* 4 EXISTS\r\nT2 OK\r\n"},
        {sends(authenticate("PLAIN", Secret("x")).value()), sends(idle()), {}},
        "greeting(hi)?Zmlyc3Q=?1+idlingexists42+");
  holds({"* OK hi\r\n", "+ !\r\nT1 NO [AUTHENTICATIONFAILED] no\r\n"}, {sends(authenticate("PLAIN", {}).value()), {}},
        "greeting(hi)?!1-");
}

TEST(Transcript, StarttlsForgetsWhatWasSaidBefore) {
  holds({"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", "* 5 EXISTS\r\nT1 OK go\r\n",
         "* CAPABILITY IMAP4rev1\r\nT2 OK\r\n"},
        {sends(starttls()),
         [](Session& session) {
           EXPECT_EQ(session.surplus(), 0U);
           session.tls_started();
           EXPECT_FALSE(session.capabilities().has("STARTTLS")) << "it may have been anybody's word";
           EXPECT_TRUE(session.submit(noop()));
         },
         {}},
        "greeting(hi)1+capability2+");
}

}  // namespace
}  // namespace libsync::imap
