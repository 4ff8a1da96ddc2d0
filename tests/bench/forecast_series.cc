// Forecasts of the series on standard input, for the benches beside this file.
//
//   forecast_series HORIZON PERIODS [never-negative]     e.g. forecast_series 48 24,168
//
// One series a line, `id,value,value,…`; one answer a line, in the same order:
//   id,ok,CPU seconds,centre… low80… high80… low95… high95…   each HORIZON numbers
//   id,refused,CPU seconds,reason

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>

#include "rules/forecast/forecaster.h"

namespace {

using barograph::rules::forecast::Answer;
using barograph::rules::forecast::CannotSay;
using barograph::rules::forecast::Forecast;
using barograph::rules::forecast::ForecastOf;
using barograph::rules::forecast::Question;
using barograph::rules::forecast::Values;

std::vector<std::size_t> PeriodsOf(const std::string& text) {
  std::vector<std::size_t> periods;
  std::stringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (const auto period = std::strtoul(word.c_str(), nullptr, 10); period > 1) {
      periods.push_back(period);
    }
  }
  return periods;
}

void Print(const Forecast& forecast) {
  for (const double each : forecast.centre) std::printf(",%.10g", each);
  for (const double coverage : {0.80, 0.95}) {
    for (const bool upper : {false, true}) {
      for (std::size_t h = 0; h < forecast.centre.size(); ++h) {
        const auto interval = forecast.IntervalAt(h, coverage);
        std::printf(",%.10g", upper ? interval.high : interval.low);
      }
    }
  }
}

void Answered(const std::string& line, const Question& question) {
  std::stringstream cells(line);
  std::string id;
  std::getline(cells, id, ',');
  Values history;
  for (std::string cell; std::getline(cells, cell, ',');) {
    history.push_back(std::strtod(cell.c_str(), nullptr));
  }
  const std::clock_t begin = std::clock();
  const Answer answer = ForecastOf(history, question);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const auto* refusal = std::get_if<CannotSay>(&answer);
  std::printf("%s,%s,%.6f", id.c_str(), refusal != nullptr ? "refused" : "ok", seconds);
  if (refusal != nullptr) {
    std::printf(",%s", refusal->reason.c_str());
  } else {
    Print(std::get<Forecast>(answer));
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: forecast_series HORIZON PERIODS [never-negative] < series\n", stderr);
    return 2;
  }
  Question question;
  question.horizon = std::strtoul(argv[1], nullptr, 10);
  question.periods = PeriodsOf(argv[2]);
  question.never_negative = argc > 3 && std::string_view(argv[3]) == "never-negative";
  for (std::string line; std::getline(std::cin, line);) Answered(line, question);
  return 0;
}
