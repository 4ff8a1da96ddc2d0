#include "rules/burn_rate/exclusion_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using storage::Exclusion;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointee;

constexpr Time kStart = Time(days(20'000));

Exclusion Wish(Duration from, Duration to, std::string slo = "s") {
  Exclusion wish;
  wish.origin = {"ada", "command"};
  wish.slo = std::move(slo);
  wish.from = kStart + from;
  wish.to = kStart + to;
  wish.note = "new disks";
  wish.author = "ada";
  return wish;
}

HourSpan Span(Duration from, Duration to) { return {kStart + from, kStart + to}; }

class ExclusionBookTest : public ::testing::Test {
 protected:
  std::string Add(Duration from, Duration to, const std::string& slo = "s") {
    const auto said = book_.Decide(Wish(from, to, slo), Sequence{++head_}, now_);
    EXPECT_TRUE(said.ok()) << said.error().message();
    book_.Apply(*said);
    return said->id;
  }
  [[nodiscard]] std::string Refusal(const Exclusion& wish) const {
    const auto said = book_.Decide(wish, Sequence{head_}, now_);
    return said.ok() ? "" : said.error().message();
  }
  ExclusionBook book_;
  std::uint64_t head_ = 0;
  Time now_ = kStart + days(10);
};

TEST_F(ExclusionBookTest, IsWidenedToWholeHours) {
  const auto* spans = book_.Of("s");
  EXPECT_THAT(*spans, IsEmpty());
  Add(minutes(80), minutes(110));
  EXPECT_THAT(*spans, ElementsAre(Span(hours(1), hours(2)))) << "the same place as before";
  EXPECT_THAT(book_.Of("other"), Pointee(IsEmpty()));
}

TEST_F(ExclusionBookTest, HoursThatOverlapCountOnceAndComeBackWithTheLastOfThem) {
  const std::string first = Add(hours(5), hours(8));
  const std::string second = Add(hours(7), hours(9));
  Add(hours(1), hours(2));
  Add(hours(2), hours(3), "other");
  EXPECT_THAT(book_.Of("s"),
              Pointee(ElementsAre(Span(hours(1), hours(2)), Span(hours(5), hours(9)))));
  book_.Apply(*book_.DecideEnd(first, {"bob", "command"}, now_));
  EXPECT_THAT(book_.Of("s"),
              Pointee(ElementsAre(Span(hours(1), hours(2)), Span(hours(7), hours(9)))));
  EXPECT_THAT(book_.DecideEnd(first, {}, now_).error().message(), HasSubstr(first));
  EXPECT_TRUE(book_.DecideEnd(second, {}, now_)->withdrawn);
}

TEST_F(ExclusionBookTest, WhatIsNoExclusionIsRefusedByName) {
  EXPECT_THAT(Refusal(Wish(hours(2), hours(2))), HasSubstr("to:"));
  EXPECT_THAT(Refusal(Wish(hours(0), days(36))), HasSubstr("to:"));
  EXPECT_THAT(Refusal(Wish(-days(40), -days(39))), HasSubstr("no window"));
  EXPECT_THAT(Refusal(Wish(days(400), days(401))), HasSubstr("from:"));
  Exclusion silent = Wish(hours(0), hours(1));
  silent.note.clear();
  EXPECT_THAT(Refusal(silent), HasSubstr("note:"));
  silent.note.assign(100'000, 'x');
  EXPECT_THAT(Refusal(silent), HasSubstr("note:"));
}

TEST_F(ExclusionBookTest, WhatNoWindowReachesLeavesWithTheNext) {
  Add(hours(1), hours(2));
  now_ += days(60);
  Add(days(60), days(60) + hours(1));
  EXPECT_THAT(book_.Of("s"), Pointee(ElementsAre(Span(days(60), days(60) + hours(1)))));
}

TEST_F(ExclusionBookTest, ThereIsAnEndToHowMany) {
  for (std::size_t i = 0; i < kExclusionsMax; ++i) Add(hours(1), hours(2));
  EXPECT_EQ(book_.Decide(Wish(hours(1), hours(2)), Sequence{0}, now_).error().code(),
            ErrorCode::kResourceExhausted);
}

TEST_F(ExclusionBookTest, TheRowHoldsEverything) {
  Add(hours(1), hours(2));
  Add(hours(5), hours(6), "other");
  ExclusionBook copy;
  ASSERT_TRUE(copy.Load(book_.Encode()).ok());
  EXPECT_EQ(copy.Encode(), book_.Encode());
  EXPECT_EQ(*copy.Of("s"), *book_.Of("s"));
  EXPECT_EQ(ExclusionBook().Load("\x05nonsense").error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace barograph::rules
