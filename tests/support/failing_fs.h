// A file system in which the Nth change fails, and every one behind it: a disk that is full. Or in which the process
// ends there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "libsync/base/file.h"

namespace twinbox::test {

// Counts writes, syncs, renames, removals and new files, in files opened through it. One thread at a time.
class FailingFileSystem final : public libsync::FileSystem {
 public:
  // The first `good` changes work.
  explicit FailingFileSystem(size_t good) : left_(good) {}
  // `allows` is asked before each change; false: it fails. It may also not return.
  explicit FailingFileSystem(std::function<bool()> allows) : left_(0), allows_(std::move(allows)) {}
  // The same in front of another file system, which outlives it.
  FailingFileSystem(std::function<bool()> allows, libsync::FileSystem& under)
      : left_(0), allows_(std::move(allows)), under_(under) {}
  bool tripped() const { return tripped_; }

  libsync::Result<std::unique_ptr<libsync::File>> open(const std::string& path, libsync::OpenMode mode) override {
    if (mode == libsync::OpenMode::CreateNew) TB_TRY(step(path));
    TB_ASSIGN(auto file, under_.open(path, mode));
    return std::make_unique<Wrapped>(*this, std::move(file), path);
  }
  libsync::Status rename(const std::string& from, const std::string& to) override {
    TB_TRY(step(from));
    return under_.rename(from, to);
  }
  libsync::Status remove(const std::string& path) override {
    TB_TRY(step(path));
    return under_.remove(path);
  }
  libsync::Result<bool> make_dir(const std::string& path) override {
    if (!under_.exists(path)) TB_TRY(step(path));
    return under_.make_dir(path);
  }
  libsync::Status sync_dir(const std::string& path) override {
    TB_TRY(step(path));
    return under_.sync_dir(path);
  }
  libsync::Result<std::vector<std::string>> list(const std::string& path) override { return under_.list(path); }
  bool exists(const std::string& path) override { return under_.exists(path); }

 private:
  class Wrapped final : public libsync::File {
   public:
    Wrapped(FailingFileSystem& owner, std::unique_ptr<libsync::File> file, std::string path)
        : owner_(owner), file_(std::move(file)), path_(std::move(path)) {}
    libsync::Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
      return file_->read_at(offset, out);
    }
    libsync::Status write_at(uint64_t offset, std::string_view bytes) override {
      // A full disk takes what still fits, and a process that ends in the middle wrote as much.
      const std::string_view half = bytes.substr(0, bytes.size() / 2);
      if (owner_.allows_) TB_TRY(file_->write_at(offset, half));
      if (auto allowed = owner_.step(path_); !allowed) {
        (void)file_->write_at(offset, half);
        return allowed;
      }
      return file_->write_at(offset, bytes);
    }
    libsync::Status sync() override {
      TB_TRY(owner_.step(path_));
      return file_->sync();
    }
    libsync::Result<uint64_t> size() override { return file_->size(); }
    libsync::Status truncate(uint64_t size) override { return file_->truncate(size); }

   private:
    FailingFileSystem& owner_;
    std::unique_ptr<libsync::File> file_;
    std::string path_;
  };

  libsync::Status step(const std::string& path) {
    if (allows_ ? !allows_() : left_ == 0) {
      tripped_ = true;
      return libsync::fail(libsync::Errc::Disk, path + ": no space left on device");
    }
    if (!allows_) --left_;
    return {};
  }

  libsync::RealFileSystem real_;
  size_t left_;
  std::function<bool()> allows_;
  libsync::FileSystem& under_ = real_;
  bool tripped_ = false;
};

}  // namespace twinbox::test
