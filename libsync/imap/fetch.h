// FETCH and UID FETCH (RFC 9051, sections 6.4.5, 6.4.9 and 7.5.2; RFC 3516 BINARY, 7162 MODSEQ, 8474 EMAILID
// and THREADID, 8970 PREVIEW, 8514 SAVEDATE; Gmail's X-GM-EXT-1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/body_structure.h"
#include "libsync/imap/command.h"
#include "libsync/imap/envelope.h"
#include "libsync/imap/flags.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

// One BODY[section]<origin>, BINARY[section], RFC822, RFC822.HEADER or RFC822.TEXT.
struct BodySection {
  std::string_view section{};  // between the brackets; RFC822 as "", the others as HEADER, TEXT
  std::optional<uint64_t> origin{};
  bool binary = false;
  Text content{};
};

// Every item is absent unless the server sent it in a form that can be read (Quirk::OddItem otherwise; a
// UID that can't be read makes the line malformed). Views into the frame.
struct FetchData {
  uint32_t number = 0;  // message sequence number
  std::optional<uint32_t> uid{};
  bool names_size = false;  // RFC822.SIZE is in the line, readable or not
  std::optional<uint64_t> size{}, modseq{};
  std::optional<int64_t> date{}, save_date{};  // seconds since 1970 UTC
  bool has_flags = false;
  FlagList flags{};
  std::string_view email_id{}, thread_id{};
  uint64_t gm_msgid = 0, gm_thrid = 0;
  bool has_gm_labels = false;
  std::vector<std::string> gm_labels{};
  std::optional<std::string> preview{};
  std::unique_ptr<Envelope> envelope{};
  std::unique_ptr<BodyPart> structure{};
  std::vector<BodySection> bodies{};
  std::vector<std::pair<std::string_view, uint64_t>> binary_sizes{};

  void clear();  // keeps the memory
};

// From behind "FETCH" on. With `partial` the frame may end inside the list (the prefix before a
// streamed literal).
bool parse_fetch(Parser& in, FetchData& out, bool partial = false);

// "dd-Mmm-yyyy hh:mm:ss +zzzz"; nothing if it is not one.
std::optional<int64_t> parse_internal_date(std::string_view text);
// The same from seconds since 1970, in UTC; nothing outside the years 1 to 9999, which the grammar does not have.
std::optional<std::string> format_internal_date(int64_t unix_seconds);

struct FetchOptions {
  uint64_t changed_since = 0;  // CONDSTORE; 0: not sent (servers refuse it)
  bool vanished = false;       // QRESYNC, only with changed_since
};
// FETCH set (items) by message number, and UID FETCH; set and items are our own words: "BODY.PEEK[1.2]<0.4096>",
// "BINARY.SIZE[1]". Only the items with .PEEK in their names leave \Seen alone.
Command fetch(std::string_view set, std::string_view items, const FetchOptions& options = {});
Command uid_fetch(std::string_view set, std::string_view items, const FetchOptions& options = {});

}  // namespace libsync::imap
