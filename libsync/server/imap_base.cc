// What every IMAP server speaks (RFC 3501, section 6; RFC 9051, section 6): the table of commands, and those without
// arguments.
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

constexpr CommandRow kCommands[] = {
    {.name = "CAPABILITY", .states = kAny, .run = run_capability},
    {.name = "NOOP", .states = kAny, .run = run_noop},
    {.name = "LOGOUT", .states = kAny, .run = run_logout},
    {.name = "STARTTLS", .states = kBeforeLogin, .run = run_starttls},
    {.name = "LOGIN", .states = kBeforeLogin, .run = run_login},
    {.name = "AUTHENTICATE", .states = kBeforeLogin, .run = run_authenticate},
    {.name = "SELECT", .states = kInside, .run = run_select},
    {.name = "EXAMINE", .states = kInside, .run = run_examine},
    {.name = "CREATE", .states = kInside, .run = run_create},
    {.name = "DELETE", .states = kInside, .run = run_delete},
    {.name = "RENAME", .states = kInside, .run = run_rename},
    {.name = "SUBSCRIBE", .states = kInside, .run = run_subscribe},
    {.name = "UNSUBSCRIBE", .states = kInside, .run = run_unsubscribe},
    {.name = "LIST", .states = kInside, .run = run_list},
    {.name = "LSUB", .states = kInside, .run = run_lsub},
    {.name = "STATUS", .states = kInside, .run = run_status},
    {.name = "APPEND", .states = kInside, .run = run_append},
    {.name = "CHECK", .states = kSelectedOnly, .run = run_check},
    {.name = "CLOSE", .states = kSelectedOnly, .run = run_close},
    {.name = "EXPUNGE", .states = kSelectedOnly, .run = run_expunge},
    {.name = "SEARCH", .states = kSelectedOnly, .run = run_search, .uid = UidForm::Also, .keeps_numbers = true},
    {.name = "FETCH", .states = kSelectedOnly, .run = run_fetch, .uid = UidForm::Also, .keeps_numbers = true},
    {.name = "STORE", .states = kSelectedOnly, .run = run_store, .uid = UidForm::Also, .keeps_numbers = true},
    {.name = "COPY", .states = kSelectedOnly, .run = run_copy, .uid = UidForm::Also},
};

}  // namespace

const Extension kBase = {.id = Ext::None,
                         .name = "IMAP4rev1",
                         .when = Extension::When::Always,
                         .commands = kCommands,
                         .fetch = base_fetch_rows(),
                         .search = base_search_rows(),
                         .status = base_status_rows()};

void run_capability(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  imap.untagged("CAPABILITY " + imap.capabilities());
  imap.ok("done");
}

void run_noop(Imap& imap, imap::Parser& in, bool) {
  if (expect_end(imap, in)) imap.ok("done");
}

void run_logout(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  imap.unselect();
  imap.untagged("BYE until the next time");
  imap.ok("done");
  imap.close();
}

// What is told before the login is what a client needs for it (RFC 9051, section 6.1.1).
std::string Imap::capabilities() const {
  std::string told;
  const auto add = [&](std::string_view word) { told.append(told.empty() ? "" : " ").append(word); };
  for (const Extension* each : extensions()) {
    const bool now = each->when == Extension::When::Always || (each->when == Extension::When::LoggedIn && mail_);
    // RFC 7888, section 5: never both.
    if (each->id == Ext::LiteralMinus && has(Ext::LiteralPlus)) continue;
    if (now && has(each->id)) add(each->tell == nullptr ? std::string(each->name) : each->tell(*this));
  }
  if (mail_) return told;
  if (can_begin_tls()) add("STARTTLS");
  if (!may_say_password() || names_off("LOGIN")) add("LOGINDISABLED");
  for (const std::string_view mechanism : login_.mechanisms(may_say_password())) add("AUTH=" + std::string(mechanism));
  return told;
}

}  // namespace libsync::server
