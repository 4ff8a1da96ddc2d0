#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "storage/base/assert.h"

namespace barograph {

/// What went wrong, in the canonical codes that RPC boundaries share.
enum class ErrorCode {
  kInvalidArgument,     ///< The caller's input; the message names field, value and range.
  kNotFound,            ///< A named thing is absent.
  kAlreadyExists,       ///< The same identity with another content.
  kFailedPrecondition,  ///< The state forbids it, e.g. a fenced producer epoch.
  kResourceExhausted,   ///< A named limit is reached.
  kUnavailable,         ///< Busy or shutting down.
  kDeadlineExceeded,    ///< Took longer than allowed.
  kCorruption,          ///< Stored bytes are not what was written.
  kDataLoss,            ///< Acknowledged data is gone; never continue as if nothing happened.
  kIo,                  ///< The device failed; sticky where a header says so.
  kLocked,              ///< Another process owns it.
  kInternal,            ///< A defect of ours that an assertion would hide from the caller.
};

/// Upper-case name, e.g. "INVALID_ARGUMENT".
[[nodiscard]] std::string_view ErrorCodeName(ErrorCode code);

/// An error by value: code, message for a person, and whether the same call may succeed later.
class Error {
 public:
  Error(ErrorCode code, std::string message, bool retryable = false)
      : code_(code), retryable_(retryable), message_(std::move(message)) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] bool retryable() const { return retryable_; }

  /// The same error with `context: ` in front of its message.
  [[nodiscard]] Error WithContext(std::string_view context) const {
    return Error(code_, std::string(context) + ": " + message_, retryable_);
  }

  /// "INVALID_ARGUMENT: message".
  [[nodiscard]] std::string ToString() const;

 private:
  ErrorCode code_;
  bool retryable_;
  std::string message_;
};

/// A value or an Error. Reading the value of an error stops the process: check ok() first.
/// Threads: as the value. Errors are values; nothing of ours throws.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  [[nodiscard]] T& value() & {
    BAROGRAPH_ASSERT(ok(), error().message());
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    BAROGRAPH_ASSERT(ok(), error().message());
    return std::get<0>(state_);
  }
  [[nodiscard]] T&& value() && {
    BAROGRAPH_ASSERT(ok(), error().message());
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

/// Success or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

#define BAROGRAPH_CONCAT_INNER(a, b) a##b
#define BAROGRAPH_CONCAT(a, b) BAROGRAPH_CONCAT_INNER(a, b)

/// Leaves the function with the error of `expression`, if it is one.
#define BAROGRAPH_TRY(expression)                                       \
  do {                                                                  \
    if (auto barograph_status = (expression); !barograph_status.ok()) { \
      return barograph_status.error();                                  \
    }                                                                   \
  } while (false)

/// `BAROGRAPH_ASSIGN(auto x, F());` leaves with F's error, or declares x with its value.
#define BAROGRAPH_ASSIGN(declaration, expression)                    \
  auto BAROGRAPH_CONCAT(barograph_result_, __LINE__) = (expression); \
  if (!BAROGRAPH_CONCAT(barograph_result_, __LINE__).ok()) {         \
    return BAROGRAPH_CONCAT(barograph_result_, __LINE__).error();    \
  }                                                                  \
  declaration = std::move(BAROGRAPH_CONCAT(barograph_result_, __LINE__)).value()

}  // namespace barograph
