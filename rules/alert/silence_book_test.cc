#include "rules/alert/silence_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Op = LabelMatcher::Op;
using storage::Silenced;

constexpr Time kNow = Time(hours(24 * 20'000));

Silenced Wish(Time ends_at = kNow + hours(1)) {
  Silenced wish;
  wish.matchers = {{"agent", Op::kEqual, "a"}};
  wish.comment = "upgrade";
  wish.author = "ada";
  wish.ends_at = ends_at;
  return wish;
}

/// Decides and folds.
std::string Add(SilenceBook* book, const Silenced& wish, std::uint64_t head = 1) {
  const Result<Silenced> silenced = book->Decide(wish, Sequence{head}, kNow);
  EXPECT_TRUE(silenced.ok()) << silenced.error().message();
  book->Apply(*silenced);
  return silenced->id;
}

TEST(SilenceBookTest, SilenceCoversWhatItsMatchersFitUntilItEnded) {
  SilenceBook book;
  const std::string id = Add(&book, Wish());
  EXPECT_TRUE(book.Covers({{"agent", "a"}, {"rule", "r"}}));
  EXPECT_FALSE(book.Covers({{"agent", "b"}}));
  EXPECT_THAT(book.Due(kNow + minutes(59), 10), SizeIs(0));
  const auto due = book.Due(kNow + hours(1), 10);
  ASSERT_THAT(due, SizeIs(1));
  book.Apply(std::get<storage::SilenceEnded>(due[0]));
  EXPECT_FALSE(book.Covers({{"agent", "a"}}));
  EXPECT_EQ(book.Find(id)->state, SilenceState::kEnded);
  EXPECT_THAT(book.Due(kNow + hours(2), 10), SizeIs(0));
}

TEST(SilenceBookTest, SilenceToComeBeginsAtItsStart) {
  SilenceBook book;
  Silenced wish = Wish(kNow + hours(2));
  wish.starts_at = kNow + hours(1);
  const std::string id = Add(&book, wish);
  EXPECT_FALSE(book.Covers({{"agent", "a"}}));
  const auto due = book.Due(kNow + hours(1), 10);
  ASSERT_THAT(due, SizeIs(1));
  book.Apply(std::get<storage::SilenceBegan>(due[0]));
  EXPECT_TRUE(book.Covers({{"agent", "a"}}));
  EXPECT_THAT(book.Covering({{"agent", "a"}}), SizeIs(1));
}

TEST(SilenceBookTest, SilenceThatPassedWhileNobodyLookedOnlyEnds) {
  SilenceBook book;
  Silenced wish = Wish(kNow + hours(2));
  wish.starts_at = kNow + hours(1);
  Add(&book, wish);
  const auto due = book.Due(kNow + hours(3), 10);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<storage::SilenceEnded>(due[0]));
}

TEST(SilenceBookTest, MistakesAreToldByField) {
  const SilenceBook book;
  const auto refused = [&](const Silenced& wish) {
    const Result<Silenced> silenced = book.Decide(wish, Sequence{1}, kNow);
    EXPECT_FALSE(silenced.ok());
    return silenced.ok() ? std::string() : std::string(silenced.error().message());
  };
  Silenced wish = Wish();
  wish.matchers.clear();
  EXPECT_THAT(refused(wish), HasSubstr("matchers: none"));
  wish.matchers = {{"agent", Op::kNotEqual, "b"}};
  EXPECT_THAT(refused(wish), HasSubstr("fit every alert"));
  wish = Wish();
  wish.comment.clear();
  EXPECT_THAT(refused(wish), HasSubstr("comment: missing"));
  EXPECT_THAT(refused(Wish(kNow)), HasSubstr("ends_at: "));
  EXPECT_THAT(refused(Wish(kNow + kSilenceLengthMax + hours(1))), HasSubstr("lasts at most"));
  wish = Wish();
  wish.starts_at = kNow + hours(2);
  EXPECT_THAT(refused(wish), HasSubstr("not behind starts_at"));
}

TEST(SilenceBookTest, EndOfWhatEndedIsRefused) {
  SilenceBook book;
  const std::string id = Add(&book, Wish());
  const auto ended = book.DecideEnd(id, {"ada", "command"}, kNow);
  ASSERT_TRUE(ended.ok());
  book.Apply(*ended);
  EXPECT_EQ(book.Find(id)->ended_by, "ada");
  EXPECT_EQ(book.DecideEnd(id, {}, kNow).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(book.DecideEnd("sil_x", {}, kNow).error().code(), ErrorCode::kNotFound);
}

TEST(SilenceBookTest, BoundedInForceAndEnded) {
  SilenceBook book;
  for (std::uint64_t i = 0; i < kSilencesMax; ++i) Add(&book, Wish(), i);
  EXPECT_EQ(book.Decide(Wish(), Sequence{kSilencesMax}, kNow).error().code(),
            ErrorCode::kResourceExhausted);
  for (std::uint64_t round = 0; round < 2; ++round) {
    for (const auto& event : book.Due(kNow + hours(1), kSilencesMax))
      book.Apply(std::get<storage::SilenceEnded>(event));
    EXPECT_LE(book.silences().size(), kSilencesEndedMax);
    for (std::uint64_t i = 0; i < kSilencesMax; ++i) Add(&book, Wish(), 10'000 * (round + 1) + i);
  }
}

TEST(SilenceBookTest, CheckpointRowsBringItBack) {
  SilenceBook book;
  Silenced wish = Wish(kNow + hours(2));
  Add(&book, wish, 1);
  wish.starts_at = kNow + hours(1);
  wish.matchers.push_back({"rule", Op::kNotMatch, "x|y"});
  Add(&book, wish, 2);
  book.Apply(*book.DecideEnd(Add(&book, wish, 3), {"ada", "command"}, kNow));
  book.BeginCheckpoint();
  SilenceBook back;
  std::size_t budget = 100;
  EXPECT_TRUE(book.ContinueCheckpoint(&budget, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(back.LoadRow(key, value).ok());
  }));
  std::string one;
  std::string other;
  book.Canonical([&](std::string_view piece) { one += piece; });
  back.Canonical([&](std::string_view piece) { other += piece; });
  EXPECT_EQ(one, other);
  EXPECT_THAT(back.Due(kNow + hours(2), 10), SizeIs(2));
  EXPECT_FALSE(back.LoadRow("sil_x", "broken").ok());
}

}  // namespace
}  // namespace barograph::rules
