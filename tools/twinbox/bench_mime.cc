// The reading of messages: what a list shows, the tree of parts, all of the text.
#include "libsync/mime/body.h"
#include "libsync/mime/envelope.h"

#include "tools/twinbox/bench_parts.h"

namespace twinbox {

namespace mime = libsync::mime;
using libsync::Result;

namespace {

// Calls `read` for each message; it gives how many things it found, which is never none in all.
template <class Read>
Result<BenchWork> each_message(std::string_view name, const Corpus& corpus, Read read) {
  const auto run = [name, &corpus, read]() -> libsync::Status {
    mime::Converters converters;
    uint64_t found = 0;
    for (const std::string& message : corpus.messages) found += read(message, converters);
    return all_done(name, found > 0 ? 1 : 0, 1);  // also keeps the compiler from leaving it all out
  };
  return BenchWork{.run = run, .units = corpus.messages.size(), .octets = corpus.octets};
}

Result<BenchWork> envelope(const Corpus& corpus, const std::string&, const std::stop_token&) {
  auto work = each_message("mime-envelope", corpus, [](const std::string& message, mime::Converters& converters) {
    const auto read = mime::parse_envelope(message, converters);
    return 1 + read.subject.size() + read.from.size();
  });
  if (!work) return work;
  work->octets = 0;  // of the headers alone: that is what is read
  for (const std::string& message : corpus.messages) {
    const size_t end = message.find("\r\n\r\n");
    work->octets += end == message.npos ? message.size() : end + 4;
  }
  return work;
}

Result<BenchWork> tree(const Corpus& corpus, const std::string&, const std::stop_token&) {
  return each_message("mime-tree", corpus,
                      [](const std::string& message, mime::Converters&) { return mime::parse(message).parts.size(); });
}

Result<BenchWork> text(const Corpus& corpus, const std::string&, const std::stop_token&) {
  return each_message("mime-text", corpus, [](const std::string& message, mime::Converters& converters) {
    return 1 + mime::text_of(mime::parse(message), converters).size();
  });
}

}  // namespace

extern const BenchPart kBenchMimeEnvelope, kBenchMimeTree, kBenchMimeText;
const BenchPart kBenchMimeEnvelope{"mime-envelope", "messages", "what a list shows, from the header", envelope};
const BenchPart kBenchMimeTree{"mime-tree", "messages", "the tree of parts", tree};
const BenchPart kBenchMimeText{"mime-text", "messages", "all of the text, decoded, HTML stripped", text};

}  // namespace twinbox
