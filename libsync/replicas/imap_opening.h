// A mailbox being opened while commands for it are on their way already: EXAMINE ahead of its answer.
// Internal to the IMAP replica.
#pragma once

#include <cstddef>
#include <string>

#include "libsync/imap/select.h"
#include "libsync/replicas/imap_conversation.h"

namespace libsync::replicas {

// The server takes the commands in their order, for EXAMINE changes what those behind it mean (RFC 9051, section
// 5.5): what it says belongs to the mailbox whose EXAMINE was answered last, but for the lines that lead to the
// next one's answer.
struct ImapOpening {
  std::string wire{};           // its name as the server writes it
  imap::CommandId examine = 0;  // 0: not sent, or answered
  bool examined = false;
  imap::SelectData state{};

  Status send(ImapConversation& conversation, imap::SelectOptions options);
  // A line before the answer. True for [CLOSED]: what came until now was said of the mailbox before (RFC 7162,
  // section 3.2.11).
  bool take(const imap::StatusLine& line);
  // The answer. After a refusal no mailbox is open (RFC 9051, section 6.3.2).
  void settle(ImapConversation& conversation, const imap::StatusLine& line);
};

// Mailboxes whose commands are sent ahead of the answers.
inline constexpr size_t kMailboxesInFlight = 16;

// Fills them up when half of them are answered: in one flight, not one by one.
class ImapFlight {
 public:
  // Whether another may be opened while so many are under way.
  bool may_open(size_t under_way) {
    if (under_way >= kMailboxesInFlight) filling_ = false;
    if (under_way <= kMailboxesInFlight / 2) filling_ = true;
    return filling_;
  }

 private:
  bool filling_ = true;
};

}  // namespace libsync::replicas
