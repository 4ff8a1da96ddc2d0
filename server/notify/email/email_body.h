#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/alert/notice.h"

namespace barograph::server {

inline constexpr std::string_view kMailContentType = "message/rfc822";
inline constexpr std::size_t kSubjectBytesMax = 200;

/// A whole message as RFC 5322 and MIME want it, lines ending in CRLF: plain text and simple HTML
/// as multipart/alternative, both quoted-printable. The Message-ID is made of the notice's id, so
/// that a copy is known as one; all messages of a group refer to one id, so that readers show them
/// as a thread.
///
/// What comes from labels and annotations reaches headers as one line of RFC 2047 words and cannot
/// begin another header or end the headers.
[[nodiscard]] std::string EmailBody(const rules::Notice& notice, const rules::MailSpec& mail,
                                    const std::string& external_url);

/// The value of an unstructured header: folded below 78 columns; RFC 2047 words where it is not
/// plain ASCII. `used` columns stand before it.
[[nodiscard]] std::string HeaderText(std::string_view text, std::size_t used);
/// RFC 2045, 6.7; line ends become CRLF.
[[nodiscard]] std::string QuotedPrintable(std::string_view text);
/// "Sun, 01 Nov 2026 10:00:00 +0000".
[[nodiscard]] std::string MailDate(Time time);

}  // namespace barograph::server
