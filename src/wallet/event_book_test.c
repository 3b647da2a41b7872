/*
 * Goal: whatever call of the store fails, the transaction is undone, and the same records again come
 * to each effect once; a partition's mark is asked and written once for a transaction.
 * Method: a store in memory that undoes by a copy of itself; each call of it fails in turn, and the
 * records are given again until they are taken.
 */
#include "wallet/event_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wallet/event_reading.h"

enum { RECORDS = 12, PARTITIONS = 2, BATCHES = 32, TEXT_SIZE = 400 };

static const struct event_book_options OPTIONS = { "topic", 7, EVENT_BOOK_AS_IT_IS };

struct state {
    int64_t marks[PARTITIONS]; /* -1: never read */
    bool taken[BATCHES];
    uint32_t effects;
    uint32_t letters;
    char topic[16];
};

struct rig {
    struct event_store port; /* first */
    struct state now;
    struct state before; /* as the transaction found it */
    bool begun;
    bool closed;
    uint32_t calls;
    uint32_t fails_at; /* 0: none */
    uint32_t mark_gets;
    uint32_t mark_sets;
};

static enum status called(struct event_store *port, struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    if (++rig->calls != rig->fails_at) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "as told");
}

static enum status rig_begin(struct event_store *port, struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_false(rig->begun);
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    rig->before = rig->now;
    rig->begun = true;
    return STATUS_OK;
}

static void rig_undo(struct event_store *port)
{
    struct rig *rig = (struct rig *)port;
    if (rig->begun) rig->now = rig->before;
    rig->begun = false;
}

static enum status rig_commit(struct event_store *port, struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_true(rig->begun);
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    rig->begun = false;
    return STATUS_OK;
}

static enum status rig_mark_get(struct event_store *port, int32_t partition, int64_t *out_next,
                                struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    rig->mark_gets++;
    if (rig->now.marks[partition] < 0) return STATUS_NOT_FOUND;
    *out_next = rig->now.marks[partition];
    return STATUS_OK;
}

static enum status rig_mark_set(struct event_store *port, int32_t partition, int64_t next,
                                struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_true(rig->begun);
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    rig->mark_sets++;
    rig->now.marks[partition] = next;
    return STATUS_OK;
}

static enum status rig_inbox_take(struct event_store *port, const struct event_reading *event,
                                  uint32_t kept, enum event_novelty *out_novelty,
                                  struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_true(rig->begun && kept == 7 && event->position.batch < BATCHES);
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    *out_novelty = rig->now.taken[event->position.batch] ? EVENT_IS_KNOWN : EVENT_IS_NEW;
    rig->now.taken[event->position.batch] = true;
    return STATUS_OK;
}

static enum status rig_effects_put(struct event_store *port, const struct event_reading *event,
                                   struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_true(rig->begun && str_equal(event->type, STR("account.created")));
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    rig->now.effects++;
    return STATUS_OK;
}

static enum status rig_letter_put(struct event_store *port, const struct event_letter *letter,
                                  struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_true(rig->begun && letter->reason.len > 0);
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    rig->now.letters++;
    return STATUS_OK;
}

static enum status rig_setting_get(struct event_store *port, const char *name,
                                   struct buf *out_value, struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    bool topic = strcmp(name, "topic") == 0;
    if (!topic || rig->now.topic[0] == '\0') return STATUS_NOT_FOUND;
    buf_reset(out_value);
    buf_append_str(out_value, str_from(rig->now.topic));
    return STATUS_OK;
}

static enum status rig_setting_set(struct event_store *port, const char *name, struct str value,
                                   struct error *out_error)
{
    struct rig *rig = (struct rig *)port;
    assert_string_equal(name, "topic"); /* of errands nothing is set */
    assert_true(value.len < sizeof rig->now.topic);
    if (called(port, out_error) != STATUS_OK) return STATUS_UNAVAILABLE;
    memcpy(rig->now.topic, value.data, value.len);
    return STATUS_OK;
}

static void rig_close(struct event_store *port)
{
    struct rig *rig = (struct rig *)port;
    assert_false(rig->closed);
    rig_undo(port);
    rig->closed = true;
}

static struct rig rig_of(void)
{
    return (struct rig){
        .port = { .begin = rig_begin,
                  .commit = rig_commit,
                  .undo = rig_undo,
                  .mark_get = rig_mark_get,
                  .mark_set = rig_mark_set,
                  .inbox_take = rig_inbox_take,
                  .effects_put = rig_effects_put,
                  .letter_put = rig_letter_put,
                  .setting_get = rig_setting_get,
                  .setting_set = rig_setting_set,
                  .close = rig_close },
        .now = { .marks = { -1, -1 } },
    };
}

/* Records 0, 2, ... of partition 0 and 1, 3, ... of 1; each third is garbage, two are one event. */
static enum status records_give(struct event_book *book)
{
    enum status status = event_book_begin(book, NULL);
    for (int i = 0; status == STATUS_OK && i < RECORDS; i++) {
        char text[TEXT_SIZE];
        enum event_book_outcome outcome;
        int at = i < RECORDS / 2 ? 0 : 1;
        int len = snprintf(text, sizeof text,
                           "{\"specversion\":\"1.0\",\"id\":\"%d-1\",\"source\":\"s\",\"type\":"
                           "\"account.created\",\"time\":\"2026-11-29T10:00:00.000000000Z\"%s",
                           i == 7 ? 1 : i + 1, i % 3 == 2 ? "" : "}");
        assert_true(len > 0 && len < TEXT_SIZE);
        const struct event_book_record record = { at,         i % (RECORDS / 2), false,
                                                  STR("key"), str_from(text),    STR("") };
        status = event_book_apply(book, &record, &outcome, NULL);
    }
    return status == STATUS_OK ? event_book_commit(book, NULL) : status;
}

static void check_state(const struct rig *rig)
{
    assert_int_equal(rig->now.effects, 7);
    assert_int_equal(rig->now.letters, 4);
    for (int i = 0; i < PARTITIONS; i++) assert_int_equal(rig->now.marks[i], RECORDS / 2);
}

static void marks_are_asked_and_written_once(void **state)
{
    (void)state; /* no fixture */
    struct rig rig = rig_of();
    struct event_book *book = NULL;
    assert_int_equal(event_book_open(&rig.port, &OPTIONS, &book, NULL), STATUS_OK);
    assert_int_equal(records_give(book), STATUS_OK);
    check_state(&rig);
    assert_int_equal(rig.mark_gets, PARTITIONS);
    assert_int_equal(rig.mark_sets, PARTITIONS);
    assert_int_equal(records_give(book), STATUS_OK); /* all again: below the marks */
    check_state(&rig);
    assert_int_equal(rig.mark_sets, PARTITIONS);
    event_book_close(book);
    assert_true(rig.closed);
}

static void any_failure_undoes_all(void **state)
{
    (void)state; /* no fixture */
    bool failed = true;
    for (uint32_t at = 1; failed; at++) {
        struct rig rig = rig_of();
        struct event_book *book = NULL;
        rig.fails_at = at;
        failed = false;
        if (event_book_open(&rig.port, &OPTIONS, &book, NULL) != STATUS_OK) {
            assert_true(rig.closed);
            rig.closed = false;
            failed = true;
            assert_int_equal(event_book_open(&rig.port, &OPTIONS, &book, NULL), STATUS_OK);
        }
        const struct state before = rig.now;
        if (records_give(book) != STATUS_OK) {
            assert_false(rig.begun);
            assert_memory_equal(&rig.now, &before, sizeof before);
            failed = true;
            assert_int_equal(records_give(book), STATUS_OK);
        }
        check_state(&rig);
        event_book_close(book);
        assert_true(at < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_asked_and_written_once),
        cmocka_unit_test(any_failure_undoes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
