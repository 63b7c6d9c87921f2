// What is not whole: who notes it, what verify says of it, what takes its place, and that nothing done about it can
// make it worse.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "libsync/store/segment_reader.h"

#include "tests/support/failing_fs.h"
#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using ::testing::HasSubstr;
using twinbox::test::FailingFileSystem;
using twinbox::test::mail;
using twinbox::test::StoreTest;
namespace stdfs = std::filesystem;

class Damaged : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    inbox = make_box({"INBOX"});
    for (int i = 0; i < 4; ++i) {
      octets.push_back(mail(std::to_string(i), std::string(3000, static_cast<char>('a' + i))));
      ids.push_back(put(inbox, octets.back()));
    }
  }
  void reopen(StoreMode mode = StoreMode::Create) {
    store.reset();
    StoreOptions how = options();
    how.mode = mode;
    auto opened = Store::open(path(), how);
    ASSERT_TRUE(opened) << opened.error().text();
    store = std::move(*opened);
  }
  FramePlace place_of(MessageId id) {
    auto s = *store->db().prepare("SELECT segment, offset, stored FROM content WHERE id=?");
    EXPECT_TRUE(*s.bind((*store->message(id))->content).step());
    return {.segment = static_cast<uint32_t>(s.integer(0)),
            .offset = static_cast<uint64_t>(s.integer(1)),
            .stored = static_cast<uint64_t>(s.integer(2))};
  }
  void flip(const std::string& file, uint64_t at) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const char old = static_cast<char>(stream.get());
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(old ^ 0x20));
  }
  void flip_message(size_t which) { flip(segment(), place_of(ids[which]).offset + 40); }
  uint64_t waiting() { return store->damage()->waiting; }
  void mend(size_t which) {
    const auto staged = store->stage(octets[which]);
    ASSERT_TRUE(staged) << staged.error().text();
    auto write = store->begin();
    ASSERT_TRUE((*write)->mend(*staged) && (*write)->commit());
  }
  // What this process has read from files so far.
  static uint64_t octets_read() {
    std::ifstream counters("/proc/self/io");
    std::string name;
    uint64_t octets = 0;
    counters >> name >> octets;
    EXPECT_EQ(name, "rchar:");
    return octets;
  }
  bool verifies() {
    const auto report = store->verify({}, {});
    EXPECT_TRUE(report);
    return report && report->ok();
  }

  MailboxId inbox = 0;
  std::vector<std::string> octets;
  std::vector<MessageId> ids;
};

TEST_F(Damaged, IsNotedByWhoeverReadsIt) {
  const std::vector<std::function<void()>> readers = {
      [&] { EXPECT_FALSE(verifies()); }, [&] { EXPECT_EQ(octets_of(ids[1]), "no content"); },
      [&] { EXPECT_FALSE(store->header((*store->message(ids[1]))->content).has_value()); },
      [&] { EXPECT_FALSE(store->range((*store->message(ids[1]))->content, 0, 1000).has_value()); }};
  flip_message(1);
  for (const StoreMode mode : {StoreMode::ReadOnly, StoreMode::ReadWrite}) {
    for (size_t i = 0; i < readers.size(); ++i) {
      reopen();
      ASSERT_TRUE(store->db().exec("DELETE FROM damaged"));
      reopen(mode);
      EXPECT_EQ(waiting(), 0U);
      readers[i]();
      reopen(StoreMode::ReadOnly);
      EXPECT_EQ(waiting(), 1U) << "reader " << i;
      EXPECT_EQ(*store->damaged_contents(), std::vector{sha256(octets[1])});
    }
  }
}

// Each sync asks for it, with whatever there is in the store.
TEST_F(Damaged, IsListedWithoutReadingAboutAllThatIsWhole) {
  ASSERT_TRUE(store->db().exec(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) INSERT INTO content(sha256, segment,"
      " offset, stored, codec, size, print) SELECT printf('%032d',i), 1, 0, 0, 0, 0, printf('%032d',i) FROM n"));
  flip_message(1);
  EXPECT_EQ(octets_of(ids[1]), "no content");
  reopen();
  const uint64_t before = octets_read();
  EXPECT_EQ(store->damaged_contents()->size(), 1U);
  EXPECT_LT(octets_read() - before, 100'000U);
}

TEST_F(Damaged, IsNotedByTheIndex) {
  flip_message(1);
  reopen();
  ASSERT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  reopen();
  EXPECT_EQ(waiting(), 1U);
}

TEST_F(Damaged, OctetsComeBackIntoTheSamePlace) {
  auto write = *store->begin();
  ASSERT_TRUE(write->change_flags(ids[1], {.system = sync::kFlagged}, {}) && write->commit());
  const MessageInfo before = **store->message(ids[1]);
  ASSERT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  flip_message(1);
  reopen();
  EXPECT_FALSE(verifies());
  mend(1);
  const MessageInfo after = **store->message(ids[1]);
  EXPECT_EQ(after.content, before.content);
  EXPECT_EQ(after.uid, before.uid);
  EXPECT_EQ(after.modseq, before.modseq);
  EXPECT_EQ(after.flags, before.flags);
  EXPECT_EQ(octets_of(ids[1]), octets[1]);
  EXPECT_EQ(waiting(), 0U);
  EXPECT_TRUE(verifies());
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_TRUE(verifies());
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(octets_of(ids[i]), octets[i]);
}

TEST_F(Damaged, AFalseAlarmIsTakenBack) {
  const auto good = segment() + ".good";
  stdfs::copy_file(segment(), good);
  flip_message(1);
  reopen();
  EXPECT_FALSE(verifies());
  stdfs::copy_file(good, segment(), stdfs::copy_options::overwrite_existing);  // from a backup
  reopen(StoreMode::ReadOnly);
  EXPECT_EQ(waiting(), 1U);
  EXPECT_TRUE(verifies());
  reopen();
  EXPECT_EQ(waiting(), 0U);
}

TEST_F(Damaged, WhatIsNotThereToBeMendedIsNotMadeAnew) {
  const auto staged = store->stage(mail("other", "x"));
  auto write = *store->begin();
  EXPECT_EQ(write->mend(*staged).error().code, Errc::NotFound);
}

TEST_F(Damaged, WhatTheServerHasNoMoreIsCountedApart) {
  flip_message(1);
  flip_message(2);
  reopen();
  EXPECT_FALSE(verifies());
  EXPECT_EQ(*store->note_lost(std::vector{sha256(octets[2])}), 1U);
  EXPECT_EQ(*store->note_lost(std::vector{sha256(octets[2])}), 0U) << "told once";
  EXPECT_EQ(store->damage()->waiting, 1U);
  EXPECT_EQ(store->damage()->lost, 1U);
  const auto report = store->verify({}, {});
  ASSERT_EQ(report->problems.size(), 2U);
  EXPECT_FALSE(report->problems[0].lost);
  EXPECT_TRUE(report->problems[1].lost);
  EXPECT_EQ(report->problems[1].messages, std::vector{ids[2]});
  EXPECT_EQ(*store->note_lost({}), 0U);
  EXPECT_EQ(store->damage()->waiting, 2U) << "it is back";
}

// Each way to lose a segment, and the same after all of it was fetched again.
TEST_F(Damaged, ASegmentThatNothingPointsAtAnyMoreIsHarmlessAndCompactTakesItAway) {
  const uint64_t half = place_of(ids[2]).offset + 10;
  const std::vector<std::pair<std::string, std::function<void()>>> ways = {
      {"gone", [&] { stdfs::remove(segment()); }},
      {"empty", [&] { stdfs::resize_file(segment(), 0); }},
      {"cut", [&] { stdfs::resize_file(segment(), half); }},
      {"other octets", [&] {
         const auto size = stdfs::file_size(segment());
         std::ofstream(segment(), std::ios::binary) << std::string(size, 'x');
       }}};
  stdfs::copy(path(), dir / "good", stdfs::copy_options::recursive);
  for (const auto& [name, damage] : ways) {
    SCOPED_TRACE(name);
    store.reset();
    stdfs::remove_all(path());
    stdfs::copy(dir / "good", path(), stdfs::copy_options::recursive);
    damage();
    reopen(StoreMode::ReadOnly);
    EXPECT_FALSE(verifies());
    reopen();
    EXPECT_EQ(waiting(), name == "cut" ? 2U : 4U);
    for (size_t i = 0; i < ids.size(); ++i) mend(i);
    EXPECT_TRUE(verifies());
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(octets_of(ids[i]), octets[i]);
    ASSERT_TRUE(store->compact({.force = true}, {}, {}));
    EXPECT_FALSE(stdfs::exists(segment()));
    const auto report = store->verify({}, {});
    EXPECT_TRUE(report->problems.empty()) << report->problems[0].text;
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(octets_of(ids[i]), octets[i]);
  }
}

TEST_F(Damaged, CompactLeavesASegmentInWhichSomethingCannotBeRead) {
  auto write = *store->begin();
  ASSERT_TRUE(write->remove(ids[0]) && write->commit());
  flip_message(1);
  reopen();
  ASSERT_TRUE(store->compact({.force = true, .quarantine_seconds = -1}, {}, {}));
  EXPECT_TRUE(stdfs::exists(segment()));
  EXPECT_EQ(octets_of(ids[3]), octets[3]);
}

// --- a damaged header ---

class Header : public Damaged {
 protected:
  bool header_is_whole() {
    RealFileSystem fs;
    const auto file = fs.open(segment(), OpenMode::Read);
    return file && read_segment_header(**file, segment()).has_value();
  }
  bool all_readable() {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (octets_of(ids[i]) != octets[i]) return false;
    }
    return true;
  }
};

TEST_F(Header, IsGivenBackByASync) {
  flip(segment(), 3);
  reopen();
  EXPECT_FALSE(verifies());
  EXPECT_EQ(store->restore_headers(), 1U);
  EXPECT_TRUE(header_is_whole());
  EXPECT_TRUE(verifies());
  EXPECT_TRUE(all_readable());
  EXPECT_EQ(store->restore_headers(), 0U);
  put(inbox, mail("next", "goes into the same file"));
  EXPECT_FALSE(stdfs::exists(segment(2)));
  EXPECT_TRUE(verifies());
}

TEST_F(Header, IsNotWrittenAnewWhereNoWholeFrameProvesWhatWasInIt) {
  flip(segment(), 3);
  for (size_t i = 0; i < ids.size(); ++i) flip_message(i);
  std::ifstream in(segment(), std::ios::binary);
  const std::string before((std::istreambuf_iterator<char>(in)), {});
  reopen();
  EXPECT_EQ(store->restore_headers(), 0U);
  std::ifstream again(segment(), std::ios::binary);
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(again)), {}), before);
}

TEST_F(Header, IsLeftAloneWhileSomebodyHasTheSegment) {
  flip(segment(), 3);
  reopen();
  const auto held = FileLock::attempt(segment(), false);
  ASSERT_TRUE(held && *held);
  EXPECT_EQ(store->restore_headers(), 0U);
  EXPECT_FALSE(header_is_whole());
}

TEST_F(Header, NoStepOfItsReturnCanFailOrBeCutSoThatAnythingGetsWorse) {
  flip(segment(), 3);
  store.reset();
  for (size_t good = 0;; ++good) {
    ASSERT_LT(good, 30U);
    FailingFileSystem fs(good);
    StoreOptions limited = options();
    limited.fs = &fs;
    auto opened = Store::open(path(), limited);
    if (opened) (*opened)->restore_headers();
    opened = fail(Errc::Internal, "closed");
    open();
    ASSERT_TRUE(all_readable()) << "after " << good << " steps";
    if (!fs.tripped()) break;
  }
  EXPECT_TRUE(header_is_whole());
  EXPECT_EQ(std::distance(stdfs::directory_iterator(path() + "/content"), {}), 1) << "no copy is left behind";
}

TEST_F(Header, WhatACopyThatWasCutOffLeftIsNotReadAndCompactTakesItAway) {
  const std::string left = segment() + ".fresh";
  std::ofstream(left, std::ios::binary) << "half";
  reopen();
  EXPECT_TRUE(verifies());
  ASSERT_TRUE(store->compact({}, {}, {}));
  EXPECT_FALSE(stdfs::exists(left));
  EXPECT_TRUE(all_readable());
}

// --- a rebuild ---

class Rebuilt : public Header {
 protected:
  Result<RebuildReport> rebuild() {
    store.reset();
    TB_ASSIGN(auto lock, lock_store(path(), std::chrono::milliseconds(0), {}));
    return rebuild_store(path(), *lock, options(), {}, {});
  }
};

TEST_F(Rebuilt, NamesASegmentOfWhichNothingCanBeReadAndVerifyGoesOnTelling) {
  const auto size = stdfs::file_size(segment());
  store.reset();
  std::ofstream(segment(), std::ios::binary) << std::string(size, 'x');
  auto report = rebuild();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->contents, 0U);
  ASSERT_EQ(report->unreadable.size(), 1U);
  EXPECT_THAT(report->unreadable[0], HasSubstr("00000001.seg"));
  open();
  EXPECT_FALSE(verifies()) << "it may have held the only copy of something";
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_TRUE(stdfs::exists(segment()));
}

TEST_F(Rebuilt, IsNotAlarmedByAFileThatAWriterLeftEmpty) {
  store.reset();
  std::ofstream(segment(2), std::ios::binary) << "twin";
  const auto report = rebuild();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->unreadable.empty());
  open();
  EXPECT_TRUE(verifies());
  ASSERT_TRUE(store->compact({}, {}, {}));
  EXPECT_FALSE(stdfs::exists(segment(2)));
  EXPECT_TRUE(store->verify({}, {})->problems.empty());
}

TEST_F(Rebuilt, GivesASegmentItsHeaderBack) {
  flip(segment(), 9);
  const auto report = rebuild();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->contents, ids.size());
  EXPECT_TRUE(report->unreadable.empty());
  EXPECT_TRUE(header_is_whole());
  open();
  EXPECT_TRUE(verifies());
}

}  // namespace
}  // namespace libsync::store
