#include "server/config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::server {
namespace {

using testing::HasSubstr;

std::string Refusal(std::string_view text) {
  Diagnostics diagnostics;
  const std::optional<YamlNode> tree = ParseYaml(text, "f.yaml", &diagnostics);
  EXPECT_FALSE(diagnostics.empty()) << text.substr(0, 80);
  return diagnostics.ToString();
}

TEST(YamlTreeTest, NodesKnowTheirLineAndColumn) {
  Diagnostics diagnostics;
  const auto tree = ParseYaml("a: 1\nb:\n  - x\n  - {c: \"2\"}\n", "f.yaml", &diagnostics);
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(tree->keys[1].position.ToString(), "f.yaml:2:1");
  const YamlNode& list = tree->items[1];
  EXPECT_EQ(list.items[0].position.ToString(), "f.yaml:3:5");
  EXPECT_EQ(list.items[1].items[0].position.ToString(), "f.yaml:4:9");
  EXPECT_TRUE(list.items[1].items[0].quoted);
  EXPECT_FALSE(tree->items[0].quoted);
}

TEST(YamlTreeTest, AliasesAreFollowed) {
  Diagnostics diagnostics;
  const auto tree = ParseYaml("a: &x [1, 2]\nb: *x\n", "f.yaml", &diagnostics);
  ASSERT_TRUE(tree.has_value()) << diagnostics.ToString();
  EXPECT_EQ(tree->items[1].items.size(), 2U);
}

TEST(YamlTreeTest, ABombOfAliasesIsRefusedBeforeItGrows) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last +
            ", " + last + ", " + last + ", " + last + ", " + last + "]\n";
  }
  EXPECT_THAT(Refusal(bomb), HasSubstr("more than 100000 values"));
  std::string many = "a: &a 1\nb: [";
  for (int i = 0; i < 65; ++i) many += "*a, ";
  EXPECT_THAT(Refusal(many + "1]\n"), HasSubstr("more than 64 aliases"));
}

TEST(YamlTreeTest, DepthSizeAndShapeHaveLimits) {
  EXPECT_THAT(Refusal(std::string(17, '[') + std::string(17, ']')), HasSubstr("deeper than 16"));
  EXPECT_THAT(Refusal(std::string(100'000, '[')), HasSubstr("f.yaml:1:"));
  EXPECT_THAT(Refusal(std::string(kYamlBytesMax + 1, ' ')), HasSubstr("at most 1048576"));
  EXPECT_THAT(Refusal("a: &x [*x]\n"), HasSubstr("never ends"));
  EXPECT_THAT(Refusal("? [a]\n: b\n"), HasSubstr("a key must be text"));
  EXPECT_THAT(Refusal("a: !!binary x\n"), HasSubstr("without a tag"));
  EXPECT_THAT(Refusal("a: 1\n---\nb: 2\n"), HasSubstr("more than one YAML document"));
  EXPECT_THAT(Refusal("a: 1\nb: 2\na: 3\n"),
              HasSubstr("f.yaml:3:1: key 'a' is given twice; first in line 1"));
}

TEST(YamlTreeTest, ASyntaxErrorIsToldAtItsPlace) {
  EXPECT_THAT(Refusal("a: [1, 2\nb: 3\n"), testing::StartsWith("f.yaml:2:"));
}

}  // namespace
}  // namespace barograph::server
