/* witness_folder.h - a witness's folder: its key, and port/witness_store.h as one file per log. */
#ifndef ADAPTER_WITNESS_FOLDER_H
#define ADAPTER_WITNESS_FOLDER_H

#include "port/entropy.h"
#include "port/witness_store.h"
#include "tlog/note.h"

/*
 * witness.key  the signer as signed-note has it, one line; mode 0600, refused when others may read it
 * logs/        what was cosigned last: a note in a file named by the SHA-256 of its origin, in hex
 *
 * Written beside, synced, moved into place, and the folder synced. One process at a time: the folder
 * is locked while it is open. An old copy of logs/ put back makes a witness that forgot; nothing
 * here can notice that.
 */
struct witness_folder;

/*
 * Makes the folder (0700), or takes an empty one, with a new key of this name. STATUS_CONFLICT:
 * it holds something. STATUS_INVALID: no name for a key. STATUS_UNAVAILABLE, STATUS_LIMIT.
 */
enum status witness_folder_create(const char *path, struct str name, struct entropy *entropy,
                                  struct error *out_error) MUST_CHECK;

/* The key alone, beside a running witness too. As witness_folder_open(). */
enum status witness_folder_key(const char *path, struct note_key *out_key, struct error *out_error)
    MUST_CHECK;

/*
 * STATUS_NOT_FOUND: there is no witness, or a part of one. STATUS_INVALID: it is a ledger's folder.
 * STATUS_DENIED: others may read the key. STATUS_CORRUPT: the key is damaged. STATUS_CONFLICT:
 * another process has it open. STATUS_UNAVAILABLE.
 */
enum status witness_folder_open(const char *path, struct witness_folder **out_folder,
                                struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void witness_folder_close(struct witness_folder *folder);

/* Both live as long as the folder is open; the store's own close() does nothing. */
const struct note_signer *witness_folder_signer(const struct witness_folder *folder);
struct witness_store *witness_folder_store(struct witness_folder *folder);

#endif
