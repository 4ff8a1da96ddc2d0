// What the distribution's build of absl::Mutex does not tell the thread sanitizer: which of two
// threads' accesses comes first. These functions stand before the library's (for gRPC too, whose
// locks are the same), call them, and say it. Linked into every program of the preset `tsan`.
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdlib>
#include <string>

#define BAROGRAPH_TEXT(name) #name
#define BAROGRAPH_TEXT_OF(name) BAROGRAPH_TEXT(name)

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

/// The library's function whose mangled name inside of namespace absl is `name`.
void* Next(const std::string& prefix, const char* name) {
  const std::string space = BAROGRAPH_TEXT_OF(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  const std::string size = std::to_string(space.size());
  const std::string symbol = prefix + "4absl" + size + space + name;
  void* const found = dlsym(RTLD_NEXT, symbol.c_str());
  if (found == nullptr) std::abort();
  return found;
}

void* Function(const char* name) { return Next("_ZN", name); }
void* ConstFunction(const char* name) { return Next("_ZNK", name); }

/// While it lives, what this thread touches is not looked at: whoever unlocks a mutex judges the
/// conditions of those who wait, still under the lock, but after it was said to be given away.
class Unseen {
 public:
  Unseen() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unseen() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
};

/// Calls a member function of the library on `self`.
template <typename Result, typename Self, typename... Arguments>
Result Call(void* function, Self* self, Arguments... arguments) {
  const Unseen unseen;
  return reinterpret_cast<Result (*)(Self*, Arguments...)>(function)(self, arguments...);
}

void Has(const void* mutex) { __tsan_acquire(const_cast<void*>(mutex)); }
void Gives(const void* mutex) { __tsan_release(const_cast<void*>(mutex)); }

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static void* const next = Function("5Mutex4LockEv");
  Call<void>(next, this);
  Has(this);
}

void Mutex::Unlock() {
  static void* const next = Function("5Mutex6UnlockEv");
  Gives(this);
  Call<void>(next, this);
}

bool Mutex::TryLock() {
  static void* const next = Function("5Mutex7TryLockEv");
  const bool locked = Call<bool>(next, this);
  if (locked) Has(this);
  return locked;
}

void Mutex::Await(const Condition& condition) {
  static void* const next = Function("5Mutex5AwaitERKNS0_9ConditionE");
  Gives(this);
  Call<void>(next, this, &condition);
  Has(this);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static void* const next = Function("5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  Gives(this);
  const bool holds = Call<bool>(next, this, &condition, timeout);
  Has(this);
  return holds;
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  static void* const next = Function("5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  Gives(this);
  const bool holds = Call<bool>(next, this, &condition, timeout);
  Has(this);
  return holds;
}

void CondVar::Wait(Mutex* mutex) {
  static void* const next = Function("7CondVar4WaitEPNS0_5MutexE");
  Gives(mutex);
  Call<void>(next, this, mutex);
  Has(mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static void* const next = Function("7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  Gives(mutex);
  const bool timed_out = Call<bool>(next, this, mutex, timeout);
  Has(mutex);
  return timed_out;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static void* const next = Function("7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  Gives(mutex);
  const bool timed_out = Call<bool>(next, this, mutex, deadline);
  Has(mutex);
  return timed_out;
}

void Notification::Notify() {
  static void* const next = Function("12Notification6NotifyEv");
  Gives(this);
  Call<void>(next, this);
}

void Notification::WaitForNotification() const {
  static void* const next = ConstFunction("12Notification19WaitForNotificationEv");
  Call<void>(next, this);
  Has(this);
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static void* const next =
      ConstFunction("12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = Call<bool>(next, this, timeout);
  if (notified) Has(this);
  return notified;
}

ABSL_NAMESPACE_END
}  // namespace absl
