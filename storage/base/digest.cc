#include "storage/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "storage/base/assert.h"

namespace barograph {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// Fetched once for the life of the process: OpenSSL 3 takes locks and hashes names for every
// implicit fetch, which costs more than hashing a short message.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  BAROGRAPH_ASSERT(algorithm != nullptr, "OpenSSL has no SHA-256");
  return algorithm;
}

Context NewContext() {
  Context context(EVP_MD_CTX_new());
  BAROGRAPH_ASSERT(context != nullptr, "out of memory");
  return context;
}

void Start(EVP_MD_CTX* context) {
  BAROGRAPH_ASSERT(EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr) == 1, "SHA-256 start");
}

void Feed(EVP_MD_CTX* context, std::string_view bytes) {
  BAROGRAPH_ASSERT(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1, "SHA-256 update");
}

Digest End(EVP_MD_CTX* context) {
  Digest digest;
  BAROGRAPH_ASSERT(EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1, "SHA-256 end");
  return digest;
}

constexpr std::uint32_t kCastagnoliReflected = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> MakeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoliReflected : 0);
    table[byte] = crc;
  }
  return table;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t Crc32cSse42(std::string_view bytes,
                                                            std::uint32_t initial) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t crc = static_cast<std::uint32_t>(~initial);
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto short_crc = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left)
    short_crc = _mm_crc32_u8(short_crc, static_cast<std::uint8_t>(*at));
  return ~short_crc;
}
#endif

using CrcFunction = std::uint32_t (*)(std::string_view, std::uint32_t);

CrcFunction FastestCrc() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return &Crc32cSse42;
#endif
  return &Crc32cPortable;
}

}  // namespace

Digest Sha256(std::initializer_list<std::string_view> parts) {
  thread_local const Context context = NewContext();
  Start(context.get());
  for (const std::string_view part : parts) Feed(context.get(), part);
  return End(context.get());
}

Digest HmacSha256(std::string_view key, std::string_view message) {
  // HMAC() takes a null key as "the key of the last call".
  const char* key_bytes = key.empty() ? "" : key.data();
  Digest digest;
  const unsigned char* result = HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()),
                                     reinterpret_cast<const unsigned char*>(message.data()),
                                     message.size(), digest.data(), nullptr);
  BAROGRAPH_ASSERT(result != nullptr, "HMAC-SHA-256");
  return digest;
}

struct Sha256Stream::State {
  Context context = NewContext();
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) { Start(state_->context.get()); }
Sha256Stream::~Sha256Stream() = default;
void Sha256Stream::Update(std::string_view bytes) { Feed(state_->context.get(), bytes); }
Digest Sha256Stream::Finish() {
  const Digest digest = End(state_->context.get());
  Start(state_->context.get());
  return digest;
}

std::uint32_t Crc32cPortable(std::string_view bytes, std::uint32_t initial) {
  static constexpr std::array<std::uint32_t, 256> kTable = MakeCrcTable();
  std::uint32_t crc = ~initial;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  }
  return ~crc;
}

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t initial) {
  static const CrcFunction function = FastestCrc();
  return function(bytes, initial);
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const auto value = static_cast<std::uint8_t>(byte);
    text.push_back(kDigits[value >> 4]);
    text.push_back(kDigits[value & 0xF]);
  }
  return text;
}

std::string Hex(const Digest& digest) { return Hex(Bytes(digest)); }

}  // namespace barograph
