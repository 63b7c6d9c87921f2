// Rows of twin.db as values, shared by the parts of the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/store/db.h"
#include "libsync/store/segment_reader.h"
#include "libsync/store/types.h"

namespace libsync::store {

inline std::string_view bytes_of(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}
Sha256Digest digest_of(std::string_view bytes);  // shorter or longer: zeros
std::string unhex(std::string_view hex);         // "" for anything but hex

struct ContentRow {
  ContentId id = 0;
  Sha256Digest sha256{};
  FramePlace place{};
  uint64_t size = 0;
};
Result<std::optional<ContentRow>> content_row(Db& db, ContentId id);
Result<std::optional<ContentRow>> content_row(Db& db, const Sha256Digest& sha256);

// What a content row is made of besides its id.
struct NewContent {
  Sha256Digest sha256{};
  FramePlace place{};
  uint64_t size = 0;
  std::string_view print{};  // hex
  const EnvelopeColumns* envelope = nullptr;
  std::optional<int64_t> idle_since{};  // no message speaks of it yet
  bool repoint = false;                 // a row with the same hash points here from now on: where it points is damaged
};
struct InsertedContent {
  ContentId id = 0;    // that of the row which has the same hash already, if there is one
  bool fresh = false;  // there was none
};
Result<InsertedContent> insert_content(Db& db, const NewContent& content);

// The content is whole, or read from another place: it is not noted as damaged any more.
Status forget_damage(Db& db, ContentId id);

// Records how far a segment is filled with what rows point into.
Status set_segment_length(Db& db, uint32_t number, uint64_t length);

// The columns that read_message() expects, from message m JOIN content c.
#define TB_MESSAGE_COLUMNS                                                                          \
  "m.id, m.mailbox, m.uid, m.modseq, m.flags, m.keywords, m.internaldate, c.size, c.id, c.sha256, " \
  "c.subject, c.sender, c.recipients, c.cc, c.message_id, c.in_reply_to, c.list_id, c.date, "       \
  "m.removed_at, m.removed_from, m.saved"
MessageInfo read_message(const Statement& s);

#define TB_MAILBOX_COLUMNS "id, path, role, subscribed, uidvalidity, uidnext, highestmodseq, messages, unseen, octets"
MailboxInfo read_mailbox(const Statement& s);

std::string join_keywords(const sync::Flags& flags);
sync::Flags read_flags(int64_t system, std::string_view keywords);

}  // namespace libsync::store
