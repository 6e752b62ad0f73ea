#include "store/file/folder_scan.h"

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string_view>

#include "store/descriptor.h"

namespace visor::store {

std::vector<FolderEntry> scan_folder(int folder) {
  std::vector<FolderEntry> entries;
  Descriptor own(open_beneath(folder, ".", O_RDONLY | O_DIRECTORY));
  if (!own) return entries;
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Close> stream(::fdopendir(own.get()));
  if (!stream) return entries;
  own.release();
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const bool unknown = entry->d_type == DT_UNKNOWN;
    entries.push_back({std::string(name), unknown || entry->d_type == DT_REG,
                       unknown || entry->d_type == DT_DIR});
  }
  return entries;
}

}  // namespace visor::store
