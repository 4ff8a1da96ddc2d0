#include "server/cli/record_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "storage/base/digest.h"
#include "storage/event/utf8.h"

namespace barograph::server {
namespace {

constexpr std::size_t kHexRow = 16;

bool IsBreak(char c) { return c == '\t' || c == '\n'; }

/// C0 and DEL; C1 (U+0080 to U+009F, two bytes in UTF-8) is looked for by its first byte.
bool IsControl(std::string_view bytes, std::size_t at) {
  const auto byte = static_cast<unsigned char>(bytes[at]);
  if (byte < 0x20 || byte == 0x7F) return true;
  return byte == 0xC2 && at + 1 < bytes.size() && static_cast<unsigned char>(bytes[at + 1]) < 0xA0;
}

void Escape(char c, std::string* out) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\x%02x",
                static_cast<unsigned>(static_cast<unsigned char>(c)));
  *out += text.data();
}

}  // namespace

bool IsText(std::string_view bytes) {
  if (!storage::IsUtf8(bytes)) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (IsControl(bytes, i) && !IsBreak(bytes[i]) && bytes[i] != '\r') return false;
  }
  return true;
}

std::string PrintableText(std::string_view bytes) {
  const bool utf8 = storage::IsUtf8(bytes);
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool foreign = !utf8 && static_cast<unsigned char>(bytes[i]) >= 0x80;
    if (foreign || (IsControl(bytes, i) && !IsBreak(bytes[i]))) {
      Escape(bytes[i], &out);
      if (!foreign && bytes[i] == '\xC2') Escape(bytes[++i], &out);
    } else {
      out += bytes[i];
    }
  }
  return out;
}

std::string RecordText(std::string_view bytes) {
  if (!IsText(bytes)) return "0x" + Hex(bytes);
  std::string out;
  for (const char c : PrintableText(bytes)) {
    if (IsBreak(c)) {
      out += c == '\t' ? "\\t" : "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string HexDump(std::string_view bytes) {
  std::string out;
  for (std::size_t row = 0; row < bytes.size(); row += kHexRow) {
    const std::string_view part = bytes.substr(row, kHexRow);
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%08zx ", row);
    out += text.data();
    for (std::size_t i = 0; i < kHexRow; ++i) {
      if (i == kHexRow / 2) out += ' ';
      if (i < part.size()) {
        out += ' ';
        out += Hex(part.substr(i, 1));
      } else {
        out += "   ";
      }
    }
    out += "  ";
    for (const char c : part) out += c >= 0x20 && c < 0x7F ? c : '.';
    out += '\n';
  }
  return out;
}

}  // namespace barograph::server
