// The mail that `twinbox bench` measures with: made here, read from files, or an account's.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/file.h"
#include "libsync/base/result.h"
#include "libsync/store/store.h"

namespace twinbox {

struct CorpusLimits {
  // Held in memory, once more as a server would send it, and once compressed.
  uint64_t octets = 256'000'000;
  uint64_t messages = 200'000;
};

// Messages with their lines ended by CRLF, as servers send them.
struct Corpus {
  std::string name;  // "generated", the path, the account
  std::vector<std::string> messages{};
  uint64_t octets = 0;
  bool cut = false;          // a limit was reached: there is more
  uint64_t passed_over = 0;  // messages of the store that are damaged

  // Takes the message, or says that a limit is reached. An empty one is no message.
  bool add(std::string_view octets_as_found, const CorpusLimits& limits);
};

inline constexpr size_t kMadeMessages = 3'000;

// The same messages each time: short texts, HTML beside text, attachments, list mail, Chinese and Japanese.
Corpus made_corpus(size_t messages = kMadeMessages);

// An mbox file (it begins with "From "), a file that is one message, or a folder: the files below its folders cur and
// new (a Maildir), and those named *.eml. Symbolic links in a folder are not followed, what is no regular file is not
// opened. Errors: Errc::NotFound (nothing there, no message in it), Errc::Usage (no file, no folder), Errc::Limit (the
// first message alone is too large), Errc::Disk, Errc::Cancelled.
libsync::Result<Corpus> read_corpus(libsync::FileSystem& fs, const std::string& path, const CorpusLimits& limits,
                                    const std::stop_token& stop);

// What a store holds, the newest first, each content once.
libsync::Result<Corpus> store_corpus(libsync::store::Store& store, std::string name, const CorpusLimits& limits,
                                     const std::stop_token& stop);

}  // namespace twinbox
