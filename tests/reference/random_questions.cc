#include "tests/reference/random_questions.h"

#include <chrono>
#include <string>
#include <utility>

#include "tests/reference/describe.h"

namespace barograph::reference {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::vector<json> RandomQuestions(Dice* dice, Time now) {
  std::vector<json> questions;
  const std::vector<Duration> sums = {seconds(10),   minutes(1),    minutes(5), hours(1),
                                      hours(2),      hours(6),      hours(24),  hours(72),
                                      hours(24 * 7), hours(24 * 30)};
  const std::vector<Duration> others = {minutes(10), hours(1), hours(6), hours(24), hours(24 * 35)};
  const std::vector<std::pair<json, json>> cells = {
      {json::array(), json::array()}, {{"agent"}, {"ada"}},   {{"service"}, {"tiles"}},
      {{"type"}, {"development"}},    {{"model"}, {"large"}}, {{"category"}, {"FEES"}}};
  const auto question = [&](const char* kind, const char* measure, const char* qualifier,
                            const std::vector<Duration>& windows) {
    const auto& [by, values] = dice->Of(cells);
    return json{{"by", by},
                {"where", json::object()},
                {"values", values},
                {"kind", kind},
                {"measure", measure},
                {"qualifier", qualifier},
                {"at_ns", Nanos(now)},
                {"window_ns", dice->Of(windows).count()}};
  };
  const std::vector<std::pair<const char*, const char*>> measures = {
      {"tasks.finished", ""}, {"tasks.late", ""},        {"tasks.on_time", ""},
      {"cost", "USD"},        {"cost", "EUR"},           {"unpriced", ""},
      {"tokens", ""},         {"tokens.cache_read", ""}, {"revenue.net", "USD"},
      {"fees", "EUR"},        {"requests.failed", ""},   {"operations", ""},
      {"errors", ""},         {"changes", ""},           {"alerts.fired", ""},
      {"sample:queue", ""},   {"sample:handled", ""},    {"activity:signup", ""},
      {"task.value", "USD"}};
  for (const auto& [measure, qualifier] : measures)
    questions.push_back(question("sum", measure, qualifier, sums));
  for (const auto& [measure, qualifier] :
       std::vector<std::pair<const char*, const char*>>{{"request.duration", ""},
                                                        {"task.duration", ""},
                                                        {"cost.amount", "USD"},
                                                        {"alert.ack.duration", ""},
                                                        {"feedback.score", ""}}) {
    json quantile = question("quantile", measure, qualifier, others);
    quantile["q"] = dice->Of(std::vector<std::string>{"0", "0.5", "0.9", "0.95", "0.99", "1"});
    questions.push_back(std::move(quantile));
  }
  questions.push_back(question("gauge", "sample:queue", "gauge", others));
  for (const char* measure : {"agents", "customers", "subjects"})
    questions.push_back(question("distinct", measure, "", others));
  json between = question("between", "tasks.completed", "", sums);
  const Time hour = std::chrono::floor<hours>(now) + hours(1);
  between["to_ns"] = Nanos(hour - hours(dice->Below(24 * 3)));
  between["from_ns"] =
      between["to_ns"].get<std::int64_t>() - Duration(hours(1 + dice->Below(24 * 8))).count();
  questions.push_back(std::move(between));
  return questions;
}

}  // namespace barograph::reference
