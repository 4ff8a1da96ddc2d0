#include "rules/measure/fingerprint.h"

#include <xxhash.h>

#include <cstddef>
#include <cstdint>

namespace barograph::rules {
namespace {

constexpr char kSeparator =
    '\xFF';  // Never occurs in UTF-8, so the three texts cannot run together.

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

void AppendWithoutNumbers(std::string_view message, std::string* out) {
  std::size_t at = 0;
  while (at < message.size()) {
    const std::size_t start = at;
    bool has_digit = false;
    while (at < message.size() && IsWord(message[at])) has_digit |= IsDigit(message[at++]);
    if (has_digit) {
      out->push_back('#');
    } else {
      out->append(message.substr(start, at - start));
    }
    while (at < message.size() && !IsWord(message[at])) out->push_back(message[at++]);
  }
}

}  // namespace

void DeriveFingerprint(std::string_view service, std::string_view code, std::string_view message,
                       std::string* out) {
  out->clear();
  out->append(service).push_back(kSeparator);
  out->append(code).push_back(kSeparator);
  AppendWithoutNumbers(message, out);
  std::uint64_t hash = XXH3_64bits(out->data(), out->size());
  out->resize(16);
  for (std::size_t i = 16; i-- > 0; hash >>= 4) (*out)[i] = "0123456789abcdef"[hash & 0xF];
}

}  // namespace barograph::rules
