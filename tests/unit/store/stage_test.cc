// What is staged together, and prints of contents.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/store/prepared.h"

#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using twinbox::test::mail;
using twinbox::test::StoreTest;

TEST_F(StoreTest, PrintsAreFoundOfWhatCameSinceTheFirstQuestionAndNotOfWhatWent) {
  const MailboxId box = make_box({"INBOX"});
  const auto content_of = [&](const std::string& octets) { return *store->find_content(sha256(octets)); };
  // One header and one size: only the octets tell these two apart.
  const std::string one = mail("one", "x"), twin = mail("one", "y"), later = mail("later", "x");
  const auto print = store->stage(one)->print, late = store->stage(later)->print;
  store->discard_staged();
  put(box, one);
  EXPECT_THAT(*store->find_print(print), ElementsAre(*content_of(one)));
  EXPECT_THAT(*store->find_print(late), IsEmpty());
  put(box, later);
  put(box, twin);
  EXPECT_THAT(*store->find_print(late), ElementsAre(*content_of(later)));
  EXPECT_THAT(*store->find_print(print), ElementsAre(*content_of(one), *content_of(twin)));
  ASSERT_TRUE(
      store->db().exec("DELETE FROM message; DELETE FROM content WHERE id=" + std::to_string(*content_of(one))));
  EXPECT_THAT(*store->find_print(print), ElementsAre(*content_of(twin)));
  EXPECT_THAT(*store->find_print("no print"), IsEmpty());
}

TEST_F(StoreTest, MessagesThatAreReadyAreStagedTogetherAndTheSameOctetsOnce) {
  const MailboxId box = make_box({"INBOX"});
  put(box, mail("known", "x"));
  Preparer preparer;
  std::vector<Prepared> ready;
  for (const char* subject : {"new", "known", "new", "other"}) ready.push_back(preparer.prepare(mail(subject, "x")));
  std::vector<Prepared*> all;
  for (Prepared& each : ready) all.push_back(&each);
  const auto staged = store->stage(all);
  ASSERT_TRUE(staged) << staged.error().text();
  ASSERT_EQ(staged->size(), 4u);
  EXPECT_FALSE((*staged)[0].known);
  EXPECT_TRUE((*staged)[1].known);
  EXPECT_EQ((*staged)[0].offset, (*staged)[2].offset);
  EXPECT_NE((*staged)[0].offset, (*staged)[3].offset);
  auto write = store->begin();
  ASSERT_TRUE(write);
  std::vector<MessageId> ids;
  for (const Staged& each : *staged) ids.push_back((*write)->add(box, each, {}, 0)->id);
  ASSERT_TRUE((*write)->commit());
  const char* subjects[] = {"new", "known", "new", "other"};
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(octets_of(ids[i]), mail(subjects[i], "x"));
  EXPECT_TRUE(store->verify({}, {})->ok());
}

}  // namespace
}  // namespace libsync::store
