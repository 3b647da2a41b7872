/* GET /v1/transfers and /v1/transfers/{id}. */
#include "api/lookup.h"
#include "base/check.h"

/* ---- one ---- */

static bool entry_load(struct work *work, struct locator locator, struct history_entry *out_entry)
{
    struct error error = { 0 };
    enum status status = history_transfer(work->api->ports.store, locator, out_entry, &error);
    return work_history_ok(work, status, &error);
}

/* reversed: for READ_TRANSFERS; NULL otherwise. */
static bool locator_read(struct work *work, enum read_kind kind, struct money *reversed)
{
    struct read read = {
        .kind = kind,
        .count = 1,
        .ids = &work->id,
        .locators = &work->locator,
        .reversed = reversed,
    };
    return work_read(work, &read);
}

static void get_run(struct work *work)
{
    struct render_entry_extra extra = { 0 };
    if (!locator_read(work, READ_TRANSFERS, &extra.reversed)) return;
    if (locator_is_none(work->locator)) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "there is no transfer with this id");
        return;
    }
    struct history_entry entry;
    struct history_entry closing;
    if (!entry_load(work, work->locator, &entry)) return;
    if (transfer_kind_holds(entry.transfer.head.kind)) {
        if (!locator_read(work, READ_CLOSING, NULL)) return;
        extra.closing_known = true;
        if (!locator_is_none(work->locator)) {
            if (!entry_load(work, work->locator, &closing)) return;
            extra.closing = &closing;
        }
    }
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    render_entry(&render, &entry, &extra);
    render_end(&render);
}

HANDLER(ROUTE_TRANSFERS_GET, transfers_get) = { .start = work_queue, .run = get_run };

/* ---- many ---- */

struct listing {
    struct work *work;
    struct render render;
    struct cursor cursor; /* the last entry looked at */
    uint32_t wanted;
    bool more;
    struct monotonic_time until;
};

static void listing_begin(struct listing *listing, struct work *work, const struct cursor *cursor)
{
    *listing = (struct listing){
        .work = work,
        .cursor = *cursor,
        .wanted = work->query.limit,
        .until = work_history_until(work),
    };
    render_init(&listing->render, &work->assets, &work->call->answer);
    json_write_object_begin(&listing->render.json);
    json_write_key(&listing->render.json, STR("items"));
    json_write_array_begin(&listing->render.json);
}

static void listing_add(struct listing *listing, const struct history_entry *entry)
{
    struct render_entry_extra extra = { 0 };
    render_entry(&listing->render, entry, &extra);
    listing->wanted--;
}

/* By time: everything after the cursor until the page is full. */
static bool scan_visit(void *argument, const struct history_entry *entry)
{
    struct listing *listing = argument;
    if (entry->locator.packed <= listing->cursor.place) return true;
    listing->more = listing->wanted == 0;
    if (listing->more || work_history_over(listing->work, listing->until)) return false;
    listing->cursor.place = entry->locator.packed;
    listing_add(listing, entry);
    return true;
}

static bool batch_at(struct work *work, struct wall_time time, uint64_t *out_batch)
{
    struct store *store = work->api->ports.store;
    struct error error = { 0 };
    enum status status = store->find_stamp(store, time, out_batch, &error);
    return work_history_ok(work, status, &error);
}

static void time_list(struct work *work, const struct cursor *cursor)
{
    uint64_t head = journal_head(work);
    uint64_t first = 1;
    uint64_t last = head;
    if ((work->query.present & PARAMETER_FROM) != 0 && !batch_at(work, work->query.from, &first))
        return;
    if ((work->query.present & PARAMETER_TO) != 0) {
        uint64_t after = 0;
        if (!batch_at(work, work->query.to, &after)) return;
        if (after - 1 < last) last = after - 1;
    }
    uint64_t reached = locator_batch((struct locator){ cursor->place });
    if (reached > first) first = reached;
    struct listing listing;
    listing_begin(&listing, work, cursor);
    if (first <= last) {
        struct error error = { 0 };
        enum status status =
            history_scan(work->api->ports.store, first, last, scan_visit, &listing, &error);
        if (!work_history_ok(work, status, &error) || problem_is_set(&work->problem)) return;
    }
    list_end(&listing.render, cursor_next(work, &listing.cursor, listing.more), head);
}

static bool in_period(const struct work *work, const struct history_entry *entry)
{
    return entry->stamp.ns >= work->query.from.ns && entry->stamp.ns < work->query.to.ns;
}

static void reference_list(struct work *work, const struct cursor *cursor)
{
    uint32_t limit = work->query.limit;
    if (!work_reserve(work, limit * sizeof(struct locator) + 16)) return;
    struct read read = {
        .kind = READ_REFERENCE,
        .count = 1,
        .limit = limit,
        .ids = &work->query.user_ref,
        .after = { cursor->place },
        .locators = arena_take_array(&work->bulk, limit, sizeof(struct locator)),
    };
    CHECK(read.locators != NULL);
    if (!work_read(work, &read)) return;
    uint64_t as_of = work->read.as_of_batch;
    struct listing listing;
    listing_begin(&listing, work, cursor);
    for (uint32_t i = 0; i < work->read.found; i++) {
        struct history_entry entry;
        if (!entry_load(work, work->read.locators[i], &entry)) return;
        listing.cursor.place = work->read.locators[i].packed;
        if (in_period(work, &entry)) listing_add(&listing, &entry);
    }
    list_end(&listing.render, cursor_next(work, &listing.cursor, work->read.more), as_of);
}

static enum api_progress list_start(struct work *work)
{
    work->slow = (work->query.present & PARAMETER_USER_REF) == 0;
    return work_queue(work);
}

static void list_run(struct work *work)
{
    const struct query *query = &work->query;
    struct cursor cursor = cursor_begin(work, ROUTE_TRANSFERS_LIST);
    cursor.filters = cursor_filter(cursor.filters, &query->user_ref, sizeof query->user_ref);
    cursor.filters = cursor_filter(cursor.filters, &query->from, sizeof query->from);
    cursor.filters = cursor_filter(cursor.filters, &query->to, sizeof query->to);
    if (!cursor_take(work, &cursor)) return;
    if ((query->present & PARAMETER_USER_REF) != 0)
        reference_list(work, &cursor);
    else
        time_list(work, &cursor);
}

HANDLER(ROUTE_TRANSFERS_LIST, transfers_list) = { .start = list_start, .run = list_run };
