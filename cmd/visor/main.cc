#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "command_line.h"

int main(int count, char** words) {
  // A reader that went away shows as an error of a write; being killed by it would leave a
  // terminal's line half drawn.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return static_cast<int>(
        visor::command::run(std::vector<std::string>(words + (count > 0 ? 1 : 0), words + count)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "visor: a defect ended the program: %s\n", error.what());
    return static_cast<int>(visor::command::Exit::failed);
  }
}
