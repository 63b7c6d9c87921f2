// Certificates made at test time: no keys in the repository, nothing that expires.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace twinbox::test {

// PEM and the digests a pin may name (lower-case hex).
struct Certificate {
  std::string cert_pem;
  std::string key_pem;
  std::string fingerprint;      // SHA-256 of the certificate
  std::string key_fingerprint;  // SHA-256 of its SubjectPublicKeyInfo
};

struct CertSpec {
  std::string common_name = "localhost";
  std::vector<std::string> dns{};  // subjectAltName; may hold NUL bytes, wildcards, anything
  std::vector<std::string> ips{};  // "127.0.0.1", "::1"
  long valid_from = -86'400;       // seconds from now
  long valid_to = 86'400;
};

// An authority of its own, with a key nobody else has. Trust it by writing pem() to a file for tls_ca.
class CertAuthority {
 public:
  explicit CertAuthority(const std::string& name = "twinbox test authority");
  ~CertAuthority();
  CertAuthority(const CertAuthority&) = delete;
  CertAuthority& operator=(const CertAuthority&) = delete;

  const std::string& pem() const;
  Certificate issue(const CertSpec& spec) const;
  // For "localhost", 127.0.0.1 and ::1.
  Certificate issue_local() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Certificate self_signed(const CertSpec& spec);

}  // namespace twinbox::test
