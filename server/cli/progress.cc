#include "server/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "server/cli/output.h"

namespace barograph::server {

namespace {
constexpr auto kTerminalInterval = std::chrono::milliseconds(100);
constexpr auto kLineInterval = std::chrono::seconds(10);
constexpr std::uint64_t kBarCells = 24;
}  // namespace

Progress::Progress(const Clock& clock, std::string what, std::string unit, std::uint64_t total,
                   bool quiet)
    : clock_(clock),
      what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      started_(clock.BootNow()),
      drawn_(started_),
      terminal_(isatty(STDERR_FILENO) == 1),
      quiet_(quiet) {}

Progress::~Progress() {
  if (done_ > 0) Draw(true);
}

void Progress::Update(std::uint64_t done) {
  done_ = done;
  const Duration now = clock_.BootNow();
  if (now - drawn_ < (terminal_ ? Duration(kTerminalInterval) : Duration(kLineInterval))) return;
  drawn_ = now;
  Draw(false);
}

void Progress::Draw(bool last) {
  if (quiet_) return;
  const double seconds =
      std::max(1e-3, std::chrono::duration<double>(clock_.BootNow() - started_).count());
  const double rate = static_cast<double>(done_) / seconds;
  std::string line = what_ + " ";
  if (total_ > 0) {
    const std::uint64_t filled = std::min(kBarCells, done_ * kBarCells / total_);
    if (terminal_) {
      line += "[" + std::string(filled, '#') + std::string(kBarCells - filled, '.') + "] ";
    }
    line += std::to_string(std::min<std::uint64_t>(100, done_ * 100 / total_)) + "% ";
  }
  line += GroupDigits(static_cast<std::int64_t>(done_)) + " " + unit_ + ", " +
          GroupDigits(static_cast<std::int64_t>(rate)) + "/s";
  if (total_ > done_ && rate > 0 && !last) {
    const auto left = static_cast<std::int64_t>(static_cast<double>(total_ - done_) / rate);
    line += ", " + FormatDuration(std::chrono::seconds(left)) + " left";
  }
  if (terminal_) {
    std::fprintf(stderr, "\r%s\033[K%s", line.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

}  // namespace barograph::server
