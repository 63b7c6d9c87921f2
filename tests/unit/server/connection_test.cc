// The POP3 session on real connections, with this program's own client, out of a real store.
#include "libsync/server/connection.h"

#include <thread>

#include <gtest/gtest.h>

#include "libsync/net/connect.h"
#include "libsync/net/listen.h"
#include "libsync/replicas/pop3.h"
#include "libsync/server/mail_maildrop.h"
#include "libsync/server/pop3_session.h"
#include "libsync/server/store_mail.h"
#include "libsync/store/store.h"

#include "tests/support/temp_dir.h"
#include "tests/unit/server/looks.h"

namespace libsync::server {
namespace {

using twinbox::test::TempDir;
using namespace std::chrono_literals;

class Serving : public ::testing::Test {
 protected:
  Serving() {
    options.find_password = [](std::string_view user) {
      return user == "joe" ? std::optional(Secret("pencil")) : std::nullopt;
    };
    options.open_maildrop = [this](std::string_view) {
      return open_mail_maildrop(std::move(*StoreMail::open(folder / "store", {})));
    };
    options.salt_secret = Secret("salt");
    listener = std::move(*net::Listener::open("127.0.0.1", 0));
  }

  std::jthread begin(bool at_once) {
    return std::jthread([this, at_once](std::stop_token stop) {
      auto channel = listener->accept(tls, nullptr, stop);
      ASSERT_TRUE(channel) << channel.error().text();
      if (at_once) {
        ASSERT_TRUE((*channel)->start_tls(0, Steady::now() + 5s, stop));
      }
      options.encrypted = at_once;
      options.has_tls = !at_once;
      options.bindings = bindings_of(**channel);
      Pop3Session session(options, clock.now());
      ended = serve(**channel, session, clock, stop);
    });
  }

  Result<std::unique_ptr<sync::Replica>> log_in(bool at_once, const std::string& password = "pencil") {
    net::ConnectOptions how;
    how.tls.pins = {tls->fingerprint()};
    const auto security = at_once ? net::Security::ImplicitTls : net::Security::StartTls;
    TB_ASSIGN(auto channel,
              net::connect({.host = "127.0.0.1", .port = listener->port(), .security = security}, how, {}));
    replicas::Pop3Options client;
    client.credentials = {.user = "joe", .password = Secret(password)};
    client.security = at_once ? replicas::Pop3Security::Tls : replicas::Pop3Security::Stls;
    client.on_login = [this](std::string_view mechanism) { taken = mechanism; };
    return replicas::open_pop3(std::move(channel), std::move(client), {});
  }

  void put(const std::string& octets) {
    const auto staged = store->stage(octets);
    auto write = std::move(*store->begin());
    const auto inbox = *store->find_mailbox({"INBOX"});
    const auto box = inbox ? inbox->id : *write->create_mailbox({"INBOX"}, sync::Role::Inbox);
    ASSERT_TRUE(write->add(box, *staged, {}, std::nullopt));
    ASSERT_TRUE(write->commit());
  }

  TempDir folder;
  SystemClock clock;
  std::unique_ptr<store::Store> store =
      std::move(*store::Store::open(folder / "store", {.mode = store::StoreMode::Create}));
  std::shared_ptr<net::TlsServer> tls =
      *net::TlsServer::make(*net::make_certificate(std::vector<std::string>{"127.0.0.1"}, 1'700'000'000));
  std::unique_ptr<net::Listener> listener;
  Pop3Options options;
  std::string taken;
  Status ended = fail(Errc::Internal, "not over yet");
};

TEST_F(Serving, AMirrorOfAMirrorIsTheSame) {
  std::vector<std::string> mail = {"A: 1\r\n\r\n.\r\n", "B: 2\r\n\r\n" + std::string(3'000'000, 'x') + "\r\n", "\r\n"};
  for (const std::string& each : mail) put(each);
  for (const bool at_once : {true, false}) {
    auto server = begin(at_once);
    auto replica = log_in(at_once);
    ASSERT_TRUE(replica) << replica.error().text();
    EXPECT_EQ(taken, "SCRAM-SHA-256-PLUS");
    Look look;
    const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
    ASSERT_TRUE((*replica)->changes(cursors, look, {}));
    Bodies bodies;
    ASSERT_TRUE((*replica)->fetch(look.items, bodies, {}));
    EXPECT_EQ(bodies.text, mail);
    Outcomes outcomes;
    ASSERT_TRUE((*replica)->finish(outcomes, {}));
    replica->reset();
    server.join();
    EXPECT_TRUE(ended) << ended.error().text();
  }
}

TEST_F(Serving, NothingIsRemovedFromAMirror) {
  put("A: 1\r\n\r\n");
  auto server = begin(true);
  auto replica = log_in(true);
  ASSERT_TRUE(replica) << replica.error().text();
  Look look;
  const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
  ASSERT_TRUE((*replica)->changes(cursors, look, {}));
  const std::vector<sync::Action> actions = {
      {.op = sync::Op::Remove, .ref = look.items[0].ref, .size_expected = look.items[0].size}};
  Outcomes outcomes;
  ASSERT_TRUE((*replica)->apply(actions, outcomes, {}));
  (void)(*replica)->finish(outcomes, {});
  EXPECT_NE(outcomes.words.find("this is a mirror"), std::string::npos) << outcomes.words;
  replica->reset();
  server.join();
  EXPECT_EQ((*store->find_mailbox({"INBOX"}))->messages, 1U);
}

TEST_F(Serving, AnEmptyStoreIsAnEmptyMaildrop) {
  auto server = begin(true);
  auto replica = log_in(true);
  ASSERT_TRUE(replica) << replica.error().text();
  Look look;
  const std::vector<sync::BoxCursor> cursors = {{.box = "INBOX"}};
  EXPECT_TRUE((*replica)->changes(cursors, look, {}));
  EXPECT_TRUE(look.items.empty());
}

TEST_F(Serving, AWrongPasswordIsRefusedAfterAWhile) {
  options.limits.failed_login_delay = 0s;
  auto server = begin(true);
  const auto replica = log_in(true, "pen");
  ASSERT_FALSE(replica);
  EXPECT_EQ(replica.error().code, Errc::Auth);
  EXPECT_NE(replica.error().text().find("wrong user name or password"), std::string::npos) << replica.error().text();
}

TEST_F(Serving, AClientThatGoesAwayIsTheEndOfIt) {
  auto server = begin(false);
  net::ConnectOptions how;
  auto channel =
      net::connect({.host = "127.0.0.1", .port = listener->port(), .security = net::Security::Plain}, how, {});
  ASSERT_TRUE(channel);
  (void)(*channel)->receive(Steady::now() + 5s, {});
  channel->reset();
  server.join();
  EXPECT_TRUE(ended) << ended.error().text();
}

TEST_F(Serving, EndsWhenItIsAskedTo) {
  auto server = begin(true);
  auto replica = log_in(true);
  ASSERT_TRUE(replica) << replica.error().text();
  server.request_stop();
  server.join();
  EXPECT_EQ(ended.error().code, Errc::Cancelled);
}

}  // namespace
}  // namespace libsync::server
