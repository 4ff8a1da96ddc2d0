#include "rules/window/cell_table.h"

#include <utility>

#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

constexpr std::size_t kSlotsMin = 8;

}  // namespace

SeriesHead* Cell::Add(SeriesKey key, std::unique_ptr<Series> series) {
  heads.emplace_back();
  heads.back().series = std::move(series);
  const std::size_t slot = heads.size();
  if (key < kNearKeys) near[key] = slot < kFar ? static_cast<std::uint8_t>(slot) : kFar;
  if (key >= kNearKeys || slot >= kFar) {
    if (far.size() <= key) far.resize(key + std::size_t{1}, 0);
    far[key] = static_cast<std::uint16_t>(slot);
  }
  return &heads.back();
}

void Cell::Remove(SeriesKey key) {
  const SeriesHead* const head = Find(key);
  if (head == nullptr) return;
  const auto slot = static_cast<std::size_t>(head - heads.data()) + 1;
  heads.erase(heads.begin() + static_cast<std::ptrdiff_t>(slot - 1));
  if (key < kNearKeys) near[key] = 0;
  if (key < far.size()) far[key] = 0;
  for (std::uint8_t& each : near) {
    if (each > slot && each != kFar) --each;
  }
  for (std::uint16_t& each : far) {
    if (each > slot) --each;
  }
}

std::string PackValues(std::span<const std::string_view> values) {
  std::string packed;
  ByteWriter out(&packed);
  for (const std::string_view value : values) {
    out.Fixed(static_cast<std::uint16_t>(value.size()));
    out.Raw(value);
  }
  return packed;
}

std::vector<std::string_view> UnpackValues(std::string_view packed) {
  std::vector<std::string_view> values;
  ByteReader in(packed);
  while (!in.done()) values.push_back(in.Raw(in.Fixed<std::uint16_t>()));
  return values;
}

void CellTable::Insert(Cell* cell) {
  if ((size_ + 1) * 2 > slots_.size()) {
    std::vector<Slot> old =
        std::exchange(slots_, std::vector<Slot>(std::max(kSlotsMin, slots_.size() * 2)));
    for (const Slot& slot : old) {
      if (slot.cell != nullptr) Place(slot.cell);
    }
  }
  Place(cell);
  ++size_;
}

void CellTable::Place(Cell* cell) {
  std::size_t i = cell->hash & (slots_.size() - 1);
  while (slots_[i].cell != nullptr) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = {cell->hash, cell};
}

}  // namespace barograph::rules
