#pragma once

#include <cstddef>
#include <vector>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// A linear regression of a series on its own past.
struct LagSpec {
  std::vector<std::size_t> lags;  ///< ascending, each at least 1
  std::size_t difference = 0;     ///< the regression is of y[t] - y[t - difference]; 0: of y itself
  /// Ridge penalty (Hoerl and Kennard, Technometrics 12, 1970), in units of the mean square of a
  /// regressor times the number of rows: 0.001 is next to none, 1 halves every coefficient.
  double ridge = 0.01;
  /// Rows count half after so many steps back; 0: all alike.
  double half_life = 0;
  bool intercept = true;
};

/// Continues `history` step by step by ridge regression on these lags, each forecast standing in
/// for the value that is not known yet. Empty when there are not at least as many rows as
/// coefficients, or when the continuation leaves ten times the range of the history. Pure.
[[nodiscard]] Values LagRegression(History history, std::size_t horizon, const LagSpec& spec);

/// AR(p) of the differences with p of 0 to `order_max` by AICc, coefficients by Burg's method
/// (1967), which are stable for any history; without a constant, so that the forecast levels off.
/// Requires at least one number. Pure.
[[nodiscard]] Values BurgDifferences(History history, std::size_t horizon, std::size_t order_max);

/// The solution x of `matrix` x = `right` for a symmetric positive definite matrix, row by row, by
/// Cholesky's decomposition; empty when it is not positive definite.
[[nodiscard]] Values CholeskySolution(Values matrix, Values right);

}  // namespace barograph::rules::forecast
