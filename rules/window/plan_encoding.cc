#include "rules/window/plan_encoding.h"

#include <algorithm>

namespace barograph::rules {
namespace {

/// Calls read() as often as the next number says, while bytes last.
template <typename Read>
bool ReadTimes(ByteReader* in, const Read& read) {
  const std::uint64_t count = in->Varint();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!in->ok() || !read()) return false;
  }
  return in->ok();
}

void EncodeStrings(const std::vector<std::string>& strings, ByteWriter* out) {
  out->Varint(strings.size());
  for (const std::string& each : strings) out->String(each);
}

bool DecodeStrings(ByteReader* in, std::vector<std::string>* strings) {
  return ReadTimes(in, [&] {
    strings->emplace_back(in->String());
    return in->ok();
  });
}

void EncodeSlice(const WindowPlan::Slice& slice, ByteWriter* out) {
  out->String(slice.id);
  EncodeProjection(slice.projection, out);
  out->String(slice.measure.base);
  out->String(slice.measure.qualifier);
  out->SignedVarint(slice.slice.count());
  out->SignedVarint128(slice.bound);
  out->Varint(slice.above ? 1 : 0);
}

bool DecodeSlice(ByteReader* in, WindowPlan::Slice* slice) {
  slice->id = std::string(in->String());
  if (!DecodeProjection(in, &slice->projection)) return false;
  slice->measure.base = std::string(in->String());
  slice->measure.qualifier = std::string(in->String());
  slice->slice = Duration(in->SignedVarint());
  slice->bound = in->SignedVarint128();
  slice->above = in->Varint() != 0;
  constexpr Duration kMinute = std::chrono::minutes(1);
  return in->ok() && slice->slice >= kMinute && slice->slice <= 60 * kMinute &&
         slice->slice % kMinute == Duration::zero();
}

}  // namespace

void EncodeProjection(const Projection& projection, ByteWriter* out) {
  EncodeStrings(projection.by, out);
  out->Varint(projection.where.size());
  for (const Projection::Filter& filter : projection.where) {
    out->String(filter.dimension);
    EncodeStrings(filter.any_of, out);
  }
}

bool DecodeProjection(ByteReader* in, Projection* projection) {
  return DecodeStrings(in, &projection->by) && ReadTimes(in, [&] {
           Projection::Filter& filter = projection->where.emplace_back();
           filter.dimension = std::string(in->String());
           return DecodeStrings(in, &filter.any_of);
         });
}

void EncodePlan(const WindowPlan& plan, ByteWriter* out) {
  out->Varint(plan.projections.size());
  for (const Projection& projection : plan.projections) EncodeProjection(projection, out);
  out->Varint(plan.at_most.size());
  for (const auto& [base, bound] : plan.at_most) {
    out->String(base);
    out->SignedVarint(bound);
  }
  EncodeStrings(plan.labels, out);
  out->Varint(plan.slices.size());
  for (const WindowPlan::Slice& slice : plan.slices) EncodeSlice(slice, out);
}

bool DecodePlan(ByteReader* in, WindowPlan* plan) {
  return ReadTimes(in, [&] { return DecodeProjection(in, &plan->projections.emplace_back()); }) &&
         ReadTimes(in,
                   [&] {
                     std::string base(in->String());
                     plan->at_most.emplace_back(std::move(base), in->SignedVarint());
                     return in->ok();
                   }) &&
         DecodeStrings(in, &plan->labels) &&
         ReadTimes(in, [&] { return DecodeSlice(in, &plan->slices.emplace_back()); });
}

void EncodeCalendarSums(const std::vector<WindowPlan::CalendarSum>& sums, ByteWriter* out) {
  out->Varint(sums.size());
  for (const WindowPlan::CalendarSum& sum : sums) {
    EncodeProjection(sum.projection, out);
    out->String(sum.measure.base);
    out->String(sum.measure.qualifier);
    out->String(sum.calendar);
  }
}

bool DecodeCalendarSums(ByteReader* in, std::vector<WindowPlan::CalendarSum>* sums) {
  return ReadTimes(in, [&] {
    WindowPlan::CalendarSum& sum = sums->emplace_back();
    if (!DecodeProjection(in, &sum.projection)) return false;
    sum.measure.base = std::string(in->String());
    sum.measure.qualifier = std::string(in->String());
    sum.calendar = std::string(in->String());
    return in->ok();
  });
}

void EncodeSightingSpecs(const std::vector<WindowPlan::Sighting>& sightings, ByteWriter* out) {
  out->Varint(sightings.size());
  for (const WindowPlan::Sighting& each : sightings) {
    out->String(each.id);
    EncodeProjection(each.projection, out);
    EncodeStrings(each.measures, out);
    EncodeStrings(each.texts, out);
    out->SignedVarint(each.open_for.count());
    out->String(each.answers);
  }
  // Came later: without any, the row is what it was.
  const bool any_missed = std::any_of(sightings.begin(), sightings.end(), [](const auto& each) {
    return each.missed_for > Duration{0};
  });
  for (const WindowPlan::Sighting& each : sightings) {
    if (any_missed) out->SignedVarint(each.missed_for.count());
  }
}

bool DecodeSightingSpecs(ByteReader* in, std::vector<WindowPlan::Sighting>* sightings) {
  const bool read = ReadTimes(in, [&] {
    WindowPlan::Sighting& each = sightings->emplace_back();
    each.id = std::string(in->String());
    if (!DecodeProjection(in, &each.projection) || !DecodeStrings(in, &each.measures) ||
        !DecodeStrings(in, &each.texts)) {
      return false;
    }
    each.open_for = Duration(in->SignedVarint());
    each.answers = std::string(in->String());
    return in->ok();
  });
  if (!read || in->done()) return read;
  for (WindowPlan::Sighting& each : *sightings) each.missed_for = Duration(in->SignedVarint());
  return in->ok();
}

}  // namespace barograph::rules
