#pragma once

#include <memory>
#include <string>

#include "rules/spec/receiver_spec.h"
#include "server/notify/sender.h"
#include "server/notify/transfer/transfer_loop.h"
#include "storage/base/result.h"

namespace barograph::server {

struct EmailOptions {
  TransferOptions transfer;  ///< smtp://host:port or smtps://host:port
  GuardOptions guard;        ///< `schemes` is set by MakeEmailSender
  rules::MailSpec mail;
  std::string password;
};

/// Hands messages to an SMTP server (RFC 5321). With STARTTLS nothing is said before TLS stands;
/// certificates are checked. An address that the server refuses does not keep the message from the
/// others; it is refused only when all are.
///
/// 4xx, a refused log-in and failures of the network or of TLS may succeed later; other 5xx never.
/// Errors: kInvalidArgument (URL).
[[nodiscard]] Result<std::unique_ptr<Sender>> MakeEmailSender(TransferLoop& loop,
                                                              EmailOptions options);

}  // namespace barograph::server
