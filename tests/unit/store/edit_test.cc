#include "libsync/store/edit.h"

#include <gtest/gtest.h>

#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

MailboxInfo box(MailboxId id, sync::Path path, sync::Role role = sync::Role::None) {
  return {.id = id, .path = std::move(path), .role = role};
}

const std::vector<MailboxInfo> kBoxes = {
    box(1, {"INBOX"}, sync::Role::Inbox),
    box(2, {"INBOX", "Sub"}),
    box(3, {"Bin"}, sync::Role::Trash),
    box(4, {"Bin", "Old"}),
    box(5, {"Binary"}),
    box(6, {"Work"}),
    box(7, {"Work", "A"}),
};

TEST(Edit, AMailboxIsFoundByItsRoleNotByItsName) {
  EXPECT_EQ(with_role(kBoxes, sync::Role::Trash)->id, 3);
  EXPECT_FALSE(with_role(kBoxes, sync::Role::Sent));
}

TEST(Edit, TrashIsWhatHasTheRoleAndWhatIsBelow) {
  EXPECT_TRUE(is_in_trash(kBoxes, {"Bin"}));
  EXPECT_TRUE(is_in_trash(kBoxes, {"Bin", "Old"}));
  EXPECT_FALSE(is_in_trash(kBoxes, {"Binary"}));
  EXPECT_FALSE(is_in_trash(kBoxes, {"Trash"}));
  EXPECT_FALSE(is_in_trash(std::span(kBoxes).first(2), {"Bin"}));
}

TEST(Edit, WhatARenamingTakesAlongMustFindItsNameFree) {
  EXPECT_EQ(name_in_the_way(kBoxes, {"Work"}, {"Binary"}), (sync::Path{"Binary"}));
  EXPECT_EQ(name_in_the_way(kBoxes, {"Work"}, {"Job"}), std::nullopt);
  auto boxes = kBoxes;
  boxes.push_back(box(8, {"Job", "A"}));
  EXPECT_EQ(name_in_the_way(boxes, {"Work"}, {"Job"}), (sync::Path{"Job", "A"}));
  boxes.push_back(box(9, {"Letters", "Sub"}));
  EXPECT_EQ(name_in_the_way(boxes, {"INBOX"}, {"Letters"}), std::nullopt) << "what is below INBOX stays";
}

class EditStore : public twinbox::test::StoreTest {};

TEST_F(EditStore, AllMessagesOfAMailboxAndNoOthersGoToTheQuarantine) {
  const MailboxId full = make_box({"Full"}), other = make_box({"Other"});
  for (int i = 0; i < 3; ++i) put(full, "Subject: x\r\n\r\nx\r\n");
  put(other, "Subject: x\r\n\r\nx\r\n");
  auto write = store->begin();
  ASSERT_TRUE(write);
  const auto removed = remove_all(*store, **write, full);
  ASSERT_TRUE(removed);
  EXPECT_EQ(*removed, 3U);
  EXPECT_TRUE((*write)->delete_mailbox(full));
  ASSERT_TRUE((*write)->commit());
  uint64_t kept = 0;
  ASSERT_TRUE(store->list({.removed = true}, [&](const MessageInfo& message) {
    EXPECT_EQ(message.removed_from, (sync::Path{"Full"}));
    return ++kept > 0;
  }));
  EXPECT_EQ(kept, 3U);
  EXPECT_EQ(store->mailbox(other)->value().messages, 1U);
}

}  // namespace
}  // namespace libsync::store
