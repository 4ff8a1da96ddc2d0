#include "server/web/health.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

HttpRequest Ask(std::map<std::string, std::string, std::less<>> query = {}) {
  return {.method = "GET", .path = "/readyz", .query = std::move(query)};
}
const HealthCheck kGood{"log", [] { return std::string(); }};
const HealthCheck kBad{"disk", [] { return std::string("2 % free"); }};

TEST(HealthTest, AGoodServerSaysOk) {
  const HttpAnswer answer = Health::Probe("readyz", {kGood}, Ask());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok\n");
}

TEST(HealthTest, VerboseNamesEachCheck) {
  EXPECT_EQ(Health::Probe("readyz", {kGood}, Ask({{"verbose", ""}})).body,
            "[+]log ok\nreadyz check passed\n");
}

TEST(HealthTest, AFailedCheckIsNamedWithoutAsking) {
  const HttpAnswer answer = Health::Probe("readyz", {kGood, kBad}, Ask());
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "[+]log ok\n[-]disk failed: 2 % free\nreadyz check failed\n");
}

TEST(HealthTest, AnExcludedCheckDoesNotCount) {
  EXPECT_EQ(Health::Probe("readyz", {kGood, kBad}, Ask({{"exclude", "disk"}})).status, 200);
}

}  // namespace
}  // namespace barograph::server
