#include "libsync/store/rows.h"

#include <algorithm>

#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

#define CONTENT_COLUMNS "id, sha256, segment, offset, stored, codec, size"

ContentRow read_content(const Statement& s) {
  return {.id = s.integer(0),
          .sha256 = digest_of(s.text(1)),
          .place = {.segment = static_cast<uint32_t>(s.integer(2)),
                    .offset = static_cast<uint64_t>(s.integer(3)),
                    .stored = static_cast<uint64_t>(s.integer(4)),
                    .codec = static_cast<Codec>(s.integer(5))},
          .size = static_cast<uint64_t>(s.integer(6))};
}

Result<std::optional<ContentRow>> first(Statement& s) {
  TB_ASSIGN(const bool row, s.step());
  if (!row) return std::nullopt;
  return read_content(s);
}

std::optional<Lent> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return Lent{text};
}

}  // namespace

Sha256Digest digest_of(std::string_view bytes) {
  Sha256Digest digest{};
  if (bytes.size() == digest.size()) std::ranges::copy(bytes, reinterpret_cast<char*>(digest.data()));
  return digest;
}

std::string unhex(std::string_view hex) {
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  if (hex.size() % 2 != 0) return {};
  std::string out(hex.size() / 2, '\0');
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = value(hex[2 * i]), low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    out[i] = static_cast<char>(high << 4 | low);
  }
  return out;
}

Result<std::optional<ContentRow>> content_row(Db& db, ContentId id) {
  TB_ASSIGN(auto s, db.prepare("SELECT " CONTENT_COLUMNS " FROM content WHERE id=?"));
  s.bind(id);
  return first(s);
}

Result<std::optional<ContentRow>> content_row(Db& db, const Sha256Digest& sha256) {
  TB_ASSIGN(auto s, db.prepare("SELECT " CONTENT_COLUMNS " FROM content WHERE sha256=?"));
  s.bind(Blob{bytes_of(sha256)});
  return first(s);
}

Result<InsertedContent> insert_content(Db& db, const NewContent& content) {
  TB_ASSIGN(auto s,
            db.prepare("INSERT INTO content(sha256, segment, offset, stored, codec, size, print, idle_since, date,"
                       " subject, sender, recipients, cc, message_id, in_reply_to, list_id)"
                       " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(sha256) DO NOTHING"));
  const EnvelopeColumns& e = *content.envelope;
  const std::string print = unhex(content.print);
  s.bind(Blob{bytes_of(content.sha256)}, content.place.segment, content.place.offset, content.place.stored,
         static_cast<int>(content.place.codec), content.size, Blob{print}, content.idle_since, e.date,
         or_null(e.subject), or_null(e.from), or_null(e.to), or_null(e.cc), or_null(e.message_id),
         or_null(e.in_reply_to), or_null(e.list_id));
  TB_TRY(s.run());
  if (db.changes() > 0) return InsertedContent{.id = db.last_insert_rowid(), .fresh = !content.idle_since};
  TB_ASSIGN(const auto row, content_row(db, content.sha256));
  if (!row) return fail(Errc::Internal, "a content that conflicts with none");
  if (content.repoint) {
    TB_ASSIGN(auto move,
              db.prepare("UPDATE content SET segment=?, offset=?, stored=?, codec=?, indexed=CASE indexed WHEN 2 THEN 0"
                         " ELSE indexed END WHERE id=?"));
    TB_TRY(move.bind(content.place.segment, content.place.offset, content.place.stored,
                     static_cast<int>(content.place.codec), row->id)
               .run());
    TB_TRY(forget_damage(db, row->id));
  }
  return InsertedContent{.id = row->id};
}

Status forget_damage(Db& db, ContentId id) {
  TB_ASSIGN(auto s, db.prepare("DELETE FROM damaged WHERE content=?"));
  return s.bind(id).run();
}

Status set_segment_length(Db& db, uint32_t number, uint64_t length) {
  TB_ASSIGN(auto s, db.prepare("INSERT INTO segment(id, length) VALUES(?1,?2)"
                               " ON CONFLICT(id) DO UPDATE SET length=?2"));
  return s.bind(number, length).run();
}

std::string join_keywords(const sync::Flags& flags) {
  std::string out;
  for (const auto& keyword : flags.keywords) {
    if (!out.empty()) out += ' ';
    out += keyword;
  }
  return out;
}

sync::Flags read_flags(int64_t system, std::string_view keywords) {
  sync::Flags flags{.system = static_cast<uint32_t>(system)};
  while (!keywords.empty()) {
    const size_t space = keywords.find(' ');
    if (space != 0) flags.add_keyword(keywords.substr(0, space));
    keywords.remove_prefix(space == keywords.npos ? keywords.size() : space + 1);
  }
  return flags;
}

MessageInfo read_message(const Statement& s) {
  MessageInfo info{.id = s.integer(0),
                   .mailbox = s.integer(1),
                   .uid = static_cast<uint32_t>(s.integer(2)),
                   .modseq = static_cast<uint64_t>(s.integer(3)),
                   .flags = read_flags(s.integer(4), s.text(5)),
                   .internaldate = s.integer(6),
                   .size = static_cast<uint64_t>(s.integer(7)),
                   .content = s.integer(8),
                   .sha256 = digest_of(s.text(9)),
                   .envelope = {.subject = std::string(s.text(10)),
                                .from = std::string(s.text(11)),
                                .to = std::string(s.text(12)),
                                .cc = std::string(s.text(13)),
                                .message_id = std::string(s.text(14)),
                                .in_reply_to = std::string(s.text(15)),
                                .list_id = std::string(s.text(16))}};
  if (!s.is_null(17)) info.envelope.date = s.integer(17);
  if (!s.is_null(18)) {
    info.removed_at = s.integer(18);
    info.removed_from = sync::decode_path(s.text(19));
  }
  if (!s.is_null(20)) info.saved = s.integer(20);
  return info;
}

MailboxInfo read_mailbox(const Statement& s) {
  return {.id = s.integer(0),
          .path = sync::decode_path(s.text(1)),
          .role = static_cast<sync::Role>(s.integer(2)),
          .subscribed = s.integer(3) != 0,
          .uidvalidity = static_cast<uint32_t>(s.integer(4)),
          .uidnext = static_cast<uint32_t>(s.integer(5)),
          .highestmodseq = static_cast<uint64_t>(s.integer(6)),
          .messages = static_cast<uint64_t>(s.integer(7)),
          .unseen = static_cast<uint64_t>(s.integer(8)),
          .octets = static_cast<uint64_t>(s.integer(9))};
}

}  // namespace libsync::store
