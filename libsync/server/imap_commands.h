// The commands of IMAP4rev1 that IMAP4rev2 has too, one file each or a few that belong together. Inside server only.
#pragma once

#include <span>

#include "libsync/server/imap_core.h"

namespace libsync::server {

// imap_base.cc
void run_capability(Imap& imap, imap::Parser& in, bool uid);
void run_noop(Imap& imap, imap::Parser& in, bool uid);
void run_logout(Imap& imap, imap::Parser& in, bool uid);
// imap_login.cc
void run_starttls(Imap& imap, imap::Parser& in, bool uid);
void run_login(Imap& imap, imap::Parser& in, bool uid);
void run_authenticate(Imap& imap, imap::Parser& in, bool uid);
// imap_select.cc
void run_select(Imap& imap, imap::Parser& in, bool uid);
void run_examine(Imap& imap, imap::Parser& in, bool uid);
void run_close(Imap& imap, imap::Parser& in, bool uid);
void run_check(Imap& imap, imap::Parser& in, bool uid);
// imap_mailboxes.cc
void run_create(Imap& imap, imap::Parser& in, bool uid);
void run_delete(Imap& imap, imap::Parser& in, bool uid);
void run_rename(Imap& imap, imap::Parser& in, bool uid);
void run_subscribe(Imap& imap, imap::Parser& in, bool uid);
void run_unsubscribe(Imap& imap, imap::Parser& in, bool uid);
// imap_list.cc
void run_list(Imap& imap, imap::Parser& in, bool uid);
void run_lsub(Imap& imap, imap::Parser& in, bool uid);
// imap_status.cc
void run_status(Imap& imap, imap::Parser& in, bool uid);
// imap_append.cc
void run_append(Imap& imap, imap::Parser& in, bool uid);
// imap_fetch.cc
void run_fetch(Imap& imap, imap::Parser& in, bool uid);
// imap_store.cc
void run_store(Imap& imap, imap::Parser& in, bool uid);
// imap_search.cc
void run_search(Imap& imap, imap::Parser& in, bool uid);
// imap_copy.cc
void run_copy(Imap& imap, imap::Parser& in, bool uid);
void run_expunge(Imap& imap, imap::Parser& in, bool uid);

std::span<const FetchRow> base_fetch_rows();    // imap_fetch_items.cc
std::span<const SearchRow> base_search_rows();  // imap_search_keys.cc
std::span<const StatusRow> base_status_rows();  // imap_status.cc

}  // namespace libsync::server
