// SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS twins (RFC 5802, RFC 7677; channel binding by RFC 5929
// and RFC 9266). The server must prove that it knows the password before the client believes a success.
#include "libsync/sasl/scram.h"

#include <algorithm>
#include <vector>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sasl/crypto.h"
#include "libsync/sasl/gs2.h"
#include "libsync/sasl/makers.h"
#include "libsync/sasl/saslprep.h"
#include "libsync/sasl/scram_proof.h"

namespace libsync::sasl {
namespace {

struct Kind {
  std::string_view name;
  Hash hash;
  bool plus;
};

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::Protocol, say("SCRAM: {} in the server's message", what));
}

struct ServerFirst {
  std::string_view nonce;
  std::string salt;
  uint32_t iterations = 0;
};

// RFC 5802, section 7: r=nonce,s=salt,i=count and extensions, in this order.
Result<ServerFirst> parse_server_first(std::string_view text) {
  ServerFirst first;
  std::vector<std::string_view> fields;
  for (size_t at = 0; at <= text.size() && fields.size() < 3;) {
    const size_t comma = std::min(text.find(',', at), text.size());
    fields.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  if (text.starts_with("m=")) return malformed(word("an extension that must be known"));
  if (fields.size() != 3 || !fields[0].starts_with("r=") || !fields[1].starts_with("s=") ||
      !fields[2].starts_with("i="))
    return malformed(word("nonce, salt or iteration count missing"));
  first.nonce = fields[0].substr(2);
  auto salt = base64_decode(fields[1].substr(2));
  if (!salt || salt->empty() || salt->size() > kMaxScramSalt) return malformed(word("a bad salt"));
  first.salt = std::move(*salt);
  const auto count = parse_u64(fields[2].substr(2));
  if (!count) return malformed(word("a bad iteration count"));
  if (*count < kMinScramIterations || *count > kMaxScramIterations) {
    return fail(Errc::Limit,
                say("SCRAM: the server wants {} iterations; {} to {} are accepted", with_separators(*count),
                    with_separators(kMinScramIterations), with_separators(kMaxScramIterations)));
  }
  first.iterations = static_cast<uint32_t>(*count);
  return first;
}

class Scram final : public Mechanism {
 public:
  Scram(Kind kind, Context context) : kind_(kind), context_(std::move(context)) {}
  std::string_view name() const override { return kind_.name; }
  bool done() const override { return step_ == Step::Verified; }
  bool only_acknowledges() const override { return step_ == Step::SentProof; }
  std::string failure() const override { return failure_; }

  Result<std::optional<Secret>> initial() override {
    if (kind_.plus && !context_.binding) return fail(Errc::Auth, say("{} needs channel binding", kind_.name));
    TB_ASSIGN(const std::string user, saslprep(context_.credentials.user, word("user name")));
    TB_ASSIGN(const std::string authzid, saslprep(context_.credentials.authzid, word("user name")));
    const std::string random = context_.random(kScramNonceBytes);
    if (random.size() != kScramNonceBytes) return fail(Errc::Internal, say("no random bytes from the system"));
    nonce_ = base64_encode(random);
    gs2_header_ = flag() + "," + (authzid.empty() ? "" : "a=" + gs2_name(authzid)) + ",";
    first_bare_ = "n=" + gs2_name(user) + ",r=" + nonce_;
    step_ = Step::SentFirst;
    return Secret(gs2_header_ + first_bare_);
  }

  Result<Secret> respond(std::string_view challenge) override {
    if (challenge.size() > kMaxChallenge) return fail(Errc::Limit, say("SCRAM: a challenge too long"));
    switch (step_) {
      case Step::SentFirst:
        return prove(challenge);
      case Step::SentProof:
        return verify(challenge);
      default:
        return fail(Errc::Protocol, say("the server asks for more than {} gives", kind_.name));
    }
  }

 private:
  enum class Step { Start, SentFirst, SentProof, Verified, Failed };

  std::string flag() const {
    if (kind_.plus) return "p=" + context_.binding->type;
    return context_.binding && !context_.server_offers_plus ? "y" : "n";
  }

  Result<Secret> prove(std::string_view challenge) {
    step_ = Step::Failed;
    TB_ASSIGN(const ServerFirst first, parse_server_first(challenge));
    if (!first.nonce.starts_with(nonce_) || first.nonce.size() == nonce_.size() || first.nonce.size() > kMaxScramNonce)
      return fail(Errc::Auth, say("SCRAM: the server's nonce does not extend the client's"));
    TB_ASSIGN(std::string prepared, saslprep(context_.credentials.password.reveal(), word("password")));
    const Secret password(std::move(prepared));

    const std::string bound = gs2_header_ + (kind_.plus ? context_.binding->data : "");
    std::string final_message = "c=" + base64_encode(bound) + ",r=" + std::string(first.nonce);
    const std::string auth_message = first_bare_ + "," + std::string(challenge) + "," + final_message;

    ScramProof proof = scram_proof(kind_.hash, password, first.salt, first.iterations, auth_message);
    server_signature_ = std::move(proof.server);
    step_ = Step::SentProof;
    return Secret(std::move(final_message) + ",p=" + base64_encode(proof.client));
  }

  Result<Secret> verify(std::string_view challenge) {
    step_ = Step::Failed;
    if (challenge.starts_with("e=")) {
      failure_ = printable(challenge.substr(2));
      return fail(Error{.code = Errc::Auth, .what = say("login refused"), .server = failure_});
    }
    const std::string_view field = challenge.substr(0, challenge.find(','));
    const auto signature = field.starts_with("v=") ? base64_decode(field.substr(2)) : std::nullopt;
    if (!signature) return malformed(word("no signature"));
    if (!equal(*signature, server_signature_)) {
      return fail(Errc::Auth,
                  say("the server could not prove that it knows the password: it may not be the right one"));
    }
    step_ = Step::Verified;
    return Secret();
  }

  Kind kind_;
  Context context_;
  Step step_ = Step::Start;
  std::string nonce_, gs2_header_, first_bare_, server_signature_, failure_;
};

std::unique_ptr<Mechanism> make(Kind kind, Context context) {
  return std::make_unique<Scram>(kind, std::move(context));
}

}  // namespace

std::unique_ptr<Mechanism> make_scram_sha_1(Context context) {
  return make({"SCRAM-SHA-1", Hash::Sha1, false}, std::move(context));
}
std::unique_ptr<Mechanism> make_scram_sha_1_plus(Context context) {
  return make({"SCRAM-SHA-1-PLUS", Hash::Sha1, true}, std::move(context));
}
std::unique_ptr<Mechanism> make_scram_sha_256(Context context) {
  return make({"SCRAM-SHA-256", Hash::Sha256, false}, std::move(context));
}
std::unique_ptr<Mechanism> make_scram_sha_256_plus(Context context) {
  return make({"SCRAM-SHA-256-PLUS", Hash::Sha256, true}, std::move(context));
}

}  // namespace libsync::sasl
