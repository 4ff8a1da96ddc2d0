#include "server/cli/output.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "server/cli/command.h"

namespace barograph::server {

namespace {

/// Columns as people count them: bytes of UTF-8 that are not continuation bytes.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool LooksNumeric(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,-+%") == std::string::npos;
}

}  // namespace

void AddOutputOption(CLI::App& command, OutputFormat* format) {
  static const std::map<std::string, OutputFormat> kFormats{{"table", OutputFormat::kTable},
                                                            {"json", OutputFormat::kJson}};
  command.add_option("-o,--output", *format, "How to print: table or json")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case).description(""))
      ->option_text("table|json");
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

void Table::Row(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  if (rows_.empty()) return "";
  std::vector<std::size_t> widths(headings_.size());
  std::vector<bool> numeric(headings_.size(), true);
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    widths[column] = Width(headings_[column]);
    for (const auto& row : rows_) {
      widths[column] = std::max(widths[column], Width(row[column]));
      numeric[column] = numeric[column] && (row[column].empty() || LooksNumeric(row[column]));
    }
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) text += "  ";
      const std::string blanks(widths[column] - Width(cells[column]), ' ');
      text += numeric[column] ? blanks + cells[column] : cells[column] + blanks;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(headings_);
  for (const auto& row : rows_) line(row);
  return out;
}

int PrintError(const Error& error) {
  std::fprintf(stderr, "barograph: %s\n", error.message().c_str());
  return kExitFailed;
}

std::string GroupDigits(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = digits[0] == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string FormatBytes(double bytes) {
  static constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
  return text.data();
}

}  // namespace barograph::server
