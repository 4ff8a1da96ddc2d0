#include "server/notify/pagerduty/pagerduty_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/notify/body/golden_notices.h"

namespace barograph::server {
namespace {

using Json = nlohmann::json;

Json Event(const rules::Notice& notice) { return Json::parse(PagerDutyBody(notice, "")); }

TEST(PagerDutyBodyTest, AGroupIsOneIncidentFromTriggerToResolve) {
  const auto notices = GoldenNotices();
  const Json trigger = Event(notices.at("firing"));
  const Json resolve = Event(notices.at("resolved"));
  EXPECT_EQ(trigger["event_action"], "trigger");
  EXPECT_EQ(trigger["payload"]["severity"], "critical");
  EXPECT_EQ(resolve["event_action"], "resolve");
  EXPECT_EQ(trigger["dedup_key"], resolve["dedup_key"]);
  EXPECT_EQ(trigger["dedup_key"].get<std::string>().size(), 64U);
  EXPECT_NE(Event(notices.at("grouped"))["dedup_key"], trigger["dedup_key"]);
  rules::Notice stranger = notices.at("firing");
  stranger.tenant = "another";
  EXPECT_NE(Event(stranger)["dedup_key"], trigger["dedup_key"]);
}

TEST(PagerDutyBodyTest, AGroupIsNotResolvedWhileAnotherNoticeTellsOfAnAlertThatFires) {
  rules::Notice notice = GoldenNotices().at("resolved");
  notice.group_fires = true;
  EXPECT_EQ(Event(notice)["event_action"], "trigger");
}

TEST(PagerDutyBodyTest, AnAcknowledgementNeedsNoMoreThanItsKey) {
  rules::Notice notice = GoldenNotices().at("firing");
  notice.reason = rules::kReasonAcknowledged;
  const Json event = Event(notice);
  EXPECT_EQ(event["event_action"], "acknowledge");
  EXPECT_FALSE(event.contains("payload"));
}

TEST(PagerDutyBodyTest, WhatWasOverBeforeItWasFoundIsToldButPagesNobody) {
  const Json event = Event(GoldenNotices().at("late"));
  EXPECT_EQ(event["event_action"], "trigger");
  EXPECT_EQ(event["payload"]["severity"], "info");
}

TEST(PagerDutyBodyTest, TheLargestNoticeStaysBelowHalfAMegabyte) {
  rules::Notice notice = GoldenNotices().at("firing");
  rules::NoticeMember& large = notice.members.front();
  for (const char* key : {"summary", "description", "response"}) {
    large.annotations[key] = std::string(2'048, '\x01');  // six bytes each as JSON
  }
  notice.members.assign(32, large);
  std::string body = PagerDutyBody(notice, "");
  EXPECT_LE(body.size(), kPagerDutyBodyMax);
  EXPECT_EQ(Json::parse(body)["payload"]["custom_details"]["alerts"].size(), 32U);
  for (int label = 0; label < 30; ++label) {
    notice.members.front().labels["l" + std::to_string(label)] = std::string(256, '\x01');
  }
  notice.members.assign(32, notice.members.front());
  body = PagerDutyBody(notice, "");
  EXPECT_LE(body.size(), kPagerDutyBodyMax);
  EXPECT_TRUE(Json::parse(body)["payload"]["custom_details"].contains("left_out"));
}

TEST(PagerDutyBodyTest, TheRoutingKeyIsPutInWhenTheEventIsSent) {
  const std::string body = PagerDutyBody(GoldenNotices().at("resolved"), "");
  const Json sent = Json::parse(WithRoutingKey(body, "k\"1"));
  EXPECT_EQ(sent["routing_key"], "k\"1");
  EXPECT_EQ(sent.size(), Json::parse(body).size() + 1);
  EXPECT_EQ(WithRoutingKey("{}", "k"), R"({"routing_key":"k"})");
}

}  // namespace
}  // namespace barograph::server
