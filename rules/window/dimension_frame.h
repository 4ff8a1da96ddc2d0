#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/measure/measure.h"
#include "storage/event/event_view.h"

namespace barograph::rules {

/// Values of one event's dimensions, each found and hashed at most once an event, and only when a
/// projection asks.
/// Threads: owned by one thread.
class DimensionFrame {
 public:
  using Index = std::uint16_t;

  /// A natural dimension, or else the label of that name.
  Index Add(std::string_view name);
  void Start(const storage::EventView& event) {
    event_ = &event;
    ++round_;
  }
  /// "" where the event has none. Valid until the next Start.
  [[nodiscard]] std::string_view Value(Index index) {
    Slot& slot = slots_[index];
    if (slot.round != round_) Find(&slot);
    return slot.value;
  }
  [[nodiscard]] std::uint64_t Hash(Index index) {
    Slot& slot = slots_[index];
    if (slot.round != round_) Find(&slot);
    return slot.hash;
  }
  [[nodiscard]] static std::uint64_t HashOf(std::string_view value);

 private:
  struct Slot {
    std::uint64_t round = 0;
    std::string_view value;
    std::uint64_t hash = 0;
    std::optional<Dimension> natural;
    std::string name;
    std::string scratch;
  };
  void Find(Slot* slot);

  const storage::EventView* event_ = nullptr;
  std::uint64_t round_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace barograph::rules
