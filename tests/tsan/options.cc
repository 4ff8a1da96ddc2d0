// How the thread sanitizer is to look at our programs; built into each of them, so that nobody has to
// set TSAN_OPTIONS.
extern "C" const char* __tsan_default_options();

/// gRPC, RocksDB and the other libraries of the distribution are not instrumented. What they copy and
/// free is ordered by atomics that the sanitizer does not see, so their calls are left alone; what
/// their locks order for us is told by absl_mutex.cc. Accesses of our own code are all looked at.
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }
