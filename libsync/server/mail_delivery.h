// Final delivery of submitted messages through Mail (RFC 5321, sections 4.1.1.4 and 4.4): to the INBOX of each
// recipient, or all into a sink. Each gets a Return-Path and a Received field in front, and is otherwise as it came.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libsync/base/clock.h"
#include "libsync/server/delivery.h"
#include "libsync/server/mail.h"

namespace libsync::server {

struct MailDeliveryOptions {
  OpenMail open_mail{};
  const Clock* clock = nullptr;    // null: the system's; else it must outlive the agent
  std::string host = "localhost";  // who received it, in the Received field: a name that tells nothing of this machine
};

// Whose mailbox an address is; nothing: nobody's here.
using FindUser = std::function<std::optional<std::string>(std::string_view address)>;

// To the INBOX of each recipient, once where several of them are one user's. All or none: a mailbox that fails takes
// back what others have got already. If the power goes just then they may have kept it: the client was not told that it
// was delivered, and sends it again.
class InboxDelivery final : public DeliveryAgent {
 public:
  InboxDelivery(MailDeliveryOptions options, FindUser find_user)
      : options_(std::move(options)), find_user_(std::move(find_user)) {}
  Status accepts(std::string_view user, std::string_view recipient) override;
  Result<std::unique_ptr<Delivery>> begin(const Envelope& envelope) override;

 private:
  MailDeliveryOptions options_;
  FindUser find_user_;
};

// Whoever it is for: into one folder of the mail of who submits it, made where there is none, with a field
// X-Envelope-To for each recipient.
class SinkDelivery final : public DeliveryAgent {
 public:
  explicit SinkDelivery(MailDeliveryOptions options, sync::Path folder = {"Sink"})
      : options_(std::move(options)), folder_(std::move(folder)) {}
  Status accepts(std::string_view, std::string_view) override { return {}; }
  Result<std::unique_ptr<Delivery>> begin(const Envelope& envelope) override;

 private:
  MailDeliveryOptions options_;
  sync::Path folder_;
};

}  // namespace libsync::server
