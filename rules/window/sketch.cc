#include "rules/window/sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace barograph::rules {
namespace {

constexpr int kSubBits = 6;  // 64 buckets an octave
constexpr std::uint64_t kSubMask = (1U << kSubBits) - 1;
/// Indices span (-3776, 3776): a broken row must not make a huge array.
constexpr std::int32_t kIndexMax = 59 << kSubBits;
/// The dense form grows by so many buckets on the side where a value lies outside.
constexpr std::int32_t kGrowth = 32;

/// Calls visit(index, count) for the filled buckets of a packed sketch; false when it is broken.
template <typename Visit>
bool ForEachPacked(std::string_view packed, const Visit& visit) {
  ByteReader in(packed);
  std::int64_t index = 0;
  while (!in.done()) {
    const std::int64_t step = in.SignedVarint();
    if (std::abs(step / 2) > kIndexMax) return false;
    index += step;
    const std::uint64_t count = in.Varint();
    if (!in.ok() || index < -kIndexMax || index > kIndexMax || count == 0) return false;
    visit(static_cast<std::int32_t>(index), count);
  }
  return in.ok();
}

}  // namespace

std::int32_t Sketch::IndexOf(std::int64_t value) {
  const std::uint64_t size =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::int32_t index = 0;
  if (size <= kSubMask) {
    index = static_cast<std::int32_t>(size);
  } else {
    const int exponent = 63 - std::countl_zero(size);
    const auto sub = static_cast<std::int32_t>((size >> (exponent - kSubBits)) & kSubMask);
    index = ((exponent - kSubBits + 1) << kSubBits) + sub;
  }
  return value < 0 ? -index : index;
}

double Sketch::Representative(std::int32_t index) {
  const std::int32_t size = std::abs(index);
  if (size <= static_cast<std::int32_t>(kSubMask)) return index;
  const int shift = (size >> kSubBits) - 1;
  const double low = std::ldexp(
      static_cast<double>((1 << kSubBits) + (size & static_cast<std::int32_t>(kSubMask))), shift);
  const double high = low + std::ldexp(1.0, shift);
  const double value = 2 * low * high / (low + high);
  // The first octave's buckets hold one integer each.
  const double shown = shift == 0 ? low : value;
  return index < 0 ? -shown : shown;
}

void Sketch::AddOutside(std::int32_t index, std::uint64_t count) {
  if (!packed_.empty()) Unpack();
  if (counts_.empty()) {
    first_ = index - kGrowth / 2;
    counts_.assign(kGrowth, 0);
  } else if (index < first_) {
    const std::int32_t added = first_ - index + kGrowth;
    counts_.insert(counts_.begin(), static_cast<std::size_t>(added), 0);
    first_ -= added;
  } else if (const auto place = static_cast<std::size_t>(index - first_); place >= counts_.size()) {
    counts_.resize(place + std::size_t{kGrowth}, 0);
  }
  counts_[static_cast<std::size_t>(index - first_)] += count;
}

void Sketch::Merge(const Sketch& other) {
  if (!other.packed_.empty()) {
    (void)ForEachPacked(other.packed_,
                        [this](std::int32_t index, std::uint64_t count) { Add(index, count); });
    return;
  }
  for (std::size_t i = 0; i < other.counts_.size(); ++i) {
    if (other.counts_[i] != 0) Add(other.first_ + static_cast<std::int32_t>(i), other.counts_[i]);
  }
}

void Sketch::Clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  packed_.clear();
}

std::string Sketch::Packed() const {
  std::string packed;
  ByteWriter out(&packed);
  std::int32_t last = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const std::int32_t index = first_ + static_cast<std::int32_t>(i);
    out.SignedVarint(index - std::exchange(last, index));
    out.Varint(counts_[i]);
  }
  return packed;
}

void Sketch::Pack() {
  if (counts_.empty()) return;
  packed_ = Packed();
  packed_.shrink_to_fit();
  std::vector<std::uint64_t>().swap(counts_);
}

void Sketch::Unpack() {
  const std::string packed = std::exchange(packed_, {});
  (void)ForEachPacked(packed,
                      [this](std::int32_t index, std::uint64_t count) { Add(index, count); });
}

std::uint64_t Sketch::count() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t each : counts_) sum += each;
  (void)ForEachPacked(packed_, [&sum](std::int32_t, std::uint64_t count) { sum += count; });
  return sum;
}

std::int32_t Sketch::Quantile(double q) const {
  const std::uint64_t all = count();
  const double exact = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(all));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, all);
  std::uint64_t seen = 0;
  std::int32_t answer = 0;
  const auto visit = [&](std::int32_t index, std::uint64_t count) {
    if (seen < rank) answer = index;
    seen += count;
  };
  if (!packed_.empty()) {
    (void)ForEachPacked(packed_, visit);
    return answer;
  }
  for (std::size_t i = 0; i < counts_.size() && seen < rank; ++i) {
    if (counts_[i] != 0) visit(first_ + static_cast<std::int32_t>(i), counts_[i]);
  }
  return answer;
}

void Sketch::Encode(ByteWriter* out) const { out->String(counts_.empty() ? packed_ : Packed()); }

bool Sketch::Decode(ByteReader* in) {
  *this = {};
  packed_ = std::string(in->String());
  return in->ok() && ForEachPacked(packed_, [](std::int32_t, std::uint64_t) {});
}

}  // namespace barograph::rules
