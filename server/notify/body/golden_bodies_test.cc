#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "server/notify/body/golden_notices.h"
#include "server/notify/body/notice_body.h"

// Method: the body of every receiver for every transition lies under tests/golden/notify/RECEIVER
// and is compared byte by byte. BAROGRAPH_UPDATE_GOLDENS writes them first.
namespace barograph::server {
namespace {

using rules::ReceiverSpec;

constexpr const char* kUrl = "http://127.0.0.1:7172";

struct Golden {
  std::string name;  ///< folder, and what its files begin with after a slash
  std::string suffix;
  ReceiverSpec receiver;
};

ReceiverSpec Webhook(ReceiverSpec::Format format) {
  ReceiverSpec receiver;
  receiver.format = format;
  receiver.content_type = "application/json";
  receiver.body_template =
      R"({"text": "{{title}}", "alerts": [{{#alerts}}{"agent": "{{labels.agent}}", )"
      R"("status": "{{status}}", "value": {{value}}{{#endsAt}}, "ended": "{{endsAt}}"{{/endsAt}}})"
      R"({{^last}}, {{/last}}{{/alerts}}]})";
  return receiver;
}

ReceiverSpec Of(ReceiverSpec::Type type) {
  ReceiverSpec receiver;
  receiver.type = type;
  receiver.format = ReceiverSpec::Format::kBarograph;
  receiver.mail.from = "barograph@example.org";
  receiver.mail.to = {"ops@example.org", "second@example.org"};
  return receiver;
}

std::vector<Golden> Goldens() {
  using Type = ReceiverSpec::Type;
  using Format = ReceiverSpec::Format;
  return {{"webhook/alertmanager_", ".json", Webhook(Format::kAlertmanager)},
          {"webhook/barograph_", ".json", Webhook(Format::kBarograph)},
          {"webhook/template_", ".json", Webhook(Format::kTemplate)},
          {"file/", ".json", Of(Type::kFile)},
          {"slack/", ".json", Of(Type::kSlack)},
          {"pagerduty/", ".json", Of(Type::kPagerDuty)},
          {"alertmanager/", ".json", Of(Type::kAlertmanager)},
          {"email/", ".eml", Of(Type::kEmail)},
          {"console/", ".txt", Of(Type::kConsole)}};
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(GoldenBodiesTest, EveryReceiverSaysEveryTransitionInExactlyTheseBytes) {
  const std::filesystem::path folder =
      std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/notify";
  const rules::NoticeFormat format = MakeNoticeFormat(kUrl);
  for (const Golden& golden : Goldens()) {
    for (const auto& [transition, notice] : GoldenNotices()) {
      const std::filesystem::path path = folder / (golden.name + transition + golden.suffix);
      const std::string body = format(notice, golden.receiver).bytes;
      if (std::getenv("BAROGRAPH_UPDATE_GOLDENS") != nullptr) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << body;
      }
      EXPECT_EQ(body, ReadFile(path)) << path;
      if (golden.suffix == ".json") {
        EXPECT_TRUE(nlohmann::json::accept(body)) << path;
      }
    }
  }
}

TEST(GoldenBodiesTest, LabelsThatAreNoUtf8StillGiveWellFormedBodies) {
  rules::Notice notice = GoldenNotices().at("grouped");
  notice.members[0].labels["agent"] = "a\xFF\r\nBcc: x@example.org\x1B[2J\xC2\x9B";
  notice.members[0].annotations["summary"] = "\xC3(\x01";
  notice.group_labels["agent"] = notice.members[0].labels["agent"];
  const rules::NoticeFormat format = MakeNoticeFormat(kUrl);
  for (const Golden& golden : Goldens()) {
    const std::string body = format(notice, golden.receiver).bytes;
    if (golden.suffix == ".json") {
      EXPECT_TRUE(nlohmann::json::accept(body)) << golden.name << body;
    } else {
      EXPECT_THAT(body, testing::Not(testing::HasSubstr("\x1B"))) << golden.name;
      EXPECT_THAT(body, testing::Not(testing::HasSubstr("\nBcc:"))) << golden.name;
    }
  }
}

}  // namespace
}  // namespace barograph::server
