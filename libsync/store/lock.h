// Locks between processes: flock(2) on a file, gone when the process dies however it dies.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "libsync/base/result.h"

namespace libsync::store {

// Holds a lock on a file, exclusive but for share(); released by the destructor. Two objects of one process exclude
// each other too.
class FileLock {
 public:
  // The lock, or nothing while another holds it or puts another file in its place. The file is made if `create`.
  static Result<std::unique_ptr<FileLock>> attempt(const std::string& path, bool create);

  // Waits up to `wait` for it, then Errc::Busy with the holder's process id in the words. Writes our
  // own process id into the file for the next one's message.
  static Result<std::unique_ptr<FileLock>> acquire(const std::string& path, std::chrono::milliseconds wait,
                                                   std::stop_token stop);
  // With others who share it, while nobody has it alone; nothing while somebody has. Errc::NotFound without the file:
  // nothing is written for it.
  static Result<std::unique_ptr<FileLock>> share(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  static Result<std::unique_ptr<FileLock>> acquire_file(const std::string& path, std::chrono::milliseconds wait,
                                                        const std::stop_token& stop);
  int fd_;
};

}  // namespace libsync::store
