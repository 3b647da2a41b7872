#include "adapter/folder_store.h"

#include "adapter/data_folder.h"
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
            .read_only = options->read_only,
        };
        return postgres_store_open(&postgres, out_store, out_error);
    }
    const struct sqlite_store_options sqlite = {
        .folder = data_folder_path(folder),
        .read_only = options->read_only,
        .beside_owner = options->read_only && data_folder_beside_owner(folder),
    };
    return sqlite_store_open(&sqlite, out_store, out_error);
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
