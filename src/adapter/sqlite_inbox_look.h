/* sqlite_inbox_look.h - all webhooks of an inbox.db, looked at beside whoever writes it. */
#ifndef ADAPTER_SQLITE_INBOX_LOOK_H
#define ADAPTER_SQLITE_INBOX_LOOK_H

#include "port/inbox.h"

/*
 * In order of storing, in one snapshot; nothing is changed. Views are good during the visit, which
 * returns the status that ends it, if it is not OK. STATUS_NOT_FOUND: there is no inbox.
 * STATUS_CORRUPT, STATUS_UNAVAILABLE.
 */
enum status sqlite_inbox_look(const char *folder,
                              enum status (*visit)(void *owner,
                                                   const struct inbox_webhook *webhook),
                              void *owner, struct error *out_error) MUST_CHECK;

#endif
