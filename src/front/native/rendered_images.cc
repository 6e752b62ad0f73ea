#include "front/native/rendered_images.h"

#include <string>
#include <utility>

namespace visor::front::native {
namespace {

// Of an image that is kept alive by its rendering, beyond the rendering itself. Most are in the
// service's memory as well.
constexpr std::size_t kImageBytes = 1024;

}  // namespace

// The image is held, so that no other one can come to lie where it lies.
struct RenderedImages::Rendering {
  service::SharedImage image;
  image::Reads reads;
  http::PreparedAnswer answer;
};

RenderedImages::Answer RenderedImages::get(const service::Description& described,
                                           const Exchange& exchange, char form, Render render) {
  const std::string& id = described.image->id;
  std::string key;
  key.reserve(exchange.address.size() + id.size() + 2);
  key += form;
  key += exchange.kind() == DocumentKind::json ? 'j' : 'x';
  key.append(id).append(exchange.address);
  const SharedCache::Found found = cache_.find(key);
  if (found.known) {
    const auto rendering = std::static_pointer_cast<const Rendering>(found.value);
    if (rendering->image == described.image && rendering->reads.count == described.reads.count &&
        rendering->reads.last == described.reads.last) {
      return {rendering, &rendering->answer};
    }
  }
  auto rendering = std::make_shared<const Rendering>(described.image, described.reads,
                                                     render(described, exchange));
  // Who reads through everything once must not cost the others their memory.
  if (described.popular) {
    const std::size_t bytes = sizeof(Rendering) + rendering->answer.fields.capacity() +
                              rendering->answer.text.capacity() + kImageBytes;
    cache_.keep(key, rendering, bytes, found.ticket);
  }
  return {rendering, &rendering->answer};
}

}  // namespace visor::front::native
