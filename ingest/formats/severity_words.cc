#include "ingest/formats/severity_words.h"

#include <array>
#include <string>
#include <utility>

namespace barograph::ingest {
namespace {

using storage::Severity;

constexpr std::array<std::pair<std::string_view, Severity>, 30> kWords{{
    {"critical", Severity::kCritical}, {"crit", Severity::kCritical},
    {"p0", Severity::kCritical},       {"sev0", Severity::kCritical},
    {"sev1", Severity::kCritical},     {"fatal", Severity::kCritical},
    {"page", Severity::kCritical},     {"emergency", Severity::kCritical},
    {"error", Severity::kError},       {"err", Severity::kError},
    {"warning", Severity::kWarning},   {"warn", Severity::kWarning},
    {"p1", Severity::kWarning},        {"sev2", Severity::kWarning},
    {"high", Severity::kWarning},      {"ticket", Severity::kWarning},
    {"info", Severity::kInfo},         {"information", Severity::kInfo},
    {"notice", Severity::kInfo},       {"p2", Severity::kInfo},
    {"p3", Severity::kInfo},           {"p4", Severity::kInfo},
    {"p5", Severity::kInfo},           {"sev3", Severity::kInfo},
    {"sev4", Severity::kInfo},         {"sev5", Severity::kInfo},
    {"medium", Severity::kInfo},       {"low", Severity::kInfo},
    {"debug", Severity::kInfo},        {"trace", Severity::kInfo},
}};

}  // namespace

std::optional<Severity> FindEventSeverity(std::string_view word) {
  if (word.size() > 32) return std::nullopt;
  std::string folded;
  for (const char c : word) {
    if (c == '-' || c == '_' || c == ' ') continue;
    folded.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  for (const auto& [name, severity] : kWords) {
    if (name == folded) return severity;
  }
  return std::nullopt;
}

std::optional<Severity> FindAlertSeverity(std::string_view word) {
  const std::optional<Severity> severity = FindEventSeverity(word);
  return severity == Severity::kError ? Severity::kWarning : severity;
}

}  // namespace barograph::ingest
