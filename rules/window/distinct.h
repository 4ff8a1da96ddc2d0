#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "storage/base/bytes.h"

namespace barograph::rules {

/// Number of different 64-bit hashes: HyperLogLog++ (Heule, Nunkesser, Hall: EDBT 2013) with
/// precision 12 and a sparse start at precision 25. Up to kSparseMax entries it counts linearly
/// over 2^25 (practically exact); beyond, it has 4096 registers and a standard error of 1.04 /
/// sqrt(4096) = 1.6 %. The dense estimate is Ertl's (arXiv 1702.01284, algorithm 6), which needs no
/// empirical bias tables.
///
/// Determinism: the state is a function of the set of hashes added, in any order.
/// Threads: a plain value.
class DistinctCounter {
 public:
  static constexpr int kPrecision = 12;
  static constexpr int kSparsePrecision = 25;
  static constexpr std::size_t kSparseMax = 512;

  void Add(std::uint64_t hash) {
    if (registers_.empty()) return AddSparse(hash);
    AddRegister(static_cast<std::uint32_t>(hash >> (64 - kPrecision)), RankOf(hash));
  }
  void Merge(const DistinctCounter& other);
  [[nodiscard]] std::uint64_t Estimate() const;
  void Pack() {}
  void Clear() { *this = {}; }
  /// The registers once there are any, which stay where they are until Clear; null before.
  [[nodiscard]] const std::uint8_t* registers() const {
    return registers_.empty() ? nullptr : registers_.data();
  }
  /// Whether adding this hash would change nothing, as these registers tell.
  [[nodiscard]] static bool Has(const std::uint8_t* registers, std::uint64_t hash) {
    return registers[hash >> (64 - kPrecision)] >= RankOf(hash);
  }

  void Encode(ByteWriter* out) const;
  [[nodiscard]] bool Decode(ByteReader* in);
  [[nodiscard]] std::size_t bytes() const { return sparse_.capacity() * 4 + registers_.capacity(); }

 private:
  [[nodiscard]] static std::uint8_t RankOf(std::uint64_t hash) {
    const std::uint64_t rest = (hash << kPrecision) | (std::uint64_t{1} << (kPrecision - 1));
    return static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
  }
  void AddSparse(std::uint64_t hash);
  void AddSparseEntry(std::uint32_t entry);
  void AddRegister(std::uint32_t index, std::uint8_t rank) {
    if (registers_[index] < rank) registers_[index] = rank;
  }
  void AddEntry(std::uint32_t entry);
  void MakeDense();

  std::vector<std::uint32_t>
      sparse_;  ///< sorted: index of 25 bits, then rank of 6 bits; one entry an index
  std::vector<std::uint8_t> registers_;  ///< dense form; empty while sparse
};

}  // namespace barograph::rules
