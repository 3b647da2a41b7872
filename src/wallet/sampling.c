/* Followed traces stand in sets of a few places; in a full set the oldest gives way. */
#include "wallet/sampling.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/reserve.h"

enum {
    RATIO_BITS = 56, /* of a trace id that are random (W3C Trace Context, level 2) */
    WAYS = 4,
    SETS = SAMPLING_FOLLOWED_MAX / WAYS,
};

struct followed {
    struct uuid trace;
    int64_t until_ns; /* monotonic */
};

struct sampling {
    struct tracer port; /* first: the port is all that most callers have */
    struct tracer *sink;
    struct sync *sync;
    struct clock *clock;
    struct entropy *entropy;
    uint64_t threshold; /* of the random bits; those below are watched */
    _Atomic uint64_t watched;
    _Atomic bool busy; /* something is raised or followed: only then the monitor is asked */
    struct monitor *monitor;
    struct raise raises[SAMPLING_RAISES_MAX];
    uint32_t raise_count;
    uint64_t followed_total;
    struct followed sets[SETS][WAYS];
};

/* ---- pure ---- */

static bool ratio_has(const struct sampling *sampling, struct uuid trace)
{
    return (trace.lo & ((UINT64_C(1) << RATIO_BITS) - 1)) < sampling->threshold;
}

static bool raise_is_about(const struct raise *raise, const struct span_subject *subject)
{
    if (!uuid_is_nil(raise->payment)) return uuid_equal(raise->payment, subject->payment);
    if (!uuid_is_nil(raise->user_ref)) return uuid_equal(raise->user_ref, subject->user_ref);
    return raise->route == subject->route;
}

/* ---- the monitor is held ---- */

static void raise_drop(struct sampling *sampling, uint32_t at)
{
    sampling->raise_count--;
    for (uint32_t i = at; i < sampling->raise_count; i++)
        sampling->raises[i] = sampling->raises[i + 1];
}

static bool raise_find_drop(struct sampling *sampling, struct uuid id)
{
    for (uint32_t i = 0; i < sampling->raise_count; i++) {
        if (!uuid_equal(sampling->raises[i].id, id)) continue;
        raise_drop(sampling, i);
        return true;
    }
    return false;
}

static void raises_expire(struct sampling *sampling)
{
    int64_t now_ns = clock_wall(sampling->clock).ns;
    for (uint32_t i = sampling->raise_count; i > 0; i--) {
        const struct raise *raise = &sampling->raises[i - 1];
        if (raise->until.ns <= now_ns || raise->traces_left == 0) raise_drop(sampling, i - 1);
    }
}

/* Trace ids are random, or chosen by callers who only harm their own. */
static struct followed *set_of(struct sampling *sampling, struct uuid trace)
{
    return sampling->sets[(trace.lo ^ trace.hi) % SETS];
}

static bool is_followed(struct sampling *sampling, struct uuid trace, int64_t now_ns)
{
    const struct followed *set = set_of(sampling, trace);
    for (size_t i = 0; i < WAYS; i++) {
        if (uuid_equal(set[i].trace, trace)) return set[i].until_ns > now_ns;
    }
    return false;
}

static void follow(struct sampling *sampling, struct uuid trace, int64_t now_ns)
{
    struct followed *set = set_of(sampling, trace);
    struct followed *place = &set[0];
    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].until_ns < place->until_ns) place = &set[i];
    }
    for (size_t i = 0; i < WAYS; i++) {
        if (uuid_equal(set[i].trace, trace)) place = &set[i];
    }
    *place = (struct followed){ trace, now_ns + (int64_t)SAMPLING_FOLLOW_S * NS_PER_S };
    sampling->followed_total++;
}

static bool look(struct sampling *sampling, const struct span_subject *subject)
{
    int64_t now_ns = clock_monotonic(sampling->clock).ns;
    if (is_followed(sampling, subject->trace, now_ns)) return true;
    bool wanted = subject->asked;
    raises_expire(sampling);
    for (uint32_t i = 0; i < sampling->raise_count && !wanted; i++) {
        wanted = raise_is_about(&sampling->raises[i], subject);
        if (wanted) sampling->raises[i].traces_left--;
    }
    if (wanted) follow(sampling, subject->trace, now_ns);
    return wanted;
}

/* ---- the port ---- */

static bool port_wants(struct tracer *port, const struct span_subject *subject)
{
    struct sampling *sampling = (struct sampling *)port;
    if (ratio_has(sampling, subject->trace)) return true;
    bool busy = atomic_load_explicit(&sampling->busy, memory_order_relaxed);
    if (!busy && !subject->asked) return false;
    sampling->sync->lock(sampling->monitor);
    bool wanted = look(sampling, subject);
    if (wanted) atomic_store(&sampling->busy, true);
    sampling->sync->unlock(sampling->monitor);
    return wanted;
}

static void port_record(struct tracer *port, const struct span *span)
{
    struct sampling *sampling = (struct sampling *)port;
    atomic_fetch_add_explicit(&sampling->watched, 1, memory_order_relaxed);
    sampling->sink->record(sampling->sink, span);
}

/* ---- the calls ---- */

enum status sampling_new(const struct sampling_options *options, struct sampling **out_sampling,
                         struct error *out_error)
{
    CHECK(options->ratio_of >= 1 && options->ratio_of <= SAMPLING_RATIO_MAX);
    CHECK(options->ratio_part <= options->ratio_of);
    struct sampling *sampling = reserve_new(sizeof *sampling);
    if (sampling == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the sampling");
    sampling->port = (struct tracer){ .wants = port_wants, .record = port_record };
    sampling->sink = options->sink;
    sampling->sync = options->sync;
    sampling->clock = options->clock;
    sampling->entropy = options->entropy;
    uint64_t whole = UINT64_C(1) << RATIO_BITS;
    bool all = options->ratio_part == options->ratio_of;
    sampling->threshold = all ? whole : whole / options->ratio_of * options->ratio_part;
    sampling->monitor = options->sync->monitor_new(options->sync, "sampling");
    *out_sampling = sampling;
    return STATUS_OK;
}

void sampling_free(struct sampling *sampling)
{
    if (sampling == NULL) return;
    sampling->sync->monitor_free(sampling->monitor);
    reserve_free(sampling, sizeof *sampling);
}

struct tracer *sampling_tracer(struct sampling *sampling)
{
    return sampling == NULL ? NULL : &sampling->port;
}

static struct uuid id_new(struct sampling *sampling)
{
    uint64_t random[2];
    entropy_fill(sampling->entropy, random, sizeof random);
    uint64_t now_ms = (uint64_t)(clock_wall(sampling->clock).ns / NS_PER_MS);
    return uuid_v7(now_ms, random);
}

enum status sampling_raise(struct sampling *sampling, struct raise *raise)
{
    CHECK(!uuid_is_nil(raise->payment) + !uuid_is_nil(raise->user_ref) + (raise->route != 0) == 1);
    CHECK(raise->traces_left >= 1 && raise->traces_left <= SAMPLING_TRACES_MAX);
    if (uuid_is_nil(raise->id)) raise->id = id_new(sampling);
    sampling->sync->lock(sampling->monitor);
    raises_expire(sampling);
    (void)raise_find_drop(sampling, raise->id); /* it is replaced */
    bool fits = sampling->raise_count < SAMPLING_RAISES_MAX;
    if (fits) sampling->raises[sampling->raise_count++] = *raise;
    if (fits) atomic_store(&sampling->busy, true);
    sampling->sync->unlock(sampling->monitor);
    return fits ? STATUS_OK : STATUS_LIMIT;
}

enum status sampling_lower(struct sampling *sampling, struct uuid id)
{
    sampling->sync->lock(sampling->monitor);
    raises_expire(sampling);
    bool found = raise_find_drop(sampling, id);
    sampling->sync->unlock(sampling->monitor);
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}

uint32_t sampling_list(struct sampling *sampling, struct raise out_raises[SAMPLING_RAISES_MAX])
{
    sampling->sync->lock(sampling->monitor);
    raises_expire(sampling);
    uint32_t count = sampling->raise_count;
    for (uint32_t i = 0; i < count; i++) out_raises[i] = sampling->raises[i];
    sampling->sync->unlock(sampling->monitor);
    return count;
}

void sampling_get_counts(struct sampling *sampling, struct sampling_counts *out_counts)
{
    sampling->sync->lock(sampling->monitor);
    raises_expire(sampling);
    *out_counts = (struct sampling_counts){
        .watched = atomic_load(&sampling->watched),
        .raises = sampling->raise_count,
        .followed = sampling->followed_total,
    };
    sampling->sync->unlock(sampling->monitor);
}
