// A process that dies leaves what it wrote to the next one, seen and not durable: files, names, folders, rows. What the
// next one builds on that must not go when the power does.
#include <algorithm>
#include <fstream>

#include "tests/fault/power/power_fixture.h"
#include "tests/support/failing_fs.h"

namespace twinbox::test {
namespace {

using namespace libsync;
namespace stdfs = std::filesystem;

class Death : public PowerTest {
 protected:
  static std::string letter(const std::string& name) { return mail(name, std::string(300, 'x') + name); }

  Status put(store::Store& store, const std::string& octets) {
    TB_ASSIGN(const auto staged, store.stage(octets));
    TB_ASSIGN(auto write, store.begin());
    TB_ASSIGN(const auto there, store.find_mailbox({"INBOX"}));
    store::MailboxId inbox = there ? there->id : 0;
    if (!there) {
      TB_ASSIGN(inbox, write->create_mailbox({"INBOX"}));
    }
    TB_TRY(write->add(inbox, staged, {}, {}));
    TB_TRY(write->commit());
    reported.insert(octets);
    promised();
    return {};
  }

  void expect_reported(const std::string& folder) {
    auto opened = store::Store::open(store_in(folder), options());
    ASSERT_TRUE(opened) << opened.error().text();
    std::set<std::string> found;
    ASSERT_TRUE((*opened)->list({}, [&](const store::MessageInfo& message) {
      found.insert((*opened)->content(message.content).value_or("damaged"));
      return true;
    }));
    for (const auto& octets : reported) ASSERT_TRUE(found.contains(octets)) << octets.substr(0, 60);
    (*opened)->restore_headers();  // as each sync does
    expect_sound(**opened);
  }

  // Whether there is something in the segments that is seen, and not durable.
  bool half_done() const {
    const Platter seen = disk.after({Luck::EverythingStays}), sure = disk.after({Luck::NothingStays});
    return std::ranges::any_of(seen, [&](const auto& entry) {
      const auto there = sure.find(entry.first);
      return entry.first.ends_with(".seg") && (there == sure.end() || there->second != entry.second);
    });
  }

  // `first` by a process that dies at each of its steps, on a disk as `before` leaves it; then `second` by one that
  // lives, then the power goes; where segments are half done, at each sync point of the second.
  using Doing = std::function<Status(store::Store&)>;
  void at_each_step(const std::function<void()>& before, const Doing& first, const Doing& second) {
    uint64_t good = 0, half = 0;
    for (bool died = true; died; ++good) {
      ASSERT_LT(good, 500U);
      SCOPED_TRACE("the first process died behind " + std::to_string(good) + " steps");
      for (const auto& entry : stdfs::directory_iterator(root)) stdfs::remove_all(entry.path());
      disk.forget();
      reported.clear();
      before();
      disk.die_after(good);
      FailingFileSystem mortal([&] { return disk.step(); }, fs);
      if (auto store = store::Store::open(path(), options(&mortal))) (void)first(**store);
      died = disk.dead();
      disk.come_back();
      watch([&](const std::string& folder) { expect_reported(folder); });
      if (!half_done()) stop_watching();
      half += half_done() ? 1 : 0;
      const auto store = open_store();
      ASSERT_TRUE(store);
      const Status done = second(*store);
      ASSERT_TRUE(done) << done.error().text();
      stop_watching();
      promised();
      look("behind the second process");
      ASSERT_FALSE(HasFailure());
    }
    std::cout << "power: " << good << " steps, died at each; segments half done at " << half << "\n";
    EXPECT_GE(good, 8U);
    EXPECT_GE(half, 1U);
  }

  std::set<std::string> reported;
};

TEST_F(Death, WhileItMadeTheStore) {
  at_each_step([] {}, [&](store::Store& store) { return put(store, letter("one")); },
               [&](store::Store& store) { return put(store, letter("two")); });
}

// compact takes in a segment that nothing points into; the next message goes into it.
TEST_F(Death, WhileItMadeASegmentThatACompactTakesIn) {
  const auto before = [&] {
    ASSERT_TRUE(open_store());
    disk.settle();
  };
  at_each_step(
      before, [&](store::Store& store) { return put(store, letter("one")); },
      [&](store::Store& store) -> Status {
        TB_TRY(store.compact({}, {}, {}));
        return put(store, letter("two"));
      });
}

TEST_F(Death, WhileItGaveASegmentItsHeaderBack) {
  const auto before = [&] {
    ASSERT_TRUE(put(*open_store(), letter("zero")));
    std::fstream(path() + "/content/00000001.seg", std::ios::in | std::ios::out | std::ios::binary).seekp(3).put('X');
    disk.forget();
  };
  const auto restore = [&](store::Store& store) -> Status {
    store.restore_headers();
    return put(store, letter("one"));
  };
  at_each_step(before, restore, [&](store::Store& store) -> Status {
    store.restore_headers();
    return put(store, letter("two"));
  });
}

}  // namespace
}  // namespace twinbox::test
