// Mailboxes made, renamed, subscribed to and deleted. Internal to the IMAP replica.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libsync/replicas/imap_writing.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Keeps the table of mailboxes up to date with what it does.
class ImapBoxes {
 public:
  explicit ImapBoxes(ImapWriting& writing) : w_(writing) {}
  void create(std::span<const sync::Action> actions);
  void subscribe(std::span<const sync::Action> actions);
  void rename(const sync::Action& action);
  void remove(const sync::Action& action);

 private:
  // A mailbox to make.
  struct Making {
    const sync::Action* action = nullptr;
    sync::Path path{};
    std::string wire{};
    std::string_view use{};  // its attribute, as long as the server may take it
    ImapReply reply{};
    bool is_there = false;  // the server lists it
  };

  std::optional<sync::Outcome> named(sync::Path& path, std::string& wire) const;
  std::string prefix_for(const std::string& wire) const;
  void ask_to_create(std::span<Making> making);
  void settle(std::span<Making> making);
  void tell_made(const Making& made);
  bool lists(const std::string& wire) const;
  sync::BoxId known_id(const std::string& wire, const sync::Mailbox& mailbox, const std::string& mailbox_id);
  std::string mailbox_id_of(const std::string& wire) const;
  bool is_another(const sync::BoxId& id, const std::string& wire) const;
  void leave_and_ask_id(const std::string& wire);
  void follow_subscription(const std::string& from, const std::string& to);
  std::optional<sync::Outcome> why_not_delete(const sync::Action& action, const std::string& wire);

  ImapWriting& w_;
};

}  // namespace libsync::replicas
