// Writing files that must not overwrite others: what the export targets share.
#pragma once

#include <set>
#include <string>

#include "tools/twinbox/export_target.h"

namespace twinbox {

// A file being written under a temporary name beside its own; it takes its own with commit(), or goes.
class NewFile {
 public:
  static libsync::Result<NewFile> create(libsync::FileSystem& fs, const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  libsync::Status write(std::string_view bytes);  // buffered
  uint64_t size() const { return size_ + buffer_.size(); }
  // Errc::Refused when the name is taken by now.
  libsync::Status commit();
  // The same, durable before the name appears.
  libsync::Status commit_durably();

 private:
  NewFile(libsync::FileSystem& fs, std::string path, std::unique_ptr<libsync::File> file);
  libsync::Status flush();

  libsync::FileSystem* fs_;
  std::string path_;
  std::unique_ptr<libsync::File> file_;
  std::string buffer_;
  uint64_t size_ = 0;
};

// SHA-256 of a file in constant memory.
libsync::Result<libsync::Sha256Digest> file_digest(libsync::FileSystem& fs, const std::string& path);

// Folders below the one that the user named, each made once, and all of them synced at the end.
class Folders {
 public:
  Folders(libsync::FileSystem& fs, std::string root) : fs_(fs), root_(std::move(root)) {}
  // Errc::Refused where a link stands below the root: what is in a mailbox never leads out of the folder that the
  // user named. The root itself may be one, or lie behind one.
  libsync::Status make(const std::string& path);
  // Everything written on their file systems is durable after an OK: one call instead of one per file.
  libsync::Status sync();

 private:
  libsync::FileSystem& fs_;
  std::string root_;
  std::set<std::string> made_;
};

libsync::Error taken(const std::string& path);

}  // namespace twinbox
