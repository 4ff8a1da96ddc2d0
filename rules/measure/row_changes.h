#pragma once

#include <absl/container/flat_hash_set.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/money.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// 128 bits of XXH3 over a name: the identity of a row. Two names of one tenant share it with
/// probability 2^-64 at 4e9 names.
struct NameHash {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const NameHash&, const NameHash&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const NameHash& hash) {
    return H::combine(std::move(state), hash.low);
  }
};
[[nodiscard]] NameHash HashName(std::string_view name);

/// The currency of a checkpoint row.
/// Errors: kCorruption.
[[nodiscard]] Result<Currency> StoredCurrency(std::string_view code);

/// The tables of rules/measure; the letter is the second byte of a checkpoint key.
enum class MeasureTable : char {
  kCounter = 'C',
  kCurrency = 'X',
  kDuration = 'D',
  kName = 'N',
  kPrices = 'P',
  kTask = 'T',
  kUntracked = 'U',
};

/// Key of a checkpoint row: 'm', the table's letter, 16 bytes of hash or number, big-endian.
struct MeasureRowKey {
  MeasureTable table{};
  NameHash name;
  friend auto operator<=>(const MeasureRowKey&, const MeasureRowKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const MeasureRowKey& key) {
    return H::combine(std::move(state), key.table, key.name);
  }
  [[nodiscard]] std::string Encode() const;
  [[nodiscard]] static std::optional<MeasureRowKey> Decode(std::string_view bytes);
};

/// Which rows changed since the last checkpoint, and the rows of the checkpoint under way as they
/// were when it began.
///
/// Copy before write: a row that changes while the checkpoint leaves in slices is encoded just
/// before its first change, so that all rows are of one sequence and folding never waits. Threads:
/// owned by one thread.
class MeasureRowChanges {
 public:
  /// The row's present value; empty for a row that does not exist.
  using Encoder = std::function<std::string(const MeasureRowKey&)>;
  using Sink = std::function<void(std::string_view key, std::string_view value)>;
  explicit MeasureRowChanges(Encoder encode) : encode_(std::move(encode)) {}

  /// Must be called before the row changes, appears or goes.
  void Touch(const MeasureRowKey& key);
  /// Number of the present interval between checkpoints, from 1. A row that keeps the number of its
  /// last Touch may skip further ones in the same interval.
  [[nodiscard]] std::uint32_t interval() const { return interval_; }

  /// What changed so far leaves with this checkpoint. At most one is under way.
  void Begin();
  /// Emits about `rows_max` rows; true when the checkpoint is complete.
  [[nodiscard]] bool Continue(std::size_t rows_max, const Sink& sink);

 private:
  Encoder encode_;
  std::uint32_t interval_ = 1;
  absl::flat_hash_set<MeasureRowKey> changed_, leaving_;
  std::vector<MeasureRowKey> changed_order_,
      leaving_order_;  ///< the same keys: iteration without holes
  std::vector<std::pair<MeasureRowKey, std::string>> copies_;
};

}  // namespace barograph::rules
