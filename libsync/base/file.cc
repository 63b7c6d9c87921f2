#include "libsync/base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kShown = 4096;  // of a path; the system takes no longer ones

std::unexpected<Error> disk_error(const std::string& path, const std::error_code& error) {
  const bool missing = error == std::errc::no_such_file_or_directory;
  return fail(missing ? Errc::NotFound : Errc::Disk, say("{}: {}", printable(path, kShown), error.message()));
}
std::unexpected<Error> errno_error(const std::string& path) {
  return disk_error(path, std::error_code(errno, std::generic_category()));
}

std::string parent_of(const stdfs::path& path) {
  const std::string parent = path.parent_path().string();
  return parent.empty() ? "." : parent;
}

class RealFile final : public File {
 public:
  RealFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;
  ~RealFile() override { ::close(fd_); }

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(path_);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_) != 0) return errno_error(path_);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat st{};
    if (::fstat(fd_, &st) != 0) return errno_error(path_);
    return static_cast<uint64_t>(st.st_size);
  }

  Status truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return errno_error(path_);
    return {};
  }

 private:
  int fd_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<File>> RealFileSystem::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  switch (mode) {
    case OpenMode::Read:
      flags |= O_RDONLY;
      break;
    case OpenMode::ReadWrite:
      flags |= O_RDWR | O_CREAT | O_NOFOLLOW;
      break;
    case OpenMode::CreateNew:
      flags |= O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
      break;
  }
  const int fd = ::open(path.c_str(), flags, 0600);
  if (fd < 0) return errno_error(path);
  return std::make_unique<RealFile>(fd, path);
}

Result<std::unique_ptr<File>> open_nameless(const std::string& directory) {
  int fd = -1;
#ifdef O_TMPFILE
  fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
#endif
  std::string path = directory + "/.incoming-XXXXXX";
  if (fd < 0) {  // a file system, or a kernel, that can't
    fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(path.c_str());
  }
  if (fd < 0) return errno_error(directory);
  return std::make_unique<RealFile>(fd, directory);
}

Status RealFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error(from);
  return {};
}

Status RealFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return errno_error(path);
  return {};
}

Result<bool> RealFileSystem::make_dir(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return true;
  // Whatever it says of one that is there: read-only, no permission.
  const int why = errno;
  std::error_code error;
  if (stdfs::is_directory(path, error)) return false;
  const bool file = why == EEXIST;
  return disk_error(
      path, file ? std::make_error_code(std::errc::not_a_directory) : std::error_code(why, std::generic_category()));
}

Status RealFileSystem::sync_dir(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error(path);
  const int result = ::fsync(fd);
  const int saved = errno;
  ::close(fd);
  errno = saved;
  if (result != 0 && errno != EINVAL) return errno_error(path);  // EINVAL: a file system without fsync of folders
  return {};
}

Result<std::vector<std::string>> RealFileSystem::list(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (stdfs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return disk_error(path, error);
  std::ranges::sort(names);
  return names;
}

bool RealFileSystem::exists(const std::string& path) {
  struct stat st{};
  return ::lstat(path.c_str(), &st) == 0;
}

Status FileSystem::make_dirs(const std::string& path) {
  stdfs::path so_far;
  for (const auto& part : stdfs::path(path)) {
    so_far /= part;
    TB_ASSIGN(const bool made, make_dir(so_far.string()));
    // A folder that a power loss takes away would take the mail in it along.
    if (made) TB_TRY(sync_dir(parent_of(so_far)));
  }
  return {};
}

Status sync_parents(FileSystem& fs, const std::string& path) {
  TB_TRY(fs.sync_dir(parent_of(path)));
  for (stdfs::path at = parent_of(path); at.has_relative_path(); at = at.parent_path()) {
    if (!fs.sync_dir(parent_of(at))) break;
  }
  return {};
}

Result<std::string> read_file(FileSystem& fs, const std::string& path, uint64_t max_bytes) {
  TB_ASSIGN(auto file, fs.open(path, OpenMode::Read));
  TB_ASSIGN(const uint64_t size, file->size());
  if (size > max_bytes)
    return fail(Errc::Limit, say("{}: {} bytes, more than the limit of {}", printable(path, kShown), size, max_bytes));
  std::string bytes(size, '\0');
  TB_ASSIGN(const size_t got, file->read_at(0, bytes));
  bytes.resize(got);
  return bytes;
}

Status write_file_atomically(FileSystem& fs, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  if (fs.exists(temporary)) TB_TRY(fs.remove(temporary));
  {
    TB_ASSIGN(auto file, fs.open(temporary, OpenMode::CreateNew));
    TB_TRY(file->write_at(0, bytes));
    TB_TRY(file->sync());
  }
  TB_TRY(fs.rename(temporary, path));
  return fs.sync_dir(parent_of(path));
}

}  // namespace libsync
