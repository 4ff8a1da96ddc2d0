#include "server/config/secret.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace barograph::server {
namespace {

Result<Secret> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    return Error(ErrorCode::kNotFound, "secret: the environment variable " + name + " is not set");
  }
  if (*value == '\0') {
    return Error(ErrorCode::kInvalidArgument,
                 "secret: the environment variable " + name + " is empty");
  }
  return Secret(value);
}

Result<Secret> FromFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::kNotFound, "secret: cannot read " + path);
  std::string value(kSecretBytesMax + 1, '\0');
  file.read(value.data(), static_cast<std::streamsize>(value.size()));
  value.resize(static_cast<std::size_t>(file.gcount()));
  if (value.size() > kSecretBytesMax) {
    return Error(ErrorCode::kInvalidArgument, "secret: " + path + " has more than " +
                                                  std::to_string(kSecretBytesMax) + " bytes");
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (value.empty()) return Error(ErrorCode::kInvalidArgument, "secret: " + path + " is empty");
  return Secret(std::move(value));
}

}  // namespace

Result<Secret> ResolveSecret(std::string_view reference) {
  if (reference.empty()) return Secret();
  if (reference.starts_with("env:")) return FromEnvironment(std::string(reference.substr(4)));
  if (reference.starts_with("file:")) return FromFile(std::string(reference.substr(5)));
  return Error(ErrorCode::kInvalidArgument, "secret: a reference starts with env: or file:");
}

}  // namespace barograph::server
