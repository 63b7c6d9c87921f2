// What a session tells its user: the responses of RFC 9051, section 7, and of the extensions' RFCs, which the
// headers of their data name. Calls come on the thread that is in Session::receive().
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libsync/imap/capability.h"
#include "libsync/imap/fetch.h"
#include "libsync/imap/flags.h"
#include "libsync/imap/id.h"
#include "libsync/imap/list.h"
#include "libsync/imap/namespace.h"
#include "libsync/imap/search.h"
#include "libsync/imap/status.h"
#include "libsync/imap/status_response.h"
#include "libsync/imap/vanished.h"

namespace libsync::imap {

// A tagged response.
struct Completion {
  CommandId id = 0;
  CommandKind kind = CommandKind::Noop;
  const StatusLine& line;
  bool ok() const { return line.condition == Condition::Ok; }
};

// Message text on its way; its octets come as on_body_data.
struct BodyStart {
  uint32_t number = 0;  // message sequence number
  uint32_t uid = 0;     // 0: the server has not said it yet
  std::string_view section{};
  uint64_t size = 0;
};

// All views are valid during the call only. Calls come in the order of the server's bytes. Data other
// than status and capabilities is handed out only after login.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void on_greeting(const StatusLine&) {}
  virtual void on_status(const StatusLine&) {}  // untagged OK, NO, BAD, BYE
  virtual void on_done(const Completion&) {}
  virtual void on_challenge(std::string_view base64) { (void)base64; }  // of AUTHENTICATE
  virtual void on_idling() {}                                           // the server's + to IDLE

  virtual void on_capability(const Capabilities&) {}
  virtual void on_enabled(const std::vector<std::string_view>&) {}
  virtual void on_id(const IdFields&) {}
  virtual void on_namespace(const Namespaces&) {}
  virtual void on_list(const ListData&) {}
  virtual void on_mailbox_status(const StatusData&) {}
  virtual void on_flags(const FlagList&) {}
  virtual void on_exists(uint64_t) {}
  virtual void on_recent(uint64_t) {}
  virtual void on_expunge(uint64_t number) { (void)number; }
  virtual void on_vanished(const VanishedData&) {}
  virtual void on_search(const SearchData&) {}
  // Message text: begin, data…, end. A FETCH whose text is a quoted string gives the same calls. Then the
  // whole response as on_fetch, with the text's size in it.
  virtual void on_body_begin(const BodyStart&) {}
  virtual void on_body_data(std::string_view) {}
  virtual void on_body_end() {}
  virtual void on_fetch(const FetchData&) {}

  virtual void on_unknown(std::string_view text) { (void)text; }
  virtual void on_malformed(std::string_view text, std::string_view why) { (void)text, (void)why; }
};

}  // namespace libsync::imap
