#include "server/notify/webhook/body_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/notify/body/golden_notices.h"

namespace barograph::server {
namespace {

std::string Render(const std::string& text, std::string_view type = "text/plain",
                   const std::string& transition = "grouped") {
  return TemplateBody(GoldenNotices().at(transition), text, type, "http://here");
}

TEST(BodyTemplateTest, NamesOfTheNoticeAndOfEachOfItsAlerts) {
  EXPECT_EQ(Render("{{id}} {{receiver}} {{status}} {{firing}}/{{resolved}} {{severity}} {{url}}"),
            "ntc_00112233445566778899aabbccddeeff ops firing 1/1 warning http://here");
  EXPECT_EQ(Render("{{groupLabels.rule}}: {{#alerts}}{{status}} {{value}} > {{threshold}}"
                   "{{^last}}, {{/last}}{{/alerts}}"),
            "task-success: resolved 20.5 > 14.4, firing 20.5 > 14.4");
  EXPECT_EQ(Render("{{#alerts}}[{{labels.team.name}}{{#endsAt}} until {{endsAt}}{{/endsAt}}]"
                   "{{/alerts}}"),
            "[platform until 2026-11-01T10:05:30Z][platform]");
}

TEST(BodyTemplateTest, ValuesAreEscapedForTheContentType) {
  const std::string text = "{{groupLabels.agent}}|{{{groupLabels.agent}}}";
  const std::string plain = "builder <1> & \"co\"";
  EXPECT_EQ(Render(text, "text/plain", "firing"), plain + "|" + plain);
  EXPECT_EQ(Render(text, "application/json", "firing"), "builder <1> & \\\"co\\\"|" + plain);
  EXPECT_EQ(Render(text, "text/html", "firing"), "builder &lt;1&gt; &amp; &quot;co&quot;|" + plain);
}

TEST(BodyTemplateTest, MistakesAreToldWithTheirTag) {
  const auto mistake = [](std::string_view text) {
    const auto mistakes = CheckBodyTemplate(text);
    return mistakes.empty() ? "" : mistakes.front().message;
  };
  EXPECT_EQ(mistake("{{title}}{{#alerts}}{{labels.x}}{{/alerts}}"), "");
  EXPECT_EQ(mistake("{{titel}}"), "'{{titel}}': the name is unknown outside `alerts`");
  EXPECT_EQ(mistake("{{#alerts}}{{title}}{{/alerts}}"),
            "'{{title}}': the name is unknown in `alerts`");
  EXPECT_EQ(mistake("{{labels.x}}"), "'{{labels.x}}': the name is unknown outside `alerts`");
  EXPECT_THAT(mistake("{{#alerts}}"), testing::HasSubstr("not closed"));
  EXPECT_THAT(mistake("{{> other}}"), testing::HasSubstr("neither partials"));
  EXPECT_THAT(mistake("{{title"), testing::HasSubstr("not closed"));
  EXPECT_EQ(Render("{{titel}}"), "{{titel}}");
}

}  // namespace
}  // namespace barograph::server
