#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace barograph {

/// Exact sums: nano-units of money, or plain counts, without overflow in any window.
__extension__ using Int128 = __int128;

/// ISO 4217 code: three upper-case ASCII letters, or empty.
class Currency {
 public:
  constexpr Currency() = default;
  /// Errors: kInvalidArgument when `code` is not three upper-case letters.
  [[nodiscard]] static Result<Currency> Parse(std::string_view code);
  /// As Parse, without an error's text, for hot loops: false leaves `out` as it is.
  [[nodiscard]] static bool Read(std::string_view code, Currency* out);
  [[nodiscard]] std::string_view code() const { return {letters_, empty() ? 0U : 3U}; }
  [[nodiscard]] bool empty() const { return letters_[0] == '\0'; }
  friend auto operator<=>(const Currency&, const Currency&) = default;

 private:
  char letters_[4] = {};
};

/// An amount of one currency in integer nano-units (1e-9). Range |nanos| <= kMoneyNanosMax.
struct Money {
  std::int64_t nanos = 0;
  Currency currency;
  friend bool operator==(const Money&, const Money&) = default;
};

inline constexpr std::int64_t kNanosPerUnit = 1'000'000'000;
/// 9.2e9 units: the widest amount of a single event.
inline constexpr std::int64_t kMoneyNanosMax = 9'200'000'000LL * kNanosPerUnit;

/// Reads "1.50 USD", "USD 1.50" or "1.50USD"; at most 9 decimals, exactly.
/// Errors: kInvalidArgument naming what is wrong (no currency, too precise, out of range).
[[nodiscard]] Result<Money> ParseMoney(std::string_view text);
/// "1.5 USD": exact, no trailing zeros.
[[nodiscard]] std::string FormatMoney(const Money& money);

/// Reads a decimal number ("-12.5", "2.5e-06") as an integer of 10^-scale, exactly.
/// Errors: kInvalidArgument when it is no number, has digits below the scale (unless
/// `round_half_even`), or does not fit.
[[nodiscard]] Result<Int128> ParseDecimal(std::string_view text, int scale,
                                          bool round_half_even = false);
/// An integer of 10^-scale as decimal text without trailing zeros.
[[nodiscard]] std::string FormatDecimal(Int128 value, int scale);

/// numerator / denominator rounded to nearest, ties to even. Requires denominator > 0.
[[nodiscard]] Int128 DivideHalfEven(Int128 numerator, Int128 denominator);

}  // namespace barograph
