/*
 * Goal: a finding is believed as it was signed, by whom it was signed, or not at all.
 * Method: one there and back; every byte of it flipped; texts that cannot be signed.
 */
#include "doctor/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tlog/note_test.h"

static const struct finding_note usual = {
    .incident = { "7F3A", 4 },
    .seen.bytes = { 1 },
    .original.bytes = { 2 },
    .at = { 400 * NS_PER_S },
    .text = { "The consumer was replayed.\n\nSee offsets 88120 to 88175.\n", 56 },
};

static void it_comes_back_as_it_was(void **state)
{
    (void)state; /* no fixture */
    struct note_signer eve;
    struct finding_note again;
    struct error error;
    BUF_SCOPE struct buf note;
    buf_init(&note, FINDING_NOTE_MAX);
    test_signer(&eve, "eve", NOTE_ED25519, 1);
    finding_write(&usual, &eve, &note);
    assert_int_equal(finding_read(buf_view(&note), &again, &error), STATUS_OK);
    assert_true(str_equal(again.incident, usual.incident));
    assert_true(str_equal(again.text, usual.text));
    assert_true(digest_equal(&again.seen, &usual.seen));
    assert_true(digest_equal(&again.original, &usual.original));
    assert_true(again.at.ns == usual.at.ns);
    assert_true(str_equal(note_key_name(&again.key), STR("eve")));
    for (size_t i = 0; i < note.len; i++) {
        ((uint8_t *)note.data)[i] ^= 1;
        assert_int_not_equal(finding_read(buf_view(&note), &again, &error), STATUS_OK);
        ((uint8_t *)note.data)[i] ^= 1;
    }
    assert_int_not_equal(finding_read(STR(""), &again, &error), STATUS_OK);
}

static void texts_that_cannot_be_signed(void **state)
{
    (void)state; /* no fixture */
    static char large[FINDING_TEXT_MAX + 2];
    memset(large, 'a', sizeof large);
    large[FINDING_TEXT_MAX] = '\n';
    assert_true(finding_text_is_valid(STR("a\n")));
    assert_false(finding_text_is_valid(STR("")));
    assert_false(finding_text_is_valid(STR("not ended")));
    assert_false(finding_text_is_valid(STR("bell \a\n")));
    assert_false(finding_text_is_valid((struct str){ large, FINDING_TEXT_MAX + 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back_as_it_was),
        cmocka_unit_test(texts_that_cannot_be_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
