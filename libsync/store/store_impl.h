// Inside the store layer only: the Store as its parts see it. store.cc opens and writes, store_read.cc
// reads, store_search.cc searches and indexes, store_verify.cc, store_damage.cc and store_compact.cc look after it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "libsync/store/contents.h"
#include "libsync/store/mail_text.h"
#include "libsync/store/prepared.h"
#include "libsync/store/store.h"

namespace libsync::store {

struct DigestHash {
  size_t operator()(const Sha256Digest& digest) const {
    size_t value = 0;
    for (size_t i = 0; i < sizeof value; ++i) value = value << 8 | digest[i];
    return value;
  }
};

struct SearchQuery;

class StoreImpl final : public Store {
 public:
  StoreImpl(std::string directory, const StoreOptions& options);
  ~StoreImpl() override { write_findings(); }
  Status open();
  Status check_database_is_there(const std::string& path);

  Db& db() override { return *db_; }
  const std::string& directory() const override { return directory_; }
  Result<std::unique_ptr<FileLock>> lock_for_sync(std::chrono::milliseconds wait, std::stop_token stop) override;
  Result<std::optional<std::string>> meta(std::string_view name) override;
  Status set_meta(std::string_view name, std::string_view value) override;

  Result<std::vector<MailboxInfo>> mailboxes() override;
  Result<std::optional<MailboxInfo>> mailbox(MailboxId id) override;
  Result<std::optional<MailboxInfo>> find_mailbox(const sync::Path& path) override;
  Result<std::optional<MessageInfo>> message(MessageId id) override;
  Status list(const ListOptions& options, const MessageVisitor& visit) override;
  Result<Sizes> sizes() override;
  Result<std::optional<int64_t>> unclaimed_since() override;
  Result<uint64_t> recover_unclaimed(const sync::Path& path) override;
  Result<std::string> content(ContentId id, uint64_t max_bytes) override;
  Status stream(ContentId id, const std::function<bool(std::string_view)>& sink, bool check) override;
  Result<std::string> range(ContentId id, uint64_t offset, uint64_t length) override;
  Result<std::string> header(ContentId id) override;
  Result<std::optional<ContentId>> find_content(const Sha256Digest& sha256) override;
  Result<std::vector<ContentId>> find_print(const sync::Id& print) override;

  Result<Damage> damage() override;
  Result<std::vector<Sha256Digest>> damaged_contents() override;
  Result<uint64_t> note_lost(std::span<const Sha256Digest> lost) override;
  uint64_t restore_headers() override;

  Result<Staged> stage(sync::ContentSource& source) override;
  Result<Staged> stage(std::string_view octets) override;
  Result<std::vector<Staged>> stage(std::span<Prepared* const> messages) override;
  void discard_staged() override;
  Result<std::unique_ptr<Write>> begin() override;

  Result<SearchResult> search(std::string_view query, const SearchOptions& options) override;
  Result<uint64_t> unindexed() override;
  Result<uint64_t> index_pending(std::chrono::milliseconds budget, const ProgressFn& progress,
                                 std::stop_token stop) override;

  Result<VerifyReport> verify(const ProgressFn& progress, std::stop_token stop) override;
  Result<CompactReport> compact(const CompactOptions& options, const ProgressFn& progress,
                                std::stop_token stop) override;

  Status record_run(const Run& run) override;
  Result<std::vector<Run>> runs(size_t limit) override;
  Result<std::optional<Run>> last_success() override;

  // --- for the other parts ---
  int64_t now() const { return clock_->unix_seconds(); }
  FileSystem& fs() { return *fs_; }
  Contents& contents() { return contents_; }
  MailReader& mail() { return mail_; }
  bool read_only() const { return options_.mode == StoreMode::ReadOnly; }
  const StoreOptions& options() const { return options_; }
  // A write's transaction is through; what was staged has rows now, or none.
  void after_commit();
  // A content was read and is not whole; or was noted as damaged and is whole.
  void found_damaged(const ContentRow& row);
  void found_whole(ContentId id);
  // Notes what was found in twin.db. What can't be noted now is found again.
  void write_findings();

 private:
  Result<std::unique_ptr<Db>> open_to_read(const std::string& path);
  Result<Staged> stage_stream(std::string_view first, sync::ContentSource& source);
  Result<Staged> stage_whole(std::string_view octets);
  Result<Staged> stage_one(Prepared message, std::optional<ContentId> known);
  // Where the octets are, if they are here: among what is staged, or as the content `known`, if that is whole.
  Result<std::optional<Staged>> already(const Sha256Digest& sha256, std::optional<ContentId> known);
  Status note_prints();
  Staged note(const FramePlace& place, const Sha256Digest& sha256, uint64_t size, std::string_view head);
  Status require_writable() const;
  // Runs `read` on the content's place; once more if compact moved it meanwhile.
  Status at_place(ContentId id, const std::function<Status(const ContentRow&, FrameReader&)>& read);
  Result<uint64_t> index_batch(std::stop_token stop, Deadline deadline, Progress& progress);

  std::string directory_;
  StoreOptions options_;
  RealFileSystem real_fs_;
  SystemClock system_clock_;
  FileSystem* fs_;
  const Clock* clock_;
  Contents contents_;
  MailReader mail_;
  Preparer preparer_;
  std::unique_ptr<Db> db_;
  std::unordered_map<Sha256Digest, FramePlace, DigestHash> staged_;  // appended, without rows yet
  std::optional<ContentId> last_print_;                              // in temp.print; nothing: no such table yet
  std::vector<ContentRow> damaged_;                                  // found, not noted yet
  std::vector<ContentId> whole_;
  std::unique_ptr<FileLock> reading_;  // no sync while twin.db is read as a file that nobody changes
};

// Opens twin.db with the tokenizer registered and the schema brought up to date.
Result<std::unique_ptr<Db>> open_database(const std::string& path, const StoreOptions& options);
// The same, for reading.
Result<std::unique_ptr<Db>> open_database(const std::string& path, const StoreOptions& options, DbMode mode);

std::string database_path(const std::string& directory);
std::string contents_path(const std::string& directory);
std::string lock_path(const std::string& directory);

std::unique_ptr<Write> make_write(StoreImpl& store, Transaction transaction);

}  // namespace libsync::store
