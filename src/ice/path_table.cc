#include "ice/path_table.h"

#include <algorithm>

namespace weir::ice {

Path* PathTable::Find(const net::FiveTuple& tuple) {
  const auto it = std::ranges::find(paths_, tuple, &Path::tuple);
  return it == paths_.end() ? nullptr : &*it;
}

const Path* PathTable::Find(const net::FiveTuple& tuple) const {
  const auto it = std::ranges::find(paths_, tuple, &Path::tuple);
  return it == paths_.end() ? nullptr : &*it;
}

Path* PathTable::Add(const net::FiveTuple& tuple, const std::optional<net::FiveTuple>& keep) {
  if (paths_.size() >= max_paths_) {
    // What failed or was cancelled goes first, then what has been known longest without proof: a flood of
    // replayed requests from forged sources pushes itself out.
    const auto usefulness = [&](const Path& path) {
      const bool over = path.state == CheckState::kFailed || path.state == CheckState::kCancelled;
      return std::pair(!over, path.created);
    };
    Path* worst = nullptr;
    for (Path& path : paths_) {
      if (!path.valid && path.tuple != keep && (worst == nullptr || usefulness(path) < usefulness(*worst))) {
        worst = &path;
      }
    }
    if (worst == nullptr) {
      return nullptr;
    }
    ++evicted_;
    Remove(worst->tuple);
  }
  Path& path = paths_.emplace_back();
  path.tuple = tuple;
  return &path;
}

void PathTable::Remove(const net::FiveTuple& tuple) {
  std::erase_if(paths_, [tuple](const Path& path) { return path.tuple == tuple; });
}

}  // namespace weir::ice
