#include "rules/forecast/models.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "rules/forecast/analog.h"
#include "rules/forecast/autoregression.h"
#include "rules/forecast/complex_smoothing.h"
#include "rules/forecast/intermittent.h"
#include "rules/forecast/seasonal.h"
#include "rules/forecast/smoothing.h"
#include "rules/forecast/theta.h"

namespace barograph::rules::forecast {
namespace {

using Periods = std::vector<std::size_t>;

bool IsPositive(History history) { return *std::min_element(history.begin(), history.end()) > 0; }

/// The model on logarithms; nothing for a history that is not positive. What it returns stays
/// within a factor of e of the history, because an exponential turns a small error into a large
/// one.
Continuation InLogarithms(Continuation inner) {
  return [inner = std::move(inner)](History history, std::size_t horizon) -> Values {
    if (!IsPositive(history)) return {};
    Values logs;
    for (const double each : history) logs.push_back(std::log(each));
    const auto [low, high] = std::minmax_element(logs.begin(), logs.end());
    Values forecast = inner(logs, horizon);
    for (double& each : forecast) each = std::exp(std::clamp(each, *low - 1, *high + 1));
    return forecast;
  };
}

/// The model on the last values only: smoothing forgets what is older anyway.
Continuation OnLast(std::size_t count, Continuation inner) {
  return [count, inner = std::move(inner)](History history, std::size_t horizon) {
    return inner(history.size() > count ? history.last(count) : history, horizon);
  };
}

Continuation WithoutSeason(Periods periods, Season form, double half_life, Continuation inner) {
  return [periods = std::move(periods), form, half_life, inner = std::move(inner)](
             History history, std::size_t horizon) -> Values {
    if (history.size() < 2 * periods.front()) return {};
    if (form == Season::kMultiplicative && !IsPositive(history)) return {};
    const Adjusted adjusted = SeasonallyAdjusted(history, periods, form, half_life);
    Values ahead = inner(adjusted.rest, horizon);
    return ahead.empty() ? ahead : adjusted.WithSeason(std::move(ahead));
  };
}

Continuation OnLags(const Periods& periods, std::size_t difference, double ridge, bool intercept) {
  return [periods, difference, ridge, intercept](History history, std::size_t horizon) -> Values {
    if (history.size() < 3 * (difference + 4)) return {};
    const std::size_t lag_max = (history.size() - difference) / 3;
    return LagRegression(history, horizon,
                         {.lags = SeasonalLags(periods, lag_max),
                          .difference = difference,
                          .ridge = ridge,
                          .intercept = intercept});
  };
}

Continuation Burg(std::size_t order_max) {
  return [order_max](History history, std::size_t horizon) {
    return BurgDifferences(history, horizon, order_max);
  };
}

constexpr std::size_t kMemory = 600;       ///< values that smoothing looks at
constexpr std::size_t kOrderMax = 160;     ///< of autoregressions
constexpr std::size_t kEtsPeriodMax = 24;  ///< each seasonal index is a parameter to estimate

using Add = std::function<void(std::string, Continuation)>;

void AddPlain(const Add& add) {
  add("level", OnLast(kMemory, [](History y, std::size_t h) { return SmoothedLevel(y, h); }));
  add("damped", OnLast(kMemory, DampedTrend));
  add("theta", OnLast(kMemory, DynamicTheta));
  add("complex", OnLast(kMemory, ComplexSmoothing));
  add("autoregression", Burg(kOrderMax));
  add("autoregression 60", Burg(60));
  add("log autoregression", InLogarithms(Burg(60)));
  add("recent autoregression", OnLast(300, Burg(kOrderMax)));
  const auto analog = [](std::size_t length, std::size_t neighbours) -> Continuation {
    return [=](History y, std::size_t h) { return NearestPast(y, h, length, neighbours); };
  };
  add("analog", analog(24, 6));
  add("log analog", InLogarithms(analog(24, 10)));
}

void AddAdjusted(const Add& add, const Periods& periods) {
  Periods run;
  for (std::size_t lag = 1; lag <= std::min<std::size_t>(periods.front() + 1, 25); ++lag) {
    run.push_back(lag);
  }
  if (periods.front() <= 24) {
    run.push_back(2 * periods.front());
    run.push_back(3 * periods.front());
  }
  const Continuation lags = [run](History y, std::size_t h) {
    return LagRegression(y, h, {.lags = run, .ridge = 0.01});
  };
  const Continuation level = [](History y, std::size_t h) { return SmoothedLevel(y, h); };
  constexpr double kCycles = 4;
  for (const Season form : {Season::kAdditive, Season::kMultiplicative}) {
    const bool times = form == Season::kMultiplicative;
    const std::string name = times ? "season x " : "season + ";
    const auto within = [&](double half_life, const Continuation& inner) {
      return WithoutSeason(periods, form, half_life, OnLast(kMemory, inner));
    };
    add(name + "level", within(kCycles, level));
    add(name + "theta", within(kCycles, DynamicTheta));
    add(name + "quick theta", within(1.5, DynamicTheta));
    add(name + "complex", within(kCycles, ComplexSmoothing));
    add(name + "lags", within(kCycles, times ? InLogarithms(lags) : lags));
    add(name + "slow lags", within(2 * kCycles, times ? InLogarithms(lags) : lags));
    add(name + "autoregression", within(kCycles, times ? InLogarithms(Burg(60)) : Burg(60)));
  }
}

void AddSeasonal(const Add& add, const Periods& periods) {
  for (const std::size_t period : periods) {
    const std::string every = "last " + std::to_string(period);
    add(every, [period](History y, std::size_t h) {
      return y.size() < period ? Values{} : SeasonalNaive(y, h, period);
    });
    const double ridge = period == periods.front() ? 0.003 : 0.01;
    add("lags of steps of " + std::to_string(period), OnLags(periods, period, ridge, false));
    add("log lags of steps of " + std::to_string(period),
        InLogarithms(OnLags(periods, period, ridge, false)));
  }
  add("lags", OnLags(periods, 0, 0.003, true));
  add("log lags", InLogarithms(OnLags(periods, 0, 0.003, true)));
  add("lags of steps", OnLags(periods, 1, 0.01, false));
  add("log lags of steps", InLogarithms(OnLags(periods, 1, 0.03, true)));
  AddAdjusted(add, periods);
  if (periods.size() > 1) {
    const Continuation twice = [periods](History y, std::size_t h) {
      return DoubleSeason(y, h, periods[0], periods[1]);
    };
    add("double season", twice);
    add("log double season", InLogarithms(twice));
  }
}

}  // namespace

std::vector<std::size_t> SeasonalLags(const Periods& periods, std::size_t lag_max) {
  constexpr std::size_t kWholeRun = 30;  ///< longer periods are looked at in quarters
  constexpr std::size_t kRun = 8;
  std::set<std::size_t> lags;
  const std::size_t first = periods.empty() ? kRun : periods.front();
  const std::size_t run = first <= kWholeRun ? first + 1 : kRun;
  for (std::size_t lag = 1; lag <= run; ++lag) lags.insert(lag);
  for (std::size_t i = 0; i < periods.size(); ++i) {
    const std::size_t period = periods[i];
    if (period > kWholeRun && i == 0) {
      for (std::size_t quarter = 1; quarter < 4; ++quarter) lags.insert(quarter * period / 4);
    }
    const std::size_t end = i + 1 < periods.size() ? periods[i + 1] : 2 * period + 1;
    for (std::size_t lag = period; lag <= end && lag <= 6 * period; lag += period) {
      lags.insert({lag - 1, lag, lag + 1});
    }
  }
  lags.erase(lags.upper_bound(lag_max), lags.end());
  return {lags.begin(), lags.end()};
}

std::vector<Model> ModelsFor(const Periods& periods, bool is_sparse) {
  std::vector<Model> models;
  const Add add = [&](std::string name, Continuation forecast) {
    models.push_back({std::move(name), std::move(forecast)});
  };
  AddPlain(add);
  const std::size_t ets_period =
      !periods.empty() && periods.front() <= kEtsPeriodMax ? periods.front() : 1;
  add("ets", OnLast(kMemory,
                    [ets_period](History y, std::size_t h) { return BestEts(y, h, ets_period); }));
  if (!periods.empty()) AddSeasonal(add, periods);
  if (is_sparse) {
    add("intermittent", IntermittentDemand);
    add("croston", [](History y, std::size_t h) { return Values(h, CrostonRate(y, 0.1)); });
  }
  return models;
}

}  // namespace barograph::rules::forecast
