#include "libsync/imap/vanished.h"

namespace libsync::imap {

bool parse_vanished(Parser& in, VanishedData& out) {
  if (!in.expect_space()) return false;
  if (in.peek() == '(') {
    if (!in.skip_value() || !in.expect_space()) return false;
    out.earlier = true;
  }
  auto set = SequenceSet::parse(in.word(), in.quirks());
  if (!set) return in.malformed("not a set of UIDs");
  out.uids = *std::move(set);
  return true;
}

}  // namespace libsync::imap
