// The tables of twin.db and how older ones become newer ones: docs/store-format.md, "Tables".
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libsync/store/db.h"
#include "libsync/sync/replica.h"

namespace libsync::store {

inline constexpr int64_t kSchemaVersion = 7;
inline constexpr int64_t kApplicationId = 0x5477696E;  // "Twin": `file` and a wrong path are told by it

// Limits on mailbox names: servers stop at 255 to 1024 octets; below these every name that occurs fits.
inline constexpr size_t kMaxPathDepth = 64;
inline constexpr size_t kMaxComponentBytes = 1024;
inline constexpr size_t kMaxPathBytes = 4096;  // encoded

// Errc::Usage saying what is wrong with the name.
Status check_path(const sync::Path& path);

// Errc::Newer, naming the file and both versions.
Error newer_format(const std::string& path, int64_t version, int64_t known = kSchemaVersion);

// Vanished messages remembered per mailbox; past these a cursor of old gets a full look instead.
inline constexpr uint64_t kMaxVanished = 50'000;

// The step at place n makes version n + 1 out of version n.
using SchemaStep = Status (*)(Db&);
std::span<const SchemaStep> schema_steps();  // kSchemaVersion of them

// Brings the database to the version behind the last step, each step in a transaction of its own; an empty database
// gets all tables in one. Errc::Newer for a later version, Errc::Corrupt for a database that is something else.
// With `may_write` false nothing is changed: an older version is then Errc::Refused. Processes that do it at the same
// time wait for each other. tokenizer.h's tokenizer must be registered.
Status migrate(Db& db, const std::string& path, bool may_write, std::span<const SchemaStep> steps = schema_steps());

}  // namespace libsync::store
