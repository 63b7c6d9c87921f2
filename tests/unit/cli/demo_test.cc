// The demo's figures come from the mail: one message more changes them.
#include <charconv>
#include <map>

#include <gtest/gtest.h>

#include "tools/twinbox/demo_story.h"

namespace twinbox {
namespace {

namespace server = libsync::server;

std::map<std::string, DemoRow> told(const std::vector<server::SampleMessage>& messages) {
  const libsync::SystemClock clock;
  const auto demo = DemoServer::start(messages, clock);
  EXPECT_TRUE(demo) << (demo ? "" : demo.error().text());
  const auto rows = tell_demo(**demo, messages, clock, {});
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().text());
  std::map<std::string, DemoRow> by_name;
  for (const DemoRow& row : *rows) by_name.emplace(row.what, row);
  return by_name;
}

int first_number(const std::string& text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TEST(Demo, OneMessageMoreChangesTheFigures) {
  auto messages = server::sample_messages();
  const auto usual = told(messages);
  EXPECT_EQ(usual.at("first download").pop3, "241 of 312 messages");
  EXPECT_EQ(usual.at("first download").imap, "312 of 312 messages");
  server::SampleMessage extra{.folder = {"INBOX"}, .octets = "Subject: 会议\r\n\r\nextra\r\n", .date = 1'800'000'000};
  extra.flags.system = libsync::sync::kFlagged;
  extra.flags.add_keyword("later");
  messages.push_back(extra);
  const auto changed = told(messages);
  EXPECT_EQ(changed.at("first download").imap, "313 of 313 messages");
  const auto growth = [&](const char* row, std::string DemoRow::* side) {
    return first_number(changed.at(row).*side) - first_number(usual.at(row).*side);
  };
  EXPECT_EQ(growth("first download", &DemoRow::pop3), 1);
  EXPECT_EQ(growth("octet for octet as on the server", &DemoRow::imap), 1);
  EXPECT_EQ(growth("flags and keywords carried over", &DemoRow::imap), 2);
  EXPECT_EQ(growth("flags and keywords carried over", &DemoRow::pop3), 0);
  EXPECT_EQ(growth("search 会议", &DemoRow::pop3), 1);
  EXPECT_EQ(growth("search 会议", &DemoRow::imap), 1);
}

}  // namespace
}  // namespace twinbox
