/* GET /v1/accounts/{id}/entries and /statement. */
#include "api/account_walk.h"
#include "api/lookup.h"
#include "base/check.h"

enum { ENTRIES_LOOKED_AT_MAX = 50000 }; /* by one call; then the page ends early, with a cursor */

static enum api_progress history_start(struct work *work)
{
    work->slow = true;
    return work_queue(work);
}

static struct cursor history_cursor(struct work *work, uint8_t list)
{
    struct cursor cursor = { .list = list };
    cursor.filters = cursor_filter(0, &work->id, sizeof work->id);
    cursor.filters = cursor_filter(cursor.filters, &work->query.from, sizeof work->query.from);
    cursor.filters = cursor_filter(cursor.filters, &work->query.to, sizeof work->query.to);
    return cursor;
}

/* A cursor that was tampered with may point anywhere: only an entry of the account will do. */
static bool place_check(struct work *work, uint64_t place)
{
    struct history_entry entry;
    struct error error = { 0 };
    struct locator locator = { place };
    enum status status = STATUS_NOT_FOUND;
    if (locator_batch(locator) <= journal_head(work))
        status = history_transfer(work->api->ports.store, locator, &entry, &error);
    if (status == STATUS_OK) {
        struct uuid id = work->id;
        if (uuid_equal(entry.transfer.debit.value, id)) return true;
        if (uuid_equal(entry.transfer.credit.value, id)) return true;
    }
    if (status == STATUS_UNAVAILABLE) return work_history_ok(work, status, &error);
    return problem_raise(&work->problem, PROBLEM_INVALID_CURSOR, NULL);
}

static bool stamped_before(const struct history_entry *entry, struct wall_time time)
{
    return entry->stamp.ns < time.ns;
}

/* ---- entries ---- */

static void entries_write(struct work *work, struct account_walk *walk, struct cursor *cursor)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    struct render_entry_extra extra = { .account = walk->account };
    uint32_t wanted = work->query.limit;
    cursor->place = 0;
    for (uint32_t looked = 0; wanted > 0 && looked < ENTRIES_LOOKED_AT_MAX; looked++) {
        const struct history_entry *entry = account_walk_next(walk);
        cursor->place = 0;
        if (entry == NULL || stamped_before(entry, work->query.from)) break;
        cursor->place = account_walk_after(walk, entry).packed;
        if (!stamped_before(entry, work->query.to)) continue;
        render_entry(&render, entry, &extra);
        wanted--;
    }
    if (problem_is_set(&work->problem)) return;
    list_end(&render, cursor->place == 0 ? NULL : cursor, work->read.as_of_batch);
}

static void entries_run(struct work *work)
{
    struct cursor cursor = history_cursor(work, ROUTE_ACCOUNTS_ENTRIES);
    if (!cursor_take(work, &cursor) || !account_load(work)) return;
    struct locator newest = work->account_state.last_entry;
    if (cursor.place != 0 && !place_check(work, cursor.place)) return;
    if (cursor.place != 0) newest.packed = cursor.place;
    struct account_walk walk;
    if (account_walk_begin(&walk, work, newest)) entries_write(work, &walk, &cursor);
}

HANDLER(ROUTE_ACCOUNTS_ENTRIES, accounts_entries) = { .start = history_start, .run = entries_run };

/* ---- statement ---- */

struct statement {
    struct render render;
    struct balance running; /* after the entry being looked at */
    struct balance closing;
    bool closed; /* an entry before `to` was seen: closing is known */
    uint32_t wanted;
    uint64_t first; /* locator of the page's first entry; 0: the newest of the period */
    struct cursor cursor;
    bool more;
};

/* An entry of the period: on this page, on one before or on one after it. */
static void statement_item(struct work *work, struct statement *statement,
                           const struct history_entry *entry)
{
    bool before = statement->first != 0 && entry->locator.packed > statement->first;
    if (before) return;
    if (statement->wanted == 0) {
        if (!statement->more) statement->cursor.place = entry->locator.packed;
        statement->more = true;
        return;
    }
    struct render_entry_extra extra = {
        .account = work->account_state.account.id,
        .balance = &statement->running,
        .account_kind = work->account_state.account.kind,
    };
    render_entry(&statement->render, entry, &extra);
    statement->wanted--;
}

/* Walks back through the period; at its end `running` is the opening balance. */
static bool statement_items(struct work *work, struct account_walk *walk,
                            struct statement *statement)
{
    const struct history_entry *entry = account_walk_next(walk);
    while (entry != NULL && !stamped_before(entry, work->query.from)) {
        if (stamped_before(entry, work->query.to)) {
            if (!statement->closed) statement->closing = statement->running;
            statement->closed = true;
            statement_item(work, statement, entry);
        }
        if (!account_walk_undo(walk, entry, &statement->running)) return false;
        entry = account_walk_next(walk);
    }
    if (!statement->closed) statement->closing = statement->running;
    return !problem_is_set(&work->problem);
}

static void statement_write(struct work *work, struct account_walk *walk,
                            struct statement *statement)
{
    struct render *render = &statement->render;
    const struct account *account = &work->account_state.account;
    render_init(render, &work->assets, &work->call->answer);
    json_write_object_begin(&render->json);
    render_uuid(render, STR("account"), account->id.value);
    render_asset(render, account->asset);
    if ((work->query.present & PARAMETER_FROM) != 0)
        render_time(render, STR("from"), work->query.from);
    if ((work->query.present & PARAMETER_TO) != 0) render_time(render, STR("to"), work->query.to);
    json_write_key(&render->json, STR("items"));
    json_write_array_begin(&render->json);
    if (!statement_items(work, walk, statement)) return;
    json_write_array_end(&render->json);
    render_balance(render, STR("opening"), &statement->running, account->asset, account->kind);
    render_balance(render, STR("closing"), &statement->closing, account->asset, account->kind);
    if (statement->more) {
        char text[CURSOR_TEXT_SIZE];
        render_text(render, STR("next"), cursor_format(&statement->cursor, text));
    }
    render_as_of(render, work->read.as_of_batch);
    json_write_object_end(&render->json);
    render_end(render);
}

static void statement_run(struct work *work)
{
    struct cursor cursor = history_cursor(work, ROUTE_ACCOUNTS_STATEMENT);
    if (!cursor_take(work, &cursor) || !account_load(work)) return;
    struct statement statement = {
        .running = work->account_state.balance,
        .wanted = work->query.limit,
        .first = cursor.place,
        .cursor = cursor,
    };
    struct account_walk walk;
    if (account_walk_begin(&walk, work, work->account_state.last_entry))
        statement_write(work, &walk, &statement);
}

HANDLER(ROUTE_ACCOUNTS_STATEMENT, accounts_statement) = { .start = history_start,
                                                          .run = statement_run };
