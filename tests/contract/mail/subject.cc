#include "tests/contract/mail/subject.h"

#include <algorithm>

#include <fmt/format.h>

namespace twinbox::contract {

using namespace libsync;
using namespace libsync::server;

imap::SequenceSet set(std::string_view text) {
  imap::Quirks quirks;
  return imap::SequenceSet::parse(text, quirks).value();
}

std::string names(const sync::Flags& flags) {
  std::string out;
  const auto add = [&](std::string_view name) { out.append(out.empty() ? "" : " ").append(name); };
  if ((flags.system & sync::kSeen) != 0) add("\\Seen");
  if ((flags.system & sync::kAnswered) != 0) add("\\Answered");
  if ((flags.system & sync::kFlagged) != 0) add("\\Flagged");
  if ((flags.system & sync::kDeleted) != 0) add("\\Deleted");
  if ((flags.system & sync::kDraft) != 0) add("\\Draft");
  for (const std::string& keyword : flags.keywords) add(keyword);
  return out;
}

std::string mail_named(std::string_view subject, std::string_view body) {
  return fmt::format("From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: {}\r\n\r\n{}", subject, body);
}

void MailContract::start(Writable writable) {
  subject_ = GetParam().make(writable);
  inbox_ = subject_->make_folder({"INBOX"});
  archive_ = subject_->make_folder({"Archive"});
}

NewMessage MailContract::message(std::string_view octets, const sync::Flags& flags, std::optional<int64_t> date) {
  auto incoming = mail().incoming().value();
  EXPECT_TRUE(incoming->data(octets));
  return {.octets = std::move(incoming), .flags = flags, .date = date};
}

uint32_t MailContract::append(FolderId folder, std::string_view octets, const sync::Flags& flags,
                              std::optional<int64_t> date) {
  NewMessage one = message(octets, flags, date);
  const auto placed = mail().append(folder, {&one, 1});
  EXPECT_TRUE(placed) << placed.error().text();
  return placed ? placed->uids.at(0) : 0;
}

void MailContract::store_flags(FolderId folder, std::string_view uids, FlagChange change, const sync::Flags& flags) {
  const auto stored = mail().change_flags(folder, set(uids), change, flags, std::nullopt);
  EXPECT_TRUE(stored) << stored.error().text();
}

Folder MailContract::folder(FolderId id) {
  const auto found = mail().folder(id).value();
  EXPECT_TRUE(found);
  return found.value_or(Folder{});
}

std::string MailContract::uids(FolderId id) {
  const auto view = mail().view(id).value();
  EXPECT_TRUE(view);
  EXPECT_EQ(view->uids.count(), view->folder.messages);
  return view->uids.text();
}

std::vector<MailContract::Row> MailContract::rows(FolderId id, std::string_view uids, Want want) {
  std::vector<Row> out;
  const auto own = [](std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
  };
  const auto visit = [&](const MessageRow& row, const Columns& columns) {
    out.push_back({row, own(columns.subject), own(columns.from), own(columns.to), own(columns.cc)});
    return true;
  };
  const Status status = mail().rows(id, set(uids), want, visit);
  EXPECT_TRUE(status) << status.error().text();
  return out;
}

MailContract::Row MailContract::row(FolderId id, uint32_t uid) {
  auto found = rows(id, std::to_string(uid));
  EXPECT_EQ(found.size(), 1U);
  return found.empty() ? Row{} : found.front();
}

Mail::Changes MailContract::changes(FolderId id, uint64_t since) {
  const auto found = mail().changes(id, since).value();
  EXPECT_TRUE(found);
  return found.value_or(Mail::Changes{});
}

std::string MailContract::changed(FolderId id, uint64_t since) {
  const Mail::Changes found = changes(id, since);
  EXPECT_TRUE(found.whole);
  std::string out;
  for (const MessageRow& row : found.rows) out += fmt::format("{}{}", out.empty() ? "" : " ", row.uid);
  for (const auto& range : found.vanished.ranges()) {
    for (uint32_t uid = range.first; uid <= range.last; ++uid) out += fmt::format("{}-{}", out.empty() ? "" : " ", uid);
  }
  return out;
}

}  // namespace twinbox::contract
