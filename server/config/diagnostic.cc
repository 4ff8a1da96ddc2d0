#include "server/config/diagnostic.h"

#include <algorithm>
#include <map>
#include <utility>

namespace barograph::server {

std::string Position::ToString() const {
  std::string text = file ? *file : std::string();
  if (line > 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  return text;
}

std::string Diagnostic::ToString() const {
  const std::string place = position.ToString();
  return place.empty() ? message : place + ": " + message;
}

void Diagnostics::Add(Position position, std::string message) {
  ++count_;
  if (all_.size() < kDiagnosticsMax) all_.push_back({std::move(position), std::move(message)});
}

std::string Diagnostics::ToString() const {
  std::map<std::string, std::size_t> file_order;
  for (const Diagnostic& one : all_) {
    file_order.emplace(one.position.file ? *one.position.file : "", file_order.size());
  }
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& one : all_) sorted.push_back(&one);
  const auto place = [&](const Diagnostic& one) {
    const Position& position = one.position;
    return std::tuple(file_order[position.file ? *position.file : ""], position.line,
                      position.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic* a, const Diagnostic* b) { return place(*a) < place(*b); });
  std::string text;
  for (const Diagnostic* one : sorted) {
    if (!text.empty()) text += '\n';
    text += one->ToString();
  }
  if (count_ > all_.size()) {
    text += "\n... and " + std::to_string(count_ - all_.size()) + " more";
  }
  return text;
}

Error Diagnostics::ToError() const {
  BAROGRAPH_ASSERT(!empty(), "no mistake to tell");
  return Error(ErrorCode::kInvalidArgument, ToString());
}

}  // namespace barograph::server
