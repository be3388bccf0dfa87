// std::visit with one lambda per alternative; forgetting one does not compile.
#pragma once

namespace weir::base {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace weir::base
