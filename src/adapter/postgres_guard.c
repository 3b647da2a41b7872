#include "adapter/postgres_guard.h"

#include "adapter/postgres_migrations.h"
#include "base/check.h"

void postgres_guard_bind(struct postgres_parameters *parameters, struct postgres_owner owner)
{
    CHECK(parameters->count == 0);
    postgres_bind_int32(parameters, (int32_t)owner.lane);
    postgres_bind_number(parameters, owner.epoch);
}

enum status postgres_owner_pool_open(struct postgres_pool *pool, const char *url, const char *name,
                                     struct postgres_owner owner, struct error *out_error)
{
    bool nobody = owner.epoch == 0;
    const struct postgres_connection_options options = {
        .url = url, .name = name, .read_only = nobody, .any_server = nobody
    };
    enum status status = postgres_pool_open(pool, &options, out_error);
    if (status == STATUS_OK && !nobody) status = postgres_pool_migrate(pool, out_error);
    return status;
}
