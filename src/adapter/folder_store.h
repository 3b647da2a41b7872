/* folder_store.h - the journal of a data folder: in it, or in the database that its file `store` names. */
#ifndef ADAPTER_FOLDER_STORE_H
#define ADAPTER_FOLDER_STORE_H

#include "base/error.h"
#include "base/uuid.h"
#include "port/store.h"

struct data_folder;

struct folder_store_options {
    bool read_only;
};

/*
 * As sqlite_store_open() or postgres_store_open(). The folder stays open as long as the store.
 * The lane is the folder's (data_folder_lane()); STATUS_INVALID: the journal is of another ledger
 * than the folder.
 */
enum status folder_store_open(const struct data_folder *folder,
                              const struct folder_store_options *options, struct store **out_store,
                              struct error *out_error) MUST_CHECK;

/* Which ledger's journal it is; nil: it was made before ledgers had ids. */
struct uuid folder_store_ledger(const struct data_folder *folder, struct store *store);
/*
 * Of a store that may be written: sees to it that journal and folder bear the ledger's id, where
 * one of them does not yet. ledger: which it is; nil: as either says, else a new one is drawn (in
 * lane 0 only, and for no backup). As data_folder_set_ledger() and the store's.
 */
enum status folder_store_identify(struct data_folder *folder, struct store *store,
                                  struct uuid ledger, struct error *out_error) MUST_CHECK;

/* STATUS_INVALID for acts on the files of a journal that is in a database. */
enum status folder_store_is_local(const struct data_folder *folder, const char *act,
                                  struct error *out_error) MUST_CHECK;

/* What the store itself can check without reading all of it: SQLite's pages. STATUS_CORRUPT. */
enum status folder_store_integrity(const struct data_folder *folder, struct store *store,
                                   struct error *out_error) MUST_CHECK;

#endif
