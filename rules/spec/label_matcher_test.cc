#include "rules/spec/label_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using Op = LabelMatcher::Op;

bool Fits(const char* text, const storage::Labels& labels) {
  const Result<LabelMatcher> matcher = ParseMatcher(text);
  EXPECT_TRUE(matcher.ok()) << matcher.error().message();
  return matcher.ok() && MatcherSet({*matcher}).Fits(labels);
}

TEST(LabelMatcherTest, FourOperatorsAsInAlertmanager) {
  const storage::Labels labels = {{"agent", "CMO"}, {"severity", "critical"}};
  EXPECT_TRUE(Fits("severity=critical", labels));
  EXPECT_FALSE(Fits("severity=\"warning\"", labels));
  EXPECT_TRUE(Fits("severity != \"warning\"", labels));
  EXPECT_FALSE(Fits("severity!=critical", labels));
  EXPECT_TRUE(Fits("agent=~\"C[MF]O\"", labels));
  EXPECT_FALSE(Fits("agent=~\"C\"", labels)) << "an expression matches the whole value";
  EXPECT_TRUE(Fits("agent!~\"C\"", labels));
  EXPECT_FALSE(Fits("agent!~C.*", labels));
}

TEST(LabelMatcherTest, LabelThatAnAlertLacksIsEmpty) {
  EXPECT_TRUE(Fits("team=\"\"", {}));
  EXPECT_TRUE(Fits("team!=web", {}));
  EXPECT_TRUE(Fits("team=~\".*\"", {}));
  EXPECT_FALSE(Fits("team=~\".+\"", {}));
}

TEST(LabelMatcherTest, AllMatchersOfASetMustFit) {
  const MatcherSet set({{"a", Op::kEqual, "1"}, {"b", Op::kMatch, "x|y"}});
  EXPECT_TRUE(set.Fits({{"a", "1"}, {"b", "y"}}));
  EXPECT_FALSE(set.Fits({{"a", "1"}, {"b", "z"}}));
  EXPECT_TRUE(MatcherSet().Fits({{"a", "1"}}));
}

TEST(LabelMatcherTest, TextIsReadBackAsItWas) {
  for (const LabelMatcher& matcher : {LabelMatcher{"a", Op::kEqual, "q\"uote \\ line\nend"},
                                      {"b", Op::kNotMatch, "x|y=z"},
                                      {"c", Op::kNotEqual, ""},
                                      {"d", Op::kMatch, "\\d+\\.\\d"}}) {
    const Result<LabelMatcher> back = ParseMatcher(MatcherText(matcher));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, matcher) << MatcherText(matcher);
  }
  EXPECT_EQ(MatchersText({{"a", Op::kEqual, "1"}, {"b", Op::kMatch, "x"}}), "{a=\"1\",b=~\"x\"}");
}

TEST(LabelMatcherTest, MistakesSayWhatWouldBeRight) {
  for (const char* text :
       {"severity", "=critical", "a=\"x", "a=\"x\" b", "a=~\"(\"", "{a=1}", "a!1"}) {
    const Result<LabelMatcher> matcher = ParseMatcher(text);
    ASSERT_FALSE(matcher.ok()) << text;
    EXPECT_EQ(matcher.error().code(), ErrorCode::kInvalidArgument) << text;
  }
  EXPECT_THAT(ParseMatcher("severity").error().message(),
              ::testing::HasSubstr("write e.g. severity=\"critical\""));
  EXPECT_FALSE(CheckMatcher({"a", Op::kUnspecified, "x"}).ok());
  EXPECT_FALSE(CheckMatcher({"a", Op::kEqual, std::string(kMatcherValueBytesMax + 1, 'x')}).ok());
}

TEST(LabelMatcherTest, MatchersThatAnEmptyAlertFitsChooseNothing) {
  EXPECT_TRUE(MatchesNothingNamed({{"a", Op::kNotEqual, "x"}, {"b", Op::kMatch, ".*"}}));
  EXPECT_FALSE(MatchesNothingNamed({{"a", Op::kNotEqual, "x"}, {"b", Op::kEqual, "y"}}));
}

}  // namespace
}  // namespace barograph::rules
