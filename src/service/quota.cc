#include "service/quota.h"

namespace visor::service {

std::string bytes_counter(const std::string& account) { return "bytes:" + account; }
std::string images_counter(const std::string& account) { return "images:" + account; }

}  // namespace visor::service
