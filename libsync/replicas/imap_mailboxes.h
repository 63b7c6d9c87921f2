// Which mailboxes an account has, by LIST with STATUS. Internal to the IMAP replica.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/imap/status.h"
#include "libsync/replicas/imap_conversation.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

struct ImapBox {
  sync::Mailbox mailbox{};
  std::string wire{};                       // its name as the server writes it
  std::optional<imap::StatusData> fresh{};  // from the last listing; used once
  // What of a message's flags is kept here, as it said when it was opened to write.
  std::optional<sync::FlagMask> storable{};
  std::optional<std::optional<uint64_t>> append_limit{};  // its own, once it was asked for (RFC 7889, section 4)
};

class ImapMailboxes {
 public:
  explicit ImapMailboxes(ImapConversation& conversation);
  ~ImapMailboxes();
  ImapMailboxes(const ImapMailboxes&) = delete;
  ImapMailboxes& operator=(const ImapMailboxes&) = delete;

  // Sends what the first list() asks for, by what the server is believed to be able to do, and listens from here on.
  Status ask_ahead(const imap::Capabilities& believed);
  Result<std::vector<sync::Mailbox>> list(std::stop_token stop);
  bool listed() const { return listed_; }
  ImapBox* find(const sync::BoxId& id);
  const ImapBox* find_wire(std::string_view wire) const;
  ImapBox* by_wire(std::string_view wire);
  // Whether the last list named it as one that can be opened, also where nothing else became known of it.
  bool in_list(std::string_view wire) const;
  // The wire name of a box that the list does not have; nothing for a MAILBOXID.
  std::optional<std::string> guess_wire(const sync::BoxId& id) const;

  // --- kept up to date by apply() ---
  char delimiter() const { return delimiter_; }
  // The wire name of a mailbox to act on, also of one that the list does not have, if its id tells.
  std::optional<std::string> wire_of(const sync::BoxId& id) const;
  // Something in it changes: what the last listing said of it is old.
  void touched(const sync::BoxId& id);
  // It is there now, or was found; its id, by which it is known from now on. `mailbox_id`: the server's, where it has
  // OBJECTID.
  sync::BoxId created(std::string wire, sync::Mailbox mailbox, const std::string& mailbox_id);
  // With those below; the id from now on. What had no MAILBOXID gets the ids of the new paths.
  sync::BoxId renamed(const sync::BoxId& id, const std::string& wire, const sync::Path& path);
  void deleted(const sync::BoxId& id);
  // Names before and behind a renaming, of those subscribed to.
  std::vector<std::pair<std::string, std::string>> subscribed_below(const std::string& from,
                                                                    const std::string& to) const;
  bool was_deleted(const sync::BoxId& id) const { return deleted_.contains(id); }  // and is not there again

  // What changes() last saw, by wire name: wait() compares.
  struct Looked {
    uint64_t exists = 0;
    uint32_t uid_next = 0;
  };
  std::map<std::string, Looked> looked{};

 private:
  class Listener;
  struct Asked {
    imap::CommandId list = 0;
    bool with_status = false;
  };
  Result<Asked> send(const imap::Capabilities& can);
  Result<std::unique_ptr<Listener>> hear(const std::stop_token& stop);
  Result<bool> take_ahead(std::stop_token stop);
  Status ask(Listener& found, std::stop_token stop);
  Status ask_status(Listener& found, std::stop_token stop);
  bool left_out(const imap::ListData& data) const;
  std::optional<ImapBox> make_box(const imap::ListData& data, const Listener& found);
  void add(ImapBox box);

  ImapConversation& c_;
  std::unique_ptr<Listener> ahead_;  // of what was asked by ask_ahead(), until list()
  Asked asked_ahead_{};
  imap::Capabilities believed_{};
  std::map<sync::BoxId, ImapBox> boxes_;
  std::set<sync::Path> paths_;
  std::vector<sync::Mailbox> troubled_;  // of the list at hand
  std::set<std::string> listed_names_;   // key_of() the wire names
  std::set<sync::BoxId> deleted_;
  char delimiter_ = '/';
  bool listed_ = false;
};

}  // namespace libsync::replicas
