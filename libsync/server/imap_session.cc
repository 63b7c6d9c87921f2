#include "libsync/server/imap_session.h"

#include "libsync/server/imap_append.h"
#include "libsync/server/imap_core.h"

namespace libsync::server {

ImapSession::ImapSession(ImapOptions options, Steady::time_point now)
    : imap_(std::make_unique<Imap>(std::move(options), now)) {}
ImapSession::~ImapSession() = default;

void ImapSession::feed(std::string_view bytes, Steady::time_point) { imap_->feed(bytes); }
bool ImapSession::wants_input() const { return imap_->wants_input(); }
std::string ImapSession::take_output(Steady::time_point now) { return imap_->take_output(now); }
bool ImapSession::wants_tls() const { return imap_->wants_tls(); }
void ImapSession::tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) {
  imap_->tls_started(std::move(bindings), now);
}
std::optional<std::string> ImapSession::take_deflate() { return imap_->take_deflate(); }
Deadline ImapSession::deadline() const { return imap_->deadline(); }
void ImapSession::shut_down(std::string_view why) { imap_->shut_down(why); }
bool ImapSession::over() const { return imap_->over(); }

}  // namespace libsync::server
