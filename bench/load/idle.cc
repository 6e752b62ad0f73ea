#include <cstdio>

#include "loads.h"

namespace bench {

int run_idle(const Target& target, std::size_t connections) {
  std::vector<Connection> held;
  held.reserve(connections);
  while (held.size() < connections) {
    auto connection = Connection::open(target);
    if (!connection || exchange(*connection, target.heads.front()) == 0) {
      std::perror("bench_load: a connection was refused");
      return 1;
    }
    held.push_back(std::move(*connection));
  }
  std::printf("{\"ready\": %zu}\n", held.size());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace bench
