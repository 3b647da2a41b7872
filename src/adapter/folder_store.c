#include "adapter/folder_store.h"

#include "adapter/data_folder.h"
#include "adapter/ledger_id.h"
#include "adapter/postgres_store.h"
#include "adapter/sqlite_store.h"

enum status folder_store_open(const struct data_folder *folder,
                              const struct folder_store_options *options, struct store **out_store,
                              struct error *out_error)
{
    const char *url = data_folder_store(folder);
    if (url != NULL) {
        const struct postgres_store_options postgres = {
            .url = url,
            .lane = data_folder_lane(folder),
            .lanes = data_folder_lanes(folder),
            .ledger = data_folder_ledger(folder),
            .read_only = options->read_only,
        };
        return postgres_store_open(&postgres, out_store, out_error);
    }
    const struct sqlite_store_options sqlite = {
        .folder = data_folder_path(folder),
        .ledger = data_folder_ledger(folder),
        .read_only = options->read_only,
        .beside_owner = options->read_only && data_folder_beside_owner(folder),
    };
    return sqlite_store_open(&sqlite, out_store, out_error);
}

struct uuid folder_store_ledger(const struct data_folder *folder, struct store *store)
{
    return data_folder_store(folder) == NULL ? sqlite_store_ledger(store)
                                             : postgres_store_ledger(store);
}

/* What is not to be written is whatever it was copied from. */
static bool is_copy(const struct data_folder *folder, struct store *store)
{
    struct sqlite_store_stats stats = { 0 };
    if (data_folder_store(folder) == NULL) sqlite_store_get_stats(store, &stats);
    return stats.read_only;
}

enum status folder_store_identify(struct data_folder *folder, struct store *store,
                                  struct uuid ledger, struct error *out_error)
{
    struct uuid of_folder = data_folder_ledger(folder);
    struct uuid of_store = folder_store_ledger(folder, store);
    enum status status = STATUS_OK;
    if (uuid_is_nil(ledger) && is_copy(folder, store)) return STATUS_OK;
    if (uuid_is_nil(ledger)) ledger = uuid_is_nil(of_store) ? of_folder : of_store;
    if (uuid_is_nil(ledger) && data_folder_lane(folder) > 0) return STATUS_OK; /* lane 0 draws it */
    if (uuid_is_nil(ledger)) ledger = ledger_id_draw();
    if (uuid_is_nil(of_store)) {
        status = data_folder_store(folder) == NULL
                     ? sqlite_store_set_ledger(store, ledger, out_error)
                     : postgres_store_set_ledger(store, ledger, out_error);
        ledger = folder_store_ledger(folder, store); /* another may have been faster */
    }
    if (status != STATUS_OK || !uuid_is_nil(of_folder)) return status;
    return data_folder_set_ledger(folder, ledger, out_error);
}

enum status folder_store_is_local(const struct data_folder *folder, const char *act,
                                  struct error *out_error)
{
    if (data_folder_store(folder) == NULL) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID, "%s is for journals that are in the folder", act);
    error_detail(out_error, "the journal of %s is in a database", data_folder_path(folder));
    error_hint(out_error, "use the database's own: pg_basebackup, or its archive of WAL");
    return STATUS_INVALID;
}

enum status folder_store_integrity(const struct data_folder *folder, struct store *store,
                                   struct error *out_error)
{
    if (data_folder_store(folder) != NULL) return STATUS_OK;
    return sqlite_store_integrity(store, out_error);
}
