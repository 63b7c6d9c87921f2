// Export as .eml files: the exact octets, one file a message.
#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/mime/filename.h"

#include "tools/twinbox/export_files.h"

namespace twinbox {
namespace {

using libsync::Result;
using libsync::Status;

constexpr size_t kSubjectBytes = 80;

class EmlTarget final : public ExportTarget {
 public:
  EmlTarget(libsync::FileSystem& fs, std::string directory) : fs_(fs), directory_(std::move(directory)), folders_(fs) {}

  Result<Exported> add(const libsync::sync::Path& folder, const libsync::store::MessageInfo& message,
                       const Octets& octets) override {
    std::string path = directory_;
    for (const auto& component : folder) path += "/" + safe_component(component);
    TB_TRY(folders_.make(path));
    const std::string subject = libsync::mime::safe_filename(message.envelope.subject, "message", kSubjectBytes);
    path += fmt::format("/{}-{}.eml", message.uid, subject);
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
};

}  // namespace

std::unique_ptr<ExportTarget> eml_target(libsync::FileSystem& fs, std::string directory) {
  return std::make_unique<EmlTarget>(fs, std::move(directory));
}

}  // namespace twinbox
