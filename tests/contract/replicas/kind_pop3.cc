// POP3 against Dovecot over TLS, as the contract's tests see it.
#include "libsync/net/connect.h"
#include "libsync/replicas/pop3.h"

#include "tests/contract/replicas/subject.h"
#include "tests/support/dovecot.h"

namespace twinbox::contract {
namespace {

using namespace libsync;

class Pop3Subject final : public Subject {
 public:
  explicit Pop3Subject(const std::vector<std::string>& options) : server_(options) {}

  Result<std::unique_ptr<sync::Replica>> open() override {
    net::ConnectOptions connect;
    connect.tls.ca_file = server_.ca_file();
    TB_ASSIGN(auto channel, net::connect({.host = "localhost", .port = server_.port("pop3s")}, connect, {}));
    replicas::Pop3Options options;
    options.credentials = {.user = server_.user(), .password = Secret(server_.password())};
    options.port = server_.port("pop3s");
    return replicas::open_pop3(std::move(channel), std::move(options), {});
  }

  void deliver(const std::string& octets, uint32_t system_flags) override {
    std::vector<std::string> flags;
    if ((system_flags & sync::kSeen) != 0) flags.emplace_back("\\Seen");
    if ((system_flags & sync::kFlagged) != 0) flags.emplace_back("\\Flagged");
    server_.deliver(octets, "INBOX", flags);
  }

  void expunge_first() override { server_.doveadm({"expunge", "-u", server_.user(), "mailbox", "INBOX", "1"}); }

 private:
  test::Dovecot server_;
};

Kind kind(std::string name, std::vector<std::string> options) {
  return {std::move(name), [options] { return std::make_unique<Pop3Subject>(options); },
          test::Dovecot::available() ? "" : "Dovecot is not installed (tools/dev setup)"};
}

}  // namespace

std::vector<Kind> pop3_kinds() { return {kind("pop3_dovecot", {}), kind("pop3_dovecot_same_uidl", {"--uidl", "%v"})}; }

}  // namespace twinbox::contract
