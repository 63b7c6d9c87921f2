// A store in a folder that goes when the test ends, with shorthands for putting mail into it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/store/store.h"

#include "tests/support/temp_dir.h"

namespace twinbox::test {

class SetClock final : public libsync::Clock {
 public:
  libsync::Steady::time_point now() const override { return libsync::Steady::now(); }
  int64_t unix_seconds() const override { return seconds; }
  int64_t seconds = 1'717'200'000;  // 2024-06-01
};

inline std::string mail(const std::string& subject, const std::string& body,
                        const std::string& from = "a@example.org") {
  return "From: " + from + "\r\nTo: b@example.org\r\nSubject: " + subject +
         "\r\nDate: Sat, 01 Jun 2024 08:00:00 +0000\r\nMessage-ID: <" + std::to_string(subject.size()) +
         "@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body + "\r\n";
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open(uint64_t segment_bytes = libsync::store::kSegmentBytes) {
    store.reset();
    auto opened = libsync::store::Store::open(path(), options(segment_bytes));
    ASSERT_TRUE(opened) << opened.error().text();
    store = std::move(*opened);
  }
  libsync::store::StoreOptions options(uint64_t segment_bytes = libsync::store::kSegmentBytes) {
    return {.mode = libsync::store::StoreMode::Create, .clock = &clock, .segment_bytes = segment_bytes, .busy_ms = 50};
  }
  std::string path() const { return dir / "store"; }
  std::string segment(uint32_t number = 1) const {
    return dir / ("store/content/0000000" + std::to_string(number) + ".seg");
  }

  libsync::store::MailboxId make_box(const libsync::sync::Path& name) {
    auto write = store->begin();
    auto id = (*write)->create_mailbox(name);
    EXPECT_TRUE(id && (*write)->commit());
    return id.value_or(0);
  }
  libsync::store::MessageId put(libsync::store::MailboxId box, const std::string& octets,
                                const libsync::sync::Flags& flags = {}, std::optional<int64_t> date = {}) {
    auto staged = store->stage(octets);
    EXPECT_TRUE(staged) << staged.error().text();
    auto write = store->begin();
    auto placed = (*write)->add(box, *staged, flags, date);
    EXPECT_TRUE(placed && (*write)->commit());
    return placed ? placed->id : 0;
  }
  std::string octets_of(libsync::store::MessageId id) {
    const auto info = store->message(id);
    if (!info || !*info) return "no message";
    return store->content((*info)->content).value_or("no content");
  }

  TempDir dir;
  SetClock clock;
  std::unique_ptr<libsync::store::Store> store;
};

}  // namespace twinbox::test
