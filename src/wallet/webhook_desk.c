/* The store is asked rather than remembered: endpoints are few, and changed by people. */
#include "wallet/webhook_desk.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reserve.h"
#include "model/position.h"
#include "wallet/act_record.h"

_Static_assert((int)ENDPOINT_ROW_URL_SIZE == (int)ENDPOINT_URL_SIZE, "a URL fits");
_Static_assert((int)ENDPOINT_ROW_FILTERS_MAX == (int)ENDPOINT_FILTERS_MAX, "filters fit");
_Static_assert((int)ENDPOINT_ROW_FILTER_SIZE == (int)ENDPOINT_FILTER_SIZE, "a filter fits");
_Static_assert((int)ENDPOINT_ROW_KEYS_MAX == (int)ENDPOINT_KEYS_MAX, "keys fit");
_Static_assert((int)ENDPOINT_ROW_NAME_SIZE == (int)SIGNING_KEY_NAME_SIZE, "a name fits");

enum {
    KEY_BYTES = 32,
    POLL_MS = 25, /* how late an event is sent at most, beside what was sent before it */
};

struct webhook_desk {
    struct lane_ports ports;
    struct lane *lane;
    struct relay_store *relay_store;
    struct endpoint_store *endpoint_store;
    struct endpoint_store *followed; /* NULL: endpoints are made here */
    struct webhook_relay *relay;
    struct task *task;
    bool lags;               /* it could not follow: that is said once; the task's own */
    struct monitor *monitor; /* guards the rest */
    bool stopping;
    uint64_t followed_mark; /* of all rows of lane 0's that are followed; 0: to be compared */
    struct webhook_desk_status status;
};

static void count(struct webhook_desk *desk, int endpoints, int disabled)
{
    desk->ports.sync->lock(desk->monitor);
    desk->status.endpoints += (uint64_t)endpoints;
    desk->status.disabled += (uint64_t)disabled;
    desk->ports.sync->unlock(desk->monitor);
}

/*
 * Once for each time that it fails, told by when it began to. What cannot be written down now is
 * tried again at the next start.
 */
static void disabled_record(struct webhook_desk *desk, const struct relay_state *state)
{
    if (desk->lane == NULL) return;
    const struct digest_part parts[] = { { "disabled", 8 },
                                         { &state->endpoint, sizeof state->endpoint },
                                         { &state->failing_at, sizeof state->failing_at } };
    struct digest digest = digest_of_parts(parts, sizeof parts / sizeof parts[0]);
    struct act_done act = { .principal = PRINCIPAL_SYSTEM };
    act.notice.kind = NOTICE_ENDPOINT_DISABLE;
    act.notice.subject = state->endpoint;
    memcpy(&act.key, digest.bytes, sizeof act.key);
    if (act_record(desk->lane, &act) == STATUS_OK) return;
    log_write(desk->ports.log,
              (struct log_line){
                  .level = LOG_WARNING,
                  .event = STR("webhook_endpoint.not_recorded"),
                  .message = STR("that an endpoint is disabled is written down at the next start"),
              });
}

/* By a worker of the relay. */
static void on_disabled(void *owner, const struct relay_state *state)
{
    struct webhook_desk *desk = owner;
    count(desk, 0, 1);
    char id[UUID_TEXT_LEN + 1];
    uuid_format(state->endpoint, id);
    const struct log_field fields[] = {
        { STR("endpoint"), { id, UUID_TEXT_LEN }, 0 },
        { STR("sequence"), { NULL, 0 }, (int64_t)state->sequence },
        { STR("http_status"), { NULL, 0 }, state->http_status },
    };
    log_write(desk->ports.log,
              (struct log_line){
                  .level = LOG_ERROR,
                  .event = STR("webhook_endpoint.disabled"),
                  .message = STR("an endpoint has failed for too long, and is sent nothing more"),
                  .fields = fields,
                  .field_count = 3,
              });
    disabled_record(desk, state);
}

/* ---- Rows, endpoints, views ---- */

static void row_wipe(struct endpoint_row *row)
{
    secret_wipe(row, sizeof *row);
}
#define ROW_SCOPE __attribute__((cleanup(row_wipe)))

static void row_of(const struct webhook_endpoint *endpoint, struct wall_time created_at,
                   struct endpoint_row *out_row)
{
    memset(out_row, 0, sizeof *out_row);
    out_row->id = endpoint->id;
    out_row->since = endpoint->since;
    out_row->sequence_base = endpoint->sequence_base;
    out_row->created_at = created_at;
    out_row->state = endpoint->state;
    out_row->filter_count = endpoint->filter_count;
    out_row->key_count = endpoint->key_count;
    memcpy(out_row->url, endpoint->url, sizeof out_row->url);
    memcpy(out_row->filters, endpoint->filters, sizeof out_row->filters);
    for (uint32_t i = 0; i < endpoint->key_count; i++) {
        struct endpoint_row_key *key = &out_row->keys[i];
        memcpy(key->name, endpoint->keys[i].name, sizeof key->name);
        key->not_before = endpoint->keys[i].not_before;
        key->not_after = endpoint->keys[i].not_after;
        struct buf text;
        buf_init(&text, ENDPOINT_ROW_SECRET_SIZE);
        signing_key_format(&endpoint->keys[i], false, &text);
        CHECK(buf_status(&text) == STATUS_OK && text.len < sizeof key->secret);
        memcpy(key->secret, text.data, text.len);
        secret_wipe(text.data, text.len);
        buf_free(&text);
    }
}

/* STATUS_CORRUPT: it says what no endpoint can be. */
static enum status endpoint_of(const struct endpoint_row *row,
                               struct webhook_endpoint *out_endpoint, struct error *out_error)
{
    memset(out_endpoint, 0, sizeof *out_endpoint);
    out_endpoint->id = row->id;
    out_endpoint->since = row->since;
    out_endpoint->sequence_base = row->sequence_base;
    out_endpoint->state = row->state;
    out_endpoint->filter_count = row->filter_count;
    memcpy(out_endpoint->url, row->url, sizeof out_endpoint->url);
    memcpy(out_endpoint->filters, row->filters, sizeof out_endpoint->filters);
    enum status status = row->key_count <= ENDPOINT_KEYS_MAX ? STATUS_OK : STATUS_CORRUPT;
    for (uint32_t i = 0; status == STATUS_OK && i < row->key_count; i++) {
        const struct endpoint_row_key *key = &row->keys[i];
        struct str secret = { key->secret, strnlen(key->secret, sizeof key->secret) };
        struct signing_key *made = &out_endpoint->keys[out_endpoint->key_count];
        if (signing_key_parse(secret, made) != STATUS_OK) {
            status = STATUS_CORRUPT;
            continue;
        }
        out_endpoint->key_count++;
        signing_key_name(made, (struct str){ key->name, strnlen(key->name, sizeof key->name) });
        made->not_before = key->not_before;
        made->not_after = key->not_after;
    }
    const char *field;
    if (status == STATUS_OK && endpoint_fault(out_endpoint, &field) == NULL) return STATUS_OK;
    endpoint_done(out_endpoint);
    return error_set(out_error, STATUS_CORRUPT, "endpoints.db holds what is no endpoint");
}

static void view_of(struct webhook_desk *desk, const struct endpoint_row *row,
                    struct webhook_desk_view *out_view)
{
    *out_view = (struct webhook_desk_view){
        .id = row->id,
        .state = row->state,
        .filter_count = row->filter_count,
        .key_count = row->key_count,
        .since = row->since,
        .sequence_base = row->sequence_base,
        .created_at = row->created_at,
    };
    memcpy(out_view->url, row->url, sizeof out_view->url);
    memcpy(out_view->filters, row->filters, sizeof out_view->filters);
    for (uint32_t i = 0; i < row->key_count; i++) {
        memcpy(out_view->keys[i].name, row->keys[i].name, sizeof out_view->keys[i].name);
        out_view->keys[i].not_before = row->keys[i].not_before;
        out_view->keys[i].not_after = row->keys[i].not_after;
    }
    /* As it was saved last, which waits for no delivery; nothing is there before the first one. */
    struct relay_state *relay = &out_view->relay;
    if (desk->relay_store->load(desk->relay_store, row->id, relay, NULL) == STATUS_OK) return;
    *relay = (struct relay_state){ .endpoint = row->id,
                                   .cursor = row->since,
                                   .sequence = row->sequence_base };
}

/* ---- Keys ---- */

static void key_make(struct webhook_desk *desk, struct wall_time now, struct signing_key *out_key,
                     char out_secret[WEBHOOK_DESK_SECRET_SIZE])
{
    uint8_t bytes[KEY_BYTES];
    entropy_fill(desk->ports.entropy, bytes, sizeof bytes);
    memset(out_key, 0, sizeof *out_key);
    enum status status = signing_key_take(bytes, sizeof bytes, out_key);
    CHECK(status == STATUS_OK); /* it is neither short nor long */
    char name[SIGNING_KEY_NAME_SIZE];
    int len = snprintf(name, sizeof name, "key-%lld", (long long)(now.ns / NS_PER_S));
    CHECK(len > 0 && (size_t)len < sizeof name);
    signing_key_name(out_key, (struct str){ name, (size_t)len });
    struct buf text;
    buf_init(&text, WEBHOOK_DESK_SECRET_SIZE);
    signing_key_format(out_key, false, &text);
    CHECK(buf_status(&text) == STATUS_OK && text.len < WEBHOOK_DESK_SECRET_SIZE);
    memcpy(out_secret, text.data, text.len);
    out_secret[text.len] = '\0';
    secret_wipe(text.data, text.len);
    buf_free(&text);
}

/* ---- Making and looking ---- */

enum status webhook_desk_create(struct webhook_desk *desk, const struct webhook_desk_view *draft,
                                char out_secret[WEBHOOK_DESK_SECRET_SIZE],
                                struct webhook_desk_view *out_view, struct error *out_error)
{
    struct wall_time now = clock_wall(desk->ports.clock);
    struct webhook_endpoint endpoint = {
        .id = draft->id,
        .state = ENDPOINT_ACTIVE,
        .filter_count = draft->filter_count,
        .since = draft->since,
        .key_count = 1,
    };
    memcpy(endpoint.url, draft->url, sizeof endpoint.url);
    memcpy(endpoint.filters, draft->filters, sizeof endpoint.filters);
    struct endpoint_row row ROW_SCOPE;
    struct endpoint_store *store = desk->endpoint_store;
    enum status status = store->load(store, draft->id, &row, out_error);
    if (status == STATUS_OK)
        return error_set(out_error, STATUS_CONFLICT, "there is an endpoint with this id");
    if (status != STATUS_NOT_FOUND) return status;
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    key_make(desk, now, &endpoint.keys[0], secret);
    row_of(&endpoint, now, &row);
    status = store->put(store, &row, out_error);
    if (status == STATUS_OK) {
        status = webhook_relay_add(desk->relay, &endpoint, out_error);
        if (status != STATUS_OK) (void)store->remove(store, draft->id, NULL); /* or at a restart */
    }
    endpoint_done(&endpoint);
    if (status == STATUS_OK) {
        memcpy(out_secret, secret, sizeof secret);
        count(desk, 1, 0);
        view_of(desk, &row, out_view);
    }
    secret_wipe(secret, sizeof secret);
    return status;
}

enum status webhook_desk_look(struct webhook_desk *desk, struct uuid id,
                              struct webhook_desk_view *out_view, struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE;
    enum status status = desk->endpoint_store->load(desk->endpoint_store, id, &row, out_error);
    if (status == STATUS_OK) view_of(desk, &row, out_view);
    return status;
}

enum status webhook_desk_next(struct webhook_desk *desk, struct uuid after,
                              struct webhook_desk_view *out_view, struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE;
    enum status status = desk->endpoint_store->next(desk->endpoint_store, after, &row, out_error);
    if (status == STATUS_OK) view_of(desk, &row, out_view);
    return status;
}

/* ---- Changing ---- */

/* What the relay's callbacks need; rows as they were, and as they are made. */
struct changing {
    struct webhook_desk *desk;
    const struct webhook_desk_change *change; /* NULL: a new key */
    struct signing_key *key;
    uint32_t overlap_s;
    struct endpoint_row *row;
    struct error *error;
};

/* Numbers go on as they were, unless the filters are others. */
static enum status changed_put(const struct changing *changing, struct webhook_endpoint *endpoint,
                               bool begins_anew)
{
    struct endpoint_store *store = changing->desk->endpoint_store;
    struct endpoint_row before ROW_SCOPE;
    enum status status = store->load(store, endpoint->id, &before, changing->error);
    if (status != STATUS_OK) return status;
    if (!begins_anew) {
        endpoint->since = before.since;
        endpoint->sequence_base = before.sequence_base;
    }
    row_of(endpoint, before.created_at, changing->row);
    return store->put(store, changing->row, changing->error);
}

static enum status update_apply(void *owner, struct webhook_endpoint *endpoint)
{
    const struct changing *changing = owner;
    const struct webhook_desk_change *change = changing->change;
    if (change->url) memcpy(endpoint->url, change->wanted.url, sizeof endpoint->url);
    if (change->state) endpoint->state = change->wanted.state;
    if (change->filters) {
        endpoint->filter_count = change->wanted.filter_count;
        memcpy(endpoint->filters, change->wanted.filters, sizeof endpoint->filters);
    }
    return changed_put(changing, endpoint, change->filters);
}

static enum status rotate_apply(void *owner, struct webhook_endpoint *endpoint)
{
    const struct changing *changing = owner;
    struct wall_time now = clock_wall(changing->desk->ports.clock);
    if (endpoint_rotate(endpoint, changing->key, now, changing->overlap_s) != STATUS_OK)
        return error_set(changing->error, STATUS_CONFLICT, "%d secrets are live already",
                         ENDPOINT_KEYS_MAX);
    return changed_put(changing, endpoint, false);
}

static uint64_t mark_exchange(struct webhook_desk *desk, uint64_t mark)
{
    desk->ports.sync->lock(desk->monitor);
    uint64_t before = desk->followed_mark;
    desk->followed_mark = mark;
    desk->ports.sync->unlock(desk->monitor);
    return before;
}

enum status webhook_desk_update(struct webhook_desk *desk, struct uuid id,
                                const struct webhook_desk_change *change,
                                struct webhook_desk_view *out_view, struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE = { 0 };
    struct changing changing = { desk, change, NULL, 0, &row, out_error };
    enum status status = webhook_relay_change(desk->relay, id, update_apply, &changing);
    if (desk->followed != NULL) (void)mark_exchange(desk, 0); /* what lane 0 says counts again */
    bool enables = change->state && change->wanted.state == ENDPOINT_ACTIVE;
    if (status == STATUS_OK && enables) status = webhook_relay_enable(desk->relay, id, out_error);
    if (status == STATUS_OK) view_of(desk, &row, out_view);
    return status;
}

enum status webhook_desk_rotate(struct webhook_desk *desk, struct uuid id, uint32_t overlap_s,
                                char out_secret[WEBHOOK_DESK_SECRET_SIZE],
                                struct webhook_desk_view *out_view, struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE = { 0 };
    struct signing_key key;
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    key_make(desk, clock_wall(desk->ports.clock), &key, secret);
    struct changing changing = { desk, NULL, &key, overlap_s, &row, out_error };
    enum status status = webhook_relay_change(desk->relay, id, rotate_apply, &changing);
    signing_key_done(&key); /* empty when it was taken over */
    if (status == STATUS_OK) {
        memcpy(out_secret, secret, sizeof secret);
        view_of(desk, &row, out_view);
    }
    secret_wipe(secret, sizeof secret);
    return status;
}

enum status webhook_desk_remove(struct webhook_desk *desk, struct uuid id, struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE;
    enum status status = desk->endpoint_store->load(desk->endpoint_store, id, &row, out_error);
    if (status == STATUS_OK)
        status = desk->endpoint_store->remove(desk->endpoint_store, id, out_error);
    if (status == STATUS_OK) status = webhook_relay_remove(desk->relay, id, out_error);
    if (status == STATUS_OK) count(desk, -1, 0);
    return status;
}

enum status webhook_desk_letters(struct webhook_desk *desk, struct uuid id, uint64_t above,
                                 struct dead_letter *out_letters, uint32_t limit,
                                 uint32_t *out_count)
{
    return desk->relay_store->letters(desk->relay_store, id, above, out_letters, limit, out_count);
}

const char *webhook_delivery_name(unsigned delivery)
{
#define WEBHOOK_DELIVERY_NAME(name, text) text,
    static const char *const names[] = { WEBHOOK_DELIVERY_TABLE(WEBHOOK_DELIVERY_NAME) };
#undef WEBHOOK_DELIVERY_NAME
    CHECK(delivery < WEBHOOK_DELIVERY_COUNT);
    return names[delivery];
}

/* Letters are in order of sequence, and so of position. */
static enum status letter_find(struct webhook_desk *desk, const struct webhook_desk_view *view,
                               struct position event, bool *out_found,
                               struct dead_letter *out_letter)
{
    uint64_t low = 0; /* every letter up to it lies before the event */
    uint64_t high = view->relay.sequence;
    *out_found = false;
    while (low < high && !*out_found) {
        uint64_t middle = low + (high - low - 1) / 2;
        uint32_t count = 0;
        struct dead_letter letter;
        enum status status = webhook_desk_letters(desk, view->id, middle, &letter, 1, &count);
        if (status != STATUS_OK) return status;
        int order = count == 0 ? 1 : position_compare(letter.position, event);
        if (order < 0) low = letter.sequence;
        if (order > 0) high = middle;
        *out_found = order == 0;
        if (*out_found) *out_letter = letter;
    }
    return STATUS_OK;
}

enum status webhook_desk_delivery(struct webhook_desk *desk, const struct webhook_desk_view *view,
                                  struct position event, struct str type,
                                  enum webhook_delivery *out_delivery,
                                  struct dead_letter *out_letter)
{
    struct webhook_endpoint filters = { .filter_count = view->filter_count };
    memcpy(filters.filters, view->filters, sizeof filters.filters);
    enum webhook_delivery delivery = WEBHOOK_DELIVERY_WAITING;
    bool dead = false;
    if (position_compare(event, view->since) <= 0) {
        delivery = WEBHOOK_DELIVERY_EARLIER;
    } else if (!endpoint_wants(&filters, type)) {
        delivery = WEBHOOK_DELIVERY_NOT_WANTED;
    } else if (position_compare(event, view->relay.cursor) <= 0) {
        enum status status = letter_find(desk, view, event, &dead, out_letter);
        if (status != STATUS_OK) return status;
        delivery = dead ? WEBHOOK_DELIVERY_DEAD_LETTER : WEBHOOK_DELIVERY_DELIVERED;
    }
    *out_delivery = delivery;
    return STATUS_OK;
}

struct webhook_relay *webhook_desk_relay(struct webhook_desk *desk)
{
    return desk->relay;
}

/* ---- Life ---- */

static enum status endpoints_load(struct webhook_desk *desk, struct error *out_error)
{
    struct uuid after = { 0 };
    for (;;) {
        struct endpoint_row row ROW_SCOPE;
        struct webhook_endpoint endpoint;
        struct endpoint_store *store = desk->endpoint_store;
        enum status status = store->next(store, after, &row, out_error);
        if (status == STATUS_NOT_FOUND) return STATUS_OK;
        if (status == STATUS_OK) status = endpoint_of(&row, &endpoint, out_error);
        if (status != STATUS_OK) return status;
        status = webhook_relay_add(desk->relay, &endpoint, out_error);
        endpoint_done(&endpoint);
        if (status != STATUS_OK) return status;
        struct relay_state state;
        status = webhook_relay_state(desk->relay, row.id, &state);
        if (status == STATUS_OK && state.disabled) disabled_record(desk, &state);
        after = row.id;
        count(desk, 1, 0);
    }
}

/* ---- Following lane 0 ---- */

static bool key_same(const struct endpoint_row_key *a, const struct endpoint_row_key *b)
{
    return strncmp(a->name, b->name, sizeof a->name) == 0 && a->not_before.ns == b->not_before.ns &&
           a->not_after.ns == b->not_after.ns &&
           strncmp(a->secret, b->secret, sizeof a->secret) == 0;
}

static bool filters_same(const struct endpoint_row *a, const struct endpoint_row *b)
{
    return a->filter_count == b->filter_count &&
           memcmp(a->filters, b->filters, sizeof a->filters) == 0;
}

/* Whether people have changed nothing; numbers are each lane's own. */
static bool row_same(const struct endpoint_row *a, const struct endpoint_row *b)
{
    bool same = a->state == b->state && a->key_count == b->key_count && filters_same(a, b) &&
                strncmp(a->url, b->url, sizeof a->url) == 0;
    for (uint32_t i = 0; same && i < a->key_count; i++) same = key_same(&a->keys[i], &b->keys[i]);
    return same;
}

/* One that lane 0 has and this one has not yet. */
static enum status followed_add(struct webhook_desk *desk, const struct endpoint_row *made,
                                struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE = *made;
    struct webhook_endpoint endpoint;
    struct store *journal = desk->ports.store;
    uint64_t first = 1;
    enum status status = STATUS_OK;
    struct wall_time after = { made->created_at.ns + 1 };
    if (made->since.batch > 0) status = journal->find_stamp(journal, after, &first, out_error);
    if (status != STATUS_OK) return status;
    row.since = (struct position){ first - 1, POSITION_INDEX_END };
    row.sequence_base = 0;
    status = endpoint_of(&row, &endpoint, out_error);
    if (status != STATUS_OK) return status;
    status = desk->endpoint_store->put(desk->endpoint_store, &row, out_error);
    if (status == STATUS_OK) status = webhook_relay_add(desk->relay, &endpoint, out_error);
    endpoint_done(&endpoint);
    if (status == STATUS_OK) count(desk, 1, 0);
    return status;
}

/* The one that lane 0 has now, over the one that is here. */
struct following {
    struct webhook_desk *desk;
    const struct endpoint_row *made;
    const struct endpoint_row *before;
    struct error *error;
};

static enum status followed_apply(void *owner, struct webhook_endpoint *endpoint)
{
    const struct following *following = owner;
    struct endpoint_row row ROW_SCOPE = *following->made;
    struct webhook_endpoint changed = { 0 };
    struct endpoint_store *store = following->desk->endpoint_store;
    bool goes_on = filters_same(following->made, following->before);
    row.since = goes_on ? following->before->since : endpoint->since;
    row.sequence_base = goes_on ? following->before->sequence_base : endpoint->sequence_base;
    row.created_at = following->before->created_at;
    enum status status = endpoint_of(&row, &changed, following->error);
    if (status == STATUS_OK) status = store->put(store, &row, following->error);
    if (status == STATUS_OK) *endpoint = changed; /* with its keys */
    endpoint_done(&changed);
    return status;
}

static enum status row_follow(struct webhook_desk *desk, const struct endpoint_row *made,
                              struct error *out_error)
{
    struct endpoint_row before ROW_SCOPE = { 0 };
    struct endpoint_store *store = desk->endpoint_store;
    enum status status = store->load(store, made->id, &before, out_error);
    bool another = status == STATUS_OK && before.created_at.ns != made->created_at.ns;
    if (another) status = webhook_desk_remove(desk, made->id, out_error);
    if (another && status == STATUS_OK) status = STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND) return followed_add(desk, made, out_error);
    if (status != STATUS_OK || row_same(made, &before)) return status;
    struct following following = { desk, made, &before, out_error };
    return webhook_relay_change(desk->relay, made->id, followed_apply, &following);
}

/* Those that are here and not there any more. */
static enum status gone_remove(struct webhook_desk *desk, struct error *out_error)
{
    struct endpoint_row row ROW_SCOPE = { 0 };
    struct endpoint_row made ROW_SCOPE = { 0 };
    struct endpoint_store *store = desk->endpoint_store;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = store->next(store, row.id, &row, out_error);
        if (status != STATUS_OK) break;
        status = desk->followed->load(desk->followed, row.id, &made, out_error);
        if (status == STATUS_NOT_FOUND) status = webhook_desk_remove(desk, row.id, out_error);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Whether anybody has changed a row there since they were all followed; else nothing is compared. */
static enum status followed_look(struct webhook_desk *desk, uint64_t *out_mark, uint32_t *out_count,
                                 struct error *out_error)
{
    struct endpoint_row made ROW_SCOPE = { 0 };
    uint64_t words[2] = { 1, 0 };
    *out_count = 0;
    for (;;) {
        enum status status = desk->followed->next(desk->followed, made.id, &made, out_error);
        *out_mark = words[0];
        if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        words[1] = hash_bytes(&made, sizeof made);
        words[0] = hash_bytes(words, sizeof words);
        ++*out_count;
    }
}

static enum status rows_follow(struct webhook_desk *desk, struct error *out_error)
{
    struct endpoint_row made ROW_SCOPE = { 0 };
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = desk->followed->next(desk->followed, made.id, &made, out_error);
        if (status != STATUS_OK) break;
        status = row_follow(desk, &made, out_error);
        if (status == STATUS_NOT_FOUND) status = STATUS_UNAVAILABLE; /* it is being removed */
    }
    return status == STATUS_NOT_FOUND ? gone_remove(desk, out_error) : status;
}

uint32_t webhook_desk_follow(struct webhook_desk *desk)
{
    CHECK(desk->followed != NULL);
    struct error error = { 0 };
    uint64_t mark = 0;
    uint32_t there = 0;
    enum status status = followed_look(desk, &mark, &there, &error);
    bool same = status == STATUS_OK && mark_exchange(desk, mark) == mark;
    if (status == STATUS_OK && !same) status = rows_follow(desk, &error);
    bool lags = status != STATUS_OK;
    if (lags) (void)mark_exchange(desk, 0); /* what it was does not matter */
    if (lags && !desk->lags) {
        const struct log_field field = { STR("detail"), str_from(error.message), 0 };
        log_write(desk->ports.log, (struct log_line){
                                       .level = LOG_WARNING,
                                       .event = STR("webhook_endpoint.not_followed"),
                                       .message = STR("the endpoints that lane 0 has now are not "
                                                      "known here: looked for again"),
                                       .fields = &field,
                                       .field_count = 1,
                                   });
    }
    desk->lags = lags;
    uint32_t wait_ms = there * WEBHOOK_FOLLOW_EACH_MS;
    return wait_ms > WEBHOOK_FOLLOW_MS ? wait_ms : WEBHOOK_FOLLOW_MS;
}

static void follow_body(void *argument)
{
    struct webhook_desk *desk = argument;
    struct sync *sync = desk->ports.sync;
    for (;;) {
        int64_t wait_ms = webhook_desk_follow(desk);
        const struct monotonic_time until = { clock_monotonic(desk->ports.clock).ns +
                                              wait_ms * NS_PER_MS };
        sync->lock(desk->monitor);
        while (!desk->stopping && clock_monotonic(desk->ports.clock).ns < until.ns) {
            (void)sync->wait(desk->monitor, until); /* woken early: looked at again */
        }
        bool stopping = desk->stopping;
        sync->unlock(desk->monitor);
        if (stopping) return;
    }
}

enum status webhook_desk_open(const struct webhook_desk_options *options,
                              struct webhook_desk **out_desk, struct error *out_error)
{
    struct webhook_desk *desk = reserve_new(sizeof *desk);
    if (desk == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for webhooks");
    desk->ports = options->ports;
    desk->lane = options->lane;
    desk->relay_store = options->relay_store;
    desk->endpoint_store = options->endpoint_store;
    desk->followed = options->followed;
    desk->monitor = desk->ports.sync->monitor_new(desk->ports.sync, "webhook_desk");
    struct webhook_relay_options relay = WEBHOOK_RELAY_OPTIONS_DEFAULT;
    relay.private_allowed = options->private_allowed;
    relay.poll_ms = POLL_MS;
    if (options->stepped) relay.workers = 0;
    relay.on_disabled = on_disabled;
    relay.owner = desk;
    if (options->attempts_max != 0) relay.policy.attempts_max = options->attempts_max;
    entropy_fill(desk->ports.entropy, &relay.seed, sizeof relay.seed);
    const struct webhook_relay_ports ports = {
        .sync = desk->ports.sync,
        .clock = desk->ports.clock,
        .tracer = desk->ports.tracer,
        .http = options->http,
        .feed = options->feed,
        .store = options->relay_store,
    };
    enum status status = webhook_relay_open(&ports, &relay, &desk->relay, out_error);
    if (status == STATUS_OK) status = endpoints_load(desk, out_error);
    if (status == STATUS_OK && desk->followed != NULL && !options->stepped &&
        desk->ports.sync->spawn(desk->ports.sync, "webhook_follow", follow_body, desk,
                                &desk->task) != STATUS_OK)
        status = error_set(out_error, STATUS_UNAVAILABLE,
                           "the task that follows lane 0's endpoints cannot be started");
    if (status != STATUS_OK) {
        webhook_desk_close(desk);
        return status;
    }
    *out_desk = desk;
    return STATUS_OK;
}

void webhook_desk_close(struct webhook_desk *desk)
{
    if (desk == NULL) return;
    struct sync *sync = desk->ports.sync;
    sync->lock(desk->monitor);
    desk->stopping = true;
    sync->wake_all(desk->monitor);
    sync->unlock(desk->monitor);
    sync->join(desk->task);
    webhook_relay_close(desk->relay);
    desk->ports.sync->monitor_free(desk->monitor);
    reserve_free(desk, sizeof *desk);
}

void webhook_desk_get_status(struct webhook_desk *desk, struct webhook_desk_status *out_status)
{
    desk->ports.sync->lock(desk->monitor);
    *out_status = desk->status;
    desk->ports.sync->unlock(desk->monitor);
    webhook_relay_get_counts(desk->relay, &out_status->deliveries);
}
