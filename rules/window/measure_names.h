#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "rules/measure/measure.h"

namespace barograph::rules {

/// Measures of one tenant: names beyond fall together into the measure `_overflow`.
inline constexpr std::size_t kMeasuresMax = 8192;

/// Number of a measure of one type: `sample:queue` may be a gauge of one agent and a sum of
/// another, and is two series then.
using SeriesKey = std::uint16_t;
static_assert((kMeasuresMax + 1) * kMeasureTypes < UINT16_MAX,
              "so that one past the last fits too");

/// Gives numbers to names, in order of first use.
/// Threads: owned by one thread.
class MeasureNames {
 public:
  struct KeyOrigin {
    MeasureId measure;
    MeasureType type;
  };

  MeasureId Intern(const MeasureName& name);
  [[nodiscard]] std::optional<MeasureId> Find(const MeasureName& name) const;
  [[nodiscard]] const MeasureName& NameOf(MeasureId id) const { return names_[id.value]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] bool overflowed() const { return names_.size() > kMeasuresMax; }

  SeriesKey KeyOf(MeasureId measure, MeasureType type) {
    const std::uint16_t found = keys_of_[measure.value][static_cast<std::size_t>(type)];
    return found != 0 ? static_cast<SeriesKey>(found - 1) : AddKey(measure, type);
  }
  [[nodiscard]] std::optional<SeriesKey> FindKey(MeasureId measure, MeasureType type) const {
    if (measure.value >= keys_of_.size()) return std::nullopt;
    const std::uint16_t found = keys_of_[measure.value][static_cast<std::size_t>(type)];
    if (found == 0) return std::nullopt;
    return static_cast<SeriesKey>(found - 1);
  }
  [[nodiscard]] const KeyOrigin& OriginOf(SeriesKey key) const { return origins_[key]; }
  [[nodiscard]] std::size_t key_count() const { return origins_.size(); }

 private:
  SeriesKey AddKey(MeasureId measure, MeasureType type);

  std::map<MeasureName, MeasureId> ids_;
  std::vector<MeasureName> names_;
  std::vector<std::array<std::uint16_t, kMeasureTypes>>
      keys_of_;  ///< by measure and type: key + 1, or 0
  std::vector<KeyOrigin> origins_;
};

}  // namespace barograph::rules
