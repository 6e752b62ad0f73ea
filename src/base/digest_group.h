// Several digests of one stream, computed in as few passes over it as this processor allows.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/digest.h"

namespace visor {

struct DigestStep;

/// Digests of one stream that one thread computes at a time; it may wander from thread to thread.
/// What is computed and how fast is the same as with one Digester each, or faster.
class DigestGroup {
 public:
  /// Each algorithm at most once.
  explicit DigestGroup(const std::vector<DigestAlgorithm>& algorithms);
  ~DigestGroup();
  DigestGroup(DigestGroup&&) noexcept;
  DigestGroup& operator=(DigestGroup&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// All of them in lower-case hex; the object is used up by it.
  Digests finish();

 private:
  friend void update_together(std::span<const DigestStep> steps);
  struct State;
  std::unique_ptr<State> state_;
};

/// What one stream has next for one of its groups.
struct DigestStep {
  DigestGroup& group;
  std::span<const std::byte> bytes;
};

/// The same as `update` for one after the other, of different groups, but faster the more there are
/// with the same algorithms, up to kDigestsTogether.
void update_together(std::span<const DigestStep> steps);
inline constexpr std::size_t kDigestsTogether = 16;
/// Whether this processor is faster at it at all: where it is not, streams are better given to
/// threads one by one.
bool digests_gain_together();

/// The algorithms in the groups that cost least together: what is in one group takes hardly longer
/// than its slowest alone, groups are best given to threads of their own. Slowest group first.
std::vector<std::vector<DigestAlgorithm>> digest_groups(
    const std::vector<DigestAlgorithm>& algorithms);

}  // namespace visor
