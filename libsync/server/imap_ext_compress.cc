// COMPRESS=DEFLATE (RFC 4978): what follows the answer is compressed, in both directions. The connection does it.
#include "libsync/base/text.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

void run_compress(Imap& imap, imap::Parser& in, bool) {
  if (!in.space() || !iequals(in.atom(), "DEFLATE")) return imap.bad("COMPRESS DEFLATE");
  if (!expect_end(imap, in)) return;
  if (imap.deflating()) return imap.no("already", "COMPRESSIONACTIVE");
  imap.ok("compressed from here on");
  imap.begin_deflate();
}

constexpr CommandRow kCommands[] = {{.name = "COMPRESS", .states = kInside, .run = run_compress}};

}  // namespace

const Extension kCompressDeflate = {.id = Ext::CompressDeflate, .name = "COMPRESS=DEFLATE", .commands = kCommands};

}  // namespace libsync::server
