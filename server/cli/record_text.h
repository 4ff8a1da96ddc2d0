#pragma once

#include <string>
#include <string_view>

namespace barograph::server {

/// Foreign bytes on a terminal: what a Kafka record holds was written by anybody, and must neither
/// move the cursor nor look like our own lines.

/// Valid UTF-8 without control characters other than tab, line feed and carriage return.
[[nodiscard]] bool IsText(std::string_view bytes);
/// The text with every control character (but tab and line feed) and every byte that is no UTF-8
/// written as "\x1b".
[[nodiscard]] std::string PrintableText(std::string_view bytes);
/// On one line: PrintableText with tab and line feed written out too; hexadecimal digits behind
/// "0x" for what is no text.
[[nodiscard]] std::string RecordText(std::string_view bytes);
/// Lines of 16 bytes: offset, hexadecimal, and ASCII where it can be printed.
[[nodiscard]] std::string HexDump(std::string_view bytes);

}  // namespace barograph::server
