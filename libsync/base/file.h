// The file system as a parameter: what holds mail on disk goes through here, so that tests can make
// the Nth write fail, or lose what was not synced.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync {

// One open file. One thread at a time. Closed by the destructor. Errors are Errc::Disk with the
// path and the system's words.
class File {
 public:
  virtual ~File() = default;
  // Fills `out` from `offset`; fewer bytes only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> out) = 0;
  // Writes all of `bytes` at `offset`, or fails; after a failure any part may have been written.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // After an OK, all bytes written so far survive a power loss (fdatasync).
  virtual Status sync() = 0;
  virtual Result<uint64_t> size() = 0;
  virtual Status truncate(uint64_t size) = 0;
};

enum class OpenMode {
  Read,       // must exist
  ReadWrite,  // made if missing
  CreateNew,  // must not exist
};

// Thread-safe. Files are made with mode 0600, folders with 0700. Symbolic links in the last
// component are not followed when a file is made.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // One folder in a folder that is there. True: made now, its name not durable yet; false: it was there.
  virtual Result<bool> make_dir(const std::string& path) = 0;
  // The folder and those above it. After an OK the names of those it made survive a power loss.
  Status make_dirs(const std::string& path);
  // After an OK, names made, renamed or removed in the folder survive a power loss.
  virtual Status sync_dir(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, sorted; files and folders
  virtual bool exists(const std::string& path) = 0;
};

class RealFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<bool> make_dir(const std::string& path) override;
  Status sync_dir(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override;
};

// A new file in the folder, without a name, mode 0600: it is gone when it is closed, however the process ends.
Result<std::unique_ptr<File>> open_nameless(const std::string& directory);

// Makes the folder's own name durable, and those of the folders above it: one that was there may be the work of a
// process that died before it did so. Ends at the first folder that may not be opened.
Status sync_parents(FileSystem& fs, const std::string& path);

// The whole file, refused with Errc::Limit past `max_bytes`.
Result<std::string> read_file(FileSystem& fs, const std::string& path, uint64_t max_bytes);

// Replaces `path` so that a crash leaves the old bytes or the new ones: a temporary file beside it,
// synced, renamed over it, the folder synced.
Status write_file_atomically(FileSystem& fs, const std::string& path, std::string_view bytes);

}  // namespace libsync
