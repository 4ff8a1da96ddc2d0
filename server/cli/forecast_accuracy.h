#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

/// `forecast accuracy`, below `forecast`; see command.h.
void AddForecastAccuracyCommand(CLI::App& forecast, int* status);

}  // namespace barograph::server
