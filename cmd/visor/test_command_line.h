// Whole command lines, run in a test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

#include "client/test_folder.h"
#include "client/test_server.h"
#include "command_line.h"

namespace visor::command {

struct Ran {
  Exit exit;
  std::string out;
  std::string err;
};

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    for (const char* name : {"VISOR_ADDRESS", "VISOR_PORT", "VISOR_ACCESS_KEY", "VISOR_SECRET_KEY",
                             "VISOR_PROFILE", "VISOR_CA"}) {
      ::unsetenv(name);
    }
    ::setenv("HOME", folder.at(".").c_str(), 1);
  }

  Ran run_line(std::vector<std::string> words) const {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const Exit exit = run(std::move(words));
    std::string out = testing::internal::GetCapturedStdout();
    return {exit, std::move(out), testing::internal::GetCapturedStderr()};
  }
  Ran ask(const client::TestServer& server, std::vector<std::string> words) const {
    words.insert(words.end(), {"--address", "127.0.0.1:" + std::to_string(server.port())});
    return run_line(std::move(words));
  }

  client::TestFolder folder;
};

}  // namespace visor::command
