#pragma once

#include <google/protobuf/duration.pb.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/cli/bench.h"
#include "storage/base/result.h"

namespace barograph::server {

/// The load of a benchmark: two streams with half of the events each.
[[nodiscard]] std::vector<BenchBatches> MakeTwoStreams(std::uint64_t events);

/// Measures `flags.runs` times, each told on stderr if there are several. The median run by the
/// figure `by` stands for all, with `runs_count`: so its figures belong together.
/// Errors: the first one of `measure`.
[[nodiscard]] Result<nlohmann::ordered_json> MeasureMedianRun(
    const BenchFlags& flags, const std::string& by,
    const std::function<Result<nlohmann::ordered_json>()>& measure);

[[nodiscard]] double Milliseconds(const google::protobuf::Duration& duration);

}  // namespace barograph::server
