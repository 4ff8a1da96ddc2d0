#include "storage/base/money.h"

#include <algorithm>

#include "storage/base/assert.h"

namespace barograph {
namespace {

__extension__ using UInt128 = unsigned __int128;

constexpr UInt128 kInt128Max = ~UInt128{0} >> 1;
// Beyond this any number but zero is out of range or below every scale; it keeps the exponent's
// arithmetic in an int.
constexpr int kExponentMax = 100'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

std::string Quoted(std::string_view text) {
  constexpr std::size_t kShownMax = 64;
  std::string quoted = "'" + std::string(text.substr(0, kShownMax));
  return quoted + (text.size() > kShownMax ? "...'" : "'");
}

// value = value * 10 + digit; false when the result is above `max`.
bool AppendDigit(UInt128* value, unsigned digit, UInt128 max) {
  if (*value > (max - digit) / 10) return false;
  *value = *value * 10 + digit;
  return true;
}

// Parts of a decimal number's text: value = (-1)^negative * digits(mantissa without its point) *
// 10^(exponent - decimals).
struct DecimalText {
  bool negative = false;
  std::string_view mantissa;  // digits and at most one point
  int digits = 0;             // of the mantissa
  int decimals = 0;           // those of them behind the point
  int exponent = 0;
};

// Takes [+-]digits from the front; false when there is no digit. Saturates at kExponentMax.
bool TakeExponent(std::string_view* text, int* exponent) {
  bool negative = false;
  if (!text->empty() && (text->front() == '-' || text->front() == '+')) {
    negative = text->front() == '-';
    text->remove_prefix(1);
  }
  if (text->empty() || !IsDigit(text->front())) return false;
  int value = 0;
  while (!text->empty() && IsDigit(text->front())) {
    value = std::min(value * 10 + (text->front() - '0'), kExponentMax);
    text->remove_prefix(1);
  }
  *exponent = negative ? -value : value;
  return true;
}

// False when `text` is not [+-] digits [. digits] [e [+-] digits] with at least one digit in the
// mantissa.
bool SplitDecimal(std::string_view text, DecimalText* out) {
  if (text.size() > kExponentMax) return false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    out->negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  std::size_t length = 0;
  for (; length < text.size(); ++length) {
    if (text[length] == '.' && !point) {
      point = true;
    } else if (IsDigit(text[length])) {
      ++out->digits;
      out->decimals += point ? 1 : 0;
    } else {
      break;
    }
  }
  out->mantissa = text.substr(0, length);
  text.remove_prefix(length);
  if (out->digits == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  return TakeExponent(&text, &out->exponent) && text.empty();
}

// What lies behind the kept digits, as rounding needs it.
struct Dropped {
  unsigned first = 0;   // the first dropped digit
  bool others = false;  // whether any later one is not 0
  [[nodiscard]] bool exact() const { return first == 0 && !others; }
  [[nodiscard]] bool RoundsUp(bool odd) const {
    return first > 5 || (first == 5 && (others || odd));
  }
};

// Reads the mantissa's digits as an integer of 10^-scale; digits below the scale go to `dropped`.
// False when the value is above `max`.
bool ScaleDigits(const DecimalText& text, int scale, UInt128 max, UInt128* value,
                 Dropped* dropped) {
  const int kept = text.digits + scale + text.exponent - text.decimals;
  int index = 0;
  for (const char c : text.mantissa) {
    if (c == '.') continue;
    const auto digit = static_cast<unsigned>(c - '0');
    if (index < kept) {
      if (!AppendDigit(value, digit, max)) return false;
    } else if (index == kept) {
      dropped->first = digit;
    } else {
      dropped->others = dropped->others || digit != 0;
    }
    ++index;
  }
  if (*value == 0) return true;
  for (; index < kept; ++index) {
    if (!AppendDigit(value, 0, max)) return false;
  }
  return true;
}

}  // namespace

bool Currency::Read(std::string_view code, Currency* out) {
  if (code.size() != 3 || !IsUpper(code[0]) || !IsUpper(code[1]) || !IsUpper(code[2])) return false;
  std::copy(code.begin(), code.end(), out->letters_);
  return true;
}

Result<Currency> Currency::Parse(std::string_view code) {
  Currency currency;
  if (Read(code, &currency)) return currency;
  return Invalid(Quoted(code) + " is no currency; three upper-case letters as in 'USD'");
}

Result<Money> ParseMoney(std::string_view text) {
  std::string_view number = text;
  const auto trim = [&number] {
    while (!number.empty() && number.front() == ' ') number.remove_prefix(1);
    while (!number.empty() && number.back() == ' ') number.remove_suffix(1);
  };
  trim();
  std::string_view code;
  if (number.size() > 3 && IsUpper(number.front())) {
    code = number.substr(0, 3);
    number.remove_prefix(3);
  } else if (number.size() > 3) {
    code = number.substr(number.size() - 3);
    number.remove_suffix(3);
  }
  trim();
  const Result<Currency> currency = Currency::Parse(code);
  if (!currency.ok()) {
    return Invalid(Quoted(text) + " names no currency; an amount is written as in '1.50 USD'");
  }
  const Result<Int128> nanos = ParseDecimal(number, 9);
  if (!nanos.ok()) return nanos.error().WithContext(Quoted(text));
  if (*nanos > kMoneyNanosMax || *nanos < -kMoneyNanosMax) {
    return Invalid(Quoted(text) + " is out of range; at most 9200000000 units either way");
  }
  return Money{static_cast<std::int64_t>(*nanos), *currency};
}

std::string FormatMoney(const Money& money) {
  std::string text = FormatDecimal(money.nanos, 9);
  if (money.currency.empty()) return text;
  return text.append(" ").append(money.currency.code());
}

Result<Int128> ParseDecimal(std::string_view text, int scale, bool round_half_even) {
  DecimalText parts;
  if (!SplitDecimal(text, &parts)) return Invalid(Quoted(text) + " is no decimal number");
  const UInt128 max = parts.negative ? kInt128Max + 1 : kInt128Max;
  UInt128 value = 0;
  Dropped dropped;
  bool fits = ScaleDigits(parts, scale, max, &value, &dropped);
  if (fits && !dropped.exact()) {
    if (!round_half_even) {
      return Invalid(Quoted(text) + " has more than " + std::to_string(scale) + " decimals");
    }
    if (dropped.RoundsUp((value & 1) != 0)) {
      fits = value < max;
      ++value;
    }
  }
  if (!fits) return Invalid(Quoted(text) + " is too large");
  return static_cast<Int128>(parts.negative ? UInt128{0} - value : value);
}

std::string FormatDecimal(Int128 value, int scale) {
  const bool negative = value < 0;
  UInt128 rest = negative ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
  std::string reversed;
  for (int position = 0; rest != 0 || position <= scale; ++position) {
    const auto digit = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    if (position == scale && !reversed.empty()) reversed.push_back('.');
    if (position >= scale || digit != '0' || !reversed.empty()) reversed.push_back(digit);
  }
  if (negative) reversed.push_back('-');
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

Int128 DivideHalfEven(Int128 numerator, Int128 denominator) {
  BAROGRAPH_ASSERT(denominator > 0, "division by zero or a negative number");
  Int128 quotient = numerator / denominator;
  const Int128 signed_rest = numerator % denominator;
  const Int128 rest = signed_rest < 0 ? -signed_rest : signed_rest;
  const Int128 missing = denominator - rest;
  if (rest > missing || (rest == missing && (quotient & 1) != 0))
    quotient += numerator < 0 ? -1 : 1;
  return quotient;
}

}  // namespace barograph
