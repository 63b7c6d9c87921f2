// Where exported messages go: .eml files, an mbox file, a Maildir.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/base/file.h"
#include "libsync/base/result.h"
#include "libsync/store/types.h"

namespace twinbox {

// Gives a message's octets in pieces. May be called more than once.
using Octets = std::function<libsync::Status(const std::function<bool(std::string_view)>& sink)>;

enum class Exported { Written, AlreadyThere };

// One export. Messages come folder by folder. Nothing that exists is ever overwritten: the same message
// there already is AlreadyThere, another file in its place Errc::Refused.
class ExportTarget {
 public:
  virtual ~ExportTarget() = default;
  virtual libsync::Result<Exported> add(const libsync::sync::Path& folder, const libsync::store::MessageInfo& message,
                                        const Octets& octets) = 0;
  // After an OK everything exported survives a power loss.
  virtual libsync::Status finish() = 0;
};

// DIR/FOLDER/DATE-SUBJECT-HASH.eml (20260102-1504-lunch-1a2b3c4d.eml, in UTC), the exact octets.
std::unique_ptr<ExportTarget> eml_target(libsync::FileSystem& fs, std::string directory);
// One file in mboxrd form (lines of "From " in messages get a '>'), lines ended by LF. It appears when all is
// written. "-" writes to `out`.
std::unique_ptr<ExportTarget> mbox_target(libsync::FileSystem& fs, std::string file,
                                          std::function<bool(std::string_view)> out);
// Maildir++: INBOX in DIR itself, others as DIR/.A.B; flags in the names' info part, lines ended by LF.
std::unique_ptr<ExportTarget> maildir_target(libsync::FileSystem& fs, std::string directory);

// A component of a mailbox's path as the name of a folder: what a file system could take for something
// else is replaced, and such a name gets a digest of the original, so that two never become one.
std::string safe_component(std::string_view component, std::string_view also_unsafe = {});

// Turns CRLF into LF across the borders of pieces; a CR alone stays.
class LineEnds {
 public:
  void convert(std::string_view in, std::string& out);
  void finish(std::string& out);

 private:
  bool held_ = false;  // a CR that may belong to a CRLF
};

}  // namespace twinbox
