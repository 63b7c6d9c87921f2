// The inside of an ImapSession, which the files of commands and extensions work on. Inside server only.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/parser.h"
#include "libsync/imap/quirks.h"
#include "libsync/server/imap_extension.h"
#include "libsync/server/imap_reader.h"
#include "libsync/server/imap_session.h"
#include "libsync/server/login.h"
#include "libsync/server/uid_map.h"

namespace libsync::server {

class Appending;  // imap_append.h

// A hint of an error that is the code of the answer (RFC 3516, section 4.3).
inline constexpr std::string_view kUnknownEncoding = "UNKNOWN-CTE";

// What takes longer than one turn: FETCH, SEARCH, LIST of a large account.
class Work {
 public:
  virtual ~Work() = default;
  // Goes on for a while; true: it is done and has answered.
  virtual bool more(Imap& imap) = 0;
};

// The mailbox that is selected, as this session has told of it.
struct Selected {
  FolderId id = 0;
  sync::Path path{};
  uint32_t uidvalidity = 0;
  bool read_only = false;
  UidMap uids{};
  uint64_t modseq = 0;                  // all up to it was told
  imap::SequenceSet vanished{};         // went, and was not told yet
  std::map<uint32_t, uint64_t> own{};   // UID and modseq of changes by this session: told already
  std::vector<std::string> keywords{};  // that FLAGS has named
  imap::SequenceSet saved{};            // UIDs of SEARCH RETURN (SAVE): "$" (RFC 5182)
};

class Imap {
 public:
  Imap(ImapOptions options, Steady::time_point now);
  ~Imap();

  // --- what an extension asks ---
  bool has(Ext ext) const { return on_.test(static_cast<size_t>(ext)); }           // not switched off
  bool enabled(Ext ext) const { return enabled_.test(static_cast<size_t>(ext)); }  // by ENABLE, or what implies it
  void enable(Ext ext) { enabled_.set(static_cast<size_t>(ext)); }
  bool rev2() const { return enabled(Ext::Imap4rev2); }
  bool utf8() const { return enabled(Ext::Utf8Accept) || rev2(); }  // names and strings
  const ImapOptions& options() const { return options_; }
  const ImapLimits& limits() const { return options_.limits; }
  Mail& mail() { return *mail_; }
  Selected& selected() { return *selected_; }
  bool is_selected() const { return selected_.has_value(); }
  const std::string& tag() const { return tag_; }
  Steady::time_point now() const { return now_; }
  int64_t unix_seconds() const;

  // --- answers ---
  void untagged(std::string_view text);  // "* " text
  // Tells of changes first, as far as the command allows.
  void ok(std::string_view text, std::string_view code = {});
  void no(std::string_view text, std::string_view code = {});
  void bad(std::string_view text, std::string_view code = {});
  void refuse(const Error& error);                              // NO, with the code that fits
  void proceed();                                               // "+ "
  void proceed_with(std::string_view challenge);                // in base64 already, and nothing for a trace
  void bye(std::string_view text, std::string_view code = {});  // and the session is over
  // In pieces: a response with message text in it, which a trace counts and does not show.
  void put(std::string_view text, std::string_view shown);
  void end_line();
  bool in_line() const { return in_line_; }
  bool traces() const { return options_.trace != nullptr; }

  void work(std::unique_ptr<Work> work) { work_ = std::move(work); }
  // The next lines are not commands but this one's, without their ends (AUTHENTICATE, IDLE); it is asked to tell of
  // what happened meanwhile, too.
  class Dialogue {
   public:
    virtual ~Dialogue() = default;
    virtual bool line(Imap& imap, std::string_view text) = 0;  // true: it is over
    virtual bool secret() const { return false; }
    virtual void look(Imap&) {}
  };
  void dialogue(std::unique_ptr<Dialogue> dialogue) { dialogue_ = std::move(dialogue); }
  // Who tells of changes between commands, too (NOTIFY).
  class Watching {
   public:
    virtual ~Watching() = default;
    virtual void look(Imap& imap) = 0;
    virtual void arrived(const imap::SequenceSet& uids) = 0;  // in what is selected; EXISTS was told
  };
  void watch(std::unique_ptr<Watching> watching) { watching_ = std::move(watching); }  // null: nobody

  // --- mailboxes ---
  // The name as the client has it, and as a path. Nothing: it can't be a name.
  std::string wire_name(const sync::Path& path) const;
  std::optional<sync::Path> path_of(std::string_view wire) const;
  Result<std::optional<Folder>> find_folder(const sync::Path& path);
  void select(Selected selected, uint64_t generation);  // as it was then
  void unselect();

  // Tells what others changed in the mailbox that is selected.
  void tell_changes(bool with_expunged);
  void take_changes(Mail::Changes changes);
  void tell_vanished(const imap::SequenceSet& uids);
  void tell_gone(const imap::SequenceSet& uids);  // by this session's own command
  void tell_flags(const MessageRow& row, bool with_uid);
  void tell_keywords(const sync::Flags& flags);
  bool wants_modseq() const { return enabled(Ext::Condstore) || enabled(Ext::Qresync); }

  // --- login ---
  bool may_say_password() const { return encrypted_ || options_.plain_allowed; }
  Login& login() { return login_; }
  bool names_off(std::string_view name) const;
  void log_in(const std::string& user);
  void begin_tls();
  bool can_begin_tls() const;
  void begin_deflate();
  bool deflating() const { return deflating_; }
  std::string capabilities() const;
  void close() { closed_ = true; }

  // --- of ImapSession ---
  void feed(std::string_view bytes);
  bool wants_input() const;
  std::string take_output(Steady::time_point now);
  bool wants_tls() const { return wants_tls_; }
  void tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now);
  std::optional<std::string> take_deflate();
  Deadline deadline() const;
  void shut_down(std::string_view why);
  bool over() const { return closed_; }

 private:
  bool step();
  void command();
  void run_command(imap::Parser& in, std::string_view name);
  void announced();
  void refuse_literal(std::string_view text, std::string_view code);
  const CommandRow* find(std::string_view name, bool uid) const;
  void tagged(std::string_view condition, std::string_view text, std::string_view code);
  void count_bad();
  void raw(std::string_view text) { put(text, text); }
  void trace(TraceKind kind, std::string_view text);
  void trace_command();
  std::string shown(std::string_view text) const;

  ImapOptions options_;
  Login login_;
  std::bitset<static_cast<size_t>(Ext::Count)> on_, enabled_;
  imap::Quirks quirks_;
  CommandReader reader_;
  std::string input_, output_;
  size_t taken_ = 0;    // of input_
  std::string traced_;  // of the response at hand
  bool in_line_ = false;
  std::string tag_;
  const CommandRow* running_ = nullptr;
  bool uid_form_ = false;
  bool encrypted_, wants_tls_ = false, deflating_ = false, wants_deflate_ = false, closed_ = false;
  uint64_t commands_ = 0, bad_commands_ = 0;
  Steady::time_point now_, patience_ends_;
  std::unique_ptr<Work> work_;
  std::unique_ptr<Dialogue> dialogue_;
  std::unique_ptr<Watching> watching_;
  std::shared_ptr<Mail> mail_;
  uint64_t generation_ = 0;
  std::optional<Selected> selected_;
  std::unique_ptr<Appending> appending_;
  std::string refused_text_, refused_code_;  // of a literal that is passed over
};

}  // namespace libsync::server
