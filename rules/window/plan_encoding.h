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
/// The plan's sightings, which are no part of EncodePlan.
void EncodeSightingSpecs(const std::vector<WindowPlan::Sighting>& sightings, ByteWriter* out);
[[nodiscard]] bool DecodeSightingSpecs(ByteReader* in,
                                       std::vector<WindowPlan::Sighting>* sightings);

}  // namespace barograph::rules
