/*
 * Goal: records of Kafka's topic of offsets are read as brokers write them, and broken ones refused.
 * Method: records laid down byte by byte in each version; each of them cut at every byte.
 */
#include "doctor/offset_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"

#define BYTES(text) ((struct str){ (text), sizeof(text) - 1 })
#define KEY_OFFSET BYTES("\0\1\0\2g1\0\3pay\0\0\0\7")
#define KEY_GROUP BYTES("\0\2\0\2g1")

struct record_case {
    struct str key;
    struct str value;
    struct offset_record wanted;
};

#define COMMIT_WANTED                                                                              \
    {                                                                                              \
        .kind = OFFSET_RECORD_COMMIT, .topic = { "pay", 3 }, .partition = 7, .committed = 258,     \
        .time_ms = 1000                                                                            \
    }

static const struct record_case cases[] = {
    { KEY_OFFSET, BYTES("\0\0\0\0\0\0\0\0\1\2\0\1m\0\0\0\0\0\0\3\xe8"), COMMIT_WANTED },
    { KEY_OFFSET, BYTES("\0\1\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\0\3\xe8\0\0\0\0\0\0\0\1"),
      COMMIT_WANTED },
    { KEY_OFFSET, BYTES("\0\3\0\0\0\0\0\0\1\2\xff\xff\xff\xff\0\0\0\0\0\0\0\0\3\xe8"),
      COMMIT_WANTED },
    { KEY_OFFSET, BYTES("\0\4\0\0\0\0\0\0\1\2\0\0\0\5\2m\0\0\0\0\0\0\3\xe8\0"), COMMIT_WANTED },
    { KEY_GROUP,
      BYTES("\0\3\0\10consumer\0\0\0\5\0\5range\0\2m1\0\0\0\0\0\0\3\xe8\0\0\0\2"),
      { .kind = OFFSET_RECORD_GROUP, .generation = 5, .members = 2 } },
    { KEY_GROUP,
      BYTES("\0\1\0\10consumer\0\0\0\6\xff\xff\xff\xff\0\0\0\0"),
      { .kind = OFFSET_RECORD_GROUP, .generation = 6, .members = 0 } },
    { KEY_GROUP,
      BYTES("\0\4\11consumer\0\0\0\5\6range\0\0\0\0\0\0\0\3\xe8\3"),
      { .kind = OFFSET_RECORD_GROUP, .generation = 5, .members = 2 } },
};

static void records_of_every_version_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct offset_record *wanted = &cases[i].wanted;
        struct offset_record record;
        assert_int_equal(offset_record_parse(cases[i].key, cases[i].value, &record), STATUS_OK);
        assert_int_equal(record.kind, wanted->kind);
        assert_true(str_equal(record.group, STR("g1")));
        assert_true(str_equal(record.topic, wanted->topic));
        assert_int_equal(record.partition, wanted->partition);
        assert_int_equal(record.committed, wanted->committed);
        assert_int_equal(record.time_ms, wanted->time_ms);
        assert_int_equal(record.generation, wanted->generation);
        assert_int_equal(record.members, wanted->members);
    }
}

static void no_value_is_a_deletion_and_other_keys_are_others(void **state)
{
    (void)state;
    struct offset_record record;
    struct str none = { NULL, 0 };
    assert_int_equal(offset_record_parse(KEY_OFFSET, none, &record), STATUS_OK);
    assert_int_equal(record.kind, OFFSET_RECORD_DELETED);
    assert_int_equal(record.partition, 7);
    assert_int_equal(offset_record_parse(BYTES("\0\3x"), none, &record), STATUS_OK);
    assert_int_equal(record.kind, OFFSET_RECORD_OTHER);
    assert_int_equal(offset_record_parse(KEY_OFFSET, BYTES("\0\5"), &record), STATUS_CORRUPT);
}

static void what_ends_too_early_is_refused(void **state)
{
    (void)state;
    struct offset_record record;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str key = cases[i].key;
        for (; key.len > 0;) {
            key.len--;
            assert_int_equal(offset_record_parse(key, cases[i].value, &record), STATUS_CORRUPT);
        }
        struct str value = cases[i].value;
        value.len = 12; /* in the middle of what is told of all of them */
        for (; value.len > 0; value.len--)
            assert_int_equal(offset_record_parse(cases[i].key, value, &record), STATUS_CORRUPT);
    }
}

static void groups_are_where_brokers_put_them(void **state)
{
    (void)state;
    assert_int_equal(offset_record_partition(STR(""), 50), 0);
    assert_int_equal(offset_record_partition(STR("ab"), 50), (97 * 31 + 98) % 50);
    assert_int_equal(offset_record_partition(STR("polygenelubricants"), 50), 0); /* -2^31 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_version_are_read),
        cmocka_unit_test(no_value_is_a_deletion_and_other_keys_are_others),
        cmocka_unit_test(what_ends_too_early_is_refused),
        cmocka_unit_test(groups_are_where_brokers_put_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
