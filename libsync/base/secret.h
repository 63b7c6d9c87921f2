// A password, token or other credential.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

namespace libsync {

// Holds a secret; prints as *** everywhere; its bytes are wiped when it goes. reveal() is the only
// way to the text: what takes it is responsible for keeping it out of logs and traces.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      text_ = other.text_;
    }
    return *this;
  }
  Secret(Secret&& other) noexcept : text_(other.text_) { other.wipe(); }  // a small string is copied by a move too
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = other.text_;
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe() {
    OPENSSL_cleanse(text_.data(), text_.size());
    text_.clear();
  }
  std::string text_;
};

}  // namespace libsync

template <>
struct fmt::formatter<libsync::Secret> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const libsync::Secret&, Context& context) const {
    return fmt::formatter<fmt::string_view>::format("***", context);
  }
};
