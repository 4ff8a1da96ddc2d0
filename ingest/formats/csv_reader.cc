#include "ingest/formats/csv_reader.h"

#include <algorithm>

namespace barograph::ingest {

Result<bool> CsvReader::NextLine() {
  std::string_view line;
  BAROGRAPH_ASSIGN(const bool more, lines_->Next(&line));
  if (more) line_.assign(line);
  at_ = 0;
  return more;
}

void CsvReader::SkipBlanks() {
  while (options_.blanks && at_ < line_.size() && IsSeparator(line_[at_])) ++at_;
}

Result<bool> CsvReader::Next(std::vector<std::string>* values) {
  do {
    BAROGRAPH_ASSIGN(const bool more, NextLine());
    if (!more) return false;
    SkipBlanks();
  } while (at_ == line_.size());
  line_number_ = lines_->line_number();
  std::size_t count = 0;
  while (true) {
    if (count == kCsvColumnsMax) {
      return Error(ErrorCode::kInvalidArgument,
                   "more than " + std::to_string(kCsvColumnsMax) + " columns");
    }
    if (count == values->size()) values->emplace_back();
    std::string& value = (*values)[count++];
    value.clear();
    BAROGRAPH_TRY(Value(&value));
    SkipBlanks();
    if (at_ == line_.size()) {
      // A separator at the very end stands before one more value, which is empty.
      break;
    }
    if (!options_.blanks) {
      ++at_;
      if (at_ == line_.size()) {
        if (count == values->size()) values->emplace_back();
        (*values)[count++].clear();
        break;
      }
    }
  }
  values->resize(count);
  return true;
}

Status CsvReader::Value(std::string* value) {
  if (at_ < line_.size() && line_[at_] == '"') return QuotedValue(value);
  std::size_t end = at_;
  while (end < line_.size() && !IsSeparator(line_[end])) ++end;
  value->assign(line_, at_, end - at_);
  at_ = end;
  return {};
}

Status CsvReader::QuotedValue(std::string* value) {
  ++at_;
  while (true) {
    const std::size_t quote = std::min(line_.find('"', at_), line_.size());
    value->append(line_, at_, quote - at_);
    at_ = quote;
    if (quote < line_.size()) {
      ++at_;
      if (at_ == line_.size() || IsSeparator(line_[at_])) return {};
      if (line_[at_] != '"') {
        return Error(ErrorCode::kInvalidArgument,
                     "text after a closing quote; double a quote that belongs to the value");
      }
      value->push_back('"');
      ++at_;
      continue;
    }
    BAROGRAPH_ASSIGN(const bool more, NextLine());
    if (!more) return Error(ErrorCode::kInvalidArgument, "a quote is never closed");
    value->push_back('\n');
    if (value->size() > kTextLineBytesMax) {
      return Error(ErrorCode::kInvalidArgument, "a quoted value has more than " +
                                                    std::to_string(kTextLineBytesMax) +
                                                    " bytes; its quote may never be closed");
    }
  }
}

}  // namespace barograph::ingest
