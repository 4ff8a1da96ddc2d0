// How the thread sanitizer is to look at our programs; built into each of them, so that nobody has
// to set TSAN_OPTIONS.
extern "C" const char* __tsan_default_options();

/// gRPC, RocksDB and the other libraries of the distribution are not instrumented. What they copy
/// and free is ordered by atomics that the sanitizer does not see, so their calls are left alone;
/// what their locks order for us is told by absl_mutex.cc. Accesses of our own code are all looked
/// at.
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

extern "C" const char* __tsan_default_suppressions();

/// Reports that are not about us; none may name a function that calls code of ours.
extern "C" const char* __tsan_default_suppressions() {
  return
      // An operation of a gRPC call is started on one thread and ends on another; the completion
      // queue between them is made of atomics inside of the library.
      "race:^grpc::internal::CallOpSet*::FinalizeResult\n"
      // The last callback ends the call's object; the count of those under way is an atomic inside
      // of the library.
      "race:^grpc::internal::Callback*::~ServerCallback\n";
}
