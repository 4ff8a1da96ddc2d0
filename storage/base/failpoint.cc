#include "storage/base/failpoint.h"

#ifdef BAROGRAPH_FAILPOINTS
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "storage/base/assert.h"
#endif

namespace barograph {

#ifdef BAROGRAPH_FAILPOINTS
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// The one point at which this process is to die, read from the environment at the first pass of any
// point.
struct ArmedPoint {
  ArmedPoint() {
    const std::string_view text = Environment("BAROGRAPH_FAILPOINT");
    const std::size_t colon = text.find(':');
    name = text.substr(0, colon);
    if (colon == std::string_view::npos) return;
    const char* end = text.data() + text.size();
    std::uint64_t count = 0;
    auto parsed = std::from_chars(text.data() + colon + 1, end, count);
    if (parsed.ptr != end && *parsed.ptr == ':') {
      parsed = std::from_chars(parsed.ptr + 1, end, hold_milliseconds);
    }
    BAROGRAPH_ASSERT(parsed.ec == std::errc() && parsed.ptr == end && count > 0,
                     "BAROGRAPH_FAILPOINT is name, name:count or name:count:hold, count >= 1");
    passes_left.store(count, std::memory_order_relaxed);
  }

  std::string_view name;
  std::uint32_t hold_milliseconds = 0;
  std::atomic<std::uint64_t> passes_left{1};
};

// The one point at which threads wait while a file exists.
struct HoldPoint {
  HoldPoint() {
    const std::string_view text = Environment("BAROGRAPH_HOLDPOINT");
    const std::size_t colon = text.find(':');
    BAROGRAPH_ASSERT(text.empty() || (colon != std::string_view::npos && colon + 1 < text.size()),
                     "BAROGRAPH_HOLDPOINT is name:file");
    name = text.substr(0, colon);
    if (!text.empty()) file = text.substr(colon + 1);
  }
  void Pass() const {
    while (access(file.c_str(), F_OK) == 0) usleep(kHoldLookMicroseconds);
  }

  static constexpr useconds_t kHoldLookMicroseconds = 1000;
  std::string_view name;
  std::string file;
};

}  // namespace

void HitFailpoint(std::string_view name) {
  static const HoldPoint hold;
  if (name == hold.name) hold.Pass();
  static ArmedPoint armed;
  if (name != armed.name) return;
  if (armed.passes_left.fetch_sub(1) != 1) return;
  if (armed.hold_milliseconds > 0) usleep(armed.hold_milliseconds * 1000);
  kill(getpid(), SIGKILL);
  pause();  // The signal may reach another thread first: this one must not go past the point.
}

bool IsMutant(std::string_view name) {
  static const std::string_view mutant = Environment("BAROGRAPH_MUTANT");
  return !mutant.empty() && mutant == name;
}
#else
void HitFailpoint(std::string_view) {}

bool IsMutant(std::string_view) { return false; }
#endif

}  // namespace barograph
