/*
 * Goal: over every store an event has its effect once, in whatever order and however often its
 * record comes; what is not committed was not; the inbox is bounded; what cannot be taken is kept.
 * Method: called by the test of each store; what came of it is asked by SQL on another connection.
 */
#include "tests/port/event_book_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wallet/event_book.h"

enum { TEXT_SIZE = 1024, KEPT = 10 };

#define TOPIC "events"
#define SUM "SELECT CAST(coalesce(sum(events), 0) AS bigint) FROM happened"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

struct scene {
    const struct event_store_factory *factory;
    struct event_book *book;
    enum event_book_errands errands;
    struct error error;
};

static enum status book_open(struct scene *scene, const char *topic)
{
    struct event_store *store = scene->factory->open(scene->factory->owner);
    const struct event_book_options options = { topic, KEPT, scene->errands };
    return event_book_open(store, &options, &scene->book, &scene->error);
}

static struct scene scene_of(const struct event_store_factory *factory)
{
    struct scene scene = { .factory = factory };
    factory->fresh(factory->owner);
    assert_int_equal(book_open(&scene, TOPIC), STATUS_OK);
    return scene;
}

static int64_t number(struct scene *scene, const char *sql)
{
    return scene->factory->number(scene->factory->owner, sql);
}

static const char *event(char text[TEXT_SIZE], int lane, int batch, const char *state)
{
    int len = snprintf(
        text, TEXT_SIZE,
        "{\"specversion\":\"1.0\",\"id\":\"%d-1\",\"source\":\"/tpwallet/%d\","
        "\"type\":\"payment.changed\",\"time\":\"2026-11-29T10:00:00.000000000Z\","
        "\"data\":{\"payment\":{\"id\":\"0190a1b2-0000-7000-8000-%012d\",\"kind\":\"pay_in\","
        "\"state\":\"%s\",\"asset\":\"EUR\",\"amount\":\"1.00\",\"version\":%d}}}",
        batch, lane, lane, state, batch);
    assert_true(len > 0 && len < TEXT_SIZE);
    return text;
}

static struct event_book_record record_of(int partition, int64_t offset, const char *value)
{
    return (struct event_book_record){ partition,
                                       offset,
                                       value == NULL,
                                       STR("key"),
                                       value == NULL ? STR("") : str_from(value),
                                       STR("01-" TRACE "-01-what-later-versions-say") };
}

/* A record in a transaction of its own. value NULL: the partition's end. */
static enum event_book_outcome apply(struct scene *scene, int partition, int64_t offset,
                                     const char *value)
{
    enum event_book_outcome outcome = EVENT_BOOK_DEAD;
    const struct event_book_record record = record_of(partition, offset, value);
    assert_int_equal(event_book_begin(scene->book, &scene->error), STATUS_OK);
    if (event_book_apply(scene->book, &record, &outcome, &scene->error) != STATUS_OK ||
        event_book_commit(scene->book, &scene->error) != STATUS_OK)
        fail_msg("%s: %s", scene->error.message, scene->error.detail);
    return outcome;
}

static enum event_book_outcome replay(struct scene *scene, int64_t offset, const char *value)
{
    enum event_book_outcome outcome = EVENT_BOOK_DEAD;
    const struct event_book_record record = record_of(0, offset, value);
    assert_int_equal(event_book_begin(scene->book, &scene->error), STATUS_OK);
    assert_int_equal(event_book_replay(scene->book, &record, &outcome, &scene->error), STATUS_OK);
    assert_int_equal(event_book_commit(scene->book, &scene->error), STATUS_OK);
    return outcome;
}

static int64_t mark(struct scene *scene, int partition)
{
    int64_t next = -2;
    enum status status = event_book_mark(scene->book, partition, &next, &scene->error);
    if (status == STATUS_NOT_FOUND) return -1;
    assert_int_equal(status, STATUS_OK);
    return next;
}

static void each_event_has_its_effect_once(const struct event_store_factory *factory)
{
    char text[TEXT_SIZE];
    struct scene scene = scene_of(factory);
    assert_int_equal(mark(&scene, 0), -1);
    assert_int_equal(apply(&scene, 0, 5, event(text, 0, 2, "succeeded")), EVENT_BOOK_APPLIED);
    assert_int_equal(mark(&scene, 0), 6);
    assert_int_equal(apply(&scene, 0, 5, text), EVENT_BOOK_REPEATED); /* below the mark */
    assert_int_equal(apply(&scene, 0, 6, text), EVENT_BOOK_REPEATED); /* in the inbox */
    assert_int_equal(apply(&scene, 1, 0, text), EVENT_BOOK_REPEATED); /* elsewhere */
    assert_int_equal(apply(&scene, 0, 7, event(text, 0, 1, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(apply(&scene, 0, 8, event(text, 1, 2, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(apply(&scene, 0, 20, NULL), EVENT_BOOK_REPEATED);
    assert_int_equal(mark(&scene, 0), 20);
    assert_int_equal(number(&scene, SUM), 3);
    assert_int_equal(number(&scene, "SELECT count(*) FROM payment WHERE state='succeeded'"), 1);
    assert_int_equal(number(&scene, "SELECT count(*) FROM payment WHERE version=2"), 2);
    event_book_close(scene.book);
}

static void what_is_not_committed_was_not(const struct event_store_factory *factory)
{
    char text[TEXT_SIZE];
    enum event_book_outcome outcome;
    struct scene scene = scene_of(factory);
    const struct event_book_record record = record_of(0, 0, event(text, 0, 1, "pending"));
    assert_int_equal(event_book_begin(scene.book, &scene.error), STATUS_OK);
    assert_int_equal(event_book_apply(scene.book, &record, &outcome, &scene.error), STATUS_OK);
    event_book_close(scene.book); /* as one that dies */
    assert_int_equal(book_open(&scene, TOPIC), STATUS_OK);
    assert_int_equal(mark(&scene, 0), -1);
    assert_int_equal(number(&scene, SUM), 0);
    assert_int_equal(apply(&scene, 0, 0, text), EVENT_BOOK_APPLIED);
    event_book_close(scene.book);
}

static void who_was_followed_changes_nothing(const struct event_store_factory *factory)
{
    char text[TEXT_SIZE];
    struct scene old = scene_of(factory);
    struct scene next = { .factory = factory };
    assert_int_equal(book_open(&next, TOPIC), STATUS_OK);
    (void)apply(&old, 0, 0, event(text, 0, 1, "pending")); /* whatever it was */
    assert_int_equal(apply(&next, 0, 1, event(text, 0, 2, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(apply(&next, 0, 2, event(text, 0, 3, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(apply(&old, 0, 1, event(text, 0, 2, "pending")), EVENT_BOOK_REPEATED);
    assert_int_equal(mark(&old, 0), 3);
    assert_int_equal(number(&old, SUM), 3);
    event_book_close(next.book);
    event_book_close(old.book);
}

/* Many more events than are kept: none is taken twice, also those that went from the inbox. */
static void the_inbox_is_bounded(const struct event_store_factory *factory)
{
    char text[TEXT_SIZE];
    struct scene scene = scene_of(factory);
    (void)apply(&scene, 1, 0, event(text, 1, 1, "pending")); /* another source */
    for (int i = 1; i <= 95; i++)
        assert_int_equal(apply(&scene, 0, i, event(text, 0, i, "pending")), EVENT_BOOK_APPLIED);
    int64_t rows = number(&scene, "SELECT count(*) FROM inbox WHERE source='/tpwallet/0'");
    assert_in_range(rows, KEPT, 2 * KEPT - 1);
    assert_int_equal(number(&scene, "SELECT count(*) FROM inbox WHERE source='/tpwallet/1'"), 1);
    for (int i = 95; i >= 1; i--)
        assert_int_equal(replay(&scene, i, event(text, 0, i, "pending")), EVENT_BOOK_REPEATED);
    assert_int_equal(replay(&scene, 96, event(text, 0, 96, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(replay(&scene, 97, event(text, 1, 2, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(number(&scene, SUM), 98);
    event_book_close(scene.book);
}

static void count_letters(void *owner, const struct event_letter *letter)
{
    assert_true(letter->reason.len > 0 && letter->value.len > 0);
    assert_true(str_equal(letter->key, STR("key")));
    (*(uint32_t *)owner)++;
}

static void what_cannot_be_taken_is_kept(const struct event_store_factory *factory)
{
    char text[TEXT_SIZE];
    static char long_state[600];
    memset(long_state, 'x', sizeof long_state - 1);
    struct scene scene = scene_of(factory);
    assert_int_equal(apply(&scene, 0, 0, "garbage"), EVENT_BOOK_DEAD);
    assert_int_equal(apply(&scene, 0, 1, event(text, 0, 1, "a\\u0000b")), EVENT_BOOK_DEAD);
    assert_int_equal(apply(&scene, 0, 2, event(text, 0, 2, "pending")), EVENT_BOOK_APPLIED);
    for (int i = 3; i < 150; i++) /* more than a page of letters */
        assert_int_equal(apply(&scene, 0, i, "{}"), EVENT_BOOK_DEAD);
    assert_true(sizeof long_state + 200 < TEXT_SIZE);
    assert_int_equal(apply(&scene, 0, 150, event(text, 0, 3, long_state)), EVENT_BOOK_DEAD);
    uint32_t count = 0;
    assert_int_equal(event_book_letters(scene.book, count_letters, &count, &scene.error),
                     STATUS_OK);
    assert_int_equal(count, 150);
    uint64_t applied = 1;
    uint64_t left = 0;
    assert_int_equal(event_book_redrive(scene.book, &applied, &left, &scene.error), STATUS_OK);
    assert_int_equal(applied, 0);
    assert_int_equal(left, 150);
    event_book_close(scene.book);
}

/* As one that a former program could not understand: below the floor nobody knows what it did. */
static void letters_below_the_floor_stay(const struct event_store_factory *factory)
{
    char texts[2][TEXT_SIZE];
    char text[TEXT_SIZE];
    struct scene scene = scene_of(factory);
    for (int i = 2; i <= 1 + 2 * KEPT; i++)
        assert_int_equal(apply(&scene, 0, i, event(text, 0, i, "pending")), EVENT_BOOK_APPLIED);
    const struct event_letter letters[] = {
        { 0, 0, STR("old"), STR("key"), str_from(event(texts[0], 0, 1, "pending")) },
        { 0, 1, STR("known"), STR("key"), str_from(event(texts[1], 0, 2 * KEPT, "pending")) },
    };
    struct event_store *store = factory->open(factory->owner);
    assert_int_equal(store->begin(store, &scene.error), STATUS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(store->letter_put(store, &letters[i], &scene.error), STATUS_OK);
    assert_int_equal(store->commit(store, &scene.error), STATUS_OK);
    store->close(store);
    uint64_t applied = 0;
    uint64_t left = 0;
    assert_int_equal(event_book_redrive(scene.book, &applied, &left, &scene.error), STATUS_OK);
    assert_int_equal(applied, 1); /* the one that is known goes */
    assert_int_equal(left, 1);
    assert_int_equal(number(&scene, "SELECT count(*) FROM letter WHERE reason='old'"), 1);
    assert_int_equal(number(&scene, "SELECT count(*) FROM letter"), 1);
    assert_int_equal(number(&scene, SUM), 2 * KEPT);
    event_book_close(scene.book);
}

static void settings_outlive_consumers(const struct event_store_factory *factory)
{
    bool paused = true;
    struct scene scene = scene_of(factory);
    assert_int_equal(event_book_paused(scene.book, &paused, &scene.error), STATUS_OK);
    assert_false(paused);
    assert_int_equal(event_book_set_paused(scene.book, true, &scene.error), STATUS_OK);
    event_book_close(scene.book);
    scene.book = NULL;
    assert_int_equal(book_open(&scene, "other"), STATUS_CONFLICT);
    assert_non_null(strstr(scene.error.message, "'" TOPIC "'"));
    assert_int_equal(book_open(&scene, TOPIC), STATUS_OK);
    assert_int_equal(event_book_paused(scene.book, &paused, &scene.error), STATUS_OK);
    assert_true(paused);
    event_book_close(scene.book);
}

/* An errand of each event, in order, until it is dropped; none of what is undone or repeated. */
static void errands_wait_until_they_are_sent(const struct event_store_factory *factory)
{
    char text[TEXT_SIZE];
    struct scene scene = { .factory = factory, .errands = EVENT_BOOK_TELLS };
    factory->fresh(factory->owner);
    assert_int_equal(book_open(&scene, TOPIC), STATUS_OK);
    for (int i = 1; i <= 3; i++)
        (void)apply(&scene, 0, i, event(text, 0, i, "pending")); /* whatever it was */
    assert_int_equal(apply(&scene, 0, 4, text), EVENT_BOOK_REPEATED);
    assert_int_equal(apply(&scene, 0, 5, "garbage"), EVENT_BOOK_DEAD);
    uint64_t waiting = 0;
    assert_int_equal(event_book_waiting(scene.book, &waiting, &scene.error), STATUS_OK);
    assert_int_equal(waiting, 3);
    struct event_store *store = factory->open(factory->owner);
    BUF_SCOPE struct buf memory;
    buf_init(&memory, 1 << 16);
    struct event_errand errand;
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(store->errand_first(store, &memory, &errand, &scene.error), STATUS_OK);
        assert_true(str_equal(errand.value, str_from(event(text, 0, i, "pending"))));
        assert_true(str_equal(errand.traceparent, STR("00-" TRACE "-01")));
        struct event_errand other = errand;
        other.id = STR("x"); /* as a number that was used again */
        assert_int_equal(store->errand_drop(store, &other, &scene.error), STATUS_OK);
        assert_int_equal(number(&scene, "SELECT count(*) FROM errand"), 4 - i);
        assert_int_equal(store->errand_drop(store, &errand, &scene.error), STATUS_OK);
    }
    assert_int_equal(store->errand_first(store, &memory, &errand, &scene.error), STATUS_NOT_FOUND);
    assert_int_equal(event_book_waiting(scene.book, &waiting, &scene.error), STATUS_OK);
    assert_int_equal(waiting, 0);
    store->close(store);
    event_book_close(scene.book);
    scene.errands = EVENT_BOOK_TELLS_NOBODY;
    assert_int_equal(book_open(&scene, TOPIC), STATUS_CONFLICT);
    scene.errands = EVENT_BOOK_AS_IT_IS;
    assert_int_equal(book_open(&scene, TOPIC), STATUS_OK);
    assert_int_equal(replay(&scene, 0, event(text, 0, 4, "pending")), EVENT_BOOK_APPLIED);
    assert_int_equal(number(&scene, "SELECT count(*) FROM errand"), 1);
    event_book_close(scene.book);
}

void event_book_conformance(const struct event_store_factory *factory)
{
    each_event_has_its_effect_once(factory);
    what_is_not_committed_was_not(factory);
    who_was_followed_changes_nothing(factory);
    the_inbox_is_bounded(factory);
    what_cannot_be_taken_is_kept(factory);
    letters_below_the_floor_stay(factory);
    settings_outlive_consumers(factory);
    errands_wait_until_they_are_sent(factory);
}
