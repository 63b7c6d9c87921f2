#include "libsync/sasl/registry.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/makers.h"

namespace libsync::sasl {
namespace {

constexpr std::array kMechanisms = {
    // name, proof, strength, needs TLS, by default, make
    MechanismInfo{"OAUTHBEARER", Proof::Token, 1, true, true, make_oauthbearer},
    MechanismInfo{"XOAUTH2", Proof::Token, 1, true, true, make_xoauth2},
    MechanismInfo{"SCRAM-SHA-256-PLUS", Proof::Password, 6, false, true, make_scram_sha_256_plus},
    MechanismInfo{"SCRAM-SHA-1-PLUS", Proof::Password, 5, false, true, make_scram_sha_1_plus},
    MechanismInfo{"SCRAM-SHA-256", Proof::Password, 4, false, true, make_scram_sha_256},
    MechanismInfo{"SCRAM-SHA-1", Proof::Password, 3, false, true, make_scram_sha_1},
    MechanismInfo{"CRAM-MD5", Proof::Password, 2, false, false, make_cram_md5},
    MechanismInfo{kApop, Proof::Password, 2, false, false, nullptr},
    MechanismInfo{"PLAIN", Proof::Password, 1, true, true, make_plain},
    MechanismInfo{kUser, Proof::Password, 1, true, true, nullptr},
    MechanismInfo{"LOGIN", Proof::Password, 1, true, true, make_login},
};

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& each) { return iequals(each, name); });
}

bool has_proof(const Situation& s, const MechanismInfo& row) {
  return row.proof == Proof::Token ? s.has_token : s.has_password;
}

std::string joined(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out.empty() ? std::string(word("nothing")) : printable(out, 200);
}

// Why a row was passed over: the gravest reason becomes the error.
struct Reasons {
  bool plain_text = false, weaker = false;
};

bool usable(const Situation& s, const MechanismInfo& row, const MechanismInfo* pinned, Reasons& reasons) {
  const bool forced = !s.forced.empty();
  if (!contains(s.offered, row.name) || !has_proof(s, row) || contains(s.forbidden, row.name)) return false;
  if (forced ? !iequals(s.forced, row.name) : !row.by_default) return false;
  if (row.name.ends_with("-PLUS") && !(s.can_bind && s.encrypted)) return false;
  if (row.needs_tls && !s.encrypted && !s.plain_allowed) {
    reasons.plain_text = true;
    return false;
  }
  if (!forced && pinned != nullptr && pinned->proof == row.proof && row.strength < pinned->strength) {
    reasons.weaker = true;
    return false;
  }
  return true;
}

Error no_choice(const Situation& s, Reasons reasons) {
  if (reasons.plain_text) {
    return {.code = Errc::Tls,
            .what = say("the connection is not encrypted: no password is sent over it"),
            .hint = say("use TLS, or ask for plain text by name")};
  }
  if (reasons.weaker) {
    return {.code = Errc::Auth,
            .what = say("the server offers only weaker logins than {}, used before ({})", s.pinned, joined(s.offered)),
            .hint = say("if that is meant, name the mechanism to use in the account's settings")};
  }
  if (!s.forced.empty())
    return {.code = Errc::Auth, .what = say("{} can't be used here; offered: {}", s.forced, joined(s.offered))};
  return {.code = Errc::Auth, .what = say("no usable way to log in; offered: {}", joined(s.offered))};
}

}  // namespace

std::span<const MechanismInfo> mechanisms() { return kMechanisms; }

const MechanismInfo* find_mechanism(std::string_view name) {
  const auto it = std::ranges::find_if(kMechanisms, [&](const auto& row) { return iequals(row.name, name); });
  return it == kMechanisms.end() ? nullptr : &*it;
}

Result<const MechanismInfo*> choose(const Situation& s) {
  const MechanismInfo* pinned = nullptr;
  if (!s.pinned.empty()) {
    pinned = find_mechanism(s.pinned);
    if (!pinned) return fail(Errc::Config, say("unknown login mechanism \"{}\"", printable(s.pinned, 40)));
  }
  if (!s.forced.empty()) {
    const MechanismInfo* forced = find_mechanism(s.forced);
    if (!forced) return fail(Errc::Config, say("unknown login mechanism \"{}\"", printable(s.forced, 40)));
    if (!has_proof(s, *forced)) {
      return fail(Errc::Config, forced->proof == Proof::Token ? say("{} needs an access token", forced->name)
                                                              : say("{} needs a password", forced->name));
    }
  }
  if (!s.has_password && !s.has_token) return fail(Errc::Config, say("no password and no access token"));
  Reasons reasons;
  for (const MechanismInfo& row : kMechanisms) {
    if (usable(s, row, pinned, reasons)) return &row;
  }
  return fail(no_choice(s, reasons));
}

bool offers_plus(std::span<const std::string> offered, std::string_view mechanism) {
  return contains(offered, std::string(mechanism) + "-PLUS");
}

}  // namespace libsync::sasl
