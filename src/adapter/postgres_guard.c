#include "adapter/postgres_guard.h"

#include "base/check.h"

void postgres_guard_bind(struct postgres_parameters *parameters, struct postgres_owner owner)
{
    CHECK(parameters->count == 0);
    postgres_bind_int32(parameters, (int32_t)owner.lane);
    postgres_bind_number(parameters, owner.epoch);
}
