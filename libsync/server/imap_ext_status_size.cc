// STATUS=SIZE (RFC 8438).
#include <fmt/format.h>

#include "libsync/server/imap_extension.h"

namespace libsync::server {
namespace {

constexpr StatusRow kStatus[] = {{.name = "SIZE", .value = [](Imap&, const Folder& folder) -> Result<std::string> {
                                    return fmt::format("{}", folder.octets);
                                  }}};

}  // namespace

const Extension kStatusSize = {.id = Ext::StatusSize, .name = "STATUS=SIZE", .status = kStatus};

}  // namespace libsync::server
