/* raise.h - an incident that is watched: what it is about, until when, for how many traces. */
#ifndef MODEL_RAISE_H
#define MODEL_RAISE_H

#include "base/limits.h"
#include "base/time.h"
#include "model/id.h"

enum {
    RAISE_FOR_S_MAX = 24 * 3600, /* an incident that lasts longer is raised again */
    RAISE_TRACES_MAX = 100000,
};

struct raise {
    struct uuid id;
    struct uuid payment; /* of payment, user_ref and route one is given; the others are nil */
    struct uuid user_ref;
    uint32_t route;  /* number of an operation */
    uint32_t traces; /* each process watches so many of it */
    struct wall_time until;
};
_Static_assert(sizeof(struct raise) == 64, "stored as it is");

static inline bool raise_names_one(const struct raise *raise)
{
    return !uuid_is_nil(raise->payment) + !uuid_is_nil(raise->user_ref) + (raise->route != 0) == 1;
}

/* What holds of every one that was made. */
static inline bool raise_is_sound(const struct raise *raise)
{
    return !uuid_is_nil(raise->id) && raise_names_one(raise) && raise->traces >= 1 &&
           raise->traces <= RAISE_TRACES_MAX;
}

#endif
