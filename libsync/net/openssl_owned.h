// OpenSSL's objects, owned. Inside net only.
#pragma once

#include <memory>

namespace libsync::net {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

}  // namespace libsync::net
