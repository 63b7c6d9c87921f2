// What the operations of one apply() call share: commands with what to do at their answers, the mailbox that is open,
// outcomes told. Internal to the IMAP replica.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/imap/list.h"
#include "libsync/imap/search.h"
#include "libsync/imap/sequence_set.h"
#include "libsync/imap/status.h"
#include "libsync/replicas/imap_conversation.h"
#include "libsync/replicas/imap_mailboxes.h"
#include "libsync/replicas/imap_opening.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// A command stands for at most so many messages: a refusal is bisected in few steps.
inline constexpr size_t kSetMessages = 1000;
// Octets of a set in a command line; what stands around it, names and flags, has the rest.
inline constexpr size_t kSetOctets = 6000;
static_assert(kSetOctets + 1000 < imap::kMaxCommandLine);
// Sinks are told that all is durable at least so often.
inline constexpr size_t kDurableEvery = 500;

// An answer, and what was said for its command ahead of it.
struct ImapReply {
  ImapAnswer answer{};
  std::optional<imap::CopiedUids> copied{};  // COPYUID of the answer itself
  bool copied_badly = false;                 // there is one, or was one ahead of it, that can't be read
  std::optional<imap::AppendedUids> appended{};
  std::string mailbox_id{};  // of the answer itself
  bool ok() const { return answer.ok(); }
};

class ImapWriting final : public ImapListener {
 public:
  using Uids = std::vector<uint32_t>;
  using Then = std::function<void(const ImapReply&)>;

  // All of them must outlive it.
  ImapWriting(ImapConversation& conversation, ImapMailboxes& mailboxes, sync::ActionSink& sink, std::stop_token stop)
      : ImapListener(conversation), mailboxes_(mailboxes), sink_(sink), stop_(std::move(stop)) {}

  // Sends it behind what is under way. `then` is called with the answer, from inside wait(), and may ask for more; for
  // a command that can't be built, at once, as if the server had said BAD.
  void ask(Result<imap::Command> command, Then then);
  void wait();          // until all is answered
  void wait_for_one();  // until one more answer came
  // What searches of the open mailbox find, all of them together: a plain SEARCH does not tell which command it
  // answers, and servers answer out of order. Nothing: one was not answered.
  void clear_found();
  void search(std::string_view criteria);
  void search(const Uids& uids);  // which of these are there
  std::optional<imap::SequenceSet> found() const;
  // The same for these alone, once all before is done: Dovecot searches while an EXPUNGE ahead of it is under way.
  std::optional<imap::SequenceSet> there(const Uids& uids);
  // Opens a mailbox to change it, unless it is open. Nothing: it is, with this UIDVALIDITY; else what becomes of the
  // actions.
  std::optional<sync::Outcome> open(const sync::BoxId& id, uint64_t epoch);
  // Opens the mailbox of these, which is one, and gives those that can be done there; the others are told of.
  std::vector<const sync::Action*> open_for(std::vector<const sync::Action*> actions);
  // Something is added to a mailbox. If it is the one that is open, that is opened anew before it is worked on: not
  // every server tells of what came at once.
  void adds_to(const sync::BoxId& id, std::string_view wire);
  // So that no mailbox is open, and nothing is removed by it.
  void leave();

  void tell(const sync::Action& action, const sync::Outcome& outcome);
  void keep(Status status);
  bool going() const { return status_.has_value(); }
  const Status& status() const { return status_; }

  ImapConversation& conversation() { return c_; }
  const imap::Capabilities& can() const { return c_.can(); }
  ImapMailboxes& mailboxes() { return mailboxes_; }

  // Asks for the LIST row of a name; it goes into `listed`, once there is one.
  void ask_name(const std::string& wire);

  // What the server said since it was cleared last. Only what is asked for is kept: a server may say anything.
  std::map<uint32_t, std::optional<sync::Flags>> heard{};         // of the open mailbox, for the UIDs that are in it
  std::map<std::string, std::optional<imap::ListData>> listed{};  // by wire name
  std::map<std::string, imap::StatusData> counted{};              // by wire name
  std::vector<imap::CopiedUids> copied{};                         // COPYUID ahead of the answers, of whichever command
  std::string malformed{};                                        // a line that can't be read

  void on_status(const imap::StatusLine& line) override;
  void on_done(const imap::Completion& done) override;
  void on_flags(const imap::FlagList& flags) override;
  void on_fetch(const imap::FetchData& data) override;
  void on_search(const imap::SearchData& data) override;
  void on_list(const imap::ListData& data) override;
  void on_mailbox_status(const imap::StatusData& data) override;
  void on_malformed(std::string_view text, std::string_view why) override;

 private:
  std::optional<sync::Outcome> judge(const sync::BoxId& id, uint64_t epoch, const ImapAnswer& answer);

  ImapMailboxes& mailboxes_;
  sync::ActionSink& sink_;
  std::stop_token stop_;
  std::map<imap::CommandId, Then> asked_;
  ImapReply next_;           // what came since the last answer
  imap::SequenceSet found_;  // by all searches since clear_found()
  size_t searched_ = 0, answered_ = 0;
  ImapOpening opening_;
  size_t told_ = 0;  // since the last durable()
  Status status_;
};

// Cut so that each fits a command.
std::vector<ImapWriting::Uids> in_sets(const ImapWriting::Uids& uids);
imap::SequenceSet set_of(const ImapWriting::Uids& uids);
// The halves of more than one.
std::pair<ImapWriting::Uids, ImapWriting::Uids> halves(const ImapWriting::Uids& uids);
// Nothing where it can't be one.
std::optional<uint32_t> uid_of(const sync::MsgRef& ref);

}  // namespace libsync::replicas
