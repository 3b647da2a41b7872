#include "adapter/inbox_look.h"

#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/postgres_inbox.h"
#include "adapter/sqlite_connection.h"
#include "base/check.h"

static const char ALL[] = "SELECT w.id, w.received_at, w.endpoint, w.headers, w.body, s.mark,"
                          " s.about FROM webhook w JOIN state s ON s.id=w.id ORDER BY w.id";

enum { CACHE_KIB = 2048 };

static struct str bytes_of(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    return data == NULL ? STR("") : (struct str){ data, (size_t)size };
}

static void row_read(sqlite3_stmt *statement, struct inbox_webhook *out_webhook)
{
    struct str endpoint = bytes_of(statement, 2);
    struct str about = bytes_of(statement, 6);
    *out_webhook = (struct inbox_webhook){
        .id = (uint64_t)sqlite3_column_int64(statement, 0),
        .received_at = { sqlite3_column_int64(statement, 1) },
        .mark = (uint8_t)sqlite3_column_int(statement, 5),
        .headers = bytes_of(statement, 3),
        .body = bytes_of(statement, 4),
    };
    if (endpoint.len < sizeof out_webhook->endpoint)
        memcpy(out_webhook->endpoint, endpoint.data, endpoint.len);
    if (about.len == sizeof out_webhook->about)
        memcpy(&out_webhook->about, about.data, sizeof out_webhook->about);
}

static enum status rows_visit(sqlite3 *db,
                              enum status (*visit)(void *owner,
                                                   const struct inbox_webhook *webhook),
                              void *owner, struct error *out_error)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sqlite_prepare(db, ALL, &statement, out_error);
    int code = SQLITE_ROW;
    while (status == STATUS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct inbox_webhook webhook;
        row_read(statement, &webhook);
        if (webhook.received_at.ns < 0 || webhook.mark >= INBOX_MARK_COUNT)
            status = error_set(out_error, STATUS_CORRUPT, "webhook %llu of the inbox is damaged",
                               (unsigned long long)webhook.id);
        else
            status = visit(owner, &webhook);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) status = sqlite_failure(db, code, out_error);
    (void)sqlite3_finalize(statement); /* its code is that of the newest step */
    return status;
}

enum status inbox_look(const struct data_folder *folder,
                       enum status (*visit)(void *owner, const struct inbox_webhook *webhook),
                       void *owner, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    sqlite3 *db = NULL;
    const char *url = data_folder_store(folder);
    if (url != NULL)
        return postgres_inbox_look(url, data_folder_lane(folder), visit, owner, out_error);
    enum status status = sqlite_path(data_folder_path(folder), "inbox.db", path, out_error);
    if (status != STATUS_OK) return status;
    if (access(path, F_OK) != 0)
        return error_set(out_error, STATUS_NOT_FOUND, "%s has no inbox of webhooks",
                         data_folder_path(folder));
    const struct sqlite_connection_options options = {
        .path = path,
        .cache_kib = CACHE_KIB,
        .read_only = true,
    };
    status = sqlite_connection_open(&options, &db, out_error);
    if (status == STATUS_OK) status = rows_visit(db, visit, owner, out_error);
    sqlite_connection_close(db);
    return status;
}
