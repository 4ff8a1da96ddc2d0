#pragma once

#include <string_view>

namespace barograph {

/// Ends the process with SIGKILL when the environment names this point and its count is reached:
/// BAROGRAPH_FAILPOINT="commit_before_sync:17" dies at the 17th pass, and
/// "commit_before_sync:17:50" holds
/// that thread for 50 ms first, so that the others show what they do meanwhile.
///
/// BAROGRAPH_HOLDPOINT="commit_before_sync:/tmp/hold" kills nothing: who passes the point waits
/// there while that file exists, as behind a disk that hangs.
/// Only builds with BAROGRAPH_FAILPOINTS have code for either.
/// Threads: any.
void HitFailpoint(std::string_view name);

/// Whether this build was started as the named mutant (BAROGRAPH_MUTANT=...): a seeded defect that
/// the crash loop must catch. Always false in builds without BAROGRAPH_FAILPOINTS.
[[nodiscard]] bool IsMutant(std::string_view name);

}  // namespace barograph

#ifdef BAROGRAPH_FAILPOINTS
#define BAROGRAPH_FAILPOINT(name) ::barograph::HitFailpoint(name)
#define BAROGRAPH_MUTANT(name) ::barograph::IsMutant(name)
#else
#define BAROGRAPH_FAILPOINT(name) \
  do {                            \
  } while (false)
#define BAROGRAPH_MUTANT(name) false
#endif
