#include <filesystem>
#include <system_error>

#include "libsync/store/store_impl.h"

namespace libsync::store {
namespace {

namespace stdfs = std::filesystem;

bool holds_nothing(const std::string& directory) {
  std::error_code failed;
  if (!stdfs::is_empty(contents_path(directory), failed) || failed) return false;
  const auto store = Store::open(directory);
  if (!store) return false;
  const auto mailboxes = (*store)->mailboxes();
  bool any = false;
  const auto removed = (*store)->list({.removed = true}, [&](const MessageInfo&) { return !(any = true); });
  const auto runs = (*store)->runs(1);
  return mailboxes && removed && runs && mailboxes->empty() && !any && runs->empty();
}

}  // namespace

void remove_empty_store(const std::string& directory, const FileLock&, bool with_folder) {
  if (!holds_nothing(directory)) return;
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) stdfs::remove(database_path(directory) + suffix, ignored);
  stdfs::remove(contents_path(directory), ignored);
  stdfs::remove(lock_path(directory), ignored);
  if (with_folder) stdfs::remove(directory, ignored);  // fails where something else is in it
}

}  // namespace libsync::store
