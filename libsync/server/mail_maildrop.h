// A user's INBOX as POP3 sees it.
#pragma once

#include <memory>

#include "libsync/base/result.h"
#include "libsync/server/mail.h"
#include "libsync/server/maildrop.h"

namespace libsync::server {

// As it is now; without an INBOX it is empty. UIDLs are made of UIDVALIDITY and UID. Nothing can be removed where
// nothing may be written (Errc::Refused).
Result<std::unique_ptr<Maildrop>> open_mail_maildrop(std::shared_ptr<Mail> mail);

}  // namespace libsync::server
