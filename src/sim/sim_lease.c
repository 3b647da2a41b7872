#include "sim/sim_lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { LANES_MAX = 8 };

struct row {
    bool exists;
    struct lease_party holder;
    char wanted[LEASE_NAME_SIZE];
    struct monotonic_time wanted_at;
    uint64_t epoch;
    struct monotonic_time expires;
};

struct report {
    struct lease_member member;
    struct monotonic_time at;
};

struct sim_register {
    struct world *world;
    struct faults *faults;
    uint32_t open_leases;
    bool cut;
    struct row rows[LANES_MAX];
    struct report reports[LEASE_MEMBERS_MAX];
    uint32_t report_count;
};

struct sim_lease {
    struct lease port; /* first */
    struct sim_register *leases;
    struct process *process;
};

struct sim_register *sim_register_new(struct world *world, struct faults *faults)
{
    struct sim_register *leases = calloc(1, sizeof *leases);
    CHECK(leases != NULL);
    leases->world = world;
    leases->faults = faults;
    return leases;
}

void sim_register_free(struct sim_register *leases)
{
    if (leases == NULL) return;
    CHECK(leases->open_leases == 0);
    free(leases);
}

void sim_register_cut(struct sim_register *leases, bool cut)
{
    leases->cut = cut;
}

static void travel(struct sim_register *leases)
{
    uint64_t us = fault_between(leases->faults, SIM_FAULT_STORE_UNAVAILABLE, 1,
                                LEASE_SIM_CALL_MS_MAX * UINT64_C(1000));
    task_sleep(leases->world, (int64_t)us * NS_PER_US);
}

/* What every call begins with. Not OK: the call is over, without effect. */
static enum status enter(struct sim_lease *lease, enum sim_point point, struct error *out_error)
{
    struct sim_register *leases = lease->leases;
    bool alive = process_point(lease->process, point);
    if (alive) travel(leases);
    if (!alive || lease->process->crashed) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed");
    }
    if (leases->cut || fault_strikes(leases->faults, SIM_FAULT_STORE_UNAVAILABLE)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the leases cannot be reached");
    }
    bool writes = point == SIM_POINT_STORE_APPEND;
    if (writes && fault_strikes(leases->faults, SIM_FAULT_LOST_COMMIT)) {
        return error_set(out_error, STATUS_IN_DOUBT, "no answer, and nothing was done");
    }
    return STATUS_OK;
}

/* After the effect. */
static enum status leave(struct sim_lease *lease, struct error *out_error)
{
    struct sim_register *leases = lease->leases;
    travel(leases);
    bool alive = process_point(lease->process, SIM_POINT_STORE_APPENDED);
    if (alive && !leases->cut && !fault_strikes(leases->faults, SIM_FAULT_LOST_REPLY)) {
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_IN_DOUBT, "no answer, after the effect");
}

static struct row *row_of(struct sim_lease *lease, uint32_t lane)
{
    CHECK(lane < LANES_MAX);
    return &lease->leases->rows[lane];
}

static int64_t ms_since(const struct world *world, struct monotonic_time time)
{
    return (world_now(world).ns - time.ns) / NS_PER_MS;
}

/* A register knows no journal: its views tell no head. */
static struct lease_view view_of(const struct world *world, const struct row *row)
{
    struct lease_view view = {
        .holder = row->holder,
        .epoch = row->epoch,
        .left_ms = -ms_since(world, row->expires),
        .clock = { world_now(world).ns },
    };
    bool wished = row->wanted[0] != '\0' && ms_since(world, row->wanted_at) < LEASE_WISH_MS;
    if (wished) memcpy(view.wanted, row->wanted, sizeof view.wanted);
    return view;
}

static struct monotonic_time in_ms(const struct world *world, uint32_t ms)
{
    return (struct monotonic_time){ world_now(world).ns + ms * NS_PER_MS };
}

static enum status sim_read(struct lease *port, uint32_t lane, struct lease_view *out_view,
                            struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    enum status status = enter(lease, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    const struct row *row = row_of(lease, lane);
    if (!row->exists) return error_set(out_error, STATUS_NOT_FOUND, "nobody ever held it");
    struct lease_view view = view_of(lease->leases->world, row);
    travel(lease->leases);
    *out_view = view;
    return STATUS_OK;
}

static bool may_take(const struct lease_view *view, const char *name)
{
    if (view->left_ms > 0) return false;
    bool preferred = view->wanted[0] == '\0' || strcmp(view->wanted, name) == 0;
    return preferred || view->left_ms <= -LEASE_PREFERENCE_MS;
}

static enum status sim_take(struct lease *port, const struct lease_term *term,
                            struct lease_view *out_view, struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    struct world *world = lease->leases->world;
    enum status status = enter(lease, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    struct row *row = row_of(lease, term->lane);
    struct lease_view view = view_of(world, row);
    if (row->exists && !may_take(&view, term->party->name)) {
        return error_set(out_error, STATUS_CONFLICT, "somebody else holds it");
    }
    *row = (struct row){ .exists = true,
                         .holder = *term->party,
                         .epoch = row->epoch + 1,
                         .expires = in_ms(world, term->ttl_ms) };
    view = view_of(world, row);
    world_mix(world, row->epoch);
    status = leave(lease, out_error);
    if (status == STATUS_OK) *out_view = view;
    return status;
}

static bool is_theirs(const struct row *row, const struct lease_term *term)
{
    return row->exists && row->epoch == term->epoch &&
           strcmp(row->holder.name, term->party->name) == 0;
}

static enum status sim_renew(struct lease *port, const struct lease_term *term,
                             struct lease_view *out_view, struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    enum status status = enter(lease, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    struct row *row = row_of(lease, term->lane);
    if (!is_theirs(row, term)) {
        return error_set(out_error, STATUS_FENCED, "somebody else has taken it");
    }
    row->expires = in_ms(lease->leases->world, term->ttl_ms);
    struct lease_view view = view_of(lease->leases->world, row);
    status = leave(lease, out_error);
    if (status == STATUS_OK) *out_view = view;
    return status;
}

static enum status sim_release(struct lease *port, const struct lease_term *term, const char *to,
                               struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    CHECK(strlen(to) < LEASE_NAME_SIZE);
    enum status status = enter(lease, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    struct row *row = row_of(lease, term->lane);
    if (!is_theirs(row, term)) {
        return error_set(out_error, STATUS_FENCED, "somebody else has taken it");
    }
    memset(&row->holder.name, 0, sizeof row->holder.name);
    row->expires = world_now(lease->leases->world);
    row->wanted_at = row->expires;
    memset(row->wanted, 0, sizeof row->wanted);
    memcpy(row->wanted, to, strlen(to));
    return leave(lease, out_error);
}

static enum status sim_want(struct lease *port, uint32_t lane, const char *to,
                            struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    CHECK(strlen(to) < LEASE_NAME_SIZE);
    enum status status = enter(lease, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    struct row *row = row_of(lease, lane);
    if (!row->exists) return error_set(out_error, STATUS_NOT_FOUND, "nobody ever held it");
    row->wanted_at = world_now(lease->leases->world);
    memset(row->wanted, 0, sizeof row->wanted);
    memcpy(row->wanted, to, strlen(to));
    return leave(lease, out_error);
}

/* By lane and name. */
static int member_order(const struct lease_member *a, const struct lease_member *b)
{
    if (a->lane != b->lane) return a->lane < b->lane ? -1 : 1;
    return strcmp(a->party.name, b->party.name);
}

static enum status sim_report(struct lease *port, const struct lease_member *member,
                              char out_rival[LEASE_URL_SIZE], struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    struct sim_register *leases = lease->leases;
    enum status status = enter(lease, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    uint32_t at = 0;
    while (at < leases->report_count && member_order(&leases->reports[at].member, member) < 0) at++;
    bool there =
        at < leases->report_count && member_order(&leases->reports[at].member, member) == 0;
    if (!there) {
        CHECK(leases->report_count < LEASE_MEMBERS_MAX);
        memmove(&leases->reports[at + 1], &leases->reports[at],
                (leases->report_count++ - at) * sizeof leases->reports[0]);
    }
    const struct report *before = &leases->reports[at];
    char rival[LEASE_URL_SIZE] = "";
    if (there && before->member.stage != LEASE_STAGE_STOPPED &&
        strcmp(before->member.party.url, member->party.url) != 0 &&
        ms_since(leases->world, before->at) < LEASE_RIVAL_MS)
        memcpy(rival, before->member.party.url, sizeof rival);
    leases->reports[at] = (struct report){ *member, world_now(leases->world) };
    status = leave(lease, out_error);
    if (status == STATUS_OK) memcpy(out_rival, rival, sizeof rival);
    return status;
}

static enum status sim_members(struct lease *port, struct lease_member *out_members, uint32_t limit,
                               uint32_t *out_count, struct error *out_error)
{
    struct sim_lease *lease = (struct sim_lease *)port;
    const struct sim_register *leases = lease->leases;
    enum status status = enter(lease, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    *out_count = 0;
    for (uint32_t i = 0; i < leases->report_count && *out_count < limit; i++) {
        struct lease_member *member = &out_members[(*out_count)++];
        *member = leases->reports[i].member;
        member->age_ms = ms_since(leases->world, leases->reports[i].at);
    }
    return STATUS_OK;
}

static void sim_close(struct lease *port)
{
    if (port == NULL) return;
    struct sim_lease *lease = (struct sim_lease *)port;
    lease->leases->open_leases--;
    free(lease);
}

struct lease *sim_lease_open(struct sim_register *leases, struct process *process)
{
    struct sim_lease *lease = calloc(1, sizeof *lease);
    CHECK(lease != NULL);
    *lease = (struct sim_lease){ .port = { .read = sim_read,
                                           .take = sim_take,
                                           .renew = sim_renew,
                                           .release = sim_release,
                                           .want = sim_want,
                                           .report = sim_report,
                                           .members = sim_members,
                                           .close = sim_close },
                                 .leases = leases,
                                 .process = process };
    leases->open_leases++;
    return &lease->port;
}
