#include "rules/alert/inhibition_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Op = LabelMatcher::Op;

storage::Labels Labels(const char* severity, const char* agent) {
  return {{"agent", agent}, {"severity", severity}};
}

InhibitionBook CriticalOverWarning() {
  InhibitionBook book;
  book.Configure({{{{"severity", Op::kEqual, "critical"}},
                   {{"severity", Op::kMatch, "warning|info"}},
                   {"agent"}}});
  return book;
}

TEST(InhibitionBookTest, SourceHoldsBackTargetsWithEqualLabelsOnly) {
  InhibitionBook book = CriticalOverWarning();
  EXPECT_THAT(book.Track("w-a", Labels("warning", "a"), true), IsEmpty());
  EXPECT_THAT(book.Track("w-b", Labels("warning", "b"), true), IsEmpty());
  EXPECT_THAT(book.Track("c-a", Labels("critical", "a"), true), ElementsAre("w-a"));
  EXPECT_TRUE(book.Holds(Labels("warning", "a")));
  EXPECT_FALSE(book.Holds(Labels("warning", "b")));
  EXPECT_FALSE(book.Holds(Labels("critical", "a")));
  EXPECT_THAT(book.HeldBy(Labels("info", "a")), ElementsAre(std::pair(0U, std::string("c-a"))));
  EXPECT_THAT(book.Track("c-a", Labels("critical", "a"), false), ElementsAre("w-a"));
  EXPECT_FALSE(book.Holds(Labels("warning", "a")));
}

TEST(InhibitionBookTest, TargetIsHeldUntilItsLastSourceIsGone) {
  InhibitionBook book;
  book.Configure(
      {{{{"severity", Op::kEqual, "critical"}}, {{"severity", Op::kEqual, "info"}}, {}}});
  EXPECT_THAT(book.Track("i", Labels("info", "a"), true), IsEmpty());
  EXPECT_THAT(book.Track("c1", Labels("critical", "a"), true), ElementsAre("i"));
  EXPECT_THAT(book.Track("c2", Labels("critical", "b"), true), IsEmpty());
  EXPECT_THAT(book.Track("c1", Labels("critical", "a"), false), IsEmpty());
  EXPECT_TRUE(book.Holds(Labels("info", "a")));
  EXPECT_THAT(book.Track("c2", Labels("critical", "b"), false), ElementsAre("i"));
}

TEST(InhibitionBookTest, AlertThatFitsBothSidesIsNotHeldBackByAnotherThatDoes) {
  InhibitionBook book;
  book.Configure({{{{"severity", Op::kMatch, "critical|warning"}},
                   {{"severity", Op::kMatch, "warning|info"}},
                   {}}});
  EXPECT_THAT(book.Track("w1", Labels("warning", "a"), true), ElementsAre("w1"));
  EXPECT_FALSE(book.Holds(Labels("warning", "a")));
  EXPECT_FALSE(book.Holds(Labels("warning", "b")));
  EXPECT_TRUE(book.Holds(Labels("info", "a")));
  static_cast<void>(book.Track("c", Labels("critical", "a"), true));
  EXPECT_TRUE(book.Holds(Labels("warning", "a")));
}

TEST(InhibitionBookTest, WhatABatchDecidedCountsBeforeItIsFolded) {
  const InhibitionBook book = CriticalOverWarning();
  InhibitionBook::Staged staged;
  book.Stage(Labels("critical", "a"), &staged);
  EXPECT_TRUE(book.Holds(Labels("warning", "a"), staged));
  EXPECT_FALSE(book.Holds(Labels("warning", "b"), staged));
  EXPECT_FALSE(book.Holds(Labels("warning", "a")));
}

}  // namespace
}  // namespace barograph::rules
