#pragma once

#include <absl/container/flat_hash_map.h>

#include <deque>
#include <optional>
#include <string>

#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/state/outbox.h"

namespace barograph::server {

/// Which outbox rows there are: pending ones by notice id, and the ended ones in order, so that old
/// ones can go.
///
/// Threads: owned by the partition writer.
class NoticeBook {
 public:
  /// Reads the rows of the outbox.
  /// Errors: kCorruption, kIo.
  [[nodiscard]] Status Load(const storage::Outbox& outbox);
  void Add(const std::string& notice_id, Sequence sequence) { pending_[notice_id] = sequence; }
  /// Row of a pending notice.
  [[nodiscard]] std::optional<Sequence> Find(const std::string& notice_id) const;
  /// The notice is no longer pending.
  void Remove(const std::string& notice_id) { pending_.erase(notice_id); }
  /// A row ended; returns the ended row that has to go for it, if any.
  [[nodiscard]] std::optional<Sequence> AddEnded(const std::string& tenant, Sequence sequence);
  /// An ended row becomes pending again. False: there is no such row.
  [[nodiscard]] bool RemoveEnded(const std::string& tenant, Sequence sequence);
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

 private:
  absl::flat_hash_map<std::string, Sequence> pending_;
  absl::flat_hash_map<std::string, std::deque<Sequence>> ended_;  ///< by tenant, oldest first
};

}  // namespace barograph::server
