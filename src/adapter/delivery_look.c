#include "adapter/delivery_look.h"

#include "adapter/data_folder.h"
#include "adapter/postgres_endpoint_store.h"
#include "adapter/postgres_relay_store.h"
#include "adapter/sqlite_endpoint_store.h"
#include "adapter/sqlite_relay_store.h"
#include "crypto/secret.h"

enum { LETTERS_AT_ONCE = 256 };

struct look {
    struct endpoint_store *endpoints;
    struct relay_store *relay; /* NULL: nothing was ever sent */
    const struct delivery_visitor *visitor;
};

static enum status stores_open(struct look *look, const struct data_folder *folder,
                               struct error *out_error)
{
    const struct postgres_owner nobody = { .lane = data_folder_lane(folder) };
    const char *url = data_folder_store(folder);
    enum status status;
    if (url != NULL) {
        status = postgres_endpoint_store_open(url, nobody, &look->endpoints, out_error);
        if (status != STATUS_OK) return status;
        return postgres_relay_store_open(url, nobody, &look->relay, out_error);
    }
    bool begun_anew = false;
    const struct sqlite_endpoint_store_options endpoints = {
        .folder = data_folder_path(folder),
        .read_only = true,
    };
    const struct sqlite_relay_store_options relay = {
        .folder = data_folder_path(folder),
        .read_only = true,
    };
    status = sqlite_endpoint_store_open(&endpoints, &look->endpoints, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_relay_store_open(&relay, &look->relay, &begun_anew, out_error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status letters_visit(const struct look *look, struct uuid endpoint,
                                 struct error *out_error)
{
    struct dead_letter letters[LETTERS_AT_ONCE];
    uint64_t above = 0;
    uint32_t count = LETTERS_AT_ONCE;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && look->relay != NULL && count == LETTERS_AT_ONCE) {
        status =
            look->relay->letters(look->relay, endpoint, above, letters, LETTERS_AT_ONCE, &count);
        if (status != STATUS_OK)
            return error_set(out_error, status, "the dead letters cannot be read");
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
            status = look->visitor->letter(look->visitor->owner, &letters[i]);
        if (count > 0) above = letters[count - 1].sequence;
    }
    return status;
}

static enum status endpoint_visit(const struct look *look, const struct endpoint_row *row,
                                  struct error *out_error)
{
    struct relay_state state;
    enum status status = STATUS_NOT_FOUND;
    if (look->relay != NULL) status = look->relay->load(look->relay, row->id, &state, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    const struct relay_state *known = status == STATUS_OK ? &state : NULL;
    status = look->visitor->endpoint(look->visitor->owner, row, known);
    return status == STATUS_OK ? letters_visit(look, row->id, out_error) : status;
}

static enum status endpoints_visit(const struct look *look, struct error *out_error)
{
    struct endpoint_row row;
    struct uuid after = { 0 };
    enum status status;
    while ((status = look->endpoints->next(look->endpoints, after, &row, out_error)) == STATUS_OK) {
        for (uint32_t i = 0; i < ENDPOINT_ROW_KEYS_MAX; i++)
            secret_wipe(row.keys[i].secret, sizeof row.keys[i].secret);
        after = row.id;
        status = endpoint_visit(look, &row, out_error);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status delivery_look(const struct data_folder *folder, const struct delivery_visitor *visitor,
                          struct error *out_error)
{
    struct look look = { .visitor = visitor };
    enum status status = stores_open(&look, folder, out_error);
    if (status == STATUS_OK) status = endpoints_visit(&look, out_error);
    if (look.relay != NULL) look.relay->close(look.relay);
    if (look.endpoints != NULL) look.endpoints->close(look.endpoints);
    return status;
}
