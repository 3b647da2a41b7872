/* GET /v1/trial-balance: totals from memory, or by reading the journal to or from a position. */
#include "api/lanes_total.h"
#include "api/lookup.h"
#include "base/check.h"
#include "model/position.h"
#include "wallet/history.h"

enum {
    ROWS_MAX = (1000 + ASSETS_CUSTOM_MAX) * ACCOUNT_KIND_END, /* ISO numbers, custom assets */
    ROWS_PAST_MAX = 4096,     /* of the past: more assets than that in use go to the export */
    GROUP = READ_IDS_MAX / 2, /* entries whose two accounts are looked up in one read */
};

/* As of when the rows of each lane are. */
static void lanes_write(struct render *render, const struct lanes_total *total, uint32_t lanes)
{
    json_write_key(&render->json, STR("lanes"));
    json_write_array_begin(&render->json);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        json_write_object_begin(&render->json);
        render_number(render, STR("lane"), lane);
        render_position(render, STR("as_of"), total->as_of[lane]);
        json_write_object_end(&render->json);
    }
    json_write_array_end(&render->json);
}

/* total: NULL when they are of one lane. */
static void rows_write(struct work *work, const struct totals_row *rows, uint32_t count,
                       struct position as_of, const struct lanes_total *total)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("rows"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) {
        json_write_object_begin(&render.json);
        render_asset(&render, rows[i].asset);
        render_name(&render, STR("kind"), account_kind_name(rows[i].kind));
        if (rows[i].account_count != 0)
            render_number(&render, STR("account_count"), rows[i].account_count);
        render_balance(&render, STR("balance"), &rows[i].balance, rows[i].asset, rows[i].kind);
        json_write_object_end(&render.json);
    }
    json_write_array_end(&render.json);
    if (total == NULL) render_position(&render, STR("as_of"), as_of);
    if (total != NULL) lanes_write(&render, total, work->api->options.lanes);
    json_write_object_end(&render.json);
    render_end(&render);
}

/* By asset, then kind: few rows, mostly in order. */
static void rows_sort(struct totals_row *rows, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct totals_row row = rows[i];
        uint32_t at = i;
        while (at > 0 && (rows[at - 1].asset > row.asset ||
                          (rows[at - 1].asset == row.asset && rows[at - 1].kind > row.kind))) {
            rows[at] = rows[at - 1];
            at--;
        }
        rows[at] = row;
    }
}

static void now_run(struct work *work)
{
    if (!work_reserve(work, ROWS_MAX * sizeof(struct totals_row) + 16)) return;
    struct read read = {
        .kind = READ_TOTALS,
        .limit = ROWS_MAX,
        .totals = arena_take_array(&work->bulk, ROWS_MAX, sizeof(struct totals_row)),
    };
    CHECK(read.totals != NULL);
    if (!work_read(work, &read)) return;
    CHECK(!work->read.more);
    const struct position as_of = { work->read.as_of_batch, POSITION_INDEX_END };
    if (!lanes_total_wanted(work)) {
        rows_write(work, work->read.totals, work->read.found, as_of, NULL);
        return;
    }
    struct lanes_total total = { work->read.totals, work->read.found, ROWS_MAX, { { 0 } } };
    total.as_of[work->api->options.lane] = as_of;
    if (!lanes_total_add(work, &total)) return;
    work->total = true;
    rows_sort(total.rows, total.count);
    rows_write(work, total.rows, total.count, as_of, &total);
}

/* ---- as of a position ---- */

/*
 * From the first batch on, or from the totals of now back: whichever is nearer. Kinds are not in
 * the records: entries wait in a group until their accounts were looked up.
 */
struct replay {
    struct work *work;
    struct position at;
    bool back;
    struct position newest; /* going back: the last unit in the totals that it began with */
    struct monotonic_time until;
    struct history_entry *entries; /* GROUP */
    uint32_t entry_count;
    struct uuid *ids;               /* of both sides of each entry */
    struct account_state *accounts; /* with these ids */
    struct totals_row *rows;
    uint32_t row_count;
};

static bool damage_raise(struct replay *replay, const struct history_entry *entry)
{
    struct error error = { 0 };
    enum status status = error_set(&error, STATUS_CORRUPT, "an entry does not fit the totals");
    error_detail(&error, "entry in batch %llu", (unsigned long long)entry->position.batch);
    return work_history_ok(replay->work, status, &error);
}

/* The row of an asset and kind, made when it is the first; NULL with the problem raised. */
static struct totals_row *row_of(struct replay *replay, uint32_t asset, uint16_t kind)
{
    for (uint32_t i = 0; i < replay->row_count; i++) {
        struct totals_row *row = &replay->rows[i];
        if (row->asset == asset && row->kind == kind) return row;
    }
    if (replay->row_count == ROWS_PAST_MAX) {
        (void)problem_raise(&replay->work->problem, PROBLEM_HISTORY_TOO_LONG, "use the export");
        return NULL;
    }
    struct totals_row *row = &replay->rows[replay->row_count++];
    *row = (struct totals_row){ .asset = asset, .kind = kind };
    return row;
}

static bool side_apply(struct replay *replay, const struct history_entry *entry,
                       const struct account *account)
{
    if (uuid_is_nil(account->id.value)) return damage_raise(replay, entry);
    struct totals_row *row = row_of(replay, account->asset, account->kind);
    if (row == NULL) return false;
    return history_effect(entry, account->id, replay->back, &row->balance) ||
           damage_raise(replay, entry);
}

static bool group_apply(struct replay *replay)
{
    uint32_t count = replay->entry_count;
    replay->entry_count = 0;
    if (count == 0) return true;
    for (uint32_t i = 0; i < count; i++) {
        replay->ids[2 * i] = replay->entries[i].transfer.debit.value;
        replay->ids[2 * i + 1] = replay->entries[i].transfer.credit.value;
    }
    struct read read = {
        .kind = READ_ACCOUNTS, .count = 2 * count, .ids = replay->ids, .accounts = replay->accounts
    };
    if (!work_read(replay->work, &read)) return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct history_entry *entry = &replay->entries[i];
        if (!side_apply(replay, entry, &replay->accounts[2 * i].account)) return false;
        if (!side_apply(replay, entry, &replay->accounts[2 * i + 1].account)) return false;
    }
    return true;
}

static bool replay_take(struct replay *replay, const struct history_entry *entry)
{
    if (entry->transfer.head.outcome != OUTCOME_OK) return true;
    replay->entries[replay->entry_count++] = *entry;
    if (replay->entry_count < GROUP) return true;
    return !work_history_over(replay->work, replay->until) && group_apply(replay);
}

/* False: the position is reached, or a problem is raised. */
static bool forward_visit(void *argument, const struct history_entry *entry)
{
    struct replay *replay = argument;
    return !position_after(entry->position, replay->at) && replay_take(replay, entry);
}

/* The same; what came after the totals were taken is not in them. */
static bool back_visit(void *argument, const struct history_entry *entry)
{
    struct replay *replay = argument;
    if (position_after(entry->position, replay->newest)) return true;
    return position_after(entry->position, replay->at) && replay_take(replay, entry);
}

static bool replay_begin(struct replay *replay, struct work *work)
{
    *replay =
        (struct replay){ .work = work, .at = work->query.at, .until = work_history_until(work) };
    enum { SLACK = 64 }; /* what the arena needs to align four pieces */
    size_t size = GROUP * (sizeof(struct history_entry) + 2 * sizeof(struct account_state) +
                           2 * sizeof(struct uuid));
    if (!work_reserve(work, size + ROWS_PAST_MAX * sizeof(struct totals_row) + SLACK)) return false;
    replay->entries = arena_take_array(&work->bulk, GROUP, sizeof(struct history_entry));
    replay->ids = arena_take_array(&work->bulk, READ_IDS_MAX, sizeof(struct uuid));
    replay->accounts = arena_take_array(&work->bulk, READ_IDS_MAX, sizeof(struct account_state));
    replay->rows = arena_take_array(&work->bulk, ROWS_PAST_MAX, sizeof(struct totals_row));
    CHECK(replay->entries != NULL);
    CHECK(replay->ids != NULL);
    CHECK(replay->accounts != NULL);
    CHECK(replay->rows != NULL);
    return true;
}

/* Begins with the totals of now. False: they do not fit, or a problem is raised. */
static bool back_begin(struct replay *replay)
{
    struct read read = { .kind = READ_TOTALS, .limit = ROWS_PAST_MAX, .totals = replay->rows };
    if (!work_read(replay->work, &read) || replay->work->read.more) return false;
    uint64_t batch = replay->work->read.as_of_batch;
    uint32_t units = replay->work->read.as_of_units;
    replay->newest = units == 0 ? (struct position){ batch - 1, POSITION_INDEX_END }
                                : (struct position){ batch, units - 1 };
    replay->row_count = replay->work->read.found;
    for (uint32_t i = 0; i < replay->row_count; i++) replay->rows[i].account_count = 0;
    replay->back = true;
    return true;
}

static bool replay_run(struct replay *replay, uint64_t head)
{
    struct store *store = replay->work->api->ports.store;
    struct error error = { 0 };
    enum status status = STATUS_OK;
    bool near_head = head - replay->at.batch < replay->at.batch;
    if (near_head && back_begin(replay)) {
        status = history_scan_back(store, replay->at.batch, replay->newest.batch, back_visit,
                                   replay, &error);
    } else if (replay->at.batch > 0 && !problem_is_set(&replay->work->problem)) {
        status = history_scan(store, 1, replay->at.batch, forward_visit, replay, &error);
    }
    if (!work_history_ok(replay->work, status, &error)) return false;
    return !problem_is_set(&replay->work->problem) && group_apply(replay);
}

/* Of which nothing is reserved, and nothing ever was posted. */
static bool row_is_empty(const struct totals_row *row)
{
    const struct balance *balance = &row->balance;
    return money_is_zero(balance->debits_posted) && money_is_zero(balance->debits_pending) &&
           money_is_zero(balance->credits_posted) && money_is_zero(balance->credits_pending);
}

static void rows_drop_empty(struct replay *replay)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < replay->row_count; i++) {
        if (!row_is_empty(&replay->rows[i])) replay->rows[kept++] = replay->rows[i];
    }
    replay->row_count = kept;
}

static void past_run(struct work *work)
{
    struct replay replay;
    uint64_t head = journal_head(work);
    if (work->query.at.batch > head) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_field(&work->problem, "at");
        problem_detail(&work->problem, "the journal has not reached this position");
        return;
    }
    if (!replay_begin(&replay, work) || !replay_run(&replay, head)) return;
    rows_drop_empty(&replay);
    rows_sort(replay.rows, replay.row_count);
    rows_write(work, replay.rows, replay.row_count, replay.at, NULL);
}

static enum api_progress get_start(struct work *work)
{
    work->slow = (work->query.present & PARAMETER_AT) != 0;
    work->wide = !work->slow && lanes_total_wanted(work);
    return work_queue(work);
}

static void get_run(struct work *work)
{
    if ((work->query.present & PARAMETER_AT) != 0)
        past_run(work);
    else
        now_run(work);
}

HANDLER(ROUTE_TRIAL_BALANCE_GET, trial_balance_get) = { .start = get_start, .run = get_run };
