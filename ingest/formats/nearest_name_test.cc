#include "ingest/formats/nearest_name.h"

#include <gtest/gtest.h>

#include <array>

#include "ingest/formats/severity_words.h"

namespace barograph::ingest {
namespace {

TEST(NearestNameTest, TheNameThatWasProbablyMeantIsFound) {
  constexpr std::array<std::string_view, 4> kNames{"objective", "severity", "min_events", "by"};
  const auto nearest = [&](std::string_view name, std::string_view expected) {
    EXPECT_EQ(NearestName(name, kNames), expected) << name;
  };
  nearest("objectiv", "objective");
  nearest("obejctive", "objective");
  nearest("SEVERITY", "severity");
  nearest("min-events", "min_events");
  nearest("threshold", "");
  nearest("", "");
  nearest(std::string(1000, 'a'), "");
  EXPECT_EQ(DidYouMean("sverity", kNames), "; did you mean 'severity'?");
  EXPECT_EQ(DidYouMean("xyz", kNames), "");
}

TEST(SeverityWordsTest, TheWordsOfTheContractsTableAreUnderstood) {
  using storage::Severity;
  const auto means = [](std::string_view word, Severity alert, Severity event) {
    EXPECT_EQ(FindAlertSeverity(word), alert) << word;
    EXPECT_EQ(FindEventSeverity(word), event) << word;
  };
  for (const std::string_view word : {"P0", "SEV-1", "FATAL", "page", "Critical"})
    means(word, Severity::kCritical, Severity::kCritical);
  for (const std::string_view word : {"P1", "sev_2", "high", "ticket", "WARNING"})
    means(word, Severity::kWarning, Severity::kWarning);
  for (const std::string_view word : {"P2", "p4", "SEV-3", "medium", "low", "DEBUG", "info"})
    means(word, Severity::kInfo, Severity::kInfo);
  means("ERROR", Severity::kWarning, Severity::kError);
  EXPECT_FALSE(FindAlertSeverity("urgent-ish").has_value());
}

}  // namespace
}  // namespace barograph::ingest
