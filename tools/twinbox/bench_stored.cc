// The store: messages made ready for it, added durably, and indexed.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "libsync/store/prepared.h"
#include "libsync/store/store.h"

#include "tools/twinbox/bench_parts.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Result;
using libsync::Status;

namespace {

constexpr size_t kBatch = 500;  // messages a commit

std::vector<store::Prepared> prepared(const Corpus& corpus) {
  store::Preparer preparer;
  std::vector<store::Prepared> out;
  out.reserve(corpus.messages.size());
  for (const std::string& message : corpus.messages) out.push_back(preparer.prepare(message));
  return out;
}

Result<BenchWork> prepare(const Corpus& corpus, const std::string&, const std::stop_token&) {
  const auto run = [&corpus]() -> Status {
    store::Preparer preparer;
    uint64_t octets = 0;
    for (const std::string& message : corpus.messages) octets += preparer.prepare(message).size;
    return all_done("store-prepare", octets, corpus.octets);
  };
  return BenchWork{.run = run, .units = corpus.messages.size(), .octets = corpus.octets};
}

// A store in a folder below the given one, made anew for each repetition.
class FreshStore {
 public:
  FreshStore(const Corpus& corpus, std::string folder) : folder_(std::move(folder)), prepared_(prepared(corpus)) {}
  FreshStore(const FreshStore&) = delete;
  FreshStore& operator=(const FreshStore&) = delete;
  ~FreshStore() { remove(); }

  Status make() {
    remove();
    waiting_ = prepared_;  // adding uses them up
    TB_ASSIGN(store_, store::Store::open(folder_, {.mode = store::StoreMode::Create}));
    TB_ASSIGN(const auto write, store_->begin());
    TB_ASSIGN(inbox_, write->create_mailbox({"INBOX"}));
    return write->commit();
  }

  Status add() {
    for (size_t at = 0; at < waiting_.size(); at += kBatch) {
      std::vector<store::Prepared*> batch;
      for (size_t i = at; i < std::min(at + kBatch, waiting_.size()); ++i) batch.push_back(&waiting_[i]);
      TB_ASSIGN(const auto staged, store_->stage(batch));
      TB_ASSIGN(const auto write, store_->begin());
      for (const auto& each : staged) TB_TRY(write->add(inbox_, each, {}, 1'780'000'000));
      TB_TRY(write->commit());
    }
    return {};
  }

  Result<uint64_t> index(const std::stop_token& stop) { return store_->index_pending(std::chrono::hours(1), {}, stop); }
  uint64_t messages() const { return prepared_.size(); }
  uint64_t contents() const {  // the index has a message's words once, however often the message is there
    std::set<libsync::Sha256Digest> all;
    for (const auto& each : prepared_) all.insert(each.sha256);
    return all.size();
  }
  Result<uint64_t> kept() {
    TB_ASSIGN(const auto box, store_->mailbox(inbox_));
    return box ? box->messages : 0;
  }

 private:
  void remove() {
    store_.reset();
    std::error_code ignored;  // the folder around it goes too
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string folder_;
  std::vector<store::Prepared> prepared_, waiting_;
  std::unique_ptr<store::Store> store_;
  store::MailboxId inbox_ = 0;
};

Result<BenchWork> add(const Corpus& corpus, const std::string& folder, const std::stop_token&) {
  const auto fresh = std::make_shared<FreshStore>(corpus, folder + "/add");
  const auto run = [fresh]() -> Status {
    TB_TRY(fresh->add());
    TB_ASSIGN(const uint64_t kept, fresh->kept());
    return all_done("store-add", kept, fresh->messages());
  };
  return BenchWork{
      .ready = [fresh] { return fresh->make(); }, .run = run, .units = corpus.messages.size(), .octets = corpus.octets};
}

Result<BenchWork> index(const Corpus& corpus, const std::string& folder, const std::stop_token& stop) {
  const auto fresh = std::make_shared<FreshStore>(corpus, folder + "/index");
  const auto ready = [fresh]() -> Status {
    TB_TRY(fresh->make());
    return fresh->add();
  };
  const uint64_t contents = fresh->contents();
  const auto run = [fresh, contents, stop]() -> Status {
    TB_ASSIGN(const uint64_t indexed, fresh->index(stop));
    return all_done("store-index", indexed, contents);
  };
  return BenchWork{.ready = ready, .run = run, .units = contents, .octets = corpus.octets};
}

}  // namespace

extern const BenchPart kBenchStorePrepare, kBenchStoreAdd, kBenchStoreIndex;
const BenchPart kBenchStorePrepare{"store-prepare", "messages", "hashed and compressed", prepare};
const BenchPart kBenchStoreAdd{"store-add", "messages", "added, durable in the folder of TMPDIR", add};
const BenchPart kBenchStoreIndex{"store-index", "messages", "their words put into the search index", index};

}  // namespace twinbox
