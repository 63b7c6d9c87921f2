// Export as a Maildir++ tree: for mutt, notmuch, mu, and Dovecot's maildir format.
#include <array>
#include <map>

#include <fmt/format.h>

#include "libsync/base/digest.h"

#include "tools/twinbox/export_files.h"

namespace twinbox {
namespace {

using libsync::Result;
using libsync::Status;

// The info part of a name: letters in ASCII order.
std::string info_of(const libsync::sync::Flags& flags) {
  namespace sync = libsync::sync;
  static constexpr std::array<std::pair<uint32_t, char>, 5> kLetters = {
      {{sync::kDraft, 'D'}, {sync::kFlagged, 'F'}, {sync::kAnswered, 'R'}, {sync::kSeen, 'S'}, {sync::kDeleted, 'T'}}};
  std::string out = ":2,";
  for (const auto& [bit, letter] : kLetters) {
    if ((flags.system & bit) != 0) out += letter;
  }
  return out;
}

// "H…N1" of "1790000000.H…N1.twinbox:2,S"
std::string middle_of(const std::string& name) {
  const size_t begin = name.find('.') + 1;
  return name.substr(begin, name.find('.', begin) - begin);
}

class MaildirTarget final : public ExportTarget {
 public:
  MaildirTarget(libsync::FileSystem& fs, std::string directory)
      : fs_(fs), directory_(std::move(directory)), folders_(fs, directory_) {}

  Result<Exported> add(const libsync::sync::Path& folder, const libsync::store::MessageInfo& message,
                       const Octets& octets) override {
    TB_ASSIGN(const std::string path, open_folder(folder));
    // The middle of the name says which octets are in the file, and which copy of them it is: the same one is the
    // same message, whatever flags follow and whichever numbers a rebuilt store gives.
    const std::string hash = libsync::to_hex(message.sha256).substr(0, 16);
    const std::string unique = fmt::format("H{}N{}", hash, ++copies_[path][hash]);
    auto& known = known_[path];
    if (known.contains(unique)) return Exported::AlreadyThere;
    TB_ASSIGN(NewFile file, NewFile::create(fs_, fmt::format("{}/cur/{}.{}.twinbox{}", path, message.internaldate,
                                                             unique, info_of(message.flags))));
    LineEnds ends;
    std::string lf;
    Status written;
    TB_TRY(octets([&](std::string_view piece) {
      ends.convert(piece, lf);
      written = file.write(lf);
      lf.clear();
      return written.has_value();
    }));
    TB_TRY(written);
    ends.finish(lf);
    TB_TRY(file.write(lf));
    TB_TRY(file.commit());
    known.insert(unique);
    return Exported::Written;
  }

  Status finish() override { return folders_.sync(); }

 private:
  // INBOX is the tree's root; below it names are joined by dots, so a dot in a name is replaced.
  Result<std::string> open_folder(const libsync::sync::Path& folder) {
    std::string path = directory_;
    const bool inbox = folder.size() == 1 && folder[0] == "INBOX";
    if (!inbox) {
      path += "/";
      for (const auto& component : folder) path += "." + safe_component(component, ".");
    }
    if (known_.contains(path)) return path;
    TB_TRY(folders_.make(directory_));
    for (const char* sub : {"/cur", "/new", "/tmp"}) TB_TRY(folders_.make(path + sub));
    if (!inbox && !fs_.exists(path + "/maildirfolder")) {
      TB_TRY(fs_.open(path + "/maildirfolder", libsync::OpenMode::CreateNew));
    }
    TB_ASSIGN(const auto names, fs_.list(path + "/cur"));
    auto& known = known_[path];
    for (const auto& name : names) {
      if (!name.ends_with(".twinbox-new")) known.insert(middle_of(name));
    }
    return path;
  }

  libsync::FileSystem& fs_;
  std::string directory_;
  Folders folders_;
  std::map<std::string, std::set<std::string>> known_;           // middles of names, by folder
  std::map<std::string, std::map<std::string, size_t>> copies_;  // of the same octets met so far, by folder
};

}  // namespace

std::unique_ptr<ExportTarget> maildir_target(libsync::FileSystem& fs, std::string directory) {
  return std::make_unique<MaildirTarget>(fs, std::move(directory));
}

}  // namespace twinbox
