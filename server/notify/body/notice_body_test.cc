#include "server/notify/body/notice_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "rules/spec/annotation_template.h"

namespace barograph::server {
namespace {

using Json = nlohmann::json;

rules::Notice TwoMembers() {
  const Time start = ParseTime("2026-11-01T10:00:00Z").value();
  rules::Notice notice;
  notice.id = "ntc_1";
  notice.receiver = "ops";
  notice.group_key = "{}:{rule=\"task-success\"}";
  notice.reason = "new alerts added";
  notice.group_labels = {{"rule", "task-success"}};
  notice.at = start;
  rules::NoticeMember firing;
  firing.labels = {{"alertname", "task-success"}, {"agent", "a\"1\xFF"}, {"severity", "critical"}};
  firing.annotations = {{"runbook_url", "https://example.com/runbook"}};
  firing.starts_at = start;
  firing.fingerprint = "00112233aabbccdd";
  firing.episode_id = "17-00112233aabbccdd";
  firing.severity = rules::Severity::kCritical;
  firing.value = 20.5;
  firing.threshold = 14.4;
  firing.condition = "1h/5m";
  firing.summary = "burns 20.5 times too fast";
  rules::NoticeMember resolved = firing;
  resolved.labels["agent"] = "b";
  resolved.state = storage::AlertState::kResolved;
  resolved.ends_at = start + std::chrono::minutes(5);
  notice.members = {firing, resolved};
  return notice;
}

TEST(AlertmanagerBodyTest, HasEveryFieldOfVersionFour) {
  const Json body = Json::parse(AlertmanagerBody(TwoMembers(), "http://127.0.0.1:7172"));
  EXPECT_EQ(body["version"], "4");
  EXPECT_EQ(body["status"], "firing");
  EXPECT_EQ(body["receiver"], "ops");
  EXPECT_EQ(body["truncatedAlerts"], 0);
  EXPECT_EQ(body["notification_reason"], "new_alerts_added");
  EXPECT_EQ(body["groupLabels"], Json({{"rule", "task-success"}}));
  EXPECT_EQ(body["commonLabels"], Json({{"alertname", "task-success"}, {"severity", "critical"}}));
  EXPECT_EQ(body["commonAnnotations"], Json({{"runbook_url", "https://example.com/runbook"}}));
  const Json& firing = body["alerts"][0];
  EXPECT_EQ(firing["status"], "firing");
  EXPECT_EQ(firing["startsAt"], "2026-11-01T10:00:00Z");
  EXPECT_EQ(firing["endsAt"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(firing["annotations"]["summary"], "burns 20.5 times too fast");
  EXPECT_EQ(firing["fingerprint"], "00112233aabbccdd");
  const Json& resolved = body["alerts"][1];
  EXPECT_EQ(resolved["status"], "resolved");
  EXPECT_EQ(resolved["endsAt"], "2026-11-01T10:05:00Z");
}

TEST(AlertmanagerBodyTest, GroupIsResolvedOnlyWhenAllItsAlertsAre) {
  rules::Notice notice = TwoMembers();
  notice.members.erase(notice.members.begin());
  EXPECT_EQ(Json::parse(AlertmanagerBody(notice, ""))["status"], "resolved");
}

TEST(AlertmanagerBodyTest, AlertsThatAreNotNamedAreCountedAndStillFire) {
  rules::Notice notice = TwoMembers();
  notice.members.erase(notice.members.begin());
  notice.truncated = 9'968;
  notice.truncated_fire = true;
  const Json body = Json::parse(AlertmanagerBody(notice, ""));
  EXPECT_EQ(body["truncatedAlerts"], 9'968);
  EXPECT_EQ(body["status"], "firing");
  EXPECT_EQ(Json::parse(BarographBody(notice, ""))["more"], 9'968);
  EXPECT_FALSE(Json::parse(BarographBody(TwoMembers(), "")).contains("more"));
}

TEST(BarographBodyTest, TellsValueThresholdAndBothTimes) {
  const Json body = Json::parse(BarographBody(TwoMembers(), ""));
  EXPECT_EQ(body["type"], "barograph.notice.v1");
  EXPECT_EQ(body["id"], "ntc_1");
  EXPECT_FALSE(body.contains("server_url"));
  EXPECT_EQ(body["alerts"][0]["value"], 20.5);
  EXPECT_EQ(body["alerts"][0]["threshold"], 14.4);
  EXPECT_TRUE(body["alerts"][0]["ended_at"].is_null());
  EXPECT_EQ(body["alerts"][1]["state"], "resolved");
  EXPECT_EQ(body["alerts"][1]["ended_at"], "2026-11-01T10:05:00Z");
}

/// The golden file's text; BAROGRAPH_UPDATE_GOLDENS writes `body` into it first.
std::string Golden(const std::string& name, const std::string& body) {
  const std::string path = std::string(BAROGRAPH_SOURCE_DIR) + "/tests/golden/webhook/" + name;
  if (std::getenv("BAROGRAPH_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << body << "\n";
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(NoticeBodyTest, ARenderedAnnotationIsEscapedOnceByTheFormatThatCarriesIt) {
  rules::Notice notice = TwoMembers();
  notice.members.resize(1);
  rules::NoticeMember& member = notice.members.front();
  member.labels = {{"agent", "<a> \"1\" & co"},
                   {"alertname", "task-success"},
                   {"rule", "task-success"},
                   {"severity", "critical"}};
  const rules::AnnotationTemplate summary(
      "{{labels.agent}} burns {{value}} times too fast ({{threshold}} allowed, {{condition}})");
  member.annotations["summary"] =
      summary.Render({member.labels, member.value, member.threshold, member.condition});
  const std::string alertmanager = AlertmanagerBody(notice, "http://127.0.0.1:7172");
  EXPECT_EQ(alertmanager + "\n", Golden("alertmanager_template.json", alertmanager));
  const std::string barograph = BarographBody(notice, "http://127.0.0.1:7172");
  EXPECT_EQ(barograph + "\n", Golden("barograph_template.json", barograph));
  EXPECT_EQ(Json::parse(alertmanager)["alerts"][0]["annotations"]["summary"],
            "<a> \"1\" & co burns 20.5 times too fast (14.4 allowed, 1h/5m)");
}

TEST(NoticeBodyTest, EqualNoticesGiveEqualBytes) {
  const rules::NoticeFormat format = MakeNoticeFormat("http://127.0.0.1:7172");
  rules::ReceiverSpec receiver;
  EXPECT_EQ(format(TwoMembers(), receiver).bytes, format(TwoMembers(), receiver).bytes);
  const std::string alertmanager = format(TwoMembers(), receiver).bytes;
  receiver.format = rules::ReceiverSpec::Format::kBarograph;
  EXPECT_NE(format(TwoMembers(), receiver).bytes, alertmanager);
}

}  // namespace
}  // namespace barograph::server
