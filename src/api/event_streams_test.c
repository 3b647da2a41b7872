/*
 * Goal: a stream gives every event behind its beginning, once and in order, whenever it asks for its
 * parts; it says that it lives when there is no news; and it ends when it is to, with its reason.
 * Method: streams over the real lane in a simulated world, whose clock is the test's. The parts are
 * taken apart into ids, and compared with the feed read from its beginning.
 */
#include "api/event_streams.h"

#include "api/api_test.h"
#include "base/prng.h"
#include "wallet/journal_feed.h"

enum { HEARTBEAT_MS = 2000, STREAMS_MAX = 12, READ_SIZE_MAX = 1 << 20 };

/* A feed that fails when it is told to. */
struct fragile_feed {
    struct event_feed port; /* first */
    struct event_feed *inner;
    bool fails;
};

static enum status fragile_next(struct event_feed *port, struct position after, struct buf *memory,
                                struct feed_event *out_event, struct error *out_error)
{
    struct fragile_feed *feed = (struct fragile_feed *)port;
    if (feed->fails) return error_set(out_error, STATUS_UNAVAILABLE, "the disk is away");
    return feed->inner->next(feed->inner, after, memory, out_event, out_error);
}

struct stage {
    struct rig *rig;
    struct journal_feed *feed;
    struct fragile_feed fragile;
    struct event_streams *streams;
};

struct reader {
    struct stage *stage;
    struct api_call call;
    bool asked;
    bool ready;
    struct buf ids; /* "1-0 1-1 2-0 " */
    unsigned heartbeats;
};

static void stage_open(struct stage *stage, struct rig *rig)
{
    *stage = (struct stage){ .rig = rig };
    assert_int_equal(
        journal_feed_new(rig->lane, rig->ports.store, rig->ports.sync, "/test", &stage->feed),
        STATUS_OK);
    stage->fragile =
        (struct fragile_feed){ { fragile_next }, journal_feed_port(stage->feed), false };
    const struct event_streams_options options = {
        .lane = rig->lane,
        .sync = rig->ports.sync,
        .clock = rig->ports.clock,
        .log = rig->ports.log,
        .feed = &stage->fragile.port,
        .streams_max = STREAMS_MAX,
        .heartbeat_ms = HEARTBEAT_MS,
    };
    struct error error = { 0 };
    assert_int_equal(event_streams_new(&options, &stage->streams, &error), STATUS_OK);
}

static void stage_close(struct stage *stage)
{
    event_streams_free(stage->streams);
    journal_feed_free(stage->feed);
}

static void reader_ready(struct api_call *call)
{
    struct reader *reader = call->owner;
    reader->ready = true;
    task_wake(reader->stage->rig->task);
}

static void reader_join(struct reader *reader, struct stage *stage, struct position after,
                        const struct digest *key)
{
    *reader = (struct reader){ .stage = stage };
    reader->call.ready = reader_ready;
    reader->call.owner = reader;
    buf_init(&reader->call.answer, READ_SIZE_MAX);
    buf_init(&reader->ids, READ_SIZE_MAX);
    assert_int_equal(event_streams_join(stage->streams, &reader->call, after, key), STATUS_OK);
    assert_true(reader->call.streams);
}

static void reader_leave(struct reader *reader)
{
    event_streams_leave(reader->stage->streams, &reader->call);
    assert_null(reader->call.stream);
    buf_free(&reader->call.answer);
    buf_free(&reader->ids);
}

static void reader_ask(struct reader *reader)
{
    reader->ready = false;
    reader->asked = true;
    assert_int_equal(event_streams_more(reader->stage->streams, &reader->call), API_PENDING);
}

/* The ids of the part at hand; each event is whole. */
static void part_take(struct reader *reader)
{
    const char *text = buf_terminated(&reader->call.answer);
    if (strcmp(text, ": heartbeat\n\n") == 0) reader->heartbeats++;
    for (const char *at = text; (at = strstr(at, "id: ")) != NULL; at++) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        assert_memory_equal(end, "\nevent: ", 8);
        assert_non_null(strstr(end, "\n\n"));
        buf_append(&reader->ids, at + 4, (size_t)(end - at) - 4);
        buf_append_byte(&reader->ids, ' ');
    }
    reader->asked = false;
}

/* Waits for the part that was asked for; false: it was not there in time. */
static bool reader_wait(struct reader *reader, int64_t ms)
{
    struct world *world = reader->stage->rig->world;
    struct monotonic_time until = { world_now(world).ns + ms * NS_PER_MS };
    while (!reader->ready && world_now(world).ns < until.ns) (void)task_block(world, until);
    if (reader->ready) part_take(reader);
    return reader->ready;
}

static void expect_last(struct reader *reader, const char *farewell)
{
    assert_string_equal(buf_terminated(&reader->call.answer), farewell);
    assert_false(reader->call.streams);
}

/* The ids of all events behind a position, from the journal. */
static void ids_expected(struct stage *stage, struct position after, struct buf *out_ids)
{
    struct event_feed *feed = journal_feed_port(stage->feed);
    struct buf memory;
    struct feed_event event;
    struct error error = { 0 };
    buf_init(&memory, EVENT_SIZE_MAX);
    buf_init(out_ids, READ_SIZE_MAX);
    while (feed->next(feed, after, &memory, &event, &error) == STATUS_OK) {
        buf_append_str(out_ids, event.id);
        buf_append_byte(out_ids, ' ');
        after = event.position;
    }
    buf_free(&memory);
}

static void transfer_make(struct rig *rig, uint32_t number)
{
    char json[512];
    int len = snprintf(json, sizeof json,
                       "{\"id\":\"019ab000-0000-7000-8000-0000%08x\",\"debit\":\"" BANK
                       "\",\"credit\":\"" BEN "\",\"asset\":\"EUR\",\"amount\":\"1\"}",
                       number + 0x1000);
    assert_true(len > 0 && (size_t)len < sizeof json);
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/transfers", json));
}

/* ---- Order, whenever it is asked ---- */

static void walk_body(struct rig *rig)
{
    enum { STEPS = 1500 };
    struct stage stage;
    struct reader readers[STREAMS_MAX];
    struct prng prng;
    prng_init(&prng, 5);
    people_make(rig);
    stage_open(&stage, rig);
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        reader_join(&readers[i], &stage, (struct position){ 0 }, NULL);
    for (uint32_t step = 0; step < STEPS; step++) {
        /* the first ask at once, the last seldom: they are behind, and read the journal */
        struct reader *reader = &readers[prng_below(&prng, STREAMS_MAX)];
        bool looks = prng_below(&prng, STREAMS_MAX) >= (uint64_t)(reader - readers);
        if (looks && !reader->asked) reader_ask(reader);
        if (looks && reader->asked) (void)reader_wait(reader, 1 + (int64_t)prng_below(&prng, 40));
        if (prng_chance(&prng, 1, 2)) transfer_make(rig, step);
    }
    struct buf wanted;
    ids_expected(&stage, (struct position){ 0 }, &wanted);
    for (unsigned i = 0; i < STREAMS_MAX; i++) {
        struct reader *reader = &readers[i];
        while (reader->ids.len < wanted.len) {
            if (!reader->asked) reader_ask(reader);
            assert_true(reader_wait(reader, HEARTBEAT_MS));
        }
        assert_string_equal(buf_terminated(&reader->ids), buf_terminated(&wanted));
        if (reader->asked) event_streams_hurry(stage.streams, &reader->call);
        if (reader->asked) assert_true(reader_wait(reader, 100));
        reader_leave(reader);
    }
    buf_free(&wanted);
    struct event_streams_status status;
    event_streams_get_status(stage.streams, &status);
    assert_true(status.events > STREAMS_MAX * 500);
    assert_int_equal(status.open, 0);
    stage_close(&stage);
}

static void every_stream_gets_every_event_once_and_in_order(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(walk_body);
}

static void resume_body(struct rig *rig)
{
    struct stage stage;
    struct reader reader;
    struct buf wanted;
    people_make(rig);
    for (uint32_t i = 0; i < 300; i++) transfer_make(rig, i);
    stage_open(&stage, rig);
    const struct position places[] = { { 0, 0 }, { 1, 1 }, { 150, 0 }, { 290, 7 }, { 302, 0 } };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        ids_expected(&stage, places[i], &wanted);
        reader_join(&reader, &stage, places[i], NULL);
        while (reader.ids.len < wanted.len) {
            reader_ask(&reader);
            assert_true(reader_wait(&reader, 100));
            assert_true(reader.call.answer.len < EVENT_PART_SIZE + 4096);
        }
        assert_string_equal(buf_terminated(&reader.ids), buf_terminated(&wanted));
        reader_leave(&reader);
        buf_free(&wanted);
    }
    stage_close(&stage);
}

static void a_stream_goes_on_behind_any_position(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(resume_body);
}

static void news_body(struct rig *rig)
{
    struct stage stage;
    struct reader reader;
    people_make(rig);
    stage_open(&stage, rig);
    struct position head = { UINT32_MAX, 0 };
    reader_join(&reader, &stage, head, NULL); /* of a journal that is longer than this one */
    reader_ask(&reader);
    transfer_make(rig, 1);
    assert_false(reader_wait(&reader, 100));
    event_streams_hurry(stage.streams, &reader.call);
    assert_true(reader_wait(&reader, 10));
    reader_leave(&reader);

    struct lane_status status;
    lane_get_status(rig->lane, &status);
    head = (struct position){ status.head.sequence, 1000 };
    reader_join(&reader, &stage, head, NULL);
    reader_ask(&reader);
    assert_false(reader_wait(&reader, 100));
    transfer_make(rig, 2);
    assert_true(reader_wait(&reader, 20)); /* as soon as the task has looked */
    assert_true(reader.ids.len > 0);
    reader_leave(&reader);
    stage_close(&stage);
}

static void news_come_when_they_are_durable(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(news_body);
}

/* ---- Without news, and at the end ---- */

static void heartbeat_body(struct rig *rig)
{
    struct stage stage;
    struct reader reader;
    stage_open(&stage, rig);
    reader_join(&reader, &stage, (struct position){ 0 }, NULL);
    for (unsigned i = 1; i <= 5; i++) {
        reader_ask(&reader);
        assert_false(reader_wait(&reader, HEARTBEAT_MS - 50));
        assert_true(reader_wait(&reader, 100));
        assert_int_equal(reader.heartbeats, i);
        assert_true(reader.call.streams);
    }
    reader_leave(&reader);
    stage_close(&stage);
}

static void a_stream_without_news_says_that_it_lives(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(heartbeat_body);
}

static void limit_body(struct rig *rig)
{
    struct stage stage;
    struct reader readers[STREAMS_MAX];
    struct api_call one_more = { 0 };
    stage_open(&stage, rig);
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        reader_join(&readers[i], &stage, (struct position){ 0 }, NULL);
    assert_int_equal(event_streams_join(stage.streams, &one_more, (struct position){ 0 }, NULL),
                     STATUS_LIMIT);
    assert_null(one_more.stream);
    assert_false(one_more.streams);
    reader_leave(&readers[3]);
    reader_join(&readers[3], &stage, (struct position){ 0 }, NULL);
    struct event_streams_status status;
    event_streams_get_status(stage.streams, &status);
    assert_int_equal(status.open, STREAMS_MAX);
    assert_int_equal(status.refused, 1);
    for (unsigned i = 0; i < STREAMS_MAX; i++) reader_leave(&readers[i]);
    stage_close(&stage);
}

static void one_too_many_is_refused_until_another_leaves(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(limit_body);
}

static void stop_body(struct rig *rig)
{
    static const char farewell[] = ": the server stops; come back\n\n";
    struct stage stage;
    struct reader waiting;
    struct reader sending;
    struct reader late = { 0 };
    stage_open(&stage, rig);
    reader_join(&waiting, &stage, (struct position){ 0 }, NULL);
    reader_join(&sending, &stage, (struct position){ 0 }, NULL);
    reader_ask(&waiting);
    assert_false(reader_wait(&waiting, 100));
    event_streams_stop(stage.streams);
    assert_true(reader_wait(&waiting, 5));
    expect_last(&waiting, farewell);
    reader_ask(&sending); /* its part was out only now */
    assert_true(reader_wait(&sending, 5));
    expect_last(&sending, farewell);
    assert_int_equal(event_streams_join(stage.streams, &late.call, (struct position){ 0 }, NULL),
                     STATUS_STOPPED);
    reader_leave(&waiting);
    reader_leave(&sending);
    stage_close(&stage);
}

static void a_stop_ends_all_and_lets_none_begin(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(stop_body);
}

static void revoked_body(struct rig *rig)
{
    struct stage stage;
    struct reader reader;
    char secret[80];
    char id[40];
    char target[80];
    rig->call.idempotency_key = STR("reader");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/keys",
                           "{\"name\":\"reader\",\"scopes\":[\"payments:read\"]}"));
    rig->call.idempotency_key = (struct str){ NULL, 0 };
    rig_cut(rig, "secret", secret, sizeof secret);
    rig_cut(rig, "id", id, sizeof id);
    struct digest key = digest_of(secret, strlen(secret));
    stage_open(&stage, rig);
    reader_join(&reader, &stage, (struct position){ UINT32_MAX, 0 }, &key);
    reader_ask(&reader);
    assert_true(reader_wait(&reader, HEARTBEAT_MS + 100)); /* a live key is looked at, too */
    assert_int_equal(reader.heartbeats, 1);
    reader_ask(&reader);
    int len = snprintf(target, sizeof target, "/v1/keys/%s", id);
    assert_true(len > 0 && (size_t)len < sizeof target);
    expect_status(rig, 200, rig_send(rig, API_DELETE, target, NULL));
    assert_true(reader_wait(&reader, EVENT_KEY_LOOK_MS + 50));
    expect_last(&reader, ": the key was revoked\n\n");
    reader_leave(&reader);
    stage_close(&stage);
}

static void a_revoked_key_ends_its_streams(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(revoked_body);
}

static unsigned lines_of(const struct rig *rig, const char *event)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < SIM_LOG_LINES; i++) {
        if (strstr(rig->ring.lines[i], event) != NULL) count++;
    }
    return count;
}

static void failing_body(struct rig *rig)
{
    struct stage stage;
    struct reader reader;
    people_make(rig);
    stage_open(&stage, rig);
    stage.fragile.fails = true;
    for (int i = 0; i < 3; i++) { /* it comes back, and is sent away again */
        reader_join(&reader, &stage, (struct position){ 0 }, NULL);
        reader_ask(&reader);
        assert_true(reader_wait(&reader, 100));
        expect_last(&reader, ": the journal cannot be read now; come back\n\n");
        reader_leave(&reader);
    }
    assert_int_equal(lines_of(rig, "api.stream_failed"), 1);
    stage.fragile.fails = false;
    reader_join(&reader, &stage, (struct position){ 0 }, NULL);
    reader_ask(&reader);
    assert_true(reader_wait(&reader, 100));
    assert_true(reader.ids.len > 0);
    reader_leave(&reader);
    stage_close(&stage);
}

static void a_journal_that_cannot_be_read_ends_the_stream(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(failing_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stream_gets_every_event_once_and_in_order),
        cmocka_unit_test(a_stream_goes_on_behind_any_position),
        cmocka_unit_test(news_come_when_they_are_durable),
        cmocka_unit_test(a_stream_without_news_says_that_it_lives),
        cmocka_unit_test(one_too_many_is_refused_until_another_leaves),
        cmocka_unit_test(a_stop_ends_all_and_lets_none_begin),
        cmocka_unit_test(a_revoked_key_ends_its_streams),
        cmocka_unit_test(a_journal_that_cannot_be_read_ends_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
