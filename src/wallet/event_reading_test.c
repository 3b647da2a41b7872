/*
 * Goal: an envelope that was written is read back; what is no event is refused, with a reason and
 * without reading past its end.
 * Method: an event written by event_envelope_write(), whole, cut after every byte, and with one
 * part at a time made wrong.
 */
#include "wallet/event_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wallet/event_envelope.h"

enum { ARENA_SIZE = 1 << 16 };

#define DATA                                                                                       \
    "{\"payment\":{\"id\":\"0190a1b2-0000-7000-8000-00000000c3d4\",\"kind\":\"refund\","           \
    "\"state\":\"succeeded\",\"asset\":\"EUR\",\"amount\":\"12.50\",\"payment\":"                  \
    "\"0190a1b2-0000-7000-8000-00000000c3d5\",\"version\":7,\"new\":[1,{}]},\"parent\":{\"id\":"   \
    "\"0190a1b2-0000-7000-8000-00000000c3d5\",\"state\":\"succeeded\",\"version\":9}}"

static void envelope(struct buf *out, const char *id, const char *type, const char *data)
{
    const struct feed_event event = {
        .id = str_from(id),
        .type = str_from(type),
        .source = STR("/tpwallet/0"),
        .subject = STR("0190a1b2-0000-7000-8000-00000000c3d4"),
        .time = { 1795414490 * NS_PER_S },
        .data = str_from(data),
    };
    buf_init(out, EVENT_SIZE_MAX);
    assert_int_equal(event_envelope_write(&event, NULL, out), STATUS_OK);
}

static enum status parse(struct str json, struct event_reading *out_event, struct error *out_error)
{
    static uint8_t memory[ARENA_SIZE];
    struct arena arena;
    arena_init_over(&arena, memory, sizeof memory);
    return event_reading_parse(json, &arena, out_event, out_error);
}

static void what_was_written_is_read(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf json;
    struct event_reading event;
    envelope(&json, "1207-3", "payment.succeeded", DATA);
    assert_int_equal(parse(buf_view(&json), &event, NULL), STATUS_OK);
    assert_true(str_equal(event.type, STR("payment.succeeded")));
    assert_true(str_equal(event.source, STR("/tpwallet/0")));
    assert_true(event.position.batch == 1207 && event.position.index == 3);
    assert_int_equal(event.time.ns, 1795414490 * NS_PER_S);
    assert_int_equal(event.payment_count, 2);
    assert_int_equal(event.payments[0].version, 7);
    assert_int_equal(event.payments[0].id.lo & 0xffff, 0xc3d4);
    assert_true(str_equal(event.payments[0].amount, STR("12.50")));
    assert_true(str_equal(event.payments[0].kind, STR("refund")));
    assert_int_equal(event.payments[1].version, 9);
    assert_int_equal(event.payments[1].amount.len, 0);
}

static void every_cut_is_refused(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf json;
    envelope(&json, "1207-3", "payment.succeeded", DATA);
    for (size_t len = 0; len < json.len; len++) {
        char *copy = malloc(len + 1); /* so that a sanitizer sees what is read behind it */
        assert_non_null(copy);
        memcpy(copy, json.data, len);
        struct event_reading event;
        struct error error = { 0 };
        assert_int_equal(parse((struct str){ copy, len }, &event, &error), STATUS_INVALID);
        assert_true(error.message[0] != '\0');
        free(copy);
    }
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *id;
        const char *type;
        const char *data;
    } rows[] = {
        { "x", "payment.succeeded", DATA },
        { "1207-3", "payment.succeeded", "{}" },
        { "1207-3", "payment.succeeded", "{\"payment\":{}}" },
        { "1207-3", "payment.succeeded", "{\"payment\":{\"id\":\"x\"}}" },
        { "1207-3", "payment.succeeded", "[]" },
        { "1207-3", "", DATA },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        BUF_SCOPE struct buf json;
        struct event_reading event;
        envelope(&json, rows[i].id, rows[i].type, rows[i].data);
        assert_int_equal(parse(buf_view(&json), &event, NULL), STATUS_INVALID);
    }
    struct event_reading event;
    assert_int_equal(parse(STR("{\"specversion\":\"0.3\"}"), &event, NULL), STATUS_INVALID);
    assert_int_equal(parse(STR("garbage"), &event, NULL), STATUS_INVALID);
}

static void events_of_other_things_have_no_payment(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf json;
    struct event_reading event;
    envelope(&json, "4-0", "transfer.direct", "{\"count\":1,\"transfers\":[]}");
    assert_int_equal(parse(buf_view(&json), &event, NULL), STATUS_OK);
    assert_int_equal(event.payment_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(events_of_other_things_have_no_payment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
