#include "fetch/curl_library.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace visor::fetch {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// Where the loader of the process found libcurl.
std::string path_of_libcurl() {
  const auto curl = curl_library();
  if (!curl) return curl.error().where;
  ::Dl_info found{};
  ::dladdr(reinterpret_cast<void*>((*curl)->easy_init), &found);
  return found.dli_fname;
}

TEST(CurlLibrary, IsOneForTheProcess) {
  const auto first = curl_library();
  const auto second = curl_library();
  ASSERT_TRUE(first) << first.error().where;
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);
  void* const handle = (*first)->easy_init();
  EXPECT_NE(handle, nullptr);
  (*first)->easy_cleanup(handle);
}

TEST(CurlLibrary, SaysWhatToInstallWhereItIsMissing) {
  CurlLoader loader("libcurl-of-nobody.so.4", milliseconds(0));
  const auto curl = loader.get();
  ASSERT_FALSE(curl);
  EXPECT_EQ(curl.error().code, Code::unavailable);
  EXPECT_EQ(
      curl.error().message,
      "the library for outbound requests could not be loaded: install libcurl (package libcurl4)");
  EXPECT_TRUE(curl.error().where.contains("libcurl-of-nobody.so.4: cannot open shared object"))
      << curl.error().where;
}

TEST(CurlLibrary, IsNoLibraryThatLacksItsFunctions) {
  CurlLoader loader("libc.so.6", milliseconds(0));
  const auto curl = loader.get();
  ASSERT_FALSE(curl);
  EXPECT_EQ(curl.error().code, Code::unavailable);
  EXPECT_TRUE(curl.error().where.contains("libc.so.6: it has no curl_")) << curl.error().where;
}

TEST(CurlLibrary, IsLookedForAgainOnceThePauseIsOver) {
  std::string folder = std::filesystem::temp_directory_path() / "visor-fetch-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string name = folder + "/libcurl.so.4";
  CurlLoader patient(name, hours(1));
  CurlLoader eager(name, milliseconds(0));
  EXPECT_FALSE(patient.get());
  EXPECT_FALSE(eager.get());

  std::filesystem::create_symlink(path_of_libcurl(), name);
  EXPECT_FALSE(patient.get()) << "it was not to look again for an hour";
  const auto curl = eager.get();
  ASSERT_TRUE(curl) << curl.error().where;
  std::filesystem::remove_all(folder);
  const auto again = eager.get();
  ASSERT_TRUE(again) << "what is loaded stays loaded";
  EXPECT_EQ(*again, *curl);
}

}  // namespace
}  // namespace visor::fetch
