#include "cmd/serve_projection.h"

#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/postgres_projection.h"

enum { LAG_S_MAX = 86400 };

enum status serve_projection_open(const struct invocation *invocation,
                                  struct serve_projection *out_projection, struct error *out_error)
{
    uint64_t lag_max_s = 0;
    *out_projection =
        (struct serve_projection){ .where = invocation_text(invocation, "projection") };
    enum status status =
        invocation_number(invocation, "projection-lag-max", (struct number_range){ 0, LAG_S_MAX },
                          &lag_max_s, out_error);
    out_projection->lag_max_ns = (int64_t)lag_max_s * NS_PER_S;
    return status;
}

enum status serve_projection_start(struct serve_projection *projection,
                                   const struct data_folder *folder, struct lane_ports *ports,
                                   struct error *out_error)
{
    if (projection->where == NULL) return STATUS_OK;
    const char *url = projection->where;
    if (strcmp(url, "on") == 0) url = data_folder_store(folder);
    if (url == NULL) {
        (void)error_set(out_error, STATUS_INVALID,
                        "--projection on is for a journal in PostgreSQL, and this one is in %s",
                        data_folder_path(folder));
        error_hint(out_error, "--projection postgres://user@host/database");
        return STATUS_INVALID;
    }
    const struct postgres_projection_options options = {
        .url = url,
        .lane = data_folder_lane(folder),
        .journal = ports->store,
        .sync = ports->sync,
        .clock = ports->clock,
        .log = ports->log,
    };
    enum status status = postgres_projection_open(&options, &projection->projection, out_error);
    if (status != STATUS_OK) return status;
    projection->journal = ports->store;
    ports->store =
        postgres_projection_gate(projection->projection, ports->store, projection->lag_max_ns);
    return STATUS_OK;
}

enum status serve_projection_lead(struct serve_projection *projection, struct error *out_error)
{
    if (projection->projection == NULL) return STATUS_OK;
    return postgres_projection_start(projection->projection, out_error);
}

void serve_projection_stop(struct serve_projection *projection, struct lane_ports *ports)
{
    if (projection->projection == NULL) return;
    postgres_projection_close(projection->projection);
    ports->store = projection->journal;
    projection->projection = NULL;
}

void serve_projection_metrics(struct serve_projection *projection, struct buf *out_page)
{
    if (projection->projection != NULL)
        postgres_projection_metrics(projection->projection, out_page);
}
