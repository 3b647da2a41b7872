/*
 * Goal: a slot's messages become the records of their transactions; what is out of order ends it.
 * Method: a conversation as a server has it, whole and with messages left out or twice.
 */
#include "doctor/pgoutput_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define AT "\x00\x03\x03\xe5\x0b\x2c\xa0\x00"

enum { BEGIN, ORIGIN, RELATION, OTHER, UPDATE, OTHER_INSERT, TRUNCATE, COMMIT, MESSAGES };

static const struct str messages[MESSAGES] = {
    [BEGIN] = BYTES("B\x00\x00\x00\x00\x00\x00\x00\x2a" AT "\x00\x00\x02\xdd"),
    [ORIGIN] = BYTES("O\x00\x00\x00\x00\x00\x00\x00\x01west\0"),
    [RELATION] = BYTES("R\x00\x00\x00\x01public\0wallet\0f\x00\x02"
                       "\x01id\0\x00\x00\x00\x19\xff\xff\xff\xff"
                       "\x00"
                       "balance\0\x00\x00\x06\xa4\xff\xff\xff\xff"),
    [OTHER] = BYTES("R\x00\x00\x00\x02\0other\0d\x00\x01\x01id\0\x00\x00\x00\x19\xff\xff\xff\xff"),
    [UPDATE] = BYTES("U\x00\x00\x00\x01O\x00\x02t\x00\x00\x00\x02w1t\x00\x00\x00\x02"
                     "10N\x00\x02t\x00\x00\x00\x02w1t\x00\x00\x00\x01"
                     "7"),
    [OTHER_INSERT] = BYTES("I\x00\x00\x00\x02N\x00\x01t\x00\x00\x00\x01x"),
    [TRUNCATE] = BYTES("T\x00\x00\x00\x02\x00\x00\x00\x00\x01\x00\x00\x00\x02"),
    [COMMIT] = BYTES("C\x00\x00\x00\x00\x00\x00\x00\x00\x2a\x00\x00\x00\x00\x00\x00\x00\x2b" AT),
};

static struct reconcile_currencies currencies;
static struct wal_mapping mapping;
static struct pgoutput_session session;
static struct mask_counts masked;
static struct wal_writer writer;
static struct buf out;

static void begin(const char *text)
{
    struct error error;
    buf_free(&out);
    buf_init(&out, 1 << 16);
    writer = (struct wal_writer){ .currencies = &currencies, .out = &out, .masked = &masked };
    assert_int_equal(wal_mapping_parse(str_from(text), &currencies, &mapping, &error), STATUS_OK);
    pgoutput_session_init(&session, &mapping, &writer);
}

static const char good[] = "table account = public.wallet\naccount = id\namount = balance\n"
                           "currency == EUR\n";

/* The status of the first that is not taken. */
static enum status take(const int *numbers, size_t count, struct error *out_error)
{
    for (size_t i = 0; i < count; i++) {
        enum status status =
            pgoutput_session_take(&session, (int64_t)i, messages[numbers[i]], out_error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static void a_conversation_becomes_records(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    const int all[] = { BEGIN,    ORIGIN, RELATION, OTHER,  UPDATE, OTHER_INSERT,
                        TRUNCATE, COMMIT, BEGIN,    UPDATE, COMMIT };
    begin(good);
    assert_int_equal(take(all, sizeof all / sizeof all[0], &error), STATUS_OK);
    assert_int_equal(writer.rows, 7);
    assert_non_null(strstr(buf_terminated(&out),
                           "\"pos\":4,\"op\":\"update\",\"xid\":733,\"table_name\":\"account\","
                           "\"account\":\"w1\",\"ccy\":\"EUR\",\"before_amount\":\"1000\","
                           "\"after_amount\":\"700\"}\n"));
    assert_non_null(strstr(buf_terminated(&out), "\"pos\":42,\"op\":\"commit\",\"xid\":733}\n"));
    assert_null(strstr(buf_terminated(&out), "other"));
}

static void what_is_out_of_order_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        int numbers[4];
        size_t count;
        const char *words;
    } cases[] = {
        { { COMMIT }, 1, "outside" },
        { { UPDATE }, 1, "outside" },
        { { BEGIN, BEGIN }, 2, "inside" },
        { { BEGIN, COMMIT, COMMIT }, 3, "outside" },
        { { BEGIN, UPDATE }, 2, "did not name" },
        { { BEGIN, RELATION, TRUNCATE }, 3, "did not name" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;
        begin(good);
        assert_int_equal(take(cases[i].numbers, cases[i].count, &error), STATUS_INVALID);
        if (strstr(error.message, cases[i].words) == NULL) fail_msg("%zu: %s", i, error.message);
    }
}

static void a_table_without_a_mapped_column_is_refused(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    const int numbers[] = { BEGIN, RELATION };
    begin("table account = public.wallet\naccount = id\namount = saldo\ncurrency == EUR\n");
    assert_int_equal(take(numbers, 2, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "'saldo'"));
    begin("table account = pg_catalog.other\naccount = id\namount = id\ncurrency == EUR\n");
    const int others[] = { BEGIN, OTHER, OTHER_INSERT };
    assert_int_equal(take(others, 3, &error), STATUS_OK);
    assert_int_equal(writer.rejected, 1);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_becomes_records),
        cmocka_unit_test(what_is_out_of_order_is_refused),
        cmocka_unit_test(a_table_without_a_mapped_column_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
