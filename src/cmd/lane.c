/* tpwallet lane list, lane move: which replica owns a lane, and handing it to another as planned. */
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/postgres_lease.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/json_writer.h"
#include "base/reserve.h"
#include "cmd/invocation.h"
#include "cmd/pause.h"
#include "cmd/report.h"
#include "model/lane_map.h"
#include "port/clock.h"

enum {
    GONE_MS = 5000, /* a replica that has said nothing for so long */
    LOOK_MS = 25,
    HEIR_MS_MAX = 3000, /* waited for the heir to be warm */
    MOVE_S_MAX = 600,
    OUT_SIZE_MAX = 512 << 10, /* a row of each of LEASE_MEMBERS_MAX */
};

static enum status leases_open(const struct invocation *invocation, struct lease **out_lease,
                               uint32_t *out_lanes, struct error *out_error)
{
    struct data_folder *folder = NULL;
    enum status status = data_folder_open(invocation->data, DATA_FOLDER_GUEST, &folder, out_error);
    if (status != STATUS_OK) return status;
    const struct postgres_lease_options options = { .url = data_folder_store(folder) };
    *out_lanes = data_folder_lanes(folder);
    if (options.url == NULL) {
        status = error_set(out_error, STATUS_INVALID,
                           "the ledger in '%s' has one server: lanes "
                           "are moved between replicas before one database",
                           invocation->data);
    } else {
        status = postgres_lease_open(&options, out_lease, out_error);
    }
    data_folder_close(folder);
    return status;
}

/* ---- lane list ---- */

struct board {
    struct lease *lease;
    struct lease_member members[LEASE_MEMBERS_MAX];
    uint32_t count;
    struct lease_view views[LANES_MAX];
    uint32_t lanes;
};

static bool is_holder(const struct lease_member *member, const struct lease_view *view)
{
    return strcmp(view->holder.name, member->party.name) == 0;
}

/*
 * "owner" is who holds the lease, whatever it says of itself, until it says that it has stopped. Who
 * says that it owns the lane and has no lease may have ended, or not have looked yet: that is no
 * replica which recovers.
 */
static const char *role_of(const struct lease_member *member, const struct lease_view *view)
{
    bool stops = member->stage == LEASE_STAGE_STOPS;
    bool leased = is_holder(member, view) && view->left_ms > 0;
    if (member->stage == LEASE_STAGE_STOPPED) return "stopped";
    if (leased && member->holds) return "owner";
    if (leased && !stops) return "taking over";
    if (member->age_ms > GONE_MS) return "gone";
    if (stops) return "stopping";
    bool another = view->holder.name[0] != '\0' && !is_holder(member, view);
    if (member->holds) return another ? "lost lease" : "lease ended";
    return member->warm ? "warm" : "recovering";
}

/* Who answers for the lane; NULL: nobody. */
static const char *owner_of(const struct board *board, uint32_t lane)
{
    for (uint32_t i = 0; i < board->count; i++) {
        const struct lease_member *member = &board->members[i];
        bool owns =
            member->lane == lane && strcmp(role_of(member, &board->views[lane]), "owner") == 0;
        if (owns) return member->party.name;
    }
    return NULL;
}

static void member_json(const struct lease_member *member, const struct lease_view *view,
                        struct json_writer *writer)
{
    json_write_object_begin(writer);
    json_write_key(writer, STR("lane"));
    json_write_uint64(writer, member->lane);
    json_write_key(writer, STR("replica"));
    json_write_string(writer, str_from(member->party.name));
    json_write_key(writer, STR("role"));
    json_write_string(writer, str_from(role_of(member, view)));
    json_write_key(writer, STR("batch"));
    json_write_uint64(writer, member->batch);
    json_write_key(writer, STR("seen_ms_ago"));
    json_write_int64(writer, member->age_ms);
    json_write_key(writer, STR("url"));
    json_write_string(writer, str_from(member->party.url));
    json_write_object_end(writer);
}

static void member_text(const struct lease_member *member, const struct lease_view *view,
                        struct buf *out)
{
    buf_append_format(out, "%-5u %-20s %-11s %12llu %9.1f s  %s\n", member->lane,
                      member->party.name, role_of(member, view), (unsigned long long)member->batch,
                      (double)member->age_ms / 1000, /* not money: seconds */
                      member->party.url);
}

/* lease_ms: until the lease ends, below 0 since it did; absent when nobody ever held it. */
static void lane_json(const struct board *board, uint32_t lane, struct json_writer *writer)
{
    const struct lease_view *view = &board->views[lane];
    const char *owner = owner_of(board, lane);
    json_write_object_begin(writer);
    json_write_key(writer, STR("lane"));
    json_write_uint64(writer, lane);
    if (owner != NULL) {
        json_write_key(writer, STR("owner"));
        json_write_string(writer, str_from(owner));
    }
    if (view->holder.name[0] != '\0') {
        json_write_key(writer, STR("lease_of"));
        json_write_string(writer, str_from(view->holder.name));
    }
    if (view->epoch > 0) {
        json_write_key(writer, STR("lease_ms"));
        json_write_int64(writer, view->left_ms);
    }
    json_write_object_end(writer);
}

/* Nothing of a lane whose owner has said something lately: its row has all there is. */
static void lane_text(const struct board *board, uint32_t lane, struct buf *out)
{
    const struct lease_view *view = &board->views[lane];
    const char *name = view->holder.name;
    double seconds = (double)view->left_ms / 1000; /* not money: seconds */
    if (view->epoch == 0) {
        buf_append_format(out, "lane %u has no owner, and never had one\n", lane);
    } else if (name[0] == '\0') {
        buf_append_format(out, "lane %u has no owner: it was given back %.1f s ago\n", lane,
                          -seconds); /* not money: seconds */
    } else if (view->left_ms <= 0) {
        buf_append_format(out, "lane %u has no owner: the lease of %s ended %.1f s ago\n", lane,
                          name, -seconds); /* not money: seconds */
    } else if (owner_of(board, lane) == NULL) {
        buf_append_format(out, "lane %u has no owner yet: %s has its lease for %.1f s\n", lane,
                          name, seconds); /* not money: seconds */
    }
}

static enum status view_read(struct lease *lease, uint32_t lane, struct lease_view *out_view,
                             struct error *out_error)
{
    *out_view = (struct lease_view){ 0 };
    enum status status = lease->read(lease, lane, out_view, out_error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status board_read(struct board *board, struct error *out_error)
{
    CHECK(board->lease != NULL);
    enum status status = board->lease->members(board->lease, board->members, LEASE_MEMBERS_MAX,
                                               &board->count, out_error);
    for (uint32_t lane = 0; lane < board->lanes && status == STATUS_OK; lane++)
        status = view_read(board->lease, lane, &board->views[lane], out_error);
    return status;
}

static void board_json(const struct board *board, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("lanes"));
    json_write_array_begin(&writer);
    for (uint32_t lane = 0; lane < board->lanes; lane++) lane_json(board, lane, &writer);
    json_write_array_end(&writer);
    json_write_key(&writer, STR("replicas"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < board->count; i++) {
        const struct lease_member *member = &board->members[i];
        if (member->lane < board->lanes) member_json(member, &board->views[member->lane], &writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static void board_text(const struct board *board, struct buf *out)
{
    buf_append_format(out, "%-5s %-20s %-11s %12s %11s  %s\n", "LANE", "REPLICA", "ROLE", "BATCH",
                      "SEEN BEFORE", "URL");
    for (uint32_t i = 0; i < board->count; i++) {
        const struct lease_member *member = &board->members[i];
        if (member->lane < board->lanes) member_text(member, &board->views[member->lane], out);
    }
    for (uint32_t lane = 0; lane < board->lanes; lane++) lane_text(board, lane, out);
}

static int lane_list_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct board *board = reserve_new(sizeof *board);
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    if (board == NULL) {
        (void)error_set(&error, STATUS_LIMIT, "no memory for the list"); /* always that status */
        return report_error(invocation, &error);
    }
    enum status status = leases_open(invocation, &board->lease, &board->lanes, &error);
    if (status == STATUS_OK) status = board_read(board, &error);
    if (status == STATUS_OK && invocation->json) board_json(board, &out);
    if (status == STATUS_OK && !invocation->json) board_text(board, &out);
    if (board->lease != NULL) board->lease->close(board->lease);
    reserve_free(board, sizeof *board);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return report_text(invocation, buf_view(&out));
}

const struct command command_lane_list = {
    .name = "lane list",
    .summary = "which replica owns which lane, and who could",
    .details = "Of the replicas that said something within a day: the owner answers; those that "
               "are warm have read the journal to its end and could take over at once; who is "
               "gone has said nothing for 5 seconds. `stopping`: it was told to end, and finishes "
               "the calls that are under way; `stopped`: it said so at its end. `lease ended`: it "
               "said last that it owns the lane, and its lease has run out since, as when it was "
               "killed; `lost lease`: the same, and another has the lease. Lanes without an owner "
               "are told below, with when their lease ended or will.",
    .examples = "lane list",
    .run = lane_list_run,
};

/* ---- lane move ---- */

struct move {
    struct lease *lease;
    uint32_t lane;
    const char *to;
    struct monotonic_time begun;
    struct monotonic_time until;
};

static const char *hindrance_of(const struct lease_member *member)
{
    if (member->stage == LEASE_STAGE_STOPPED) return "stopped";
    if (member->age_ms > GONE_MS) return "gone";
    return member->stage == LEASE_STAGE_STOPS ? "stopping" : "recovering";
}

/* Who is to have it must be there and warm: else nothing would happen, and nobody would say so. */
static enum status heir_check(const struct move *move, struct error *out_error)
{
    struct lease_member members[LEASE_MEMBERS_MAX];
    uint32_t count = 0;
    CHECK(move->lease != NULL);
    enum status status =
        move->lease->members(move->lease, members, LEASE_MEMBERS_MAX, &count, out_error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        const struct lease_member *member = &members[i];
        if (member->lane != move->lane || strcmp(member->party.name, move->to) != 0) continue;
        if (member->age_ms <= GONE_MS && (member->warm || member->holds)) return STATUS_OK;
        (void)error_set(out_error, STATUS_UNAVAILABLE, /* always that status */
                        "the replica '%s' could not take it over: it is %s", move->to,
                        hindrance_of(member));
        error_hint(out_error, "name one that `tpwallet lane list` shows as warm, or wait");
        return STATUS_UNAVAILABLE;
    }
    (void)error_set(out_error, STATUS_NOT_FOUND, "no replica '%s' follows lane %u", move->to,
                    move->lane); /* always that status */
    error_hint(out_error, "tpwallet lane list");
    return STATUS_NOT_FOUND;
}

/* Under load a follower is a few batches behind at one look, and has caught up at the next. */
static enum status heir_wait(const struct move *move, struct error *out_error)
{
    struct monotonic_time until = { move->begun.ns + HEIR_MS_MAX * NS_PER_MS };
    for (;;) {
        enum status status = heir_check(move, out_error);
        bool over = clock_monotonic(system_clock()).ns >= until.ns;
        if (status != STATUS_UNAVAILABLE || over) return status;
        pause_ms(LOOK_MS);
    }
}

/* The heir has said that it answers, not only that it holds the lease. */
static enum status owns_look(const struct move *move, bool *out_owns, struct error *out_error)
{
    struct lease_member members[LEASE_MEMBERS_MAX];
    uint32_t count = 0;
    struct lease_view view;
    enum status status = view_read(move->lease, move->lane, &view, out_error);
    if (status == STATUS_OK)
        status = move->lease->members(move->lease, members, LEASE_MEMBERS_MAX, &count, out_error);
    if (status != STATUS_OK) return status;
    *out_owns = false;
    for (uint32_t i = 0; i < count; i++) {
        bool it = members[i].lane == move->lane && strcmp(members[i].party.name, move->to) == 0;
        if (it) *out_owns = strcmp(role_of(&members[i], &view), "owner") == 0;
    }
    return STATUS_OK;
}

static enum status move_wait(const struct move *move, struct error *out_error)
{
    for (;;) {
        bool owns = false;
        enum status status = owns_look(move, &owns, out_error);
        if (status != STATUS_OK || owns) return status;
        if (clock_monotonic(system_clock()).ns >= move->until.ns) break;
        pause_ms(LOOK_MS);
    }
    (void)error_set(out_error, STATUS_UNAVAILABLE, "lane %u was not handed over in time",
                    move->lane); /* always that status */
    error_hint(out_error, "its owner may still do it: tpwallet lane list");
    return STATUS_UNAVAILABLE;
}

static enum status no_such_lane(uint64_t lane, uint32_t lanes, struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "there is no lane %llu", /* always that status */
                    (unsigned long long)lane);
    if (lanes == 1) error_detail(out_error, "the ledger has one lane, and its number is 0");
    if (lanes > 1) error_detail(out_error, "the ledger has the lanes 0 to %u", lanes - 1);
    error_hint(out_error, "tpwallet lane list");
    return STATUS_INVALID;
}

static enum status move_run(const struct invocation *invocation, struct move *move,
                            struct error *out_error)
{
    uint64_t lane = 0;
    uint32_t lanes = 0;
    uint64_t timeout_s = 0;
    if (decimal_parse(str_from(invocation->positionals[0]), INT32_MAX, &lane) != STATUS_OK)
        return error_set(out_error, STATUS_INVALID, "a lane is a number");
    enum status status = invocation_number(
        invocation, "timeout-s", (struct number_range){ 1, MOVE_S_MAX }, &timeout_s, out_error);
    if (status != STATUS_OK) return status;
    move->lane = (uint32_t)lane;
    move->to = invocation_text(invocation, "to");
    if (move->to == NULL || strlen(move->to) >= LEASE_NAME_SIZE)
        return error_set(out_error, STATUS_INVALID, "--to names the replica that is to own it");
    status = leases_open(invocation, &move->lease, &lanes, out_error);
    if (status == STATUS_OK && lane >= lanes) status = no_such_lane(lane, lanes, out_error);
    if (status != STATUS_OK) return status;
    move->begun = clock_monotonic(system_clock());
    move->until.ns = move->begun.ns + (int64_t)timeout_s * NS_PER_S;
    status = heir_wait(move, out_error);
    bool owns = false;
    if (status == STATUS_OK) status = owns_look(move, &owns, out_error);
    if (status != STATUS_OK || owns) return status;
    status = move->lease->want(move->lease, move->lane, move->to, out_error);
    return status == STATUS_OK ? move_wait(move, out_error) : status;
}

static int lane_move_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct move move = { .lease = NULL };
    enum status status = move_run(invocation, &move, &error);
    if (move.lease != NULL) move.lease->close(move.lease);
    if (status != STATUS_OK) return report_error(invocation, &error);
    CHECK(move.to != NULL);
    int64_t took_ms = (clock_monotonic(system_clock()).ns - move.begun.ns) / NS_PER_MS;
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("lane"));
        json_write_uint64(&writer, move.lane);
        json_write_key(&writer, STR("owner"));
        json_write_string(&writer, str_from(move.to));
        json_write_key(&writer, STR("took_ms"));
        json_write_int64(&writer, took_ms);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        buf_append_format(&out, "%s owns lane %u, %lld ms after it was asked for\n", move.to,
                          move.lane, (long long)took_ms);
    }
    return report_text(invocation, buf_view(&out));
}

static const struct positional move_positionals[] = {
    { "LANE", "its number; the first is 0", false },
    { 0 },
};

static const struct option move_options[] = {
    { "to", "NAME", "the replica that is to own it: warm, as `tpwallet lane list` shows", NULL },
    { "timeout-s", "SECONDS", "how long to wait for it, 1 to 600", "30" },
    { 0 },
};

const struct command command_lane_move = {
    .name = "lane move",
    .summary = "hand a lane to another replica, without a failed request",
    .details = "The owner takes nothing new, answers what has begun, and gives its lease to the "
               "named replica; all replicas hold what comes meanwhile, and hand it to the new "
               "owner. Returns when that one answers.",
    .positionals = move_positionals,
    .options = move_options,
    .examples = "lane move 0 --to replica-b",
    .run = lane_move_run,
};
