// Messages by UID FETCH, pipelined, streamed to the sink. Internal to the IMAP replica.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "libsync/imap/limits.h"
#include "libsync/replicas/imap_conversation.h"
#include "libsync/replicas/imap_mailboxes.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// One command asks for at most so many messages and octets: a refusal is then bisected in few steps, and a
// command line stays short.
inline constexpr size_t kBatchMessages = 500;
static_assert(kBatchMessages * sizeof("4294967295") + 100 <= imap::kMaxCommandLine);
inline constexpr uint64_t kBatchOctets = uint64_t{4} << 20;
// What is asked for ahead of the answers: at least two commands, so that the server never waits for us.
inline constexpr size_t kBatchesInFlight = 4;
// A message whose UID comes behind its text is held so far; a larger one is asked for alone.
inline constexpr size_t kMaxHeld = size_t{32} << 20;

// One fetch() call.
class ImapFetch final : public ImapListener {
 public:
  ImapFetch(ImapConversation& conversation, ImapMailboxes& mailboxes, sync::MessageSink& sink)
      : ImapListener(conversation), mailboxes_(mailboxes), sink_(sink) {}

  Status run(std::span<const sync::FetchItem> items, std::stop_token stop);

  void on_done(const imap::Completion& done) override;
  void on_body_begin(const imap::BodyStart& start) override;
  void on_body_data(std::string_view bytes) override;
  void on_body_end() override;
  void on_fetch(const imap::FetchData& data) override;

 private:
  enum class Taking { Nothing, Message, Held, TooLargeToHold };
  struct Slot {
    const sync::FetchItem* item = nullptr;
    bool done = false;
    bool alone = false;  // asked for by itself, for its UID came behind its text
    std::string refused{};
  };
  using Batch = std::vector<uint32_t>;  // UIDs, ascending
  struct Sent {
    imap::CommandId id = 0;
    Batch uids{};
  };

  Status fetch_group(std::span<const sync::FetchItem* const> items, std::stop_token stop);
  Result<bool> open(const sync::MsgRef& ref, std::optional<Error>& why, std::stop_token stop);
  void make_batches();
  Status send_batch();
  bool may_send() const;
  Slot* wanted(uint32_t uid);
  void settle(const Sent& sent, const ImapAnswer& answer);
  void settle_one(Slot& slot, const ImapAnswer& answer);
  void deliver_held(uint32_t uid);
  bool refuses_empty(Slot& slot, uint64_t octets);
  void fail_item(const sync::FetchItem& item, Errc code, std::string what, std::string server = {});
  void keep(Status status);

  ImapMailboxes& mailboxes_;
  sync::MessageSink& sink_;
  sync::FetchPart part_ = sync::FetchPart::Whole;
  std::unordered_map<uint32_t, Slot> slots_;
  std::deque<Batch> batches_;
  std::deque<Sent> sent_;
  Taking taking_ = Taking::Nothing;
  Slot* receiving_ = nullptr;
  std::string held_;
  bool holds_ = false;       // held_ is a message that waits for its UID
  bool overflowed_ = false;  // it was too large
  int put_off_ = 0;          // messages refused for now, each on its own, since the last one that came
  Status status_;
};

}  // namespace libsync::replicas
