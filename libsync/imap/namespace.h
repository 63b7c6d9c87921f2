// NAMESPACE (RFC 9051, section 6.3.10; RFC 2342).
#pragma once

#include <string>
#include <vector>

#include "libsync/imap/command.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

struct Namespace {
  std::string prefix;  // as on the wire
  char delimiter = '\0';
};
struct Namespaces {
  std::vector<Namespace> personal, others, shared;
};

inline Command namespaces() { return simple_command(CommandKind::Namespace, "NAMESPACE"); }
bool parse_namespace(Parser& in, Namespaces& out);

}  // namespace libsync::imap
