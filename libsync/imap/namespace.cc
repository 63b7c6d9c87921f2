#include "libsync/imap/namespace.h"

#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

bool parse_one(Parser& in, std::vector<Namespace>& out) {
  if (!in.expect_ch('(')) return false;
  Namespace one;
  std::optional<std::string> delimiter;
  in.stray_space();
  if (!in.string(one.prefix)) return in.malformed("a namespace without a prefix");
  if (!in.expect_space() || !in.expect_nstring(delimiter)) return false;
  if (delimiter && delimiter->size() == 1) one.delimiter = delimiter->front();
  while (in.space()) {  // extensions: name and list
    if (in.peek() != ')' && !in.skip_value()) return false;
  }
  if (out.size() < kMaxNamespaces) out.push_back(std::move(one));
  return in.expect_ch(')');
}

bool parse_group(Parser& in, std::vector<Namespace>& out) {
  if (!in.expect_space()) return false;
  if (in.nil()) return true;
  return in.expect_list([&] { return parse_one(in, out); });
}

}  // namespace

bool parse_namespace(Parser& in, Namespaces& out) {
  return parse_group(in, out.personal) && parse_group(in, out.others) && parse_group(in, out.shared);
}

}  // namespace libsync::imap
