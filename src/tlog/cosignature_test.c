/*
 * Goal: a cosignature is what C2SP tlog-cosignature has: over the time and the whole checkpoint,
 * by the witness's own kind of key; nothing changed in it passes.
 * Method: the signed message of the specification's example, put together by hand; each bit of
 * the cosignature flipped; other times, texts and keys.
 */
#include "tlog/cosignature.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "tlog/note_test.h"

#define SOFA                                                                                       \
    "example.com/behind-the-sofa\n20852163\n"                                                      \
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static void cosigned(struct buf *buf, uint64_t time_s, const struct note_signer *witness)
{
    buf_reset(buf);
    note_begin(buf, STR(SOFA));
    cosignature_sign(buf, STR(SOFA), time_s, witness);
}

static void message_is_as_specified(void **state)
{
    (void)state; /* no fixture */
    struct note_signer witness;
    test_signer(&witness, "witness.example.com/w1", NOTE_COSIGNATURE, 3);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    cosigned(&buf, 1679315147, &witness);
    struct note note;
    struct error error;
    uint8_t bytes[72];
    uint32_t at = 0;
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note_signature_by(&note, &witness.key, &at, bytes, sizeof bytes), STATUS_OK);
    assert_memory_equal(bytes, "\x00\x00\x00\x00\x64\x18\x50\xcb", 8);
    struct ed25519_signature signature;
    memcpy(signature.bytes, bytes + 8, sizeof signature.bytes);
    assert_true(ed25519_verify(&witness.key.public, STR("cosignature/v1\ntime 1679315147\n" SOFA),
                               &signature));
    uint64_t time_s = 0;
    assert_int_equal(cosignature_verify(&note, &witness.key, &time_s, &error), STATUS_OK);
    assert_int_equal(time_s, 1679315147);
}

static void no_changed_bit_passes(void **state)
{
    (void)state; /* no fixture */
    struct note_signer witness;
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    cosigned(&buf, 1679315147, &witness);
    uint64_t time_s = 77;
    for (size_t i = 0; i < 8 * buf.len; i++) {
        struct note note;
        struct error error;
        buf.data[i / 8] ^= (uint8_t)(1 << i % 8);
        enum status status = note_parse(buf_view(&buf), &note, &error);
        if (status == STATUS_OK) status = cosignature_verify(&note, &witness.key, &time_s, &error);
        if (status == STATUS_OK) fail_msg("bit %zu is not looked at", i);
        buf.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(time_s, 77);
}

/* The log's own kind of signature, with the same seed and name, is no cosignature. */
static void kinds_are_told_apart(void **state)
{
    (void)state; /* no fixture */
    struct note_signer witness, plain;
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    test_signer(&plain, "w", NOTE_ED25519, 3);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    note_begin(&buf, STR(SOFA));
    note_sign(&buf, STR(SOFA), &plain);
    struct note note;
    struct error error;
    uint64_t time_s;
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(cosignature_verify(&note, &witness.key, &time_s, &error), STATUS_NOT_FOUND);
    cosigned(&buf, 5, &witness);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note_verify(&note, &plain.key, &error), STATUS_NOT_FOUND);
}

static void the_newest_of_several_counts(void **state)
{
    (void)state; /* no fixture */
    struct note_signer witness;
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    cosigned(&buf, 5, &witness);
    cosignature_sign(&buf, STR(SOFA), INT64_MAX, &witness);
    cosignature_sign(&buf, STR(SOFA), 6, &witness);
    struct note note;
    struct error error;
    uint64_t time_s = 0;
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(cosignature_verify(&note, &witness.key, &time_s, &error), STATUS_OK);
    assert_true(time_s == INT64_MAX);
    /* One of another size in the witness's name, or with a time that cannot be. */
    note_append_signature(&buf, &witness.key, "x", 1);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(cosignature_verify(&note, &witness.key, &time_s, &error), STATUS_DENIED);
    /* Rightly signed, over a time that cannot be: 2^63. */
    buf_reset(&buf);
    note_begin(&buf, STR(SOFA));
    uint8_t bytes[72] = { 0x80 };
    struct ed25519_signature signature =
        ed25519_sign(&witness.seed, STR("cosignature/v1\ntime 9223372036854775808\n" SOFA));
    memcpy(bytes + 8, signature.bytes, sizeof signature.bytes);
    note_append_signature(&buf, &witness.key, bytes, sizeof bytes);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(cosignature_verify(&note, &witness.key, &time_s, &error), STATUS_DENIED);
}

/* A note whose text is too long for a checkpoint is not looked at further. */
static void a_long_text_is_not_cosigned(void **state)
{
    (void)state; /* no fixture */
    struct note_signer witness;
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    static char text[CHECKPOINT_TEXT_SIZE_MAX + 2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\n';
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 8192);
    note_begin(&buf, (struct str){ text, sizeof text });
    note_append_signature(&buf, &witness.key, text, 72);
    struct note note;
    struct error error;
    uint64_t time_s;
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(cosignature_verify(&note, &witness.key, &time_s, &error), STATUS_DENIED);
}

static void sign_at(void *time_s)
{
    struct note_signer witness;
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    cosigned(&buf, *(uint64_t *)time_s, &witness);
}

static void a_time_that_cannot_be_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    uint64_t time_s = INT64_MAX;
    assert_false(dies(sign_at, &time_s));
    time_s++;
    assert_true(dies(sign_at, &time_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_as_specified),
        cmocka_unit_test(no_changed_bit_passes),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(the_newest_of_several_counts),
        cmocka_unit_test(a_long_text_is_not_cosigned),
        cmocka_unit_test(a_time_that_cannot_be_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
