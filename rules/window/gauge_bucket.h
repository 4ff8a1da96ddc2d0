#pragma once

#include <algorithm>
#include <cstdint>

#include "rules/window/checkpoint_rows.h"
#include "storage/base/bytes.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"

namespace barograph::rules {

/// What a gauge was in one bucket. The last value is the one with the latest event time, and of
/// equal times the one that came last; `count` values were seen, each weighted with its event's
/// count.
/// Threads: a plain value.
struct GaugeBucket {
  std::int64_t last_time = 0;  ///< nanoseconds
  std::int64_t last = 0, min = 0, max = 0;
  std::uint64_t count = 0;
  Int128 sum = 0;

  void Add(Time time, std::int64_t value, std::uint64_t times) {
    GaugeBucket one{time.time_since_epoch().count(),   value, value, value, times,
                    static_cast<Int128>(value) * times};
    Merge(one);
  }
  /// `other` came later.
  void Merge(const GaugeBucket& other) {
    if (other.count == 0) return;
    if (count == 0) {
      *this = other;
      return;
    }
    if (other.last_time >= last_time) {
      last_time = other.last_time;
      last = other.last;
    }
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    count += other.count;
    sum += other.sum;
  }
  void Pack() {}
  void Clear() { *this = {}; }
  void Encode(ByteWriter* out) const {
    out->SignedVarint(last_time);
    out->SignedVarint(last);
    out->SignedVarint(min);
    out->SignedVarint(max);
    out->Varint(count);
    PutValue(out, sum);
  }
  [[nodiscard]] bool Decode(ByteReader* in) {
    last_time = in->SignedVarint();
    last = in->SignedVarint();
    min = in->SignedVarint();
    max = in->SignedVarint();
    count = in->Varint();
    return GetValue(in, &sum);
  }
  [[nodiscard]] std::size_t bytes() const { return 0; }
};

}  // namespace barograph::rules
