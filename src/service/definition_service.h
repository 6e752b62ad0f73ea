// Definitions of properties as a caller may see and change them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "audit/log.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"
#include "catalogue/client.h"
#include "service/definitions.h"

namespace visor::service {

class Trail;

/// Which namespaces to find, and in which order.
struct NamespaceQuery {
  enum class Sort { created, updated, name, display_name, access, kept, owner };

  std::optional<bool> everybodys = {};           ///< only those that all see, or only the others
  std::vector<std::string> resource_types = {};  ///< for one of these at least; empty: for any
  Sort sort = Sort::created;
  bool descending = true;
  std::optional<std::string> after = {};  ///< the name of the last one of the page before
  std::uint32_t limit = 100;              ///< 1 to 1000
};

struct NamespacePage {
  std::vector<Namespace> namespaces;
  bool more = false;  ///< others follow behind the last one
};

/// A kind of thing that there are definitions for.
struct ResourceType {
  std::string name;
  Time created_at;  ///< when the first of the associations was made
  Time updated_at;
};

/// The verbs on namespaces. Everybody sees those that are everybody's and those of the own account;
/// only administrators change anything. `not_found` also stands for what the caller may not see.
/// Thread-safe; all that it is made with outlives it (`audit` null: nobody is told who did what).
class DefinitionService {
 public:
  DefinitionService(catalogue::Client& catalogue, const Clock& clock, audit::Log* audit)
      : catalogue_(catalogue), clock_(clock), audit_(audit) {}

  /// `not_found` if there is no namespace to go on behind.
  async::Task<Result<NamespacePage>> list(Principal who, NamespaceQuery query);
  async::Task<Result<Namespace>> show(Principal who, std::string name);
  /// All kinds of things that visible namespaces are for, by name.
  async::Task<Result<std::vector<ResourceType>>> resource_types(Principal who);

  /// Makes a namespace with all that is in it; one without owner is the caller's. `conflict` if the
  /// name is taken or something in it is there twice; `invalid`, `too_large`, `forbidden`, `quota`.
  async::Task<Result<Namespace>> create(Principal who, Namespace space);
  /// Changes one, and its name too. The errors are those of the edit and of `create`.
  async::Task<Result<Namespace>> change(Principal who, std::string name, NamespaceEdit edit);
  /// `forbidden` for one that is kept.
  async::Task<Result<Namespace>> remove(Principal who, std::string name);

  /// Adds the namespaces that a server comes with, each once: what was changed, renamed or deleted
  /// since stays so, and one that nobody changed follows what the server comes with now. To be
  /// called before the first verb; may be called by several servers of one catalogue at once.
  async::Task<Result<void>> load(std::vector<Namespace> standard);

 private:
  async::Task<Result<Namespace>> find(std::string name);
  async::Task<Result<Namespace>> visible(const Principal& who, std::string name, Trail& trail);
  async::Task<Result<Namespace>> create_told(const Principal& who, Namespace space, Trail& trail);
  async::Task<Result<Namespace>> change_told(const Principal& who, const std::string& name,
                                             const NamespaceEdit& edit, Trail& trail);
  async::Task<Result<Namespace>> remove_told(const Principal& who, const std::string& name,
                                             Trail& trail);
  async::Task<Result<void>> check_free(std::string name);
  async::Task<Result<bool>> load_one(Namespace space, Trail& trail);

  catalogue::Client& catalogue_;
  const Clock& clock_;
  audit::Log* const audit_;
};

// records: see docs/formats/records.md

inline constexpr const char* kStandardNamespaces = "standard_namespaces";

}  // namespace visor::service
