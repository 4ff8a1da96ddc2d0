#include "server/cli/rule_test_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/cli/output.h"

namespace barograph::server {
namespace {

using rules::ScenarioDifference;
using Json = nlohmann::ordered_json;

constexpr std::size_t kNameColumn = 56;

double Milliseconds(Duration took) {
  return std::chrono::duration<double, std::milli>(took).count();
}

double Seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

std::string TookText(Duration took) {
  std::array<char, 32> text{};
  const double ms = Milliseconds(took);
  std::snprintf(text.data(), text.size(), ms < 10'000 ? "%.0f ms" : "%.1f s",
                ms < 10'000 ? ms : ms / 1'000);
  return text.data();
}

std::string CostText(std::uint64_t events, Duration simulated, Duration took) {
  return GroupDigits(static_cast<std::int64_t>(events)) + (events == 1 ? " event, " : " events, ") +
         FormatDuration(simulated) + " in " + TookText(took);
}

/// The difference as lines that begin with `indent`.
std::string DifferenceText(const ScenarioDifference& difference, const std::string& indent) {
  std::string text = indent + difference.place + ": " + std::string(Name(difference.kind)) + "\n";
  const auto line = [&](std::string_view head, const std::string& what) {
    if (!what.empty()) text += indent + "  " + std::string(head) + what + "\n";
  };
  line("expected  ", difference.expected);
  line("came      ", difference.came);
  for (const std::string& reason : difference.reasons) line("          ", reason);
  return text;
}

std::string FailureText(const TestedScenario& scenario, const std::string& indent) {
  std::string text;
  if (!scenario.error.empty()) text += indent + scenario.place + ": " + scenario.error + "\n";
  for (const ScenarioDifference& difference : scenario.differences)
    text += DifferenceText(difference, indent);
  return text;
}

std::string Padded(std::string text) {
  // Bytes of UTF-8 that continue a character take no column.
  const auto width = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  if (width < kNameColumn) text.append(kNameColumn - width, ' ');
  return text;
}

/// Text of XML 1.0: what it has no place for is a question mark.
std::string Xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return escaped;
}

std::string SecondsText(Duration span) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6f", Seconds(span));
  return text.data();
}

std::string CaseText(const TestedFile& file, const TestedScenario& scenario) {
  std::string text = "    <testcase classname=\"" + Xml(file.name) + "\" name=\"" +
                     Xml(scenario.name) + "\" time=\"" + SecondsText(scenario.took) + "\"";
  if (scenario.passed()) return text + "/>\n";
  const std::size_t count = scenario.differences.size();
  const std::string message =
      !scenario.error.empty()
          ? scenario.error
          : std::to_string(count) + (count == 1 ? " difference" : " differences");
  return text + ">\n      <failure type=\"difference\" message=\"" + Xml(message) + "\">" +
         Xml(FailureText(scenario, "")) + "</failure>\n    </testcase>\n";
}

Json JsonOf(const TestedScenario& scenario) {
  Json json{{"name", scenario.name},
            {"place", scenario.place},
            {"passed", scenario.passed()},
            {"events", scenario.events},
            {"simulated_seconds", Seconds(scenario.simulated)},
            {"took_ms", Milliseconds(scenario.took)}};
  if (!scenario.error.empty()) json["error"] = scenario.error;
  json["differences"] = Json::array();
  for (const ScenarioDifference& difference : scenario.differences) {
    Json one{{"kind", std::string(Name(difference.kind))}, {"place", difference.place}};
    if (!difference.expected.empty()) one["expected"] = difference.expected;
    if (!difference.came.empty()) one["came"] = difference.came;
    one["reasons"] = difference.reasons;
    json["differences"].push_back(std::move(one));
  }
  if (!scenario.shown.empty()) json["came"] = scenario.shown;
  return json;
}

}  // namespace

RuleTestReport::Totals RuleTestReport::totals() const {
  Totals totals;
  for (const TestedFile& file : files) {
    totals.refused += file.refused.empty() ? 0 : 1;
    for (const TestedScenario& scenario : file.scenarios) {
      ++(scenario.passed() ? totals.passed : totals.failed);
      totals.events += scenario.events;
      totals.simulated += scenario.simulated;
      totals.took += scenario.took;
    }
  }
  return totals;
}

std::string TableText(const RuleTestReport& report) {
  std::string text;
  for (const TestedFile& file : report.files) {
    text += file.name + (file.refused.empty() ? "\n" : ": refused\n");
    for (const TestedScenario& scenario : file.scenarios) {
      text += (scenario.passed() ? "  ok    " : "  FAIL  ") + Padded(scenario.name) + "  " +
              CostText(scenario.events, scenario.simulated, scenario.took) + "\n";
      for (const std::string& came : scenario.shown) text += "          " + came + "\n";
      text += FailureText(scenario, "        ");
    }
  }
  const RuleTestReport::Totals totals = report.totals();
  text += std::to_string(totals.passed) + " passed, " + std::to_string(totals.failed) + " failed";
  if (totals.refused > 0) {
    text += ", " + std::to_string(totals.refused) +
            (totals.refused == 1 ? " file refused" : " files refused");
  }
  return text + ": " + CostText(totals.events, totals.simulated, totals.took) + "\n";
}

std::string JsonText(const RuleTestReport& report) {
  const RuleTestReport::Totals totals = report.totals();
  Json json{{"passed", totals.passed},
            {"failed", totals.failed},
            {"files_refused", totals.refused},
            {"events", totals.events},
            {"simulated_seconds", Seconds(totals.simulated)},
            {"took_ms", Milliseconds(totals.took)},
            {"files", Json::array()}};
  for (const TestedFile& file : report.files) {
    Json one{{"file", file.name}};
    if (!file.refused.empty()) one["refused"] = file.refused;
    one["scenarios"] = Json::array();
    for (const TestedScenario& scenario : file.scenarios)
      one["scenarios"].push_back(JsonOf(scenario));
    json["files"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string JunitText(const RuleTestReport& report) {
  const RuleTestReport::Totals totals = report.totals();
  const auto counts = [](std::size_t tests, std::size_t failures, std::size_t errors,
                         Duration took) {
    return " tests=\"" + std::to_string(tests) + "\" failures=\"" + std::to_string(failures) +
           "\" errors=\"" + std::to_string(errors) + "\" time=\"" + SecondsText(took) + "\">\n";
  };
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
                     counts(totals.passed + totals.failed + totals.refused, totals.failed,
                            totals.refused, totals.took);
  for (const TestedFile& file : report.files) {
    const RuleTestReport::Totals own = RuleTestReport{{file}}.totals();
    text += "  <testsuite name=\"" + Xml(file.name) + "\"" +
            counts(own.passed + own.failed + own.refused, own.failed, own.refused, own.took);
    if (!file.refused.empty()) {
      text += "    <testcase classname=\"" + Xml(file.name) +
              "\" name=\"is read\" time=\"0\">\n      <error type=\"refused\" message=\"the file "
              "is refused\">" +
              Xml(file.refused) + "</error>\n    </testcase>\n";
    }
    for (const TestedScenario& scenario : file.scenarios) text += CaseText(file, scenario);
    text += "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace barograph::server
