// Reports of the thread sanitizer that are not about us. The distribution's libraries are not
// instrumented: their own locks are seen, their atomics are not, and what those order looks like a
// race. Each line names the library that both sides are in; a race of ours has a frame of ours on
// either side and is told.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() { return ""; }
