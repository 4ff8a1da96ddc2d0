#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace CLI {
class App;
}

namespace barograph::server {

/// How a command prints: `-o table` (default) or `-o json`.
enum class OutputFormat { kTable, kJson };
/// Adds `-o,--output table|json`.
void AddOutputOption(CLI::App& command, OutputFormat* format);

/// Lines up columns for a terminal: headings in capitals, two blanks between columns, numbers to
/// the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void Row(std::vector<std::string> cells);
  /// The whole table; "" for a table without rows.
  [[nodiscard]] std::string ToString() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

/// Prints "barograph: <message>" to stderr and returns kExitFailed.
int PrintError(const Error& error);

/// "1,234,567".
[[nodiscard]] std::string GroupDigits(std::int64_t number);
/// "1.5 GiB".
[[nodiscard]] std::string FormatBytes(double bytes);

}  // namespace barograph::server
