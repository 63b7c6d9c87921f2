#include "tests/support/power_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace twinbox::test {
namespace {

namespace stdfs = std::filesystem;

constexpr uint64_t kSector = 512;

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::pair<std::string, std::string> split(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return {"", std::string(path)};
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

// As a file takes it: a hole before it holds zeros.
void put(std::string& file, uint64_t offset, std::string_view bytes) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
  file.replace(offset, bytes.size(), bytes);
}

}  // namespace

std::string name_of(const Loss& loss) {
  switch (loss.luck) {
    case Luck::NothingStays:
      return "nothing stays";
    case Luck::EverythingStays:
      return "everything stays";
    case Luck::NamesStay:
      return "names stay";
    case Luck::BytesStay:
      return "bytes stay";
    case Luck::OddStay:
      return "the first, third, … stay";
    case Luck::EvenStay:
      return "the second, fourth, … stay";
    case Luck::HalfStays:
      break;
  }
  return "half stays, seed " + std::to_string(loss.seed);
}

void write_platter(const Platter& platter, const std::string& folder) {
  for (const auto& [path, bytes] : platter) {
    const std::string full = folder + "/" + path;
    if (!bytes) {
      stdfs::create_directories(full);
    } else {
      std::ofstream(full, std::ios::binary) << *bytes;
    }
  }
}

// The luck of each change, in the order in which it is asked for.
class PowerDisk::Draw {
 public:
  explicit Draw(const Loss& loss) : luck_(loss.luck), random_(loss.seed) {}
  bool sector() { return keeps(Luck::BytesStay); }
  bool cut() { return keeps(Luck::BytesStay); }
  bool naming() { return keeps(Luck::NamesStay); }

 private:
  bool keeps(Luck kind) {
    if (luck_ == Luck::HalfStays) return (random_() & 1) != 0;
    odd_ = !odd_;
    if (luck_ == Luck::OddStay || luck_ == Luck::EvenStay) return odd_ == (luck_ == Luck::OddStay);
    return luck_ == Luck::EverythingStays || luck_ == kind;
  }
  Luck luck_;
  bool odd_ = false;
  std::mt19937_64 random_;
};

PowerDisk::Inode* PowerDisk::inode(Node node) {
  const auto found = inodes_.find(node);
  return found == inodes_.end() ? nullptr : &found->second;
}

std::optional<std::string> PowerDisk::below_root(std::string_view path) const {
  if (path == root_) return "";
  if (!path.starts_with(root_ + "/")) return std::nullopt;
  return std::string(path.substr(root_.size() + 1));
}

void PowerDisk::load(Node node, const std::string& folder) {
  for (const auto& entry : stdfs::directory_iterator(folder)) {
    const Node child = next_++;
    inodes_[node].names[entry.path().filename()] = child;
    inodes_[child].folder = entry.is_directory();
    if (entry.is_directory()) {
      load(child, entry.path());
    } else {
      inodes_[child].synced = read_all(entry.path());
    }
  }
  inodes_[node].synced_names = inodes_[node].names;
}

void PowerDisk::forget() {
  inodes_.clear();
  const Node root = next_++;
  inodes_[root].folder = true;
  load(root, root_);
}

bool PowerDisk::step() {
  if (left_ == 0) return false;
  if (left_) --*left_;
  ++steps_;
  return true;
}

PowerDisk::Node PowerDisk::at(std::string_view path) const {
  const auto inside = below_root(path);
  if (!inside) return 0;
  Node node = inodes_.begin()->first;
  for (const auto& part : stdfs::path(*inside)) {
    const auto& names = inodes_.at(node).names;
    const auto found = names.find(part);
    if (found == names.end()) return 0;
    node = found->second;
  }
  return node;
}

PowerDisk::Node PowerDisk::made(std::string_view path, bool folder) {
  const auto [parent, name] = split(path);
  Inode* in = inode(at(parent));
  if (in == nullptr) return 0;
  const Node node = next_++;
  in->names[name] = node;
  in->namings.push_back({.name = name, .node = node});
  inodes_[node].folder = folder;
  return node;
}

void PowerDisk::renamed(std::string_view from, std::string_view to) {
  const Node node = at(from);
  const auto [old_parent, old_name] = split(from);
  const auto [new_parent, new_name] = split(to);
  if (node == 0) return;
  inode(at(old_parent))->names.erase(old_name);
  if (old_parent == new_parent) {
    inode(at(old_parent))->namings.push_back({.gone = old_name, .name = new_name, .node = node});
  } else {
    inode(at(old_parent))->namings.push_back({.gone = old_name});
    inode(at(new_parent))->namings.push_back({.name = new_name, .node = node});
  }
  inode(at(new_parent))->names[new_name] = node;
}

void PowerDisk::removed(std::string_view path) {
  if (at(path) == 0) return;
  const auto [parent, name] = split(path);
  inode(at(parent))->names.erase(name);
  inode(at(parent))->namings.push_back({.gone = name});
}

void PowerDisk::wrote(Node file, uint64_t offset, std::string_view bytes) {
  if (Inode* in = inode(file)) in->writes.push_back({.offset = offset, .bytes = std::string(bytes)});
}

void PowerDisk::cut(Node file, uint64_t size) {
  if (Inode* in = inode(file)) in->writes.push_back({.offset = size, .cut = true});
}

void PowerDisk::moment(std::string_view when, std::string_view path) {
  if (at_sync) at_sync(std::string(when) + " " + below_root(path).value_or("?"));
}

void PowerDisk::settle_bytes(Inode& file) {
  for (const Write& write : std::exchange(file.writes, {})) {
    if (write.cut) {
      file.synced.resize(write.offset);
    } else {
      put(file.synced, write.offset, write.bytes);
    }
  }
}

void PowerDisk::settle() {
  for (auto& [node, in] : inodes_) {
    settle_bytes(in);
    in.synced_names = in.names;
    in.namings.clear();
  }
}

void PowerDisk::settle_file() {
  if (Inode* in = inode(std::exchange(syncing_, 0))) settle_bytes(*in);
}

void PowerDisk::sync_file(Node file, std::string_view path, const std::function<void()>& sync) {
  if (inode(file) == nullptr) return sync();
  ++syncs_;
  moment("before the sync of", path);
  syncing_ = file;
  sync();
  settle_file();
  moment("behind the sync of", path);
}

void PowerDisk::sync_folder(std::string_view path) {
  settle_file();  // SQLite syncs a file, then its folder, in one call
  Inode* in = inode(at(path));
  if (in == nullptr) return;
  ++syncs_;
  moment("before the sync of folder", path);
  in->synced_names = in->names;
  in->namings.clear();
  moment("behind the sync of folder", path);
}

void PowerDisk::place(Node node, const std::string& path, Draw& draw, Platter& out) const {
  const Inode& in = inodes_.at(node);
  if (in.folder) {
    if (!path.empty()) out[path] = std::nullopt;
    auto names = in.synced_names;
    for (const Naming& naming : in.namings) {
      if (!draw.naming()) continue;
      if (!naming.gone.empty()) names.erase(naming.gone);
      if (!naming.name.empty()) names[naming.name] = naming.node;
    }
    for (const auto& [name, child] : names) place(child, path.empty() ? name : path + "/" + name, draw, out);
    return;
  }
  std::string bytes = in.synced;
  for (const Write& write : in.writes) {
    if (write.cut && draw.cut()) bytes.resize(write.offset);
    for (uint64_t from = 0; from < write.bytes.size();) {
      const uint64_t until =
          std::min<uint64_t>(write.bytes.size(), ((write.offset + from) / kSector + 1) * kSector - write.offset);
      if (draw.sector()) put(bytes, write.offset + from, std::string_view(write.bytes).substr(from, until - from));
      from = until;
    }
  }
  out[path] = std::move(bytes);
}

Platter PowerDisk::after(const Loss& loss) const {
  Draw draw(loss);
  Platter out;
  place(inodes_.begin()->first, "", draw, out);
  return out;
}

// --- libsync's files ---

namespace {

class PowerFile final : public libsync::File {
 public:
  PowerFile(PowerDisk& disk, PowerDisk::Node node, std::string path, std::unique_ptr<libsync::File> real)
      : disk_(disk), node_(node), path_(std::move(path)), real_(std::move(real)) {}
  libsync::Result<size_t> read_at(uint64_t offset, std::span<char> out) override { return real_->read_at(offset, out); }
  libsync::Status write_at(uint64_t offset, std::string_view bytes) override {
    disk_.wrote(node_, offset, bytes);
    return real_->write_at(offset, bytes);
  }
  libsync::Status sync() override {
    disk_.sync_file(node_, path_, [] {});
    return {};
  }
  libsync::Result<uint64_t> size() override { return real_->size(); }
  libsync::Status truncate(uint64_t size) override {
    disk_.cut(node_, size);
    return real_->truncate(size);
  }

 private:
  PowerDisk& disk_;
  PowerDisk::Node node_;
  std::string path_;
  std::unique_ptr<libsync::File> real_;
};

}  // namespace

libsync::Result<std::unique_ptr<libsync::File>> PowerFileSystem::open(const std::string& path, libsync::OpenMode mode) {
  const bool there = real_.exists(path);
  TB_ASSIGN(auto file, real_.open(path, mode));
  const auto node = there ? disk_.at(path) : disk_.made(path, false);
  return std::make_unique<PowerFile>(disk_, node, path, std::move(file));
}

libsync::Status PowerFileSystem::rename(const std::string& from, const std::string& to) {
  TB_TRY(real_.rename(from, to));
  disk_.renamed(from, to);
  return {};
}

libsync::Status PowerFileSystem::remove(const std::string& path) {
  TB_TRY(real_.remove(path));
  disk_.removed(path);
  return {};
}

libsync::Result<bool> PowerFileSystem::make_dir(const std::string& path) {
  TB_ASSIGN(const bool now, real_.make_dir(path));
  if (now) disk_.made(path, true);
  return now;
}

libsync::Status PowerFileSystem::sync_dir(const std::string& path) {
  disk_.sync_folder(path);
  return {};
}

}  // namespace twinbox::test
