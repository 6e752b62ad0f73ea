#include "net/tls_context.h"

#include <sys/stat.h>

#include <utility>

#include "base/log.h"
#include "net/tls_core.h"

namespace visor::net {
namespace {

void warn_if_not_good(const LoadedTls& loaded, const TlsSettings& settings) {
  if (loaded.good_now) return;
  log::warning(
      "the server's certificate is not valid now, so clients will refuse it; renew it, or set "
      "this machine's clock",
      {{"file", settings.certificate}, {"certificate", loaded.description}});
}

}  // namespace

TlsContext::Core::Stamps TlsContext::Core::stamps() const {
  Stamps stamps;
  const std::array<const std::string*, 3> paths{&settings.certificate, &settings.key,
                                                &settings.client_authorities};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    struct stat status{};
    if (paths[i]->empty() || ::stat(paths[i]->c_str(), &status) != 0) continue;
    stamps[i] = {status.st_dev, status.st_ino, status.st_size,
                 std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
  }
  return stamps;
}

SslPointer TlsContext::Core::new_connection() {
  const std::lock_guard lock(mutex);
  return SslPointer(SSL_new(loaded.context.get()));
}

TlsContext::TlsContext(TlsSettings settings) : core_(std::make_unique<Core>(std::move(settings))) {}

TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::load(TlsSettings settings) {
  std::shared_ptr<TlsContext> context(new TlsContext(std::move(settings)));
  Core& core = *context->core_;
  core.read = core.seen = core.stamps();
  Result<LoadedTls> loaded = load_tls(core.settings);
  if (!loaded) return pass(loaded);
  warn_if_not_good(*loaded, core.settings);
  core.loaded = std::move(*loaded);
  return context;
}

Result<void> TlsContext::reload() {
  Core& core = *core_;
  const std::lock_guard alone(core.reloading);
  core.read = core.seen = core.stamps();
  Result<LoadedTls> loaded = load_tls(core.settings);
  if (loaded && !loaded->good_now && core.loaded.good_now) {
    loaded = fail(Code::invalid, "the certificate in " + core.settings.certificate + " (" +
                                     loaded->description +
                                     ") is not valid now, and the one in use is; put a valid one "
                                     "there, or set this machine's clock");
  }
  if (!loaded) {
    log::failure(log::Level::error,
                 "the new certificate was not taken; the server goes on with the old one",
                 loaded.error());
    return pass(loaded);
  }
  log::info("certificate and key were read again",
            {{"file", core.settings.certificate}, {"certificate", loaded->description}});
  warn_if_not_good(*loaded, core.settings);
  LoadedTls old;
  const std::lock_guard lock(core.mutex);
  old = std::exchange(core.loaded, std::move(*loaded));
  return {};
}

void TlsContext::reload_if_changed() {
  Core& core = *core_;
  {
    const std::lock_guard alone(core.reloading);
    const Core::Stamps now = core.stamps();
    const bool settled = std::exchange(core.seen, now) == now;
    if (now == core.read || !settled) return;
  }
  // What went wrong is in the log.
  [[maybe_unused]] const Result<void> reloaded = reload();
}

std::string TlsContext::certificate_in_use() const {
  const std::lock_guard lock(core_->mutex);
  return core_->loaded.description;
}

}  // namespace visor::net
