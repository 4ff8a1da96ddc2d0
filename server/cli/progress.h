#pragma once

#include <cstdint>
#include <string>

#include "storage/base/clock.h"

namespace barograph::server {

/// Progress of long work on stderr: a bar with rate and time left on a terminal, redrawn at most
/// ten times a second; on anything else one line every ten seconds. Silent when stderr is neither
/// or `quiet`.
/// Threads: one.
class Progress {
 public:
  /// `total` 0: unknown, then only done and rate are shown. `what` e.g. "importing"; `unit` e.g.
  /// "events".
  Progress(const Clock& clock, std::string what, std::string unit, std::uint64_t total,
           bool quiet = false);
  /// Ends the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void Update(std::uint64_t done);

 private:
  void Draw(bool last);

  const Clock& clock_;
  std::string what_, unit_;
  std::uint64_t total_, done_ = 0;
  Duration started_, drawn_{0};
  bool terminal_, quiet_;
};

}  // namespace barograph::server
