#include "rules/window/distinct.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace barograph::rules {
namespace {

constexpr std::size_t kRegisters = std::size_t{1} << DistinctCounter::kPrecision;
constexpr int kRankBits = 6;
constexpr std::uint32_t kRankMask = (1U << kRankBits) - 1;
constexpr int kExtraBits = DistinctCounter::kSparsePrecision - DistinctCounter::kPrecision;
/// Largest rank of a register: all bits below the index are zero.
constexpr int kRankMax = 64 - DistinctCounter::kPrecision;

/// The same of a sparse entry.
constexpr std::uint32_t kSparseRankMax = 64 - DistinctCounter::kSparsePrecision + 1;

/// Ertl's sigma and tau: corrections for registers that are still 0 and for those that are full.
double Sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double last = -1; z != last;) {
    x *= x;
    last = z;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1;
  double z = 1 - x;
  for (double last = -1; z != last;) {
    x = std::sqrt(x);
    last = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void DistinctCounter::AddSparse(std::uint64_t hash) {
  const std::uint64_t rest =
      (hash << kSparsePrecision) | (std::uint64_t{1} << (kSparsePrecision - 1));
  AddSparseEntry((static_cast<std::uint32_t>(hash >> (64 - kSparsePrecision)) << kRankBits) |
                 static_cast<std::uint32_t>(std::countl_zero(rest) + 1));
}

void DistinctCounter::AddSparseEntry(std::uint32_t entry) {
  const auto place = std::lower_bound(sparse_.begin(), sparse_.end(), entry & ~kRankMask);
  if (place != sparse_.end() && (*place >> kRankBits) == (entry >> kRankBits)) {
    *place = std::max(*place, entry);
    return;
  }
  sparse_.insert(place, entry);
  if (sparse_.size() > kSparseMax) MakeDense();
}

void DistinctCounter::AddEntry(std::uint32_t entry) {
  const std::uint32_t index = entry >> kRankBits;
  const std::uint32_t extra = index & ((1U << kExtraBits) - 1);
  // The bits between the two precisions are the first ones of the rank, unless all of them are 0.
  const auto rank =
      extra != 0 ? static_cast<std::uint32_t>(std::countl_zero(extra << (32 - kExtraBits)) + 1)
                 : static_cast<std::uint32_t>(kExtraBits) + (entry & kRankMask);
  AddRegister(index >> kExtraBits, static_cast<std::uint8_t>(rank));
}

void DistinctCounter::MakeDense() {
  registers_.assign(kRegisters, 0);
  for (const std::uint32_t entry : sparse_) AddEntry(entry);
  std::vector<std::uint32_t>().swap(sparse_);
}

void DistinctCounter::Merge(const DistinctCounter& other) {
  if (!other.registers_.empty()) {
    if (registers_.empty()) MakeDense();
    for (std::size_t i = 0; i < kRegisters; ++i)
      registers_[i] = std::max(registers_[i], other.registers_[i]);
    return;
  }
  for (const std::uint32_t entry : other.sparse_) {
    if (registers_.empty()) {
      AddSparseEntry(entry);
    } else {
      AddEntry(entry);
    }
  }
}

std::uint64_t DistinctCounter::Estimate() const {
  if (registers_.empty()) {
    constexpr double kSlots = 1U << kSparsePrecision;
    return static_cast<std::uint64_t>(
        std::llround(kSlots * std::log(kSlots / (kSlots - static_cast<double>(sparse_.size())))));
  }
  std::array<std::uint32_t, kRankMax + 2> counts{};
  for (const std::uint8_t rank : registers_) ++counts[rank];
  constexpr double kM = kRegisters;
  double z = kM * Tau(1 - counts[kRankMax + 1] / kM);
  for (std::size_t rank = kRankMax; rank >= 1; --rank) z = 0.5 * (z + counts[rank]);
  z += kM * Sigma(counts[0] / kM);
  constexpr double kAlpha = 0.5 / 0.693147180559945309417;
  return static_cast<std::uint64_t>(std::llround(kAlpha * kM * kM / z));
}

void DistinctCounter::Encode(ByteWriter* out) const {
  out->Varint(registers_.empty() ? 0 : 1);
  if (!registers_.empty()) {
    out->Raw({reinterpret_cast<const char*>(registers_.data()), registers_.size()});
    return;
  }
  out->Varint(sparse_.size());
  std::uint32_t last = 0;
  for (const std::uint32_t entry : sparse_) {
    out->Varint(entry - last);
    last = entry;
  }
}

bool DistinctCounter::Decode(ByteReader* in) {
  *this = {};
  if (in->Varint() != 0) {
    const std::string_view raw = in->Raw(kRegisters);
    registers_.assign(raw.begin(), raw.end());
    return in->ok() && std::all_of(registers_.begin(), registers_.end(),
                                   [](std::uint8_t r) { return r <= kRankMax + 1; });
  }
  const std::uint64_t count = in->Varint();
  if (count > kSparseMax) return false;
  std::uint32_t last = 0;
  for (std::uint64_t i = 0; i < count && in->ok(); ++i) {
    last += static_cast<std::uint32_t>(in->Varint());
    sparse_.push_back(last);
  }
  const auto broken = [](std::uint32_t entry) {
    return (entry >> kRankBits) >= (1U << kSparsePrecision) || (entry & kRankMask) > kSparseRankMax;
  };
  return in->ok() && std::is_sorted(sparse_.begin(), sparse_.end()) &&
         std::none_of(sparse_.begin(), sparse_.end(), broken);
}

}  // namespace barograph::rules
