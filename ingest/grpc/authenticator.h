#pragma once

#include <string_view>

#include "ingest/admission/admission.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// What a call brings to prove who it is. Views live as long as the call is being opened.
struct CallCredentials {
  std::string_view address;        ///< "ipv4:127.0.0.1:51234"
  std::string_view authorization;  ///< the `authorization` header; empty where there is none
};

/// Decides once per call, before anything of it is read, who speaks and for which tenant.
/// Threads: any.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Errors: kFailedPrecondition when the caller is not let in; the message is shown to it.
  [[nodiscard]] virtual Result<Peer> Authenticate(const CallCredentials& credentials) const = 0;
};

/// Lets everybody in as tenant `default`: for a server on the loopback interface.
class OpenAuthenticator final : public Authenticator {
 public:
  [[nodiscard]] Result<Peer> Authenticate(const CallCredentials& /*credentials*/) const override {
    return Peer{};
  }
};

}  // namespace barograph::ingest
