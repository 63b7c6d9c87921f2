#include "tools/twinbox/export_files.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace twinbox {

using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::File;
using libsync::FileSystem;
using libsync::OpenMode;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {
constexpr size_t kBuffer = 256 * 1024;
constexpr std::string_view kSuffix = ".twinbox-new";

bool is_link(const std::string& path) {
  struct stat st{};
  return ::lstat(path.c_str(), &st) == 0 && S_ISLNK(st.st_mode);
}
}  // namespace

Error taken(const std::string& path) {
  return Error{.code = Errc::Refused,
               .what = say("{} exists and is something else; it was left as it is", libsync::printable(path, 1000))};
}

Result<NewFile> NewFile::create(FileSystem& fs, const std::string& path) {
  const std::string temporary = path + std::string(kSuffix);
  if (fs.exists(temporary)) TB_TRY(fs.remove(temporary));  // of an export that was interrupted
  auto file = fs.open(temporary, OpenMode::CreateNew);
  if (!file) {
    // The name that the user gave, not one that only this program knows.
    libsync::Error error = file.error();
    if (const size_t at = error.what.find(kSuffix); at != error.what.npos) error.what.erase(at, kSuffix.size());
    return fail(std::move(error));
  }
  return NewFile(fs, path, std::move(*file));
}

NewFile::NewFile(FileSystem& fs, std::string path, std::unique_ptr<File> file)
    : fs_(&fs), path_(std::move(path)), file_(std::move(file)) {}

NewFile::NewFile(NewFile&& other) noexcept
    : fs_(other.fs_),
      path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      buffer_(std::move(other.buffer_)),
      size_(other.size_) {}

NewFile::~NewFile() {
  if (!file_) return;
  file_.reset();
  (void)fs_->remove(path_ + std::string(kSuffix));
}

Status NewFile::write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() >= kBuffer ? flush() : Status{};
}

Status NewFile::flush() {
  TB_TRY(file_->write_at(size_, buffer_));
  size_ += buffer_.size();
  buffer_.clear();
  return {};
}

Status NewFile::commit() {
  TB_TRY(flush());
  if (fs_->exists(path_)) return fail(taken(path_));
  TB_TRY(fs_->rename(path_ + std::string(kSuffix), path_));
  file_.reset();
  return {};
}

Status NewFile::commit_durably() {
  TB_TRY(flush());
  TB_TRY(file_->sync());
  return commit();
}

Result<libsync::Sha256Digest> file_digest(FileSystem& fs, const std::string& path) {
  TB_ASSIGN(auto file, fs.open(path, OpenMode::Read));
  libsync::Sha256 hash;
  std::string piece(kBuffer, '\0');
  for (uint64_t at = 0;;) {
    TB_ASSIGN(const size_t n, file->read_at(at, piece));
    if (n == 0) return hash.finish();
    hash.update(std::string_view(piece).substr(0, n));
    at += n;
  }
}

Status Folders::make(const std::string& path) {
  if (made_.contains(path)) return {};
  for (size_t at = root_.size(); at < path.size();) {
    at = std::min(path.find('/', at + 1), path.size());
    if (is_link(path.substr(0, at))) return fail(taken(path.substr(0, at)));
  }
  TB_TRY(fs_.make_dirs(path));
  made_.insert(path);
  return {};
}

Status Folders::sync() {
  for (const auto& path : made_) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(Errc::Disk, say("{}: {}", path, std::strerror(errno)));
    const int result = ::syncfs(fd);
    const int error = errno;
    ::close(fd);
    if (result != 0) return fail(Errc::Disk, say("{}: {}", path, std::strerror(error)));
    return {};  // all are on the same file system: below one folder
  }
  return {};
}

}  // namespace twinbox
