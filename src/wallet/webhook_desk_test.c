/*
 * Goal: an endpoint that was made is there, with its secrets, in every later life; its numbers go on
 * without a gap whatever is changed; what could not be stored did not happen.
 * Method: stores, feed and receiver in memory, a relay stepped by the test over the bench's ports;
 * the receiver checks each signature with the secrets that were given out.
 */
#include "wallet/webhook_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wallet/act_walk.h"
#include "wallet/event_feed_test.h"
#include "wallet/lane_test.h"
#include "webhook/signature.h"

enum { ROWS_MAX = 8, SEEN_MAX = 64, LETTERS_MAX = 64 };

struct scene {
    struct endpoint_store endpoints; /* first */
    struct endpoint_row rows[ROWS_MAX];
    uint32_t row_count;
    enum status put_fails;
    struct relay_store relays;
    struct relay_state states[ROWS_MAX];
    uint32_t state_count;
    struct dead_letter letters[LETTERS_MAX]; /* in order */
    uint32_t letter_count;
    uint32_t letter_reads;
    struct http_out http;
    uint64_t seen[SEEN_MAX];
    uint32_t seen_count;
    char secret[WEBHOOK_DESK_SECRET_SIZE]; /* what must verify; "": not looked at */
    struct test_feed feed;
    struct bench *bench;
    struct webhook_desk *desk;
    struct endpoint_store lane_0; /* what is followed; its rows: */
    struct endpoint_row made[ROWS_MAX];
    uint32_t made_count;
    uint32_t loads; /* of rows of this scene's store */
    bool follows;
    uint16_t answer; /* of the receiver; 0: 200 */
    bool no_lane;    /* nobody to write anything down */
};
static struct scene *scene_now; /* the ports that are not first have no place for it */

/* ---- The stores ---- */

static uint32_t row_find(const struct scene *scene, struct uuid id)
{
    uint32_t at = 0;
    while (at < scene->row_count && !uuid_equal(scene->rows[at].id, id)) at++;
    return at;
}

static enum status row_put(struct endpoint_store *store, const struct endpoint_row *row,
                           struct error *out_error)
{
    struct scene *scene = (struct scene *)store;
    if (scene->put_fails != STATUS_OK) return error_set(out_error, scene->put_fails, "told to");
    uint32_t at = row_find(scene, row->id);
    assert_true(at < ROWS_MAX);
    if (at == scene->row_count) scene->row_count++;
    scene->rows[at] = *row;
    return STATUS_OK;
}

static enum status row_remove(struct endpoint_store *store, struct uuid id, struct error *out_error)
{
    (void)out_error; /* it never fails */
    struct scene *scene = (struct scene *)store;
    uint32_t at = row_find(scene, id);
    if (at < scene->row_count) scene->rows[at] = scene->rows[--scene->row_count];
    return STATUS_OK;
}

static enum status row_next(struct endpoint_store *store, struct uuid after,
                            struct endpoint_row *out_row, struct error *out_error)
{
    (void)out_error; /* it never fails */
    const struct scene *scene = (struct scene *)store;
    const struct endpoint_row *best = NULL;
    for (uint32_t i = 0; i < scene->row_count; i++) {
        const struct endpoint_row *row = &scene->rows[i];
        if (uuid_compare(row->id, after) <= 0) continue;
        if (best == NULL || uuid_compare(row->id, best->id) < 0) best = row;
    }
    if (best == NULL) return STATUS_NOT_FOUND;
    *out_row = *best;
    return STATUS_OK;
}

static enum status row_load(struct endpoint_store *store, struct uuid id,
                            struct endpoint_row *out_row, struct error *out_error)
{
    (void)out_error; /* it never fails */
    struct scene *scene = (struct scene *)store;
    uint32_t at = row_find(scene, id);
    scene->loads++;
    if (at == scene->row_count) return STATUS_NOT_FOUND;
    *out_row = scene->rows[at];
    return STATUS_OK;
}

/* ---- What lane 0 has ---- */

static enum status made_next(struct endpoint_store *store, struct uuid after,
                             struct endpoint_row *out_row, struct error *out_error)
{
    (void)store;
    (void)out_error;                                       /* it never fails */
    for (uint32_t i = 0; i < scene_now->made_count; i++) { /* in order of ids */
        if (uuid_compare(scene_now->made[i].id, after) <= 0) continue;
        *out_row = scene_now->made[i];
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

static enum status made_load(struct endpoint_store *store, struct uuid id,
                             struct endpoint_row *out_row, struct error *out_error)
{
    (void)store;
    (void)out_error; /* it never fails */
    for (uint32_t i = 0; i < scene_now->made_count; i++) {
        if (!uuid_equal(scene_now->made[i].id, id)) continue;
        *out_row = scene_now->made[i];
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

static struct relay_state *state_find(struct uuid endpoint)
{
    for (uint32_t i = 0; i < scene_now->state_count; i++) {
        if (uuid_equal(scene_now->states[i].endpoint, endpoint)) return &scene_now->states[i];
    }
    return NULL;
}

static enum status state_load(struct relay_store *store, struct uuid endpoint,
                              struct relay_state *out_state, struct error *out_error)
{
    (void)store;
    (void)out_error;
    const struct relay_state *state = state_find(endpoint);
    if (state == NULL) return STATUS_NOT_FOUND;
    *out_state = *state;
    return STATUS_OK;
}

static enum status state_save(struct relay_store *store, const struct relay_state *state,
                              const struct dead_letter *letter, struct error *out_error)
{
    (void)store;
    (void)out_error;
    assert_null(letter);
    struct relay_state *at = state_find(state->endpoint);
    if (at == NULL) at = &scene_now->states[scene_now->state_count++];
    assert_true(scene_now->state_count <= ROWS_MAX);
    *at = *state;
    return STATUS_OK;
}

static enum status state_letters(struct relay_store *store, struct uuid endpoint, uint64_t above,
                                 struct dead_letter *out_letters, uint32_t limit,
                                 uint32_t *out_count)
{
    (void)store;
    (void)endpoint; /* one has letters */
    uint32_t count = 0;
    scene_now->letter_reads++;
    for (uint32_t i = 0; i < scene_now->letter_count && count < limit; i++) {
        if (scene_now->letters[i].sequence > above) out_letters[count++] = scene_now->letters[i];
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status state_forget(struct relay_store *store, struct uuid endpoint,
                                struct error *out_error)
{
    (void)store;
    (void)out_error;
    struct relay_state *state = state_find(endpoint);
    if (state != NULL) *state = scene_now->states[--scene_now->state_count];
    return STATUS_OK;
}

/* ---- The receiver ---- */

static void signature_check(const struct http_out_request *request)
{
    struct signing_key key = { .kind = SIGNING_KEY_NONE };
    struct str secret = str_from(scene_now->secret);
    assert_int_equal(signing_key_parse(secret, &key), STATUS_OK);
    struct signing_key *keys[] = { &key };
    struct webhook_header headers[HTTP_OUT_HEADERS_MAX];
    for (uint32_t i = 0; i < request->header_count; i++) {
        headers[i] = (struct webhook_header){ request->headers[i].name, request->headers[i].value };
    }
    const struct webhook_policy policy = { .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 };
    struct webhook_scratch scratch;
    buf_init(&scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&scratch.form, WEBHOOK_SCRATCH_SIZE);
    const struct webhook_check check = { .policy = &policy,
                                         .keys = keys,
                                         .key_count = 1,
                                         .now = clock_wall(&scene_now->bench->clock.port),
                                         .scratch = &scratch };
    const struct webhook_message message = { headers, request->header_count, request->body };
    struct webhook_verdict verdict;
    assert_true(webhook_verify(&check, &message, &verdict));
    buf_free(&scratch.message);
    buf_free(&scratch.form);
    signing_key_done(&key);
}

static uint64_t sequence_of(struct str body)
{
    const struct str member = STR("\"sequence\":\"");
    for (size_t at = 0; at + member.len < body.len; at++) {
        if (memcmp(body.data + at, member.data, member.len) == 0)
            return strtoull(body.data + at + member.len, NULL, 10);
    }
    fail_msg("no sequence");
    return 0;
}

static enum status receive(struct http_out *http, const struct http_out_request *request,
                           struct http_out_response *out_response, struct buf *out_body,
                           struct error *out_error)
{
    (void)http;
    (void)out_body;
    (void)out_error;
    assert_true(scene_now->seen_count < SEEN_MAX);
    scene_now->seen[scene_now->seen_count++] = sequence_of(request->body);
    if (scene_now->secret[0] != '\0') signature_check(request);
    *out_response = (struct http_out_response){ .status = 200 };
    if (scene_now->answer != 0) out_response->status = scene_now->answer;
    return STATUS_OK;
}

/* ---- The scene ---- */

static enum status desk_try_open(struct scene *scene)
{
    struct bench *bench = scene->bench;
    const struct webhook_desk_options options = {
        .ports = { .store = &bench->store.port,
                   .clock = &bench->clock.port,
                   .entropy = &bench->entropy.port,
                   .sync = &bench->sync.port,
                   .log = &bench->log.port },
        .lane = scene->no_lane ? NULL : bench->lane,
        .http = &scene->http,
        .feed = &scene->feed.port,
        .relay_store = &scene->relays,
        .endpoint_store = &scene->endpoints,
        .followed = scene->follows ? &scene->lane_0 : NULL,
        .stepped = true,
    };
    struct error error = { 0 };
    return webhook_desk_open(&options, &scene->desk, &error);
}

static struct scene *scene_new(uint64_t events)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->endpoints = (struct endpoint_store){
        .put = row_put, .remove = row_remove, .next = row_next, .load = row_load
    };
    scene->relays = (struct relay_store){
        .load = state_load, .save = state_save, .letters = state_letters, .forget = state_forget
    };
    scene->http.call = receive;
    test_feed_init(&scene->feed, events);
    scene->bench = bench_new();
    scene_now = scene;
    assert_int_equal(desk_try_open(scene), STATUS_OK);
    return scene;
}

static void scene_free(struct scene *scene)
{
    webhook_desk_close(scene->desk);
    bench_free(scene->bench);
    free(scene);
}

static void again(struct scene *scene)
{
    webhook_desk_close(scene->desk);
    assert_int_equal(desk_try_open(scene), STATUS_OK);
}

static struct webhook_desk_view draft_of(uint64_t number)
{
    return (struct webhook_desk_view){ .id = test_id(number), .url = "https://a.example/" };
}

static struct webhook_desk_view create(struct scene *scene, uint64_t number)
{
    struct webhook_desk_view draft = draft_of(number);
    struct webhook_desk_view view;
    struct error error = { 0 };
    assert_int_equal(webhook_desk_create(scene->desk, &draft, scene->secret, &view, &error),
                     STATUS_OK);
    return view;
}

/* Delivers what there is; the numbers that came since are first to last. */
static void deliver(struct scene *scene, uint64_t first, uint64_t last)
{
    uint32_t before = scene->seen_count;
    for (int i = 0; i < 100; i++) {
        bench_sleep(scene->bench, 2000);
        (void)webhook_relay_step(webhook_desk_relay(scene->desk)); /* also when nothing is due */
    }
    assert_int_equal(scene->seen_count - before, last + 1 - first);
    for (uint64_t i = first; i <= last; i++) assert_int_equal(scene->seen[before + i - first], i);
}

/* ---- Cases ---- */

static void an_endpoint_is_there_in_every_later_life(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(4);
    struct webhook_desk_view view = create(scene, 1);
    assert_int_equal(view.key_count, 1);
    deliver(scene, 1, 4);
    again(scene);
    scene->feed.count = 6;
    deliver(scene, 5, 6); /* signed with the secret that was given out in the first life */
    struct webhook_desk_status status;
    webhook_desk_get_status(scene->desk, &status);
    assert_int_equal(status.endpoints, 1);
    struct webhook_desk_view draft = draft_of(1);
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    struct error error = { 0 };
    assert_int_equal(webhook_desk_create(scene->desk, &draft, secret, &view, &error),
                     STATUS_CONFLICT);
    scene_free(scene);
}

static void what_was_not_stored_did_not_happen(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(2);
    struct webhook_desk_view draft = draft_of(1);
    struct webhook_desk_view view;
    struct error error = { 0 };
    scene->put_fails = STATUS_LIMIT;
    assert_int_equal(webhook_desk_create(scene->desk, &draft, scene->secret, &view, &error),
                     STATUS_LIMIT);
    deliver(scene, 1, 0);
    scene->put_fails = STATUS_OK;
    (void)create(scene, 1);
    scene->put_fails = STATUS_LIMIT;
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    assert_int_equal(webhook_desk_rotate(scene->desk, test_id(1), 60, secret, &view, &error),
                     STATUS_LIMIT);
    assert_int_equal(webhook_desk_look(scene->desk, test_id(1), &view, &error), STATUS_OK);
    assert_int_equal(view.key_count, 1);
    deliver(scene, 1, 2); /* with the secret of before */
    scene_free(scene);
}

static void numbers_go_on_whatever_is_changed(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(4);
    (void)create(scene, 1);
    deliver(scene, 1, 4);
    struct webhook_desk_change change = { .url = true, .wanted.url = "https://b.example/" };
    struct webhook_desk_view view;
    struct error error = { 0 };
    assert_int_equal(webhook_desk_update(scene->desk, test_id(1), &change, &view, &error),
                     STATUS_OK);
    assert_string_equal(view.url, "https://b.example/");
    assert_int_equal(view.sequence_base, 0); /* numbers below stay to be asked for */
    change = (struct webhook_desk_change){ .filters = true, .wanted.filter_count = 1 };
    memcpy(change.wanted.filters[0], "refund.*", 9);
    assert_int_equal(webhook_desk_update(scene->desk, test_id(1), &change, &view, &error),
                     STATUS_OK);
    assert_int_equal(view.sequence_base, 4);
    again(scene);
    scene->feed.count = 9; /* of which 6 and 9 are refunds */
    deliver(scene, 5, 6);
    scene_free(scene);
}

static void both_secrets_sign_until_the_overlap_ends(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(1);
    (void)create(scene, 1);
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    struct webhook_desk_view view;
    struct error error = { 0 };
    assert_int_equal(webhook_desk_rotate(scene->desk, test_id(1), 3600, secret, &view, &error),
                     STATUS_OK);
    assert_int_equal(view.key_count, 2);
    deliver(scene, 1, 1); /* the old one verifies still */
    scene->feed.count = 2;
    memcpy(scene->secret, secret, sizeof secret);
    deliver(scene, 2, 2); /* and so does the new one */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(webhook_desk_rotate(scene->desk, test_id(1), 3600, secret, &view, &error),
                         STATUS_OK);
    }
    assert_int_equal(webhook_desk_rotate(scene->desk, test_id(1), 3600, secret, &view, &error),
                     STATUS_CONFLICT);
    scene_free(scene);
}

static void what_is_removed_is_sent_nothing_and_forgotten(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(2);
    (void)create(scene, 1);
    deliver(scene, 1, 2);
    struct webhook_desk_view view;
    struct error error = { 0 };
    assert_int_equal(webhook_desk_remove(scene->desk, test_id(1), &error), STATUS_OK);
    assert_int_equal(webhook_desk_remove(scene->desk, test_id(1), &error), STATUS_NOT_FOUND);
    assert_int_equal(webhook_desk_next(scene->desk, (struct uuid){ 0 }, &view, &error),
                     STATUS_NOT_FOUND);
    assert_int_equal(scene->state_count, 0);
    scene->feed.count = 4;
    deliver(scene, 1, 0);
    scene_free(scene);
}

static bool act_count(void *owner, const struct act_row *row)
{
    uint32_t *count = owner;
    assert_string_equal(act_code(row->record), "endpoint_disable");
    assert_true(uuid_equal(row->context->principal.value, PRINCIPAL_SYSTEM.value));
    const struct record_notice *notice = (const void *)row->record;
    assert_true(uuid_equal(notice->subject, test_id(1)));
    (*count)++;
    return true;
}

static bool never(void *owner)
{
    (void)owner; /* there is time enough */
    return false;
}

static uint32_t disabled_acts(struct scene *scene)
{
    uint32_t count = 0;
    const struct act_query query = { .to = { INT64_MAX },
                                     .head = scene->bench->disk->head,
                                     .visit = act_count,
                                     .over = never,
                                     .owner = &count };
    struct act_answer answer;
    struct error error = { 0 };
    assert_int_equal(act_walk(&scene->bench->store.port, &query, &answer, &error), STATUS_OK);
    return count;
}

static void refuse_for_good(struct scene *scene)
{
    scene->answer = 410;
    for (int i = 0; i < 3; i++) {
        bench_sleep(scene->bench, 2000);
        (void)webhook_relay_step(webhook_desk_relay(scene->desk)); /* also when nothing is due */
    }
    scene->answer = 0;
}

static void that_one_disables_itself_is_written_down_once(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(4);
    (void)create(scene, 1);
    refuse_for_good(scene);
    assert_int_equal(disabled_acts(scene), 1);
    again(scene);
    assert_int_equal(disabled_acts(scene), 1);
    struct webhook_desk_change change = { .state = true, .wanted.state = ENDPOINT_ACTIVE };
    struct webhook_desk_view view;
    struct error error = { 0 };
    assert_int_equal(webhook_desk_update(scene->desk, test_id(1), &change, &view, &error),
                     STATUS_OK);
    refuse_for_good(scene); /* another time */
    assert_int_equal(disabled_acts(scene), 2);
    scene_free(scene);
}

static void what_could_not_be_written_down_is_at_the_next_start(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(4);
    scene->no_lane = true;
    again(scene);
    (void)create(scene, 1);
    refuse_for_good(scene);
    assert_int_equal(disabled_acts(scene), 0);
    scene->no_lane = false;
    again(scene);
    assert_int_equal(disabled_acts(scene), 1);
    scene_free(scene);
}

/* What an endpoint of lane 0 is there becomes this scene's lane 0. */
static struct scene *follower_new(uint64_t events)
{
    struct scene *scene = scene_new(0);
    (void)create(scene, 1);
    memcpy(scene->made, scene->rows, sizeof scene->made);
    scene->made_count = 1;
    scene->made[0].since = (struct position){ 77, 5 }; /* of another journal */
    scene->made[0].sequence_base = 40;
    webhook_desk_close(scene->desk);
    scene->row_count = 0;
    scene->state_count = 0;
    scene->follows = true;
    scene->lane_0 = (struct endpoint_store){ .next = made_next, .load = made_load };
    scene->feed.count = events;
    assert_int_equal(desk_try_open(scene), STATUS_OK);
    return scene;
}

static void follow(struct scene *scene)
{
    assert_int_equal(webhook_desk_follow(scene->desk), WEBHOOK_FOLLOW_MS);
}

static void another_lane_sends_by_what_lane_0_has(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = follower_new(2);
    deliver(scene, 1, 0);             /* not known yet */
    scene->made[0].created_at.ns = 1; /* before its first unit */
    follow(scene);
    deliver(scene, 1, 2); /* by the secret that lane 0 gave out, with numbers of its own */
    follow(scene);
    scene->feed.count = 3;
    again(scene);
    deliver(scene, 3, 3);
    scene_free(scene);
}

static void another_lane_begins_when_the_endpoint_was_made(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = follower_new(0);
    struct lane_status status;
    test_accounts(scene->bench, 2);
    lane_get_status(scene->bench->lane, &status);
    scene->made[0].created_at = status.head.stamp;
    follow(scene);
    assert_int_equal(scene->row_count, 1);
    assert_int_equal(scene->rows[0].since.batch, status.head.sequence);
    assert_int_equal(scene->rows[0].sequence_base, 0);
    scene_free(scene);
}

static void changes_are_followed_and_numbers_go_on(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = follower_new(2);
    scene->made[0].created_at.ns = 1;
    follow(scene);
    deliver(scene, 1, 2);
    struct endpoint_row *made = &scene->made[0];
    made->state = ENDPOINT_DISABLED;
    follow(scene);
    scene->feed.count = 4;
    deliver(scene, 1, 0);
    made->state = ENDPOINT_ACTIVE;
    memcpy(made->url, "https://b.example/", 19);
    follow(scene);
    deliver(scene, 3, 4);
    struct position since = scene->rows[0].since;
    made->filter_count = 1;
    memcpy(made->filters[0], "payment.*", 10);
    follow(scene);
    assert_true(position_compare(scene->rows[0].since, since) > 0); /* others begin where it is */
    assert_int_equal(scene->rows[0].sequence_base, 4);
    assert_string_equal(scene->rows[0].url, "https://b.example/");
    scene->made_count = 0;
    follow(scene);
    assert_int_equal(scene->row_count, 0);
    assert_int_equal(scene->state_count, 0);
    scene->feed.count = 5;
    deliver(scene, 1, 0);
    scene_free(scene);
}

/* Looking for changes costs one reading of lane 0's rows, and no more while there are none. */
static void what_stays_is_not_compared_again(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = follower_new(0);
    follow(scene);
    uint32_t loads = scene->loads;
    follow(scene);
    assert_int_equal(scene->loads, loads);
    struct webhook_desk_view view;
    struct error error = { 0 };
    const struct webhook_desk_change change = { .state = true, .wanted.state = ENDPOINT_ACTIVE };
    scene->made[0].state = ENDPOINT_DISABLED;
    follow(scene);
    assert_int_equal(scene->rows[0].state, ENDPOINT_DISABLED);
    assert_int_equal(webhook_desk_update(scene->desk, scene->rows[0].id, &change, &view, &error),
                     STATUS_OK);
    follow(scene);
    assert_int_equal(scene->rows[0].state, ENDPOINT_DISABLED); /* lane 0 says so */
    scene_free(scene);
}

static void what_cannot_be_followed_stays_and_is_said_once(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = follower_new(1);
    scene->made[0].created_at.ns = 1;
    follow(scene);
    scene->made[0].state = ENDPOINT_DISABLED;
    scene->put_fails = STATUS_LIMIT;
    follow(scene);
    follow(scene);
    deliver(scene, 1, 1);
    scene->put_fails = STATUS_OK;
    follow(scene);
    scene->feed.count = 2;
    deliver(scene, 1, 0);
    scene_free(scene);
}

static void a_row_that_is_no_endpoint_stops_the_start(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(0);
    (void)create(scene, 1);
    memcpy(scene->rows[0].url, "nowhere", 8);
    webhook_desk_close(scene->desk);
    scene->desk = NULL;
    assert_int_equal(desk_try_open(scene), STATUS_CORRUPT);
    scene_free(scene);
}

static enum webhook_delivery delivery_of(struct scene *scene, const struct webhook_desk_view *view,
                                         uint64_t number, const char *type, uint64_t *out_sequence)
{
    enum webhook_delivery delivery = WEBHOOK_DELIVERY_COUNT;
    struct dead_letter letter = { 0 };
    assert_int_equal(webhook_desk_delivery(scene->desk, view, test_feed_position(number),
                                           str_from(type), &delivery, &letter),
                     STATUS_OK);
    *out_sequence = letter.sequence;
    return delivery;
}

static void what_became_of_an_event_is_told(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new(0);
    /* Events 11 to 50 were dealt with, as numbers 1 to 40; every third is a dead letter. */
    struct webhook_desk_view view = { .id = test_id(1), .since = test_feed_position(10) };
    view.relay.cursor = test_feed_position(50);
    view.relay.sequence = 40;
    for (uint64_t sequence = 3; sequence <= 40; sequence += 3) {
        scene->letters[scene->letter_count++] =
            (struct dead_letter){ .sequence = sequence,
                                  .position = test_feed_position(sequence + 10) };
    }
    for (uint64_t number = 1; number <= 60; number++) {
        uint64_t sequence;
        enum webhook_delivery wanted = number <= 10             ? WEBHOOK_DELIVERY_EARLIER
                                       : number > 50            ? WEBHOOK_DELIVERY_WAITING
                                       : (number - 10) % 3 == 0 ? WEBHOOK_DELIVERY_DEAD_LETTER
                                                                : WEBHOOK_DELIVERY_DELIVERED;
        scene->letter_reads = 0;
        assert_int_equal(delivery_of(scene, &view, number, "payment.failed", &sequence), wanted);
        bool dead = wanted == WEBHOOK_DELIVERY_DEAD_LETTER;
        assert_int_equal(sequence, dead ? number - 10 : 0);
        assert_in_range(scene->letter_reads, 0, 7);
    }
    memcpy(view.filters[view.filter_count++], "refund.*", 9);
    uint64_t sequence;
    assert_int_equal(delivery_of(scene, &view, 20, "payment.failed", &sequence),
                     WEBHOOK_DELIVERY_NOT_WANTED);
    assert_int_equal(delivery_of(scene, &view, 20, "refund.failed", &sequence),
                     WEBHOOK_DELIVERY_DELIVERED);
    assert_string_equal(webhook_delivery_name(WEBHOOK_DELIVERY_DEAD_LETTER), "dead_letter");
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_is_there_in_every_later_life),
        cmocka_unit_test(what_was_not_stored_did_not_happen),
        cmocka_unit_test(numbers_go_on_whatever_is_changed),
        cmocka_unit_test(both_secrets_sign_until_the_overlap_ends),
        cmocka_unit_test(what_is_removed_is_sent_nothing_and_forgotten),
        cmocka_unit_test(what_became_of_an_event_is_told),
        cmocka_unit_test(that_one_disables_itself_is_written_down_once),
        cmocka_unit_test(what_could_not_be_written_down_is_at_the_next_start),
        cmocka_unit_test(another_lane_sends_by_what_lane_0_has),
        cmocka_unit_test(another_lane_begins_when_the_endpoint_was_made),
        cmocka_unit_test(changes_are_followed_and_numbers_go_on),
        cmocka_unit_test(what_stays_is_not_compared_again),
        cmocka_unit_test(what_cannot_be_followed_stays_and_is_said_once),
        cmocka_unit_test(a_row_that_is_no_endpoint_stops_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
