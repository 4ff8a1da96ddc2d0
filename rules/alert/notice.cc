#include "rules/alert/notice.h"

#include "storage/base/digest.h"

namespace barograph::rules {

std::uint64_t FingerprintValue(const storage::Labels& labels) {
  // FNV-1a, 64 bit (Fowler, Noll, Vo; draft-eastlake-fnv).
  constexpr std::uint64_t kOffset = 14'695'981'039'346'656'037ULL;
  constexpr std::uint64_t kPrime = 1'099'511'628'211ULL;
  std::uint64_t hash = kOffset;
  const auto add = [&](std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<std::uint8_t>(byte)) * kPrime;
    hash = (hash ^ 0xFF) * kPrime;
  };
  for (const auto& [name, value] : labels) {
    add(name);
    add(value);
  }
  return hash;
}

std::string Fingerprint(const storage::Labels& labels) {
  const std::uint64_t big_endian = __builtin_bswap64(FingerprintValue(labels));
  return Hex(std::string_view(reinterpret_cast<const char*>(&big_endian), sizeof(big_endian)));
}

}  // namespace barograph::rules
