/* GET /v1/trial-balance: totals from memory, or by reading the journal up to a position. */
#include "api/lookup.h"
#include "base/check.h"
#include "model/position.h"
#include "wallet/history.h"

enum {
    ROWS_MAX = (1000 + ASSETS_CUSTOM_MAX) * ACCOUNT_KIND_END, /* ISO numbers, custom assets */
    ROWS_PAST_MAX = 4096,     /* of the past: more assets than that in use go to the export */
    GROUP = READ_IDS_MAX / 2, /* entries whose two accounts are looked up in one read */
};

static void rows_write(struct work *work, const struct totals_row *rows, uint32_t count,
                       struct position as_of)
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
    render_position(&render, STR("as_of"), as_of);
    json_write_object_end(&render.json);
    render_end(&render);
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
    rows_write(work, work->read.totals, work->read.found,
               (struct position){ work->read.as_of_batch, POSITION_INDEX_END });
}

/* ---- as of a position ---- */

/* Kinds are not in the records: entries wait in a group until their accounts were looked up. */
struct replay {
    struct work *work;
    struct position at;
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
    return history_effect(entry, account->id, false, &row->balance) || damage_raise(replay, entry);
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

/* False: the position is reached, or a problem is raised. */
static bool replay_visit(void *argument, const struct history_entry *entry)
{
    struct replay *replay = argument;
    if (position_after(entry->position, replay->at)) return false;
    if (entry->transfer.head.outcome != OUTCOME_OK) return true;
    replay->entries[replay->entry_count++] = *entry;
    if (replay->entry_count < GROUP) return true;
    return !work_history_over(replay->work, replay->until) && group_apply(replay);
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

static void past_run(struct work *work)
{
    struct replay replay;
    if (work->query.at.batch > journal_head(work)) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_field(&work->problem, "at");
        problem_detail(&work->problem, "the journal has not reached this position");
        return;
    }
    if (!replay_begin(&replay, work)) return;
    if (replay.at.batch > 0) {
        struct error error = { 0 };
        enum status status =
            history_scan(work->api->ports.store, 1, replay.at.batch, replay_visit, &replay, &error);
        if (!work_history_ok(work, status, &error) || problem_is_set(&work->problem)) return;
    }
    if (!group_apply(&replay)) return;
    rows_sort(replay.rows, replay.row_count);
    rows_write(work, replay.rows, replay.row_count, replay.at);
}

static enum api_progress get_start(struct work *work)
{
    work->slow = (work->query.present & PARAMETER_AT) != 0;
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
