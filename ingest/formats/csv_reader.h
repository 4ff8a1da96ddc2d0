#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/formats/gzip_reader.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Columns of one record at most.
inline constexpr std::size_t kCsvColumnsMax = 4096;

/// Reads records of separated values.
///
/// With a separator: RFC 4180; a value in double quotes may hold separators, line ends and doubled
/// quotes. With `blanks`: values stand between runs of blanks and tabs, also before the first;
/// quotes work the same. Empty lines are skipped.
///
/// Threads: one at a time.
/// Lifetime: refers to the lines.
class CsvReader {
 public:
  struct Options {
    char separator = ',';
    bool blanks = false;  ///< separated by runs of blanks instead
  };
  CsvReader(LineReader* lines, Options options) : lines_(lines), options_(options) {}

  /// The next record's values, valid until the next call; false at the end.
  /// Errors: as LineReader; kInvalidArgument for a quote that is never closed, text after a closing
  /// quote, or more than kCsvColumnsMax columns. A record with such a mistake is behind the reader
  /// afterwards, so reading can go on.
  [[nodiscard]] Result<bool> Next(std::vector<std::string>* values);
  /// Line in which the last record began, from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }

 private:
  [[nodiscard]] Result<bool> NextLine();
  [[nodiscard]] Status Value(std::string* value);
  [[nodiscard]] Status QuotedValue(std::string* value);
  void SkipBlanks();
  [[nodiscard]] bool IsSeparator(char c) const {
    return options_.blanks ? c == ' ' || c == '\t' : c == options_.separator;
  }

  LineReader* lines_;
  Options options_;
  std::string line_;  // the line that is being read, owned: a quoted value may need the next one
  std::size_t at_ = 0;
  std::uint64_t line_number_ = 0;
};

}  // namespace barograph::ingest
