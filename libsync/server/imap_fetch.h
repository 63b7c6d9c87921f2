// FETCH's target: one message, and where what is said of it goes. Inside server only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/message.h"
#include "libsync/server/imap_core.h"

namespace libsync::server {

class FetchTarget {
 public:
  explicit FetchTarget(Imap& imap) : imap_(imap) {}

  Imap& imap() { return imap_; }
  const MessageRow& row() const { return row_; }

  // What is written is held back until the message is done, or streams: an item that can't be had costs that message.
  void raw(std::string_view text);
  void text(std::string_view octets);                          // the same, counted in a trace and not shown
  void literal_head(std::string_view head) { held_ += head; }  // "{n}" CRLF: a trace has the count anyway
  // A literal of the message's own octets, which go out as they are read.
  void stream(mime::Span span);

  // Read once for a message. Views are valid until the next message.
  Result<std::string_view> header();
  Result<const mime::Message*> message();
  mime::Converters& converters() { return converters_; }

  // --- for FETCH itself ---
  void begin(const MessageRow& row);
  bool streams() const { return left_ > 0; }
  // Nothing comes behind what streams: the message that was taken apart for it is not kept while the client reads.
  void last();
  size_t held() const { return held_.size(); }
  // The next piece; an error means that the connection can't go on: a part must not pass for the whole.
  Status pump();
  void put();      // what was held back goes out
  void discard();  // nothing of it does

 private:
  Imap& imap_;
  MessageRow row_{};
  std::string held_, shown_;
  std::optional<std::string> header_, whole_;
  std::optional<mime::Message> message_;
  mime::Converters converters_;
  uint64_t at_ = 0, left_ = 0;
};

// " " and its literal, or NIL. `binary`: octets with NUL may be a literal8 (RFC 3516), which BODY[…] has not.
void put_content(FetchTarget& target, Content content, bool binary = false);

// "(" items ")", one item, or a macro.
bool read_fetch_items(Imap& imap, imap::Parser& in, std::vector<FetchItem>& items);
// Of these messages, without an answer behind them (NOTIFY).
std::unique_ptr<Work> fetch_untagged(Imap& imap, const std::vector<FetchItem>& items, imap::SequenceSet uids);
bool asks(const std::vector<FetchItem>& items, std::string_view name);

// Of a message that is taken apart, at most; a larger one is told as what it is, without its parts.
inline constexpr uint64_t kMaxWhole = 256ULL << 20;
inline constexpr size_t kMaxFetchItems = 1000;

}  // namespace libsync::server
