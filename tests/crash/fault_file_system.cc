#include "tests/crash/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace barograph::crash {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kPageBytes = 4096;

std::string Normal(const std::string& path) { return fs::path(path).lexically_normal().string(); }
std::string Folder(const std::string& path) { return fs::path(path).parent_path().string(); }

std::string ReadReal(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void WriteReal(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

void Place(std::string* content, std::uint64_t offset, std::string_view bytes) {
  if (content->size() < offset + bytes.size()) content->resize(offset + bytes.size());
  content->replace(offset, bytes.size(), bytes);
}

bool Chance(std::mt19937_64* random, int percent) {
  return (*random)() % 100 < static_cast<std::uint64_t>(percent);
}

}  // namespace

/// Appends go through to the real file; only the notes about them are kept here.
class FaultWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultWritableFile(FaultFileSystem* owner, std::shared_ptr<FaultFileSystem::Node> node,
                    std::uint64_t size, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        owner_(owner),
        node_(std::move(node)),
        size_(size) {}

  IOStatus Append(const Slice& bytes, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock(owner_->mutex_);
    IOStatus status = FSWritableFileOwnerWrapper::Append(bytes, options, debug);
    if (!status.ok()) return status;
    if (owner_->Change()) node_->unsynced.push_back({.offset = size_, .bytes = bytes.ToString()});
    size_ += bytes.size();
    return status;
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*verification*/,
                  IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock(owner_->mutex_);
    if (!owner_->Change()) return IOStatus::OK();
    size_ = size;
    node_->durable_bytes = std::min(node_->durable_bytes, size);
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const std::lock_guard lock(owner_->mutex_);
    return owner_->SyncNode(node_.get());
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  /// Starts a write-back without waiting for it: promises nothing.
  IOStatus RangeSync(std::uint64_t /*offset*/, std::uint64_t /*bytes*/,
                     const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }

 private:
  FaultFileSystem* owner_;
  std::shared_ptr<FaultFileSystem::Node> node_;
  std::uint64_t size_;
};

class FaultRandomRWFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  FaultRandomRWFile(FaultFileSystem* owner, std::shared_ptr<FaultFileSystem::Node> node,
                    std::unique_ptr<rocksdb::FSRandomRWFile> file)
      : FSRandomRWFileOwnerWrapper(std::move(file)), owner_(owner), node_(std::move(node)) {}

  IOStatus Write(std::uint64_t offset, const Slice& bytes, const IOOptions& options,
                 IODebugContext* debug) override {
    const std::lock_guard lock(owner_->mutex_);
    IOStatus status = FSRandomRWFileOwnerWrapper::Write(offset, bytes, options, debug);
    if (!status.ok()) return status;
    if (owner_->Change()) node_->unsynced.push_back({.offset = offset, .bytes = bytes.ToString()});
    return status;
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const std::lock_guard lock(owner_->mutex_);
    return owner_->SyncNode(node_.get());
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  FaultFileSystem* owner_;
  std::shared_ptr<FaultFileSystem::Node> node_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(FaultFileSystem* owner, std::string path,
                 std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), owner_(owner), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const std::lock_guard lock(owner_->mutex_);
    return owner_->SyncDirectory(path_);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& /*directory*/) override {
    return Fsync(options, debug);
  }

 private:
  FaultFileSystem* owner_;
  std::string path_;
};

FaultFileSystem::FaultFileSystem(std::string graveyard)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), graveyard_(std::move(graveyard)) {
  fs::remove_all(graveyard_);
  fs::create_directories(graveyard_);
}

void FaultFileSystem::CutAfter(std::uint64_t operations) {
  const std::lock_guard lock(mutex_);
  cut_at_ = operations == 0 ? 0 : operations_ + operations;
}

void FaultFileSystem::Cut() {
  const std::lock_guard lock(mutex_);
  off_ = true;
}

bool FaultFileSystem::off() const {
  const std::lock_guard lock(mutex_);
  return off_;
}

void FaultFileSystem::FailSync(std::uint64_t syncs, std::string suffix) {
  const std::lock_guard lock(mutex_);
  fail_sync_suffix_ = std::move(suffix);
  fail_sync_thread_ = std::this_thread::get_id();
  fail_sync_at_ = syncs == 0 ? 0 : syncs_ + syncs;
}

bool FaultFileSystem::sync_failed() const {
  const std::lock_guard lock(mutex_);
  return sync_failed_;
}

std::uint64_t FaultFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t FaultFileSystem::BytesAtRisk(std::string_view suffix) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [path, node] : nodes_) {
    if (!std::string_view(path).ends_with(suffix)) continue;
    for (const Write& write : node->unsynced) bytes += write.bytes.size();
    for (const Write& write : node->lost) bytes += write.bytes.size();
  }
  for (const auto& [folder, changes] : directories_) {
    for (const EntryChange& change : changes) {
      const bool named = std::string_view(change.path).ends_with(suffix);
      if (change.kind != EntryChange::Kind::kCreate || !named) continue;
      std::error_code gone;
      const std::uintmax_t size = fs::file_size(change.path, gone);
      if (!gone) bytes += size;
    }
  }
  return bytes;
}

bool FaultFileSystem::Change() {
  if (off_) return false;
  ++operations_;
  if (operations_ == cut_at_) off_ = true;  // this one is still done
  return true;
}

bool FaultFileSystem::ThisSyncFails(std::string_view name) {
  if (!name.ends_with(fail_sync_suffix_)) return false;
  const bool callers = std::this_thread::get_id() == fail_sync_thread_;
  if (name.ends_with(".log") && (fail_sync_suffix_.empty() || !callers)) return false;
  ++syncs_;
  if (syncs_ != fail_sync_at_) return false;
  sync_failed_ = true;
  return true;
}

IOStatus FaultFileSystem::SyncNode(Node* node) {
  if (!Change()) return IOStatus::OK();
  const bool fails = ThisSyncFails(node->name);
  for (Write& write : node->unsynced) {
    const std::uint64_t end = write.offset + write.bytes.size();
    if (node->in_place) {
      if (!fails) Place(&node->image, write.offset, write.bytes);
      continue;
    }
    node->durable_bytes = std::max(node->durable_bytes, end);
    if (fails) node->lost.push_back(std::move(write));
  }
  node->unsynced.clear();
  return fails ? IOStatus::IOError("the device failed") : IOStatus::OK();
}

IOStatus FaultFileSystem::SyncDirectory(const std::string& path) {
  if (!Change()) return IOStatus::OK();
  if (ThisSyncFails(path)) return IOStatus::IOError("the device failed");
  for (const EntryChange& change : directories_[path]) {
    if (change.grave.empty()) continue;
    nodes_.erase(change.grave);
    fs::remove(change.grave);
  }
  directories_.erase(path);
  return IOStatus::OK();
}

std::string FaultFileSystem::Bury(const std::string& path) {
  if (!fs::exists(path)) return "";
  std::string grave = graveyard_ + "/" + std::to_string(++graves_);
  fs::rename(path, grave);
  auto node = nodes_.extract(path);
  if (!node.empty()) {
    node.key() = grave;
    nodes_.insert(std::move(node));
  }
  return grave;
}

void FaultFileSystem::Unbury(const std::string& grave, const std::string& path) {
  if (!grave.empty()) fs::rename(grave, path);
}

void FaultFileSystem::Note(EntryChange change) {
  change.in_void = !Change();
  directories_[Folder(change.path)].push_back(std::move(change));
}

std::shared_ptr<FaultFileSystem::Node> FaultFileSystem::NodeOf(const std::string& path,
                                                               bool in_place) {
  std::shared_ptr<Node>& node = nodes_[path];
  if (node == nullptr) {
    node = std::make_shared<Node>();
    node->name = path;
    node->durable_bytes = fs::exists(path) ? fs::file_size(path) : 0;
  }
  if (in_place && !node->in_place) {
    node->in_place = true;
    node->image = ReadReal(path).substr(0, node->durable_bytes);
  }
  return node;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  if (std::string grave = Bury(path); !grave.empty()) {
    Note({.kind = EntryChange::Kind::kDelete, .path = path, .grave = std::move(grave)});
  }
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  Note({.kind = EntryChange::Kind::kCreate, .path = path});
  *file = std::make_unique<FaultWritableFile>(this, NodeOf(path, false), 0, std::move(*file));
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& name,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  const bool exists = fs::exists(path);
  IOStatus status = FileSystemWrapper::ReopenWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  if (!exists) Note({.kind = EntryChange::Kind::kCreate, .path = path});
  *file = std::make_unique<FaultWritableFile>(this, NodeOf(path, false), fs::file_size(path),
                                              std::move(*file));
  return status;
}

IOStatus FaultFileSystem::NewRandomRWFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                          IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  IOStatus status = FileSystemWrapper::NewRandomRWFile(path, options, file, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<FaultRandomRWFile>(this, NodeOf(path, true), std::move(*file));
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory,
                                       IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewDirectory(name, options, directory, debug);
  if (!status.ok()) return status;
  // "folder" and "folder/" are one.
  const std::string path = (fs::path(Normal(name)) / "x").parent_path().string();
  *directory = std::make_unique<FaultDirectory>(this, path, std::move(*directory));
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  const std::string path = Normal(name);
  std::string grave = Bury(path);
  if (grave.empty()) return FileSystemWrapper::DeleteFile(path, options, debug);
  Note({.kind = EntryChange::Kind::kDelete, .path = path, .grave = std::move(grave)});
  return IOStatus::OK();
}

IOStatus FaultFileSystem::RenameFile(const std::string& source, const std::string& target,
                                     const IOOptions& options, IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  EntryChange change{
      .kind = EntryChange::Kind::kRename, .path = Normal(source), .target = Normal(target)};
  change.grave = Bury(change.target);
  IOStatus status = FileSystemWrapper::RenameFile(change.path, change.target, options, debug);
  if (!status.ok()) return status;
  auto node = nodes_.extract(change.path);
  if (!node.empty()) {
    node.key() = change.target;
    nodes_.insert(std::move(node));
  }
  Note(std::move(change));
  return status;
}

std::uint64_t FaultFileSystem::ApplyCut(Damage damage, std::mt19937_64* random) {
  const std::lock_guard lock(mutex_);
  off_ = true;
  lost_bytes_ = 0;
  for (const auto& [path, node] : nodes_) RestoreContent(path, *node, damage, random);
  for (auto& [folder, changes] : directories_) RestoreEntries(&changes, damage, random);
  nodes_.clear();
  directories_.clear();
  return lost_bytes_;
}

void FaultFileSystem::RestoreContent(const std::string& path, const Node& node, Damage damage,
                                     std::mt19937_64* random) {
  const std::string real = ReadReal(path);
  std::size_t written = node.durable_bytes;
  std::string disk = node.in_place ? node.image : real.substr(0, node.durable_bytes);
  for (const Write& write : node.lost) {
    Place(&disk, write.offset, std::string(write.bytes.size(), '\0'));
    lost_bytes_ += write.bytes.size();
  }
  const std::size_t whole = (*random)() % (node.unsynced.size() + 1);
  const int percent = static_cast<int>((*random)() % 9 + 1) * 10;
  for (std::size_t i = 0; i < node.unsynced.size(); ++i) {
    const Write& write = node.unsynced[i];
    const std::string_view bytes = write.bytes;
    written = std::max<std::size_t>(written, write.offset + bytes.size());
    if (damage == Damage::kKeep || (damage == Damage::kTear && i < whole)) {
      Place(&disk, write.offset, bytes);
    } else if (damage == Damage::kTear && i == whole) {
      const std::uint64_t unit = Chance(random, 50) ? kSectorBytes : kPageBytes;
      const std::uint64_t end = write.offset + (*random)() % (bytes.size() + 1);
      const std::uint64_t cut = std::max(end / unit * unit, write.offset);
      Place(&disk, write.offset, bytes.substr(0, cut - write.offset));
      lost_bytes_ += write.offset + bytes.size() - cut;
    } else if (damage == Damage::kReorder) {
      for (std::uint64_t at = 0; at < bytes.size();) {
        const std::uint64_t sector = kSectorBytes - (write.offset + at) % kSectorBytes;
        const std::string_view piece = bytes.substr(at, sector);
        if (Chance(random, percent)) {
          Place(&disk, write.offset + at, piece);
        } else {
          lost_bytes_ += piece.size();
        }
        at += piece.size();
      }
    } else {
      lost_bytes_ += bytes.size();
    }
  }
  // The new length may be on the disk before the new bytes are.
  if (damage == Damage::kReorder && Chance(random, 30)) disk.resize(std::max(disk.size(), written));
  if (disk != real) WriteReal(path, disk);
}

void FaultFileSystem::RestoreEntries(std::vector<EntryChange>* changes, Damage damage,
                                     std::mt19937_64* random) {
  while (!changes->empty() && changes->back().in_void) {
    UndoEntry(changes->back());
    changes->pop_back();
  }
  std::size_t kept = changes->size();
  if (damage == Damage::kDrop) kept = 0;
  if (damage == Damage::kTear || damage == Damage::kReorder) kept = (*random)() % (kept + 1);
  while (changes->size() > kept) {
    UndoEntry(changes->back());
    changes->pop_back();
  }
  if (damage != Damage::kReorder) return;
  // A rename is a barrier, as in a journal: what RocksDB made before CURRENT was renamed to it does
  // not vanish alone.
  const auto is_rename = [](const EntryChange& change) {
    return change.kind == EntryChange::Kind::kRename;
  };
  auto change = std::find_if(changes->rbegin(), changes->rend(), is_rename).base();
  for (; change != changes->end(); ++change) {
    if (change->kind != EntryChange::Kind::kCreate || !Chance(random, 30)) continue;
    const auto removed = [&](const EntryChange& other) {
      return other.kind == EntryChange::Kind::kDelete && other.path == change->path;
    };
    if (std::none_of(changes->begin(), changes->end(), removed)) fs::remove(change->path);
  }
}

void FaultFileSystem::UndoEntry(const EntryChange& change) {
  switch (change.kind) {
    case EntryChange::Kind::kCreate:
      fs::remove(change.path);
      return;
    case EntryChange::Kind::kRename:
      fs::rename(change.target, change.path);
      Unbury(change.grave, change.target);
      return;
    case EntryChange::Kind::kDelete:
      Unbury(change.grave, change.path);
      return;
  }
}

}  // namespace barograph::crash
