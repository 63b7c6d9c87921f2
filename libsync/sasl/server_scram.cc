// SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS twins (RFC 5802, RFC 7677; channel binding by RFC 5929 and RFC 9266), as a
// server hears them.
#include <algorithm>
#include <utility>

#include "libsync/base/base64.h"
#include "libsync/base/words.h"
#include "libsync/sasl/crypto.h"
#include "libsync/sasl/saslprep.h"
#include "libsync/sasl/scram.h"
#include "libsync/sasl/scram_proof.h"
#include "libsync/sasl/server_makers.h"

namespace libsync::sasl {
namespace {

constexpr size_t kSaltBytes = 16;

struct Kind {
  std::string_view name;
  Hash hash;
  bool plus;
};

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::Protocol, say("SCRAM: {} in the client's message", what));
}

// RFC 5802, section 5.1: "=2C" and "=3D", and no other use of "=".
std::optional<std::string> unescaped(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '=') {
      out += name[i];
      continue;
    }
    const std::string_view code = name.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    out += code == "=2C" ? ',' : '=';
    i += 2;
  }
  return out;
}

// Takes what stands before the next comma.
std::string_view next_field(std::string_view& rest) {
  const size_t comma = std::min(rest.find(','), rest.size());
  const std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(std::min(comma + 1, rest.size()));
  return field;
}

class Scram final : public ServerMechanism {
 public:
  Scram(Kind kind, ServerContext context) : kind_(kind), context_(std::move(context)) {}
  std::string_view name() const override { return kind_.name; }
  const std::string& user() const override { return user_; }
  Result<std::optional<std::string>> begin() override { return std::nullopt; }

  Result<Turn> take(std::string_view response) override {
    const Step step = std::exchange(step_, Step::Over);
    if (response.size() > kMaxResponse) return fail(Errc::Limit, say("SCRAM: a message too long"));
    switch (step) {
      case Step::First:
        return first(response);
      case Step::Final:
        return prove(response);
      case Step::Acknowledged:
        if (!response.empty()) return malformed(word("something behind the end"));
        user_ = name_;
        return Turn{.done = true};
      case Step::Over:
        break;
    }
    return fail(Errc::Protocol, say("SCRAM: more than {} has", kind_.name));
  }

 private:
  enum class Step { First, Final, Acknowledged, Over };

  Result<Turn> first(std::string_view message) {
    std::string_view rest = message;
    TB_TRY(choose_binding(next_field(rest)));
    const std::string_view authzid = next_field(rest);
    gs2_header_ = message.substr(0, message.size() - rest.size());
    first_bare_ = rest;
    const std::string_view name = next_field(rest), nonce = next_field(rest);
    if (name.starts_with("m=")) return malformed(word("an extension that must be known"));
    if (!name.starts_with("n=") || !nonce.starts_with("r=") || nonce.size() <= 2) {
      return malformed(word("user name or nonce missing"));
    }
    if (nonce.size() > kMaxScramNonce) return fail(Errc::Limit, say("SCRAM: a nonce too long"));
    const auto user = unescaped(name.substr(2));
    if (!user || user->empty()) return malformed(word("a bad user name"));
    if (!authzid.empty() && authzid != std::string("a=") + std::string(name.substr(2))) {
      return fail(Errc::Auth, say("wrong user name or password"));  // nobody acts for somebody else here
    }
    TB_ASSIGN(name_, saslprep(*user, word("user name")));
    const std::string random = context_.random(kScramNonceBytes);
    if (random.size() != kScramNonceBytes) return fail(Errc::Internal, say("no random bytes from the system"));
    nonce_ = std::string(nonce.substr(2)) + base64_encode(random);
    salt_ = hmac(Hash::Sha256, context_.salt_secret.reveal(), name_).substr(0, kSaltBytes);
    server_first_ = "r=" + nonce_ + ",s=" + base64_encode(salt_) + ",i=" + std::to_string(context_.iterations);
    step_ = Step::Final;
    return Turn{.challenge = server_first_};
  }

  // The first field of the GS2 header (RFC 5802, section 6).
  Status choose_binding(std::string_view flag) {
    if (flag.starts_with("p=")) {
      const auto found = std::ranges::find(context_.bindings, flag.substr(2), &ChannelBinding::type);
      if (!kind_.plus || found == context_.bindings.end()) return malformed(word("a channel binding that is not had"));
      bound_ = found->data;
      return {};
    }
    if (kind_.plus || (flag != "n" && flag != "y")) return malformed(word("no channel binding"));
    // The client thinks that there was no -PLUS on offer: somebody took it from the list.
    if (flag == "y" && !context_.bindings.empty()) {
      return fail(Errc::Auth, say("SCRAM: the list of mechanisms was changed on its way"));
    }
    return {};
  }

  Result<Turn> prove(std::string_view message) {
    const size_t at = message.rfind(",p=");
    const auto proof = at == message.npos ? std::nullopt : base64_decode(message.substr(at + 3));
    if (!proof) return malformed(word("no proof"));
    const std::string_view without_proof = message.substr(0, at);
    std::string_view rest = without_proof;
    const std::string_view binding = next_field(rest), nonce = next_field(rest);
    if (binding != "c=" + base64_encode(gs2_header_ + bound_)) return malformed(word("another channel binding"));
    if (nonce != "r=" + nonce_) return malformed(word("another nonce"));

    const std::optional<Secret> known = context_.find_password(name_);
    TB_ASSIGN(std::string prepared, saslprep(known ? known->reveal() : "", word("password")));
    const Secret password(std::move(prepared));
    const std::string text = first_bare_ + "," + server_first_ + "," + std::string(without_proof);
    const ScramProof wanted = scram_proof(kind_.hash, password, salt_, context_.iterations, text);
    if (!equal(*proof, wanted.client) || !known) return fail(Errc::Auth, say("wrong user name or password"));
    step_ = Step::Acknowledged;
    return Turn{.challenge = "v=" + base64_encode(wanted.server)};
  }

  Kind kind_;
  ServerContext context_;
  Step step_ = Step::First;
  std::string gs2_header_, first_bare_, server_first_, nonce_, salt_, bound_, name_, user_;
};

std::unique_ptr<ServerMechanism> make(Kind kind, ServerContext context) {
  return std::make_unique<Scram>(kind, std::move(context));
}

}  // namespace

std::unique_ptr<ServerMechanism> serve_scram_sha_1(ServerContext context) {
  return make({"SCRAM-SHA-1", Hash::Sha1, false}, std::move(context));
}
std::unique_ptr<ServerMechanism> serve_scram_sha_1_plus(ServerContext context) {
  return make({"SCRAM-SHA-1-PLUS", Hash::Sha1, true}, std::move(context));
}
std::unique_ptr<ServerMechanism> serve_scram_sha_256(ServerContext context) {
  return make({"SCRAM-SHA-256", Hash::Sha256, false}, std::move(context));
}
std::unique_ptr<ServerMechanism> serve_scram_sha_256_plus(ServerContext context) {
  return make({"SCRAM-SHA-256-PLUS", Hash::Sha256, true}, std::move(context));
}

}  // namespace libsync::sasl
