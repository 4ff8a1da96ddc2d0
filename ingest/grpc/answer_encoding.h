#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "barograph/v1/ingest.pb.h"
#include "ingest/admission/batch.h"
#include "storage/base/clock.h"

namespace barograph::ingest {

/// Adds a batch's verdicts to a response. `first` is the sequence of the batch's first event: the
/// producer's, or the event's
/// position on its stream; 0 leaves the verdicts without one.
template <typename Response>
void AddVerdicts(const std::vector<Verdict>& verdicts, std::uint64_t first, Response* response) {
  for (const Verdict& verdict : verdicts) {
    v1::EventVerdict& out = *response->add_verdicts();
    out.set_index(verdict.index);
    out.set_outcome(static_cast<v1::EventVerdict::Outcome>(verdict.outcome));
    out.set_reason(verdict.reason);
    if (first != 0) out.set_sequence(first + verdict.index);
  }
}

inline void SetReceipt(const Receipt& receipt, v1::Receipt* out) {
  out->set_sequence(receipt.sequence.value);
  out->set_link(receipt.link.data(), receipt.link.size());
}

/// Leaves the field unset while ids are known for the whole horizon.
template <typename Response>
void SetIdsKnownSince(const std::optional<Time>& since, Response* response) {
  if (!since) return;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*since);
  response->mutable_ids_known_since()->set_seconds(seconds.time_since_epoch().count());
  response->mutable_ids_known_since()->set_nanos(static_cast<int>((*since - seconds).count()));
}

}  // namespace barograph::ingest
