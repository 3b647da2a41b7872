/*
 * Goal: a checkpoint is read as C2SP tlog-checkpoint has it, has one text, and is believed only
 * when the right key signed it for the right log.
 * Method: the example of the specification; texts that are almost checkpoints, in a table;
 * wrong key, wrong origin, changed text.
 */
#include "tlog/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tlog/note_test.h"

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define SOFA "example.com/behind-the-sofa\n20852163\n" ROOT

static void example_of_the_specification(void **state)
{
    (void)state; /* no fixture */
    struct checkpoint checkpoint;
    struct error error;
    assert_int_equal(checkpoint_parse(STR(SOFA), &checkpoint, &error), STATUS_OK);
    assert_true(str_equal(checkpoint.origin, STR("example.com/behind-the-sofa")));
    assert_int_equal(checkpoint.head.size, 20852163);
    assert_int_equal(checkpoint.head.root.bytes[0], 0x0A);
    assert_int_equal(checkpoint.head.root.bytes[31], 0x62);
    assert_int_equal(checkpoint.extensions.len, 0);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 1024);
    assert_int_equal(checkpoint_format(&checkpoint, &buf), STATUS_OK);
    assert_string_equal(buf_terminated(&buf), SOFA);
    buf_reset(&buf);
    checkpoint.extensions = STR("one\ntwo\n");
    assert_int_equal(checkpoint_format(&checkpoint, &buf), STATUS_OK);
    assert_int_equal(checkpoint_parse(buf_view(&buf), &checkpoint, &error), STATUS_OK);
    assert_true(str_equal(checkpoint.extensions, STR("one\ntwo\n")));
}

static void what_is_almost_a_checkpoint_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const wrong[] = {
        "",
        "\n",
        "origin\n",
        "origin\n5\n",
        "origin\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "\n5\n" ROOT,
        "origin\n\n" ROOT,
        "origin\n05\n" ROOT,
        "origin\n-5\n" ROOT,
        "origin\n+5\n" ROOT,
        "origin\n5 \n" ROOT,
        "origin\n0x5\n" ROOT,
        "origin\n9223372036854775808\n" ROOT,
        "origin\n18446744073709551621\n" ROOT,
        "origin\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "origin\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        "origin\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "origin\n5\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n5\n" ROOT "\n",
        "origin\n5\n" ROOT "one\n\n",
        "origin\n5\n" ROOT "\none\n",
        "origin\n5\n" ROOT "one",
        "origin\r\n5\r\n" ROOT,
        "ori\xffgin\n5\n" ROOT,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct checkpoint checkpoint = { .head.size = 77 };
        struct error error;
        enum status status = checkpoint_parse(str_from(wrong[i]), &checkpoint, &error);
        if (status != STATUS_INVALID) fail_msg("checkpoint %zu is read", i);
        assert_true(error.detail[0] != '\0');
        assert_int_equal(checkpoint.head.size, 77);
    }
    struct checkpoint checkpoint;
    struct error error;
    assert_int_equal(checkpoint_parse(STR("o\n9223372036854775807\n" ROOT), &checkpoint, &error),
                     STATUS_OK);
    assert_int_equal(checkpoint_parse(STR("o\n0\n" ROOT), &checkpoint, &error), STATUS_OK);
}

/* What cannot be read again is not written: a line more in an origin would be another size. */
static void nothing_ambiguous_is_written(void **state)
{
    (void)state; /* no fixture */
    static char long_text[CHECKPOINT_TEXT_SIZE_MAX];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\n';
    const struct checkpoint right = { .origin = STR("origin"), .head.size = 5 };
    struct checkpoint wrong[8];
    for (unsigned i = 0; i < 8; i++) wrong[i] = right;
    wrong[0].origin = STR("");
    wrong[1].origin = STR("origin\n7");
    wrong[2].origin = STR("ori\tgin");
    wrong[3].origin = (struct str){ long_text, CHECKPOINT_ORIGIN_LEN_MAX + 1 };
    wrong[4].extensions = STR("one");
    wrong[5].extensions = STR("one\n\n");
    wrong[6].extensions = STR("o\xffne\n");
    wrong[7].head.size = TREE_SIZE_MAX + 1;
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 2 * CHECKPOINT_TEXT_SIZE_MAX);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(checkpoint_format(&wrong[i], &buf), STATUS_INVALID);
    }
    struct checkpoint longest = right;
    longest.extensions = (struct str){ long_text, sizeof long_text };
    assert_int_equal(checkpoint_format(&longest, &buf), STATUS_LIMIT);
    assert_int_equal(buf.len, 0);
    size_t head = sizeof "origin\n5\n" ROOT - 1;
    longest.extensions.data += head;
    longest.extensions.len -= head;
    assert_int_equal(checkpoint_format(&longest, &buf), STATUS_OK);
    assert_int_equal(buf.len, CHECKPOINT_TEXT_SIZE_MAX);
    struct error error;
    assert_int_equal(checkpoint_parse(buf_view(&buf), &longest, &error), STATUS_OK);
    buf_append_str(&buf, STR("x\n"));
    assert_int_equal(checkpoint_parse(buf_view(&buf), &longest, &error), STATUS_INVALID);
    buf_free(&buf);
    buf_init(&buf, 20);
    assert_int_equal(checkpoint_format(&right, &buf), STATUS_LIMIT);
}

static void only_the_right_key_and_origin_open_it(void **state)
{
    (void)state; /* no fixture */
    struct note_signer log, other;
    test_signer(&log, "example.com/behind-the-sofa", NOTE_ED25519, 1);
    test_signer(&other, "example.com/behind-the-sofa", NOTE_ED25519, 2);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    note_begin(&buf, STR(SOFA));
    note_sign(&buf, STR(SOFA), &log);
    struct note note;
    struct error error;
    struct checkpoint checkpoint = { .head.size = 77 };
    struct str origin = STR("example.com/behind-the-sofa");
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(checkpoint_open(&note, &other.key, origin, &checkpoint, &error),
                     STATUS_NOT_FOUND);
    assert_int_equal(checkpoint_open(&note, &log.key, STR("example.com"), &checkpoint, &error),
                     STATUS_DENIED);
    assert_string_equal(error.message, "this is a checkpoint of another log");
    assert_int_equal(checkpoint.head.size, 77);
    assert_int_equal(checkpoint_open(&note, &log.key, origin, &checkpoint, &error), STATUS_OK);
    assert_int_equal(checkpoint.head.size, 20852163);
    buf.data[origin.len + 1] = '3'; /* the size */
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(checkpoint_open(&note, &log.key, origin, &checkpoint, &error), STATUS_DENIED);

    /* Signed by the log's key, but no checkpoint. */
    buf_reset(&buf);
    note_begin(&buf, STR("good morning\n"));
    note_sign(&buf, STR("good morning\n"), &log);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(checkpoint_open(&note, &log.key, origin, &checkpoint, &error), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_of_the_specification),
        cmocka_unit_test(what_is_almost_a_checkpoint_is_refused),
        cmocka_unit_test(nothing_ambiguous_is_written),
        cmocka_unit_test(only_the_right_key_and_origin_open_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
