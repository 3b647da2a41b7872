/*
 * Goal: whoever the tail covers gets every event behind his own once and in order, and whoever it
 * does not is told so, whatever has been dropped meanwhile.
 * Method: readers at random places beside a list of all events, with texts of random length, some
 * so long that the tail drops by size and not by number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/event_tail.h"
#include "base/prng.h"

enum { EVENTS = 20000, READERS = 8, TEXT_SIZE = 64, PART_SIZE = 1000 };

static struct position place(uint32_t number)
{
    return (struct position){ 1 + number / 3, (number % 3) * 2 };
}

static struct str text_of(uint32_t number, char text[TEXT_SIZE])
{
    int len = snprintf(text, TEXT_SIZE, "[%u]", number);
    assert_true(len > 0 && len < TEXT_SIZE);
    return (struct str){ text, (size_t)len };
}

static struct event_tail *tail_new(void)
{
    struct event_tail *tail = calloc(1, sizeof *tail);
    assert_non_null(tail);
    event_tail_init(tail);
    return tail;
}

static void tail_free(struct event_tail *tail)
{
    event_tail_done(tail);
    free(tail);
}

/* Reads one part, which must go on where the reader is; next is the event he is to get. */
static void reader_read(const struct event_tail *tail, uint32_t *next, struct buf *part)
{
    struct position after = *next == 0 ? (struct position){ 0 } : place(*next - 1);
    if (!event_tail_covers(tail, after)) {
        assert_true(*next + tail->count < EVENTS); /* he is behind what the tail has */
        return;
    }
    buf_reset(part);
    uint32_t count = event_tail_copy(tail, PART_SIZE, &after, part);
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        char text[TEXT_SIZE];
        struct str wanted = text_of((*next)++, text);
        assert_true(at + wanted.len <= part->len);
        assert_memory_equal(part->data + at, wanted.data, wanted.len);
        at += wanted.len;
    }
    assert_int_equal(at, part->len);
    assert_true(part->len < PART_SIZE + TEXT_SIZE);
}

static void every_reader_gets_every_event_once(void **state)
{
    (void)state; /* unused */
    struct event_tail *tail = tail_new();
    struct prng prng;
    prng_init(&prng, 11);
    uint32_t next[READERS] = { 0 };
    struct buf part;
    buf_init(&part, PART_SIZE + TEXT_SIZE);
    for (uint32_t number = 0; number < EVENTS; number++) {
        char text[TEXT_SIZE];
        assert_true(event_tail_add(tail, place(number), text_of(number, text)));
        /* the first one keeps up, the last one hardly ever looks */
        uint32_t reader = (uint32_t)prng_below(&prng, READERS * 40);
        if (reader < READERS) reader_read(tail, &next[reader], &part);
        reader_read(tail, &next[0], &part);
        assert_int_equal(next[0], number + 1);
    }
    assert_true(tail->count <= TAIL_EVENTS_MAX);
    assert_true(tail->count >= TAIL_EVENTS_MAX / 2);
    buf_free(&part);
    tail_free(tail);
}

static void long_texts_drop_older_ones(void **state)
{
    (void)state; /* unused */
    enum { LONG = TAIL_SIZE_MAX / 2 - 1 };
    struct event_tail *tail = tail_new();
    char *text = malloc(LONG);
    assert_non_null(text);
    memset(text, 'x', LONG);
    for (uint32_t number = 0; number < 10; number++) {
        assert_true(event_tail_add(tail, place(number), (struct str){ text, LONG }));
        assert_true(event_tail_covers(tail, number == 0 ? tail->from : place(number - 1)));
        assert_true(tail->text.len <= TAIL_SIZE_MAX);
    }
    assert_false(event_tail_covers(tail, place(0)));
    free(text);
    tail_free(tail);
}

static void what_has_no_event_is_passed(void **state)
{
    (void)state; /* unused */
    struct event_tail *tail = tail_new();
    struct buf part;
    buf_init(&part, PART_SIZE);
    event_tail_reset(tail, (struct position){ 7, 5 });
    assert_false(event_tail_covers(tail, (struct position){ 7, 4 }));
    assert_true(event_tail_covers(tail, (struct position){ 7, 5 }));
    event_tail_pass(tail, (struct position){ 9, 0 });
    event_tail_pass(tail, (struct position){ 8, 0 }); /* never back */
    assert_int_equal(tail->to.batch, 9);
    struct position after = { 7, 5 };
    assert_int_equal(event_tail_copy(tail, PART_SIZE, &after, &part), 0);
    assert_int_equal(after.batch, 7);
    struct position future = { 100, 0 };
    assert_true(event_tail_covers(tail, future));
    assert_true(event_tail_add(tail, (struct position){ 9, 1 }, STR("new")));
    assert_int_equal(event_tail_copy(tail, PART_SIZE, &future, &part), 0);
    assert_int_equal(event_tail_copy(tail, PART_SIZE, &after, &part), 1);
    assert_int_equal(after.batch, 9);
    buf_free(&part);
    tail_free(tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reader_gets_every_event_once),
        cmocka_unit_test(long_texts_drop_older_ones),
        cmocka_unit_test(what_has_no_event_is_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
