/* sqlite_inbox.h - the inbox port over SQLite: inbox.db, one commit for all who wait. */
#ifndef ADAPTER_SQLITE_INBOX_H
#define ADAPTER_SQLITE_INBOX_H

#include "port/inbox.h"

/*
 * WAL with synchronous=FULL: a commit is on the disk. Whoever comes while a commit runs waits in
 * line, and the first of the line commits for all of it. After a commit in doubt the file is
 * opened anew, and what is seen then is written again, before anything else is stored.
 */
struct sqlite_inbox_options {
    const char *folder; /* inbox.db is made in it when missing */
    uint64_t bytes_max; /* of headers and bodies kept; 0: 4 GiB */
    int64_t age_max_s;  /* of what is marked; 0: 30 days */
    const char *vfs;    /* for tests; NULL: SQLite's default */
};

/* STATUS_INVALID: a newer version, or another program's file. STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status sqlite_inbox_open(const struct sqlite_inbox_options *options, struct inbox **out_inbox,
                              struct error *out_error) MUST_CHECK;

#endif
