#include "rules/window/measure_names.h"

namespace barograph::rules {

MeasureId MeasureNames::Intern(const MeasureName& name) {
  if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
  const bool full = names_.size() >= kMeasuresMax;
  if (full && overflowed()) return MeasureId{static_cast<std::uint16_t>(kMeasuresMax)};
  const MeasureId id{static_cast<std::uint16_t>(names_.size())};
  const MeasureName& kept = full ? MeasureName{"_overflow", ""} : name;
  ids_.emplace(kept, id);
  names_.push_back(kept);
  keys_of_.emplace_back();
  return id;
}

std::optional<MeasureId> MeasureNames::Find(const MeasureName& name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

SeriesKey MeasureNames::AddKey(MeasureId measure, MeasureType type) {
  const auto key = static_cast<SeriesKey>(origins_.size());
  origins_.push_back({measure, type});
  keys_of_[measure.value][static_cast<std::size_t>(type)] = static_cast<std::uint16_t>(key + 1);
  return key;
}

}  // namespace barograph::rules
