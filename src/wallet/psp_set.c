#include "wallet/psp_set.h"

#include <string.h>

#include "base/check.h"

static void set_lock(struct psp_set *set)
{
    set->sync->lock(set->monitor);
}

static void set_unlock(struct psp_set *set)
{
    set->sync->unlock(set->monitor);
}

void psp_set_init(struct psp_set *set, struct sync *sync, struct clock *clock,
                  const struct breaker_options *breaker)
{
    memset(set, 0, sizeof *set);
    set->sync = sync;
    set->clock = clock;
    set->breaker = *breaker;
    set->monitor = sync->monitor_new(sync, "psp_set");
}

void psp_set_done(struct psp_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) set->members[i].psp->close(set->members[i].psp);
    set->sync->monitor_free(set->monitor);
    set->count = 0;
}

/* ---- A call ---- */

static bool reply_is_failure(const struct psp_reply *reply)
{
    switch ((enum psp_answer)reply->answer) {
    case PSP_ANSWER_NOT_SENT:
    case PSP_ANSWER_THROTTLED: return true;
    case PSP_ANSWER_UNKNOWN: return reply->http_status == 0 || reply->http_status >= 500;
    case PSP_ANSWER_DONE:
    case PSP_ANSWER_PENDING:
    case PSP_ANSWER_DECLINED:
    case PSP_ANSWER_NOT_FOUND:
    case PSP_ANSWER_INVALID:
    case PSP_ANSWER_END: return false;
    }
    return false;
}

static bool call_begin(struct psp_member *member)
{
    set_lock(member->set);
    bool allowed = breaker_allow(&member->breaker, clock_monotonic(member->set->clock));
    if (!allowed) member->counts.held_back++;
    set_unlock(member->set);
    return allowed;
}

static void call_end(struct psp_member *member, const struct psp_reply *reply, bool allowed)
{
    uint64_t *counts = reply->query ? member->counts.queries : member->counts.orders;
    CHECK(reply->answer > 0 && reply->answer < PSP_ANSWER_END);
    set_lock(member->set);
    counts[reply->answer]++;
    if (allowed) {
        member->counts.call_ms += reply->duration_ms;
        breaker_report(&member->breaker, reply_is_failure(reply),
                       clock_monotonic(member->set->clock));
    }
    set_unlock(member->set);
}

static void reply_hold_back(const struct psp_member *member, bool query,
                            struct psp_reply *out_reply)
{
    static const char reason[] = "breaker_open";
    _Static_assert(sizeof reason <= PSP_REASON_SIZE, "it is stored whole");
    *out_reply = (struct psp_reply){ .answer = PSP_ANSWER_NOT_SENT,
                                     .query = query,
                                     .at = clock_wall(member->set->clock) };
    memcpy(out_reply->reason, reason, sizeof reason);
}

static void member_order(struct psp *port, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    struct psp_member *member = (struct psp_member *)port;
    bool allowed = call_begin(member);
    if (allowed)
        member->psp->order(member->psp, order, out_reply);
    else
        reply_hold_back(member, false, out_reply);
    call_end(member, out_reply, allowed);
}

static void member_query(struct psp *port, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    struct psp_member *member = (struct psp_member *)port;
    bool allowed = call_begin(member);
    if (allowed)
        member->psp->query(member->psp, order, out_reply);
    else
        reply_hold_back(member, true, out_reply);
    call_end(member, out_reply, allowed);
}

static enum status member_statement(struct psp *port, const struct psp_part *part,
                                    struct psp_line *out_lines, uint32_t *out_count,
                                    struct error *out_error)
{
    struct psp_member *member = (struct psp_member *)port;
    return member->psp->statement(member->psp, part, out_lines, out_count, out_error);
}

/* The set closes them all. */
static void member_close(struct psp *port)
{
    (void)port;
}

/* ---- The set ---- */

enum status psp_set_add(struct psp_set *set, struct psp *psp)
{
    if (psp_set_find(set, str_from(psp->traits.name)) != NULL) return STATUS_CONFLICT;
    if (set->count == PSP_SET_MAX) return STATUS_LIMIT;
    struct psp_member *member = &set->members[set->count++];
    *member = (struct psp_member){ .port = { .traits = psp->traits,
                                             .order = member_order,
                                             .query = member_query,
                                             .statement = member_statement,
                                             .close = member_close },
                                   .psp = psp,
                                   .set = set };
    breaker_init(&member->breaker, &set->breaker, clock_monotonic(set->clock));
    return STATUS_OK;
}

static struct psp_member *member_find(struct psp_set *set, struct str name)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (str_equal(name, str_from(set->members[i].port.traits.name))) return &set->members[i];
    }
    return NULL;
}

struct psp *psp_set_find(struct psp_set *set, struct str name)
{
    struct psp_member *member = member_find(set, name);
    return member == NULL ? NULL : &member->port;
}

enum status psp_set_choose(struct psp_set *set, const struct routing *routing,
                           const struct routing_ask *ask, const char **out_name)
{
    struct routing_health health[ROUTING_PSPS_MAX] = { 0 };
    uint32_t place = 0;
    struct monotonic_time now = clock_monotonic(set->clock);
    set_lock(set);
    for (uint32_t i = 0; i < routing->psp_count; i++) {
        const struct psp_member *member = member_find(set, str_from(routing->psps[i]));
        if (member == NULL) continue;
        health[i] = (struct routing_health){
            .operations = member->port.traits.operations,
            .open = breaker_state_at(&member->breaker, now) == BREAKER_OPEN,
            .success_per_mille = breaker_success_per_mille(&member->breaker, now),
        };
    }
    set_unlock(set);
    enum status status = routing_choose(routing, ask, health, &place);
    if (status == STATUS_OK) *out_name = routing->psps[place];
    return status;
}

void psp_set_get_status(struct psp_set *set, uint32_t place, struct psp_status *out_status)
{
    CHECK(place < set->count);
    const struct psp_member *member = &set->members[place];
    struct monotonic_time now = clock_monotonic(set->clock);
    set_lock(set);
    *out_status = (struct psp_status){
        .name = member->port.traits.name,
        .state = breaker_state_at(&member->breaker, now),
        .success_per_mille = breaker_success_per_mille(&member->breaker, now),
        .opened = member->breaker.opened,
        .counts = member->counts,
    };
    set_unlock(set);
}

/* ---- Metrics ---- */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_append_format(out, "# HELP tpwallet_psp_%s %s\n# TYPE tpwallet_psp_%s %s\n", name, help,
                      name, type);
}

static void calls_write(struct buf *out, const char *name, const char *call,
                        const uint64_t counts[PSP_ANSWER_END])
{
    for (unsigned answer = 1; answer < PSP_ANSWER_END; answer++) {
        buf_append_format(out,
                          "tpwallet_psp_calls_total{psp=\"%s\",call=\"%s\",answer=\"%s\"} %llu\n",
                          name, call, psp_answer_name(answer), (unsigned long long)counts[answer]);
    }
}

static void states_write(struct buf *out, const struct psp_status *status)
{
    for (unsigned state = 0; state < BREAKER_STATE_END; state++) {
        buf_append_format(out, "tpwallet_psp_breaker_state{psp=\"%s\",state=\"%s\"} %d\n",
                          status->name, breaker_state_name(state), status->state == state);
    }
}

static void number_write(struct buf *out, const char *metric, const char *name, uint64_t number)
{
    buf_append_format(out, "tpwallet_psp_%s{psp=\"%s\"} %llu\n", metric, name,
                      (unsigned long long)number);
}

/* A thousandth of a number, as decimals. */
static void milli_write(struct buf *out, const char *metric, const char *name, uint64_t milli)
{
    buf_append_format(out, "tpwallet_psp_%s{psp=\"%s\"} %llu.%03llu\n", metric, name,
                      (unsigned long long)milli / 1000, (unsigned long long)milli % 1000);
}

void psp_set_write_metrics(struct psp_set *set, struct buf *out_text)
{
    struct psp_status status[PSP_SET_MAX];
    uint32_t count = set->count;
    for (uint32_t i = 0; i < count; i++) psp_set_get_status(set, i, &status[i]);
    family(out_text, "calls_total", "counter", "Calls to a PSP by what they came to.");
    for (uint32_t i = 0; i < count; i++) {
        calls_write(out_text, status[i].name, "order", status[i].counts.orders);
        calls_write(out_text, status[i].name, "query", status[i].counts.queries);
    }
    family(out_text, "call_seconds_total", "counter", "Time spent in calls to a PSP.");
    for (uint32_t i = 0; i < count; i++)
        milli_write(out_text, "call_seconds_total", status[i].name, status[i].counts.call_ms);
    family(out_text, "held_back_total", "counter", "Calls not made, as the breaker was open.");
    for (uint32_t i = 0; i < count; i++)
        number_write(out_text, "held_back_total", status[i].name, status[i].counts.held_back);
    family(out_text, "breaker_state", "gauge", "1 for the state that the breaker is in.");
    for (uint32_t i = 0; i < count; i++) states_write(out_text, &status[i]);
    family(out_text, "breaker_opened_total", "counter", "How often the breaker has opened.");
    for (uint32_t i = 0; i < count; i++)
        number_write(out_text, "breaker_opened_total", status[i].name, status[i].opened);
    family(out_text, "success_ratio", "gauge", "Share of calls of late that did not fail.");
    for (uint32_t i = 0; i < count; i++)
        milli_write(out_text, "success_ratio", status[i].name, status[i].success_per_mille);
}
