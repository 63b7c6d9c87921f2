// A disk that fills up at the Nth write, for every N: what was reported as stored is there and whole,
// what was not is not seen, and the store goes on when there is room again.
#include <set>

#include "libsync/store/store.h"

#include "tests/support/failing_fs.h"
#include "tests/unit/store/store_fixture.h"

namespace twinbox::test {
namespace {

using namespace libsync;

// Small enough that the run makes several.
constexpr uint64_t kSmallSegment = 8 << 10;

Status add_batch(store::Store& store, store::MailboxId box, int batch, std::set<std::string>& stored) {
  std::set<std::string> written;
  std::vector<store::Staged> staged;
  for (int i = 0; i < 3; ++i) {
    const std::string octets = mail(std::to_string(batch) + "." + std::to_string(i), std::string(2000, 'x'));
    TB_ASSIGN(auto one, store.stage(octets));
    staged.push_back(std::move(one));
    written.insert(octets);
  }
  TB_ASSIGN(auto write, store.begin());
  for (const auto& one : staged) TB_TRY(write->add(box, one, {}, 0));
  TB_TRY(write->commit());
  stored.merge(written);
  return {};
}

std::set<std::string> contents_of(store::Store& store) {
  std::set<std::string> found;
  EXPECT_TRUE(store.list({.order = store::ListOrder::Uid}, [&](const store::MessageInfo& message) {
    auto octets = store.content(message.content);
    EXPECT_TRUE(octets) << octets.error().text();
    found.insert(octets.value_or(""));
    return true;
  }));
  return found;
}

class DiskFull : public StoreTest {};

TEST_F(DiskFull, AtEveryWriteLosesNothingThatWasReported) {
  const auto box = make_box({"INBOX"});
  std::set<std::string> stored;
  bool ever_tripped = true;
  size_t good = 0;
  for (; ever_tripped; ++good) {
    ASSERT_LT(good, 200U);
    store.reset();
    FailingFileSystem full(good);
    auto limited = options(kSmallSegment);
    limited.fs = &full;
    auto opened = store::Store::open(path(), limited);
    Status status = opened ? Status{} : Status(std::unexpected(opened.error()));
    for (int batch = 0; status && batch < 4; ++batch) {
      status = add_batch(**opened, box, static_cast<int>(good) * 10 + batch, stored);
    }
    ever_tripped = full.tripped();
    EXPECT_TRUE(status || status.error().code == Errc::Disk) << status.error().text();
    if (opened) opened->reset();
    open(kSmallSegment);
    ASSERT_EQ(contents_of(*store), stored) << "room for " << good << " changes";
  }
  EXPECT_GE(good, 8U) << "the disk was never full in the middle";
  const auto report = store->verify({}, {});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok());
}

}  // namespace
}  // namespace twinbox::test
