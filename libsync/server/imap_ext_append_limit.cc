// APPENDLIMIT (RFC 7889): the largest message that is taken, the same in every mailbox.
#include <fmt/format.h>

#include "libsync/server/imap_core.h"

namespace libsync::server {
namespace {

constexpr StatusRow kStatus[] = {{.name = "APPENDLIMIT", .value = [](Imap& imap, const Folder&) -> Result<std::string> {
                                    return fmt::format("{}", imap.limits().message);
                                  }}};

std::string tell(const Imap& imap) { return fmt::format("APPENDLIMIT={}", imap.limits().message); }

}  // namespace

const Extension kAppendLimit = {.id = Ext::AppendLimit, .name = "APPENDLIMIT", .tell = tell, .status = kStatus};

}  // namespace libsync::server
