/*
 * Goal: notes and keys are those of C2SP signed-note; one text for each, and whatever is changed
 * in a note is either refused or not signed.
 * Method: the key pair and note of Go's golang.org/x/mod/sumdb/note examples, the note and
 * cosignature of the C2SP texts; each bit of a note flipped; a note cut at each byte; texts that
 * are almost notes or keys, in tables; limits from both sides.
 */
#include "tlog/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/check_test.h"
#include "tlog/note_test.h"

#define VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define SKEY "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define TEXT                                                                                       \
    "If you think cryptography is the answer to your problem,\n"                                   \
    "then you don't know what your problem is.\n"
#define LINE                                                                                       \
    "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv" \
    "qfqdngotpRZb6KE6RyyBwJnAM=\n"

static void note_of_the_go_reference(void **state)
{
    (void)state; /* no fixture */
    struct note_key key;
    struct note_signer signer;
    assert_int_equal(note_key_parse(STR(VKEY), &key), STATUS_OK);
    assert_int_equal(note_signer_parse(STR(SKEY), &signer), STATUS_OK);
    assert_int_equal(key.id, 0xc74f20a3);
    assert_int_equal(signer.key.id, key.id);
    assert_memory_equal(&signer.key.public, &key.public, sizeof key.public);
    char text[NOTE_KEY_TEXT_SIZE];
    assert_true(str_equal(note_key_format(&key, text), STR(VKEY)));
    assert_true(str_equal(note_signer_format(&signer, text), STR(SKEY)));

    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    note_begin(&buf, STR(TEXT));
    note_sign(&buf, STR(TEXT), &signer);
    assert_string_equal(buf_terminated(&buf), TEXT "\n" LINE);
    struct note note;
    struct error error;
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_true(str_equal(note.text, STR(TEXT)));
    assert_int_equal(note.signature_count, 1);
    assert_int_equal(note_verify(&note, &key, &error), STATUS_OK);
    note_signer_done(&signer);
    note_signer_done(NULL);
}

/* C2SP signed-note and tlog-cosignature. */
static void notes_of_the_specifications(void **state)
{
    (void)state; /* no fixture */
    static const char poem[] =
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n"
        "ed \xc3\xa8 subito sera.\n\n\xe2\x80\x94 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPe"
        "FDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    static const char sofa[] =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN"
        "7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "\xe2\x80\x94 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9"
        "dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    struct note note;
    struct error error;
    assert_int_equal(note_parse(str_from(poem), &note, &error), STATUS_OK);
    assert_int_equal(note.signature_count, 1);
    assert_int_equal(note.signatures[0].id, 0x367ba04b);
    assert_true(str_equal(note.signatures[0].name, STR("quasimodo.example/salvatore")));
    assert_int_equal(note.text.data[note.text.len - 2], '.');
    assert_int_equal(note_parse(str_from(sofa), &note, &error), STATUS_OK);
    assert_int_equal(note.signature_count, 2);
    assert_int_equal(note.signatures[1].id, 0x8d66cf3f);
    assert_int_equal(note.signatures[1].encoded.len, BASE64_LEN(4 + 8 + 64));
}

/* A note that is changed in one bit is no note, not signed by us, or signed wrongly. */
static void no_changed_bit_is_believed(void **state)
{
    (void)state; /* no fixture */
    char bytes[] = TEXT "\n" LINE;
    struct str view = { bytes, sizeof bytes - 1 };
    struct note_key key;
    assert_int_equal(note_key_parse(STR(VKEY), &key), STATUS_OK);
    for (size_t i = 0; i < 8 * view.len; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
        struct note note;
        struct error error;
        enum status status = note_parse(view, &note, &error);
        if (status == STATUS_OK) status = note_verify(&note, &key, &error);
        if (status == STATUS_OK) fail_msg("bit %zu is not looked at", i);
        assert_true(error.message[0] != '\0');
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
    }
}

static void a_cut_note_is_none(void **state)
{
    (void)state; /* no fixture */
    for (size_t len = 0; len < sizeof TEXT "\n" LINE - 1; len++) {
        struct note note = { .signature_count = 77 };
        struct error error;
        assert_int_equal(note_parse((struct str){ TEXT "\n" LINE, len }, &note, &error),
                         STATUS_INVALID);
        assert_int_equal(note.signature_count, 77);
    }
}

static void what_is_almost_a_note_is_refused(void **state)
{
    (void)state; /* no fixture */
#define DASH "\xe2\x80\x94"
    static const char *const wrong[] = {
        "text\n" DASH " name AAAAAAE=\n",
        "text\n\nname AAAAAAE=\n",
        "text\n\n- name AAAAAAE=\n",
        "text\n\n" DASH "name AAAAAAE=\n",
        "text\n\n" DASH "  AAAAAAE=\n",
        "text\n\n" DASH " name\n",
        "text\n\n" DASH " name \n",
        "text\n\n" DASH " name AAAAAA==\n", /* an id and no signature */
        "text\n\n" DASH " name AAAAAAF=\n", /* bits that padding leaves over */
        "text\n\n" DASH " name AAAAAAE\n",
        "text\n\n" DASH " name  AAAAAAE=\n",
        "text\n\n" DASH " name AAAAAAE= \n",
        "text\n\n" DASH " na+me AAAAAAE=\n",
        "text\n\n" DASH " na\xc2\xa0me AAAAAAE=\n",
        "text\n\n" DASH " na\xe2\x80\x83me AAAAAAE=\n",
        "text\n\n" DASH " na\xe3\x80\x80me AAAAAAE=\n",
        "te\txt\n\n" DASH " name AAAAAAE=\n",
        "text\r\n\n" DASH " name AAAAAAE=\n",
        "te\xfft\n\n" DASH " name AAAAAAE=\n",
        "te\xed\xa0\x80t\n\n" DASH " name AAAAAAE=\n",
        "text\n\n" DASH " name AAAAAAE=\nmore\n",
        "text\n\n" DASH " name AAAAAAE=\n\n",
        "\n" DASH " name AAAAAAE=\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct note note;
        struct error error;
        if (note_parse(str_from(wrong[i]), &note, &error) != STATUS_INVALID) {
            fail_msg("note %zu is read", i);
        }
        assert_true(error.detail[0] != '\0');
    }
    static const char *const right[] = {
        "text\n\n" DASH " name AAAAAAE=\n",
        "\n\n" DASH " name AAAAAAE=\n",
        "a\n\nb\n\n" DASH " n\xc3\xa4me AAAAAAE=\n" DASH " name AAAAAAE=\n",
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct note note;
        struct error error;
        assert_int_equal(note_parse(str_from(right[i]), &note, &error), STATUS_OK);
    }
    struct note note;
    struct error error;
    assert_int_equal(
        note_parse((struct str){ "t\0\n\n" DASH " name AAAAAAE=\n", 21 }, &note, &error),
        STATUS_INVALID);
}

static void what_is_almost_a_key_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const wrong[] = {
        "",
        "PeterNeumann",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter+Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        "PeterNeumann-c74f20a3-ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        SKEY,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct note_key key = { .id = 77 };
        if (note_key_parse(str_from(wrong[i]), &key) != STATUS_INVALID) fail_msg("'%s'", wrong[i]);
        assert_int_equal(key.id, 77);
        struct note_signer signer = { .key.id = 77 };
        if (i + 1 == sizeof wrong / sizeof wrong[0]) continue;
        char text[128];
        int len = snprintf(text, sizeof text, "PRIVATE+KEY+%s", wrong[i]);
        assert_in_range(len, 12, 127);
        assert_int_equal(note_signer_parse(str_from(text), &signer), STATUS_INVALID);
        assert_int_equal(note_signer_parse(str_from(wrong[i]), &signer), STATUS_INVALID);
        assert_int_equal(signer.key.id, 77);
    }
}

/* The same seed and name, but another kind: another key. */
static void a_kind_is_part_of_the_id(void **state)
{
    (void)state; /* no fixture */
    struct note_signer one, other;
    test_signer(&one, "example.com/log", NOTE_ED25519, 7);
    test_signer(&other, "example.com/log", NOTE_COSIGNATURE, 7);
    assert_memory_equal(&one.key.public, &other.key.public, sizeof one.key.public);
    assert_int_not_equal(one.key.id, other.key.id);
    char text[NOTE_KEY_TEXT_SIZE];
    struct note_key back;
    assert_int_equal(note_key_parse(note_key_format(&other.key, text), &back), STATUS_OK);
    assert_int_equal(back.kind, NOTE_COSIGNATURE);
    struct note_signer again;
    assert_int_equal(note_signer_parse(note_signer_format(&other, text), &again), STATUS_OK);
    assert_true(secret_equal(&again.seed, &other.seed));
}

/* Others' signatures are passed over, even one with the same name or the same id. */
static void signatures_of_others_are_ignored(void **state)
{
    (void)state; /* no fixture */
    struct note_signer log, other;
    test_signer(&log, "log", NOTE_ED25519, 1);
    test_signer(&other, "other", NOTE_ED25519, 2);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 4096);
    note_begin(&buf, STR("text\n"));
    note_sign(&buf, STR("text\n"), &other);
    struct note_key same_name = log.key;
    struct note_key same_id = log.key;
    same_name.id++;
    same_id.name[0] = 'L';
    note_append_signature(&buf, &same_name, "x", 1);
    note_append_signature(&buf, &same_id, "x", 1);
    struct note note;
    struct error error;
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note_verify(&note, &log.key, &error), STATUS_NOT_FOUND);
    assert_string_equal(error.message, "there is no signature by 'log' with this key");
    assert_int_equal(note_verify(&note, &other.key, &error), STATUS_OK);
    note_sign(&buf, STR("text\n"), &log);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note_verify(&note, &log.key, &error), STATUS_OK);
    /* A wrong one beside a right one, before or behind it. */
    note_append_signature(&buf, &log.key, "x", 1);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note_verify(&note, &log.key, &error), STATUS_DENIED);
    note_sign(&buf, STR("text\n"), &log);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note_verify(&note, &log.key, &error), STATUS_DENIED);
}

static void limits_hold_from_both_sides(void **state)
{
    (void)state; /* no fixture */
    static uint8_t signature[NOTE_SIGNATURE_SIZE_MAX + 8];
    struct note_signer signer;
    test_signer(&signer, "log", NOTE_ED25519, 1);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, NOTE_SIZE_MAX + 4096);
    struct note note;
    struct error error;
    note_begin(&buf, STR("text\n"));
    for (unsigned i = 0; i < NOTE_SIGNATURES_MAX; i++) {
        note_append_signature(&buf, &signer.key, signature, 1);
    }
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    assert_int_equal(note.signature_count, NOTE_SIGNATURES_MAX);
    note_append_signature(&buf, &signer.key, signature, 1);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_LIMIT);

    buf_reset(&buf);
    note_begin(&buf, STR("text\n"));
    note_append_signature(&buf, &signer.key, signature, NOTE_SIGNATURE_SIZE_MAX);
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_OK);
    buf_reset(&buf);
    note_begin(&buf, STR("text\n"));
    buf_append_str(&buf, STR("\xe2\x80\x94 log "));
    base64_append(&buf, signature, 4 + NOTE_SIGNATURE_SIZE_MAX + 1);
    buf_append_byte(&buf, '\n');
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_INVALID);

    buf_reset(&buf);
    while (buf.len < NOTE_SIZE_MAX - 64) buf_append_byte(&buf, 'x');
    buf_append_str(&buf, STR("\n\n\xe2\x80\x94 log AAAAAAE=\n"));
    while (buf.len < NOTE_SIZE_MAX) buf_append_byte(&buf, 0); /* not looked at: it is too long */
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_INVALID);
    buf_append_byte(&buf, 'x');
    assert_int_equal(note_parse(buf_view(&buf), &note, &error), STATUS_LIMIT);

    char name[NOTE_NAME_LEN_MAX + 1];
    memset(name, 'n', sizeof name);
    assert_true(note_name_is_valid((struct str){ name, NOTE_NAME_LEN_MAX }));
    assert_false(note_name_is_valid((struct str){ name, NOTE_NAME_LEN_MAX + 1 }));
    assert_false(note_name_is_valid(STR("")));
    /* The longest text of a signer fits its room. */
    uint8_t seed[ED25519_SEED_SIZE] = { 1 };
    struct note_signer longest, back;
    char text[NOTE_KEY_TEXT_SIZE];
    assert_int_equal(
        note_signer_make((struct str){ name, NOTE_NAME_LEN_MAX }, NOTE_ED25519, seed, &longest),
        STATUS_OK);
    struct str view = note_signer_format(&longest, text);
    assert_int_equal(view.len + 1, NOTE_KEY_TEXT_SIZE);
    assert_int_equal(note_signer_parse(view, &back), STATUS_OK);
}

static void begin_with(void *text)
{
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 100);
    note_begin(&buf, str_from(text));
}

static void we_sign_no_text_that_is_none(void **state)
{
    (void)state; /* no fixture */
    static char wrong[][8] = { "", "text", "te\txt\n", "\xff\n" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(note_text_is_valid(str_from(wrong[i])));
        assert_true(dies(begin_with, wrong[i]));
    }
    assert_true(note_text_is_valid(STR("\n")));
    static char right[] = "text\n";
    assert_false(dies(begin_with, right));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note_of_the_go_reference),
        cmocka_unit_test(notes_of_the_specifications),
        cmocka_unit_test(no_changed_bit_is_believed),
        cmocka_unit_test(a_cut_note_is_none),
        cmocka_unit_test(what_is_almost_a_note_is_refused),
        cmocka_unit_test(what_is_almost_a_key_is_refused),
        cmocka_unit_test(a_kind_is_part_of_the_id),
        cmocka_unit_test(signatures_of_others_are_ignored),
        cmocka_unit_test(limits_hold_from_both_sides),
        cmocka_unit_test(we_sign_no_text_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
