// A disk that can lose its power. Everything works as on the real file system, in a real folder; beside it is noted
// what is on the platter for certain (what was synced) and what may be: each write, cut and name since then. From that,
// what is there after a power loss can be written into another folder, at any moment and for any luck.
//
// As strict as POSIX allows: fdatasync of a file makes its bytes and its size durable, not its name; fsync of a folder
// makes the names in it durable, not the bytes behind them; what was not synced gets to the platter in any order, a
// write torn at any 512-byte sector. (Never in between: a sector is written whole or not at all, and one rename is one
// change. SQLite and journaling file systems rely on the same.)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/file.h"

namespace twinbox::test {

// What became of all that was not synced.
enum class Luck {
  NothingStays,
  EverythingStays,
  NamesStay,  // but no bytes: new files are empty, renamed ones hold what was synced of them
  BytesStay,  // but no names
  OddStay,    // the first of the sectors, cuts and names, the third, …
  EvenStay,   // the others
  HalfStays,  // of the sectors, the cuts and the names, by the seed
};
struct Loss {
  Luck luck = Luck::NothingStays;
  uint64_t seed = 0;
};
std::string name_of(const Loss& loss);

// Files and folders below the root by their paths; nothing: a folder.
using Platter = std::map<std::string, std::optional<std::string>>;
void write_platter(const Platter& platter, const std::string& folder);

// One thread at a time.
class PowerDisk {
 public:
  // A folder that is there. What is in it is on the platter.
  explicit PowerDisk(std::string root) : root_(std::move(root)) { forget(); }

  const std::string& root() const { return root_; }
  Platter after(const Loss& loss) const;
  // Everything is on the platter now.
  void settle();
  // The same, as the folder shows it, which others may have changed; with no file of it open.
  void forget();

  // Called before and behind each sync of a file or folder, with what it is.
  std::function<void(const std::string& moment)> at_sync{};
  uint64_t syncs() const { return syncs_; }

  // A process that dies: changes past the first `steps` fail, all of them, until somebody else comes. What was done
  // before stays as the kernel has it: seen by all, and no more durable than it was.
  void die_after(uint64_t steps) { left_ = steps; }
  void come_back() { left_.reset(); }
  bool dead() const { return left_ == 0; }
  bool step();  // false: dead
  uint64_t steps() const { return steps_; }

  // What file systems note here. Paths that are not on the disk, or that nobody noted when they were made, are
  // passed over.
  using Node = uint64_t;  // a file or folder, whatever its name; 0: none
  Node at(std::string_view path) const;
  Node made(std::string_view path, bool folder);
  void renamed(std::string_view from, std::string_view to);
  void removed(std::string_view path);
  void wrote(Node file, uint64_t offset, std::string_view bytes);
  void cut(Node file, uint64_t size);
  // Runs `sync` (which may sync a folder by itself), and the file is durable.
  void sync_file(Node file, std::string_view path, const std::function<void()>& sync);
  void sync_folder(std::string_view path);

 private:
  struct Write {
    uint64_t offset = 0;
    std::string bytes{};
    bool cut = false;  // the file ends at `offset`
  };
  // One change of a folder: `gone` is no name any more, `name` is `node`'s. Either may be empty.
  struct Naming {
    std::string gone{}, name{};
    Node node = 0;
  };
  struct Inode {
    bool folder = false;
    std::string synced{};
    std::vector<Write> writes{};
    std::map<std::string, Node> names{};  // as the kernel shows them
    std::map<std::string, Node> synced_names{};
    std::vector<Naming> namings{};
  };
  class Draw;

  Inode* inode(Node node);
  std::optional<std::string> below_root(std::string_view path) const;
  void load(Node node, const std::string& folder);
  static void settle_bytes(Inode& file);
  void settle_file();
  void place(Node node, const std::string& path, Draw& draw, Platter& out) const;
  void moment(std::string_view when, std::string_view path);

  std::string root_;
  std::map<Node, Inode> inodes_;
  Node next_ = 1;
  Node syncing_ = 0;  // a file whose sync is under way, its bytes not yet counted as durable
  uint64_t syncs_ = 0;
  uint64_t steps_ = 0;
  std::optional<uint64_t> left_{};
};

// libsync's files on such a disk; and elsewhere, where nothing is noted. Nothing is synced for real.
class PowerFileSystem final : public libsync::FileSystem {
 public:
  explicit PowerFileSystem(PowerDisk& disk) : disk_(disk) {}
  libsync::Result<std::unique_ptr<libsync::File>> open(const std::string& path, libsync::OpenMode mode) override;
  libsync::Status rename(const std::string& from, const std::string& to) override;
  libsync::Status remove(const std::string& path) override;
  libsync::Result<bool> make_dir(const std::string& path) override;
  libsync::Status sync_dir(const std::string& path) override;
  libsync::Result<std::vector<std::string>> list(const std::string& path) override { return real_.list(path); }
  bool exists(const std::string& path) override { return real_.exists(path); }

 private:
  PowerDisk& disk_;
  libsync::RealFileSystem real_;
};

// SQLite's files on such a disk: while it lives, the VFS that connections get that ask for none. Databases elsewhere
// pass through it. When SQLite syncs a folder is not assumed but seen. One at a time in a process.
class PowerVfs {
 public:
  explicit PowerVfs(PowerDisk& disk);
  ~PowerVfs();
  PowerVfs(const PowerVfs&) = delete;
  PowerVfs& operator=(const PowerVfs&) = delete;
};

}  // namespace twinbox::test
