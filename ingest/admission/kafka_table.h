#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/admission/kafka_source.h"
#include "ingest/admission/limits.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Where reading of each partition of Kafka stands: the reason why a record that comes twice is
/// stored once.
///
/// Decide only looks; Apply, Stop and Skip change memory at once, so that the next batch sees it
/// before any sync; StageRows hands out the rows of what changed since its last call, for the same
/// atomic group as the events.
///
/// Row of Table::kKafka: key = topic, partition u32BE; value = the position and its counters.
/// Threads: owned by the partition writer.
/// Bounds:  `positions_max` partitions; a topic that is read no longer keeps its rows.
class KafkaTable {
 public:
  explicit KafkaTable(std::size_t positions_max = kKafkaPositionsMax)
      : positions_max_(positions_max) {}

  /// Whether a batch of this source is next.
  /// Errors: kFailedPrecondition (it does not begin at the position, or the partition is stopped;
  /// names the position), kInvalidArgument (offsets that contradict each other, a topic's name of
  /// no or too many bytes), kResourceExhausted (too many partitions).
  [[nodiscard]] Status Decide(const KafkaSource& source) const;
  /// Takes a decided batch into the table. Offsets inside it without a record count as holes; what
  /// lies before a partition's first batch does not.
  void Apply(const KafkaSource& source, std::string_view tenant, std::uint64_t events,
             std::uint64_t duplicates);

  /// Notes why a partition cannot go on, cut at kKafkaProblemBytesMax; an empty problem lets it go
  /// on where it was. A partition that was never read gets a position at 0 for its problem.
  /// Errors: as Decide, but for its positions.
  [[nodiscard]] Status Stop(std::string_view topic, std::uint32_t partition,
                            std::string_view problem, Time now);
  struct Skipped {
    std::uint64_t from = 0;
    std::string tenant, problem;
  };
  /// Reading goes on at `to`, with nothing to compare and no problem.
  /// Errors: kNotFound (never read).
  [[nodiscard]] Result<Skipped> Skip(std::string_view topic, std::uint32_t partition,
                                     std::uint64_t to);

  /// Null: never read. Valid until the next change.
  [[nodiscard]] const KafkaPosition* Find(std::string_view topic, std::uint32_t partition) const;
  /// All, by topic and partition.
  [[nodiscard]] std::vector<KafkaPosition> List() const;
  /// Those that were stopped first, at most `limit`.
  [[nodiscard]] std::vector<const KafkaPosition*> Stopped(std::size_t limit) const;
  [[nodiscard]] std::size_t stopped() const { return stopped_.size(); }
  [[nodiscard]] std::size_t size() const { return positions_.size(); }

  /// Rows for Table::kKafka.
  using RowSink = std::function<void(std::string_view key, std::string_view value)>;
  void StageRows(const RowSink& sink);
  /// Errors: kCorruption.
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);

 private:
  using Key = std::pair<std::string, std::uint32_t>;
  struct Place {
    KafkaPosition position;
    Time stopped_at{};  ///< meaningless while there is no problem
    bool dirty = false;
  };
  using Positions = std::map<Key, Place>;

  [[nodiscard]] Status CheckPlace(std::string_view topic, std::uint32_t partition) const;
  Place& PlaceOf(std::string_view topic, std::uint32_t partition);
  void MarkDirty(Place* place);
  void SetProblem(Place* place, std::string problem, Time at);

  std::size_t positions_max_;
  Positions positions_;
  std::set<std::pair<Time, Key>> stopped_;  ///< derived: positions with a problem
  std::vector<Key> dirty_;
};

}  // namespace barograph::ingest
