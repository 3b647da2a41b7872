/* /v1/accounts: made, read and changed; their histories are in account_history.c. */
#include "api/account_walk.h"
#include "api/accounts_parse.h"
#include "api/acts.h"
#include "api/lookup.h"
#include "base/check.h"

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

static enum api_progress get_start(struct work *work)
{
    if ((work->query.present & PARAMETER_AT) != 0) {
        work->slow = true;
        return work_queue(work);
    }
    work_request(work, REQUEST_READ);
    work->read = (struct read){
        .kind = READ_ACCOUNTS, .count = 1, .ids = &work->id, .accounts = &work->account_state
    };
    work->request.read = &work->read;
    return work_submit(work);
}

static void get_run(struct work *work)
{
    struct balance *balance = &work->account_state.balance;
    if (account_load(work)) (void)account_balance_at(work, work->query.at, balance); /* raised */
}

static void get_write(struct work *work)
{
    bool at = (work->query.present & PARAMETER_AT) != 0;
    if (!at && (!work_answered(work) || !account_found(work))) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    render_account(&render, &work->account_state, at ? 0 : work->read.as_of_batch);
    render_end(&render);
}

HANDLER(ROUTE_ACCOUNTS_GET,
        accounts_get) = { .start = get_start, .run = get_run, .write = get_write };

/* ---- GET /v1/accounts ---- */

enum {
    SEARCH_PAGES_MAX = 50, /* with a filter: 50,000 accounts are looked at by one call */
};

static bool list_cursor(struct work *work, struct cursor *out_cursor)
{
    *out_cursor = (struct cursor){ .list = ROUTE_ACCOUNTS_LIST };
    out_cursor->filters = cursor_filter(0, &work->query.user_ref, sizeof work->query.user_ref);
    return cursor_take(work, out_cursor);
}

static bool page_read(struct work *work, uint64_t from, uint32_t limit,
                      struct account_state *accounts)
{
    struct read read = {
        .kind = READ_ACCOUNT_PAGE, .from = from, .limit = limit, .accounts = accounts
    };
    return work_read(work, &read);
}

/* Appends the accounts that pass the filter until none is wanted; true: there are more. */
static bool page_write(struct work *work, struct render *render, struct cursor *cursor,
                       uint32_t *wanted)
{
    const struct account_state *accounts = work->read.accounts;
    uint32_t found = work->read.found;
    bool filtered = (work->query.present & PARAMETER_USER_REF) != 0;
    uint32_t taken = 0;
    while (taken<found && * wanted> 0) {
        const struct account_state *account = &accounts[taken++];
        if (filtered && !uuid_equal(account->account.user_ref, work->query.user_ref)) continue;
        render_account(render, account, 0);
        (*wanted)--;
    }
    cursor->place += taken;
    return taken < found || work->read.more;
}

static void list_run(struct work *work)
{
    struct cursor cursor;
    bool filtered = (work->query.present & PARAMETER_USER_REF) != 0;
    uint32_t wanted = work->query.limit;
    uint32_t limit = filtered ? PAGE_ITEMS_MAX : wanted;
    if (!list_cursor(work, &cursor)) return;
    if (!work_reserve(work, limit * sizeof(struct account_state) + 16)) return;
    struct account_state *accounts =
        arena_take_array(&work->bulk, limit, sizeof(struct account_state));
    CHECK(accounts != NULL);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    bool more = true;
    for (unsigned page = 0; more && wanted > 0 && page < SEARCH_PAGES_MAX; page++) {
        if (!page_read(work, cursor.place, limit, accounts)) return;
        more = page_write(work, &render, &cursor, &wanted);
    }
    list_end(&render, more ? &cursor : NULL, work->read.as_of_batch);
}

HANDLER(ROUTE_ACCOUNTS_LIST, accounts_list) = { .start = work_queue, .run = list_run };
