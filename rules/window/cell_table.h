#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/window/measure_names.h"
#include "rules/window/series.h"
#include "rules/window/window_store.h"

namespace barograph::rules {

/// One tuple of values of a projection, with the heads of its series side by side. The first two
/// cache lines are what an event
/// needs besides the heads.
struct alignas(64) Cell {
  static constexpr SeriesKey kNearKeys = 40;
  static constexpr std::uint8_t kFar = 255;  ///< look into `far`

  std::string values;  ///< packed, see PackValues
  std::vector<SeriesHead> heads;
  std::uint64_t hash = 0;
  std::array<std::uint8_t, kNearKeys>
      near{};  ///< of the first keys: place in `heads` + 1, 0 or kFar
  std::uint32_t id = 0;
  std::uint32_t touched = 0;  ///< round of TakeTouched in which it was last reported
  ProjectionId projection;
  bool is_overflow = false;
  Time judged_from{};                   ///< slices that end later count
  std::vector<std::uint16_t> far;       ///< of all other keys: place in `heads` + 1, or 0
  std::uint32_t sightings_mark = 0;     ///< as SeriesHead::mark, of `sightings`
  std::vector<CellSighting> sightings;  ///< by the projection's sightings; empty: none seen yet

  [[nodiscard]] SeriesHead* Find(SeriesKey key) {
    if (key < kNearKeys) [[likely]] {
      const std::uint8_t slot = near[key];
      if (slot != kFar) [[likely]]
        return slot == 0 ? nullptr : &heads[slot - 1U];
    }
    const std::uint16_t slot = key < far.size() ? far[key] : std::uint16_t{0};
    return slot == 0 ? nullptr : &heads[slot - 1U];
  }
  [[nodiscard]] const SeriesHead* Find(SeriesKey key) const {
    return const_cast<Cell*>(this)->Find(key);
  }
  SeriesHead* Add(SeriesKey key, std::unique_ptr<Series> series);
  void Remove(SeriesKey key);
  /// All keys are below.
  [[nodiscard]] SeriesKey key_limit() const {
    return std::max(kNearKeys, static_cast<SeriesKey>(far.size()));
  }
  void Prefetch() const {
    __builtin_prefetch(&near);
    const char* const first = reinterpret_cast<const char*>(heads.data());
    for (std::size_t at = 0; at < std::min<std::size_t>(heads.size() * sizeof(SeriesHead), 512);
         at += 64) {
      __builtin_prefetch(first + at, 1);
    }
  }
};

/// Each value after its 16-bit length.
[[nodiscard]] std::string PackValues(std::span<const std::string_view> values);
[[nodiscard]] std::vector<std::string_view> UnpackValues(std::string_view packed);

/// Hash of a tuple from the hashes of its values.
class TupleHash {
 public:
  void Add(std::uint64_t value_hash) { hash_ = (hash_ ^ value_hash) * 0x9FB2'1C65'1E98'DF25ULL; }
  [[nodiscard]] std::uint64_t value() const { return hash_ ^ (hash_ >> 29); }

 private:
  std::uint64_t hash_ = 0x9E37'79B9'7F4A'7C15ULL;
};

/// Cells of one projection by the hash of their values: open addressing with linear probing, at
/// most half full.
/// Threads: owned by one thread.
class CellTable {
 public:
  /// The cell of this hash that matches; null when there is none.
  template <typename Matches>
  [[nodiscard]] Cell* Find(std::uint64_t hash, const Matches& matches) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.cell == nullptr) return nullptr;
      if (slot.hash == hash && matches(*slot.cell)) return slot.cell;
    }
  }
  void Insert(Cell* cell);
  [[nodiscard]] std::size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Cell* cell = nullptr;
  };
  void Place(Cell* cell);

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace barograph::rules
