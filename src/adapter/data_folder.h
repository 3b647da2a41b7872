/* data_folder.h - the folder that holds a wallet's files: made, locked, refused when not ours. */
#ifndef ADAPTER_DATA_FOLDER_H
#define ADAPTER_DATA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "base/uuid.h"
#include "model/lane_map.h"

/*
 * FORMAT       one line: what this is, and its version; written last, so that an interrupted
 *              init leaves no folder that looks whole
 * journal.db   the journal (sqlite_store.h), with -wal and -shm beside it while open
 * head         how far the journal got (sqlite_head.h)
 * index.db     the index's runs, rebuildable (sqlite_run_store.h)
 * inbox.db     verified webhooks (sqlite_inbox.h), from the first one on
 * relay.db     how far deliveries of ours got (sqlite_relay_store.h); losing it costs repeats
 * log.key      secrets of the verifiable log (log_keys.h); not in backups
 * log.head     what it last signed (file_log_store.h); not in backups
 * log/         its tiles and checkpoint, rebuildable
 * archive/     segments of old batches (archive.h)
 * ledger       the ledger's id (ledger_id.h), which its journal bears too; in the folder of lane 0
 * store        the URL of the database that has the journal, one line; then there is no
 *              journal.db, head or archive/, and no password in it
 * lane         of a ledger with several lanes, which this is: "1 of 3", one line
 * lanes/N/     in the folder of lane 0: a data folder for each other lane
 * moved        the URL of the database that the ledger has moved to, one line; then nobody goes on
 *              from here
 * staging      written by hand: plans of repairs may be tried here (doctor rehearse --staging)
 * lock         held by the owner, with its process id inside
 * socket       where the owner answers commands on this machine
 *
 * The folder is 0700, files are 0600.
 */
enum { DATA_FOLDER_FORMAT = 1 };
#define DATA_FOLDER_MOVED "moved"

/* Which ledger a folder is for. */
struct data_folder_ledger {
    const char *store_url; /* of the database that has its journal; NULL: the folder gets one */
    struct uuid id;        /* nil: it is not known yet (data_folder_set_ledger()) */
};

/*
 * Makes the folder, or takes an empty one, durably: of the ledger that a database has (checked by
 * whoever made it there), or with an empty journal in it. NULL: of a ledger that is made with it,
 * whose id is drawn.
 * STATUS_CONFLICT: it is there and not empty. STATUS_INVALID: a file stands there, or the path
 * is too long. STATUS_UNAVAILABLE, STATUS_LIMIT. What was made before a failure stays.
 */
enum status data_folder_create(const char *path, const struct data_folder_ledger *ledger,
                               struct error *out_error) MUST_CHECK;

/*
 * The same for a ledger with several lanes, 1 to LANES_MAX: the folder is lane 0's, and the other
 * lanes have theirs in it. With one lane it is what data_folder_create() makes.
 */
enum status data_folder_create_lanes(const char *path, const struct data_folder_ledger *ledger,
                                     uint32_t lanes, struct error *out_error) MUST_CHECK;
/* The folder of one of so many lanes alone, of a ledger that is there: it is not NULL. */
enum status data_folder_create_lane(const char *path, const struct data_folder_ledger *ledger,
                                    struct lane_part part, struct error *out_error) MUST_CHECK;
/* The folder of a lane, from that of lane 0. STATUS_INVALID: too long. */
enum status data_folder_lane_path(const char *path, uint32_t lane, char *out_path,
                                  size_t out_path_size, struct error *out_error) MUST_CHECK;

enum data_folder_role {
    DATA_FOLDER_OWNER, /* alone: may write; refused while anybody has it open */
    DATA_FOLDER_GUEST, /* reads; beside an owner, or keeping owners out when there is none */
};

struct data_folder;

/*
 * STATUS_NOT_FOUND: there is no such folder. STATUS_INVALID: not a data folder, a file, an init
 * that did not finish, or a version newer than this program. STATUS_CORRUPT: FORMAT is damaged.
 * STATUS_CONFLICT: in use, with the process that has it. STATUS_DENIED: may not be read or
 * written. STATUS_UNAVAILABLE.
 */
enum status data_folder_open(const char *path, enum data_folder_role role,
                             struct data_folder **out_folder, struct error *out_error) MUST_CHECK;
/* Gives the lock back. Its stores must be closed. Accepts NULL. */
void data_folder_close(struct data_folder *folder);

/* Whether it can be made there: absent, or an empty folder. As data_folder_create(). */
enum status data_folder_is_free(const char *path, struct error *out_error) MUST_CHECK;
/* Of the folder at a path: all lanes when it is lane 0's, else its own. As data_folder_open(). */
enum status data_folder_count_lanes(const char *path, uint32_t *out_lanes, struct error *out_error)
    MUST_CHECK;

/* The ledger's id, whichever lane this is; nil: the folder is from before ledgers had ids. */
struct uuid data_folder_ledger(const struct data_folder *folder);
/* Writes it down where there is none. STATUS_INVALID: another one is there. As new_file_write(). */
enum status data_folder_set_ledger(struct data_folder *folder, struct uuid ledger,
                                   struct error *out_error) MUST_CHECK;

/* The ledger's id by the folder at a path; nil: it names none. As data_folder_open(). */
enum status data_folder_read_ledger(const char *path, struct uuid *out_ledger,
                                    struct error *out_error) MUST_CHECK;

const char *data_folder_path(const struct data_folder *folder);
/* Where the server of its ledger answers, whichever lane this is; lives as long as it is open. */
const char *data_folder_socket(const struct data_folder *folder);
/* The URL of the database that has the journal; NULL: it is in the folder. Lives as long. */
const char *data_folder_store(const struct data_folder *folder);
/* Which lane it holds, of how many: 0 of 1 without a file that says so. */
uint32_t data_folder_lane(const struct data_folder *folder);
uint32_t data_folder_lanes(const struct data_folder *folder);
struct lane_part data_folder_part(const struct data_folder *folder); /* both */
/* A guest that came while an owner was there: for sqlite_store_options.beside_owner. */
bool data_folder_beside_owner(const struct data_folder *folder);

#endif
