#pragma once

#include "rules/window/window_store.h"
#include "storage/base/bytes.h"

namespace barograph::rules {

/// Exact encodings: equal values give equal bytes, and decoding is the inverse. Decoders return
/// false when bytes are broken.
void EncodeProjection(const Projection& projection, ByteWriter* out);
[[nodiscard]] bool DecodeProjection(ByteReader* in, Projection* projection);
void EncodePlan(const WindowPlan& plan, ByteWriter* out);
[[nodiscard]] bool DecodePlan(ByteReader* in, WindowPlan* plan);
/// Not part of EncodePlan: they came later, and rows without them stay as they are.
void EncodeCalendarSums(const std::vector<WindowPlan::CalendarSum>& sums, ByteWriter* out);
[[nodiscard]] bool DecodeCalendarSums(ByteReader* in, std::vector<WindowPlan::CalendarSum>* sums);
/// Likewise.
void EncodeSightingSpecs(const std::vector<WindowPlan::Sighting>& sightings, ByteWriter* out);
[[nodiscard]] bool DecodeSightingSpecs(ByteReader* in,
                                       std::vector<WindowPlan::Sighting>* sightings);

}  // namespace barograph::rules
