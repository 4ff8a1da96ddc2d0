#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/admission/limits.h"
#include "storage/base/limits.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Which sequences of each producer were decided, and how: the reason why sending twice stores
/// once.
///
/// Every sequence is decided once (accepted or rejected) and advances `acked_sequence`; sequences
/// go on across epochs, an epoch only fences. The last kProducerBatchesKept batches of each
/// producer are kept as (count, hash, rejected), so that a repeated batch gets its verdicts again
/// and other bytes under the same sequence are noticed. A batch cut in other places than before, or
/// older than that, is answered as duplicate without a comparison of its bytes.
///
/// Decide only looks; Apply changes memory at once, so that the next batch sees it before any sync;
/// StageRows hands out the rows of what was applied since its last call, for the same atomic group
/// as the events.
///
/// Threads:   owned by the partition writer.
/// Bounds:    `producers_max` a tenant; kProducerIdleMax without a batch, then FindExpired names
/// it.
class ProducerTable {
 public:
  struct Bounds {
    std::size_t producers_max = kProducersMax;  ///< of one tenant
    std::size_t batches_kept = kProducerBatchesKept;
    std::size_t verdicts_kept =
        20'000;  ///< rejections kept of one producer; beyond, its oldest batches are let go
  };
  ProducerTable() : ProducerTable(Bounds()) {}
  explicit ProducerTable(const Bounds& bounds) : bounds_(bounds) {}

  struct Decision {
    std::uint32_t decided_before =
        0;  ///< leading events of the batch that are no news; == offered: nothing to append
    std::vector<Verdict> verdicts;     ///< of those
    std::uint64_t acked_sequence = 0;  ///< once the rest is applied
  };
  /// What to do with a batch that has a producer.
  /// Errors: kInvalidArgument (a gap, naming expected and given), kFailedPrecondition (an epoch
  /// below the producer's), kAlreadyExists (other bytes under the same sequences),
  /// kResourceExhausted (too many producers).
  [[nodiscard]] Result<Decision> Decide(const Batch& batch) const;
  /// Takes the new part of a decided batch (after CutFront) into the table.
  void Apply(const Batch& batch, Time log_time);

  [[nodiscard]] ProducerStanding Find(std::string_view tenant, std::string_view producer) const;
  [[nodiscard]] std::size_t size() const { return producers_.size(); }

  struct Idle {
    std::string tenant, producer;
    std::uint64_t acked_sequence = 0;
  };
  /// Producers without a batch for kProducerIdleMax, longest idle first, at most `limit`.
  [[nodiscard]] std::vector<Idle> FindExpired(Time log_time, std::size_t limit) const;
  void Remove(std::string_view tenant, std::string_view producer);

  /// Rows for Table::kProducers; no value: the row goes.
  using RowSink = std::function<void(std::string_view key, std::optional<std::string_view> value)>;
  void StageRows(const RowSink& sink);
  /// Errors: kCorruption.
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  /// After the last LoadRow.
  void FinishLoad();

 private:
  struct Rejection {
    std::uint32_t offset = 0;  ///< in its batch
    std::string reason;        ///< below the event; empty: no longer kept
  };
  struct DecidedBatch {
    std::uint32_t count = 0;
    std::uint64_t hash = 0;
    std::vector<Rejection> rejected;
  };
  struct Producer {
    std::string key, tenant;
    std::uint64_t epoch = 0, acked_sequence = 0;
    Time last_active{};
    std::vector<DecidedBatch> batches;  ///< in order, without gaps, ending at acked_sequence
    bool dirty = false;
    [[nodiscard]] std::uint64_t first_kept() const;
  };
  using ByActivity = std::list<Producer>;

  [[nodiscard]] const Producer* FindProducer(std::string_view tenant, std::string_view id) const;
  [[nodiscard]] static Status CheckBytes(const Producer& producer, const Batch& batch);
  [[nodiscard]] static std::vector<Verdict> RepeatVerdicts(const Producer& producer,
                                                           const Batch& batch, std::uint32_t count);
  void Remember(const Batch& batch, Producer* producer) const;
  void MarkDirty(Producer* producer);
  static void EncodeRow(const Producer& producer, std::string* row);

  Bounds bounds_;
  ByActivity by_activity_;  ///< longest idle first
  absl::flat_hash_map<std::string, ByActivity::iterator> producers_;
  absl::flat_hash_map<std::string, std::size_t> of_tenant_;
  std::vector<std::string> dirty_keys_;
  mutable std::string key_buffer_;
};

}  // namespace barograph::ingest
