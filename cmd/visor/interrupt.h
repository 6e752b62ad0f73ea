// Ctrl-C while the program waits for what goes on without it.
#pragma once

namespace visor::command {

/// While it lives, the first Ctrl-C is noted instead of ending the program; a second one ends it at
/// once. Where interrupts are ignored (a job in the background), they stay so. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool came() const;
  /// Ends the program as the interrupt would have, so that whoever started it sees that; what was
  /// printed is written out before.
  void end_program();
};

}  // namespace visor::command
