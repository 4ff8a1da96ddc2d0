#include "server/notify/transfer/address_guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace barograph::server {
namespace {

sockaddr_storage Address(const char* text) {
  sockaddr_storage storage{};
  sockaddr_in in4{};
  sockaddr_in6 in6{};
  if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
    in4.sin_family = AF_INET;
    std::memcpy(&storage, &in4, sizeof(in4));
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text, &in6.sin6_addr), 1) << text;
    in6.sin6_family = AF_INET6;
    std::memcpy(&storage, &in6, sizeof(in6));
  }
  return storage;
}

bool Allows(const std::string& url, const char* dialled) {
  const auto guard = AddressGuard::ForUrl(url);
  EXPECT_TRUE(guard.ok()) << url;
  const sockaddr_storage address = Address(dialled);
  return guard.ok() && guard->Allows(reinterpret_cast<const sockaddr*>(&address));
}

TEST(AddressGuardTest, ANameMayLeadOnlyToPublicAddresses) {
  const auto name = [](const char* dialled) {
    return Allows("https://hooks.example.com/x", dialled);
  };
  EXPECT_TRUE(name("93.184.216.34"));
  EXPECT_TRUE(name("2606:2800:220:1:248:1893:25c8:1946"));
  for (const char* inside :
       {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "fd00:ec2::254"}) {
    EXPECT_FALSE(name(inside)) << inside;
  }
}

TEST(AddressGuardTest, ALiteralAddressIsMeantAsItIsWritten) {
  EXPECT_TRUE(Allows("http://127.0.0.1:9000/hook", "127.0.0.1"));
  EXPECT_TRUE(Allows("http://192.168.1.5/hook", "192.168.1.5"));
  EXPECT_TRUE(Allows("http://[::1]:9000/hook", "::1"));
  EXPECT_TRUE(Allows("http://localhost:9000/hook", "127.0.0.1"));
  EXPECT_FALSE(Allows("http://localhost:9000/hook", "192.168.1.5"));
}

TEST(AddressGuardTest, RefusesUrlsThatCannotBeReceivers) {
  const auto refuses = [](const std::string& url, const std::string& why) {
    const auto guard = AddressGuard::ForUrl(url);
    ASSERT_FALSE(guard.ok()) << url;
    EXPECT_NE(guard.error().message().find(why), std::string::npos) << guard.error().message();
  };
  refuses("http://169.254.169.254/latest", "never a receiver");
  refuses("http://0.0.0.0/", "never a receiver");
  refuses("http://[::ffff:169.254.169.254]/", "never a receiver");
  refuses("ftp://example.com/", "scheme");
  refuses("https://user:fake@example.com/", "user or password");
  refuses("not a url", "no URL");
}

TEST(AddressGuardTest, OddSpellingsOfLoopbackAreStillLoopback) {
  // curl itself turns these into 127.0.0.1, so that they are literal addresses, not names.
  for (const char* url : {"http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/"}) {
    const auto guard = AddressGuard::ForUrl(url);
    if (!guard.ok()) continue;
    EXPECT_EQ(guard->host(), "127.0.0.1") << url;
  }
}

TEST(AddressGuardTest, NamesMayLeadIntoNetworksThatTheConfigurationAllows) {
  const auto allows = [](const std::vector<std::string>& networks, const char* address) {
    GuardOptions options;
    options.allow_private = ParseNetworks(networks).value();
    const auto guard = AddressGuard::ForUrl("https://hooks.example.org/", options);
    const sockaddr_storage storage = Address(address);
    return guard->Allows(reinterpret_cast<const sockaddr*>(&storage));
  };
  EXPECT_FALSE(allows({}, "10.1.2.3"));
  EXPECT_TRUE(allows({"10.0.0.0/8"}, "10.1.2.3"));
  EXPECT_FALSE(allows({"10.1.2.0/30"}, "10.1.2.4"));
  EXPECT_TRUE(allows({"10.1.2.0/29"}, "10.1.2.4"));
  EXPECT_TRUE(allows({"10.1.2.4"}, "10.1.2.4"));
  EXPECT_TRUE(allows({"fd00::/8"}, "fd12::1"));
  EXPECT_FALSE(allows({"fd00::/8"}, "fe80::1"));
  EXPECT_FALSE(allows({"0.0.0.0/0"}, "169.254.169.254")) << "metadata of clouds never";
}

TEST(AddressGuardTest, ASecretUrlIsNeverRepeated) {
  for (const std::string url : {"ftp://fake/", "fake fake", "http://fake:fake@x/"}) {
    const auto guard = AddressGuard::ForUrl(
        url, {.schemes = {"http", "https"}, .allow_private = {}, .hide_url = true});
    ASSERT_FALSE(guard.ok());
    EXPECT_EQ(guard.error().message().find("fake"), std::string::npos) << guard.error().message();
  }
}

}  // namespace
}  // namespace barograph::server
