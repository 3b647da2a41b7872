#include "wallet/carry.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "model/lane_map.h"

enum {
    LOOK_MS = 20,    /* between two comparisons of version numbers */
    RETRY_MS = 200,  /* after the lane took an act not */
    BROKEN_S = 3600, /* between two alarms about the same */
};

struct place {
    struct lane *lane; /* NULL: not in memory here */
    uint64_t entry;    /* another for each time that it came */
    struct monotonic_time whole_at;
};

struct carry {
    struct sync *sync;
    uint32_t lanes;
    struct monitor *monitor; /* guards the rest; held while a lane of it is looked at */
    uint64_t entries;
    struct place places[LANES_MAX];
};

struct carrier {
    struct carry *carry;
    uint32_t number;
    struct lane *lane;
    struct lane_ports ports;
    struct monotonic_time began;
    struct task *task;

    /* The task's own. */
    uint64_t entry; /* of lane 0's place, whose version is known */
    uint64_t source_version;
    uint64_t own_version;
    struct monotonic_time alarm_at;
    struct lane_commons source;
    struct lane_commons own;

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    struct carrier_status status;
};

/* ---- The lanes of this process ---- */

enum status carry_new(struct sync *sync, uint32_t lanes, struct carry **out_carry)
{
    CHECK(lanes > 1 && lanes <= LANES_MAX);
    struct carry *carry = reserve_new(sizeof *carry);
    if (carry == NULL) return STATUS_LIMIT;
    carry->sync = sync;
    carry->lanes = lanes;
    carry->monitor = sync->monitor_new(sync, "carry");
    *out_carry = carry;
    return STATUS_OK;
}

void carry_free(struct carry *carry)
{
    if (carry == NULL) return;
    carry->sync->monitor_free(carry->monitor);
    reserve_free(carry, sizeof *carry);
}

void carry_enter(struct carry *carry, uint32_t number, struct lane *lane,
                 struct monotonic_time whole_at)
{
    CHECK(number < carry->lanes);
    carry->sync->lock(carry->monitor);
    struct place *place = &carry->places[number];
    if (place->lane == NULL) place->entry = ++carry->entries;
    place->lane = lane;
    place->whole_at = whole_at;
    carry->sync->unlock(carry->monitor);
}

void carry_leave(struct carry *carry, uint32_t number)
{
    CHECK(number < carry->lanes);
    carry->sync->lock(carry->monitor);
    carry->places[number].lane = NULL;
    carry->sync->unlock(carry->monitor);
}

/* ---- Whether an act is everywhere ---- */

bool carry_concerns(enum admin_kind kind)
{
    return kind == ADMIN_ASSET_CREATE || kind == ADMIN_RATE_SET || kind == ADMIN_PERIOD_CLOSE;
}

static bool same_asset(const struct asset *a, const struct asset *b)
{
    return a->id == b->id && a->exponent == b->exponent &&
           str_equal(str_from(a->code), str_from(b->code));
}

/* None, and one that was withdrawn, are the same. */
static bool same_rate(const struct rate *a, const struct rate *b)
{
    if (a->numerator != b->numerator) return false;
    return a->numerator == 0 || a->denominator == b->denominator;
}

/* The pair's; all zero: there is none. */
static struct rate rate_of(const struct rate *rates, uint32_t count, const struct rate *pair)
{
    for (uint32_t i = 0; i < count; i++) {
        if (rates[i].asset == pair->asset && rates[i].counter_asset == pair->counter_asset)
            return rates[i];
    }
    return (struct rate){ 0 };
}

static struct rate lane_rate(struct lane *lane, const struct rate *pair)
{
    struct rate rates[RATES_MAX];
    return rate_of(rates, lane_rate_page(lane, 0, rates, RATES_MAX), pair);
}

/* Whether the other lane says of the act what lane 0 says. */
static bool is_there(struct lane *first, struct lane *other, const struct admin *admin)
{
    if (admin->kind == ADMIN_ASSET_CREATE) {
        struct asset wanted;
        struct asset found;
        struct str code = str_from(admin->asset.code);
        if (lane_asset_by_code(first, code, &wanted) != STATUS_OK) return true; /* it was refused */
        return lane_asset_by_code(other, code, &found) == STATUS_OK && same_asset(&wanted, &found);
    }
    if (admin->kind == ADMIN_RATE_SET) {
        struct rate wanted = lane_rate(first, &admin->rate);
        struct rate found = lane_rate(other, &admin->rate);
        return same_rate(&wanted, &found);
    }
    int32_t days = admin->closed_through.days;
    if (lane_closed_through(first).days < days) return true; /* it was refused */
    return lane_closed_through(other).days >= days;
}

bool carry_is_everywhere(struct carry *carry, const struct admin *admin)
{
    CHECK(carry_concerns(admin->kind));
    carry->sync->lock(carry->monitor);
    struct lane *first = carry->places[0].lane;
    bool everywhere = first != NULL;
    for (uint32_t number = 1; number < carry->lanes && everywhere; number++) {
        struct lane *other = carry->places[number].lane;
        everywhere = other != NULL && is_there(first, other, admin);
    }
    carry->sync->unlock(carry->monitor);
    return everywhere;
}

/* ---- A carrier ---- */

/* False: lane 0 is not here, or it is not known to be whole since this began. */
static bool source_look(struct carrier *carrier, bool *out_changed)
{
    struct carry *carry = carrier->carry;
    carry->sync->lock(carry->monitor);
    const struct place *place = &carry->places[0];
    bool there = place->lane != NULL && place->whole_at.ns > carrier->began.ns;
    if (there) {
        if (place->entry != carrier->entry) carrier->source_version = 0;
        carrier->entry = place->entry;
        uint64_t version = lane_commons(place->lane, carrier->source_version, &carrier->source);
        *out_changed = version != carrier->source_version;
        carrier->source_version = version;
        there = version != 0;
    }
    carry->sync->unlock(carry->monitor);
    return there;
}

/* STATUS_STOPPED: the lane takes nothing more. */
static enum status own_look(struct carrier *carrier, bool *out_changed)
{
    uint64_t version = lane_commons(carrier->lane, carrier->own_version, &carrier->own);
    if (version == 0) return STATUS_STOPPED;
    if (version != carrier->own_version) *out_changed = true;
    carrier->own_version = version;
    return STATUS_OK;
}

static enum status act(struct carrier *carrier, const struct admin *admin,
                       struct admin_result *out_result)
{
    struct admin carried = *admin;
    memcpy(carried.reason, "lane:0", sizeof "lane:0");
    struct request request = {
        .kind = REQUEST_ADMIN,
        .principal = PRINCIPAL_SYSTEM,
        .root = lane_new_id(carrier->lane),
        .count = 1,
        .admin = &carried,
        .admin_result = out_result,
    };
    enum status status = lane_run(carrier->lane, &request);
    if (status != STATUS_OK || out_result->outcome != ADMIN_OUTCOME_OK) return status;
    carrier->ports.sync->lock(carrier->monitor);
    carrier->status.carried++;
    carrier->ports.sync->unlock(carrier->monitor);
    return STATUS_OK;
}

static void status_set(struct carrier *carrier, bool even, bool broken)
{
    carrier->ports.sync->lock(carrier->monitor);
    carrier->status.even = even;
    carrier->status.broken = broken;
    carrier->ports.sync->unlock(carrier->monitor);
}

/* A number means one asset in every lane, or money would change what it is on its way. */
static void broken_tell(struct carrier *carrier, const struct asset *wanted)
{
    struct monotonic_time now = clock_monotonic(carrier->ports.clock);
    status_set(carrier, false, true);
    if (carrier->alarm_at.ns != 0 && now.ns < carrier->alarm_at.ns) return;
    carrier->alarm_at.ns = now.ns + BROKEN_S * NS_PER_S;
    const struct log_field fields[] = {
        { STR("lane"), { NULL, 0 }, carrier->number },
        { STR("asset"), str_from(wanted->code), 0 },
        { STR("number"), { NULL, 0 }, wanted->id },
    };
    log_write(carrier->ports.log,
              (struct log_line){ .level = LOG_ALARM,
                                 .event = STR("carry.broken"),
                                 .message = STR("an asset of lane 0 has not this number in the "
                                                "lane: nothing is carried there any more"),
                                 .fields = fields,
                                 .field_count = 3 });
}

/* Their numbers follow from their order. STATUS_CORRUPT: they cannot be the same. */
static enum status assets_carry(struct carrier *carrier)
{
    const struct lane_commons *source = &carrier->source;
    for (uint32_t i = 0; i < source->asset_count; i++) {
        const struct asset *wanted = &source->assets[i];
        if (i < carrier->own.asset_count) {
            if (same_asset(wanted, &carrier->own.assets[i])) continue;
            broken_tell(carrier, wanted);
            return STATUS_CORRUPT;
        }
        struct admin_result result = { 0 };
        const struct admin admin = { .kind = ADMIN_ASSET_CREATE, .asset = *wanted };
        enum status status = act(carrier, &admin, &result);
        if (status != STATUS_OK) return status;
        if (result.outcome == ADMIN_OUTCOME_OK && result.asset_id == wanted->id) continue;
        broken_tell(carrier, wanted);
        return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

/* STATUS_UNAVAILABLE: refused as things are now, by its clock for one; to be tried again. */
static enum status act_done(struct carrier *carrier, const struct admin *admin)
{
    struct admin_result result = { 0 };
    enum status status = act(carrier, admin, &result);
    if (status != STATUS_OK) return status;
    return result.outcome == ADMIN_OUTCOME_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}

static enum status rates_carry(struct carrier *carrier)
{
    const struct lane_commons *source = &carrier->source;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < source->rate_count && status == STATUS_OK; i++) {
        const struct rate *wanted = &source->rates[i];
        struct rate found = rate_of(carrier->own.rates, carrier->own.rate_count, wanted);
        if (same_rate(wanted, &found)) continue;
        const struct admin admin = { .kind = ADMIN_RATE_SET, .rate = *wanted };
        status = act_done(carrier, &admin);
    }
    return status;
}

static enum status period_carry(struct carrier *carrier)
{
    const struct admin admin = { .kind = ADMIN_PERIOD_CLOSE,
                                 .closed_through = carrier->source.closed_through };
    if (admin.closed_through.days <= carrier->own.closed_through.days) return STATUS_OK;
    return act_done(carrier, &admin);
}

static enum status carry_round(struct carrier *carrier)
{
    bool changed = false;
    bool there = source_look(carrier, &changed);
    enum status status = own_look(carrier, &changed);
    if (status != STATUS_OK || !there || !changed) return status;
    status = assets_carry(carrier);
    if (status == STATUS_OK) status = rates_carry(carrier);
    if (status == STATUS_OK) status = period_carry(carrier);
    if (status == STATUS_OK) status_set(carrier, true, false);
    if (status != STATUS_OK) carrier->own_version = 0; /* all of it is looked at again */
    return status;
}

/* False: it is to stop. */
static bool carrier_wait(struct carrier *carrier, int64_t ms)
{
    struct sync *sync = carrier->ports.sync;
    struct monotonic_time until = { clock_monotonic(carrier->ports.clock).ns + ms * NS_PER_MS };
    sync->lock(carrier->monitor);
    while (!carrier->stopping && clock_monotonic(carrier->ports.clock).ns < until.ns) {
        (void)sync->wait(carrier->monitor, until); /* looked at again */
    }
    bool goes_on = !carrier->stopping;
    sync->unlock(carrier->monitor);
    return goes_on;
}

static void carrier_run(void *argument)
{
    struct carrier *carrier = argument;
    int64_t pause_ms = LOOK_MS;
    while (carrier_wait(carrier, pause_ms)) {
        enum status status = carry_round(carrier);
        if (status == STATUS_STOPPED) return; /* it is another's, or about to be closed */
        pause_ms = status == STATUS_OK ? LOOK_MS : RETRY_MS;
    }
}

enum status carrier_start(struct carry *carry, uint32_t number, struct lane *lane,
                          const struct lane_ports *ports, struct carrier **out_carrier,
                          struct error *out_error)
{
    CHECK(number > 0 && number < carry->lanes);
    struct carrier *carrier = reserve_new(sizeof *carrier);
    if (carrier == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for what is carried");
    carrier->carry = carry;
    carrier->number = number;
    carrier->lane = lane;
    carrier->ports = *ports;
    carrier->began = clock_monotonic(ports->clock);
    carrier->monitor = ports->sync->monitor_new(ports->sync, "carrier");
    enum status status =
        ports->sync->spawn(ports->sync, "carrier", carrier_run, carrier, &carrier->task);
    if (status != STATUS_OK) {
        carrier_stop(carrier);
        return error_set(out_error, status, "the task that carries acts to the lane cannot start");
    }
    *out_carrier = carrier;
    return STATUS_OK;
}

void carrier_stop(struct carrier *carrier)
{
    if (carrier == NULL) return;
    struct sync *sync = carrier->ports.sync;
    sync->lock(carrier->monitor);
    carrier->stopping = true;
    sync->wake_all(carrier->monitor);
    sync->unlock(carrier->monitor);
    sync->join(carrier->task);
    sync->monitor_free(carrier->monitor);
    reserve_free(carrier, sizeof *carrier);
}

void carrier_get_status(struct carrier *carrier, struct carrier_status *out_status)
{
    carrier->ports.sync->lock(carrier->monitor);
    *out_status = carrier->status;
    carrier->ports.sync->unlock(carrier->monitor);
}
