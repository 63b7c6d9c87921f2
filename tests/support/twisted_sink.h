// Looks that pass through a test's hands.
#pragma once

#include <span>
#include <string_view>

#include "libsync/sync/replica.h"

namespace twinbox::test {

// Passes a look on, and lets tests twist what is said in it.
class TwistedSink : public libsync::sync::ChangeSink {
 public:
  explicit TwistedSink(libsync::sync::ChangeSink& to) : to_(to) {}
  libsync::Status open(const libsync::sync::BoxId& box, const libsync::sync::BoxState& state) override {
    return to_.open(box, state);
  }
  libsync::Status seen(const libsync::sync::MsgRef& ref, const libsync::sync::Facts& facts) override {
    return to_.seen(ref, facts);
  }
  libsync::Status vanished(const libsync::sync::BoxId& box, uint64_t epoch, const libsync::sync::Key& key) override {
    return to_.vanished(box, epoch, key);
  }
  libsync::Status present(const libsync::sync::BoxId& box, std::span<const libsync::sync::KeyRange> ranges) override {
    return to_.present(box, ranges);
  }
  libsync::Status close(const libsync::sync::BoxId& box, std::string_view next, uint64_t exists) override {
    return to_.close(box, next, exists);
  }
  libsync::Status missing(const libsync::sync::BoxId& box) override { return to_.missing(box); }

 protected:
  libsync::sync::ChangeSink& to_;
};

}  // namespace twinbox::test
