#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

// The subcommands of `barograph forecast`, one file each.

void AddForecastAccuracyCommand(CLI::App& forecast, int* status);
void AddForecastSeriesCommand(CLI::App& forecast, int* status);

}  // namespace barograph::server
