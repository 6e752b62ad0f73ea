// The stores of a server, by name and by location.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace visor::store {

/// All configured stores. Filled at start, read-only (and so thread-safe) afterwards; owns the
/// stores.
class StoreSet {
 public:
  /// Adds a store under its name.
  void add(std::string name, std::unique_ptr<Store> store);

  /// Adds a store that takes locations of these URI schemes (lower case) as keys. `name` is what
  /// such images say of their store; it may be that of a store for uploads. A name of its own is
  /// known to `named` too.
  void add_reference(std::string name, std::unique_ptr<Store> store,
                     std::vector<std::string> schemes);

  void set_default(std::string name) { default_name_ = std::move(name); }

  /// Null if no store has this name.
  Store* named(std::string_view name) const;
  const std::string& default_name() const { return default_name_; }
  std::vector<std::string> names() const;

  /// Lets every store begin what it has to do now and then: see Store::tidy.
  void tidy() const;

  struct Located {
    std::string name;
    Store* store = nullptr;
  };
  /// The store that takes this location; `store` is null if none takes its scheme.
  Located for_location(std::string_view location) const;

 private:
  std::map<std::string, std::unique_ptr<Store>, std::less<>> stores_;
  std::vector<std::unique_ptr<Store>> references_;
  std::map<std::string, Located, std::less<>> by_scheme_;
  std::string default_name_;
};

}  // namespace visor::store
