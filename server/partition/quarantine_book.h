#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"
#include "storage/log/event_log.h"
#include "storage/state/quarantine.h"

namespace barograph::server {

/// Which records wait in the quarantine, and how many of each tenant.
///
/// Threads: owned by the partition writer.
/// Bounds:  ingest::kQuarantinedMax a tenant, which who adds has checked.
class QuarantineBook {
 public:
  /// Reads the rows of the quarantine.
  /// Errors: kCorruption, kIo.
  [[nodiscard]] Status Load(const storage::Quarantine& quarantine);
  void Add(const std::string& tenant, Sequence sequence);
  void Remove(Sequence sequence);
  /// Null: nothing waits there.
  [[nodiscard]] const std::string* TenantOf(Sequence sequence) const;
  [[nodiscard]] std::size_t PendingOf(const std::string& tenant) const;
  [[nodiscard]] std::size_t pending() const { return tenants_.size(); }

 private:
  absl::flat_hash_map<std::uint64_t, std::string> tenants_;  ///< by sequence
  absl::flat_hash_map<std::string, std::size_t> pending_of_;
};

/// Reads the record that was set aside at `sequence` back from the log.
/// Threads: any.
/// Errors:  kNotFound (not durable, or before the log's start), kCorruption, kIo, kInternal (there
///          is another event at that sequence).
[[nodiscard]] Result<storage::Quarantined> ReadSetAside(const storage::EventLog& log,
                                                        Sequence sequence);

}  // namespace barograph::server
