// The server's mechanisms against the client's, and against clients that lie.
#include "libsync/sasl/server.h"

#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/sasl/makers.h"
#include "libsync/sasl/registry.h"

namespace libsync::sasl {
namespace {

std::optional<Secret> password_of(std::string_view user) {
  if (user == "joe") return Secret("pencil");
  if (user == "a=b,c d") return Secret("p\xC3\xA4\xC2\xA0ss");
  return std::nullopt;
}

ServerContext serving(std::vector<ChannelBinding> bindings = {}) {
  ServerContext context{.find_password = password_of};
  context.bindings = std::move(bindings);
  context.salt_secret = Secret("this server's");
  return context;
}

const ChannelBinding kExporter{.type = "tls-exporter", .data = std::string("\x01\0\xff", 3)};
const ChannelBinding kEndPoint{.type = "tls-server-end-point", .data = "digest"};

struct Verdict {
  bool client = false;  // believes the server
  std::string user{};   // as the server knows it; empty: refused
  std::string error{};  // the first of either
};

// The whole exchange, as IMAP carries it: the client speaks first where it can.
Verdict hold(ServerMechanism& server, Mechanism& client) {
  Verdict verdict;
  auto begins = server.begin();
  if (!begins) return {.error = begins.error().what};
  auto said = client.initial();
  if (said && *begins) said = client.respond(**begins);
  while (said && *said) {
    const auto turn = server.take((*said)->reveal());
    if (!turn) verdict.error = turn.error().what;
    if (!turn || turn->done) break;
    auto response = client.respond(turn->challenge);
    if (!response) {
      verdict.error = response.error().what;
      break;
    }
    said = std::move(*response);
  }
  if (!said) verdict.error = said.error().what;
  verdict.client = client.done();
  verdict.user = server.user();
  return verdict;
}

Verdict hold(std::string_view mechanism, const std::string& user, const std::string& password,
             const std::string& authzid = "") {
  Context context{.credentials = {.user = user, .password = Secret(password), .authzid = authzid}};
  context.binding = kExporter;
  context.server_offers_plus = true;
  const auto server = find_server_mechanism(mechanism)->make(serving({kEndPoint, kExporter}));
  return hold(*server, *find_mechanism(mechanism)->make(context));
}

TEST(SaslServer, HasEachMechanismOfThePasswordThatTheClientHas) {
  std::vector<std::string_view> ours, theirs;
  for (const auto& row : mechanisms()) {
    if (row.proof == Proof::Password && row.make != nullptr) ours.push_back(row.name);
  }
  for (const auto& row : server_mechanisms()) theirs.push_back(row.name);
  EXPECT_EQ(ours, theirs);
  EXPECT_EQ(find_server_mechanism("scram-sha-256")->name, "SCRAM-SHA-256");
  EXPECT_EQ(find_server_mechanism("XOAUTH2"), nullptr);
  EXPECT_TRUE(find_server_mechanism("PLAIN")->needs_tls);
  EXPECT_TRUE(find_server_mechanism("LOGIN")->needs_tls);
  EXPECT_FALSE(find_server_mechanism("CRAM-MD5")->by_default);
}

TEST(SaslServer, LetsInWhoKnowsThePasswordByEachMechanism) {
  for (const auto& row : server_mechanisms()) {
    EXPECT_EQ(row.make(serving())->name(), row.name);
    const Verdict in = hold(row.name, "joe", "pencil");
    EXPECT_EQ(in.user, "joe") << row.name << ": " << in.error;
    EXPECT_TRUE(in.client) << row.name;
    const Verdict odd = hold(row.name, "a=b,c d", "p\xC3\xA4\xC2\xA0ss");
    EXPECT_EQ(odd.user, "a=b,c d") << row.name << ": " << odd.error;
  }
}

TEST(SaslServer, RefusesAWrongPasswordAndAnUnknownUserInTheSameWords) {
  for (const auto& row : server_mechanisms()) {
    for (const auto& [user, password] :
         {std::pair("joe", "pencil2"), std::pair("joe", ""), std::pair("nobody", "pencil"), std::pair("nobody", "")}) {
      const Verdict out = hold(row.name, user, password);
      EXPECT_EQ(out.user, "") << row.name;
      EXPECT_EQ(out.error, "wrong user name or password") << row.name;
    }
  }
}

TEST(SaslServer, NobodyActsForSomebodyElse) {
  for (const char* name : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"}) {
    EXPECT_EQ(hold(name, "joe", "pencil", "joe").user, "joe") << name;
    EXPECT_EQ(hold(name, "joe", "pencil", "root").error, "wrong user name or password") << name;
  }
}

TEST(ScramServer, GivesAnUnknownUserASaltThatStays) {
  const auto salt = [](const std::string& user, const char* secret) {
    ServerContext context = serving();
    context.salt_secret = Secret(secret);
    const auto turn = find_server_mechanism("SCRAM-SHA-256")->make(context)->take("n,,n=" + user + ",r=abc");
    const std::string text = turn ? turn->challenge : "";
    return text.substr(text.find(",s="));
  };
  EXPECT_EQ(salt("nobody", "x"), salt("nobody", "x"));
  EXPECT_NE(salt("nobody", "x"), salt("joe", "x"));
  EXPECT_NE(salt("joe", "x"), salt("joe", "y"));
}

TEST(ScramServer, HearsThatTheListOfMechanismsWasChanged) {
  // The client could bind and saw no -PLUS: somebody took it from the list.
  Context context{.credentials = {.user = "joe", .password = Secret("pencil")}};
  context.binding = kExporter;
  const auto scram = find_mechanism("SCRAM-SHA-256");
  const auto server = find_server_mechanism("SCRAM-SHA-256");
  const Verdict changed = hold(*server->make(serving({kExporter})), *scram->make(context));
  EXPECT_EQ(changed.user, "");
  EXPECT_NE(changed.error.find("changed on its way"), std::string::npos) << changed.error;
  EXPECT_EQ(hold(*server->make(serving()), *scram->make(context)).user, "joe") << "there was none on offer";
}

TEST(ScramServer, HoldsTheBindingAgainstItsOwn) {
  Context context{.credentials = {.user = "joe", .password = Secret("pencil")}};
  const auto plus = find_mechanism("SCRAM-SHA-256-PLUS");
  const auto server = find_server_mechanism("SCRAM-SHA-256-PLUS");
  context.binding = kEndPoint;
  EXPECT_EQ(hold(*server->make(serving({kExporter, kEndPoint})), *plus->make(context)).user, "joe");
  context.binding->data = "of somebody in the middle";
  EXPECT_NE(hold(*server->make(serving({kExporter, kEndPoint})), *plus->make(context)).error.find("binding"),
            std::string::npos);
  EXPECT_NE(hold(*server->make(serving({kExporter})), *plus->make(context)).error.find("not had"), std::string::npos);
}

TEST(ScramServer, EndsAtAMessageThatIsNone) {
  const auto* row = find_server_mechanism("SCRAM-SHA-256");
  for (const std::string& bad :
       {std::string(), std::string("n"), std::string("n,,"), std::string("n,,n=joe"), std::string("n,,n=joe,r="),
        std::string("n,,r=abc,n=joe"), std::string("n,,m=x,n=joe,r=abc"), std::string("x,,n=joe,r=abc"),
        std::string("p=tls-exporter,,n=joe,r=abc"), std::string("n,,n=,r=abc"), std::string("n,,n=a=2X,r=abc"),
        std::string("n,,n=a=,r=abc"), std::string("n,,n=\xff,r=abc"), "n,,n=joe,r=" + std::string(2000, 'x'),
        std::string(kMaxResponse + 1, 'n')}) {
    const auto server = row->make(serving());
    EXPECT_FALSE(server->take(bad)) << bad.substr(0, 40);
    EXPECT_FALSE(server->take("n,,n=joe,r=abc")) << "there is no second try";
  }
  for (const std::string end :
       {"", "c=biws", "c=biws,r=abc,p=AAAA", "c=eSws,r=abc,p=AAAA", "p=AAAA", "c=biws,r=abc,p=***"}) {
    const auto server = row->make(serving());
    ASSERT_TRUE(server->take("n,,n=joe,r=abc"));
    EXPECT_FALSE(server->take(end)) << end;
    EXPECT_EQ(server->user(), "");
  }
}

TEST(PlainServer, EndsAtAMessageThatIsNone) {
  for (const std::string& bad : {std::string(), std::string("joe"), std::string("\0joe", 4),
                                 std::string("\0joe\0pencil\0", 12), std::string(kMaxResponse + 1, '\0')}) {
    const auto server = find_server_mechanism("PLAIN")->make(serving());
    EXPECT_FALSE(server->take(bad));
    EXPECT_FALSE(server->take(std::string("\0joe\0pencil", 11))) << "there is no second try";
  }
}

TEST(CramMd5Server, AsksSomethingElseEachTimeAndOnce) {
  const auto* row = find_server_mechanism("CRAM-MD5");
  const auto one = row->make(serving()), other = row->make(serving());
  const std::string first = **one->begin(), second = **other->begin();
  EXPECT_NE(first, second);
  EXPECT_TRUE(first.starts_with("<") && first.ends_with("@localhost>")) << first;
  auto client = make_cram_md5({.credentials = {.user = "joe", .password = Secret("pencil")}});
  const std::string answer = client->respond(first)->reveal();
  EXPECT_FALSE(other->take(answer)) << "of another challenge";
  EXPECT_FALSE(other->take(answer)) << "there is no second try";
  EXPECT_TRUE(one->take(answer));
  for (const std::string& bad : {std::string(), std::string("joe"), std::string("joe 123"), std::string(40, ' '),
                                 std::string(kMaxResponse + 1, 'j')}) {
    const auto server = row->make(serving());
    ASSERT_TRUE(server->begin());
    EXPECT_FALSE(server->take(bad)) << bad;
  }
}

TEST(LoginServer, TakesTwoResponsesAndNoMore) {
  const auto server = find_server_mechanism("LOGIN")->make(serving());
  EXPECT_EQ(**server->begin(), "Username:");
  EXPECT_EQ(server->take("joe")->challenge, "Password:");
  EXPECT_FALSE(server->take("pen"));
  EXPECT_FALSE(server->take("pencil"));
}

}  // namespace
}  // namespace libsync::sasl
