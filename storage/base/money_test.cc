#include "storage/base/money.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace barograph {
namespace {

using ::testing::HasSubstr;

constexpr Int128 kInt128Max = static_cast<Int128>(~static_cast<unsigned __int128>(0) >> 1);
constexpr Int128 kInt128Min = -kInt128Max - 1;
constexpr std::string_view kInt128MaxText = "170141183460469231731687303715884105727";
constexpr std::string_view kInt128MinText = "-170141183460469231731687303715884105728";

TEST(DecimalTest, NumbersAreReadExactly) {
  const auto reads = [](std::string_view text, int scale, Int128 expected) {
    const Result<Int128> value = ParseDecimal(text, scale);
    ASSERT_TRUE(value.ok()) << text << ": " << value.error().message();
    EXPECT_TRUE(*value == expected) << text << " read as " << FormatDecimal(*value, 0);
  };
  reads("0", 9, 0);
  reads("-0.0", 9, 0);
  reads("1", 0, 1);
  reads("-12.5", 1, -125);
  reads("+12.5", 3, 12'500);
  reads(".5", 1, 5);
  reads("5.", 1, 50);
  reads("007", 0, 7);
  reads("2.5e-06", 15, 2'500'000'000);
  reads("2.5E-6", 15, 2'500'000'000);
  reads("1e-15", 15, 1);
  reads("1.5e3", 0, 1'500);
  reads("1.50e+1", 0, 15);
  reads("0.1000", 1, 1);
  reads("0e999999999999", 9, 0);
  reads("0e-999999999999", 9, 0);
  reads("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max());
  reads("-9223372036854775808", 0, std::numeric_limits<std::int64_t>::min());
  reads(kInt128MaxText, 0, kInt128Max);
  reads(kInt128MinText, 0, kInt128Min);
}

TEST(DecimalTest, WhatIsNoNumberOrDoesNotFitIsRefused) {
  const auto refuses = [](std::string_view text, int scale, std::string_view why) {
    const Result<Int128> value = ParseDecimal(text, scale);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(value.error().message(), HasSubstr(why)) << text;
  };
  refuses("", 9, "no decimal number");
  refuses("-", 9, "no decimal number");
  refuses(".", 9, "no decimal number");
  refuses("e5", 9, "no decimal number");
  refuses("1e", 9, "no decimal number");
  refuses("1e+", 9, "no decimal number");
  refuses("1e5.0", 9, "no decimal number");
  refuses("1.2.3", 9, "no decimal number");
  refuses("1,000", 9, "no decimal number");
  refuses(" 1", 9, "no decimal number");
  refuses("nan", 9, "no decimal number");
  refuses("inf", 9, "no decimal number");
  refuses("0x10", 9, "no decimal number");
  refuses("1.0000000001", 9, "more than 9 decimals");
  refuses("1e-16", 15, "more than 15 decimals");
  refuses("1e-999999999999", 15, "more than 15 decimals");
  refuses("1e999999999999", 0, "too large");
  refuses("170141183460469231731687303715884105728", 0, "too large");
  refuses("-170141183460469231731687303715884105729", 0, "too large");
  refuses("170141183460469231731687303715884105727", 1, "too large");
}

TEST(DecimalTest, DigitsBelowTheScaleAreRoundedHalfEvenOnRequest) {
  const auto rounds = [](std::string_view text, int scale, Int128 expected) {
    const Result<Int128> value = ParseDecimal(text, scale, true);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_TRUE(*value == expected) << text << " read as " << FormatDecimal(*value, 0);
  };
  rounds("0.5", 0, 0);
  rounds("1.5", 0, 2);
  rounds("2.5", 0, 2);
  rounds("-2.5", 0, -2);
  rounds("-3.5", 0, -4);
  rounds("2.50000000000000000000000000000000000000000000001", 0, 3);
  rounds("2.4999", 0, 2);
  rounds("0.05", 0, 0);
  rounds("0.6", 0, 1);
  rounds("0.06", 0, 0);
  rounds("9.99", 1, 100);
  rounds("1e-99999", 3, 0);
  EXPECT_FALSE(ParseDecimal(std::string(kInt128MaxText) + ".5", 0, true).ok());
  EXPECT_TRUE(ParseDecimal(std::string(kInt128MaxText) + ".4", 0, true).ok());
}

TEST(DecimalTest, NumbersAreWrittenWithoutTrailingZeros) {
  EXPECT_EQ(FormatDecimal(0, 0), "0");
  EXPECT_EQ(FormatDecimal(0, 9), "0");
  EXPECT_EQ(FormatDecimal(1'500'000'000, 9), "1.5");
  EXPECT_EQ(FormatDecimal(-1, 9), "-0.000000001");
  EXPECT_EQ(FormatDecimal(100, 0), "100");
  EXPECT_EQ(FormatDecimal(100, 1), "10");
  EXPECT_EQ(FormatDecimal(105, 1), "10.5");
  EXPECT_EQ(FormatDecimal(2'500'000'000, 15), "0.0000025");
  EXPECT_EQ(FormatDecimal(kInt128Max, 0), kInt128MaxText);
  EXPECT_EQ(FormatDecimal(kInt128Min, 0), kInt128MinText);
}

TEST(DivisionTest, TiesGoToTheEvenNeighbour) {
  const auto divides = [](Int128 numerator, Int128 denominator, Int128 expected) {
    EXPECT_TRUE(DivideHalfEven(numerator, denominator) == expected)
        << FormatDecimal(numerator, 0) << "/" << FormatDecimal(denominator, 0);
  };
  divides(1, 2, 0);
  divides(3, 2, 2);
  divides(5, 2, 2);
  divides(-1, 2, 0);
  divides(-3, 2, -2);
  divides(-5, 2, -2);
  divides(7, 3, 2);
  divides(8, 3, 3);
  divides(-8, 3, -3);
  divides(0, 7, 0);
  divides(kInt128Max, kInt128Max, 1);
  divides(kInt128Min, kInt128Max, -1);
  divides(kInt128Max / 2, kInt128Max, 0);
  divides(kInt128Max / 2 + 1, kInt128Max, 1);
  divides(kInt128Min, 1, kInt128Min);
}

TEST(MoneyTest, AmountsAreReadInEveryUsualOrder) {
  const auto reads = [](std::string_view text, std::int64_t nanos, std::string_view code) {
    const Result<Money> money = ParseMoney(text);
    ASSERT_TRUE(money.ok()) << text << ": " << money.error().message();
    EXPECT_EQ(money->nanos, nanos) << text;
    EXPECT_EQ(money->currency.code(), code) << text;
  };
  reads("1.50 USD", 1'500'000'000, "USD");
  reads("USD 1.50", 1'500'000'000, "USD");
  reads("1.50USD", 1'500'000'000, "USD");
  reads("  0.000000001 EUR ", 1, "EUR");
  reads("-3 EUR", -3'000'000'000, "EUR");
  reads("1EUR", 1'000'000'000, "EUR");
  reads("9200000000 JPY", kMoneyNanosMax, "JPY");
  reads("-9200000000 JPY", -kMoneyNanosMax, "JPY");
}

TEST(MoneyTest, WhatIsNoAmountIsRefusedWithTheReason) {
  const auto refuses = [](std::string_view text, std::string_view why) {
    const Result<Money> money = ParseMoney(text);
    ASSERT_FALSE(money.ok()) << text;
    EXPECT_THAT(money.error().message(), HasSubstr(why)) << text;
  };
  refuses("", "no currency");
  refuses("1.50", "no currency");
  refuses("$1.50", "no currency");
  refuses("1.50 usd", "no currency");
  refuses("1.50 US", "no currency");
  refuses("150_anthropic_credits", "no currency");
  refuses("USD", "no currency");
  refuses("abc USD", "no decimal number");
  refuses("1,000 USD", "no decimal number");
  refuses("1 USDT", "no decimal number");
  refuses("1.0000000001 USD", "more than 9 decimals");
  refuses("9200000000.000000001 USD", "out of range");
  refuses("-9200000000.000000001 USD", "out of range");
  refuses("1e99 USD", "too large");
}

TEST(MoneyTest, AmountsAreWrittenExactlyAndReadBackAlike) {
  const auto writes = [](std::string_view text) {
    const Result<Money> money = ParseMoney(text);
    ASSERT_TRUE(money.ok()) << text;
    EXPECT_EQ(FormatMoney(*money), text);
  };
  writes("1.5 USD");
  writes("0 USD");
  writes("-0.000000001 EUR");
  writes("9200000000 JPY");
  EXPECT_EQ(FormatMoney(Money{2'000'000'000, Currency()}), "2");
}

TEST(CurrencyTest, OnlyThreeUpperCaseLettersAreACurrency) {
  EXPECT_TRUE(Currency::Parse("USD").ok());
  for (const std::string_view code : {"", "US", "USDT", "usd", "U5D", "U D", "\xC3\x84X"}) {
    EXPECT_FALSE(Currency::Parse(code).ok()) << code;
  }
  EXPECT_EQ(Currency().code(), "");
}

}  // namespace
}  // namespace barograph
