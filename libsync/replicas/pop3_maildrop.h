// What the maildrop of this session holds: numbers, sizes and keys. Internal to the POP3 replica.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/replicas/pop3_conversation.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// After load() unchanging: many readers, any thread; views last as long as it. load(): one thread with the
// conversation; errors are the conversation's.
//
// Kept small: 24 octets and the UIDL a message, so that a million take some 50 MB.
class Pop3Maildrop {
 public:
  explicit Pop3Maildrop(pop3::Quirks& quirks);  // noted while load() reads
  ~Pop3Maildrop();
  Pop3Maildrop(const Pop3Maildrop&) = delete;
  Pop3Maildrop& operator=(const Pop3Maildrop&) = delete;

  struct Entry {
    uint64_t number = 0;
    uint64_t size = 0;                  // as LIST says
    uint32_t key_at = 0, key_size = 0;  // in keys_; size 0: no key could be had
  };
  struct Digest {
    sync::Id print{};
    sync::Id object{};  // set where the whole message was read
  };

  // Sends STAT, LIST and UIDL, where the server pipelines behind the CAPA that tells what holds behind the login (RFC
  // 2449, section 5); as many of them as may go now, the others go by load().
  Status ask(Pop3Conversation& conversation);
  // Takes their answers.
  pop3::Events& answers();
  // What ask() does, and the answers; then the digests that are needed. Once. `token`: what token() gave in the last
  // session, or nothing; where it shows that the messages of then are at their places still, most of their digests are
  // not taken: partial().
  Status load(Pop3Conversation& conversation, std::string_view token, std::stop_token stop);
  bool asked() const { return asked_ > 0; }
  bool loaded() const { return loaded_; }
  // Takes the digests that are missing.
  Status complete_digests(Pop3Conversation& conversation, std::stop_token stop);
  // Not every message has a key: those without one were there in the last session too.
  bool partial() const { return partial_; }
  bool is_new(const Entry& entry) const;  // of those; all are where nothing is partial()
  // Empty where messages go by their UIDL, or not all could be told.
  std::string token() const;

  std::span<const Entry> entries() const { return entries_; }  // by number
  std::string_view key(const Entry& entry) const {
    return std::string_view(keys_).substr(entry.key_at, entry.key_size);
  }
  const Entry* find(std::string_view key) const;
  // Nothing where no digest was needed.
  const Digest* digest(const Entry& entry) const;

  // False also where the UIDLs are the message numbers.
  bool has_uidl() const { return has_uidl_; }
  bool has_top() const { return has_top_; }
  // False where the server's answers contradict each other, or a message has no key: then what is not
  // listed is not known to be gone.
  bool complete() const { return complete_; }
  uint64_t exists() const { return exists_; }

 private:
  class Reader;
  class Digester;

  Status probe_top(Pop3Conversation& conversation, std::stop_token stop);
  Status take_digests(Pop3Conversation& conversation, std::span<const size_t> wanted, std::stop_token stop);
  Status settle_keys(Pop3Conversation& conversation, std::string_view token, std::stop_token stop);
  // Whether the messages of the last session are at their places still; only some digests are taken then.
  Result<bool> go_on_from(Pop3Conversation& conversation, std::string_view token, std::stop_token stop);
  std::string sizes_digest(size_t count) const;
  void name_by_digest(std::span<const size_t> which);
  void drop_numbers(pop3::Quirks& quirks);
  void expect(uint64_t messages);
  void set_key(Entry& entry, std::string_view key);
  void sort_keys();
  void number_twins();

  std::unique_ptr<Reader> reader_;
  size_t asked_ = 0;  // commands sent
  bool loaded_ = false;
  std::vector<Entry> entries_;
  std::vector<uint32_t> by_key_;  // indexes of entries_ that have a key, by key, then by number
  std::string keys_;
  std::map<uint64_t, Digest> digests_;  // by number; empty on a server with unique UIDLs
  bool has_uidl_ = false, has_top_ = false, complete_ = true, partial_ = false;
  uint64_t old_ = 0;   // how many of entries_ were there in the last session
  uint64_t turn_ = 0;  // which of the old messages are looked at again in this session
  uint64_t exists_ = 0;
};

}  // namespace libsync::replicas
