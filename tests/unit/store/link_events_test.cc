// The log in the store: what it keeps, for how long, and what of it is one entry.
#include <gmock/gmock.h>

#include "libsync/store/link_table.h"
#include "libsync/sync/plan.h"

#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using sync::Event;
using sync::Op;
using testing::SizeIs;

class LinkEvents : public twinbox::test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    link = open_link(store->db());
  }
  std::vector<Event> all(const sync::Id& message = {}, int64_t since = 0, size_t limit = SIZE_MAX) {
    return link->events(message, since, limit).value();
  }
  std::unique_ptr<sync::Link> link;
};

TEST_F(LinkEvents, ComeBackAsTheyWereWritten) {
  const Event event{.time = 5,
                    .what = Event::What::Command,
                    .op = Op::Move,
                    .on = sync::Side::B,
                    .reason = sync::Reason::Moved,
                    .row = 7,
                    .message = "m3",
                    .folder = "INBOX",
                    .to_folder = "Work",
                    .key = "9",
                    .flags = "+seen",
                    .words = "no",
                    .by = "move"};
  ASSERT_TRUE(link->record(event));
  ASSERT_TRUE(link->record({.time = 6, .message = "m4"}));
  store.reset();
  open();
  link = open_link(store->db());
  ASSERT_THAT(all(), SizeIs(2));
  const Event one = all("m3").at(0);
  EXPECT_EQ(one.time, 5);
  EXPECT_EQ(one.first, 5);
  EXPECT_EQ(one.times, 1U);
  EXPECT_EQ(one.what, event.what);
  EXPECT_EQ(one.op, event.op);
  EXPECT_EQ(one.on, event.on);
  EXPECT_EQ(one.reason, event.reason);
  EXPECT_EQ(one.row, 7);
  EXPECT_EQ(one.folder + one.to_folder + one.key + one.flags + one.words + one.by, "INBOXWork9+seennomove");
  EXPECT_THAT(all("m3"), SizeIs(1));
  EXPECT_THAT(all("", 6), SizeIs(1));
  EXPECT_EQ(all("", 0, 1).at(0).message, "m4") << "the last";
}

TEST_F(LinkEvents, WhatIsPutOffAgainAndAgainIsOneEntry) {
  Event event{.time = 1, .what = Event::What::PutOff, .op = Op::Add, .row = 7, .words = "NO later"};
  for (; event.time < 100; ++event.time) ASSERT_TRUE(link->record(event));
  ASSERT_THAT(all(), SizeIs(1));
  EXPECT_EQ(all()[0].times, 99U);
  EXPECT_EQ(all()[0].first, 1);
  EXPECT_EQ(all()[0].time, 99);
  event.words = "NO never";
  ASSERT_TRUE(link->record(event));
  EXPECT_THAT(all(), SizeIs(1)) << "some servers have the time in their words";
  EXPECT_EQ(all()[0].words, "NO never");
  event.op = Op::Flags;
  ASSERT_TRUE(link->record(event));
  event.row = 8;
  ASSERT_TRUE(link->record(event));
  event.what = Event::What::Done;
  ASSERT_TRUE(link->record(event));
  ASSERT_TRUE(link->record(event));
  EXPECT_THAT(all(), SizeIs(5)) << "another action, another message, and what was done is each for itself";
}

TEST_F(LinkEvents, AreBoundedInNumberAndAge) {
  const auto write = store->begin();
  const int64_t count = sync::kMaxEvents + 5000;
  for (int64_t i = 1; i <= count; ++i) ASSERT_TRUE(link->record({.time = i, .message = "m1"}));
  ASSERT_TRUE((*write)->commit());
  const auto kept = all();
  EXPECT_LE(static_cast<int64_t>(kept.size()), sync::kMaxEvents);
  EXPECT_GT(static_cast<int64_t>(kept.size()), sync::kMaxEvents - 2000);
  EXPECT_EQ(kept.back().time, count);
  ASSERT_TRUE(link->drop_events(count - 10));
  EXPECT_THAT(all(), SizeIs(11));
}

TEST_F(LinkEvents, GoWithWhatTheyWereWrittenWith) {
  {
    const auto write = store->begin();
    ASSERT_TRUE(link->record({.time = 1, .message = "m1"}));
  }
  EXPECT_THAT(all(), SizeIs(0)) << "not committed";
}

TEST_F(LinkEvents, ADryRunReadsNoneAndWritesNone) {
  ASSERT_TRUE(link->record({.time = 1, .message = "m1"}));
  {
    auto copy = link->copy();
    ASSERT_TRUE(copy);
    EXPECT_THAT((*copy)->events({}, 0, 10).value(), SizeIs(0));
    ASSERT_TRUE((*copy)->record({.time = 2}));
  }
  EXPECT_THAT(all(), SizeIs(1));
}

}  // namespace
}  // namespace libsync::store
