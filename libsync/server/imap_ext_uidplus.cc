// UIDPLUS (RFC 4315): UID EXPUNGE; APPENDUID and COPYUID are told where it is on.
#include "libsync/server/imap_commands.h"

namespace libsync::server {
namespace {

constexpr CommandRow kCommands[] = {
    {.name = "EXPUNGE", .states = kSelectedOnly, .run = run_expunge, .uid = UidForm::Only}};

}  // namespace

const Extension kUidPlus = {.id = Ext::UidPlus, .name = "UIDPLUS", .commands = kCommands};

}  // namespace libsync::server
