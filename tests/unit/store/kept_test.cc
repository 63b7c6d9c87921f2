// What must never be lost, or seen by others.
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "libsync/store/schema.h"

#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using twinbox::test::mail;
using twinbox::test::StoreTest;
namespace stdfs = std::filesystem;

class Kept : public StoreTest {
 protected:
  void lose_database() {
    store.reset();
    for (const char* name : {"twin.db", "twin.db-wal", "twin.db-shm"}) stdfs::remove(path() + "/" + name);
  }
  Result<RebuildReport> rebuild() {
    TB_ASSIGN(auto lock, lock_store(path(), std::chrono::milliseconds(0), {}));
    return rebuild_store(path(), *lock, options(), {}, {});
  }
  void flip_byte(const std::string& file, std::streamoff at) {
    store.reset();
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char old = static_cast<char>(stream.get());
    stream.seekp(at);
    stream.put(static_cast<char>(old ^ 0x20));
  }
  void remove(MessageId id) {
    auto write = store->begin();
    ASSERT_TRUE((*write)->remove(id) && (*write)->commit());
  }
};

TEST_F(Kept, WhatARebuildFoundIsNeverCompactedAway) {
  put(make_box({"INBOX"}), mail("one", "the only copy"));
  lose_database();
  ASSERT_TRUE(rebuild());
  open();
  clock.seconds += 400 * 86400;
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_EQ(*store->recover_unclaimed({"Recovered"}), 1U);
  EXPECT_TRUE(store->verify({}, {})->ok());
}

TEST_F(Kept, OctetsWhoseStoredCopyIsDamagedAreStoredAgain) {
  const auto inbox = make_box({"INBOX"});
  const std::string octets = mail("one", std::string(5000, 'x'));
  const auto id = put(inbox, octets);
  flip_byte(segment(), 80);
  open();
  EXPECT_NE(octets_of(id), octets);
  const auto again = put(inbox, octets);
  EXPECT_EQ(octets_of(again), octets);
  EXPECT_EQ(octets_of(id), octets) << "the damaged message is whole again too";
}

TEST_F(Kept, ADamagedSegmentHeaderCostsNoMail) {
  const auto id = put(make_box({"INBOX"}), mail("one", "body"));
  flip_byte(segment(), 9);
  open();
  EXPECT_EQ(octets_of(id), mail("one", "body"));
  EXPECT_FALSE(store->verify({}, {})->ok());
  put((*store->find_mailbox({"INBOX"}))->id, mail("two", "goes elsewhere"));
  EXPECT_TRUE(stdfs::exists(segment(2)));
  lose_database();
  const auto report = rebuild();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->contents, 2U);
}

TEST_F(Kept, TheDatabaseIsForItsOwnerAlone) {
  put(make_box({"INBOX"}), mail("one", "body"));
  for (const char* name : {"twin.db", "twin.db-wal", "twin.db-shm"}) {
    const auto mode = stdfs::status(path() + "/" + name).permissions();
    EXPECT_EQ(mode & (stdfs::perms::group_all | stdfs::perms::others_all), stdfs::perms::none) << name;
  }
}

TEST_F(Kept, WhatCompactDeletedStaysDeletedWhenItIsKilledBeforeTheUnlink) {
  const auto inbox = make_box({"INBOX"});
  const auto gone = put(inbox, mail("one", "to be removed"));
  put(inbox, mail("two", "stays"));
  remove(gone);
  clock.seconds += 40 * 86400;
  stdfs::copy_file(segment(), dir / "copy.seg");
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_FALSE(stdfs::exists(segment()));
  // As if the process had ended between the commit and the unlink.
  stdfs::copy_file(dir / "copy.seg", segment());
  ASSERT_TRUE(store->db().exec("INSERT INTO segment(id, length) VALUES(1, 0)"));
  EXPECT_TRUE(store->verify({}, {})->ok());
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_FALSE(stdfs::exists(segment()));
  EXPECT_FALSE(store->unclaimed_since()->has_value());
  EXPECT_TRUE(store->verify({}, {})->ok());
}

TEST_F(Kept, ListingAndReadingGoOnBesideACompact) {
  const auto inbox = make_box({"INBOX"});
  for (int i = 0; i < 6; ++i) put(inbox, mail(std::to_string(i), std::string(3000, 'x')));
  for (int i = 10; i < 13; ++i) remove(put(inbox, mail(std::to_string(i), std::string(3000, 'y'))));
  clock.seconds += 40 * 86400;
  auto reader = Store::open(path(), options());
  ASSERT_TRUE(reader);
  size_t read = 0;
  ASSERT_TRUE((*reader)->list({.order = ListOrder::Uid}, [&](const MessageInfo& message) {
    if (read++ == 0) {
      EXPECT_TRUE(store->compact({.force = true}, {}, {}));
    }
    const auto octets = (*reader)->content(message.content);
    EXPECT_TRUE(octets) << octets.error().text();
    return true;
  }));
  EXPECT_EQ(read, 6U);
}

}  // namespace
}  // namespace libsync::store
