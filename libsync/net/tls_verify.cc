#include "libsync/net/tls_verify.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/resolve.h"

namespace libsync::net {
namespace {

constexpr size_t kMaxNamesShown = 6;

std::string_view bytes_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  return printable(bytes_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))), 128);
}

std::string ip_text(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof text);
  if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (one->type == GEN_DNS) names.push_back(printable(bytes_of(one->d.dNSName), 128));
    if (one->type == GEN_IPADD) names.push_back(ip_text(bytes_of(one->d.iPAddress)));
  }
  return names;
}

std::string shown_names(X509* certificate) {
  auto names = names_of(certificate);
  if (names.empty()) return std::string(word("no host at all"));
  const size_t rest = names.size() > kMaxNamesShown ? names.size() - kMaxNamesShown : 0;
  names.resize(names.size() - rest);
  auto text = fmt::format("{}", fmt::join(names, ", "));
  return rest == 0 ? text : say("{} and {} more", text, rest);
}

std::string date_text(const ASN1_TIME* time) {
  std::tm utc{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &utc) != 1) return "?";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min);
}

Sha256Digest key_digest(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size < 0) return {};
  const auto digest = sha256({reinterpret_cast<char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

Pin pin_from(std::string_view bytes) {
  Pin pin{};
  std::ranges::copy_n(bytes.begin(), static_cast<std::ptrdiff_t>(pin.size()), pin.begin());
  return pin;
}

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto digit = [](char c) {
      const char low = ascii_lower(c);
      return low >= '0' && low <= '9' ? low - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
    };
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

}  // namespace

Result<Pin> parse_pin(std::string_view text) {
  auto value = trim(text);
  if (istarts_with(value, "sha256:")) {
    value.remove_prefix(7);
    std::string hex(value);
    std::erase(hex, ':');
    if (hex.size() == 64) {
      if (const auto bytes = from_hex(hex)) return pin_from(*bytes);
    } else if (const auto bytes = base64_decode(value); bytes && bytes->size() == Pin{}.size()) {
      return pin_from(*bytes);
    }
  }
  return fail({.code = Errc::Config,
               .what = say("\"{}\" is not a pin", printable(text, 100)),
               .hint = say("a pin is sha256: and 64 hexadecimal digits")});
}

Sha256Digest certificate_digest(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size < 0) return {};
  const auto digest = sha256({reinterpret_cast<char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

std::string subject_of(X509* certificate) {
  if (auto name = common_name(X509_get_subject_name(certificate)); !name.empty()) return name;
  const auto names = names_of(certificate);
  return names.empty() ? std::string() : names.front();
}

std::string expiry_of(const X509* certificate) { return date_text(X509_get0_notAfter(certificate)); }

Verifier::Verifier(std::string host, std::string name, const TlsOptions& options, Trace* trace)
    : host_(std::move(host)), name_(std::move(name)), options_(options), trace_(trace) {}

Status Verifier::attach(SSL_CTX* context, SSL* ssl) {
  SSL_CTX_set_cert_verify_callback(context, on_verify, this);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (!options_.pins.empty()) return {};
  if (options_.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, options_.ca_file.c_str()) != 1) {
    ERR_clear_error();
    return fail({.code = Errc::Config,
                 .what = say("cannot read certificates from {}", options_.ca_file),
                 .hint = say("tls_ca names a file of certificates in PEM")});
  }
  auto* rules = SSL_get0_param(ssl);
  if (!options_.ca_file.empty()) X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  // RFC 9525, section 2: a name in the subject (CN) proves nothing.
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const auto zone_free = name_.substr(0, name_.find('%'));
  const int set = is_ip_address(name_) ? X509_VERIFY_PARAM_set1_ip_asc(rules, zone_free.c_str())
                                       : X509_VERIFY_PARAM_set1_host(rules, name_.data(), name_.size());
  if (set != 1) return fail(Errc::Usage, say("\"{}\" is not a name that a certificate can be for", printable(name_)));
  return {};
}

int Verifier::on_verify(X509_STORE_CTX* chain, void* self) {
  return static_cast<Verifier*>(self)->accept(chain) ? 1 : 0;
}

bool Verifier::accept(X509_STORE_CTX* chain) {
  X509* leaf = X509_STORE_CTX_get0_cert(chain);
  if (trace_ != nullptr && leaf != nullptr) {
    trace_->line(TraceKind::Note,
                 say("certificate received: for {}, issued by {}, expires {}, sha256:{}", shown_names(leaf),
                     common_name(X509_get_issuer_name(leaf)), expiry_of(leaf), to_hex(certificate_digest(leaf))));
  }
  if (!options_.pins.empty()) {
    if (pinned(leaf)) {
      X509_STORE_CTX_set_error(chain, X509_V_OK);
      return true;
    }
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    return false;
  }
  if (X509_verify_cert(chain) == 1) return true;
  error_ = words_for(leaf, X509_STORE_CTX_get_error(chain));
  return false;
}

bool Verifier::pinned(X509* certificate) {
  const auto whole = certificate_digest(certificate), key = key_digest(certificate);
  if (std::ranges::any_of(options_.pins, [&](const Pin& pin) { return pin == whole || pin == key; })) return true;
  error_ =
      Error{.code = Errc::Tls,
            .what = say("the certificate of {} is not the pinned one: it is sha256:{}", host_, to_hex(whole)),
            .hint = say("if the server was given a new certificate, change tls_pin; otherwise someone listens in")};
  return false;
}

Error Verifier::words_for(X509* leaf, int code) const {
  const auto pin = to_hex(certificate_digest(leaf));
  const auto trust =
      say("name its authority with tls_ca, or accept just this certificate with tls_pin = "
          "\"sha256:{}\"",
          pin);
  const auto error = [](std::string what, std::string hint) {
    return Error{.code = Errc::Tls, .what = std::move(what), .hint = std::move(hint)};
  };
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      if (names_of(leaf).empty()) {
        return error(
            say("the certificate of {} is for no host: it has only the common name \"{}\", which proves nothing", host_,
                common_name(X509_get_subject_name(leaf))),
            say("the server's owner must renew it; tls_pin = \"sha256:{}\" accepts it until then", pin));
      }
      return error(say("the certificate of {} is for another name: {}", host_, shown_names(leaf)),
                   say("use a name it is for, or accept just this certificate with tls_pin = \"sha256:{}\"", pin));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return error(say("the certificate of {} expired on {}", host_, expiry_of(leaf)),
                   say("the server's owner must renew it; tls_pin = \"sha256:{}\" accepts it until then", pin));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return error(say("the certificate of {} is not valid before {}", host_, date_text(X509_get0_notBefore(leaf))),
                   say("check this machine's clock"));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return error(say("the certificate of {} is self-signed", host_), trust);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return error(say("the certificate of {} comes from an unknown authority: {}", host_,
                       common_name(X509_get_issuer_name(leaf))),
                   trust);
    default:
      return error(say("the certificate of {} is refused: {}", host_, X509_verify_cert_error_string(code)), trust);
  }
}

}  // namespace libsync::net
