// POP3 with leave="never": what the server was told to remove is here, whenever the power goes.
#include "libsync/replicas/pop3.h"

#include <algorithm>

#include "tests/fault/power/power_fixture.h"
#include "tests/support/failing_fs.h"
#include "tests/support/memory_pop3.h"

namespace twinbox::test {
namespace {

using namespace libsync;

Maildrop::Message letter(int number) {
  std::string body = "number " + std::to_string(number) + "\r\n";
  for (int i = 0; i < number * 3; ++i) body += ".line " + to_hex(sha256(std::to_string(number * 100 + i))) + "\r\n";
  return {.uidl = "u" + std::to_string(number), .octets = mail("letter " + std::to_string(number), body)};
}

class Pop3 : public PowerTest {
 protected:
  // One session, with leave="never".
  Status session(store::Store& store, Maildrop& server, const std::function<void()>& told = {},
                 Pop3Session::AtQuit at_quit = {}) {
    replicas::Pop3Options login;
    login.credentials = {.user = "joe", .password = Secret("hunter2"), .token = Secret(), .authzid = ""};
    TB_ASSIGN(const auto remote,
              replicas::open_pop3(std::make_unique<Pop3Session>(server, std::move(at_quit)), std::move(login), {}));
    return run_sync({store, *remote, clock, sync::Leave::Never}, told);
  }

  std::multiset<std::string> octets_in(store::Store& store) {
    std::multiset<std::string> found;
    EXPECT_TRUE(store.list({}, [&](const store::MessageInfo& message) {
      found.insert(store.content(message.content).value_or("damaged"));
      return true;
    }));
    return found;
  }

  // In the store of a platter: what was promised, and what is not on the server any more; after the next session all
  // that there ever was, once, and nothing on the server.
  void expect_kept(const std::string& folder) {
    auto opened = store::Store::open(store_in(folder), options());
    ASSERT_TRUE(opened) << opened.error().text();
    promises.hold_against(show(**opened));
    const auto held = octets_in(**opened);
    for (const auto& octets : removed) ASSERT_TRUE(held.contains(octets)) << "removed from the server, and not here";
    expect_sound(**opened);
    Maildrop now = drop;
    const Status status = session(**opened, now);
    ASSERT_TRUE(status) << status.error().text();
    ASSERT_EQ(octets_in(**opened), all);
    ASSERT_TRUE(now.messages.empty());
    expect_sound(**opened);
    expect_clean(**opened);
  }

  void arrive(int from, int until) {
    for (int i = from; i < until; ++i) {
      drop.messages.push_back(letter(i));
      all.insert(letter(i).octets);
    }
  }

  // A session on the disk, watched.
  void watched_session(store::Store& store) {
    const auto told = [&] {
      promises.keep(show(store));
      promised();
    };
    const Status status = session(store, drop, told, at_quit());
    EXPECT_TRUE(status) << status.error().text();
  }
  Pop3Session::AtQuit at_quit() {
    return [&](const std::vector<Maildrop::Message>& told_to_remove) {
      look("before QUIT");
      for (const auto& message : told_to_remove) removed.insert(message.octets);
      const Maildrop before = drop;
      std::erase_if(drop.messages, [&](const auto& message) { return removed.contains(message.octets); });
      promised();
      look("at QUIT");
      drop = before;
      return true;
    };
  }

  Maildrop drop;
  std::set<std::string> removed;   // the server was told to
  std::multiset<std::string> all;  // there ever were
  Promises promises{{}};
};

TEST_F(Pop3, WhatTheServerWasToldToRemoveIsHere) {
  arrive(1, 11);
  watch([&](const std::string& folder) { expect_kept(folder); });
  auto store = open_store();
  watched_session(*store);
  EXPECT_EQ(removed.size(), 10U);
  arrive(11, 15);
  watched_session(*store);
  EXPECT_EQ(removed.size(), 14U);
  EXPECT_TRUE(drop.messages.empty());
  store.reset();
  look("at the end");
}

// Of what an earlier session stored and did not come to remove: it was cut off before QUIT.
TEST_F(Pop3, WhatAnEarlierSessionStoredAndALaterOneRemoves) {
  arrive(1, 8);
  auto store = open_store();
  EXPECT_FALSE(session(*store, drop, {}, [](const auto&) { return false; }));
  EXPECT_EQ(octets_in(*store), all);
  disk.settle();
  promises.keep(show(*store));
  watch([&](const std::string& folder) { expect_kept(folder); });
  arrive(8, 10);
  watched_session(*store);
  EXPECT_EQ(removed.size(), 9U);
  store.reset();
  look("at the end");
}

// A process that dies leaves what it wrote to the next one, seen and not durable: files, names, folders, rows. What the
// next one builds on that must not go when the power does.
TEST_F(Pop3, AfterAProcessThatDiedAtAnyStep) {
  uint64_t died = 0;
  for (uint64_t good = 0, died_last = 1; died_last != 0; good += long_run() ? 1 : 4) {
    SCOPED_TRACE("the first process died behind " + std::to_string(good) + " steps");
    for (const auto& entry : std::filesystem::directory_iterator(root)) std::filesystem::remove_all(entry.path());
    disk.forget();
    drop = {};
    removed = {};
    all = {};
    arrive(1, 8);
    disk.die_after(good);
    FailingFileSystem mortal([&] { return disk.step(); }, fs);
    if (auto first = store::Store::open(path(), options(&mortal))) {
      (void)session(**first, drop, {}, [&](const auto& told_to_remove) {
        for (const auto& message : told_to_remove) removed.insert(message.octets);
        return true;
      });
    }
    died += died_last = disk.dead() ? 1 : 0;
    disk.come_back();
    auto store = open_store();
    ASSERT_TRUE(store);
    // What takes in what lies about: the next session then appends to it.
    if (died % 2 == 0) {
      ASSERT_TRUE(store->compact({.force = true}, {}, {}));
    }
    arrive(8, 10);
    promises.keep(show(*store));
    watch([&](const std::string& folder) { expect_kept(folder); });
    stop_watching();  // at QUIT alone
    const Status status = session(*store, drop, [&] { promises.keep(show(*store)); }, at_quit());
    ASSERT_TRUE(status) << status.error().text();
    ASSERT_TRUE(drop.messages.empty());
    store.reset();
    promised();
    look("at the end");
    ASSERT_FALSE(HasFailure());
  }
  std::cout << "power: died at " << died << " steps before\n";
  EXPECT_GE(died, 20U);
}

}  // namespace
}  // namespace twinbox::test
