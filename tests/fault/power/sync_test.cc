// The power goes at every sync point of a sync: what was reported as stored is there, and the next sync ends where an
// undisturbed one does.
#include "libsync/replicas/memory.h"

#include "tests/fault/power/power_fixture.h"

namespace twinbox::test {
namespace {

using namespace libsync;
using replicas::MemoryReplica;

std::string letter(int number, size_t size = 0) {
  std::string body;
  while (body.size() < size)
    body += to_hex(sha256(std::to_string(number) + "." + std::to_string(body.size()))) + "\r\n";
  return mail("letter " + std::to_string(number), "number " + std::to_string(number) + "\r\n" + body);
}

// The server before the first sync, and what happened there before the second.
MemoryReplica first_day() {
  MemoryReplica server;
  server.make_box({"INBOX"}, sync::Role::Inbox);
  server.make_box({"Work", "Plans"});
  server.make_box({"Old"});
  for (int i = 1; i <= 9; ++i) {
    server.append({"INBOX"}, letter(i, i % 4 == 0 ? 5'000 : i * 100U), {.system = i % 2 == 0 ? sync::kSeen : 0U});
  }
  for (int i = 10; i <= 13; ++i) server.append({"Work", "Plans"}, letter(i, 900));
  server.append({"Work", "Plans"}, letter(1, 100));  // a copy
  server.append({"INBOX"}, mail("long", std::string(1'200'000, 'x')));
  return server;
}
MemoryReplica second_day() {
  MemoryReplica server = first_day();
  server.set_flags({"INBOX"}, 1, {.system = sync::kSeen | sync::kFlagged, .keywords = {"$Later"}});
  server.move({"INBOX"}, 2, {"Old"});
  server.move({"INBOX"}, 3, {"Work", "Plans"});
  server.expunge({"INBOX"}, 5);
  server.expunge({"Work", "Plans"}, 1);
  server.make_box({"New"});
  server.append({"New"}, letter(20, 2'000));
  server.append({"INBOX"}, letter(21));
  server.rename_box({"Old"}, {"Older"});
  return server;
}

class Sync : public PowerTest {
 protected:
  void sync(store::Store& store, MemoryReplica server, const std::function<void()>& told = {}) {
    const Status status = run_sync({store, server, clock}, told);
    EXPECT_TRUE(status) << status.error().text();
  }

  Shown undisturbed(const std::vector<MemoryReplica>& days) {
    auto store = store::Store::open(dir / "undisturbed", options());
    EXPECT_TRUE(store);
    for (const auto& day : days) sync(**store, day);
    return without_uids(show(**store));
  }

  // In the store of a platter: what was promised, whole; and the next sync.
  void expect_kept(const std::string& folder, Promises& promises, const MemoryReplica& server, const Shown& end) {
    auto opened = store::Store::open(store_in(folder), options());
    ASSERT_TRUE(opened) << opened.error().text();
    promises.hold_against(show(**opened));
    expect_sound(**opened);
    sync(**opened, server);
    ASSERT_EQ(without_uids(show(**opened)), end);
    expect_sound(**opened);
    expect_clean(**opened);
    ASSERT_FALSE((*opened)->unclaimed_since()->has_value());
    ASSERT_EQ(without_uids(show(**opened)), end);
  }
};

TEST_F(Sync, TheFirstOneIntoAStoreThatIsMadeForIt) {
  const Shown end = undisturbed({first_day()});
  Promises promises({});
  watch([&](const std::string& folder) { expect_kept(folder, promises, first_day(), end); });
  auto store = open_store();
  sync(*store, first_day(), [&] {
    promises.keep(show(*store));
    promised();
  });
  EXPECT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  store.reset();
  look("at the end");
  EXPECT_EQ(without_uids(promises.last()), end);
}

TEST_F(Sync, TheSecondOneWithMovesFlagsAndRemovals) {
  const Shown end = undisturbed({first_day(), second_day()});
  auto store = open_store();
  sync(*store, first_day());
  disk.settle();
  Promises promises(show(*store));
  watch([&](const std::string& folder) { expect_kept(folder, promises, second_day(), end); });
  sync(*store, second_day(), [&] {
    promises.keep(show(*store));
    promised();
  });
  EXPECT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  store.reset();
  look("at the end");
  EXPECT_EQ(without_uids(promises.last()), end);
}

}  // namespace
}  // namespace twinbox::test
