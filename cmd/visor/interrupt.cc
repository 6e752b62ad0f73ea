#include "interrupt.h"

#include <signal.h>

#include <cstdio>

namespace visor::command {
namespace {

volatile sig_atomic_t noted = 0;
struct sigaction before;

void note(int) { noted = 1; }

}  // namespace

Interrupt::Interrupt() {
  noted = 0;
  ::sigaction(SIGINT, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action{};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
}

Interrupt::~Interrupt() { ::sigaction(SIGINT, &before, nullptr); }

bool Interrupt::came() const { return noted != 0; }

void Interrupt::end_program() {
  std::fflush(stdout);
  std::fflush(stderr);
  ::signal(SIGINT, SIG_DFL);
  ::raise(SIGINT);
}

}  // namespace visor::command
