#include "rules/window/projection_set.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace barograph::rules {

const std::vector<Projection>& BuiltInProjections() {
  static const std::vector<Projection> kAll = {{{}, {}},           {{"agent"}, {}},
                                               {{"type"}, {}},     {{"model"}, {}},
                                               {{"category"}, {}}, {{"service"}, {}}};
  return kAll;
}

std::uint64_t HashOfValues(std::span<const std::string_view> values) {
  TupleHash hash;
  for (const std::string_view value : values) hash.Add(DimensionFrame::HashOf(value));
  return hash.value();
}

ProjectionSet::ProjectionSet() {
  for (const Projection& spec : BuiltInProjections()) Add(spec, Sequence{1})->built_in = true;
  Route();
}

LiveProjection* ProjectionSet::Find(const Projection& spec) const {
  for (const auto& each : all_) {
    if (each != nullptr && each->spec == spec) return each.get();
  }
  return nullptr;
}

LiveProjection* ProjectionSet::Add(const Projection& spec, Sequence since,
                                   std::optional<ProjectionId> id) {
  std::size_t place = 0;
  if (id) {
    place = id->value;
  } else {
    while (place < all_.size() && all_[place] != nullptr) ++place;
  }
  if (place >= all_.size()) all_.resize(place + 1);
  auto projection = std::make_unique<LiveProjection>();
  projection->spec = spec;
  projection->id = ProjectionId{static_cast<std::uint16_t>(place)};
  projection->since = since;
  for (const std::string& name : spec.by) projection->by.push_back(frame_.Add(name));
  for (const Projection::Filter& filter : spec.where) {
    projection->where.push_back({frame_.Add(filter.dimension), filter.any_of});
  }
  all_[place] = std::move(projection);
  return all_[place].get();
}

void ProjectionSet::Route() {
  open_.clear();
  ways_.clear();
  std::map<DimensionFrame::Index, std::set<std::string>> values;
  for (const auto& each : all_) {
    if (each == nullptr) continue;
    for (const auto& condition : each->where) {
      values[condition.dimension].insert(condition.any_of.begin(), condition.any_of.end());
    }
  }
  std::map<DimensionFrame::Index, Way> ways;
  for (const auto& each : all_) {
    if (each == nullptr) continue;
    if (each->where.empty()) {
      open_.push_back(each.get());
      continue;
    }
    const auto& telling = *std::max_element(
        each->where.begin(), each->where.end(), [&values](const auto& a, const auto& b) {
          return values[a.dimension].size() < values[b.dimension].size();
        });
    Way& way = ways[telling.dimension];
    way.dimension = telling.dimension;
    for (const std::string& value : telling.any_of)
      way.by_value[DimensionFrame::HashOf(value)].push_back(each.get());
  }
  for (auto& [dimension, way] : ways) ways_.push_back(std::move(way));
}

bool ProjectionSet::Passes(const LiveProjection& projection) {
  return std::all_of(
      projection.where.begin(), projection.where.end(), [this](const auto& condition) {
        const std::string_view value = frame_.Value(condition.dimension);
        return std::any_of(condition.any_of.begin(), condition.any_of.end(),
                           [value](const std::string& each) { return each == value; });
      });
}

Cell* ProjectionSet::FindCell(const LiveProjection& projection, std::uint64_t* hash) {
  if (projection.by.empty()) {
    *hash = TupleHash().value();
    return projection.cells.empty() ? nullptr : projection.cells.front();
  }
  TupleHash tuple;
  for (const DimensionFrame::Index dimension : projection.by) tuple.Add(frame_.Hash(dimension));
  *hash = tuple.value();
  return projection.table.Find(*hash, [&](const Cell& cell) {
    const char* packed = cell.values.data();
    for (const DimensionFrame::Index dimension : projection.by) {
      const std::string_view value = frame_.Value(dimension);
      std::uint16_t size = 0;
      std::memcpy(&size, packed, sizeof(size));
      if (std::string_view(packed + sizeof(size), size) != value) return false;
      packed += sizeof(size) + size;
    }
    return true;
  });
}

std::string ProjectionSet::Values(const LiveProjection& projection) {
  std::vector<std::string_view> values;
  for (const DimensionFrame::Index dimension : projection.by)
    values.push_back(frame_.Value(dimension));
  return PackValues(values);
}

}  // namespace barograph::rules
