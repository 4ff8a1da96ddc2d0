#pragma once

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
/// before its first change, so that all rows are of one sequence and folding never waits. Each row
/// keeps the number of the interval in which it last changed (its mark): so a change costs a
/// comparison, and only the first one of an interval more.
/// Threads: owned by one thread.
class MeasureRowChanges {
 public:
  struct Row {
    std::string value;       ///< empty for a row that does not exist
    std::uint32_t mark = 0;  ///< 0: never, or none
  };
  using Encoder = std::function<Row(const MeasureRowKey&)>;
  using Sink = std::function<void(std::string_view key, std::string_view value)>;
  explicit MeasureRowChanges(Encoder encode) : encode_(std::move(encode)) {}

  /// A row appears; `mark` is the row's own.
  void Add(const MeasureRowKey& key, std::uint32_t* mark);
  /// A row appears that will neither change nor go: it needs no mark.
  void Add(const MeasureRowKey& key) { Note(key, true); }
  /// Must be called before a row changes or goes.
  void Touch(const MeasureRowKey& key, std::uint32_t* mark) {
    if (*mark != interval_) TouchFirst(key, mark);
  }

  /// What changed so far leaves with this checkpoint. At most one is under way.
  void Begin();
  /// Emits about `rows_max` rows; true when the checkpoint is complete. A key may come twice: the
  /// last value is the right one.
  [[nodiscard]] bool Continue(std::size_t rows_max, const Sink& sink);

 private:
  struct Change {
    MeasureRowKey key;
    bool appeared = false;  ///< the checkpoint before has no such row
  };
  void TouchFirst(const MeasureRowKey& key, std::uint32_t* mark);
  void Note(const MeasureRowKey& key, bool appeared);
  void ForgetVanished();

  Encoder encode_;
  std::uint32_t interval_ = 1;  ///< between checkpoints, from 1
  bool is_leaving_ = false;
  std::vector<Change> changed_, leaving_;
  std::size_t forget_at_ = kForgetMin;
  std::vector<std::pair<MeasureRowKey, std::string>> copies_;

  /// So many changes without a checkpoint, and rows that came and went are struck off the list.
  static constexpr std::size_t kForgetMin = std::size_t{1} << 20;
};

}  // namespace barograph::rules
