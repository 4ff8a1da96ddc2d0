#include "server/config/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace barograph::server {
namespace {

TEST(SecretTest, PrintingShowsStarsOnly) {
  const Secret secret("not-a-real-secret");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(secret.ToString(), "***");
  EXPECT_EQ(testing::PrintToString(secret), "***");
  EXPECT_EQ(secret.Reveal(), "not-a-real-secret");
}

TEST(SecretTest, ReferencesAreFetchedFromEnvironmentAndFile) {
  setenv("BAROGRAPH_TEST_HOOK", "from-environment", 1);
  const Result<Secret> variable = ResolveSecret("env:BAROGRAPH_TEST_HOOK");
  ASSERT_TRUE(variable.ok());
  EXPECT_EQ(variable->Reveal(), "from-environment");

  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "hook";
  std::ofstream(path) << "from-file\n";
  const Result<Secret> file = ResolveSecret("file:" + path.string());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->Reveal(), "from-file");
  EXPECT_TRUE(ResolveSecret("")->empty());
}

TEST(SecretTest, WhatIsMissingIsNamed) {
  const auto refuses = [](std::string_view reference, std::string_view told) {
    const Result<Secret> secret = ResolveSecret(reference);
    ASSERT_FALSE(secret.ok());
    EXPECT_THAT(secret.error().message(), testing::HasSubstr(std::string(told)));
  };
  unsetenv("BAROGRAPH_TEST_ABSENT");
  refuses("env:BAROGRAPH_TEST_ABSENT", "BAROGRAPH_TEST_ABSENT is not set");
  refuses("file:/nowhere/at/all", "cannot read /nowhere/at/all");
  refuses("hunter2", "starts with env: or file:");
}

}  // namespace
}  // namespace barograph::server
