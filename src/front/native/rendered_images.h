// Answers about single images, made once and sent as long as they are true.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/shared_cache.h"
#include "front/native/exchange.h"
#include "http/message.h"
#include "service/image_service.h"

namespace visor::front::native {

/// A bounded cache of what is sent of an image. It can't be out of date, and lets nobody see more
/// than they may: who asks brings what the service has just told this caller of the image, and gets
/// an answer that was made of this very object, or a new one. Thread-safe.
class RenderedImages {
 public:
  explicit RenderedImages(std::size_t most_bytes) : cache_(most_bytes) {}

  using Answer = std::shared_ptr<const http::PreparedAnswer>;
  /// Makes an answer; what it says depends on the description, the exchange's address and its kind
  /// of document, and on nothing else.
  using Render = http::PreparedAnswer (*)(const service::Description& described,
                                          const Exchange& exchange);

  /// `form` names what `render` makes.
  Answer get(const service::Description& described, const Exchange& exchange, char form,
             Render render);

 private:
  struct Rendering;

  SharedCache cache_;
};

}  // namespace visor::front::native
