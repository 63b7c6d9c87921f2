#include "libsync/server/mail_delivery.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libsync/mime/date.h"

namespace libsync::server {
namespace {

// A mailbox that a message goes to, and what of it is there.
struct Target {
  std::shared_ptr<Mail> mail;
  FolderId folder = 0;
  std::unique_ptr<Incoming> octets{};
  imap::SequenceSet uids{};  // once it is in
};

// Control characters would end a field, and begin another.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return line;
}

std::string trace_fields(const Envelope& envelope, const MailDeliveryOptions& options, bool names_recipients) {
  const int64_t now = options.clock != nullptr ? options.clock->unix_seconds() : SystemClock().unix_seconds();
  std::string fields = "Return-Path: <" + one_line(envelope.sender) + ">\r\n";
  if (names_recipients) {
    for (const auto& recipient : envelope.recipients) fields += "X-Envelope-To: <" + one_line(recipient) + ">\r\n";
  }
  fields += "Received: from " + one_line(envelope.client) + "\r\n\tby " + one_line(options.host) + " with " +
            one_line(envelope.protocol) + ";\r\n\t" + mime::format_date({.unix_seconds = now, .zone_known = true}) +
            "\r\n";
  return fields;
}

class ToMailboxes final : public Delivery {
 public:
  ToMailboxes(std::vector<Target> targets, std::string fields)
      : targets_(std::move(targets)), fields_(std::move(fields)) {}

  Status data(std::string_view octets) override {
    TB_TRY(write(std::exchange(fields_, {})));
    return write(octets);
  }

  Status done() override {
    TB_TRY(write(std::exchange(fields_, {})));
    for (Target& target : targets_) {
      std::vector<NewMessage> message;
      message.push_back({.octets = std::move(target.octets)});
      const auto placed = target.mail->append(target.folder, message);
      if (!placed) {
        take_back();
        return fail(placed.error());
      }
      for (const uint32_t uid : placed->uids) target.uids.add(uid);
    }
    return {};
  }

 private:
  Status write(std::string_view octets) {
    if (octets.empty()) return {};
    for (Target& target : targets_) TB_TRY(target.octets->data(octets));
    return {};
  }

  // A message that can't be taken back stays: twice is better than never.
  void take_back() {
    for (const Target& target : targets_) {
      if (target.uids.empty()) continue;
      const auto marked = target.mail->change_flags(target.folder, target.uids, FlagChange::Add,
                                                    {.system = sync::kDeleted}, std::nullopt);
      if (marked) (void)target.mail->expunge(target.folder, target.uids);
    }
  }

  std::vector<Target> targets_;
  std::string fields_;  // in front, not yet written
};

// Fails where it could only fail later, with all of the message here.
Result<Target> target(std::shared_ptr<Mail> mail, FolderId folder, const sync::Path& path) {
  if (mail->writable_in(path) != Writable::All)
    return fail(Errc::Refused, "this mail is a mirror: nothing can be put into it");
  Target target{.mail = std::move(mail), .folder = folder};
  TB_ASSIGN(target.octets, target.mail->incoming());
  return target;
}

Result<std::optional<FolderId>> find_folder(Mail& mail, const sync::Path& path) {
  auto folders = mail.folders();
  if (!folders) return fail(folders.error());
  const auto found = std::ranges::find(*folders, path, &Folder::path);
  return found == folders->end() ? std::nullopt : std::optional(found->id);
}

}  // namespace

Status InboxDelivery::accepts(std::string_view, std::string_view recipient) {
  if (find_user_(recipient)) return {};
  return fail(Errc::Refused, "no mailbox of this server, which sends nothing elsewhere");
}

Result<std::unique_ptr<Delivery>> InboxDelivery::begin(const Envelope& envelope) {
  std::vector<std::string> users;
  for (const auto& recipient : envelope.recipients) {
    auto user = find_user_(recipient);
    if (!user) return fail(Errc::NotFound, "a mailbox is not there any more");
    if (std::ranges::find(users, *user) == users.end()) users.push_back(std::move(*user));
  }
  std::vector<Target> targets;
  for (const auto& user : users) {
    TB_ASSIGN(auto mail, options_.open_mail(user));
    TB_ASSIGN(const auto inbox, find_folder(*mail, {"INBOX"}));
    if (!inbox) return fail(Errc::NotFound, "there is no INBOX");
    TB_ASSIGN(auto each, target(std::move(mail), *inbox, {"INBOX"}));
    targets.push_back(std::move(each));
  }
  return std::make_unique<ToMailboxes>(std::move(targets), trace_fields(envelope, options_, false));
}

Result<std::unique_ptr<Delivery>> SinkDelivery::begin(const Envelope& envelope) {
  TB_ASSIGN(auto mail, options_.open_mail(envelope.user));
  TB_ASSIGN(auto folder, find_folder(*mail, folder_));
  if (!folder) {
    const auto made = mail->create_folder(folder_, sync::Role::None);
    // Another session may have made it meanwhile.
    TB_ASSIGN(folder, find_folder(*mail, folder_));
    if (!folder && !made) return fail(made.error());
    if (!folder) return fail(Errc::NotFound, "there is no folder for this mail");
  }
  std::vector<Target> targets;
  TB_ASSIGN(auto each, target(std::move(mail), *folder, folder_));
  targets.push_back(std::move(each));
  return std::make_unique<ToMailboxes>(std::move(targets), trace_fields(envelope, options_, true));
}

}  // namespace libsync::server
