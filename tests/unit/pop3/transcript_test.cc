// Whole dialogues, however the bytes come.
#include "tests/support/transcript.h"

#include "libsync/pop3/session.h"

namespace libsync::pop3 {
namespace {

using testing::Talker;
using testing::Transcript;

constexpr Steady::time_point kStart{};

using Act = std::function<void(Session&)>;

class Talk final : public Talker, private Events {
 public:
  explicit Talk(const std::vector<Act>& acts) : acts_(acts) {}

  void act(size_t turn) override {
    if (turn < acts_.size() && acts_[turn]) acts_[turn](session_);
    said_ += session_.take_output();
  }
  Status feed(std::string_view bytes) override {
    const Status status = session_.feed(bytes, kStart, *this);
    said_ += session_.take_output();
    return status;
  }
  Status closed() override { return session_.peer_closed(); }
  std::string heard() const override { return heard_; }
  std::string said() const override { return said_; }

 private:
  Status event(const Event& event) override {
    switch (event.kind) {
      case Event::Kind::Greeting:
        heard_ += "greeting ";
        break;
      case Event::Kind::Reply:
        heard_ += std::string(rule(event.verb).word) + (event.status->ok ? " ok" : " err");
        if (!event.status->code.empty()) heard_ += " [" + event.status->code + "]";
        heard_ += event.body_follows ? " { " : "; ";
        break;
      case Event::Kind::Line:
        heard_ += std::string(event.text) + ", ";
        break;
      case Event::Kind::Text:
        heard_ += event.text;
        break;
      case Event::Kind::End:
        heard_ += "}; ";
        break;
      case Event::Kind::Challenge:
        heard_ += "challenge " + std::string(event.text) + "; ";
        session_.answer(Secret("answer"), kStart);
        break;
    }
    return {};
  }

  std::vector<Act> acts_;
  std::string heard_, said_;
  Session session_{{.host = "pop.example.org"}, kStart};
};

void holds(std::vector<std::string> turns, std::vector<Act> acts, std::string_view expected) {
  const Transcript transcript{.turns = std::move(turns), .make = [&] { return std::make_unique<Talk>(acts); }};
  transcript.check(expected);
}

Act sends(std::vector<Command> commands) {
  return [commands = std::move(commands)](Session& session) {
    for (const Command& command : commands) EXPECT_TRUE(session.send(command, kStart));
  };
}

TEST(Transcript, TheDialogueOfRfc1939) {
  holds(
      {"+OK ready <1@x>\r\n", "+OK\r\n", "+OK\r\n", "+OK 2 320\r\n", "+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n",
       "+OK 20 octets\r\nSubject: x\r\n\r\n..dot\r\n.\r\n", "+OK\r\n", "+OK bye\r\n"},
      {sends({user("joe")}),
       sends({pass(Secret("hunter2"))}),
       sends({stat()}),
       sends({list()}),
       sends({retr(1, 20)}),
       sends({dele(1)}),
       sends({quit()}),
       {}},
      "greeting USER ok; PASS ok; STAT ok; LIST ok { 1 120, 2 200, }; RETR ok { Subject: x\r\n\r\n.dot\r\n}; DELE ok; "
      "QUIT ok; ");
}

TEST(Transcript, ManyCommandsInOneFlight) {
  const std::string wire =
      "+OK\r\n1 10\r\n2 20\r\n.\r\n+OK\n1 a\n2 b\n.\n-ERR [SYS/TEMP] later\r\n+OK\r\nX: y\r\n\r\n..\r\n.\r\n"
      "+OK\r\n.\r\n+OK\r\n";
  holds({"+OK\r\n", "+OK\r\nPIPELINING\r\nTOP\r\n.\r\n", "+OK\r\n", "+OK\r\n", wire, "+OK\r\n"},
        {sends({capa()}),
         sends({user("joe")}),
         sends({pass(Secret("x"))}),
         sends({list(), uidl(), retr(1, 10), retr(2, 11), top(1, 0), noop()}),
         sends({quit()}),
         {}},
        "greeting CAPA ok { PIPELINING, TOP, }; USER ok; PASS ok; LIST ok { 1 10, 2 20, }; UIDL ok { 1 a, 2 b, }; "
        "RETR err [SYS/TEMP]; RETR ok { X: y\r\n\r\n.\r\n}; TOP ok { }; NOOP ok; QUIT ok; ");
}

TEST(Transcript, Challenges) {
  holds({"+OK\r\n", "+ Zmlyc3Q=\r\n+ \r\n-ERR [AUTH] no\r\n", "+ \r\n+OK\r\n", "-ERR [SYS/PERM] odd\r\n", "+OK\r\n"},
        {sends({auth("LOGIN")}),
         sends({auth("PLAIN", Secret(std::string(200, 'p')))}),
         sends({stat()}),
         sends({quit()}),
         {}},
        "greeting challenge Zmlyc3Q=; challenge ; AUTH err [AUTH]; AUTH ok; STAT err [SYS/PERM]; QUIT ok; ");
}

TEST(Transcript, StlsForgetsWhatWasSaidBefore) {
  holds({"+OK <1@x>\r\n", "+OK\r\nSTLS\r\n.\r\n", "+OK\r\n", "-ERR what\r\n", "+OK\r\n"},
        {sends({capa()}),
         sends({stls()}),
         [](Session& session) {
           session.tls_started();
           EXPECT_TRUE(session.send(capa(), kStart));
         },
         sends({quit()}),
         {}},
        "greeting CAPA ok { STLS, }; STLS ok; CAPA err; QUIT ok; ");
}

TEST(Transcript, EmptyListingsAndMessages) {
  holds({"+OK\n", "+OK\n", "+OK\n", "+OK\r\n.\r\n", "+OK\r\n.\r\n", "+OK\n\n.\n", "+OK\r\n", "+OK\r\n"},
        {sends({user("joe")}),
         sends({pass(Secret("x"))}),
         sends({list()}),
         sends({uidl()}),
         sends({retr(1, 2)}),
         sends({noop()}),
         sends({quit()}),
         {}},
        "greeting USER ok; PASS ok; LIST ok { }; UIDL ok { }; RETR ok { \n}; NOOP ok; QUIT ok; ");
}

}  // namespace
}  // namespace libsync::pop3
