#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace barograph::crash {

/// What a power cut leaves of writes that were not synced.
enum class Damage {
  kDrop,     ///< nothing
  kTear,     ///< the first ones, the last of them cut at a multiple of 512 or 4096 bytes
  kReorder,  ///< any 512-byte sectors of them, zeros between
  kKeep,     ///< everything: the kernel had just written it
};
inline constexpr int kDamages = 4;

/// A disk that loses power. It keeps apart what was synced, per file and per directory entry:
///
/// - Writes go to the real files at once, as to a page cache, and Sync only notes that they are
/// durable.
/// - New files, renames and removals are durable after a sync of their directory; until then a cut
/// may undo the newest of
///   them, and any new file may vanish, whether or not its content was synced, unless a later
///   rename was kept.
/// - From the operation named by CutAfter on, everything that would change the disk fails. When all
/// users have closed
///   their files, ApplyCut makes the real files what the disk would hold.
/// - A sync that is told to fail does so once; later ones succeed, but what it should have written
/// is gone from the
///   disk all the same, as on Linux after a failed write-back.
///
/// Threads: any.
/// Lifetime: files that it opened must not outlive it.
class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  /// `graveyard` keeps removed files until their removal is durable; an empty folder on the same
  /// real file system.
  explicit FaultFileSystem(std::string graveyard);
  const char* Name() const override { return "FaultFileSystem"; }

  /// The power goes at the `operations`-th change from now; 0 = never.
  void CutAfter(std::uint64_t operations);
  /// Power goes now.
  void Cut();
  [[nodiscard]] bool off() const;
  /// The `syncs`-th sync of a file named `*suffix` from now fails once; an empty suffix means all
  /// files and directories but write-ahead logs. Of these only the caller's syncs fail.
  void FailSync(std::uint64_t syncs, std::string suffix);
  [[nodiscard]] bool sync_failed() const;
  [[nodiscard]] std::uint64_t operations() const;

  /// Bytes in files named `*suffix` that a cut would put at risk now, through their content or
  /// their directory entry.
  [[nodiscard]] std::uint64_t BytesAtRisk(std::string_view suffix) const;

  /// Makes the real files what the disk holds after the cut. Returns how many unsynced bytes were
  /// lost.
  std::uint64_t ApplyCut(Damage damage, std::mt19937_64* random);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& source, const std::string& target,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class FaultWritableFile;
  friend class FaultRandomRWFile;
  friend class FaultDirectory;

  struct Write {
    std::uint64_t offset = 0;
    std::string bytes;
  };
  /// One file, whatever its name is at the moment.
  struct Node {
    std::string name;                 ///< when it was first seen
    bool in_place = false;            ///< overwritten in place; else only appended to
    std::string image;                ///< in place: what the disk holds
    std::uint64_t durable_bytes = 0;  ///< appended: what the disk holds of the real file
    std::vector<Write> unsynced;      ///< in the order of writing
    std::vector<Write> lost;          ///< appended: a failed sync's
  };
  struct EntryChange {
    enum class Kind { kCreate, kRename, kDelete };
    Kind kind = Kind::kCreate;
    std::string path;      ///< created, renamed or removed
    std::string target;    ///< of the rename
    std::string grave;     ///< where the removed or replaced file lies; empty = there was none
    bool in_void = false;  ///< made after the cut
  };

  /// Counts a change; false when the power is off.
  [[nodiscard]] bool Change();
  [[nodiscard]] rocksdb::IOStatus SyncNode(Node* node);
  [[nodiscard]] rocksdb::IOStatus SyncDirectory(const std::string& path);
  [[nodiscard]] bool ThisSyncFails(std::string_view name);
  /// Moves a file out of sight; empty when there is none.
  [[nodiscard]] std::string Bury(const std::string& path);
  void Unbury(const std::string& grave, const std::string& path);
  void Note(EntryChange change);
  [[nodiscard]] std::shared_ptr<Node> NodeOf(const std::string& path, bool in_place);
  void RestoreContent(const std::string& path, const Node& node, Damage damage,
                      std::mt19937_64* random);
  void RestoreEntries(std::vector<EntryChange>* changes, Damage damage, std::mt19937_64* random);
  void UndoEntry(const EntryChange& change);

  mutable std::mutex mutex_;
  const std::string graveyard_;
  std::uint64_t graves_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t cut_at_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t fail_sync_at_ = 0;
  std::string fail_sync_suffix_;
  std::thread::id fail_sync_thread_;
  bool sync_failed_ = false;
  bool off_ = false;
  std::uint64_t lost_bytes_ = 0;
  std::map<std::string, std::shared_ptr<Node>> nodes_;           ///< by real path, graves included
  std::map<std::string, std::vector<EntryChange>> directories_;  ///< unsynced changes, oldest first
};

}  // namespace barograph::crash
