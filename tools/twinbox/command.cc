#include "tools/twinbox/command.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace twinbox {

extern const Command kAccountAdd, kAccountList, kAccountRemove, kSync, kStatus, kLs, kShow, kSearch, kExport, kVerify,
    kCompact, kMime, kBench, kScheduleEnable, kScheduleDisable, kScheduleStatus, kServe, kDemo, kFlag, kMove, kCopy,
    kRm, kUndelete, kAppend, kFolderCreate, kFolderRename, kFolderDelete, kFolderSubscribe, kFolderUnsubscribe, kLog,
    kSettle, kFolders;

namespace {

constexpr auto kCommands = std::to_array<const Command*>({
    &kAccountAdd,
    &kAccountList,
    &kAccountRemove,  // set up
    &kSync,
    &kStatus,
    &kFolders,
    &kLog,
    &kSettle,  // mirror
    &kLs,
    &kShow,
    &kSearch,
    &kExport,
    &kServe,  // read
    &kFlag,
    &kMove,
    &kCopy,
    &kRm,
    &kUndelete,
    &kAppend,  // change
    &kFolderCreate,
    &kFolderRename,
    &kFolderDelete,  // change folders
    &kFolderSubscribe,
    &kFolderUnsubscribe,  //
    &kVerify,
    &kCompact,  // look after
    &kScheduleEnable,
    &kScheduleDisable,
    &kScheduleStatus,  // by itself
    &kDemo,
    &kMime,
    &kBench,  // learn
});

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, [](const Command* c) { return c->name; });
  return found == kCommands.end() ? nullptr : *found;
}

const std::string& Arguments::value(std::string_view option) const {
  static const std::string kNone;
  const auto found = values_.find(option);
  return found == values_.end() ? kNone : found->second;
}

libsync::Result<std::optional<uint64_t>> Arguments::number(std::string_view option, uint64_t least,
                                                           uint64_t most) const {
  if (!has(option)) return std::nullopt;
  const auto number = libsync::parse_u64(value(option));
  if (!number || *number < least || *number > most) {
    return libsync::fail(libsync::Errc::Usage, libsync::say("--{} takes a number from {} to {}, not \"{}\"", option,
                                                            least, most, libsync::printable(value(option), 40)));
  }
  return *number;
}

}  // namespace twinbox
