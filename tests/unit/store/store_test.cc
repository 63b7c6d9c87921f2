#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "libsync/store/lock.h"
#include "libsync/store/schema.h"

#include "tests/support/old_store.h"
#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using twinbox::test::mail;
using twinbox::test::StoreTest;
namespace stdfs = std::filesystem;

TEST_F(StoreTest, GivesBackTheExactOctets) {
  const MailboxId box = make_box({"INBOX"});
  const std::vector<std::string> messages = {"", "no header at all", std::string("Subject: a\n\n\0\xFF.\r\n", 16),
                                             mail("x", std::string(3 << 20, 'q')), "Subject: no final line end"};
  for (const auto& each : messages) EXPECT_EQ(octets_of(put(box, each)), each);
}

TEST_F(StoreTest, ShowsTheEnvelopeAndCountsTheMailbox) {
  const MailboxId box = make_box({"Arbeit", "a/b"});
  const MessageId id =
      put(box, mail("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "x", "Ann <ann@example.org>"), {.system = sync::kSeen});
  const auto info = *store->message(id);
  EXPECT_EQ(info->envelope.subject, "Grüße");
  EXPECT_EQ(info->envelope.from, "Ann <ann@example.org>");
  EXPECT_EQ(info->internaldate, 1'717'228'800);
  EXPECT_EQ(info->uid, 1u);
  put(box, mail("two", "y"));
  const auto state = *store->find_mailbox({"Arbeit", "a/b"});
  EXPECT_EQ(state->messages, 2u);
  EXPECT_EQ(state->unseen, 1u);
  EXPECT_EQ(state->uidnext, 3u);
}

TEST_F(StoreTest, TheSameOctetsAreKeptOnceHoweverOftenTheyComeIn) {
  const MailboxId box = make_box({"INBOX"});
  const std::string large = mail("large", std::string(2 << 20, 'z'));
  put(box, mail("one", "x"));
  put(box, large);
  const auto before = stdfs::file_size(segment());
  put(box, mail("one", "x"));
  put(box, large);
  EXPECT_EQ(stdfs::file_size(segment()), before);
  EXPECT_EQ(store->sizes()->contents, 2u);
}

TEST_F(StoreTest, AWriteWithoutCommitLeavesNothing) {
  const MailboxId box = make_box({"INBOX"});
  put(box, mail("one", "x"));
  const auto before = stdfs::file_size(segment());
  {
    const auto staged = store->stage(mail("two", "y"));
    auto write = *store->begin();
    ASSERT_TRUE(write->add(box, *staged, {}, {}));
  }
  EXPECT_EQ(stdfs::file_size(segment()), before);
  EXPECT_EQ((*store->mailbox(box))->messages, 1u);
  EXPECT_TRUE(store->verify({}, {})->ok());
}

TEST_F(StoreTest, WhatAWriterThatDiedLeftIsTakenInIfWholeAndCutOffIfNot) {
  const MailboxId box = make_box({"INBOX"});
  put(box, mail("one", "x"));
  const auto before = stdfs::file_size(segment());
  {
    ASSERT_TRUE(store->stage(mail("two", "y")));
    auto other = Store::open(path(), options());
    // The frame is on disk, its row is not: as after a power loss between the two.
    auto write = store->begin();
    ASSERT_TRUE(write);
    stdfs::copy_file(segment(), dir / "copy");
  }
  store.reset();
  stdfs::copy_file(dir / "copy", segment(), stdfs::copy_options::overwrite_existing);
  std::ofstream(segment(), std::ios::app | std::ios::binary) << "torn";
  ASSERT_GT(stdfs::file_size(segment()), before);
  open();
  EXPECT_TRUE(store->verify({}, {})->ok());
  put(box, mail("three", "z"));
  EXPECT_TRUE(*store->find_content(sha256(mail("two", "y"))));
  EXPECT_EQ((*store->mailbox(box))->messages, 2u);
  const auto report = store->verify({}, {});
  EXPECT_TRUE(report->problems.empty());
}

TEST_F(StoreTest, RemovedMailIsRestorableUntilItsTimeIsOver) {
  const MailboxId box = make_box({"INBOX"});
  const MessageId id = put(box, mail("one", "x"), {.keywords = {"work"}});
  {
    auto write = *store->begin();
    ASSERT_TRUE(write->remove(id) && write->commit());
  }
  EXPECT_EQ((*store->mailbox(box))->messages, 0u);
  EXPECT_EQ((*store->message(id))->removed_from, sync::Path{"INBOX"});
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  {
    auto write = *store->begin();
    ASSERT_TRUE(write->restore(id) && write->commit());
  }
  EXPECT_EQ((*store->message(id))->uid, 2u);
  EXPECT_EQ((*store->message(id))->flags.keywords, std::vector<std::string>{"work"});
  {
    auto write = *store->begin();
    ASSERT_TRUE(write->remove(id) && write->commit());
  }
  clock.seconds += kQuarantineSeconds + 1;
  const auto report = store->compact({}, {}, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->messages_purged, 1u);
  EXPECT_FALSE(*store->message(id));
  EXPECT_LT(report->bytes_after, report->bytes_before);
}

TEST_F(StoreTest, AClockThatIsWrongForAMomentPurgesNothing) {
  const MailboxId box = make_box({"INBOX"});
  const MessageId id = put(box, mail("one", "x"));
  const int64_t right = clock.seconds;
  ASSERT_TRUE(store->record_run({.started = right, .finished = right, .ok = true}));
  clock.seconds = right - 10 * kQuarantineSeconds;
  {
    auto write = *store->begin();
    ASSERT_TRUE(write->remove(id) && write->commit());
  }
  clock.seconds = right + 60;
  ASSERT_TRUE(store->record_run({.started = right + 60, .finished = right + 60, .ok = true}));
  EXPECT_EQ(store->compact({}, {}, {})->messages_purged, 0u) << "it was removed a minute ago, whatever the clock said";
  clock.seconds = right + kQuarantineSeconds + 100;
  EXPECT_EQ(store->compact({}, {}, {})->messages_purged, 0u) << "no sync was that late";
  ASSERT_TRUE(store->record_run({.started = clock.seconds, .finished = clock.seconds, .ok = true}));
  EXPECT_EQ(store->compact({}, {}, {})->messages_purged, 1u);
}

TEST_F(StoreTest, CompactingKeepsEveryMessageReadable) {
  open(20'000);
  const MailboxId box = make_box({"INBOX"});
  std::vector<MessageId> kept;
  std::vector<std::string> octets;
  for (int i = 0; i < 60; ++i) {
    std::string body;
    for (int k = 0; k < 50; ++k) body += to_hex(sha256(std::to_string(i * 100 + k)));
    const std::string each = mail("n" + std::to_string(i), body);
    const MessageId id = put(box, each);
    if (i % 3 == 0) {
      kept.push_back(id);
      octets.push_back(each);
    } else {
      auto write = *store->begin();
      ASSERT_TRUE(write->remove(id) && write->commit());
    }
  }
  auto reader = *Store::open(path(), {.mode = StoreMode::ReadOnly});
  ASSERT_TRUE(reader->content((*reader->message(kept[0]))->content));
  const auto report = store->compact({.force = true, .quarantine_seconds = -1}, {}, {});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_GT(report->segments_rewritten, 1u);
  EXPECT_LT(report->bytes_after, report->bytes_before / 2);
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(octets_of(kept[i]), octets[i]);
    EXPECT_EQ(*reader->content((*reader->message(kept[i]))->content), octets[i]);
  }
  EXPECT_TRUE(store->verify({}, {})->problems.empty());
}

TEST_F(StoreTest, ALostDatabaseIsRebuiltFromTheSegmentsAlone) {
  const MailboxId box = make_box({"INBOX"});
  const MessageId first = put(box, mail("one", "x"));
  const auto print = store->stage(mail("one", "x"))->print;
  const std::string octets = octets_of(first);
  store.reset();
  for (const char* name : {"twin.db", "twin.db-wal", "twin.db-shm"}) stdfs::remove(path() + "/" + name);
  EXPECT_EQ(Store::open(path(), options()).error().code, Errc::Corrupt);
  auto lock = lock_store(path(), std::chrono::milliseconds(0), {});
  ASSERT_TRUE(lock);
  const auto report = rebuild_store(path(), **lock, options(), {}, {});
  lock->reset();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->contents, 1u);
  open();
  const auto found = store->find_print(print);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(*store->content(found->front()), octets);
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));  // what waits for a sync is not thrown away
  const MailboxId again = make_box({"INBOX"});
  const auto staged = store->stage(octets);
  EXPECT_TRUE(staged->known);
  EXPECT_EQ(octets_of(put(again, octets)), octets);
}

TEST_F(StoreTest, MailThatOnlyARebuiltStoreHasGoesIntoAMailboxOfItsOwn) {
  const auto inbox = make_box({"INBOX"});
  put(inbox, mail("one", "first"));
  put(inbox, mail("two", "second"));
  store.reset();
  for (const char* name : {"twin.db", "twin.db-wal", "twin.db-shm"}) std::filesystem::remove(path() + "/" + name);
  EXPECT_TRUE(database_is_lost(path()));
  auto lock = lock_store(path(), std::chrono::milliseconds(0), {});
  ASSERT_TRUE(lock && rebuild_store(path(), **lock, options(), {}, {}));
  lock->reset();
  open();
  EXPECT_TRUE(store->unclaimed_since()->has_value());
  EXPECT_EQ(*store->recover_unclaimed({"Recovered"}), 2U);
  EXPECT_FALSE(store->unclaimed_since()->has_value());
  EXPECT_EQ(*store->recover_unclaimed({"Recovered"}), 0U);
  EXPECT_EQ((*store->find_mailbox({"Recovered"}))->messages, 2U);
  clock.seconds += 40 * 86400;
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_EQ((*store->find_mailbox({"Recovered"}))->messages, 2U);
  EXPECT_TRUE(store->verify({}, {})->ok());
}

TEST_F(StoreTest, ADatabaseOfWhichNothingCanBeReadIsLostAndADamagedOneIsNot) {
  put(make_box({"INBOX"}), mail("one", "first"));
  store.reset();
  EXPECT_FALSE(database_is_lost(path()));
  const std::string db = path() + "/twin.db";
  std::fstream(db, std::ios::in | std::ios::out | std::ios::binary).seekp(5000) << std::string(3000, 'x');
  EXPECT_FALSE(database_is_lost(path()));
  // SQLite's header and no table: of a copy that was taken while the tables were in the log alone.
  std::string no_tables;
  {
    auto fresh = *Db::open(dir / "fresh.db", DbMode::ReadWrite);
    std::ifstream file(dir / "fresh.db", std::ios::binary);
    no_tables.assign(std::istreambuf_iterator<char>(file), {});
  }
  ASSERT_FALSE(no_tables.empty());
  for (const std::string& left : {std::string(), std::string(9000, 'x'), no_tables}) {
    std::ofstream(db, std::ios::binary | std::ios::trunc) << left;
    EXPECT_TRUE(database_is_lost(path()));
    EXPECT_EQ(Store::open(path(), options()).error().code, Errc::Corrupt);
    auto lock = lock_store(path(), std::chrono::milliseconds(0), {});
    const auto report = rebuild_store(path(), **lock, options(), {}, {});
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_EQ(report->contents, 1U);
    EXPECT_TRUE(stdfs::exists(report->old_database)) << report->old_database;
  }
}

TEST_F(StoreTest, ARebuildLeavesTheDatabaseOfANewerVersionAlone) {
  put(make_box({"INBOX"}), mail("one", "first"));
  ASSERT_TRUE(store->db().exec("PRAGMA user_version=999"));
  store.reset();
  auto lock = lock_store(path(), std::chrono::milliseconds(0), {});
  const auto report = rebuild_store(path(), **lock, options(), {}, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::Newer);
  EXPECT_EQ(Store::open(path(), options()).error().code, Errc::Newer);
}

TEST_F(StoreTest, DamageIsToldNotHandedOut) {
  const MailboxId box = make_box({"INBOX"});
  const MessageId id = put(box, mail("one", "x"));
  store.reset();
  {
    std::fstream file(segment(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(80);
    file.put('!');
  }
  open();
  const auto content = store->content((*store->message(id))->content);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Errc::Corrupt);
  const auto report = store->verify({}, {});
  ASSERT_EQ(report->problems.size(), 1u);
  EXPECT_EQ(report->problems[0].kind, ProblemKind::Hash);
  EXPECT_EQ(report->problems[0].messages, std::vector<MessageId>{id});
  EXPECT_FALSE(report->ok());
}

TEST_F(StoreTest, AMissingSegmentIsTold) {
  const MailboxId box = make_box({"INBOX"});
  put(box, mail("one", "x"));
  store.reset();
  stdfs::rename(segment(), dir / "gone");
  open();
  const auto report = store->verify({}, {});
  ASSERT_FALSE(report->ok());
  EXPECT_EQ(report->problems[0].kind, ProblemKind::MissingSegment);
}

TEST_F(StoreTest, AStoreOfANewerVersionIsRefused) {
  ASSERT_TRUE(store->db().exec("PRAGMA user_version=99"));
  store.reset();
  const auto opened = Store::open(path(), options());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::Newer);
}

TEST_F(StoreTest, KeepsWhenAMessageCameIntoItsMailbox) {
  const MailboxId inbox = make_box({"INBOX"}), other = make_box({"Other"});
  const MessageId id = put(inbox, mail("one", "x"), {}, 1'600'000'000);
  const auto saved = [&](MessageId of) { return store->message(of).value()->saved; };
  const auto written = [&](const auto& act) {
    ++clock.seconds;
    const auto write = store->begin().value();
    const auto placed = act(*write);
    EXPECT_TRUE(placed && write->commit());
    return saved(placed->id) == clock.seconds;
  };
  EXPECT_EQ(saved(id), clock.seconds);
  EXPECT_TRUE(written([&](Write& write) { return write.move(id, other); }));
  EXPECT_TRUE(written([&](Write& write) { return write.copy(id, inbox); }));
  const ContentId content = store->message(id).value()->content;
  EXPECT_TRUE(written([&](Write& write) { return write.add_known(inbox, content, {}, 1'600'000'000); }));
  const int64_t before = clock.seconds;
  EXPECT_TRUE(written([&](Write& write) -> Result<Write::Placed> {
    TB_TRY(write.remove(id));
    return write.restore(id);
  }));
  clock.seconds += 10;
  const auto write = store->begin().value();
  ASSERT_TRUE(write->change_flags(id, {.system = sync::kSeen}, {}) && write->commit());
  EXPECT_EQ(saved(id), before + 1) << "flags are not its place";
}

TEST_F(StoreTest, AStoreOfVersionOneGetsWhatIsNewAndKeepsItsRuns) {
  put(make_box({"INBOX"}), mail("one", "x"));
  ASSERT_TRUE(store->db().exec(twinbox::test::undo_version_7()));
  ASSERT_TRUE(store->db().exec(
      "DROP INDEX message_keywords; ALTER TABLE message DROP COLUMN saved;"
      "DROP TABLE damaged; DROP TABLE link_turn; DROP INDEX link_row_doubt; ALTER TABLE link_row DROP COLUMN doubt; "
      "DROP TABLE run; CREATE INDEX content_print ON content(print);"
      "CREATE TABLE run(id INTEGER PRIMARY KEY, started INTEGER NOT NULL, finished INTEGER NOT NULL,"
      " ok INTEGER NOT NULL, error_code INTEGER NOT NULL, error_text TEXT NOT NULL, added INTEGER NOT NULL,"
      " flags INTEGER NOT NULL, moved INTEGER NOT NULL, removed INTEGER NOT NULL, skipped INTEGER NOT NULL,"
      " held INTEGER NOT NULL, octets INTEGER NOT NULL, bytes_in INTEGER NOT NULL,"
      " bytes_out INTEGER NOT NULL, round_trips INTEGER NOT NULL);"
      "INSERT INTO run VALUES(1,2,3,0,3,'refused (wait)',0,0,0,0,0,4,0,0,0,0);"
      "PRAGMA user_version=1"));
  store.reset();
  StoreOptions read_only = options();
  read_only.mode = StoreMode::ReadOnly;
  EXPECT_EQ(Store::open(path(), read_only).error().code, Errc::Refused);
  open();
  const libsync::store::Run run = store->runs(1)->front();
  EXPECT_EQ(run.error.text(), "refused (wait)");
  EXPECT_EQ(run.held, 4U);
  EXPECT_EQ(run.suspect, 0U);
  EXPECT_EQ(store->mailboxes()->front().messages, 1U);
  store.reset();
  EXPECT_TRUE(Store::open(path(), read_only));
}

TEST_F(StoreTest, AnEmptyStoreIsTakenAwayAndOneWithMailIsNot) {
  auto lock = lock_store(path(), std::chrono::milliseconds(0), {});
  ASSERT_TRUE(lock);
  // One waits for the lock meanwhile: what it gets must lock the file that is there.
  Result<std::unique_ptr<FileLock>> waited = fail(Errc::Internal, "not asked yet");
  std::thread other([&] { waited = lock_store(path(), std::chrono::seconds(20), {}); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  store.reset();
  remove_empty_store(path(), **lock, true);
  EXPECT_FALSE(stdfs::exists(path() + "/twin.db"));
  lock->reset();
  other.join();
  ASSERT_TRUE(waited) << waited.error().text();
  EXPECT_EQ(lock_store(path(), std::chrono::milliseconds(0), {}).error().code, Errc::Busy);

  open();
  make_box({"INBOX"});
  store.reset();
  remove_empty_store(path(), **waited, true);
  EXPECT_TRUE(stdfs::exists(path() + "/twin.db")) << "a folder was seen: the server was looked at";
  EXPECT_TRUE(stdfs::exists(path() + "/sync.lock"));
}

TEST_F(StoreTest, ADiskThatTakesNothingKeepsNobodyFromReadingAndASyncWaits) {
  const MessageId id = put(make_box({"INBOX"}), mail("x", "y"));
  lock_store(path(), std::chrono::milliseconds(0), {})->reset();
  store.reset();
  stdfs::create_directory(path() + "/twin.db-wal");  // now SQLite can't make its log, whoever runs this
  StoreOptions read_only = options();
  read_only.mode = StoreMode::ReadOnly;
  auto reader = Store::open(path(), read_only);
  ASSERT_TRUE(reader) << reader.error().text();
  EXPECT_EQ((*reader)->message(id).value()->envelope.subject, "x");
  EXPECT_TRUE(Store::open(path(), read_only)) << "two may read at once";
  EXPECT_EQ(lock_store(path(), std::chrono::milliseconds(0), {}).error().code, Errc::Busy);
  reader->reset();

  const auto lock = lock_store(path(), std::chrono::milliseconds(0), {});
  ASSERT_TRUE(lock);
  EXPECT_EQ(Store::open(path(), read_only).error().code, Errc::Disk) << "somebody may write";
}

TEST_F(StoreTest, WhatIsNoStoreIsCorruptOrMissing) {
  EXPECT_EQ(Store::open(dir / "nowhere").error().code, Errc::NotFound);
  stdfs::create_directories(dir / "other");
  std::ofstream(dir / "other/twin.db") << std::string(5000, 'x');
  EXPECT_EQ(Store::open(dir / "other").error().code, Errc::Corrupt);
}

TEST_F(StoreTest, ASecondSyncIsToldWhoHoldsTheStore) {
  const auto lock = store->lock_for_sync({}, {});
  ASSERT_TRUE(lock);
  auto other = *Store::open(path(), options());
  const auto second = other->lock_for_sync(std::chrono::milliseconds(60), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::Busy);
  EXPECT_NE(second.error().what.find(std::to_string(getpid())), std::string::npos);
  EXPECT_EQ(store->compact({}, {}, {}).error().code, Errc::Busy);
  EXPECT_TRUE(other->mailboxes());  // reading goes on
}

TEST_F(StoreTest, TwoWritersAppendToSegmentsOfTheirOwn) {
  const MailboxId box = make_box({"INBOX"});
  put(box, mail("one", "x"));
  auto other = *Store::open(path(), options());
  const auto staged = other->stage(mail("two", "y"));
  ASSERT_TRUE(staged);
  auto write = *other->begin();
  ASSERT_TRUE(write->add(box, *staged, {}, {}) && write->commit());
  EXPECT_NE(staged->segment, 1u);
  put(box, mail("three", "z"));
  EXPECT_EQ((*store->mailbox(box))->messages, 3u);
  EXPECT_TRUE(store->verify({}, {})->problems.empty());
}

TEST_F(StoreTest, RenamingTakesChildrenAlongAndNamesAreChecked) {
  const MailboxId parent = make_box({"a"});
  make_box({"a", "b"});
  make_box({"ab"});
  auto write = *store->begin();
  ASSERT_TRUE(write->rename_mailbox(parent, {"x", "y"}));
  EXPECT_EQ(write->rename_mailbox(parent, {"ab"}).error().code, Errc::Usage);
  EXPECT_EQ(write->rename_mailbox(parent, {"x", "y", "z"}).error().code, Errc::Usage);
  EXPECT_EQ(write->create_mailbox({"ab"}).error().code, Errc::Usage);
  EXPECT_EQ(write->create_mailbox({}).error().code, Errc::Usage);
  EXPECT_EQ(write->create_mailbox({"a", ""}).error().code, Errc::Usage);
  EXPECT_EQ(write->create_mailbox({std::string(kMaxComponentBytes + 1, 'x')}).error().code, Errc::Usage);
  EXPECT_EQ(write->create_mailbox(sync::Path(kMaxPathDepth + 1, "x")).error().code, Errc::Usage);
  ASSERT_TRUE(write->create_mailbox({"../../etc", std::string("nul\0", 4)}));
  ASSERT_TRUE(write->commit());
  EXPECT_TRUE(*store->find_mailbox({"x", "y", "b"}));
  EXPECT_TRUE(*store->find_mailbox({"../../etc", std::string("nul\0", 4)}));
  EXPECT_FALSE(*store->find_mailbox({"a", "b"}));
}

TEST_F(StoreTest, ListsNewestFirstAndInPages) {
  const MailboxId box = make_box({"INBOX"});
  const MessageId old = put(box, mail("old", "x"), {}, 1000);
  const MessageId fresh = put(box, mail("new", "x"), {}, 3000);
  const MessageId middle = put(box, mail("middle", "x"), {}, 2000);
  const auto ids = [&](const ListOptions& options) {
    std::vector<MessageId> out;
    EXPECT_TRUE(store->list(options, [&](const MessageInfo& info) {
      out.push_back(info.id);
      return true;
    }));
    return out;
  };
  EXPECT_EQ(ids({}), (std::vector{fresh, middle, old}));
  EXPECT_EQ(ids({.mailbox = box, .limit = 1, .offset = 1}), std::vector{middle});
  EXPECT_EQ(ids({.order = ListOrder::Uid}), (std::vector{old, fresh, middle}));
}

TEST_F(StoreTest, RangesAndHeadersAreReadWithoutTheRest) {
  const MailboxId box = make_box({"INBOX"});
  std::string octets = mail("x", "");
  for (int i = 0; octets.size() < (3 << 20); ++i) octets += std::to_string(i) + "\r\n";
  const ContentId id = (*store->message(put(box, octets)))->content;
  for (const uint64_t from : {uint64_t{0}, uint64_t{kMaxComponentBytes}, uint64_t{(1 << 20) - 3}, octets.size() - 5}) {
    EXPECT_EQ(*store->range(id, from, 4000), octets.substr(from, 4000)) << from;
  }
  EXPECT_EQ(*store->range(id, octets.size() + 1, 10), "");
  EXPECT_EQ(*store->header(id), octets.substr(0, octets.find("\r\n\r\n") + 4));
  EXPECT_EQ(store->content(id, 100).error().code, Errc::Limit);
}

TEST_F(StoreTest, RemembersRunsAndTheLastThatWentWell) {
  ASSERT_TRUE(store->record_run({.started = 1, .finished = 2, .ok = true, .added = 5}));
  ASSERT_TRUE(
      store->record_run({.started = 3,
                         .finished = 4,
                         .error = {.code = Errc::Auth, .what = "no", .server = "NO", .hint = "ask", .retry = true},
                         .suspect = 5,
                         .doubtful = 6,
                         .refused = 7}));
  const libsync::store::Run last = store->runs(10)->front();
  EXPECT_EQ(last.error.code, Errc::Auth);
  EXPECT_EQ(last.error.text(), "no: \"NO\" (ask)");
  EXPECT_TRUE(last.error.retry);
  EXPECT_EQ(last.suspect, 5U);
  EXPECT_EQ(last.doubtful, 6U);
  EXPECT_EQ(last.refused, 7U);
  EXPECT_EQ((*store->last_success())->added, 5u);
}

}  // namespace
}  // namespace libsync::store
