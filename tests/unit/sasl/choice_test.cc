#include <gtest/gtest.h>

#include "libsync/sasl/registry.h"

namespace libsync::sasl {
namespace {

Situation tls_with_password(std::vector<std::string> offered) {
  return {.offered = std::move(offered), .has_password = true, .encrypted = true};
}

std::string chosen(const Situation& situation) {
  const auto row = choose(situation);
  return row ? std::string((*row)->name) : "error: " + row.error().what;
}

Errc refused(const Situation& situation) {
  const auto row = choose(situation);
  return row ? Errc::Internal : row.error().code;
}

TEST(Choice, TakesTheStrongestOffered) {
  EXPECT_EQ(chosen(tls_with_password({"PLAIN", "LOGIN", "SCRAM-SHA-1", "scram-sha-256"})), "SCRAM-SHA-256");
  EXPECT_EQ(chosen(tls_with_password({"LOGIN", "PLAIN", "GSSAPI"})), "PLAIN");
  EXPECT_EQ(chosen(tls_with_password({"LOGIN", "USER"})), "USER");
}

TEST(Choice, BindsWhereItCan) {
  Situation s = tls_with_password({"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"});
  EXPECT_EQ(chosen(s), "SCRAM-SHA-256");
  s.can_bind = true;
  EXPECT_EQ(chosen(s), "SCRAM-SHA-1-PLUS");
}

TEST(Choice, LeavesCramMd5AndApopOutUnlessAskedFor) {
  Situation s = tls_with_password({"CRAM-MD5", "APOP", "PLAIN"});
  EXPECT_EQ(chosen(s), "PLAIN");
  s.offered = {"CRAM-MD5", "APOP"};
  EXPECT_EQ(refused(s), Errc::Auth);
  s.forced = "apop";
  EXPECT_EQ(chosen(s), "APOP");
  s.forced = "CRAM-MD5";
  EXPECT_EQ(chosen(s), "CRAM-MD5");
}

TEST(Choice, SendsNoPasswordOverPlainText) {
  Situation s{.offered = {"PLAIN", "LOGIN", "USER"}, .has_password = true};
  EXPECT_EQ(refused(s), Errc::Tls);
  s.forced = "PLAIN";
  EXPECT_EQ(refused(s), Errc::Tls) << "naming a mechanism does not allow plain text";
  s.plain_allowed = true;
  EXPECT_EQ(chosen(s), "PLAIN");
}

TEST(Choice, UsesNothingWeakerThanBefore) {
  Situation s = tls_with_password({"PLAIN", "LOGIN"});
  s.pinned = "SCRAM-SHA-256";
  EXPECT_EQ(refused(s), Errc::Auth);
  s.offered.push_back("SCRAM-SHA-1");
  EXPECT_EQ(refused(s), Errc::Auth);
  s.offered.push_back("SCRAM-SHA-256");
  EXPECT_EQ(chosen(s), "SCRAM-SHA-256");
  s.forced = "PLAIN";
  EXPECT_EQ(chosen(s), "PLAIN") << "the user's word";
  s.forced.clear();
  s.pinned = "PLAIN";
  s.offered = {"LOGIN"};
  EXPECT_EQ(chosen(s), "LOGIN") << "as strong as PLAIN";
}

TEST(Choice, TakesTheTokenWhereThereIsOne) {
  Situation s = tls_with_password({"PLAIN", "XOAUTH2", "OAUTHBEARER"});
  s.has_token = true;
  s.pinned = "SCRAM-SHA-256";
  EXPECT_EQ(chosen(s), "OAUTHBEARER");
  s.has_token = false;
  s.pinned.clear();
  EXPECT_EQ(chosen(s), "PLAIN");
  s.forced = "XOAUTH2";
  EXPECT_EQ(refused(s), Errc::Config);
}

TEST(Choice, ObeysWhatIsForbiddenAndNamesWhatIsUnknown) {
  Situation s = tls_with_password({"PLAIN", "LOGIN"});
  s.forbidden = {"plain"};
  EXPECT_EQ(chosen(s), "LOGIN");
  s.forced = "KERBEROS_V4";
  EXPECT_EQ(refused(s), Errc::Config);
  EXPECT_EQ(refused({.offered = {"PLAIN"}}), Errc::Config) << "no credentials";
  EXPECT_EQ(refused(tls_with_password({})), Errc::Auth);
}

TEST(Choice, ListsBestFirst) {
  int last = 100;
  for (const MechanismInfo& row : mechanisms()) {
    if (row.proof == Proof::Token) continue;
    EXPECT_LE(row.strength, last) << row.name;
    last = row.strength;
  }
  const std::vector<std::string> offered = {"scram-sha-1-plus"};
  EXPECT_TRUE(offers_plus(offered, "SCRAM-SHA-1"));
  EXPECT_FALSE(offers_plus(offered, "SCRAM-SHA-256"));
}

}  // namespace
}  // namespace libsync::sasl
