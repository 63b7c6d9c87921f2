// Export as .eml files: the exact octets, one file a message.
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/mime/filename.h"

#include "tools/twinbox/export_files.h"

namespace twinbox {
namespace {

using libsync::Result;
using libsync::Status;

constexpr size_t kSubjectBytes = 80;
constexpr size_t kHashDigits = 8;                          // beside date and subject more would only be hard to read
constexpr int64_t kNoDate = -1, kLastDate = 253402300800;  // the years 1970 to 9999

// Made of the message's octets alone, so that it is the same whatever numbers a rebuilt or another store gives
// the message. `copy`: the same message may stand in a folder more than once.
std::string file_name(const libsync::store::MessageInfo& message, size_t copy) {
  std::tm utc{};
  std::string date = "undated";
  const std::time_t seconds = message.envelope.date.value_or(kNoDate);
  if (seconds > kNoDate && seconds < kLastDate && ::gmtime_r(&seconds, &utc) != nullptr) {
    date = fmt::format("{:04}{:02}{:02}-{:02}{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                       utc.tm_min);
  }
  const std::string subject = libsync::mime::safe_filename(message.envelope.subject, "message", kSubjectBytes);
  std::string name = fmt::format("{}-{}-{}", date, subject, libsync::to_hex(message.sha256).substr(0, kHashDigits));
  if (copy > 1) name += fmt::format("-{}", copy);
  return name + ".eml";
}

class EmlTarget final : public ExportTarget {
 public:
  EmlTarget(libsync::FileSystem& fs, std::string directory)
      : fs_(fs), directory_(std::move(directory)), folders_(fs, directory_) {}

  Result<Exported> add(const libsync::sync::Path& folder, const libsync::store::MessageInfo& message,
                       const Octets& octets) override {
    std::string path = directory_;
    for (const auto& component : folder) path += "/" + safe_component(component);
    TB_TRY(folders_.make(path));
    if (path != current_) copies_.clear();
    current_ = path;
    path += "/" + file_name(message, ++copies_[message.sha256]);
    if (fs_.exists(path)) {
      TB_ASSIGN(const auto digest, file_digest(fs_, path));
      if (digest == message.sha256) return Exported::AlreadyThere;
      return libsync::fail(taken(path));
    }
    TB_ASSIGN(NewFile file, NewFile::create(fs_, path));
    Status written;
    TB_TRY(octets([&](std::string_view piece) {
      written = file.write(piece);
      return written.has_value();
    }));
    TB_TRY(written);
    TB_TRY(file.commit());
    return Exported::Written;
  }

  Status finish() override { return folders_.sync(); }

 private:
  libsync::FileSystem& fs_;
  std::string directory_;
  Folders folders_;
  std::string current_;                             // the folder that messages come from now
  std::map<libsync::Sha256Digest, size_t> copies_;  // of the same octets in it
};

}  // namespace

std::unique_ptr<ExportTarget> eml_target(libsync::FileSystem& fs, std::string directory) {
  return std::make_unique<EmlTarget>(fs, std::move(directory));
}

}  // namespace twinbox
