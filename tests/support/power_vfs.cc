// The VFS of power_disk.h: SQLite's own, with what it writes noted.
#include <filesystem>
#include <new>

#include <sqlite3.h>

#include "tests/support/power_disk.h"

namespace twinbox::test {
namespace {

PowerDisk* disk = nullptr;
sqlite3_vfs* system_vfs = nullptr;

struct File {
  sqlite3_file base;
  PowerDisk::Node node;  // 0: not on the disk
  std::string* path;
};
constexpr int kOwnBytes = (sizeof(File) + 15) / 16 * 16;

File& ours(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
// SQLite's own file, behind ours.
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + kOwnBytes);
}
const sqlite3_io_methods* methods(sqlite3_file* file) { return real(file)->pMethods; }
// Whether a change is allowed: always, where the file is not on the disk.
bool may(const File& file) { return file.node == 0 || disk->step(); }

int close(sqlite3_file* file) {
  const int code = methods(file)->xClose(real(file));
  delete ours(file).path;
  return code;
}
int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  return methods(file)->xRead(real(file), out, size, offset);
}
int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (!may(ours(file))) return SQLITE_IOERR_WRITE;
  disk->wrote(ours(file).node, static_cast<uint64_t>(offset),
              {static_cast<const char*>(bytes), static_cast<size_t>(size)});
  return methods(file)->xWrite(real(file), bytes, size, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (!may(ours(file))) return SQLITE_IOERR_TRUNCATE;
  disk->cut(ours(file).node, static_cast<uint64_t>(size));
  return methods(file)->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
  if (!may(ours(file))) return SQLITE_IOERR_FSYNC;
  int code = SQLITE_OK;
  disk->sync_file(ours(file).node, *ours(file).path, [&] { code = methods(file)->xSync(real(file), flags); });
  return code;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) { return methods(file)->xFileSize(real(file), size); }
int lock(sqlite3_file* file, int level) { return methods(file)->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return methods(file)->xUnlock(real(file), level); }
int check_reserved(sqlite3_file* file, int* out) { return methods(file)->xCheckReservedLock(real(file), out); }
int control(sqlite3_file* file, int op, void* arg) { return methods(file)->xFileControl(real(file), op, arg); }
int sector_size(sqlite3_file* file) { return methods(file)->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) { return methods(file)->xDeviceCharacteristics(real(file)); }
// The shared memory is not on any platter.
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return methods(file)->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return methods(file)->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { methods(file)->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return methods(file)->xShmUnmap(real(file), remove); }
int fetch(sqlite3_file* file, sqlite3_int64 offset, int size, void** out) {
  return methods(file)->xFetch(real(file), offset, size, out);
}
int unfetch(sqlite3_file* file, sqlite3_int64 offset, void* page) {
  return methods(file)->xUnfetch(real(file), offset, page);
}

constexpr sqlite3_io_methods kMethods = {
    3,         close,          read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_reserved, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, fetch,          unfetch};

bool on_disk(const char* name) { return name != nullptr && std::string_view(name).starts_with(disk->root() + "/"); }
bool there(const char* name) { return libsync::RealFileSystem().exists(name); }

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  File& own = *new (file) File{};
  const bool noted = on_disk(name);
  const bool makes = noted && !there(name) && (flags & SQLITE_OPEN_CREATE) != 0;
  if (makes && !disk->step()) return SQLITE_CANTOPEN;
  const int code = system_vfs->xOpen(system_vfs, name, real(file), flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (noted) own.node = makes ? disk->made(name, false) : disk->at(name);
  own.path = new std::string(name == nullptr ? "" : name);
  own.base.pMethods = &kMethods;
  return SQLITE_OK;
}

int remove(sqlite3_vfs*, const char* name, int sync_folder) {
  if (on_disk(name) && there(name)) {
    if (!disk->step()) return SQLITE_IOERR_DELETE;
    disk->removed(name);
  }
  return system_vfs->xDelete(system_vfs, name, sync_folder);
}

// SQLite opens a folder only to sync it.
using OpenFolder = int (*)(const char* file, int* out);
OpenFolder open_folder = nullptr;
int note_folder(const char* file, int* out) {
  const int code = open_folder(file, out);
  if (disk != nullptr && on_disk(file)) disk->sync_folder(std::filesystem::path(file).parent_path().string());
  return code;
}

sqlite3_vfs power_vfs;

}  // namespace

PowerVfs::PowerVfs(PowerDisk& on) {
  disk = &on;
  system_vfs = sqlite3_vfs_find("unix");
  power_vfs = *system_vfs;  // its other calls know their VFS by what is in it, and are not changed
  power_vfs.zName = "power";
  power_vfs.szOsFile = kOwnBytes + system_vfs->szOsFile;
  power_vfs.xOpen = open;
  power_vfs.xDelete = remove;
  open_folder = reinterpret_cast<OpenFolder>(system_vfs->xGetSystemCall(system_vfs, "openDirectory"));
  system_vfs->xSetSystemCall(system_vfs, "openDirectory", reinterpret_cast<sqlite3_syscall_ptr>(note_folder));
  sqlite3_vfs_register(&power_vfs, 1);
}

PowerVfs::~PowerVfs() {
  sqlite3_vfs_unregister(&power_vfs);
  system_vfs->xSetSystemCall(system_vfs, "openDirectory", nullptr);
  sqlite3_vfs_register(system_vfs, 1);
  disk = nullptr;
}

}  // namespace twinbox::test
