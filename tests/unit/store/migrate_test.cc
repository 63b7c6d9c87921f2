// How older tables become newer ones, with steps that stand in for those of versions to come.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libsync/store/schema.h"
#include "libsync/store/store.h"
#include "libsync/store/tokenizer.h"

#include "tests/support/temp_dir.h"

namespace libsync::store {
namespace {

using ::testing::HasSubstr;

Status make_mail(Db& db) { return db.exec("CREATE TABLE mail(id INTEGER PRIMARY KEY); INSERT INTO mail VALUES(1)"); }
Status add_colour(Db& db) { return db.exec("ALTER TABLE mail ADD COLUMN colour TEXT DEFAULT 'red'"); }
Status count_up(Db& db) { return db.exec("UPDATE mail SET id=id+1"); }
Status fail_halfway(Db& db) {
  TB_TRY(db.exec("ALTER TABLE mail ADD COLUMN colour TEXT; DELETE FROM mail"));
  return db.exec("INSERT INTO nowhere VALUES(1)");
}

class Migrate : public ::testing::Test {
 protected:
  std::unique_ptr<Db> open(DbMode mode = DbMode::ReadWrite) { return *Db::open(path, mode); }
  static int64_t number(Db& db, const std::string& sql) {
    auto s = db.prepare(sql);
    if (!s || !s->step()) return -1;
    return s->integer(0);
  }
  static int64_t version(Db& db) { return number(db, "PRAGMA user_version"); }

  twinbox::test::TempDir dir;
  std::string path = dir / "toy.db";
  const std::array<SchemaStep, 3> steps = {make_mail, add_colour, count_up};
};

TEST_F(Migrate, TakesEachStepOnceFromWhateverVersionIsThere) {
  for (size_t have = 0; have <= steps.size(); ++have) {
    path = dir / ("toy" + std::to_string(have));
    const auto db = open();
    ASSERT_TRUE(migrate(*db, path, true, std::span(steps).first(have)));
    EXPECT_EQ(version(*db), static_cast<int64_t>(have));
    for (int again = 0; again < 2; ++again) {
      const Status status = migrate(*db, path, true, steps);
      ASSERT_TRUE(status) << status.error().text();
    }
    EXPECT_EQ(version(*db), 3);
    EXPECT_EQ(number(*db, "SELECT id FROM mail WHERE colour='red'"), 2) << "from version " << have;
  }
}

TEST_F(Migrate, ANewOneIsThereWholeOrNotAtAll) {
  static std::string seen_by_reader;
  static std::string reader_path;
  reader_path = path;
  const std::array<SchemaStep, 3> watched = {make_mail, add_colour, [](Db& db) -> Status {
                                               const auto reader = Db::open(reader_path, DbMode::ReadOnly);
                                               seen_by_reader = std::to_string(version(**reader));
                                               return count_up(db);
                                             }};
  const auto db = open();
  ASSERT_TRUE(migrate(*db, path, true, watched));
  EXPECT_EQ(seen_by_reader, "0") << "not one of an older version";
  EXPECT_EQ(version(*db), 3);
}

TEST_F(Migrate, AStepThatFailsLeavesTheVersionBeforeItWhole) {
  const std::array<SchemaStep, 3> broken = {make_mail, fail_halfway, count_up};
  {
    const auto db = open();
    ASSERT_TRUE(migrate(*db, path, true, std::span(steps).first(1)));
    EXPECT_FALSE(migrate(*db, path, true, broken));
    EXPECT_FALSE(db->in_transaction());
  }
  const auto db = open();
  EXPECT_EQ(version(*db), 1);
  EXPECT_EQ(number(*db, "SELECT count(*) FROM mail"), 1);
  EXPECT_EQ(number(*db, "SELECT count(*) FROM pragma_table_info('mail') WHERE name='colour'"), 0);
  ASSERT_TRUE(migrate(*db, path, true, steps));
  EXPECT_EQ(version(*db), 3);
}

TEST_F(Migrate, AProcessThatIsKilledInAStepLeavesTheVersionBeforeItWhole) {
  const std::array<SchemaStep, 3> killed = {make_mail, add_colour, [](Db& db) -> Status {
                                              TB_TRY(count_up(db));
                                              ::_exit(9);
                                            }};
  const pid_t child = ::fork();
  if (child == 0) {
    const auto db = open();
    (void)migrate(*db, path, true, std::span(steps).first(1));
    (void)migrate(*db, path, true, killed);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 9);
  const auto db = open();
  EXPECT_EQ(version(*db), 2);
  EXPECT_EQ(number(*db, "SELECT id FROM mail"), 1);
  ASSERT_TRUE(migrate(*db, path, true, steps));
  EXPECT_EQ(number(*db, "SELECT id FROM mail"), 2);
}

TEST_F(Migrate, ManyAtOnceTakeEachStepOnce) {
  for (int round = 0; round < 10; ++round) {
    path = dir / ("toy" + std::to_string(round));
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        const auto db = Db::open(path, DbMode::ReadWrite);
        ::_exit(db && migrate(**db, path, true, steps) ? 0 : 1);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0);
    }
    const auto db = open();
    EXPECT_EQ(version(*db), 3);
    EXPECT_EQ(number(*db, "SELECT id FROM mail"), 2);
  }
}

TEST_F(Migrate, AnOlderOneIsNotChangedByWhoOnlyReads) {
  {
    const auto db = open();
    ASSERT_TRUE(migrate(*db, path, true, std::span(steps).first(2)));
  }
  const auto db = open(DbMode::ReadOnly);
  const Status status = migrate(*db, path, false, steps);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Refused);
  EXPECT_THAT(status.error().what, HasSubstr("older version of twinbox (format 2; this one needs 3)"));
  EXPECT_EQ(version(*db), 2);
  EXPECT_TRUE(migrate(*db, path, false, std::span(steps).first(2)));
}

TEST_F(Migrate, ANewerOneIsNamedWithBothVersions) {
  const auto db = open();
  ASSERT_TRUE(migrate(*db, path, true, steps));
  const Status status = migrate(*db, path, true, std::span(steps).first(2));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Newer);
  EXPECT_THAT(status.error().what, HasSubstr("format 3; this one knows 2"));
  EXPECT_EQ(version(*db), 3);
}

TEST_F(Migrate, TheRealStepsMakeTheVersionThatTheyAreCounted) {
  const auto db = open();
  ASSERT_TRUE(register_tokenizer(*db));
  ASSERT_TRUE(migrate(*db, path, true));
  EXPECT_EQ(version(*db), kSchemaVersion);
  EXPECT_EQ(std::ssize(schema_steps()), kSchemaVersion);
}

TEST_F(Migrate, MessagesOfBeforeVersionSixKeepAllAndHaveNoSaveDate) {
  const auto db = open();
  ASSERT_TRUE(register_tokenizer(*db));
  ASSERT_TRUE(migrate(*db, path, true, schema_steps().first(5)));
  ASSERT_TRUE(
      db->exec("INSERT INTO mailbox VALUES(7,'INBOX',1,1,9,2,1,0,1,1,5);"
               "INSERT INTO message(id, mailbox, uid, modseq, content, flags, keywords, internaldate)"
               " VALUES(3,7,1,1,1,1,'$Junk',1700000000)"));
  ASSERT_TRUE(migrate(*db, path, true));
  EXPECT_EQ(version(*db), kSchemaVersion);
  EXPECT_EQ(number(*db, "SELECT count(*) FROM message WHERE id=3 AND saved IS NULL AND internaldate=1700000000"), 1);
  EXPECT_EQ(number(*db, "SELECT count(*) FROM message INDEXED BY message_keywords WHERE mailbox=7 AND keywords>''"), 1);
}

}  // namespace
}  // namespace libsync::store
