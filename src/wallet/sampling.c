/* Followed traces stand in sets of a few places; in a full set the oldest gives way. */
#include "wallet/sampling.h"

#include <stdatomic.h>
#include <string.h>

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

/* What is raised; kept when it has ended here, for as long as it stands in the journal's table. */
struct watch {
    struct raise raise;
    uint32_t traces_left;
};

struct sampling {
    struct tracer port; /* first: the port is all that most callers have */
    struct tracer *sink;
    struct sync *sync;
    struct clock *clock;
    uint64_t threshold; /* of the random bits; those below are watched */
    _Atomic uint64_t watched;
    _Atomic bool busy; /* something is raised or followed: only then the monitor is asked */
    struct monitor *monitor;
    struct watch watches[RAISES_MAX];
    uint32_t watch_count;
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

static bool is_live(const struct watch *watch, struct wall_time now)
{
    return watch->traces_left > 0 && watch->raise.until.ns > now.ns;
}

static struct watch *watch_find(struct sampling *sampling, struct uuid id)
{
    for (uint32_t i = 0; i < sampling->watch_count; i++) {
        if (uuid_equal(sampling->watches[i].raise.id, id)) return &sampling->watches[i];
    }
    return NULL;
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
    struct wall_time now = clock_wall(sampling->clock);
    for (uint32_t i = 0; i < sampling->watch_count && !wanted; i++) {
        struct watch *watch = &sampling->watches[i];
        wanted = is_live(watch, now) && raise_is_about(&watch->raise, subject);
        if (wanted) watch->traces_left--;
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

/* Raised anew, an incident is watched anew. */
static bool same_raise(const struct raise *a, const struct raise *b)
{
    return uuid_equal(a->id, b->id) && a->until.ns == b->until.ns;
}

static void port_raised(struct tracer *port, const struct raise *raises, uint32_t count)
{
    struct sampling *sampling = (struct sampling *)port;
    struct watch watches[RAISES_MAX];
    CHECK(count <= RAISES_MAX);
    sampling->sync->lock(sampling->monitor);
    for (uint32_t i = 0; i < count; i++) {
        const struct watch *known = watch_find(sampling, raises[i].id);
        bool same = known != NULL && same_raise(&known->raise, &raises[i]);
        watches[i] = (struct watch){ raises[i], same ? known->traces_left : raises[i].traces };
    }
    memcpy(sampling->watches, watches, count * sizeof watches[0]);
    sampling->watch_count = count;
    if (count > 0) atomic_store(&sampling->busy, true);
    sampling->sync->unlock(sampling->monitor);
}

/* ---- the calls ---- */

enum status sampling_new(const struct sampling_options *options, struct sampling **out_sampling,
                         struct error *out_error)
{
    CHECK(options->ratio_of >= 1 && options->ratio_of <= SAMPLING_RATIO_MAX);
    CHECK(options->ratio_part <= options->ratio_of);
    struct sampling *sampling = reserve_new(sizeof *sampling);
    if (sampling == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the sampling");
    sampling->port = (struct tracer){
        .wants = port_wants,
        .record = port_record,
        .raised = port_raised,
    };
    sampling->sink = options->sink;
    sampling->sync = options->sync;
    sampling->clock = options->clock;
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

uint32_t sampling_traces_left(struct sampling *sampling, struct uuid id)
{
    sampling->sync->lock(sampling->monitor);
    const struct watch *watch = watch_find(sampling, id);
    uint32_t left = watch == NULL ? 0 : watch->traces_left;
    sampling->sync->unlock(sampling->monitor);
    return left;
}

void sampling_get_counts(struct sampling *sampling, struct sampling_counts *out_counts)
{
    struct wall_time now = clock_wall(sampling->clock);
    uint64_t live = 0;
    sampling->sync->lock(sampling->monitor);
    for (uint32_t i = 0; i < sampling->watch_count; i++)
        live += is_live(&sampling->watches[i], now);
    *out_counts = (struct sampling_counts){
        .watched = atomic_load(&sampling->watched),
        .raises = live,
        .followed = sampling->followed_total,
    };
    sampling->sync->unlock(sampling->monitor);
}
