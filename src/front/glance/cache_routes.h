// The cache: which images were read ahead, and which are to be. There is no second copy of them
// here; docs/guide/openstack.md says what the words mean. All of it is for administrators.
#pragma once

#include "front/glance/exchange.h"
#include "service/warm_images.h"

namespace visor::front::glance {

using CacheVerb = async::Task<Result<http::Response>>(service::WarmImages&, Exchange&);

CacheVerb list_cache, queue_for_cache, delete_from_cache, clear_cache;

/// Where the caches of other nodes are is known to nobody here: each answers for itself.
CacheVerb show_cache_of_node;
/// What is to be removed of a cache that is neither complete nor too large: nothing, ever.
CacheVerb clean_cache, prune_cache;

}  // namespace visor::front::glance
