#include "completion.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "client/test_folder.h"

namespace visor::command {
namespace {

CommandTree small_tree() {
  CommandTree list{"list", "List all", {}, {}};
  list.options.push_back({{"-d", "--dir"}, "Direction", true, false, {"asc", "desc"}});
  CommandTree admin{"admin", "It's for accounts", {}, {list}};
  CommandTree get{"get", "Fetch", {{{"-f", "--file"}, "File", true, true, {}}}, {}};
  return {"visor", "", {{{"-h", "--help"}, "Help", false, false, {}}}, {admin, get}};
}

/// What bash offers behind these words.
std::string offered(const std::string& words) {
  const client::TestFolder folder;
  folder.put("script", completion_script("bash", small_tree()).value() + "COMP_WORDS=(" + words +
                           ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                           "_visor\necho \"${COMPREPLY[*]}\"\n");
  std::FILE* pipe = ::popen(("bash " + folder.at("script")).c_str(), "r");
  std::array<char, 4096> text{};
  const std::size_t got = std::fread(text.data(), 1, text.size(), pipe);
  EXPECT_EQ(::pclose(pipe), 0);
  return {text.data(), got};
}

TEST(Completion, OffersInBashWhatMayFollow) {
  EXPECT_EQ(offered("visor ''"), "admin get -h --help\n");
  EXPECT_EQ(offered("visor a"), "admin\n");
  EXPECT_EQ(offered("visor admin ''"), "list\n");
  EXPECT_EQ(offered("visor admin list --"), "--dir\n");
  EXPECT_EQ(offered("visor admin list -d d"), "desc\n");
}

TEST(Completion, IsThereForThreeShellsAndNoOther) {
  EXPECT_TRUE(completion_script("zsh", small_tree())->starts_with("#compdef visor"));
  EXPECT_TRUE(completion_script("zsh", small_tree())->contains("'admin:It'\\''s for accounts'"));
  EXPECT_TRUE(completion_script("fish", small_tree())->contains("-s f -l file -r -F -d 'File'"));
  EXPECT_FALSE(completion_script("tcsh", small_tree()));
}

}  // namespace
}  // namespace visor::command
