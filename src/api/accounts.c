/* /v1/accounts: made, read and changed; their histories are in account_history.c. */
#include "api/account_walk.h"
#include "api/accounts_parse.h"
#include "api/acts.h"
#include "api/cached.h"
#include "api/lanes.h"
#include "api/lookup.h"
#include "base/check.h"
#include "wallet/history.h"

/* ---- POST /v1/accounts ---- */

static bool list_reserve(struct work *work, struct account_list *out_list)
{
    uint32_t capacity = accounts_capacity(work->call->body.len);
    size_t each = sizeof(struct account) + sizeof(struct account_result);
    enum { SLACK = 64 }; /* what the arena needs to align two pieces */
    if (!work_reserve(work, capacity * each + SLACK)) return false;
    out_list->accounts = arena_take_array(&work->bulk, capacity, sizeof(struct account));
    work->request.account_results =
        arena_take_array(&work->bulk, capacity, sizeof(struct account_result));
    CHECK(out_list->accounts != NULL);
    CHECK(work->request.account_results != NULL);
    out_list->capacity = capacity;
    return true;
}

static enum api_progress create_start(struct work *work)
{
    struct request *request = &work->request;
    struct str body = work->call->body;
    work_request(work, REQUEST_ACCOUNTS);
    struct account_list list = { .accounts = &work->account, .capacity = 1 };
    request->account_results = &work->account_result;
    if (body_is_array(body) && !list_reserve(work, &list)) return API_READY;
    if (!accounts_parse(body, &work->assets, &work->scratch, &list, &work->problem))
        return API_READY;
    if (list.ids_missing && uuid_is_nil(request->key)) {
        (void)problem_raise(&work->problem, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
                            "give each item an id, or the request an Idempotency-Key");
        problem_field(&work->problem, "Idempotency-Key");
        return API_READY;
    }
    if (!lanes_accounts_here(work, list.accounts, list.count)) return API_READY;
    request->count = list.count;
    request->accounts = list.accounts;
    return work_submit(work);
}

static void result_write(struct render *render, const struct account_result *result)
{
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), result->id.value);
    render_name(render, STR("outcome"), account_outcome_code(result->outcome));
    render_position(render, STR("position"), result->position);
    render_time(render, STR("at"), result->stamp);
    render_bool(render, STR("repeated"), result->repeated);
    json_write_object_end(&render->json);
}

static void refusal_raise(struct work *work, const struct account_result *result)
{
    struct problem *problem = &work->problem;
    enum account_outcome outcome = result->outcome;
    problem_refuse(problem, account_outcome_http_status(outcome), account_outcome_code(outcome),
                   account_outcome_text(outcome));
    problem->has_result = true;
    problem->has_id = true;
    problem->id = result->id.value;
    problem->position = result->position;
    problem->at = result->stamp;
    problem->repeated = result->repeated;
}

static void create_write(struct work *work)
{
    if (!work_answered(work)) return;
    const struct request *request = &work->request;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    work->replayed = true;
    for (uint32_t i = 0; i < request->count; i++) {
        work->replayed &= request->account_results[i].repeated;
    }
    if (work->bulk_size == 0) {
        const struct account_result *result = &work->account_result;
        if (result->outcome != ACCOUNT_OUTCOME_OK) {
            refusal_raise(work, result);
            return;
        }
        result_write(&render, result);
        work->call->status = result->repeated ? 200 : 201;
    } else {
        json_write_object_begin(&render.json);
        json_write_key(&render.json, STR("results"));
        json_write_array_begin(&render.json);
        for (uint32_t i = 0; i < request->count; i++)
            result_write(&render, &request->account_results[i]);
        json_write_array_end(&render.json);
        render_position(&render, STR("position"), request->position);
        json_write_object_end(&render.json);
    }
    render_end(&render);
}

HANDLER(ROUTE_ACCOUNTS_CREATE, accounts_create) = { .start = create_start, .write = create_write };

/* ---- PATCH /v1/accounts/{id} ---- */

static enum api_progress change_start(struct work *work)
{
    work->admin = (struct admin){ .kind = ADMIN_ACCOUNT_CHANGE, .account = { work->id } };
    if (!account_change_parse(work->call->body, &work->scratch, &work->admin, &work->problem))
        return API_READY;
    return act_submit(work);
}

static void change_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    act_answer_end(work, &render);
    work->call->status = 200;
}

HANDLER(ROUTE_ACCOUNTS_CHANGE, accounts_change) = { .start = change_start, .write = change_write };

/* ---- GET /v1/accounts/{id} ---- */

/* By a replica that follows the lane: at once, since nothing of it waits. */
static void get_followed(struct work *work)
{
    struct followed followed;
    struct api *api = work->api;
    uint64_t stale_ms = work->query.max_stale_ms;
    if (stale_ms > FOLLOWED_STALE_MS_MAX) stale_ms = FOLLOWED_STALE_MS_MAX;
    work->account_state = (struct account_state){ 0 };
    enum status status = lane_followed_account(api->lane, (struct account_id){ work->id },
                                               &work->account_state, &followed);
    if (status == STATUS_NOT_FOUND) (void)account_found(work); /* the problem is raised */
    if (status == STATUS_NOT_FOUND || !work_status_ok(work, status)) return;
    int64_t age_ns = clock_monotonic(api->ports.clock).ns - followed.whole_at.ns;
    work->call->right_until.ns = followed.whole_at.ns + (int64_t)stale_ms * NS_PER_MS;
    work->read.as_of_batch = followed.batch;
    work->cached = true;
    work->cached_batch = followed.batch;
    work->cached_age_ms = (uint64_t)(age_ns / NS_PER_MS);
}

static enum api_progress get_start(struct work *work)
{
    if (work->api->options.follows) {
        get_followed(work);
        return API_READY;
    }
    if ((work->query.present & PARAMETER_AT) != 0) {
        work->slow = true;
        return work_queue(work);
    }
    if (cached_allowed(work)) return work_queue(work);
    work_request(work, REQUEST_READ);
    work->read = (struct read){
        .kind = READ_ACCOUNTS, .count = 1, .ids = &work->id, .accounts = &work->account_state
    };
    work->request.read = &work->read;
    return work_submit(work);
}

/* From the cache, or from the lane and then into it. */
static void get_cached(struct work *work)
{
    struct cache_entry entry;
    if (cached_take(work, CACHE_ACCOUNT, &entry)) {
        work->account_state = entry.value.account;
        work->read.as_of_batch = work->cached_batch;
        return;
    }
    if (!account_load(work)) return; /* raised */
    entry = (struct cache_entry){ .kind = CACHE_ACCOUNT,
                                  .version = work->read.as_of_batch,
                                  .value.account = work->account_state };
    cached_keep(work, &entry);
}

static void get_run(struct work *work)
{
    if ((work->query.present & PARAMETER_AT) == 0) {
        get_cached(work);
        return;
    }
    struct balance *balance = &work->account_state.balance;
    if (account_load(work)) (void)account_balance_at(work, work->query.at, balance); /* raised */
}

static void get_write(struct work *work)
{
    bool at = (work->query.present & PARAMETER_AT) != 0;
    bool ran = at || cached_allowed(work) || work->api->options.follows;
    if (!ran && (!work_answered(work) || !account_found(work))) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    render_account(&render, &work->account_state, at ? 0 : work->read.as_of_batch);
    render_end(&render);
}

HANDLER(ROUTE_ACCOUNTS_GET,
        accounts_get) = { .start = get_start, .run = get_run, .write = get_write };

/* ---- GET /v1/accounts ---- */

struct listing {
    struct work *work;
    struct render render;
    struct cursor cursor;
    struct account_state *accounts; /* room for a page */
};

static bool listing_begin(struct listing *listing, struct work *work, size_t more_size)
{
    uint32_t limit = work->query.limit;
    *listing = (struct listing){ .work = work };
    listing->cursor = cursor_begin(work, ROUTE_ACCOUNTS_LIST);
    listing->cursor.filters =
        cursor_filter(listing->cursor.filters, &work->query.user_ref, sizeof work->query.user_ref);
    enum { SLACK = 64 }; /* what the arena needs to align the pieces */
    size_t size = limit * (sizeof(struct account_state) + more_size) + SLACK;
    if (!cursor_take(work, &listing->cursor) || !work_reserve(work, size)) return false;
    listing->accounts = arena_take_array(&work->bulk, limit, sizeof(struct account_state));
    CHECK(listing->accounts != NULL);
    return true;
}

static void listing_write(struct listing *listing, uint32_t count, bool more, uint64_t as_of_batch)
{
    struct render *render = &listing->render;
    render_init(render, &listing->work->assets, &listing->work->call->answer);
    json_write_object_begin(&render->json);
    json_write_key(&render->json, STR("items"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < count; i++) render_account(render, &listing->accounts[i], 0);
    list_end(render, cursor_next(listing->work, &listing->cursor, more), as_of_batch);
}

/* The place is the number of the next account. */
static void all_run(struct work *work)
{
    struct listing listing;
    if (!listing_begin(&listing, work, 0)) return;
    struct read read = {
        .kind = READ_ACCOUNT_PAGE,
        .from = listing.cursor.place,
        .limit = work->query.limit,
        .accounts = listing.accounts,
    };
    if (!work_read(work, &read)) return;
    listing.cursor.place += work->read.found;
    listing_write(&listing, work->read.found, work->read.more, work->read.as_of_batch);
}

/* The ids that the records at these places gave; and what the accounts are now. */
static bool accounts_load(struct listing *listing, const struct locator *locators, uint32_t count,
                          struct uuid *ids)
{
    struct work *work = listing->work;
    for (uint32_t i = 0; i < count; i++) {
        struct record_account record;
        struct error error = { 0 };
        enum status status = history_account(work->api->ports.store, locators[i], &record, &error);
        if (!work_history_ok(work, status, &error)) return false;
        ids[i] = record.account.id.value;
    }
    struct read read = {
        .kind = READ_ACCOUNTS, .count = count, .ids = ids, .accounts = listing->accounts
    };
    return work_read(work, &read);
}

/* The place is the record of the last account shown. The index was looked at first: as of then. */
static void reference_run(struct work *work)
{
    struct listing listing;
    uint32_t limit = work->query.limit;
    if (!listing_begin(&listing, work, sizeof(struct locator) + sizeof(struct uuid))) return;
    struct uuid *ids = arena_take_array(&work->bulk, limit, sizeof *ids);
    struct locator *locators = arena_take_array(&work->bulk, limit, sizeof *locators);
    CHECK(ids != NULL);
    CHECK(locators != NULL);
    struct read read = {
        .kind = READ_ACCOUNT_REFERENCE,
        .count = 1,
        .limit = limit,
        .ids = &work->query.user_ref,
        .after = { listing.cursor.place },
        .locators = locators,
    };
    if (!work_read(work, &read)) return;
    uint32_t count = work->read.found;
    bool more = work->read.more;
    uint64_t as_of_batch = work->read.as_of_batch;
    if (count > 0 && !accounts_load(&listing, locators, count, ids)) return;
    if (count > 0) listing.cursor.place = locators[count - 1].packed;
    listing_write(&listing, count, more, as_of_batch);
}

static void list_run(struct work *work)
{
    if ((work->query.present & PARAMETER_USER_REF) != 0)
        reference_run(work);
    else
        all_run(work);
}

HANDLER(ROUTE_ACCOUNTS_LIST, accounts_list) = { .start = work_queue, .run = list_run };
