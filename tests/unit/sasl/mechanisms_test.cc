#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/sasl/crypto.h"
#include "libsync/sasl/makers.h"
#include "libsync/sasl/registry.h"
#include "libsync/sasl/saslprep.h"
#include "libsync/sasl/scram.h"

namespace libsync::sasl {
namespace {

Context context_of(std::string user, std::string password) {
  return {.credentials = {.user = std::move(user), .password = Secret(std::move(password))}};
}

std::string first_of(Mechanism& mechanism) {
  auto initial = mechanism.initial();
  return initial && *initial ? (*initial)->reveal() : "(none)";
}

std::string answer_of(Mechanism& mechanism, std::string_view challenge) {
  auto response = mechanism.respond(challenge);
  return response ? response->reveal() : "(error) " + response.error().what;
}

TEST(Plain, SendsAuthzidUserAndPassword) {
  auto plain = make_plain(context_of("tim", "tanstaaftanstaaf"));
  EXPECT_FALSE(plain->done());
  EXPECT_EQ(first_of(*plain), std::string("\0tim\0tanstaaftanstaaf", 21));
  EXPECT_TRUE(plain->done());
  Context context = context_of("Kurt", "xipj3plmq");
  context.credentials.authzid = "Ursel";
  EXPECT_EQ(first_of(*make_plain(context)), std::string("Ursel\0Kurt\0xipj3plmq", 20));
}

TEST(Plain, RefusesANulThatWouldMakeAnotherUser) {
  auto plain = make_plain(context_of(std::string("a\0b", 3), "x"));
  EXPECT_EQ(plain->initial().error().code, Errc::Auth);
  EXPECT_FALSE(make_plain(context_of("a", "x"))->respond("more"));
}

TEST(Plain, IsUtf8AndNothingElse) {
  EXPECT_EQ(first_of(*make_plain(context_of("jos\u00E9", "\u53f0"))), std::string("\0jos\u00E9\0\u53f0", 10));
  for (const auto& [user, password] : {std::pair("jos\xE9", "x"), std::pair("joe", "caf\xE9")}) {
    const auto refused = make_plain(context_of(user, password))->initial();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "user name or password is not UTF-8");
  }
}

TEST(Login, AnswersTwoChallengesWhateverTheirWords) {
  auto login = make_login(context_of("joe", "pw"));
  EXPECT_FALSE(login->initial()->has_value());
  EXPECT_EQ(answer_of(*login, "User Name"), "joe");
  EXPECT_FALSE(login->done());
  EXPECT_EQ(answer_of(*login, ""), "pw");
  EXPECT_TRUE(login->done());
  EXPECT_FALSE(login->respond("again"));
}

// The example of RFC 2195, section 2.
TEST(CramMd5, GivesTheRfcsExample) {
  auto cram = make_cram_md5(context_of("tim", "tanstaaftanstaaf"));
  EXPECT_FALSE(cram->initial()->has_value());
  EXPECT_EQ(answer_of(*cram, "<1896.697170952@postoffice.reston.mci.net>"), "tim b913a602c7eda7a495b4e6e7334d3890");
  EXPECT_TRUE(cram->done());
  EXPECT_FALSE(cram->respond("<again>"));
  EXPECT_FALSE(make_cram_md5(context_of("tim", "x"))->respond(""));
}

// The RFCs' examples use nonces that are no base64 of ours; these hand the same characters out.
RandomBytes bytes_for(std::string_view nonce) {
  return [text = std::string(nonce)](size_t size) {
    auto bytes = base64_decode(text);
    return bytes ? *bytes : std::string(size, 'x');
  };
}

constexpr std::string_view kNonce = "rOprNGfwEbeRWgbNEkqOrOpr";  // 24 characters: 18 octets

struct Server {
  std::string nonce, salt, first, final_ok;
};

// The server's side, from the definitions of RFC 5802, section 3.
Server serve(Hash hash, std::string_view password, std::string_view first_bare, std::string_view channel,
             uint32_t iterations) {
  Server server;
  server.nonce = std::string(kNonce) + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  server.salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
  server.first = "r=" + server.nonce + ",s=" + server.salt + ",i=" + std::to_string(iterations);
  const std::string message =
      std::string(first_bare) + "," + server.first + ",c=" + base64_encode(channel) + ",r=" + server.nonce;
  const std::string salted = pbkdf2(hash, password, *base64_decode(server.salt), iterations);
  server.final_ok = "v=" + base64_encode(hmac(hash, hmac(hash, salted, "Server Key"), message));
  return server;
}

// RFC 5802, section 5, and RFC 7677, section 3: the messages' proofs and signatures, with the nonces of
// the RFCs put in by a random source that is asked for as many octets as it likes.
struct Vector {
  std::unique_ptr<Mechanism> (*make)(Context);
  Hash hash;
  std::string_view client_nonce, server_first, client_proof, server_signature;
};

TEST(Scram, ComputesTheRfcsProofs) {
  const std::vector<Vector> vectors = {
      {make_scram_sha_1, Hash::Sha1, "fyko+d2lbbFgONRv9qkxdawL",
       "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
       "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
      {make_scram_sha_256, Hash::Sha256, "rOprNGfwEbeRWgbNEkqO",
       "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
       "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}};
  for (const Vector& v : vectors) {
    const std::string server_nonce(v.server_first.substr(2, v.server_first.find(',') - 2));
    const auto salt_at = v.server_first.find(",s=") + 3;
    const std::string salt = *base64_decode(v.server_first.substr(salt_at, v.server_first.rfind(",i=") - salt_at));
    const std::string salted = pbkdf2(v.hash, "pencil", salt, 4096);
    const std::string message =
        "n=user,r=" + std::string(v.client_nonce) + "," + std::string(v.server_first) + ",c=biws,r=" + server_nonce;
    const std::string key = hmac(v.hash, salted, "Client Key");
    std::string proof = hmac(v.hash, digest(v.hash, key), message);
    for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ key[i]);
    EXPECT_EQ(base64_encode(proof), v.client_proof);
    EXPECT_EQ(base64_encode(hmac(v.hash, hmac(v.hash, salted, "Server Key"), message)), v.server_signature);
  }
}

// The whole exchange of RFC 5802, section 5: its nonce happens to be 24 characters of base64.
TEST(Scram, HoldsTheRfcsDialogue) {
  Context context = context_of("user", "pencil");
  context.random = bytes_for("fyko+d2lbbFgONRv9qkxdawL");
  auto scram = make_scram_sha_1(context);
  EXPECT_EQ(first_of(*scram), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(answer_of(*scram, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_FALSE(scram->done());
  EXPECT_EQ(answer_of(*scram, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), "");
  EXPECT_TRUE(scram->done());
}

TEST(Scram, BindsToTheTlsChannel) {
  Context context = context_of("user", "pencil");
  context.random = bytes_for(kNonce);
  context.binding = ChannelBinding{"tls-exporter", std::string("\x01\0\xff", 3)};
  auto scram = make_scram_sha_256_plus(context);
  const std::string header = "p=tls-exporter,,";
  const std::string bare = "n=user,r=" + std::string(kNonce);
  EXPECT_EQ(first_of(*scram), header + bare);
  const Server server = serve(Hash::Sha256, "pencil", bare, header + context.binding->data, 4096);
  EXPECT_TRUE(answer_of(*scram, server.first).starts_with("c=" + base64_encode(header + context.binding->data)));
  EXPECT_EQ(answer_of(*scram, server.final_ok), "");
  EXPECT_TRUE(scram->done());

  context.binding.reset();
  EXPECT_EQ(make_scram_sha_256_plus(context)->initial().error().code, Errc::Auth);
}

TEST(Scram, SaysYOnlyIfTheServerDidNotOfferPlus) {
  Context context = context_of("user", "pencil");
  EXPECT_TRUE(first_of(*make_scram_sha_256(context)).starts_with("n,,"));
  context.binding = ChannelBinding{"tls-exporter", "data"};
  EXPECT_TRUE(first_of(*make_scram_sha_256(context)).starts_with("y,,"));
  context.server_offers_plus = true;
  EXPECT_TRUE(first_of(*make_scram_sha_256(context)).starts_with("n,,"));
}

TEST(Scram, EscapesNamesAndPreparesThem) {
  Context context = context_of("a=b,c\xC2\xAD", "pencil");
  context.random = bytes_for(kNonce);
  context.credentials.authzid = "x,y";
  EXPECT_EQ(first_of(*make_scram_sha_256(context)), "n,a=x=2Cy,n=a=3Db=2Cc,r=" + std::string(kNonce));
  context.credentials.user = "a\x01";
  EXPECT_EQ(make_scram_sha_256(context)->initial().error().code, Errc::Auth);
}

TEST(Scram, UsesAnotherNonceEachTime) {
  EXPECT_NE(first_of(*make_scram_sha_256(context_of("u", "p"))), first_of(*make_scram_sha_256(context_of("u", "p"))));
  Context context = context_of("u", "p");
  context.random = [](size_t) { return std::string(); };
  EXPECT_FALSE(make_scram_sha_256(context)->initial());
}

std::unique_ptr<Mechanism> started() {
  Context context = context_of("user", "pencil");
  context.random = bytes_for(kNonce);
  auto scram = make_scram_sha_256(context);
  first_of(*scram);
  return scram;
}

TEST(Scram, RefusesAServerThatCannotProveItself) {
  const Server server = serve(Hash::Sha256, "pencil", "n=user,r=" + std::string(kNonce), "n,,", 4096);
  const Server liar = serve(Hash::Sha256, "guess", "n=user,r=" + std::string(kNonce), "n,,", 4096);
  auto scram = started();
  ASSERT_TRUE(scram->respond(server.first));
  auto verdict = scram->respond(liar.final_ok);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Errc::Auth);
  EXPECT_FALSE(scram->done());
  EXPECT_FALSE(scram->respond(server.final_ok)) << "a second try is no second chance";

  for (const char* bad : {"", "v=", "v=!!!!", "x=rmF9", "e=invalid-proof"}) {
    auto other = started();
    ASSERT_TRUE(other->respond(server.first));
    EXPECT_FALSE(other->respond(bad)) << bad;
    EXPECT_FALSE(other->done()) << bad;
  }
}

TEST(Scram, RefusesANonceThatIsNotOursExtended) {
  for (const std::string& nonce : {std::string(kNonce), std::string("zzzz"), std::string(), "x" + std::string(kNonce),
                                   std::string(kNonce) + std::string(kMaxScramNonce, 'n')}) {
    EXPECT_FALSE(started()->respond("r=" + nonce + ",s=QSXCR+Q6sek8bf92,i=4096")) << nonce;
  }
}

TEST(Scram, BoundsTheIterationCountBothWays) {
  const std::string start = "r=" + std::string(kNonce) + "more,s=QSXCR+Q6sek8bf92,i=";
  for (const std::string count : {"0", "1", "4095", "2000001", "4294967297", "99999999999999999999", "-1", ""}) {
    EXPECT_FALSE(started()->respond(start + count)) << count;
  }
  EXPECT_EQ(started()->respond(start + "4095").error().code, Errc::Limit);
  EXPECT_TRUE(started()->respond(start + "4096"));
  EXPECT_TRUE(started()->respond(start + "4096,ext=1"));
}

TEST(Scram, RefusesMalformedChallenges) {
  const std::string nonce = "r=" + std::string(kNonce) + "more";
  for (const std::string& bad :
       {std::string(), nonce, nonce + ",s=QSXCR+Q6sek8bf92", nonce + ",s=,i=4096", nonce + ",s=***,i=4096",
        "m=ext," + nonce + ",s=QSXCR+Q6sek8bf92,i=4096", "s=QSXCR+Q6sek8bf92," + nonce + ",i=4096",
        nonce + ",s=" + base64_encode(std::string(kMaxScramSalt + 1, 's')) + ",i=4096",
        std::string(kMaxChallenge + 1, 'a')}) {
    EXPECT_FALSE(started()->respond(bad)) << bad.substr(0, 100);
  }
}

Context token_context() {
  Context context{.credentials = {.user = "someuser@example.com",
                                  .token = Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")}};
  context.host = "server.example.com";
  context.port = 995;
  return context;
}

TEST(Xoauth2, SendsTheTokenAndAnswersTheErrorWithNothing) {
  auto mechanism = make_xoauth2(token_context());
  EXPECT_EQ(first_of(*mechanism),
            "user=someuser@example.com\x01"
            "auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01");
  EXPECT_TRUE(mechanism->done());
  EXPECT_EQ(answer_of(*mechanism, "{\"status\":\"401\"}\x1b"), "");
  EXPECT_EQ(mechanism->failure(), "{\"status\":\"401\"} ");
  EXPECT_FALSE(mechanism->done());
  EXPECT_FALSE(mechanism->respond("again"));
}

TEST(OauthBearer, SendsTheTokenAndAnswersTheErrorWithOneOctet) {
  auto mechanism = make_oauthbearer(token_context());
  EXPECT_EQ(first_of(*mechanism),
            "n,a=someuser@example.com,\x01host=server.example.com\x01port=995\x01"
            "auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01");
  EXPECT_EQ(answer_of(*mechanism, "{\"status\":\"invalid_token\"}"), "\x01");
  EXPECT_EQ(mechanism->failure(), "{\"status\":\"invalid_token\"}");
  EXPECT_FALSE(mechanism->done());
}

TEST(Tokens, MayNotHoldTheSeparator) {
  Context context = token_context();
  context.credentials.token = Secret(
      "a\x01"
      "b");
  EXPECT_FALSE(make_xoauth2(context)->initial());
  EXPECT_FALSE(make_oauthbearer(context)->initial());
}

TEST(Saslprep, MapsSpacesDropsInvisiblesAndRefusesControls) {
  EXPECT_EQ(*saslprep("I\xC2\xADX", "password"), "IX");
  EXPECT_EQ(*saslprep("a\xC2\xA0"
                      "b\xE3\x80\x80"
                      "c",
                      "password"),
            "a b c");
  EXPECT_EQ(*saslprep("p\xC3\xA4ssw\xC3\xB6rd \xE5\xAF\x86\xF0\x9F\x94\x91", "password"),
            "p\xC3\xA4ssw\xC3\xB6rd \xE5\xAF\x86\xF0\x9F\x94\x91");
  for (const char* bad : {"\x07", "a\x7F", "\xC2\x85", "\xFF", "\xC3"}) EXPECT_FALSE(saslprep(bad, "password")) << bad;
  EXPECT_EQ(saslprep("secret\x07", "password").error().text().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace libsync::sasl
