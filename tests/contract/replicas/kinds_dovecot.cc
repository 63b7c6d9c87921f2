// POP3 and IMAP against Dovecot over TLS, as the contract's tests see them.
#include "libsync/net/connect.h"
#include "libsync/replicas/imap.h"
#include "libsync/replicas/pop3.h"

#include "tests/contract/replicas/subject.h"
#include "tests/support/dovecot.h"

namespace twinbox::contract {
namespace {

using namespace libsync;

class DovecotSubject : public Subject {
 public:
  explicit DovecotSubject(const std::vector<std::string>& options) : server_(options) {}

  void deliver(const std::string& octets, uint32_t system_flags) override {
    std::vector<std::string> flags;
    if ((system_flags & sync::kSeen) != 0) flags.emplace_back("\\Seen");
    if ((system_flags & sync::kFlagged) != 0) flags.emplace_back("\\Flagged");
    server_.deliver(octets, "INBOX", flags);
  }

  void expunge_first() override { server_.doveadm({"expunge", "-u", server_.user(), "mailbox", "INBOX", "1"}); }

 protected:
  Result<std::unique_ptr<net::Channel>> connect(const std::string& protocol) {
    net::ConnectOptions options;
    options.tls.ca_file = server_.ca_file();
    return net::connect({.host = "localhost", .port = server_.port(protocol)}, options, {});
  }
  sasl::Credentials credentials() const {
    return {.user = server_.user(), .password = Secret(server_.password()), .token = {}, .authzid = {}};
  }

 private:
  test::Dovecot server_;
};

class Pop3Subject final : public DovecotSubject {
 public:
  using DovecotSubject::DovecotSubject;
  Result<std::unique_ptr<sync::Replica>> open() override {
    TB_ASSIGN(auto channel, connect("pop3s"));
    replicas::Pop3Options options;
    options.credentials = credentials();
    return replicas::open_pop3(std::move(channel), std::move(options), {});
  }
};

template <bool writable>
class ImapSubject final : public DovecotSubject {
 public:
  using DovecotSubject::DovecotSubject;
  Result<std::unique_ptr<sync::Replica>> open() override {
    TB_ASSIGN(auto channel, connect("imaps"));
    replicas::ImapOptions options;
    options.credentials = credentials();
    options.compress_loopback = true;
    options.writable = writable;
    return replicas::open_imap(std::move(channel), std::move(options), {});
  }
};

template <class Kept>
Kind kind(std::string name, std::vector<std::string> options) {
  return {.name = std::move(name),
          .make = [options] { return std::make_unique<Kept>(options); },
          .skip = test::Dovecot::available() ? "" : "Dovecot is not installed (tools/dev setup)"};
}

Kind writable(std::string name, std::vector<std::string> options) {
  Kind made = kind<ImapSubject<true>>(std::move(name), std::move(options));
  made.writable = true;
  return made;
}

}  // namespace

std::vector<Kind> dovecot_kinds() {
  return {
      kind<Pop3Subject>("pop3_dovecot", {}),
      kind<Pop3Subject>("pop3_dovecot_same_uidl", {"--uidl", "%v"}),
      kind<ImapSubject<false>>("imap_dovecot", {}),
      kind<ImapSubject<false>>("imap_dovecot_condstore_only", {"--capability=-QRESYNC"}),
      kind<ImapSubject<false>>("imap_dovecot_plain",
                               {"--capability=-QRESYNC -CONDSTORE -LIST-STATUS -LIST-EXTENDED -ESEARCH"}),
      writable("imap_dovecot_writable", {}),
      writable("imap_dovecot_writable_condstore_only", {"--capability=-QRESYNC"}),
      writable("imap_dovecot_writable_plain",
               {"--capability=-QRESYNC -CONDSTORE -LIST-STATUS -LIST-EXTENDED -ESEARCH -MULTIAPPEND -LITERAL+ "
                "-BINARY -UNSELECT -SPECIAL-USE"}),
  };
}

}  // namespace twinbox::contract
