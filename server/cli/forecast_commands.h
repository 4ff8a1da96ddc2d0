#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

// The subcommands of `barograph forecast`, one file each.

void AddForecastSeriesCommand(CLI::App& forecast, int* status);

}  // namespace barograph::server
