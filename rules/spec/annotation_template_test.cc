#include "rules/spec/annotation_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace barograph::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const storage::Labels kLabels = {{"agent", "a<1> & \"co\""},
                                 {"alertname", "task-success"},
                                 {"rule", "task-success"},
                                 {"severity", "critical"}};

std::string Render(const std::string& text, double value = 20.5) {
  return AnnotationTemplate(text).Render({kLabels, value, 14.4, "1h/5m"});
}

/// "message [unknown name]" of each mistake.
std::vector<std::string> Mistakes(std::string_view text) {
  const std::vector<std::string> known = {"value", "threshold", "rule", "labels.agent"};
  std::vector<std::string> told;
  for (const TemplateMistake& mistake : CheckTemplate(text, known)) {
    told.push_back(mistake.message + (mistake.unknown.empty() ? "" : " [" + mistake.unknown + "]"));
  }
  return told;
}

TEST(AnnotationTemplateTest, NamesStandForWhatTheTransitionSays) {
  EXPECT_EQ(Render("{{rule}} of {{ labels.agent }}: {{value}} > {{threshold}} ({{condition}}, "
                   "{{severity}})"),
            "task-success of a<1> & \"co\": 20.5 > 14.4 (1h/5m, critical)");
}

TEST(AnnotationTemplateTest, NothingIsEscapedBecauseEachFormatDoesThatItself) {
  EXPECT_EQ(Render("{{labels.agent}}"), Render("{{{labels.agent}}}"));
  EXPECT_EQ(Render("{{&labels.agent}}"), "a<1> & \"co\"");
}

TEST(AnnotationTemplateTest, WholeNumbersAreWrittenInFullAndOthersWithFourDigits) {
  EXPECT_EQ(Render("{{value}}", 1'234'567), "1234567");
  EXPECT_EQ(Render("{{value}}", 0), "0");
  EXPECT_EQ(Render("{{value}}", 0.0512345), "0.05123");
  EXPECT_EQ(Render("{{value}}", 1e300), "1e+300");
}

TEST(AnnotationTemplateTest, SectionsStandWhenTheirNameHasAText) {
  const std::string text =
      "{{#labels.team}}team {{labels.team}}{{/labels.team}}"
      "{{^labels.team}}nobody's{{/labels.team}}";
  EXPECT_EQ(Render(text), "nobody's");
  EXPECT_EQ(Render("{{#labels.agent}}by {{labels.agent}}{{/labels.agent}}{{! not shown }}"),
            "by a<1> & \"co\"");
}

TEST(AnnotationTemplateTest, TextWithoutTagsAndALabelThatIsAbsentChangeNothing) {
  EXPECT_EQ(Render("a { plain } text\nof two lines"), "a { plain } text\nof two lines");
  EXPECT_EQ(Render("[{{labels.team}}]"), "[]");
}

TEST(AnnotationTemplateTest, EqualValuesGiveEqualBytesAgainAndAgain) {
  const AnnotationTemplate text("{{#rule}}{{rule}}{{/rule}} {{value}}\n{{labels.agent}}");
  const TemplateValues values{kLabels, 20.5, 14.4, "1h/5m"};
  const std::string first = text.Render(values);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(text.Render(values), first);
}

TEST(AnnotationTemplateTest, WhatIsRenderedIsCutAtACharacterAndSaysSo) {
  // Characters of two bytes at every second byte, so that a cut in the middle would show.
  std::string wide;
  while (wide.size() < 200) wide += "ü";
  std::string text = "x";
  for (int i = 0; i < 50; ++i) text += "{{labels.agent}}";
  const storage::Labels labels = {{"agent", wide}};
  const std::string rendered = AnnotationTemplate(text).Render({labels, 0, 0, ""});
  EXPECT_LE(rendered.size(), kAnnotationBytesMax);
  EXPECT_GT(rendered.size(), kAnnotationBytesMax - 8);
  EXPECT_TRUE(rendered.ends_with("ü\u2026"));
  EXPECT_EQ(Render(std::string(kAnnotationBytesMax, 'x')), std::string(kAnnotationBytesMax, 'x'));
}

TEST(AnnotationTemplateTest, AnUnknownNameIsTold) {
  EXPECT_THAT(Mistakes("{{vlaue}} of {{labels.agnet}}"),
              ElementsAre("'{{vlaue}}': the name is unknown [vlaue]",
                          "'{{labels.agnet}}': the alerts of this rule have no such label; add it "
                          "to `by` or `labels` [labels.agnet]"));
  EXPECT_THAT(Mistakes("{{event.custmer}}"),
              ElementsAre("'{{event.custmer}}': the name is unknown [event.custmer]"));
  EXPECT_THAT(Mistakes("{{event.labels.}}"), testing::SizeIs(1));
  EXPECT_THAT(Mistakes("{{}}"), ElementsAre("'{{}}': the tag is empty; write e.g. {{value}}"));
}

TEST(AnnotationTemplateTest, ABrokenTemplateIsTold) {
  EXPECT_THAT(Mistakes("a {{value"),
              ElementsAre("'{{value': the tag is not closed; write {{name}}"));
  EXPECT_THAT(Mistakes("{{#value}} x"),
              ElementsAre("'{{#value}}': the section is not closed; write {{/value}} at its end"));
  EXPECT_THAT(Mistakes("x {{/value}}"),
              ElementsAre("'{{/value}}': it closes no section; write {{#name}} before it"));
  EXPECT_THAT(Mistakes("{{#value}}{{^rule}}{{/value}}{{/rule}}"),
              ElementsAre("'{{/value}}': the open section is {{^rule}}; close that one first",
                          "'{{/rule}}': the open section is {{#value}}; close that one first"));
  EXPECT_THAT(Mistakes("{{> other}}"), testing::SizeIs(1));
  EXPECT_THAT(Mistakes("{{=<% %>=}}"), testing::SizeIs(1));
  EXPECT_THAT(Mistakes(std::string(kAnnotationBytesMax + 1, 'x')),
              ElementsAre("2049 bytes; at most 2048"));
}

TEST(AnnotationTemplateTest, WhateverIsNotRefusedRendersAndNothingStopsTheProcess) {
  constexpr std::string_view kPieces[] = {
      "{{",   "}}",           "{", "}", "#", "/", "^", "!", ">", "=", "&", " ", "\n", "value",
      "rule", "labels.agent", "."};
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t left = random() % 14; left > 0; --left) {
      text += kPieces[random() % std::size(kPieces)];
    }
    // A text that is refused must not harm either: an old log may hold it.
    const std::string rendered = Render(text);
    if (!Mistakes(text).empty()) continue;
    ++accepted;
    if (text.find("{{") == std::string::npos) {
      EXPECT_EQ(rendered, text);
    } else {
      EXPECT_EQ(rendered.find("{{value}}"), std::string::npos) << text;
    }
  }
  EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace barograph::rules
