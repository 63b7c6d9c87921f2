// The local store behind the replica port. BoxId: the mailbox's row id in decimal. Key: the uid. Epoch:
// uidvalidity. Facts::instance: "m" and the message's row id, which every command takes. Facts::object:
// "sha256:" and the hex of the content's digest. Cursors are modseqs in decimal.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libsync/store/prepared.h"
#include "libsync/store/store.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Full capabilities. apply() carries the actions out in one transaction: contents are durable first,
// done() is called inside the transaction (the store's Db is the one to write link rows on), then it
// commits and durable() follows. On failure nothing of the call has happened, whatever done() said.
// RenameBox takes children along; DeleteBox answers NotEmpty; Remove keeps the message restorable.
class StoreReplica final : public sync::Replica {
 public:
  // The store must outlive the replica, on the same thread.
  explicit StoreReplica(store::Store& store) : store_(store) {}

  sync::Capabilities capabilities() const override;
  std::string identity() const override;  // "store:" and the store's uuid
  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override;
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override;
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override;
  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override;
  std::unique_ptr<sync::ContentSource> prepare(std::string_view octets) override;
  // Looks twice a second at what other connections wrote.
  Result<std::vector<sync::BoxId>> wait(Deadline deadline, std::stop_token stop) override;
  Status finish(sync::ActionSink& sink, std::stop_token stop) override;

 private:
  store::Store& store_;
  store::Preparer preparer_;
};

// The one content with this print (sync::print_of()), as Facts::object names it, for Action::known.
Result<std::optional<sync::Id>> find_known_content(store::Store& store, const sync::Id& print);

// Whether the store has the octets that Facts::object names, whole: they are read and hashed. Errc::NotFound,
// Errc::Corrupt.
Status verify_content(store::Store& store, const sync::Id& object);

// What the store knows to be damaged (Store::damage()), as Facts::object names it; and which of it the server has no
// more: how many messages of that were not known to be lost.
Result<std::vector<sync::Id>> damaged_contents(store::Store& store);
Result<uint64_t> note_lost(store::Store& store, std::span<const sync::Id> contents);

// What Facts::instance is of a message: "m123".
sync::Id instance_of(store::MessageId id);
// The row id in Facts::instance ("m123"); 0 for anything else.
store::MessageId message_of_instance(std::string_view instance);
// The digest in Facts::object ("sha256:…"); nothing for anything else.
std::optional<Sha256Digest> digest_of_object(std::string_view object);

}  // namespace libsync::replicas
