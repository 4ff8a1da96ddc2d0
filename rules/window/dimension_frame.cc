#include "rules/window/dimension_frame.h"

#define XXH_INLINE_ALL  // a call into the shared library costs as much as the hash of a short name
#include <xxhash.h>

namespace barograph::rules {
namespace {

const std::uint64_t kEmptyHash = DimensionFrame::HashOf({});

}  // namespace

DimensionFrame::Index DimensionFrame::Add(std::string_view name) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].name == name) return static_cast<Index>(i);
  }
  Slot slot;
  slot.natural = FindDimension(name);
  slot.name = std::string(name);
  slots_.push_back(std::move(slot));
  return static_cast<Index>(slots_.size() - 1);
}

std::uint64_t DimensionFrame::HashOf(std::string_view value) {
  return XXH3_64bits(value.data(), value.size());
}

void DimensionFrame::Find(Slot* slot) {
  slot->round = round_;
  slot->value = {};
  if (slot->natural) {
    slot->value = DimensionValue(*event_, *slot->natural, &slot->scratch);
  } else {
    for (std::size_t i = 0; i < event_->label_count; ++i) {
      if (event_->labels[i].name == slot->name) slot->value = event_->labels[i].value;
    }
  }
  slot->hash = slot->value.empty() ? kEmptyHash : HashOf(slot->value);
}

}  // namespace barograph::rules
