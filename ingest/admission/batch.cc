#include "ingest/admission/batch.h"

#include <algorithm>

#include "storage/base/assert.h"
#include "storage/base/bytes.h"
#include "storage/event/event_view.h"

namespace barograph::ingest {
namespace {

/// Offset of the frame after the first `count` frames of a payload.
std::size_t SkipFrames(std::string_view payload, std::uint32_t count) {
  ByteReader reader(payload);
  for (std::uint32_t i = 0; i < count; ++i) (void)reader.String();
  BAROGRAPH_ASSERT(reader.ok(), "a payload of our own has broken framing");
  return payload.size() - reader.rest().size();
}

}  // namespace

void CutFront(Batch* batch, std::uint32_t count) {
  BAROGRAPH_ASSERT(count > 0 && count < batch->offered, "a cut leaves something on both sides");
  const auto first_kept = std::lower_bound(
      batch->rejected.begin(), batch->rejected.end(), count,
      [](const Verdict& verdict, std::uint32_t index) { return verdict.index < index; });
  const auto rejected_before = static_cast<std::uint32_t>(first_kept - batch->rejected.begin());
  const std::uint32_t accepted_before = count - rejected_before;
  batch->payload.erase(0, SkipFrames(batch->payload, accepted_before));
  batch->rejected.erase(batch->rejected.begin(), first_kept);
  batch->accepted -= accepted_before;
  batch->offered -= count;
  batch->cut_before += count;
  batch->first_sequence += count;
  batch->offered_hash = 0;
}

void CutAccepted(Batch* batch, const std::vector<std::uint32_t>& positions) {
  if (positions.size() == batch->accepted) {
    batch->payload.clear();
    batch->accepted = 0;
    return;
  }
  std::string kept;
  kept.reserve(batch->payload.size());
  storage::PayloadReader reader(batch->payload);
  ByteWriter writer(&kept);
  std::string_view event;
  auto cut = positions.begin();
  for (std::uint32_t position = 0; reader.Next(&event); ++position) {
    if (cut != positions.end() && *cut == position) {
      ++cut;
    } else {
      writer.String(event);
    }
  }
  BAROGRAPH_ASSERT(reader.ok() && cut == positions.end(), "positions lie inside the payload");
  batch->payload = std::move(kept);
  batch->accepted -= static_cast<std::uint32_t>(positions.size());
}

std::string DerivedEventId(std::string_view producer, std::uint64_t producer_sequence,
                           std::uint32_t index) {
  std::string id(producer);
  id += '/';
  id += std::to_string(producer_sequence);
  id += '/';
  id += std::to_string(index);
  return id;
}

std::string DerivedKafkaEventId(std::string_view topic, std::uint32_t partition,
                                std::uint64_t first_offset, std::uint32_t index) {
  std::string producer("kafka:");
  producer += topic;
  producer += '/';
  producer += std::to_string(partition);
  return DerivedEventId(producer, first_offset, index);
}

}  // namespace barograph::ingest
