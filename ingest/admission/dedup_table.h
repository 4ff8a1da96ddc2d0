#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/admission/batch.h"
#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Ids of events that came without a producer, in hourly tables: an id that comes again within the
/// horizon is a duplicate.
///
/// The horizon is kDedupHorizon; when a tenant brings more than `ids_max` ids within it, the oldest
/// are forgotten first and the horizon shrinks, which Horizon tells. Ids are kept as 128-bit
/// hashes. Take looks and remembers in one step, so that the next batch sees it before any sync;
/// the row it makes belongs in the same atomic group as the events.
///
/// Rows of Table::kDedup: key = hour u32BE, tenant, first sequence u64BE; value = the hashes, 16
/// bytes each.
/// Threads: owned by the partition writer.
/// Memory: about 35 bytes an id.
class DedupTable {
 public:
  explicit DedupTable(std::size_t ids_max = kDedupIdsMax) : ids_max_(ids_max) {}

  struct Taken {
    std::vector<OfferedId>
        duplicates;   ///< known before, or twice in the batch; in order of position
    std::string row;  ///< value of the batch's row; empty: nothing new
    /// Ids from before are forgotten although they are younger than kDedupHorizon.
    std::optional<Time> known_since = {};
  };
  [[nodiscard]] Taken Take(const Batch& batch, Time log_time);
  [[nodiscard]] static std::string RowKey(Time log_time, std::string_view tenant,
                                          std::uint64_t first_sequence);

  /// Forgets at most `limit` ids beyond the horizon; true when there may be more.
  bool Forget(Time log_time, std::size_t limit);
  /// Rows with keys below this are beyond the horizon.
  [[nodiscard]] static std::string OldestKey(Time log_time);
  /// How far back ids are known: kDedupHorizon, or less for a tenant that brings too many.
  [[nodiscard]] Duration Horizon(Time log_time) const;
  [[nodiscard]] std::size_t size() const { return size_; }

  /// Loads a row; rows must come in order of key.
  /// Errors: kCorruption.
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);

 private:
  struct HashOfHash {
    std::size_t operator()(const EventIdHash& id) const { return id.low; }
  };
  struct Hour {
    std::uint32_t hour = 0;
    std::size_t forgotten = 0;  ///< leading ids that left early
    std::vector<EventIdHash> ids;
  };
  struct TenantIds {
    absl::flat_hash_set<EventIdHash, HashOfHash> known;
    std::deque<Hour> hours;
    std::uint32_t cut_hour =
        0;  ///< every id from this hour on is known, as far as tables were full
  };

  [[nodiscard]] static std::optional<Time> KnownSince(const TenantIds& tenant, Time log_time);
  bool Remember(TenantIds* tenant, std::uint32_t hour, const EventIdHash& id);
  void ForgetOldest(TenantIds* tenant);

  std::size_t ids_max_;
  std::size_t size_ = 0;
  absl::flat_hash_map<std::string, TenantIds> tenants_;
};

}  // namespace barograph::ingest
