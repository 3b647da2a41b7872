/* GET /v1/transits: what is between this lane and others: the departures that have no end yet. */
#include "api/lookup.h"
#include "base/check.h"
#include "model/transit.h"

enum {
    GROUP = 64,        /* departures looked at together */
    LOOKED_MAX = 8000, /* for one page: with a filter it may end early, and name the next */
};

/* An open departure, and what is known of it. */
struct departure {
    struct history_entry entry;
    struct transit_account way;
    bool paid;           /* a payment waits for it: what it has as its reference */
    const char *outcome; /* that its end was refused with; NULL: it waits */
};

struct listing {
    struct work *work;
    struct render render;
    struct cursor cursor;
    uint32_t wanted; /* more of them in this page */
    uint64_t looked;
    uint32_t count; /* of those that are looked at together */
    struct departure *departures;
    struct locator *locators;
    struct payment *payments;
    struct uuid *references;
};

static bool listing_begin(struct listing *listing, struct work *work, const struct cursor *cursor)
{
    *listing = (struct listing){ .work = work, .cursor = *cursor, .wanted = work->query.limit };
    size_t each = sizeof(struct departure) + sizeof(struct locator) + sizeof(struct payment) +
                  sizeof(struct uuid);
    if (!work_reserve(work, GROUP * each + 64)) return false;
    struct arena *bulk = &work->bulk;
    listing->departures = arena_take_array(bulk, GROUP, sizeof(struct departure));
    listing->payments = arena_take_array(bulk, GROUP, sizeof(struct payment));
    listing->references = arena_take_array(bulk, GROUP, sizeof(struct uuid));
    listing->locators = arena_take_array(bulk, GROUP, sizeof(struct locator));
    CHECK(listing->departures != NULL && listing->payments != NULL);
    CHECK(listing->references != NULL && listing->locators != NULL);
    render_init(&listing->render, &work->assets, &work->call->answer);
    json_write_object_begin(&listing->render.json);
    json_write_key(&listing->render.json, STR("items"));
    json_write_array_begin(&listing->render.json);
    return true;
}

/* ---- What is known of them ---- */

/* The next ones, as they left. */
static bool departures_load(struct listing *listing)
{
    struct work *work = listing->work;
    const struct read read = {
        .kind = READ_TRANSITS,
        .from = listing->cursor.place,
        .peer = work->query.peer,
        .limit = listing->wanted < GROUP ? listing->wanted : GROUP,
        .locators = listing->locators,
    };
    if (!work_read(work, &read)) return false;
    listing->looked += work->read.from - listing->cursor.place;
    listing->cursor.place = work->read.from;
    listing->count = work->read.found;
    for (uint32_t i = 0; i < listing->count; i++) {
        struct departure *departure = &listing->departures[i];
        struct error error = { 0 };
        enum status status = history_transfer(work->api->ports.store, listing->locators[i],
                                              &departure->entry, &error);
        if (!work_history_ok(work, status, &error)) return false;
        bool parsed = transit_way_parse(&departure->entry.transfer, &departure->way);
        CHECK(parsed && departure->entry.transfer.head.kind == TRANSFER_DEPARTURE);
        departure->paid = false;
        departure->outcome = NULL;
    }
    return true;
}

/* Whose reference is a payment that waits for it. */
static bool payments_find(struct listing *listing)
{
    uint32_t which[GROUP];
    uint32_t count = 0;
    for (uint32_t i = 0; i < listing->count; i++) {
        struct uuid reference = listing->departures[i].entry.transfer.user_ref;
        if (uuid_is_nil(reference)) continue;
        listing->references[count] = reference;
        which[count++] = i;
    }
    const struct read read = {
        .kind = READ_PAYMENTS,
        .count = count,
        .ids = listing->references,
        .payments = listing->payments,
        .locators = listing->locators,
    };
    if (count > 0 && !work_read(listing->work, &read)) return false;
    for (uint32_t i = 0; i < count; i++) {
        struct departure *departure = &listing->departures[which[i]];
        departure->paid = payment_waits_for(&listing->payments[i], departure->entry.transfer.id);
    }
    return true;
}

static void refusals_find(struct listing *listing)
{
    struct transit *transit = listing->work->api->options.transit;
    for (uint32_t i = 0; i < listing->count && transit != NULL; i++) {
        struct departure *departure = &listing->departures[i];
        departure->outcome = transit_refusal(transit, departure->way.peer,
                                             departure->entry.transfer.id, departure->paid);
    }
}

/* ---- The page ---- */

/* Whose money goes to whom, whichever of both is here. */
static void sides_write(struct render *render, const struct departure *departure)
{
    const struct record_transfer *transfer = &departure->entry.transfer;
    const struct uuid there = departure->entry.more.target.value;
    bool out = departure->way.out;
    render_uuid(render, STR("debit"), out ? transfer->debit.value : there);
    render_uuid(render, STR("credit"), out ? there : transfer->credit.value);
}

static void departure_write(struct render *render, const struct departure *departure)
{
    const struct record_transfer *transfer = &departure->entry.transfer;
    enum transit_state state = departure->outcome == NULL ? TRANSIT_WAITING : TRANSIT_STUCK;
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), transfer->id.value);
    render_number(render, STR("lane"), departure->way.lane);
    render_number(render, STR("peer"), departure->way.peer);
    sides_write(render, departure);
    render_amount(render, STR("amount"), transfer->amount, transfer->asset);
    render_asset(render, transfer->asset);
    render_time(render, STR("since"), departure->entry.stamp);
    render_reference(render, departure->paid ? STR("payment") : STR("user_ref"),
                     transfer->user_ref);
    render_name(render, STR("state"), transit_state_name(state));
    if (departure->outcome != NULL) render_name(render, STR("outcome"), departure->outcome);
    json_write_object_end(&render->json);
}

static void departures_write(struct listing *listing)
{
    uint8_t wanted = listing->work->query.transit_state;
    for (uint32_t i = 0; i < listing->count; i++) {
        const struct departure *departure = &listing->departures[i];
        bool stuck = departure->outcome != NULL;
        if (wanted != 0 && stuck != (wanted == TRANSIT_STUCK)) continue;
        departure_write(&listing->render, departure);
        listing->wanted--;
    }
}

static void list_run(struct work *work)
{
    const struct query *query = &work->query;
    struct cursor cursor = cursor_begin(work, ROUTE_TRANSITS_LIST);
    cursor.filters = cursor_filter(cursor.filters, &query->transit_state, 1);
    cursor.filters = cursor_filter(cursor.filters, &query->peer, sizeof query->peer);
    if (!cursor_take(work, &cursor)) return;
    struct listing listing;
    if (!listing_begin(&listing, work, &cursor)) return;
    uint64_t as_of = 0;
    bool more = true;
    while (more && listing.wanted > 0 && listing.looked < LOOKED_MAX) {
        if (!departures_load(&listing)) return;
        if (as_of == 0) as_of = work->read.as_of_batch;
        more = work->read.more;
        if (!payments_find(&listing)) return;
        refusals_find(&listing);
        departures_write(&listing);
    }
    list_end(&listing.render, cursor_next(work, &listing.cursor, more), as_of);
}

static enum api_progress list_start(struct work *work)
{
    uint32_t lanes = work->api->options.lanes;
    uint32_t last = lanes == 0 ? 0 : lanes - 1;
    bool named = (work->query.present & PARAMETER_PEER) != 0;
    if (named && work->query.peer > last) {
        (void)problem_raise(&work->problem, PROBLEM_INVALID_PARAMETER, NULL);
        problem_field(&work->problem, "peer");
        problem_detail(&work->problem, "the last lane of this ledger is %u", last);
        return API_READY;
    }
    work->slow = work->query.transit_state != 0; /* it may look at many for one */
    return work_queue(work);
}

HANDLER(ROUTE_TRANSITS_LIST, transits_list) = { .start = list_start, .run = list_run };
