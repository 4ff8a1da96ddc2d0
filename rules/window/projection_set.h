#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/window/cell_table.h"
#include "rules/window/dimension_frame.h"
#include "rules/window/window_store.h"

namespace barograph::rules {

/// A projection in force, with its cells.
struct LiveProjection {
  struct Condition {
    DimensionFrame::Index dimension;
    std::vector<std::string> any_of;
  };
  Projection spec;
  ProjectionId id;
  Sequence since;
  bool built_in = false;
  bool watched = false;
  std::vector<DimensionFrame::Index> by;
  std::vector<Condition> where;
  std::vector<std::uint16_t> slices;     ///< places in the store's slices
  std::vector<std::uint16_t> calendars;  ///< places in the store's calendar sums
  std::vector<std::uint16_t> sightings;  ///< places in the store's sightings
  CellTable table;
  std::vector<Cell*> cells;  ///< in order of creation
  Cell* overflow = nullptr;
};

/// All projections of one store, and which of them an event can reach: a projection with filters is
/// listed under the values of its most telling filter, so that a thousand rules with `where` cost
/// an event a look-up and not a thousand comparisons.
///
/// Threads: owned by one thread.
class ProjectionSet {
 public:
  ProjectionSet();

  [[nodiscard]] LiveProjection* Find(const Projection& spec) const;
  [[nodiscard]] LiveProjection* At(ProjectionId id) const {
    return id.value < all_.size() ? all_[id.value].get() : nullptr;
  }
  /// Adds with the lowest free number, or with `id`.
  LiveProjection* Add(const Projection& spec, Sequence since,
                      std::optional<ProjectionId> id = std::nullopt);
  void Remove(ProjectionId id) { all_[id.value].reset(); }
  /// After the last Add or Remove: makes the ways from events to projections anew.
  void Route();

  /// Calls visit(LiveProjection*) for each whose filters let the event pass, always in the same
  /// order.
  template <typename Visit>
  void ForEachMatch(const storage::EventView& event, const Visit& visit) {
    frame_.Start(event);
    for (LiveProjection* projection : open_) visit(projection);
    for (Way& way : ways_) {
      const auto found = way.by_value.find(frame_.Hash(way.dimension));
      if (found == way.by_value.end()) continue;
      for (LiveProjection* projection : found->second) {
        if (Passes(*projection)) visit(projection);
      }
    }
  }
  /// The event's cell; null when there is none yet.
  [[nodiscard]] Cell* FindCell(const LiveProjection& projection, std::uint64_t* hash);
  /// The event's values of the projection's dimensions, packed.
  [[nodiscard]] std::string Values(const LiveProjection& projection);
  /// False for a built-in projection whose dimension the event does not have.
  [[nodiscard]] bool Concerns(const LiveProjection& projection) {
    return !projection.built_in || projection.by.empty() || !frame_.Value(projection.by[0]).empty();
  }

  /// In order of number; removed ones are null.
  [[nodiscard]] const std::vector<std::unique_ptr<LiveProjection>>& all() const { return all_; }

 private:
  struct Way {
    DimensionFrame::Index dimension;
    absl::flat_hash_map<std::uint64_t, std::vector<LiveProjection*>> by_value;  ///< hash of a value
  };
  [[nodiscard]] bool Passes(const LiveProjection& projection);

  DimensionFrame frame_;
  std::vector<std::unique_ptr<LiveProjection>> all_;
  std::vector<LiveProjection*> open_;  ///< without filters
  std::vector<Way> ways_;
};

/// {}, {agent}, {type}, {model}, {category}, {service}.
[[nodiscard]] const std::vector<Projection>& BuiltInProjections();
[[nodiscard]] std::uint64_t HashOfValues(std::span<const std::string_view> values);

}  // namespace barograph::rules
